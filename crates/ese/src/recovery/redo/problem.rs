//! Why a replay cannot go on: which record, which page, what was expected.

use std::path::{Path, PathBuf};

use ese_format::log::record::{RecordError, RecordKind};
use ese_format::{LogPosition, PageNumber, jet};

use crate::Error;
use crate::apply::ApplyError;
use crate::logs::LogError;
use crate::recovery::attachment::AttachError;
use crate::recovery::macros::MacroTooLong;
use crate::recovery::redo_map::{MissingPage, PageProblem};

/// A replay that cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("{}", told(log, *position, *kind, what))]
#[non_exhaustive]
pub struct ReplayError {
    /// The log file.
    pub log: PathBuf,
    /// Where in the log.
    pub position: LogPosition,
    /// Type of the record, if it is about one.
    pub kind: Option<RecordKind>,
    /// What is the matter.
    #[source]
    pub what: ReplayProblem,
}

/// What keeps a replay from going on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayProblem {
    /// The record cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A record of a type that is no longer replayed.
    #[error("records of this type are of an old engine, and are not replayed")]
    Obsolete,
    /// What the record does cannot be done.
    #[error("page {page} of object {objid}: {source}")]
    Apply {
        /// The page of the record.
        page: PageNumber,
        /// The tree of the record.
        objid: u32,
        /// Why not.
        source: ApplyError,
    },
    /// The record undoes something that no earlier record did.
    #[error("page {page} of object {objid}: what the record undoes is not known")]
    VersionMissing {
        /// The page of the record.
        page: PageNumber,
        /// The tree of the record.
        objid: u32,
    },
    /// The logs are not those of the database.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// A macro without end.
    #[error(transparent)]
    Macro(#[from] MacroTooLong),
    /// The instance starts anew, but was not ended.
    #[error("the instance starts while {transactions} transactions are open")]
    OpenTransactions {
        /// How many.
        transactions: usize,
    },
    /// A transaction of a size that no engine makes.
    #[error("what the open transactions changed takes more than {limit} bytes to remember")]
    TransactionTooLarge {
        /// In bytes.
        limit: usize,
    },
    /// The database has all that it needs of the log, but a page is not what it has to be.
    #[error(
        "page {page}: {}; changes from {} on are lost", missing.problem, missing.position
    )]
    PageLost {
        /// The page.
        page: PageNumber,
        /// The first change that is missing.
        missing: MissingPage,
    },
    /// A log file cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A log file does not follow the one before.
    #[error("it is not the successor of the log file before it")]
    NoSuccessor,
    /// The log file before is not what it was when the next one was begun.
    #[error(
        "it names {named:#018x} as the checksums of the file before it, which come to {found:#018x}"
    )]
    PreviousChecksum {
        /// As the later file says.
        named: u64,
        /// As the earlier one is.
        found: u64,
    },
    /// There is nothing to replay.
    #[error("there are no log files")]
    NoLogs,
    /// There is no database, and the logs create none.
    #[error("the logs do not create the database")]
    NoDatabase,
    /// The logs end before the database is attached.
    #[error("the logs end before the place where the database is attached, {found}")]
    NeverAttached {
        /// Where, by its header.
        found: LogPosition,
    },
    /// A change was never committed, and nothing tells what was before it.
    #[error(
        "page {page} has a change that was never committed, and the logs do not have what was \
         before it"
    )]
    BeforeImageLost {
        /// The page.
        page: PageNumber,
    },
    /// A node that is to be put back is not in its tree.
    #[error("a node whose change is to be undone is not in the tree of object {objid}: {what}")]
    NodeLost {
        /// The tree.
        objid: u32,
        /// Where the search ended.
        what: &'static str,
    },
    /// A page that is needed to undo a change cannot be read.
    #[error("page {page}: {problem}")]
    Page {
        /// The page.
        page: PageNumber,
        /// Why not.
        problem: PageProblem,
    },
    /// Pages cannot be read or put aside, or the undo cannot be logged.
    #[error(transparent)]
    Storage(#[from] Error),
}

impl ReplayError {
    /// Whether nothing is wrong, but someone asked to stop.
    pub fn is_cancelled(&self) -> bool {
        matches!(&self.what, ReplayProblem::Storage(Error::Cancelled))
    }

    /// The engine's number for the error.
    pub fn jet_code(&self) -> i32 {
        self.what.jet_code()
    }
}

impl ReplayProblem {
    fn jet_code(&self) -> i32 {
        match self {
            Self::Record(_) => jet::ERR_LOG_FILE_CORRUPT,
            Self::Obsolete => jet::ERR_BAD_LOG_VERSION,
            Self::Apply { source, .. } => source.jet_code(),
            Self::Attach(error) => error.jet_code(),
            Self::Macro(_) | Self::VersionMissing { .. } | Self::OpenTransactions { .. } => {
                jet::ERR_LOG_CORRUPTED
            }
            Self::TransactionTooLarge { .. } => jet::ERR_VERSION_STORE_OUT_OF_MEMORY,
            Self::PageLost { missing, .. } => missing.problem.jet_code(),
            Self::Log(error) => error.jet_code(),
            Self::NoSuccessor => jet::ERR_INVALID_LOG_SEQUENCE,
            Self::PreviousChecksum { .. } => jet::ERR_LOG_SEQUENCE_CHECKSUM_MISMATCH,
            Self::NoLogs => jet::ERR_MISSING_LOG_FILE,
            Self::NoDatabase => jet::ERR_FILE_NOT_FOUND,
            Self::NeverAttached { .. } => jet::ERR_ATTACHED_DATABASE_MISMATCH,
            Self::BeforeImageLost { .. } => jet::ERR_REQUIRED_LOG_FILES_MISSING,
            Self::NodeLost { .. } => jet::ERR_DATABASE_CORRUPTED,
            Self::Page { problem, .. } => problem.jet_code(),
            Self::Storage(error) => error.jet_code(),
        }
    }
}

impl PageProblem {
    /// The engine's number for the error.
    pub fn jet_code(&self) -> i32 {
        match self {
            Self::Old { .. } => jet::ERR_DB_TIME_TOO_OLD,
            Self::BeyondEnd => jet::ERR_FILE_IO_BEYOND_EOF,
            Self::Unsound(crate::PageError::Zeroed) => jet::ERR_PAGE_NOT_INITIALIZED,
            Self::Unsound(crate::PageError::Damaged(damage)) => damage.jet_code(),
            Self::Unsound(crate::PageError::Structure(_)) => jet::ERR_DATABASE_CORRUPTED,
        }
    }
}

fn told(
    log: &Path,
    position: LogPosition,
    kind: Option<RecordKind>,
    what: &ReplayProblem,
) -> String {
    if log.as_os_str().is_empty() {
        return what.to_string();
    }
    let log = log.display();
    match (what, kind) {
        // It names the file and the place itself.
        (ReplayProblem::Log(error), _) => error.to_string(),
        (_, Some(kind)) => format!("{log}: {kind} record at {position}: {what}"),
        (_, None) => format!("{log}: at {position}: {what}"),
    }
}
