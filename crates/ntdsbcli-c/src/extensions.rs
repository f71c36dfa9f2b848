//! Extensions: entry points with the prefix `Dsbx`.

use core::ffi::c_char;

use client::functions::extensions;
use ntdsb::HResult;

use crate::outputs::Output;
use crate::strings::CText;
use crate::{HBC, HRESULT, guard, handle};

/// DsbxSetOption: a switch or a number of `dsbx.h`.
#[unsafe(no_mangle)]
pub extern "system" fn DsbxSetOption(dwOption: u32, dwValue: u32) -> HRESULT {
    guard(|| extensions::dsbx_set_option(dwOption, dwValue))
}

/// DsbxSetTextOption: a path or a list, in UTF-8; NULL for the default.
///
/// # Safety
/// The string is NULL or readable up to its terminator.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsbxSetTextOption(dwOption: u32, pszValue: *const c_char) -> HRESULT {
    // SAFETY: the caller's promise.
    let value = || unsafe { CText::ansi(pszValue) };
    guard(|| match value() {
        CText::Null => extensions::dsbx_set_text_option(dwOption, None),
        text => text.utf8().map_or(HResult::ERROR_NO_UNICODE_TRANSLATION, |text| {
            extensions::dsbx_set_text_option(dwOption, Some(text))
        }),
    })
}

/// DsbxSetAnsiCodePage: the code page of the A forms.
#[unsafe(no_mangle)]
pub extern "system" fn DsbxSetAnsiCodePage(dwCodePage: u32) -> HRESULT {
    guard(|| extensions::dsbx_set_ansi_code_page(dwCodePage))
}

/// DsbxResultText: a result in words. Returns the length of the whole text.
///
/// # Safety
/// The buffer is NULL or has `cb` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsbxResultText(hr: HRESULT, buf: *mut c_char, cb: usize) -> usize {
    let mut length = 0;
    guard(|| {
        let text = extensions::dsbx_result_text(HResult::from_i32(hr));
        // SAFETY: the caller's promise.
        unsafe { store_text(&text, buf, cb) };
        length = text.len();
        HResult::S_OK
    });
    length
}

/// DsbxCancel: ends the wait of another thread.
#[unsafe(no_mangle)]
pub extern "system" fn DsbxCancel(hbc: HBC) -> HRESULT {
    guard(|| extensions::dsbx_cancel(handle(hbc)))
}

/// DsbxUncToLocal: the local path of a published name.
///
/// # Safety
/// The string is NULL or readable up to its terminator, the buffer NULL or of `cb` writable bytes,
/// the output NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsbxUncToLocal(
    pszUnc: *const c_char,
    buf: *mut c_char,
    cb: usize,
    pcch: *mut usize,
) -> HRESULT {
    // SAFETY: the caller's promise.
    guard(|| unsafe { map_path(pszUnc, extensions::dsbx_unc_to_local, buf, cb, pcch) })
}

/// DsbxLocalToUnc: the published name of a local path.
///
/// # Safety
/// As [`DsbxUncToLocal`].
#[unsafe(no_mangle)]
pub unsafe extern "system" fn DsbxLocalToUnc(
    pszLocal: *const c_char,
    buf: *mut c_char,
    cb: usize,
    pcch: *mut usize,
) -> HRESULT {
    // SAFETY: the caller's promise.
    guard(|| unsafe { map_path(pszLocal, extensions::dsbx_local_to_unc, buf, cb, pcch) })
}

/// # Safety
/// As [`DsbxUncToLocal`].
unsafe fn map_path(
    path: *const c_char,
    map: fn(&str) -> Result<String, HResult>,
    buf: *mut c_char,
    cb: usize,
    pcch: *mut usize,
) -> HResult {
    // SAFETY: the caller's promise.
    let path = unsafe { CText::ansi(path) };
    let mapped = path.utf8().ok_or(HResult::ERROR_INVALID_PARAMETER).and_then(map);
    let text = mapped.as_deref().unwrap_or_default();
    let length = Output::<usize, usize>::new(pcch);
    // SAFETY: the caller's promise.
    unsafe {
        store_text(text, buf, cb);
        length.store(text.len());
    }
    mapped.map_or_else(|code| code, |_| HResult::S_OK)
}

/// Writes as much of the text as fits, and a terminator.
///
/// # Safety
/// The buffer is NULL or has `size` writable bytes.
unsafe fn store_text(text: &str, to: *mut c_char, size: usize) {
    let Some(room) = size.checked_sub(1).filter(|_| !to.is_null()) else {
        return;
    };
    // Cut between characters, so that the result is UTF-8 still.
    let cut = text.floor_char_boundary(room);
    for (at, byte) in text.bytes().take(cut).chain([0]).enumerate() {
        // SAFETY: `at` is at most `cut`, and that is below `size`.
        unsafe { to.cast::<u8>().add(at).write(byte) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str, size: usize) -> Vec<u8> {
        let mut buffer = vec![0xAA; 16];
        // SAFETY: the buffer is as large as the largest size that the test passes.
        unsafe { store_text(text, buffer.as_mut_ptr().cast(), size) };
        buffer
    }

    #[test]
    fn texts_are_cut_between_characters_and_terminated() {
        assert_eq!(&stored("abc", 16)[..5], b"abc\0\xAA");
        assert_eq!(&stored("abc", 3)[..4], b"ab\0\xAA");
        assert_eq!(&stored("a\u{e9}", 3)[..3], b"a\0\xAA");
        assert_eq!(stored("abc", 0)[0], 0xAA);
    }

    #[test]
    fn the_length_is_that_of_the_whole_text() {
        // SAFETY: NULL is allowed.
        let length = unsafe { DsbxResultText(87, core::ptr::null_mut(), 0) };
        assert!(length > 20);
    }
}
