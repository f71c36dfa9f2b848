//! The code page of the narrow ("A") forms, and its strict conversion to and from UTF-16.
//!
//! Invalid bytes, lone surrogates and characters that the code page lacks are errors
//! (`ERROR_NO_UNICODE_TRANSLATION`) and never replaced: a file name with a replaced character
//! would open another file.
//!
//! The first unit of each string of a returned list is the file type and is carried over as a
//! number, never through the code page: 0x82 is no UTF-8, and would become U+201A from
//! Windows-1252.
//!
//! Source: code page tables published by the Unicode Consortium (`MICSFT/WINDOWS/CP1252.TXT`).

use std::sync::atomic::{AtomicU32, Ordering};

/// A code page that the narrow forms can speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodePage {
    /// 65001, the default.
    Utf8,
    /// 1252, Western European; the five unassigned bytes are invalid.
    Windows1252,
    /// 28591, ISO 8859-1: every byte is the code point of the same number.
    Latin1,
    /// 20127, seven bits.
    Ascii,
}

/// The text cannot be converted without loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text cannot be converted between the code page and Unicode without loss")]
pub struct Untranslatable;

impl CodePage {
    /// The code page with this number, if it is supported.
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Utf8, Self::Windows1252, Self::Latin1, Self::Ascii]
            .into_iter()
            .find(|page| page.number() == number)
    }

    /// The code page's number.
    pub fn number(self) -> u32 {
        match self {
            Self::Utf8 => 65001,
            Self::Windows1252 => 1252,
            Self::Latin1 => 28591,
            Self::Ascii => 20127,
        }
    }

    /// Converts narrow text to UTF-16.
    pub fn to_wide(self, text: &[u8]) -> Result<Vec<u16>, Untranslatable> {
        if self == Self::Utf8 {
            let text = std::str::from_utf8(text).map_err(|_| Untranslatable)?;
            // Room for all of it, so that no copy of a password stays behind in a smaller block.
            let mut wide = Vec::with_capacity(text.len());
            wide.extend(text.encode_utf16());
            return Ok(wide);
        }
        text.iter().map(|&byte| self.unit_of(byte).ok_or(Untranslatable)).collect()
    }

    /// Converts UTF-16 to narrow text.
    pub fn from_wide(self, text: &[u16]) -> Result<Vec<u8>, Untranslatable> {
        if self == Self::Utf8 {
            return Ok(String::from_utf16(text).map_err(|_| Untranslatable)?.into_bytes());
        }
        text.iter().map(|&unit| self.byte_of(unit).ok_or(Untranslatable)).collect()
    }

    /// Converts a double-NUL-terminated list to its narrow form.
    pub fn list_from_wide(self, list: &[u16]) -> Result<Vec<u8>, Untranslatable> {
        let mut narrow = Vec::with_capacity(list.len());
        let mut entries = 0;
        for entry in list.split(|&unit| unit == 0).filter(|entry| !entry.is_empty()) {
            let (kind, path) = entry.split_first().ok_or(Untranslatable)?;
            narrow.push(u8::try_from(*kind).map_err(|_| Untranslatable)?);
            narrow.extend(self.from_wide(path)?);
            narrow.push(0);
            entries += 1;
        }
        if entries == 0 {
            narrow.push(0);
        }
        narrow.push(0);
        Ok(narrow)
    }

    fn unit_of(self, byte: u8) -> Option<u16> {
        match (self, byte) {
            (_, 0..=0x7F) | (Self::Latin1, _) | (Self::Windows1252, 0xA0..) => Some(byte.into()),
            (Self::Windows1252, _) => {
                let unit = *CP1252_80_9F.get(usize::from(byte) - 0x80)?;
                (unit != 0).then_some(unit)
            }
            _ => None,
        }
    }

    fn byte_of(self, unit: u16) -> Option<u8> {
        if let Ok(byte) = u8::try_from(unit)
            && self.unit_of(byte) == Some(unit)
        {
            return Some(byte);
        }
        if self != Self::Windows1252 {
            return None;
        }
        let at = CP1252_80_9F.iter().position(|&known| known == unit && known != 0)?;
        u8::try_from(at + 0x80).ok()
    }
}

/// The process's code page for the narrow forms.
pub fn current() -> CodePage {
    CodePage::from_number(CURRENT.load(Ordering::Relaxed)).unwrap_or(CodePage::Utf8)
}

/// Chooses the process's code page for the narrow forms.
pub fn set_current(page: CodePage) {
    CURRENT.store(page.number(), Ordering::Relaxed);
}

static CURRENT: AtomicU32 = AtomicU32::new(65001);

/// Windows-1252 0x80..=0x9F; 0 where nothing is assigned.
const CP1252_80_9F: [u16; 32] = [
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039,
    0x0152, 0, 0x017D, 0, 0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC,
    0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
];

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: [CodePage; 4] =
        [CodePage::Utf8, CodePage::Windows1252, CodePage::Latin1, CodePage::Ascii];

    #[test]
    fn every_convertible_byte_returns_to_itself() {
        for page in PAGES.into_iter().skip(1) {
            for byte in 1..=255u8 {
                if let Ok(wide) = page.to_wide(&[byte]) {
                    assert_eq!(page.from_wide(&wide), Ok(vec![byte]), "{page:?} {byte:#x}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_replaced() {
        assert_eq!(CodePage::Utf8.to_wide(b"a\xFF"), Err(Untranslatable));
        assert_eq!(CodePage::Utf8.from_wide(&[0xD800]), Err(Untranslatable));
        assert_eq!(CodePage::Windows1252.to_wide(&[0x81]), Err(Untranslatable));
        assert_eq!(CodePage::Windows1252.from_wide(&[0x0416]), Err(Untranslatable));
        assert_eq!(CodePage::Windows1252.from_wide(&[0x20AC]), Ok(vec![0x80]));
        assert_eq!(CodePage::Ascii.to_wide(&[0x80]), Err(Untranslatable));
    }

    #[test]
    fn lists_keep_the_type_as_a_number() {
        let wide = [0x82, b'\\'.into(), 0xE9, 0, 0x44, b'x'.into(), 0, 0u16];
        let narrow = CodePage::Windows1252.list_from_wide(&wide).unwrap();
        assert_eq!(narrow, [0x82, b'\\', 0xE9, 0, 0x44, b'x', 0, 0]);
        let utf8 = CodePage::Utf8.list_from_wide(&wide).unwrap();
        assert_eq!(utf8, [0x82, b'\\', 0xC3, 0xA9, 0, 0x44, b'x', 0, 0]);
        assert_eq!(CodePage::Utf8.list_from_wide(&[0, 0]).unwrap(), [0, 0]);
        assert!(CodePage::Windows1252.list_from_wide(&[0x44, 0x0416, 0, 0]).is_err());
    }

    #[test]
    fn code_pages_are_found_by_number() {
        for page in PAGES {
            assert_eq!(CodePage::from_number(page.number()), Some(page));
        }
        assert_eq!(CodePage::from_number(932), None);
    }
}
