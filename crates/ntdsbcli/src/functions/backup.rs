//! Functions of a backup context.

use ntdsb::HResult;
use ntdsb::{BackupType, is_read_size};

use super::{Context, Form, Kind, List, Text, check_room, end, entry, finish, publish};
use crate::backup::BackupContext;
use crate::error::Error;
use crate::handles::Handle;

/// DsBackupPrepare: begins a backup, gives the token and the handle.
pub fn ds_backup_prepare(
    server: Option<Text<'_>>,
    grbit: u32,
    backup_type: u32,
    token: Option<&mut Vec<u8>>,
    token_size: Option<&mut u32>,
    handle: Option<&mut Handle>,
) -> HResult {
    let (mut token, mut token_size, mut handle) = (token, token_size, handle);
    if let Some(token) = token.as_deref_mut() {
        token.clear();
    }
    if let Some(size) = token_size.as_deref_mut() {
        *size = 0;
    }
    if let Some(handle) = handle.as_deref_mut() {
        *handle = Handle::NULL;
    }
    let (Some(token), Some(token_size)) = (token, token_size) else {
        return HResult::HR_INVALID_PARAM;
    };
    let Some(handle) = handle else {
        return HResult::ERROR_INVALID_PARAMETER;
    };
    let prepare = || {
        let server = server.ok_or(HResult::ERROR_INVALID_PARAMETER)?;
        if grbit > 1 || backup_type != BackupType::FULL {
            return Err(HResult::ERROR_INVALID_PARAMETER);
        }
        let server = server.to_server()?;
        check_room()?;
        let context = BackupContext::prepare(&server).map_err(|error| error.code())?;
        let size = u32::try_from(context.token().len());
        let size = size.map_err(|_| HResult::HR_COMMUNICATION_ERROR)?;
        let token = context.token().to_vec();
        let canceller = context.canceller();
        let handle = publish(Kind::Backup, canceller, Context::Backup(Box::new(context)))?;
        Ok((token, size, handle))
    };
    finish(prepare(), |(new_token, size, new_handle)| {
        *token = new_token;
        *token_size = size;
        *handle = new_handle;
    })
}

/// DsBackupGetDatabaseNames: the databases to back up.
pub fn ds_backup_get_database_names(
    handle: Handle,
    form: Form,
    list: Option<&mut List>,
    size: Option<&mut u32>,
) -> HResult {
    let accepts = |kind| kind == Kind::Backup;
    return_list(handle, accepts, list, size, form, |context| match context {
        Context::Backup(context) => context.database_list().map(|list| list.units().to_vec()),
        Context::Restore(_) => Err(Error::argument(DATABASE_NAMES, WRONG_KIND)),
    })
}

/// DsBackupGetBackupLogs: the logs to back up; ends the database phase.
pub fn ds_backup_get_backup_logs(
    handle: Handle,
    form: Form,
    list: Option<&mut List>,
    size: Option<&mut u32>,
) -> HResult {
    let accepts = |kind| kind == Kind::Backup;
    return_list(handle, accepts, list, size, form, |context| match context {
        Context::Backup(context) => context.log_list().map(|list| list.units().to_vec()),
        Context::Restore(_) => Err(Error::argument(BACKUP_LOGS, WRONG_KIND)),
    })
}

/// DsBackupOpenFile: opens a listed file.
pub fn ds_backup_open_file(
    handle: Handle,
    name: Option<Text<'_>>,
    read_hint: u32,
    file_size: Option<&mut i64>,
) -> HResult {
    let mut file_size = file_size;
    if let Some(size) = file_size.as_deref_mut() {
        *size = 0;
    }
    let open = || {
        let entry = entry(handle, |kind| kind == Kind::Backup)?;
        let size = file_size.ok_or(HResult::ERROR_INVALID_PARAMETER)?;
        let name = name.filter(|name| !name.is_empty()).ok_or(HResult::ERROR_INVALID_PARAMETER)?;
        if !is_read_size(read_hint) {
            return Err(HResult::ERROR_INVALID_PARAMETER);
        }
        let name = name.to_path()?;
        let length = entry.backup(|context| context.open_file(&name, read_hint))?;
        *size = i64::try_from(length).map_err(|_| HResult::HR_COMMUNICATION_ERROR)?;
        Ok(())
    };
    finish(open(), |()| ())
}

/// DsBackupRead: the next bytes of the open file; `ERROR_HANDLE_EOF` after the last.
pub fn ds_backup_read(
    handle: Handle,
    buffer: Option<&mut [u8]>,
    count: Option<&mut u32>,
) -> HResult {
    let mut count = count;
    if let Some(count) = count.as_deref_mut() {
        *count = 0;
    }
    let read = || {
        let entry = entry(handle, |kind| kind == Kind::Backup)?;
        let count = count.ok_or(HResult::ERROR_INVALID_PARAMETER)?;
        let buffer = buffer.ok_or(HResult::ERROR_INVALID_PARAMETER)?;
        if !u32::try_from(buffer.len()).is_ok_and(is_read_size) {
            return Err(HResult::ERROR_INVALID_PARAMETER);
        }
        let bytes = entry.backup(|context| context.read_file(buffer))?;
        *count = u32::try_from(bytes).map_err(|_| HResult::HR_ERROR)?;
        if bytes == 0 { Err(HResult::ERROR_HANDLE_EOF) } else { Ok(()) }
    };
    finish(read(), |()| ())
}

/// DsBackupClose: closes the open file.
pub fn ds_backup_close(handle: Handle) -> HResult {
    let close = || entry(handle, |kind| kind == Kind::Backup)?.backup(BackupContext::close_file);
    finish(close(), |()| ())
}

/// DsBackupTruncateLogs: deletes logs that nobody needs any longer.
pub fn ds_backup_truncate_logs(handle: Handle) -> HResult {
    let truncate =
        || entry(handle, |kind| kind == Kind::Backup)?.backup(BackupContext::truncate_logs);
    finish(truncate(), |_| ())
}

/// DsBackupEnd: ends the context, whatever its state.
pub fn ds_backup_end(handle: Handle) -> HResult {
    end(handle, Kind::Backup)
}

/// The common part of the three functions that return a list.
pub(super) fn return_list(
    handle: Handle,
    accepts: impl Fn(Kind) -> bool,
    list: Option<&mut List>,
    size: Option<&mut u32>,
    form: Form,
    get: impl FnOnce(&mut Context) -> Result<Vec<u16>, Error>,
) -> HResult {
    let (mut list, mut size) = (list, size);
    if let Some(list) = list.as_deref_mut() {
        *list = List::default();
    }
    if let Some(size) = size.as_deref_mut() {
        *size = 0;
    }
    let get = || {
        let entry = entry(handle, accepts)?;
        let list = list.ok_or(HResult::ERROR_INVALID_PARAMETER)?;
        let size = size.ok_or(HResult::ERROR_INVALID_PARAMETER)?;
        let units = entry.run(get)?;
        let answer = List::new(&units, form).map_err(|error| error.code())?;
        *size =
            u32::try_from(answer.size_in_bytes()).map_err(|_| HResult::ERROR_NOT_ENOUGH_MEMORY)?;
        *list = answer;
        Ok(())
    };
    finish(get(), |()| ())
}

const DATABASE_NAMES: &str = "DsBackupGetDatabaseNames";
const BACKUP_LOGS: &str = "DsBackupGetBackupLogs";
const WRONG_KIND: &str = "the handle is of a restore";
