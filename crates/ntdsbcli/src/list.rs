//! The lists that the service returns: files by name and type.
//!
//! ```text
//! type path NUL  type path NUL  ...  NUL        UTF-16 units; an empty list is two NULs
//! ```
//!
//! The type is one unit (`BFT_...`), the path is in UNC form: `\\SERVER\C$\Windows\NTDS\ntds.dit`.
//!
//! Source: DsBackupGetDatabaseNames, DsBackupGetBackupLogs, DsRestoreGetDatabaseLocations (Win32
//! documentation); terminators and order are this project's decisions.

use ntdsb::FileType;
use ntdsb::unc::{Spelling, same_name, without_type};

/// A file or directory of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListEntry {
    /// What it is and where it belongs.
    pub file_type: FileType,
    /// Its path in UNC form, without the type.
    pub path: String,
}

impl ListEntry {
    /// The last component of the path.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('\\').next().unwrap_or(&self.path)
    }
}

/// A list as it is given to callers of the documented functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileList {
    units: Vec<u16>,
    entries: Vec<ListEntry>,
}

/// The service sent something that is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the service sent a list that cannot be read")]
pub(crate) struct BadList;

impl FileList {
    /// Takes the units that the service sent; brings the end into its documented form.
    pub(crate) fn new(sent: &[u16]) -> Result<Self, BadList> {
        let mut units = Vec::with_capacity(sent.len() + 1);
        let mut entries = Vec::new();
        for entry in sent.split(|&unit| unit == 0).filter(|entry| !entry.is_empty()) {
            let (kind, path) = entry.split_first().ok_or(BadList)?;
            let file_type = FileType::from_unit(*kind).ok_or(BadList)?;
            let path = String::from_utf16(path).map_err(|_| BadList)?;
            if path.is_empty() {
                return Err(BadList);
            }
            units.push(file_type.value().into());
            units.extend(path.encode_utf16());
            units.push(0);
            entries.push(ListEntry { file_type, path });
        }
        if entries.is_empty() {
            units.push(0);
        }
        units.push(0);
        Ok(FileList { units, entries })
    }

    /// All units, both terminators included.
    pub(crate) fn units(&self) -> &[u16] {
        &self.units
    }

    pub(crate) fn entries(&self) -> &[ListEntry] {
        &self.entries
    }

    /// The entry that a caller's name means: with or without the type in front, in any ASCII
    /// case, with either separator, or in the local spelling (`C:\...`, `/...`).
    pub(crate) fn find(&self, name: &str) -> Option<&ListEntry> {
        let name = without_type(name);
        let spelling = Spelling::parse(name);
        self.entries.iter().find(|entry| {
            same_name(&entry.path, name)
                || spelling
                    .as_ref()
                    .is_some_and(|spelling| is_local_spelling(spelling, &entry.path))
        })
    }
}

/// Whether a local path is what a UNC path of an administrative share stands for.
fn is_local_spelling(local: &Spelling, unc: &str) -> bool {
    let Some(Spelling::Unc { share, rest: published, .. }) = Spelling::parse(unc) else {
        return false;
    };
    let (expected, rest) = match local {
        Spelling::Drive { letter, rest } => (format!("{letter}$"), rest),
        Spelling::Local { rest } => ("ROOT$".to_owned(), rest),
        Spelling::Unc { .. } => return false,
    };
    share.eq_ignore_ascii_case(&expected)
        && rest.len() == published.len()
        && rest.iter().zip(&published).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(entries: &[(u16, &str)]) -> Vec<u16> {
        let mut units = Vec::new();
        for (kind, path) in entries {
            units.push(*kind);
            units.extend(path.encode_utf16());
            units.push(0);
        }
        units.push(0);
        units
    }

    #[test]
    fn a_list_keeps_its_entries_and_both_terminators() {
        let sent = units(&[(0x44, "\\\\DC1\\C$\\ntds.dit"), (0x21, "\\\\DC1\\C$\\edb1.log")]);
        let list = FileList::new(&sent).unwrap();
        assert_eq!(list.units(), sent);
        assert_eq!(list.entries()[0].file_type, FileType::Database);
        assert_eq!(list.entries()[1].file_name(), "edb1.log");
    }

    #[test]
    fn an_empty_list_is_two_terminators_whatever_was_sent() {
        for sent in [&[][..], &[0], &[0, 0]] {
            assert_eq!(FileList::new(sent).unwrap().units(), [0, 0]);
        }
    }

    #[test]
    fn documented_directory_types_are_brought_to_the_header_values() {
        let list = FileList::new(&units(&[(0x22, "\\\\A\\C$\\l")])).unwrap();
        assert_eq!(list.units()[0], 0x82);
    }

    #[test]
    fn garbage_is_no_list() {
        for sent in [&[0x41, 0x5C, 0, 0][..], &[0x44, 0, 0], &[0x44, 0xD800, 0, 0]] {
            assert_eq!(FileList::new(sent), Err(BadList));
        }
    }

    #[test]
    fn names_are_found_in_every_accepted_spelling() {
        let sent = units(&[
            (0x44, "\\\\DC1\\C$\\Windows\\NTDS\\ntds.dit"),
            (0x21, "\\\\DC1\\ROOT$\\var\\edb00001.log"),
        ]);
        let list = FileList::new(&sent).unwrap();
        let is = |name: &str| list.find(name).map(ListEntry::file_name);
        for name in [
            "\\\\DC1\\C$\\Windows\\NTDS\\ntds.dit",
            "D\\\\DC1\\C$\\Windows\\NTDS\\ntds.dit",
            "\\\\dc1\\c$\\windows\\ntds\\NTDS.DIT",
            "//DC1/C$/Windows/NTDS/ntds.dit",
            "C:\\Windows\\NTDS\\ntds.dit",
        ] {
            assert_eq!(is(name), Some("ntds.dit"), "{name}");
        }
        assert_eq!(is("/var/edb00001.log"), Some("edb00001.log"));
        assert_eq!(is("!\\\\DC1\\ROOT$\\var\\edb00001.log"), Some("edb00001.log"));
        for name in ["", "ntds.dit", "\\\\DC1\\C$\\Windows", "D", "\\\\DC1\\C$\\..\\ntds.dit"] {
            assert_eq!(is(name), None, "{name}");
        }
    }
}
