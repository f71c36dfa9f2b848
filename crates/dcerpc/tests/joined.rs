//! A client and a server joined in memory, in every chunking of the stream.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use dcerpc::association::AssociationGroups;
use dcerpc::client::{self, ClientConfig, ClientConnection};
use dcerpc::security::LocalPeer;
use dcerpc::server::{self, ServerConfig, ServerConnection};
use dcerpc::{CallId, ContextId, FaultStatus, Interface, limits};
use ms_dtyp::Guid;
use proptest::collection::vec as vec_of;
use proptest::prelude::*;

fn interface(number: u8) -> Interface {
    Interface { uuid: Guid::from_bytes([number; 16]), major: 1, minor: 0 }
}

struct Pair {
    client: ClientConnection,
    server: ServerConnection,
    groups: AssociationGroups,
    /// Sizes of the pieces in which the stream arrives, used in turn.
    pieces: Vec<usize>,
    turn: usize,
}

impl Pair {
    fn new(max_fragment: u16, pieces: Vec<usize>) -> Self {
        let config = Arc::new(ServerConfig::new(vec![interface(1), interface(2)], vec![]));
        let peer = Arc::new(LocalPeer::new(0, 0, vec![], 1));
        let mut offer = ClientConfig::default();
        offer.max_fragment = max_fragment;
        Self {
            client: ClientConnection::new(offer),
            server: ServerConnection::new(config, peer, 0),
            groups: AssociationGroups::new(|| 7),
            pieces,
            turn: 0,
        }
    }

    fn bound(max_fragment: u16, pieces: Vec<usize>) -> (Self, ContextId) {
        let mut pair = Self::new(max_fragment, pieces);
        let context = pair.client.bind(interface(1)).unwrap();
        pair.exchange();
        assert_eq!(pair.client.poll_event(), Some(client::Event::Accepted { context }));
        (pair, context)
    }

    fn piece(&mut self) -> usize {
        self.turn += 1;
        self.pieces[self.turn % self.pieces.len()].max(1)
    }

    /// Moves bytes in both directions until nothing moves any more.
    fn exchange(&mut self) {
        loop {
            let sent = self.move_to_server();
            let answered = self.move_to_client();
            if !sent && !answered {
                return;
            }
        }
    }

    fn move_to_server(&mut self) -> bool {
        let size = self.piece();
        let Some(places) = self.server.recv_buffers() else { return false };
        let bytes: Vec<u8> = self.client.output().flatten().copied().take(size).collect();
        let count = fill(places, &bytes);
        self.client.written(count);
        self.server.received(count, 0, &mut self.groups);
        count > 0
    }

    fn move_to_client(&mut self) -> bool {
        let size = self.piece();
        let bytes: Vec<u8> = self.server.output().flatten().copied().take(size).collect();
        let count = fill(self.client.recv_buffers(), &bytes);
        self.server.written(count, 0);
        self.client.received(count).unwrap();
        count > 0
    }

    fn calls(&mut self) -> Vec<server::Call> {
        let mut calls = vec![];
        while let Some(event) = self.server.poll_event() {
            if let server::Event::Call(call) = event {
                calls.push(call);
            }
        }
        calls
    }

    fn answers(&mut self) -> BTreeMap<CallId, Result<Bytes, FaultStatus>> {
        let mut answers = BTreeMap::new();
        while let Some(event) = self.client.poll_event() {
            let (call, answer) = match event {
                client::Event::Response { call, stub, .. } => (call, Ok(stub)),
                client::Event::Fault { call, status, .. } => (call, Err(status)),
                other => panic!("{other:?}"),
            };
            assert!(answers.insert(call, answer).is_none());
        }
        answers
    }
}

fn fill(places: [&mut [u8]; 2], bytes: &[u8]) -> usize {
    let mut done = 0;
    for place in places {
        let part = place.len().min(bytes.len() - done);
        place[..part].copy_from_slice(&bytes[done..done + part]);
        done += part;
    }
    done
}

fn pattern(size: usize, seed: u8) -> Vec<u8> {
    (0..size).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1] ^ seed).collect()
}

#[test]
fn own_peers_agree_on_large_fragments_and_foreign_ones_on_small() {
    let (pair, _) = Pair::bound(limits::FRAGMENT_LARGE, vec![100_000]);
    assert_eq!(pair.client.max_fragment(), 65_528);
    assert!(pair.client.is_multiplexed());
    assert!(pair.client.keeps_connection_on_orphan());
    let (pair, _) = Pair::bound(4280, vec![100_000]);
    assert_eq!(pair.client.max_fragment(), 4280);
}

