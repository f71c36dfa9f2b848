//! What a run ends with: the exit code, and for a failure the text and the next step.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | findings, or a negative answer |
//! | 2 | usage |
//! | 3 | the input cannot be used: damaged, missing, of the wrong kind |
//! | 4 | refused: rights, policy, safety |
//! | 5 | the other end or the system failed |
//! | 130 | interrupted |

use std::io;
use std::process::ExitCode;

use ntdsb::HResult;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    Done = 0,
    Findings = 1,
    Usage = 2,
    Unusable = 3,
    Refused = 4,
    Failed = 5,
    Interrupted = 130,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Why a run failed, for the person who started it.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What failed, on which file or server, and what was expected.
    pub(crate) text: String,
    /// What to do next.
    pub(crate) advice: Option<String>,
    /// The documented result code, where there is one.
    pub(crate) code: Option<HResult>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into(), advice: None, code: None }
    }

    #[must_use]
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Puts what was going on before the text.
    #[must_use]
    pub(crate) fn during(mut self, what: &str) -> Self {
        self.text = format!("{what}: {}", self.text);
        self
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted; nothing was left behind")
    }
}

impl From<vfs::Error> for Failure {
    fn from(error: vfs::Error) -> Self {
        let (exit, advice) = match error.kind() {
            io::ErrorKind::NotFound => (Exit::Unusable, Some("Check the path.")),
            io::ErrorKind::PermissionDenied => {
                (Exit::Refused, Some("Run as a user that may do this, or change its rights."))
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory => (Exit::Unusable, None),
            io::ErrorKind::StorageFull => {
                (Exit::Failed, Some("Free space on the volume, or choose another one."))
            }
            _ => (Exit::Failed, None),
        };
        let failure = Self::new(exit, error.to_string());
        advice.map_or(failure.clone(), |advice| failure.advise(advice))
    }
}

impl From<backup_set::Error> for Failure {
    fn from(error: backup_set::Error) -> Self {
        use backup_set::Error;
        let text = error.to_string();
        match error {
            Error::Storage(error) => error.into(),
            Error::Cancelled => Self::interrupted(),
            Error::Recovery(error) => (*error).into(),
            Error::NoManifest { .. } => Self::new(Exit::Unusable, text)
                .advise("Name the folder of a finished backup; an unfinished one cannot be used."),
            Error::NotEmpty { .. } => Self::new(Exit::Refused, text).advise(
                "Name an empty or new folder; a restore replaces files when told --overwrite.",
            ),
            Error::ForeignLog { .. } => Self::new(Exit::Refused, text)
                .advise("Move the other logs away, or restore to an empty folder."),
            Error::Differs { .. } => Self::new(Exit::Unusable, text)
                .advise("This copy is damaged; use another backup set or another copy of it."),
            Error::StreamLength { .. } => Self::new(Exit::Failed, text),
            _ => Self::new(Exit::Unusable, text),
        }
    }
}

impl From<ntdsbcli::Error> for Failure {
    fn from(error: ntdsbcli::Error) -> Self {
        let code = error.code();
        let failure = Self {
            exit: exit_of(code),
            text: error.to_string(),
            advice: error.advice().map(str::to_owned),
            code: Some(code),
        };
        match error {
            ntdsbcli::Error::ServerName { .. } => Self { exit: Exit::Usage, ..failure },
            ntdsbcli::Error::Connect { .. } if failure.advice.is_none() => failure
                .advise("Check that the service runs (dsbackup serve) and the socket's path."),
            _ => failure,
        }
    }
}

/// The exit code for a documented result code.
fn exit_of(code: HResult) -> Exit {
    match code {
        HResult::ERROR_ACCESS_DENIED
        | HResult::HR_CONTENTS_EXPIRED
        | HResult::HR_AFTER_INITIALIZATION
        | HResult::HR_RESTORE_IN_PROGRESS
        | HResult::HR_BACKUP_IN_PROGRESS => Exit::Refused,
        HResult::HR_UNKNOWN_EXPIRY_TOKEN_FORMAT => Exit::Unusable,
        HResult::ERROR_CANCELLED => Exit::Interrupted,
        _ => Exit::Failed,
    }
}

impl From<ntdsbsrv::ServeError> for Failure {
    fn from(error: ntdsbsrv::ServeError) -> Self {
        use ntdsbsrv::ServeError;
        use ntdsbsrv::directory::DirectoryError;
        let text = error.to_string();
        match error {
            ServeError::Storage(error) | ServeError::Directory(DirectoryError::Storage(error)) => {
                error.into()
            }
            ServeError::Directory(DirectoryError::Engine(error)) => error.into(),
            ServeError::Directory(DirectoryError::NotHostable { .. }) => {
                Self::new(Exit::Unusable, text)
                    .advise("Host a database that was closed, or that is dirty with all its logs.")
            }
            ServeError::Directory(_)
            | ServeError::Policy(_)
            | ServeError::Config { .. }
            | ServeError::State { .. }
            | ServeError::Unpublishable { .. } => Self::new(Exit::Unusable, text),
            ServeError::StateInUse { .. } | ServeError::SocketInUse { .. } => {
                Self::new(Exit::Refused, text)
            }
            _ => Self::new(Exit::Failed, text),
        }
    }
}

impl From<ese::Error> for Failure {
    fn from(error: ese::Error) -> Self {
        use ese::Error;
        use ese_format::header::HeaderError;
        let text = error.to_string();
        match error {
            Error::Storage(error) => error.into(),
            Error::Cancelled => Self::interrupted(),
            Error::Header { source: HeaderError::Damaged { .. }, .. } => {
                Self::new(Exit::Unusable, text)
                    .advise("Use another copy; without a header nothing in the file can be read.")
            }
            Error::Header { .. } => Self::new(Exit::Unusable, text)
                .advise("Name an ESE database such as ntds.dit, or a log or a backup set."),
            Error::MissingLogs { .. } => Self::new(Exit::Unusable, text)
                .advise("Put the missing logs beside the others, or use a backup set."),
            Error::Exists { .. } => Self::new(Exit::Refused, text)
                .advise("Nothing is replaced: name another folder, or move the file away."),
            Error::NoSpace { .. } => Self::new(Exit::Failed, text)
                .advise("Free space on the volume, or choose another one."),
            _ => Self::new(Exit::Unusable, text)
                .advise("Use a sound copy of the file: restore a backup set."),
        }
    }
}

impl From<ese::recovery::RecoveryError> for Failure {
    fn from(error: ese::recovery::RecoveryError) -> Self {
        use ese::recovery::RecoveryError;
        let (text, advice) = (error.to_string(), error.advice());
        let exit = match error {
            RecoveryError::File(error) => return error.into(),
            RecoveryError::Replay(error) if error.is_cancelled() => return Self::interrupted(),
            RecoveryError::SeveralDatabases { .. } | RecoveryError::SeveralStreams { .. } => {
                Exit::Usage
            }
            RecoveryError::Pending { .. } | RecoveryError::OtherDatabases { .. } => Exit::Refused,
            _ => Exit::Unusable,
        };
        Self { advice, ..Self::new(exit, text) }
    }
}
