//! The client's side of a connection.
//!
//! ```text
//! Fresh --bind--> Binding --bind_ack--> Bound --alter--> Binding --alter_resp--> Bound
//!                    |                    |
//!                    +-- bind_nak, fault  +-- protocol error, fatal fault --> Failed
//! ```
//!
//! Calls are started with [`ClientConnection::call`] and answered by events, in any order if the
//! server has granted multiplexing; otherwise they wait here for each other. Whatever the peer
//! does, memory is bounded by the calls in flight: the answer to a call that was never made, or
//! was given up, is read and dropped.
//!
//! Source: C706 9.3.3 (client state machines), 12.6.4; [MS-RPCE] 3.3.2.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use bytes::Bytes;

use crate::error::Error;
use crate::fault::FaultStatus;
use crate::inbound::{CallHead, Inbound, Step};
use crate::outbound::{Outbound, Outgoing};
use crate::pdu::{
    Bind, BindAck, Body, ContextElement, Fault, Header, PacketType, Pdu, PfcFlags,
    RESULT_ACCEPTANCE, RESULT_NEGOTIATE_ACK,
};
use crate::stub_buffer::{StubBuffer, StubPool};
use crate::{
    CallId, ContextId, DataRepresentation, FEATURE_KEEP_CONNECTION_ON_ORPHAN,
    FEATURE_SECURITY_CONTEXT_MULTIPLEXING, Interface, SyntaxId, limits,
};

/// What a client wants from a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Fragment size to offer, bytes; [`limits::FRAGMENT_LARGE`] is understood by our own servers
    /// and answered with 5840 by others.
    pub max_fragment: u16,
    /// Largest reassembled answer, bytes.
    pub max_response: usize,
    /// The association group to join; 0 for a new one.
    pub association_group: u32,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            max_fragment: limits::FRAGMENT_LARGE,
            max_response: limits::RESPONSE_STUB_MAX,
            association_group: 0,
        }
    }
}

/// What happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The server serves the interface of this context.
    Accepted {
        /// The context.
        context: ContextId,
    },
    /// The server does not serve the interface of this context.
    Rejected {
        /// The context.
        context: ContextId,
        /// One of the `RESULT_` values of [`crate::pdu`].
        result: u16,
        /// One of the `REASON_` values of [`crate::pdu`].
        reason: u16,
    },
    /// A call has completed.
    Response {
        /// The call.
        call: CallId,
        /// Its output parameters.
        stub: Bytes,
        /// How their numbers are written.
        drep: DataRepresentation,
    },
    /// A call has ended in a fault.
    Fault {
        /// The call.
        call: CallId,
        /// What went wrong.
        status: FaultStatus,
        /// Whether the server says that it did not even begin.
        did_not_execute: bool,
    },
    /// The server wants the connection to end: no new calls.
    Shutdown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Fresh,
    /// A bind or alter_context is being answered.
    Binding {
        call: CallId,
        context: ContextId,
        alter: bool,
    },
    Bound,
    Failed(Error),
}

/// A call that was started.
struct Pending {
    context: ContextId,
    buffer: Option<StubBuffer>,
    drep: DataRepresentation,
    fragments: u32,
    empty: u32,
    /// Given up: what comes is dropped.
    abandoned: bool,
}

/// The machine. See the [module's documentation](self).
pub struct ClientConnection {
    config: ClientConfig,
    inbound: Inbound,
    outbound: Outbound,
    state: State,
    contexts: BTreeMap<ContextId, bool>,
    calls: BTreeMap<CallId, Pending>,
    /// Calls that wait because the server takes one at a time.
    waiting: VecDeque<Outgoing>,
    events: VecDeque<Event>,
    pool: StubPool,
    next_call: u32,
    next_context: u16,
    max_xmit: u16,
    multiplexed: bool,
    features: u64,
    group: u32,
    unmatched: u32,
    shutting_down: bool,
}

impl ClientConnection {
    /// A connection on which nothing has happened.
    pub fn new(config: ClientConfig) -> Self {
        Self {
            inbound: Inbound::new(),
            outbound: Outbound::default(),
            state: State::Fresh,
            contexts: BTreeMap::new(),
            calls: BTreeMap::new(),
            waiting: VecDeque::new(),
            events: VecDeque::new(),
            pool: StubPool::new(),
            next_call: 1,
            next_context: 0,
            max_xmit: limits::FRAGMENT_DEFAULT,
            multiplexed: false,
            features: 0,
            group: config.association_group,
            unmatched: 0,
            shutting_down: false,
            config,
        }
    }

