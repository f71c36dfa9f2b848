#![no_main]
//! Records: real ones with edits, or any bytes; every accessor.

use std::sync::LazyLock;

use dsbackup_fuzz::{KINDS, RECORDS, edit, leaf_data};
use ese_format::column::{ColumnId, ColumnType};
use ese_format::record::{Record, StoredValue};
use ese_format::value::Value;
use libfuzzer_sys::fuzz_target;

static SMALL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| leaf_data("clean_8k", KINDS, RECORDS));
static LARGE: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| leaf_data("clean_32k", KINDS, RECORDS));

fuzz_target!(|data: &[u8]| {
    let [kind, a, b, rest @ ..] = data else { return };
    let large_pages = kind & 1 == 1;
    let bytes = if kind & 2 == 0 {
        rest.to_vec()
    } else {
        let real = if large_pages { &*LARGE } else { &*SMALL };
        let mut bytes = real[usize::from(u16::from_le_bytes([*a, *b])) % real.len()].clone();
        edit(&mut bytes, rest);
        bytes
    };
    let Ok(record) = Record::parse(&bytes, large_pages) else { return };
    for fid in 1..=127 {
        let _ = record.fixed(fid, usize::from(fid) * 4, 8);
        let _ = record.is_fixed_null(fid);
    }
    for fid in 128..=255 {
        let _ = record.variable(fid);
    }
    let mut last = None;
    for entry in record.tagged_entries() {
        let place = (!entry.derived, entry.fid);
        assert!(last < Some(place), "entries ascend");
        last = Some(place);
        let column = ColumnId { template: entry.derived, fid: entry.fid };
        assert!(record.tagged(column).is_some(), "what is listed is found");
        let Ok(values) = entry.values() else { continue };
        let mut bytes_of_values = 0;
        for value in values {
            match value {
                StoredValue::Plain(value)
                | StoredValue::Compressed(value)
                | StoredValue::Encrypted(value) => {
                    bytes_of_values += value.len();
                    for ty in ColumnType::ALL {
                        let decoded = Value::decode(ty, u16::from(kind & 4) * 300, value);
                        if let Some(again) = decoded.to_bytes() {
                            assert_eq!(&*again, value, "{ty:?} keeps the bytes");
                        }
                    }
                }
                StoredValue::Separated(lid) => assert!(lid.to_record().len() <= 8),
            }
        }
        assert!(bytes_of_values <= bytes.len());
    }
});
