//! What can go wrong with a set, with the file and what was expected of it.

use std::path::PathBuf;

use crate::manifest::ManifestError;
use crate::name::NameError;

/// Result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// A set that could not be written, read, verified or restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] vfs::Error),

    /// The folder has no manifest.
    #[error("{}: no manifest.json: an unfinished backup, or no backup set", dir.display())]
    NoManifest {
        /// The folder.
        dir: PathBuf,
    },

    /// The manifest cannot be believed.
    #[error("{}: {reason}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        reason: ManifestError,
    },

    /// A file cannot have this name in a set.
    #[error("{name:?} cannot be a file of a backup set: {reason}")]
    Name {
        /// The name as given.
        name: String,
        /// Why not.
        reason: NameError,
    },

    /// Two files of a set would have the same name.
    #[error("two files of the set are called {name:?}")]
    DuplicateName {
        /// The name.
        name: String,
    },

    /// The folder that is to be written holds something already.
    #[error("{} is not empty (it holds {found:?})", dir.display())]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
        /// One of the names in it.
        found: String,
    },

    /// The logs folder of a restore's target holds logs of something else.
    #[error(
        "{} holds {found:?}, which is not in the set; a recovery would take it for its own",
        dir.display()
    )]
    ForeignLog {
        /// The folder.
        dir: PathBuf,
        /// The file.
        found: String,
    },

    /// A stream ended before or after the length that was announced.
    #[error("{path}: {expected} bytes were announced, {found} came")]
    StreamLength {
        /// The file in the set.
        path: String,
        /// Announced length in bytes.
        expected: u64,
        /// Received length in bytes.
        found: u64,
    },

    /// A file is not the one that the manifest describes.
    #[error("{}: {what}", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: Difference,
    },

    /// A finished set lacks what makes it one.
    #[error("the set has no {what}")]
    Incomplete {
        /// What is missing.
        what: &'static str,
    },

    /// The database of the set cannot be recovered from its logs.
    #[error("{0}")]
    Recovery(#[from] Box<ese::recovery::RecoveryError>),

    /// The progress said to stop.
    #[error("stopped as asked")]
    Cancelled,
}

/// How a file differs from what the manifest says of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Difference {
    /// It is not there.
    #[error("the file is missing")]
    Missing,
    /// It has another length.
    #[error("{found} bytes, the manifest says {expected}")]
    Size {
        /// Length by the manifest in bytes.
        expected: u64,
        /// Length on disk in bytes.
        found: u64,
    },
    /// It has another content.
    #[error("BLAKE3 {found}, the manifest says {expected}: the content has changed")]
    Hash {
        /// Hash by the manifest.
        expected: blake3::Hash,
        /// Hash of the content.
        found: blake3::Hash,
    },
}
