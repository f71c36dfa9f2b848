#![no_main]
//! The stub of a request of every operation, in both byte orders. What decodes encodes again.

use dcerpc::DataRepresentation;
use libfuzzer_sys::fuzz_target;
use ntdsb::idl::{Request, backup, restore};

fn check<R: Request + PartialEq + std::fmt::Debug>(data: &[u8], drep: DataRepresentation) {
    if let Ok(request) = R::decode(data, drep) {
        let stub = request.encode().expect("what was decoded is within the limits");
        assert_eq!(R::decode(&stub, DataRepresentation::LittleEndian).as_ref(), Ok(&request));
    }
}

fuzz_target!(|data: &[u8]| {
    for drep in [DataRepresentation::LittleEndian, DataRepresentation::BigEndian] {
        check::<backup::PrepareRequest>(data, drep);
        check::<backup::OpenFileRequest>(data, drep);
        check::<backup::CloseRequest>(data, drep);
        check::<backup::PingRequest>(data, drep);
        check::<ntdsb::idl::ReadRequest>(data, drep);
        check::<restore::PrepareRequest>(data, drep);
        check::<restore::RegisterRequest>(data, drep);
        check::<restore::RegisterCompleteRequest>(data, drep);
        check::<restore::SetCurrentLogNumberRequest>(data, drep);
    }
});
