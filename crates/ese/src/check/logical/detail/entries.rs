//! Which entries of an index are missing, too many or wrong.

use std::collections::{HashMap, HashSet};

use ese_format::PageNumber;
use ese_format::key::{Key, KeyBuilder, KeyDefinition, Skeleton};
use ese_format::record::Record;

use super::{GroupSums, Selected, sweep};
use crate::check::finding::Code;
use crate::check::logical::indexes::{Matcher, ORPHAN};
use crate::check::logical::record_values::RecordValues;
use crate::check::logical::records::hex;
use crate::check::logical::state::{Logical, TableCheck};
use crate::check::logical::sums::Sum;
use crate::check::logical::texts::bookmark_hashes;

static KEY: Code = Code::error("index-key", "delete the index and create it again, or restore");
static MISSING: Code =
    Code::error("index-missing", "delete the index and create it again, or restore");
static EXTRA: Code = Code::error("index-extra", "delete the index and create it again, or restore");

/// Bytes that one key and its bookmark take in the tables of hashes, at most.
const COST: usize = 72;

/// Looks for the entries of an index in which it differs from the records; `odd`: hashes of
/// bookmarks whose entries have an odd sort key.
pub(in super::super) fn index(
    logical: &Logical<'_>,
    table: &TableCheck,
    number: usize,
    expected: &Sum,
    odd: &HashSet<u64>,
) {
    let rules = &table.rules;
    let (Some(index), Some(check)) = (rules.indexes.get(number), table.indexes.get(number)) else {
        return;
    };
    let Ok(keys) = &index.keys else { return };
    let pass = Pass {
        logical,
        table,
        number,
        keys,
        tree: &check.tree,
        is_deferred: index.is_deferred,
        odd,
        most: (logical.memory / COST).max(1 << 10),
    };
    let most = u64::try_from(pass.most).unwrap_or(u64::MAX);
    if expected.count <= most {
        return pass.run(&Selected(None));
    }
    // In which groups odd sort keys are is not known.
    for selected in pass.group_sums().selections(most, !odd.is_empty()) {
        pass.run(&selected);
    }
}

/// What all passes over an index share.
struct Pass<'p> {
    logical: &'p Logical<'p>,
    table: &'p TableCheck,
    number: usize,
    keys: &'p KeyDefinition,
    tree: &'p crate::Tree,
    is_deferred: bool,
    odd: &'p HashSet<u64>,
    /// Keys that may be in memory at once.
    most: usize,
}

/// Keys of one record that cannot be told apart by their skeletons.
#[derive(Debug, Clone, Copy, Default)]
struct Need {
    keys: u32,
    found: u32,
}

/// What the records need.
#[derive(Debug, Default)]
struct Needs {
    /// By hash of skeleton and bookmark.
    entries: HashMap<u64, Need>,
    /// Hashes of the bookmarks that there are.
    bookmarks: HashSet<u64>,
}

