#![no_main]
//! The manifest of a backup set. What is accepted is written again as it was understood.

use backup_set::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(manifest) = Manifest::parse(data) {
        let again = Manifest::parse(&manifest.to_bytes().expect("it was read"));
        assert_eq!(again.expect("it was written by us"), manifest);
    }
});
