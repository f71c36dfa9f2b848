//! `manifest.json`: what a set holds, by whom, when, of which directory.
//!
//! The types here are the stored form, field by field; `docs/backup-set.md` documents them.
//! Reading is in two steps: [`Manifest::parse`] takes bytes, checks the format version before
//! anything else, then every rule that a manifest of this version keeps (names, hashes, sizes,
//! order of generations). Fields that this version does not know are ignored: whatever cannot be
//! ignored comes with a new format version.

use serde::{Deserialize, Serialize};

use crate::name::{NameError, SetPath, TOKEN};

/// The format version that is written, and the only one that is read.
pub const FORMAT_VERSION: u32 = 1;

/// Largest manifest that is read: room for more than 40 000 logs, far more than one backup has.
pub const MANIFEST_SIZE_MAX: u64 = 16 << 20;

/// Largest token, by the form of the token.
pub const TOKEN_SIZE_MAX: u64 = 4096;

/// The content of `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// What wrote the set.
    pub tool: Tool,
    /// Which backup it is.
    pub backup: Backup,
    /// Who made it and where.
    pub operator: Operator,
    /// Whose data it is.
    pub directory: Directory,
    /// The expiry token.
    pub token: TokenEntry,
    /// The files, databases first, then logs by generation.
    pub files: Vec<FileEntry>,
}

/// What wrote a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Name of the program.
    pub name: String,
    /// Version of the program.
    pub version: String,
}

/// Which backup a set is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The id in the token, a GUID.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: BackupKind,
    /// When the backup began, RFC 3339 UTC, by the client's clock.
    pub started: String,
    /// When the last file was durable, RFC 3339 UTC, by the client's clock.
    pub finished: String,
    /// The folder name of the set that this one continues; `null` for full and copy backups.
    pub parent: Option<String>,
}

/// The type of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum BackupKind {
    /// Everything; the source's logs may be truncated afterwards.
    Full,
    /// Everything, beside the source's own sequence of backups.
    Copy,
}

/// Who made a backup, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// Name of the account, if the system knows one.
    pub user: Option<String>,
    /// Its number.
    pub uid: u32,
    /// Name of the host.
    pub host: String,
    /// The server as it was named on the command line.
    pub server: String,
}

/// The identity of a directory as its token and header give it. Absent where not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// DNS host name of the directory server.
    pub dns_host_name: Option<String>,
    /// DN of the domain.
    pub domain: Option<String>,
    /// `objectGUID` of the nTDSDSA object.
    pub dsa_guid: Option<String>,
    /// Invocation id at backup time.
    pub invocation_id: Option<String>,
    /// `objectGUID` of the domain.
    pub domain_guid: Option<String>,
    /// Highest committed USN at backup time.
    pub highest_usn: Option<u64>,
    /// The database's ESE signature.
    pub database_signature: Option<String>,
    /// The ESE signature of its logs.
    pub log_signature: Option<String>,
}

/// The stored token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenEntry {
    /// Always `token`.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// BLAKE3 of the content, 64 hexadecimal digits.
    pub blake3: String,
    /// The backup cannot be restored after this time, RFC 3339 UTC; `null` if the token's form
    /// is not ours.
    pub not_after: Option<String>,
}

/// One file of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its place in the set: `NAME` or `logs/NAME`.
    pub name: String,
    /// The name under which the service published it.
    pub published: String,
    /// Its kind in words.
    #[serde(rename = "type")]
    pub kind: FileKind,
    /// The documented BFT value.
    pub bft: u8,
    /// Length in bytes.
    pub size: u64,
    /// BLAKE3 of the content, 64 hexadecimal digits.
    pub blake3: String,
    /// The first log generation that the file holds (a log) or needs (a database).
    pub first_generation: Option<u32>,
    /// The last one.
    pub last_generation: Option<u32>,
    /// What its header says.
    pub header: Option<HeaderFacts>,
}

impl FileEntry {
    /// The checked place of the file.
    pub fn set_path(&self) -> Result<SetPath, NameError> {
        SetPath::parse(&self.name)
    }

    /// The hash, if the field is one.
    pub fn hash(&self) -> Option<blake3::Hash> {
        parse_hash(&self.blake3)
    }
}

/// The kind of a file, as the documented file types have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileKind {
    /// `BFT_NTDS_DATABASE`.
    NtdsDatabase,
    /// `BFT_LOG`.
    Log,
    /// `BFT_PATCH_FILE`.
    PatchFile,
}

impl FileKind {
    /// The documented value.
    pub fn bft(self) -> u8 {
        match self {
            Self::NtdsDatabase => 0x44,
            Self::Log => 0x21,
            Self::PatchFile => 0x25,
        }
    }

    /// The kind with a documented value, of those that a set can hold.
    pub fn from_bft(bft: u8) -> Option<Self> {
        [Self::NtdsDatabase, Self::Log, Self::PatchFile].into_iter().find(|k| k.bft() == bft)
    }

