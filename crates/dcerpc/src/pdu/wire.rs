//! Reading and writing the fields of a PDU in either byte order.

use alloc::vec::Vec;

use ms_dtyp::Guid;

use crate::error::Error;
use crate::pdu::{PacketType, PfcFlags};
use crate::{CallId, DataRepresentation, SyntaxId};

/// Reads fields from a PDU's body; cannot run past its end.
pub(crate) struct Reader<'a> {
    packet: PacketType,
    drep: DataRepresentation,
    rest: &'a [u8],
    /// Bytes of the PDU before `rest`, for alignment.
    position: usize,
}

impl<'a> Reader<'a> {
    /// A reader of the bytes after the common header.
    pub(crate) fn new(packet: PacketType, drep: DataRepresentation, body: &'a [u8]) -> Self {
        Self { packet, drep, rest: body, position: crate::limits::COMMON_HEADER }
    }

    /// The error of this PDU with this explanation.
    pub(crate) fn malformed(&self, what: &'static str) -> Error {
        Error::Malformed { packet: self.packet, what }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let short = self.malformed("ends in the middle of a field");
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(short)?;
        self.rest = rest;
        self.position = self.position.saturating_add(count);
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let short = self.malformed("ends in the middle of a field");
        self.bytes(N)?.try_into().map_err(|_| short)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        Ok(self.drep.u16(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        Ok(self.drep.u32(self.array()?))
    }

    pub(crate) fn guid(&mut self) -> Result<Guid, Error> {
        Ok(Guid::from_fields(self.u32()?, self.u16()?, self.u16()?, self.array()?))
    }

    pub(crate) fn syntax(&mut self) -> Result<SyntaxId, Error> {
        let uuid = self.guid()?;
        let [a, b, c, d] = self.u32()?.to_le_bytes();
        Ok(SyntaxId { uuid, major: u16::from_le_bytes([a, b]), minor: u16::from_le_bytes([c, d]) })
    }

    /// Skips to a multiple of 4 bytes from the PDU's start, or to its end.
    pub(crate) fn align4(&mut self) {
        let pad = self.position.wrapping_neg() & 3;
        let pad = pad.min(self.rest.len());
        self.rest = self.rest.get(pad..).unwrap_or_default();
        self.position = self.position.saturating_add(pad);
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Writes a PDU.
pub(crate) struct Writer {
    out: Vec<u8>,
    drep: DataRepresentation,
    auth_length: u16,
}

impl Writer {
    pub(crate) fn new(drep: DataRepresentation) -> Self {
        Self { out: Vec::with_capacity(128), drep, auth_length: 0 }
    }

    /// The common header; [`Self::finish`] sets the lengths.
    pub(crate) fn header(&mut self, packet: PacketType, flags: PfcFlags, call_id: CallId) {
        self.out.extend_from_slice(&[5, 0, packet.0, flags.0]);
        self.out.extend_from_slice(&self.drep.to_bytes());
        self.out.extend_from_slice(&[0; 4]);
        self.u32(call_id.0);
    }

    pub(crate) fn set_flags(&mut self, flags: PfcFlags) {
        if let Some(byte) = self.out.get_mut(3) {
            *byte = flags.0;
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        let bytes = self.u16_bytes(value);
        self.out.extend_from_slice(&bytes);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        let bytes = match self.drep {
            DataRepresentation::LittleEndian => value.to_le_bytes(),
            DataRepresentation::BigEndian => value.to_be_bytes(),
        };
        self.out.extend_from_slice(&bytes);
    }

    pub(crate) fn guid(&mut self, guid: &Guid) {
        let (data1, data2, data3, data4) = guid.fields();
        self.u32(data1);
        self.u16(data2);
        self.u16(data3);
        self.bytes(&data4);
    }

    pub(crate) fn syntax(&mut self, syntax: &SyntaxId) {
        self.guid(&syntax.uuid);
        self.u32(u32::from(syntax.minor) << 16 | u32::from(syntax.major));
    }

    pub(crate) fn pad(&mut self, count: usize) {
        self.out.resize(self.out.len().saturating_add(count), 0);
    }

    /// Bytes up to the next multiple of 4 from the PDU's start.
    pub(crate) fn gap4(&self) -> usize {
        self.out.len().wrapping_neg() & 3
    }

    pub(crate) fn set_auth_length(&mut self, length: u16) {
        self.auth_length = length;
    }

    /// Sets the lengths and returns the PDU; `None` if it is longer than a PDU can be.
    pub(crate) fn finish(mut self) -> Option<Vec<u8>> {
        let frag = self.u16_bytes(u16::try_from(self.out.len()).ok()?);
        let auth = self.u16_bytes(self.auth_length);
        self.out.get_mut(8..10)?.copy_from_slice(&frag);
        self.out.get_mut(10..12)?.copy_from_slice(&auth);
        Some(self.out)
    }

    fn u16_bytes(&self, value: u16) -> [u8; 2] {
        match self.drep {
            DataRepresentation::LittleEndian => value.to_le_bytes(),
            DataRepresentation::BigEndian => value.to_be_bytes(),
        }
    }
}
