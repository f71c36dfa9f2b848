//! The file of a journal.
//!
//! ```text
//!  0 16  magic
//! 16     entries, one behind the other:
//!          1  kind
//!          8  length of what follows
//!             content
//! last   the entry of kind 0: BLAKE3 of everything before it
//! ```
//!
//! | kind | content |
//! |---|---|
//! | 1 rename | BLAKE3 of the first 4096 bytes of the file; name; new name |
//! | 2 file | name; length; the bytes that are not the zeros at its end |
//! | 3 shape | page size; pages of the old file that stay; pages of the new file |
//! | 4 pages | number of the first; pages |
//! | 5 header | its block |
//! | 6 checkpoint | name; the bytes |
//!
//! A name is its length (2 bytes) and UTF-8: the name of a file beside the database, or a whole
//! path. They are carried out in the order in which they stand there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese_format::log_name::LogName;
use vfs::{File, durable};

use crate::{Error, JournalError};

/// The first bytes of a journal.
const MAGIC: &[u8; 16] = b"ese recovery 1\r\n";

pub(super) const END: u8 = 0;
pub(super) const RENAME: u8 = 1;
pub(super) const FILE: u8 = 2;
pub(super) const SHAPE: u8 = 3;
pub(super) const PAGES: u8 = 4;
pub(super) const HEADER: u8 = 5;
pub(super) const CHECKPOINT: u8 = 6;

/// Writes a journal.
pub(super) struct JournalWriter {
    file: Arc<dyn File>,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    at: u64,
}

impl JournalWriter {
    pub(super) fn begin(file: Arc<dyn File>) -> Result<Self, Error> {
        let mut writer =
            Self { file, hasher: blake3::Hasher::new(), buffer: Vec::with_capacity(RUN), at: 0 };
        writer.bytes(MAGIC)?;
        Ok(writer)
    }

    /// Begins an entry; `len` bytes have to follow.
    pub(super) fn entry(&mut self, kind: u8, len: u64) -> Result<(), Error> {
        self.bytes(&[kind])?;
        self.bytes(&len.to_le_bytes())
    }

    /// Writes bytes of the entry.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= RUN {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes an entry whose content is small.
    pub(super) fn small(&mut self, kind: u8, parts: &[&[u8]]) -> Result<(), Error> {
        let len = parts.iter().map(|part| part.len() as u64).sum();
        self.entry(kind, len)?;
        parts.iter().try_for_each(|part| self.bytes(part))
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.hasher.update(&self.buffer);
        self.file.write_all_at(&self.buffer, self.at)?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the journal, and returns when it would survive a crash.
    pub(super) fn end(mut self) -> Result<(), Error> {
        self.flush()?;
        let hash = self.hasher.finalize();
        self.small(END, &[hash.as_bytes()])?;
        self.flush()?;
        Ok(self.file.sync()?)
    }
}

/// Bytes of a name in an entry.
pub(super) fn name_bytes(path: &Path, database: &Path) -> Result<Vec<u8>, Error> {
    let beside = durable::parent(path) == durable::parent(database);
    let name = if beside { path.file_name().map_or(path, Path::new) } else { path };
    let error = || Error::Journal { path: path.to_owned(), what: JournalError::Name };
    let text = name.to_str().ok_or_else(error)?;
    let len = u16::try_from(text.len()).map_err(|_| error())?;
    Ok([&len.to_le_bytes(), text.as_bytes()].concat())
}

/// Reads a journal whose every byte was verified.
#[derive(Debug)]
pub(super) struct JournalReader {
    file: Arc<dyn File>,
    path: PathBuf,
    at: u64,
    /// Where the entry ends that is being read.
    entry_end: u64,
    end: u64,
}

impl JournalReader {
    /// Verifies the whole file.
    pub(super) fn open(file: Arc<dyn File>, path: &Path) -> Result<Self, Error> {
        let len = file.len()?;
        let start = MAGIC.len() as u64;
        let path = path.to_owned();
        let damaged = Error::Journal { path: path.clone(), what: JournalError::Damaged };
        let Some(end) = len.checked_sub(END_LEN).filter(|end| *end >= start) else {
            return Err(damaged);
        };
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; RUN];
        let mut at = 0;
        while at < end {
            let left = usize::try_from(end - at).unwrap_or(usize::MAX).min(RUN);
            let chunk = buffer.get_mut(..left).unwrap_or_default();
            file.read_exact_at(chunk, at)?;
            if at == 0 && !chunk.starts_with(MAGIC) {
                return Err(damaged);
            }
            hasher.update(chunk);
            at += left as u64;
        }
        let mut last = vec![0; usize::try_from(END_LEN).unwrap_or_default()];
        file.read_exact_at(&mut last, end)?;
        let hash = hasher.finalize();
        let expected = [&[END][..], &32_u64.to_le_bytes(), hash.as_bytes()].concat();
        if last != expected {
            return Err(damaged);
        }
        Ok(Self { file, path, at: start, entry_end: start, end })
    }

