//! Where a file may stand in a set: `NAME`, or `logs/NAME`.
//!
//! Names come from a service or from a manifest that someone may have written by hand, so they
//! are taken as they are or refused; none is repaired, and none leads out of the set.

use std::fmt;
use std::path::{Path, PathBuf};

/// The manifest's name in a set.
pub const MANIFEST: &str = "manifest.json";
/// The expiry token's name in a set.
pub const TOKEN: &str = "token";
/// The folder of the logs in a set.
pub const LOGS: &str = "logs";

/// Longest name in bytes: what common file systems take, less the room for a suffix.
pub const NAME_MAX: usize = 240;

/// A checked place in a set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetPath {
    in_logs: bool,
    name: String,
}

impl SetPath {
    /// A file beside the manifest.
    pub fn top(name: &str) -> Result<Self, NameError> {
        check(name)?;
        let reserved = [MANIFEST, "manifest.json.tmp", TOKEN, LOGS, crate::restore::MARKER];
        if reserved.iter().any(|r| r.eq_ignore_ascii_case(name)) {
            return Err(NameError::Reserved);
        }
        Ok(Self { in_logs: false, name: name.to_owned() })
    }

    /// A file in `logs/`.
    pub fn log(name: &str) -> Result<Self, NameError> {
        check(name)?;
        Ok(Self { in_logs: true, name: name.to_owned() })
    }

    /// Reads the form that the manifest has: `NAME` or `logs/NAME`.
    pub fn parse(path: &str) -> Result<Self, NameError> {
        match path.split_once('/') {
            None => Self::top(path),
            Some((LOGS, name)) => Self::log(name),
            Some(_) => Err(NameError::Folder),
        }
    }

    /// The last component of a UNC or local path that a service gave.
    pub fn last_component(published: &str) -> &str {
        published.rsplit(['\\', '/']).next().unwrap_or_default()
    }

    /// The name without its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is in `logs/`.
    pub fn in_logs(&self) -> bool {
        self.in_logs
    }

    /// The path below `dir`.
    pub fn below(&self, dir: &Path) -> PathBuf {
        if self.in_logs { dir.join(LOGS).join(&self.name) } else { dir.join(&self.name) }
    }

    /// The form in which two names that some file system takes for the same are equal.
    pub fn folded(&self) -> String {
        self.to_string().to_lowercase()
    }
}

impl fmt::Display for SetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.in_logs { write!(f, "{LOGS}/{}", self.name) } else { f.write_str(&self.name) }
    }
}

/// Why a name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// It is empty, `.` or `..`.
    #[error("the name is empty or relative")]
    Relative,
    /// It is longer than [`NAME_MAX`].
    #[error("the name is longer than {NAME_MAX} bytes")]
    TooLong,
    /// It has a separator, a colon or a control character.
    #[error("the name has a separator, a colon or a control character")]
    Character,
    /// It is in another folder than `logs`.
    #[error("files stand beside the manifest or in logs/, nowhere else")]
    Folder,
    /// It is a name that the set itself uses.
    #[error("the name is one that the set itself uses")]
    Reserved,
}

fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() || name.chars().all(|c| c == '.') {
        return Err(NameError::Relative);
    }
    if name.len() > NAME_MAX {
        return Err(NameError::TooLong);
    }
    if name.ends_with(crate::restore::PARTIAL) {
        return Err(NameError::Reserved);
    }
    if name.chars().any(|c| matches!(c, '/' | '\\' | ':') || c.is_control()) {
        return Err(NameError::Character);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_two_places_are_read_and_written() {
        for text in ["ntds.dit", "logs/edb00001.log", "logs/manifest.json"] {
            assert_eq!(SetPath::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn nothing_leads_out_of_the_set() {
        for (text, error) in [
            ("", NameError::Relative),
            ("..", NameError::Relative),
            ("logs/..", NameError::Relative),
            ("logs/", NameError::Relative),
            ("/etc/passwd", NameError::Folder),
            ("../x", NameError::Folder),
            ("logs/../x", NameError::Character),
            ("other/x", NameError::Folder),
            ("C:x", NameError::Character),
            ("a\\b", NameError::Character),
            ("a\0b", NameError::Character),
            ("manifest.json", NameError::Reserved),
            ("Token", NameError::Reserved),
            ("logs", NameError::Reserved),
            ("ntds.dit.partial", NameError::Reserved),
        ] {
            assert_eq!(SetPath::parse(text), Err(error), "{text:?}");
        }
        assert_eq!(SetPath::parse(&"a".repeat(NAME_MAX + 1)), Err(NameError::TooLong));
    }

    #[test]
    fn the_last_component_of_a_published_name_is_the_file_name() {
        for published in [r"\\DC1\C$\NTDS\ntds.dit", "/var/lib/ntds.dit", "ntds.dit"] {
            assert_eq!(SetPath::last_component(published), "ntds.dit");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_stays_below_its_folder(text in ".{0,40}") {
            if let Ok(path) = SetPath::parse(&text) {
                let below = path.below(Path::new("/set"));
                prop_assert!(below.starts_with("/set"));
                prop_assert!(below.components().count() <= 4);
                prop_assert!(below.components().all(|c| c.as_os_str() != ".."));
                prop_assert_eq!(SetPath::parse(&path.to_string()), Ok(path));
            }
        }
    }
}
