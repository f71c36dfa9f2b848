//! The restore interface, `ad_restore`.
//!
//! | opnum | operation | request | response |
//! |---|---|---|---|
//! | 0 | HrRIsNTDSOnline | [`IsOnlineRequest`] | [`IsOnlineResponse`] |
//! | 1 | HrRRestorePrepare | [`PrepareRequest`] | [`PrepareResponse`] |
//! | 2 | HrRRestoreRegister | [`RegisterRequest`] | [`ResultResponse`] |
//! | 3 | HrRRestoreRegisterComplete | [`RegisterCompleteRequest`] | [`ResultResponse`] |
//! | 4 | HrRRestoreGetDatabaseLocations | [`GetDatabaseLocationsRequest`] | [`ListResponse`] |
//! | 5 | HrRRestoreEnd | [`EndRequest`] | [`EndResponse`] |
//! | 6 | HrRRestoreSetCurrentLogNumber | [`SetCurrentLogNumberRequest`] | [`ResultResponse`] |
//! | 7 | HrRRestoreCheckLogsForBackup | [`CheckLogsForBackupRequest`] | two log numbers |

use dcerpc::Interface;
use dcerpc::context_handle::ContextHandle;
use dcerpc::ndr::{Decoder, Encoder, Error};
use ms_dtyp::Guid;

use super::backup::context_request;
use super::limits::MAP_ROWS;
use super::{EncodeResponse, Name, Request, Response, ResultResponse, blob};
use crate::HResult;

pub use super::backup::{EndResponse, ListResponse};

/// UUID and version.
pub const INTERFACE: Interface = Interface {
    uuid: Guid::from_fields(
        0x16e0_cf3a,
        0xa604,
        0x11d0,
        [0x96, 0xb1, 0x00, 0xa0, 0xc9, 0x1e, 0xce, 0x30],
    ),
    major: 1,
    minor: 0,
};

/// Declares a request without arguments.
macro_rules! empty_request {
    ($(#[$doc:meta])* $request:ident, $opnum:literal, $operation:literal, $response:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $request;

        impl Request for $request {
            const OPNUM: u16 = $opnum;
            const OPERATION: &'static str = $operation;
            type Response = $response;

            fn put(&self, _: &mut Encoder) -> Result<(), Error> {
                Ok(())
            }

            fn get(_: &mut Decoder<'_>) -> Result<Self, Error> {
                Ok(Self)
            }
        }
    };
}

empty_request! {
    /// Asks whether the directory is online.
    IsOnlineRequest, 0, "HrRIsNTDSOnline", IsOnlineResponse
}

empty_request! {
    /// Asks which logs an incremental backup would take.
    CheckLogsForBackupRequest, 7, "HrRRestoreCheckLogsForBackup", CheckLogsForBackupResponse
}

context_request! {
    /// Asks where databases, logs and checkpoint live.
    GetDatabaseLocationsRequest, 4, "HrRRestoreGetDatabaseLocations", "restore context",
    ListResponse
}

context_request! {
    /// Ends a restore context. A registration stays.
    EndRequest, 5, "HrRRestoreEnd", "restore context", EndResponse
}

/// Whether the directory is online.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsOnlineResponse {
    /// Whether it is; false on failure. 0 or 1 is written, anything but 0 is read as true.
    pub online: bool,
    /// The return value.
    pub result: HResult,
}

impl Response for IsOnlineResponse {
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self {
            online: decoder.u32("online")? != 0,
            result: HResult(decoder.u32("return value")?),
        })
    }

    fn result(&self) -> HResult {
        self.result
    }
}

impl EncodeResponse for IsOnlineResponse {
    fn failed(result: HResult) -> Self {
        Self { online: false, result }
    }

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.u32(u32::from(self.online));
        encoder.u32(self.result.0);
        Ok(())
    }
}

/// Opens a restore context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrepareRequest {
    /// [`super::DSB_WIRE_REVISION`].
    pub revision: u32,
    /// One of [`crate::RestoreType`].
    pub restore_type: u32,
    /// The expiry token. None asks for a restricted context; an empty one is no token, and
    /// refused.
    pub token: Option<Vec<u8>>,
}

impl Request for PrepareRequest {
    const OPNUM: u16 = 1;
    const OPERATION: &'static str = "HrRRestorePrepare";
    type Response = PrepareResponse;

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.u32(self.revision);
        encoder.u32(self.restore_type);
        encoder.unique_pointer(self.token.is_some());
        match &self.token {
            Some(token) => blob::put(encoder, token),
            None => Ok(()),
        }
    }

    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        let revision = decoder.u32("wire revision")?;
        let restore_type = decoder.u32("restore type")?;
        let token = decoder.unique_pointer("token")?.then(|| blob::get(decoder));
        Ok(Self { revision, restore_type, token: token.transpose()? })
    }
}

/// A new restore context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrepareResponse {
    /// The context; NULL on failure.
    pub context: ContextHandle,
    /// The return value.
    pub result: HResult,
}

impl Response for PrepareResponse {
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self {
            context: decoder.context_handle("restore context")?,
            result: HResult(decoder.u32("return value")?),
        })
    }

    fn result(&self) -> HResult {
        self.result
    }
}

