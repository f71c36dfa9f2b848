//! The values of a record: fixed, variable, tagged, long, default.

use std::convert::Infallible;

use ese::Tree;
use ese_format::column::{ColumnClass, ColumnId};
use ese_format::compression::decompress;
use ese_format::key::{KeyColumn, KeySource, Request};
use ese_format::long_value::{Lid, LvRoot, chunk_len};
use ese_format::record::{Record, Stored, StoredValue};

use crate::schema::Table;

/// A record of a table.
pub(crate) struct Values<'r> {
    pub(crate) table: &'r Table,
    pub(crate) record: Record<'r>,
}

impl KeySource for Values<'_> {
    type Error = Infallible;

    fn value<'v>(
        &'v mut self,
        column: &KeyColumn,
        request: Request,
        scratch: &'v mut Vec<u8>,
    ) -> Result<Option<&'v [u8]>, Infallible> {
        let column = &self.table.columns[column.slot];
        let id = column.key.id;
        let default = column.default.as_deref().filter(|_| request.number == 1);
        let stored = match column.class() {
            ColumnClass::Fixed => self.record.fixed(id.fid, column.offset, column.size).unwrap(),
            ColumnClass::Variable => self.record.variable(id.fid),
            ColumnClass::Tagged => {
                let derived = self.table.template.is_some();
                let id = if derived { id } else { ColumnId::own(id.fid) };
                let Some(entry) = self.record.tagged(id) else { return Ok(default) };
                let value = entry.values().unwrap().nth(request.number as usize - 1);
                let Some(value) = value else { return Ok(None) };
                return Ok(Some(match value {
                    StoredValue::Plain(bytes) => bytes,
                    StoredValue::Compressed(bytes) => {
                        decompress(bytes, scratch).unwrap();
                        scratch
                    }
                    StoredValue::Separated(lid) => {
                        long_value(self.table, lid, request.limit, scratch);
                        scratch
                    }
                    StoredValue::Encrypted(_) => panic!("{id:?} is encrypted"),
                }));
            }
        };
        Ok(match stored {
            Stored::Absent => default,
            Stored::Null => None,
            Stored::Value(bytes) => Some(bytes).filter(|_| request.number == 1),
        })
    }
}

/// Reads at least `limit` bytes of a long value.
fn long_value(table: &Table, lid: Lid, limit: usize, out: &mut Vec<u8>) {
    let tree: &Tree = table.long_values.as_ref().unwrap();
    let mut cursor = tree.cursor();
    assert!(cursor.seek_exact(&lid.root_key()).unwrap(), "{lid}");
    let size = LvRoot::parse(cursor.node().unwrap().data).unwrap().size;
    let chunk = table.lv_chunk.unwrap_or_else(|| chunk_len(tree.pages().page_size()));
    let mut plain = Vec::new();
    while out.len() < limit && out.len() < size as usize {
        let offset = out.len() as u32;
        assert!(cursor.seek_exact(&lid.chunk_key(offset)).unwrap(), "{lid} at {offset}");
        let data = cursor.node().unwrap().data;
        let expected = chunk.min(size - offset) as usize;
        if data.len() < expected {
            plain.clear();
            decompress(data, &mut plain).unwrap();
            assert_eq!(plain.len(), expected);
            out.extend_from_slice(&plain);
        } else {
            out.extend_from_slice(data);
        }
    }
}
