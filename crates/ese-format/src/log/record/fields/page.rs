//! The fields of records that change pages.

use super::{Visit, flags, hex, number};
use crate::log::record::value::{FlagNames, RecordValue};
use crate::log::record::{
    BeforeImage, Change, MergeChange, MergeKind, NodeChange, NodeImage, OperationFlags,
    PageMoveChange, PageRecord, SplitChange, SplitKind, SplitOperation, TreeRef, UndoKind,
};
use crate::page::PageFlags;

const OPERATION_FLAGS: FlagNames = &[
    (OperationFlags::VERSIONED.bits() as u32, "versioned"),
    (OperationFlags::DELETED.bits() as u32, "deleted"),
    (OperationFlags::UNIQUE.bits() as u32, "unique"),
    (OperationFlags::SPACE.bits() as u32, "space"),
    (OperationFlags::CONCURRENT_INDEX.bits() as u32, "concurrent_index"),
    (OperationFlags::SYSTEM.bits() as u32, "system"),
];

const MERGE_FLAGS: FlagNames = &[(1, "key_change"), (2, "delete_node"), (4, "empty_page")];

const MOVED_TREE: FlagNames = &[(1, "root"), (2, "owned"), (4, "available")];

const IMAGE_FLAGS: FlagNames = &[(1, "dehydrated"), (2, "xpress")];

const SCRUB_FLAGS: FlagNames = &[(1, "unused_page")];

pub(super) fn record(record: &PageRecord<'_>, visit: Visit<'_>) {
    visit("session", number(record.session.0));
    visit("database", number(record.database.0));
    visit("page", RecordValue::Page(record.page));
    visit("line", number(record.line));
    visit("dbtime", RecordValue::DbTime(record.after));
    visit("before", RecordValue::DbTime(record.before));
    visit("trx", hex(record.begin.0));
    visit("level", number(record.level));
    visit("flags", flags(record.flags.bits(), OPERATION_FLAGS));
    match &record.change {
        Change::Node(of, change) => {
            tree(*of, visit);
            node(change, visit);
        }
        Change::Split(change) => split(change, visit),
        Change::Merge(change) => merge(change, visit),
        Change::Move(change) => page_move(change, visit),
        Change::EmptyTree(of, pages) => {
            tree(*of, visit);
            visit("pages", RecordValue::Emptied(pages));
        }
        Change::Scrub { tree: of, flags: bits, count, operations } => {
            tree(*of, visit);
            visit("scrub", flags(*bits, SCRUB_FLAGS));
            visit("count", number(*count));
            visit("operations", RecordValue::Bytes(operations));
        }
        Change::CreateMultiple { .. } | Change::CreateSingle { .. } | Change::Convert { .. } => {
            root(&record.change, visit);
        }
    }
}

fn tree(tree: TreeRef, visit: Visit<'_>) {
    visit("version", number(tree.version.0));
    visit("root", RecordValue::Page(tree.root));
    visit("objid", number(tree.objid));
}

fn image(image: NodeImage<'_>, visit: Visit<'_>) {
    visit("key", RecordValue::Bytes(image.key));
    visit("data", RecordValue::Bytes(image.data));
}

fn undo_kind(kind: UndoKind) -> RecordValue<'static> {
    match kind {
        UndoKind::INSERT => RecordValue::Word("insert"),
        UndoKind::REPLACE => RecordValue::Word("replace"),
        UndoKind::FLAG_DELETE => RecordValue::Word("flag_delete"),
        UndoKind::DELTA => RecordValue::Word("delta"),
        UndoKind::DELTA_64 => RecordValue::Word("delta64"),
        UndoKind(other) => number(other),
    }
}

fn node(change: &NodeChange<'_>, visit: Visit<'_>) {
    match *change {
        NodeChange::Insert { node, prefix } => {
            visit("prefix", number(prefix));
            image(node, visit);
        }
        NodeChange::FlagInsert(node) => image(node, visit),
        NodeChange::FlagInsertAndReplaceData { node, replace_version } => {
            visit("replace_version", number(replace_version.0));
            image(node, visit);
        }
        NodeChange::FlagDelete | NodeChange::Delete => {}
        NodeChange::Replace { data, old_len } => {
            visit("old_len", number(old_len));
            visit("data", RecordValue::Bytes(data));
        }
        NodeChange::ReplaceDiff { diff, wide: _, old_len, new_len } => {
            visit("old_len", number(old_len));
            visit("new_len", number(new_len));
            visit("diff", RecordValue::Bytes(diff));
        }
        NodeChange::Delta { bookmark, delta, offset, wide: _ } => {
            visit("delta", RecordValue::Signed(delta));
            visit("offset", number(offset));
            image(bookmark, visit);
        }
        NodeChange::SetExternalHeader(header) => visit("data", RecordValue::Bytes(header)),
        NodeChange::UndoInfo { bookmark, undo, max_len, growth, before_image } => {
            visit("operation", undo_kind(undo));
            visit("max_len", number(max_len));
            visit("growth", RecordValue::Signed(growth.into()));
            visit("before_image", RecordValue::Bytes(before_image));
            image(bookmark, visit);
        }
        NodeChange::Undo { bookmark, undo, level } => {
            visit("operation", undo_kind(undo));
            visit("operation_level", number(level));
            image(bookmark, visit);
        }
    }
}

fn before_image(image: BeforeImage<'_>, visit: Visit<'_>) {
    visit("before_image", RecordValue::Bytes(image.bytes));
    visit("image_form", flags(image.flags.bits(), IMAGE_FLAGS));
}

