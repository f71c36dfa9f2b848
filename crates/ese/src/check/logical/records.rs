//! Records: each by itself, and what must be elsewhere because of it.
//!
//! ```text
//! record itself   its frame; where the fixed part ends; lengths of fixed types; forms of tagged
//!                 columns; compressed values; columns that may not be null
//! its node        the key that its columns make
//! elsewhere       an entry in each index that it belongs to, a long value for each reference:
//!                 added to sums, see the sums of the other side
//! ```
//!
//! Nothing is allocated for a record once the buffers are large enough.

use ese_format::PageNumber;
use ese_format::column::{ColumnClass, ColumnFlags, ColumnType};
use ese_format::compression::{decompress, decompressed_len, scheme};
use ese_format::key::{KeyBuilder, KeyError};
use ese_format::record::{Record, Stored, StoredValue, TagHeader, TaggedEntry};

use super::record_values::{RecordValues, ValueError, is_opaque};
use super::rules::{ColumnRule, FixedEnd};
use super::state::{Logical, TableCheck};
use super::sums::Sum;
use super::texts::TextPairs;
use crate::PageRef;
use crate::check::finding::{Code, Place};
use crate::check::visit::{LeafVisitor, PartEnd};

static RECORD: Code = Code::error("record", "restore the database from an older backup");
static COLUMN: Code = Code::error("record-column", "restore the database from an older backup");
static UNKNOWN_COLUMN: Code =
    Code::warning("record-column-unknown", "nothing; the value of a deleted column is left over");
static NULL: Code = Code::error("record-null", "restore the database from an older backup");
static VALUE: Code = Code::error("record-value", "restore the database from an older backup");
static OPAQUE: Code = Code::warning(
    "record-opaque",
    "nothing; the value cannot be looked into without its application",
);
static PRIMARY_KEY: Code = Code::error("primary-key", "restore the database from an older backup");

/// Judges the records of a part of a table.
#[derive(Debug)]
pub(super) struct RecordVisitor<'c> {
    logical: &'c Logical<'c>,
    table: &'c TableCheck,
    /// Of the entries that each index must have, by its place in the rules.
    sums: Vec<Sum>,
    /// Texts whose sort keys are unknown, by index.
    texts: Vec<TextPairs>,
    references: Sum,
    records: u64,
    /// Indexes that cannot be compared, as the keys of a record in them are not known.
    unknown: Vec<usize>,
    builder: KeyBuilder,
    /// Indexes that the record at hand may have keys in.
    todo: Vec<usize>,
    key: Vec<u8>,
    plain: Vec<u8>,
}

/// The record at hand.
#[derive(Debug, Clone, Copy)]
struct Node<'a> {
    page: PageNumber,
    key: &'a [u8],
}

impl<'c> RecordVisitor<'c> {
    pub(super) fn new(logical: &'c Logical<'c>, table: &'c TableCheck) -> Self {
        let indexes = table.rules.indexes.len();
        Self {
            logical,
            table,
            sums: vec![Sum::default(); indexes],
            texts: (0..indexes).map(|_| TextPairs::default()).collect(),
            references: Sum::default(),
            records: 0,
            unknown: Vec::new(),
            builder: KeyBuilder::new(),
            todo: Vec::new(),
            key: Vec::new(),
            plain: Vec::new(),
        }
    }

    fn record(&mut self, node: Node<'_>, data: &[u8]) {
        self.records += 1;
        let record = match Record::parse(data, self.table.rules.large_pages) {
            Ok(record) => record,
            Err(error) => return self.find(&RECORD, node, || error.to_string()),
        };
        self.todo.clear();
        self.todo.extend_from_slice(&self.table.rules.always);
        self.fixed(node, &record);
        self.variable(node, &record);
        for entry in record.tagged_entries() {
            self.tagged(node, &entry);
        }
        self.not_null(node, &record);
        self.primary_key(node, &record);
        let mut todo = std::mem::take(&mut self.todo);
        for index in todo.drain(..) {
            self.index_keys(node, &record, index);
        }
        self.todo = todo;
    }

    fn fixed(&mut self, node: Node<'_>, record: &Record<'_>) {
        let rules = &self.table.rules;
        let last = record.last_fixed();
        let found = record.fixed_end();
        let (fits, expected) = match rules.fixed_end(last) {
            FixedEnd::At(end) => (found == end, end),
            FixedEnd::NotBefore(end) => (found >= end, end),
        };
        if !fits {
            self.find(&RECORD, node, || {
                format!("its fixed columns up to {last} end at {found}, expected {expected}")
            });
        }
        let (last_known, _) = rules.last_untagged;
        if last > last_known {
            self.unknown_column(node, last);
        }
        for fid in 1..=last {
            let column = rules.untagged(fid).and_then(|slot| rules.column(slot));
            let Some((column, _)) = column else { continue };
            match record.fixed(fid, column.fixed.start, column.fixed.len()) {
                Ok(Stored::Value(_)) => self.todo.extend(rules.indexes_by_first(column)),
                Ok(_) => {}
                // That the fixed part ends in the wrong place was said.
                Err(_) if !fits => {}
                Err(error) => self.find(&RECORD, node, || error.to_string()),
            }
        }
    }

