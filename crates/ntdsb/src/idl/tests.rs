//! Golden stubs, and the rules that a stub can break.
//!
//! The golden stubs were captured between stubs that mingw-w64's IDL compiler generated from the
//! interface text and Wine's RPC runtime, with the values named in the tests; names are interface
//! (b, r), operation number, q for request, r for response.

use dcerpc::context_handle::ContextHandle;
use dcerpc::ndr::Error;
use dcerpc::{DataRepresentation, FaultStatus};
use ms_dtyp::Guid;
use proptest::prelude::*;

use super::*;
use crate::HResult;

const LE: DataRepresentation = DataRepresentation::LittleEndian;
const BE: DataRepresentation = DataRepresentation::BigEndian;

const B: &str = "0000000083bfe84c50303a4096cc8ab57426ca55";
const R: &str = "0000000077a23bc44a61bd4b855ac51a93135469";

fn backup_context() -> ContextHandle {
    ContextHandle::new("4ce8bf83-3050-403a-96cc-8ab57426ca55".parse().unwrap())
}

fn restore_context() -> ContextHandle {
    ContextHandle::new("c43ba277-614a-4bbd-855a-c51a93135469".parse().unwrap())
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn check_request<R: Request + PartialEq + std::fmt::Debug>(request: &R, hex: &str) {
    let stub = bytes(hex);
    assert_eq!(request.encode().unwrap(), stub, "{}", R::OPERATION);
    assert_eq!(R::decode(&stub, LE).as_ref(), Ok(request), "{}", R::OPERATION);
    check_cuts(&stub, |stub| R::decode(stub, LE).is_ok());
    check_big_endian_request(request);
}

fn check_big_endian_request<R: Request + PartialEq + std::fmt::Debug>(request: &R) {
    let mut encoder = Encoder::with_representation(BE);
    request.put(&mut encoder).unwrap();
    assert_eq!(R::decode(&encoder.finish(), BE).as_ref(), Ok(request), "{}", R::OPERATION);
}

fn check_response<R: EncodeResponse + PartialEq + std::fmt::Debug>(response: &R, hex: &str) {
    let stub = bytes(hex);
    assert_eq!(response.encode().unwrap(), stub);
    assert_eq!(R::decode(&stub, LE).as_ref(), Ok(response));
    check_cuts(&stub, |stub| R::decode(stub, LE).is_ok());

    let failed = R::failed(HResult::ERROR_ACCESS_DENIED);
    assert_eq!(failed.result(), HResult::ERROR_ACCESS_DENIED);
    assert_eq!(R::decode(&failed.encode().unwrap(), LE).as_ref(), Ok(&failed));
}

/// No stub that is cut short decodes; no stub is changed by bytes behind it.
fn check_cuts(stub: &[u8], decodes: impl Fn(&[u8]) -> bool) {
    for end in 0..stub.len() {
        assert!(!decodes(&stub[..end]), "cut at {end}");
    }
    let trailer = [stub, &[0xAA; 40]].concat();
    assert!(decodes(&trailer));
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

#[test]
fn b8_ping() {
    check_request(&backup::PingRequest { revision: DSB_WIRE_REVISION }, "01425344");
    check_response(
        &backup::PingResponse {
            revision: DSB_WIRE_REVISION,
            capabilities: 0,
            instance: Guid::NIL,
            max_read: 1 << 20,
            max_sessions: 0,
            uptime_seconds: 0x1_2345_6789,
            result: HResult::S_OK,
        },
        "01425344 00000000 00000000000000000000000000000000 00001000 00000000 \
         8967452301000000 00000000",
    );
}

#[test]
fn b0_prepare() {
    check_request(
        &backup::PrepareRequest { revision: DSB_WIRE_REVISION, grbit: 0, backup_type: 1 },
        "014253440000000001000000",
    );
    check_response(
        &backup::PrepareResponse {
            token: b"TOKN".to_vec(),
            context: backup_context(),
            result: HResult::S_OK,
        },
        &format!("040000000000020004000000544f4b4e{B}00000000"),
    );
    let failed = backup::PrepareResponse::failed(HResult::HR_BACKUP_IN_PROGRESS).encode().unwrap();
    assert_eq!(failed, [&[0; 28][..], &[0xF9, 0x01, 0x00, 0xC8]].concat());
}

#[test]
fn b1_end() {
    check_request(&backup::EndRequest { context: backup_context() }, B);
    check_response(
        &backup::EndResponse { context: ContextHandle::NULL, result: HResult::S_OK },
        "000000000000000000000000000000000000000000000000",
    );
}

#[test]
fn b2_database_names() {
    check_request(&backup::GetDatabaseNamesRequest { context: backup_context() }, B);
    check_response(
        &backup::ListResponse { names: MultiSz(units("Dntds.dit\0\0")), result: HResult::S_OK },
        "0b000000000002000b00000044006e007400640073002e0064006900740000000000000000000000",
    );
}

#[test]
fn b3_open_file() {
    check_request(
        &backup::OpenFileRequest {
            context: backup_context(),
            name: Name::from_text("Dntds.dit"),
            read_hint: 24576,
        },
        &format!("{B}0a000000000000000a00000044006e007400640073002e00640069007400000000600000"),
    );
    check_response(
        &backup::OpenFileResponse {
            file_id: 7,
            max_read: 1 << 20,
            size: 0x0123_4000,
            result: HResult::S_OK,
        },
        "0700000000001000004023010000000000000000",
    );
}

#[test]
fn b4_read() {
    let request =
        ReadRequest { context: backup_context(), file_id: 7, offset: 0x2000, length: 24576 };
    check_request(&request, &format!("{B}07000000002000000000000000600000"));

    let stub = bytes("0a00000000600000000000000a000000a5a5a5a5a5a5a5a5a5a5000000000000");
    let mut buffer = ReadBuffer::new(24576, 24576);
    assert_eq!(buffer.data_mut().len(), 24576);
    buffer.data_mut()[..10].fill(0xA5);
    buffer.data_mut()[10..].fill(0xFF);
    assert_eq!(buffer.finish(10, HResult::S_OK), stub);

    let response = request.decode_response(&stub, LE).unwrap();
    assert_eq!(response.data, 16..26);
    assert_eq!(&stub[response.data.clone()], [0xA5; 10]);
    assert_eq!(response.result, HResult::S_OK);
    check_cuts(&stub, |stub| request.decode_response(stub, LE).is_ok());
}

#[test]
fn b5_close() {
    check_request(
        &backup::CloseRequest { context: backup_context(), file_id: 7 },
        &format!("{B}07000000"),
    );
    check_response(&ResultResponse { result: HResult::S_OK }, "00000000");
}

#[test]
fn b6_backup_logs() {
    check_request(&backup::GetBackupLogsRequest { context: backup_context() }, B);
    check_response(
        &backup::GetBackupLogsResponse {
            lowest: 1,
            highest: 2,
            names: MultiSz(units("!edb00001.log\0\0")),
            result: HResult::S_OK,
        },
        "01000000020000000f000000000002000f0000002100650064006200300030003000300031002e006c006f\
         00670000000000000000000000",
    );
}

#[test]
fn b7_truncate_logs() {
    check_request(&backup::TruncateLogsRequest { context: backup_context() }, B);
    check_response(
        &backup::TruncateLogsResponse { deleted: 3, result: HResult::S_OK },
        "0300000000000000",
    );
}

#[test]
fn r0_is_online() {
    check_request(&restore::IsOnlineRequest, "");
    check_response(
        &restore::IsOnlineResponse { online: true, result: HResult::S_OK },
        "0100000000000000",
    );
}

#[test]
fn r1_prepare() {
    check_request(
        &restore::PrepareRequest {
            revision: DSB_WIRE_REVISION,
            restore_type: 0,
            token: Some(vec![1, 2, 3, 4, 5]),
        },
        "0142534400000000000002000500000004000200050000000102030405",
    );
    check_request(
        &restore::PrepareRequest { revision: DSB_WIRE_REVISION, restore_type: 0, token: None },
        "014253440000000000000000",
    );
    check_response(
        &restore::PrepareResponse { context: restore_context(), result: HResult::S_OK },
        &format!("{R}00000000"),
    );
}

#[test]
fn r1_an_empty_token_is_not_no_token() {
    check_request(
        &restore::PrepareRequest {
            revision: DSB_WIRE_REVISION,
            restore_type: 4,
            token: Some(vec![]),
        },
        "0142534404000000000002000000000000000000",
    );
}

fn register_request() -> restore::RegisterRequest {
    restore::RegisterRequest {
        context: restore_context(),
        checkpoint_path: Name::from_text("/ck"),
        log_path: Name::from_text("/log"),
        map: vec![restore::MapRow {
            database: Some(Name::from_text("C:\\a.dit")),
            new_database: Some(Name::from_text("D:\\b.dit")),
        }],
        backup_log_path: Name::from_text("/bk"),
        log_low: 1,
        log_high: 0x1F,
    }
}

#[test]
fn r2_register() {
    check_request(
        &register_request(),
        &format!(
            "{R}0400000000000000040000002f0063006b0000000500000000000000050000002f006c006f006700\
             000000000100000001000000000002000400020009000000000000000900000043003a005c0061002e00\
             6400690074000000000009000000000000000900000044003a005c0062002e0064006900740000000000\
             0400000000000000040000002f0062006b000000010000001f000000"
        ),
    );
    check_response(&ResultResponse { result: HResult::S_OK }, "00000000");
}

#[test]
fn r2_names_in_the_map_may_be_null_on_the_wire() {
    let mut request = register_request();
    request.map.push(restore::MapRow { database: None, new_database: Some(Name::from_text("x")) });
    request.map.push(restore::MapRow { database: Some(Name::from_text("y")), new_database: None });
    let stub = request.encode().unwrap();
    assert_eq!(restore::RegisterRequest::decode(&stub, LE), Ok(request.clone()));
    check_big_endian_request(&request);
    request.map.clear();
    let stub = request.encode().unwrap();
    assert_eq!(restore::RegisterRequest::decode(&stub, LE), Ok(request));
}

#[test]
fn r3_register_complete() {
    check_request(
        &restore::RegisterCompleteRequest {
            context: restore_context(),
            restore_state: HResult::S_OK,
        },
        &format!("{R}00000000"),
    );
    check_response(&ResultResponse { result: HResult::S_OK }, "00000000");
}

#[test]
fn r4_database_locations() {
    check_request(&restore::GetDatabaseLocationsRequest { context: restore_context() }, R);
    check_response(
        &restore::ListResponse { names: MultiSz(units("Dntds.dit\0\0")), result: HResult::S_OK },
        "0b000000000002000b00000044006e007400640073002e0064006900740000000000000000000000",
    );
}

#[test]
fn r5_end() {
    check_request(&restore::EndRequest { context: restore_context() }, R);
    check_response(
        &restore::EndResponse { context: ContextHandle::NULL, result: HResult::S_OK },
        "000000000000000000000000000000000000000000000000",
    );
}

#[test]
fn r6_set_current_log_number() {
    check_request(&restore::SetCurrentLogNumberRequest { current_log: 0x20 }, "20000000");
    check_response(&ResultResponse { result: HResult::HR_CIRCULAR_LOGGING }, "0b00ffc7");
}

#[test]
fn r7_check_logs_for_backup() {
    check_request(&restore::CheckLogsForBackupRequest, "");
    check_response(
        &restore::CheckLogsForBackupResponse { lowest: 5, highest: 6, result: HResult::S_OK },
        "050000000600000000000000",
    );
}

#[test]
fn interfaces_have_their_public_names() {
    assert_eq!(backup::INTERFACE.to_string(), "ecec0d70-a603-11d0-96b1-00a0c91ece30 v1.0");
    assert_eq!(restore::INTERFACE.to_string(), "16e0cf3a-a604-11d0-96b1-00a0c91ece30 v1.0");
    assert_eq!(DSB_WIRE_REVISION.to_le_bytes(), [1, b'B', b'S', b'D']);
}

#[test]
fn a_read_that_fails_keeps_the_shape_of_its_response() {
    let stub = ReadBuffer::failed(8192, HResult::ERROR_HANDLE_EOF);
    assert_eq!(stub, bytes("00000000 00200000 00000000 00000000 26000000"));
    let request = ReadRequest { context: backup_context(), file_id: 1, offset: 0, length: 8192 };
    let response = request.decode_response(&stub, LE).unwrap();
    assert_eq!(response, ReadResponse { data: 16..16, maximum: 8192, result: HResult(38) });
}

#[test]
fn a_reused_buffer_gives_the_stub_of_a_fresh_one() {
    for before in [0, 50, 120, 16_500] {
        let mut reused = ReadBuffer::reusing(vec![0xEE; before], 16384, 101);
        let mut fresh = ReadBuffer::new(16384, 101);
        assert_eq!(reused.data_mut().len(), 101);
        reused.data_mut().fill(7);
        fresh.data_mut().fill(7);
        assert_eq!(reused.finish(99, HResult::S_OK), fresh.finish(99, HResult::S_OK));
    }
}

#[test]
fn a_read_response_must_fit_its_request() {
    let request = ReadRequest { context: backup_context(), file_id: 1, offset: 0, length: 8192 };
    let stub = ReadBuffer::new(16384, 100).finish(100, HResult::S_OK);
    assert!(matches!(
        request.decode_response(&stub, LE),
        Err(Error::Mismatch { found: 16384, expected: 8192, .. })
    ));
    // More data than the maximum count, or than pcbRead says.
    for (at, value) in [(0, 99), (8, 1), (12, 99), (4, 99)] {
        let mut stub = ReadBuffer::new(8192, 100).finish(100, HResult::S_OK);
        stub[at] = value;
        if at == 4 {
            stub[5] = 0;
        }
        assert!(request.decode_response(&stub, LE).is_err(), "byte {at}");
    }
}

#[test]
fn a_read_buffer_never_moves_its_data() {
    for room in [0, 1, 2, 3, 4, 8191, 8192] {
        let mut buffer = ReadBuffer::new(8192, room);
        buffer.data_mut().fill(0x5A);
        let place = buffer.data_mut().as_ptr();
        let stub = buffer.finish(room, HResult::S_OK);
        assert_eq!(stub[HEAD..].as_ptr(), place);
        assert_eq!(stub.len() % 4, 0);
        assert_eq!(ReadResponse::decode(&stub, LE).unwrap().data.len(), room as usize);
    }
}

#[test]
fn a_read_buffer_delivers_no_more_than_there_is_room_for() {
    let stub = ReadBuffer::new(8192, u32::MAX).finish(u32::MAX, HResult::S_OK);
    assert_eq!(ReadResponse::decode(&stub, LE).unwrap().data.len(), 8192);
}

#[test]
fn limits_of_arguments_have_their_faults() {
    let long_name = backup::OpenFileRequest {
        context: backup_context(),
        name: Name::from_units(&[0x61; 1023]),
        read_hint: 0,
    };
    let mut stub = long_name.encode().unwrap();
    assert_eq!(backup::OpenFileRequest::decode(&stub, LE), Ok(long_name));
    stub[20..24].copy_from_slice(&1025u32.to_le_bytes());
    let error = backup::OpenFileRequest::decode(&stub, LE).unwrap_err();
    assert_eq!(error.fault_status(), FaultStatus::INVALID_BOUND);
    let too_long = backup::OpenFileRequest {
        context: backup_context(),
        name: Name::from_units(&[0x61; 1024]),
        read_hint: 0,
    };
    assert!(matches!(too_long.encode(), Err(Error::TooLong { .. })));

    let bad = |error: Error| assert_eq!(error.fault_status(), FaultStatus::BAD_STUB_DATA);
    let token = bytes("0142534400000000000002000100010004000200010001000000");
    bad(restore::PrepareRequest::decode(&token, LE).unwrap_err());
    let rows = format!("{R}{}1100000011000000", "010000000000000001000000 0000 0000".repeat(2));
    bad(restore::RegisterRequest::decode(&bytes(&rows), LE).unwrap_err());
    let conformance =
        format!("{R}{}0100000002000000", "010000000000000001000000 0000 0000".repeat(2));
    bad(restore::RegisterRequest::decode(&bytes(&conformance), LE).unwrap_err());
    let read = format!("{B}07000000002000000000000001004000");
    bad(ReadRequest::decode(&bytes(&read), LE).unwrap_err());
    bad(backup::ListResponse::decode(&bytes("01001000 00000200 01001000"), LE).unwrap_err());
}

#[test]
fn a_length_without_an_array_is_bad_stub_data() {
    let blob = bytes("0142534400000000000002000100000000000000");
    assert!(restore::PrepareRequest::decode(&blob, LE).is_err());
    let list = bytes("01000000 00000000 00000000");
    assert!(backup::ListResponse::decode(&list, LE).is_err());
}

#[test]
fn both_spellings_of_an_empty_list_are_read() {
    for (hex, list) in
        [("00000000 00000000", vec![]), ("01000000 04000200 01000000 0000 0000", vec![0])]
    {
        let response = backup::ListResponse::decode(&bytes(&format!("{hex} 00000000")), LE);
        assert_eq!(response.unwrap().names, MultiSz(list));
    }
}

#[test]
fn names_that_are_none_are_refused_by_the_operation() {
    let invalid = Err(HResult::ERROR_INVALID_PARAMETER);
    let name = |units: &[u16]| {
        let mut encoder = Encoder::new();
        encoder.wide_string("name", units, 1024).unwrap();
        let stub = encoder.finish();
        Name::get("name", &mut Decoder::new(&stub, LE)).unwrap().to_text()
    };
    assert_eq!(name(&[0x61, 0]), Ok("a".to_owned()));
    assert_eq!(name(&[]), invalid, "no units");
    assert_eq!(name(&[0]), invalid, "empty");
    assert_eq!(name(&[0x61]), invalid, "no terminator");
    assert_eq!(name(&[0x61, 0, 0x62, 0]), invalid, "a terminator in the middle");
    assert_eq!(name(&[0xD800, 0]), invalid, "half a surrogate pair");
    assert_eq!(name(&[0xD83D, 0xDE00, 0]), Ok("\u{1F600}".to_owned()));
}

proptest! {
    #[test]
    fn arbitrary_stubs_never_panic(stub: Vec<u8>, big_endian: bool) {
        let drep = if big_endian { BE } else { LE };
        let _ = backup::PrepareRequest::decode(&stub, drep);
        let _ = backup::PrepareResponse::decode(&stub, drep);
        let _ = backup::ListResponse::decode(&stub, drep);
        let _ = backup::OpenFileRequest::decode(&stub, drep);
        let _ = backup::OpenFileResponse::decode(&stub, drep);
        let _ = ReadRequest::decode(&stub, drep);
        let _ = ReadResponse::decode(&stub, drep);
        let _ = backup::GetBackupLogsResponse::decode(&stub, drep);
        let _ = backup::PingResponse::decode(&stub, drep);
        let _ = restore::PrepareRequest::decode(&stub, drep);
        let _ = restore::RegisterRequest::decode(&stub, drep);
    }

    #[test]
    fn a_damaged_register_request_never_panics(at: prop::sample::Index, value: u8) {
        let mut stub = register_request().encode().unwrap();
        let at = at.index(stub.len());
        stub[at] = value;
        let _ = restore::RegisterRequest::decode(&stub, LE);
    }

    #[test]
    fn any_read_leads_back(
        data in prop::collection::vec(any::<u8>(), 0..100),
        more in 0..9u32,
        result: u32,
    ) {
        let room = u32::try_from(data.len()).unwrap();
        let mut buffer = ReadBuffer::new(room + more, room);
        buffer.data_mut().copy_from_slice(&data);
        let stub = buffer.finish(room, HResult(result));
        let response = ReadResponse::decode(&stub, LE).unwrap();
        prop_assert_eq!(&stub[response.data], &data[..]);
        prop_assert_eq!((response.maximum, response.result), (room + more, HResult(result)));
    }
}

const HEAD: usize = 16;
