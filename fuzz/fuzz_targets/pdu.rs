#![no_main]
//! Every PDU: what is understood is written, and what is written is understood as the same bytes.

use dcerpc::pdu::Pdu;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(pdu) = Pdu::parse(data) {
        let written = pdu.encode().expect("it was short enough to be read");
        // Padding that has no meaning may be lost in the first writing, so compare the second.
        let again = Pdu::parse(&written).expect("it was written by us");
        assert_eq!(again.encode().as_ref(), Some(&written));
    }
});
