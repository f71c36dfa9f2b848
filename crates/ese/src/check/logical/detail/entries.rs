//! Which entries of the indexes of a table are missing, too many or wrong.
//!
//! All indexes of a table that differ are looked at together, so that its records are read only
//! a few times however many those are:
//!
//! ```text
//! groups    records, indexes    sums for each group of bookmarks (if not everything fits)
//! round     records             hashes of the keys that they need
//!           indexes             each entry against them: wrong, too many, of no record
//!           records             keys that no entry was found for: missing
//! ```

use std::collections::{HashMap, HashSet};

use ese_format::PageNumber;
use ese_format::key::{Key, KeyBuilder, KeyDefinition, Skeleton};
use ese_format::record::Record;

use super::{GroupSums, Grouping, Rounds, Selected, sweep};
use crate::Tree;
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

/// Bytes that one key takes in the table of hashes, at most.
const COST: usize = 64;

/// An index that does not agree with the records.
#[derive(Debug)]
pub(in super::super) struct Suspect {
    /// Its place in the rules.
    pub(in super::super) number: usize,
    /// The entries that the records need.
    pub(in super::super) expected: Sum,
}

/// Looks for the entries of indexes in which they differ from the records.
pub(in super::super) fn indexes(logical: &Logical<'_>, table: &TableCheck, suspects: &[Suspect]) {
    let most = (logical.memory / COST).max(1 << 10);
    let targets: Vec<Target<'_>> =
        suspects.iter().filter_map(|suspect| Target::new(table, suspect)).collect();
    let pass = Pass { logical, table, targets, most };
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let counts = || pass.targets.iter().map(|target| target.expected);
    if counts().fold(0_u64, u64::saturating_add) <= most {
        return pass.run(&counts().map(|_| Some(Selected::All)).collect::<Vec<_>>());
    }
    let grouping = Grouping::new(logical.memory / 2, pass.targets.len());
    let sums = pass.group_sums(grouping);
    let mut rounds = Rounds::new(grouping, pass.targets.len(), most);
    for (target, sums) in sums.iter().enumerate() {
        rounds.add(target, sums, |round| pass.run(round));
    }
    rounds.finish(|round| pass.run(round));
}

/// Names the entries of an index whose sort keys are odd: `odd` has hashes of their bookmarks.
pub(in super::super) fn odd_texts(
    logical: &Logical<'_>,
    table: &TableCheck,
    number: usize,
    odd: &HashSet<u64>,
) {
    let Some(check) = table.indexes.get(number) else { return };
    sweep(&check.tree, |page, key, node| {
        let bookmark = node.data;
        if bookmark_hashes(&logical.seed, bookmark).any(|hash| odd.contains(&hash)) {
            let place = table.rules.index_place(number).on(page).at(key);
            logical.findings.add(&KEY, place, || {
                let bookmark = hex(bookmark);
                format!(
                    "the text of the record {bookmark} has another sort key here than elsewhere"
                )
            });
        }
    });
}

/// An index that is looked at.
struct Target<'p> {
    number: usize,
    expected: u64,
    keys: &'p KeyDefinition,
    tree: &'p Tree,
    is_deferred: bool,
    /// Sets hashes of this index apart from those of others.
    salt: u64,
}

impl<'p> Target<'p> {
    fn new(table: &'p TableCheck, suspect: &Suspect) -> Option<Self> {
        let number = suspect.number;
        let index = table.rules.indexes.get(number)?;
        Some(Self {
            number,
            expected: suspect.expected.count,
            keys: index.keys.as_ref().ok()?,
            tree: &table.indexes.get(number)?.tree,
            is_deferred: index.is_deferred,
            salt: u64::try_from(number).unwrap_or_default() << 48,
        })
    }
}

/// What all passes over a table share.
struct Pass<'p> {
    logical: &'p Logical<'p>,
    table: &'p TableCheck,
    targets: Vec<Target<'p>>,
    /// Keys that may be in memory at once.
    most: usize,
}

/// Keys of one record that cannot be told apart by their skeletons.
#[derive(Debug, Clone, Copy, Default)]
struct Need {
    keys: u32,
    found: u32,
}

/// What the records need, by hash of skeleton and bookmark.
type Needs = HashMap<u64, Need>;

/// For each target which bookmarks are looked at; `None` for none.
type Round = [Option<Selected>];

