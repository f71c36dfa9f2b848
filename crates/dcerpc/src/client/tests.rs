//! What a server may not do to a client, one test each.

use super::*;
use crate::fault::BindNakReason;
use crate::pdu::{AuthVerifier, BindNak, ContextResult, Response};
use ms_dtyp::Guid;
use std::vec;

const IF: Interface = Interface { uuid: Guid::from_bytes([1; 16]), major: 1, minor: 0 };

fn feed(client: &mut ClientConnection, pdu: &Pdu) -> Result<(), Error> {
    let bytes = pdu.encode().unwrap();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let mut count = 0;
        for place in client.recv_buffers() {
            let part = place.len().min(rest.len());
            place[..part].copy_from_slice(&rest[..part]);
            rest = &rest[part..];
            count += part;
        }
        client.received(count)?;
    }
    Ok(())
}

fn ack() -> BindAck {
    let accepted =
        ContextResult { result: RESULT_ACCEPTANCE, reason: 0, transfer_syntax: SyntaxId::ndr20() };
    BindAck {
        max_xmit_frag: 5840,
        max_recv_frag: 5840,
        assoc_group_id: 7,
        secondary_address: vec![],
        results: vec![accepted],
    }
}

fn binding() -> ClientConnection {
    let mut client = ClientConnection::new(ClientConfig::default());
    client.bind(IF).unwrap();
    client
}

fn answered(ack: BindAck) -> Result<ClientConnection, Error> {
    let mut client = binding();
    feed(&mut client, &Pdu::new(CallId(1), Body::BindAck(ack)).with_flags(PfcFlags::CONC_MPX))?;
    Ok(client)
}

/// A bound client with one call (2) in flight.
fn calling() -> ClientConnection {
    let mut client = answered(ack()).unwrap();
    assert_eq!(client.call(ContextId(0), 0, Bytes::new()), Ok(CallId(2)));
    client
}

fn response(call: u32, flags: u8, size: usize) -> Pdu {
    let stub = Bytes::from(vec![9; size]);
    let body = Response { alloc_hint: 0, context: ContextId(0), cancel_count: 0, stub };
    Pdu { flags: PfcFlags(flags), ..Pdu::new(CallId(call), Body::Response(body)) }
}

fn fault(call: u32, status: FaultStatus) -> Pdu {
    Pdu::new(CallId(call), Body::Fault(Fault::new(ContextId(0), 0, status)))
}

fn violation(result: &Result<(), Error>) {
    assert!(matches!(result, Err(Error::Violation(_))), "{result:?}");
}

fn limit(result: &Result<(), Error>) {
    assert!(matches!(result, Err(Error::Limit { .. })), "{result:?}");
}

#[test]
fn an_answer_to_the_bind_is_checked() {
    assert!(answered(ack()).is_ok());
    violation(&answered(BindAck { max_recv_frag: 1431, ..ack() }).map(|_| ()));
    violation(&answered(BindAck { assoc_group_id: 0, ..ack() }).map(|_| ()));
    violation(&answered(BindAck { results: vec![], ..ack() }).map(|_| ()));
    let mut other = ack();
    other.results[0].transfer_syntax = SyntaxId::ndr64();
    violation(&answered(other).map(|_| ()));
}

#[test]
fn a_client_that_joins_a_group_must_get_it() {
    let config = ClientConfig { association_group: 8, ..ClientConfig::default() };
    let mut client = ClientConnection::new(config);
    client.bind(IF).unwrap();
    violation(&feed(&mut client, &Pdu::new(CallId(1), Body::BindAck(ack()))));
}

#[test]
fn refusals_of_the_bind_are_told_apart() {
    let reason = BindNakReason::LOCAL_LIMIT_EXCEEDED;
    let nak = Pdu::new(CallId(1), Body::BindNak(BindNak::new(reason)));
    assert_eq!(feed(&mut binding(), &nak), Err(Error::BindNak(reason)));
    let status = FaultStatus::ACCESS_DENIED;
    assert_eq!(feed(&mut binding(), &fault(1, status)), Err(Error::BindFault(status)));
}

#[test]
fn pdus_out_of_place_fail_the_connection() {
    let unexpected = |client: &mut ClientConnection, pdu: &Pdu| {
        let error = feed(client, pdu).unwrap_err();
        assert!(matches!(error, Error::Unexpected { .. }), "{error:?}");
        assert_eq!(client.failure(), Some(&error));
        assert_eq!(client.call(ContextId(0), 0, Bytes::new()), Err(error));
    };
    let late = Pdu::new(CallId(1), Body::BindAck(ack()));
    unexpected(&mut calling(), &late);
    unexpected(&mut calling(), &Pdu::new(CallId(1), Body::AlterContextResp(ack())));
    unexpected(&mut calling(), &Pdu::new(CallId(1), Body::CoCancel));
    unexpected(&mut binding(), &response(1, 3, 0));
    unexpected(&mut ClientConnection::new(ClientConfig::default()), &late);
}