    /// Where a file of this kind stands, given the name under which it was published.
    pub fn place(self, published: &str) -> Result<SetPath, NameError> {
        let name = SetPath::last_component(published);
        if self == Self::NtdsDatabase { SetPath::top(name) } else { SetPath::log(name) }
    }
}

/// What a file's header says, in the words of `esentutl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeaderFacts {
    /// Of a database.
    Database {
        /// Page size in bytes.
        page_size: u32,
        /// The state, such as `Clean Shutdown`.
        state: String,
        /// Format version, as version and update.
        version: String,
        /// The time of the last change.
        dbtime: u64,
        /// Signature of the database.
        signature: String,
        /// Signature of its logs.
        log_signature: String,
    },
    /// Of a log.
    Log {
        /// Generation.
        generation: u32,
        /// Signature of the log sequence.
        log_signature: String,
        /// When the generation was made.
        created: String,
    },
}

impl Manifest {
    /// Reads a manifest and checks every rule of its version.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() as u64 > MANIFEST_SIZE_MAX {
            return Err(ManifestError::TooLarge);
        }
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }
        let version: Version = serde_json::from_slice(bytes).map_err(ManifestError::json)?;
        if version.format_version != FORMAT_VERSION {
            return Err(ManifestError::Version { found: version.format_version });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(ManifestError::json)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The stored form: indented JSON with a final newline.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        self.check()?;
        let mut bytes = serde_json::to_vec_pretty(self).map_err(ManifestError::json)?;
        bytes.push(b'\n');
        if bytes.len() as u64 > MANIFEST_SIZE_MAX {
            return Err(ManifestError::TooLarge);
        }
        Ok(bytes)
    }

    /// The databases of the set.
    pub fn databases(&self) -> impl Iterator<Item = &FileEntry> {
        self.files.iter().filter(|f| f.kind == FileKind::NtdsDatabase)
    }

    /// The logs of the set.
    pub fn logs(&self) -> impl Iterator<Item = &FileEntry> {
        self.files.iter().filter(|f| f.kind == FileKind::Log)
    }

    /// Lowest and highest generation of the logs in the set, if there are logs.
    pub fn log_range(&self) -> Option<(u32, u32)> {
        let low = self.logs().filter_map(|f| f.first_generation).min()?;
        let high = self.logs().filter_map(|f| f.last_generation).max()?;
        Some((low, high))
    }

    /// Sum of the files' lengths in bytes.
    pub fn total_size(&self) -> u64 {
        self.files.iter().fold(0, |sum, f| sum.saturating_add(f.size))
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.token.name != TOKEN {
            return Err(ManifestError::TokenName);
        }
        if self.token.size > TOKEN_SIZE_MAX {
            return Err(ManifestError::TokenSize);
        }
        if parse_hash(&self.token.blake3).is_none() {
            return Err(ManifestError::Hash { name: TOKEN.to_owned() });
        }
        let mut seen = std::collections::HashSet::new();
        for file in &self.files {
            let fail = |reason| ManifestError::Name { name: file.name.clone(), reason };
            let path = file.set_path().map_err(fail)?;
            if path.in_logs() == (file.kind == FileKind::NtdsDatabase) {
                return Err(fail(NameError::Folder));
            }
            if !seen.insert(path.folded()) {
                return Err(ManifestError::Duplicate { name: file.name.clone() });
            }
            if file.kind.bft() != file.bft {
                return Err(ManifestError::FileType { name: file.name.clone() });
            }
            if file.hash().is_none() {
                return Err(ManifestError::Hash { name: file.name.clone() });
            }
            if let (Some(first), Some(last)) = (file.first_generation, file.last_generation)
                && first > last
            {
                return Err(ManifestError::Generations { name: file.name.clone() });
            }
        }
        if self.databases().next().is_none() {
            return Err(ManifestError::NoDatabase);
        }
        Ok(())
    }
}

fn parse_hash(hex: &str) -> Option<blake3::Hash> {
    blake3::Hash::from_hex(hex).ok()
}

/// Why a manifest cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Larger than [`MANIFEST_SIZE_MAX`].
    #[error("larger than {MANIFEST_SIZE_MAX} bytes")]
    TooLarge,
    /// Not JSON, or not the documented fields.
    #[error("not a manifest: {0}")]
    Json(String),
    /// Another format version.
    #[error("format version {found}; this program reads version {FORMAT_VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// A file has an impossible place.
    #[error("file {name:?}: {reason}")]
    Name {
        /// The name as written.
        name: String,
        /// Why it is refused.
        reason: NameError,
    },
    /// Two files have the same place.
    #[error("file {name:?} is named twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Kind and BFT value contradict each other.
    #[error("file {name:?}: type and bft contradict each other")]
    FileType {
        /// The name.
        name: String,
    },
    /// A hash is not 64 hexadecimal digits.
    #[error("file {name:?}: blake3 is not 64 hexadecimal digits")]
    Hash {
        /// The name.
        name: String,
    },
    /// The first generation is above the last.
    #[error("file {name:?}: first generation above the last")]
    Generations {
        /// The name.
        name: String,
    },
    /// The token has another name than `token`.
    #[error("the token's name is not \"token\"")]
    TokenName,
    /// The token is too large for any token.
    #[error("the token is larger than {TOKEN_SIZE_MAX} bytes")]
    TokenSize,
    /// There is no database among the files.
    #[error("no database among the files")]
    NoDatabase,
}

