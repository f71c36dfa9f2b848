//! What waits to be sent, as a list of slices for one gathering write.
//!
//! A call's stub is cut into fragments without touching its bytes: each fragment is 24 bytes of
//! header and a slice of the stub. All fragments of one call follow each other, as the peer
//! expects. Fragments that were not begun can be taken back.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::limits::CALL_HEADER;
use crate::pdu::{PacketType, PfcFlags};
use crate::{CallId, ContextId, DataRepresentation};

/// Stub data of all fragments but a call's last are a multiple of this: what a signature covers
/// then needs no padding, and servers in the field do the same.
const STUB_GRANULE: usize = 16;

struct Fragment {
    header: Bytes,
    stub: Bytes,
    /// The call whose stub it carries.
    call: Option<CallId>,
    last: bool,
}

/// A call's stub on its way out.
pub(crate) struct Outgoing {
    pub(crate) packet: PacketType,
    pub(crate) flags: PfcFlags,
    pub(crate) call: CallId,
    pub(crate) context: ContextId,
    /// opnum of a request; cancel_count and a reserved byte of a response; as on the wire.
    pub(crate) word: [u8; 2],
    pub(crate) stub: Bytes,
}

#[derive(Default)]
pub(crate) struct Outbound {
    queue: VecDeque<Fragment>,
    /// Bytes of the first fragment that are sent already.
    written: usize,
    /// Calls whose last fragment is in the queue.
    calls: usize,
}

impl Outbound {
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Calls that are not completely sent.
    pub(crate) fn calls(&self) -> usize {
        self.calls
    }

    /// A PDU that is not part of a call's stub.
    pub(crate) fn push_pdu(&mut self, pdu: Vec<u8>) {
        self.queue.push_back(Fragment {
            header: Bytes::from(pdu),
            stub: Bytes::new(),
            call: None,
            last: false,
        });
    }

    /// Cuts a call's stub into fragments of at most `max_fragment` bytes.
    pub(crate) fn push_call(&mut self, outgoing: &Outgoing, max_fragment: u16) {
        let room = usize::from(max_fragment).saturating_sub(CALL_HEADER).max(STUB_GRANULE);
        let room = room / STUB_GRANULE * STUB_GRANULE;
        let total = outgoing.stub.len();
        let count = total.div_ceil(room).max(1);
        let mut headers = Vec::with_capacity(count.saturating_mul(CALL_HEADER));
        for index in 0..count {
            outgoing.write_head(&mut headers, index, count, room);
        }
        let headers = Bytes::from(headers);
        self.queue.reserve(count);
        for index in 0..count {
            let head = index * CALL_HEADER;
            let stub = index * room;
            self.queue.push_back(Fragment {
                header: headers.slice(head..head + CALL_HEADER),
                stub: outgoing.stub.slice(stub..(stub + room).min(total)),
                call: Some(outgoing.call),
                last: index + 1 == count,
            });
        }
        self.calls += 1;
    }

    /// Takes back the fragments of a call that were not begun. The one that was begun is sent to
    /// its end, which the peer drops.
    pub(crate) fn take_back(&mut self, call: CallId) {
        let begun = usize::from(self.written > 0);
        let had_last = self.queue.iter().any(|one| one.call == Some(call) && one.last);
        let mut index = 0;
        self.queue.retain(|fragment| {
            index += 1;
            index <= begun || fragment.call != Some(call)
        });
        let has_last = self.queue.iter().any(|one| one.call == Some(call) && one.last);
        if had_last && !has_last {
            self.calls = self.calls.saturating_sub(1);
        }
    }

    /// Drops everything that was not begun, and everything of calls.
    pub(crate) fn drop_calls(&mut self) {
        let calls: Vec<CallId> = self.queue.iter().filter_map(|fragment| fragment.call).collect();
        for call in calls {
            self.take_back(call);
        }
    }

    /// The bytes to send, in order.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let mut skip = self.written;
        self.queue
            .iter()
            .flat_map(|fragment| [&fragment.header[..], &fragment.stub[..]])
            .filter_map(move |slice| {
                let skipped = skip.min(slice.len());
                skip -= skipped;
                slice.get(skipped..).filter(|rest| !rest.is_empty())
            })
    }

    /// Notes that the first `count` bytes of [`Self::slices`] were sent.
    pub(crate) fn written(&mut self, count: usize) {
        self.written = self.written.saturating_add(count);
        while let Some(first) = self.queue.front() {
            let size = first.header.len() + first.stub.len();
            if self.written < size {
                return;
            }
            self.written -= size;
            if first.last {
                self.calls = self.calls.saturating_sub(1);
            }
            self.queue.pop_front();
        }
        self.written = 0;
    }
}

