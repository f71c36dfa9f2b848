//! The one trait between the service and the engine that hosts the directory.
//!
//! The service speaks RPC, checks rights and keeps contexts; what a backup consists of is the
//! engine's knowledge. [`crate::standing::StandingDirectory`] hosts a database that nobody writes
//! to; an engine with a log and a checkpoint implements the same trait.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ms_dtyp::Guid;
use ntdsb::HResult;

/// A directory that is open.
pub trait Directory: Send + Sync + Debug {
    /// What an expiry token says about the directory.
    fn facts(&self) -> Facts;

    /// Where its files live.
    fn places(&self) -> Places;

    /// Whether somebody writes to it.
    fn is_live(&self) -> bool;

    /// Lowest and highest generation of its logs, if it has any.
    fn generations(&self) -> Option<(u32, u32)>;

    /// Begins a backup: fixes the files and the lowest log generation that it needs.
    fn begin_backup(&self) -> Result<Arc<dyn BackupSource>, DirectoryError>;
}

/// What an expiry token says about a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Page size in bytes.
    pub page_size: u32,
    /// The database's signature as it stands in the header.
    pub database_signature: [u8; 28],
    /// The log's signature; zero where the database was never logged.
    pub log_signature: [u8; 28],
    /// objectGUID of the server's nTDSDSA object; nil where it was not looked up.
    pub dsa: Guid,
    /// Its invocationId.
    pub invocation: Guid,
    /// objectGUID of the domain.
    pub domain: Guid,
    /// The highest committed update sequence number.
    pub highest_usn: u64,
    /// The epoch of the hidden table.
    pub epoch: u32,
}

/// Where a directory's files live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The database file.
    pub database: PathBuf,
    /// The directory of the logs.
    pub logs: PathBuf,
    /// The directory of the checkpoint file.
    pub checkpoint: PathBuf,
}

/// A backup that has begun. Dropping it is an aborted end.
pub trait BackupSource: Send + Sync + Debug {
    /// The database files, in catalog order.
    fn databases(&self) -> Vec<PathBuf>;

    /// The lowest log generation that restoring needs; 0: none.
    fn lowest_generation(&self) -> u32;

    /// Opens a database by its place in [`BackupSource::databases`].
    fn open_database(&self, index: usize) -> Result<Arc<dyn BackupFile>, DirectoryError>;

    /// Closes the current log generation and gives the logs that restoring needs, ascending. Later
    /// calls give the same list.
    fn logs(&self) -> Result<Vec<BackupLog>, DirectoryError>;

    /// Opens a log by its place in [`BackupSource::logs`].
    fn open_log(&self, index: usize) -> Result<Arc<dyn BackupFile>, DirectoryError>;

    /// Deletes the logs that neither recovery nor this backup needs.
    fn truncate_logs(&self) -> Result<Truncation, DirectoryError>;

    /// Ends the backup; a complete one leaves its marks in the database header.
    fn end(&self, complete: bool) -> Result<(), DirectoryError>;
}

/// A log that belongs to a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupLog {
    /// Its generation.
    pub generation: u32,
    /// The path under which it is published: archived logs have a name with their generation.
    pub path: PathBuf,
}

/// What a truncation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncation {
    /// How many logs were deleted.
    pub deleted: u32,
    /// Why none was.
    pub reason: Option<&'static str>,
}

/// A file open for backup. Calls may run side by side.
pub trait BackupFile: Send + Sync + Debug {
    /// The file that is read.
    fn path(&self) -> &Path;

    /// How many bytes reading will deliver.
    fn len(&self) -> u64;

    /// Whether there is nothing to read.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buf` from `offset`, or up to the end of the file. A page whose checksum is wrong is
    /// an error, and then nothing in `buf` may be used.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<Delivered, DirectoryError>;
}

/// What a read delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Number of bytes.
    pub bytes: usize,
    /// Pages in which a single-bit error was put right.
    pub corrected: Vec<u32>,
}

/// A directory that cannot be opened or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The engine cannot use a file.
    #[error(transparent)]
    Engine(#[from] ese::Error),
    /// The database is in a state in which nothing can be done with it as it lies there.
    #[error("{}: {reason}", database.display())]
    NotHostable {
        /// The database.
        database: PathBuf,
        /// Its state, and what would help.
        reason: String,
        /// The engine's number for it.
        jet_code: i32,
    },
    /// A restored database cannot be brought together with its logs.
    #[error("{0}")]
    Recovery(#[from] Box<ese::recovery::RecoveryError>),
    /// A file could not be reached.
    #[error(transparent)]
    Storage(#[from] vfs::Error),
}

impl DirectoryError {
    /// The code that the interfaces return for it.
    pub fn hresult(&self) -> HResult {
        HResult::from_jet(match self {
            Self::Engine(error) => error.jet_code(),
            Self::NotHostable { jet_code, .. } => *jet_code,
            Self::Recovery(error) => error.jet_code(),
            Self::Storage(error) if error.is_not_found() => JET_FILE_NOT_FOUND,
            Self::Storage(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                JET_FILE_ACCESS_DENIED
            }
            Self::Storage(_) => JET_DISK_IO,
        })
    }
}

const JET_DISK_IO: i32 = -1022;
const JET_FILE_ACCESS_DENIED: i32 = -1032;
const JET_FILE_NOT_FOUND: i32 = -1811;
