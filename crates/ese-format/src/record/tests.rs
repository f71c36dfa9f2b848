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
    assert_eq!([128, 129, 130, 131].map(|fid| record.variable_len(fid)), [3, 0, 0, 0]);
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

#[test]
fn several_values_are_read() {
    let mixed = [0, 0x7F, 4, 0, 0, 1, 4, 0x40, 9, 4, 0x80, 8, 0, 5, 0, 0, 0];
    let record = Record::parse(&mixed, false).unwrap();
    assert_eq!(values(&record, 256), [StoredValue::Separated(Lid::U32(5)), PLAIN_EMPTY]);

    let wide = [0, 0x7F, 4, 0, 0, 1, 4, 0, 9, 4, 0, 4, 0x80, 5, 0, 0, 0, 0x80, 0, 0, 0x80];
    let record = Record::parse(&wide, true).unwrap();
    let lid = Lid::U64(0x8000_0080_0000_0005);
    assert_eq!(values(&record, 256), [PLAIN_EMPTY, StoredValue::Separated(lid)]);
    let values = record.tagged(ColumnId::own(256)).unwrap().values().unwrap();
    assert_eq!((values.len(), values.get(1)), (2, Some(StoredValue::Separated(lid))));
    assert_eq!(values.get(2), None);

    let bytes = [0, 0x7F, 4, 0, 0, 1, 4, 0x40, 8, 6, 0, 7, 0, 8, 0, 0, 0x7F, 0xFF];
    let record = Record::parse(&bytes, false).unwrap();
    assert_eq!(self::values(&record, 256), [&[0][..], &[0x7F], &[0xFF]].map(StoredValue::Plain));
}

#[test]
fn only_the_first_of_several_values_is_compressed() {
    let data = [0, 0x7F, 4, 0, 0, 1, 4, 0x40, 0x0B, 4, 0, 6, 0, 0x0E, 0x61, 0x0E, 0x61];
    let record = Record::parse(&data, false).unwrap();
    let expected = [StoredValue::Compressed(&[0x0E, 0x61]), StoredValue::Plain(&[0x0E, 0x61])];
    assert_eq!(values(&record, 256), expected);
}

#[test]
fn explicit_null_of_large_pages_is_its_header_byte() {
    let data = [0, 0x7F, 4, 0, 0, 1, 8, 0, 1, 1, 9, 0, 0x20, 0];
    let record = Record::parse(&data, true).unwrap();
    assert!(record.tagged(ColumnId::own(256)).unwrap().is_null());
    assert_eq!(values(&record, 256), []);
    assert_eq!(values(&record, 257), [PLAIN_EMPTY]);
}

const PLAIN_EMPTY: StoredValue<'static> = StoredValue::Plain(&[]);

#[test]
fn null_variable_column_with_bytes_is_null() {
    let record = Record::parse(&[0, 0x81, 4, 0, 2, 0x80, 3, 0, 1, 2, 3], false).unwrap();
    assert_eq!((record.variable(128), record.variable_len(128)), (Stored::Null, 2));
    assert_eq!(record.variable(129), Stored::Value(&[3][..]));
}

