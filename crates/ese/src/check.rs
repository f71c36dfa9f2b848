//! The deep check of a database: what the engine's own integrity check covers, and more.
//!
//! ```text
//! Quick   header, shadow, layout, space root, catalog
//! Pages   Quick, and every page of the file by itself
//! Full    Pages, and every tree: structure, order, links; whose space is whose;
//!         the catalog against its shadow; records, long values, indexes
//! ```
//!
//! Trees are walked from the root down, each page once, in parallel, and go by child pointers
//! only; [`LeafVisitor`]s look into the leaves on the way. Memory grows with the number of trees
//! and extents and is one bit for each page; it does not grow with the number of nodes.
//!
//! Source: ESE `ErrREPAIR...` (repair.cxx), `CPAGE::ErrCheckPage` (cpage.cxx).

use crate::verify::PageReport;

mod catalog;
mod codes;
mod extents;
mod file_rules;
mod finding;
mod logical;
mod ownership;
mod page_rules;
mod parts;
mod queue;
mod run;
mod shadow;
mod space;
mod usage;
mod visit;
mod walk;

pub use finding::{Code, Count, Finding, Findings, LISTED_KEY, Place, Severity};
pub use logical::{Logical, Statistics as LogicalStatistics};
pub use run::run;
pub use visit::{CheckedTree, LeafVisitor, PartEnd, Position, TreeKind, Visitors};

/// How deep a check goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Headers, layout and catalog: no pass over the file.
    Quick,
    /// Every page by itself.
    Pages,
    /// Everything.
    Full,
}

/// How to check.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Options {
    /// How deep.
    pub level: Level,
    /// Threads to use; 0 for one a processor.
    pub threads: usize,
    /// How many findings of each code are listed; all are counted.
    pub listed: usize,
    /// Bytes that tables of keys and values may take in memory before they go to passes over
    /// parts of them.
    pub memory: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { level: Level::Full, threads: 0, listed: 100, memory: 64 << 20 }
    }
}

impl Options {
    /// The default at another level, with `threads` threads.
    pub fn new(level: Level, threads: usize) -> Self {
        Self { level, threads, ..Self::default() }
    }

    /// How many bytes a check reports as its work, of a file of `file_len`.
    pub fn work(&self, file_len: u64) -> u64 {
        match self.level {
            Level::Quick => 0,
            Level::Pages => file_len,
            // Once page by page, once tree by tree.
            Level::Full => file_len.saturating_mul(2),
        }
    }
}

/// What a check found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// How deep it went.
    pub level: Level,
    /// The first findings of each code, the gravest first.
    pub findings: Vec<Finding>,
    /// How many there are of each code in each tree.
    pub counts: Vec<Count>,
    /// The pages by themselves; from [`Level::Pages`] on.
    pub pages: Option<PageReport>,
    /// What there is.
    pub statistics: Statistics,
}

/// What a check counted on the way; what its level does not look at stays 0.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Tables, those of the engine itself too.
    pub tables: u64,
    /// Columns that are not deleted.
    pub columns: u64,
    /// Indexes, primary ones too.
    pub indexes: u64,
    /// Pages in trees.
    pub tree_pages: u64,
    /// Pages in trees of extents.
    pub space_pages: u64,
    /// Pages kept for trees of extents.
    pub split_buffers: u64,
    /// Free pages of a tree.
    pub available: u64,
    /// Free pages behind the end of the file.
    pub shelved: u64,
    /// Owned pages in no use that no tree has free.
    pub leaked: u64,
    /// Pages of the file that nobody owns.
    pub unowned: u64,
    /// Nodes in leaves.
    pub nodes: u64,
    /// Of these, flagged as deleted.
    pub deleted: u64,
    /// Each tree.
    pub trees: Vec<TreeStatistics>,
    /// What the leaves hold.
    pub logical: Option<LogicalStatistics>,
}

/// What a check counted in one tree.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TreeStatistics {
    /// The tree.
    pub tree: CheckedTree,
    /// Pages of the tree itself.
    pub pages: u64,
    /// Of these, leaves.
    pub leaves: u64,
    /// Nodes in the leaves.
    pub nodes: u64,
    /// Of these, flagged as deleted.
    pub deleted: u64,
    /// Levels.
    pub depth: u32,
    /// Pages that it owns, those that it passed on to other trees too.
    pub owned: u64,
    /// Of these, free.
    pub available: u64,
}

impl Report {
    /// How many findings of a severity there are.
    pub fn count(&self, severity: Severity) -> u64 {
        self.counts.iter().filter(|c| c.severity == severity).map(|c| c.count).sum()
    }
}
