//! What the catalog says of a table, made ready for judging millions of records.
//!
//! A table of Active Directory has thousands of columns and hundreds of indexes, and a record a
//! few dozen values. So work goes by the values that a record has: each column knows the indexes
//! that begin with it, and only indexes that have keys for records without their first column are
//! looked at for every record.

use std::ops::Range;
use std::sync::Arc;

use ese_format::catalog::{IndexFlags, TupleLimits};
use ese_format::column::{ColumnClass, ColumnFlags, ColumnId, ColumnType};
use ese_format::key::{Condition, KeyColumn, KeyDefinition, KeyDescription, Segment, Tuples};
use ese_format::record::{Record, TaggedEntry};

use crate::schema::{Column, IndexDefinition, TableDefinition, TreeRoot};

/// A table and how its records are judged.
#[derive(Debug)]
pub(super) struct TableRules {
    pub(super) table: Arc<TableDefinition>,
    /// Name, shared by all findings.
    pub(super) name: Arc<str>,
    /// Whether the pages have more than 8 KiB.
    pub(super) large_pages: bool,
    /// Columns that may not be null; places in `columns`.
    pub(super) not_null: Vec<usize>,
    /// All indexes, those that are not checked too.
    pub(super) indexes: Vec<IndexRule>,
    /// The primary index; place in `indexes`.
    pub(super) primary: Option<usize>,
    /// Indexes that every record is looked at for.
    pub(super) always: Vec<usize>,
    /// The highest fixed and variable columns that are known; 0 and 127 if there is none.
    pub(super) last_untagged: (u16, u16),
    columns: Vec<ColumnRule>,
    /// By number of the fixed or variable column.
    untagged: Slots,
    tagged: Slots,
    tagged_of_template: Slots,
    /// By number of a record's last fixed column.
    fixed_ends: Vec<FixedEnd>,
    /// Indexes by first column, see [`ColumnRule::first_of`].
    first_of: Vec<usize>,
}

/// A column, as far as records are judged by it.
#[derive(Debug)]
pub(super) struct ColumnRule {
    pub(super) id: ColumnId,
    pub(super) ty: ColumnType,
    /// Bytes of every value, if the type has a fixed length.
    pub(super) len: Option<usize>,
    /// Of a fixed column: offset in the record and length in bytes.
    pub(super) fixed: Range<usize>,
    /// Whether records hold it without the mark of template columns.
    unmarked: bool,
    /// Places in [`TableRules::first_of`] of the indexes that begin with this column.
    first_of: Range<usize>,
}

/// Where the fixed part of a record must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FixedEnd {
    /// Exactly here.
    At(usize),
    /// The last column was deleted: not before this.
    NotBefore(usize),
}

/// An index and how its keys are made.
#[derive(Debug)]
pub(super) struct IndexRule {
    pub(super) name: Arc<str>,
    pub(super) root: TreeRoot,
    pub(super) is_primary: bool,
    /// How keys are made, or why that cannot be said.
    pub(super) keys: Result<KeyDefinition, Unchecked>,
    /// Whether entries may be missing until a later pass of the engine adds them.
    pub(super) is_deferred: bool,
    /// Whether the column's absence means that there is no key.
    needs_first: bool,
}

/// Why the keys of an index are not computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unchecked {
    /// Its definition is not sound.
    Definition(String),
    /// A function of the application gives the default value of a column.
    Callback,
    /// Values of a column are encrypted.
    Encrypted,
}

impl TableRules {
    pub(super) fn new(table: Arc<TableDefinition>, large_pages: bool) -> Self {
        let mut rules = Self {
            name: table.name.as_str().into(),
            large_pages,
            not_null: Vec::new(),
            indexes: Vec::new(),
            primary: None,
            always: Vec::new(),
            last_untagged: last_untagged(&table),
            columns: table.columns.iter().map(ColumnRule::new).collect(),
            untagged: Slots::default(),
            tagged: Slots::default(),
            tagged_of_template: Slots::default(),
            fixed_ends: Vec::new(),
            first_of: Vec::new(),
            table,
        };
        rules.place_columns();
        rules.place_fixed_ends();
        rules.place_indexes();
        rules
    }

    /// The column with this place.
    #[inline]
    pub(super) fn column(&self, slot: usize) -> Option<(&ColumnRule, &Column)> {
        Some((self.columns.get(slot)?, self.table.columns.get(slot)?))
    }

    /// Place of a fixed or variable column.
    #[inline]
    pub(super) fn untagged(&self, fid: u16) -> Option<usize> {
        self.untagged.get(fid)
    }

    /// Place of the column that an entry in the directory of a record stands for.
    #[inline]
    pub(super) fn tagged(&self, derived: bool, fid: u16) -> Option<usize> {
        if derived { self.tagged_of_template.get(fid) } else { self.tagged.get(fid) }
    }

    /// Indexes whose first column this is and that have no key for records without it.
    #[inline]
    pub(super) fn indexes_by_first(&self, column: &ColumnRule) -> &[usize] {
        self.first_of.get(column.first_of.clone()).unwrap_or_default()
    }

