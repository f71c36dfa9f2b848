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
    out.extend(bytes.iter().map(|byte| char_1252(*byte)));
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

fn decode_utf16(bytes: &[u8], out: &mut String) -> bool {
    let (units, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return false;
    }
    let before = out.len();
    out.reserve(units.len());
    for unit in char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit))) {
        let Ok(character) = unit else {
            out.truncate(before);
            return false;
        };
        out.push(character);
    }
    true
}
