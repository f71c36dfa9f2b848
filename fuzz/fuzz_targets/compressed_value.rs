#![no_main]
//! Compressed values: every scheme, and text of every kind out of them.

use ese_format::compression::{decompress, decompressed_len};
use ese_format::text::Text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut out = b"before".to_vec();
    let outcome = decompress(data, &mut out);
    let plain = out.strip_prefix(b"before").expect("what was there stays");
    if outcome.is_err() {
        assert!(plain.is_empty(), "nothing is left of what failed");
        return;
    }
    assert!(plain.len() <= 65_535.max(data.len() * 16 / 7), "within the bound");
    if let Some(len) = decompressed_len(data) {
        assert_eq!(plain.len(), len);
    }
    for code_page in [1252, 1200] {
        let text = Text::new(plain, code_page);
        assert_eq!(text.as_bytes(), plain);
        let mut shown = String::new();
        assert_eq!(text.decode_into(&mut shown), text.decode().is_some());
        let _ = text.decode_lossy();
    }
});
