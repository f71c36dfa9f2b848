//! The 7-bit schemes: ASCII, or UTF-16 of ASCII, packed 7 bits a character, lowest bits first.
//!
//! ```text
//! byte 0   scheme, and in bits 0-2 the number of bits that the last byte uses, less one
//! byte 1-  character n in bits 7n to 7n + 6 of the stream
//! ```
//!
//! Source: ESE `ErrDecompress7BitAscii_`, `ErrDecompress7BitUnicode_` (compression.cxx).

use alloc::vec::Vec;

use super::CompressionError;

/// Characters in the packed bytes; `None` if there is no byte.
pub(super) fn count(first: u8, packed: &[u8]) -> Option<usize> {
    let bits = packed.len().checked_sub(1)? * 8 + usize::from(first & 7) + 1;
    Some(bits / 7)
}

/// Unpacks; every character takes `width` bytes, of which those above the first are zero.
pub(super) fn decompress(
    first: u8,
    packed: &[u8],
    out: &mut Vec<u8>,
    width: usize,
) -> Result<(), CompressionError> {
    let count = count(first, packed).ok_or(CompressionError::Truncated { first })?;
    let before = out.len();
    out.resize(before + count * width, 0);
    let mut cells = out.get_mut(before..).unwrap_or_default().chunks_exact_mut(width);
    // Seven bytes hold eight characters.
    let (groups, rest) = packed.as_chunks::<7>();
    for group in groups {
        let [a, b, c, d, e, f, g] = *group;
        put_group(u64::from_le_bytes([a, b, c, d, e, f, g, 0]), &mut cells);
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    put_group(u64::from_le_bytes(last), &mut cells);
    Ok(())
}

#[inline(always)]
fn put_group(bits: u64, cells: &mut core::slice::ChunksExactMut<'_, u8>) {
    for (n, cell) in (0..8).zip(cells.by_ref().take(8)) {
        if let Some(low) = cell.first_mut() {
            let [character, ..] = (bits >> (7 * n)).to_le_bytes();
            *low = character & 0x7F;
        }
    }
}

/// Packs ASCII; `None` if `plain` is empty or has a byte above 0x7F.
pub fn compress_7bit_ascii(plain: &[u8]) -> Option<Vec<u8>> {
    plain.is_ascii().then(|| pack(0x08, plain.iter().copied(), plain.len()))?
}

/// Packs UTF-16 of ASCII characters; `None` if `plain` is anything else, or empty.
pub fn compress_7bit_unicode(plain: &[u8]) -> Option<Vec<u8>> {
    let (units, odd) = plain.as_chunks::<2>();
    let ascii = odd.is_empty() && units.iter().all(|[low, high]| low.is_ascii() && *high == 0);
    ascii.then(|| pack(0x10, units.iter().map(|[low, _]| *low), units.len()))?
}

fn pack(scheme: u8, characters: impl Iterator<Item = u8>, count: usize) -> Option<Vec<u8>> {
    // The lowest three bits of the first byte: bits used of the last byte, less one.
    let last_bits = u8::try_from((count * 7).checked_sub(1)? % 8).ok()?;
    let mut out = Vec::with_capacity(1 + (count * 7).div_ceil(8));
    out.push(scheme | last_bits);
    let (mut bits, mut filled) = (0_u32, 0);
    for character in characters {
        bits |= u32::from(character) << filled;
        filled += 7;
        if filled >= 8 {
            let [low, ..] = bits.to_le_bytes();
            out.push(low);
            bits >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        let [low, ..] = bits.to_le_bytes();
        out.push(low);
    }
    Some(out)
}
