//! The backup interface, `ad_backup`.
//!
//! | opnum | operation | request | response |
//! |---|---|---|---|
//! | 0 | HrRBackupPrepare | [`PrepareRequest`] | [`PrepareResponse`] |
//! | 1 | HrRBackupEnd | [`EndRequest`] | [`EndResponse`] |
//! | 2 | HrRBackupGetAttachmentInformation | [`GetDatabaseNamesRequest`] | [`ListResponse`] |
//! | 3 | HrRBackupOpenFile | [`OpenFileRequest`] | [`OpenFileResponse`] |
//! | 4 | HrRBackupRead | [`ReadRequest`] | [`super::ReadResponse`] |
//! | 5 | HrRBackupClose | [`CloseRequest`] | [`ResultResponse`] |
//! | 6 | HrRBackupGetBackupLogs | [`GetBackupLogsRequest`] | [`GetBackupLogsResponse`] |
//! | 7 | HrRBackupTruncateLogs | [`TruncateLogsRequest`] | [`TruncateLogsResponse`] |
//! | 8 | HrRBackupPing | [`PingRequest`] | [`PingResponse`] |

use dcerpc::Interface;
use dcerpc::context_handle::ContextHandle;
use dcerpc::ndr::{Decoder, Encoder, Error};
use ms_dtyp::Guid;

use super::{EncodeResponse, MultiSz, Name, Request, Response, ResultResponse, blob};
use crate::HResult;

pub use super::read::ReadRequest;

/// UUID and version.
pub const INTERFACE: Interface = Interface {
    uuid: Guid::from_fields(
        0xecec_0d70,
        0xa603,
        0x11d0,
        [0x96, 0xb1, 0x00, 0xa0, 0xc9, 0x1e, 0xce, 0x30],
    ),
    major: 1,
    minor: 0,
};

/// Capability bits of [`PingResponse::capabilities`]; unknown ones are to be ignored.
pub mod capabilities {
    /// A context may have several files open.
    pub const SEVERAL_FILES: u32 = 1 << 0;
    /// Reads of a context may be in flight at the same time.
    pub const CONCURRENT_READS: u32 = 1 << 1;
    /// The endpoint requires authentication.
    pub const AUTHENTICATION_REQUIRED: u32 = 1 << 2;
    /// The restore interface is served.
    pub const RESTORE: u32 = 1 << 3;
    /// The service runs on a live database.
    pub const LIVE_DATABASE: u32 = 1 << 4;
}

/// Begins a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrepareRequest {
    /// [`super::DSB_WIRE_REVISION`].
    pub revision: u32,
    /// Always 0 on the wire.
    pub grbit: u32,
    /// One of [`crate::BackupType`].
    pub backup_type: u32,
}

impl Request for PrepareRequest {
    const OPNUM: u16 = 0;
    const OPERATION: &'static str = "HrRBackupPrepare";
    type Response = PrepareResponse;

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.u32(self.revision);
        encoder.u32(self.grbit);
        encoder.u32(self.backup_type);
        Ok(())
    }

    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self {
            revision: decoder.u32("wire revision")?,
            grbit: decoder.u32("grbit")?,
            backup_type: decoder.u32("backup type")?,
        })
    }
}

/// A new backup context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrepareResponse {
    /// The expiry token; empty on failure.
    pub token: Vec<u8>,
    /// The context; NULL on failure.
    pub context: ContextHandle,
    /// The return value.
    pub result: HResult,
}

impl Response for PrepareResponse {
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self {
            token: blob::get(decoder)?,
            context: decoder.context_handle("backup context")?,
            result: HResult(decoder.u32("return value")?),
        })
    }

    fn result(&self) -> HResult {
        self.result
    }
}

impl EncodeResponse for PrepareResponse {
    fn failed(result: HResult) -> Self {
        Self { token: Vec::new(), context: ContextHandle::NULL, result }
    }

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        blob::put(encoder, &self.token)?;
        encoder.context_handle(&self.context);
        encoder.u32(self.result.0);
        Ok(())
    }
}

