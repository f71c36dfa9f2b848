#![no_main]
//! What administrators write: the service's configuration and policy, code pages, volumes.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = ntdsbsrv::config::Config::parse(text);
        let _ = ntdsbcli::options::parse_volumes(text);
    }
    for page in [ntdsbcli::ansi::CodePage::Utf8, ntdsbcli::ansi::CodePage::Windows1252] {
        let _ = page.to_wide(data);
    }
});
