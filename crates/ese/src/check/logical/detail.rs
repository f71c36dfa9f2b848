//! The exact pass: where sums differ, which entry or reference it is.
//!
//! It reads one table and its other trees again, with a table of hashes in bounded memory. If not
//! everything fits, a first pass takes sums for each of many groups of bookmarks (or ids); only
//! groups whose sums differ are looked at, as many at once as fit.

mod entries;
mod references;

use ese_format::PageNumber;
use ese_format::node::Node;

use super::sums::Sum;
use crate::Tree;

pub(super) use entries::{Suspect, indexes, odd_texts};
pub(super) use references::references;

/// Calls `each` with every live node of a tree. What cannot be read is passed over: the walk found
/// it, and trees with such places do not come here.
fn sweep(tree: &Tree, mut each: impl FnMut(PageNumber, &[u8], &Node<'_>)) {
    let mut key = Vec::new();
    for page in tree.leaves().flatten() {
        let nodes = page.nodes();
        for line in 0..nodes.node_count() {
            if let Some(node) = nodes.node(line).filter(|node| !node.is_deleted()) {
                node.key_into(&mut key);
                each(page.number(), &key, &node);
            }
        }
    }
}

/// How many groups hashes are divided into: a power of two.
#[derive(Debug, Clone, Copy)]
struct Grouping {
    bits: u32,
}

impl Grouping {
    /// As many groups as fit into `memory`, for `sums` things that are grouped.
    fn new(memory: usize, sums: usize) -> Self {
        let each = 2 * size_of::<Sum>() * sums.max(1);
        Self { bits: (memory / each).max(1).ilog2().clamp(4, 16) }
    }

    fn len(self) -> usize {
        1 << self.bits
    }

    /// The group of a hash.
    fn of(self, hash: u64) -> usize {
        usize::try_from(hash >> (u64::BITS - self.bits)).unwrap_or_default()
    }
}

/// What a round looks at.
#[derive(Debug, Clone)]
enum Selected {
    All,
    Groups(Grouping, Vec<bool>),
}

impl Selected {
    /// Whether it looks at what has this hash.
    #[inline]
    fn has(&self, hash: impl FnOnce() -> u64) -> bool {
        match self {
            Self::All => true,
            Self::Groups(grouping, groups) => {
                groups.get(grouping.of(hash())).copied().unwrap_or_default()
            }
        }
    }
}

/// Sums for each group, of the side that needs and the side that has.
#[derive(Debug)]
struct GroupSums {
    grouping: Grouping,
    needed: Vec<Sum>,
    stored: Vec<Sum>,
}

impl GroupSums {
    fn new(grouping: Grouping) -> Self {
        let none = vec![Sum::default(); grouping.len()];
        Self { grouping, needed: none.clone(), stored: none }
    }

    fn need(&mut self, by: u64, hash: u64) {
        if let Some(sum) = self.needed.get_mut(self.grouping.of(by)) {
            sum.add(hash);
        }
    }

    fn have(&mut self, by: u64, hash: u64, times: u32) {
        if let Some(sum) = self.stored.get_mut(self.grouping.of(by)) {
            sum.add_times(hash, times);
        }
    }
}

/// Puts groups together to rounds that fit into memory.
#[derive(Debug)]
struct Rounds {
    grouping: Grouping,
    /// Things that may be in memory at once.
    most: u64,
    count: u64,
    round: Vec<Option<Selected>>,
}

impl Rounds {
    /// For `targets` things that are grouped.
    fn new(grouping: Grouping, targets: usize, most: u64) -> Self {
        Self { grouping, most, count: 0, round: vec![None; targets] }
    }

    /// Adds the groups in which the two sides of a target differ; calls `run` with each round that
    /// is full.
    fn add(&mut self, target: usize, sums: &GroupSums, mut run: impl FnMut(&[Option<Selected>])) {
        for (number, (needed, stored)) in sums.needed.iter().zip(&sums.stored).enumerate() {
            if needed == stored {
                continue;
            }
            let count = needed.count.max(1);
            if self.count != 0 && self.count.saturating_add(count) > self.most {
                run(&self.round);
                self.round.fill(None);
                self.count = 0;
            }
            self.count = self.count.saturating_add(count);
            let Some(selected) = self.round.get_mut(target) else { continue };
            let groups = || Selected::Groups(self.grouping, vec![false; self.grouping.len()]);
            if let Selected::Groups(_, groups) = selected.get_or_insert_with(groups)
                && let Some(group) = groups.get_mut(number)
            {
                *group = true;
            }
        }
    }

    /// Calls `run` with the last round.
    fn finish(self, mut run: impl FnMut(&[Option<Selected>])) {
        if self.count != 0 {
            run(&self.round);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_groups_that_differ_are_looked_at_as_many_as_fit() {
        let grouping = Grouping::new(0, 2);
        assert_eq!(grouping.len(), 16);
        let mut sums = GroupSums::new(grouping);
        let hash = |group: u64| group << 60;
        for group in [1, 1, 2, 2, 3, 4] {
            sums.need(hash(group), group);
        }
        // Group 2 agrees, 9 has something that is not needed.
        for group in [2, 2, 3, 9] {
            sums.have(hash(group), group, 1);
        }
        let mut seen = Vec::new();
        let mut note = |round: &[Option<Selected>]| {
            let has = |target: usize, group: u64| {
                round[target].as_ref().is_some_and(|selected| selected.has(|| hash(group)))
            };
            let groups = |target: usize| (0..16).filter(|g| has(target, *g)).collect::<Vec<_>>();
            seen.push([groups(0), groups(1)]);
        };
        let mut rounds = Rounds::new(grouping, 2, 3);
        rounds.add(1, &sums, &mut note);
        rounds.finish(&mut note);
        assert_eq!(seen, [[vec![], vec![1, 4]], [vec![], vec![9]]]);
        assert!(Selected::All.has(|| 0));
    }
}
