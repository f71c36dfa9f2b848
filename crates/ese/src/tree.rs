//! B+ trees: from the root to the leaves.
//!
//! ```text
//!            root (internal)         separator, child page
//!           /      |       \         the last separator is empty: above every key
//!     parent of leaf   ...           entries of a child are < its separator, >= the one before
//!      /   |   \
//!   leaf  leaf  leaf                 key, data; leaves are linked both ways
//! ```
//!
//! Readers here go by the child pointers and never by the links between leaves, so a broken link
//! loses nothing. A tree has at most as many pages as the file: one that leads on longer goes in a
//! circle, and is damaged.
//!
//! Source: ESE `btree` (bt.cxx, node.cxx, nd.hxx).

use std::cmp::Ordering;
use std::sync::Arc;

use ese_format::PageNumber;
use ese_format::node::Node;
use ese_format::page::PageFlags;
use ese_format::space::child_page;

use crate::pages::{PageRef, Pages};
use crate::{Cursor, Error};

/// A B+ tree of a database.
#[derive(Debug, Clone)]
pub struct Tree {
    pages: Arc<Pages>,
    root: PageNumber,
    objid: u32,
}

/// What is wrong with a page as a part of its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TreeDamage {
    /// It belongs to another tree.
    #[error("it belongs to object {found}, expected object {expected}")]
    Objid {
        /// As expected.
        expected: u32,
        /// As found.
        found: u32,
    },
    /// It is flagged as free.
    #[error("it is flagged as emptied, but its tree uses it")]
    Empty,
    /// A leaf where an internal page must be, or the other way round.
    #[error("it does not fit its level of the tree")]
    Level,
    /// A node that cannot be taken apart.
    #[error("node {line} is not sound")]
    Node {
        /// Its line.
        line: usize,
    },
    /// A node of an internal page that points to no page.
    #[error("node {line} does not point to a page")]
    Child {
        /// Its line.
        line: usize,
    },
    /// An internal page without nodes.
    #[error("it is an internal page without nodes")]
    NoChildren,
    /// The tree is deeper or has more pages than any can have.
    #[error("the tree leads on without end")]
    Endless,
}

/// More levels than a tree over every possible page can have.
pub const MAX_DEPTH: usize = 16;

/// What a child must be, seen from its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Root,
    Internal,
    Leaf,
}

impl Tree {
    /// The tree with this root page and object id.
    pub fn new(pages: Arc<Pages>, root: PageNumber, objid: u32) -> Self {
        Self { pages, root, objid }
    }

    /// Where its pages come from.
    pub fn pages(&self) -> &Arc<Pages> {
        &self.pages
    }

    /// Number of its root page.
    pub fn root(&self) -> PageNumber {
        self.root
    }

    /// Its object id.
    pub fn objid(&self) -> u32 {
        self.objid
    }

    /// Its root page.
    pub fn root_page(&self) -> Result<PageRef, Error> {
        self.page(self.root, Expected::Root)
    }

    /// A cursor that stands before the first node.
    pub fn cursor(&self) -> Cursor {
        Cursor::new(self.clone())
    }

    /// The leaf pages in key order.
    ///
    /// A damaged page is an error in its place and what lies beyond it follows: the caller decides
    /// whether to stop.
    pub fn leaves(&self) -> Leaves {
        Leaves::new(self.clone(), vec![(self.root, Expected::Root)])
    }

    /// The leaves in at least `wanted` parts if the tree has so many subtrees, in key order: to be
    /// read side by side. A damaged page on the way down is an error of the part that it is in.
    pub fn parts(&self, wanted: usize) -> Vec<Leaves> {
        let mut level = vec![(self.root, Expected::Root)];
        for _ in 0..MAX_DEPTH {
            if level.len() >= wanted {
                break;
            }
            let Some(below) = self.level_below(&level) else { break };
            level = below;
        }
        level.into_iter().map(|top| Leaves::new(self.clone(), vec![top])).collect()
    }

    /// The children of all pages of a level; `None` if there are none, or one cannot be read.
    fn level_below(&self, level: &[(PageNumber, Expected)]) -> Option<Vec<(PageNumber, Expected)>> {
        let mut below = Vec::new();
        for &(number, expected) in level {
            let page = self.page(number, expected).ok()?;
            if page.is_leaf() {
                return None;
            }
            below.extend(self.children(&page).ok()?);
            if below.len() > self.pages.last_page().0 as usize {
                return None;
            }
        }
        Some(below)
    }

