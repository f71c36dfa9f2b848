//! Text: the bytes of a text column and what they say.
//!
//! ```text
//! code page 1200   UTF-16, little-endian
//! others           Windows-1252 (the engine knows no third); the five bytes that it leaves
//!                  unassigned are the control characters of the same number
//! ```
//!
//! A [`Text`] keeps the stored bytes, so nothing is lost whatever they are: UTF-16 with a lone
//! surrogate or half a unit is no text, but comes back as it was. A NUL is a character.
//! Source: ESE `usEnglishCodePage`, `usUniCodePage` (jet.h).

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use crate::column::UNICODE;

/// Characters 0x80 to 0x9F of Windows-1252.
const HIGH_1252: [char; 32] = [
    '\u{20AC}', '\u{81}', '\u{201A}', '\u{192}', '\u{201E}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2C6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8D}', '\u{17D}', '\u{8F}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201C}', '\u{201D}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2DC}', '\u{2122}', '\u{161}', '\u{203A}', '\u{153}', '\u{9D}', '\u{17E}', '\u{178}',
];

/// Text of a column: the stored bytes and their code page.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text<'a> {
    bytes: Cow<'a, [u8]>,
    unicode: bool,
}

impl<'a> Text<'a> {
    /// The text that `bytes` hold in a column of `code_page`.
    #[inline]
    pub fn new(bytes: impl Into<Cow<'a, [u8]>>, code_page: u16) -> Self {
        Self { bytes: bytes.into(), unicode: code_page == UNICODE }
    }

    /// The stored bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The stored bytes.
    pub fn into_bytes(self) -> Cow<'a, [u8]> {
        self.bytes
    }

    /// Whether the bytes are UTF-16; Windows-1252 otherwise.
    pub fn is_unicode(&self) -> bool {
        self.unicode
    }

    /// The text as a string; `None` if it is UTF-16 that is not valid.
    pub fn decode(&self) -> Option<Cow<'_, str>> {
        if !self.unicode {
            return Some(decode_1252(&self.bytes));
        }
        let mut out = String::new();
        decode_utf16(&self.bytes, &mut out).then_some(Cow::Owned(out))
    }

    /// Appends the text to `out`; false, and `out` as it was, if it is UTF-16 that is not valid.
    pub fn decode_into(&self, out: &mut String) -> bool {
        if self.unicode {
            return decode_utf16(&self.bytes, out);
        }
        append_1252(&self.bytes, out);
        true
    }

    /// The text with U+FFFD in the place of what is not valid.
    pub fn decode_lossy(&self) -> Cow<'_, str> {
        if let Some(text) = self.decode() {
            return text;
        }
        let (units, odd) = self.bytes.as_chunks::<2>();
        let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
        let mut out: String = char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        if !odd.is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
        Cow::Owned(out)
    }

    /// The same text, which borrows nothing.
    pub fn into_owned(self) -> Text<'static> {
        Text { bytes: Cow::Owned(self.bytes.into_owned()), unicode: self.unicode }
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.decode() {
            Some(text) => fmt::Debug::fmt(&text, f),
            None => f.debug_tuple("NotUtf16").field(&self.bytes).finish(),
        }
    }
}

/// As [`Text::decode_lossy`].
impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.decode_lossy())
    }
}

/// Whether it is exactly that text; what is not valid equals no string.
impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.decode().is_some_and(|text| text == other)
    }
}

/// Windows-1252 as a string; borrows if it is ASCII.
pub fn decode_1252(bytes: &[u8]) -> Cow<'_, str> {
    if bytes.is_ascii()
        && let Ok(text) = str::from_utf8(bytes)
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + bytes.len() / 2);
    append_1252(bytes, &mut out);
    Cow::Owned(out)
}

/// A string as Windows-1252; `None` if a character is not in it.
pub fn encode_1252(text: &str) -> Option<alloc::vec::Vec<u8>> {
    text.chars().map(byte_1252).collect()
}

fn append_1252(bytes: &[u8], out: &mut String) {
    out.reserve(bytes.len());
    for run in bytes.chunk_by(|a, b| a.is_ascii() == b.is_ascii()) {
        match str::from_utf8(run) {
            Ok(ascii) if run.is_ascii() => out.push_str(ascii),
            _ => out.extend(run.iter().map(|byte| char_1252(*byte))),
        }
    }
}

