//! The errors of this crate: which file, which place, what was expected.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use ese_format::catalog::CatalogError;
use ese_format::compression::CompressionError;
use ese_format::header::HeaderError;
use ese_format::long_value::Lid;
use ese_format::page::Damage;
use ese_format::record::RecordError;
use ese_format::{LogGeneration, PageNumber, Signature, jet};

use crate::logs::RejectedLog;
use crate::{LongValueError, PageError, SeekError, TreeDamage};

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
    /// A page that is to be changed is already in the hands of another change.
    #[error("{}: page {page} is already being changed", path.display())]
    PageInUse {
        /// The file.
        path: PathBuf,
        /// The page.
        page: PageNumber,
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
    /// The space header of a tree, or an extent in its space trees, is not sound.
    #[error("{}: page {page}: the space of object {objid} cannot be told", path.display())]
    Space {
        /// The file.
        path: PathBuf,
        /// Object id of the tree.
        objid: u32,
        /// The page.
        page: PageNumber,
    },
    /// A row of the catalog cannot be read.
    #[error("{}: node {line} of page {page} of the catalog: {source}", path.display())]
    Catalog {
        /// The file.
        path: PathBuf,
        /// The page.
        page: PageNumber,
        /// Line of the row's node.
        line: usize,
        /// What is the matter.
        source: CatalogError,
    },
    /// A record cannot be read, or a part of it.
    #[error("{}: table {table}: node {line} of page {page}: {source}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Name of the table.
        table: String,
        /// The page.
        page: PageNumber,
        /// Line of the record's node.
        line: usize,
        /// What is the matter.
        source: RecordError,
    },
    /// Records from before Windows 2000, which have another form and are not read.
    #[error(
        "{}: table {table}: the records of page {page} have the format of Exchange 5.5 and older, \
         which is not read", path.display()
    )]
    OldRecordFormat {
        /// The file.
        path: PathBuf,
        /// Name of the table.
        table: String,
        /// The page.
        page: PageNumber,
    },
    /// A compressed value of a record cannot be decoded.
    #[error("{}: table {table}, column {column}: {source}", path.display())]
    Compressed {
        /// The file.
        path: PathBuf,
        /// Name of the table.
        table: String,
        /// Name of the column.
        column: String,
        /// What is the matter.
        source: CompressionError,
    },
    /// A value is encrypted with a key that the application keeps.
    #[error("{}: table {table}, column {column}: the value is encrypted", path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
        /// Name of the table.
        table: String,
        /// Name of the column.
        column: String,
    },
    /// A long value cannot be read.
    #[error("{}: long value {lid} of the tree of object {objid}: {what}", path.display())]
    LongValue {
        /// The file.
        path: PathBuf,
        /// Object id of the tree of long values; of the table if it has none.
        objid: u32,
        /// Id of the value.
        lid: Lid,
        /// What is the matter.
        what: LongValueError,
    },
    /// The database has no such table.
    #[error("{}: there is no table \"{table}\"", path.display())]
    NoSuchTable {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        table: String,
    },
    /// The table has no such column.
    #[error("{}: table {table} has no column \"{column}\"", path.display())]
    NoSuchColumn {
        /// The file.
        path: PathBuf,
        /// Name of the table.
        table: String,
        /// The name asked for.
        column: String,
    },
    /// The table has no such index.
    #[error("{}: table {table} has no index \"{index}\"", path.display())]
    NoSuchIndex {
        /// The file.
        path: PathBuf,
        /// Name of the table.
        table: String,
        /// The name asked for.
        index: String,
    },
    /// An index cannot be searched by values.
    #[error("{}: table {table}, index {index}: {source}", path.display())]
    Seek {
        /// The file.
        path: PathBuf,
        /// Name of the table.
        table: String,
        /// Name of the index.
        index: String,
        /// What is the matter.
        source: SeekError,
    },
    /// The log cannot be continued after a recovery.
    #[error("{}: the log cannot be continued: {what}", path.display())]
    UndoLog {
        /// The last log file.
        path: PathBuf,
        /// Why not.
        what: UndoLogError,
    },
    /// A file that is to be made is there already.
    #[error("{}: is there already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file system has too little room for what is to be written.
    #[error(
        "{}: {needed} bytes are to be written, but only {available} are free", directory.display()
    )]
    NoSpace {
        /// Where.
        directory: PathBuf,
        /// Bytes that are to be written.
        needed: u64,
        /// Bytes that are free.
        available: u64,
    },
    /// The journal of a recovery cannot be carried out.
    #[error("{}: {what}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// Why not.
        what: JournalError,
    },
    /// The caller's progress report asked to stop.
    #[error("cancelled")]
    Cancelled,
}

