//! A place in a tree, and the ways to move it.
//!
//! A cursor holds the pages from the root down to its leaf, so a step costs nothing but at the end
//! of a leaf. Nodes that are flagged as deleted are passed over: after a clean shutdown they only
//! wait for being cleaned up.
//!
//! ```
//! # fn first_keys(tree: &ese::Tree) -> Result<Vec<Vec<u8>>, ese::Error> {
//! let mut keys = Vec::new();
//! let mut cursor = tree.cursor();
//! while cursor.move_next()? {
//!     keys.push(cursor.node()?.key());
//! }
//! # Ok(keys)
//! # }
//! ```

use std::cmp::Ordering;

use ese_format::node::Node;

use crate::Error;
use crate::pages::PageRef;
use crate::tree::{Expected, MAX_DEPTH, Tree, TreeDamage, cmp_separator, expected_below};

/// A cursor over the live nodes of a tree.
#[derive(Debug, Clone)]
pub struct Cursor {
    tree: Tree,
    /// From the root to a leaf; empty before the first and after the last node.
    path: Vec<Level>,
    place: Place,
    /// Pages gone down to since it was placed, or turned round.
    read: u64,
    direction: Direction,
}

#[derive(Debug, Clone)]
struct Level {
    page: PageRef,
    line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    BeforeFirst,
    OnNode,
    AfterLast,
}

/// Which way a cursor moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

impl Cursor {
    pub(crate) fn new(tree: Tree) -> Self {
        let direction = Direction::Forward;
        Self { tree, path: Vec::new(), place: Place::BeforeFirst, read: 0, direction }
    }