    /// Whether a record can have keys in an index: not if those need a first column that the
    /// record does not have. That it has does not mean much.
    #[inline]
    pub(super) fn may_have_keys(&self, index: usize, record: &Record<'_>) -> bool {
        let Some(index) = self.indexes.get(index).filter(|index| index.needs_first) else {
            return true;
        };
        let first = index.keys.as_ref().ok().and_then(|keys| keys.segments().first());
        let column = first.and_then(|first| self.columns.get(first.column.slot));
        let Some(column) = column.filter(|c| c.id.class() == ColumnClass::Tagged) else {
            return true;
        };
        column.entry(record).is_some()
    }

    /// Where the fixed columns of a record end whose last fixed column is this.
    #[inline]
    pub(super) fn fixed_end(&self, last_fixed: u16) -> FixedEnd {
        let last = self.fixed_ends.last().copied().unwrap_or(FixedEnd::At(4));
        self.fixed_ends.get(usize::from(last_fixed)).copied().unwrap_or(match last {
            FixedEnd::At(end) | FixedEnd::NotBefore(end) => FixedEnd::NotBefore(end),
        })
    }

    fn place_columns(&mut self) {
        let mut untagged = Vec::new();
        let mut tagged = Vec::new();
        let mut of_template = Vec::new();
        for (slot, (rule, column)) in self.columns.iter().zip(&self.table.columns).enumerate() {
            if rule.id.class() != ColumnClass::Tagged {
                untagged.push((rule.id.fid, slot));
            } else {
                of_template.extend(rule.id.template.then_some((rule.id.fid, slot)));
                tagged.extend(rule.unmarked.then_some((rule.id.fid, slot)));
            }
            let is_tagged = rule.id.class() == ColumnClass::Tagged;
            if column.flags.contains(ColumnFlags::NOT_NULL) && !is_tagged {
                self.not_null.push(slot);
            }
        }
        self.untagged = Slots::new(untagged);
        self.tagged = Slots::new(tagged);
        self.tagged_of_template = Slots::new(of_template);
    }

    fn place_fixed_ends(&mut self) {
        let (last, _) = self.last_untagged;
        let mut end = 4;
        self.fixed_ends.push(FixedEnd::At(end));
        for fid in 1..=last {
            let column = self.untagged(fid).and_then(|slot| self.columns.get(slot));
            self.fixed_ends.push(match column {
                Some(column) => {
                    let exact = column.fixed.end;
                    end = end.max(exact);
                    FixedEnd::At(exact)
                }
                None => FixedEnd::NotBefore(end),
            });
        }
    }

    fn place_indexes(&mut self) {
        let table = Arc::clone(&self.table);
        self.indexes = table.indexes.iter().map(|index| IndexRule::new(&table, index)).collect();
        let mut by_first: Vec<(usize, usize)> = Vec::new();
        for (number, index) in self.indexes.iter().enumerate() {
            if index.is_primary {
                self.primary = Some(number);
                continue;
            }
            let Ok(keys) = &index.keys else { continue };
            match keys.segments().first() {
                Some(first) if index.needs_first => by_first.push((first.column.slot, number)),
                _ => self.always.push(number),
            }
        }
        by_first.sort_unstable();
        for (slot, number) in by_first {
            let at = self.first_of.len();
            self.first_of.push(number);
            if let Some(column) = self.columns.get_mut(slot) {
                if column.first_of.is_empty() {
                    column.first_of.start = at;
                }
                column.first_of.end = at + 1;
            }
        }
    }
}

/// See [`TableRules::last_untagged`].
fn last_untagged(table: &TableDefinition) -> (u16, u16) {
    let last = |class: ColumnClass, none: u16| {
        let ids = table.columns.iter().map(|column| column.id);
        ids.filter(|id| id.class() == class).map(|id| id.fid).max().unwrap_or(none)
    };
    (last(ColumnClass::Fixed, 0), last(ColumnClass::Variable, ColumnId::FIRST_VARIABLE - 1))
}

impl ColumnRule {
    fn new(column: &Column) -> Self {
        let len = column.ty.fixed_len();
        let size = len.unwrap_or(usize::try_from(column.size).unwrap_or(usize::MAX));
        Self {
            id: column.id,
            ty: column.ty,
            len,
            fixed: column.offset..column.offset.saturating_add(size),
            unmarked: column.unmarked || !column.id.template,
            first_of: 0..0,
        }
    }

    /// The entry of this (tagged) column in a record.
    #[inline]
    pub(super) fn entry<'a>(&self, record: &Record<'a>) -> Option<TaggedEntry<'a>> {
        let marked = if self.id.template { record.tagged(self.id) } else { None };
        let own = || record.tagged(ColumnId::own(self.id.fid)).filter(|_| self.unmarked);
        marked.or_else(own)
    }
}

