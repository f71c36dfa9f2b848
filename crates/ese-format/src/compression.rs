//! Compression of values and of chunks of long values.
//!
//! The first byte of compressed data tells the scheme in bits 3 to 7:
//!
//! ```text
//! 1  08+f  7-bit ASCII     units of 7 bits; f + 1 bits of the last byte are used
//! 2  10+f  7-bit Unicode   the same, each unit stands for two bytes: unit, 0
//! 3  18    XPRESS          u16 length, then plain LZ77 of [MS-XCA]
//! 4  20    scrubbed        the value was erased, a pattern fills its place
//! 5  28    XPRESS9         u32 CRC-32C, then a stream that this crate does not decode
//! 6  30    XPRESS10        u16 length, u32 CRC-32C, u64 CRC-64, then a stream, the same
//! 7  38    LZ4             u16 length, then an LZ4 block
//! ```
//!
//! A chunk of a long value is compressed exactly if it is shorter than it should be; a value in a
//! record has a flag.
//! Source: ESE `CDataCompressor` (compression.cxx); [MS-XCA] 2.3, 2.4; the LZ4 block format.

mod lz4;
mod seven_bit;
mod window;
mod xpress;

use alloc::vec::Vec;

use thiserror::Error;

use crate::le::u16_at;

pub use seven_bit::{compress_7bit_ascii, compress_7bit_unicode};

/// How data is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// ASCII, 7 bits a character.
    SevenBitAscii,
    /// UTF-16 of ASCII characters, 7 bits a character.
    SevenBitUnicode,
    /// Plain LZ77 of [MS-XCA].
    Xpress,
    /// Not compressed but erased.
    Scrubbed,
    /// XPRESS9.
    Xpress9,
    /// XPRESS10.
    Xpress10,
    /// LZ4 block.
    Lz4,
    /// A number that no engine known here uses.
    Unknown(u8),
}

impl Scheme {
    /// The engine's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::SevenBitAscii => "7-bit ASCII",
            Self::SevenBitUnicode => "7-bit Unicode",
            Self::Xpress => "XPRESS",
            Self::Scrubbed => "scrubbed",
            Self::Xpress9 => "XPRESS9",
            Self::Xpress10 => "XPRESS10",
            Self::Lz4 => "LZ4",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// The scheme that the first byte of compressed data names.
pub fn scheme(first: u8) -> Scheme {
    match first >> 3 {
        1 => Scheme::SevenBitAscii,
        2 => Scheme::SevenBitUnicode,
        3 => Scheme::Xpress,
        4 => Scheme::Scrubbed,
        5 => Scheme::Xpress9,
        6 => Scheme::Xpress10,
        7 => Scheme::Lz4,
        number => Scheme::Unknown(number),
    }
}

/// Why compressed data cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CompressionError {
    /// There is no byte that would tell the scheme.
    #[error("compressed data of no length")]
    Empty,
    /// The value was erased.
    #[error("the value was erased (scrubbed)")]
    Scrubbed,
    /// The scheme is known by name only.
    #[error("scheme {} ({first:#04x}) is not decoded", scheme(*.first).name())]
    Unsupported {
        /// The first byte.
        first: u8,
    },
    /// The data ends in the middle of a field.
    #[error("{} data ends too early", scheme(*.first).name())]
    Truncated {
        /// The first byte.
        first: u8,
    },
    /// The data is not sound: a match in front of the beginning, a wrong length.
    #[error("{} data is not sound at byte {at}", scheme(*.first).name())]
    Corrupt {
        /// The first byte.
        first: u8,
        /// Offset in the compressed data, in bytes.
        at: usize,
    },
}

/// Length in bytes of what `src` decodes to, as far as its beginning tells; `None` if it does not,
/// or if the scheme is not decoded.
pub fn decompressed_len(src: &[u8]) -> Option<usize> {
    let (first, rest) = src.split_first()?;
    match scheme(*first) {
        Scheme::SevenBitAscii => seven_bit::count(*first, rest),
        Scheme::SevenBitUnicode => Some(2 * seven_bit::count(*first, rest)?),
        Scheme::Xpress | Scheme::Lz4 if rest.len() >= 2 => Some(u16_at(rest, 0).into()),
        _ => None,
    }
}

/// Appends what `src` decodes to: at most 65,535 bytes for XPRESS and LZ4, at most 16/7 of the
/// length of `src` for the 7-bit schemes.
///
/// # Errors
///
/// That the data is erased, of a scheme that is not decoded, or not sound; `out` is then as it was.
pub fn decompress(src: &[u8], out: &mut Vec<u8>) -> Result<(), CompressionError> {
    let (first, rest) = src.split_first().ok_or(CompressionError::Empty)?;
    let first = *first;
    match scheme(first) {
        Scheme::SevenBitAscii => seven_bit::decompress(first, rest, out, 1),
        Scheme::SevenBitUnicode => seven_bit::decompress(first, rest, out, 2),
        Scheme::Xpress => block(first, rest, out, xpress::decompress),
        Scheme::Lz4 => block(first, rest, out, lz4::decompress),
        Scheme::Scrubbed => Err(CompressionError::Scrubbed),
        Scheme::Xpress9 | Scheme::Xpress10 | Scheme::Unknown(_) => {
            Err(CompressionError::Unsupported { first })
        }
    }
}

/// Why a block decoder stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Truncated,
    /// At this byte of the stream.
    Corrupt(usize),
}

/// Bytes in front of the stream: scheme and length.
const BLOCK_HEADER: usize = 3;

/// Decodes a block that its length precedes, into zeroed room at the end of `out`.
fn block(
    first: u8,
    rest: &[u8],
    out: &mut Vec<u8>,
    decoder: fn(&[u8], &mut [u8]) -> Result<(), Fault>,
) -> Result<(), CompressionError> {
    let (len, stream) =
        rest.split_first_chunk::<2>().ok_or(CompressionError::Truncated { first })?;
    let before = out.len();
    out.resize(before + usize::from(u16::from_le_bytes(*len)), 0);
    decoder(stream, out.get_mut(before..).unwrap_or_default()).map_err(|fault| {
        out.truncate(before);
        match fault {
            Fault::Truncated => CompressionError::Truncated { first },
            Fault::Corrupt(at) => CompressionError::Corrupt { first, at: BLOCK_HEADER + at },
        }
    })
}

#[cfg(test)]
mod tests;