    /// Reads a page of this tree; kept in the cache.
    pub(crate) fn page(&self, number: PageNumber, expected: Expected) -> Result<PageRef, Error> {
        self.fitting(self.pages.get(number)?, expected)
    }

    /// A page, if it is a part of this tree.
    fn fitting(&self, page: PageRef, expected: Expected) -> Result<PageRef, Error> {
        let (number, header) = (page.number(), page.header());
        let fits = match expected {
            Expected::Root => true,
            Expected::Internal => !page.is_leaf(),
            Expected::Leaf => page.is_leaf(),
        };
        let damage = if header.flags.contains(PageFlags::EMPTY) {
            TreeDamage::Empty
        } else if header.objid != self.objid {
            TreeDamage::Objid { expected: self.objid, found: header.objid }
        } else if !fits {
            TreeDamage::Level
        } else {
            return Ok(page);
        };
        Err(self.damaged(number, damage))
    }

    /// The children of an internal page.
    pub(crate) fn children(&self, page: &PageRef) -> Result<Vec<(PageNumber, Expected)>, Error> {
        let nodes = page.nodes();
        let expected = expected_below(page);
        let mut children = Vec::with_capacity(nodes.node_count());
        for line in 0..nodes.node_count() {
            let node = self.node(page, line)?;
            children.push((self.child(page, line, &node)?, expected));
        }
        if children.is_empty() {
            return Err(self.damaged(page.number(), TreeDamage::NoChildren));
        }
        Ok(children)
    }

    /// A node of a page of this tree.
    pub(crate) fn node<'a>(&self, page: &'a PageRef, line: usize) -> Result<Node<'a>, Error> {
        page.node(line).ok_or_else(|| self.damaged(page.number(), TreeDamage::Node { line }))
    }

    /// The child that a node of an internal page points to.
    pub(crate) fn child(
        &self,
        page: &PageRef,
        line: usize,
        node: &Node<'_>,
    ) -> Result<PageNumber, Error> {
        child_page(node).ok_or_else(|| self.damaged(page.number(), TreeDamage::Child { line }))
    }

    /// The error for a damaged page of this tree.
    pub(crate) fn damaged(&self, page: PageNumber, what: TreeDamage) -> Error {
        Error::Tree { path: self.pages.path().to_owned(), objid: self.objid, page, what }
    }
}

/// What the children of an internal page must be.
pub(crate) fn expected_below(page: &PageRef) -> Expected {
    if page.flags().contains(PageFlags::PARENT_OF_LEAF) {
        Expected::Leaf
    } else {
        Expected::Internal
    }
}

/// Compares a node of an internal page (its separator) with what is sought; the empty key at the
/// end is above everything.
pub(crate) fn cmp_separator(node: &Node<'_>, is_last: bool, sought: &[u8]) -> Ordering {
    if is_last && node.key_len() == 0 { Ordering::Greater } else { node.cmp_key(sought) }
}

/// The leaf pages of a tree or of a part of it, in key order. See [`Tree::leaves`].
#[derive(Debug)]
pub struct Leaves {
    tree: Tree,
    /// Pages still to be read, the next one last, with their depth.
    waiting: Vec<(PageNumber, Expected, usize)>,
    read: u64,
}

impl Leaves {
    fn new(tree: Tree, tops: Vec<(PageNumber, Expected)>) -> Self {
        let waiting = tops.into_iter().rev().map(|(page, expected)| (page, expected, 0)).collect();
        Self { tree, waiting, read: 0 }
    }
}

impl Iterator for Leaves {
    type Item = Result<PageRef, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((number, expected, depth)) = self.waiting.pop() {
            self.read += 1;
            if depth > MAX_DEPTH || self.read > u64::from(self.tree.pages.last_page().0) {
                self.waiting.clear();
                return Some(Err(self.tree.damaged(number, TreeDamage::Endless)));
            }
            // Leaves are met once, so they would only drive others out of the cache.
            let page = match expected {
                Expected::Leaf => self.tree.pages.read(number),
                Expected::Root | Expected::Internal => self.tree.pages.get(number),
            };
            let page = match page.and_then(|page| self.tree.fitting(page, expected)) {
                Ok(page) if page.is_leaf() => return Some(Ok(page)),
                Ok(page) => page,
                Err(error) => return Some(Err(error)),
            };
            match self.tree.children(&page) {
                Ok(children) => self
                    .waiting
                    .extend(children.into_iter().rev().map(|(page, e)| (page, e, depth + 1))),
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }
}
