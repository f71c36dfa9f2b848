//! Merges of pages.
//!
//! ```text
//! level      record                        pages
//! upper      loses or changes a separator  itself
//! leaf       is emptied into a sibling     source, left, right
//! ```
//!
//! | kind | nodes that move | where to |
//! |---|---|---|
//! | empty page | none | |
//! | full right, partial right | from the merge line on | front of the right sibling |
//! | full left, partial left | up to the merge line | end of the left sibling |
//!
//! Nodes that are flagged as deleted do not move. Unless the merge is partial the siblings are
//! linked to each other, and the source belongs to no tree afterwards.
//!
//! Source: ESE `ErrLGRIRedoInitializeMerge` (logredo.cxx), `BTIPerformOneMerge`,
//! `BTIMergeMoveNodes`, `BTIMergeFixSiblings` (bt.cxx).

use ese_format::PageNumber;
use ese_format::log::record::{Change, MergeChange, MergeFlags, MergeKind, PageRecord};
use ese_format::node::{NodeFlags, NodePage};
use ese_format::page_edit::PageEdit;

use super::empty_tree::empty;
use super::lines::{Key, Line, lines, put_in};
use super::working_set::WorkingSet;
use super::{ApplyError, Rules, before_image, impossible, is_needed, of_page};
use crate::work::WorkPages;

/// Applies a merge.
pub(super) fn apply<P: WorkPages>(
    pages: &mut P,
    records: &[PageRecord<'_>],
    rules: Rules,
) -> Result<bool, ApplyError> {
    let mut set = WorkingSet::new(pages);
    let done = apply_to(&mut set, records, rules);
    set.finish(done)
}

fn apply_to<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    records: &[PageRecord<'_>],
    rules: Rules,
) -> Result<bool, ApplyError> {
    let mut levels = Vec::new();
    for record in records {
        let Change::Merge(merge) = &record.change else {
            return Err(impossible(record.page, "a record that does not belong to a merge"));
        };
        let needed = need(set, record.page, record, merge, record.before, rules)?;
        levels.push((record, merge, needed));
    }
    let Some((leaf, upper)) = levels.split_last() else { return Ok(false) };
    let (record, merge, needed) = *leaf;
    for (record, level, needed) in upper {
        if *needed {
            let mut page = set.edit(record.page)?;
            change_separator(&mut page, record, level, merge)?;
            if level.flags.contains(MergeFlags::EMPTY_PAGE) {
                empty(&mut page).map_err(of_page(record.page))?;
            }
            page.set_dbtime(record.after);
        }
    }
    merge_leaf(set, record, merge, needed, rules)?;
    Ok(needed)
}

/// Takes a page out; whether it needs the merge.
fn need<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    page: PageNumber,
    record: &PageRecord<'_>,
    merge: &MergeChange<'_>,
    before: ese_format::DbTime,
    rules: Rules,
) -> Result<bool, ApplyError> {
    if page == PageNumber::NULL {
        return Ok(false);
    }
    set.take(page)?;
    let needed = is_needed(page, set.dbtime(page)?, before, record.after, rules)?;
    if needed {
        set.belongs(page, merge.objid)?;
    }
    Ok(needed)
}

