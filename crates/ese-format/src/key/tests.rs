//! Records made of plain values, and indexes over them.

use alloc::vec::Vec;
use core::convert::Infallible;

use super::*;
use crate::column::{ColumnId, ColumnType, UNICODE};

mod enumeration;
mod golden;
mod order;
mod patterns;

/// The values of each column, by slot; no value is NULL.
#[derive(Debug, Clone, Default)]
struct Values(Vec<Vec<Vec<u8>>>);

impl Values {
    /// Columns with at most one value.
    fn single(values: &[Option<&[u8]>]) -> Self {
        Self(values.iter().map(|value| value.iter().map(|v| v.to_vec()).collect()).collect())
    }

    /// Columns with any number of values.
    fn several(values: &[&[&[u8]]]) -> Self {
        Self(values.iter().map(|column| column.iter().map(|v| v.to_vec()).collect()).collect())
    }
}

impl KeySource for Values {
    type Error = Infallible;

    fn value<'v>(
        &'v mut self,
        column: &KeyColumn,
        request: Request,
        _scratch: &'v mut Vec<u8>,
    ) -> Result<Option<&'v [u8]>, Infallible> {
        let values = self.0.get(column.slot);
        Ok(values.and_then(|v| v.get(request.number as usize - 1)).map(Vec::as_slice))
    }
}

/// Adds columns to a description, slot after slot.
impl KeyDescription {
    fn column(mut self, column: KeyColumn, descending: bool) -> Self {
        let slot = self.segments.len();
        self.segments.push(Segment { column: KeyColumn { slot, ..column }, descending });
        self
    }

    fn asc(self, column: KeyColumn) -> Self {
        self.column(column, false)
    }

    fn desc(self, column: KeyColumn) -> Self {
        self.column(column, true)
    }

    fn define(self) -> KeyDefinition {
        KeyDefinition::new(self).unwrap()
    }
}

/// An index whose flags keep every key.
fn all() -> KeyDescription {
    KeyDescription { flags: 0x1000E, ..KeyDescription::default() }
}

fn fixed(ty: ColumnType) -> KeyColumn {
    KeyColumn::new(ColumnId::own(1), ty)
}

fn variable(ty: ColumnType) -> KeyColumn {
    KeyColumn::new(ColumnId::own(128), ty)
}

fn tagged(ty: ColumnType) -> KeyColumn {
    KeyColumn { multi_valued: true, ..KeyColumn::new(ColumnId::own(256), ty) }
}

fn unicode(column: KeyColumn) -> KeyColumn {
    KeyColumn { code_page: UNICODE, ..column }
}

/// Every exact key, sorted.
fn keys(definition: &KeyDefinition, record: &Values) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut record = record.clone();
    let each = |key: Key<'_>| found.push(key.exact().unwrap().to_vec());
    KeyBuilder::new().for_each_key(definition, &mut record, each).unwrap();
    found.sort();
    found
}

fn skeletons(definition: &KeyDefinition, record: &Values) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut record = record.clone();
    let each = |key: Key<'_>| found.push(key.skeleton().to_vec());
    KeyBuilder::new().for_each_key(definition, &mut record, each).unwrap();
    found.sort();
    found
}

/// The one key of a record with at most one value in each column.
fn key(definition: &KeyDefinition, values: &[Option<&[u8]>]) -> Vec<u8> {
    let mut keys = keys(definition, &Values::single(values));
    assert_eq!(keys.len(), 1);
    keys.remove(0)
}

/// Bytes from hexadecimal digits; spaces do not count.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|b| *b != b' ').collect();
    let pairs = digits.chunks(2).map(|pair| core::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