    /// Asks for an interface: bind at first, alter_context later. One at a time; the answer is
    /// [`Event::Accepted`] or [`Event::Rejected`].
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] while another one is being answered or there are too many;
    /// the connection's own error if it has failed.
    pub fn bind(&mut self, interface: Interface) -> Result<ContextId, Error> {
        let alter = match &self.state {
            State::Fresh => false,
            State::Bound => true,
            State::Binding { .. } => {
                return Err(Error::ApiMisuse("the previous bind is not answered yet"));
            }
            State::Failed(error) => return Err(error.clone()),
        };
        if self.contexts.len() >= limits::CONTEXTS_PER_CONNECTION {
            return Err(Error::ApiMisuse("too many interfaces on one connection"));
        }
        let context = self.new_context();
        let mut contexts = Vec::from([ContextElement {
            id: context,
            abstract_syntax: interface.into(),
            transfer_syntaxes: Vec::from([SyntaxId::ndr20()]),
        }]);
        if !alter {
            let wanted = FEATURE_SECURITY_CONTEXT_MULTIPLEXING | FEATURE_KEEP_CONNECTION_ON_ORPHAN;
            contexts.push(ContextElement {
                id: self.new_context(),
                abstract_syntax: interface.into(),
                transfer_syntaxes: Vec::from([SyntaxId::bind_time_features(wanted)]),
            });
        }
        let bind = Bind {
            max_xmit_frag: self.config.max_fragment,
            max_recv_frag: self.config.max_fragment,
            assoc_group_id: self.group,
            contexts,
        };
        let body = if alter { Body::AlterContext(bind) } else { Body::Bind(bind) };
        let call = self.new_call();
        self.send(&Pdu::new(call, body).with_flags(PfcFlags::CONC_MPX));
        self.state = State::Binding { call, context, alter };
        Ok(context)
    }

    /// Starts a call. The stub is not copied.
    ///
    /// # Errors
    /// [`Error::NotBound`]; [`Error::Limit`] if too many calls are in flight; [`Error::Closed`]
    /// after [`Event::Shutdown`]; the connection's own error if it has failed.
    pub fn call(&mut self, context: ContextId, opnum: u16, stub: Bytes) -> Result<CallId, Error> {
        if let State::Failed(error) = &self.state {
            return Err(error.clone());
        }
        if self.shutting_down {
            return Err(Error::Closed);
        }
        if self.contexts.get(&context) != Some(&true) {
            return Err(Error::NotBound(context));
        }
        if self.calls.len() >= limits::CALLS_PER_CLIENT {
            let limit = limits::CALLS_PER_CLIENT.try_into().unwrap_or(u64::MAX);
            return Err(Error::Limit { what: "calls in flight", limit });
        }
        let call = self.new_call();
        let outgoing = Outgoing {
            packet: PacketType::REQUEST,
            flags: PfcFlags::default(),
            call,
            context,
            word: opnum.to_le_bytes(),
            stub,
        };
        if self.calls.is_empty() || self.multiplexed {
            self.outbound.push_call(&outgoing, self.max_xmit);
        } else {
            self.waiting.push_back(outgoing);
        }
        self.calls.insert(call, Pending::new(context));
        Ok(call)
    }

    /// Asks the server to end a call early. The call still completes, normally or with
    /// [`FaultStatus::CANCEL`].
    ///
    /// # Errors
    /// [`Error::NoSuchCall`].
    pub fn cancel(&mut self, call: CallId) -> Result<(), Error> {
        self.notify(call, Body::CoCancel)
    }

    /// Tells the server that nobody waits for a call any more; there will be no event for it.
    ///
    /// # Errors
    /// [`Error::NoSuchCall`].
    pub fn orphan(&mut self, call: CallId) -> Result<(), Error> {
        self.notify(call, Body::Orphaned)?;
        self.abandon(call);
        Ok(())
    }

    /// Gives up a call: asks the server to end it early and drops its answer.
    ///
    /// # Errors
    /// [`Error::NoSuchCall`].
    pub fn discard(&mut self, call: CallId) -> Result<(), Error> {
        self.notify(call, Body::CoCancel)?;
        self.abandon(call);
        Ok(())
    }

    /// What happened next, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Where the transport puts the next bytes: first the one, then the other place.
    pub fn recv_buffers(&mut self) -> [&mut [u8]; 2] {
        self.inbound.buffers()
    }

    /// Notes that `count` bytes were received into [`Self::recv_buffers`].
    ///
    /// # Errors
    /// What the peer did wrong. The connection has failed and must be closed; events that came
    /// before are still there.
    pub fn received(&mut self, count: usize) -> Result<(), Error> {
        if let State::Failed(error) = &self.state {
            return Err(error.clone());
        }
        self.inbound.received(count);
        loop {
            let done = self.step();
            match done {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => {
                    self.state = State::Failed(error.clone());
                    return Err(error);
                }
            }
        }
    }

    /// The bytes to send, in order.
    pub fn output(&self) -> impl Iterator<Item = &[u8]> {
        self.outbound.slices()
    }

    /// Whether there are bytes to send.
    pub fn wants_write(&self) -> bool {
        !self.outbound.is_empty()
    }

    /// Notes that the first `count` bytes of [`Self::output`] were sent.
    pub fn written(&mut self, count: usize) {
        self.outbound.written(count);
    }

    /// Whether the server takes several calls at a time.
    pub fn is_multiplexed(&self) -> bool {
        self.multiplexed
    }

    /// The association group; 0 before the bind is answered.
    pub fn association_group(&self) -> u32 {
        self.group
    }

    /// The fragment size that was agreed, bytes.
    pub fn max_fragment(&self) -> u16 {
        self.max_xmit
    }

    /// Calls that were started and have not completed, those given up included.
    pub fn in_flight(&self) -> usize {
        self.calls.len()
    }

    /// Whether an event will come for this call.
    pub fn is_pending(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|pending| !pending.abandoned)
    }

    /// Why the connection has failed, if it has.
    pub fn failure(&self) -> Option<&Error> {
        match &self.state {
            State::Failed(error) => Some(error),
            _ => None,
        }
    }

    fn new_context(&mut self) -> ContextId {
        let id = ContextId(self.next_context);
        self.next_context = self.next_context.wrapping_add(1);
        id
    }

    fn new_call(&mut self) -> CallId {
        loop {
            let id = CallId(self.next_call);
            self.next_call = self.next_call.wrapping_add(1);
            if !self.calls.contains_key(&id) {
                return id;
            }
        }
    }

    fn send(&mut self, pdu: &Pdu) {
        // Nothing that is built here comes near the size that cannot be encoded.
        if let Some(bytes) = pdu.encode() {
            self.outbound.push_pdu(bytes);
        }
    }

    fn notify(&mut self, call: CallId, body: Body) -> Result<(), Error> {
        if !self.calls.contains_key(&call) {
            return Err(Error::NoSuchCall(call));
        }
        // A call that the server has not heard of needs no word about its end.
        if !self.waiting.iter().any(|one| one.call == call) {
            self.send(&Pdu::new(call, body));
        }
        Ok(())
    }

    fn abandon(&mut self, call: CallId) {
        let waiting = self.waiting.len();
        self.waiting.retain(|one| one.call != call);
        if self.waiting.len() != waiting {
            self.calls.remove(&call);
        } else if let Some(pending) = self.calls.get_mut(&call) {
            pending.abandoned = true;
            pending.buffer = None;
        }
    }

    /// One step of what was received; false if more bytes are needed.
    fn step(&mut self) -> Result<bool, Error> {
        match self.inbound.poll()? {
            Step::Pending => return Ok(false),
            Step::Head(header) => {
                self.admit(&header)?;
                self.inbound.expect_pdu(header);
            }
            Step::CallHead(head) => {
                self.admit(&head.header)?;
                match self.begin_fragment(&head)? {
                    Some(buffer) => self.inbound.expect_stub(head, buffer),
                    None => self.inbound.expect_pdu(head.header),
                }
            }
            Step::Stub(head, buffer) => self.end_fragment(&head, buffer),
            Step::Pdu(header, pdu) => self.pdu(&header, &pdu)?,
        }
        Ok(true)
    }

    /// Whether a PDU of this type may come now.
    fn admit(&self, header: &Header) -> Result<(), Error> {
        let packet = header.packet;
        let expected = match packet {
            PacketType::BIND_ACK | PacketType::BIND_NAK => {
                matches!(self.state, State::Binding { alter: false, .. })
            }
            PacketType::ALTER_CONTEXT_RESP => {
                matches!(self.state, State::Binding { alter: true, .. })
            }
            PacketType::FAULT => matches!(self.state, State::Binding { .. } | State::Bound),
            PacketType::RESPONSE | PacketType::SHUTDOWN => {
                matches!(self.state, State::Binding { alter: true, .. } | State::Bound)
            }
            _ => false,
        };
        if expected {
            Ok(())
        } else {
            let state = match self.state {
                State::Fresh => "before the bind",
                State::Binding { .. } => "while a bind is being answered",
                State::Bound | State::Failed(_) => "on a bound connection",
            };
            Err(Error::Unexpected { packet, state })
        }
    }

    /// Checks a response fragment and finds the buffer for its stub; `None` to drop it.
    fn begin_fragment(&mut self, head: &CallHead) -> Result<Option<StubBuffer>, Error> {
        let header = &head.header;
        if header.frag_length > self.config.max_fragment {
            let limit = self.config.max_fragment.into();
            return Err(Error::Limit { what: "bytes in a fragment", limit });
        }
        let Some(call) = self.calls.get_mut(&header.call_id) else {
            return self.unmatched().map(|()| None);
        };
        call.fragment(head, self.config.max_response)?;
        if call.abandoned {
            if header.flags.has(PfcFlags::LAST) {
                self.complete(header.call_id);
            }
            return Ok(None);
        }
        let call_buffer = call.buffer.take();
        Ok(Some(call_buffer.unwrap_or_else(|| {
            let hint = usize::try_from(head.alloc_hint).unwrap_or(usize::MAX);
            self.pool.take(hint.min(self.config.max_response).max(head.stub_len()))
        })))
    }

    fn end_fragment(&mut self, head: &CallHead, buffer: StubBuffer) {
        let id = head.header.call_id;
        let Some(call) = self.calls.get_mut(&id) else { return };
        let last = head.header.flags.has(PfcFlags::LAST);
        if call.abandoned {
            // Given up while this fragment was on its way.
        } else if last {
            let stub = self.pool.finish(buffer);
            let drep = head.header.drep;
            self.events.push_back(Event::Response { call: id, stub, drep });
        } else {
            call.buffer = Some(buffer);
        }
        if last {
            self.complete(id);
        }
    }

    /// An answer to nothing: tolerated a few times.
    fn unmatched(&mut self) -> Result<(), Error> {
        self.unmatched += 1;
        if self.unmatched > limits::UNMATCHED_RESPONSES {
            let limit = limits::UNMATCHED_RESPONSES.into();
            return Err(Error::Limit { what: "answers to calls that were not made", limit });
        }
        Ok(())
    }

    /// Forgets a call that has ended, and starts the next one that waited for it.
    fn complete(&mut self, call: CallId) {
        self.calls.remove(&call);
        if let Some(next) = self.waiting.pop_front() {
            self.outbound.push_call(&next, self.max_xmit);
        }
    }

    fn pdu(&mut self, header: &Header, bytes: &[u8]) -> Result<(), Error> {
        if header.packet == PacketType::RESPONSE {
            return self.odd_response(header);
        }
        let pdu = Pdu::parse(bytes)?;
        match pdu.body {
            Body::BindAck(ack) => self.bind_ack(header, &ack),
            Body::AlterContextResp(ack) => self.alter_resp(&ack),
            Body::BindNak(nak) => Err(Error::BindNak(nak.reason)),
            Body::Fault(fault) => self.fault(header, &fault),
            Body::Shutdown => {
                self.shutting_down = true;
                self.events.push_back(Event::Shutdown);
                Ok(())
            }
            body => Err(Error::Unexpected { packet: body.packet(), state: "from a server" }),
        }
    }

    /// A response that was not received into a call's buffer: dropped on purpose, or one that
    /// carries what was not negotiated.
    fn odd_response(&self, header: &Header) -> Result<(), Error> {
        if header.auth_length > 0 {
            return Err(Error::Violation("a verifier on a connection without authentication"));
        }
        if header.flags.has(PfcFlags::OBJECT_UUID)
            || usize::from(header.frag_length) < limits::CALL_HEADER
        {
            return Err(Error::Malformed { packet: header.packet, what: "no place for a stub" });
        }
        Ok(())
    }

    fn bind_ack(&mut self, header: &Header, ack: &BindAck) -> Result<(), Error> {
        if ack.max_recv_frag < limits::FRAGMENT_MUST_RECEIVE {
            return Err(Error::Violation("the server's fragments are smaller than 1432 bytes"));
        }
        if ack.assoc_group_id == 0 || (self.group != 0 && self.group != ack.assoc_group_id) {
            return Err(Error::Violation("the server put the connection into a wrong group"));
        }
        self.group = ack.assoc_group_id;
        self.max_xmit = ack.max_recv_frag.min(self.config.max_fragment);
        self.multiplexed = header.flags.has(PfcFlags::CONC_MPX);
        if let Some(features) = ack.results.get(1)
            && features.result == RESULT_NEGOTIATE_ACK
        {
            self.features = features.reason.into();
        }
        self.alter_resp(ack)
    }

    fn alter_resp(&mut self, ack: &BindAck) -> Result<(), Error> {
        let State::Binding { context, .. } = self.state else {
            return Err(Error::Violation("an answer to no bind"));
        };
        let result =
            ack.results.first().ok_or(Error::Violation("the bind's answer has no results"))?;
        let accepted = result.result == RESULT_ACCEPTANCE;
        if accepted && result.transfer_syntax != SyntaxId::ndr20() {
            return Err(Error::Violation("the server chose a transfer syntax not offered"));
        }
        self.contexts.insert(context, accepted);
        self.events.push_back(if accepted {
            Event::Accepted { context }
        } else {
            Event::Rejected { context, result: result.result, reason: result.reason }
        });
        self.state = State::Bound;
        Ok(())
    }

    fn fault(&mut self, header: &Header, fault: &Fault) -> Result<(), Error> {
        if let State::Binding { call, .. } = self.state
            && (call == header.call_id || self.contexts.is_empty())
        {
            return Err(Error::BindFault(fault.status));
        }
        let fatal =
            matches!(fault.status, FaultStatus::PROTOCOL_ERROR | FaultStatus::SEC_PKG_ERROR);
        match self.calls.get(&header.call_id) {
            None => self.unmatched()?,
            Some(call) => {
                if !call.abandoned {
                    self.events.push_back(Event::Fault {
                        call: header.call_id,
                        status: fault.status,
                        did_not_execute: header.flags.has(PfcFlags::DID_NOT_EXECUTE),
                    });
                }
                self.complete(header.call_id);
            }
        }
        if fatal { Err(Error::FatalFault(fault.status)) } else { Ok(()) }
    }

    /// Whether the server may stop in the middle of an orphaned call's answer.
    pub fn keeps_connection_on_orphan(&self) -> bool {
        self.features & FEATURE_KEEP_CONNECTION_ON_ORPHAN != 0
    }
}