fn merge_leaf<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    record: &PageRecord<'_>,
    merge: &MergeChange<'_>,
    source_needed: bool,
    rules: Rules,
) -> Result<(), ApplyError> {
    let left_needed = need(set, merge.left, record, merge, merge.left_before, rules)?;
    let right_needed = need(set, merge.right, record, merge, merge.right_before, rules)?;
    let (to_right, partial) = match merge.kind {
        MergeKind::FullRight => (Some(true), false),
        MergeKind::PartialRight => (Some(true), true),
        MergeKind::FullLeft => (Some(false), false),
        MergeKind::PartialLeft => (Some(false), true),
        MergeKind::EmptyPage => (None, false),
        MergeKind::None | MergeKind::EmptyTree | MergeKind::PageMove => {
            return Err(impossible(record.page, "a merge of a kind that a record cannot have"));
        }
    };
    let from = usize::from(merge.merge_line);
    let destination = match to_right {
        Some(true) if right_needed => Some(merge.right),
        Some(false) if left_needed => Some(merge.left),
        _ => None,
    };
    if let Some(destination) = destination {
        let image;
        let source: &[u8] = if source_needed {
            set.bytes(record.page)?
        } else {
            let size = set.page_size();
            image = before_image::restore(record.page, &merge.before_image, size, record.before)?;
            &image
        };
        let source = source.to_vec();
        let view = NodePage::new(&source);
        let view = view.ok_or_else(|| impossible(record.page, "it has the length of no page"))?;
        let all = lines(record.page, &view)?;
        let moved = match to_right {
            Some(true) => all.get(from..),
            _ => all.get(..=from),
        };
        let moved = moved
            .ok_or_else(|| impossible(record.page, "it has fewer lines than the record says"))?;
        let mut page = set.edit(destination)?;
        let place = if to_right == Some(true) { 0 } else { page.view().node_count() };
        for node in moved.iter().rev().filter(|node| !node.flags.contains(NodeFlags::DELETED)) {
            put_in(&mut page, destination, place, *node)?;
        }
    }
    if source_needed {
        let mut page = set.edit(record.page)?;
        match to_right {
            Some(true) if partial => page.truncate(from),
            Some(false) if partial => {
                for _ in 0..=from {
                    page.remove(0).map_err(of_page(record.page))?;
                }
            }
            _ => {}
        }
        if merge.flags.contains(MergeFlags::EMPTY_PAGE) {
            empty(&mut page).map_err(of_page(record.page))?;
        }
        page.set_dbtime(record.after);
    }
    if left_needed {
        let mut page = set.edit(merge.left)?;
        if !partial {
            page.set_next(merge.right);
        }
        page.set_dbtime(record.after);
    }
    if right_needed {
        let mut page = set.edit(merge.right)?;
        if !partial {
            page.set_previous(merge.left);
        }
        page.set_dbtime(record.after);
    }
    Ok(())
}

/// What an upper level does with the separator of the page that is merged.
fn change_separator(
    page: &mut PageEdit<'_>,
    record: &PageRecord<'_>,
    level: &MergeChange<'_>,
    leaf: &MergeChange<'_>,
) -> Result<(), ApplyError> {
    let number = record.page;
    let line = usize::from(record.line);
    let flags = level.flags;
    let (deletes, changes) =
        (flags.contains(MergeFlags::DELETE_NODE), flags.contains(MergeFlags::KEY_CHANGE));
    let before = || line.checked_sub(1).ok_or_else(|| impossible(number, "it has no line -1"));
    if leaf.kind == MergeKind::FullLeft && deletes && changes {
        let left = leaf.left.0.to_le_bytes();
        page.replace_data(line, &left).map_err(of_page(number))?;
        page.remove(before()?).map_err(of_page(number))
    } else if deletes {
        let node = page.view().node(line);
        let was_last = node.is_some_and(|node| node.key_len() == 0);
        page.remove(line).map_err(of_page(number))?;
        if was_last && line > 0 { change_key(page, number, before()?, &[]) } else { Ok(()) }
    } else if changes {
        let line = if leaf.kind == MergeKind::PartialLeft { before()? } else { line };
        change_key(page, number, line, leaf.parent_key)
    } else {
        Ok(())
    }
}

/// Changes the key of a pointer to a page.
fn change_key(
    page: &mut PageEdit<'_>,
    number: PageNumber,
    line: usize,
    key: &[u8],
) -> Result<(), ApplyError> {
    let node = page.view().node(line);
    let data = node.map(|node| node.data.to_vec());
    let data = data.ok_or_else(|| impossible(number, "it has no such line"))?;
    page.remove(line).map_err(of_page(number))?;
    let node = Line { flags: NodeFlags::empty(), key: Key::whole(key), data: &data };
    put_in(page, number, line, node)
}
