//! Cutting the byte stream into PDUs, without copying stub data.
//!
//! ```text
//! Idle --24 bytes--> head known --+-- stub fragment: body straight into a call's buffer --> Stub
//!                                 +-- anything else: body collected                     --> Pdu
//! ```
//!
//! A head is the common header and, for requests and responses, the 8 bytes before the stub. The
//! owner decides where the body goes ([`Inbound::expect_stub`], [`Inbound::expect_pdu`]), or leaves
//! the head where it is: then nothing more is read, which holds the peer back.
//!
//! While a body is being received, the transport may fill the next head in the same system call:
//! [`Inbound::buffers`] hands out both places.

use alloc::vec;
use alloc::vec::Vec;

use crate::error::Error;
use crate::limits::{CALL_HEADER, COMMON_HEADER};
use crate::pdu::{Header, PacketType, PfcFlags};
use crate::stub_buffer::StubBuffer;

/// The head of a request or response without verifier and object UUID.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallHead {
    pub(crate) header: Header,
    pub(crate) alloc_hint: u32,
    pub(crate) context: u16,
    /// opnum of a request; cancel_count and a reserved byte of a response.
    pub(crate) word: [u8; 2],
}

impl CallHead {
    /// Bytes of stub data in this fragment.
    pub(crate) fn stub_len(&self) -> usize {
        usize::from(self.header.frag_length).saturating_sub(CALL_HEADER)
    }

    pub(crate) fn opnum(&self) -> u16 {
        self.header.drep.u16(self.word)
    }
}

/// What the bytes so far amount to.
pub(crate) enum Step {
    /// Nothing yet.
    Pending,
    /// The head of a stub fragment: answer with one of the `expect_` functions.
    CallHead(CallHead),
    /// The head of another PDU: answer with [`Inbound::expect_pdu`].
    Head(Header),
    /// A fragment is complete.
    Stub(CallHead, StubBuffer),
    /// A PDU is complete.
    Pdu(Header, Vec<u8>),
}

enum State {
    Idle,
    Stub { head: CallHead, buffer: StubBuffer, missing: usize },
    Pdu { header: Header, pdu: Vec<u8>, filled: usize },
}

pub(crate) struct Inbound {
    head: [u8; CALL_HEADER],
    filled: usize,
    state: State,
}

impl Inbound {
    pub(crate) const fn new() -> Self {
        Self { head: [0; CALL_HEADER], filled: 0, state: State::Idle }
    }

    /// Whether a PDU was begun and is not complete.
    pub(crate) fn is_partial(&self) -> bool {
        self.filled > 0 || !matches!(self.state, State::Idle)
    }

    /// Where the next bytes belong: first the one, then the other place. Both are empty only
    /// while a head waits for the owner's decision.
    pub(crate) fn buffers(&mut self) -> [&mut [u8]; 2] {
        let head = self.head.get_mut(self.filled..).unwrap_or_default();
        match &mut self.state {
            State::Idle => [head, &mut []],
            State::Stub { buffer, missing, .. } => [buffer.spare(*missing), head],
            State::Pdu { pdu, filled, .. } => [pdu.get_mut(*filled..).unwrap_or_default(), head],
        }
    }

    /// Notes that `count` bytes were written to [`Self::buffers`].
    pub(crate) fn received(&mut self, count: usize) {
        let rest = match &mut self.state {
            State::Idle => count,
            State::Stub { buffer, missing, .. } => {
                let body = count.min(*missing);
                buffer.advance(body);
                *missing = missing.saturating_sub(body);
                count.saturating_sub(body)
            }
            State::Pdu { pdu, filled, .. } => {
                let body = count.min(pdu.len().saturating_sub(*filled));
                *filled = filled.saturating_add(body);
                count.saturating_sub(body)
            }
        };
        self.filled = self.filled.saturating_add(rest).min(self.head.len());
    }

    /// The next step. Heads are returned again until the owner has answered.
    ///
    /// # Errors
    /// As [`Header::parse`]: the stream cannot be followed any further.
    pub(crate) fn poll(&mut self) -> Result<Step, Error> {
        let complete = match &self.state {
            State::Idle => return self.poll_head(),
            State::Stub { missing, .. } => *missing == 0,
            State::Pdu { pdu, filled, .. } => *filled == pdu.len(),
        };
        if !complete {
            return Ok(Step::Pending);
        }
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Idle => Ok(Step::Pending),
            State::Stub { head, buffer, .. } => Ok(Step::Stub(head, buffer)),
            State::Pdu { header, pdu, .. } => Ok(Step::Pdu(header, pdu)),
        }
    }

    fn poll_head(&self) -> Result<Step, Error> {
        if self.filled < COMMON_HEADER {
            return Ok(Step::Pending);
        }
        let Some(common) = self.head.first_chunk() else { return Ok(Step::Pending) };
        let header = Header::parse(common)?;
        let plain = matches!(header.packet, PacketType::REQUEST | PacketType::RESPONSE)
            && header.auth_length == 0
            && !header.flags.has(PfcFlags::OBJECT_UUID)
            && usize::from(header.frag_length) >= CALL_HEADER;
        if !plain {
            return Ok(Step::Head(header));
        }
        if self.filled < CALL_HEADER {
            return Ok(Step::Pending);
        }
        let [.., h0, h1, h2, h3, c0, c1, w0, w1] = self.head;
        Ok(Step::CallHead(CallHead {
            header,
            alloc_hint: header.drep.u32([h0, h1, h2, h3]),
            context: header.drep.u16([c0, c1]),
            word: [w0, w1],
        }))
    }

    /// The stub of the fragment with this head goes to the end of `buffer`.
    pub(crate) fn expect_stub(&mut self, head: CallHead, buffer: StubBuffer) {
        self.filled = 0;
        self.state = State::Stub { head, buffer, missing: head.stub_len() };
    }

    /// The PDU with this header is collected as a whole.
    pub(crate) fn expect_pdu(&mut self, header: Header) {
        let mut pdu = vec![0; usize::from(header.frag_length)];
        let taken = self.filled.min(pdu.len());
        let (begin, next) = self.head.split_at_mut(taken);
        if let Some(start) = pdu.get_mut(..taken) {
            start.copy_from_slice(begin);
        }
        // Bytes behind a short PDU begin the next head.
        let left = self.filled.saturating_sub(taken);
        let mut moved = [0; CALL_HEADER];
        if let (Some(to), Some(from)) = (moved.get_mut(..left), next.get(..left)) {
            to.copy_from_slice(from);
        }
        self.head = moved;
        self.filled = left;
        self.state = State::Pdu { header, pdu, filled: taken };
    }
}
