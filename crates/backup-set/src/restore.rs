//! Restoring a set to a folder, without a service.
//!
//! ```text
//! check the set's hashes, look at the target
//!   -> TARGET/RESTORE-INCOMPLETE        durable, before anything else is touched
//!   -> NAME.partial for each file       copied, hashed on the way, synced
//!   -> read back and compared           what is on the disk is what the manifest says
//!   -> NAME.partial becomes NAME        names synced
//!   -> the database is recovered        logs replayed, what was not committed undone
//!   -> RESTORE-INCOMPLETE is removed    now it is whole
//! ```
//!
//! So a folder without the marker and with the database's name holds a whole restore, whenever
//! the machine stops. A restore into a folder with the marker begins again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese::recovery::{Report, Until};
use ese_format::log_name::{LogName, LogRole};
use vfs::{Storage, durable};

use crate::copy;
use crate::manifest::{FileEntry, FileKind};
use crate::name::LOGS;
use crate::progress::Phase;
use crate::reader::compare;
use crate::{Error, Progress, Result, SetReader, recover};

/// The file that stands in a folder until a restore to it is complete.
pub const MARKER: &str = "RESTORE-INCOMPLETE";

/// What a file's name ends with while it is being copied; no file of a set is called so.
pub const PARTIAL: &str = ".partial";

const MARKER_TEXT: &[u8] = b"A restore to this folder was begun and has not been completed.\n\
Do not use the files here. Restore the backup set again to the same folder.\n";

/// What a restore may do, and how far it goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Replace files of the same names in a folder that is not empty.
    pub replace: bool,
    /// Leave the database as it was backed up: its logs are not replayed.
    pub as_is: bool,
    /// The point in time to stop at, if not at the end of the logs.
    pub until: Option<Until>,
}

/// What a restore did.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The files written, with their entries in the manifest.
    pub files: Vec<(FileEntry, PathBuf)>,
    /// Their lengths summed, in bytes.
    pub bytes: u64,
    /// What recovering each database did; none where it was left as it was backed up.
    pub recovered: Vec<Report>,
}

/// Restores `set` to `dir` on `target`.
///
/// # Errors
///
/// [`Error::Differs`] if the set is not what its manifest says (the target is then untouched),
/// [`Error::NotEmpty`] unless told to replace, [`Error::ForeignLog`] if the target's logs folder
/// holds logs that are not in the set, [`Error::Recovery`] if its database cannot be recovered: the
/// folder keeps the mark of an unfinished restore then.
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
    clear(set, storage, dir)?;

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
    let mut recovered = Vec::new();
    if !options.as_is {
        let databases = files.iter().filter(|(entry, _)| entry.kind == FileKind::NtdsDatabase);
        for (_, database) in databases {
            recovered.push(recover::in_folder(target, dir, database, options.until, progress)?);
        }
        files.retain(|(_, path)| !recovered.iter().any(|one| one.left_out.contains(path)));
    }
    durable::remove(storage, &dir.join(MARKER))?;
    Ok(Restored { files, bytes: manifest.total_size(), recovered })
}

/// Removes what an earlier restore left here that was stopped while it recovered the database.
fn clear(set: &SetReader, storage: &dyn Storage, dir: &Path) -> Result<()> {
    for entry in set.manifest().databases() {
        recover::clear(storage, &place(entry, dir)?)?;
    }
    let logs = dir.join(LOGS);
    for entry in storage.list(&logs)? {
        if is_of_recovery(set, &entry.name.to_string_lossy()) {
            durable::remove(storage, &logs.join(&entry.name))?;
        }
    }
    Ok(())
}

/// Whether a file in the folder of logs is one that the recovery of this set makes: the current log
/// behind the set's own, a later one, or the checkpoint.
fn is_of_recovery(set: &SetReader, name: &str) -> bool {
    let is_partial = [PARTIAL, ".tmp"].iter().find_map(|end| name.strip_suffix(end));
    let name = is_partial.unwrap_or(name);
    let in_set = set.manifest().files.iter().any(|file| file.name == format!("{LOGS}/{name}"));
    if in_set {
        return false;
    }
    let last = set.manifest().log_range().map_or(0, |(_, last)| last);
    match LogName::parse(name).map(|name| name.role) {
        Some(LogRole::Current) => true,
        Some(LogRole::Archived(generation, _)) => generation.0 > last,
        _ => name.to_lowercase().ends_with(".chk"),
    }
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
        // Of a restore that was stopped, or of one that is done and was not used since.
        let may_go = is_of_recovery(set, &found)
            && (begun_before
                || options.replace
                    && (found.to_lowercase().ends_with(".chk")
                        || recover::is_only_recovery(storage, &logs.join(&entry.name))));
        if may_go {
            continue;
        }
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
