//! What lies in a folder that is to be recovered: a database, and logs.
//!
//! Files are known by their headers. A log counts if its name is one that logs have, and says the
//! generation that is in its header; the next log that the engine prepares (`edbtmp.log`) is never
//! trusted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese_format::log_name::{LogName, LogRole};
use ese_format::{LogGeneration, Signature};
use vfs::Storage;

use super::problem::RecoveryError;
use super::request::Request;
use crate::logs::{LogFile, RejectedLog, archived_digits, header_at};
use crate::{DatabaseFile, Error};

/// What was found.
#[derive(Debug)]
pub(crate) struct Source {
    /// The database; none if there are only logs.
    pub(crate) database: Option<Arc<DatabaseFile>>,
    /// Where logs were looked for.
    pub(crate) directories: Vec<PathBuf>,
    /// Logs of all streams, by generation; those of one generation in the order in which they
    /// are to be preferred.
    pub(crate) logs: BTreeMap<LogGeneration, Vec<LogFile>>,
    /// Files that are named as logs and are none.
    pub(crate) rejected: Vec<RejectedLog>,
    /// Streams of which there were logs that do not matter.
    pub(crate) foreign: Vec<Signature>,
}

impl Source {
    /// Looks for what `request` names.
    pub(crate) fn find(
        storage: &Arc<dyn Storage>,
        request: &Request,
    ) -> Result<Self, RecoveryError> {
        let is_folder = storage.metadata(&request.path)?.is_dir;
        let named = request.database.as_deref();
        let path = match (named, is_folder) {
            (Some(named), _) => Some(named.to_owned()),
            (None, false) => Some(request.path.clone()),
            (None, true) => only_database(storage, &request.path)?,
        };
        let database = match &path {
            Some(path) => Some(Arc::new(DatabaseFile::open(storage.clone(), path)?)),
            None => None,
        };
        let folder = match (is_folder, &path) {
            (false, Some(path)) => vfs::durable::parent(path).to_owned(),
            _ => request.path.clone(),
        };
        let directories = directories(&**storage, request, folder)?;
        let mut source = Self {
            database,
            directories,
            logs: BTreeMap::new(),
            rejected: Vec::new(),
            foreign: Vec::new(),
        };
        for directory in source.directories.clone() {
            source.look_into(&**storage, &directory)?;
        }
        Ok(source)
    }

    /// Keeps only the logs of one stream; says which others there were.
    pub(crate) fn retain_stream(&mut self, signature: Signature) {
        self.foreign = self.streams();
        self.foreign.retain(|other| *other != signature);
        for logs in self.logs.values_mut() {
            logs.retain(|log| log.header.signature == signature);
        }
        self.logs.retain(|_, logs| !logs.is_empty());
    }

    /// The streams that there are logs of.
    pub(crate) fn streams(&self) -> Vec<Signature> {
        let mut streams: Vec<Signature> = Vec::new();
        for log in self.logs.values().flatten() {
            if !streams.contains(&log.header.signature) {
                streams.push(log.header.signature);
            }
        }
        streams
    }

    fn look_into(&mut self, storage: &dyn Storage, directory: &Path) -> Result<(), RecoveryError> {
        let mut names = Vec::new();
        for entry in storage.list(directory)? {
            let Some(text) = entry.name.to_str().filter(|_| !entry.is_dir) else { continue };
            if let Some(name) = LogName::parse(text)
                && matches!(name.role, LogRole::Current | LogRole::Archived(..))
            {
                names.push((text.to_owned(), name));
            }
        }
        // An archived log before the current one of the same generation, which it is a copy of.
        names.sort_by_key(|(_, name)| name.role == LogRole::Current);
        for (text, name) in &names {
            let path = directory.join(text);
            match header_at(storage, &path, *name)? {
                Ok((header, len)) => {
                    let generation = header.generation;
                    let archived_name = match name.role {
                        LogRole::Current => {
                            let digits = archived_digits(names.iter().map(|(_, name)| name), name);
                            name.archived(generation, digits).to_file_name()
                        }
                        _ => text.clone(),
                    };
                    let log = LogFile { generation, path, len, archived_name, header };
                    self.logs.entry(generation).or_default().push(log);
                }
                Err(reason) => self.rejected.push(RejectedLog { path, reason }),
            }
        }
        Ok(())
    }
}

/// The folders with logs: those that are named first, so that their files are preferred.
fn directories(
    storage: &dyn Storage,
    request: &Request,
    folder: PathBuf,
) -> Result<Vec<PathBuf>, Error> {
    let mut directories = request.logs.clone();
    let inner = folder.join("logs");
    directories.push(folder);
    match storage.metadata(&inner) {
        Ok(metadata) if metadata.is_dir => directories.push(inner),
        Err(error) if !error.is_not_found() => return Err(error.into()),
        _ => {}
    }
    let mut seen = Vec::new();
    directories.retain(|directory| {
        let is_new = !seen.contains(directory);
        seen.push(directory.clone());
        is_new
    });
    Ok(directories)
}

/// The only database in a folder, if there is one.
fn only_database(
    storage: &Arc<dyn Storage>,
    folder: &Path,
) -> Result<Option<PathBuf>, RecoveryError> {
    let mut found = Vec::new();
    for entry in storage.list(folder)?.into_iter().filter(|entry| !entry.is_dir) {
        let path = folder.join(&entry.name);
        let name = entry.name.to_string_lossy().to_lowercase();
        if is_database(storage, &path, &name)? {
            found.push(path);
        }
    }
    // Sorting and temporary tables: nothing that is ever recovered.
    if found.len() > 1 {
        found.retain(|path| !is_temporary(path));
    }
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(RecoveryError::SeveralDatabases { folder: folder.to_owned(), found }),
    }
}

/// Whether a file is a database; one that is named so and damaged beyond opening is an error.
fn is_database(storage: &Arc<dyn Storage>, path: &Path, name: &str) -> Result<bool, Error> {
    match DatabaseFile::open(storage.clone(), path) {
        Ok(_) => Ok(true),
        Err(Error::Storage(error)) => Err(error.into()),
        Err(error) if [".dit", ".edb"].iter().any(|end| name.ends_with(end)) => Err(error),
        Err(_) => Ok(false),
    }
}

fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
    name.is_some_and(|name| ["temp.edb", "tmp.edb"].contains(&name.as_str()))
}
