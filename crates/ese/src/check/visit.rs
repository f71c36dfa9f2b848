//! The seam between the walk over trees and those who look into the leaves.
//!
//! The walk reads each leaf once and judges it as a page of its tree. Whoever wants to look at
//! what the leaves hold is handed the same page, so nothing is read or verified twice.

use std::sync::Arc;

use ese_format::PageNumber;

use crate::PageRef;

/// What a tree is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TreeKind {
    /// The root of the database: it holds no nodes, only space.
    Database,
    /// The records of a table.
    Table,
    /// A secondary index.
    Index,
    /// The long values of a table.
    LongValues,
    /// Extents that a tree owns.
    OwnedExtents,
    /// Extents that a tree has free.
    AvailableExtents,
}

/// A tree that is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedTree {
    /// Its place in the list of trees of the check.
    pub number: usize,
    /// What it is for.
    pub kind: TreeKind,
    /// Name of its table.
    pub table: Option<Arc<str>>,
    /// Name of the index; `LV`, `OE` and `AE` for the trees without a name of their own.
    pub index: Option<Arc<str>>,
    /// Its root page.
    pub root: PageNumber,
    /// Its object id; space trees have that of their owner.
    pub objid: u32,
    /// Object id of the table that it belongs to.
    pub table_objid: u32,
    /// The tree whose space it is part of, by [`CheckedTree::number`].
    pub parent: Option<usize>,
    /// Whether its keys are unique, where the catalog says so. The flags of the root page count.
    pub unique: bool,
}

/// Looks into the leaves of one part of a tree.
///
/// A part is a run of neighbouring leaves: those below one page. Its leaves come in key order,
/// parts in any order and on any thread. Pages that could not be read or are not pages of the
/// tree are left out; the walk has said so.
pub trait LeafVisitor: Send {
    /// The next leaf. It is sound as a page, all its nodes can be taken apart; the order of its
    /// keys was judged.
    fn leaf(&mut self, page: &PageRef);

    /// The part is over.
    fn finish(self: Box<Self>, part: &PartEnd);
}

/// What the walk knows of a part at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartEnd {
    /// Orders the parts of a tree.
    pub position: Position,
    /// Whether every leaf of the part was visited.
    pub complete: bool,
}

/// The way down from the root, as the lines taken: greater is further right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub(super) u128);

/// Gives each part its visitor.
pub trait Visitors: Sync {
    /// A visitor for a part of `tree`; `None` if nobody wants to look into it.
    fn visitor(&self, tree: &CheckedTree) -> Option<Box<dyn LeafVisitor + '_>>;
}

/// Nobody looks into the leaves.
impl Visitors for () {
    fn visitor(&self, _tree: &CheckedTree) -> Option<Box<dyn LeafVisitor + '_>> {
        None
    }
}
