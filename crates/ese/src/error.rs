//! The errors of this crate: which file, which place, what was expected.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use ese_format::header::HeaderError;
use ese_format::page::Damage;
use ese_format::{LogGeneration, PageNumber, Signature, jet};

use crate::logs::RejectedLog;
use crate::{PageError, TreeDamage};

/// What can go wrong with a database or its logs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] vfs::Error),
    /// No usable database header.
    #[error("{}: {source}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is the matter.
        source: HeaderError,
    },
    /// A page that belongs to the database is damaged.
    #[error("{}: page {page} (offset {offset:#x}) is damaged: {damage}", path.display())]
    DamagedPage {
        /// The file.
        path: PathBuf,
        /// The page.
        page: PageNumber,
        /// Where it lies, in bytes.
        offset: u64,
        /// What is the matter.
        damage: Damage,
    },
    /// A page that is asked for does not exist.
    #[error("{}: page {page} does not exist; the file has pages up to {last}", path.display())]
    NoSuchPage {
        /// The file.
        path: PathBuf,
        /// The page.
        page: PageNumber,
        /// The last page of the file.
        last: PageNumber,
    },
    /// A page that is needed cannot be read though its checksum is not at fault.
    #[error("{}: page {page} cannot be read: {what}", path.display())]
    Page {
        /// The file.
        path: PathBuf,
        /// The page.
        page: PageNumber,
        /// What is the matter.
        what: PageError,
    },
    /// A page is not what its tree makes of it.
    #[error("{}: page {page} of the tree of object {objid} is damaged: {what}", path.display())]
    Tree {
        /// The file.
        path: PathBuf,
        /// Object id of the tree.
        objid: u32,
        /// The page.
        page: PageNumber,
        /// What is the matter.
        what: TreeDamage,
    },
    /// The cursor stands before the first or after the last node.
    #[error("{}: the cursor stands on no node", path.display())]
    NoCurrentNode {
        /// The file.
        path: PathBuf,
    },
    /// The file ends before the last page that the database owns.
    #[error(
        "{}: the file ends after page {last_present}, but the database owns pages up to \
         {last_owned}", path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The last page that is wholly there; 0 for none.
        last_present: PageNumber,
        /// The last page that the database owns.
        last_owned: PageNumber,
    },
    /// The file is shorter than it was when it was opened.
    #[error(
        "{}: the file ended at {end:#x} while being read; it had {len:#x} bytes when opened",
        path.display()
    )]
    Shrunk {
        /// The file.
        path: PathBuf,
        /// Where it ended, in bytes.
        end: u64,
        /// Its length when it was opened, in bytes.
        len: u64,
    },
    /// Logs that recovery needs are not there, or not usable.
    #[error(
        "{}: logs of stream {signature} are missing: generations {}{}",
        directory.display(), ranges(missing), rejections(rejected)
    )]
    MissingLogs {
        /// Where they were looked for.
        directory: PathBuf,
        /// Signature of the log stream.
        signature: Signature,
        /// The generations that are missing, in ascending runs.
        missing: Vec<RangeInclusive<LogGeneration>>,
        /// The highest generation without which the database stays inconsistent.
        max_required: LogGeneration,
        /// Files that bear a needed generation and are not usable.
        rejected: Vec<RejectedLog>,
    },
    /// Two logs of neighbouring generations do not follow each other.
    #[error(
        "{}: does not follow {}: it names {found} as the time of its predecessor, which was made \
         {expected}", path.display(), previous.display()
    )]
    LogSequence {
        /// The later log.
        path: PathBuf,
        /// The log of the generation before it.
        previous: PathBuf,
        /// When the previous log was made.
        expected: ese_format::LogTime,
        /// What the later log says of it.
        found: ese_format::LogTime,
    },
    /// The caller's progress report asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// The engine's number for the error.
    pub fn jet_code(&self) -> i32 {
        match self {
            Self::Storage(error) => storage_code(error.kind()),
            Self::Header { source: HeaderError::UnsupportedVersion { .. }, .. } => {
                jet::ERR_INVALID_DATABASE_VERSION
            }
            Self::DamagedPage { damage, .. }
            | Self::Page { what: PageError::Damaged(damage), .. } => damage.jet_code(),
            Self::Page { what: PageError::Zeroed, .. } => jet::ERR_PAGE_NOT_INITIALIZED,
            Self::Header { .. }
            | Self::NoSuchPage { .. }
            | Self::Page { .. }
            | Self::Tree { .. } => jet::ERR_DATABASE_CORRUPTED,
            Self::NoCurrentNode { .. } => jet::ERR_NO_CURRENT_RECORD,
            Self::Truncated { .. } | Self::Shrunk { .. } => jet::ERR_FILE_IO_BEYOND_EOF,
            Self::MissingLogs { missing, max_required, .. } => {
                let required = missing.iter().any(|run| run.start() <= max_required);
                if required {
                    jet::ERR_REQUIRED_LOG_FILES_MISSING
                } else {
                    jet::ERR_COMMITTED_LOG_FILES_MISSING
                }
            }
            Self::LogSequence { .. } => jet::ERR_INVALID_LOG_SEQUENCE,
            Self::Cancelled => jet::ERR_BACKUP_ABORT_BY_SERVER,
        }
    }
}

fn storage_code(kind: std::io::ErrorKind) -> i32 {
    use std::io::ErrorKind;
    match kind {
        ErrorKind::NotFound => jet::ERR_FILE_NOT_FOUND,
        ErrorKind::PermissionDenied => jet::ERR_FILE_ACCESS_DENIED,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => jet::ERR_DISK_FULL,
        ErrorKind::UnexpectedEof => jet::ERR_FILE_IO_BEYOND_EOF,
        ErrorKind::OutOfMemory => jet::ERR_OUT_OF_MEMORY,
        _ => jet::ERR_DISK_IO,
    }
}

fn ranges(runs: &[RangeInclusive<LogGeneration>]) -> String {
    let texts: Vec<String> = runs
        .iter()
        .map(|run| match (run.start(), run.end()) {
            (first, last) if first == last => format!("{first}"),
            (first, last) => format!("{first}-{last}"),
        })
        .collect();
    texts.join(", ")
}

fn rejections(rejected: &[RejectedLog]) -> String {
    rejected.iter().map(|log| format!("; {log}")).collect()
}
