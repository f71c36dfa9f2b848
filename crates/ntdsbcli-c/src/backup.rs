//! Entry points of a backup context.

use core::ffi::{c_char, c_void};
use std::ptr::{null_mut, without_provenance_mut};

use client::Handle;
use client::functions::{self, Form};
use ntdsb::HResult;

use crate::outputs::{Output, pointer, return_list};
use crate::strings::CText;
use crate::{HBC, HRESULT, guard, handle, memory};

/// DsBackupPrepare, narrow.
///
/// # Safety
/// Pointers are NULL or valid: strings readable up to their terminators, outputs writable.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsBackupPrepareA(
    szBackupServer: *const c_char,
    grbit: u32,
    btFlag: u32,
    ppvExpiryToken: *mut *mut c_void,
    pcbExpiryTokenSize: *mut u32,
    phbc: *mut HBC,
) -> HRESULT {
    let to = (ppvExpiryToken, pcbExpiryTokenSize, phbc);
    // SAFETY: the caller's promise.
    guard(|| unsafe { prepare(&CText::ansi(szBackupServer), grbit, btFlag, to) })
}

/// DsBackupPrepare, wide.
///
/// # Safety
/// As [`DsBackupPrepareA`].
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsBackupPrepareW(
    szBackupServer: *const u16,
    grbit: u32,
    btFlag: u32,
    ppvExpiryToken: *mut *mut c_void,
    pcbExpiryTokenSize: *mut u32,
    phbc: *mut HBC,
) -> HRESULT {
    let to = (ppvExpiryToken, pcbExpiryTokenSize, phbc);
    // SAFETY: the caller's promise.
    guard(|| unsafe { prepare(&CText::wide(szBackupServer), grbit, btFlag, to) })
}

/// # Safety
/// The outputs are NULL or writable.
unsafe fn prepare(
    server: &CText,
    grbit: u32,
    backup_type: u32,
    to: (*mut *mut c_void, *mut u32, *mut HBC),
) -> HResult {
    let mut token = Output::<Vec<u8>, *mut c_void>::new(to.0);
    let mut size = Output::<u32, u32>::new(to.1);
    let mut context = Output::<Handle, HBC>::new(to.2);
    let (token_slot, size_slot) = (token.slot(), size.slot());
    let server = server.text();
    let mut code = functions::ds_backup_prepare(
        server,
        grbit,
        backup_type,
        token_slot,
        size_slot,
        context.slot(),
    );
    let mut block = None;
    if code.is_ok() {
        block = memory::secret_block(token.value());
        if block.is_none() {
            functions::ds_backup_end(*context.value());
            code = HResult::ERROR_NOT_ENOUGH_MEMORY;
        }
    }
    let ok = code.is_ok();
    // SAFETY: the caller's promise.
    unsafe {
        token.store(pointer(block));
        size.store(if ok { *size.value() } else { 0 });
        context.store(if ok { hbc(*context.value()) } else { null_mut() });
    }
    code
}

/// A handle as a C caller gets it.
pub(crate) fn hbc(handle: Handle) -> HBC {
    // Handles have 48 bits and exist on 64-bit systems only, see the assertion below.
    #[allow(clippy::cast_possible_truncation)]
    without_provenance_mut(handle.to_raw() as usize)
}

const _: () = assert!(size_of::<HBC>() == size_of::<u64>(), "a handle needs 64 bits");

/// DsBackupGetDatabaseNames, narrow.
///
/// # Safety
/// Outputs are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsBackupGetDatabaseNamesA(
    hbc: HBC,
    pszAttachmentInfo: *mut *mut c_char,
    pcbSize: *mut u32,
) -> HRESULT {
    let function = functions::ds_backup_get_database_names;
    // SAFETY: the caller's promise.
    guard(|| unsafe { return_list(function, hbc, Form::Ansi, (pszAttachmentInfo, pcbSize)) })
}

/// DsBackupGetDatabaseNames, wide.
///
/// # Safety
/// Outputs are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsBackupGetDatabaseNamesW(
    hbc: HBC,
    pszAttachmentInfo: *mut *mut u16,
    pcbSize: *mut u32,
) -> HRESULT {
    let function = functions::ds_backup_get_database_names;
    // SAFETY: the caller's promise.
    guard(|| unsafe { return_list(function, hbc, Form::Wide, (pszAttachmentInfo, pcbSize)) })
}