/// Declares a request whose only argument is a context handle.
macro_rules! context_request {
    ($(#[$doc:meta])* $request:ident, $opnum:literal, $operation:literal, $context:literal,
     $response:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $request {
            /// The context.
            pub context: ContextHandle,
        }

        impl Request for $request {
            const OPNUM: u16 = $opnum;
            const OPERATION: &'static str = $operation;
            type Response = $response;

            fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
                encoder.context_handle(&self.context);
                Ok(())
            }

            fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
                Ok(Self { context: decoder.context_handle($context)? })
            }
        }
    };
}
pub(super) use context_request;

context_request! {
    /// Ends a backup. The context is gone whatever is returned.
    EndRequest, 1, "HrRBackupEnd", "backup context", EndResponse
}

context_request! {
    /// Asks for the names of the databases.
    GetDatabaseNamesRequest, 2, "HrRBackupGetAttachmentInformation", "backup context", ListResponse
}

context_request! {
    /// Ends the database phase and asks for the names of the logs.
    GetBackupLogsRequest, 6, "HrRBackupGetBackupLogs", "backup context", GetBackupLogsResponse
}

context_request! {
    /// Deletes the logs that are no longer needed.
    TruncateLogsRequest, 7, "HrRBackupTruncateLogs", "backup context", TruncateLogsResponse
}

/// The end of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndResponse {
    /// NULL: the context is closed.
    pub context: ContextHandle,
    /// The return value.
    pub result: HResult,
}

impl Response for EndResponse {
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self {
            context: decoder.context_handle("closed context")?,
            result: HResult(decoder.u32("return value")?),
        })
    }

    fn result(&self) -> HResult {
        self.result
    }
}

impl EncodeResponse for EndResponse {
    fn failed(result: HResult) -> Self {
        Self { context: ContextHandle::NULL, result }
    }

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.context_handle(&self.context);
        encoder.u32(self.result.0);
        Ok(())
    }
}

/// A list of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListResponse {
    /// The list; empty on failure.
    pub names: MultiSz,
    /// The return value.
    pub result: HResult,
}

impl Response for ListResponse {
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { names: MultiSz::get(decoder)?, result: HResult(decoder.u32("return value")?) })
    }

    fn result(&self) -> HResult {
        self.result
    }
}

impl EncodeResponse for ListResponse {
    fn failed(result: HResult) -> Self {
        Self { names: MultiSz::default(), result }
    }

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        self.names.put(encoder)?;
        encoder.u32(self.result.0);
        Ok(())
    }
}

/// Opens a file of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFileRequest {
    /// The backup context.
    pub context: ContextHandle,
    /// The name as the list has it, with or without the file type in front.
    pub name: Name,
    /// How many bytes the caller means to read at a time.
    pub read_hint: u32,
}

impl Request for OpenFileRequest {
    const OPNUM: u16 = 3;
    const OPERATION: &'static str = "HrRBackupOpenFile";
    type Response = OpenFileResponse;

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.context_handle(&self.context);
        self.name.put("file name", encoder)?;
        encoder.u32(self.read_hint);
        Ok(())
    }

    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self {
            context: decoder.context_handle("backup context")?,
            name: Name::get("file name", decoder)?,
            read_hint: decoder.u32("read hint")?,
        })
    }
}

/// An open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFileResponse {
    /// Names the file in reads and in the close.
    pub file_id: u32,
    /// Most bytes that a read of this file may ask for.
    pub max_read: u32,
    /// How many bytes reads will deliver in all.
    pub size: u64,
    /// The return value.
    pub result: HResult,
}

impl Response for OpenFileResponse {
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self {
            file_id: decoder.u32("file id")?,
            max_read: decoder.u32("largest read")?,
            size: decoder.u64("file size")?,
            result: HResult(decoder.u32("return value")?),
        })
    }

    fn result(&self) -> HResult {
        self.result
    }
}

impl EncodeResponse for OpenFileResponse {
    fn failed(result: HResult) -> Self {
        Self { file_id: 0, max_read: 0, size: 0, result }
    }

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.u32(self.file_id);
        encoder.u32(self.max_read);
        encoder.u64(self.size);
        encoder.u32(self.result.0);
        Ok(())
    }
}

/// Closes the open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseRequest {
    /// The backup context.
    pub context: ContextHandle,
    /// The open file.
    pub file_id: u32,
}

