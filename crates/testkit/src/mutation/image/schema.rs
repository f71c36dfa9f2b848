//! Tables, columns and roots by name, from the catalog.
//!
//! | Offset | Fixed columns of a catalog row |
//! |---|---|
//! | 4, 8, 10 | i32 table, i16 kind (1 table, 2 column, 3 index, 4 long values), i32 id |
//! | 14 | i32 column type, or root page |
//! | 18, 22, 26 | i32 length or density, flags, pages or code page |
//! | 30, 31 | bit root flag, i16 offset in the record |
//!
//! Its first variable column is the name.
//!
//! Source: ESE cat.hxx, _cat.cxx.

use super::{Entry, Image, root};
use crate::{u16_at, u32_at};

/// Offsets of the fixed columns in a catalog row.
pub mod row {
    /// u32: object id of the table.
    pub const TABLE: usize = 4;
    /// u16: kind.
    pub const KIND: usize = 8;
    /// u32: object id, or id of the column.
    pub const ID: usize = 10;
    /// u32: root page, or type of the column.
    pub const ROOT: usize = 14;
    /// u32: flags.
    pub const FLAGS: usize = 22;
    /// u16: offset of a fixed column.
    pub const OFFSET: usize = 31;
}

/// Kinds of catalog rows.
pub mod kind {
    /// A table.
    pub const TABLE: u16 = 1;
    /// A column.
    pub const COLUMN: u16 = 2;
    /// An index.
    pub const INDEX: u16 = 3;
    /// A tree of long values.
    pub const LONG_VALUES: u16 = 4;
}

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Object id.
    pub objid: u32,
    /// Root page.
    pub root: u32,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Id: 1 to 127 fixed, 128 to 255 variable, from 256 tagged.
    pub id: u32,
    /// Offset in the record, of a fixed column.
    pub offset: usize,
}

/// The name in a catalog row.
fn name(data: &[u8]) -> &[u8] {
    let (last, table) = (usize::from(data[1]), usize::from(u16_at(data, 2)));
    let start = table + 2 * (last - 127);
    &data[start..start + usize::from(u16_at(data, table) & 0x7FFF)]
}

impl Image {
    /// The row of an object in the catalog (or its copy) whose root page is `catalog`.
    pub fn catalog_row(&self, catalog: u32, table: u32, kind: u16, wanted: &str) -> Entry {
        self.find(catalog, |entry| {
            (kind == kind::TABLE || u32_at(&entry.data, row::TABLE) == table)
                && u16_at(&entry.data, row::KIND) == kind
                && name(&entry.data) == wanted.as_bytes()
        })
    }

    /// Changes the row of an object in the catalog and in its copy: `change` gets the record, and
    /// may alter its length.
    pub fn change_rows(
        &mut self,
        table: u32,
        kind: u16,
        wanted: &str,
        change: impl Fn(&mut Vec<u8>),
    ) {
        for catalog in [root::CATALOG, root::SHADOW] {
            let mut entry = self.catalog_row(catalog, table, kind, wanted);
            change(&mut entry.data);
            self.replace_data(entry.page, entry.line, &entry.data);
        }
    }

    /// Removes the row of an object from the catalog and from its copy.
    pub fn remove_rows(&mut self, table: u32, kind: u16, wanted: &str) {
        for catalog in [root::CATALOG, root::SHADOW] {
            let entry = self.catalog_row(catalog, table, kind, wanted);
            self.remove(entry.page, entry.line);
        }
    }

    /// A table.
    pub fn table(&self, wanted: &str) -> Table {
        let data = self.catalog_row(root::CATALOG, 0, kind::TABLE, wanted).data;
        Table { objid: u32_at(&data, row::ID), root: u32_at(&data, row::ROOT) }
    }

    /// The root page of a secondary index.
    pub fn index(&self, table: &str, wanted: &str) -> u32 {
        let objid = self.table(table).objid;
        u32_at(&self.catalog_row(root::CATALOG, objid, kind::INDEX, wanted).data, row::ROOT)
    }

    /// The root page of a table's long values.
    pub fn long_values(&self, table: &str) -> u32 {
        let objid = self.table(table).objid;
        u32_at(&self.catalog_row(root::CATALOG, objid, kind::LONG_VALUES, "LV").data, row::ROOT)
    }

    /// A column of a table.
    pub fn column(&self, table: &str, wanted: &str) -> Column {
        let objid = self.table(table).objid;
        let data = self.catalog_row(root::CATALOG, objid, kind::COLUMN, wanted).data;
        let id = u32_at(&data, row::ID);
        let offset = if id < 128 { usize::from(u16_at(&data, row::OFFSET)) } else { 0 };
        Column { id, offset }
    }
}
