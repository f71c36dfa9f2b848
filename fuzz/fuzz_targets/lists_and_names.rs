#![no_main]
//! Lists of files, server names, and the code pages of the A forms.

use libfuzzer_sys::fuzz_target;
use ntdsb::multi_sz;
use ntdsbcli::server_name::LocalNames;

fuzz_target!(|data: &[u8]| {
    let units: Vec<u16> =
        data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    if let Ok(entries) = multi_sz::decode(&units) {
        let again = multi_sz::encode(&entries).expect("it was a list");
        assert_eq!(multi_sz::decode(&again).expect("it is a list"), entries);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let local = LocalNames::of_this_computer(&[]);
        let _ = ntdsbcli::server_name::documented(text, &local);
        let _ = ntdsbcli::server_name::extended(text, &local);
    }
});
