//! Why a database cannot be recovered, and what to do about it.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use ese_format::header::DatabaseState;
use ese_format::trailer::TrailerMismatch;
use ese_format::{DbTime, LogGeneration, LogPosition, LogTime, PageNumber, Signature, jet};

use super::redo::{ReplayError, ReplayProblem};
use super::request::Until;
use crate::Error;
use crate::error::{ranges, rejections};
use crate::logs::RejectedLog;

/// Why a database cannot be recovered. Nothing has been changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] Error),
    /// There are several databases in the folder.
    #[error("{}: several databases: {}", folder.display(), listed(found))]
    SeveralDatabases {
        /// The folder.
        folder: PathBuf,
        /// The databases.
        found: Vec<PathBuf>,
    },
    /// There is neither a database nor a log.
    #[error("{}: neither a database nor logs", path.display())]
    Nothing {
        /// What was named.
        path: PathBuf,
    },
    /// There are logs of several streams and no database that says which is meant.
    #[error("{}: no database, and logs of {count} streams", path.display())]
    SeveralStreams {
        /// What was named.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// The database is in a state that no log leads out of.
    #[error("{}: its state is {state}, which no log leads out of", path.display())]
    State {
        /// The database.
        path: PathBuf,
        /// Its state.
        state: DatabaseState,
    },
    /// The database is dirty and was in use without logging.
    #[error("{}: dirty, and it was in use without logging", path.display())]
    NotLogged {
        /// The database.
        path: PathBuf,
    },
    /// The copy of a streaming backup has no trailer.
    #[error(
        "{}: the copy of a streaming backup without the trailer page at its end: the copy is \
         incomplete", path.display()
    )]
    NoTrailer {
        /// The database.
        path: PathBuf,
    },
    /// The trailer is of another copy.
    #[error("{}: {source}", path.display())]
    Trailer {
        /// The database.
        path: PathBuf,
        /// What differs.
        source: TrailerMismatch,
    },
    /// Log files that are needed are missing.
    #[error("{}", .0)]
    MissingLogs(Box<MissingLogs>),
    /// A log is of another history than the database.
    #[error(
        "{}: generation {generation} was made {found}, but the database was in use with one that \
         was made {expected}: these logs are of another history", log.display()
    )]
    OtherHistory {
        /// The log.
        log: PathBuf,
        /// Its generation.
        generation: LogGeneration,
        /// By the header of the database.
        expected: LogTime,
        /// By the log.
        found: LogTime,
    },
    /// The point to stop at lies before the database is consistent.
    #[error(
        "{}: its pages are as late as generation {needed}: it cannot be brought to {until}",
        path.display()
    )]
    UntilTooEarly {
        /// The database.
        path: PathBuf,
        /// The point to stop at.
        until: Until,
        /// The generation that is needed to its end.
        needed: LogGeneration,
    },
    /// The logs end before the database does.
    #[error(
        "{}: page {page} was changed at dbtime {found}, but the logs end at {end} with dbtime \
         {logged}: the end of the log is missing", path.display()
    )]
    LaterThanLogs {
        /// The database.
        path: PathBuf,
        /// The latest page.
        page: PageNumber,
        /// Its dbtime.
        found: DbTime,
        /// The highest dbtime of the logs.
        logged: DbTime,
        /// Where they end.
        end: LogPosition,
    },
    /// What can be reached is not sound.
    #[error(
        "{}: what the logs that are there lead to, up to {end}, is not consistent: {first}",
        path.display()
    )]
    NotConsistent {
        /// The database.
        path: PathBuf,
        /// Where the logs end.
        end: LogPosition,
        /// The first finding of the check.
        first: String,
    },
    /// The logs cannot be replayed.
    #[error("{0}")]
    Replay(#[from] Box<ReplayError>),
    /// A recovery in place was begun here and has not been carried out to its end.
    #[error("{}: a recovery in place was committed and is not finished", path.display())]
    Pending {
        /// The database.
        path: PathBuf,
    },
    /// The log that would be ended is in use by other databases.
    #[error(
        "{}: its log is that of other databases too, which are not recovered with it: {}",
        path.display(), others.join(", ")
    )]
    OtherDatabases {
        /// The database.
        path: PathBuf,
        /// The others, as the log names them.
        others: Vec<String>,
    },
}

/// Log files that are needed and missing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MissingLogs {
    /// The database, or the folder of logs.
    pub path: PathBuf,
    /// Where they were looked for.
    pub directories: Vec<PathBuf>,
    /// Signature of the log stream.
    pub signature: Signature,
    /// Without these the database cannot become consistent.
    pub required: Option<RangeInclusive<LogGeneration>>,
    /// Those that are needed and were not found, in ascending runs.
    pub missing: Vec<RangeInclusive<LogGeneration>>,
    /// Those that were found.
    pub found: Vec<RangeInclusive<LogGeneration>>,
    /// Other streams of which there are logs.
    pub foreign: Vec<Signature>,
    /// Files of such names that cannot be used.
    pub rejected: Vec<RejectedLog>,
    /// A file that has the generation but does not continue the one before it.
    pub no_successor: Option<PathBuf>,
    /// Where the logs lay on the system that wrote them.
    pub original_folder: Option<String>,
}

impl std::fmt::Display for MissingLogs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: logs of stream {} are missing", self.path.display(), self.signature)?;
        write!(f, ": generations {}", ranges(&self.missing))?;
        if let Some(required) = &self.required {
            write!(f, "; the database needs {}", ranges(std::slice::from_ref(required)))?;
        }
        match self.found.is_empty() {
            true => f.write_str(", none was found")?,
            false => write!(f, ", found were {}", ranges(&self.found))?,
        }
        for stream in &self.foreign {
            write!(f, "; there are logs of another stream, {stream}")?;
        }
        if let Some(path) = &self.no_successor {
            write!(f, "; {} is not the successor of the log before it", path.display())?;
        }
        f.write_str(&rejections(&self.rejected))
    }
}