#[test]
fn a_stream_byte_by_byte_is_the_same_stream() {
    let (mut pair, context) = Pair::bound(2048, vec![1]);
    let stub = pattern(5000, 1);
    let call = pair.client.call(context, 9, Bytes::from(stub.clone())).unwrap();
    pair.exchange();
    let [request] = &pair.calls()[..] else { panic!() };
    assert_eq!((request.opnum, &request.stub[..]), (9, &stub[..]));
    pair.server.respond(request.id, Bytes::from(pattern(30_000, 2)), 0);
    pair.exchange();
    assert_eq!(pair.answers()[&call], Ok(Bytes::from(pattern(30_000, 2))));
}

#[test]
fn a_second_interface_comes_by_alter_context() {
    let (mut pair, first) = Pair::bound(limits::FRAGMENT_LARGE, vec![7]);
    // A call is in flight meanwhile.
    let call = pair.client.call(first, 0, Bytes::new()).unwrap();
    let second = pair.client.bind(interface(2)).unwrap();
    assert!(pair.client.bind(interface(2)).is_err());
    pair.exchange();
    assert_eq!(pair.client.poll_event(), Some(client::Event::Accepted { context: second }));
    let third = pair.client.bind(interface(3)).unwrap();
    pair.exchange();
    let rejected = client::Event::Rejected { context: third, result: 2, reason: 1 };
    assert_eq!(pair.client.poll_event(), Some(rejected));
    assert!(pair.client.call(third, 0, Bytes::new()).is_err());
    pair.client.call(second, 0, Bytes::new()).unwrap();
    pair.exchange();
    let calls = pair.calls();
    let interfaces: Vec<_> = calls.iter().map(|call| call.interface).collect();
    assert_eq!(interfaces, [0, 1]);
    pair.server.respond(calls[0].id, Bytes::from_static(b"x"), 0);
    pair.exchange();
    assert_eq!(pair.answers()[&call], Ok(Bytes::from_static(b"x")));
}

#[test]
fn a_cancelled_call_still_completes_and_a_discarded_one_is_silent() {
    let (mut pair, context) = Pair::bound(limits::FRAGMENT_LARGE, vec![100_000]);
    let cancelled = pair.client.call(context, 0, Bytes::new()).unwrap();
    let discarded = pair.client.call(context, 0, Bytes::new()).unwrap();
    pair.exchange();
    let calls = pair.calls();
    pair.client.cancel(cancelled).unwrap();
    pair.client.discard(discarded).unwrap();
    pair.exchange();
    for call in calls {
        assert!(call.cancel.is_set());
        pair.server.fault(call.id, FaultStatus::CANCEL, 0);
    }
    pair.exchange();
    let answers = pair.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[&cancelled], Err(FaultStatus::CANCEL));
    assert_eq!(pair.client.in_flight(), 0);
}

#[test]
fn a_call_discarded_in_the_middle_of_its_answer_leaves_the_stream_whole() {
    let (mut pair, context) = Pair::bound(4280, vec![100_000]);
    let big = pair.client.call(context, 0, Bytes::new()).unwrap();
    pair.exchange();
    let call = pair.calls().remove(0);
    pair.server.respond(call.id, Bytes::from(pattern(50_000, 0)), 0);
    pair.pieces = vec![1000];
    for _ in 0..7 {
        pair.move_to_client();
    }
    pair.client.discard(big).unwrap();
    let small = pair.client.call(context, 0, Bytes::new()).unwrap();
    pair.exchange();
    let call = pair.calls().remove(0);
    pair.server.respond(call.id, Bytes::from_static(b"y"), 0);
    pair.exchange();
    let answers = pair.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[&small], Ok(Bytes::from_static(b"y")));
}

#[test]
fn an_orphan_whose_answer_is_cut_short_leaves_the_stream_whole() {
    let (mut pair, context) = Pair::bound(4280, vec![1000]);
    let orphan = pair.client.call(context, 0, Bytes::new()).unwrap();
    pair.exchange();
    let call = pair.calls().remove(0);
    pair.server.respond(call.id, Bytes::from(pattern(50_000, 0)), 0);
    for _ in 0..7 {
        pair.move_to_client();
    }
    pair.client.orphan(orphan).unwrap();
    let next = pair.client.call(context, 0, Bytes::new()).unwrap();
    pair.exchange();
    let call = pair.calls().remove(0);
    pair.server.respond(call.id, Bytes::from_static(b"z"), 0);
    pair.exchange();
    assert_eq!(pair.answers()[&next], Ok(Bytes::from_static(b"z")));
}

