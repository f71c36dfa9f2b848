//! What can go wrong on a connection.

use crate::fault::{BindNakReason, FaultStatus};
use crate::pdu::PacketType;
use crate::{CallId, ContextId};

/// Why a connection or a request to it failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A PDU contradicts its own lengths.
    #[error("malformed {packet} PDU: {what}")]
    Malformed {
        /// The PDU's type.
        packet: PacketType,
        /// Which rule it breaks.
        what: &'static str,
    },
    /// The peer speaks another version than 5.0.
    #[error("the peer speaks version {major}.{minor} of the protocol, not 5.0")]
    Version {
        /// rpc_vers.
        major: u8,
        /// rpc_vers_minor.
        minor: u8,
    },
    /// The peer's numbers or characters cannot be read.
    #[error("the peer uses the data representation {label:02x?}")]
    DataRepresentation {
        /// The four bytes of the label.
        label: [u8; 4],
    },
    /// A PDU that has no place in the connection's state.
    #[error("unexpected {packet} PDU {state}")]
    Unexpected {
        /// The PDU's type.
        packet: PacketType,
        /// The state, as the end of a sentence.
        state: &'static str,
    },
    /// The peer broke a rule of the protocol.
    #[error("protocol violation: {0}")]
    Violation(&'static str),
    /// A limit was exceeded.
    #[error("the peer exceeds the limit of {limit} {what}")]
    Limit {
        /// What is counted.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The server answered the bind with bind_nak.
    #[error("the server refused the connection: {0}")]
    BindNak(BindNakReason),
    /// The server answered a bind or alter_context with a fault.
    #[error("the server answered the bind with the fault {0}")]
    BindFault(FaultStatus),
    /// The server answered a call with a fault after which it hangs up.
    #[error("the server ended the connection with the fault {0}")]
    FatalFault(FaultStatus),
    /// The caller of this library asked for something impossible.
    #[error("call of the library in the wrong state: {0}")]
    ApiMisuse(&'static str),
    /// No such presentation context was accepted.
    #[error("presentation context {0} is not bound")]
    NotBound(ContextId),
    /// No such call is in flight.
    #[error("call {0} is not in flight")]
    NoSuchCall(CallId),
    /// The connection ended earlier.
    #[error("the connection has ended")]
    Closed,
}
