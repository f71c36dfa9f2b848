#![no_main]
//! Database headers: the first two blocks of a file whose page size nobody has said.

use ese_format::header::{DatabaseHeader, read_shadowed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(shadowed) = read_shadowed(data) {
        assert!(shadowed.header.page_size().is_some());
    }
    if let Some(header) = DatabaseHeader::parse(data) {
        let again = DatabaseHeader::parse(&header.to_block());
        assert_eq!(again.as_ref(), Some(&header));
    }
});