#[test]
fn each_unsound_frame_is_refused_with_its_place() {
    let small = |data: &[u8]| Record::parse(data, false).map(|_| ()).unwrap_err();
    let header = |last_fixed, last_variable, fixed_end, len| RecordError::Header {
        last_fixed,
        last_variable,
        fixed_end,
        len,
    };
    assert_eq!(small(&[0, 0x7F, 4]), RecordError::TooShort { len: 3 });
    assert_eq!(small(&[0, 0x7F, 5, 0]), header(0, 0x7F, 5, 4));
    assert_eq!(small(&[0, 0x7E, 4, 0]), header(0, 0x7E, 4, 4));
    assert_eq!(small(&[1, 0x7F, 4, 0]), header(1, 0x7F, 4, 4));
    let mut full = [0; 20];
    full[..4].copy_from_slice(&[0x80, 0x7F, 20, 0]);
    assert_eq!(small(&full), header(0x80, 0x7F, 20, 20));
    assert_eq!(small(&[0, 0x80, 4, 0, 0]), RecordError::VariableEnds { columns: 1, len: 5 });
    assert_eq!(small(&[0, 0x80, 4, 0, 1, 0]), RecordError::VariableEnd { fid: 128, end: 1 });
    assert_eq!(
        small(&[0, 0x81, 4, 0, 1, 0, 0, 0, b'x']),
        RecordError::VariableEnd { fid: 129, end: 0 }
    );
    let tagged = |rest: &[u8]| small(&[&[0, 0x7F, 4, 0], rest].concat());
    assert_eq!(tagged(&[0]), RecordError::Directory { first: 0, len: 1 });
    assert_eq!(tagged(&[0, 1, 0, 0]), RecordError::Directory { first: 0, len: 4 });
    assert_eq!(tagged(&[0, 1, 5, 0, 1]), RecordError::Directory { first: 5, len: 5 });
    assert_eq!(tagged(&[0, 1, 8, 0]), RecordError::Directory { first: 8, len: 4 });
    assert_eq!(tagged(&[0, 1, 8, 0, 0, 1, 8, 0]), RecordError::TaggedOrder { fid: 256 });
    assert_eq!(tagged(&[0, 1, 8, 0, 0, 1, 8, 0x80]), RecordError::TaggedOrder { fid: 256 });
    assert_eq!(tagged(&[0, 1, 8, 0, 1, 1, 7, 0]), RecordError::TaggedOffset { fid: 257, at: 7 });
    assert_eq!(tagged(&[0, 1, 8, 0, 1, 1, 9, 0]), RecordError::TaggedOffset { fid: 257, at: 9 });
    assert_eq!(tagged(&[0, 1, 4, 0x40]), RecordError::TaggedHeader { fid: 256 });
    assert_eq!(tagged(&[0, 1, 8, 0x40, 1, 1, 8, 0, 9]), RecordError::TaggedHeader { fid: 256 });
}

#[test]
fn unsound_values_are_refused_and_the_rest_is_read() {
    let fault = |header: u8, data: &[u8]| {
        let header = TagHeader::from_bits_retain(header);
        TaggedEntry { derived: false, fid: 300, header, data }.values().map(|_| ()).unwrap_err()
    };
    let offsets = RecordError::ValueOffsets { fid: 300 };
    for data in [&[][..], &[4], &[0, 0], &[3, 0, 0], &[4, 0, 5, 0], &[4, 0, 3, 0]] {
        assert_eq!(fault(0x08, data), offsets, "{data:?}");
    }
    for data in [&[][..], &[1]] {
        assert_eq!(fault(0x18, data), offsets, "{data:?}");
    }
    let lid = |len| RecordError::LongValueId { fid: 300, len };
    assert_eq!(fault(0x05, &[1, 2, 3]), lid(3));
    assert_eq!(fault(0x08, &[4, 0x80, 6, 0, 1, 2]), lid(2));
}

mod random {
    //! Records of any columns, written and read again.

    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Content {
        Null,
        Values(bool, Vec<Owned>),
    }

    #[derive(Debug, Clone)]
    enum Owned {
        Plain(Vec<u8>),
        Compressed(Vec<u8>),
        Separated(Lid),
        Encrypted(Vec<u8>),
    }

