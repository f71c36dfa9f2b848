//! Why the service does not start, or stopped.

use std::io;
use std::path::PathBuf;

use crate::directory::DirectoryError;
use crate::policy::PolicyError;

/// A service that does not start. Each text names the file, what is expected, and the next step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The configuration cannot be used.
    #[error("configuration {}: {reason}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The directory cannot be opened.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// A file of the service could not be read or written.
    #[error(transparent)]
    Storage(#[from] vfs::Error),
    /// The state directory or a file in it cannot be used.
    #[error("service state {}: {reason}", path.display())]
    State {
        /// The directory or file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another service uses the state directory.
    #[error(
        "another service runs with the state directory {}; stop it, or give this one its own \
         (--state DIR)",
        dir.display()
    )]
    StateInUse {
        /// The state directory.
        dir: PathBuf,
    },
    /// Another service listens on the socket.
    #[error(
        "another service listens on {}; stop it, or choose another socket (--socket PATH)",
        path.display()
    )]
    SocketInUse {
        /// The socket.
        path: PathBuf,
    },
    /// The socket cannot be made.
    #[error("socket {}: {reason}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What went wrong and what to do.
        reason: String,
    },
    /// A published path cannot be written as a UNC path.
    #[error("{} cannot be published to clients: {reason}", path.display())]
    Unpublishable {
        /// The file or directory.
        path: PathBuf,
        /// Which part of it is in the way.
        reason: String,
    },
    /// The system refused threads, sockets or random numbers.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}
