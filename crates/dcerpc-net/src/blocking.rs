//! A client on the calling thread.
//!
//! No runtime and no thread: a call is sent when it is submitted, as far as the socket takes it;
//! everything else happens while somebody waits. The socket never blocks; where there is nothing
//! to do, the thread sleeps in poll(2) on the socket and on an eventfd through which a
//! [`Canceller`] wakes it.
//!
//! Response fragments are received straight into the buffer of their call, with one system call
//! for the rest of a fragment and the head of the next one. Answers come in any order; those that
//! nobody waits for yet are kept, and those of discarded calls are read and dropped on the way.
//!
//! SIGPIPE is never raised, descriptors are not inherited, interrupted calls are repeated.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dcerpc::client::{ClientConfig, ClientConnection, Event};
use dcerpc::{CallId, ContextId, DataRepresentation, Interface};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendFlags, Shutdown, SocketAddrUnix, SocketFlags,
    SocketType, connect, sendmsg, shutdown, socket_with,
};

use crate::error::CallError;

/// How a [`Client`] connects and waits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Time for the connect, and for each bind.
    pub connect_timeout: Duration,
    /// Time for each wait; `None`: as long as the connection lives.
    pub call_timeout: Option<Duration>,
    /// What to ask of the connection.
    pub connection: ClientConfig,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            call_timeout: None,
            connection: ClientConfig::default(),
        }
    }
}

impl Options {
    /// These options with another time for connect and bind.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// These options with a time for each wait.
    #[must_use]
    pub fn with_call_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.call_timeout = timeout;
        self
    }
}

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The operation's output parameters.
    pub stub: Bytes,
    /// How their numbers are written.
    pub drep: DataRepresentation,
}

/// A connection to a server.
pub struct Client {
    options: Options,
    socket: OwnedFd,
    machine: ClientConnection,
    wake: Arc<Wake>,
    /// Answers that nobody has waited for yet.
    parked: BTreeMap<CallId, Result<Reply, CallError>>,
    /// Answer to the bind that is under way.
    bound: Option<Result<(), CallError>>,
    /// The peer takes nothing more; what it has sent can still be read.
    send_closed: bool,
    lost: Option<CallError>,
}

/// Ends a [`Client`]'s wait from another thread.
#[derive(Clone)]
pub struct Canceller {
    wake: Arc<Wake>,
}

struct Wake {
    event: OwnedFd,
    cancelled: AtomicBool,
}

impl Client {
    /// Connects to the server's Unix socket.
    ///
    /// # Errors
    /// [`CallError::Connect`].
    pub fn connect(path: &Path, options: Options) -> Result<Self, CallError> {
        let failed = |errno: Errno| CallError::Connect {
            path: path.display().to_string(),
            kind: errno.kind(),
        };
        let deadline = Instant::now() + options.connect_timeout;
        let address = SocketAddrUnix::new(path).map_err(failed)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket =
            socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(failed)?;
        loop {
            match connect(&socket, &address) {
                Ok(()) => break,
                Err(Errno::INTR) => {}
                // The server's backlog is full. For this kind of socket poll(2) does not tell
                // when that ends.
                Err(Errno::AGAIN) if Instant::now() < deadline => {
                    thread::sleep(BACKLOG_PAUSE);
                }
                Err(Errno::AGAIN) => return Err(failed(Errno::TIMEDOUT)),
                Err(errno) => return Err(failed(errno)),
            }
        }
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(failed)?;
        Ok(Self {
            machine: ClientConnection::new(options.connection.clone()),
            options,
            socket,
            wake: Arc::new(Wake { event, cancelled: AtomicBool::new(false) }),
            parked: BTreeMap::new(),
            bound: None,
            send_closed: false,
            lost: None,
        })
    }

