//! Writing a recovered database into a folder of its own.
//!
//! ```text
//!    every file as NAME.partial     the database in large writes, page by page from first to last;
//!                                   log files, checkpoint; each synced
//! -> names                          log files, checkpoint, the database last; names synced
//! ```
//!
//! No file that is there is replaced. If anything fails, what was made is taken away again.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese_format::PageNumber;
use vfs::{File, OpenMode, Storage, durable};

use super::outcome::{NamedLog, Outcome};
use crate::verify::Progress;
use crate::{AlignedBuffer, Error, PageStore as _};

/// The files that were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The database.
    pub database: PathBuf,
    /// Its length.
    pub len: u64,
    /// Log files, the current one last.
    pub logs: Vec<PathBuf>,
    /// The checkpoint.
    pub checkpoint: Option<PathBuf>,
}

/// Writes the database as `name` and the log files that continue its log into `dir`, which is made
/// if it is not there.
///
/// # Errors
///
/// A file of one of these names is there, there is too little room, the storage fails, or
/// `progress` cancels; nothing is left then.
pub fn write_to(
    storage: &Arc<dyn Storage>,
    dir: &Path,
    name: &str,
    outcome: &Outcome,
    progress: &dyn Progress,
) -> Result<Written, Error> {
    let mut made = Made::begin(storage, dir)?;
    let logs = outcome.logs();
    let room = logs.iter().map(|log| log.file.len).sum::<u64>();
    require_room(&**storage, dir, outcome.file_len().saturating_add(room))?;
    let mut names = Vec::new();
    for log in &logs {
        names.push(made.file(&log.name, |file| write_log(file, log))?);
    }
    let mut checkpoint_path = None;
    if let (Some(name), false) = (outcome.checkpoint_name(), logs.is_empty()) {
        let bytes = outcome.checkpoint(None).unwrap_or_default();
        checkpoint_path = Some(made.file(&name, |file| Ok(file.write_all_at(&bytes, 0)?))?);
    }
    let database = made.file(name, |file| write_database(file, outcome, progress))?;
    made.keep()?;
    Ok(Written { database, len: outcome.file_len(), logs: names, checkpoint: checkpoint_path })
}

/// Fails if `dir` is known to have no room for `needed` bytes.
pub(crate) fn require_room(storage: &dyn Storage, dir: &Path, needed: u64) -> Result<(), Error> {
    match storage.available(dir)? {
        Some(available) if available < needed => {
            Err(Error::NoSpace { directory: dir.to_owned(), needed, available })
        }
        _ => Ok(()),
    }
}

fn write_database(
    file: &dyn File,
    outcome: &Outcome,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let store = outcome.pages();
    let size = store.page_size();
    let total = outcome.file_len();
    let last = outcome.last_page();
    let block = outcome.header_block();
    file.write_all_at(&block, 0)?;
    file.write_all_at(&block, u64::from(size.get()))?;
    let mut buffer = AlignedBuffer::new(RUN.max(size.bytes()));
    let mut next = PageNumber::ROOT;
    while next <= last {
        let offset = next.file_offset(size);
        if let ControlFlow::Break(()) = progress.report(offset, total) {
            return Err(Error::Cancelled);
        }
        let left = usize::try_from(last.0 - next.0).unwrap_or(usize::MAX).saturating_add(1);
        let len = left.saturating_mul(size.bytes()).min(RUN.max(size.bytes()));
        let run = buffer.as_mut_slice().get_mut(..len).unwrap_or_default();
        let pages = store.read_run(next, run)?;
        let written = run.get(..pages.saturating_mul(size.bytes())).unwrap_or_default();
        file.write_all_at(written, offset)?;
        match u32::try_from(pages).ok().and_then(|pages| next.0.checked_add(pages)) {
            Some(number) if pages > 0 => next = PageNumber(number),
            _ => break,
        }
    }
    let _ = progress.report(total, total);
    Ok(())
}

fn write_log(file: &dyn File, log: &NamedLog<'_>) -> Result<(), Error> {
    let mut buffer = vec![0; RUN];
    let (mut reader, mut at) = (log.tail.read(log.file), 0);
    loop {
        let len = reader.read(&mut buffer)?;
        if len == 0 {
            return Ok(());
        }
        file.write_all_at(buffer.get(..len).unwrap_or_default(), at)?;
        at += len as u64;
    }
}

/// Bytes that are written at once.
const RUN: usize = 4 << 20;

/// Behind the names of files that are not complete.
const PARTIAL: &str = ".partial";

/// Files that are made; they are taken away again unless they are kept.
struct Made<'a> {
    storage: &'a Arc<dyn Storage>,
    dir: &'a Path,
    /// Folders that were not there, the topmost first.
    dirs: Vec<PathBuf>,
    names: Vec<PathBuf>,
    /// What there is now and would have to go.
    files: Vec<PathBuf>,
}

impl<'a> Made<'a> {
    fn begin(storage: &'a Arc<dyn Storage>, dir: &'a Path) -> Result<Self, Error> {
        let is_missing =
            |dir: &&Path| storage.metadata(dir).is_err_and(|error| error.is_not_found());
        let mut dirs: Vec<PathBuf> = dir
            .ancestors()
            .filter(|dir| !dir.as_os_str().is_empty())
            .take_while(is_missing)
            .map(Path::to_owned)
            .collect();
        dirs.reverse();
        let made = Self { storage, dir, dirs, names: Vec::new(), files: Vec::new() };
        storage.create_dir_all(dir)?;
        Ok(made)
    }

    /// Makes a file that is to be called `name`; returns what its path will be.
    fn file(
        &mut self,
        name: &str,
        write: impl FnOnce(&dyn File) -> Result<(), Error>,
    ) -> Result<PathBuf, Error> {
        let path = self.dir.join(name);
        match self.storage.metadata(&path) {
            Ok(_) => return Err(Error::Exists { path }),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        let partial = partial(&path);
        match self.storage.remove_file(&partial) {
            Err(error) if !error.is_not_found() => return Err(error.into()),
            _ => {}
        }
        let file = self.storage.open(&partial, OpenMode::CreateNew)?;
        self.files.push(partial);
        write(&*file)?;
        file.sync()?;
        self.names.push(path.clone());
        Ok(path)
    }

    /// Gives the files their names.
    fn keep(mut self) -> Result<(), Error> {
        for path in std::mem::take(&mut self.names) {
            let partial = partial(&path);
            self.storage.rename(&partial, &path)?;
            if let Some(file) = self.files.iter_mut().find(|file| **file == partial) {
                *file = path;
            }
        }
        self.storage.sync_dir(self.dir)?;
        for dir in &self.dirs {
            self.storage.sync_dir(durable::parent(dir))?;
        }
        self.files.clear();
        self.dirs.clear();
        Ok(())
    }
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        // Whoever called is told of the first error; there is nothing to add to it here.
        for file in &self.files {
            let _ = self.storage.remove_file(file);
        }
        for dir in self.dirs.iter().rev() {
            let _ = self.storage.remove_dir(dir);
        }
    }
}

/// The name of a file that is not complete.
pub(crate) fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PARTIAL);
    PathBuf::from(name)
}

#[cfg(test)]
pub(crate) mod tests;