    fn variable(&mut self, node: Node<'_>, record: &Record<'_>) {
        let rules = &self.table.rules;
        let last = record.last_variable();
        let (_, last_known) = rules.last_untagged;
        if last > last_known {
            self.unknown_column(node, last);
        }
        for fid in ese_format::column::ColumnId::FIRST_VARIABLE..=last {
            let column = rules.untagged(fid).and_then(|slot| rules.column(slot));
            let Some((column, _)) = column else { continue };
            if matches!(record.variable(fid), Stored::Value(_)) {
                self.todo.extend(rules.indexes_by_first(column));
            } else if record.variable_len(fid) != 0 {
                self.find(&RECORD, node, || {
                    let len = record.variable_len(fid);
                    format!("variable column {fid} is null and has {len} bytes")
                });
            }
        }
    }

    /// Judges a tagged column, and counts its references to long values.
    fn tagged(&mut self, node: Node<'_>, entry: &TaggedEntry<'_>) {
        let rules = &self.table.rules;
        let slot = rules.tagged(entry.derived, entry.fid);
        let column = slot.and_then(|slot| rules.column(slot)).map(|(column, _)| column);
        match column {
            Some(column) if !has_sound_header(entry, column, rules.large_pages) => {
                self.find(&RECORD, node, || {
                    let (fid, header) = (entry.fid, entry.header.bits());
                    format!(
                        "tagged column {fid} of type {} has the header {header:#04x}",
                        column.ty
                    )
                });
            }
            None if !entry.is_null() => self.unknown_column(node, entry.fid),
            _ => {}
        }
        let values = match entry.values() {
            Ok(values) => values,
            Err(error) => return self.find(&RECORD, node, || error.to_string()),
        };
        let len = column.and_then(|column| column.len);
        for value in values {
            match value {
                StoredValue::Plain(bytes) => {
                    if let Some(len) = len.filter(|len| *len != bytes.len()) {
                        self.wrong_length(node, entry.fid, bytes.len(), len);
                    }
                }
                StoredValue::Compressed(bytes) => self.compressed(node, entry.fid, bytes),
                StoredValue::Separated(lid) => self.references.add(self.logical.seed.lid(lid)),
                StoredValue::Encrypted(_) => {}
            }
        }
        if let Some(column) = column.filter(|_| !entry.is_null()) {
            self.todo.extend(rules.indexes_by_first(column));
        }
    }

    fn compressed(&mut self, node: Node<'_>, fid: u16, bytes: &[u8]) {
        self.plain.clear();
        let expected = decompressed_len(bytes);
        match decompress(bytes, &mut self.plain) {
            Ok(()) => {
                let found = self.plain.len();
                if let Some(expected) = expected.filter(|len| *len != found) {
                    self.wrong_length(node, fid, found, expected);
                }
            }
            Err(error) if is_opaque(&error) => self.find(&OPAQUE, node, || {
                let name = bytes.first().map_or("unknown", |first| scheme(*first).name());
                format!("tagged column {fid} is compressed by {name}: {error}")
            }),
            Err(error) => {
                self.find(&VALUE, node, || format!("tagged column {fid}: {error}"));
            }
        }
    }

    fn not_null(&mut self, node: Node<'_>, record: &Record<'_>) {
        let rules = &self.table.rules;
        for &slot in &rules.not_null {
            let Some((rule, column)) = rules.column(slot) else { continue };
            let fid = rule.id.fid;
            let (is_absent, is_null) = match rule.id.class() {
                ColumnClass::Fixed => (fid > record.last_fixed(), record.is_fixed_null(fid)),
                _ => {
                    let value = record.variable(fid);
                    (value == Stored::Absent, value == Stored::Null)
                }
            };
            let is_filled = column.default.is_some()
                || column.flags().contains(ColumnFlags::USER_DEFINED_DEFAULT);
            if is_null || is_absent && !is_filled {
                self.find(&NULL, node, || format!("column {} may not be null", column.name()));
            }
        }
    }

    /// The key of the record's node must be the one that its columns make.
    fn primary_key(&mut self, node: Node<'_>, record: &Record<'_>) {
        let rules = &self.table.rules;
        let index = rules.primary.and_then(|primary| rules.indexes.get(primary));
        let Some(index) = index else {
            if node.key.len() != NUMBER_LEN {
                self.find(&PRIMARY_KEY, node, || {
                    let len = node.key.len();
                    format!("a key of {len} bytes in a table without primary index, expected 4")
                });
            }
            return;
        };
        let Ok(keys) = &index.keys else { return };
        let mut values =
            RecordValues { rules, record: *record, long_values: self.table.long_values() };
        let mut fits = false;
        let mut expected = String::new();
        let found = self.builder.for_each_key(keys, &mut values, |key| {
            fits |= key.matches(node.key);
            if !fits {
                expected = hex(key.skeleton());
            }
        });
        match found {
            Ok(()) if fits => {}
            Ok(()) => self.find(&PRIMARY_KEY, node, || {
                format!("the key does not follow from the columns, which make {expected}")
            }),
            Err(error) => self.no_keys(node, None, &error),
        }
    }