    /// Binds to an interface and waits for the server's answer; also for further interfaces on
    /// the same connection.
    ///
    /// # Errors
    /// [`CallError::BindRejected`] (the connection stays usable for other interfaces);
    /// [`CallError::BindNak`], [`CallError::Fault`], [`CallError::Lost`],
    /// [`CallError::Protocol`], [`CallError::TimedOut`] and [`CallError::Cancelled`] (it does
    /// not).
    pub fn bind(&mut self, interface: Interface) -> Result<ContextId, CallError> {
        self.check()?;
        let deadline = Some(Instant::now() + self.options.connect_timeout);
        let context = self.machine.bind(interface).map_err(CallError::Protocol)?;
        loop {
            self.take_events();
            if let Some(answer) = self.bound.take() {
                return answer.map(|()| context);
            }
            self.check()?;
            if let Err(error) = self.progress(deadline) {
                // The server's answer may still come and would be taken for that of another bind.
                self.lose(error.clone());
                return Err(error);
            }
        }
    }

    /// Whether several calls can be in flight: known after the first bind.
    pub fn is_multiplexed(&self) -> bool {
        self.machine.is_multiplexed()
    }

    /// Whether the connection is lost for good.
    pub fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Time for each wait from now on.
    pub fn set_call_timeout(&mut self, timeout: Option<Duration>) {
        self.options.call_timeout = timeout;
    }

    /// Starts a call without waiting for its answer. Does not block; what the socket does not
    /// take now is sent while somebody waits.
    ///
    /// # Errors
    /// The error of a connection that is lost; [`CallError::Protocol`] for a context that is not
    /// bound or too many calls in flight.
    pub fn submit(
        &mut self,
        context: ContextId,
        opnum: u16,
        stub: impl Into<Bytes>,
    ) -> Result<CallId, CallError> {
        self.check()?;
        let call = self.machine.call(context, opnum, stub.into()).map_err(CallError::Protocol)?;
        self.send();
        Ok(call)
    }