impl IndexRule {
    fn new(table: &TableDefinition, index: &IndexDefinition) -> Self {
        let keys = key_definition(table, index);
        let first = keys.as_ref().ok().and_then(|keys| keys.segments().first());
        let column = first.and_then(|first| table.columns.get(first.column.slot));
        let has_default = column.is_some_and(|column| column.default.is_some());
        let is_nested = index.flags.contains(IndexFlags::NESTED_TABLE);
        let needs_first = keys.as_ref().is_ok_and(KeyDefinition::needs_first_value);
        Self {
            name: index.name.as_str().into(),
            root: index.root,
            is_primary: index.is_primary(),
            is_deferred: (index.flags | index.own_flags).contains(IndexFlags::DEFERRED_POPULATE),
            needs_first: needs_first && !has_default && !is_nested,
            keys,
        }
    }
}

/// How the keys of an index are made.
fn key_definition(
    table: &TableDefinition,
    index: &IndexDefinition,
) -> Result<KeyDefinition, Unchecked> {
    let column = |id: ColumnId| {
        let unknown = || Unchecked::Definition(format!("it has no column {:#x}", id.number()));
        let column = table.key_column(id).ok_or_else(unknown)?;
        let slot = table.columns.binary_search_by_key(&column.id, |column| column.id);
        let slot = slot.map_err(|_| unknown())?;
        if column.flags.contains(ColumnFlags::USER_DEFINED_DEFAULT) {
            return Err(Unchecked::Callback);
        }
        if column.flags.contains(ColumnFlags::ENCRYPTED) {
            return Err(Unchecked::Encrypted);
        }
        Ok(KeyColumn {
            id: column.id,
            ty: column.ty,
            code_page: column.code_page,
            size: u16::try_from(column.size).unwrap_or(u16::MAX),
            multi_valued: column.is_multi_valued(),
            slot,
        })
    };
    let segment = |segment: &ese_format::catalog::KeySegment| {
        Ok(Segment { column: column(segment.column)?, descending: segment.descending })
    };
    let condition = |condition: &ese_format::catalog::ConditionalColumn| {
        Ok(Condition { column: column(condition.column)?, must_be_null: condition.must_be_null })
    };
    let description = KeyDescription {
        flags: index.flags.bits(),
        segments: index.segments.iter().map(segment).collect::<Result<_, Unchecked>>()?,
        conditions: index.conditions.iter().map(condition).collect::<Result<_, Unchecked>>()?,
        key_most: index.key_most,
        var_seg_mac: index.var_seg_mac,
        tuples: index.tuple_limits.map(tuples),
        lcmap_flags: index.lcmap_flags.unwrap_or_default(),
        collation: None,
    };
    KeyDefinition::new(description).map_err(|error| Unchecked::Definition(error.to_string()))
}

fn tuples(limits: TupleLimits) -> Tuples {
    Tuples {
        shortest: limits.min_len,
        longest: limits.max_len,
        count: limits.max_to_index,
        step: limits.increment,
        start: limits.start,
    }
}

/// Places of columns by their numbers.
#[derive(Debug, Default)]
struct Slots {
    first: u16,
    /// Place and one, 0 for none. Empty where the numbers are too far apart.
    dense: Vec<u32>,
    /// By number.
    sparse: Vec<(u16, usize)>,
}

impl Slots {
    /// Of columns in any order; no two have the same number.
    fn new(mut columns: Vec<(u16, usize)>) -> Self {
        columns.sort_unstable();
        let ends = (columns.first().copied(), columns.last().copied());
        let (Some((first, _)), Some((last, _))) = ends else { return Self::default() };
        let span = usize::from(last - first) + 1;
        if span > 4 * columns.len() + 64 {
            return Self { first, dense: Vec::new(), sparse: columns };
        }
        let mut dense = vec![0; span];
        for (fid, slot) in columns {
            let place = dense.get_mut(usize::from(fid - first));
            if let (Some(place), Ok(slot)) = (place, u32::try_from(slot)) {
                *place = slot.saturating_add(1);
            }
        }
        Self { first, dense, sparse: Vec::new() }
    }

    #[inline]
    fn get(&self, fid: u16) -> Option<usize> {
        if !self.dense.is_empty() {
            let slot = *self.dense.get(usize::from(fid.checked_sub(self.first)?))?;
            return usize::try_from(slot.checked_sub(1)?).ok();
        }
        let index = self.sparse.binary_search_by_key(&fid, |(fid, _)| *fid).ok()?;
        self.sparse.get(index).map(|(_, slot)| *slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_number_near_and_far() {
        let near = Slots::new(vec![(300, 1), (256, 0), (301, 2)]);
        assert_eq!([256, 300, 301].map(|fid| near.get(fid)), [Some(0), Some(1), Some(2)]);
        assert_eq!([0, 255, 257, 302].map(|fid| near.get(fid)), [None; 4]);
        let far = Slots::new(vec![(256, 0), (65_000, 1)]);
        assert!(far.dense.is_empty());
        assert_eq!((far.get(256), far.get(65_000), far.get(300)), (Some(0), Some(1), None));
        assert_eq!(Slots::default().get(1), None);
    }
}
