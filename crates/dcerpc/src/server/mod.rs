//! The server's side of a connection.
//!
//! ```text
//! Accepted --bind--> Bound --+--request--> (reassembly, see `calls`) --> Event::Call
//!    |                 ^     +--alter----> Bound
//!    |                 |     +--shutdown-> Draining --all answered--> finished
//!    | bind_nak        | protocol error
//!    +---------------> Poisoned --last bytes sent--> finished
//! ```
//!
//! After an error that ends the connection nothing of the peer is read any more; what explains
//! the error is sent, then the connection is finished. Running calls are asked to end through
//! their [`CancelFlag`].
//!
//! Time is an argument: milliseconds of any monotonic clock. Association groups are shared by
//! all connections of an endpoint and passed in where a bind needs them; whoever owns the
//! connection takes it out of its group when it and its calls have ended.
//!
//! Source: C706 9.3.4 (server state machines), 12.6.4; [MS-RPCE] 3.3.3; the answers of Windows
//! and Samba to each kind of violation.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::association::{AssociationGroupId, AssociationGroups};
use crate::error::Error;
use crate::fault::{BindNakReason, FaultStatus};
use crate::inbound::{Inbound, Step};
use crate::outbound::{Outbound, Outgoing};
use crate::pdu::{BindNak, Body, Fault, Header, PacketType, Pdu, PfcFlags};
use crate::security::SecurityContext;
use crate::stub_buffer::StubPool;
use crate::{CallId, ContextId, DataRepresentation, Interface, limits};

mod bind;
mod calls;

use calls::{Executing, Incomplete};

/// What an endpoint offers on its connections.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The interfaces, in the order that [`Call::interface`] counts.
    pub interfaces: Vec<Interface>,
    /// Where further connections can be made, without NUL: a socket's path, a port in decimal.
    pub secondary_address: Vec<u8>,
    /// Largest reassembled request, bytes.
    pub max_request: usize,
}

impl ServerConfig {
    /// A configuration with the limits of [`limits`].
    pub const fn new(interfaces: Vec<Interface>, secondary_address: Vec<u8>) -> Self {
        Self { interfaces, secondary_address, max_request: limits::REQUEST_STUB_MAX }
    }
}

/// What happened on a connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A request is complete and must be answered with [`ServerConnection::respond`] or
    /// [`ServerConnection::fault`].
    Call(Call),
    /// The client wants a running call to end early; its flag is set.
    Cancelled(CallId),
    /// The client has lost interest in a running call; its flag is set.
    Orphaned(CallId),
}

/// A call to execute.
#[derive(Debug, Clone)]
pub struct Call {
    /// The call.
    pub id: CallId,
    /// The interface: its place in [`ServerConfig::interfaces`].
    pub interface: usize,
    /// The operation.
    pub opnum: u16,
    /// The input parameters.
    pub stub: Bytes,
    /// How their numbers are written.
    pub drep: DataRepresentation,
    /// Set when the call should end early.
    pub cancel: CancelFlag,
}

/// Set when a call should end early; shared between the connection and whoever executes the call.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the call to end.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the call was asked to end.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was received, or not all of the bind.
    Accepted,
    Bound,
    /// The server goes: no new calls.
    Draining,
    /// The last bytes are being sent.
    Poisoned,
    /// Nothing more happens here.
    Finished,
}

/// The machine. See the [module's documentation](self).
pub struct ServerConnection {
    config: Arc<ServerConfig>,
    security: Arc<dyn SecurityContext>,
    /// The answer to any bind, if the connection is not wanted.
    refuse: Option<BindNakReason>,
    inbound: Inbound,
    outbound: Outbound,
    state: State,
    events: VecDeque<Event>,
    pool: StubPool,
    /// Accepted presentation contexts: number and place of the interface.
    contexts: BTreeMap<ContextId, usize>,
    group: Option<AssociationGroupId>,
    /// What was agreed for sending and receiving, bytes.
    max_fragment: u16,
    multiplexed: bool,
    features: u64,
    incomplete: Option<Incomplete>,
    executing: BTreeMap<CallId, Executing>,
    /// A first fragment waits until a call has ended.
    held: bool,
    has_handles: bool,
    error: Option<Error>,
    accepted_at: u64,
    /// Since when a PDU or call is incomplete.
    incomplete_since: Option<u64>,
    /// When the peer last took bytes, or bytes began to wait for it.
    write_progress: u64,
    last_activity: u64,
}

