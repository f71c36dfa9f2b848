//! Merges of pages.
//!
//! A macro has one record for each page of the path that takes part, the topmost one first; the
//! last one is the leaf that is emptied or moved from.
//!
//! | kind | lines that go | to | the leaf is then |
//! |---|---|---|---|
//! | empty page | none | | free |
//! | full right | from the merge line on | the front of the right sibling | free |
//! | full left | up to the merge line | the end of the left sibling | free |
//! | partial right | from the merge line on | the front of the right sibling | without them |
//! | partial left | up to the merge line | the end of the left sibling | without them |
//!
//! Nodes that are flagged as deleted do not go along; the others take of the prefix of their new
//! page what they can. Where the leaf becomes free its siblings are linked to each other.
//!
//! | flags of a record above | what is done at its line |
//! |---|---|
//! | key change | the pointer (partial left: the one in front) gets the separator of the leaf |
//! | delete node | the pointer is removed; if it was for all keys that are left, the one in front |
//! | | now is, with an empty key |
//! | both, full left | the pointer goes to the left sibling, and the one in front is removed |
//! | empty page | the page itself becomes free |
//!
//! Each page is changed if it needs it. The nodes are taken from the leaf; if that one has lost
//! them already, from its before-image in the record, which is only read.
//!
//! Source: ESE `ErrLGRIRedoMerge`, `ErrLGRIRedoInitializeMerge` (logredo.cxx),
//! `BTIPerformOneMerge`, `BTIMergeMoveNodes`, `BTIMergeDeleteFlagDeletedNodes`,
//! `BTIMergeFixSiblings` (bt.cxx).

use ese_format::PageNumber;
use ese_format::log::record::{Change, MergeChange, MergeFlags, MergeKind, PageRecord};
use ese_format::node::{NodeFlags, NodePage};
use ese_format::page_edit::PageEdit;

use super::before_image::{self, Wanted};
use super::empty_tree::empty;
use super::lines::{Line, lines, put_in};
use super::split::check_pointer;
use super::working_set::WorkingSet;
use super::{ApplyError, Rules, impossible, of_page};
use crate::work::WorkPages;

#[cfg(test)]
mod tests;

/// Applies a merge.
pub(super) fn apply<P: WorkPages>(
    pages: &mut P,
    records: &[PageRecord<'_>],
    rules: Rules,
) -> Result<bool, ApplyError> {
    let levels = records.iter().map(Level::new).collect::<Result<Vec<_>, _>>()?;
    let Some((leaf, above)) = levels.split_last() else {
        return Err(impossible(PageNumber::NULL, "a merge without a record"));
    };
    let mut set = WorkingSet::new(pages);
    let done = apply_to(&mut set, above, leaf, rules);
    set.finish(done)
}

fn apply_to<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    above: &[Level<'_>],
    leaf: &Level<'_>,
    rules: Rules,
) -> Result<bool, ApplyError> {
    for level in above {
        let (number, record) = (level.record.page, level.record);
        let objid = level.change.objid;
        if record.after != leaf.record.after || objid != leaf.change.objid {
            return Err(impossible(number, "its merge is one of several trees or times"));
        }
        if set.take_old(number, (record.before, record.after), objid, rules)? {
            let mut page = set.edit(number)?;
            change_pointer(&mut page, level, leaf)?;
            if level.change.flags.contains(MergeFlags::EMPTY_PAGE) {
                empty(&mut page).map_err(of_page(number))?;
            }
        }
    }
    take(set, leaf, rules)?;
    move_lines(set, leaf)?;
    if set.needs(leaf.record.page) {
        leave(set, leaf)?;
    }
    if !leaf.is_partial() {
        let (left, right) = (leaf.change.left, leaf.change.right);
        if set.needs(left) {
            set.edit(left)?.set_next(right);
        }
        if set.needs(right) {
            set.edit(right)?.set_previous(left);
        }
    }
    set.stamp(leaf.record.after)?;
    Ok(set.any_needs())
}

/// One page of the path.
struct Level<'a> {
    record: &'a PageRecord<'a>,
    change: &'a MergeChange<'a>,
}

/// Where nodes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Right,
    Left,
}

impl<'a> Level<'a> {
    fn new(record: &'a PageRecord<'a>) -> Result<Self, ApplyError> {
        match &record.change {
            Change::Merge(change) => Ok(Self { record, change }),
            _ => Err(impossible(record.page, "a record that belongs to no merge")),
        }
    }

    fn way(&self) -> Result<Option<Way>, ApplyError> {
        match self.change.kind {
            MergeKind::EmptyPage => Ok(None),
            MergeKind::FullRight | MergeKind::PartialRight => Ok(Some(Way::Right)),
            MergeKind::FullLeft | MergeKind::PartialLeft => Ok(Some(Way::Left)),
            MergeKind::None | MergeKind::EmptyTree | MergeKind::PageMove => {
                Err(impossible(self.record.page, "a merge of a kind that no leaf has"))
            }
        }
    }

    fn is_partial(&self) -> bool {
        matches!(self.change.kind, MergeKind::PartialRight | MergeKind::PartialLeft)
    }
}

