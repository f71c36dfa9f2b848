//! Rows of the state and reassembly tables, one test each.

use super::*;
use crate::pdu::{
    AuthVerifier, Bind, BindAck, ContextElement, REASON_ABSTRACT_SYNTAX, REASON_TRANSFER_SYNTAXES,
    RESULT_ACCEPTANCE, RESULT_NEGOTIATE_ACK, RESULT_PROVIDER_REJECTION, Request,
};
use crate::security::LocalPeer;
use crate::{FEATURE_KEEP_CONNECTION_ON_ORPHAN, SyntaxId};
use ms_dtyp::Guid;
use std::vec;

fn interface(number: u8) -> Interface {
    Interface { uuid: Guid::from_bytes([number; 16]), major: 1, minor: 0 }
}

/// A server's machine, fed by hand.
struct Server {
    machine: ServerConnection,
    groups: AssociationGroups,
    now: u64,
}

impl Server {
    fn new() -> Self {
        let config = Arc::new(ServerConfig::new(vec![interface(1), interface(2)], b"s".to_vec()));
        let peer = Arc::new(LocalPeer::new(1000, 100, vec![], 1));
        let mut next = 0x5000_0000;
        let groups = AssociationGroups::new(move || {
            next += 1;
            next
        });
        Self { machine: ServerConnection::new(config, peer, 0), groups, now: 0 }
    }

    /// A connection that is bound to the first interface as context 0.
    fn bound(flags: PfcFlags, features: u64) -> Self {
        let mut server = Self::new();
        let mut bind = offer(0, 1, &[SyntaxId::ndr20()]);
        let pseudo = SyntaxId::bind_time_features(features);
        bind.contexts.push(element(1, 1, &[pseudo]));
        let replies = server.send(&Pdu::new(CallId(1), Body::Bind(bind)).with_flags(flags));
        assert!(matches!(replies[..], [Pdu { body: Body::BindAck(_), .. }]), "{replies:?}");
        server
    }

    fn multiplexed() -> Self {
        Self::bound(PfcFlags::CONC_MPX, 0)
    }

    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let Some(places) = self.machine.recv_buffers() else { return };
            let mut count = 0;
            for place in places {
                let part = place.len().min(bytes.len());
                place[..part].copy_from_slice(&bytes[..part]);
                bytes = &bytes[part..];
                count += part;
            }
            self.machine.received(count, self.now, &mut self.groups);
        }
    }

    fn send(&mut self, pdu: &Pdu) -> Vec<Pdu> {
        self.feed(&pdu.encode().unwrap());
        self.replies()
    }

    fn replies(&mut self) -> Vec<Pdu> {
        let bytes: Vec<u8> = self.machine.output().flatten().copied().collect();
        self.machine.written(bytes.len(), self.now);
        let mut rest = &bytes[..];
        let mut pdus = vec![];
        while !rest.is_empty() {
            let length = usize::from(u16::from_le_bytes([rest[8], rest[9]]));
            pdus.push(Pdu::parse(&rest[..length]).unwrap());
            rest = &rest[length..];
        }
        pdus
    }

    fn call(&mut self) -> Call {
        loop {
            match self.machine.poll_event() {
                Some(Event::Call(call)) => return call,
                Some(_) => {}
                None => panic!("no call"),
            }
        }
    }

    /// Sends a PDU that must be answered by this fault, and the end of the connection.
    fn fatal(&mut self, pdu: &Pdu, call: u32, status: FaultStatus) {
        let replies = self.send(pdu);
        let [Pdu { call_id, body: Body::Fault(fault), .. }] = &replies[..] else {
            panic!("{replies:?}")
        };
        assert_eq!((*call_id, fault.status), (CallId(call), status));
        self.is_over();
    }

    fn is_over(&mut self) {
        assert!(self.machine.is_finished());
        assert!(self.machine.recv_buffers().is_none());
        assert!(self.machine.error().is_some());
    }

    fn nak(&mut self, pdu: &Pdu, reason: BindNakReason) {
        let replies = self.send(pdu);
        let [Pdu { body: Body::BindNak(nak), .. }] = &replies[..] else { panic!("{replies:?}") };
        assert_eq!(nak.reason, reason);
        self.is_over();
    }
}

fn element(id: u16, number: u8, transfers: &[SyntaxId]) -> ContextElement {
    ContextElement {
        id: ContextId(id),
        abstract_syntax: interface(number).into(),
        transfer_syntaxes: transfers.to_vec(),
    }
}

