//! Which long values are missing, or referred to more or less often than they say.

use std::collections::HashMap;

use ese_format::PageNumber;
use ese_format::long_value::{Lid, LvKey, LvRoot};
use ese_format::record::{Record, StoredValue};

use super::{GroupSums, Grouping, Rounds, Selected, sweep};
use crate::check::finding::Code;
use crate::check::logical::long_values::is_left_over;
use crate::check::logical::state::{Logical, TableCheck};

static MISSING: Code = Code::error("lv-missing", "restore the database from an older backup");
static REFCOUNT: Code = Code::error("lv-refcount", "restore the database from an older backup");
static UNREFERENCED: Code =
    Code::error("lv-unreferenced", "compact the database; its space is lost until then");

/// Bytes that one id takes in the table, at most.
const COST: usize = 112;

/// Looks for the long values of a table that are not referred to as often as they say.
pub(in super::super) fn references(logical: &Logical<'_>, table: &TableCheck) {
    let most = (logical.memory / COST).max(1 << 10);
    let pass = Pass { logical, table, most };
    let (ids, limit) = {
        let state = table.lock();
        let ids = state.references.count.saturating_add(state.statistics.long_values);
        (ids, u64::try_from(most).unwrap_or(u64::MAX))
    };
    if ids <= limit {
        return pass.run(&Selected::All);
    }
    let grouping = Grouping::new(logical.memory / 2, 1);
    let mut rounds = Rounds::new(grouping, 1, limit);
    let run = |round: &[Option<Selected>]| round.iter().flatten().for_each(|s| pass.run(s));
    rounds.add(0, &pass.group_sums(grouping), run);
    rounds.finish(run);
}

struct Pass<'p> {
    logical: &'p Logical<'p>,
    table: &'p TableCheck,
    /// Ids that may be in memory at once.
    most: usize,
}

/// What is known of a long value.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    references: u32,
    root: Option<(LvRoot, PageNumber)>,
    is_named: bool,
}

impl Pass<'_> {
    fn group_sums(&self, grouping: Grouping) -> GroupSums {
        let seed = &self.logical.seed;
        let mut sums = GroupSums::new(grouping);
        self.each_reference(|_, _, lid| {
            let hash = seed.lid(lid);
            sums.need(hash, hash);
        });
        self.each_root(|_, lid, root| {
            let hash = seed.lid(lid);
            if !is_left_over(&root) {
                sums.have(hash, hash, root.refcount);
            }
        });
        sums
    }

    fn run(&self, selected: &Selected) {
        let seed = &self.logical.seed;
        let mut known: HashMap<Lid, Known> = HashMap::new();
        let mut too_many = false;
        let mut note = |lid: Lid, change: &mut dyn FnMut(&mut Known)| {
            if !selected.has(|| seed.lid(lid)) {
                return;
            }
            if known.len() < 2 * self.most || known.contains_key(&lid) {
                change(known.entry(lid).or_default());
            } else {
                too_many = true;
            }
        };
        self.each_reference(|_, _, lid| {
            note(lid, &mut |known| known.references = known.references.saturating_add(1));
        });
        self.each_root(|page, lid, root| note(lid, &mut |known| known.root = Some((root, page))));
        if too_many {
            self.logical.findings.add(&REFCOUNT, self.table.rules.place(), || {
                "references and long values do not agree; they are too many to be told apart"
                    .to_owned()
            });
            return;
        }
        for (lid, known) in &known {
            self.judge(*lid, known);
        }
        self.name_missing(known);
    }

    fn judge(&self, lid: Lid, known: &Known) {
        let Some((root, page)) = known.root else { return };
        let references = known.references;
        if root.refcount == references || is_left_over(&root) && references == 0 {
            return;
        }
        let code = if references == 0 { &UNREFERENCED } else { &REFCOUNT };
        let mut place = self.table.rules.place();
        place.index = Some("LV".into());
        self.logical.findings.add(code, place.on(page).at(&lid.root_key()), || {
            format!(
                "long value {lid} says that it is referred to {} times, and is {references} times",
                root.refcount
            )
        });
    }

    /// Names the values that are not there at the first record that refers to each.
    fn name_missing(&self, mut known: HashMap<Lid, Known>) {
        if known.values().all(|known| known.root.is_some()) {
            return;
        }
        self.each_reference(|page, key, lid| {
            let Some(known) = known.get_mut(&lid) else { return };
            if known.root.is_some() || known.is_named {
                return;
            }
            known.is_named = true;
            let place = self.table.rules.place().on(page).at(key);
            self.logical.findings.add(&MISSING, place, || {
                let times = known.references;
                format!(
                    "the record refers to long value {lid}, which is not stored ({times} times)"
                )
            });
        });
    }

    /// Calls `each` with the page and key of each record that refers to a long value.
    fn each_reference(&self, mut each: impl FnMut(PageNumber, &[u8], Lid)) {
        let large_pages = self.table.rules.large_pages;
        sweep(&self.table.records, |page, key, node| {
            let Ok(record) = Record::parse(node.data, large_pages) else { return };
            for value in record.tagged_entries().flat_map(|entry| entry.values()).flatten() {
                if let StoredValue::Separated(lid) = value {
                    each(page, key, lid);
                }
            }
        });
    }

    fn each_root(&self, mut each: impl FnMut(PageNumber, Lid, LvRoot)) {
        let Some(tree) = self.table.long_values() else { return };
        sweep(tree, |page, key, node| {
            if let (Some(LvKey::Root(lid)), Some(root)) =
                (LvKey::parse(key), LvRoot::parse(node.data))
            {
                each(page, lid, root);
            }
        });
    }
}
