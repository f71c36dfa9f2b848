//! Splits of pages.
//!
//! A macro has one record for each page of the path that takes part, the topmost one first, and
//! then the operation on the leaf that made the split necessary, if there is one.
//!
//! | kind | the new page gets | the page keeps | links of leaves |
//! |---|---|---|---|
//! | right | the lines from the split line on | those in front | page, new, right sibling |
//! | append | the inserted node alone | all | page, new |
//! | vertical | all lines | (a root) one pointer with an empty key, to new | none |
//!
//! * Lines are counted with the node that an insert brings. It goes to the page that its line
//!   falls to. On an internal page it is the separator of the level below: its key, and a pointer
//!   to the page that is split there; the pointer behind it becomes one to the new page.
//! * A page that is not split (no new page) only takes the separator of the level below.
//! * Each of the two pages gets the key of one of its lines as its prefix, or none; all its nodes
//!   take of it what they can. Flags of nodes go along.
//! * A root keeps its space header, and gets the flags that the record has for it.
//! * The length of the old data in the record of a replacement is not true here.
//!
//! Each page is changed if it needs it. The nodes of the new page are taken from the page that is
//! split; if that one has lost them already, from its before-image in the record, which is only
//! read and does not become the page again. None is needed where all that the new page gets is the
//! inserted node.
//!
//! Source: ESE `ErrLGRIRedoSplit`, `ErrLGRIRedoInitializeSplit`, `ErrLGIRedoSplitLineinfo`
//! (logredo.cxx), `BTIPerformSplit`, `BTISplitMoveNodes`, `BTIInsertPgnoNewAndSetPgnoSplit`
//! (bt.cxx), `ErrLGSplit` (logapi.cxx).

use ese_format::log::diff;
use ese_format::log::record::{
    NodeChange, OperationFlags, PageRecord, SplitChange, SplitKind, SplitOperation,
};
use ese_format::node::{NodeFlags, NodePage};
use ese_format::page::PageFlags;
use ese_format::page_edit::PageEdit;
use ese_format::{PageNumber, space};

use self::chain::{Chain, Leaf, Level};
use super::before_image::{self, Wanted};
use super::lines::{Line, lines, put_in};
use super::node::version_flag;
use super::working_set::WorkingSet;
use super::{ApplyError, Rules, Versions, impossible, of_page};
use crate::work::WorkPages;

mod chain;
#[cfg(test)]
mod tests;

/// Applies a split of one or more levels.
pub(super) fn apply<P: WorkPages, V: Versions>(
    pages: &mut P,
    versions: &mut V,
    records: &[PageRecord<'_>],
    rules: Rules,
) -> Result<bool, ApplyError> {
    let chain = Chain::read(records)?;
    let mut set = WorkingSet::new(pages);
    let done = apply_to(&mut set, versions, &chain, rules);
    set.finish(done)
}

fn apply_to<P: WorkPages, V: Versions>(
    set: &mut WorkingSet<'_, P>,
    versions: &mut V,
    chain: &Chain<'_>,
    rules: Rules,
) -> Result<bool, ApplyError> {
    let mut image = None;
    for (index, level) in chain.levels.iter().enumerate() {
        let below = chain.levels.get(index + 1);
        take(set, level, rules)?;
        if level.is_split() {
            image = before_image(set, level)?;
            split(set, level, below, chain.leaf.as_ref(), image.as_deref())?;
        } else if let Some(below) = below {
            point(set, level, below)?;
        }
    }
    set.stamp(chain.after)?;
    // The image is that of the lowest level.
    tell(set, chain, image.as_deref(), versions)
}

/// Takes the pages of a level out.
fn take<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    level: &Level<'_>,
    rules: Rules,
) -> Result<(), ApplyError> {
    let Level { record, change, .. } = level;
    set.take_old(record.page, (record.before, record.after), change.objid, rules)?;
    if level.is_split() {
        set.take_new(change.new, record.after, rules)?;
        if change.right != PageNumber::NULL {
            let times = (change.right_before, record.after);
            set.take_old(change.right, times, change.objid, rules)?;
        }
    }
    Ok(())
}

