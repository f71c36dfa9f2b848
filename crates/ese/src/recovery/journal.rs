//! Putting a recovered database in place of the one that was recovered.
//!
//! Everything that is to change is written into one file beside the database, the journal. When it
//! is complete it gets its name, and with that the recovery is committed: whatever happens from
//! then on, the journal is carried out, again if need be, until it is done.
//!
//! ```text
//!    NAME.recovery.partial     the journal is written, synced
//! -> NAME.recovery             committed: name synced
//!    the old current log gets its archived name, new log files are written
//!    pages are written, synced
//!    header: one copy, synced, the other, synced
//!    checkpoint
//! -> NAME.recovery is removed
//! ```
//!
//! Before the commit nothing has changed. After it the database stays dirty by its header until
//! all its pages are there. Log files come first: should the engine begin before the journal is
//! carried out, it finds the log that goes with the pages that are written already.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese_format::PageNumber;
use ese_format::log_header::{LOG_HEADER_LEN, LogHeader};
use vfs::{OpenMode, Storage, durable};

use self::format::{JournalWriter, name_bytes};
use super::outcome::{LogEnd, NamedLog, Outcome, name_beside};
use super::output::{partial, require_room};
use super::tail::{FinishedTail, LastLog};
use crate::verify::Progress;
use crate::{AlignedBuffer, Error, JournalError, PageStore as _};

mod carry_out;
mod format;
#[cfg(test)]
mod tests;

/// What [`settle`] found beside a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// No recovery was begun here.
    Nothing,
    /// One that was not committed; what it left is removed.
    Discarded,
    /// One that was committed; it has been carried out.
    CarriedOut,
}

/// The name of the journal of a database.
pub fn journal_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".recovery");
    PathBuf::from(name)
}

/// Whether a recovery of `database` was committed and has not been carried out to its end.
///
/// # Errors
///
/// That the storage fails.
pub fn is_pending(storage: &dyn Storage, database: &Path) -> Result<bool, Error> {
    is_there(storage, &journal_path(database))
}

/// Carries out a recovery of `database` that was committed; discards one that was not.
///
/// # Errors
///
/// That the journal is damaged, belongs to another database, or cannot be carried out; it stays
/// then.
pub fn settle(
    storage: &Arc<dyn Storage>,
    database: &Path,
    progress: &dyn Progress,
) -> Result<Settled, Error> {
    let path = journal_path(database);
    let begun = partial(&path);
    let discarded = is_there(&**storage, &begun)?;
    if discarded {
        durable::remove(&**storage, &begun)?;
    }
    if is_there(&**storage, &path)? {
        carry_out::carry_out(storage, &path, database, progress)?;
        return Ok(Settled::CarriedOut);
    }
    Ok(if discarded { Settled::Discarded } else { Settled::Nothing })
}

/// Commits `outcome` for `database`, the file that was recovered, and carries it out.
///
/// # Errors
///
/// Up to the commit: a committed journal is there, there is too little room, the storage fails,
/// or `progress` cancels; nothing has changed then. After it: the storage fails, or `progress`
/// cancels; the journal is there then, and [`settle`] goes on.
pub fn commit(
    storage: &Arc<dyn Storage>,
    database: &Path,
    outcome: &Outcome,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let path = journal_path(database);
    if is_there(&**storage, &path)? {
        return Err(Error::Journal { path, what: JournalError::Pending });
    }
    let begun = partial(&path);
    durable::remove(&**storage, &begun)?;
    let written = write(storage, &begun, database, outcome);
    if written.is_err() {
        // The first error counts; what is left of the journal has no meaning.
        let _ = storage.remove_file(&begun);
    }
    written?;
    storage.rename(&begun, &path)?;
    storage.sync_dir(durable::parent(&path))?;
    carry_out::carry_out(storage, &path, database, progress)
}

