//! Golden PDUs and properties of the codec.
//!
//! The golden bytes were captured on loopback between Wine's client and server; fault and
//! bind_nak are constructed after the layouts.

use super::*;
use crate::fault::{BindNakReason, FaultStatus};
use crate::{ContextId, SyntaxId};
use ms_dtyp::Guid;
use proptest::collection::vec as vec_of;
use proptest::prelude::*;
use std::string::String;
use std::vec;

const BIND: &str = "05000b03100000004800000001000000d016d016000000000100000000000100\
    700decec03a6d01196b100a0c91ece3001000000045d888aeb1cc9119fe808002b10486002000000";
const BIND_ACK: &str = "05000c03100000003c00000001000000d016d0160100000005003931333500000100\
    000000000000045d888aeb1cc9119fe808002b10486002000000";
const REQUEST: &str = "050000031000000024000000020000000c00000000000000014253440000000001000000";
const RESPONSE: &str = "0500020310000000200000000100000008000000000000000300000000000000";
const FAULT: &str = "050003231000000020000000010000001800000000000000030 0011c00000000";
const NAK: &str = "05000d031000000018000000010000000400010500000000";

fn bytes(hex: &str) -> Vec<u8> {
    let hex: String = hex.chars().filter(|c| !c.is_whitespace()).collect();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn golden(hex: &str) -> Pdu {
    let bytes = bytes(hex);
    let pdu = Pdu::parse(&bytes).unwrap();
    assert_eq!(pdu.encode().unwrap(), bytes);
    assert_eq!(pdu.drep, DataRepresentation::LittleEndian);
    pdu
}

#[test]
fn a_captured_bind_is_read_and_written() {
    let pdu = golden(BIND);
    let Body::Bind(bind) = pdu.body else { panic!("{pdu:?}") };
    assert_eq!((bind.max_xmit_frag, bind.max_recv_frag, bind.assoc_group_id), (5840, 5840, 0));
    let context = &bind.contexts[0];
    assert_eq!(context.id, ContextId(0));
    let uuid = Guid::from_fields(
        0xecec_0d70,
        0xa603,
        0x11d0,
        [0x96, 0xb1, 0, 0xa0, 0xc9, 0x1e, 0xce, 0x30],
    );
    assert_eq!(context.abstract_syntax, SyntaxId { uuid, major: 1, minor: 0 });
    assert_eq!(context.transfer_syntaxes, [SyntaxId::ndr20()]);
}

#[test]
fn a_captured_bind_ack_is_read_and_written() {
    let pdu = golden(BIND_ACK);
    let Body::BindAck(ack) = pdu.body else { panic!("{pdu:?}") };
    assert_eq!(ack.secondary_address, b"9135\0");
    assert_eq!(ack.results.len(), 1);
    assert_eq!(ack.results[0].result, RESULT_ACCEPTANCE);
    assert_eq!(ack.results[0].transfer_syntax, SyntaxId::ndr20());
}

#[test]
fn captured_calls_are_read_and_written() {
    let Body::Request(request) = golden(REQUEST).body else { panic!() };
    assert_eq!((request.alloc_hint, request.opnum, request.stub.len()), (12, 0, 12));
    let Body::Response(response) = golden(RESPONSE).body else { panic!() };
    assert_eq!((response.alloc_hint, response.cancel_count), (8, 0));
    assert_eq!(&response.stub[..], [3, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_fault_and_a_bind_nak_have_their_published_layout() {
    let pdu = golden(FAULT);
    assert!(pdu.flags.has(PfcFlags::DID_NOT_EXECUTE));
    assert_eq!(pdu.body, Body::Fault(Fault::new(ContextId(0), 0, FaultStatus::UNKNOWN_INTERFACE)));
    let nak = BindNak::new(BindNakReason::PROTOCOL_VERSION_NOT_SUPPORTED);
    assert_eq!(golden(NAK).body, Body::BindNak(nak));
}

#[test]
fn a_bind_nak_may_end_after_its_reason() {
    let mut short = bytes(NAK);
    short.truncate(18);
    short[8] = 18;
    let Body::BindNak(nak) = Pdu::parse(&short).unwrap().body else { panic!() };
    assert_eq!(nak.reason, BindNakReason::PROTOCOL_VERSION_NOT_SUPPORTED);
    assert!(nak.versions.is_empty());
}

#[test]
fn unknown_bytes_between_contexts_and_verifier_are_ignored() {
    let pdu = golden(BIND);
    let verifier = AuthVerifier {
        auth_type: 16,
        level: 6,
        pad_length: 0,
        reserved: 0,
        context_id: 79231,
        value: vec![1, 2, 3],
    };
    let mut odd = bytes(BIND);
    odd.extend_from_slice(&[0xaa; 44]);
    odd.extend_from_slice(&[16, 6, 0, 0, 0x7f, 0x35, 0x01, 0x00, 1, 2, 3]);
    odd[8] = u8::try_from(odd.len()).unwrap();
    odd[10] = 3;
    assert_eq!(Pdu::parse(&odd).unwrap(), Pdu { auth: Some(verifier), ..pdu });
}

#[test]
fn headers_that_contradict_themselves_are_refused() {
    let change = |at: usize, value: u8| {
        let mut bytes = bytes(REQUEST);
        bytes[at] = value;
        Pdu::parse(&bytes).unwrap_err()
    };
    assert_eq!(change(0, 4), Error::Version { major: 4, minor: 0 });
    assert_eq!(change(1, 1), Error::Version { major: 5, minor: 1 });
    assert_eq!(change(4, 0x11), Error::DataRepresentation { label: [0x11, 0, 0, 0] });
    assert!(matches!(change(8, 15), Error::Malformed { .. }));
    assert!(matches!(change(8, 37), Error::Malformed { .. }));
    assert!(matches!(change(10, 13), Error::Malformed { .. }));
    assert!(matches!(change(2, 20), Error::Unexpected { .. }));
}

fn syntax() -> impl Strategy<Value = SyntaxId> {
    (any::<[u8; 16]>(), any::<u16>(), any::<u16>()).prop_map(|(uuid, major, minor)| SyntaxId {
        uuid: Guid::from_bytes(uuid),
        major,
        minor,
    })
}

fn stub() -> impl Strategy<Value = Bytes> {
    vec_of(any::<u8>(), 0..100).prop_map(Bytes::from)
}

fn bind() -> impl Strategy<Value = Bind> {
    let context = (any::<u16>(), syntax(), vec_of(syntax(), 0..4)).prop_map(
        |(id, abstract_syntax, transfer_syntaxes)| ContextElement {
            id: ContextId(id),
            abstract_syntax,
            transfer_syntaxes,
        },
    );
    (any::<u16>(), any::<u16>(), any::<u32>(), vec_of(context, 0..4)).prop_map(
        |(max_xmit_frag, max_recv_frag, assoc_group_id, contexts)| Bind {
            max_xmit_frag,
            max_recv_frag,
            assoc_group_id,
            contexts,
        },
    )
}

fn bind_ack() -> impl Strategy<Value = BindAck> {
    let result =
        (any::<u16>(), any::<u16>(), syntax()).prop_map(|(result, reason, transfer_syntax)| {
            ContextResult { result, reason, transfer_syntax }
        });
    let address = vec_of(any::<u8>(), 0..20);
    (any::<u16>(), any::<u16>(), any::<u32>(), address, vec_of(result, 0..4)).prop_map(
        |(max_xmit_frag, max_recv_frag, assoc_group_id, secondary_address, results)| BindAck {
            max_xmit_frag,
            max_recv_frag,
            assoc_group_id,
            secondary_address,
            results,
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let object = proptest::option::of(any::<[u8; 16]>().prop_map(Guid::from_bytes));
    (any::<u32>(), any::<u16>(), any::<u16>(), object, stub()).prop_map(
        |(alloc_hint, context, opnum, object, stub)| Request {
            alloc_hint,
            context: ContextId(context),
            opnum,
            object,
            stub,
        },
    )
}

fn response() -> impl Strategy<Value = Response> {
    (any::<u32>(), any::<u16>(), any::<u8>(), stub()).prop_map(
        |(alloc_hint, context, cancel_count, stub)| Response {
            alloc_hint,
            context: ContextId(context),
            cancel_count,
            stub,
        },
    )
}

fn fault() -> impl Strategy<Value = Fault> {
    (any::<u32>(), any::<u16>(), any::<[u8; 2]>(), any::<u32>(), stub()).prop_map(
        |(alloc_hint, context, [cancel_count, flags], status, stub)| Fault {
            alloc_hint,
            context: ContextId(context),
            cancel_count,
            flags,
            status: FaultStatus(status),
            stub,
        },
    )
}

fn body() -> impl Strategy<Value = Body> {
    let nak = (any::<u16>(), vec_of(any::<[u8; 2]>(), 0..4))
        .prop_map(|(reason, versions)| BindNak { reason: BindNakReason(reason), versions });
    prop_oneof![
        request().prop_map(Body::Request),
        response().prop_map(Body::Response),
        fault().prop_map(Body::Fault),
        bind().prop_map(Body::Bind),
        bind().prop_map(Body::AlterContext),
        bind_ack().prop_map(Body::BindAck),
        bind_ack().prop_map(Body::AlterContextResp),
        nak.prop_map(Body::BindNak),
        Just(Body::Auth3),
        Just(Body::Shutdown),
        Just(Body::CoCancel),
        Just(Body::Orphaned),
    ]
}

prop_compose! {
    fn verifier()(
        head in any::<[u8; 3]>(),
        context_id in any::<u32>(),
        value in vec_of(any::<u8>(), 1..40),
    ) -> AuthVerifier {
        let [auth_type, level, reserved] = head;
        AuthVerifier { auth_type, level, pad_length: 0, reserved, context_id, value }
    }
}

prop_compose! {
    fn pdu()(
        flags in any::<u8>(),
        big in any::<bool>(),
        call_id in any::<u32>(),
        body in body(),
        auth in proptest::option::of(verifier()),
    ) -> Pdu {
        let drep = match big {
            true => DataRepresentation::BigEndian,
            false => DataRepresentation::LittleEndian,
        };
        let mut flags = PfcFlags(flags);
        if let Body::Request(request) = &body {
            flags = flags.without(PfcFlags::OBJECT_UUID);
            if request.object.is_some() {
                flags = flags.with(PfcFlags::OBJECT_UUID);
            }
        }
        Pdu { flags, drep, call_id: CallId(call_id), body, auth }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(pdu in pdu()) {
        let bytes = pdu.encode().unwrap();
        let mut read = Pdu::parse(&bytes).unwrap();
        if let Some(auth) = &mut read.auth {
            prop_assert_eq!((bytes.len() - auth.value.len()) % 4, 0);
            auth.pad_length = 0;
        }
        prop_assert_eq!(read, pdu);
    }

    #[test]
    fn damaged_pdus_are_read_or_refused(pdu in pdu(), at in any::<usize>(), value in any::<u8>()) {
        let mut bytes = pdu.encode().unwrap();
        let at = at % bytes.len();
        bytes[at] = value;
        let _ = Pdu::parse(&bytes);
        let _ = Pdu::parse(&bytes[..at]);
    }
}