    /// The tree that it moves in.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The node that it stands on.
    ///
    /// Fails with [`Error::NoCurrentNode`] before the first and after the last node.
    pub fn node(&self) -> Result<Node<'_>, Error> {
        match self.path.last() {
            Some(Level { page, line }) if self.place == Place::OnNode => {
                self.tree.node(page, *line)
            }
            _ => Err(Error::NoCurrentNode { path: self.tree.pages().path().to_owned() }),
        }
    }

    /// The leaf that it stands on, and the line of its node.
    pub fn leaf(&self) -> Option<(&PageRef, usize)> {
        self.path.last().filter(|_| self.place == Place::OnNode).map(|l| (&l.page, l.line))
    }

    /// Moves before the first node.
    pub fn reset(&mut self) {
        self.path.clear();
        self.place = Place::BeforeFirst;
    }

    /// Moves to the first node; whether there is one.
    pub fn move_first(&mut self) -> Result<bool, Error> {
        self.reset();
        self.move_next()
    }

    /// Moves to the last node; whether there is one.
    pub fn move_last(&mut self) -> Result<bool, Error> {
        self.path.clear();
        self.place = Place::AfterLast;
        self.move_previous()
    }

    /// Moves to the next node; whether there is one.
    pub fn move_next(&mut self) -> Result<bool, Error> {
        self.step(Direction::Forward)
    }

    /// Moves to the previous node; whether there is one.
    pub fn move_previous(&mut self) -> Result<bool, Error> {
        self.step(Direction::Backward)
    }

    /// Moves to the first node whose key is `key` or above; whether there is one.
    pub fn seek(&mut self, key: &[u8]) -> Result<bool, Error> {
        self.seek_bookmark(key, &[])
    }

    /// Moves to the first node whose bookmark is (`key`, `data`) or above; whether there is one.
    ///
    /// In an index whose keys need not be unique the entries of a key are ordered by their data,
    /// the primary key of the record. Other trees have no use for the data.
    pub fn seek_bookmark(&mut self, key: &[u8], data: &[u8]) -> Result<bool, Error> {
        self.path.clear();
        self.place = Place::OnNode;
        self.read = 0;
        let joined;
        let separator = if data.is_empty() {
            key
        } else {
            joined = [key, data].concat();
            joined.as_slice()
        };
        let mut page = self.tree.root_page()?;
        while !page.is_leaf() {
            let line = self.child_line(&page, separator)?;
            page = self.descend(page, line)?;
        }
        let line = self.partition(&page, |_, node| {
            let order = node.cmp_key(key);
            // Data is never empty, so without data sought every entry of the key is in range.
            order.then_with(|| node.data.cmp(data)) == Ordering::Less
        })?;
        // One before the bound, so that the step forward passes deleted nodes and empty leaves.
        match line.checked_sub(1) {
            Some(before) => {
                self.path.push(Level { page, line: before });
                self.advance(Direction::Forward)
            }
            None => {
                self.path.push(Level { page, line: 0 });
                self.settle(Direction::Forward)
            }
        }
    }

    /// Moves to the node with exactly this key; whether there is one. In an index whose keys need
    /// not be unique: to its first entry.
    pub fn seek_exact(&mut self, key: &[u8]) -> Result<bool, Error> {
        Ok(self.seek(key)? && self.node()?.cmp_key(key) == Ordering::Equal)
    }

    fn step(&mut self, direction: Direction) -> Result<bool, Error> {
        if self.direction != direction {
            // One way a tree has an end; to and fro a caller may go as often as it likes.
            (self.direction, self.read) = (direction, 0);
        }
        match (self.place, direction) {
            (Place::OnNode, _) => self.advance(direction),
            (Place::BeforeFirst, Direction::Forward) | (Place::AfterLast, Direction::Backward) => {
                self.place = Place::OnNode;
                self.read = 0;
                let root = self.tree.root_page()?;
                self.descend_to_edge(root, direction)?;
                self.settle(direction)
            }
            _ => Ok(false),
        }
    }

    /// Moves on from the current line until a live node.
    fn advance(&mut self, direction: Direction) -> Result<bool, Error> {
        if !self.advance_line(direction)? {
            return Ok(false);
        }
        self.settle(direction)
    }

    /// Moves on until the current line is a live node; stays if it is one.
    fn settle(&mut self, direction: Direction) -> Result<bool, Error> {
        loop {
            if let Some(Level { page, line }) = self.path.last()
                && *line < page.node_count()
                && !self.tree.node(page, *line)?.is_deleted()
            {
                return Ok(true);
            }
            if !self.advance_line(direction)? {
                return Ok(false);
            }
        }
    }

    /// Moves one line on, over the ends of pages; whether the tree goes on.
    fn advance_line(&mut self, direction: Direction) -> Result<bool, Error> {
        while let Some(level) = self.path.last_mut() {
            let next = match direction {
                Direction::Forward => Some(level.line + 1).filter(|&l| l < level.page.node_count()),
                Direction::Backward => level.line.checked_sub(1),
            };
            match next {
                Some(line) => {
                    level.line = line;
                    if !level.page.is_leaf() {
                        let level = self.path.pop();
                        if let Some(Level { page, line }) = level {
                            let child = self.descend(page, line)?;
                            self.descend_to_edge(child, direction)?;
                        }
                    }
                    return Ok(true);
                }
                None => drop(self.path.pop()),
            }
        }
        self.place = match direction {
            Direction::Forward => Place::AfterLast,
            Direction::Backward => Place::BeforeFirst,
        };
        Ok(false)
    }

    /// Goes down from `page` to its first or last leaf.
    fn descend_to_edge(&mut self, mut page: PageRef, direction: Direction) -> Result<(), Error> {
        loop {
            let last = page.node_count().saturating_sub(1);
            let line = if direction == Direction::Forward { 0 } else { last };
            if page.is_leaf() {
                self.path.push(Level { page, line });
                return Ok(());
            }
            page = self.descend(page, line)?;
        }
    }

    /// Goes down one level; the page joins the path.
    fn descend(&mut self, page: PageRef, line: usize) -> Result<PageRef, Error> {
        self.read += 1;
        let limit = u64::from(self.tree.pages().last_page().0);
        if self.path.len() >= MAX_DEPTH || self.read > limit {
            return Err(self.tree.damaged(page.number(), TreeDamage::Endless));
        }
        if page.node_count() == 0 {
            return Err(self.tree.damaged(page.number(), TreeDamage::NoChildren));
        }
        let node = self.tree.node(&page, line)?;
        let number = self.tree.child(&page, line, &node)?;
        let expected: Expected = expected_below(&page);
        let child = self.tree.page(number, expected)?;
        self.path.push(Level { page, line });
        Ok(child)
    }

    /// The line of an internal page under which `sought` lies: the first separator above it.
    fn child_line(&self, page: &PageRef, sought: &[u8]) -> Result<usize, Error> {
        let count = page.node_count();
        let line = self.partition(page, |line, node| {
            cmp_separator(node, line + 1 == count, sought) != Ordering::Greater
        })?;
        Ok(line.min(count.saturating_sub(1)))
    }

    /// The first line for which `is_before` does not hold.
    fn partition(
        &self,
        page: &PageRef,
        is_before: impl Fn(usize, &Node<'_>) -> bool,
    ) -> Result<usize, Error> {
        let (mut low, mut high) = (0, page.node_count());
        while low < high {
            let middle = low.midpoint(high);
            if is_before(middle, &self.tree.node(page, middle)?) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use ese_format::PageNumber;
    use vfs::{OpenMode, Storage};

    use super::*;
    use crate::{DatabaseFile, Pages};

    fn pages(name: &str) -> Arc<Pages> {
        let storage: Arc<dyn Storage> = Arc::new(vfs::mem::Mem::new());
        let path = Path::new("/test.edb");
        let file = storage.open(path, OpenMode::CreateNew).unwrap();
        file.write_all_at(&testkit::database(name), 0).unwrap();
        Arc::new(Pages::new(Arc::new(DatabaseFile::open(storage, path).unwrap()), 1 << 20))
    }

    fn catalog(name: &str) -> Tree {
        Tree::new(pages(name), PageNumber(4), 2)
    }

    fn all(tree: &Tree) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        let mut cursor = tree.cursor();
        while cursor.move_next().unwrap() {
            let node = cursor.node().unwrap();
            found.push((node.key(), node.data.to_vec()));
        }
        found
    }

    #[test]
    fn both_ways_and_the_leaves_give_the_same_nodes() {
        for name in testkit::CLEAN {
            for tree in [catalog(name), Tree::new(pages(name), PageNumber(7), 4)] {
                let forward = all(&tree);
                assert!(forward.len() > 50, "{name}: {}", forward.len());
                assert!(forward.is_sorted());
                let mut cursor = tree.cursor();
                let mut backward = Vec::new();
                let mut more = cursor.move_last().unwrap();
                while more {
                    backward.push(cursor.node().unwrap().key());
                    more = cursor.move_previous().unwrap();
                }
                backward.reverse();
                assert!(forward.iter().map(|(key, _)| key).eq(backward.iter()));
                let parts = tree.parts(3);
                let by_leaf: usize = parts
                    .into_iter()
                    .flatten()
                    .map(|leaf| {
                        let leaf = leaf.unwrap();
                        let live = |&line: &usize| !leaf.node(line).unwrap().is_deleted();
                        (0..leaf.node_count()).filter(live).count()
                    })
                    .sum();
                assert_eq!(by_leaf, forward.len());
            }
        }
    }

    #[test]
    fn to_and_fro_over_the_end_of_a_leaf_has_no_limit() {
        let tree = catalog("clean_4k");
        let mut cursor = tree.cursor();
        assert!(cursor.move_next().unwrap());
        let first = cursor.leaf().unwrap().0.number();
        while cursor.leaf().unwrap().0.number() == first {
            assert!(cursor.move_next().unwrap());
        }
        for _ in 0..tree.pages().last_page().0 {
            assert!(cursor.move_previous().unwrap());
            assert_eq!(cursor.leaf().unwrap().0.number(), first);
            assert!(cursor.move_next().unwrap());
        }
    }

    #[test]
    fn every_key_is_found_and_gaps_lead_to_the_next() {
        for name in testkit::CLEAN {
            let tree = catalog(name);
            let nodes = all(&tree);
            let mut cursor = tree.cursor();
            for (index, (key, data)) in nodes.iter().enumerate() {
                assert!(cursor.seek_exact(key).unwrap());
                assert_eq!(cursor.node().unwrap().data, data);
                let mut above = key.clone();
                above.push(0);
                let found = cursor.seek(&above).unwrap();
                assert_eq!(found, index + 1 < nodes.len());
                if found {
                    assert_eq!(cursor.node().unwrap().key(), nodes[index + 1].0);
                }
            }
            assert!(cursor.seek(&[]).unwrap());
            assert_eq!(cursor.node().unwrap().key(), nodes[0].0);
            assert!(!cursor.seek(&[0xFF; 9]).unwrap());
            assert!(cursor.node().is_err());
            assert!(cursor.move_previous().unwrap());
        }
    }
}
