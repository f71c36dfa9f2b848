#![no_main]
//! Every PDU: what is understood is written as it was read.

use dcerpc::pdu::Pdu;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(pdu) = Pdu::parse(data) {
        let written = pdu.encode().expect("it was short enough to be read");
        assert_eq!(Pdu::parse(&written).as_ref(), Ok(&pdu));
    }
});
