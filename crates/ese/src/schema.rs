//! What a database consists of, by its catalog: tables, columns, indexes.
//!
//! ```text
//! Schema -> TableDefinition -> Column            own columns first, then the template's
//!                           -> IndexDefinition   by name
//!                           -> TreeRoot          records, long values
//! ```
//!
//! A table that is derived from a template has the template's columns and definitions of indexes
//! too; they are joined here, so that readers need not know about templates.
//! Source: ESE `FDB`, `TDB`, `FIELD`, `IDB` (tdb.hxx, idb.hxx, fcb.hxx).

use std::collections::BTreeMap;
use std::sync::Arc;

use ese_format::PageNumber;
use ese_format::catalog::{
    ConditionalColumn, IndexFlags, KeySegment, SortVersion, TableFlags, TupleLimits,
};
use ese_format::column::{ColumnClass, ColumnFlags, ColumnId, ColumnType};
use ese_format::value::Value;

/// Root page and object id of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TreeRoot {
    /// Object id, which every page of the tree bears.
    pub objid: u32,
    /// Root page.
    pub page: PageNumber,
}

/// A column of a table: all that is needed to find and understand its values in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub(crate) id: ColumnId,
    pub(crate) name: String,
    pub(crate) ty: ColumnType,
    pub(crate) flags: ColumnFlags,
    pub(crate) code_page: u16,
    pub(crate) size: u32,
    pub(crate) offset: usize,
    pub(crate) default: Option<Box<[u8]>>,
    pub(crate) callback: Option<String>,
    /// Whether records can hold it without the mark of template columns.
    pub(crate) unmarked: bool,
    /// Its place among the table's columns.
    pub(crate) place: usize,
}

impl Column {
    /// Its id; columns of a template are marked in the template and in tables derived from it.
    pub fn id(&self) -> ColumnId {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub fn ty(&self) -> ColumnType {
        self.ty
    }

    /// Its flags in the catalog.
    pub fn flags(&self) -> ColumnFlags {
        self.flags
    }

    /// Code page of text; 0 for other types.
    pub fn code_page(&self) -> u16 {
        self.code_page
    }

    /// Length of every value, of binary and text: of the longest one; 0: no limit. In bytes.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Where the value lies in a record, in bytes from its beginning; `None` unless it is fixed.
    pub fn offset(&self) -> Option<usize> {
        (self.id.class() == ColumnClass::Fixed).then_some(self.offset)
    }

    /// Bytes of the value of records that do not have the column. `None` as well where a function
    /// of the application gives it ([`ColumnFlags::USER_DEFINED_DEFAULT`]).
    pub fn default_bytes(&self) -> Option<&[u8]> {
        if self.flags.contains(ColumnFlags::USER_DEFINED_DEFAULT) {
            return None;
        }
        self.default.as_deref()
    }

    /// The value of records that do not have the column.
    pub fn default_value(&self) -> Value<'_> {
        self.default_bytes().map_or(Value::Null, |bytes| self.decode(bytes))
    }

    /// The function that gives the default value, as "library!name".
    pub fn callback(&self) -> Option<&str> {
        self.callback.as_deref()
    }

    /// Whether it may have several values.
    pub fn is_multi_valued(&self) -> bool {
        self.flags.contains(ColumnFlags::MULTI_VALUED)
    }

    /// Its place among [`TableDefinition::columns`].
    pub fn place(&self) -> usize {
        self.place
    }

    /// Its flags as the engine's interface shows them (`JET_bitColumn...`).
    pub fn grbit(&self) -> u32 {
        let class = match self.id.class() {
            ColumnClass::Fixed => 1,
            ColumnClass::Variable => 0,
            ColumnClass::Tagged => 2,
        };
        let shown = COLUMN_BITS.iter().filter(|(flag, _)| self.flags.contains(*flag));
        shown.fold(class, |bits, (_, bit)| bits | bit)
    }

    /// What bytes mean in this column.
    pub fn decode<'a>(&self, bytes: impl Into<std::borrow::Cow<'a, [u8]>>) -> Value<'a> {
        Value::decode(self.ty, self.code_page, bytes)
    }
}

/// Flags of columns and what the engine's interface shows for them.
const COLUMN_BITS: [(ColumnFlags, u32); 11] = [
    (ColumnFlags::NOT_NULL, 0x4),
    (ColumnFlags::VERSION, 0x8),
    (ColumnFlags::AUTO_INCREMENT, 0x10),
    (ColumnFlags::MULTI_VALUED, 0x400),
    (ColumnFlags::ESCROW_UPDATE, 0x800),
    (ColumnFlags::FINALIZE, 0x4000),
    (ColumnFlags::USER_DEFINED_DEFAULT, 0x8000),
    (ColumnFlags::DELETE_ON_ZERO, 0x2_0000),
    (ColumnFlags::PRIMARY_INDEX_PLACEHOLDER, 0x1_0000),
    (ColumnFlags::COMPRESSED, 0x8_0000),
    (ColumnFlags::ENCRYPTED, 0x10_0000),
];