fn offer(id: u16, number: u8, transfers: &[SyntaxId]) -> Bind {
    Bind {
        max_xmit_frag: 5840,
        max_recv_frag: 5840,
        assoc_group_id: 0,
        contexts: vec![element(id, number, transfers)],
    }
}

fn bind(bind: Bind) -> Pdu {
    Pdu::new(CallId(1), Body::Bind(bind))
}

fn alter(bind: Bind) -> Pdu {
    Pdu::new(CallId(7), Body::AlterContext(bind))
}

fn request(call: u32, flags: u8, stub: &[u8]) -> Pdu {
    let body = Body::Request(Request {
        alloc_hint: 0,
        context: ContextId(0),
        opnum: 3,
        object: None,
        stub: Bytes::copy_from_slice(stub),
    });
    Pdu { flags: PfcFlags(flags), ..Pdu::new(CallId(call), body) }
}

fn with_context(mut pdu: Pdu, context: u16) -> Pdu {
    if let Body::Request(request) = &mut pdu.body {
        request.context = ContextId(context);
    }
    pdu
}

fn verifier() -> AuthVerifier {
    AuthVerifier {
        auth_type: 10,
        level: 6,
        pad_length: 0,
        reserved: 0,
        context_id: 1,
        value: vec![0; 16],
    }
}

fn ack(replies: &[Pdu]) -> &BindAck {
    match replies {
        [Pdu { body: Body::BindAck(ack) | Body::AlterContextResp(ack), .. }] => ack,
        _ => panic!("{replies:?}"),
    }
}

const FIRST: u8 = 1;
const LAST: u8 = 2;
const WHOLE: u8 = 3;
const PENDING_CANCEL: u8 = 4;
const PROTOCOL: FaultStatus = FaultStatus::PROTOCOL_ERROR;

#[test]
fn ndr20_is_chosen_and_ndr64_refused() {
    let mut server = Server::new();
    let both = [SyntaxId::ndr64(), SyntaxId::ndr20()];
    let replies = server.send(&bind(offer(0, 1, &both)));
    let result = ack(&replies).results[0];
    assert_eq!((result.result, result.transfer_syntax), (RESULT_ACCEPTANCE, SyntaxId::ndr20()));
    assert_eq!(ack(&replies).secondary_address, b"s\0");
    assert!(ack(&replies).assoc_group_id > 0xFFFF);

    let mut server = Server::new();
    let replies = server.send(&bind(offer(0, 1, &[SyntaxId::ndr64()])));
    let result = ack(&replies).results[0];
    assert_eq!(
        (result.result, result.reason, result.transfer_syntax),
        (RESULT_PROVIDER_REJECTION, REASON_TRANSFER_SYNTAXES, SyntaxId::NONE)
    );
    // Still bound, to nothing.
    let replies = server.send(&request(2, WHOLE, b""));
    let Body::Fault(fault) = &replies[0].body else { panic!() };
    assert_eq!(fault.status, FaultStatus::UNKNOWN_INTERFACE);
}

#[test]
fn unknown_interfaces_and_versions_are_rejected() {
    let mut wrong = offer(0, 3, &[SyntaxId::ndr20()]);
    wrong.contexts.push(element(1, 1, &[SyntaxId::ndr20()]));
    wrong.contexts[1].abstract_syntax.minor = 1;
    let mut server = Server::new();
    let replies = server.send(&bind(wrong));
    for result in &ack(&replies).results {
        assert_eq!(
            (result.result, result.reason),
            (RESULT_PROVIDER_REJECTION, REASON_ABSTRACT_SYNTAX)
        );
    }
}

#[test]
fn one_new_context_is_accepted_at_a_time() {
    let mut two = offer(0, 1, &[SyntaxId::ndr20()]);
    two.contexts.push(element(5, 2, &[SyntaxId::ndr20()]));
    let mut server = Server::new();
    let replies = server.send(&bind(two.clone()));
    assert_eq!(ack(&replies).results[0].result, RESULT_ACCEPTANCE);
    assert_eq!(ack(&replies).results[1].result, RESULT_PROVIDER_REJECTION);
    let replies = server.send(&alter(two));
    assert_eq!(ack(&replies).results[0].result, RESULT_ACCEPTANCE);
    assert_eq!(ack(&replies).results[1].result, RESULT_ACCEPTANCE);
    server.send(&with_context(request(9, WHOLE, b""), 5));
    assert_eq!(server.call().interface, 1);
}

