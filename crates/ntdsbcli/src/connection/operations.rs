//! The operations of both interfaces, one method each.

use std::time::Duration;

use bytes::Bytes;
use dcerpc::CallId;
use dcerpc::context_handle::ContextHandle;
use ntdsb::HResult;
use ntdsb::idl::{DSB_WIRE_REVISION, Name, ReadRequest, Request, backup, restore};
use ntdsb::{BackupType, RestoreType};

use super::{Connection, Interface};
use crate::error::Error;
use crate::list::FileList;
use crate::read_ahead;
use crate::restore::RestoreRegistration;

/// An opened file.
pub(crate) struct Opened {
    pub(crate) file_id: u32,
    pub(crate) max_read: u32,
    pub(crate) size: u64,
}

impl Connection {
    pub(crate) fn is_online(&mut self) -> Result<bool, Error> {
        let request = restore::IsOnlineRequest;
        Ok(self.call("DsIsNTDSOnline", Interface::Restore, &request)?.online)
    }

    pub(crate) fn set_current_log(&mut self, current_log: u32) -> Result<(), Error> {
        let request = restore::SetCurrentLogNumberRequest { current_log };
        self.call("DsSetCurrentBackupLog", Interface::Restore, &request)?;
        Ok(())
    }

    /// Begins a full backup; returns token and context.
    pub(crate) fn backup_prepare(&mut self) -> Result<(Vec<u8>, ContextHandle), Error> {
        let function = "DsBackupPrepare";
        let request = backup::PrepareRequest {
            revision: DSB_WIRE_REVISION,
            grbit: 0,
            backup_type: BackupType::FULL,
        };
        let response = self.call(function, Interface::Backup, &request)?;
        if response.context == ContextHandle::NULL || response.token.is_empty() {
            return Err(self.lose(function, &"the service gave no context"));
        }
        Ok((response.token, response.context))
    }

    pub(crate) fn backup_database_names(
        &mut self,
        context: ContextHandle,
    ) -> Result<FileList, Error> {
        let function = "DsBackupGetDatabaseNames";
        let request = backup::GetDatabaseNamesRequest { context };
        let response = self.call(function, Interface::Backup, &request)?;
        self.list(function, &response.names.0)
    }

    pub(crate) fn backup_open_file(
        &mut self,
        context: ContextHandle,
        name: &str,
        read_hint: u32,
    ) -> Result<Opened, Error> {
        let function = "DsBackupOpenFile";
        if name.is_empty() || name.contains('\0') || name.encode_utf16().count() >= NAME_UNITS {
            return Err(Error::argument(function, "a name has 1 to 1023 characters"));
        }
        let name = Name::from_text(name);
        let request = backup::OpenFileRequest { context, name, read_hint };
        let response = self.call(function, Interface::Backup, &request)?;
        if response.max_read < read_ahead::GRAIN {
            return Err(self.lose(function, &"the service allows no reads"));
        }
        let backup::OpenFileResponse { file_id, max_read, size, .. } = response;
        Ok(Opened { file_id, max_read, size })
    }

    pub(crate) fn backup_close(
        &mut self,
        context: ContextHandle,
        file_id: u32,
    ) -> Result<(), Error> {
        let request = backup::CloseRequest { context, file_id };
        self.call("DsBackupClose", Interface::Backup, &request)?;
        Ok(())
    }

    /// The lowest and highest generation, and the list.
    pub(crate) fn backup_logs(
        &mut self,
        context: ContextHandle,
    ) -> Result<(u32, u32, FileList), Error> {
        let function = "DsBackupGetBackupLogs";
        let request = backup::GetBackupLogsRequest { context };
        let response = self.call(function, Interface::Backup, &request)?;
        let list = self.list(function, &response.names.0)?;
        Ok((response.lowest, response.highest, list))
    }

    /// The number of deleted logs.
    pub(crate) fn backup_truncate_logs(&mut self, context: ContextHandle) -> Result<u32, Error> {
        let request = backup::TruncateLogsRequest { context };
        Ok(self.call("DsBackupTruncateLogs", Interface::Backup, &request)?.deleted)
    }

    pub(crate) fn backup_end(&mut self, context: ContextHandle) -> Result<(), Error> {
        self.end("DsBackupEnd", Interface::Backup, &backup::EndRequest { context })
    }

