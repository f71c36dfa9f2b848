//! What a stored file's header says about it.

use std::path::Path;

use ese_format::header::{ShadowedHeader, read_shadowed};
use ese_format::log_header::{LOG_HEADER_LEN, LogHeader};
use vfs::{OpenMode, Storage};

use crate::Result;
use crate::manifest::{FileKind, HeaderFacts};

/// Facts for a file's entry in the manifest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// First and last log generation that the file holds or needs.
    pub(crate) first_generation: Option<u32>,
    pub(crate) last_generation: Option<u32>,
    pub(crate) header: Option<HeaderFacts>,
}

/// Reads what the header at the beginning of a file says; nothing if it has none that is good.
pub(crate) fn of_file(storage: &dyn Storage, path: &Path, kind: FileKind) -> Result<Facts> {
    let len = match kind {
        FileKind::NtdsDatabase => ese_format::header::SHADOWED_LEN,
        FileKind::Log => LOG_HEADER_LEN,
        FileKind::PatchFile => return Ok(Facts::default()),
    };
    let mut beginning = vec![0; len];
    let n = storage.open(path, OpenMode::Read)?.read_at(&mut beginning, 0)?;
    beginning.truncate(n);
    Ok(match kind {
        FileKind::NtdsDatabase => {
            read_shadowed(&beginning).map(|h| of_database(&h)).unwrap_or_default()
        }
        _ => LogHeader::parse(&beginning).map(|h| of_log(&h)).unwrap_or_default(),
    })
}

fn of_database(shadowed: &ShadowedHeader) -> Facts {
    let header = &shadowed.header;
    let (first, last) = if header.needs_trailer() {
        (header.current_backup.first_generation.0, 0)
    } else if header.is_dirty() {
        (header.min_required.0, header.max_required.0.max(header.max_committed.0))
    } else {
        (0, 0)
    };
    Facts {
        first_generation: (first != 0).then_some(first),
        last_generation: (last != 0).then_some(last),
        header: Some(HeaderFacts::Database {
            page_size: shadowed.page_size.get(),
            state: header.state.to_string(),
            version: header.format_version().to_string(),
            dbtime: header.dbtime.0,
            signature: header.signature.to_string(),
            log_signature: header.log_signature.to_string(),
        }),
    }
}

fn of_log(header: &LogHeader) -> Facts {
    Facts {
        first_generation: Some(header.generation.0),
        last_generation: Some(header.generation.0),
        header: Some(HeaderFacts::Log {
            generation: header.generation.0,
            log_signature: header.signature.to_string(),
            created: header.created.to_string(),
        }),
    }
}
