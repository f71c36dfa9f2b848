//! Every record and every long value is read, decoded, and the records are written back to the
//! byte.

use std::collections::HashMap;

use ese_format::column::{ColumnClass, ColumnId};
use ese_format::compression::{decompress, decompressed_len};
use ese_format::long_value::{Lid, LvKey, LvRoot};
use ese_format::record::{Record, RecordBuilder, Stored, StoredValue, TagHeader};
use ese_format::value::Value;

use crate::walk::{Column, Table, Walk};

/// What was seen, so that an empty walk is no success.
#[derive(Debug, Default)]
struct Seen {
    records: usize,
    values: usize,
    compressed: usize,
    separated: usize,
    chunks: usize,
    compressed_chunks: usize,
}

#[test]
fn every_record_is_decoded_and_written_back_to_the_byte() {
    let mut seen = Seen::default();
    for database in Walk::all() {
        for table in database.tables().values() {
            let lengths = long_values(&database, table, &mut seen);
            database.for_each_leaf_node(table.root, |node| {
                let place = format!("{} {} {:02x?}", database.name, table.name, node.key());
                let record = Record::parse(node.data, database.large())
                    .unwrap_or_else(|fault| panic!("{place}: {fault}"));
                seen.records += 1;
                decode(&record, table, &lengths, &mut seen, &place);
                let again = rebuild(&record, table, database.large());
                assert_eq!(again, node.data, "{place}");
            });
        }
    }
    assert!(seen.records > 3000 && seen.values > 30_000, "{seen:?}");
    assert!(seen.compressed > 50 && seen.separated > 400, "{seen:?}");
    assert!(seen.chunks > 500 && seen.compressed_chunks > 100, "{seen:?}");
}

/// The column of a fixed or variable number: the table's own or the template's.
fn column(table: &Table, fid: u16) -> Option<&Column> {
    let own = table.columns.get(&ColumnId::own(fid));
    own.or_else(|| table.columns.get(&ColumnId { template: true, fid }))
}

fn decode(
    record: &Record<'_>,
    table: &Table,
    lengths: &HashMap<Lid, u32>,
    seen: &mut Seen,
    place: &str,
) {
    let mut see = |column: &Column, bytes: &[u8]| {
        let value = Value::decode(column.ty, column.code_page, bytes);
        assert!(!matches!(value, Value::Opaque(_)), "{place}: {value:?}");
        if let Value::Text(text) = &value
            && let Some(decoded) = text.decode()
        {
            assert_eq!(decoded, text.to_string(), "{place}");
        }
        assert_eq!(value.to_bytes().unwrap(), bytes, "{place}");
        seen.values += 1;
    };
    for (id, column) in &table.columns {
        let stored = match id.class() {
            ColumnClass::Fixed => record.fixed(id.fid, column.offset, column.len).unwrap(),
            ColumnClass::Variable => record.variable(id.fid),
            ColumnClass::Tagged => continue,
        };
        if let Stored::Value(bytes) = stored {
            see(column, bytes);
        }
    }
    for entry in record.tagged_entries() {
        assert_eq!(record.tagged(entry.column()).unwrap().data, entry.data);
        assert_eq!(entry.header.bits() & 0x80, 0, "{place}");
        let Some(column) = table.columns.get(&entry.column()) else { continue };
        let long = entry.header.contains(TagHeader::LONG_VALUE);
        assert_eq!(long, column.ty.is_long(), "{place} {}", entry.fid);
        for value in entry.values().unwrap() {
            match value {
                StoredValue::Plain(bytes) => see(column, bytes),
                StoredValue::Compressed(bytes) => {
                    let mut plain = Vec::new();
                    decompress(bytes, &mut plain).unwrap();
                    see(column, &plain);
                    seen.compressed += 1;
                }
                StoredValue::Separated(lid) => {
                    assert!(lengths.contains_key(&lid), "{place}: {lid}");
                    seen.separated += 1;
                }
                StoredValue::Encrypted(_) => panic!("{place}: encrypted"),
            }
        }
    }
}

/// The record put together again from what its parts say.
fn rebuild(record: &Record<'_>, table: &Table, large: bool) -> Vec<u8> {
    let mut builder = RecordBuilder::new(large);
    let mut offset = 4;
    for fid in 1..=record.last_fixed() {
        // A deleted column keeps its place, up to the next one that is left.
        let next = (fid + 1..=record.last_fixed()).find_map(|fid| column(table, fid));
        let end = match column(table, fid) {
            Some(column) => column.offset + column.len,
            None => next.map_or(record.fixed_end(), |column| column.offset),
        };
        let bytes = &record.data()[offset..end];
        builder = if record.is_fixed_null(fid) {
            builder.fixed_null(bytes)
        } else {
            builder.fixed(bytes)
        };
        offset = end;
    }
    for fid in ColumnId::FIRST_VARIABLE..=record.last_variable() {
        builder = builder.variable(record.variable(fid).value());
    }
    for entry in record.tagged_entries() {
        let values: Vec<_> = entry.values().unwrap().collect();
        let long = entry.header.contains(TagHeader::LONG_VALUE);
        // Two values that are left of more keep the form for more.
        let left_of_more = !large && !long && values.len() == 2;
        builder = if entry.is_null() {
            builder.tagged_null(entry.column())
        } else if left_of_more && !entry.header.contains(TagHeader::TWO_VALUES) {
            builder.tagged_parts(entry.column(), entry.header, entry.data)
        } else {
            builder.tagged(entry.column(), long, &values)
        };
    }
    builder.build().unwrap()
}

/// Looks at every long value of a table: lengths of the roots, by id.
fn long_values(database: &Walk, table: &Table, seen: &mut Seen) -> HashMap<Lid, u32> {
    let mut lengths = HashMap::new();
    let Some(root) = table.long_values else { return lengths };
    let mut chunks: Vec<(Lid, u32, Vec<u8>)> = Vec::new();
    database.for_each_leaf_node(root, |node| {
        let key = node.key();
        let parsed = LvKey::parse(&key).unwrap();
        assert_eq!(*parsed.to_bytes(), key[..]);
        assert!(parsed.lid().is_sound());
        match parsed {
            LvKey::Root(lid) => {
                let root = LvRoot::parse(node.data).unwrap();
                assert_eq!(*root.to_bytes(), *node.data);
                lengths.insert(lid, root.size);
            }
            LvKey::Chunk(lid, offset) => chunks.push((lid, offset, node.data.to_vec())),
        }
    });
    let usual = ese_format::long_value::chunk_len(database.page_size);
    for (lid, offset, data) in chunks {
        // Chunks of a value whose root is deleted may linger.
        let Some(size) = lengths.get(&lid) else { continue };
        let expected = usize::try_from(usual.min(size - offset)).unwrap();
        seen.chunks += 1;
        if data.len() < expected {
            let mut plain = Vec::new();
            decompress(&data, &mut plain).unwrap();
            assert_eq!((plain.len(), decompressed_len(&data)), (expected, Some(expected)));
            seen.compressed_chunks += 1;
        } else {
            assert_eq!(data.len(), expected, "{} {lid} {offset}", database.name);
        }
    }
    lengths
}