/// Why a log cannot be continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UndoLogError {
    /// A segment before the end of the records is damaged, and so is its shadow if it has one.
    #[error("sector {sector} is damaged")]
    Segment {
        /// The sector.
        sector: u16,
    },
    /// It is of a format that is only read, or has no room for records.
    #[error("its format is not one that is written")]
    Shape,
    /// A record is longer than a file.
    #[error("a record of {len} bytes does not fit in a file")]
    TooLong {
        /// In bytes.
        len: usize,
    },
    /// There is no further generation.
    #[error("the log has reached its last generation")]
    LastGeneration,
}

/// Why the journal of a recovery cannot be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// A recovery was committed here and has not been carried out to its end.
    #[error("a recovery was committed and is not finished; it has to be carried out first")]
    Pending,
    /// It is not one, or its bytes are not those that were written.
    #[error("is no journal of a recovery, or is damaged")]
    Damaged,
    /// The database beside it is not the one that was recovered.
    #[error("belongs to another database than the one beside it")]
    OtherDatabase,
    /// A name in it is not UTF-8.
    #[error("the name of a log file is not UTF-8")]
    Name,
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
            | Self::PageInUse { .. }
            | Self::Tree { .. }
            | Self::Catalog { .. }
            | Self::Space { .. }
            | Self::Record { .. }
            | Self::OldRecordFormat { .. }
            | Self::LongValue { .. }
            | Self::Compressed { .. }
            | Self::Encrypted { .. } => jet::ERR_DATABASE_CORRUPTED,
            Self::NoSuchTable { .. } => jet::ERR_OBJECT_NOT_FOUND,
            Self::NoSuchColumn { .. } => jet::ERR_COLUMN_NOT_FOUND,
            Self::Seek { .. } => jet::ERR_KEY_NOT_MADE,
            Self::NoSuchIndex { .. } => jet::ERR_INDEX_NOT_FOUND,
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
            Self::UndoLog { what: UndoLogError::LastGeneration, .. } => jet::ERR_LOG_SEQUENCE_END,
            Self::UndoLog { .. } => jet::ERR_LOG_FILE_CORRUPT,
            Self::Exists { .. } => jet::ERR_FILE_ACCESS_DENIED,
            Self::NoSpace { .. } => jet::ERR_DISK_FULL,
            Self::Journal { .. } => jet::ERR_DATABASE_DIRTY_SHUTDOWN,
            Self::Cancelled => jet::ERR_BACKUP_ABORT_BY_SERVER,
        }
    }
}

pub(crate) fn storage_code(kind: std::io::ErrorKind) -> i32 {
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

pub(crate) fn ranges(runs: &[RangeInclusive<LogGeneration>]) -> String {
    let texts: Vec<String> = runs
        .iter()
        .map(|run| match (run.start(), run.end()) {
            (first, last) if first == last => format!("{first}"),
            (first, last) => format!("{first}-{last}"),
        })
        .collect();
    texts.join(", ")
}

pub(crate) fn rejections(rejected: &[RejectedLog]) -> String {
    rejected.iter().map(|log| format!("; {log}")).collect()
}
