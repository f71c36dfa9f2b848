//! What can go wrong, and the documented code for it.
//!
//! | situation | code |
//! |---|---|
//! | the service returned a code | that code |
//! | socket missing, refused, wrong revision, interface rejected | `hrCouldNotConnect` |
//! | refused at bind or by fault 5 | `ERROR_ACCESS_DENIED` |
//! | service busy or out of memory | `ERROR_NOT_ENOUGH_MEMORY` |
//! | connection lost, protocol violated, in the middle of a context | `hrCommunicationError` |
//! | the service no longer knows the context | `hrInvalidHandle` |
//! | cancelled by another thread, time limit | `ERROR_CANCELLED` |
//!
//! Compare a code with 0; nothing else tells success from failure.

use std::io;
use std::sync::Arc;

use dcerpc::FaultStatus;
use ntdsb::HResult;

use crate::ansi::Untranslatable;
use crate::identity::BadIdentity;
use crate::server_name::NameError;

/// A failed call.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The service did the call and returned a code.
    #[error("{server}: {function}: {code}")]
    Refused {
        /// The server's name as the caller gave it.
        server: Arc<str>,
        /// The documented function.
        function: &'static str,
        /// What the service returned.
        code: HResult,
    },
    /// The server string leads nowhere.
    #[error("server name \"{server}\": {reason}")]
    ServerName {
        /// The string.
        server: String,
        /// The rule it breaks.
        reason: NameError,
    },
    /// There is no connection to the service.
    #[error("{server}: no connection to the service at {address}: {reason}: {code}")]
    Connect {
        /// The server's name as the caller gave it.
        server: Arc<str>,
        /// The socket.
        address: String,
        /// The system's or the service's word.
        reason: String,
        /// The documented code.
        code: HResult,
    },
    /// The runtime of the service refused the call; the context goes on.
    #[error("{server}: {function}: fault {status}: {code}")]
    Fault {
        /// The server's name as the caller gave it.
        server: Arc<str>,
        /// The documented function.
        function: &'static str,
        /// The fault's status.
        status: FaultStatus,
        /// The documented code.
        code: HResult,
    },
    /// The connection broke, or the other end violated the protocol. The context is of no further
    /// use; each later call on it repeats this.
    #[error("{server}: {function}: {reason}: {}", HResult::HR_COMMUNICATION_ERROR)]
    Lost {
        /// The server's name as the caller gave it.
        server: Arc<str>,
        /// The documented function in which it was noticed.
        function: &'static str,
        /// What was seen.
        reason: String,
    },
    /// Another thread ended the context or cancelled the call, or its time limit passed.
    #[error("{function}: the call was cancelled")]
    Cancelled {
        /// The documented function.
        function: &'static str,
    },
    /// An argument breaks a rule that the client library checks itself.
    #[error("{function}: {rule}")]
    Argument {
        /// The documented function.
        function: &'static str,
        /// The rule.
        rule: &'static str,
        /// The documented code.
        code: HResult,
    },
    /// Text cannot be converted without loss.
    #[error(transparent)]
    Untranslatable(#[from] Untranslatable),
    /// The arguments of DsSetAuthIdentity name no identity.
    #[error(transparent)]
    Identity(#[from] BadIdentity),
}

impl Error {
    /// The documented code.
    pub fn code(&self) -> HResult {
        match self {
            Self::Refused { code, .. }
            | Self::Connect { code, .. }
            | Self::Fault { code, .. }
            | Self::Argument { code, .. } => *code,
            Self::ServerName { reason: NameError::NotThisComputer, .. } => {
                HResult::RPC_S_INVALID_BINDING
            }
            Self::ServerName { .. } => HResult::HR_COULD_NOT_CONNECT,
            Self::Lost { .. } => HResult::HR_COMMUNICATION_ERROR,
            Self::Cancelled { .. } => HResult::ERROR_CANCELLED,
            Self::Untranslatable(_) => HResult::ERROR_NO_UNICODE_TRANSLATION,
            Self::Identity(_) => HResult::ERROR_INVALID_PARAMETER,
        }
    }

    /// The code's symbolic name, where it has one.
    pub fn name(&self) -> Option<&'static str> {
        self.code().name()
    }

    /// What to do next, in whole sentences, where something sensible can be said.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::ServerName { reason: NameError::NotThisComputer, .. } => Some(
                "Name the computer that this program runs on, or address the service's socket.",
            ),
            _ => self.code().advice(),
        }
    }

    pub(crate) fn argument(function: &'static str, rule: &'static str) -> Self {
        Self::Argument { function, rule, code: HResult::ERROR_INVALID_PARAMETER }
    }

    /// Whether the call can be made again with another outcome: it was ended from outside.
    pub(crate) fn is_interruption(&self) -> bool {
        matches!(self, Self::Cancelled { .. })
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.code() {
            HResult::ERROR_ACCESS_DENIED => io::ErrorKind::PermissionDenied,
            HResult::ERROR_NOT_ENOUGH_MEMORY => io::ErrorKind::OutOfMemory,
            HResult::HR_COMMUNICATION_ERROR => io::ErrorKind::ConnectionAborted,
            HResult::HR_READ_VERIFY_FAILURE => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_who_what_and_why() {
        let error = Error::Refused {
            server: "dc1".into(),
            function: "DsBackupRead",
            code: HResult::HR_READ_VERIFY_FAILURE,
        };
        let text = error.to_string();
        assert!(text.starts_with("dc1: DsBackupRead: hrReadVerifyFailure (0xC80003FA)"), "{text}");
        assert_eq!(error.name(), Some("hrReadVerifyFailure"));
        assert!(error.advice().is_some());
    }

    #[test]
    fn names_of_other_computers_are_told_apart() {
        let error = |reason| Error::ServerName { server: "x".into(), reason };
        assert_eq!(error(NameError::NotThisComputer).code(), HResult::RPC_S_INVALID_BINDING);
        assert_eq!(error(NameError::Malformed("")).code(), HResult::HR_COULD_NOT_CONNECT);
    }
}