    /// Waits for the answer of a call. Answers of other calls that come first are kept for them.
    ///
    /// After [`CallError::TimedOut`] and [`CallError::Cancelled`] the call is discarded and the
    /// connection stays usable.
    ///
    /// # Errors
    /// [`CallError::Fault`], [`CallError::Lost`], [`CallError::Protocol`],
    /// [`CallError::Cancelled`], [`CallError::TimedOut`].
    pub fn wait(&mut self, call: CallId) -> Result<Reply, CallError> {
        let deadline = self.options.call_timeout.map(|timeout| Instant::now() + timeout);
        loop {
            self.take_events();
            if let Some(answer) = self.parked.remove(&call) {
                return answer;
            }
            self.check()?;
            if !self.machine.is_pending(call) {
                return Err(CallError::Protocol(dcerpc::Error::NoSuchCall(call)));
            }
            if let Err(error) = self.progress(deadline) {
                self.discard(call);
                return Err(error);
            }
        }
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

    /// Gives up a call: tells the server to cancel it and drops its answer, now or when it comes.
    /// Does not block.
    pub fn discard(&mut self, call: CallId) {
        self.parked.remove(&call);
        if self.lost.is_none() && self.machine.discard(call).is_ok() {
            self.send();
        }
    }

    /// A handle with which another thread makes a wait of this client return.
    pub fn canceller(&self) -> Canceller {
        Canceller { wake: Arc::clone(&self.wake) }
    }

    /// Forgets a cancel that came while nobody waited.
    pub fn clear_cancel(&mut self) {
        self.wake.take();
    }

    fn check(&self) -> Result<(), CallError> {
        match &self.lost {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    fn lose(&mut self, error: CallError) {
        if self.lost.is_none() {
            self.lost = Some(error);
            // The server should hear of it even if this value lives on.
            let _already_gone = shutdown(&self.socket, Shutdown::Both);
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.machine.poll_event() {
            match event {
                Event::Accepted { .. } => self.bound = Some(Ok(())),
                Event::Rejected { result, reason, .. } => {
                    self.bound = Some(Err(CallError::BindRejected { result, reason }));
                }
                Event::Response { call, stub, drep } => {
                    self.parked.insert(call, Ok(Reply { stub, drep }));
                }
                Event::Fault { call, status, .. } => {
                    self.parked.insert(call, Err(CallError::Fault(status)));
                }
                // Running calls are still answered; the machine refuses new ones.
                _ => {}
            }
        }
    }

    /// Moves bytes in both directions; sleeps until there is something to do.
    ///
    /// Errors are those of the wait ([`CallError::TimedOut`], [`CallError::Cancelled`]); the loss
    /// of the connection is noted in `lost`.
    fn progress(&mut self, deadline: Option<Instant>) -> Result<(), CallError> {
        if self.wake.take() {
            return Err(CallError::Cancelled);
        }
        self.send();
        if self.receive() {
            return Ok(());
        }
        let mut interest = PollFlags::IN;
        if self.machine.wants_write() && !self.send_closed {
            interest |= PollFlags::OUT;
        }
        let timeout = match deadline {
            None => None,
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(CallError::TimedOut);
                }
                // Rounded up, so that the end of the sleep is past the deadline.
                Timespec::try_from(left + Duration::from_millis(1)).ok()
            }
        };
        let mut fds =
            [PollFd::new(&self.socket, interest), PollFd::new(&self.wake.event, PollFlags::IN)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => self.lose(CallError::Lost(errno.kind())),
        }
        Ok(())
    }

    /// Sends what the socket takes now.
    fn send(&mut self) {
        while self.machine.wants_write() && !self.send_closed {
            let mut slices = [IoSlice::new(&[]); SLICES_PER_SEND];
            let mut count = 0;
            for (slot, slice) in slices.iter_mut().zip(self.machine.output()) {
                *slot = IoSlice::new(slice);
                count += 1;
            }
            let slices = slices.get(..count).unwrap_or_default();
            let mut none = SendAncillaryBuffer::default();
            let sent =
                retry_on_intr(|| sendmsg(&self.socket, slices, &mut none, SendFlags::NOSIGNAL));
            match sent {
                Ok(count) => self.machine.written(count),
                Err(Errno::AGAIN) => return,
                // What the server said before it hung up explains why; reading finds the end.
                Err(_) => self.send_closed = true,
            }
        }
    }

    /// Receives what is there; false if nothing is.
    fn receive(&mut self) -> bool {
        let [first, second] = self.machine.recv_buffers();
        let mut places = [IoSliceMut::new(first), IoSliceMut::new(second)];
        match retry_on_intr(|| rustix::io::readv(&self.socket, &mut places)) {
            Ok(0) => self.lose(CallError::Lost(ErrorKind::UnexpectedEof)),
            Ok(count) => {
                if let Err(error) = self.machine.received(count) {
                    self.take_events();
                    self.lose(match error {
                        dcerpc::Error::BindNak(reason) => CallError::BindNak(reason),
                        dcerpc::Error::BindFault(status) => CallError::Fault(status),
                        other => CallError::Protocol(other),
                    });
                }
            }
            Err(Errno::AGAIN) => return false,
            Err(errno) => self.lose(CallError::Lost(errno.kind())),
        }
        true
    }
}

impl Canceller {
    /// Makes the current wait, or else the next one, return [`CallError::Cancelled`]. Its call is
    /// cancelled on the server; the connection stays usable.
    pub fn cancel(&self) {
        self.wake.cancelled.store(true, Ordering::Release);
        // Any number wakes; it fails only if the counter is full, and then it wakes as well.
        let _full = rustix::io::write(&self.wake.event, &[1u8; 8]);
    }
}

impl Wake {
    /// Whether a cancel has come since the last time.
    fn take(&self) -> bool {
        if !self.cancelled.swap(false, Ordering::AcqRel) {
            return false;
        }
        let _empty = rustix::io::read(&self.event, &mut [0u8; 8]);
        true
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("machine", &self.machine)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").finish_non_exhaustive()
    }
}

/// Slices of one send: eight large fragments with their heads are half a megabyte.
const SLICES_PER_SEND: usize = 16;

/// Pause before connecting again to a server whose backlog is full.
const BACKLOG_PAUSE: Duration = Duration::from_millis(5);
