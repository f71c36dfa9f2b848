//! Values of a fixed size in a key, without the prefix byte: bytes that compare as the values do.
//!
//! ```text
//! stored little-endian          key
//! Short    C7 FA                7A C7                     sign bit flipped, big-endian
//! Double   43 61 47 24 F9 80 69 41 -> C1 69 80 F9 24 47 61 43
//!          of a negative number all bits are flipped
//! Guid     F10A363F 6667 DC46 9AF2 0DACF295C2A1 -> 0DACF295C2A1 9AF2 DC46 6667 F10A363F
//! ```
//!
//! A date is taken as the double it is by convention, whatever is stored in it. Source: ESE
//! `FLDNormalizeFixedSegment` (fldnorm.cxx).

use alloc::vec::Vec;

use crate::column::ColumnType;

/// Appends the key bytes of a value of `ty` and says whether its length is that of the type.
pub(super) fn push(ty: ColumnType, dot_net: bool, value: &[u8], out: &mut Vec<u8>) -> bool {
    match ty {
        ColumnType::Bit => {
            let &[byte] = value else { return false };
            out.push(if byte == 0 { 0 } else { 0xFF });
        }
        ColumnType::UnsignedByte => {
            let &[byte] = value else { return false };
            out.push(byte);
        }
        ColumnType::Short => {
            let Ok(bytes) = value.try_into() else { return false };
            out.extend_from_slice(&(u16::from_le_bytes(bytes) ^ 0x8000).to_be_bytes());
        }
        ColumnType::UnsignedShort => {
            let Ok(bytes) = value.try_into() else { return false };
            out.extend_from_slice(&u16::from_le_bytes(bytes).to_be_bytes());
        }
        ColumnType::Long => {
            let Ok(bytes) = value.try_into() else { return false };
            out.extend_from_slice(&(u32::from_le_bytes(bytes) ^ SIGN_32).to_be_bytes());
        }
        ColumnType::UnsignedLong => {
            let Ok(bytes) = value.try_into() else { return false };
            out.extend_from_slice(&u32::from_le_bytes(bytes).to_be_bytes());
        }
        ColumnType::IeeeSingle => {
            let Ok(bytes) = value.try_into() else { return false };
            let bits = u32::from_le_bytes(bytes);
            let flipped = if bits & SIGN_32 == 0 { bits ^ SIGN_32 } else { !bits };
            out.extend_from_slice(&flipped.to_be_bytes());
        }
        ColumnType::Currency | ColumnType::LongLong => {
            let Ok(bytes) = value.try_into() else { return false };
            out.extend_from_slice(&(u64::from_le_bytes(bytes) ^ SIGN_64).to_be_bytes());
        }
        ColumnType::UnsignedLongLong => {
            let Ok(bytes) = value.try_into() else { return false };
            out.extend_from_slice(&u64::from_le_bytes(bytes).to_be_bytes());
        }
        ColumnType::IeeeDouble | ColumnType::DateTime => {
            let Ok(bytes) = value.try_into() else { return false };
            let bits = u64::from_le_bytes(bytes);
            let flipped = if bits & SIGN_64 == 0 { bits ^ SIGN_64 } else { !bits };
            out.extend_from_slice(&flipped.to_be_bytes());
        }
        ColumnType::Guid => {
            let Ok(bytes) = value.try_into() else { return false };
            out.extend_from_slice(&if dot_net { dot_net_order(bytes) } else { key_order(bytes) });
        }
        ColumnType::Binary
        | ColumnType::Text
        | ColumnType::LongBinary
        | ColumnType::LongText
        | ColumnType::Slv => return false,
    }
    true
}

const SIGN_32: u32 = 1 << 31;
const SIGN_64: u64 = 1 << 63;

/// The last group of the usual notation first.
fn key_order(guid: [u8; 16]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = guid;
    [k, l, m, n, o, p, i, j, g, h, e, f, a, b, c, d]
}

/// As the usual notation is read.
fn dot_net_order(guid: [u8; 16]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = guid;
    let [i, j, k, l, m, n, o, p] = rest;
    [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
}