impl ManifestError {
    #[allow(clippy::needless_pass_by_value, reason = "shape that map_err wants")]
    fn json(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn sample() -> Manifest {
        let hash = blake3::hash(b"").to_hex().to_string();
        Manifest {
            format_version: FORMAT_VERSION,
            tool: Tool { name: "dsbackup".into(), version: "0.1.0".into() },
            backup: Backup {
                id: "8a1c9a5e-0000-4000-8000-000000000000".into(),
                kind: BackupKind::Full,
                started: "2026-11-24T20:00:00Z".into(),
                finished: "2026-11-24T20:00:01Z".into(),
                parent: None,
            },
            operator: Operator {
                user: Some("root".into()),
                uid: 0,
                host: "dc1".into(),
                server: "dc1".into(),
            },
            directory: Directory::default(),
            token: TokenEntry {
                name: "token".into(),
                size: 0,
                blake3: hash.clone(),
                not_after: None,
            },
            files: vec![
                FileEntry {
                    name: "ntds.dit".into(),
                    published: r"\\DC1\C$\NTDS\ntds.dit".into(),
                    kind: FileKind::NtdsDatabase,
                    bft: 0x44,
                    size: 0,
                    blake3: hash.clone(),
                    first_generation: Some(1),
                    last_generation: Some(2),
                    header: None,
                },
                FileEntry {
                    name: "logs/edb00001.log".into(),
                    published: r"\\DC1\C$\NTDS\edb00001.log".into(),
                    kind: FileKind::Log,
                    bft: 0x21,
                    size: 0,
                    blake3: hash,
                    first_generation: Some(1),
                    last_generation: Some(1),
                    header: Some(HeaderFacts::Log {
                        generation: 1,
                        log_signature: "s".into(),
                        created: "c".into(),
                    }),
                },
            ],
        }
    }

    fn refused(change: impl FnOnce(&mut Manifest)) -> ManifestError {
        let mut manifest = sample();
        change(&mut manifest);
        let bytes = serde_json::to_vec(&manifest).unwrap();
        let read = Manifest::parse(&bytes).unwrap_err();
        assert!(manifest.to_bytes().is_err() || manifest.format_version != FORMAT_VERSION);
        read
    }

    #[test]
    fn what_is_written_is_read() {
        let manifest = sample();
        assert_eq!(Manifest::parse(&manifest.to_bytes().unwrap()).unwrap(), manifest);
    }

    #[test]
    fn another_format_version_is_refused_before_anything_else() {
        assert_eq!(
            Manifest::parse(br#"{"format_version": 2, "anything": []}"#),
            Err(ManifestError::Version { found: 2 })
        );
        assert_eq!(refused(|m| m.format_version = 0), ManifestError::Version { found: 0 });
    }

    #[test]
    fn fields_that_are_not_known_are_ignored() {
        let mut value = serde_json::to_value(sample()).unwrap();
        value["later"] = "x".into();
        assert_eq!(Manifest::parse(value.to_string().as_bytes()), Ok(sample()));
    }

    #[test]
    fn impossible_manifests_are_refused() {
        assert!(matches!(refused(|m| m.files[0].name = "../x".into()), ManifestError::Name { .. }));
        assert!(matches!(
            refused(|m| m.files[0].name = "logs/ntds.dit".into()),
            ManifestError::Name { .. }
        ));
        assert!(matches!(
            refused(|m| {
                let mut copy = m.files[1].clone();
                copy.name = "logs/EDB00001.LOG".into();
                m.files.push(copy);
            }),
            ManifestError::Duplicate { .. }
        ));
        assert!(matches!(refused(|m| m.files[0].bft = 0x21), ManifestError::FileType { .. }));
        assert!(matches!(refused(|m| m.files[0].blake3 = "zz".into()), ManifestError::Hash { .. }));
        assert!(matches!(
            refused(|m| m.files[0].first_generation = Some(9)),
            ManifestError::Generations { .. }
        ));
        assert_eq!(refused(|m| m.token.name = "/etc/shadow".into()), ManifestError::TokenName);
        assert_eq!(refused(|m| m.token.size = 1 << 40), ManifestError::TokenSize);
        assert_eq!(
            refused(|m| {
                m.files.remove(0);
            }),
            ManifestError::NoDatabase
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Manifest::parse(&bytes);
        }

        #[test]
        fn damage_in_a_manifest_is_refused_or_harmless(at in 0usize..1500, byte in any::<u8>()) {
            let mut bytes = sample().to_bytes().unwrap();
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(manifest) = Manifest::parse(&bytes) {
                for file in &manifest.files {
                    prop_assert!(file.set_path().is_ok());
                }
            }
        }
    }
}