#[test]
fn an_alter_repeats_the_binds_values() {
    let mut server = Server::new();
    let replies = server.send(&bind(offer(0, 1, &[SyntaxId::ndr20()])));
    let group = ack(&replies).assoc_group_id;
    let mut other = offer(1, 2, &[SyntaxId::ndr20()]);
    (other.max_xmit_frag, other.max_recv_frag, other.assoc_group_id) = (2048, 2048, 77);
    let replies = server.send(&alter(other));
    let ack = ack(&replies);
    assert_eq!((ack.max_xmit_frag, ack.max_recv_frag, ack.assoc_group_id), (5840, 5840, group));
    assert!(ack.secondary_address.is_empty());
}

#[test]
fn features_are_granted_once_and_only_in_a_bind() {
    let pseudo = SyntaxId::bind_time_features(0xff);
    let mut server = Server::new();
    let mut features = offer(0, 1, &[SyntaxId::ndr20()]);
    features.contexts.push(element(1, 1, &[pseudo]));
    let replies = server.send(&bind(features.clone()));
    let result = ack(&replies).results[1];
    assert_eq!(
        (result.result, result.reason, result.transfer_syntax),
        (RESULT_NEGOTIATE_ACK, 3, SyntaxId::NONE)
    );
    let replies = server.send(&alter(offer(2, 1, &[pseudo])));
    assert_eq!(ack(&replies).results[0].result, RESULT_PROVIDER_REJECTION);

    features.contexts.push(element(2, 1, &[pseudo]));
    Server::new().nak(&bind(features), BindNakReason::NOT_SPECIFIED);
}

#[test]
fn a_context_that_changes_its_meaning_ends_the_connection() {
    let mut server = Server::multiplexed();
    server.fatal(&alter(offer(0, 2, &[SyntaxId::ndr20()])), 7, PROTOCOL);
    let mut server = Server::multiplexed();
    server.fatal(&alter(offer(0, 1, &[SyntaxId::ndr64()])), 7, PROTOCOL);
}

#[test]
fn binds_and_alters_without_contexts_or_syntaxes_are_refused() {
    let mut empty = offer(0, 1, &[]);
    Server::new().nak(&bind(empty.clone()), BindNakReason::NOT_SPECIFIED);
    Server::multiplexed().fatal(&alter(empty.clone()), 7, PROTOCOL);
    empty.contexts.clear();
    Server::new().nak(&bind(empty.clone()), BindNakReason::PROTOCOL_VERSION_NOT_SUPPORTED);
    Server::multiplexed().fatal(&alter(empty), 7, PROTOCOL);
}

#[test]
fn a_verifier_finds_no_mechanism() {
    let good = offer(0, 1, &[SyntaxId::ndr20()]);
    let pdu = Pdu { auth: Some(verifier()), ..bind(good.clone()) };
    Server::new().nak(&pdu, BindNakReason::AUTHENTICATION_TYPE_NOT_RECOGNIZED);
    let pdu = Pdu { auth: Some(verifier()), ..alter(good) };
    Server::multiplexed().fatal(&pdu, 7, FaultStatus::ACCESS_DENIED);
    let pdu = Pdu { auth: Some(verifier()), ..request(4, WHOLE, b"stub") };
    Server::multiplexed().fatal(&pdu, 4, FaultStatus::SEC_PKG_ERROR);
    let pdu = Pdu { auth: Some(verifier()), ..Pdu::new(CallId(2), Body::Auth3) };
    Server::multiplexed().fatal(&pdu, 2, PROTOCOL);
}

#[test]
fn nothing_but_a_bind_comes_first() {
    let version = BindNakReason::PROTOCOL_VERSION_NOT_SUPPORTED;
    Server::new().nak(&alter(offer(0, 1, &[SyntaxId::ndr20()])), version);
    Server::new().nak(&request(1, WHOLE, b""), version);
    Server::new().nak(&Pdu::new(CallId(1), Body::Auth3), version);
    Server::new().nak(&Pdu::new(CallId(1), Body::CoCancel), version);
    Server::new().nak(&Pdu::new(CallId(1), Body::Orphaned), version);
    let mut server = Server::new();
    assert!(server.send(&Pdu::new(CallId(1), Body::Shutdown)).is_empty());
    server.is_over();
}

