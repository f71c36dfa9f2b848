//! Names on the wire: interfaces, syntaxes, presentation contexts, calls.
//!
//! ```text
//! p_syntax_id_t:   0  16  uuid
//!                 16   4  version: minor << 16 | major
//! ```
//!
//! Source: C706 12.6.3.1; [MS-RPCE] 2.2.2.14 (bind-time feature negotiation), 2.2.4.12 (NDR64).

use core::fmt;

use ms_dtyp::Guid;

/// An interface: what a client binds to and a server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Interface {
    /// The interface's UUID.
    pub uuid: Guid,
    /// Major version: must be equal.
    pub major: u16,
    /// Minor version: the client's must not be greater than the server's.
    pub minor: u16,
}

impl Interface {
    /// Whether a server that offers `self` serves a client that asks for `wanted`.
    pub fn serves(&self, wanted: &SyntaxId) -> bool {
        self.uuid == wanted.uuid && self.major == wanted.major && wanted.minor <= self.minor
    }
}

impl From<Interface> for SyntaxId {
    fn from(interface: Interface) -> Self {
        Self { uuid: interface.uuid, major: interface.major, minor: interface.minor }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}.{}", self.uuid, self.major, self.minor)
    }
}

/// An abstract or transfer syntax as it stands in bind and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SyntaxId {
    /// The syntax' UUID.
    pub uuid: Guid,
    /// Major version.
    pub major: u16,
    /// Minor version.
    pub minor: u16,
}

/// Number of a presentation context: the client's choice, valid on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContextId(pub u16);

/// Number of a call: the client's choice, valid on one connection while the call is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u32);

impl SyntaxId {
    /// What stands in a rejection: zeros.
    pub const NONE: Self = Self { uuid: Guid::NIL, major: 0, minor: 0 };

    /// NDR 2.0, the transfer syntax that is spoken here:
    /// `8a885d04-1ceb-11c9-9fe8-08002b104860` version 2.0.
    pub fn ndr20() -> Self {
        Self { uuid: Guid::from_bytes(NDR20), major: 2, minor: 0 }
    }

    /// NDR64, `71710533-beba-4937-8319-b5dbef9ccc36` version 1.0: known, and refused.
    pub fn ndr64() -> Self {
        Self { uuid: Guid::from_bytes(NDR64), major: 1, minor: 0 }
    }

    /// The pseudo syntax that carries bind-time feature bits.
    pub fn bind_time_features(bits: u64) -> Self {
        let mut bytes = [0u8; 16];
        let (prefix, mask) = bytes.split_at_mut(8);
        prefix.copy_from_slice(&BIND_TIME_FEATURES);
        mask.copy_from_slice(&bits.to_le_bytes());
        Self { uuid: Guid::from_bytes(bytes), major: 1, minor: 0 }
    }

    /// The feature bits, if this is the pseudo syntax of bind-time feature negotiation.
    pub fn feature_bits(&self) -> Option<u64> {
        let bytes = self.uuid.to_bytes();
        let (prefix, mask) = bytes.split_at_checked(8)?;
        if prefix != BIND_TIME_FEATURES || (self.major, self.minor) != (1, 0) {
            return None;
        }
        Some(u64::from_le_bytes(mask.try_into().ok()?))
    }
}

impl fmt::Display for SyntaxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}.{}", self.uuid, self.major, self.minor)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for ContextId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Bind-time feature: several security contexts on one connection.
pub const FEATURE_SECURITY_CONTEXT_MULTIPLEXING: u64 = 0x1;

/// Bind-time feature: the connection survives an orphaned call whose response is being sent.
pub const FEATURE_KEEP_CONNECTION_ON_ORPHAN: u64 = 0x2;

const NDR20: [u8; 16] =
    [0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0, 0x2b, 0x10, 0x48, 0x60];
const NDR64: [u8; 16] = [
    0x33, 0x05, 0x71, 0x71, 0xba, 0xbe, 0x37, 0x49, 0x83, 0x19, 0xb5, 0xdb, 0xef, 0x9c, 0xcc, 0x36,
];
const BIND_TIME_FEATURES: [u8; 8] = [0x2c, 0x1c, 0xb7, 0x6c, 0x12, 0x98, 0x40, 0x45];

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn well_known_syntaxes_have_their_published_names() {
        assert_eq!(SyntaxId::ndr20().to_string(), "8a885d04-1ceb-11c9-9fe8-08002b104860 v2.0");
        assert_eq!(SyntaxId::ndr64().to_string(), "71710533-beba-4937-8319-b5dbef9ccc36 v1.0");
        assert_eq!(
            SyntaxId::bind_time_features(3).uuid.to_string(),
            "6cb71c2c-9812-4540-0300-000000000000"
        );
    }

    #[test]
    fn feature_bits_come_back() {
        assert_eq!(SyntaxId::bind_time_features(0x8003).feature_bits(), Some(0x8003));
        assert_eq!(SyntaxId::ndr20().feature_bits(), None);
    }

    #[test]
    fn an_interface_serves_its_major_and_older_minors() {
        let offered = Interface { uuid: Guid::from_bytes([7; 16]), major: 2, minor: 3 };
        let ask = |major, minor| SyntaxId { uuid: offered.uuid, major, minor };
        assert!(offered.serves(&ask(2, 0)));
        assert!(offered.serves(&ask(2, 3)));
        assert!(!offered.serves(&ask(2, 4)));
        assert!(!offered.serves(&ask(1, 0)));
        assert!(!offered.serves(&SyntaxId::ndr20()));
    }
}