/// An index of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexDefinition {
    /// Name.
    pub name: String,
    /// Its tree; of a primary index the table's.
    pub root: TreeRoot,
    /// Flags. Of an index that is inherited: [`IndexDefinition::own_flags`] are its row's.
    pub flags: IndexFlags,
    /// Flags of its own row in the catalog.
    pub own_flags: IndexFlags,
    /// Columns of the key.
    pub segments: Vec<KeySegment>,
    /// Conditions for a record to have entries.
    pub conditions: Vec<ConditionalColumn>,
    /// Longest key in bytes, if it is not 255.
    pub key_most: Option<u16>,
    /// Longest segment of the key in bytes, if it is not the longest key.
    pub var_seg_mac: Option<u16>,
    /// Limits of an index over parts of a text.
    pub tuple_limits: Option<TupleLimits>,
    /// Locale id of old databases.
    pub locale_id: u32,
    /// Name of the locale.
    pub locale_name: Option<String>,
    /// Flags of `LCMapString`.
    pub lcmap_flags: Option<u32>,
    /// Version of the sort order of Unicode text.
    pub sort_version: Option<SortVersion>,
    /// Sort order of Unicode text, bytes of a GUID.
    pub sort_id: Option<[u8; 16]>,
    /// Density in percent.
    pub density: u32,
}

impl IndexDefinition {
    /// Longest key where the catalog does not say it, in bytes.
    pub const KEY_MOST: u16 = 255;

    /// Whether it is the primary index, which holds the records.
    pub fn is_primary(&self) -> bool {
        self.own_flags.contains(IndexFlags::PRIMARY)
    }

    /// Longest key in bytes.
    pub fn max_key_len(&self) -> u16 {
        self.key_most.unwrap_or(Self::KEY_MOST)
    }

    /// Its flags as the engine's interface shows them (`JET_bitIndex...`).
    pub fn grbit(&self) -> u32 {
        let has = |flag| self.flags.contains(flag);
        let given = |flag, bit| if has(flag) { bit } else { 0 };
        let lacking = |flag, bit| if has(flag) { 0 } else { bit };
        let nulls = if has(IndexFlags::NO_NULL_SEGMENT) {
            0x4
        } else {
            lacking(IndexFlags::ALLOW_ALL_NULLS, 0x8)
                | lacking(IndexFlags::ALLOW_FIRST_NULL, 0x40)
                | lacking(IndexFlags::ALLOW_SOME_NULLS, 0x20)
                | given(IndexFlags::SORT_NULLS_HIGH, 0x400)
        };
        nulls
            | given(IndexFlags::UNIQUE, 0x1)
            | given(IndexFlags::PRIMARY, 0x2)
            | given(IndexFlags::CROSS_PRODUCT, 0x4000)
            | given(IndexFlags::DISALLOW_TRUNCATION, 0x1_0000)
            | given(IndexFlags::NESTED_TABLE, 0x2_0000)
            | given(IndexFlags::DOT_NET_GUID, 0x4_0000)
            | given(IndexFlags::DEFERRED_POPULATE, 0x10_0000)
            | if self.tuple_limits.is_some() { 0x1000 } else { 0 }
            | if self.max_key_len() > Self::KEY_MOST { 0x8000 } else { 0 }
    }
}

/// A table, as the catalog describes it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TableDefinition {
    /// Name.
    pub name: String,
    /// Tree of the records.
    pub root: TreeRoot,
    /// Flags.
    pub flags: TableFlags,
    /// Name of the template that it is derived from.
    pub template: Option<String>,
    /// Columns that are not deleted, by id.
    pub columns: Vec<Column>,
    /// Indexes, by the bytes of their names.
    pub indexes: Vec<IndexDefinition>,
    /// Tree of the long values, if any was ever stored.
    pub long_values: Option<TreeRoot>,
    /// Bytes of a chunk of a long value, if that was set.
    pub lv_chunk_max: Option<u32>,
    /// Longest value that stays in a record, in bytes, if that was set.
    pub separate_lv: Option<u32>,
    /// Density in percent.
    pub density: u32,
    /// First number of pages.
    pub first_pages: u32,
    pub(crate) lookup: Lookup,
}

/// Where in `columns` what is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lookup {
    /// Number of own columns in front of the tagged ones.
    pub(crate) own_slots: usize,
    /// Number of own columns; the template's follow.
    pub(crate) own: usize,
    /// Own tagged columns that have a default value.
    pub(crate) tagged_defaults: Vec<usize>,
    /// By number of own tagged columns from 256 on: place in `columns` and one, 0 for none. Empty
    /// where the numbers are too far apart.
    dense: Vec<u32>,
    /// Place in `columns` by name in lower case.
    names: BTreeMap<String, usize>,
}

