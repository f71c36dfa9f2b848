//! Entry points without a context.

use core::ffi::c_char;

use client::functions;
use ntdsb::HResult;

use crate::outputs::Output;
use crate::strings::CText;
use crate::{HRESULT, guard};

/// DsIsNTDSOnline, narrow.
///
/// # Safety
/// Pointers are NULL or valid: strings readable up to their terminators, outputs writable.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsIsNTDSOnlineA(
    szServerName: *const c_char,
    pfNTDSOnline: *mut i32,
) -> HRESULT {
    // SAFETY: the caller's promise.
    guard(|| unsafe { is_online(&CText::ansi(szServerName), pfNTDSOnline) })
}

/// DsIsNTDSOnline, wide.
///
/// # Safety
/// As [`DsIsNTDSOnlineA`].
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsIsNTDSOnlineW(
    szServerName: *const u16,
    pfNTDSOnline: *mut i32,
) -> HRESULT {
    // SAFETY: the caller's promise.
    guard(|| unsafe { is_online(&CText::wide(szServerName), pfNTDSOnline) })
}

/// # Safety
/// The output is NULL or writable.
unsafe fn is_online(server: &CText, to: *mut i32) -> HResult {
    let mut online = Output::<bool, i32>::new(to);
    let code = functions::ds_is_ntds_online(server.text(), online.slot());
    // SAFETY: the caller's promise.
    unsafe { online.store(i32::from(*online.value())) };
    code
}

/// DsSetAuthIdentity, narrow.
///
/// # Safety
/// Strings are NULL or readable up to their terminators.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsSetAuthIdentityA(
    szUserName: *const c_char,
    szDomainName: *const c_char,
    szPassword: *const c_char,
) -> HRESULT {
    guard(|| {
        // SAFETY: the caller's promise.
        let [user, domain, password] =
            [szUserName, szDomainName, szPassword].map(|text| unsafe { CText::ansi(text) });
        functions::ds_set_auth_identity(user.text(), domain.text(), password.text())
    })
}

/// DsSetAuthIdentity, wide.
///
/// # Safety
/// As [`DsSetAuthIdentityA`].
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsSetAuthIdentityW(
    szUserName: *const u16,
    szDomainName: *const u16,
    szPassword: *const u16,
) -> HRESULT {
    guard(|| {
        // SAFETY: the caller's promise.
        let [user, domain, password] =
            [szUserName, szDomainName, szPassword].map(|text| unsafe { CText::wide(text) });
        functions::ds_set_auth_identity(user.text(), domain.text(), password.text())
    })
}

/// DsSetCurrentBackupLog, narrow.
///
/// # Safety
/// The string is NULL or readable up to its terminator.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsSetCurrentBackupLogA(
    szServerName: *const c_char,
    dwCurrentLog: u32,
) -> HRESULT {
    // SAFETY: the caller's promise.
    let server = || unsafe { CText::ansi(szServerName) };
    guard(|| functions::ds_set_current_backup_log(server().text(), dwCurrentLog))
}

/// DsSetCurrentBackupLog, wide.
///
/// # Safety
/// As [`DsSetCurrentBackupLogA`].
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsSetCurrentBackupLogW(
    szServerName: *const u16,
    dwCurrentLog: u32,
) -> HRESULT {
    // SAFETY: the caller's promise.
    let server = || unsafe { CText::wide(szServerName) };
    guard(|| functions::ds_set_current_backup_log(server().text(), dwCurrentLog))
}