#[test]
fn a_second_bind_ends_the_connection() {
    let again = bind(offer(0, 1, &[SyntaxId::ndr20()]));
    Server::multiplexed().nak(&again, BindNakReason::NOT_SPECIFIED);
}

#[test]
fn what_only_servers_send_ends_the_connection() {
    let fault = Fault::new(ContextId(0), 0, PROTOCOL);
    let response = crate::pdu::Response {
        alloc_hint: 0,
        context: ContextId(0),
        cancel_count: 0,
        stub: Bytes::new(),
    };
    let ack = BindAck {
        max_xmit_frag: 0,
        max_recv_frag: 0,
        assoc_group_id: 0,
        secondary_address: vec![],
        results: vec![],
    };
    let bodies = [
        Body::Fault(fault),
        Body::Response(response),
        Body::BindAck(ack.clone()),
        Body::AlterContextResp(ack),
        Body::BindNak(BindNak::new(BindNakReason(0))),
        Body::Shutdown,
    ];
    for body in bodies {
        Server::multiplexed().fatal(&Pdu::new(CallId(6), body), 6, PROTOCOL);
    }
    let mut server = Server::multiplexed();
    let mut unknown = Pdu::new(CallId(6), Body::Shutdown).encode().unwrap();
    unknown[2] = 20;
    server.feed(&unknown);
    assert!(matches!(server.replies()[0].body, Body::Fault(_)));
    server.is_over();
}

#[test]
fn a_broken_stream_is_closed_without_a_word() {
    for (at, value) in [(0, 4), (4, 0x20), (8, 3)] {
        let mut server = Server::multiplexed();
        let mut bytes = request(1, WHOLE, b"").encode().unwrap();
        bytes[at] = value;
        server.feed(&bytes);
        assert!(server.replies().is_empty());
        server.is_over();
    }
}

#[test]
fn groups_are_joined_by_their_owner_only() {
    let mut server = Server::multiplexed();
    let id = server.machine.association_group().unwrap();
    let mut join = offer(0, 1, &[SyntaxId::ndr20()]);
    join.assoc_group_id = id.0;
    let config = Arc::clone(&server.machine.config);
    let peer = |uid| Arc::new(LocalPeer::new(uid, 100, vec![], 1));
    server.machine = ServerConnection::new(Arc::clone(&config), peer(1000), 0);
    assert_eq!(ack(&server.send(&bind(join.clone()))).assoc_group_id, id.0);
    server.machine = ServerConnection::new(config, peer(1001), 0);
    server.nak(&bind(join.clone()), BindNakReason::NOT_SPECIFIED);
    join.assoc_group_id = 1;
    Server::new().nak(&bind(join), BindNakReason::NOT_SPECIFIED);
}

#[test]
fn a_refused_connection_hears_why() {
    let mut server = Server::new();
    server.machine.refuse(BindNakReason::LOCAL_LIMIT_EXCEEDED);
    let wish = bind(offer(0, 1, &[SyntaxId::ndr20()]));
    server.nak(&wish, BindNakReason::LOCAL_LIMIT_EXCEEDED);
}

#[test]
fn fragments_become_one_request() {
    let mut server = Server::multiplexed();
    server.send(&request(2, FIRST, b"abc"));
    server.send(&request(2, 0, b"defgh"));
    // Operation and context of later fragments do not count.
    server.send(&with_context(request(2, LAST, b"i"), 111));
    let call = server.call();
    assert_eq!((&call.stub[..], call.opnum, call.interface), (&b"abcdefghi"[..], 3, 0));
    server.machine.respond(call.id, Bytes::from_static(b"answer"), 0);
    let replies = server.replies();
    let Body::Response(response) = &replies[0].body else { panic!("{replies:?}") };
    assert_eq!(&response.stub[..], b"answer");
}

#[test]
fn big_endian_requests_are_understood_and_say_so() {
    let mut server = Server::multiplexed();
    let big = |pdu: Pdu| Pdu { drep: DataRepresentation::BigEndian, ..pdu };
    server.send(&big(request(2, FIRST, b"abc")));
    server.send(&big(request(2, LAST, b"def")));
    let call = server.call();
    assert_eq!((&call.stub[..], call.opnum, call.id), (&b"abcdef"[..], 3, CallId(2)));
    assert_eq!(call.drep, DataRepresentation::BigEndian);
}

