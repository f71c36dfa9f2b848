//! JSON text of values, written without going through a general formatter.
//!
//! | value | JSON |
//! |---|---|
//! | truth | `true`, `false` |
//! | integers | a number |
//! | floating-point numbers, dates | their bits, 8 or 16 hexadecimal digits, highest first |
//! | GUID | its usual text, lower case |
//! | binary, and what does not fit its type | hexadecimal digits |
//! | text | text; what is not valid UTF-16: `{"hex":"..."}` |
//!
//! In text, `"`, `\`, control characters and U+007F are escaped, the last two as `\u00xx` but for
//! `\n`, `\r`, `\t`.

use ese_format::column::{ColumnType, UNICODE};
use ese_format::text::decode_1252;

const DIGITS: [u8; 16] = *b"0123456789abcdef";

/// Appends lower-case hexadecimal digits.
pub(crate) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(2 * bytes.len());
    out.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}

fn digit(nibble: u8) -> u8 {
    DIGITS.get(usize::from(nibble)).copied().unwrap_or_default()
}

/// Appends a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

/// Appends the inside of a JSON string.
pub(crate) fn escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| needs_escape(*byte)) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else { break };
        escape(out, *byte);
        rest = after;
    }
    out.extend_from_slice(rest);
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || matches!(byte, b'"' | b'\\' | 0x7F)
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            out.extend_from_slice(b"\\u00");
            hex(out, &[byte]);
        }
    }
}

