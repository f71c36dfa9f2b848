//! What the paths of `verify` and `info` lead to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backup_set::name::{LOGS, MANIFEST};
use backup_set::restore::MARKER;
use backup_set::{SetReader, verify};
use ese::DatabaseFile;
use ese_format::header::HeaderError;
use ese_format::log::checkpoint::{
    CHECKPOINT_LEN, Checkpoint, CheckpointError, ShadowedCheckpoint,
};
use ese_format::log_name::{LogName, LogRole};
use vfs::{OpenMode, Storage};

use crate::exit::{Exit, Failure};

/// One thing at or below a path.
#[derive(Debug)]
pub(crate) enum Found {
    /// A database.
    Database { path: PathBuf, len: u64 },
    /// A log.
    Log { path: PathBuf },
    /// The logs of a folder.
    Logs { folder: PathBuf, paths: Vec<PathBuf> },
    /// A checkpoint file.
    Checkpoint { path: PathBuf },
    /// A backup set of files with this many bytes.
    Set { path: PathBuf, len: u64 },
    /// A folder into which a restore was begun.
    Unfinished { path: PathBuf },
}

/// What is at `path`: itself, or what a folder holds.
pub(crate) fn find(storage: &Arc<dyn Storage>, path: &Path) -> Result<Vec<Found>, Failure> {
    if storage.metadata(path)?.is_dir {
        return folder(storage, path);
    }
    if path.file_name().is_some_and(|name| name == MANIFEST) {
        return Ok(vec![set(storage, vfs::durable::parent(path))?]);
    }
    Ok(vec![file(storage, path)?])
}

fn folder(storage: &Arc<dyn Storage>, path: &Path) -> Result<Vec<Found>, Failure> {
    if SetReader::is_set(storage.as_ref(), path) {
        return Ok(vec![set(storage, path)?]);
    }
    let mut found = Vec::new();
    for entry in storage.list(path)? {
        let inner = path.join(&entry.name);
        if entry.is_dir {
            if SetReader::is_set(storage.as_ref(), &inner) {
                found.push(set(storage, &inner)?);
            } else if entry.name == LOGS {
                files(storage, &inner, &mut found)?;
            }
        } else if entry.name == MARKER {
            found.push(Found::Unfinished { path: path.to_owned() });
        }
    }
    files(storage, path, &mut found)?;
    if found.is_empty() {
        let text = format!("{}: no database, log or backup set in it", path.display());
        return Err(Failure::new(Exit::Unusable, text)
            .advise("Name a database file, a folder that holds one, or a finished backup set."));
    }
    Ok(found)
}

/// The databases, logs and checkpoints among the files of a folder; everything else is passed over.
fn files(storage: &Arc<dyn Storage>, dir: &Path, found: &mut Vec<Found>) -> Result<(), Failure> {
    let (mut logs, mut checkpoints) = (Vec::new(), Vec::new());
    for entry in storage.list(dir)? {
        let path = dir.join(&entry.name);
        let name = entry.name.to_string_lossy().to_lowercase();
        if entry.is_dir {
            continue;
        }
        let is_named_so = [".dit", ".edb"].iter().any(|end| name.ends_with(end));
        match (DatabaseFile::open(storage.clone(), &path), is_named_so) {
            (Ok(database), _) => found.push(Found::Database { len: database.len(), path }),
            // Damaged beyond opening, but meant to be one: verifying it says so.
            (Err(_), true) => found.push(Found::Database { len: 0, path }),
            (Err(_), false) if is_log_of_a_chain(&name) => logs.push(path),
            (Err(_), false) if checkpoint(storage.as_ref(), &path)?.is_ok() => {
                checkpoints.push(Found::Checkpoint { path });
            }
            _ => {}
        }
    }
    if !logs.is_empty() {
        found.push(Found::Logs { folder: dir.to_owned(), paths: logs });
    }
    found.append(&mut checkpoints);
    Ok(())
}

/// Whether a file is named as a log that counts: the current one or an archived one.
fn is_log_of_a_chain(name: &str) -> bool {
    let role = LogName::parse(name).map(|name| name.role);
    matches!(role, Some(LogRole::Current | LogRole::Archived(..)))
}

fn file(storage: &Arc<dyn Storage>, path: &Path) -> Result<Found, Failure> {
    let path = path.to_owned();
    match DatabaseFile::open(storage.clone(), &path) {
        Ok(database) => Ok(Found::Database { len: database.len(), path }),
        Err(ese::Error::Header { source, .. }) => {
            let is_other = matches!(
                source,
                HeaderError::OtherFile { .. }
                    | HeaderError::TooShort { .. }
                    | HeaderError::NotADatabase { .. }
            );
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            if is_other && verify::log(storage.as_ref(), &path)?.is_ok() {
                return Ok(Found::Log { path });
            }
            if is_other && checkpoint(storage.as_ref(), &path)?.is_ok() {
                return Ok(Found::Checkpoint { path });
            }
            // Damaged, but meant to be one: judging it says so.
            if LogName::parse(&name).is_some() {
                return Ok(Found::Log { path });
            }
            Err(ese::Error::Header { path, source }.into())
        }
        Err(e) => Err(e.into()),
    }
}

/// Reads a checkpoint file.
pub(crate) fn checkpoint(
    storage: &dyn Storage,
    path: &Path,
) -> Result<Result<ShadowedCheckpoint, CheckpointError>, Failure> {
    let mut bytes = vec![0; CHECKPOINT_LEN];
    let len = storage.open(path, OpenMode::Read)?.read_at(&mut bytes, 0)?;
    bytes.truncate(len);
    Ok(Checkpoint::read_shadowed(&bytes))
}

fn set(storage: &Arc<dyn Storage>, path: &Path) -> Result<Found, Failure> {
    let set = SetReader::open(storage.clone(), path)?;
    Ok(Found::Set { path: path.to_owned(), len: set.manifest().total_size() })
}