#[test]
fn a_request_of_the_transports_size_is_accepted_after_a_small_bind() {
    let mut server = Server::new();
    let mut small = offer(0, 1, &[SyntaxId::ndr20()]);
    small.max_recv_frag = 2100;
    assert_eq!(ack(&server.send(&bind(small))).max_recv_frag, 2096);
    server.send(&request(2, WHOLE, &[7; 5840 - 24]));
    let call = server.call();
    assert_eq!(call.stub.len(), 5816);
    server.machine.respond(call.id, call.stub, 0);
    assert_eq!(server.replies().len(), 3);
    server.fatal(&request(3, WHOLE, &[7; 5840 - 16]), 3, PROTOCOL);
}

#[test]
fn a_call_inside_another_one_is_blamed() {
    let mut server = Server::multiplexed();
    server.send(&request(2, FIRST, b"a"));
    server.fatal(&request(3, FIRST, b"b"), 3, PROTOCOL);
    let mut server = Server::bound(PfcFlags::default(), 0);
    server.send(&request(2, FIRST, b"a"));
    server.fatal(&request(3, FIRST, b"b"), 2, PROTOCOL);
}

#[test]
fn without_multiplexing_calls_come_one_after_the_other() {
    let mut server = Server::bound(PfcFlags::default(), 0);
    server.send(&request(2, WHOLE, b""));
    let call = server.call();
    server.machine.respond(call.id, Bytes::new(), 0);
    assert_eq!(server.replies().len(), 1);
    server.send(&request(3, WHOLE, b""));
    server.fatal(&request(4, WHOLE, b""), 4, PROTOCOL);
}

#[test]
fn a_call_cannot_begin_cancelled_or_with_a_running_number() {
    let mut server = Server::multiplexed();
    server.fatal(&request(2, WHOLE | PENDING_CANCEL, b""), 2, FaultStatus::NO_CALL_ACTIVE);
    let mut server = Server::multiplexed();
    server.send(&request(2, WHOLE, b""));
    let running = server.call();
    server.fatal(&request(2, WHOLE, b""), 2, PROTOCOL);
    assert!(running.cancel.is_set());
}

#[test]
fn unknown_contexts_fault_and_the_connection_stays() {
    let mut server = Server::multiplexed();
    for flags in [WHOLE, FIRST, 0, LAST] {
        let replies = server.send(&with_context(request(2, flags, b"abc"), 9));
        let Body::Fault(fault) = &replies[0].body else { panic!("{replies:?}") };
        assert_eq!(fault.status, FaultStatus::UNKNOWN_INTERFACE);
        assert!(replies[0].flags.has(PfcFlags::DID_NOT_EXECUTE));
    }
    server.send(&request(3, WHOLE, b"x"));
    assert_eq!(server.call().id, CallId(3));
}

#[test]
fn fragments_without_a_beginning_end_the_connection() {
    Server::multiplexed().fatal(&request(2, LAST, b"a"), 2, PROTOCOL);
    let mut server = Server::multiplexed();
    server.send(&request(2, FIRST, b"a"));
    server.fatal(&request(3, LAST, b"a"), 3, PROTOCOL);
}

#[test]
fn a_call_keeps_its_data_representation() {
    let mut server = Server::multiplexed();
    server.send(&request(2, FIRST, b"a"));
    let drep = DataRepresentation::BigEndian;
    server.fatal(&Pdu { drep, ..request(2, LAST, b"a") }, 2, PROTOCOL);
}

#[test]
fn a_request_is_bounded_by_what_comes_and_by_what_is_announced() {
    let mut server = Server::multiplexed();
    server.send(&request(2, FIRST, &[0; 5800]));
    for _ in 1..11 {
        server.send(&request(2, 0, &[0; 5800]));
    }
    server.fatal(&request(2, 0, &[0; 5800]), 2, FaultStatus::ACCESS_DENIED);

    let announced = |flags| {
        let mut pdu = request(2, flags, b"a");
        let Body::Request(request) = &mut pdu.body else { panic!() };
        request.alloc_hint = u32::MAX;
        pdu
    };
    Server::multiplexed().fatal(&announced(FIRST), 2, FaultStatus::ACCESS_DENIED);
    let mut server = Server::multiplexed();
    server.send(&announced(WHOLE));
    assert_eq!(server.call().stub.len(), 1);
}