/// Takes the leaf and its siblings out.
fn take<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    Level { record, change }: &Level<'_>,
    rules: Rules,
) -> Result<(), ApplyError> {
    set.take_old(record.page, (record.before, record.after), change.objid, rules)?;
    for (sibling, before) in
        [(change.left, change.left_before), (change.right, change.right_before)]
    {
        if sibling != PageNumber::NULL {
            set.take_old(sibling, (before, record.after), change.objid, rules)?;
        }
    }
    Ok(())
}

/// Puts the nodes that go into the page that they go to, if that one needs them.
fn move_lines<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    leaf: &Level<'_>,
) -> Result<(), ApplyError> {
    let Level { record, change } = leaf;
    let Some(way) = leaf.way()? else { return Ok(()) };
    let to = if way == Way::Right { change.right } else { change.left };
    if to == PageNumber::NULL {
        return Err(impossible(record.page, "it is merged with a page that there is not"));
    }
    if !set.needs(to) {
        return Ok(());
    }
    let source = if set.needs(record.page) {
        set.bytes(record.page)?.to_vec()
    } else {
        let (number, dbtime) = (record.page, record.before);
        let wanted = Wanted { number, objid: change.objid, dbtime, size: set.page_size() };
        before_image::restore(&change.before_image, wanted)?
    };
    let view = NodePage::new(&source);
    let all = view.map_or(Ok(Vec::new()), |view| lines(record.page, &view))?;
    let first = usize::from(change.merge_line);
    let moved = match way {
        Way::Right => all.get(first..).filter(|moved| !moved.is_empty()),
        Way::Left => all.get(..=first),
    };
    let moved =
        moved.ok_or_else(|| impossible(record.page, "it is merged from behind its last line"))?;
    let mut page = set.edit(to)?;
    let place = if way == Way::Right { 0 } else { page.view().node_count() };
    let moved = moved.iter().filter(|node| !node.flags.contains(NodeFlags::DELETED));
    for (line, node) in moved.enumerate() {
        put_in(&mut page, to, place + line, *node)?;
    }
    Ok(())
}

/// What the leaf is afterwards.
fn leave<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    Level { record, change }: &Level<'_>,
) -> Result<(), ApplyError> {
    let number = record.page;
    let mut page = set.edit(number)?;
    match change.kind {
        MergeKind::PartialRight => page.truncate(usize::from(change.merge_line)),
        MergeKind::PartialLeft => {
            for line in (0..=usize::from(change.merge_line)).rev() {
                page.remove(line).map_err(of_page(number))?;
            }
        }
        _ => {}
    }
    if change.flags.contains(MergeFlags::EMPTY_PAGE) {
        empty(&mut page).map_err(of_page(number))?;
    }
    Ok(())
}

/// What a page above the leaf does with its pointer.
fn change_pointer(
    page: &mut PageEdit<'_>,
    level: &Level<'_>,
    leaf: &Level<'_>,
) -> Result<(), ApplyError> {
    let number = level.record.page;
    let line = usize::from(level.record.line);
    let flags = level.change.flags;
    let in_front = || line.checked_sub(1).ok_or_else(|| impossible(number, "it has no line -1"));
    let (removes, changes) =
        (flags.contains(MergeFlags::DELETE_NODE), flags.contains(MergeFlags::KEY_CHANGE));
    if removes && changes && leaf.change.kind == MergeKind::FullLeft {
        check_pointer(page, number, line, leaf.record.page)?;
        let left = leaf.change.left.0.to_le_bytes();
        page.replace_data(line, &left).map_err(of_page(number))?;
        page.remove(in_front()?).map_err(of_page(number))
    } else if removes {
        let view = page.view();
        let was_for_all = view.node(line).is_some_and(|node| node.key_len() == 0);
        if view.node_count() < 2 {
            return Err(impossible(number, "it would lose its last pointer"));
        }
        page.remove(line).map_err(of_page(number))?;
        if was_for_all { change_key(page, number, in_front()?, &[]) } else { Ok(()) }
    } else if changes {
        let line = if leaf.change.kind == MergeKind::PartialLeft { in_front()? } else { line };
        if leaf.change.parent_key.is_empty() {
            return Err(impossible(number, "its pointer would get an empty key"));
        }
        change_key(page, number, line, leaf.change.parent_key)
    } else if flags.contains(MergeFlags::EMPTY_PAGE) {
        Ok(())
    } else {
        Err(impossible(number, "it takes part in a merge that changes nothing on it"))
    }
}

/// Changes the key of a pointer to a page.
fn change_key(
    page: &mut PageEdit<'_>,
    number: PageNumber,
    line: usize,
    key: &[u8],
) -> Result<(), ApplyError> {
    let data = page.view().node(line).and_then(|node| node.data.try_into().ok());
    let data: [u8; 4] = data.ok_or_else(|| impossible(number, "it has no such pointer"))?;
    page.remove(line).map_err(of_page(number))?;
    put_in(page, number, line, Line::new(key, &data))
}