/// The page as it was, where it is ahead and the new page lacks its nodes.
fn before_image<P: WorkPages>(
    set: &WorkingSet<'_, P>,
    level: &Level<'_>,
) -> Result<Option<Vec<u8>>, ApplyError> {
    let Level { record, change, .. } = level;
    if set.needs(record.page) || !set.needs(change.new) || is_inserted_alone(change) {
        return Ok(None);
    }
    let (number, dbtime) = (record.page, record.before);
    let wanted = Wanted { number, objid: change.objid, dbtime, size: set.page_size() };
    before_image::restore(&change.before_image, wanted).map(Some)
}

/// Whether all that the new page gets is the inserted node.
fn is_inserted_alone(change: &SplitChange<'_>) -> bool {
    change.kind != SplitKind::Vertical
        && change.operation == SplitOperation::Insert
        && change.operation_line == change.split_line
        && change.lines.checked_sub(1) == Some(change.split_line)
}

/// Makes the pages of a level that is split.
fn split<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    level: &Level<'_>,
    below: Option<&Level<'_>>,
    leaf: Option<&Leaf<'_>>,
    image: Option<&[u8]>,
) -> Result<(), ApplyError> {
    let Level { record, change, .. } = level;
    let (page_needs, new_needs) = (set.needs(record.page), set.needs(change.new));
    if page_needs || new_needs {
        let bytes = match image {
            None if page_needs => Some(set.bytes(record.page)?),
            image => image,
        };
        let view = bytes.and_then(NodePage::new);
        let mut data = Vec::new();
        let mut all = all_lines(level, view.as_ref(), below, leaf, &mut data)?;
        if let Some(below) = below {
            redirect(&mut all, level, below)?;
        }
        // Without the page, the only line is the one that comes in.
        let first = if view.is_some() { usize::from(change.split_line) } else { 0 };
        let outside = || impossible(record.page, "it is split behind its last line");
        let (kept, moved) = all.split_at_checked(first).ok_or_else(outside)?;
        let size = set.page_size().bytes();
        let new = new_needs.then(|| new_page(level, moved, size)).transpose()?;
        let old = page_needs.then(|| set.bytes(record.page)).transpose()?;
        let old = old.map(|bytes| what_is_left(level, kept, bytes)).transpose()?;
        for (number, content) in [(change.new, new), (record.page, old)] {
            if let Some(content) = content {
                set.renew(number, content)?;
            }
        }
    }
    if level.is_linked() && set.needs(change.right) {
        set.edit(change.right)?.set_previous(change.new);
    }
    Ok(())
}

/// The lines of a page, with what comes in, as they are afterwards.
fn all_lines<'a>(
    level: &Level<'_>,
    view: Option<&NodePage<'a>>,
    below: Option<&'a Level<'_>>,
    leaf: Option<&Leaf<'a>>,
    data: &'a mut Vec<u8>,
) -> Result<Vec<Line<'a>>, ApplyError> {
    let (page, change) = (level.record.page, level.change);
    let mut all = view.map_or(Ok(Vec::new()), |view| lines(page, view))?;
    let line = if view.is_some() { usize::from(change.operation_line) } else { 0 };
    let no_line = || impossible(page, "it has no such line as the operation is on");
    let inserted = match (change.operation, below, leaf) {
        (SplitOperation::None, ..) => None,
        (_, Some(below), _) => Some(Line::new(below.change.parent_key, &below.pointer)),
        (_, None, Some(leaf)) => match leaf.change {
            NodeChange::Insert { node, .. } => {
                let flags = version_flag(leaf.record);
                Some(Line { flags, ..Line::new(node.key, node.data) })
            }
            _ => {
                let node = all.get_mut(line).ok_or_else(no_line)?;
                node.data = replaced(leaf, node.data, data)?;
                // A node that stays is made anew, one that goes keeps its flags.
                if change.operation_line < change.split_line {
                    node.flags = NodeFlags::empty();
                } else if change.operation == SplitOperation::FlagInsertAndReplaceData {
                    node.flags -= NodeFlags::DELETED;
                }
                node.flags |= version_flag(leaf.record);
                None
            }
        },
        (_, None, None) => return Err(impossible(page, "the operation of its split is not there")),
    };
    if let Some(inserted) = inserted {
        if line > all.len() {
            return Err(no_line());
        }
        all.insert(line, inserted);
    }
    if view.is_some() && all.len() != usize::from(change.lines) {
        return Err(impossible(page, "it has another number of lines than the record says"));
    }
    Ok(all)
}