impl EncodeResponse for PrepareResponse {
    fn failed(result: HResult) -> Self {
        Self { context: ContextHandle::NULL, result }
    }

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.context_handle(&self.context);
        encoder.u32(self.result.0);
        Ok(())
    }
}

/// A row of a restore map: `DSB_RSTMAP`. The wire allows NULL; the service does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapRow {
    /// The database as the backup named it.
    pub database: Option<Name>,
    /// The file path to which it is restored.
    pub new_database: Option<Name>,
}

/// Registers a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterRequest {
    /// The restore context.
    pub context: ContextHandle,
    /// Directory of the checkpoint file.
    pub checkpoint_path: Name,
    /// Directory in which logs live after the restore.
    pub log_path: Name,
    /// Old and new place of each database.
    pub map: Vec<MapRow>,
    /// Directory in which the restored logs are now.
    pub backup_log_path: Name,
    /// Lowest log number of the restore.
    pub log_low: u32,
    /// Highest log number of the restore.
    pub log_high: u32,
}

impl Request for RegisterRequest {
    const OPNUM: u16 = 2;
    const OPERATION: &'static str = "HrRRestoreRegister";
    type Response = ResultResponse;

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.context_handle(&self.context);
        self.checkpoint_path.put("checkpoint path", encoder)?;
        self.log_path.put("log path", encoder)?;
        let rows = u32::try_from(self.map.len())
            .ok()
            .filter(|&rows| rows <= MAP_ROWS)
            .ok_or(Error::TooLong { what: "map", count: self.map.len(), limit: MAP_ROWS })?;
        encoder.u32(rows);
        encoder.u32(rows);
        // All structures first, then what their pointers point to, in order.
        for row in &self.map {
            encoder.unique_pointer(row.database.is_some());
            encoder.unique_pointer(row.new_database.is_some());
        }
        for name in self.map.iter().flat_map(|row| [&row.database, &row.new_database]).flatten() {
            name.put("name in the map", encoder)?;
        }
        self.backup_log_path.put("backup log path", encoder)?;
        encoder.u32(self.log_low);
        encoder.u32(self.log_high);
        Ok(())
    }

    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        let context = decoder.context_handle("restore context")?;
        let checkpoint_path = Name::get("checkpoint path", decoder)?;
        let log_path = Name::get("log path", decoder)?;
        let rows = decoder.u32_at_most("number of rows in the map", MAP_ROWS)?;
        decoder.u32_equal("maximum count of the map", rows)?;
        let pointers = (0..rows)
            .map(|_| Ok((decoder.unique_pointer("map")?, decoder.unique_pointer("map")?)))
            .collect::<Result<Vec<_>, Error>>()?;
        let mut name =
            |present: bool| present.then(|| Name::get("name in the map", decoder)).transpose();
        let map = pointers
            .into_iter()
            .map(|(old, new)| Ok(MapRow { database: name(old)?, new_database: name(new)? }))
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Self {
            context,
            checkpoint_path,
            log_path,
            map,
            backup_log_path: Name::get("backup log path", decoder)?,
            log_low: decoder.u32("lowest log number")?,
            log_high: decoder.u32("highest log number")?,
        })
    }
}

/// Reports the outcome of a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterCompleteRequest {
    /// The restore context.
    pub context: ContextHandle,
    /// 0 if the restore succeeded, anything else if not.
    pub restore_state: HResult,
}

impl Request for RegisterCompleteRequest {
    const OPNUM: u16 = 3;
    const OPERATION: &'static str = "HrRRestoreRegisterComplete";
    type Response = ResultResponse;

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.context_handle(&self.context);
        encoder.u32(self.restore_state.0);
        Ok(())
    }

    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self {
            context: decoder.context_handle("restore context")?,
            restore_state: HResult(decoder.u32("restore state")?),
        })
    }
}

/// Sets the number of the last log that counts as backed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetCurrentLogNumberRequest {
    /// A generation, or [`crate::BACKUP_DISABLE_INCREMENTAL`].
    pub current_log: u32,
}

impl Request for SetCurrentLogNumberRequest {
    const OPNUM: u16 = 6;
    const OPERATION: &'static str = "HrRRestoreSetCurrentLogNumber";
    type Response = ResultResponse;

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.u32(self.current_log);
        Ok(())
    }

    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { current_log: decoder.u32("log number")? })
    }
}

/// Which logs an incremental backup would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckLogsForBackupResponse {
    /// Lowest generation.
    pub lowest: u32,
    /// Highest generation.
    pub highest: u32,
    /// The return value.
    pub result: HResult,
}

impl Response for CheckLogsForBackupResponse {
    fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self {
            lowest: decoder.u32("lowest generation")?,
            highest: decoder.u32("highest generation")?,
            result: HResult(decoder.u32("return value")?),
        })
    }

    fn result(&self) -> HResult {
        self.result
    }
}

impl EncodeResponse for CheckLogsForBackupResponse {
    fn failed(result: HResult) -> Self {
        Self { lowest: 0, highest: 0, result }
    }

    fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.u32(self.lowest);
        encoder.u32(self.highest);
        encoder.u32(self.result.0);
        Ok(())
    }
}
