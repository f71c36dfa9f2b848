//! Restoring a set to a folder, without a service.
//!
//! ```text
//! check the set's hashes, look at the target
//!   -> TARGET/RESTORE-INCOMPLETE        durable, before anything else is touched
//!   -> NAME.partial for each file       copied, hashed on the way, synced
//!   -> read back and compared           what is on the disk is what the manifest says
//!   -> NAME.partial becomes NAME        names synced
//!   -> RESTORE-INCOMPLETE is removed    now it is whole
//! ```
//!
//! So a folder without the marker and with the database's name holds a whole restore, whenever
//! the machine stops. A restore into a folder with the marker begins again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vfs::{Storage, durable};

use crate::copy;
use crate::manifest::FileEntry;
use crate::name::LOGS;
use crate::progress::Phase;
use crate::reader::compare;
use crate::{Error, Progress, Result, SetReader};

/// The file that stands in a folder until a restore to it is complete.
pub const MARKER: &str = "RESTORE-INCOMPLETE";

/// What a file's name ends with while it is being copied; no file of a set is called so.
pub const PARTIAL: &str = ".partial";

const MARKER_TEXT: &[u8] = b"A restore to this folder was begun and has not been completed.\n\
Do not use the files here. Restore the backup set again to the same folder.\n";

/// What a restore may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Replace files of the same names in a folder that is not empty.
    pub replace: bool,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The files written, with their entries in the manifest.
    pub files: Vec<(FileEntry, PathBuf)>,
    /// Their lengths summed, in bytes.
    pub bytes: u64,
}

/// Restores `set` to `dir` on `target`.
///
/// # Errors
///
/// [`Error::Differs`] if the set is not what its manifest says (the target is then untouched),
/// [`Error::NotEmpty`] unless told to replace, [`Error::ForeignLog`] if the target's logs folder
/// holds logs that are not in the set.
pub fn to_folder(
    set: &SetReader,
    target: &Arc<dyn Storage>,
    dir: &Path,
    options: Options,
    progress: &dyn Progress,
) -> Result<Restored> {
    let storage = target.as_ref();
    check_target(set, storage, dir, options)?;
    check_set(set, progress)?;

    let manifest = set.manifest();
    storage.create_dir_all(dir)?;
    storage.sync_dir(durable::parent(dir))?;
    durable::replace(storage, &dir.join(MARKER), MARKER_TEXT)?;
    storage.create_dir_all(&dir.join(LOGS))?;

    let mut files = Vec::new();
    for (entry, from) in set.files() {
        let to = place(entry, dir)?;
        progress.begin(Phase::Copy, &entry.name, entry.size);
        copy_verified(set, entry, &from, storage, &partial(&to), progress)?;
        files.push((entry.clone(), to));
    }
    for (entry, to) in &files {
        progress.begin(Phase::CheckCopy, &entry.name, entry.size);
        check_copy(entry, storage, &partial(to), progress)?;
    }
    storage.sync_dir(&dir.join(LOGS))?;
    storage.sync_dir(dir)?;
    for (_, to) in &files {
        storage.rename(&partial(to), to)?;
    }
    storage.sync_dir(&dir.join(LOGS))?;
    storage.sync_dir(dir)?;
    durable::remove(storage, &dir.join(MARKER))?;
    Ok(Restored { files, bytes: manifest.total_size() })
}

/// Copies one file of the set to `to`, replacing what is there, and compares what was read with
/// the manifest. Synced; the name is durable after the caller syncs the folder.
pub fn copy_verified(
    set: &SetReader,
    entry: &FileEntry,
    from: &Path,
    target: &dyn Storage,
    to: &Path,
    progress: &dyn Progress,
) -> Result<()> {
    match target.remove_file(to) {
        Err(e) if !e.is_not_found() => return Err(e.into()),
        _ => {}
    }
    let digest = copy::copy_file(set.storage().as_ref(), from, target, to, progress)?;
    compare(entry.size, entry.hash(), digest)
        .map_err(|what| Error::Differs { path: from.to_owned(), what })
}

/// Reads a copy back and compares it with the manifest.
pub fn check_copy(
    entry: &FileEntry,
    target: &dyn Storage,
    copied: &Path,
    progress: &dyn Progress,
) -> Result<()> {
    let digest = copy::hash_file(target, copied, progress)?;
    compare(entry.size, entry.hash(), digest)
        .map_err(|what| Error::Differs { path: copied.to_owned(), what })
}

/// Compares every file of the set and its token with the manifest; the first difference is an
/// error.
pub fn check_set(set: &SetReader, progress: &dyn Progress) -> Result<()> {
    set.token()?;
    for (entry, _) in set.files() {
        set.check_presence(entry)?;
    }
    for (entry, _) in set.files() {
        progress.begin(Phase::Hash, &entry.name, entry.size);
        set.check_content(entry, progress)?;
    }
    Ok(())
}

fn check_target(
    set: &SetReader,
    storage: &dyn Storage,
    dir: &Path,
    options: Options,
) -> Result<()> {
    let entries = match storage.list(dir) {
        Err(e) if e.is_not_found() => return Ok(()),
        other => other?,
    };
    let begun_before = entries.iter().any(|e| e.name == MARKER);
    let unfinished_marker = format!("{MARKER}.tmp");
    let content = entries.iter().find(|e| e.name != MARKER && *e.name != *unfinished_marker);
    if let (Some(entry), false) = (content, options.replace || begun_before) {
        let found = entry.name.to_string_lossy().into_owned();
        return Err(Error::NotEmpty { dir: dir.to_owned(), found });
    }
    let logs = dir.join(LOGS);
    let present = match storage.list(&logs) {
        Err(e) if e.is_not_found() => return Ok(()),
        other => other?,
    };
    for entry in present {
        let found = entry.name.to_string_lossy().into_owned();
        let place = format!("{LOGS}/{}", found.strip_suffix(PARTIAL).unwrap_or(&found));
        if !set.manifest().files.iter().any(|f| f.name == place) {
            return Err(Error::ForeignLog { dir: logs, found });
        }
    }
    Ok(())
}

fn place(entry: &FileEntry, dir: &Path) -> Result<PathBuf> {
    let path =
        entry.set_path().map_err(|reason| Error::Name { name: entry.name.clone(), reason })?;
    Ok(path.below(dir))
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PARTIAL);
    PathBuf::from(name)
}
