//! Writing the records that change pages; the layout is that of reading them.

use super::{Output, long_len, short};
use crate::log::record::{
    Change, MergeChange, MergeKind, NodeChange, NodeImage, PageMoveChange, PageRecord, RecordKind,
    SplitChange, SplitKind, SplitOperation, TreeRef,
};

pub(super) fn kind(change: &Change<'_>) -> RecordKind {
    match change {
        Change::Node(_, node) => node_kind(node),
        Change::Split(_) => RecordKind::SPLIT2,
        Change::Merge(_) => RecordKind::MERGE2,
        Change::Move(_) => RecordKind::PAGE_MOVE,
        Change::EmptyTree(..) => RecordKind::EMPTY_TREE,
        Change::Scrub { .. } => RecordKind::SCRUB,
        Change::CreateMultiple { .. } => RecordKind::CREATE_MULTIPLE_EXTENT_FDP,
        Change::CreateSingle { .. } => RecordKind::CREATE_SINGLE_EXTENT_FDP,
        Change::Convert { .. } => RecordKind::CONVERT_FDP2,
    }
}

fn node_kind(node: &NodeChange<'_>) -> RecordKind {
    match node {
        NodeChange::Insert { .. } => RecordKind::INSERT,
        NodeChange::FlagInsert(_) => RecordKind::FLAG_INSERT,
        NodeChange::FlagInsertAndReplaceData { .. } => RecordKind::FLAG_INSERT_AND_REPLACE_DATA,
        NodeChange::FlagDelete => RecordKind::FLAG_DELETE,
        NodeChange::Replace { .. } => RecordKind::REPLACE,
        NodeChange::ReplaceDiff { .. } => RecordKind::REPLACE_D,
        NodeChange::Delete => RecordKind::DELETE,
        NodeChange::Delta { wide: false, .. } => RecordKind::DELTA,
        NodeChange::Delta { wide: true, .. } => RecordKind::DELTA64,
        NodeChange::SetExternalHeader(_) => RecordKind::SET_EXTERNAL_HEADER,
        NodeChange::UndoInfo { .. } => RecordKind::UNDO_INFO,
        NodeChange::Undo { .. } => RecordKind::UNDO,
    }
}

pub(super) fn record(record: &PageRecord<'_>, out: &mut Output<'_>) {
    out.put(record.session).put(record.database).put(record.page);
    out.put(record.after).put(record.before).put(record.begin);
    out.put(record.level).put(record.line).put(record.flags.bits());
    match &record.change {
        Change::Node(tree, node) => {
            put_tree(*tree, out);
            put_node(node, out);
        }
        Change::Split(split) => put_split(split, out),
        Change::Merge(merge) => put_merge(merge, out),
        Change::Move(page_move) => put_move(page_move, out),
        Change::EmptyTree(tree, pages) => {
            put_tree(*tree, out);
            let most = usize::from(u16::MAX / 16);
            let pages = pages.get(..most).unwrap_or(pages);
            out.put(u16::try_from(pages.len() * 16).unwrap_or_default());
            for page in pages {
                out.put(page.before).put(page.page).put(page.flags);
            }
        }
        Change::Scrub { tree, flags, count, operations } => {
            put_tree(*tree, out);
            let (operations, len) = short(operations);
            out.put(*flags).put(*count).put(len).bytes(operations);
        }
        Change::CreateMultiple { objid, owned, available, parent, primary, page_flags } => {
            out.put(*objid).put(*owned).put(*available).put(*parent);
            out.put(*primary).put(*page_flags);
        }
        Change::CreateSingle { objid, parent, primary, page_flags } => {
            out.put(*objid).put(*parent).put(*primary).put(*page_flags);
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
            page_flags,
        } => {
            out.put(*objid).put(*owned).put(*available).put(*parent).put(*secondary_first);
            out.put(*primary).put(*secondary).put(*available_map).put(*page_flags);
        }
    }
}

fn put_tree(tree: TreeRef, out: &mut Output<'_>) {
    out.put(tree.version).put(tree.root).put(tree.objid);
}

