//! Strings of C callers.
//!
//! A string is copied at the call, up to a limit that lies above every length that any function
//! accepts. A longer one, or one that lacks its terminator, is cut there and then refused for its
//! length.

use core::ffi::c_char;

use client::functions::Text;
use zeroize::Zeroizing;

/// A string argument; wiped when dropped, since it may be a password.
pub(crate) enum CText {
    Null,
    Wide(Zeroizing<Vec<u16>>),
    Ansi(Zeroizing<Vec<u8>>),
}

impl CText {
    /// Copies the string of a W form.
    ///
    /// # Safety
    /// NULL, or readable up to a terminator or [`LIMIT`] units.
    pub(crate) unsafe fn wide(text: *const u16) -> Self {
        if text.is_null() {
            return Self::Null;
        }
        // SAFETY: the caller promises that each unit up to the terminator is readable; the
        // terminator is looked for before anything behind it is read.
        let unit = |at: usize| unsafe { text.add(at).read_unaligned() };
        let length = (0..LIMIT).position(|at| unit(at) == 0).unwrap_or(LIMIT);
        Self::Wide(Zeroizing::new((0..length).map(unit).collect()))
    }

    /// Copies the string of an A form.
    ///
    /// # Safety
    /// NULL, or readable up to a terminator or [`LIMIT`] bytes.
    pub(crate) unsafe fn ansi(text: *const c_char) -> Self {
        if text.is_null() {
            return Self::Null;
        }
        // SAFETY: as for wide strings.
        let byte = |at: usize| unsafe { text.cast::<u8>().add(at).read() };
        let length = (0..LIMIT).position(|at| byte(at) == 0).unwrap_or(LIMIT);
        Self::Ansi(Zeroizing::new((0..length).map(byte).collect()))
    }

    /// The argument; `None` for NULL.
    pub(crate) fn text(&self) -> Option<Text<'_>> {
        match self {
            Self::Null => None,
            Self::Wide(units) => Some(Text::Wide(units)),
            Self::Ansi(bytes) => Some(Text::Ansi(bytes)),
        }
    }

    /// The argument of an extension, which speaks UTF-8 whatever the code page is.
    pub(crate) fn utf8(&self) -> Option<&str> {
        match self {
            Self::Ansi(bytes) => core::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

/// Units of a string that are read at most.
pub(crate) const LIMIT: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_at_their_terminator() {
        let wide = [b'a'.into(), b'b'.into(), 0u16, b'c'.into()];
        // SAFETY: the array has a terminator.
        let text = unsafe { CText::wide(wide.as_ptr()) };
        assert!(matches!(text.text(), Some(Text::Wide([0x61, 0x62]))));
        // SAFETY: the literal has a terminator.
        let text = unsafe { CText::ansi(c"x".as_ptr()) };
        assert!(matches!(text.text(), Some(Text::Ansi(b"x"))) && text.utf8() == Some("x"));
    }

    #[test]
    fn null_is_no_string_and_the_longest_is_cut() {
        // SAFETY: NULL is allowed.
        assert!(unsafe { CText::wide(core::ptr::null()) }.text().is_none());
        let endless = vec![b'x'; LIMIT];
        // SAFETY: readable up to the limit.
        let text = unsafe { CText::ansi(endless.as_ptr().cast()) };
        assert_eq!(text.utf8().map(str::len), Some(LIMIT));
    }
}
