//! Records that change pages: what the one code that changes pages is given.

use alloc::vec::Vec;

use bitflags::bitflags;

use super::{DatabaseId, SessionId, TransactionId, VersionId};
use crate::page::PageFlags;
use crate::{DbTime, PageNumber};

bitflags! {
    /// Flags of a record that changes a page.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct OperationFlags: u8 {
        /// It can be undone: a version belongs to it.
        const VERSIONED = 0x01;
        /// Unused.
        const DELETED = 0x02;
        /// Keys of the tree are unique, so that a bookmark is a key alone.
        const UNIQUE = 0x04;
        /// The tree is one of those that hold free or owned space.
        const SPACE = 0x08;
        /// Made while an index is built beside other work.
        const CONCURRENT_INDEX = 0x10;
        /// Made by the engine itself.
        const SYSTEM = 0x20;
        const _ = !0;
    }
}

/// A change of a page. ESE: `LRPAGE`, and `LRNODE` for [`Change::Node`] and its like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRecord<'a> {
    /// Who did it.
    pub session: SessionId,
    /// In which database.
    pub database: DatabaseId,
    /// The page.
    pub page: PageNumber,
    /// The page's dbtime once it is done.
    pub after: DbTime,
    /// The page's dbtime before; [`PageRecord::NO_TIME`] where it does not matter.
    pub before: DbTime,
    /// The transaction of the session.
    pub begin: TransactionId,
    /// Its level when it was done.
    pub level: u8,
    /// Line of the page.
    pub line: u16,
    /// Flags.
    pub flags: OperationFlags,
    /// What is done.
    pub change: Change<'a>,
}

impl PageRecord<'_> {
    /// What `before` (and `after` of [`NodeChange::UndoInfo`]) hold where there is no time.
    pub const NO_TIME: DbTime = DbTime(u64::MAX);
}

impl Change<'_> {
    /// Object id of the tree whose page is changed.
    pub fn objid(&self) -> u32 {
        match self {
            Self::Node(tree, _) | Self::EmptyTree(tree, _) | Self::Scrub { tree, .. } => tree.objid,
            Self::Split(SplitChange { objid, .. })
            | Self::Merge(MergeChange { objid, .. })
            | Self::Move(PageMoveChange { objid, .. })
            | Self::CreateMultiple { objid, .. }
            | Self::CreateSingle { objid, .. }
            | Self::Convert { objid, .. } => *objid,
        }
    }
}

