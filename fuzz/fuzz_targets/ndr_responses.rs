#![no_main]
//! The stub of a response of every operation, as a hostile server may send it.

use dcerpc::DataRepresentation;
use libfuzzer_sys::fuzz_target;
use ntdsb::idl::{ReadResponse, Response, ResultResponse, backup, restore};

fuzz_target!(|data: &[u8]| {
    for drep in [DataRepresentation::LittleEndian, DataRepresentation::BigEndian] {
        let _ = backup::PrepareResponse::decode(data, drep);
        let _ = backup::EndResponse::decode(data, drep);
        let _ = backup::ListResponse::decode(data, drep);
        let _ = backup::OpenFileResponse::decode(data, drep);
        let _ = backup::GetBackupLogsResponse::decode(data, drep);
        let _ = backup::TruncateLogsResponse::decode(data, drep);
        let _ = backup::PingResponse::decode(data, drep);
        let _ = restore::IsOnlineResponse::decode(data, drep);
        let _ = restore::PrepareResponse::decode(data, drep);
        let _ = restore::CheckLogsForBackupResponse::decode(data, drep);
        let _ = ResultResponse::decode(data, drep);
        if let Ok(read) = ReadResponse::decode(data, drep) {
            assert!(data.get(read.data.clone()).is_some(), "the data lie in the stub");
        }
    }
});
