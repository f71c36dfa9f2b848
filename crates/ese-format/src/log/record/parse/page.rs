//! Reading the records that change pages.
//!
//! ```text
//! all  0 1 type    1 2 session   3 1 database  4 4 page    8 8 dbtime after
//!     16 8 before 24 4 begin    28 1 level    29 2 line   31 1 flags
//! node 32 4 version 36 4 root page of the tree 40 4 object id
//! ```
//!
//! Source: ESE `LRPAGE_`, `LRNODE_` and what is derived from them (logapi.hxx).

use super::{Input, Parts};
use crate::le::Fixed;
use crate::log::record::{
    BeforeImage, BeforeImageFlags, Change, EmptiedPage, MergeChange, MergeFlags, MergeKind,
    MovedTree, NodeChange, NodeImage, OperationFlags, PageMoveChange, PageRecord, RecordError,
    RecordKind, SplitChange, SplitKind, SplitOperation, TreeRef,
};

pub(super) fn record(input: Input<'_>) -> Result<PageRecord<'_>, RecordError> {
    Ok(PageRecord {
        session: input.get(1),
        database: input.get(3),
        page: input.get(4),
        after: input.get(8),
        before: input.get(16),
        begin: input.get(24),
        level: input.get(28),
        line: input.get(29),
        flags: OperationFlags::from_bits_retain(input.get(31)),
        change: change(input)?,
    })
}

fn change(input: Input<'_>) -> Result<Change<'_>, RecordError> {
    Ok(match input.kind {
        RecordKind::SPLIT2 => Change::Split(split(input)?),
        RecordKind::MERGE2 => Change::Merge(merge(input)?),
        RecordKind::PAGE_MOVE => Change::Move(page_move(input)),
        RecordKind::EMPTY_TREE => empty_tree(input)?,
        RecordKind::SCRUB => Change::Scrub {
            tree: tree(input),
            flags: input.get(44),
            count: input.get(48),
            operations: input.from(54),
        },
        RecordKind::CREATE_MULTIPLE_EXTENT_FDP => Change::CreateMultiple {
            objid: input.get(32),
            owned: input.get(36),
            available: input.get(40),
            parent: input.get(44),
            primary: input.get(48),
            page_flags: input.get(52),
        },
        RecordKind::CREATE_SINGLE_EXTENT_FDP => Change::CreateSingle {
            objid: input.get(32),
            parent: input.get(36),
            primary: input.get(40),
            page_flags: input.get(44),
        },
        RecordKind::CONVERT_FDP2 => Change::Convert {
            objid: input.get(32),
            owned: input.get(36),
            available: input.get(40),
            parent: input.get(44),
            secondary_first: input.get(48),
            primary: input.get(52),
            secondary: input.get(56),
            available_map: input.get(60),
            page_flags: input.get(64),
        },
        _ => Change::Node(tree(input), node(input)?),
    })
}

#[inline(always)]
fn tree(input: Input<'_>) -> TreeRef {
    TreeRef { version: input.get(32), root: input.get(36), objid: input.get(40) }
}

/// Key and data that begin at `at`, their lengths at 44 and 46.
fn image<'a>(input: Input<'a>, at: usize) -> (NodeImage<'a>, Parts<'a>) {
    let mut parts = input.parts(at);
    let (key, data) = (parts.take(input.len_at(44)), parts.take(input.len_at(46)));
    (NodeImage { key, data }, parts)
}

fn node(input: Input<'_>) -> Result<NodeChange<'_>, RecordError> {
    Ok(match input.kind {
        RecordKind::INSERT => {
            let mut parts = input.parts(50);
            let key = parts.take(input.len_at(44) + input.len_at(46));
            let data = parts.take(input.len_at(48));
            NodeChange::Insert { node: NodeImage { key, data }, prefix: input.get(46) }
        }
        RecordKind::FLAG_INSERT => NodeChange::FlagInsert(image(input, 48).0),
        RecordKind::FLAG_INSERT_AND_REPLACE_DATA => NodeChange::FlagInsertAndReplaceData {
            node: image(input, 52).0,
            replace_version: input.get(48),
        },
        RecordKind::FLAG_DELETE => NodeChange::FlagDelete,
        RecordKind::REPLACE => {
            // Data that are stored whole are as long as the new data, and the bit for the form of
            // a difference is not set.
            let (stored, new): (u16, u16) = (input.get(44), input.get(48));
            if stored != new || stored & 0x8000 != 0 {
                return Err(input.value("mle_cb", stored));
            }
            NodeChange::Replace { data: input.from(50), old_len: input.get(46) }
        }
        RecordKind::REPLACE_D => NodeChange::ReplaceDiff {
            diff: input.from(50),
            wide: input.get::<u16>(44) & 0x8000 != 0,
            old_len: input.get(46),
            new_len: input.get(48),
        },
        RecordKind::DELETE => NodeChange::Delete,
        RecordKind::UNDO_INFO => {
            let (bookmark, parts) = image(input, 56);
            NodeChange::UndoInfo {
                bookmark,
                undo: input.get(48),
                max_len: input.get(50),
                growth: input.get(52),
                before_image: parts.0,
            }
        }
        RecordKind::DELTA => NodeChange::Delta {
            bookmark: image(input, 54).0,
            delta: i64::from(input.get::<i32>(48)),
            offset: input.get(52),
            wide: false,
        },
        RecordKind::DELTA64 => NodeChange::Delta {
            bookmark: image(input, 58).0,
            delta: input.get(48),
            offset: input.get(56),
            wide: true,
        },
        RecordKind::SET_EXTERNAL_HEADER => NodeChange::SetExternalHeader(input.from(46)),
        _ => NodeChange::Undo {
            bookmark: image(input, 51).0,
            undo: input.get(48),
            level: input.get(50),
        },
    })
}

fn split(input: Input<'_>) -> Result<SplitChange<'_>, RecordError> {
    let kind = match input.get::<u8>(68) {
        0 => SplitKind::Vertical,
        1 => SplitKind::Right,
        2 => SplitKind::Append,
        other => return Err(input.value("splittype", other)),
    };
    let operation = match input.get::<u8>(69) {
        0 => SplitOperation::None,
        1 => SplitOperation::Insert,
        2 => SplitOperation::Replace,
        3 => SplitOperation::FlagInsertAndReplaceData,
        other => return Err(input.value("splitoper", other)),
    };
    let mut parts = input.parts(110);
    Ok(SplitChange {
        new: input.get(32),
        right: input.get(36),
        right_before: input.get(40),
        parent: input.get(48),
        parent_before: input.get(52),
        root: input.get(60),
        objid: input.get(64),
        kind,
        operation,
        operation_line: input.get(70),
        split_line: input.get(72),
        lines: input.get(74),
        new_flags: input.get(76),
        source_flags: input.get(80),
        source_uncommitted: input.get(84),
        new_uncommitted: input.get(86),
        source_prefix_line: input.get(88),
        new_prefix_line: input.get(92),
        parent_key: parts.take(input.len_at(100)),
        old_prefix: parts.take(input.len_at(96)),
        new_prefix: parts.take(input.len_at(98)),
        before_image: before_image(input, 102, &parts),
    })
}

fn before_image<'a>(input: Input<'a>, flags_at: usize, parts: &Parts<'a>) -> BeforeImage<'a> {
    let flags = BeforeImageFlags::from_bits_retain(input.get(flags_at));
    BeforeImage { flags, bytes: parts.0 }
}

fn merge(input: Input<'_>) -> Result<MergeChange<'_>, RecordError> {
    let kind = match input.get::<u8>(85) {
        0 => MergeKind::None,
        1 => MergeKind::EmptyPage,
        2 => MergeKind::FullRight,
        3 => MergeKind::PartialRight,
        4 => MergeKind::EmptyTree,
        5 => MergeKind::FullLeft,
        6 => MergeKind::PartialLeft,
        7 => MergeKind::PageMove,
        other => return Err(input.value("mergetype", other)),
    };
    let mut parts = input.parts(96);
    Ok(MergeChange {
        right: input.get(32),
        right_before: input.get(36),
        left: input.get(44),
        left_before: input.get(48),
        parent: input.get(56),
        parent_before: input.get(60),
        root: input.get(68),
        objid: input.get(72),
        moved_len: input.get(76),
        moved_max_len: input.get(78),
        destination_uncommitted: input.get(80),
        merge_line: input.get(82),
        flags: MergeFlags::from_bits_retain(input.get(84)),
        kind,
        parent_key: parts.take(input.len_at(86)),
        before_image: before_image(input, 88, &parts),
    })
}

fn page_move(input: Input<'_>) -> PageMoveChange<'_> {
    let mut parts = input.parts(96);
    PageMoveChange {
        destination: input.get(32),
        left: input.get(36),
        right: input.get(40),
        parent: input.get(44),
        left_before: input.get(48),
        right_before: input.get(56),
        parent_before: input.get(64),
        root: input.get(72),
        objid: input.get(76),
        parent_line: input.get(80),
        moved: MovedTree::from_bits_retain(input.get(84)),
        head: parts.take(input.long_len_at(88)),
        tail: parts.0,
    }
}

/// Bytes of one entry of the list in an EmptyTree record. ESE: `EMPTYPAGE`.
const EMPTIED_PAGE_LEN: usize = 16;

fn empty_tree(input: Input<'_>) -> Result<Change<'_>, RecordError> {
    let list = input.from(46);
    if !list.len().is_multiple_of(EMPTIED_PAGE_LEN) {
        return Err(input.value("le_cbEmptyPageList", input.get::<u16>(44)));
    }
    let page = |entry| EmptiedPage {
        before: Fixed::read(entry, 0),
        page: Fixed::read(entry, 8),
        flags: Fixed::read(entry, 12),
    };
    let pages = list.chunks_exact(EMPTIED_PAGE_LEN).map(page).collect();
    Ok(Change::EmptyTree(tree(input), pages))
}
