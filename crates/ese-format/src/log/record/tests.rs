//! What all records must do: be read back as they were written.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

/// Mostly zeros, so that length fields are small often enough.
fn record_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => Just(0u8), 1 => any::<u8>()];
    (0u8..104, proptest::collection::vec(byte, 1200)).prop_map(|(kind, mut bytes)| {
        bytes[0] = kind;
        // Their new length is the stored one, or nothing is read.
        if RecordKind(kind) == RecordKind::REPLACE {
            bytes.copy_within(44..46, 48);
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn writing_back_gives_the_same_bytes(bytes in record_bytes()) {
        let Ok((record, len)) = LogRecord::parse(&bytes) else { return Ok(()) };
        prop_assert_eq!(record.kind().0, bytes[0]);
        prop_assert_eq!(record_len(&bytes), Ok(len));
        let mut written = Vec::new();
        record.write(&mut written);
        prop_assert_eq!(&written, &bytes[..len]);
        prop_assert_eq!(LogRecord::parse(&written), Ok((record, len)));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..700), kind in 0u8..110,
    ) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = kind;
        }
        if let Ok((record, len)) = LogRecord::parse(&bytes) {
            let mut written = Vec::new();
            record.write(&mut written);
            prop_assert_eq!(&written, &bytes[..len]);
        }
    }
}
