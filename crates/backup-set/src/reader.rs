//! Opening a set: the manifest is read and checked; the files are looked at only when asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vfs::{OpenMode, Storage};

use crate::copy::{self, Digest};
use crate::error::Difference;
use crate::manifest::{FileEntry, MANIFEST_SIZE_MAX, Manifest, ManifestError};
use crate::name::{MANIFEST, TOKEN};
use crate::{Error, Progress, Result};

/// A set whose manifest keeps every rule.
#[derive(Debug, Clone)]
pub struct SetReader {
    storage: Arc<dyn Storage>,
    dir: PathBuf,
    manifest: Manifest,
}

impl SetReader {
    /// Reads the manifest of the set in `dir`.
    ///
    /// # Errors
    ///
    /// [`Error::NoManifest`] for a folder without one, [`Error::Manifest`] for one that cannot
    /// be believed.
    pub fn open(storage: Arc<dyn Storage>, dir: &Path) -> Result<Self> {
        let path = dir.join(MANIFEST);
        let bytes = match read_small(storage.as_ref(), &path, MANIFEST_SIZE_MAX) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                return Err(Error::Manifest { path, reason: ManifestError::TooLarge });
            }
            Err(Error::Storage(e)) if e.is_not_found() => {
                storage.list(dir)?;
                return Err(Error::NoManifest { dir: dir.to_owned() });
            }
            Err(e) => return Err(e),
        };
        let manifest =
            Manifest::parse(&bytes).map_err(|reason| Error::Manifest { path, reason })?;
        Ok(Self { storage, dir: dir.to_owned(), manifest })
    }

    /// Whether `dir` has the look of a set: a file with the manifest's name.
    pub fn is_set(storage: &dyn Storage, dir: &Path) -> bool {
        storage.metadata(&dir.join(MANIFEST)).is_ok_and(|m| !m.is_dir)
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder of the set.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The storage that the set is on.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// The files with their paths, in the manifest's order.
    pub fn files(&self) -> impl Iterator<Item = (&FileEntry, PathBuf)> {
        self.manifest.files.iter().filter_map(|entry| Some((entry, self.path_of(entry)?)))
    }

    /// The path of an entry of this set's manifest.
    pub fn path_of(&self, entry: &FileEntry) -> Option<PathBuf> {
        Some(entry.set_path().ok()?.below(&self.dir))
    }

    /// The expiry token, compared with the manifest.
    pub fn token(&self) -> Result<Vec<u8>> {
        let path = self.dir.join(TOKEN);
        let entry = &self.manifest.token;
        let differs = |what| Error::Differs { path: path.clone(), what };
        let metadata = match self.storage.metadata(&path) {
            Err(e) if e.is_not_found() => return Err(differs(Difference::Missing)),
            other => other?,
        };
        if metadata.len != entry.size {
            let (expected, found) = (entry.size, metadata.len);
            return Err(differs(Difference::Size { expected, found }));
        }
        let bytes = read_small(self.storage.as_ref(), &path, entry.size)?.unwrap_or_default();
        compare(
            entry.size,
            blake3::Hash::from_hex(&entry.blake3).ok(),
            Digest { size: bytes.len() as u64, hash: blake3::hash(&bytes) },
        )
        .map_err(differs)?;
        Ok(bytes)
    }

    /// Checks that a file is there with the length that the manifest gives.
    pub fn check_presence(&self, entry: &FileEntry) -> Result<()> {
        let path = self.path_of(entry).unwrap_or_default();
        let what = match self.storage.metadata(&path) {
            Ok(m) if m.is_dir => Difference::Missing,
            Ok(m) if m.len == entry.size => return Ok(()),
            Ok(m) => Difference::Size { expected: entry.size, found: m.len },
            Err(e) if e.is_not_found() => Difference::Missing,
            Err(e) => return Err(e.into()),
        };
        Err(Error::Differs { path, what })
    }

    /// Reads a whole file and compares length and hash with the manifest.
    pub fn check_content(&self, entry: &FileEntry, progress: &dyn Progress) -> Result<()> {
        self.check_presence(entry)?;
        let path = self.path_of(entry).unwrap_or_default();
        let digest = copy::hash_file(self.storage.as_ref(), &path, progress)?;
        compare(entry.size, entry.hash(), digest).map_err(|what| Error::Differs { path, what })
    }
}

/// Compares what was read with what the manifest says.
pub(crate) fn compare(
    size: u64,
    hash: Option<blake3::Hash>,
    found: Digest,
) -> std::result::Result<(), Difference> {
    if found.size != size {
        return Err(Difference::Size { expected: size, found: found.size });
    }
    match hash {
        Some(expected) if expected != found.hash => {
            Err(Difference::Hash { expected, found: found.hash })
        }
        _ => Ok(()),
    }
}

/// Reads a file of at most `max` bytes; `None` if it is larger.
fn read_small(storage: &dyn Storage, path: &Path, max: u64) -> Result<Option<Vec<u8>>> {
    let file = storage.open(path, OpenMode::Read)?;
    let len = file.len()?;
    if len > max {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    let n = file.read_at(&mut bytes, 0)?;
    bytes.truncate(n);
    Ok(Some(bytes))
}