/// The data that a node gets; a difference is carried out into `out`.
fn replaced<'a>(leaf: &Leaf<'a>, old: &[u8], out: &'a mut Vec<u8>) -> Result<&'a [u8], ApplyError> {
    match leaf.change {
        NodeChange::Replace { data, .. } => Ok(data),
        NodeChange::FlagInsertAndReplaceData { node, .. } => Ok(node.data),
        NodeChange::ReplaceDiff { diff, wide, new_len, .. } => {
            let (page, line) = (leaf.record.page, leaf.record.line);
            diff::apply(old, diff, *wide, out).map_err(|source| ApplyError::Diff {
                page,
                line,
                source,
            })?;
            if out.len() != usize::from(*new_len) {
                return Err(impossible(page, "the data come to another length than they should"));
            }
            Ok(out)
        }
        _ => Err(impossible(leaf.record.page, "it is split for what splits no page")),
    }
}

/// Makes the pointer behind the separator one to the new page of the level below.
fn redirect<'a>(
    all: &mut [Line<'a>],
    level: &Level<'_>,
    below: &'a Level<'_>,
) -> Result<(), ApplyError> {
    let behind = all.get_mut(usize::from(level.change.operation_line).saturating_add(1));
    match behind.filter(|line| line.data == below.pointer) {
        Some(line) => line.data = &below.new_pointer,
        None => return Err(impossible(level.record.page, NO_POINTER)),
    }
    Ok(())
}

/// The new page.
fn new_page(level: &Level<'_>, moved: &[Line<'_>], size: usize) -> Result<Vec<u8>, ApplyError> {
    let Level { record, change, .. } = level;
    let number = change.new;
    let mut content = vec![0; size];
    let flags = sound(number, change.new_flags)?;
    let mut page = PageEdit::init(&mut content, number, change.objid, flags, record.after)
        .ok_or_else(|| impossible(number, "it has the length of no page"))?;
    let prefix = usize::try_from(change.new_prefix_line).ok().map(|line| {
        let line = moved.get(line).filter(|_| !flags.contains(PageFlags::ROOT));
        line.ok_or_else(|| impossible(number, "its prefix is none of its keys"))
    });
    if let Some(line) = prefix {
        page.set_external_header(&line?.key.to_vec()).map_err(of_page(number))?;
    }
    if moved.is_empty() {
        return Err(impossible(number, "it would have no lines"));
    }
    for (line, node) in moved.iter().enumerate() {
        put_in(&mut page, number, line, *node)?;
    }
    if level.is_linked() {
        page.set_previous(record.page);
        page.set_next(change.right);
    }
    Ok(content)
}