/// Appends a decimal number.
pub(crate) fn number(out: &mut Vec<u8>, negative: bool, mut rest: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    for place in digits.iter_mut().rev() {
        *place = b"0123456789".get((rest % 10) as usize).copied().unwrap_or_default();
        rest /= 10;
        at -= 1;
        if rest == 0 {
            break;
        }
    }
    if negative {
        out.push(b'-');
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}

fn signed(out: &mut Vec<u8>, value: i64) {
    number(out, value < 0, value.unsigned_abs());
}

/// Appends a value of type `ty`, for text in `code_page`.
pub(crate) fn value(out: &mut Vec<u8>, ty: ColumnType, code_page: u16, bytes: &[u8]) {
    if ty.is_text() {
        text(out, code_page, bytes);
    } else if scalar(out, ty, bytes).is_none() {
        out.push(b'"');
        hex(out, bytes);
        out.push(b'"');
    }
}

/// Appends a value of a type of fixed length; `None` if it has another length, or is binary.
fn scalar(out: &mut Vec<u8>, ty: ColumnType, bytes: &[u8]) -> Option<()> {
    match ty {
        ColumnType::Bit => {
            let [byte] = <[u8; 1]>::try_from(bytes).ok()?;
            out.extend_from_slice(if byte == 0 { b"false" } else { b"true" });
        }
        ColumnType::UnsignedByte => {
            number(out, false, u8::from_le_bytes(bytes.try_into().ok()?).into());
        }
        ColumnType::Short => signed(out, i16::from_le_bytes(bytes.try_into().ok()?).into()),
        ColumnType::UnsignedShort => {
            number(out, false, u16::from_le_bytes(bytes.try_into().ok()?).into());
        }
        ColumnType::Long => signed(out, i32::from_le_bytes(bytes.try_into().ok()?).into()),
        ColumnType::UnsignedLong => {
            number(out, false, u32::from_le_bytes(bytes.try_into().ok()?).into());
        }
        ColumnType::Currency | ColumnType::LongLong => {
            signed(out, i64::from_le_bytes(bytes.try_into().ok()?));
        }
        ColumnType::UnsignedLongLong => {
            number(out, false, u64::from_le_bytes(bytes.try_into().ok()?));
        }
        ColumnType::IeeeSingle => bits(out, <[u8; 4]>::try_from(bytes).ok()?),
        ColumnType::IeeeDouble | ColumnType::DateTime => {
            bits(out, <[u8; 8]>::try_from(bytes).ok()?);
        }
        ColumnType::Guid => guid(out, bytes.try_into().ok()?),
        _ => return None,
    }
    Some(())
}

/// The bits of a number, highest digit first.
fn bits<const N: usize>(out: &mut Vec<u8>, mut bytes: [u8; N]) {
    bytes.reverse();
    out.push(b'"');
    hex(out, &bytes);
    out.push(b'"');
}

fn guid(out: &mut Vec<u8>, bytes: [u8; 16]) {
    let [a, b, c, d, e, f, g, h, i, j, rest @ ..] = bytes;
    out.push(b'"');
    hex(out, &[d, c, b, a]);
    out.push(b'-');
    hex(out, &[f, e]);
    out.push(b'-');
    hex(out, &[h, g]);
    out.push(b'-');
    hex(out, &[i, j]);
    out.push(b'-');
    hex(out, &rest);
    out.push(b'"');
}

/// Appends text, or its bytes if it is not valid UTF-16.
fn text(out: &mut Vec<u8>, code_page: u16, bytes: &[u8]) {
    if code_page != UNICODE {
        string(out, &decode_1252(bytes));
        return;
    }
    let before = out.len();
    out.push(b'"');
    let mut units = Utf16::default();
    if units.append(out, bytes) && units.is_whole() {
        out.push(b'"');
        return;
    }
    out.truncate(before);
    out.extend_from_slice(b"{\"hex\":\"");
    hex(out, bytes);
    out.extend_from_slice(b"\"}");
}

/// UTF-16 on its way to the inside of a JSON string; it may come in pieces of any length.
#[derive(Debug, Default)]
pub(crate) struct Utf16 {
    /// First byte of a unit whose second one is to come.
    half: Option<u8>,
    /// First unit of a pair whose second one is to come.
    high: Option<u16>,
}

impl Utf16 {
    /// Appends a piece; false if it cannot be valid, whatever follows.
    pub(crate) fn append(&mut self, out: &mut Vec<u8>, mut bytes: &[u8]) -> bool {
        out.reserve(bytes.len() / 2);
        if let (Some(low), Some((high, rest))) = (self.half, bytes.split_first()) {
            self.half = None;
            if !self.unit(out, u16::from_le_bytes([low, *high])) {
                return false;
            }
            bytes = rest;
        }
        let (units, odd) = bytes.as_chunks::<2>();
        for unit in units {
            if !self.unit(out, u16::from_le_bytes(*unit)) {
                return false;
            }
        }
        if let [byte] = odd {
            self.half = Some(*byte);
        }
        true
    }

    /// Whether it does not end within a unit or a pair.
    pub(crate) fn is_whole(&self) -> bool {
        self.half.is_none() && self.high.is_none()
    }

    #[inline]
    fn unit(&mut self, out: &mut Vec<u8>, unit: u16) -> bool {
        if let (None, Ok(byte)) = (self.high, u8::try_from(unit))
            && byte < 0x80
        {
            if needs_escape(byte) {
                escape(out, byte);
            } else {
                out.push(byte);
            }
            return true;
        }
        self.other(out, unit)
    }

    fn other(&mut self, out: &mut Vec<u8>, unit: u16) -> bool {
        let character = match (self.high.take(), unit) {
            (None, 0xD800..0xDC00) => {
                self.high = Some(unit);
                return true;
            }
            (Some(high), 0xDC00..0xE000) => char::from_u32(
                0x1_0000 + ((u32::from(high & 0x3FF) << 10) | u32::from(unit & 0x3FF)),
            ),
            (Some(_), _) => None,
            (None, _) => char::from_u32(unit.into()),
        };
        let Some(character) = character else { return false };
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(ty: ColumnType, code_page: u16, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        value(&mut out, ty, code_page, bytes);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_type_has_its_form() {
        for (ty, bytes, expected) in [
            (ColumnType::Bit, &[2][..], "true"),
            (ColumnType::Bit, &[0], "false"),
            (ColumnType::UnsignedByte, &[255], "255"),
            (ColumnType::Short, &[0, 0x80], "-32768"),
            (ColumnType::UnsignedShort, &[0, 0x80], "32768"),
            (ColumnType::Long, &[0; 4], "0"),
            (ColumnType::UnsignedLong, &[0xFF; 4], "4294967295"),
            (ColumnType::LongLong, &[0, 0, 0, 0, 0, 0, 0, 0x80], "-9223372036854775808"),
            (ColumnType::UnsignedLongLong, &[0xFF; 8], "18446744073709551615"),
            (ColumnType::IeeeSingle, &[0, 0, 0x80, 0x3F], "\"3f800000\""),
            (ColumnType::DateTime, &[1, 2, 3, 4, 5, 6, 7, 8], "\"0807060504030201\""),
            (ColumnType::Short, &[1, 2, 3], "\"010203\""),
            (ColumnType::Binary, &[], "\"\""),
            (
                ColumnType::Guid,
                &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
                "\"03020100-0504-0706-0809-0a0b0c0d0e0f\"",
            ),
        ] {
            assert_eq!(json(ty, 0, bytes), expected, "{ty}");
        }
    }

    #[test]
    fn text_is_escaped_and_what_is_none_shows_its_bytes() {
        let narrow = json(ColumnType::Text, 1252, b"a\"\\\n\r\t\x01\x7F\x81\x80");
        assert_eq!(narrow, "\"a\\\"\\\\\\n\\r\\t\\u0001\\u007f\u{81}\u{20AC}\"");
        let bytes = [0x41, 0, 0x3D, 0xD8, 0, 0xDE, 0, 0];
        assert_eq!(json(ColumnType::LongText, UNICODE, &bytes), "\"A\u{1F600}\\u0000\"");
        for bad in [&[0x41][..], &[0x3D, 0xD8], &[0, 0xDC], &[0x3D, 0xD8, 0x41, 0]] {
            let text = json(ColumnType::LongText, UNICODE, bad);
            assert!(text.starts_with("{\"hex\":\""), "{text}");
        }
    }

    proptest! {
        #[test]
        fn strings_are_what_a_json_reader_takes_them_for(text in any::<String>()) {
            let mut out = Vec::new();
            string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn pieces_of_utf16_are_the_whole(
            text in any::<String>(), cuts in proptest::collection::vec(1_usize..7, 1..9),
        ) {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let (mut out, mut units, mut rest) = (Vec::new(), Utf16::default(), &bytes[..]);
            for cut in cuts.iter().cycle().take(2 * bytes.len() + 1) {
                let (piece, after) = rest.split_at(rest.len().min(*cut));
                prop_assert!(units.append(&mut out, piece));
                rest = after;
            }
            prop_assert!(rest.is_empty() && units.is_whole());
            let mut expected = Vec::new();
            escaped(&mut expected, &text);
            prop_assert_eq!(out, expected);
        }

        #[test]
        fn numbers_are_decimal(value in any::<i64>()) {
            let mut out = Vec::new();
            signed(&mut out, value);
            prop_assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }
}
