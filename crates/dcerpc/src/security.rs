//! Who the peer is, and where authentication mechanisms plug in.
//!
//! A [`SecurityContext`] is one security context of one connection. The machines ask it who the
//! caller is, at which level the traffic is protected, how much room a signature takes, and let it
//! protect and check each fragment. [`LocalPeer`] is the context of a transport whose peer the
//! kernel identifies: there is nothing to negotiate and nothing to sign, and what passes through
//! it counts as private.
//!
//! Source: C706 13.2 (authentication verifiers), [MS-RPCE] 2.2.1.1.8 (levels).

use alloc::vec::Vec;

/// Protection of the traffic; the numbers are those of the verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AuthLevel {
    /// No authentication.
    None = 1,
    /// Authentication when the connection is made.
    Connect = 2,
    /// Authentication of each call; means [`Self::Packet`] on connections.
    Call = 3,
    /// Authentication of each packet.
    Packet = 4,
    /// Packets are signed.
    Integrity = 5,
    /// Packets are signed and encrypted.
    Privacy = 6,
}

impl AuthLevel {
    /// The level with this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::None,
            2 => Self::Connect,
            3 => Self::Call,
            4 => Self::Packet,
            5 => Self::Integrity,
            6 => Self::Privacy,
            _ => return None,
        })
    }
}

/// An identity, as far as two of them can be compared: owner of groups and context handles.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Principal {
    /// A user of this machine, named by the kernel.
    LocalUser(u32),
}

/// Outcome of one leg of an authentication exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The exchange is complete; send this last token if it is not empty.
    Done(Vec<u8>),
    /// Send this token and wait for the peer's next one.
    Continue(Vec<u8>),
}

/// Why a mechanism refused a token or a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecurityError {
    /// This context takes no tokens: the transport has identified the peer already.
    #[error("the transport identifies the peer; there is nothing to negotiate")]
    NothingToNegotiate,
    /// The token is malformed or proves nothing.
    #[error("authentication failed")]
    AuthenticationFailed,
    /// A signature does not fit its fragment.
    #[error("the fragment's signature is wrong")]
    BadSignature,
}

/// One security context of a connection.
pub trait SecurityContext: Send + Sync {
    /// Takes the peer's token of the next leg (empty for an initiator's first one).
    fn step(&mut self, token: &[u8]) -> Result<Step, SecurityError>;

    /// Protects one fragment in place (`header`, then `stub` with its padding, then the 8 bytes
    /// of the verifier's `trailer`) and returns the authentication value.
    fn protect(
        &mut self,
        header: &[u8],
        stub: &mut [u8],
        trailer: &[u8],
    ) -> Result<Vec<u8>, SecurityError>;

    /// Checks one received fragment and restores its stub in place.
    fn unprotect(
        &mut self,
        header: &[u8],
        stub: &mut [u8],
        trailer: &[u8],
        value: &[u8],
    ) -> Result<(), SecurityError>;

    /// Bytes that the authentication value of a fragment with `stub_len` bytes takes; 0 if
    /// fragments carry no verifier.
    fn signature_len(&self, stub_len: usize) -> usize;

    /// Who the peer is; `None` until the exchange is complete.
    fn principal(&self) -> Option<Principal>;

    /// How the traffic is protected.
    fn level(&self) -> AuthLevel;

    /// Legs that a complete exchange takes, as far as known.
    fn legs_expected(&self) -> u32;

    /// Whether signatures cover the headers even when header signing was not negotiated.
    fn signs_header_always(&self) -> bool;
}

/// The peer of a Unix socket, as the kernel identified it when it connected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalPeer {
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// All groups, the effective one included.
    pub groups: Vec<u32>,
    /// Process id at the time of the connect: for logs only, numbers are used again.
    pub pid: u32,
}

impl LocalPeer {
    /// A peer with these ids; `gid` is added to `groups` if it is not there.
    pub fn new(uid: u32, gid: u32, mut groups: Vec<u32>, pid: u32) -> Self {
        if !groups.contains(&gid) {
            groups.push(gid);
        }
        Self { uid, gid, groups, pid }
    }
}

impl SecurityContext for LocalPeer {
    fn step(&mut self, _token: &[u8]) -> Result<Step, SecurityError> {
        Err(SecurityError::NothingToNegotiate)
    }

    fn protect(
        &mut self,
        _header: &[u8],
        _stub: &mut [u8],
        _trailer: &[u8],
    ) -> Result<Vec<u8>, SecurityError> {
        Ok(Vec::new())
    }

    /// Nothing is signed here, so a fragment with a verifier is not one of this context's.
    fn unprotect(
        &mut self,
        _header: &[u8],
        _stub: &mut [u8],
        _trailer: &[u8],
        value: &[u8],
    ) -> Result<(), SecurityError> {
        if value.is_empty() { Ok(()) } else { Err(SecurityError::BadSignature) }
    }

    fn signature_len(&self, _stub_len: usize) -> usize {
        0
    }

    fn principal(&self) -> Option<Principal> {
        Some(Principal::LocalUser(self.uid))
    }

    fn level(&self) -> AuthLevel {
        AuthLevel::Privacy
    }

    fn legs_expected(&self) -> u32 {
        0
    }

    fn signs_header_always(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_peer_is_private_unsigned_and_known() {
        let mut peer = LocalPeer::new(1000, 100, Vec::new(), 7);
        assert_eq!(peer.level(), AuthLevel::Privacy);
        assert_eq!(peer.signature_len(5000), 0);
        assert_eq!(peer.principal(), Some(Principal::LocalUser(1000)));
        assert_eq!(peer.groups, [100]);
        assert_eq!(peer.step(b"token"), Err(SecurityError::NothingToNegotiate));
        assert_eq!(peer.unprotect(b"", &mut [], b"", b"x"), Err(SecurityError::BadSignature));
    }

    #[test]
    fn levels_have_their_wire_numbers() {
        for number in 0..=255 {
            if let Some(level) = AuthLevel::from_number(number) {
                assert_eq!(level as u8, number);
            }
        }
        assert_eq!(AuthLevel::from_number(7), None);
    }
}