impl Outgoing {
    fn write_head(&self, out: &mut Vec<u8>, index: usize, count: usize, room: usize) {
        let rest = self.stub.len().saturating_sub(index * room);
        let fragment = u16::try_from(rest.min(room) + CALL_HEADER).unwrap_or(u16::MAX);
        let mut flags = self.flags;
        if index == 0 {
            flags = flags.with(PfcFlags::FIRST);
        }
        if index + 1 == count {
            flags = flags.with(PfcFlags::LAST);
        }
        out.extend_from_slice(&[5, 0, self.packet.0, flags.0]);
        out.extend_from_slice(&DataRepresentation::LittleEndian.to_bytes());
        out.extend_from_slice(&fragment.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&self.call.0.to_le_bytes());
        out.extend_from_slice(&u32::try_from(rest).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&self.context.0.to_le_bytes());
        out.extend_from_slice(&self.word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{Body, Pdu};
    use std::vec;

    fn response(call: u32, stub: Vec<u8>) -> Outgoing {
        Outgoing {
            packet: PacketType::RESPONSE,
            flags: PfcFlags::default(),
            call: CallId(call),
            context: ContextId(0),
            word: [0, 0],
            stub: Bytes::from(stub),
        }
    }

    fn drain(outbound: &mut Outbound, step: usize) -> Vec<u8> {
        let mut sent = vec![];
        while !outbound.is_empty() {
            let part: Vec<u8> = outbound.slices().flatten().copied().take(step).collect();
            outbound.written(part.len());
            sent.extend_from_slice(&part);
        }
        sent
    }

    fn stubs(mut bytes: &[u8]) -> Vec<Response> {
        let mut all = vec![];
        while !bytes.is_empty() {
            let pdu = Pdu::parse(bytes).unwrap();
            let length = pdu.encode().unwrap().len();
            let Body::Response(body) = pdu.body else { panic!("{pdu:?}") };
            all.push((pdu.flags, body));
            bytes = &bytes[length..];
        }
        all
    }

    type Response = (PfcFlags, crate::pdu::Response);

    #[test]
    fn fragments_are_whole_granules_with_falling_hints() {
        let stub: Vec<u8> = (0..10_000u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut outbound = Outbound::default();
        outbound.push_call(&response(1, stub.clone()), 4280);
        let sent = stubs(&drain(&mut outbound, 977));
        let joined: Vec<u8> = sent.iter().flat_map(|(_, body)| body.stub.to_vec()).collect();
        assert_eq!(joined, stub);
        let sizes: Vec<_> = sent.iter().map(|(_, body)| body.stub.len()).collect();
        assert_eq!(sizes, [4256, 4256, 1488]);
        let hints: Vec<_> = sent.iter().map(|(_, body)| body.alloc_hint).collect();
        assert_eq!(hints, [10_000, 5744, 1488]);
        let flags: Vec<_> = sent.iter().map(|(flags, _)| flags.0).collect();
        assert_eq!(flags, [1, 0, 2]);
    }

    #[test]
    fn an_empty_stub_is_one_fragment() {
        let mut outbound = Outbound::default();
        outbound.push_call(&response(1, vec![]), 4280);
        assert_eq!(outbound.calls(), 1);
        let sent = stubs(&drain(&mut outbound, 5));
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].0, PfcFlags::WHOLE);
        assert_eq!(outbound.calls(), 0);
    }

    #[test]
    fn a_call_taken_back_ends_at_a_fragment_boundary() {
        let mut outbound = Outbound::default();
        outbound.push_call(&response(1, vec![1; 10_000]), 4280);
        outbound.push_call(&response(2, vec![2; 10]), 4280);
        outbound.written(100);
        outbound.take_back(CallId(1));
        assert_eq!(outbound.calls(), 1);
        let rest: usize = outbound.slices().map(<[u8]>::len).sum();
        assert_eq!(rest, 4280 - 100 + 34);
    }
}
