#![no_main]
//! Log headers, backup trailers and log names.

use ese_format::log_header::LogHeader;
use ese_format::trailer::BackupTrailer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(header) = LogHeader::parse(data) {
        assert_eq!(LogHeader::parse(&header.to_sealed_block()).ok(), Some(header));
    }
    std::hint::black_box(BackupTrailer::recognise(data));
    if let Ok(name) = core::str::from_utf8(data) {
        std::hint::black_box(ese_format::log_name::LogName::parse(name));
    }
});