fn is_there(storage: &dyn Storage, path: &Path) -> Result<bool, Error> {
    match storage.metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Writes the journal at `path`.
fn write(
    storage: &Arc<dyn Storage>,
    path: &Path,
    database: &Path,
    outcome: &Outcome,
) -> Result<(), Error> {
    let logs = outcome.logs();
    let changed = outcome.pages().changed();
    let size = u64::from(outcome.pages().page_size().get());
    let of_logs: u64 = logs.iter().map(|log| log.file.filled + log.file.len).sum();
    let needed = (changed.len() as u64).saturating_mul(size).saturating_add(of_logs);
    require_room(&**storage, durable::parent(database), needed)?;
    let mut journal = JournalWriter::begin(storage.open(path, OpenMode::CreateNew)?)?;
    if let LogEnd::Continued(tail) = outcome.log() {
        old_log(storage, &mut journal, database, tail)?;
        for log in &logs {
            let path = durable::parent(&tail.last().path).join(&log.name);
            require_free(&**storage, &path, tail.last())?;
            new_log(&mut journal, &path, database, log)?;
        }
    }
    database_pages(&mut journal, outcome, &changed)?;
    journal.small(format::HEADER, &[&outcome.header_block()])?;
    if let (Some((last, ..)), Some(name)) = (outcome.end(), outcome.checkpoint_name()) {
        checkpoint(&**storage, &mut journal, outcome, last, &name, database)?;
    }
    journal.end()
}

/// What becomes of the log file that was replayed last.
fn old_log(
    storage: &Arc<dyn Storage>,
    journal: &mut JournalWriter,
    database: &Path,
    tail: &FinishedTail,
) -> Result<(), Error> {
    if tail.replaces_last() {
        return Ok(());
    }
    let last = tail.last();
    let archived = durable::parent(&last.path).join(&last.archived_name);
    // Later logs of the same stream would contradict the new ones.
    if let Some(name) = next_archived_name(tail) {
        let next = durable::parent(&last.path).join(name);
        if is_there(&**storage, &next)? {
            return Err(Error::Exists { path: next });
        }
    }
    if archived != last.path && is_there(&**storage, &archived)? {
        return Err(Error::Exists { path: archived });
    }
    if let Some(file) = tail.replacement() {
        let name = last.archived_name.clone();
        return new_log(journal, &archived, database, &NamedLog { name, file, tail });
    }
    if archived == last.path {
        return Ok(());
    }
    let hash = carry_out::beginning_hash(&**storage, &last.path)?.unwrap_or_default();
    let (from, to) = (name_bytes(&last.path, database)?, name_bytes(&archived, database)?);
    journal.small(format::RENAME, &[&hash, &from, &to])
}

/// The name that the first new log file would have as an archived one.
fn next_archived_name(tail: &FinishedTail) -> Option<String> {
    tail.files().first().map(|file| name_beside(&tail.last().archived_name, file, false))
}

/// Fails if there is a log file under a name that a new one gets, and it is another one than that
/// which was replayed last.
fn require_free(storage: &dyn Storage, path: &Path, last: &LastLog) -> Result<(), Error> {
    let file = match storage.open(path, OpenMode::Read) {
        Err(error) if error.is_not_found() => return Ok(()),
        file => file?,
    };
    let mut beginning = vec![0; LOG_HEADER_LEN];
    let len = file.read_at(&mut beginning, 0)?;
    beginning.truncate(len);
    match LogHeader::parse(&beginning) {
        Ok(found)
            if found.generation == last.header.generation
                && found.signature == last.header.signature =>
        {
            Ok(())
        }
        _ => Err(Error::Exists { path: path.to_owned() }),
    }
}

fn new_log(
    journal: &mut JournalWriter,
    path: &Path,
    database: &Path,
    log: &NamedLog<'_>,
) -> Result<(), Error> {
    let name = name_bytes(path, database)?;
    journal.entry(format::FILE, (name.len() as u64 + 8).saturating_add(log.file.filled))?;
    journal.bytes(&name)?;
    journal.bytes(&log.file.len.to_le_bytes())?;
    let mut buffer = vec![0; format::RUN];
    let (mut reader, mut left) = (log.tail.read(log.file), log.file.filled);
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let len = reader.read(buffer.get_mut(..most).unwrap_or_default())?;
        journal.bytes(buffer.get(..len).unwrap_or_default())?;
        left = if len == 0 { 0 } else { left - len as u64 };
    }
    Ok(())
}

fn database_pages(
    journal: &mut JournalWriter,
    outcome: &Outcome,
    changed: &[PageNumber],
) -> Result<(), Error> {
    let store = outcome.pages();
    let size = store.page_size();
    let last = outcome.last_page();
    let numbers = [size.get(), store.base_end().min(last).0, last.0].map(u32::to_le_bytes);
    journal.small(format::SHAPE, &numbers.each_ref().map(<[u8; 4]>::as_slice))?;
    let mut buffer = AlignedBuffer::new(format::RUN.max(size.bytes()));
    let most = buffer.as_slice().len() / size.bytes();
    let mut left = changed;
    while let Some(first) = left.first().copied().filter(|first| *first <= last) {
        let follows = |(index, number): &(usize, &PageNumber)| {
            u32::try_from(*index).is_ok_and(|index| first.0.checked_add(index) == Some(number.0))
        };
        let run = left.iter().enumerate().take(most).take_while(follows);
        let pages = run.filter(|(_, number)| **number <= last).count();
        let bytes = buffer.as_mut_slice().get_mut(..pages * size.bytes()).unwrap_or_default();
        store.read_run(first, bytes)?;
        journal.small(format::PAGES, &[&first.0.to_le_bytes(), bytes])?;
        left = left.get(pages..).unwrap_or_default();
    }
    Ok(())
}

fn checkpoint(
    storage: &dyn Storage,
    journal: &mut JournalWriter,
    outcome: &Outcome,
    last: &LastLog,
    name: &str,
    database: &Path,
) -> Result<(), Error> {
    let path = durable::parent(&last.path).join(name);
    let before = match storage.open(&path, OpenMode::Read) {
        Err(error) if error.is_not_found() => None,
        file => {
            let file = file?;
            let mut bytes = vec![0; CHECKPOINT_LEN];
            let len = file.read_at(&mut bytes, 0)?;
            bytes.truncate(len);
            Some(bytes)
        }
    };
    let bytes = outcome.checkpoint(before.as_deref()).unwrap_or_default();
    journal.small(format::CHECKPOINT, &[&name_bytes(&path, database)?, &bytes])
}

/// Bytes of a checkpoint file.
const CHECKPOINT_LEN: usize = 8192;
