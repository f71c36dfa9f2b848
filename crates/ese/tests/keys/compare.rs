//! Both sides of every index, sorted and laid beside each other.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::path::Path;
use std::sync::Arc;

use ese::{DEFAULT_CACHE, DatabaseFile, Pages};
use ese_format::key::{Key, KeyBuilder, KeyDefinition, Skeleton};
use ese_format::record::Record;

use crate::records::Values;
use crate::schema::{Index, Table, each_node, tables};

/// How many entries were compared.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Records whose node key is the computed one.
    pub(crate) primary: u64,
    /// Entries of secondary indexes that are the computed ones, byte for byte.
    pub(crate) exact: u64,
    /// Entries with Unicode text that fit, their multiset of skeletons being the computed one.
    pub(crate) unicode: u64,
    /// Those of them that are cut.
    pub(crate) cut: u64,
    /// Texts that Windows found equal though they are not to us.
    pub(crate) collapsed: u64,
    /// Entries that lead to no record.
    pub(crate) orphans: u64,
    /// Indexes over a column whose default comes from a callback.
    pub(crate) unchecked: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.primary += other.primary;
        self.exact += other.exact;
        self.unicode += other.unicode;
        self.cut += other.cut;
        self.collapsed += other.collapsed;
        self.orphans += other.orphans;
        self.unchecked += other.unchecked;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} primary keys, {} exact entries, {} with Unicode text ({} cut, {} collapsed), \
             {} orphans, {} indexes left out",
            self.primary,
            self.exact,
            self.unicode,
            self.cut,
            self.collapsed,
            self.orphans,
            self.unchecked
        )
    }
}

/// Record data by node key.
type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// Compares all indexes of a database; `None` if it was not closed cleanly.
pub(crate) fn compare_database(path: &Path) -> Option<Counts> {
    let file = DatabaseFile::open(Arc::new(vfs::os::Os), path).ok()?;
    if !file.header().is_clean() {
        return None;
    }
    let pages = Arc::new(Pages::new(Arc::new(file), DEFAULT_CACHE));
    let mut counts = Counts::default();
    for table in tables(&pages) {
        counts += compare_table(&table, pages.page_size().bytes() > 8192);
    }
    Some(counts)
}

fn compare_table(table: &Table, large: bool) -> Counts {
    let mut counts = Counts::default();
    let mut records = Records::new();
    each_node(table.root.as_ref().unwrap(), |key, data| {
        records.insert(key.to_vec(), data.to_vec());
    });
    let mut check = Check { table, large, records: &records, builder: KeyBuilder::new() };
    for index in &table.indexes {
        let Some(definition) = &index.definition else {
            counts.unchecked += 1;
            continue;
        };
        counts += check.compare(index, definition);
    }
    counts
}

struct Check<'t> {
    table: &'t Table,
    large: bool,
    records: &'t Records,
    builder: KeyBuilder,
}

impl Check<'_> {
    fn compare(&mut self, index: &Index, definition: &KeyDefinition) -> Counts {
        let name = format!("{}:{}", self.table.name, index.name);
        let mut computed = Vec::new();
        for (primary, data) in self.records {
            self.each_key(definition, data, |key| {
                computed.push((key.skeleton().to_vec(), primary.clone()));
            });
        }
        let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        if index.is_primary {
            entries.extend(self.records.keys().map(|key| (key.clone(), key.clone())));
        } else {
            each_node(&index.tree, |key, primary| entries.push((key.to_vec(), primary.to_vec())));
        }
        let before = entries.len();
        entries.retain(|(_, primary)| self.records.contains_key(primary));
        let count = entries.len() as u64;
        let orphans = before as u64 - count;
        let (mut stored, mut cut) = (Vec::new(), 0);
        for (key, primary) in entries {
            let (skeleton, was_cut) = self.skeleton(&name, definition, &key, &primary);
            cut += u64::from(was_cut);
            stored.push((skeleton, primary));
        }
        computed.sort();
        stored.sort();
        let collapsed = if definition.has_unicode() && definition.is_multi_valued() {
            drop_collapsed(&mut computed, &stored)
        } else {
            0
        };
        if computed != stored {
            let odd = computed.iter().zip(&stored).find(|(a, b)| a != b);
            let lens = (computed.len(), stored.len());
            panic!("{name}: {lens:?} computed, stored; first difference {odd:02x?}");
        }
        let mut counts = Counts { cut, collapsed, orphans, ..Counts::default() };
        if index.is_primary {
            counts.primary = count;
        } else if definition.has_unicode() {
            counts.unicode = count;
        } else {
            counts.exact = count;
        }
        counts
    }

    /// The skeleton of a stored key, found by its record's keys where it is cut. A key with
    /// Unicode text must fit one of its record's keys.
    fn skeleton(
        &mut self,
        name: &str,
        definition: &KeyDefinition,
        key: &[u8],
        primary: &[u8],
    ) -> (Vec<u8>, bool) {
        let mut scratch = Vec::new();
        let skeleton = match definition.skeleton(key, &mut scratch) {
            Skeleton::Whole(skeleton) => Some(skeleton.to_vec()),
            Skeleton::Cut => None,
            Skeleton::Malformed => panic!("{name}: {key:02x?} is malformed"),
        };
        if let Some(skeleton) = skeleton.as_ref().filter(|_| definition.is_exact()) {
            return (skeleton.clone(), false);
        }
        let data = &self.records[primary];
        let mut fits = Vec::new();
        self.each_key(definition, data, |computed| {
            if computed.matches(key) {
                fits.push(computed.skeleton().to_vec());
            }
        });
        assert!(!fits.is_empty(), "{name}: {key:02x?} of record {primary:02x?} fits no key of it");
        match skeleton {
            Some(skeleton) => {
                assert!(fits.contains(&skeleton), "{name}: {key:02x?}");
                (skeleton, false)
            }
            None => (fits.swap_remove(0), true),
        }
    }

    fn each_key(&mut self, definition: &KeyDefinition, data: &[u8], each: impl FnMut(Key<'_>)) {
        let record = Record::parse(data, self.large).unwrap();
        let mut values = Values { table: self.table, record };
        self.builder.for_each_key(definition, &mut values, each).unwrap();
    }
}

/// Takes those of several equal skeletons of a record away that are not stored.
fn drop_collapsed(computed: &mut Vec<(Vec<u8>, Vec<u8>)>, stored: &[(Vec<u8>, Vec<u8>)]) -> u64 {
    let before = computed.len();
    let mut kept: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut stored = stored.iter().peekable();
    for pair in computed.drain(..) {
        while stored.peek().is_some_and(|next| **next < pair) {
            stored.next();
        }
        let is_stored = stored.peek().is_some_and(|next| **next == pair);
        if is_stored {
            stored.next();
        }
        if is_stored || kept.last() != Some(&pair) {
            kept.push(pair);
        }
    }
    *computed = kept;
    (before - computed.len()) as u64
}
