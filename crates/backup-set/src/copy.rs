//! Reading a file once, from end to end: to hash it, or to copy it and hash it on the way.

use std::path::Path;

use vfs::{OpenMode, Storage};

use crate::{Error, Progress, Result};

/// How much is read at once, in bytes: large enough that calls cost nothing, small enough to
/// stay in a processor's cache between reading, hashing and writing.
const UNIT: usize = 1 << 20;

/// Length and BLAKE3 of what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// Length in bytes.
    pub size: u64,
    /// BLAKE3 of the content.
    pub hash: blake3::Hash,
}

/// Reads the file at `path` and hashes it.
pub fn hash_file(storage: &dyn Storage, path: &Path, progress: &dyn Progress) -> Result<Digest> {
    pass(storage, path, progress, |_, _| Ok(()))
}

/// Copies `from` to the new file `to`, synced, and hashes what was read.
///
/// The new file's name is not yet durable: that takes a [`Storage::sync_dir`], one for all files
/// of a folder.
pub fn copy_file(
    source: &dyn Storage,
    from: &Path,
    target: &dyn Storage,
    to: &Path,
    progress: &dyn Progress,
) -> Result<Digest> {
    let file = target.open(to, OpenMode::CreateNew)?;
    let digest = pass(source, from, progress, |unit, offset| Ok(file.write_all_at(unit, offset)?))?;
    file.sync()?;
    Ok(digest)
}

fn pass(
    storage: &dyn Storage,
    path: &Path,
    progress: &dyn Progress,
    mut each: impl FnMut(&[u8], u64) -> Result<()>,
) -> Result<Digest> {
    let file = storage.open(path, OpenMode::Read)?;
    let mut hasher = blake3::Hasher::new();
    let mut buf = vec![0; UNIT];
    let mut offset = 0u64;
    loop {
        if progress.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let n = file.read_at(&mut buf, offset)?;
        let unit = buf.get(..n).unwrap_or_default();
        if unit.is_empty() {
            break;
        }
        hasher.update(unit);
        each(unit, offset)?;
        offset += n as u64;
        progress.advance(n as u64);
        if n < UNIT {
            break;
        }
    }
    Ok(Digest { size: offset, hash: hasher.finalize() })
}