/// The page that is split, as it is afterwards.
fn what_is_left(
    level: &Level<'_>,
    kept: &[Line<'_>],
    before: &[u8],
) -> Result<Vec<u8>, ApplyError> {
    let (number, change) = (level.record.page, level.change);
    let mut content = before.to_vec();
    let mut page = PageEdit::new(&mut content)
        .ok_or_else(|| impossible(number, "it has the length of no page"))?;
    let flags = page.header().flags;
    if flags.contains(PageFlags::ROOT) != (change.kind == SplitKind::Vertical) {
        return Err(impossible(number, "only a root is split down, and no root to the side"));
    }
    match change.kind {
        SplitKind::Append => {}
        SplitKind::Right => {
            let prefix = if change.source_prefix_line < 0 { &[] } else { change.new_prefix };
            page.truncate(0);
            page.set_external_header(prefix).map_err(of_page(number))?;
            for (line, node) in kept.iter().enumerate() {
                put_in(&mut page, number, line, *node)?;
            }
        }
        SplitKind::Vertical => {
            page.truncate(0);
            // That a revert brought the root back is told by none of the record's flags.
            let flags = sound(number, change.source_flags)? | flags & PageFlags::FDP_DELETE;
            if !flags.contains(PageFlags::ROOT) {
                return Err(impossible(number, "a root would be none afterwards"));
            }
            page.set_flags(flags);
            put_in(&mut page, number, 0, Line::new(&[], &level.new_pointer))?;
        }
    }
    if level.is_linked() {
        page.set_next(change.new);
    }
    Ok(content)
}

/// Flags that a page in use can have.
fn sound(page: PageNumber, flags: PageFlags) -> Result<PageFlags, ApplyError> {
    let unsound = flags.intersects(PageFlags::EMPTY | PageFlags::PREINIT)
        || flags.contains(PageFlags::LEAF | PageFlags::PARENT_OF_LEAF)
        || flags.contains(PageFlags::INDEX | PageFlags::LONG_VALUE);
    if unsound {
        return Err(impossible(page, "it would have flags that exclude each other"));
    }
    Ok(flags | PageFlags::NEW_RECORD_FORMAT | PageFlags::NEW_CHECKSUM_FORMAT)
}

/// Lets a page that is not split take the separator of the level below.
fn point<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    level: &Level<'_>,
    below: &Level<'_>,
) -> Result<(), ApplyError> {
    let number = level.record.page;
    if !set.needs(number) {
        return Ok(());
    }
    let mut page = set.edit(number)?;
    let key = below.change.parent_key;
    let line = place(&page.view(), key).unwrap_or_default();
    check_pointer(&page, number, line, below.record.page)?;
    put_in(&mut page, number, line, Line::new(key, &below.pointer))?;
    page.replace_data(line + 1, &below.new_pointer).map_err(of_page(number))
}

/// Where a separator goes on an internal page: in front of the first key that is greater, or of
/// the last node, whose subtree has all keys that are left.
fn place(page: &NodePage<'_>, key: &[u8]) -> Option<usize> {
    let (mut low, mut high) = (0, page.node_count().checked_sub(1)?);
    while low < high {
        let middle = low.midpoint(high);
        if page.node(middle)?.cmp_key(key).is_gt() {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

/// That the node at `line` of an internal page points to `child`.
pub(super) fn check_pointer(
    page: &PageEdit<'_>,
    number: PageNumber,
    line: usize,
    child: PageNumber,
) -> Result<(), ApplyError> {
    let view = page.view();
    let found = view.node(line).and_then(|node| space::child_page(&node));
    if view.header().flags.contains(PageFlags::LEAF) || found != Some(child) {
        return Err(impossible(number, NO_POINTER));
    }
    Ok(())
}

const NO_POINTER: &str = "it does not point to the page below at this line";

/// Tells what the node was before its data are replaced, now that nothing can fail any more;
/// whether the page of the operation needed it.
fn tell<P: WorkPages, V: Versions>(
    set: &WorkingSet<'_, P>,
    chain: &Chain<'_>,
    image: Option<&[u8]>,
    versions: &mut V,
) -> Result<bool, ApplyError> {
    let (Some(level), Some(leaf)) = (chain.levels.last(), &chain.leaf) else {
        return Ok(set.any_needs());
    };
    let change = level.change;
    let redone = if change.operation_line < change.split_line {
        set.needs(level.record.page) || image.is_some()
    } else {
        set.needs(change.new)
    };
    let replaces = !matches!(leaf.change, NodeChange::Insert { .. });
    if redone && replaces && leaf.record.flags.contains(OperationFlags::VERSIONED) {
        let bytes = image.map_or_else(|| set.bytes(level.record.page), Ok)?;
        let view = NodePage::new(bytes);
        let node = view.and_then(|view| view.node(usize::from(change.operation_line)));
        if let Some(node) = node {
            versions.before_image(leaf.record, node);
        }
    }
    Ok(redone)
}
