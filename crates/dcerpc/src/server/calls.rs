//! Requests: reassembly, cancel, orphan.
//!
//! ```text
//! fragment            condition                                 answer
//! any                 longer than the transport allows          fault PROTOCOL_ERROR, end
//! FIRST               another call is incomplete                fault PROTOCOL_ERROR, end
//! FIRST               a call executes, no multiplexing          fault PROTOCOL_ERROR, end
//! FIRST               PENDING_CANCEL                            fault NO_CALL_ACTIVE, end
//! FIRST               call id of a running call                 fault PROTOCOL_ERROR, end
//! FIRST               too many calls execute                    wait
//! FIRST or not        unknown presentation context              fault UNKNOWN_INTERFACE
//! not FIRST           its call is not incomplete                fault PROTOCOL_ERROR, end
//! not FIRST           other data representation than before     fault PROTOCOL_ERROR, end
//! any                 verifier                                  fault SEC_PKG_ERROR, end
//! any                 more stub than a request may have         fault ACCESS_DENIED, end
//! LAST                                                          execute
//! ```
//!
//! Operation and presentation context of later fragments are ignored, as Windows does.
//!
//! Source: C706 12.6.4.9; [MS-RPCE] 3.3.3.5; assertions of Samba's raw protocol tests, measured
//! against Windows Server 2012 R2.

use bytes::Bytes;

use crate::error::Error;
use crate::fault::FaultStatus;
use crate::inbound::CallHead;
use crate::pdu::{Body, Fault, Header, PacketType, Pdu, PfcFlags};
use crate::server::{Call, CancelFlag, Event, ServerConnection, State};
use crate::stub_buffer::StubBuffer;
use crate::{CallId, ContextId, DataRepresentation, FEATURE_KEEP_CONNECTION_ON_ORPHAN, limits};

/// A call whose last fragment has not come.
pub(super) struct Incomplete {
    id: CallId,
    context: ContextId,
    opnum: u16,
    drep: DataRepresentation,
    /// Taken while a fragment is being received.
    buffer: Option<StubBuffer>,
    fragments: u32,
    empty: u32,
    cancelled: bool,
    orphaned: bool,
    /// The nil object is no object; any other is unknown to every interface here.
    has_object: bool,
}

/// A call that was handed out.
pub(super) struct Executing {
    pub(super) context: ContextId,
    pub(super) cancel: CancelFlag,
    pub(super) cancel_count: u8,
    pub(super) orphaned: bool,
}

/// What the head of a request fragment leads to.
enum Verdict {
    /// Its stub belongs to the incomplete call.
    Accept,
    /// It is read and dropped.
    Skip,
    /// Not now.
    Hold,
    /// The connection has ended.
    Ended,
}

impl ServerConnection {
    /// The head of a request (or, from a client that breaks the protocol, response) has come.
    pub(super) fn call_head(&mut self, head: CallHead, now: u64) {
        if self.state == State::Accepted {
            return self.not_bound(&head.header, now);
        }
        if head.header.packet != PacketType::REQUEST {
            return self.unexpected(&head.header, now);
        }
        match self.judge(&head, false, now) {
            Verdict::Accept => {
                let buffer = self.incomplete.as_mut().and_then(|call| call.buffer.take());
                let buffer = buffer.unwrap_or_else(|| {
                    let hint = usize::try_from(head.alloc_hint).unwrap_or(usize::MAX);
                    self.pool.take(hint.min(limits::REQUEST_HINT_MAX).max(head.stub_len()))
                });
                self.inbound.expect_stub(head, buffer);
            }
            Verdict::Skip => self.inbound.expect_pdu(head.header),
            Verdict::Hold => self.held = true,
            Verdict::Ended => {}
        }
    }

    /// A fragment's stub is complete.
    pub(super) fn end_fragment(&mut self, head: &CallHead, buffer: StubBuffer, now: u64) {
        let Some(call) = &mut self.incomplete else { return };
        call.buffer = Some(buffer);
        if head.header.flags.has(PfcFlags::LAST) {
            self.execute(now);
        }
    }

