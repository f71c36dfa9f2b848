//! The server's edge on tokio.
//!
//! ```text
//! accept --> identify the peer --> connection task --> blocking pool --> RpcService::call
//!               (kernel)            bytes <-> machine     (at most 32 calls in the whole server)
//! ```
//!
//! One task per connection moves bytes and holds the connection's machine; each call runs on the
//! blocking pool, where a panic becomes a fault. While the server is at its limit of running
//! calls, connections with a further call are not read. When a connection has ended, its running
//! calls are asked to end and waited for; the last connection of an association group then runs
//! down the group.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use dcerpc::association::{AssociationGroupId, AssociationGroups};
use dcerpc::context_handle::Caller;
use dcerpc::fault::{BindNakReason, FaultStatus};
use dcerpc::security::{Principal, SecurityContext as _};
use dcerpc::server::ServerConfig;
use dcerpc::{DataRepresentation, Interface, limits, management};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use dcerpc::security::LocalPeer as Peer;
pub use dcerpc::server::CancelFlag;

mod accounts;
mod connection;

/// What a server offers. Its methods run on the blocking pool and may take their time.
pub trait RpcService: Send + Sync + 'static {
    /// The interfaces, in the order that [`Call::interface`] counts. The management interface is
    /// added to them and answered without the service's help.
    fn interfaces(&self) -> Vec<Interface>;

    /// Whether this peer may bind at all; a refused one sees its bind fail with
    /// [`BindNakReason::AUTHENTICATION_FAILED`].
    fn admit(&self, peer: &Peer) -> bool;

    /// Executes one call and returns its output parameters. A panic becomes
    /// [`FaultStatus::UNSPECIFIED`].
    ///
    /// # Errors
    /// The fault to send instead of a response: for the runtime's matters only (unknown
    /// operation, stub data that do not decode, a context handle that is not the caller's).
    fn call(&self, call: Call) -> Result<Bytes, FaultStatus>;

    /// Closes what a group's context handles stand for. Called exactly once for each group, after
    /// its last connection has ended and its running calls have finished.
    fn rundown(&self, group: AssociationGroupId);

    /// Whether the group holds context handles: its connections may then be idle for longer.
    fn has_handles(&self, _group: AssociationGroupId) -> bool {
        false
    }
}

/// One call to execute.
#[derive(Clone)]
pub struct Call {
    /// Who calls, as the kernel identified it.
    pub peer: Arc<Peer>,
    /// The association group of the caller's connection.
    pub group: AssociationGroupId,
    /// The interface: its place in [`RpcService::interfaces`].
    pub interface: usize,
    /// The operation.
    pub opnum: u16,
    /// The input parameters.
    pub stub: Bytes,
    /// How their numbers are written.
    pub drep: DataRepresentation,
    /// Set when the client cancels the call or goes away.
    pub cancel: CancelFlag,
}

impl Call {
    /// The caller as context handles know it.
    pub fn caller(&self) -> Caller {
        Caller {
            group: self.group,
            principal: Principal::LocalUser(self.peer.uid),
            level: self.peer.level(),
            interface: self.interface,
        }
    }
}

impl fmt::Debug for Call {
    /// Without the stub, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("group", &self.group)
            .field("interface", &self.interface)
            .field("opnum", &self.opnum)
            .field("stub_len", &self.stub.len())
            .finish_non_exhaustive()
    }
}

/// Serves `service` on `listener` until `shutdown` completes, then ends all connections, lets
/// running calls finish (with their cancel flags set) and runs down every group.
///
/// # Errors
/// An error of the listener that does not go away by itself.
pub async fn serve(
    listener: UnixListener,
    service: Arc<dyn RpcService>,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let (stop, stopped) = watch::channel(false);
    let endpoint = Arc::new(Endpoint::new(service, &listener, stopped));
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    let result = loop {
        tokio::select! {
            () = &mut shutdown => break Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => endpoint.admit(stream, &mut connections),
                Err(error) if is_passing(&error) => tokio::time::sleep(ACCEPT_PAUSE).await,
                Err(error) => break Err(error),
            },
            // Ended tasks are collected, so that the set does not grow.
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    };
    drop(listener);
    // The receivers live in the connections; without any there is nobody to tell.
    let _nobody = stop.send(true);
    while connections.join_next().await.is_some() {}
    result
}

/// Whether an error of accept(2) ends by itself: the connection is gone already, or the process
/// is out of something that will be given back.
fn is_passing(error: &io::Error) -> bool {
    use rustix::io::Errno;
    const PASSING: [Errno; 8] = [
        Errno::CONNABORTED,
        Errno::INTR,
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::PERM,
        Errno::PROTO,
    ];
    Errno::from_io_error(error).is_some_and(|errno| PASSING.contains(&errno))
}

