//! What a stored file's header says about it.

use std::path::Path;
use std::sync::Arc;

use ese::{DatabaseFile, logs};
use ese_format::log_header::LogHeader;
use vfs::Storage;

use crate::manifest::{FileKind, HeaderFacts};
use crate::{Result, verify};

/// Facts for a file's entry in the manifest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// First and last log generation that the file holds or needs.
    pub(crate) first_generation: Option<u32>,
    pub(crate) last_generation: Option<u32>,
    pub(crate) header: Option<HeaderFacts>,
}

/// Reads what the header of a file says; nothing if it has none that is good.
pub(crate) fn of_file(storage: &Arc<dyn Storage>, path: &Path, kind: FileKind) -> Result<Facts> {
    match kind {
        FileKind::NtdsDatabase => match DatabaseFile::open(storage.clone(), path) {
            Ok(database) => Ok(of_database(&database)),
            Err(ese::Error::Storage(e)) => Err(e.into()),
            Err(_) => Ok(Facts::default()),
        },
        FileKind::Log => {
            let header = verify::log(storage.as_ref(), path)?;
            Ok(header.map(|header| of_log(&header)).unwrap_or_default())
        }
        FileKind::PatchFile => Ok(Facts::default()),
    }
}

fn of_database(database: &DatabaseFile) -> Facts {
    let header = database.header();
    let range = logs::required(header, database.layout().trailer.as_ref());
    Facts {
        first_generation: range.as_ref().map(|range| range.start().0),
        last_generation: range.as_ref().map(|range| range.end().0),
        header: Some(HeaderFacts::Database {
            page_size: database.page_size().get(),
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
