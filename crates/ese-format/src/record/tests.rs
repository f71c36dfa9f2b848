//! Records by hand, as the engine writes them.

use alloc::vec::Vec;

use super::*;
use crate::long_value::Lid;

fn values<'a>(record: &Record<'a>, fid: u16) -> Vec<StoredValue<'a>> {
    record.tagged(ColumnId::own(fid)).unwrap().values().unwrap().collect()
}

#[test]
fn empty_record_has_nothing() {
    let record = Record::parse(&[0, 0x7F, 4, 0], false).unwrap();
    assert_eq!((record.last_fixed(), record.last_variable()), (0, 127));
    assert_eq!(record.fixed(1, 4, 4), Ok(Stored::Absent));
    assert_eq!(record.variable(128), Stored::Absent);
    assert_eq!(record.tagged_entries().count(), 0);
}

#[test]
fn fixed_and_variable_columns_are_found() {
    let data = [2, 0x82, 11, 0, 7, 0, 0, 0, 0xEE, 0xEE, 2, 3, 0, 3, 0x80, 3, 0, b'a', b'b', b'c'];
    let record = Record::parse(&data, false).unwrap();
    assert_eq!(record.fixed(1, 4, 4), Ok(Stored::Value(&[7, 0, 0, 0][..])));
    assert_eq!(record.fixed(2, 8, 2), Ok(Stored::Null));
    assert_eq!(record.fixed(3, 10, 2), Ok(Stored::Absent));
    assert_eq!(record.variable(128), Stored::Value(&b"abc"[..]));
    assert_eq!(record.variable(129), Stored::Null);
    assert_eq!(record.variable(130), Stored::Value(&[][..]));
    assert_eq!(record.variable(131), Stored::Absent);
    assert_eq!(
        record.fixed(1, 8, 4),
        Err(RecordError::FixedOutside { fid: 1, at: 8, end: 12, fixed_end: 10 })
    );
}

#[test]
fn tagged_forms_of_small_pages_are_read() {
    let data = [
        0, 0x7F, 4, 0, // header
        0, 1, 20, 0xC0, // template column 256, at 20
        0, 1, 23, 0, // own column 256, at 23
        1, 1, 25, 0x20, // 257 null
        2, 1, 25, 0x40, // 258
        3, 1, 29, 0x40, // 259
        1, b'T', b'U', // long, one value
        9, 8, // no header byte
        0x18, 1, 0, 0xFF, // two bits
        5, 1, 0, 0, 0, // long value 1
    ];
    let record = Record::parse(&data, false).unwrap();
    assert_eq!(record.tagged_entries().len(), 5);
    let template = record.tagged(ColumnId { template: true, fid: 256 }).unwrap();
    let template: Vec<_> = template.values().unwrap().collect();
    assert_eq!(template, [StoredValue::Plain(&b"TU"[..])]);
    assert_eq!(values(&record, 256), [StoredValue::Plain(&[9, 8])]);
    assert!(record.tagged(ColumnId::own(257)).unwrap().is_null());
    assert_eq!(values(&record, 257), []);
    assert_eq!(values(&record, 258), [StoredValue::Plain(&[0]), StoredValue::Plain(&[0xFF])]);
    assert_eq!(values(&record, 259), [StoredValue::Separated(Lid::U32(1))]);
    assert!(record.tagged(ColumnId::own(260)).is_none());
}