impl Pending {
    fn new(context: ContextId) -> Self {
        Self {
            context,
            buffer: None,
            drep: DataRepresentation::LittleEndian,
            fragments: 0,
            empty: 0,
            abandoned: false,
        }
    }

    /// Checks a fragment against those before it.
    fn fragment(&mut self, head: &CallHead, max: usize) -> Result<(), Error> {
        let header = &head.header;
        let first = header.flags.has(PfcFlags::FIRST);
        if first != (self.fragments == 0) {
            return Err(Error::Violation("a response does not begin with its first fragment"));
        }
        if first {
            self.drep = header.drep;
        } else if self.drep != header.drep {
            return Err(Error::Violation("a response changes its data representation"));
        }
        // Some servers send only the low byte of the context.
        if head.context & 0xff != self.context.0 & 0xff {
            return Err(Error::Violation("a response names another presentation context"));
        }
        self.fragments += 1;
        if self.fragments > limits::FRAGMENTS_PER_CALL {
            let limit = limits::FRAGMENTS_PER_CALL.into();
            return Err(Error::Limit { what: "fragments in a response", limit });
        }
        if head.stub_len() == 0 && !header.flags.has(PfcFlags::WHOLE) {
            self.empty += 1;
            if self.empty > limits::EMPTY_FRAGMENTS_PER_CALL {
                let limit = limits::EMPTY_FRAGMENTS_PER_CALL.into();
                return Err(Error::Limit { what: "empty fragments in a response", limit });
            }
        }
        let filled = self.buffer.as_ref().map_or(0, StubBuffer::len);
        if filled.saturating_add(head.stub_len()) > max {
            let limit = u64::try_from(max).unwrap_or(u64::MAX);
            return Err(Error::Limit { what: "bytes in a response", limit });
        }
        Ok(())
    }
}

impl core::fmt::Debug for ClientConnection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ClientConnection")
            .field("state", &self.state)
            .field("group", &self.group)
            .field("calls", &self.calls.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