/// DsBackupOpenFile, narrow.
///
/// # Safety
/// The string is NULL or readable up to its terminator, the output NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsBackupOpenFileA(
    hbc: HBC,
    szAttachmentName: *const c_char,
    cbReadHintSize: u32,
    pliFileSize: *mut i64,
) -> HRESULT {
    // SAFETY: the caller's promise.
    guard(|| unsafe { open(hbc, &CText::ansi(szAttachmentName), cbReadHintSize, pliFileSize) })
}

/// DsBackupOpenFile, wide.
///
/// # Safety
/// As [`DsBackupOpenFileA`].
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsBackupOpenFileW(
    hbc: HBC,
    szAttachmentName: *const u16,
    cbReadHintSize: u32,
    pliFileSize: *mut i64,
) -> HRESULT {
    // SAFETY: the caller's promise.
    guard(|| unsafe { open(hbc, &CText::wide(szAttachmentName), cbReadHintSize, pliFileSize) })
}

/// # Safety
/// The output is NULL or writable.
unsafe fn open(hbc: HBC, name: &CText, read_hint: u32, to: *mut i64) -> HResult {
    let mut size = Output::<i64, i64>::new(to);
    let code = functions::ds_backup_open_file(handle(hbc), name.text(), read_hint, size.slot());
    // SAFETY: the caller's promise.
    unsafe { size.store(*size.value()) };
    code
}

/// DsBackupRead.
///
/// # Safety
/// The buffer is NULL or has `cbBuffer` writable bytes; the output is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsBackupRead(
    hbc: HBC,
    pvBuffer: *mut c_void,
    cbBuffer: u32,
    pcbRead: *mut u32,
) -> HRESULT {
    guard(|| {
        let mut count = Output::<u32, u32>::new(pcbRead);
        let length = cbBuffer as usize;
        // SAFETY: the caller's promise. Nothing else refers to the buffer during the call.
        let buffer = (!pvBuffer.is_null())
            .then(|| unsafe { core::slice::from_raw_parts_mut(pvBuffer.cast::<u8>(), length) });
        let code = functions::ds_backup_read(handle(hbc), buffer, count.slot());
        // SAFETY: the caller's promise.
        unsafe { count.store(*count.value()) };
        code
    })
}

/// DsBackupClose.
#[unsafe(no_mangle)]
pub extern "system" fn DsBackupClose(hbc: HBC) -> HRESULT {
    guard(|| functions::ds_backup_close(handle(hbc)))
}

/// DsBackupGetBackupLogs, narrow.
///
/// # Safety
/// Outputs are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsBackupGetBackupLogsA(
    hbc: HBC,
    pszBackupLogFiles: *mut *mut c_char,
    pcbSize: *mut u32,
) -> HRESULT {
    let function = functions::ds_backup_get_backup_logs;
    // SAFETY: the caller's promise.
    guard(|| unsafe { return_list(function, hbc, Form::Ansi, (pszBackupLogFiles, pcbSize)) })
}

/// DsBackupGetBackupLogs, wide.
///
/// # Safety
/// Outputs are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsBackupGetBackupLogsW(
    hbc: HBC,
    pszBackupLogFiles: *mut *mut u16,
    pcbSize: *mut u32,
) -> HRESULT {
    let function = functions::ds_backup_get_backup_logs;
    // SAFETY: the caller's promise.
    guard(|| unsafe { return_list(function, hbc, Form::Wide, (pszBackupLogFiles, pcbSize)) })
}

/// DsBackupTruncateLogs.
#[unsafe(no_mangle)]
pub extern "system" fn DsBackupTruncateLogs(hbc: HBC) -> HRESULT {
    guard(|| functions::ds_backup_truncate_logs(handle(hbc)))
}

/// DsBackupEnd.
#[unsafe(no_mangle)]
pub extern "system" fn DsBackupEnd(hbc: HBC) -> HRESULT {
    guard(|| functions::ds_backup_end(handle(hbc)))
}

/// DsBackupFree. Takes any pointer; only live blocks of this library are freed.
#[unsafe(no_mangle)]
pub extern "system" fn DsBackupFree(pvBuffer: *mut c_void) {
    guard(|| {
        memory::free(pvBuffer);
        HResult::S_OK
    });
}
