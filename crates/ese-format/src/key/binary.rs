//! Binary values in a key, without the prefix byte.
//!
//! A column in the fixed part of a record has values of one length: they are taken as they are.
//! Others are cut into pieces that show where the value ends, so that `AB` sorts before `AB 00`:
//!
//! ```text
//! 8 bytes 09  8 bytes 09  ...  last 1 to 8 bytes, filled up with 00, their number
//! ```
//!
//! Where the room ends within a piece it is filled with what would stand there, without a number.
//! Source: ESE `FLDNormalizeBinarySegment` (fldnorm.cxx).

use alloc::vec::Vec;

/// Bytes of the value in a piece.
pub(super) const PIECE: usize = 8;
/// Bytes of a piece in the key.
pub(super) const PIECE_IN_KEY: usize = PIECE + 1;
/// Stands behind a piece that is not the last one.
pub(super) const MORE: u8 = 9;

/// Appends a value of the fixed part, at most `room` bytes.
pub(super) fn push_fixed(value: &[u8], room: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(value.get(..room).unwrap_or(value));
}

/// Appends a value that is not empty in pieces, at most `room` bytes.
pub(super) fn push_pieces(value: &[u8], room: usize, out: &mut Vec<u8>) {
    let end = out.len() + room;
    let mut pieces = value.chunks(PIECE).peekable();
    while let Some(piece) = pieces.next() {
        if out.len() >= end {
            break;
        }
        let mut filled = [0; PIECE_IN_KEY];
        for (target, &byte) in filled.iter_mut().zip(piece) {
            *target = byte;
        }
        let [.., last] = &mut filled;
        *last = match u8::try_from(piece.len()) {
            Ok(len) if pieces.peek().is_none() => len,
            _ => MORE,
        };
        out.extend_from_slice(&filled);
    }
    out.truncate(end);
}

/// Bytes of a value of `len` bytes in pieces.
pub(super) fn pieces_len(len: usize) -> usize {
    len.div_ceil(PIECE) * PIECE_IN_KEY
}
