//! Bodies of request, response and fault.
//!
//! ```text
//! request                      response                     fault
//! 16  4  alloc_hint            16  4  alloc_hint            16  4  alloc_hint
//! 20  2  p_cont_id             20  2  p_cont_id             20  2  p_cont_id
//! 22  2  opnum                 22  1  cancel_count          22  1  cancel_count
//! 24 16  object, if flagged    23  1  reserved              23  1  fault flags
//! 24|40  stub                  24     stub                  24  4  status
//!                                                           28  4  reserved
//!                                                           32     stub
//! ```
//!
//! Source: C706 12.6.4.7, 12.6.4.9, 12.6.4.10.

use bytes::Bytes;
use ms_dtyp::Guid;

use crate::ContextId;
use crate::error::Error;
use crate::fault::FaultStatus;
use crate::pdu::PfcFlags;
use crate::pdu::wire::{Reader, Writer};

/// alloc_hint of the faults that are sent here.
pub const FAULT_ALLOC_HINT: u32 = 24;

/// Body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Stub bytes from here to the call's end: a hint, 0 if unknown.
    pub alloc_hint: u32,
    /// The presentation context.
    pub context: ContextId,
    /// The operation.
    pub opnum: u16,
    /// The object UUID, if there is one.
    pub object: Option<Guid>,
    /// This fragment's stub data.
    pub stub: Bytes,
}

/// Body of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Stub bytes from here to the call's end: a hint, 0 if unknown.
    pub alloc_hint: u32,
    /// The presentation context; some servers send only its low byte.
    pub context: ContextId,
    /// Cancels that were received for the call.
    pub cancel_count: u8,
    /// This fragment's stub data.
    pub stub: Bytes,
}

/// Body of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A hint without use.
    pub alloc_hint: u32,
    /// The presentation context.
    pub context: ContextId,
    /// Cancels that were received for the call.
    pub cancel_count: u8,
    /// Bit 0: extended error information in the stub.
    pub flags: u8,
    /// What went wrong.
    pub status: FaultStatus,
    /// Extended error information.
    pub stub: Bytes,
}

/// The rest of a body without the pad bytes before a verifier.
fn stub(reader: &mut Reader<'_>, pad: usize) -> Result<Bytes, Error> {
    let too_long = reader.malformed("auth_pad_length is more than the stub");
    let rest = reader.rest();
    let len = rest.len().checked_sub(pad).ok_or_else(|| too_long.clone())?;
    Ok(Bytes::copy_from_slice(rest.get(..len).ok_or(too_long)?))
}

impl Request {
    pub(crate) fn parse(
        reader: &mut Reader<'_>,
        flags: PfcFlags,
        pad: usize,
    ) -> Result<Self, Error> {
        Ok(Self {
            alloc_hint: reader.u32()?,
            context: ContextId(reader.u16()?),
            opnum: reader.u16()?,
            object: match flags.has(PfcFlags::OBJECT_UUID) {
                true => Some(reader.guid()?),
                false => None,
            },
            stub: stub(reader, pad)?,
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.u32(self.alloc_hint);
        writer.u16(self.context.0);
        writer.u16(self.opnum);
        if let Some(object) = &self.object {
            writer.guid(object);
        }
        writer.bytes(&self.stub);
    }
}

impl Response {
    pub(crate) fn parse(reader: &mut Reader<'_>, pad: usize) -> Result<Self, Error> {
        let alloc_hint = reader.u32()?;
        let context = ContextId(reader.u16()?);
        let [cancel_count, _] = reader.array::<2>()?;
        Ok(Self { alloc_hint, context, cancel_count, stub: stub(reader, pad)? })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.u32(self.alloc_hint);
        writer.u16(self.context.0);
        writer.u8(self.cancel_count);
        writer.u8(0);
        writer.bytes(&self.stub);
    }
}

impl Fault {
    /// A fault without further information.
    pub const fn new(context: ContextId, cancel_count: u8, status: FaultStatus) -> Self {
        Self {
            alloc_hint: FAULT_ALLOC_HINT,
            context,
            cancel_count,
            flags: 0,
            status,
            stub: Bytes::new(),
        }
    }

    pub(crate) fn parse(reader: &mut Reader<'_>, pad: usize) -> Result<Self, Error> {
        let alloc_hint = reader.u32()?;
        let context = ContextId(reader.u16()?);
        let [cancel_count, flags] = reader.array::<2>()?;
        let status = FaultStatus(reader.u32()?);
        reader.array::<4>()?;
        Ok(Self { alloc_hint, context, cancel_count, flags, status, stub: stub(reader, pad)? })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.u32(self.alloc_hint);
        writer.u16(self.context.0);
        writer.u8(self.cancel_count);
        writer.u8(self.flags);
        writer.u32(self.status.0);
        writer.u32(0);
        writer.bytes(&self.stub);
    }
}
