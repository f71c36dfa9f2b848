//! How a call can fail, as its caller sees it.

use std::io;

use dcerpc::fault::{BindNakReason, FaultStatus};

/// Why a call, or the making of a connection, failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server cannot be reached.
    #[error("cannot connect to {path}: {kind}")]
    Connect {
        /// The socket's path.
        path: String,
        /// The operating system's answer.
        kind: io::ErrorKind,
    },
    /// The server does not offer the interface, or not in an encoding that is spoken here.
    #[error("the server rejects the interface (result {result}, reason {reason})")]
    BindRejected {
        /// Result field of the answer.
        result: u16,
        /// Reason field of the answer.
        reason: u16,
    },
    /// The server refuses the connection.
    #[error("the server refuses the connection: {0}")]
    BindNak(BindNakReason),
    /// The server's runtime ended the call.
    #[error("the call ended with the fault {0}")]
    Fault(FaultStatus),
    /// The connection was lost; every later call gives the same error.
    #[error("the connection to the server was lost ({0})")]
    Lost(io::ErrorKind),
    /// The server broke the protocol and the connection was closed; every later call gives the
    /// same error.
    #[error(transparent)]
    Protocol(dcerpc::Error),
    /// A [`crate::blocking::Canceller`] ended the wait.
    #[error("cancelled")]
    Cancelled,
    /// The answer did not come in time. The call is still in flight and was told to end.
    #[error("no answer within the time allowed")]
    TimedOut,
}
