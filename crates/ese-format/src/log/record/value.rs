//! What a field of a record holds, for those who show records without knowing them.

use core::fmt::{self, Write};

use super::{EmptiedPage, PageRecord};
use crate::{BackupInfo, DbTime, LogPosition, LogTime, PageNumber, Signature};

/// The value of a field of a record; `Display` is what a line of a listing shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordValue<'a> {
    /// A number.
    Number(u64),
    /// A number that can be negative.
    Signed(i64),
    /// A number that is shown in hexadecimal.
    Hex(u64),
    /// A dbtime; `-` for none.
    DbTime(DbTime),
    /// A page number.
    Page(PageNumber),
    /// A point in time.
    Time(LogTime),
    /// A position in the log.
    Position(LogPosition),
    /// A signature.
    Signature(Signature),
    /// The marks of a backup.
    Backup(BackupInfo),
    /// One of several words.
    Word(&'static str),
    /// Flags, and the names of those that have one.
    Flags {
        /// The flags.
        bits: u32,
        /// Bits and names.
        names: FlagNames,
    },
    /// Bytes; a listing shows how many.
    Bytes(&'a [u8]),
    /// Text.
    Text(RecordText<'a>),
    /// Page numbers, four bytes each.
    Pages(&'a [u8]),
    /// Pages that are given up.
    Emptied(&'a [EmptiedPage]),
}

/// Bits and their names.
pub type FlagNames = &'static [(u32, &'static str)];

impl<'a> RecordValue<'a> {
    /// The names of the flags that are set; nothing for other values.
    pub fn flag_names(&self) -> impl Iterator<Item = &'static str> {
        let (bits, names): (u32, FlagNames) = match *self {
            Self::Flags { bits, names } => (bits, names),
            _ => (0, &[]),
        };
        names.iter().filter(move |(bit, _)| bits & bit != 0).map(|&(_, name)| name)
    }

    /// The pages of a list of pages; nothing for other values.
    pub fn pages(&self) -> impl Iterator<Item = PageNumber> + use<'a> {
        let (numbers, emptied): (&[u8], &[EmptiedPage]) = match *self {
            Self::Pages(numbers) => (numbers, &[]),
            Self::Emptied(emptied) => (&[], emptied),
            _ => (&[], &[]),
        };
        let number = |four: &[u8]| PageNumber(crate::le::u32_at(four, 0));
        numbers.chunks_exact(4).map(number).chain(emptied.iter().map(|emptied| emptied.page))
    }
}

impl fmt::Display for RecordValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => value.fmt(f),
            Self::Signed(value) => value.fmt(f),
            Self::Hex(value) => write!(f, "{value:#x}"),
            Self::DbTime(PageRecord::NO_TIME) => f.write_str("-"),
            Self::DbTime(value) => write!(f, "{:#x}", value.0),
            Self::Page(value) => value.fmt(f),
            Self::Time(value) => value.fmt(f),
            Self::Position(value) => value.fmt(f),
            Self::Signature(value) => value.fmt(f),
            Self::Backup(value) => write!(f, "\"{value}\""),
            Self::Word(word) => f.write_str(word),
            Self::Flags { bits, names } => show_flags(*bits, names, f),
            Self::Bytes(bytes) => bytes.len().fmt(f),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Pages(_) | Self::Emptied(_) => {
                let mut separator = "";
                for page in self.pages() {
                    write!(f, "{separator}{page}")?;
                    separator = ",";
                }
                if separator.is_empty() { f.write_str("-") } else { Ok(()) }
            }
        }
    }
}

fn show_flags(bits: u32, names: FlagNames, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut separator = "";
    for name in (RecordValue::Flags { bits, names }).flag_names() {
        write!(f, "{separator}{name}")?;
        separator = "+";
    }
    let unnamed = names.iter().fold(bits, |rest, (bit, _)| rest & !bit);
    match (unnamed, separator.is_empty()) {
        (0, true) => f.write_str("-"),
        (0, false) => Ok(()),
        _ => write!(f, "{separator}{unnamed:#x}"),
    }
}

/// Text of a record: UTF-16, or bytes in a code page that is not known.
///
/// `Display` leaves out the final zeros, and shows control characters, quotes, and bytes above 7F
/// of a code page as escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordText<'a> {
    /// As stored.
    pub bytes: &'a [u8],
    /// Whether it is UTF-16.
    pub wide: bool,
}

impl fmt::Display for RecordText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.bytes;
        if !self.wide {
            while let Some(rest) = bytes.strip_suffix(&[0]) {
                bytes = rest;
            }
            return bytes.iter().try_for_each(|&byte| match byte {
                0x80.. => write!(f, "\\x{byte:02x}"),
                _ => show_char(char::from(byte), f),
            });
        }
        while let Some(rest) = bytes.strip_suffix(&[0, 0]) {
            bytes = rest;
        }
        let units = bytes.chunks_exact(2).map(|two| crate::le::u16_at(two, 0));
        char::decode_utf16(units)
            .try_for_each(|c| show_char(c.unwrap_or(char::REPLACEMENT_CHARACTER), f))
    }
}

fn show_char(c: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if c == '"' || c.is_control() {
        return write!(f, "{}", c.escape_default());
    }
    f.write_char(c)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn text_is_shown_without_its_end_and_with_escapes() {
        let text = |bytes, wide| RecordText { bytes, wide }.to_string();
        assert_eq!(text(b"C:\\a\xFC\n\"\0", false), "C:\\a\\xfc\\n\\\"");
        assert_eq!(text(b"a\0\xE9\0\0\0", true), "a\u{E9}");
        assert_eq!(text(b"\0\xD8a\0", true), "\u{FFFD}a");
    }

    #[test]
    fn flags_are_names_and_the_rest_a_number() {
        let flags = |bits| RecordValue::Flags { bits, names: &[(1, "one"), (2, "two")] };
        assert_eq!(flags(0).to_string(), "-");
        assert_eq!(flags(3).to_string(), "one+two");
        assert_eq!(flags(0x12).to_string(), "two+0x10");
        assert_eq!(flags(2).flag_names().collect::<Vec<_>>(), ["two"]);
    }

    #[test]
    fn lists_of_pages_have_commas() {
        assert_eq!(RecordValue::Pages(&[1, 0, 0, 0, 2, 1, 0, 0]).to_string(), "1,258");
        assert_eq!(RecordValue::Pages(&[]).to_string(), "-");
        assert_eq!(RecordValue::DbTime(PageRecord::NO_TIME).to_string(), "-");
    }
}