    /// The read calls of an open file.
    pub(crate) fn reads(&mut self, context: ContextHandle, file_id: u32) -> Reads<'_> {
        Reads { connection: self, context, file_id }
    }

    pub(crate) fn restore_prepare(&mut self, token: Option<&[u8]>) -> Result<ContextHandle, Error> {
        let function = "DsRestorePrepare";
        let request = restore::PrepareRequest {
            revision: DSB_WIRE_REVISION,
            restore_type: RestoreType::DEFAULT,
            token: token.map(<[u8]>::to_vec),
        };
        let response = self.call(function, Interface::Restore, &request)?;
        if response.context == ContextHandle::NULL {
            return Err(self.lose(function, &"the service gave no context"));
        }
        Ok(response.context)
    }

    pub(crate) fn restore_locations(&mut self, context: ContextHandle) -> Result<FileList, Error> {
        let function = "DsRestoreGetDatabaseLocations";
        let request = restore::GetDatabaseLocationsRequest { context };
        let response = self.call(function, Interface::Restore, &request)?;
        self.list(function, &response.names.0)
    }

    pub(crate) fn restore_register(
        &mut self,
        context: ContextHandle,
        registration: &RestoreRegistration,
    ) -> Result<(), Error> {
        let name = |text: &str| Name::from_text(text);
        let map = registration.map.iter().map(|row| restore::MapRow {
            database: Some(name(&row.database)),
            new_database: Some(name(&row.new_database)),
        });
        let request = restore::RegisterRequest {
            context,
            checkpoint_path: name(&registration.checkpoint_directory),
            log_path: name(&registration.log_directory),
            map: map.collect(),
            backup_log_path: name(&registration.backup_log_directory),
            log_low: *registration.generations.start(),
            log_high: *registration.generations.end(),
        };
        self.call("DsRestoreRegister", Interface::Restore, &request)?;
        Ok(())
    }

    pub(crate) fn restore_complete(
        &mut self,
        context: ContextHandle,
        restore_state: HResult,
    ) -> Result<(), Error> {
        let request = restore::RegisterCompleteRequest { context, restore_state };
        self.call("DsRestoreRegisterComplete", Interface::Restore, &request)?;
        Ok(())
    }

    pub(crate) fn restore_end(&mut self, context: ContextHandle) -> Result<(), Error> {
        self.end("DsRestoreEnd", Interface::Restore, &restore::EndRequest { context })
    }

    /// Ends a context. It waits no longer than [`END_TIMEOUT`]: the service runs down what it
    /// could not be told about.
    fn end<R: Request>(
        &mut self,
        function: &'static str,
        interface: Interface,
        request: &R,
    ) -> Result<(), Error> {
        let limit = self.call_timeout.map_or(END_TIMEOUT, |limit| limit.min(END_TIMEOUT));
        self.client.set_call_timeout(Some(limit));
        let mut ended = self.call(function, interface, request).map(|_| ());
        if matches!(ended, Err(Error::Cancelled { .. })) {
            // A cancel that was meant for a call which ended by itself. The service may have done
            // what it was asked all the same, and does not know the context any more.
            ended = match self.call(function, interface, request) {
                Err(Error::Fault { code: HResult::HR_INVALID_HANDLE, .. }) => Ok(()),
                again => again.map(|_| ()),
            };
        }
        self.client.set_call_timeout(self.call_timeout);
        ended
    }

    fn list(&mut self, function: &'static str, units: &[u16]) -> Result<FileList, Error> {
        FileList::new(units).map_err(|error| self.lose(function, &error))
    }
}

/// The read calls of an open file.
pub(crate) struct Reads<'a> {
    connection: &'a mut Connection,
    context: ContextHandle,
    file_id: u32,
}

impl Reads<'_> {
    fn request(&self, offset: u64, length: u32) -> ReadRequest {
        ReadRequest { context: self.context, file_id: self.file_id, offset, length }
    }
}

impl read_ahead::Reads for Reads<'_> {
    type Call = CallId;
    type Unit = Bytes;

    fn submit(&mut self, offset: u64, length: u32) -> Result<CallId, Error> {
        let request = self.request(offset, length);
        self.connection.submit(READ, Interface::Backup, &request)
    }

    fn wait(
        &mut self,
        call: CallId,
        offset: u64,
        length: u32,
        expected: u32,
    ) -> Result<Bytes, Error> {
        let request = self.request(offset, length);
        let (response, stub) = self.connection.wait(READ, &request, call)?;
        match response.result.unwrapped() {
            HResult::S_OK if response.data.len() == expected as usize => {
                Ok(stub.slice(response.data))
            }
            // The size was fixed when the file was opened: an early end is no end of the file.
            HResult::S_OK | HResult::ERROR_HANDLE_EOF => {
                Err(self.connection.lose(READ, &"the service delivered less than it announced"))
            }
            code => Err(self.connection.refused(READ, code)),
        }
    }

    fn discard(&mut self, call: CallId) {
        if self.connection.check(READ).is_ok() {
            self.connection.client.discard(call);
        }
    }
}

const READ: &str = "DsBackupRead";
/// UTF-16 units of a name on the wire, the terminator included.
const NAME_UNITS: usize = 1024;
/// How long the end of a context is waited for.
const END_TIMEOUT: Duration = Duration::from_secs(10);
