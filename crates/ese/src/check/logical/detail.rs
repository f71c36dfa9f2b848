//! The exact pass: where sums differ, which entry or reference it is.
//!
//! It reads one table and one other tree again, with a table of hashes in bounded memory. If not
//! everything fits, a first pass takes sums for each of 65,536 groups of bookmarks (or ids); only
//! groups whose sums differ are looked at, as many at once as fit.

mod entries;
mod references;

use ese_format::PageNumber;
use ese_format::node::Node;

use super::sums::Sum;
use crate::Tree;

pub(super) use entries::index;
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

/// Groups of things by their hashes.
const GROUPS: usize = 1 << 16;

/// The group of a hash.
fn group(hash: u64) -> usize {
    usize::try_from(hash >> 48).unwrap_or_default()
}

/// The groups that a pass looks at.
#[derive(Debug)]
struct Selected(Option<Vec<bool>>);

impl Selected {
    fn has(&self, hash: u64) -> bool {
        match &self.0 {
            None => true,
            Some(groups) => groups.get(group(hash)).copied().unwrap_or_default(),
        }
    }
}

/// Sums for each group, of the side that needs and the side that has.
#[derive(Debug)]
struct GroupSums {
    needed: Vec<Sum>,
    stored: Vec<Sum>,
}

impl GroupSums {
    fn new() -> Self {
        Self { needed: vec![Sum::default(); GROUPS], stored: vec![Sum::default(); GROUPS] }
    }

    fn need(&mut self, by: u64, hash: u64) {
        if let Some(sum) = self.needed.get_mut(group(by)) {
            sum.add(hash);
        }
    }

    fn have(&mut self, by: u64, hash: u64, times: u32) {
        if let Some(sum) = self.stored.get_mut(group(by)) {
            sum.add_times(hash, times);
        }
    }

    /// The groups in which the sides differ, or all, put together so that no selection needs more
    /// than about `most` things.
    fn selections(&self, most: u64, all: bool) -> Vec<Selected> {
        let mut selections = Vec::new();
        let (mut selected, mut count) = (vec![false; GROUPS], 0);
        for (number, (needed, stored)) in self.needed.iter().zip(&self.stored).enumerate() {
            if needed == stored && !all {
                continue;
            }
            if count != 0 && count + needed.count > most {
                selections
                    .push(Selected(Some(std::mem::replace(&mut selected, vec![false; GROUPS]))));
                count = 0;
            }
            count += needed.count.max(1);
            if let Some(group) = selected.get_mut(number) {
                *group = true;
            }
        }
        selections.push(Selected(Some(selected)));
        selections
    }
}