impl Pass<'_> {
    /// Sums of the groups of bookmarks.
    fn group_sums(&self) -> GroupSums {
        let seed = &self.logical.seed;
        let mut sums = GroupSums::new();
        self.each_key(|_, bookmark, key| {
            sums.need(seed.bytes(bookmark), seed.entry(key.skeleton(), bookmark));
        });
        let mut matcher = Matcher::new(self.table);
        let mut scratch = Vec::new();
        sweep(self.tree, |_, key, node| {
            let hash = match self.keys.skeleton(key, &mut scratch) {
                Skeleton::Whole(skeleton) => seed.entry(skeleton, node.data),
                _ => match matcher.skeletons(self.keys, key, node.data).first() {
                    Some(skeleton) => seed.entry(skeleton, node.data),
                    None => !seed.entry(key, node.data),
                },
            };
            sums.have(seed.bytes(node.data), hash, 1);
        });
        sums
    }

    /// Looks at the selected bookmarks.
    fn run(&self, selected: &Selected) {
        let seed = &self.logical.seed;
        let mut needs = Needs::default();
        let mut too_many = false;
        sweep(&self.table.records, |_, bookmark, _| {
            let hash = seed.bytes(bookmark);
            if selected.has(hash) && needs.bookmarks.len() < 2 * self.most {
                needs.bookmarks.insert(hash);
            }
        });
        self.each_key(|_, bookmark, key| {
            if !selected.has(seed.bytes(bookmark)) {
                return;
            }
            if needs.entries.len() >= 2 * self.most {
                too_many = true;
                return;
            }
            needs.entries.entry(seed.entry(key.skeleton(), bookmark)).or_default().keys += 1;
        });
        if too_many {
            let place = self.table.rules.index_place(self.number);
            self.logical.findings.add(&KEY, place, || {
                "the entries are not those of the records; they are too many to be told apart"
                    .to_owned()
            });
            return;
        }
        self.judge_entries(selected, &mut needs);
        if !self.is_deferred {
            self.name_missing(selected, &needs);
        }
    }

    /// Judges every entry, and counts those that are right.
    fn judge_entries(&self, selected: &Selected, needs: &mut Needs) {
        let seed = &self.logical.seed;
        let mut matcher = Matcher::new(self.table);
        let mut scratch = Vec::new();
        sweep(self.tree, |page, key, node| {
            let bookmark = node.data;
            let hash = seed.bytes(bookmark);
            if !selected.has(hash) {
                return;
            }
            if !needs.bookmarks.contains(&hash) {
                self.find(&ORPHAN, page, key, || {
                    format!("the entry leads to the record {}, which is not there", hex(bookmark))
                });
                return;
            }
            let entry = match self.keys.skeleton(key, &mut scratch) {
                Skeleton::Whole(skeleton) => Some(seed.entry(skeleton, bookmark)),
                _ => self.cut_entry(&mut matcher, key, bookmark, needs),
            };
            match entry.and_then(|entry| needs.entries.get_mut(&entry)) {
                Some(need) => {
                    need.found = need.found.saturating_add(1);
                    let Need { keys, found } = *need;
                    if found > keys {
                        let code = if self.keys.is_exact() { &KEY } else { &EXTRA };
                        self.find(code, page, key, || {
                            let bookmark = hex(bookmark);
                            format!(
                                "{found} entries of the record {bookmark} for {keys} of its keys"
                            )
                        });
                    }
                }
                None => self.find(&KEY, page, key, || {
                    format!(
                        "the entry of the record {} is not what its columns give ({})",
                        hex(bookmark),
                        self.keys_of(&mut matcher, bookmark)
                    )
                }),
            }
            if !self.odd.is_empty()
                && bookmark_hashes(seed, bookmark).any(|hash| self.odd.contains(&hash))
            {
                self.find(&KEY, page, key, || {
                    format!(
                        "the text of the record {} has another sort key here than elsewhere",
                        hex(bookmark)
                    )
                });
            }
        });
    }

    /// The hash of the key that a cut entry stands for: one that has no entry yet if possible.
    fn cut_entry(
        &self,
        matcher: &mut Matcher<'_>,
        key: &[u8],
        bookmark: &[u8],
        needs: &Needs,
    ) -> Option<u64> {
        let skeletons = matcher.skeletons(self.keys, key, bookmark);
        let hashes = || skeletons.iter().map(|s| self.logical.seed.entry(s, bookmark));
        let is_open = |hash: &u64| needs.entries.get(hash).is_some_and(|n| n.found < n.keys);
        hashes().find(is_open).or_else(|| hashes().next())
    }

    /// Names the keys that have no entry.
    fn name_missing(&self, selected: &Selected, needs: &Needs) {
        if needs.entries.values().all(|need| need.found != 0) {
            return;
        }
        let seed = &self.logical.seed;
        self.each_key(|page, bookmark, key| {
            if !selected.has(seed.bytes(bookmark)) {
                return;
            }
            let need = needs.entries.get(&seed.entry(key.skeleton(), bookmark));
            if need.is_some_and(|need| need.found == 0) {
                self.find(&MISSING, page, key.skeleton(), || {
                    format!("the record {} has no entry with this key", hex(bookmark))
                });
            }
        });
    }

    /// Calls `each` with the page, bookmark and key of everything that the records need.
    fn each_key(&self, mut each: impl FnMut(PageNumber, &[u8], Key<'_>)) {
        let rules = &self.table.rules;
        let mut builder = KeyBuilder::new();
        sweep(&self.table.records, |page, bookmark, node| {
            let Ok(record) = Record::parse(node.data, rules.large_pages) else { return };
            let mut values = RecordValues { rules, record, long_values: self.table.long_values() };
            // Values that cannot be had were found by the first pass.
            let _ = builder.for_each_key(self.keys, &mut values, |key| each(page, bookmark, key));
        });
    }

    /// The first keys of a record, for a message.
    fn keys_of(&self, matcher: &mut Matcher<'_>, bookmark: &[u8]) -> String {
        let keys = matcher.keys(self.keys, bookmark);
        match keys.as_slice() {
            [] => "no entry".to_owned(),
            keys => keys.iter().map(|key| hex(key)).collect::<Vec<_>>().join(", "),
        }
    }

    fn find(
        &self,
        code: &'static Code,
        page: PageNumber,
        key: &[u8],
        message: impl FnOnce() -> String,
    ) {
        let place = self.table.rules.index_place(self.number).on(page).at(key);
        self.logical.findings.add(code, place, message);
    }
}
