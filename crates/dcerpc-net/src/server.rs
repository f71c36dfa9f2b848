//! The server's edge on tokio.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use dcerpc::association::AssociationGroupId;
use dcerpc::fault::FaultStatus;
use dcerpc::security::{AuthLevel, Principal};
use dcerpc::{DataRepresentation, Interface};
use tokio::net::UnixListener;

pub use dcerpc::security::LocalPeer as Peer;
pub use dcerpc::server::CancelFlag;

/// What a server offers. Its methods run on the blocking pool and may take their time.
pub trait RpcService: Send + Sync + 'static {
    /// The interfaces, in the order that [`Call::interface`] counts.
    fn interfaces(&self) -> Vec<Interface>;

    /// Whether this peer may bind at all; a refused one sees its bind fail.
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
    pub fn caller(&self) -> dcerpc::context_handle::Caller {
        dcerpc::context_handle::Caller {
            group: self.group,
            principal: Principal::LocalUser(self.peer.uid),
            level: AuthLevel::Privacy,
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
    let _ = (listener.local_addr()?, service);
    shutdown.await;
    Ok(())
}
