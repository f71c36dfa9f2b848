//! The lists that the functions return: files and directories by type and name.
//!
//! ```text
//! type path NUL   type path NUL   ...   NUL          16-bit units; an empty list is NUL NUL
//! ```
//!
//! The type is one unit, a [`FileType`] value; the path is in UNC form. As text, a database entry
//! reads `D\\DC1\C$\Windows\NTDS\ntds.dit`, because 0x44 is the letter D. The type is a number, not
//! a character: it never goes through a code page.
//!
//! Source: Win32 documentation of `DsBackupGetDatabaseNames`, `DsBackupGetBackupLogs`,
//! `DsRestoreGetDatabaseLocations`; that an empty list has two terminators is our decision.

use crate::FileType;
use crate::idl::limits::LIST_UNITS;

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// What it is and where it belongs.
    pub file_type: FileType,
    /// Its path, without the type.
    pub path: String,
}

/// Why something is no list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A path is empty or contains a terminator.
    #[error("a path in a list is empty or contains NUL: {path:?}")]
    Path {
        /// The path.
        path: String,
    },
    /// The list exceeds [`LIST_UNITS`].
    #[error("the list is longer than {LIST_UNITS} units")]
    TooLong,
    /// The list does not end with two terminators, or goes on after them.
    #[error("the list does not end with two terminators, at unit {at}")]
    End {
        /// The unit's position.
        at: usize,
    },
    /// An entry begins with a unit that is no type.
    #[error("unit {at} of the list, 0x{unit:04X}, is no file type")]
    Type {
        /// The unit's position.
        at: usize,
        /// The unit.
        unit: u16,
    },
    /// A path is not UTF-16.
    #[error("the path at unit {at} of the list is not UTF-16")]
    Utf16 {
        /// The position of the entry.
        at: usize,
    },
}

/// The units of a list with these entries.
///
/// # Errors
/// [`Error::Path`], [`Error::TooLong`].
pub fn encode<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Vec<u16>, Error> {
    let mut units = Vec::new();
    for Entry { file_type, path } in entries {
        if path.is_empty() || path.contains('\0') {
            return Err(Error::Path { path: path.clone() });
        }
        units.push(file_type.value().into());
        units.extend(path.encode_utf16());
        units.push(0);
    }
    if units.is_empty() {
        units.push(0);
    }
    units.push(0);
    if units.len() > LIST_UNITS as usize { Err(Error::TooLong) } else { Ok(units) }
}

/// The entries of a list. Of an empty one, no, one, or both terminators may be there.
///
/// # Errors
/// [`Error::End`], [`Error::Type`], [`Error::Utf16`], [`Error::Path`].
pub fn decode(units: &[u16]) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    let mut at = 0;
    let mut rest = match units {
        [] | [0, 0] => return Ok(entries),
        _ => units,
    };
    loop {
        let length = rest.iter().position(|&unit| unit == 0).ok_or(Error::End { at })?;
        let (entry, behind) = rest.split_at_checked(length).ok_or(Error::End { at })?;
        let behind = behind.get(1..).unwrap_or_default();
        let Some((&kind, path)) = entry.split_first() else {
            // The terminator of the list.
            return if behind.is_empty() { Ok(entries) } else { Err(Error::End { at }) };
        };
        let file_type = FileType::from_unit(kind).ok_or(Error::Type { at, unit: kind })?;
        let path = String::from_utf16(path).map_err(|_| Error::Utf16 { at })?;
        if path.is_empty() {
            return Err(Error::Path { path });
        }
        entries.push(Entry { file_type, path });
        at += length + 1;
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    fn entry(file_type: FileType, path: &str) -> Entry {
        Entry { file_type, path: path.to_owned() }
    }

    #[test]
    fn a_database_reads_as_the_letter_d_and_its_path() {
        let list = [entry(FileType::Database, r"\\DC1\C$\Windows\NTDS\ntds.dit")];
        let expected = units("D\\\\DC1\\C$\\Windows\\NTDS\\ntds.dit\0\0");
        assert_eq!(encode(&list), Ok(expected.clone()));
        assert_eq!(decode(&expected), Ok(list.to_vec()));
    }

    #[test]
    fn directory_types_are_numbers_above_ascii() {
        let list = [entry(FileType::LogDirectory, r"\\A\C$\l")];
        assert_eq!(encode(&list).unwrap().first(), Some(&0x82));
        let documented = units("\u{22}\\\\A\\C$\\l\0\0");
        assert_eq!(decode(&documented), Ok(list.to_vec()));
    }

    #[test]
    fn an_empty_list_is_two_terminators_and_read_in_any_form() {
        assert_eq!(encode(&[]), Ok(vec![0, 0]));
        for list in [&[][..], &[0], &[0, 0]] {
            assert_eq!(decode(list), Ok(vec![]));
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        assert_eq!(decode(&units("Da")), Err(Error::End { at: 0 }));
        assert_eq!(decode(&units("Da\0")), Err(Error::End { at: 3 }));
        assert_eq!(decode(&units("Da\0\0x\0")), Err(Error::End { at: 3 }));
        assert_eq!(decode(&units("Da\0?b\0\0")), Err(Error::Type { at: 3, unit: 0x3F }));
        assert_eq!(decode(&units("D\0\0")), Err(Error::Path { path: String::new() }));
        assert_eq!(decode(&[0x44, 0xD800, 0, 0]), Err(Error::Utf16 { at: 0 }));
        assert_eq!(decode(&[0, 0, 0]), Err(Error::End { at: 0 }));
    }

    #[test]
    fn paths_that_would_break_the_list_are_not_written() {
        for path in ["", "a\0b"] {
            assert!(matches!(encode(&[entry(FileType::Log, path)]), Err(Error::Path { .. })));
        }
        let long = entry(FileType::Log, &"x".repeat(LIST_UNITS as usize));
        assert_eq!(encode(&[long]), Err(Error::TooLong));
    }

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let file_type = prop::sample::select(FileType::ALL.to_vec());
        let entry =
            (file_type, "[^\0]{1,20}").prop_map(|(file_type, path)| Entry { file_type, path });
        prop::collection::vec(entry, 0..6)
    }

    proptest! {
        #[test]
        fn any_list_leads_back(entries in entries()) {
            prop_assert_eq!(decode(&encode(&entries).unwrap()), Ok(entries));
        }

        #[test]
        fn arbitrary_units_never_panic(units: Vec<u16>) {
            let _ = decode(&units);
        }
    }
}
