//! Entry points of a restore context.

use core::ffi::{c_char, c_void};

use client::functions::{self, Form, RestoreMapRow};
use client::{Handle, MAP_ROWS_MAX};
use ntdsb::HResult;

use crate::backup::hbc as to_hbc;
use crate::outputs::{Output, return_list};
use crate::strings::CText;
use crate::{HBC, HRESULT, guard, handle};

/// `EDB_RSTMAPA`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EDB_RSTMAPA {
    /// The database as it was backed up.
    pub szDatabaseName: *mut c_char,
    /// Where it comes to.
    pub szNewDatabaseName: *mut c_char,
}

/// `EDB_RSTMAPW`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EDB_RSTMAPW {
    /// The database as it was backed up.
    pub wszDatabaseName: *mut u16,
    /// Where it comes to.
    pub wszNewDatabaseName: *mut u16,
}

/// DsRestorePrepare, narrow.
///
/// # Safety
/// Pointers are NULL or valid: the string readable up to its terminator, the token for its size,
/// the output writable.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsRestorePrepareA(
    szServerName: *const c_char,
    rtFlag: u32,
    pvExpiryToken: *const c_void,
    cbExpiryTokenSize: u32,
    phbc: *mut HBC,
) -> HRESULT {
    let token = (pvExpiryToken, cbExpiryTokenSize);
    // SAFETY: the caller's promise.
    guard(|| unsafe { prepare(&CText::ansi(szServerName), rtFlag, token, phbc) })
}

/// DsRestorePrepare, wide.
///
/// # Safety
/// As [`DsRestorePrepareA`].
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsRestorePrepareW(
    szServerName: *const u16,
    rtFlag: u32,
    pvExpiryToken: *const c_void,
    cbExpiryTokenSize: u32,
    phbc: *mut HBC,
) -> HRESULT {
    let token = (pvExpiryToken, cbExpiryTokenSize);
    // SAFETY: the caller's promise.
    guard(|| unsafe { prepare(&CText::wide(szServerName), rtFlag, token, phbc) })
}

/// # Safety
/// The token is NULL or readable for its size, the output NULL or writable.
unsafe fn prepare(
    server: &CText,
    restore_type: u32,
    (start, size): (*const c_void, u32),
    phbc: *mut HBC,
) -> HResult {
    let mut context = Output::<Handle, HBC>::new(phbc);
    // A longer token is refused for its length; more than that is not read.
    let length = (size as usize).min(TOKEN_READ_MAX);
    // SAFETY: the caller's promise.
    let token = (!start.is_null())
        .then(|| unsafe { core::slice::from_raw_parts(start.cast::<u8>(), length) });
    let code = functions::ds_restore_prepare(server.text(), restore_type, token, context.slot());
    // SAFETY: the caller's promise.
    unsafe { context.store(to_hbc(*context.value())) };
    code
}

/// DsRestoreGetDatabaseLocations, narrow.
///
/// # Safety
/// Outputs are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsRestoreGetDatabaseLocationsA(
    hbc: HBC,
    pszDatabaseLocationList: *mut *mut c_char,
    pcbSize: *mut u32,
) -> HRESULT {
    let function = functions::ds_restore_get_database_locations;
    // SAFETY: the caller's promise.
    guard(|| unsafe { return_list(function, hbc, Form::Ansi, (pszDatabaseLocationList, pcbSize)) })
}

/// DsRestoreGetDatabaseLocations, wide.
///
/// # Safety
/// Outputs are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsRestoreGetDatabaseLocationsW(
    hbc: HBC,
    pszDatabaseLocationList: *mut *mut u16,
    pcbSize: *mut u32,
) -> HRESULT {
    let function = functions::ds_restore_get_database_locations;
    // SAFETY: the caller's promise.
    guard(|| unsafe { return_list(function, hbc, Form::Wide, (pszDatabaseLocationList, pcbSize)) })
}

