//! UNC names for local files.
//!
//! The functions speak of files as `\\SERVER\C$\Windows\NTDS\ntds.dit`: server, administrative
//! share of a drive, path. A machine without drives has *volumes* instead: a letter for a local
//! directory.
//!
//! | local | published (C = /srv/dc1/c) |
//! |---|---|
//! | /srv/dc1/c/Windows/NTDS | `\\DC1\C$\Windows\NTDS` |
//! | /var/lib/ntds | `\\DC1\ROOT$\var\lib\ntds` |
//!
//! The volume with the longest matching root wins; what lies under none is published under the
//! pseudo volume `ROOT$`, whose root is that of the file system. A name that comes back may be
//! spelled in several ways: with the file type in front, with `/` for `\`, as `C:\Windows\NTDS`, as
//! the local path; comparison disregards ASCII case and separators at the end. `.`, `..` and empty
//! components are never accepted: a name is looked up in a list, not in a directory.
//!
//! Source: Win32 documentation of the list functions (UNC form, type in front); the mapping is our
//! own.

use crate::{FileType, HResult};

/// The map between local paths and published names of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volumes {
    server: String,
    volumes: Vec<Volume>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Volume {
    letter: char,
    root: Vec<String>,
}

/// Why volumes cannot be configured, or a local path cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server's name is empty or contains a separator.
    #[error("{name:?} cannot be a server's name in UNC paths")]
    Server {
        /// The name.
        name: String,
    },
    /// A volume's letter is none.
    #[error("a volume is named by a letter from A to Z, not {letter:?}")]
    Letter {
        /// The name given.
        letter: char,
    },
    /// A letter is given twice.
    #[error("volume {letter} is configured twice")]
    LetterTwice {
        /// The letter.
        letter: char,
    },
    /// A local path does not begin with `/`.
    #[error("{path:?} is not an absolute path")]
    NotAbsolute {
        /// The path.
        path: String,
    },
    /// A component of a local path cannot be part of a UNC path.
    #[error(
        "{path:?} cannot be published: its component {component:?} contains a backslash or \
             NUL, or is . or ..; rename the directory"
    )]
    Component {
        /// The path.
        path: String,
        /// The component.
        component: String,
    },
}

impl Volumes {
    /// The volumes of a server: letters and the local directories that they stand for.
    ///
    /// Of `server` the first label counts, in upper case.
    ///
    /// # Errors
    /// The name, letter or directory that cannot be used.
    pub fn new<'a>(
        server: &str,
        volumes: impl IntoIterator<Item = (char, &'a str)>,
    ) -> Result<Self, Error> {
        let label = server.split('.').next().unwrap_or_default().to_ascii_uppercase();
        if label.is_empty() || label.contains(['\\', '/', '\0']) {
            return Err(Error::Server { name: server.to_owned() });
        }
        let mut mapped: Vec<Volume> = Vec::new();
        for (letter, root) in volumes {
            let upper = letter.to_ascii_uppercase();
            if !upper.is_ascii_uppercase() {
                return Err(Error::Letter { letter });
            }
            if mapped.iter().any(|volume| volume.letter == upper) {
                return Err(Error::LetterTwice { letter: upper });
            }
            mapped.push(Volume { letter: upper, root: local_components(root)? });
        }
        // Longest root first, so that the first match is the best.
        mapped.sort_by(|a, b| b.root.len().cmp(&a.root.len()).then(a.letter.cmp(&b.letter)));
        Ok(Self { server: label, volumes: mapped })
    }

    /// The server's name as published.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The published name of a local path, without file type.
    ///
    /// # Errors
    /// [`Error::NotAbsolute`], [`Error::Component`].
    pub fn publish(&self, local: &str) -> Result<String, Error> {
        let components = local_components(local)?;
        let (share, rest) = self
            .volumes
            .iter()
            .find_map(|volume| {
                let rest = components.strip_prefix(volume.root.as_slice())?;
                Some((format!("{}$", volume.letter), rest))
            })
            .unwrap_or_else(|| (ROOT_SHARE.to_owned(), &components));
        let mut name = format!(r"\\{}\{share}", self.server);
        for component in rest {
            name.push('\\');
            name.push_str(component);
        }
        Ok(name)
    }

    /// The local path that a name means, in any of the accepted spellings. Whether it exists is
    /// not asked.
    ///
    /// # Errors
    /// `ERROR_INVALID_PARAMETER` if it is no absolute name, of another server, or of a volume that
    /// is not configured.
    pub fn to_local(&self, name: &str) -> Result<String, HResult> {
        let invalid = HResult::ERROR_INVALID_PARAMETER;
        let (root, rest) = match Spelling::parse(name).ok_or(invalid)? {
            Spelling::Unc { server, share, rest } => {
                if !server.eq_ignore_ascii_case(&self.server) {
                    return Err(invalid);
                }
                (self.share_root(&share).ok_or(invalid)?, rest)
            }
            Spelling::Drive { letter, rest } => (self.volume_root(letter).ok_or(invalid)?, rest),
            Spelling::Local { rest } => (&[][..], rest),
        };
        let mut local = String::new();
        for component in root.iter().chain(&rest) {
            local.push('/');
            local.push_str(component);
        }
        if local.is_empty() {
            local.push('/');
        }
        Ok(local)
    }

