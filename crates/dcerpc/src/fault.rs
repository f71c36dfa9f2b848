//! Status values of fault PDUs and reasons of bind_nak.
//!
//! A fault is the runtime's word: the call did not complete in the way its interface describes.
//! What an operation itself has to say travels in its return value, never here.
//!
//! Source: C706 appendix E "Reject status codes"; [MS-RPCE] 3.1.1.5.5; [MS-ERREF] for the Win32
//! values.

use core::fmt;

/// The status field of a fault PDU. Unknown values are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FaultStatus(pub u32);

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $text:literal;)*) => {
        impl FaultStatus {
            $($(#[$doc])* pub const $name: Self = Self($value);)*

            /// The protocol's name of the value, if it has one.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// Level, identity or a limit forbids it.
    ACCESS_DENIED = 0x0000_0005, "access_denied";
    /// The server is shutting down.
    SERVER_UNAVAILABLE = 0x0000_06BA, "RPC_S_SERVER_UNAVAILABLE";
    /// A cancel for a call that does not exist.
    NO_CALL_ACTIVE = 0x0000_06BD, "RPC_S_NO_CALL_ACTIVE";
    /// The stub data do not decode.
    BAD_STUB_DATA = 0x0000_06F7, "RPC_X_BAD_STUB_DATA";
    /// A security package refused a PDU.
    SEC_PKG_ERROR = 0x0000_0721, "RPC_S_SEC_PKG_ERROR";
    /// A union's discriminant is unknown.
    INVALID_TAG = 0x1C00_0006, "nca_s_fault_invalid_tag";
    /// An array or string is longer than its type allows.
    INVALID_BOUND = 0x1C00_0007, "nca_s_fault_invalid_bound";
    /// The call was cancelled.
    CANCEL = 0x1C00_000D, "nca_s_fault_cancel";
    /// The manager routine failed in an unexpected way.
    UNSPECIFIED = 0x1C00_0012, "nca_s_fault_unspec";
    /// The context handle is unknown here, or not the caller's.
    CONTEXT_MISMATCH = 0x1C00_001A, "nca_s_fault_context_mismatch";
    /// The server has no memory for it.
    REMOTE_NO_MEMORY = 0x1C00_001B, "nca_s_fault_remote_no_memory";
    /// The authentication level is not supported.
    UNSUPPORTED_AUTHN_LEVEL = 0x1C00_001D, "nca_s_unsupported_authn_level";
    /// The operation number is out of range.
    OP_RANGE_ERROR = 0x1C01_0002, "nca_s_op_rng_error";
    /// The presentation context or interface is unknown.
    UNKNOWN_INTERFACE = 0x1C01_0003, "nca_s_unk_if";
    /// The peer broke the protocol.
    PROTOCOL_ERROR = 0x1C01_000B, "nca_s_proto_error";
    /// Global limits are reached.
    SERVER_TOO_BUSY = 0x1C01_0014, "nca_s_server_too_busy";
    /// The object UUID is not known to the interface.
    UNSUPPORTED_TYPE = 0x1C01_0017, "nca_s_unsupported_type";
}

impl fmt::Display for FaultStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (0x{:08X})", self.0),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

impl fmt::Debug for FaultStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for FaultStatus {}

/// The reason field of a bind_nak PDU. Unknown values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BindNakReason(pub u16);

impl BindNakReason {
    /// Not specified: a protocol error, or an association group that cannot be joined.
    pub const NOT_SPECIFIED: Self = Self(0);
    /// Too many peers at the moment.
    pub const TEMPORARY_CONGESTION: Self = Self(1);
    /// A limit of this peer is reached.
    pub const LOCAL_LIMIT_EXCEEDED: Self = Self(2);
    /// The first PDU was not a bind, or not of a version that is spoken here.
    pub const PROTOCOL_VERSION_NOT_SUPPORTED: Self = Self(4);
    /// No mechanism for the verifier's authentication type.
    pub const AUTHENTICATION_TYPE_NOT_RECOGNIZED: Self = Self(8);
    /// Authentication failed ("invalid checksum").
    pub const AUTHENTICATION_FAILED: Self = Self(9);
}

impl fmt::Display for BindNakReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match *self {
            Self::NOT_SPECIFIED => "reason not specified",
            Self::TEMPORARY_CONGESTION => "temporary congestion",
            Self::LOCAL_LIMIT_EXCEEDED => "local limit exceeded",
            Self::PROTOCOL_VERSION_NOT_SUPPORTED => "protocol version not supported",
            Self::AUTHENTICATION_TYPE_NOT_RECOGNIZED => "authentication type not recognized",
            Self::AUTHENTICATION_FAILED => "authentication failed",
            Self(other) => return write!(f, "reason {other}"),
        };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn known_and_unknown_statuses_print_their_number() {
        assert_eq!(FaultStatus::CANCEL.to_string(), "nca_s_fault_cancel (0x1C00000D)");
        assert_eq!(FaultStatus(0x1234).to_string(), "0x00001234");
    }
}
