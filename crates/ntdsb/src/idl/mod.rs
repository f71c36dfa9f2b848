//! The two RPC interfaces: operations, arguments, stub data.
//!
//! UUIDs, version and operation numbers are the publicly known ones. **The arguments are this
//! project's own**: Microsoft's are not published, so this is not the wire format of Windows and
//! does not claim to be. Every call that opens a context carries [`DSB_WIRE_REVISION`], and a
//! client refuses a server that does not answer [`backup::PingRequest`] with it.
//!
//! Each operation has a request (its \[in\] arguments) and a response (its \[out\] arguments and,
//! last, the return value, a 32-bit [`HResult`]). A failed operation still sends all its \[out\]
//! arguments, empty: [`EncodeResponse::failed`].
//!
//! Limits stand in [`limits`] and are checked before anything is allocated.
//!
//! Source: `ad_backup`, `ad_restore` in `docs/protocol/ntdsb.md`; operation names from public
//! interface lists; NDR from C706 chapter 14.

use dcerpc::DataRepresentation;
use dcerpc::ndr::{Decoder, Encoder, Error};

use crate::HResult;

pub mod backup;
mod blob;
pub mod limits;
mod multi_sz_argument;
mod name;
mod read;
pub mod restore;
#[cfg(test)]
mod tests;

pub use multi_sz_argument::MultiSz;
pub use name::Name;
pub use read::{ReadBuffer, ReadRequest, ReadResponse};

/// "DSB" and 1: the revision of the arguments, sent by both sides.
pub const DSB_WIRE_REVISION: u32 = 0x4453_4201;

/// A request of one operation.
pub trait Request: Sized {
    /// The operation's number in its interface.
    const OPNUM: u16;
    /// The operation's name.
    const OPERATION: &'static str;
    /// What the server answers.
    type Response: Response;

    /// Appends the arguments.
    ///
    /// # Errors
    /// [`Error::TooLong`] if an argument exceeds its limit.
    fn put(&self, encoder: &mut Encoder) -> Result<(), Error>;

    /// Reads the arguments.
    ///
    /// # Errors
    /// The rule that the stub breaks; [`Error::fault_status`] is the server's answer.
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error>;

    /// The stub data of the request.
    ///
    /// # Errors
    /// [`Error::TooLong`] if an argument exceeds its limit.
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut encoder = Encoder::new();
        self.put(&mut encoder)?;
        Ok(encoder.finish())
    }

    /// The request out of its stub data. Bytes after the last argument are ignored.
    ///
    /// # Errors
    /// The rule that the stub breaks; [`Error::fault_status`] is the server's answer.
    fn decode(stub: &[u8], drep: DataRepresentation) -> Result<Self, Error> {
        Self::get(&mut Decoder::new(stub, drep))
    }

    /// The response to this request out of its stub data.
    ///
    /// # Errors
    /// The rule that the stub breaks: a violation of the protocol by the server.
    fn decode_response(
        &self,
        stub: &[u8],
        drep: DataRepresentation,
    ) -> Result<Self::Response, Error> {
        Self::Response::decode(stub, drep)
    }
}

/// A response of one operation.
pub trait Response: Sized {
    /// Reads the arguments and the return value.
    ///
    /// # Errors
    /// The rule that the stub breaks.
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error>;

    /// The return value.
    fn result(&self) -> HResult;

    /// The response out of its stub data. Bytes after the return value are ignored.
    ///
    /// # Errors
    /// The rule that the stub breaks.
    fn decode(stub: &[u8], drep: DataRepresentation) -> Result<Self, Error> {
        Self::get(&mut Decoder::new(stub, drep))
    }
}

/// A response that is written argument by argument: all but that of a read, which is laid out in
/// its final place by [`ReadBuffer`].
pub trait EncodeResponse: Response {
    /// The response of an operation that failed: every other argument empty.
    fn failed(result: HResult) -> Self;

    /// Appends the arguments and the return value.
    ///
    /// # Errors
    /// [`Error::TooLong`] if an argument exceeds its limit.
    fn put(&self, encoder: &mut Encoder) -> Result<(), Error>;

    /// The stub data of the response.
    ///
    /// # Errors
    /// [`Error::TooLong`] if an argument exceeds its limit.
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut encoder = Encoder::new();
        self.put(&mut encoder)?;
        Ok(encoder.finish())
    }
}

/// The response of an operation that only returns its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultResponse {
    /// The return value.
    pub result: HResult,
}

impl Response for ResultResponse {
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { result: HResult(decoder.u32("return value")?) })
    }

    fn result(&self) -> HResult {
        self.result
    }
}

impl EncodeResponse for ResultResponse {
    fn failed(result: HResult) -> Self {
        Self { result }
    }

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.u32(self.result.0);
        Ok(())
    }
}