impl Pass<'_> {
    /// Sums of the groups of bookmarks, for each target.
    fn group_sums(&self, grouping: Grouping) -> Vec<GroupSums> {
        let seed = &self.logical.seed;
        let mut sums: Vec<GroupSums> =
            self.targets.iter().map(|_| GroupSums::new(grouping)).collect();
        let all: Vec<_> = self.targets.iter().map(|_| Some(Selected::All)).collect();
        self.each_key(&all, |target, _, bookmark, key| {
            if let Some(sums) = sums.get_mut(target) {
                sums.need(seed.bytes(bookmark), seed.entry(key.skeleton(), bookmark));
            }
        });
        let mut matcher = Matcher::new(self.table);
        let mut scratch = Vec::new();
        for (target, sums) in self.targets.iter().zip(&mut sums) {
            sweep(target.tree, |_, key, node| {
                let hash = match target.keys.skeleton(key, &mut scratch) {
                    Skeleton::Whole(skeleton) => seed.entry(skeleton, node.data),
                    _ => match matcher.skeletons(target.keys, key, node.data).first() {
                        Some(skeleton) => seed.entry(skeleton, node.data),
                        None => !seed.entry(key, node.data),
                    },
                };
                sums.have(seed.bytes(node.data), hash, 1);
            });
        }
        sums
    }

    /// Looks at the selected bookmarks of each target.
    fn run(&self, round: &Round) {
        let seed = &self.logical.seed;
        let mut needs = Needs::new();
        let mut too_many = false;
        self.each_key(round, |target, _, bookmark, key| {
            let Some(target) = self.targets.get(target) else { return };
            if needs.len() >= 2 * self.most {
                too_many = true;
                return;
            }
            let hash = seed.entry(key.skeleton(), bookmark) ^ target.salt;
            needs.entry(hash).or_default().keys += 1;
        });
        for (target, selected) in self.targets.iter().zip(round) {
            let Some(selected) = selected else { continue };
            if too_many {
                let place = self.table.rules.index_place(target.number);
                self.logical.findings.add(&KEY, place, || {
                    "the entries are not those of the records; they are too many to be told apart"
                        .to_owned()
                });
            } else {
                self.judge_entries(target, selected, &mut needs);
            }
        }
        if !too_many {
            self.name_missing(round, &needs);
        }
    }

    /// Judges every entry, and counts those that are right.
    fn judge_entries(&self, target: &Target<'_>, selected: &Selected, needs: &mut Needs) {
        let seed = &self.logical.seed;
        let mut matcher = Matcher::new(self.table);
        let mut scratch = Vec::new();
        sweep(target.tree, |page, key, node| {
            let bookmark = node.data;
            if !selected.has(|| seed.bytes(bookmark)) {
                return;
            }
            let entry = match target.keys.skeleton(key, &mut scratch) {
                Skeleton::Whole(skeleton) => Some(seed.entry(skeleton, bookmark) ^ target.salt),
                _ => self.cut_entry(target, &mut matcher, (key, bookmark), needs),
            };
            let Some(need) = entry.and_then(|entry| needs.get_mut(&entry)) else {
                return self.wrong_entry(target, &mut matcher, page, (key, bookmark));
            };
            need.found = need.found.saturating_add(1);
            let Need { keys, found } = *need;
            if found > keys {
                let code = if target.keys.is_exact() { &KEY } else { &EXTRA };
                self.find(code, target, page, key, || {
                    let bookmark = hex(bookmark);
                    format!("{found} entries of the record {bookmark} for {keys} of its keys")
                });
            }
        });
    }

    /// The hash of the key that a cut entry stands for: one that has no entry yet if possible.
    fn cut_entry(
        &self,
        target: &Target<'_>,
        matcher: &mut Matcher<'_>,
        (key, bookmark): (&[u8], &[u8]),
        needs: &Needs,
    ) -> Option<u64> {
        let skeletons = matcher.skeletons(target.keys, key, bookmark);
        let seed = &self.logical.seed;
        let hashes = || skeletons.iter().map(|s| seed.entry(s, bookmark) ^ target.salt);
        let is_open = |hash: &u64| needs.get(hash).is_some_and(|need| need.found < need.keys);
        hashes().find(is_open).or_else(|| hashes().next())
    }

    /// An entry that no record needs.
    fn wrong_entry(
        &self,
        target: &Target<'_>,
        matcher: &mut Matcher<'_>,
        page: PageNumber,
        (key, bookmark): (&[u8], &[u8]),
    ) {
        if matcher.has_record(bookmark) == Some(false) {
            self.find(&ORPHAN, target, page, key, || {
                format!("the entry leads to the record {}, which is not there", hex(bookmark))
            });
            return;
        }
        self.find(&KEY, target, page, key, || {
            let keys = matcher.keys(target.keys, bookmark);
            let expected = match keys.as_slice() {
                [] => "no entry".to_owned(),
                keys => keys.iter().map(|key| hex(key)).collect::<Vec<_>>().join(", "),
            };
            let bookmark = hex(bookmark);
            format!("the entry of the record {bookmark} is not what its columns give ({expected})")
        });
    }

    /// Names the keys that have no entry.
    fn name_missing(&self, round: &Round, needs: &Needs) {
        if needs.values().all(|need| need.found != 0) {
            return;
        }
        let seed = &self.logical.seed;
        self.each_key(round, |target, page, bookmark, key| {
            let Some(target) = self.targets.get(target).filter(|t| !t.is_deferred) else { return };
            let hash = seed.entry(key.skeleton(), bookmark) ^ target.salt;
            if needs.get(&hash).is_some_and(|need| need.found == 0) {
                self.find(&MISSING, target, page, key.skeleton(), || {
                    format!("the record {} has no entry with this key", hex(bookmark))
                });
            }
        });
    }

    /// Calls `each` with the target, page, bookmark and key of everything that the selected
    /// records need.
    fn each_key(&self, round: &Round, mut each: impl FnMut(usize, PageNumber, &[u8], Key<'_>)) {
        let rules = &self.table.rules;
        let seed = &self.logical.seed;
        let mut builder = KeyBuilder::new();
        sweep(&self.table.records, |page, bookmark, node| {
            let Ok(record) = Record::parse(node.data, rules.large_pages) else { return };
            let mut hash = None;
            let mut hash = || *hash.get_or_insert_with(|| seed.bytes(bookmark));
            let mut values = RecordValues { rules, record, long_values: self.table.long_values() };
            for (number, (target, selected)) in self.targets.iter().zip(round).enumerate() {
                let Some(selected) = selected else { continue };
                if !selected.has(&mut hash) || !rules.may_have_keys(target.number, &record) {
                    continue;
                }
                // Values that cannot be had were found by the first pass.
                let _ = builder.for_each_key(target.keys, &mut values, |key| {
                    each(number, page, bookmark, key);
                });
            }
        });
    }

    fn find(
        &self,
        code: &'static Code,
        target: &Target<'_>,
        page: PageNumber,
        key: &[u8],
        message: impl FnOnce() -> String,
    ) {
        let place = self.table.rules.index_place(target.number).on(page).at(key);
        self.logical.findings.add(code, place, message);
    }
}
