//! Secondary indexes: every entry that is there.
//!
//! An entry is a key and the bookmark (the key in the primary index) of its record. Each is added
//! to a sum, which must be that of the entries that the records need: then every entry is right
//! and none is missing.
//!
//! Keys with Unicode text are added as their skeletons. Where such a key is cut its skeleton is
//! not known; its record is looked up, and the skeleton of that key of the record which it fits is
//! taken.

use ese_format::PageNumber;
use ese_format::key::{Key, KeyBuilder, KeyDefinition, Skeleton};
use ese_format::record::Record;

use super::each_live_node;
use super::record_values::RecordValues;
use super::records::hex;
use super::state::{Logical, Statistics, TableCheck};
use super::sums::Sum;
use super::texts::TextPairs;
use crate::check::finding::Code;
use crate::check::visit::{LeafVisitor, PartEnd};
use crate::{Cursor, PageRef};

pub(super) static ORPHAN: Code =
    Code::error("index-orphan", "delete the index and create it again, or restore");

/// Looks at the entries of a part of an index.
#[derive(Debug)]
pub(super) struct IndexVisitor<'c> {
    logical: &'c Logical<'c>,
    table: &'c TableCheck,
    /// Place of the index in the rules.
    number: usize,
    sum: Sum,
    sort_keys: TextPairs,
    statistics: Statistics,
    matcher: Matcher<'c>,
    scratch: Vec<u8>,
}

impl<'c> IndexVisitor<'c> {
    /// A visitor for the index at place `number`; `None` if there is no such index.
    pub(super) fn new(
        logical: &'c Logical<'c>,
        table: &'c TableCheck,
        number: usize,
    ) -> Option<Self> {
        table.rules.indexes.get(number)?;
        Some(Self {
            logical,
            table,
            number,
            sum: Sum::default(),
            sort_keys: TextPairs::default(),
            statistics: Statistics::default(),
            matcher: Matcher::new(table),
            scratch: Vec::new(),
        })
    }

    fn entry(&mut self, page: PageNumber, key: &[u8], bookmark: &[u8]) {
        let index = self.table.rules.indexes.get(self.number);
        let Some(keys) = index.and_then(|index| index.keys.as_ref().ok()) else {
            return self.unchecked_entry(page, key, bookmark);
        };
        let logical = self.logical;
        if keys.is_exact() {
            self.statistics.exact_entries += 1;
        } else {
            self.statistics.unicode_entries += 1;
        }
        let hash = match keys.skeleton(key, &mut self.scratch) {
            Skeleton::Whole(skeleton) => {
                if !keys.is_exact() {
                    let texts = &mut self.sort_keys;
                    for (number, sort_key) in (0..).zip(keys.sort_keys(key)) {
                        texts.note(&logical.budget, &logical.seed, bookmark, number, sort_key);
                    }
                }
                logical.seed.entry(skeleton, bookmark)
            }
            Skeleton::Cut | Skeleton::Malformed => {
                self.statistics.cut_entries += 1;
                let found = self.matcher.skeletons(keys, key, bookmark);
                match found.first() {
                    Some(skeleton) => logical.seed.entry(skeleton, bookmark),
                    // A hash that no record makes, so that the exact pass looks for the reason.
                    None => !logical.seed.entry(key, bookmark),
                }
            }
        };
        self.sum.add(hash);
    }

    /// Where the keys are not known: is there the record at least?
    fn unchecked_entry(&mut self, page: PageNumber, key: &[u8], bookmark: &[u8]) {
        if self.matcher.has_record(bookmark) == Some(false) {
            let place = self.table.rules.index_place(self.number).on(page).at(key);
            self.logical.findings.add(&ORPHAN, place, || {
                format!("the entry leads to the record {}, which is not there", hex(bookmark))
            });
        }
    }
}

impl LeafVisitor for IndexVisitor<'_> {
    fn leaf(&mut self, page: &PageRef) {
        each_live_node(page, |key, data| self.entry(page.number(), key, data));
    }

    fn finish(self: Box<Self>, part: &PartEnd) {
        let Some(index) = self.table.indexes.get(self.number) else { return };
        let mut state = index.lock();
        state.entries.add(part);
        state.stored.merge(&self.sum);
        state.sort_keys.merge(&self.logical.budget, self.sort_keys);
        state.statistics.merge(&self.statistics);
    }
}

/// Keys of a record that one stored key can be.
const MOST_ALIKE: usize = 64;

/// Keys of a record that a message shows.
const MOST_SHOWN: usize = 4;

/// Looks up records of a table by their bookmarks.
#[derive(Debug)]
pub(super) struct Matcher<'c> {
    table: &'c TableCheck,
    cursor: Cursor,
    builder: KeyBuilder,
}

impl<'c> Matcher<'c> {
    pub(super) fn new(table: &'c TableCheck) -> Self {
        Self { table, cursor: table.records.cursor(), builder: KeyBuilder::new() }
    }

    /// The skeletons of those keys of a record that a stored key can be.
    pub(super) fn skeletons(
        &mut self,
        keys: &KeyDefinition,
        stored: &[u8],
        bookmark: &[u8],
    ) -> Vec<Vec<u8>> {
        let mut found: Vec<Vec<u8>> = Vec::new();
        self.each_key(keys, bookmark, |key| {
            let is_new = |found: &[Vec<u8>]| found.iter().all(|known| known != key.skeleton());
            if key.matches(stored) && found.len() < MOST_ALIKE && is_new(&found) {
                found.push(key.skeleton().to_vec());
            }
        });
        found
    }

    /// The skeletons of the first keys of a record, for a message.
    pub(super) fn keys(&mut self, keys: &KeyDefinition, bookmark: &[u8]) -> Vec<Vec<u8>> {
        let mut found: Vec<Vec<u8>> = Vec::new();
        self.each_key(keys, bookmark, |key| {
            if found.len() < MOST_SHOWN {
                found.push(key.skeleton().to_vec());
            }
        });
        found
    }

    fn each_key(&mut self, keys: &KeyDefinition, bookmark: &[u8], each: impl FnMut(Key<'_>)) {
        // What cannot be read was found by those who read it in its turn.
        if !self.cursor.seek_exact(bookmark).unwrap_or(false) {
            return;
        }
        let Ok(node) = self.cursor.node() else { return };
        let rules = &self.table.rules;
        let Ok(record) = Record::parse(node.data, rules.large_pages) else { return };
        let mut values = RecordValues { rules, record, long_values: self.table.long_values() };
        let _ = self.builder.for_each_key(keys, &mut values, each);
    }

    /// Whether there is a record; `None` if that cannot be said.
    pub(super) fn has_record(&mut self, bookmark: &[u8]) -> Option<bool> {
        self.cursor.seek_exact(bookmark).ok()
    }
}
