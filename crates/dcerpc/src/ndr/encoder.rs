//! Writing stub data.

use alloc::vec::Vec;

use ms_dtyp::Guid;

use super::Error;
use crate::context_handle::ContextHandle;
use crate::drep::DataRepresentation;

/// Stub data that grow at the end. Every method pads to the alignment of what it writes.
#[derive(Debug)]
pub struct Encoder {
    stub: Vec<u8>,
    drep: DataRepresentation,
    next_referent: u32,
}

impl Encoder {
    /// An empty stub, little-endian.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_representation(DataRepresentation::LittleEndian)
    }

    /// An empty stub in the given byte order.
    #[must_use]
    pub const fn with_representation(drep: DataRepresentation) -> Self {
        Self { stub: Vec::new(), drep, next_referent: FIRST_REFERENT }
    }

    /// Makes room for `additional` bytes, so that a large stub does not move while it grows.
    pub fn reserve(&mut self, additional: usize) {
        self.stub.reserve(additional);
    }

    /// The stub.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.stub
    }

    /// Pads with zeros to a multiple of `alignment` bytes.
    pub fn align(&mut self, alignment: usize) {
        self.stub.resize(self.stub.len().next_multiple_of(alignment), 0);
    }

    /// A `small` or `byte`.
    pub fn u8(&mut self, value: u8) {
        self.stub.push(value);
    }

    /// A `short`.
    pub fn u16(&mut self, value: u16) {
        self.align(2);
        self.unit(value);
    }

    /// A `long`.
    pub fn u32(&mut self, value: u32) {
        self.align(4);
        match self.drep {
            DataRepresentation::LittleEndian => self.bytes(&value.to_le_bytes()),
            DataRepresentation::BigEndian => self.bytes(&value.to_be_bytes()),
        }
    }

    /// A `hyper`.
    pub fn u64(&mut self, value: u64) {
        self.align(8);
        match self.drep {
            DataRepresentation::LittleEndian => self.bytes(&value.to_le_bytes()),
            DataRepresentation::BigEndian => self.bytes(&value.to_be_bytes()),
        }
    }

    /// Bytes as they are, without padding or count.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.stub.extend_from_slice(bytes);
    }

    /// A GUID as a structure of long, short, short and eight bytes.
    pub fn guid(&mut self, guid: &Guid) {
        let (data1, data2, data3, data4) = guid.fields();
        self.u32(data1);
        self.u16(data2);
        self.u16(data3);
        self.bytes(&data4);
    }

    /// A context handle, 20 bytes.
    pub fn context_handle(&mut self, handle: &ContextHandle) {
        self.u32(handle.attributes);
        self.guid(&handle.uuid);
    }

    /// A unique or embedded pointer: a new referent id, or 0 for NULL.
    pub fn unique_pointer(&mut self, present: bool) {
        let referent = if present { self.next_referent } else { 0 };
        self.u32(referent);
        if present {
            // Wraps after 2^30 pointers; ids of unique pointers need not differ.
            self.next_referent = self.next_referent.wrapping_add(REFERENT_STEP);
        }
    }

    /// A conformant array of bytes: maximum count and elements.
    ///
    /// # Errors
    /// [`Error::TooLong`] above `limit` elements.
    pub fn conformant_bytes(
        &mut self,
        what: &'static str,
        elements: &[u8],
        limit: u32,
    ) -> Result<(), Error> {
        let count = count(what, elements.len(), limit)?;
        self.u32(count);
        self.bytes(elements);
        Ok(())
    }

    /// A conformant array of 16-bit units: maximum count and elements.
    ///
    /// # Errors
    /// [`Error::TooLong`] above `limit` elements.
    pub fn conformant_units(
        &mut self,
        what: &'static str,
        elements: &[u16],
        limit: u32,
    ) -> Result<(), Error> {
        let count = count(what, elements.len(), limit)?;
        self.u32(count);
        self.units(elements);
        Ok(())
    }

    /// A `[string]` of 16-bit units, which are written as they are: the terminator is the
    /// caller's.
    ///
    /// # Errors
    /// [`Error::TooLong`] above `limit` units, terminator included.
    pub fn wide_string(
        &mut self,
        what: &'static str,
        units: &[u16],
        limit: u32,
    ) -> Result<(), Error> {
        let count = count(what, units.len(), limit)?;
        self.u32(count);
        self.u32(0);
        self.u32(count);
        self.units(units);
        Ok(())
    }

    fn units(&mut self, units: &[u16]) {
        self.stub.reserve(units.len().saturating_mul(2));
        for &unit in units {
            self.unit(unit);
        }
    }

    fn unit(&mut self, unit: u16) {
        match self.drep {
            DataRepresentation::LittleEndian => self.bytes(&unit.to_le_bytes()),
            DataRepresentation::BigEndian => self.bytes(&unit.to_be_bytes()),
        }
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

/// The length of an array as a count for the wire.
pub(super) fn count(what: &'static str, length: usize, limit: u32) -> Result<u32, Error> {
    u32::try_from(length).ok().filter(|&count| count <= limit).ok_or(Error::TooLong {
        what,
        count: length,
        limit,
    })
}

const FIRST_REFERENT: u32 = 0x0002_0000;
const REFERENT_STEP: u32 = 4;
