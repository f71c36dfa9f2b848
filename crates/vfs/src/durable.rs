//! Replacing a small file so that a crash leaves the old or the new content.
//!
//! The order is what makes it safe: the content is synced under a temporary name before the name
//! is given to it (otherwise a file system may make the name durable first and a crash leaves an
//! empty file under it), and the directory is synced afterwards (otherwise the caller would be
//! told of a name that a crash takes back).

use std::path::{Path, PathBuf};

use crate::{OpenMode, Result, Storage};

/// Writes `content` to `path`, replacing what is there, atomically and durably.
///
/// A temporary file `NAME.tmp` beside `path` is used; one left by an earlier crash is replaced.
pub fn replace(storage: &dyn Storage, path: &Path, content: &[u8]) -> Result<()> {
    let temporary = temporary_name(path);
    match storage.remove_file(&temporary) {
        Err(e) if !e.is_not_found() => return Err(e),
        _ => {}
    }
    let file = storage.open(&temporary, OpenMode::CreateNew)?;
    file.write_all_at(content, 0)?;
    file.sync()?;
    storage.rename(&temporary, path)?;
    storage.sync_dir(parent(path))
}

/// Removes `path` durably; a file that is not there is no error.
pub fn remove(storage: &dyn Storage, path: &Path) -> Result<()> {
    match storage.remove_file(path) {
        Err(e) if e.is_not_found() => Ok(()),
        Err(e) => Err(e),
        Ok(()) => storage.sync_dir(parent(path)),
    }
}

/// The directory that holds `path`.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}