fn page_flags(name: &'static str, flags: PageFlags, visit: Visit<'_>) {
    visit(name, hex(flags.bits()));
}

fn split(change: &SplitChange<'_>, visit: Visit<'_>) {
    let kind = match change.kind {
        SplitKind::Vertical => "vertical",
        SplitKind::Right => "right",
        SplitKind::Append => "append",
    };
    let operation = match change.operation {
        SplitOperation::None => "none",
        SplitOperation::Insert => "insert",
        SplitOperation::Replace => "replace",
        SplitOperation::FlagInsertAndReplaceData => "flag_insert_and_replace_data",
    };
    visit("root", RecordValue::Page(change.root));
    visit("objid", number(change.objid));
    visit("kind", RecordValue::Word(kind));
    visit("operation", RecordValue::Word(operation));
    visit("operation_line", number(change.operation_line));
    visit("split_line", number(change.split_line));
    visit("lines", number(change.lines));
    visit("new", RecordValue::Page(change.new));
    visit("right", RecordValue::Page(change.right));
    visit("right_before", RecordValue::DbTime(change.right_before));
    visit("parent", RecordValue::Page(change.parent));
    visit("parent_before", RecordValue::DbTime(change.parent_before));
    page_flags("new_flags", change.new_flags, visit);
    page_flags("source_flags", change.source_flags, visit);
    visit("source_uncommitted", number(change.source_uncommitted));
    visit("new_uncommitted", number(change.new_uncommitted));
    visit("source_prefix_line", RecordValue::Signed(change.source_prefix_line.into()));
    visit("new_prefix_line", RecordValue::Signed(change.new_prefix_line.into()));
    visit("parent_key", RecordValue::Bytes(change.parent_key));
    visit("old_prefix", RecordValue::Bytes(change.old_prefix));
    visit("new_prefix", RecordValue::Bytes(change.new_prefix));
    before_image(change.before_image, visit);
}

fn merge(change: &MergeChange<'_>, visit: Visit<'_>) {
    let kind = match change.kind {
        MergeKind::None => "none",
        MergeKind::EmptyPage => "empty_page",
        MergeKind::FullRight => "full_right",
        MergeKind::PartialRight => "partial_right",
        MergeKind::EmptyTree => "empty_tree",
        MergeKind::FullLeft => "full_left",
        MergeKind::PartialLeft => "partial_left",
        MergeKind::PageMove => "page_move",
    };
    visit("root", RecordValue::Page(change.root));
    visit("objid", number(change.objid));
    visit("kind", RecordValue::Word(kind));
    visit("merge", flags(change.flags.bits(), MERGE_FLAGS));
    visit("merge_line", number(change.merge_line));
    visit("left", RecordValue::Page(change.left));
    visit("left_before", RecordValue::DbTime(change.left_before));
    visit("right", RecordValue::Page(change.right));
    visit("right_before", RecordValue::DbTime(change.right_before));
    visit("parent", RecordValue::Page(change.parent));
    visit("parent_before", RecordValue::DbTime(change.parent_before));
    visit("moved_len", number(change.moved_len));
    visit("moved_max_len", number(change.moved_max_len));
    visit("destination_uncommitted", number(change.destination_uncommitted));
    visit("parent_key", RecordValue::Bytes(change.parent_key));
    before_image(change.before_image, visit);
}

fn page_move(change: &PageMoveChange<'_>, visit: Visit<'_>) {
    visit("root", RecordValue::Page(change.root));
    visit("objid", number(change.objid));
    visit("moved", flags(change.moved.bits(), MOVED_TREE));
    visit("destination", RecordValue::Page(change.destination));
    visit("left", RecordValue::Page(change.left));
    visit("left_before", RecordValue::DbTime(change.left_before));
    visit("right", RecordValue::Page(change.right));
    visit("right_before", RecordValue::DbTime(change.right_before));
    visit("parent", RecordValue::Page(change.parent));
    visit("parent_before", RecordValue::DbTime(change.parent_before));
    visit("parent_line", number(change.parent_line));
    visit("head", RecordValue::Bytes(change.head));
    visit("tail", RecordValue::Bytes(change.tail));
}

/// What begins a tree, or gives it another kind of space.
fn root(change: &Change<'_>, visit: Visit<'_>) {
    match *change {
        Change::CreateMultiple { objid, owned, available, parent, primary, page_flags: bits } => {
            visit("objid", number(objid));
            visit("owned", RecordValue::Page(owned));
            visit("available", RecordValue::Page(available));
            visit("parent", RecordValue::Page(parent));
            visit("primary", number(primary));
            page_flags("page_flags", bits, visit);
        }
        Change::CreateSingle { objid, parent, primary, page_flags: bits } => {
            visit("objid", number(objid));
            visit("parent", RecordValue::Page(parent));
            visit("primary", number(primary));
            page_flags("page_flags", bits, visit);
        }
        Change::Convert {
            objid,
            owned,
            available,
            parent,
            secondary_first,
            primary,
            secondary,
            available_map,
            page_flags: bits,
        } => {
            visit("objid", number(objid));
            visit("owned", RecordValue::Page(owned));
            visit("available", RecordValue::Page(available));
            visit("parent", RecordValue::Page(parent));
            visit("primary", number(primary));
            visit("secondary_first", RecordValue::Page(secondary_first));
            visit("secondary", number(secondary));
            visit("available_map", hex(available_map));
            page_flags("page_flags", bits, visit);
        }
        _ => {}
    }
}
