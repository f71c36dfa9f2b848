//! Operation 4, `HrRBackupRead`: the one through which everything large goes.
//!
//! ```text
//! request                          response
//!  0  20  context handle            0   4  pcbRead
//! 20   4  fileId                    4   4  maximum count: cbBuffer of the request
//! 24   8  ibOffset                  8   4  offset, 0
//! 32   4  cbBuffer                 12   4  actual count: pcbRead again
//!                                  16   n  data
//!                                   .  0-3 padding to a multiple of 4
//!                                   .   4  return value
//! ```
//!
//! The data begin at a fixed place, so the service reads the file straight into the stub
//! ([`ReadBuffer`]), and the client finds them by their range in the stub it received
//! ([`ReadResponse::data`]). Nothing is copied at either end.

use core::ops::Range;

use dcerpc::DataRepresentation;
use dcerpc::context_handle::ContextHandle;
use dcerpc::ndr::{Decoder, Encoder, Error};

use super::limits::READ_BYTES;
use super::{Request, Response};
use crate::HResult;

/// Reads from a place of the open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadRequest {
    /// The backup context.
    pub context: ContextHandle,
    /// The open file, from [`super::backup::OpenFileResponse`].
    pub file_id: u32,
    /// Where to read, in bytes from the start of the file.
    pub offset: u64,
    /// How many bytes to read at most (`cbBuffer`).
    pub length: u32,
}

impl Request for ReadRequest {
    const OPNUM: u16 = 4;
    const OPERATION: &'static str = "HrRBackupRead";
    type Response = ReadResponse;

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.context_handle(&self.context);
        encoder.u32(self.file_id);
        encoder.u64(self.offset);
        encoder.u32(self.length);
        Ok(())
    }

    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self {
            context: decoder.context_handle("backup context")?,
            file_id: decoder.u32("file id")?,
            offset: decoder.u64("read offset")?,
            length: decoder.u32_at_most("read length", READ_BYTES)?,
        })
    }

    fn decode_response(
        &self,
        stub: &[u8],
        drep: DataRepresentation,
    ) -> Result<ReadResponse, Error> {
        let response = ReadResponse::decode(stub, drep)?;
        if response.maximum != self.length {
            return Err(Error::Mismatch {
                what: "maximum count of the data",
                at: MAXIMUM_COUNT_OFFSET,
                found: response.maximum,
                expected: self.length,
            });
        }
        Ok(response)
    }
}

/// What a read returned: where in the stub the data lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadResponse {
    /// The data's place in the stub that was decoded.
    pub data: Range<usize>,
    /// The maximum count on the wire; equals the request's length.
    pub maximum: u32,
    /// The return value; `ERROR_HANDLE_EOF` at the end of the file.
    pub result: HResult,
}

impl Response for ReadResponse {
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        let read = decoder.u32_at_most("bytes read", READ_BYTES)?;
        let maximum = decoder.clone().u32_at_most("maximum count of the data", READ_BYTES)?;
        let data = decoder.varying_bytes("data", maximum, read)?;
        Ok(Self { data, maximum, result: HResult(decoder.u32("return value")?) })
    }

    fn result(&self) -> HResult {
        self.result
    }
}

/// The stub of a read's response while it is being filled.
#[derive(Debug)]
pub struct ReadBuffer {
    stub: Vec<u8>,
    maximum: u32,
}

impl ReadBuffer {
    /// A stub for a request of `requested` bytes, with room for `room` bytes of data (no more than
    /// were requested). The data are zero.
    #[must_use]
    pub fn new(requested: u32, room: u32) -> Self {
        let room = usize::try_from(room.min(requested)).unwrap_or(0);
        // The end is allocated with the rest, so that finishing never moves the data.
        let mut stub = vec![0; HEAD + room.next_multiple_of(4) + RETURN_VALUE];
        stub.truncate(HEAD + room);
        Self { stub, maximum: requested }
    }

    /// As [`ReadBuffer::new`], in memory that was used before, for instance for an earlier
    /// response. The data are not zero: what was in the memory is still there, so only what
    /// [`ReadBuffer::data_mut`] was filled with may be counted as read.
    #[must_use]
    pub fn reusing(mut stub: Vec<u8>, requested: u32, room: u32) -> Self {
        let room = usize::try_from(room.min(requested)).unwrap_or(0);
        stub.resize(HEAD + room.next_multiple_of(4) + RETURN_VALUE, 0);
        stub.truncate(HEAD + room);
        Self { stub, maximum: requested }
    }

    /// The place of the data, to be filled from its start.
    pub fn data_mut(&mut self) -> &mut [u8] {
        self.stub.get_mut(HEAD..).unwrap_or_default()
    }

    /// The complete stub: the first `read` bytes of the data (no more than there is room for), and
    /// the return value.
    #[must_use]
    pub fn finish(mut self, read: u32, result: HResult) -> Vec<u8> {
        let room = self.stub.len().saturating_sub(HEAD);
        let length = usize::try_from(read).map_or(room, |read| read.min(room));
        let read = u32::try_from(length).unwrap_or(0);
        let counts = [read, self.maximum, 0, read];
        for (place, count) in self.stub.chunks_exact_mut(4).zip(counts) {
            place.copy_from_slice(&count.to_le_bytes());
        }
        self.stub.truncate(HEAD + length);
        self.stub.resize(HEAD + length.next_multiple_of(4), 0);
        self.stub.extend_from_slice(&result.0.to_le_bytes());
        self.stub
    }

    /// The stub of a read of `requested` bytes that delivers nothing: a failure, or the end of the
    /// file.
    #[must_use]
    pub fn failed(requested: u32, result: HResult) -> Vec<u8> {
        Self::new(requested, 0).finish(0, result)
    }
}

const MAXIMUM_COUNT_OFFSET: usize = 4;
const HEAD: usize = 16;
const RETURN_VALUE: usize = 4;