    impl Owned {
        fn borrow(&self) -> StoredValue<'_> {
            match self {
                Self::Plain(bytes) => StoredValue::Plain(bytes),
                Self::Compressed(bytes) => StoredValue::Compressed(bytes),
                Self::Separated(lid) => StoredValue::Separated(*lid),
                Self::Encrypted(bytes) => StoredValue::Encrypted(bytes),
            }
        }
    }

    fn plain() -> impl Strategy<Value = Owned> {
        vec(any::<u8>(), 0..20).prop_map(Owned::Plain)
    }

    fn separated() -> impl Strategy<Value = Owned> {
        prop_oneof![
            any::<u32>().prop_map(|id| Owned::Separated(Lid::U32(id))),
            any::<u64>().prop_map(|id| Owned::Separated(Lid::U64(id))),
        ]
    }

    fn content() -> impl Strategy<Value = Content> {
        let compressed = || vec(any::<u8>(), 0..20).prop_map(Owned::Compressed);
        let encrypted = vec(any::<u8>(), 0..20).prop_map(Owned::Encrypted);
        let first = prop_oneof![plain(), separated(), compressed()];
        let several = (first, vec(prop_oneof![plain(), separated()], 1..6))
            .prop_map(|(first, rest)| [alloc::vec![first], rest].concat());
        let one = prop_oneof![plain(), separated(), compressed(), encrypted];
        prop_oneof![
            1 => Just(Content::Null),
            4 => (any::<bool>(), one).prop_map(|(long, one)| Content::Values(long, [one].into())),
            4 => (any::<bool>(), several).prop_map(|(long, all)| Content::Values(long, all)),
            2 => vec(plain(), 2).prop_map(|two| Content::Values(false, two)),
        ]
    }

    fn column() -> impl Strategy<Value = (bool, u16)> {
        (any::<bool>(), prop_oneof![256..300_u16, 256..=0xFEE0_u16])
    }

    proptest! {
        #[test]
        fn what_is_built_is_read_again(
            large in any::<bool>(),
            fixed in vec((any::<bool>(), vec(any::<u8>(), 1..17)), 0..=127),
            variable in vec(any::<Option<Vec<u8>>>(), 0..=128),
            tagged in btree_map(column(), content(), 0..20),
        ) {
            let mut builder = RecordBuilder::new(large);
            for (null, bytes) in &fixed {
                builder =
                    if *null { builder.fixed_null(bytes) } else { builder.fixed(bytes) };
            }
            for bytes in &variable {
                builder = builder.variable(bytes.as_deref());
            }
            for ((own, fid), content) in &tagged {
                let column = ColumnId { template: !own, fid: *fid };
                builder = match content {
                    Content::Null => builder.tagged_null(column),
                    Content::Values(long, values) => {
                        let values: Vec<_> = values.iter().map(Owned::borrow).collect();
                        builder.tagged(column, *long, &values)
                    }
                };
            }
            let data = builder.build().unwrap();
            let record = Record::parse(&data, large).unwrap();
            let mut offset = 4;
            for (fid, (null, bytes)) in (1..).zip(&fixed) {
                let stored = record.fixed(fid, offset, bytes.len()).unwrap();
                prop_assert_eq!(stored.value(), (!null).then_some(&bytes[..]));
                offset += bytes.len();
            }
            prop_assert_eq!(record.fixed_end(), offset);
            for (fid, bytes) in (128..).zip(&variable) {
                prop_assert_eq!(record.variable(fid).value(), bytes.as_deref());
            }
            prop_assert_eq!(record.tagged_entries().len(), tagged.len());
            for (entry, ((own, fid), content)) in record.tagged_entries().zip(&tagged) {
                prop_assert_eq!((entry.derived, entry.fid), (!own, *fid));
                prop_assert_eq!(record.tagged(entry.column()).unwrap().data, entry.data);
                let read: Vec<_> = entry.values().unwrap().collect();
                let expected: Vec<_> = match content {
                    Content::Null => Vec::new(),
                    Content::Values(long, values) => {
                        let marked = entry.header.contains(TagHeader::LONG_VALUE);
                        prop_assert_eq!(marked, *long);
                        values.iter().map(Owned::borrow).collect()
                    }
                };
                prop_assert_eq!(read, expected);
            }
        }

        #[test]
        fn damaged_records_are_read_or_refused(
            large in any::<bool>(),
            values in vec(content(), 1..6),
            damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut builder = RecordBuilder::new(large).fixed(&[1, 2, 3, 4]).variable(Some(b"v"));
            for (fid, content) in (256..).zip(&values) {
                let Content::Values(long, values) = content else { continue };
                let values: Vec<_> = values.iter().map(Owned::borrow).collect();
                builder = builder.tagged(ColumnId::own(fid), *long, &values);
            }
            let mut data = builder.build().unwrap();
            for (at, byte) in damage {
                let at = at.index(data.len());
                data[at] = byte;
            }
            if let Ok(record) = Record::parse(&data, large) {
                let _ = record.fixed(1, 4, 4);
                let mut read = 0;
                for fid in 128..=255 {
                    read += record.variable(fid).value().map_or(0, <[u8]>::len);
                }
                for entry in record.tagged_entries() {
                    read += entry.data.len();
                    if let Ok(values) = entry.values() {
                        prop_assert_eq!(values.len(), values.count());
                    }
                }
                prop_assert!(read <= data.len());
            }
        }
    }
}