/// DsRestoreRegister, narrow.
///
/// # Safety
/// Strings are NULL or readable up to their terminators, the map NULL or of `crstmap` rows.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsRestoreRegisterA(
    hbc: HBC,
    szCheckPointFilePath: *const c_char,
    szLogPath: *const c_char,
    rgrstmap: *const EDB_RSTMAPA,
    crstmap: i32,
    szBackupLogPath: *const c_char,
    genLow: u32,
    genHigh: u32,
) -> HRESULT {
    guard(|| {
        // SAFETY: the caller's promise.
        let copy = |text: *const c_char| unsafe { CText::ansi(text) };
        let paths = [szCheckPointFilePath, szLogPath, szBackupLogPath].map(copy);
        // SAFETY: the caller's promise.
        let rows = unsafe { copy_rows(rgrstmap, crstmap) }.map(|rows| {
            let both = |row: &EDB_RSTMAPA| [row.szDatabaseName, row.szNewDatabaseName];
            rows.iter().map(|row| both(row).map(|text| copy(text))).collect()
        });
        register(hbc, &paths, rows.as_ref(), crstmap, (genLow, genHigh))
    })
}

/// DsRestoreRegister, wide.
///
/// # Safety
/// As [`DsRestoreRegisterA`].
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsRestoreRegisterW(
    hbc: HBC,
    szCheckPointFilePath: *const u16,
    szLogPath: *const u16,
    rgrstmap: *const EDB_RSTMAPW,
    crstmap: i32,
    szBackupLogPath: *const u16,
    genLow: u32,
    genHigh: u32,
) -> HRESULT {
    guard(|| {
        // SAFETY: the caller's promise.
        let copy = |text: *const u16| unsafe { CText::wide(text) };
        let paths = [szCheckPointFilePath, szLogPath, szBackupLogPath].map(copy);
        // SAFETY: the caller's promise.
        let rows = unsafe { copy_rows(rgrstmap, crstmap) }.map(|rows| {
            let both = |row: &EDB_RSTMAPW| [row.wszDatabaseName, row.wszNewDatabaseName];
            rows.iter().map(|row| both(row).map(|text| copy(text))).collect()
        });
        register(hbc, &paths, rows.as_ref(), crstmap, (genLow, genHigh))
    })
}

/// The rows of a map; none where their number is out of range, which is refused for its number.
///
/// # Safety
/// The map is NULL or has `count` readable rows.
unsafe fn copy_rows<R: Copy>(map: *const R, count: i32) -> Option<Vec<R>> {
    let count = usize::try_from(count).ok().filter(|&count| count <= MAP_ROWS_MAX)?;
    // SAFETY: the caller's promise; C may give an address without alignment.
    let row = |at: usize| unsafe { map.add(at).read_unaligned() };
    (!map.is_null()).then(|| (0..count).map(row).collect())
}

fn register(
    hbc: HBC,
    [checkpoint, logs, backup_logs]: &[CText; 3],
    rows: Option<&Vec<[CText; 2]>>,
    row_count: i32,
    (low, high): (u32, u32),
) -> HResult {
    let rows: Option<Vec<_>> = rows.map(|rows| {
        rows.iter()
            .map(|[old, new]| RestoreMapRow { database: old.text(), new_database: new.text() })
            .collect()
    });
    functions::ds_restore_register(
        handle(hbc),
        checkpoint.text(),
        logs.text(),
        rows.as_deref(),
        row_count,
        backup_logs.text(),
        low,
        high,
    )
}

/// DsRestoreRegisterComplete.
#[unsafe(no_mangle)]
pub extern "system" fn DsRestoreRegisterComplete(hbc: HBC, hrRestoreState: HRESULT) -> HRESULT {
    let state = HResult::from_i32(hrRestoreState);
    guard(|| functions::ds_restore_register_complete(handle(hbc), state))
}

/// DsRestoreEnd.
#[unsafe(no_mangle)]
pub extern "system" fn DsRestoreEnd(hbc: HBC) -> HRESULT {
    guard(|| functions::ds_restore_end(handle(hbc)))
}

/// One byte more than the longest token.
const TOKEN_READ_MAX: usize = 4097;