impl Request for CloseRequest {
    const OPNUM: u16 = 5;
    const OPERATION: &'static str = "HrRBackupClose";
    type Response = ResultResponse;

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.context_handle(&self.context);
        encoder.u32(self.file_id);
        Ok(())
    }

    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self {
            context: decoder.context_handle("backup context")?,
            file_id: decoder.u32("file id")?,
        })
    }
}

/// The logs of the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetBackupLogsResponse {
    /// Lowest generation in the list; 0 if it is empty.
    pub lowest: u32,
    /// Highest generation in the list; 0 if it is empty.
    pub highest: u32,
    /// The list; empty on failure.
    pub names: MultiSz,
    /// The return value.
    pub result: HResult,
}

impl Response for GetBackupLogsResponse {
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self {
            lowest: decoder.u32("lowest generation")?,
            highest: decoder.u32("highest generation")?,
            names: MultiSz::get(decoder)?,
            result: HResult(decoder.u32("return value")?),
        })
    }

    fn result(&self) -> HResult {
        self.result
    }
}

impl EncodeResponse for GetBackupLogsResponse {
    fn failed(result: HResult) -> Self {
        Self { lowest: 0, highest: 0, names: MultiSz::default(), result }
    }

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.u32(self.lowest);
        encoder.u32(self.highest);
        self.names.put(encoder)?;
        encoder.u32(self.result.0);
        Ok(())
    }
}

/// What a truncation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TruncateLogsResponse {
    /// Number of logs deleted.
    pub deleted: u32,
    /// The return value.
    pub result: HResult,
}

impl Response for TruncateLogsResponse {
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self {
            deleted: decoder.u32("number of logs deleted")?,
            result: HResult(decoder.u32("return value")?),
        })
    }

    fn result(&self) -> HResult {
        self.result
    }
}

impl EncodeResponse for TruncateLogsResponse {
    fn failed(result: HResult) -> Self {
        Self { deleted: 0, result }
    }

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.u32(self.deleted);
        encoder.u32(self.result.0);
        Ok(())
    }
}

/// Asks the service what it is; the first call on a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PingRequest {
    /// [`super::DSB_WIRE_REVISION`].
    pub revision: u32,
}

impl Request for PingRequest {
    const OPNUM: u16 = 8;
    const OPERATION: &'static str = "HrRBackupPing";
    type Response = PingResponse;

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.u32(self.revision);
        Ok(())
    }

    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { revision: decoder.u32("wire revision")? })
    }
}

/// What the service is: `DSB_SERVER_INFO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PingResponse {
    /// The service's [`super::DSB_WIRE_REVISION`].
    pub revision: u32,
    /// Bits of [`capabilities`].
    pub capabilities: u32,
    /// Random per start of the service.
    pub instance: Guid,
    /// Most bytes that a read may ask for.
    pub max_read: u32,
    /// Most contexts that a peer may have.
    pub max_sessions: u32,
    /// Seconds since the service started.
    pub uptime_seconds: u64,
    /// The return value.
    pub result: HResult,
}

impl Response for PingResponse {
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        // The structure holds a hyper: it is aligned to 8 as a whole.
        decoder.align(8);
        Ok(Self {
            revision: decoder.u32("wire revision")?,
            capabilities: decoder.u32("capabilities")?,
            instance: decoder.guid("instance")?,
            max_read: decoder.u32("largest read")?,
            max_sessions: decoder.u32("most contexts")?,
            uptime_seconds: decoder.u64("uptime")?,
            result: HResult(decoder.u32("return value")?),
        })
    }

    fn result(&self) -> HResult {
        self.result
    }
}

impl EncodeResponse for PingResponse {
    fn failed(result: HResult) -> Self {
        Self {
            revision: super::DSB_WIRE_REVISION,
            capabilities: 0,
            instance: Guid::NIL,
            max_read: 0,
            max_sessions: 0,
            uptime_seconds: 0,
            result,
        }
    }

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.align(8);
        encoder.u32(self.revision);
        encoder.u32(self.capabilities);
        encoder.guid(&self.instance);
        encoder.u32(self.max_read);
        encoder.u32(self.max_sessions);
        encoder.u64(self.uptime_seconds);
        encoder.u32(self.result.0);
        Ok(())
    }
}
