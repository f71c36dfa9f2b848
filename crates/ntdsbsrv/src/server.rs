//! The service's edge: threads, socket, signals.
//!
//! Everything that can fail at a start fails before a client can connect: configuration, policy,
//! state, directory, socket. The asynchronous part only moves bytes; calls run on the blocking
//! pool.

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::listener::{Listener, lock};
use crate::notify::notify;
use crate::policy::PolicyError;
use crate::service::Service;
use crate::settings::Settings;
use crate::{ServeError, ServeOptions};

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

/// A service that runs in threads of its own and stops when this is dropped.
#[derive(Debug)]
pub struct RunningService {
    service: Arc<Service>,
    socket: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl RunningService {
    /// Starts a service; when it returns, clients can connect.
    ///
    /// # Errors
    /// Everything that keeps a service from starting.
    pub fn start(options: ServeOptions) -> Result<Self, ServeError> {
        let edge = Edge::open(options)?;
        let (service, socket) = (edge.service.clone(), edge.listener.path().to_owned());
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("dsbackup-serve".to_owned())
            .spawn(move || {
                edge.run(async {
                    // An error is a dropped sender, which means the same.
                    let _ = stopped.await;
                })
            })
            .map_err(|source| ServeError::System { what: "start a thread", source })?;
        Ok(Self { service, socket, stop: Some(stop), thread: Some(thread) })
    }

    /// Where clients connect.
    pub fn socket_path(&self) -> &Path {
        &self.socket
    }

    /// What the service hosts.
    pub fn status(&self) -> Status {
        self.service.status()
    }

    /// Reads the policy again. A policy that cannot be used changes nothing.
    ///
    /// # Errors
    /// What is wrong with the policy.
    pub fn reload_policy(&self) -> Result<(), PolicyError> {
        self.service.reload_policy()
    }

    /// Aborts backup contexts that were idle for too long. The service does so by itself every
    /// second; a test with a clock of its own need not wait.
    pub fn abort_idle_contexts(&self) {
        self.service.abort_idle_contexts();
    }

    /// Stops the service and runs its contexts down.
    ///
    /// # Errors
    /// What ended the service before it was told to stop.
    pub fn stop(mut self) -> Result<(), ServeError> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), ServeError> {
        drop(self.stop.take());
        let ended = match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => return Ok(()),
            Some(Ok(Err(source))) => source,
            Some(Err(_)) => io::Error::other("the service's thread panicked"),
        };
        Err(ServeError::System { what: "serve clients", source: ended })
    }
}

impl Drop for RunningService {
    fn drop(&mut self) {
        // Whoever wants to know calls `stop`.
        let _ = self.finish();
    }
}

/// Runs a service on this thread until SIGINT or SIGTERM. `ready` is called when clients can
/// connect. SIGHUP reads the policy again and opens the audit log anew.
///
/// # Errors
/// Everything that keeps a service from starting, and what ends one early.
pub fn run(options: ServeOptions, ready: impl FnOnce(&Path, &Status)) -> Result<(), ServeError> {
    run_until(options, ready, std::future::pending())
}

/// As [`run`], and until `shutdown` completes.
///
/// # Errors
/// As [`run`].
pub fn run_until(
    options: ServeOptions,
    ready: impl FnOnce(&Path, &Status),
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let edge = Edge::open(options)?;
    let service = edge.service.clone();
    let signals = {
        // Handlers are in place before anybody is told that the service is ready.
        let _context = edge.runtime.enter();
        let listen = |kind| {
            signal(kind).map_err(|source| ServeError::System { what: "listen for signals", source })
        };
        (
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        )
    };
    ready(edge.listener.path(), &service.status());
    notify("READY=1");
    let until = async move {
        let (mut interrupt, mut terminate, mut hangup) = signals;
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                _ = interrupt.recv() => break,
                _ = terminate.recv() => break,
                _ = hangup.recv() => service.reload(),
            }
        }
        notify("STOPPING=1");
    };
    edge.run(until).map_err(|source| ServeError::System { what: "serve clients", source })
}

/// A service with its socket and runtime, not yet serving.
struct Edge {
    service: Arc<Service>,
    listener: Listener,
    runtime: Runtime,
    _state_lock: OwnedFd,
}

impl Edge {
    fn open(options: ServeOptions) -> Result<Self, ServeError> {
        let settings = Settings::resolve(options)?;
        let state_lock = claim_state_dir(&settings)?;
        let (socket, mode, group) =
            (settings.socket.clone(), settings.socket_mode, settings.socket_group);
        // The socket before the directory: a second service must not get as far as opening it.
        settings.storage.create_dir_all(vfs::durable::parent(&socket))?;
        let listener = Listener::bind(&socket, mode, group)?;
        let service = Arc::new(Service::open(settings)?);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("dsbackup-rpc")
            .enable_all()
            .build()
            .map_err(|source| ServeError::System { what: "start threads", source })?;
        Ok(Self { service, listener, runtime, _state_lock: state_lock })
    }

    fn run(mut self, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
        let Some(socket) = self.listener.take_socket() else { return Ok(()) };
        let service = self.service.clone();
        let served = self.runtime.block_on(async {
            let listener = tokio::net::UnixListener::from_std(socket)?;
            let sweeper = tokio::spawn(sweep_idle_contexts(service.clone()));
            let served = dcerpc_net::server::serve(listener, service, shutdown).await;
            sweeper.abort();
            served
        });
        self.service.stopped();
        served
    }
}

async fn sweep_idle_contexts(service: Arc<Service>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        let service = service.clone();
        // Ending a backup may write; that is no work for the asynchronous threads.
        let _ = tokio::task::spawn_blocking(move || service.abort_idle_contexts()).await;
    }
}

/// Makes the state directory where needed, and locks it. Whoever can write to it decides whether
/// a half-restored directory goes online, so only its owner may.
fn claim_state_dir(settings: &Settings) -> Result<OwnedFd, ServeError> {
    let dir = &settings.state_dir;
    let error = |reason: String| ServeError::State { path: dir.clone(), reason };
    match settings.storage.metadata(dir) {
        Err(e) if e.is_not_found() => {
            settings.storage.create_dir_all(dir)?;
            rustix::fs::chmod(dir, rustix::fs::Mode::RWXU).map_err(|e| error(e.to_string()))?;
        }
        other => drop(other?),
    }
    let mode = rustix::fs::stat(dir).map_err(|e| error(e.to_string()))?.st_mode;
    if mode & 0o022 != 0 {
        return Err(error(format!(
            "has mode {:04o}; only its owner may write to it (chmod go-w)",
            mode & 0o7777
        )));
    }
    lock(&dir.join("lock"))
        .map_err(|e| error(e.to_string()))?
        .ok_or_else(|| ServeError::StateInUse { dir: dir.clone() })
}

/// Calls in flight over all connections are bounded by the protocol engine; each takes a thread.
const BLOCKING_THREADS: usize = 32;