impl ServerConnection {
    /// A connection that was accepted at `now`.
    pub fn new(config: Arc<ServerConfig>, security: Arc<dyn SecurityContext>, now: u64) -> Self {
        Self {
            config,
            security,
            refuse: None,
            inbound: Inbound::new(),
            outbound: Outbound::default(),
            state: State::Accepted,
            events: VecDeque::new(),
            pool: StubPool::new(),
            contexts: BTreeMap::new(),
            group: None,
            max_fragment: limits::FRAGMENT_DEFAULT,
            multiplexed: false,
            features: 0,
            incomplete: None,
            executing: BTreeMap::new(),
            held: false,
            has_handles: false,
            error: None,
            accepted_at: now,
            incomplete_since: None,
            write_progress: now,
            last_activity: now,
        }
    }

    /// Answers the bind with a refusal, whatever it asks for.
    pub fn refuse(&mut self, reason: BindNakReason) {
        self.refuse = Some(reason);
    }

    /// Where the transport puts the next bytes: first the one, then the other place. `None` while
    /// nothing may be read, because enough calls are executing or the connection is at its end.
    pub fn recv_buffers(&mut self) -> Option<[&mut [u8]; 2]> {
        match self.state {
            State::Poisoned | State::Finished => None,
            _ if self.held => None,
            _ => Some(self.inbound.buffers()),
        }
    }

    /// Notes that `count` bytes were received into [`Self::recv_buffers`].
    pub fn received(&mut self, count: usize, now: u64, groups: &mut AssociationGroups) {
        self.inbound.received(count);
        self.last_activity = now;
        self.drive(now, Some(groups));
    }

    /// The peer sends nothing more and does not listen: running calls are asked to end.
    pub fn peer_closed(&mut self) {
        self.cancel_all();
        self.forget_events();
        self.state = State::Finished;
    }

    /// What happened next, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Completes a call. The stub is not copied.
    pub fn respond(&mut self, call: CallId, stub: Bytes, now: u64) {
        let Some(executing) = self.end_of_call(call, now) else { return };
        let outgoing = Outgoing {
            packet: PacketType::RESPONSE,
            flags: PfcFlags::default(),
            call,
            context: executing.context,
            word: [executing.cancel_count, 0],
            stub,
        };
        self.outbound.push_call(&outgoing, self.max_fragment);
        self.drive(now, None);
    }

    /// Ends a call that could not be executed.
    pub fn fault(&mut self, call: CallId, status: FaultStatus, now: u64) {
        let Some(executing) = self.end_of_call(call, now) else { return };
        let flags = match status {
            FaultStatus::OP_RANGE_ERROR
            | FaultStatus::UNKNOWN_INTERFACE
            | FaultStatus::SERVER_UNAVAILABLE
            | FaultStatus::SERVER_TOO_BUSY => PfcFlags::DID_NOT_EXECUTE,
            _ => PfcFlags::default(),
        };
        let fault = Fault::new(executing.context, executing.cancel_count, status);
        self.send(&Pdu::new(call, Body::Fault(fault)).with_flags(flags));
        self.drive(now, None);
    }

    /// The server goes: asks the client to hang up, and running calls to end. The connection is
    /// finished when these are answered.
    pub fn shutdown(&mut self, now: u64) {
        match self.state {
            State::Bound => {
                self.note_write(now);
                self.send(&Pdu::new(CallId(0), Body::Shutdown));
                self.cancel_all();
                self.state = State::Draining;
            }
            State::Accepted => self.state = State::Finished,
            State::Draining | State::Poisoned | State::Finished => {}
        }
    }

    /// The bytes to send, in order.
    pub fn output(&self) -> impl Iterator<Item = &[u8]> {
        self.outbound.slices()
    }

    /// Whether there are bytes to send.
    pub fn wants_write(&self) -> bool {
        !self.outbound.is_empty() && self.state != State::Finished
    }

    /// Notes that the first `count` bytes of [`Self::output`] were sent.
    pub fn written(&mut self, count: usize, now: u64) {
        self.outbound.written(count);
        self.write_progress = now;
        self.last_activity = now;
        if self.outbound.is_empty() && self.state == State::Poisoned {
            self.state = State::Finished;
        }
        self.drive(now, None);
    }