    /// Goes on to the next entry; gives its kind, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<u8>, Error> {
        self.at = self.entry_end;
        if self.at >= self.end {
            return Ok(None);
        }
        let mut head = [0; 9];
        self.entry_end = self.end;
        self.exact(&mut head)?;
        let [kind, len @ ..] = head;
        let entry_end = self.at.checked_add(u64::from_le_bytes(len));
        self.entry_end = entry_end.filter(|end| *end <= self.end).ok_or_else(|| self.damaged())?;
        Ok(Some(kind))
    }

    /// Goes back to the first entry.
    pub(super) fn rewind(&mut self) {
        self.entry_end = MAGIC.len() as u64;
    }

    /// Bytes before the place that is read, and bytes of the whole.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.at, self.end)
    }

    /// Bytes of the entry that were not read yet.
    pub(super) fn left(&self) -> u64 {
        self.entry_end - self.at
    }

    /// Fills `target` from the entry.
    pub(super) fn exact(&mut self, target: &mut [u8]) -> Result<(), Error> {
        if (target.len() as u64) > self.left() {
            return Err(self.damaged());
        }
        self.file.read_exact_at(target, self.at)?;
        self.at += target.len() as u64;
        Ok(())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The rest of an entry that is small.
    pub(super) fn rest(&mut self) -> Result<Vec<u8>, Error> {
        let len = usize::try_from(self.left()).unwrap_or(usize::MAX);
        if len > RUN {
            return Err(self.damaged());
        }
        let mut bytes = vec![0; len];
        self.exact(&mut bytes)?;
        Ok(bytes)
    }

    /// A name, as the path that it means.
    pub(super) fn name(&mut self, database: &Path) -> Result<PathBuf, Error> {
        let len = u16::from_le_bytes(self.array()?);
        let mut bytes = vec![0; usize::from(len)];
        self.exact(&mut bytes)?;
        let text = String::from_utf8(bytes).map_err(|_| self.damaged())?;
        let name = Path::new(&text);
        if !is_of_a_log(name) {
            return Err(self.damaged());
        }
        Ok(match name.components().count() {
            1 => durable::parent(database).join(name),
            _ => name.to_owned(),
        })
    }

    pub(super) fn damaged(&self) -> Error {
        Error::Journal { path: self.path.clone(), what: JournalError::Damaged }
    }
}

/// Whether a file has the name of a log or of a checkpoint: a journal writes no other by name.
fn is_of_a_log(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let is_checkpoint = name.len() == 7
        && [".chk", ".jcp"].iter().any(|end| name.to_ascii_lowercase().ends_with(end));
    is_checkpoint || LogName::parse(name).is_some()
}

/// Bytes of the last entry.
const END_LEN: u64 = 1 + 8 + 32;

/// Bytes that are read or written at once.
pub(super) const RUN: usize = 1 << 20;
