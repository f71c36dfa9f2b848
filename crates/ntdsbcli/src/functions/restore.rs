//! Functions of a restore context.

use ntdsb::HResult;
use ntdsb::{LOG_NUMBER_MAXIMUM, RestoreType};

use super::backup::return_list;
use super::{Context, Form, Kind, List, Text, check_room, end, entry, finish, publish};
use crate::handles::Handle;
use crate::restore::{MAP_ROWS_MAX, RestoreContext, RestoreMap, RestoreRegistration};

/// A row of the restore map (`EDB_RSTMAP`): a database as it was backed up, and its new path.
#[derive(Clone, Copy, Debug)]
pub struct RestoreMapRow<'a> {
    /// `szDatabaseName`.
    pub database: Option<Text<'a>>,
    /// `szNewDatabaseName`.
    pub new_database: Option<Text<'a>>,
}

/// DsRestorePrepare: begins a restore; without a token, one that can only ask for locations.
pub fn ds_restore_prepare(
    server: Option<Text<'_>>,
    restore_type: u32,
    token: Option<&[u8]>,
    handle: Option<&mut Handle>,
) -> HResult {
    let Some(handle) = handle else {
        return HResult::ERROR_INVALID_PARAMETER;
    };
    *handle = Handle::NULL;
    let prepare = || {
        let server = server.ok_or(HResult::ERROR_INVALID_PARAMETER)?;
        if restore_type != RestoreType::DEFAULT && restore_type != RestoreType::CATCHUP {
            return Err(HResult::ERROR_INVALID_PARAMETER);
        }
        let server = server.to_server()?;
        check_room()?;
        let context = RestoreContext::prepare(&server, token).map_err(|error| error.code())?;
        publish(Kind::Restore, context.canceller(), Context::Restore(Box::new(context)))
    };
    finish(prepare(), |new| *handle = new)
}

/// DsRestoreGetDatabaseLocations: where files go. Takes backup handles too.
pub fn ds_restore_get_database_locations(
    handle: Handle,
    form: Form,
    list: Option<&mut List>,
    size: Option<&mut u32>,
) -> HResult {
    return_list(
        handle,
        |_| true,
        list,
        size,
        form,
        |context| match context {
            Context::Backup(context) => context.location_list().map(|list| list.units().to_vec()),
            Context::Restore(context) => context.location_list().map(|list| list.units().to_vec()),
        },
    )
}

/// DsRestoreRegister: announces the restore; from then on the directory does not start.
///
/// `row_count` is the documented `crstmap`; `rows` is `None` where `rgrstmap` is NULL.
#[allow(clippy::too_many_arguments)] // the documented function has them
pub fn ds_restore_register(
    handle: Handle,
    checkpoint_directory: Option<Text<'_>>,
    log_directory: Option<Text<'_>>,
    rows: Option<&[RestoreMapRow<'_>]>,
    row_count: i32,
    backup_log_directory: Option<Text<'_>>,
    generation_low: u32,
    generation_high: u32,
) -> HResult {
    let register = || {
        let entry = entry(handle, |kind| kind == Kind::Restore)?;
        let checkpoint = checkpoint_directory.ok_or(HResult::ERROR_INVALID_PARAMETER)?;
        let logs = log_directory.ok_or(HResult::ERROR_INVALID_PARAMETER)?;
        let backup_logs = backup_log_directory.ok_or(HResult::ERROR_INVALID_PARAMETER)?;
        let rows = checked_rows(rows, row_count)?;
        if generation_low > generation_high || generation_high > LOG_NUMBER_MAXIMUM {
            return Err(HResult::ERROR_INVALID_PARAMETER);
        }
        let registration = RestoreRegistration {
            checkpoint_directory: checkpoint.to_path()?,
            log_directory: logs.to_path()?,
            map: rows
                .iter()
                .map(|(database, new_database)| {
                    let (database, new_database) = (database.to_path()?, new_database.to_path()?);
                    Ok(RestoreMap { database, new_database })
                })
                .collect::<Result<_, HResult>>()?,
            backup_log_directory: backup_logs.to_path()?,
            generations: generation_low..=generation_high,
        };
        entry.restore(|context| context.register(&registration))
    };
    finish(register(), |()| ())
}

/// DsRestoreRegisterComplete: reports the outcome; 0 lets the directory start.
pub fn ds_restore_register_complete(handle: Handle, restore_state: HResult) -> HResult {
    let complete = || {
        let entry = entry(handle, |kind| kind == Kind::Restore)?;
        entry.restore(|context| context.register_complete(restore_state))
    };
    finish(complete(), |()| ())
}

/// DsRestoreEnd: ends the context; a registration stays.
pub fn ds_restore_end(handle: Handle) -> HResult {
    end(handle, Kind::Restore)
}

/// The rows of a map, each with both names.
fn checked_rows<'a>(
    rows: Option<&[RestoreMapRow<'a>]>,
    count: i32,
) -> Result<Vec<(Text<'a>, Text<'a>)>, HResult> {
    let count = usize::try_from(count).map_err(|_| HResult::ERROR_INVALID_PARAMETER)?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let rows = rows.filter(|rows| rows.len() == count && count <= MAP_ROWS_MAX);
    let named = |text: Option<Text<'a>>| text.filter(|text| !text.is_empty());
    rows.ok_or(HResult::ERROR_INVALID_PARAMETER)?
        .iter()
        .map(|row| named(row.database).zip(named(row.new_database)))
        .collect::<Option<_>>()
        .ok_or(HResult::ERROR_INVALID_PARAMETER)
}