    /// Whether the connection is at its end and should be closed.
    pub fn is_finished(&self) -> bool {
        match self.state {
            State::Finished => true,
            State::Poisoned => self.outbound.is_empty(),
            State::Draining => self.outbound.is_empty() && self.executing.is_empty(),
            State::Accepted | State::Bound => false,
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn next_timeout(&self) -> Option<u64> {
        let idle = match self.has_handles {
            true => limits::IDLE_WITH_HANDLES_TIMEOUT_MS,
            false => limits::IDLE_TIMEOUT_MS,
        };
        let write = self.write_progress.saturating_add(match self.state {
            State::Poisoned | State::Draining => limits::FLUSH_TIMEOUT_MS,
            _ => limits::WRITE_TIMEOUT_MS,
        });
        let waiting = (!self.outbound.is_empty()).then_some(write);
        let incomplete =
            self.incomplete_since.map(|since| since.saturating_add(limits::INCOMPLETE_TIMEOUT_MS));
        let state = match self.state {
            State::Finished => return None,
            State::Poisoned => return waiting,
            State::Accepted => Some(self.accepted_at.saturating_add(limits::BIND_TIMEOUT_MS)),
            State::Bound if self.is_idle() => Some(self.last_activity.saturating_add(idle)),
            State::Bound | State::Draining => None,
        };
        [waiting, incomplete, state].into_iter().flatten().min()
    }

    /// Ends the connection if a timeout is due.
    pub fn handle_timeout(&mut self, now: u64) {
        if self.next_timeout().is_none_or(|due| due > now) {
            return;
        }
        if self.state == State::Bound && self.is_idle() && self.incomplete_since.is_none() {
            self.send(&Pdu::new(CallId(0), Body::Shutdown));
            self.poison(Error::Violation("idle for too long"), now);
        } else {
            self.error.get_or_insert(Error::Violation("too slow"));
            self.peer_closed();
        }
    }

    /// Whether the connection's group holds context handles, which lets it be idle for longer.
    pub fn set_has_handles(&mut self, has_handles: bool) {
        self.has_handles = has_handles;
    }

    /// The association group, once the bind has been accepted.
    pub fn association_group(&self) -> Option<AssociationGroupId> {
        self.group
    }

    /// Calls that were handed out and are not answered.
    pub fn executing(&self) -> usize {
        self.executing.len()
    }

    /// What ended the connection, for the log.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// The largest fragment that may come, bytes. What was agreed is no bound for it: peers send
    /// up to the transport's own maximum, and expect that to work.
    fn transport_max(&self) -> u16 {
        self.max_fragment.max(limits::FRAGMENT_DEFAULT)
    }

    fn is_idle(&self) -> bool {
        self.executing.is_empty() && self.outbound.is_empty()
    }

    fn cancel_all(&self) {
        for call in self.executing.values() {
            call.cancel.set();
        }
    }

    /// Drops what was not polled yet; calls among it were never handed out.
    fn forget_events(&mut self) {
        for event in self.events.drain(..) {
            if let Event::Call(call) = event {
                self.executing.remove(&call.id);
            }
        }
    }

    /// Takes a call out of the running ones; `None` if its answer is not wanted.
    fn end_of_call(&mut self, call: CallId, now: u64) -> Option<Executing> {
        let executing = self.executing.remove(&call)?;
        self.last_activity = now;
        let unwanted = executing.orphaned && self.keeps_connection_on_orphan();
        if unwanted || matches!(self.state, State::Poisoned | State::Finished) {
            self.drive(now, None);
            return None;
        }
        self.note_write(now);
        Some(executing)
    }

    /// Bytes begin to wait for the peer now.
    fn note_write(&mut self, now: u64) {
        if self.outbound.is_empty() {
            self.write_progress = now;
        }
    }

    fn send(&mut self, pdu: &Pdu) {
        // Nothing that is built here comes near the size that cannot be encoded.
        if let Some(bytes) = pdu.encode() {
            self.outbound.push_pdu(bytes);
        }
    }

    /// Stops reading for good; what is queued is sent, except answers of calls.
    fn poison(&mut self, error: Error, now: u64) {
        self.error.get_or_insert(error);
        self.outbound.drop_calls();
        self.incomplete = None;
        self.incomplete_since = None;
        self.cancel_all();
        self.forget_events();
        self.write_progress = now;
        self.state = if self.outbound.is_empty() { State::Finished } else { State::Poisoned };
    }

    fn nak(&mut self, header: &Header, reason: BindNakReason, error: Error, now: u64) {
        self.send(&Pdu::new(header.call_id, Body::BindNak(BindNak::new(reason))));
        self.poison(error, now);
    }

    /// A fault after which the connection ends.
    fn fatal(
        &mut self,
        call: CallId,
        context: ContextId,
        status: FaultStatus,
        flags: PfcFlags,
        now: u64,
        error: Error,
    ) {
        // What was promised to other calls is dropped; only the fault goes out.
        self.outbound.drop_calls();
        self.send(&Pdu::new(call, Body::Fault(Fault::new(context, 0, status))).with_flags(flags));
        self.poison(error, now);
    }

    fn unexpected(&mut self, header: &Header, now: u64) {
        let packet = header.packet;
        let error = Error::Unexpected { packet, state: "from a client" };
        let flags = PfcFlags::DID_NOT_EXECUTE;
        let status = FaultStatus::PROTOCOL_ERROR;
        self.fatal(header.call_id, ContextId(0), status, flags, now, error);
    }

    /// Takes all steps that the received bytes allow.
    fn drive(&mut self, now: u64, mut groups: Option<&mut AssociationGroups>) {
        self.held = false;
        while !self.held && !matches!(self.state, State::Poisoned | State::Finished) {
            match self.inbound.poll() {
                Ok(Step::Pending) => break,
                Ok(Step::CallHead(head)) => self.call_head(head, now),
                Ok(Step::Head(header)) => self.head(&header, now),
                Ok(Step::Stub(head, buffer)) => {
                    self.end_fragment(&head, buffer, now);
                    self.note_complete();
                }
                Ok(Step::Pdu(header, pdu)) => {
                    self.pdu(&header, &pdu, now, groups.as_deref_mut());
                    self.note_complete();
                }
                // The stream cannot be followed, so no answer would be understood.
                Err(error) => self.poison(error, now),
            }
        }
        let partial = !self.held && (self.inbound.is_partial() || self.incomplete.is_some());
        match partial {
            true => _ = self.incomplete_since.get_or_insert(now),
            false => self.incomplete_since = None,
        }
    }

    /// A PDU is complete: what follows has its own time.
    fn note_complete(&mut self) {
        if self.incomplete.is_none() {
            self.incomplete_since = None;
        }
    }

    /// Decides about a PDU that is not a plain request before its body is read.
    fn head(&mut self, header: &Header, now: u64) {
        let oversized = match header.packet {
            PacketType::BIND | PacketType::ALTER_CONTEXT => false,
            PacketType::AUTH3 => header.frag_length > limits::AUTH3_MAX,
            _ => header.frag_length > self.transport_max(),
        };
        if self.state == State::Accepted && header.packet != PacketType::BIND {
            self.not_bound(header, now);
        } else if oversized {
            let error = Error::Limit { what: "bytes in a PDU", limit: self.transport_max().into() };
            let status = FaultStatus::PROTOCOL_ERROR;
            self.fatal(header.call_id, ContextId(0), status, PfcFlags::default(), now, error);
        } else {
            self.inbound.expect_pdu(*header);
        }
    }

    fn not_bound(&mut self, header: &Header, now: u64) {
        let error = Error::Unexpected { packet: header.packet, state: "before the bind" };
        if matches!(
            header.packet,
            PacketType::REQUEST
                | PacketType::ALTER_CONTEXT
                | PacketType::AUTH3
                | PacketType::CO_CANCEL
                | PacketType::ORPHANED
        ) {
            self.nak(header, BindNakReason::PROTOCOL_VERSION_NOT_SUPPORTED, error, now);
        } else {
            self.poison(error, now);
        }
    }

    fn pdu(
        &mut self,
        header: &Header,
        bytes: &[u8],
        now: u64,
        groups: Option<&mut AssociationGroups>,
    ) {
        match header.packet {
            PacketType::BIND => self.bind(header, bytes, now, groups),
            PacketType::ALTER_CONTEXT => self.alter(header, bytes, now),
            PacketType::AUTH3 => {
                // No exchange can have begun: no mechanism is offered on this transport.
                let error = Error::Unexpected {
                    packet: header.packet,
                    state: "without an authentication that waits for it",
                };
                let flags = PfcFlags::DID_NOT_EXECUTE;
                let status = FaultStatus::PROTOCOL_ERROR;
                self.fatal(header.call_id, ContextId(0), status, flags, now, error);
            }
            PacketType::REQUEST => self.odd_request(header, bytes, now),
            PacketType::CO_CANCEL => self.co_cancel(header.call_id),
            PacketType::ORPHANED => self.orphaned(header.call_id),
            _ => self.unexpected(header, now),
        }
    }
}

impl fmt::Debug for ServerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConnection")
            .field("state", &self.state)
            .field("group", &self.group)
            .field("executing", &self.executing.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
