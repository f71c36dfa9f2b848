//! What the passes over the trees of a table have in common, and collect.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::indexes::IndexVisitor;
use super::long_values::{LongValueVisitor, LvPart};
use super::records::RecordVisitor;
use super::rules::{TableRules, Unchecked};
use super::sums::{Seed, Sum};
use super::texts::{Budget, TextPairs};
use crate::check::Options;
use crate::check::finding::{Code, Findings, Place};
use crate::check::visit::{CheckedTree, LeafVisitor, PartEnd, Position, TreeKind, Visitors};
use crate::schema::{Schema, TreeRoot};
use crate::{Pages, Tree};

static DEFINITION: Code =
    Code::error("index-definition", "delete the index and create it again, or restore");
static UNCHECKED: Code = Code::note("index-unchecked", "nothing");

/// How much the logical check looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Records.
    pub records: u64,
    /// Secondary indexes.
    pub indexes: u64,
    /// Their entries whose keys are known byte by byte.
    pub exact_entries: u64,
    /// Entries with Unicode text, of which the shape is known.
    pub unicode_entries: u64,
    /// Of these, those that are cut and were compared with their records one by one.
    pub cut_entries: u64,
    /// Indexes of Unicode text whose sort keys were too many to be compared with each other.
    pub uncompared_texts: u64,
    /// Long values.
    pub long_values: u64,
    /// References to long values.
    pub references: u64,
}

impl Statistics {
    pub(super) fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.indexes += other.indexes;
        self.exact_entries += other.exact_entries;
        self.unicode_entries += other.unicode_entries;
        self.cut_entries += other.cut_entries;
        self.uncompared_texts += other.uncompared_texts;
        self.long_values += other.long_values;
        self.references += other.references;
    }
}

/// The logical check: visitors for the leaves of all tables, and what they find together.
#[derive(Debug)]
pub struct Logical<'c> {
    pub(super) findings: &'c Findings,
    pub(super) seed: Seed,
    pub(super) budget: Budget,
    /// Bytes that exact passes may take.
    pub(super) memory: usize,
    pub(super) tables: Vec<TableCheck>,
    /// What the trees are, by object id.
    roles: HashMap<u32, Role>,
}

/// What a tree is for a table, by its place in [`Logical::tables`].
#[derive(Debug, Clone, Copy)]
enum Role {
    Records(usize),
    /// And by the place of the index in the rules.
    Index(usize, usize),
    LongValues(usize),
}

/// A table that is checked.
#[derive(Debug)]
pub(super) struct TableCheck {
    pub(super) rules: TableRules,
    pub(super) records: Tree,
    long_values: Option<Tree>,
    state: Mutex<TableState>,
    /// By place in the rules; that of the primary index is not used.
    pub(super) indexes: Vec<IndexCheck>,
}

/// What was seen of the records and long values of a table.
#[derive(Debug, Default)]
pub(super) struct TableState {
    pub(super) records: Coverage,
    pub(super) references: Sum,
    /// Of roots of long values, as often as they say they are referred to.
    pub(super) referred: Sum,
    pub(super) long_values: Coverage,
    pub(super) lv_parts: Vec<(Position, LvPart)>,
    pub(super) statistics: Statistics,
}

/// Which parts of a tree were visited.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Coverage {
    parts: u64,
    incomplete: u64,
}

impl Coverage {
    /// A part is over.
    pub(super) fn add(&mut self, part: &PartEnd) {
        self.parts += 1;
        self.incomplete += u64::from(!part.complete);
    }

    /// Whether every leaf was visited.
    pub(super) fn is_complete(&self) -> bool {
        self.parts != 0 && self.incomplete == 0
    }
}

/// An index that is checked.
#[derive(Debug)]
pub(super) struct IndexCheck {
    pub(super) tree: Tree,
    state: Mutex<IndexState>,
}

/// What was seen of an index.
#[derive(Debug, Default)]
pub(super) struct IndexState {
    /// Entries that the records must have.
    pub(super) expected: Sum,
    /// Entries that are there.
    pub(super) stored: Sum,
    pub(super) texts: TextPairs,
    pub(super) sort_keys: TextPairs,
    pub(super) entries: Coverage,
    /// Whether keys of some records are not known.
    pub(super) keys_unknown: bool,
    pub(super) statistics: Statistics,
}