    /// Adds the keys that the record must have in an index.
    fn index_keys(&mut self, node: Node<'_>, record: &Record<'_>, number: usize) {
        let rules = &self.table.rules;
        let Some(index) = rules.indexes.get(number) else { return };
        let Ok(keys) = &index.keys else { return };
        let mut values =
            RecordValues { rules, record: *record, long_values: self.table.long_values() };
        let (Some(sum), Some(texts)) = (self.sums.get_mut(number), self.texts.get_mut(number))
        else {
            return;
        };
        let seed = &self.logical.seed;
        let mut begin = texts.begin();
        let found = self.builder.for_each_key(keys, &mut values, |key| {
            sum.add(seed.entry(key.skeleton(), node.key));
            texts.record(&mut begin, &self.logical.budget, seed, node.key, &key);
        });
        if let Err(error) = found {
            self.no_keys(node, Some(number), &error);
        }
    }

    /// The keys in an index (or the primary one) are not known.
    fn no_keys(&mut self, node: Node<'_>, index: Option<usize>, error: &KeyError<ValueError>) {
        let opaque = match error {
            KeyError::Source(error) => error.is_opaque(),
            KeyError::TooManyKeys => true,
            _ => false,
        };
        if let Some(index) = index.filter(|index| opaque && !self.unknown.contains(index)) {
            self.unknown.push(index);
        }
        let code = if opaque { &OPAQUE } else { &VALUE };
        self.find(code, node, || format!("its keys cannot be computed: {error}"));
    }

    fn wrong_length(&self, node: Node<'_>, fid: u16, found: usize, expected: usize) {
        self.find(&COLUMN, node, || {
            format!("tagged column {fid} has {found} bytes, its type has {expected}")
        });
    }

    fn unknown_column(&self, node: Node<'_>, fid: u16) {
        self.find(&UNKNOWN_COLUMN, node, || {
            format!("the record has column {fid}, which the catalog does not know")
        });
    }

    fn find(&self, code: &'static Code, node: Node<'_>, message: impl FnOnce() -> String) {
        let place = Place { table: Some(self.table.rules.name.clone()), ..Place::default() };
        self.logical.findings.add(code, place.on(node.page).at(node.key), message);
    }
}

/// Bytes of the key of a record in a table without primary index.
const NUMBER_LEN: usize = 4;

/// Whether the header byte of an entry is one that its column can have.
fn has_sound_header(entry: &TaggedEntry<'_>, column: &ColumnRule, large_pages: bool) -> bool {
    let header = entry.header;
    if header == TagHeader::NULL {
        return true;
    }
    let is_long = header.contains(TagHeader::LONG_VALUE);
    if is_long != column.ty.is_long() && column.ty != ColumnType::Slv {
        return false;
    }
    let several = header.contains(TagHeader::MULTI_VALUES);
    let of_long = TagHeader::COMPRESSED | TagHeader::SEPARATED | TagHeader::ENCRYPTED;
    let of_single = TagHeader::SEPARATED | TagHeader::ENCRYPTED;
    let known = of_long | TagHeader::LONG_VALUE | TagHeader::MULTI_VALUES | TagHeader::TWO_VALUES;
    (header - known).is_empty()
        && (is_long || !header.intersects(of_long))
        && (!several || !header.intersects(of_single))
        && !header.contains(TagHeader::COMPRESSED | TagHeader::SEPARATED)
        && (!header.contains(TagHeader::TWO_VALUES) || several && !is_long && !large_pages)
}

/// Bytes in hexadecimal, as far as a message shows them.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    let shown = bytes.get(..crate::check::LISTED_KEY).unwrap_or(bytes);
    for byte in shown {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    if shown.len() < bytes.len() {
        text.push_str("...");
    }
    text
}

impl LeafVisitor for RecordVisitor<'_> {
    fn leaf(&mut self, page: &PageRef) {
        let nodes = page.nodes();
        let mut key = std::mem::take(&mut self.key);
        for line in 0..nodes.node_count() {
            let Some(node) = nodes.node(line).filter(|node| !node.is_deleted()) else { continue };
            node.key_into(&mut key);
            self.record(Node { page: page.number(), key: &key }, node.data);
        }
        self.key = key;
    }

    fn finish(self: Box<Self>, part: &PartEnd) {
        let mut state = self.table.lock();
        state.records.add(part);
        state.statistics.records += self.records;
        state.statistics.references += self.references.count;
        state.references.merge(&self.references);
        drop(state);
        for ((index, sum), texts) in self.table.indexes.iter().zip(&self.sums).zip(self.texts) {
            if *sum == Sum::default() && texts.is_empty() {
                continue;
            }
            let mut state = index.lock();
            state.expected.merge(sum);
            state.texts.merge(&self.logical.budget, texts);
        }
        for number in self.unknown {
            if let Some(index) = self.table.indexes.get(number) {
                index.lock().keys_unknown = true;
            }
        }
    }
}
