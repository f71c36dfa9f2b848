//! Authentication verifiers: the last bytes of a PDU.
//!
//! ```text
//! offset size  sec_trailer, 4-aligned from the PDU's start
//!      0    1  auth_type
//!      1    1  auth_level
//!      2    1  auth_pad_length   pad bytes between stub and trailer
//!      3    1  auth_reserved
//!      4    4  auth_context_id
//!      8       auth_value        auth_length bytes
//! ```
//!
//! The stub of requests and responses is padded to a multiple of 16 of its own length; in other
//! PDUs the pad length has no function.
//!
//! Source: C706 13.2.6.1; [MS-RPCE] 2.2.2.11.

use alloc::vec::Vec;

use crate::DataRepresentation;
use crate::error::Error;
use crate::pdu::PacketType;
use crate::pdu::wire::{Reader, Writer};

/// Size of the trailer without the value, bytes.
pub const TRAILER: usize = 8;

/// Stub data are padded to a multiple of this before a verifier.
pub const STUB_ALIGNMENT: usize = 16;

/// Trailer and value of a verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthVerifier {
    /// Authentication type (mechanism).
    pub auth_type: u8,
    /// Level of protection.
    pub level: u8,
    /// Pad bytes between the stub and the trailer; set by the writer.
    pub pad_length: u8,
    /// Reserved; 0 when sent.
    pub reserved: u8,
    /// The security context it belongs to.
    pub context_id: u32,
    /// The mechanism's token or signature.
    pub value: Vec<u8>,
}

impl AuthVerifier {
    pub(crate) fn parse(
        packet: PacketType,
        drep: DataRepresentation,
        bytes: &[u8],
    ) -> Result<Self, Error> {
        let mut reader = Reader::new(packet, drep, bytes);
        Ok(Self {
            auth_type: reader.u8()?,
            level: reader.u8()?,
            pad_length: reader.u8()?,
            reserved: reader.u8()?,
            context_id: reader.u32()?,
            value: reader.rest().to_vec(),
        })
    }

    /// Writes padding, trailer and value after a body with `stub` bytes of stub data.
    pub(crate) fn write(&self, writer: &mut Writer, stub: Option<usize>) -> Option<()> {
        let pad = match stub {
            Some(len) => len.wrapping_neg() & (STUB_ALIGNMENT - 1),
            None => writer.gap4(),
        };
        writer.pad(pad);
        writer.u8(self.auth_type);
        writer.u8(self.level);
        writer.u8(if stub.is_some() { u8::try_from(pad).ok()? } else { 0 });
        writer.u8(self.reserved);
        writer.u32(self.context_id);
        writer.bytes(&self.value);
        writer.set_auth_length(u16::try_from(self.value.len()).ok()?);
        Some(())
    }
}