/// What is done to a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<'a> {
    /// To a node, or to tag 0.
    Node(TreeRef, NodeChange<'a>),
    /// The page is split, or takes the separator of a child that is.
    Split(SplitChange<'a>),
    /// The page is emptied into a neighbour, or loses the separator of a child that is.
    Merge(MergeChange<'a>),
    /// The page's content goes to another page.
    Move(PageMoveChange<'a>),
    /// The pages of the list are given up as a whole. The record's own page is the root, is not in
    /// the list, and stays as an empty leaf.
    EmptyTree(TreeRef, Vec<EmptiedPage>),
    /// Deleted data are overwritten.
    Scrub {
        /// The tree; its root is not written.
        tree: TreeRef,
        /// Bit 0: the page is unused as a whole.
        flags: u32,
        /// Number of operations in `operations`.
        count: u32,
        /// The operations.
        operations: &'a [u8],
    },
    /// A tree with several extents begins: root, and the roots of its space trees.
    CreateMultiple {
        /// Object id.
        objid: u32,
        /// Root of owned extents.
        owned: PageNumber,
        /// Root of available extents.
        available: PageNumber,
        /// Root of the tree that the space is from.
        parent: PageNumber,
        /// Pages of the primary extent.
        primary: u32,
        /// Flags of the root page.
        page_flags: PageFlags,
    },
    /// A tree with one extent begins.
    CreateSingle {
        /// Object id.
        objid: u32,
        /// Root of the tree that the space is from.
        parent: PageNumber,
        /// Pages of the extent.
        primary: u32,
        /// Flags of the root page.
        page_flags: PageFlags,
    },
    /// A tree with one extent gets several.
    Convert {
        /// Object id.
        objid: u32,
        /// Root of owned extents.
        owned: PageNumber,
        /// Root of available extents.
        available: PageNumber,
        /// Root of the tree that the space is from.
        parent: PageNumber,
        /// First page of the second extent.
        secondary_first: PageNumber,
        /// Pages of the primary extent.
        primary: u32,
        /// Pages of the second extent.
        secondary: u32,
        /// Map of the free pages of the primary extent.
        available_map: u32,
        /// Flags of the page.
        page_flags: PageFlags,
    },
}

/// The tree that a page belongs to, and the version that a change has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeRef {
    /// The version.
    pub version: VersionId,
    /// Root page of the tree.
    pub root: PageNumber,
    /// Object id of the tree.
    pub objid: u32,
}

/// Key and data of a node, or the bookmark of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeImage<'a> {
    /// The whole key.
    pub key: &'a [u8],
    /// Data.
    pub data: &'a [u8],
}

/// What is done to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeChange<'a> {
    /// A node comes in at the line.
    Insert {
        /// The node; its key whole.
        node: NodeImage<'a>,
        /// Bytes of the key that the page's prefix holds; the node is compressed unless 0.
        prefix: u16,
    },
    /// A deleted node is one again.
    FlagInsert(NodeImage<'a>),
    /// A deleted node is one again, with other data.
    FlagInsertAndReplaceData {
        /// Key, and the new data.
        node: NodeImage<'a>,
        /// Version of the replacement.
        replace_version: VersionId,
    },
    /// A node is flagged as deleted.
    FlagDelete,
    /// The data of a node are replaced.
    Replace {
        /// The new data.
        data: &'a [u8],
        /// Length of the old ones.
        old_len: u16,
    },
    /// The data of a node are changed in places.
    ReplaceDiff {
        /// The difference.
        diff: &'a [u8],
        /// Whether it has the wide form of pages above 8 KiB.
        wide: bool,
        /// Length of the old data.
        old_len: u16,
        /// Length of the new ones.
        new_len: u16,
    },
    /// A node is removed.
    Delete,
    /// A number in the data is raised by `delta`.
    Delta {
        /// The node.
        bookmark: NodeImage<'a>,
        /// How much; wraps.
        delta: i64,
        /// Where in the data.
        offset: u16,
        /// Whether the number has eight bytes and not four.
        wide: bool,
    },
    /// Tag 0 gets other content.
    SetExternalHeader(&'a [u8]),
    /// What an undo of an earlier change needs; changes no page.
    UndoInfo {
        /// The node.
        bookmark: NodeImage<'a>,
        /// Replacement or deletion.
        undo: UndoKind,
        /// Most bytes that the data had while the version lived.
        max_len: u16,
        /// Bytes that the data grew by.
        growth: i16,
        /// The data before; empty for a deletion.
        before_image: &'a [u8],
    },
    /// An earlier change is undone.
    Undo {
        /// The node.
        bookmark: NodeImage<'a>,
        /// What is undone.
        undo: UndoKind,
        /// Level at which it was done.
        level: u8,
    },
}

/// What a version remembers. ESE: `OPER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UndoKind(pub u16);

impl UndoKind {
    /// A node came in.
    pub const INSERT: Self = Self(1);
    /// Data were replaced.
    pub const REPLACE: Self = Self(2);
    /// A node was flagged as deleted.
    pub const FLAG_DELETE: Self = Self(3);
    /// A number of four bytes was raised.
    pub const DELTA: Self = Self(4);
    /// A number of eight bytes was raised.
    pub const DELTA_64: Self = Self(9);
}

/// How a page is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the format names them")]
pub enum SplitKind {
    /// All nodes of the root go to the new page.
    Vertical,
    /// The lines from the split line on go to the new page.
    Right,
    /// Only the node that is inserted is on the new page.
    Append,
}

/// What the operation that made the split necessary does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the format names them")]
pub enum SplitOperation {
    None,
    Insert,
    Replace,
    FlagInsertAndReplaceData,
}

bitflags! {
    /// How a before-image is stored.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct BeforeImageFlags: u32 {
        /// The free middle of the page is left out.
        const DEHYDRATED = 1;
        /// Compressed with XPRESS.
        const XPRESS = 2;
        const _ = !0;
    }
}

/// A page as it was before a split or merge, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeforeImage<'a> {
    /// How it is stored.
    pub flags: BeforeImageFlags,
    /// The bytes; empty if none was needed.
    pub bytes: &'a [u8],
}