/// Lengths, the fields between, key and data.
fn put_image(node: NodeImage<'_>, out: &mut Output<'_>, between: impl FnOnce(&mut Output<'_>)) {
    let ((key, key_len), (data, data_len)) = (short(node.key), short(node.data));
    out.put(key_len).put(data_len);
    between(out);
    out.bytes(key).bytes(data);
}

fn put_node(node: &NodeChange<'_>, out: &mut Output<'_>) {
    match *node {
        NodeChange::Insert { node, prefix } => {
            let (suffix, suffix_len) =
                short(node.key.get(usize::from(prefix)..).unwrap_or_default());
            let (held, held_len) = short(node.key.get(..usize::from(prefix)).unwrap_or(node.key));
            let (data, data_len) = short(node.data);
            out.put(suffix_len).put(held_len).put(data_len).bytes(held).bytes(suffix).bytes(data);
        }
        NodeChange::FlagInsert(node) => put_image(node, out, |_| ()),
        NodeChange::FlagInsertAndReplaceData { node, replace_version } => {
            put_image(node, out, |out| {
                out.put(replace_version);
            });
        }
        NodeChange::FlagDelete | NodeChange::Delete => {}
        NodeChange::Replace { data, old_len } => {
            let (data, len) = masked(data);
            out.put(len).put(old_len).put(len).bytes(data);
        }
        NodeChange::ReplaceDiff { diff, wide, old_len, new_len } => {
            let (diff, len) = masked(diff);
            let form = if wide { 0x8000 } else { 0 };
            out.put(len | form).put(old_len).put(new_len).bytes(diff);
        }
        NodeChange::Delta { bookmark, delta, offset, wide } => put_image(bookmark, out, |out| {
            let [a, b, c, d, e, f, g, h] = delta.to_le_bytes();
            out.bytes(&[a, b, c, d]);
            if wide {
                out.bytes(&[e, f, g, h]);
            }
            out.put(offset);
        }),
        NodeChange::SetExternalHeader(header) => {
            let (header, len) = short(header);
            out.put(len).bytes(header);
        }
        NodeChange::UndoInfo { bookmark, undo, max_len, growth, before_image } => {
            let (image, len) = short(before_image);
            put_image(bookmark, out, |out| {
                out.put(undo).put(max_len).put(growth).put(len);
            });
            out.bytes(image);
        }
        NodeChange::Undo { bookmark, undo, level } => put_image(bookmark, out, |out| {
            out.put(undo).put(level);
        }),
    }
}

/// A part with a length of 15 bits.
fn masked(bytes: &[u8]) -> (&[u8], u16) {
    short(bytes.get(..0x7FFF).unwrap_or(bytes))
}

fn put_split(split: &SplitChange<'_>, out: &mut Output<'_>) {
    let kind: u8 = match split.kind {
        SplitKind::Vertical => 0,
        SplitKind::Right => 1,
        SplitKind::Append => 2,
    };
    let operation: u8 = match split.operation {
        SplitOperation::None => 0,
        SplitOperation::Insert => 1,
        SplitOperation::Replace => 2,
        SplitOperation::FlagInsertAndReplaceData => 3,
    };
    let (old_prefix, old_len) = short(split.old_prefix);
    let (new_prefix, new_len) = short(split.new_prefix);
    let (parent_key, key_len) = short(split.parent_key);
    let image = split.before_image;
    out.put(split.new).put(split.right).put(split.right_before);
    out.put(split.parent).put(split.parent_before).put(split.root).put(split.objid);
    out.put(kind).put(operation).put(split.operation_line).put(split.split_line).put(split.lines);
    out.put(split.new_flags).put(split.source_flags);
    out.put(split.source_uncommitted).put(split.new_uncommitted);
    out.put(split.source_prefix_line).put(split.new_prefix_line);
    out.put(old_len).put(new_len).put(key_len);
    out.put(image.flags.bits()).put(long_len(image.bytes.len()));
    out.bytes(parent_key).bytes(old_prefix).bytes(new_prefix).bytes(image.bytes);
}

fn put_merge(merge: &MergeChange<'_>, out: &mut Output<'_>) {
    let kind: u8 = match merge.kind {
        MergeKind::None => 0,
        MergeKind::EmptyPage => 1,
        MergeKind::FullRight => 2,
        MergeKind::PartialRight => 3,
        MergeKind::EmptyTree => 4,
        MergeKind::FullLeft => 5,
        MergeKind::PartialLeft => 6,
        MergeKind::PageMove => 7,
    };
    let (parent_key, key_len) = short(merge.parent_key);
    let image = merge.before_image;
    out.put(merge.right).put(merge.right_before).put(merge.left).put(merge.left_before);
    out.put(merge.parent).put(merge.parent_before).put(merge.root).put(merge.objid);
    out.put(merge.moved_len).put(merge.moved_max_len).put(merge.destination_uncommitted);
    out.put(merge.merge_line).put(merge.flags.bits()).put(kind).put(key_len);
    out.put(image.flags.bits()).put(long_len(image.bytes.len()));
    out.bytes(parent_key).bytes(image.bytes);
}

fn put_move(page_move: &PageMoveChange<'_>, out: &mut Output<'_>) {
    out.put(page_move.destination).put(page_move.left).put(page_move.right);
    out.put(page_move.parent).put(page_move.left_before).put(page_move.right_before);
    out.put(page_move.parent_before).put(page_move.root).put(page_move.objid);
    out.put(page_move.parent_line).put(page_move.moved.bits());
    out.put(long_len(page_move.head.len())).put(long_len(page_move.tail.len()));
    out.bytes(page_move.head).bytes(page_move.tail);
}
