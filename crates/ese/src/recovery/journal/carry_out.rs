//! Doing what a journal says, as often as it takes.
//!
//! Every step leads to the same state whether or not it, and those behind it, were done before:
//! files are written beside their names and renamed; a rename is only done while the file has the
//! beginning that it had; pages are written to their places. The header is the last that changes
//! in the database, after its pages are on the disk, and until then it is the dirty one.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use ese_format::header::{DatabaseHeader, SHADOWED_LEN, read_shadowed};
use ese_format::{PageNumber, PageSize};
use vfs::{File, OpenMode, Storage, durable};

use super::format::{self, JournalReader, RUN};
use crate::recovery::output::partial;
use crate::verify::Progress;
use crate::{Error, JournalError};

/// Carries the journal at `path` out for `database`, and removes it.
pub(super) fn carry_out(
    storage: &Arc<dyn Storage>,
    path: &Path,
    database: &Path,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let mut journal = JournalReader::open(storage.open(path, OpenMode::Read)?, path)?;
    let header = find_header(&mut journal)?;
    journal.rewind();
    let target = open_database(&**storage, path, database, header.as_ref())?;
    let mut work = Work { storage: &**storage, database, target, page_size: PageSize::KIB_4 };
    while let Some(kind) = journal.next()? {
        let (done, total) = journal.progress();
        if let ControlFlow::Break(()) = progress.report(done, total) {
            return Err(Error::Cancelled);
        }
        match kind {
            format::RENAME => work.rename(&mut journal)?,
            format::FILE => work.file(&mut journal)?,
            format::SHAPE => work.shape(&mut journal)?,
            format::PAGES => work.pages(&mut journal)?,
            format::HEADER => work.header(&mut journal)?,
            format::CHECKPOINT => work.checkpoint(&mut journal)?,
            _ => return Err(journal.damaged()),
        }
    }
    Ok(durable::remove(&**storage, path)?)
}

fn find_header(journal: &mut JournalReader) -> Result<Option<DatabaseHeader>, Error> {
    while let Some(kind) = journal.next()? {
        if kind == format::HEADER {
            return Ok(DatabaseHeader::parse(&journal.rest()?));
        }
    }
    Ok(None)
}

/// Opens the database, which has to be the one that was recovered; makes it if there was none.
fn open_database(
    storage: &dyn Storage,
    path: &Path,
    database: &Path,
    header: Option<&DatabaseHeader>,
) -> Result<Arc<dyn File>, Error> {
    let other = Error::Journal { path: path.to_owned(), what: JournalError::OtherDatabase };
    let file = match storage.open(database, OpenMode::ReadWrite) {
        Err(error) if error.is_not_found() => {
            let file = storage.open(database, OpenMode::CreateNew)?;
            storage.sync_dir(durable::parent(database))?;
            return Ok(file);
        }
        file => file?,
    };
    let mut beginning = vec![0; SHADOWED_LEN];
    let len = file.read_at(&mut beginning, 0)?;
    beginning.truncate(len);
    // A database that was not there before has no header until it has one.
    let is_new = beginning.iter().take(DEFINED).all(|byte| *byte == 0);
    let signature = read_shadowed(&beginning).ok().map(|found| found.header.signature);
    match header {
        Some(header) if is_new || signature == Some(header.signature) => Ok(file),
        _ => Err(other),
    }
}

struct Work<'a> {
    storage: &'a dyn Storage,
    database: &'a Path,
    target: Arc<dyn File>,
    page_size: PageSize,
}

impl Work<'_> {
    fn rename(&self, journal: &mut JournalReader) -> Result<(), Error> {
        let beginning: [u8; 32] = journal.array()?;
        let from = journal.name(self.database)?;
        let to = journal.name(self.database)?;
        if beginning_hash(self.storage, &from)?.is_some_and(|found| found == beginning) {
            self.storage.rename(&from, &to)?;
            self.storage.sync_dir(durable::parent(&from))?;
            self.storage.sync_dir(durable::parent(&to))?;
        }
        Ok(())
    }

    fn file(&self, journal: &mut JournalReader) -> Result<(), Error> {
        let path = journal.name(self.database)?;
        let len = u64::from_le_bytes(journal.array()?);
        let partial = partial(&path);
        match self.storage.remove_file(&partial) {
            Err(error) if !error.is_not_found() => return Err(error.into()),
            _ => {}
        }
        let file = self.storage.open(&partial, OpenMode::CreateNew)?;
        copy(journal, &*file, 0)?;
        file.set_len(len)?;
        file.sync()?;
        self.storage.rename(&partial, &path)?;
        Ok(self.storage.sync_dir(durable::parent(&path))?)
    }

    fn shape(&mut self, journal: &mut JournalReader) -> Result<(), Error> {
        let size = u32::from_le_bytes(journal.array()?);
        let kept = u32::from_le_bytes(journal.array()?);
        let pages = u32::from_le_bytes(journal.array()?);
        self.page_size = PageSize::new(size).ok_or_else(|| journal.damaged())?;
        let len = |pages: u32| {
            (u64::from(pages) + PageNumber::RESERVED_BLOCKS).saturating_mul(u64::from(size))
        };
        // What is cut off here and comes again comes as zeros. It is done though the length may be
        // right already: it need not be on the disk.
        if kept < pages {
            self.target.set_len(len(kept))?;
        }
        self.target.set_len(len(pages))?;
        Ok(())
    }

    fn pages(&self, journal: &mut JournalReader) -> Result<(), Error> {
        let first = PageNumber(u32::from_le_bytes(journal.array()?));
        copy(journal, &*self.target, first.file_offset(self.page_size))
    }

    fn header(&self, journal: &mut JournalReader) -> Result<(), Error> {
        let block = journal.rest()?;
        self.target.sync()?;
        for copy in 0..PageNumber::RESERVED_BLOCKS {
            self.target.write_all_at(&block, copy * u64::from(self.page_size.get()))?;
            self.target.sync()?;
        }
        Ok(())
    }

    fn checkpoint(&self, journal: &mut JournalReader) -> Result<(), Error> {
        let path = journal.name(self.database)?;
        Ok(durable::replace(self.storage, &path, &journal.rest()?)?)
    }
}

/// Copies the rest of an entry to `target` at `at`.
fn copy(journal: &mut JournalReader, target: &dyn File, at: u64) -> Result<(), Error> {
    let mut at = at;
    let mut buffer = vec![0; RUN];
    while journal.left() > 0 {
        let len = usize::try_from(journal.left()).unwrap_or(usize::MAX).min(RUN);
        let chunk = buffer.get_mut(..len).unwrap_or_default();
        journal.exact(chunk)?;
        target.write_all_at(chunk, at)?;
        at += len as u64;
    }
    Ok(())
}

/// Hash of the first bytes of a file; `None` if there is no such file.
pub(super) fn beginning_hash(
    storage: &dyn Storage,
    path: &Path,
) -> Result<Option<[u8; 32]>, Error> {
    let file = match storage.open(path, OpenMode::Read) {
        Err(error) if error.is_not_found() => return Ok(None),
        file => file?,
    };
    let mut beginning = vec![0; BEGINNING];
    let len = file.read_at(&mut beginning, 0)?;
    beginning.truncate(len);
    Ok(Some(*blake3::hash(&beginning).as_bytes()))
}

/// Bytes by which a log file is known: its header.
const BEGINNING: usize = 4096;

/// Bytes of a database header that have a meaning.
const DEFINED: usize = ese_format::header::DEFINED_LEN;