    /// The published spelling of a name in any of the accepted ones; to be compared by
    /// [`same_name`].
    ///
    /// # Errors
    /// As [`Volumes::to_local`].
    pub fn canonical(&self, name: &str) -> Result<String, HResult> {
        let local = self.to_local(name)?;
        self.publish(&local).map_err(|_| HResult::ERROR_INVALID_PARAMETER)
    }

    fn share_root(&self, share: &str) -> Option<&[String]> {
        if share.eq_ignore_ascii_case(ROOT_SHARE) {
            return Some(&[]);
        }
        let mut characters = share.strip_suffix('$')?.chars();
        match (characters.next(), characters.next()) {
            (Some(letter), None) => self.volume_root(letter),
            _ => None,
        }
    }

    fn volume_root(&self, letter: char) -> Option<&[String]> {
        self.volumes
            .iter()
            .find(|volume| volume.letter.eq_ignore_ascii_case(&letter))
            .map(|volume| volume.root.as_slice())
    }
}

/// A name taken apart, whichever server it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spelling {
    /// `\\server\share\rest`.
    Unc {
        /// The server.
        server: String,
        /// The share.
        share: String,
        /// The components after the share.
        rest: Vec<String>,
    },
    /// `C:\rest`.
    Drive {
        /// The letter.
        letter: char,
        /// The components after the root.
        rest: Vec<String>,
    },
    /// `/rest`.
    Local {
        /// The components after the root.
        rest: Vec<String>,
    },
}

impl Spelling {
    /// Takes a name apart, with or without the file type in front; `None` if it is not absolute or
    /// has a component that is never accepted.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = without_type(name);
        if name.contains('\0') {
            return None;
        }
        let normal = name.replace('/', "\\");
        if let Some(rest) = normal.strip_prefix(r"\\") {
            let mut components = components(rest)?.into_iter();
            let (server, share) = (components.next()?, components.next()?);
            return Some(Self::Unc { server, share, rest: components.collect() });
        }
        if let Some(rest) = name.strip_prefix('/') {
            // In a local path a backslash is part of a component, and cannot be published.
            if rest.contains('\\') {
                return None;
            }
            return Some(Self::Local { rest: components(&rest.replace('/', "\\"))? });
        }
        let mut characters = normal.chars();
        let letter = characters.next().filter(char::is_ascii_alphabetic)?;
        let rest = characters.as_str().strip_prefix(":\\")?;
        Some(Self::Drive { letter, rest: components(rest)? })
    }
}

/// Drops the file type in front of a name: a defined type followed by a backslash. A UNC path
/// begins with a backslash, which is no type, so nothing is ambiguous.
#[must_use]
pub fn without_type(name: &str) -> &str {
    let mut characters = name.chars();
    let typed = characters
        .next()
        .and_then(|first| u8::try_from(u32::from(first)).ok())
        .and_then(FileType::from_value)
        .is_some();
    let rest = characters.as_str();
    if typed && rest.starts_with('\\') { rest } else { name }
}

/// Whether two published names are the same: ASCII case, kind of separator, and separators at the
/// end do not matter.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    let comparable = |name: &str| {
        let name = name.replace('/', "\\").to_ascii_lowercase();
        name.trim_end_matches('\\').to_owned()
    };
    comparable(a) == comparable(b)
}

/// Components between backslashes. Separators at the end are ignored.
fn components(path: &str) -> Option<Vec<String>> {
    let path = path.trim_end_matches('\\');
    if path.is_empty() {
        return Some(Vec::new());
    }
    path.split('\\').map(|component| is_name(component).then(|| component.to_owned())).collect()
}

fn local_components(path: &str) -> Result<Vec<String>, Error> {
    let rest =
        path.strip_prefix('/').ok_or_else(|| Error::NotAbsolute { path: path.to_owned() })?;
    rest.split('/')
        .filter(|component| !component.is_empty())
        .map(|component| {
            if is_name(component) {
                Ok(component.to_owned())
            } else {
                let component = component.to_owned();
                Err(Error::Component { path: path.to_owned(), component })
            }
        })
        .collect()
}

fn is_name(component: &str) -> bool {
    !matches!(component, "" | "." | "..") && !component.contains(['\\', '\0'])
}

