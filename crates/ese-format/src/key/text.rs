//! Text of a single-byte code page in a key, without the prefix byte.
//!
//! ```text
//! room for it all     a-z as A-Z, other bytes as they are, up to the first NUL; then 00
//! room of n bytes     n - 1 bytes likewise, then the n-th byte MINUS 20h whatever it is, no 00
//! ```
//!
//! The odd last byte comes from a `toupper` that did not look whether it had a lower-case letter;
//! keys on disk have it, so it stays. A NUL within the room ends the text as if it were short.
//! Source: ESE `ErrUtilNormText` (normu.cxx).

use alloc::vec::Vec;

/// Appends the key bytes of a text that is not empty, at most `room`, and says whether it was cut.
pub(super) fn push(text: &[u8], room: usize, out: &mut Vec<u8>) -> bool {
    let Some(whole) = room.checked_sub(1) else { return false };
    let head = text.get(..whole).unwrap_or(text);
    let begin = out.len();
    out.extend(head.iter().take_while(|&&byte| byte != 0).map(u8::to_ascii_uppercase));
    match text.get(whole) {
        Some(&last) if last != 0 && out.len() - begin == whole => {
            out.push(cut_byte(last));
            true
        }
        _ => {
            out.push(0);
            false
        }
    }
}

/// The last byte of a text that was cut.
pub(super) fn cut_byte(byte: u8) -> u8 {
    byte.wrapping_sub(0x20)
}
