//! Storage behind a trait.
//!
//! Everything above this crate reads and writes through [`Storage`] (a tree of directories) and
//! [`File`] (random access by offset). Implementations are equals:
//!
//! * [`os::Os`]: the operating system's files;
//! * [`mem::Mem`]: memory, for tests and for recovery that must not touch the disk;
//! * [`sim::Sim`]: memory that keeps unsynced writes apart, loses, reorders or tears them at a
//!   crash, and fails any call once; driven by a seed.
//!
//! The recipe for replacing a small file so that a crash leaves the old or the new content, never
//! a mixture, is written once: [`durable::replace`].
//!
//! Invariant: nothing outside [`os`] names `std::fs`.

use std::ffi::OsString;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

pub mod durable;
mod error;
pub mod mem;
pub mod os;
pub mod sim;

pub use error::{Error, Operation, Result};

/// A file open for random access. All offsets and lengths are in bytes.
///
/// A file can be shared between threads; concurrent calls on disjoint ranges do not disturb each
/// other.
pub trait File: Send + Sync + Debug {
    /// The file's length.
    fn len(&self) -> Result<u64>;

    /// Whether the file has no content.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads at `offset` until `buf` is full or the file ends; returns the number of bytes read.
    ///
    /// Fewer bytes than asked for mean the end of the file, never an interrupted call.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize>;

    /// Reads exactly `buf.len()` bytes, or fails with [`std::io::ErrorKind::UnexpectedEof`].
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()>;

    /// Writes the whole of `data` at `offset`, extending the file where needed.
    fn write_all_at(&self, data: &[u8], offset: u64) -> Result<()>;

    /// Cuts or extends (with zeros) the file.
    fn set_len(&self, len: u64) -> Result<()>;

    /// Returns when content and length would survive a crash of the machine.
    fn sync(&self) -> Result<()>;
}

/// How [`Storage::open`] opens a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenMode {
    /// For reading; the file must exist.
    Read,
    /// For reading and writing; the file must exist.
    ReadWrite,
    /// For reading and writing; the file must not exist yet.
    CreateNew,
}

/// What [`Storage::metadata`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// Length in bytes; 0 for a directory.
    pub len: u64,
    /// Whether it is a directory. Anything that is neither directory nor regular file cannot be
    /// opened.
    pub is_dir: bool,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// The name, without its directory.
    pub name: OsString,
    /// Whether it is a directory.
    pub is_dir: bool,
}

/// A tree of directories and files.
pub trait Storage: Send + Sync + Debug {
    /// Opens a file.
    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn File>>;

    /// Length and kind of what `path` names; symbolic links are followed.
    fn metadata(&self, path: &Path) -> Result<Metadata>;

    /// The names in a directory, sorted.
    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>>;

    /// Makes a directory with its parents; one that is there already is no error.
    fn create_dir_all(&self, dir: &Path) -> Result<()>;

    /// Renames a file or directory, replacing a file of the new name at once.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// Removes a file.
    fn remove_file(&self, path: &Path) -> Result<()>;

    /// Removes an empty directory.
    fn remove_dir(&self, dir: &Path) -> Result<()>;

    /// Bytes that can still be written to files in `dir`; `None` where that cannot be told.
    fn available(&self, dir: &Path) -> Result<Option<u64>> {
        let _ = dir;
        Ok(None)
    }

    /// Returns when the names in `dir` would survive a crash of the machine.
    fn sync_dir(&self, dir: &Path) -> Result<()>;
}