const ROOT_SHARE: &str = "ROOT$";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn volumes() -> Volumes {
        let roots = [('c', "/srv/dc1/c"), ('D', "/srv/dc1/c/deep/"), ('E', "/e")];
        Volumes::new("dc1.test.example", roots).unwrap()
    }

    #[test]
    fn local_paths_are_published_under_the_longest_root() {
        for (local, name) in [
            ("/srv/dc1/c/Windows/NTDS/ntds.dit", r"\\DC1\C$\Windows\NTDS\ntds.dit"),
            ("/srv/dc1/c", r"\\DC1\C$"),
            ("/srv/dc1/c/", r"\\DC1\C$"),
            ("/srv/dc1/c/deep/x", r"\\DC1\D$\x"),
            ("/srv/dc1/cc/x", r"\\DC1\ROOT$\srv\dc1\cc\x"),
            ("/e//x", r"\\DC1\E$\x"),
            ("/", r"\\DC1\ROOT$"),
        ] {
            assert_eq!(volumes().publish(local).as_deref(), Ok(name));
        }
    }

    #[test]
    fn every_spelling_leads_to_the_same_published_name() {
        let name = r"\\DC1\C$\NTDS\ntds.dit";
        for spelling in [
            name,
            r"D\\DC1\C$\NTDS\ntds.dit",
            "\u{82}\\\\DC1\\C$\\NTDS\\ntds.dit",
            "//dc1/c$/NTDS/ntds.dit",
            r"\\Dc1\c$\NTDS\ntds.dit\",
            r"C:\NTDS\ntds.dit",
            "c:/NTDS/ntds.dit",
            "/srv/dc1/c/NTDS/ntds.dit",
            r"\\DC1\ROOT$\srv\dc1\c\NTDS\ntds.dit",
        ] {
            assert_eq!(volumes().canonical(spelling).as_deref(), Ok(name), "{spelling}");
        }
        let local = volumes().to_local(r"D\\DC1\D$\x");
        assert_eq!(local.as_deref(), Ok("/srv/dc1/c/deep/x"));
    }

    #[test]
    fn names_that_mean_nothing_here_are_refused() {
        for name in [
            "",
            r"\",
            r"\\",
            r"\\DC1",
            r"\\DC2\C$\x",
            r"\\DC1\F$\x",
            r"\\DC1\C\x",
            r"\\DC1\CC$\x",
            r"\\DC1\$\x",
            r"\\DC1\C$\..\x",
            r"\\DC1\C$\a\.\x",
            r"\\DC1\C$\\x",
            r"\\DC1\C$\..",
            r"\x",
            r"x",
            r"C:",
            r"C:x",
            r"F:\x",
            "/srv/../etc/shadow",
            "/srv\\x",
            "\\\\DC1\\C$\\a\0b",
            r"DD\\DC1\C$\x",
        ] {
            let refused = Err(HResult::ERROR_INVALID_PARAMETER);
            assert_eq!(volumes().canonical(name), refused, "{name}");
        }
    }

    #[test]
    fn a_drive_letter_is_not_taken_for_a_file_type() {
        // D is both a letter and BFT_NTDS_DATABASE.
        assert_eq!(volumes().canonical(r"D:\x").as_deref(), Ok(r"\\DC1\D$\x"));
        assert_eq!(without_type(r"D:\x"), r"D:\x");
        assert_eq!(without_type(r"D\\s\x"), r"\\s\x");
        assert_eq!(without_type(r"\\s\x"), r"\\s\x");
        assert_eq!(without_type(""), "");
    }

    #[test]
    fn names_compare_without_case_and_separators_at_the_end() {
        assert!(same_name(r"\\DC1\C$\NTDS", "//dc1/c$/ntds/"));
        assert!(!same_name(r"\\DC1\C$\NTDS", r"\\DC1\C$\NTDS2"));
        // Outside ASCII case matters: the server's file system decides about it, not we.
        assert!(!same_name("\\\\DC1\\C$\\\u{C4}", "\\\\DC1\\C$\\\u{E4}"));
    }

    #[test]
    fn what_cannot_be_published_is_said_at_once() {
        let error = volumes().publish("/srv/dc1/c/a\\b/x").unwrap_err();
        assert!(matches!(&error, Error::Component { component, .. } if component == "a\\b"));
        assert!(matches!(volumes().publish("a"), Err(Error::NotAbsolute { .. })));
        assert!(matches!(volumes().publish("/a/../b"), Err(Error::Component { .. })));
        assert!(matches!(Volumes::new("", []), Err(Error::Server { .. })));
        assert!(matches!(Volumes::new("a", [('1', "/")]), Err(Error::Letter { letter: '1' })));
        let twice = Volumes::new("a", [('c', "/x"), ('C', "/y")]);
        assert!(matches!(twice, Err(Error::LetterTwice { letter: 'C' })));
    }

    proptest! {
        #[test]
        fn published_names_lead_back(components in prop::collection::vec("[^/\\\\\0]{1,8}", 0..5)) {
            prop_assume!(components.iter().all(|component| is_name(component)));
            let local = format!("/{}", components.join("/"));
            for prefix in ["", "/srv/dc1/c", "/e"] {
                let path = format!("{prefix}{local}");
                let name = volumes().publish(&path).unwrap();
                let back = volumes().to_local(&name).unwrap();
                prop_assert_eq!(back.trim_end_matches('/'), path.trim_end_matches('/'));
                prop_assert_eq!(volumes().canonical(&name), Ok(name));
            }
        }

        #[test]
        fn arbitrary_names_never_panic_and_never_climb(name: String) {
            if let Ok(local) = volumes().to_local(&name) {
                prop_assert!(local.starts_with('/'));
                prop_assert!(!local.split('/').any(|component| component == ".."));
            }
        }
    }
}