#[test]
fn fragments_must_begin_and_follow() {
    violation(&feed(&mut calling(), &response(2, 2, 5)));
    let mut client = calling();
    feed(&mut client, &response(2, 1, 5)).unwrap();
    violation(&feed(&mut client, &response(2, 1, 5)));
    let mut client = calling();
    feed(&mut client, &response(2, 1, 5)).unwrap();
    let big = DataRepresentation::BigEndian;
    violation(&feed(&mut client, &Pdu { drep: big, ..response(2, 2, 5) }));
}

#[test]
fn big_endian_answers_are_understood_and_say_so() {
    let mut client = calling();
    let drep = DataRepresentation::BigEndian;
    feed(&mut client, &Pdu { drep, ..response(2, 3, 5) }).unwrap();
    client.poll_event();
    let stub = Bytes::from_static(&[9; 5]);
    assert_eq!(client.poll_event(), Some(Event::Response { call: CallId(2), stub, drep }));
}

#[test]
fn an_answer_has_a_largest_size() {
    let config = ClientConfig { max_response: 10_000, ..ClientConfig::default() };
    let mut client = ClientConnection::new(config);
    client.bind(IF).unwrap();
    feed(&mut client, &Pdu::new(CallId(1), Body::BindAck(ack()))).unwrap();
    client.call(ContextId(0), 0, Bytes::new()).unwrap();
    feed(&mut client, &response(2, 1, 5000)).unwrap();
    feed(&mut client, &response(2, 0, 5000)).unwrap();
    limit(&feed(&mut client, &response(2, 0, 1)));
}

#[test]
fn empty_fragments_and_answers_to_nothing_are_bounded() {
    let mut client = calling();
    feed(&mut client, &response(2, 1, 0)).unwrap();
    for _ in 1..limits::EMPTY_FRAGMENTS_PER_CALL {
        feed(&mut client, &response(2, 0, 0)).unwrap();
    }
    limit(&feed(&mut client, &response(2, 0, 0)));
    let mut client = calling();
    for call in 0..limits::UNMATCHED_RESPONSES {
        feed(&mut client, &response(100 + call, 3, 100)).unwrap();
    }
    limit(&feed(&mut client, &fault(99, FaultStatus::CANCEL)));
}

#[test]
fn a_verifier_that_was_not_negotiated_fails_the_connection() {
    let auth = AuthVerifier {
        auth_type: 10,
        level: 6,
        pad_length: 0,
        reserved: 0,
        context_id: 0,
        value: vec![0; 16],
    };
    violation(&feed(&mut calling(), &Pdu { auth: Some(auth), ..response(2, 3, 16) }));
}

#[test]
fn some_faults_end_the_connection_after_their_call() {
    let mut client = calling();
    client.poll_event();
    feed(&mut client, &fault(2, FaultStatus::CONTEXT_MISMATCH)).unwrap();
    assert!(client.failure().is_none());
    client.call(ContextId(0), 0, Bytes::new()).unwrap();
    let status = FaultStatus::PROTOCOL_ERROR;
    assert_eq!(feed(&mut client, &fault(3, status)), Err(Error::FatalFault(status)));
    let ended = |call, status| Event::Fault { call: CallId(call), status, did_not_execute: false };
    assert_eq!(client.poll_event(), Some(ended(2, FaultStatus::CONTEXT_MISMATCH)));
    assert_eq!(client.poll_event(), Some(ended(3, status)));
}

#[test]
fn without_multiplexing_calls_wait_for_each_other() {
    let mut client = binding();
    feed(&mut client, &Pdu::new(CallId(1), Body::BindAck(ack()))).unwrap();
    assert!(!client.is_multiplexed());
    let drain = |client: &mut ClientConnection| {
        let size = client.output().map(<[u8]>::len).sum();
        client.written(size);
        size
    };
    drain(&mut client);
    let calls: Vec<_> =
        (0..3).map(|_| client.call(ContextId(0), 0, Bytes::new()).unwrap()).collect();
    assert_eq!(drain(&mut client), 24);
    // One that waits can be given up without a word.
    client.discard(calls[1]).unwrap();
    assert_eq!(drain(&mut client), 0);
    feed(&mut client, &response(calls[0].0, 3, 0)).unwrap();
    assert_eq!(drain(&mut client), 24);
    feed(&mut client, &response(calls[2].0, 3, 0)).unwrap();
    assert_eq!(client.in_flight(), 0);
}

#[test]
fn calls_in_flight_are_bounded() {
    let mut client = calling();
    for _ in 1..limits::CALLS_PER_CLIENT {
        client.call(ContextId(0), 0, Bytes::new()).unwrap();
    }
    limit(&client.call(ContextId(0), 0, Bytes::new()).map(|_| ()));
    assert_eq!(client.cancel(CallId(9999)), Err(Error::NoSuchCall(CallId(9999))));
}
