//! What all records must do: be read back as they were written.

mod built;

use alloc::vec;
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

/// Types that are read from zeros, but for their type: the others need a length, or are no records.
#[test]
fn every_type_is_read() {
    for kind in RecordKind::all() {
        let mut bytes = vec![0; 600];
        bytes[0] = kind.0;
        let result = LogRecord::parse(&bytes).map(|(record, len)| (record.kind(), len));
        match kind {
            RecordKind::SLV_PAGE_APPEND
            | RecordKind::SLV_SPACE
            | RecordKind::SLV_PAGE_MOVE
            | RecordKind::FORCE_DETACH_DB
            | RecordKind::UPGRADE_DB
            | RecordKind::DB_LIST => assert_eq!(result, Err(RecordError::SizeUnknown { kind })),
            RecordKind::FRAGMENT | RecordKind::FRAGMENT_BEGIN => {
                assert_eq!(result, Err(RecordError::Fragment { kind }));
            }
            RecordKind::EXTEND_DB
            | RecordKind::COMMIT_CTX
            | RecordKind::SCAN_CHECK
            | RecordKind::RE_ATTACH
            | RecordKind::MACRO_INFO2
            | RecordKind::FREE_FDP => {
                assert!(matches!(result, Err(RecordError::TooShort { len: 5, .. })), "{kind}");
                bytes[1] = 60;
                assert_eq!(LogRecord::parse(&bytes).map(|(record, _)| record.kind()), Ok(kind));
            }
            _ => assert_eq!(result, Ok((kind, kind.fixed_len().unwrap()))),
        }
    }
}

#[test]
fn values_without_a_meaning_are_refused() {
    let field = |kind: RecordKind, at: usize, value: u8| {
        let mut bytes = vec![0; 600];
        (bytes[0], bytes[at]) = (kind.0, value);
        match LogRecord::parse(&bytes) {
            Err(RecordError::Value { field, value, .. }) => Some((field, value)),
            _ => None,
        }
    };
    assert_eq!(field(RecordKind::SPLIT2, 68, 3), Some(("splittype", 3)));
    assert_eq!(field(RecordKind::SPLIT2, 69, 4), Some(("splitoper", 4)));
    assert_eq!(field(RecordKind::MERGE2, 85, 8), Some(("mergetype", 8)));
    assert_eq!(field(RecordKind::EMPTY_TREE, 44, 8), Some(("le_cbEmptyPageList", 8)));
    assert_eq!(field(RecordKind::REPLACE, 44, 8), Some(("mle_cb", 8)));
    assert_eq!(field(RecordKind::REPLACE_D, 44, 8), None);
}