impl TableDefinition {
    /// Builds the ways to find columns; `columns` are sorted by id without doubles.
    pub(crate) fn index_columns(&mut self) {
        for (place, column) in (0..).zip(&mut self.columns) {
            column.place = place;
        }
        let columns = &self.columns;
        let own = columns.partition_point(|column| !column.id.template);
        let own_slots = columns.partition_point(|column| {
            !column.id.template && column.id.class() != ColumnClass::Tagged
        });
        let tagged = columns.get(own_slots..own).unwrap_or_default();
        let span = tagged.last().map_or(0, |column| {
            usize::from(column.id.fid.saturating_sub(ColumnId::FIRST_TAGGED)) + 1
        });
        let mut dense = Vec::new();
        if span <= 4 * tagged.len() + 64 {
            dense.resize(span, 0);
            for (index, column) in (own_slots..).zip(tagged) {
                let slot = usize::from(column.id.fid.saturating_sub(ColumnId::FIRST_TAGGED));
                if let (Some(place), Ok(index)) = (dense.get_mut(slot), u32::try_from(index)) {
                    *place = index + 1;
                }
            }
        }
        let has_default = |(_, column): &(usize, &Column)| column.default_bytes().is_some();
        let tagged_defaults =
            (own_slots..).zip(tagged).filter(has_default).map(|(index, _)| index).collect();
        let names = (0..).zip(columns).map(|(i, column)| (lower(&column.name), i)).collect();
        self.lookup = Lookup { own_slots, own, tagged_defaults, dense, names };
    }

    /// The column with this name; case does not matter.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.get(*self.lookup.names.get(&lower(name))?)
    }

    /// The column with this id.
    pub fn column_by_id(&self, id: ColumnId) -> Option<&Column> {
        let index = self.columns.binary_search_by_key(&id, |column| column.id).ok()?;
        self.columns.get(index)
    }

    /// The column that a segment of a key or a condition means.
    ///
    /// Old catalogs do not mark columns of the template in keys.
    pub fn key_column(&self, id: ColumnId) -> Option<&Column> {
        let other = ColumnId { template: !id.template, ..id };
        self.column_by_id(id).or_else(|| self.column_by_id(other))
    }

    /// Place in `columns` of an own tagged column.
    #[inline]
    pub(crate) fn own_tagged(&self, fid: u16) -> Option<usize> {
        let lookup = &self.lookup;
        if lookup.dense.is_empty() {
            let id = ColumnId::own(fid);
            let index = self.columns.binary_search_by_key(&id, |column| column.id).ok()?;
            return (index >= lookup.own_slots).then_some(index);
        }
        let slot = usize::from(fid.checked_sub(ColumnId::FIRST_TAGGED)?);
        (*lookup.dense.get(slot)? as usize).checked_sub(1)
    }

    /// The index with this name; case does not matter.
    pub fn index(&self, name: &str) -> Option<&IndexDefinition> {
        let name = lower(name);
        self.indexes.iter().find(|index| lower(&index.name) == name)
    }

    /// The primary index; a table without one keeps its rows in the order of their insertion.
    pub fn primary_index(&self) -> Option<&IndexDefinition> {
        self.indexes.iter().find(|index| index.is_primary())
    }

    /// Whether it is a table of the engine itself.
    pub fn is_system(&self) -> bool {
        self.name.starts_with("MSys") || self.flags.contains(TableFlags::SYSTEM)
    }
}

/// Everything that the catalog describes.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    tables: Vec<Arc<TableDefinition>>,
    by_name: BTreeMap<String, usize>,
}

impl Schema {
    pub(crate) fn new(mut tables: Vec<TableDefinition>) -> Self {
        tables.sort_by(|a, b| a.name.cmp(&b.name).then(a.root.objid.cmp(&b.root.objid)));
        let by_name = (0..).zip(&tables).map(|(i, table)| (lower(&table.name), i)).collect();
        Self { tables: tables.into_iter().map(Arc::new).collect(), by_name }
    }

    /// The tables by the bytes of their names, those of the engine itself too.
    pub fn tables(&self) -> &[Arc<TableDefinition>] {
        &self.tables
    }

    /// The table with this name; case does not matter.
    pub fn table(&self, name: &str) -> Option<&Arc<TableDefinition>> {
        self.tables.get(*self.by_name.get(&lower(name))?)
    }

    /// The table with this object id.
    pub fn table_by_objid(&self, objid: u32) -> Option<&Arc<TableDefinition>> {
        self.tables.iter().find(|table| table.root.objid == objid)
    }
}

/// Names are compared without regard to case.
fn lower(name: &str) -> String {
    name.to_lowercase()
}