impl<'c> Logical<'c> {
    /// Makes ready for the tables of `schema`.
    pub fn new(
        pages: &Arc<Pages>,
        schema: &Schema,
        findings: &'c Findings,
        options: &Options,
    ) -> Self {
        let large_pages = pages.page_size().is_large();
        let tree = |root: TreeRoot| Tree::new(Arc::clone(pages), root.page, root.objid);
        let mut logical = Self {
            findings,
            seed: Seed::default(),
            budget: Budget::new(options.memory / 2),
            memory: options.memory,
            tables: Vec::new(),
            roles: HashMap::new(),
        };
        for (number, table) in schema.tables().iter().enumerate() {
            let rules = TableRules::new(Arc::clone(table), large_pages);
            logical.roles.insert(table.root.objid, Role::Records(number));
            let long_values = table.long_values;
            logical.roles.extend(long_values.map(|lv| (lv.objid, Role::LongValues(number))));
            let mut indexes = Vec::new();
            for (place, index) in rules.indexes.iter().enumerate() {
                indexes.push(IndexCheck { tree: tree(index.root), state: Mutex::default() });
                if !index.is_primary {
                    logical.roles.insert(index.root.objid, Role::Index(number, place));
                }
            }
            logical.judge_definitions(&rules);
            logical.tables.push(TableCheck {
                records: tree(table.root),
                long_values: table.long_values.map(tree),
                state: Mutex::default(),
                indexes,
                rules,
            });
        }
        logical
    }

    /// A tree of which some pages cannot be visited, although no visitor heard of it.
    pub fn skipped(&self, tree: &CheckedTree) {
        match self.roles.get(&tree.objid) {
            Some(Role::Records(table)) => {
                if let Some(table) = self.tables.get(*table) {
                    table.lock().records.incomplete += 1;
                }
            }
            Some(Role::Index(table, index)) => {
                let table = self.tables.get(*table);
                if let Some(index) = table.and_then(|table| table.indexes.get(*index)) {
                    index.lock().entries.incomplete += 1;
                }
            }
            Some(Role::LongValues(table)) => {
                if let Some(table) = self.tables.get(*table) {
                    table.lock().long_values.incomplete += 1;
                }
            }
            None => {}
        }
    }

    fn judge_definitions(&self, rules: &TableRules) {
        for (number, index) in rules.indexes.iter().enumerate() {
            let Err(reason) = &index.keys else { continue };
            let place = rules.index_place(number);
            match reason {
                Unchecked::Definition(what) => {
                    self.findings
                        .add(&DEFINITION, place, || format!("its keys are unknown: {what}"));
                }
                Unchecked::Callback => self.findings.add(&UNCHECKED, place, || {
                    "an application gives the default values of a column; the entries are not \
                     compared with the records"
                        .to_owned()
                }),
                Unchecked::Encrypted => self.findings.add(&UNCHECKED, place, || {
                    "a column is encrypted; the entries are not compared with the records"
                        .to_owned()
                }),
            }
        }
    }
}

impl TableRules {
    /// The place of findings about an index.
    pub(super) fn index_place(&self, number: usize) -> Place {
        let index = self.indexes.get(number).map(|index| index.name.clone());
        Place { table: Some(self.name.clone()), index, ..Place::default() }
    }

    /// The place of findings about records and long values.
    pub(super) fn place(&self) -> Place {
        Place { table: Some(self.name.clone()), ..Place::default() }
    }
}

impl Visitors for Logical<'_> {
    fn visitor(&self, tree: &CheckedTree) -> Option<Box<dyn LeafVisitor + '_>> {
        let role = *self.roles.get(&tree.objid)?;
        match (role, tree.kind) {
            (Role::Records(table), TreeKind::Table) => {
                let table = self.tables.get(table)?;
                Some(Box::new(RecordVisitor::new(self, table)))
            }
            (Role::Index(table, index), TreeKind::Index) => {
                let table = self.tables.get(table)?;
                Some(Box::new(IndexVisitor::new(self, table, index)?))
            }
            (Role::LongValues(table), TreeKind::LongValues) => {
                let table = self.tables.get(table)?;
                Some(Box::new(LongValueVisitor::new(self, table)))
            }
            _ => None,
        }
    }
}

impl TableCheck {
    pub(super) fn lock(&self) -> MutexGuard<'_, TableState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tree of the long values, if the table has one.
    pub(super) fn long_values(&self) -> Option<&Tree> {
        self.long_values.as_ref()
    }
}

impl IndexCheck {
    pub(super) fn lock(&self) -> MutexGuard<'_, IndexState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