    /// A request that was collected as a whole: skipped, or with object UUID or verifier.
    pub(super) fn odd_request(&mut self, header: &Header, bytes: &[u8], now: u64) {
        if header.auth_length > 0 {
            let error = Error::Violation("a verifier on a connection without authentication");
            let status = FaultStatus::SEC_PKG_ERROR;
            return self.fatal_call(header.call_id, status, now, error);
        }
        if !header.flags.has(PfcFlags::OBJECT_UUID) {
            // Too short for a request, or skipped when its head was judged.
            if usize::from(header.frag_length) < limits::CALL_HEADER {
                let error = Error::Malformed { packet: header.packet, what: "no place for a stub" };
                self.fatal_call(header.call_id, FaultStatus::PROTOCOL_ERROR, now, error);
            }
            return;
        }
        let request = match Pdu::parse(bytes) {
            Ok(Pdu { body: Body::Request(request), .. }) => request,
            Ok(_) => return,
            Err(error) => {
                return self.fatal_call(header.call_id, FaultStatus::PROTOCOL_ERROR, now, error);
            }
        };
        let head = CallHead {
            // As if the fragment had been sent without the object.
            header: Header {
                frag_length: header.frag_length.saturating_sub(OBJECT_UUID_SIZE),
                ..*header
            },
            alloc_hint: request.alloc_hint,
            context: request.context.0,
            word: match header.drep {
                DataRepresentation::LittleEndian => request.opnum.to_le_bytes(),
                DataRepresentation::BigEndian => request.opnum.to_be_bytes(),
            },
        };
        if let Verdict::Accept = self.judge(&head, true, now) {
            let Some(call) = &mut self.incomplete else { return };
            call.has_object |= request.object.is_some_and(|object| !object.is_nil());
            let mut buffer = match call.buffer.take() {
                Some(buffer) => buffer,
                None => self.pool.take(request.stub.len()),
            };
            buffer.extend_from_slice(&request.stub);
            self.end_fragment(&head, buffer, now);
        }
    }

    /// The client wants a call to end early. Calls that are not alive are ignored.
    pub(super) fn co_cancel(&mut self, id: CallId) {
        if let Some(call) = self.incomplete.as_mut().filter(|call| call.id == id) {
            call.cancelled = true;
        }
        if let Some(call) = self.executing.get_mut(&id) {
            call.cancel_count = call.cancel_count.saturating_add(1);
            call.cancel.set();
            self.events.push_back(Event::Cancelled(id));
        }
    }

    /// The client has lost interest in a call.
    pub(super) fn orphaned(&mut self, id: CallId) {
        if let Some(call) = self.incomplete.as_mut().filter(|call| call.id == id) {
            call.orphaned = true;
        }
        if let Some(call) = self.executing.get_mut(&id) {
            call.orphaned = true;
            call.cancel.set();
            self.events.push_back(Event::Orphaned(id));
        }
        if self.keeps_connection_on_orphan() {
            self.outbound.take_back(id);
        }
    }

    pub(super) fn keeps_connection_on_orphan(&self) -> bool {
        self.features & FEATURE_KEEP_CONNECTION_ON_ORPHAN != 0
    }

    /// A fault about a call that breaks the protocol, after which the connection ends.
    fn fatal_call(&mut self, call: CallId, status: FaultStatus, now: u64, error: Error) {
        self.fatal(call, ContextId(0), status, PfcFlags::default(), now, error);
    }

    /// Compares a request fragment with the table of this module's documentation. `whole` says
    /// that its bytes are here already, so that it can no longer be held.
    fn judge(&mut self, head: &CallHead, whole: bool, now: u64) -> Verdict {
        let id = head.header.call_id;
        if head.header.frag_length > self.transport_max() {
            let limit = self.transport_max().into();
            let error = Error::Limit { what: "bytes in a fragment", limit };
            self.fatal_call(id, FaultStatus::PROTOCOL_ERROR, now, error);
            return Verdict::Ended;
        }
        let context = ContextId(head.context);
        let first = head.header.flags.has(PfcFlags::FIRST);
        if first && let Some((call, status, rule)) = self.forbidden_first(head) {
            let flags = match status {
                FaultStatus::NO_CALL_ACTIVE => PfcFlags::DID_NOT_EXECUTE,
                _ => PfcFlags::default(),
            };
            self.fatal(call, context, status, flags, now, Error::Violation(rule));
            return Verdict::Ended;
        }
        let continues = self.incomplete.as_ref().is_some_and(|call| call.id == id);
        if !continues && !self.contexts.contains_key(&context) {
            self.not_executed(id, context, FaultStatus::UNKNOWN_INTERFACE, now);
            return Verdict::Skip;
        }
        if first {
            if self.state == State::Draining {
                self.not_executed(id, context, FaultStatus::SERVER_UNAVAILABLE, now);
                return Verdict::Skip;
            }
            let busy = self.executing.len().saturating_add(self.outbound.calls());
            if !whole && busy >= limits::EXECUTING_PER_CONNECTION {
                return Verdict::Hold;
            }
            self.incomplete = Some(Incomplete::new(head));
        }
        match self.later(head) {
            Ok(()) => Verdict::Accept,
            Err((status, error)) => {
                self.fatal(id, context, status, PfcFlags::default(), now, error);
                Verdict::Ended
            }
        }
    }