#[test]
fn floods_of_tiny_fragments_end() {
    let mut server = Server::multiplexed();
    for _ in 0..limits::EMPTY_FRAGMENTS_PER_CALL {
        let flags = u8::from(server.machine.incomplete.is_none());
        assert!(server.send(&request(2, flags, b"")).is_empty());
    }
    server.fatal(&request(2, 0, b""), 2, FaultStatus::ACCESS_DENIED);
    let mut server = Server::multiplexed();
    for _ in 0..limits::FRAGMENTS_PER_CALL {
        let flags = u8::from(server.machine.incomplete.is_none());
        assert!(server.send(&request(2, flags, b"x")).is_empty());
    }
    server.fatal(&request(2, 0, b"x"), 2, FaultStatus::ACCESS_DENIED);
}

#[test]
fn object_uuids_are_unknown_unless_nil() {
    let mut server = Server::multiplexed();
    let object = |guid| {
        let mut pdu = request(2, WHOLE, b"abc");
        let Body::Request(request) = &mut pdu.body else { panic!() };
        request.object = Some(guid);
        pdu
    };
    let replies = server.send(&object(Guid::from_bytes([1; 16])));
    let Body::Fault(fault) = &replies[0].body else { panic!("{replies:?}") };
    assert_eq!(fault.status, FaultStatus::UNSUPPORTED_TYPE);
    server.send(&object(Guid::NIL));
    assert_eq!(&server.call().stub[..], b"abc");
}

#[test]
fn the_ninth_call_waits_until_an_answer_is_sent() {
    let mut server = Server::multiplexed();
    for call in 1..=10 {
        server.feed(&request(call, WHOLE, b"").encode().unwrap());
    }
    let calls: Vec<_> = (0..8).map(|_| server.call().id).collect();
    assert!(server.machine.poll_event().is_none());
    assert!(server.machine.recv_buffers().is_none());
    server.machine.respond(calls[3], Bytes::new(), 0);
    // The answer still occupies its place.
    assert!(server.machine.poll_event().is_none());
    server.replies();
    assert_eq!(server.call().id, CallId(9));
}

#[test]
fn a_cancel_reaches_running_and_incomplete_calls_and_nothing_else() {
    let mut server = Server::multiplexed();
    assert!(server.send(&Pdu::new(CallId(99), Body::CoCancel)).is_empty());
    server.send(&request(2, WHOLE, b""));
    let running = server.call();
    assert!(!running.cancel.is_set());
    assert!(server.send(&Pdu::new(CallId(2), Body::CoCancel)).is_empty());
    assert!(running.cancel.is_set());
    assert!(matches!(server.machine.poll_event(), Some(Event::Cancelled(CallId(2)))));
    server.machine.fault(running.id, FaultStatus::CANCEL, 0);
    let replies = server.replies();
    let Body::Fault(fault) = &replies[0].body else { panic!("{replies:?}") };
    assert_eq!((fault.status, fault.cancel_count), (FaultStatus::CANCEL, 1));

    server.send(&request(3, FIRST, b"a"));
    server.send(&Pdu::new(CallId(3), Body::CoCancel));
    server.send(&request(3, LAST, b"b"));
    let call = server.call();
    assert!(call.cancel.is_set());
    assert_eq!(&call.stub[..], b"ab");
}

#[test]
fn an_orphans_answer_is_sent_unless_the_feature_was_granted() {
    let mut server = Server::multiplexed();
    server.send(&request(2, WHOLE, b""));
    server.send(&Pdu::new(CallId(2), Body::Orphaned));
    server.machine.respond(CallId(2), Bytes::new(), 0);
    assert_eq!(server.replies().len(), 1);

    let mut server = Server::bound(PfcFlags::CONC_MPX, FEATURE_KEEP_CONNECTION_ON_ORPHAN);
    server.send(&request(2, WHOLE, b""));
    let call = server.call();
    server.send(&Pdu::new(CallId(2), Body::Orphaned));
    assert!(call.cancel.is_set());
    server.machine.respond(CallId(2), Bytes::new(), 0);
    assert!(server.replies().is_empty());
    // An answer that is on its way stops at a fragment boundary.
    server.send(&request(3, WHOLE, b""));
    server.machine.respond(CallId(3), Bytes::from(vec![0; 20_000]), 0);
    server.machine.written(10, 0);
    server.feed(&Pdu::new(CallId(3), Body::Orphaned).encode().unwrap());
    let left: usize = server.machine.output().map(<[u8]>::len).sum();
    assert_eq!(left, 24 + 5808 - 10);
}