/// What all connections share.
struct Endpoint {
    service: Arc<dyn RpcService>,
    /// The service's interfaces, then the management interface.
    config: Arc<ServerConfig>,
    groups: Mutex<AssociationGroups>,
    /// Permits for running calls.
    running: Arc<Semaphore>,
    counts: Mutex<Counts>,
    statistics: management::Statistics,
    stopped: watch::Receiver<bool>,
    started: Instant,
}

#[derive(Default)]
struct Counts {
    total: usize,
    per_user: BTreeMap<u32, usize>,
    refused: usize,
}

/// A connection's place in the counts; given back on drop.
struct Place {
    endpoint: Arc<Endpoint>,
    /// `None`: above the limits, to be refused.
    user: Option<u32>,
}

impl Endpoint {
    fn new(
        service: Arc<dyn RpcService>,
        listener: &UnixListener,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        let mut interfaces = service.interfaces();
        interfaces.push(management::interface());
        let name = listener.local_addr().ok().map_or_else(Vec::new, |address| {
            let address: std::os::unix::net::SocketAddr = address.into();
            match (address.as_pathname(), address.as_abstract_name()) {
                (Some(path), _) => path.as_os_str().as_bytes().to_vec(),
                (None, Some(name)) => name.to_vec(),
                (None, None) => Vec::new(),
            }
        });
        Self {
            service,
            config: Arc::new(ServerConfig::new(interfaces, name)),
            groups: Mutex::new(AssociationGroups::new(random)),
            running: Arc::new(Semaphore::new(limits::EXECUTING_TOTAL)),
            counts: Mutex::new(Counts::default()),
            statistics: management::Statistics::default(),
            stopped,
            started: Instant::now(),
        }
    }

    /// Starts a connection's task, if it has a place; otherwise the connection is closed.
    fn admit(self: &Arc<Self>, stream: UnixStream, connections: &mut JoinSet<()>) {
        // A peer that cannot be identified is nobody.
        let Ok(credentials) = rustix::net::sockopt::socket_peercred(&stream) else { return };
        // Less is slower, nothing else.
        let _less = rustix::net::sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER);
        let uid = credentials.uid.as_raw();
        let gid = credentials.gid.as_raw();
        let pid = u32::try_from(credentials.pid.as_raw_nonzero().get()).unwrap_or(0);
        let Some(place) = self.place(uid) else { return };
        let endpoint = Arc::clone(self);
        connections.spawn(async move {
            let refusal = match place.user {
                Some(_) => None,
                None => Some(BindNakReason::LOCAL_LIMIT_EXCEEDED),
            };
            // Account files are read on the blocking pool: they may lie on a slow file system.
            let service = Arc::clone(&endpoint.service);
            let identify = move || {
                let peer = Peer::new(uid, gid, accounts::groups_of(uid), pid);
                let admitted = service.admit(&peer);
                (peer, admitted)
            };
            let Ok((peer, admitted)) = tokio::task::spawn_blocking(identify).await else { return };
            let refusal = match admitted {
                true => refusal,
                false => Some(BindNakReason::AUTHENTICATION_FAILED),
            };
            connection::run(endpoint, stream, Arc::new(peer), refusal).await;
            drop(place);
        });
    }

    fn place(self: &Arc<Self>, uid: u32) -> Option<Place> {
        let mut counts = lock(&self.counts);
        let mine = counts.per_user.get(&uid).copied().unwrap_or(0);
        let user = if counts.total < limits::UNIX_CONNECTIONS
            && mine < limits::UNIX_CONNECTIONS_PER_USER
        {
            counts.total += 1;
            counts.per_user.insert(uid, mine + 1);
            Some(uid)
        } else if counts.refused < limits::REFUSED_CONNECTIONS {
            counts.refused += 1;
            None
        } else {
            return None;
        };
        Some(Place { endpoint: Arc::clone(self), user })
    }

    /// Milliseconds since the server's start: the clock of all machines.
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn groups(&self) -> MutexGuard<'_, AssociationGroups> {
        lock(&self.groups)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = lock(&self.endpoint.counts);
        let Some(uid) = self.user else {
            counts.refused = counts.refused.saturating_sub(1);
            return;
        };
        counts.total = counts.total.saturating_sub(1);
        let left = counts.per_user.get(&uid).map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            counts.per_user.remove(&uid);
        } else {
            counts.per_user.insert(uid, left);
        }
    }
}

/// A table whose holder panicked is still a table: every change to it is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number for a new association group. Groups are bound to their owner's identity, so a
/// number that can be guessed, should the system have no random ones, opens nothing.
fn random() -> u32 {
    getrandom::u32().unwrap_or_else(|_| Instant::now().elapsed().subsec_nanos())
}

/// What the kernel may hold for a client that is busy with what it has, bytes: most of a usual
/// read's answer, so that both ends sleep and wake less often.
const SEND_BUFFER: usize = 1 << 20;

/// Pause after a passing error of accept(2).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