    /// Why a first fragment may not come now: the call to fault, the status, the rule.
    fn forbidden_first(&self, head: &CallHead) -> Option<(CallId, FaultStatus, &'static str)> {
        let id = head.header.call_id;
        let protocol = FaultStatus::PROTOCOL_ERROR;
        if let Some(call) = &self.incomplete {
            let blamed = if self.multiplexed { id } else { call.id };
            return Some((blamed, protocol, "a call begins inside another one"));
        }
        if !self.executing.is_empty() && !self.multiplexed {
            return Some((id, protocol, "a call begins while another one executes"));
        }
        if head.header.flags.has(PfcFlags::PENDING_CANCEL) {
            return Some((id, FaultStatus::NO_CALL_ACTIVE, "a call begins cancelled"));
        }
        if self.executing.contains_key(&id) {
            return Some((id, protocol, "a call has the number of a running one"));
        }
        None
    }

    /// Checks a fragment against its call.
    fn later(&mut self, head: &CallHead) -> Result<(), (FaultStatus, Error)> {
        let max = self.config.max_request;
        let header = &head.header;
        let call = self.incomplete.as_mut().filter(|call| call.id == header.call_id).ok_or((
            FaultStatus::PROTOCOL_ERROR,
            Error::Violation("a fragment of a call that did not begin"),
        ))?;
        if call.drep != header.drep {
            let error = Error::Violation("a request changes its data representation");
            return Err((FaultStatus::PROTOCOL_ERROR, error));
        }
        let denied = |what, limit| (FaultStatus::ACCESS_DENIED, Error::Limit { what, limit });
        let last = header.flags.has(PfcFlags::LAST);
        let filled = call.buffer.as_ref().map_or(0, StubBuffer::len);
        let hint = match last {
            true => 0,
            false => usize::try_from(head.alloc_hint).unwrap_or(usize::MAX),
        };
        if filled.saturating_add(head.stub_len()) > max || hint > max {
            return Err(denied("bytes in a request", u64::try_from(max).unwrap_or(u64::MAX)));
        }
        call.fragments += 1;
        if call.fragments > limits::FRAGMENTS_PER_CALL {
            return Err(denied("fragments in a request", limits::FRAGMENTS_PER_CALL.into()));
        }
        if head.stub_len() == 0 && !header.flags.has(PfcFlags::WHOLE) {
            call.empty += 1;
            if call.empty > limits::EMPTY_FRAGMENTS_PER_CALL {
                let limit = limits::EMPTY_FRAGMENTS_PER_CALL.into();
                return Err(denied("empty fragments in a request", limit));
            }
        }
        Ok(())
    }

    /// Hands the incomplete call out, now that it is complete.
    fn execute(&mut self, now: u64) {
        let Some(mut call) = self.incomplete.take() else { return };
        let stub = call.buffer.take().map_or_else(Bytes::new, |buffer| self.pool.finish(buffer));
        let Some(&interface) = self.contexts.get(&call.context) else { return };
        if call.has_object {
            self.not_executed(call.id, call.context, FaultStatus::UNSUPPORTED_TYPE, now);
            return;
        }
        let cancel = CancelFlag::new();
        if call.cancelled || call.orphaned {
            cancel.set();
        }
        self.executing.insert(
            call.id,
            Executing {
                context: call.context,
                cancel: cancel.clone(),
                cancel_count: u8::from(call.cancelled),
                orphaned: call.orphaned,
            },
        );
        self.events.push_back(Event::Call(Call {
            id: call.id,
            interface,
            opnum: call.opnum,
            stub,
            drep: call.drep,
            cancel,
        }));
    }

    /// A fault for a call that was not handed out; the connection stays.
    fn not_executed(&mut self, id: CallId, context: ContextId, status: FaultStatus, now: u64) {
        self.note_write(now);
        let pdu = Pdu::new(id, Body::Fault(Fault::new(context, 0, status)));
        self.send(&pdu.with_flags(PfcFlags::DID_NOT_EXECUTE));
    }
}

impl Incomplete {
    fn new(head: &CallHead) -> Self {
        Self {
            id: head.header.call_id,
            context: ContextId(head.context),
            opnum: head.opnum(),
            drep: head.header.drep,
            buffer: None,
            fragments: 0,
            empty: 0,
            cancelled: false,
            orphaned: false,
            has_object: false,
        }
    }
}

const OBJECT_UUID_SIZE: u16 = 16;