/// One level of a split, from the topmost page that takes part to the leaf. ESE: `LRSPLIT_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitChange<'a> {
    /// The new page; null if this page is not split and only takes a separator.
    pub new: PageNumber,
    /// Right sibling before the split.
    pub right: PageNumber,
    /// Its dbtime before.
    pub right_before: DbTime,
    /// Parent page.
    pub parent: PageNumber,
    /// Its dbtime before.
    pub parent_before: DbTime,
    /// Root page of the tree.
    pub root: PageNumber,
    /// Object id of the tree.
    pub objid: u32,
    /// How.
    pub kind: SplitKind,
    /// What made it necessary.
    pub operation: SplitOperation,
    /// Line of the operation.
    pub operation_line: u16,
    /// First line that moves to the new page.
    pub split_line: u16,
    /// Nodes of the page, with the one that an insert brings.
    pub lines: u16,
    /// Flags of the new page.
    pub new_flags: PageFlags,
    /// Flags of the page after the split.
    pub source_flags: PageFlags,
    /// Reserved space of the page after.
    pub source_uncommitted: u16,
    /// Reserved space of the new page.
    pub new_uncommitted: u16,
    /// Line whose key is the page's prefix after; negative if none.
    pub source_prefix_line: i32,
    /// Line whose key is the new page's prefix; negative if none.
    pub new_prefix_line: i32,
    /// Separator that the parent gets.
    pub parent_key: &'a [u8],
    /// Prefix of the page before.
    pub old_prefix: &'a [u8],
    /// Prefix of the page after.
    pub new_prefix: &'a [u8],
    /// The page before.
    pub before_image: BeforeImage<'a>,
}

bitflags! {
    /// What a merge does besides moving nodes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct MergeFlags: u8 {
        /// The separator in the parent changes.
        const KEY_CHANGE = 1;
        /// The separator in the parent goes.
        const DELETE_NODE = 2;
        /// The page is empty after.
        const EMPTY_PAGE = 4;
        const _ = !0;
    }
}

/// How a page is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the format names them")]
pub enum MergeKind {
    None,
    EmptyPage,
    FullRight,
    PartialRight,
    EmptyTree,
    FullLeft,
    PartialLeft,
    PageMove,
}

/// One level of a merge. ESE: `LRMERGE_`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeChange<'a> {
    /// Right sibling.
    pub right: PageNumber,
    /// Its dbtime before.
    pub right_before: DbTime,
    /// Left sibling.
    pub left: PageNumber,
    /// Its dbtime before.
    pub left_before: DbTime,
    /// Parent page.
    pub parent: PageNumber,
    /// Its dbtime before.
    pub parent_before: DbTime,
    /// Root page of the tree.
    pub root: PageNumber,
    /// Object id of the tree.
    pub objid: u32,
    /// Bytes of all nodes that move.
    pub moved_len: u16,
    /// The same with what versions reserve.
    pub moved_max_len: u16,
    /// Reserved space of the destination after.
    pub destination_uncommitted: u16,
    /// First line that moves.
    pub merge_line: u16,
    /// What is done besides.
    pub flags: MergeFlags,
    /// How.
    pub kind: MergeKind,
    /// The new separator.
    pub parent_key: &'a [u8],
    /// The page before.
    pub before_image: BeforeImage<'a>,
}

bitflags! {
    /// Which root is moved.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct MovedTree: u32 {
        /// The root of a tree.
        const ROOT = 1;
        /// The root of owned extents.
        const OWNED = 2;
        /// The root of available extents.
        const AVAILABLE = 4;
        const _ = !0;
    }
}

/// A page's content goes to another page. ESE: `LRPAGEMOVE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageMoveChange<'a> {
    /// Where it goes.
    pub destination: PageNumber,
    /// Left sibling.
    pub left: PageNumber,
    /// Right sibling.
    pub right: PageNumber,
    /// Parent page.
    pub parent: PageNumber,
    /// dbtime of the left sibling before.
    pub left_before: DbTime,
    /// dbtime of the right sibling before.
    pub right_before: DbTime,
    /// dbtime of the parent before.
    pub parent_before: DbTime,
    /// Root page of the tree.
    pub root: PageNumber,
    /// Object id of the tree.
    pub objid: u32,
    /// Line of the parent that points to the page.
    pub parent_line: u32,
    /// Which root, if any.
    pub moved: MovedTree,
    /// The page up to its free middle.
    pub head: &'a [u8],
    /// The page after its free middle.
    pub tail: &'a [u8],
}

/// A page that is given up with its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmptiedPage {
    /// Its dbtime before.
    pub before: DbTime,
    /// The page.
    pub page: PageNumber,
    /// Its flags after.
    pub flags: PageFlags,
}