#[test]
fn a_fault_that_ends_the_connection_overtakes_answers() {
    let mut server = Server::multiplexed();
    server.send(&request(2, WHOLE, b""));
    server.machine.respond(CallId(2), Bytes::from(vec![0; 20_000]), 0);
    server.fatal(&request(3, LAST, b""), 3, PROTOCOL);
}

#[test]
fn a_shutdown_lets_running_calls_end_and_refuses_new_ones() {
    let mut server = Server::multiplexed();
    server.send(&request(2, WHOLE, b""));
    let running = server.call();
    server.machine.shutdown(0);
    assert!(running.cancel.is_set());
    assert!(matches!(server.replies()[..], [Pdu { body: Body::Shutdown, .. }]));
    let replies = server.send(&request(3, WHOLE, b""));
    let Body::Fault(fault) = &replies[0].body else { panic!("{replies:?}") };
    assert_eq!(fault.status, FaultStatus::SERVER_UNAVAILABLE);
    assert!(!server.machine.is_finished());
    server.machine.respond(running.id, Bytes::new(), 0);
    assert!(!server.machine.is_finished());
    assert_eq!(server.replies().len(), 1);
    assert!(server.machine.is_finished());
}

#[test]
fn slow_binds_and_slow_requests_end() {
    let mut server = Server::new();
    assert_eq!(server.machine.next_timeout(), Some(limits::BIND_TIMEOUT_MS));
    server.machine.handle_timeout(limits::BIND_TIMEOUT_MS);
    server.is_over();

    let mut server = Server::multiplexed();
    server.now = 5000;
    server.feed(&request(2, FIRST, b"").encode().unwrap());
    let due = 5000 + limits::INCOMPLETE_TIMEOUT_MS;
    assert_eq!(server.machine.next_timeout(), Some(due));
    // Another fragment does not give more time.
    server.now = due - 1;
    server.feed(&request(2, 0, b"a").encode().unwrap());
    server.machine.handle_timeout(server.now);
    assert!(!server.machine.is_finished());
    server.machine.handle_timeout(due);
    server.is_over();
}

#[test]
fn steady_traffic_is_never_too_slow() {
    let mut server = Server::multiplexed();
    let bytes = request(2, WHOLE, b"").encode().unwrap();
    server.feed(&bytes[..10]);
    for _ in 0..100 {
        server.now += 10_000;
        server.feed(&bytes[10..]);
        server.feed(&bytes[..10]);
        let call = server.call();
        server.machine.respond(call.id, Bytes::new(), server.now);
        assert_eq!(server.replies().len(), 1);
        server.machine.handle_timeout(server.now);
        assert!(!server.machine.is_finished());
    }
}

#[test]
fn idle_connections_hear_shutdown_later_if_they_hold_handles() {
    let mut server = Server::multiplexed();
    assert_eq!(server.machine.next_timeout(), Some(limits::IDLE_TIMEOUT_MS));
    server.machine.set_has_handles(true);
    let due = limits::IDLE_WITH_HANDLES_TIMEOUT_MS;
    assert_eq!(server.machine.next_timeout(), Some(due));
    server.machine.handle_timeout(due);
    assert!(matches!(server.replies()[..], [Pdu { body: Body::Shutdown, .. }]));
    server.is_over();
}

#[test]
fn a_running_call_is_not_idle() {
    let mut server = Server::multiplexed();
    server.send(&request(2, WHOLE, b""));
    assert_eq!(server.machine.next_timeout(), None);
}

#[test]
fn a_peer_that_goes_leaves_its_calls_asked_to_end() {
    let mut server = Server::multiplexed();
    server.send(&request(2, WHOLE, b""));
    let call = server.call();
    server.send(&request(3, WHOLE, b""));
    server.machine.peer_closed();
    assert!(call.cancel.is_set());
    // The second one was never handed out.
    assert_eq!(server.machine.executing(), 1);
    assert!(server.machine.poll_event().is_none());
    server.machine.respond(call.id, Bytes::new(), 0);
    assert_eq!(server.machine.executing(), 0);
    assert!(!server.machine.wants_write());
}
