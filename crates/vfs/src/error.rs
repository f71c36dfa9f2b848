//! The one error of storage: what was tried, on which path, and what the system said.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Result of a storage call.
pub type Result<T> = std::result::Result<T, Error>;

/// A storage call that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}: {source}", path.display())]
pub struct Error {
    /// What was tried.
    pub operation: Operation,
    /// The file or directory it was tried on.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl Error {
    /// Puts operation and path to an error of the system.
    pub fn new(operation: Operation, path: &Path, source: io::Error) -> Self {
        Self { operation, path: path.to_owned(), source }
    }

    /// The kind of the system's error.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// Whether the file or directory is not there.
    pub fn is_not_found(&self) -> bool {
        self.kind() == io::ErrorKind::NotFound
    }
}

/// What was tried when a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Opening a file.
    Open,
    /// Making a file or directory.
    Create,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Changing the length.
    SetLen,
    /// Making content or names durable.
    Sync,
    /// Asking for length or kind.
    Inspect,
    /// Listing a directory.
    List,
    /// Renaming.
    Rename,
    /// Removing.
    Remove,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write to",
            Self::SetLen => "change the length of",
            Self::Sync => "sync",
            Self::Inspect => "look at",
            Self::List => "list",
            Self::Rename => "rename",
            Self::Remove => "remove",
        })
    }
}