fn char_1252(byte: u8) -> char {
    match byte {
        0x80..0xA0 => {
            HIGH_1252.get(usize::from(byte - 0x80)).copied().unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        _ => byte.into(),
    }
}

fn byte_1252(character: char) -> Option<u8> {
    match u8::try_from(character) {
        Ok(byte @ (0..0x80 | 0xA0..)) => Some(byte),
        _ => (0x80..0xA0).find(|byte| char_1252(*byte) == character),
    }
}

/// Units that are narrowed at once.
const PIECE: usize = 32;

/// Appends; false, and `out` as it was, if the units are not valid.
fn decode_utf16(bytes: &[u8], out: &mut String) -> bool {
    let (units, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return false;
    }
    let before = out.len();
    out.reserve(units.len());
    // Most text begins with ASCII, or is nothing else: pieces of it are narrowed at once.
    let mut units = units;
    while !units.is_empty() {
        let (piece, rest) = units.split_at(units.len().min(PIECE));
        if piece.iter().any(|[low, high]| low & 0x80 | high != 0) {
            break;
        }
        let mut ascii = [0; PIECE];
        for (to, [low, _]) in ascii.iter_mut().zip(piece) {
            *to = *low;
        }
        let ascii = ascii.get(..piece.len()).unwrap_or_default();
        out.push_str(str::from_utf8(ascii).unwrap_or_default());
        units = rest;
    }
    for unit in char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit))) {
        let Ok(character) = unit else {
            out.truncate(before);
            return false;
        };
        out.push(character);
    }
    true
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn unicode(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn unassigned_bytes_of_1252_are_control_characters() {
        let text = decode_1252(b"\x80\x81\x8D\x8F\x90\x9D\x9F\xE9\xFFz");
        assert_eq!(text, "\u{20AC}\u{81}\u{8D}\u{8F}\u{90}\u{9D}\u{178}\u{E9}\u{FF}z");
        assert!(matches!(decode_1252(b"plain\0"), Cow::Borrowed("plain\0")));
    }

    #[test]
    fn every_byte_of_1252_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        let text = decode_1252(&all);
        assert_eq!(text.chars().count(), 256);
        assert_eq!(encode_1252(&text), Some(all));
        assert_eq!(encode_1252("\u{100}"), None);
        assert_eq!(encode_1252("\u{1F600}"), None);
    }

    #[test]
    fn what_is_no_utf16_is_kept_and_shown_with_marks() {
        for (bytes, shown) in
            [(&b"a\0\0\xD8"[..], "a\u{FFFD}"), (b"\0\xDCb\0", "\u{FFFD}b"), (b"a\0b", "a\u{FFFD}")]
        {
            let text = Text::new(bytes, UNICODE);
            assert_eq!(text.decode(), None);
            let mut out = "x".to_string();
            assert!(!text.decode_into(&mut out));
            assert_eq!(out, "x");
            assert_eq!(text.to_string(), shown);
            assert_eq!(text.into_owned().as_bytes(), bytes);
        }
    }

    #[test]
    fn only_code_page_1200_is_utf16() {
        let bytes = unicode("\u{1F600}");
        let text = Text::new(&bytes[..], UNICODE);
        assert_eq!(text.decode().as_deref(), Some("\u{1F600}"));
        for code_page in [1252, 0, 65001] {
            let text = Text::new(&bytes[..], code_page);
            assert!(!text.is_unicode());
            assert_eq!(text.decode().as_deref(), Some("=\u{D8}\0\u{DE}"));
        }
    }

    proptest! {
        #[test]
        fn text_comes_back(text in "[a-z\u{0}\u{E9}\u{20AC}\u{1F600}]{0,5}|[ -~]{0,100}.{0,3}") {
            let bytes = unicode(&text);
            let stored = Text::new(&bytes[..], UNICODE);
            prop_assert_eq!(stored.decode().map(Cow::into_owned), Some(text.clone()));
            let mut out = "x".to_string();
            prop_assert!(stored.decode_into(&mut out));
            prop_assert_eq!(&out[1..], &text[..]);
            prop_assert_eq!(stored.to_string(), text);
        }

        #[test]
        fn any_bytes_are_text_or_are_kept(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let stored = Text::new(&bytes[..], UNICODE);
            if let Some(text) = stored.decode() {
                prop_assert_eq!(unicode(&text), &bytes[..]);
            }
            let ansi = decode_1252(&bytes);
            prop_assert_eq!(encode_1252(&ansi), Some(bytes.clone()));
            prop_assert_eq!(Text::new(&bytes[..], 1252).to_string(), ansi);
            prop_assert_eq!(stored.into_bytes().into_owned(), bytes);
        }
    }
}