#[test]
fn a_shutdown_lets_calls_in_flight_end() {
    let (mut pair, context) = Pair::bound(limits::FRAGMENT_LARGE, vec![100_000]);
    let call = pair.client.call(context, 0, Bytes::new()).unwrap();
    pair.exchange();
    let request = pair.calls().remove(0);
    pair.server.shutdown(0);
    pair.exchange();
    assert_eq!(pair.client.poll_event(), Some(client::Event::Shutdown));
    assert!(pair.client.call(context, 0, Bytes::new()).is_err());
    pair.server.respond(request.id, Bytes::from_static(b"end"), 0);
    pair.exchange();
    assert_eq!(pair.answers()[&call], Ok(Bytes::from_static(b"end")));
    assert!(pair.server.is_finished());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any sizes, any chunking, any order of answers: every call gets its own answer.
    #[test]
    fn concurrent_calls_get_their_own_answers(
        fragment in proptest::sample::select(&FRAGMENTS[..]),
        pieces in vec_of(1usize..20_000, 1..10),
        sizes in vec_of((0usize..40_000, 0usize..200_000), 1..12),
        reverse in any::<bool>(),
    ) {
        let (mut pair, context) = Pair::bound(fragment, pieces);
        let mut expected = BTreeMap::new();
        for (seed, (input, output)) in (0u8..).zip(&sizes) {
            let stub = Bytes::from(pattern(*input, seed));
            let call = pair.client.call(context, seed.into(), stub).unwrap();
            expected.insert(call, (seed, *input, *output));
        }
        let mut answers = BTreeMap::new();
        while answers.len() < expected.len() {
            pair.exchange();
            let mut calls = pair.calls();
            if reverse {
                calls.reverse();
            }
            for call in calls {
                let (seed, input, output) = expected[&call.id];
                prop_assert_eq!(call.opnum, u16::from(seed));
                prop_assert_eq!(&call.stub[..], &pattern(input, seed)[..]);
                pair.server.respond(call.id, Bytes::from(pattern(output, seed)), 0);
            }
            pair.exchange();
            answers.append(&mut pair.answers());
        }
        for (call, (seed, _, output)) in expected {
            prop_assert_eq!(answers[&call].as_ref().unwrap(), &pattern(output, seed));
        }
    }

    /// Whatever a server receives, before or after a bind, it answers or hangs up.
    #[test]
    fn a_server_survives_anything(
        bound in any::<bool>(),
        noise in vec_of((0u8..24, any::<[u8; 8]>(), 16u16..100, any::<u8>()), 0..20),
        tail in vec_of(any::<u8>(), 0..200),
    ) {
        let mut pair = Pair::new(limits::FRAGMENT_LARGE, vec![100_000]);
        if bound {
            pair = Pair::bound(limits::FRAGMENT_LARGE, vec![100_000]).0;
        }
        let mut bytes = pdus(&noise);
        bytes.extend_from_slice(&tail);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let Some(places) = pair.server.recv_buffers() else { break };
            let count = fill(places, rest);
            prop_assert!(count > 0);
            rest = &rest[count..];
            pair.server.received(count, 0, &mut pair.groups);
            while let Some(event) = pair.server.poll_event() {
                if let server::Event::Call(call) = event {
                    pair.server.respond(call.id, call.stub, 0);
                }
            }
            let size = pair.server.output().map(<[u8]>::len).sum();
            pair.server.written(size, 0);
        }
    }

    /// Whatever a client receives, it takes it or fails for good.
    #[test]
    fn a_client_survives_anything(
        noise in vec_of((0u8..24, any::<[u8; 8]>(), 16u16..100, any::<u8>()), 0..20),
    ) {
        let (mut pair, context) = Pair::bound(limits::FRAGMENT_LARGE, vec![100_000]);
        for _ in 0..4 {
            pair.client.call(context, 0, Bytes::new()).unwrap();
        }
        let bytes = pdus(&noise);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let count = fill(pair.client.recv_buffers(), rest);
            prop_assert!(count > 0);
            rest = &rest[count..];
            if let Err(error) = pair.client.received(count) {
                prop_assert_eq!(pair.client.failure(), Some(&error));
                prop_assert_eq!(pair.client.received(0).unwrap_err(), error);
                break;
            }
        }
    }
}

/// Fragment sizes that peers in the field offer, and our own.
const FRAGMENTS: [u16; 4] = [2048, 4280, limits::FRAGMENT_DEFAULT, limits::FRAGMENT_LARGE];

/// PDUs with well-formed headers, small call ids, and arbitrary bodies.
fn pdus(noise: &[(u8, [u8; 8], u16, u8)]) -> Vec<u8> {
    let mut bytes = vec![];
    for (packet, body, length, odd) in noise {
        let auth = if odd % 16 == 15 { 4u16 } else { 0 };
        bytes.extend_from_slice(&[5, 0, *packet, odd & 0x9f | 1, 0x10, 0, 0, 0]);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&auth.to_le_bytes());
        bytes.extend_from_slice(&[odd % 8, 0, 0, 0]);
        let end = bytes.len() + usize::from(*length) - 16;
        // Presentation context 0 often enough to get somewhere.
        bytes.extend_from_slice(&[body[0], 0, 0, 0, body[1] & 1, 0, body[2], body[3]]);
        bytes.extend_from_slice(body);
        bytes.resize(end, body[7]);
    }
    bytes
}
