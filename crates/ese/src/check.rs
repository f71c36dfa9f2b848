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

mod finding;
mod visit;

pub use finding::{Code, Count, Finding, Findings, LISTED_KEY, Place, Severity};
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
}

impl Report {
    /// How many findings of a severity there are.
    pub fn count(&self, severity: Severity) -> u64 {
        self.counts.iter().filter(|c| c.severity == severity).map(|c| c.count).sum()
    }
}