impl MissingLogs {
    /// Whether the database can be made consistent without them, with the loss of what they hold.
    pub fn can_be_lost(&self) -> bool {
        let first = self.missing.first().map(|run| *run.start());
        match (&self.required, first) {
            (Some(required), Some(first)) => first > *required.end(),
            (None, Some(_)) | (_, None) => true,
        }
    }
}

impl RecoveryError {
    /// The engine's number for the error.
    pub fn jet_code(&self) -> i32 {
        match self {
            Self::File(error) => error.jet_code(),
            Self::SeveralDatabases { .. } | Self::SeveralStreams { .. } => {
                jet::ERR_INVALID_PARAMETER
            }
            Self::Nothing { .. } => jet::ERR_FILE_NOT_FOUND,
            Self::State { .. } | Self::NotLogged { .. } | Self::Pending { .. } => {
                jet::ERR_DATABASE_DIRTY_SHUTDOWN
            }
            Self::NoTrailer { .. } => jet::ERR_BAD_PATCH_PAGE,
            Self::Trailer { .. } => jet::ERR_DATABASE_PATCH_FILE_MISMATCH,
            Self::MissingLogs(missing) if missing.can_be_lost() => {
                jet::ERR_COMMITTED_LOG_FILES_MISSING
            }
            Self::MissingLogs(_) | Self::UntilTooEarly { .. } | Self::LaterThanLogs { .. } => {
                jet::ERR_REQUIRED_LOG_FILES_MISSING
            }
            Self::OtherHistory { .. } => jet::ERR_INVALID_LOG_SEQUENCE,
            Self::NotConsistent { .. } => jet::ERR_DATABASE_CORRUPTED,
            Self::Replay(error) => error.jet_code(),
            Self::OtherDatabases { .. } => jet::ERR_ATTACHED_DATABASE_MISMATCH,
        }
    }

    /// What to do next, for the person who wants the database back.
    pub fn advice(&self) -> Option<String> {
        let text = match self {
            Self::File(_) => return None,
            Self::SeveralDatabases { .. } => "Say which one is meant, by --db.".into(),
            Self::Nothing { .. } => "Name a database, or the folder that it lies in.".into(),
            Self::SeveralStreams { .. } => {
                "Name the database by --db, or put the logs of each stream into a folder of their \
                 own."
                    .into()
            }
            Self::State { .. } => "Use another copy or a backup of it.".into(),
            Self::NotLogged { .. } => {
                "There is nothing to replay. Use a backup, or read what is there with --as-is."
                    .into()
            }
            Self::NoTrailer { .. } | Self::Trailer { .. } => {
                "Copy the database again from the backup, whole, or use another backup.".into()
            }
            Self::MissingLogs(missing) => missing.advice(),
            Self::OtherHistory { .. } => {
                "Use the logs that were in use with this very copy of the database.".into()
            }
            Self::UntilTooEarly { needed, .. } => {
                format!("Name a point behind generation {needed}, or begin with an earlier backup.")
            }
            Self::LaterThanLogs { end, .. } => format!(
                "Find the rest of generation {} and what follows it; the log file here was \
                 copied before the database was, or was cut.",
                end.generation
            ),
            Self::NotConsistent { .. } => "Find the logs that are missing, or use a backup.".into(),
            Self::Replay(error) => return replay_advice(&error.what),
            Self::Pending { .. } => {
                "Run dsbackup recover --in-place on it again: it is carried out to its end.".into()
            }
            Self::OtherDatabases { .. } => {
                "Recover to a folder of its own with --out, where the log stays as it is.".into()
            }
        };
        Some(text)
    }
}

impl MissingLogs {
    fn advice(&self) -> String {
        let folder = match &self.original_folder {
            Some(folder) => format!("The system that wrote the logs keeps them in {folder}"),
            None => "Active Directory keeps its logs in C:\\Windows\\NTDS by default; the value \
                     \"Database log files path\" of HKLM\\SYSTEM\\CurrentControlSet\\Services\\\
                     NTDS\\Parameters names the folder"
                .to_owned(),
        };
        let loss = match self.can_be_lost() {
            true => " --lossy goes on without them, and loses what they hold.",
            false => " Without them the database cannot become consistent.",
        };
        format!(
            "{folder}: look for them there and in backups, and name the folder by --logs.{loss}"
        )
    }
}

fn replay_advice(problem: &ReplayProblem) -> Option<String> {
    let text = match problem {
        // What to do stands in the text, or lies elsewhere.
        ReplayProblem::Log(error) if !error.is_damage() => return None,
        ReplayProblem::Log(_) => {
            "Find another copy of this log file. --lossy stops before the damage if what is \
             reached then is consistent, and says what is lost."
        }
        ReplayProblem::NoSuccessor | ReplayProblem::PreviousChecksum { .. } => {
            "Use logs that were written one after the other, from one copy."
        }
        ReplayProblem::NoDatabase => {
            "Name the database, or find the logs from the first generation on."
        }
        _ => {
            "The database and the logs do not belong together, or one of them is damaged: check \
             both with dsbackup verify, and use another copy."
        }
    };
    Some(text.to_owned())
}

fn listed(paths: &[PathBuf]) -> String {
    let names = paths.iter().map(|path| {
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    });
    names.collect::<Vec<_>>().join(", ")
}

impl From<vfs::Error> for RecoveryError {
    fn from(error: vfs::Error) -> Self {
        Self::File(error.into())
    }
}
