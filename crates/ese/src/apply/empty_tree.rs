//! A whole tree is given up but for its root.
//!
//! The root is a leaf without nodes afterwards, its other pages are empty. Each page has a dbtime
//! before of its own, the root that of the record.
//!
//! Source: ESE `ErrLGRIRedoFreeEmptyPages` (logredo.cxx), `NDSetEmptyTree`, `NDEmptyPage`
//! (node.hxx).

use ese_format::log::record::{EmptiedPage, PageRecord, TreeRef};
use ese_format::page::PageFlags;
use ese_format::page_edit::PageEdit;

use super::{ApplyError, Rules, belongs, edit, impossible, is_needed, of_page, take};
use crate::work::{WorkPage, WorkPages};

/// Empties the tree.
pub(super) fn apply<P: WorkPages>(
    pages: &mut P,
    record: &PageRecord<'_>,
    tree: &TreeRef,
    list: &[EmptiedPage],
    rules: Rules,
) -> Result<bool, ApplyError> {
    // They may be more than memory holds: once to see, once to do.
    visit(pages, record, tree, list, rules, |_, _| Ok(()))?;
    visit(pages, record, tree, list, rules, |page, is_root| {
        let number = page.number();
        let mut page = edit(page)?;
        if is_root {
            page.truncate(0);
            let flags = page.header().flags.difference(PageFlags::PARENT_OF_LEAF);
            page.set_flags(flags | PageFlags::LEAF);
        } else {
            empty(&mut page).map_err(of_page(number))?;
        }
        page.set_dbtime(record.after);
        Ok(())
    })
}

/// Makes a page one that no tree uses; a root keeps what it has in tag 0.
pub(super) fn empty(page: &mut PageEdit<'_>) -> Result<(), ese_format::page_edit::EditError> {
    page.truncate(0);
    let flags = page.header().flags;
    if !flags.contains(PageFlags::ROOT) {
        page.set_external_header(&[])?;
    }
    page.set_flags(flags | PageFlags::EMPTY);
    Ok(())
}

/// Calls `change` with each page that needs it; whether the root did.
fn visit<P: WorkPages>(
    pages: &mut P,
    record: &PageRecord<'_>,
    tree: &TreeRef,
    list: &[EmptiedPage],
    rules: Rules,
    mut change: impl FnMut(&mut WorkPage, bool) -> Result<(), ApplyError>,
) -> Result<bool, ApplyError> {
    let root = EmptiedPage { before: record.before, page: record.page, flags: PageFlags::empty() };
    let mut root_needed = false;
    for (index, entry) in std::iter::once(&root).chain(list).enumerate() {
        let is_root = index == 0;
        if !is_root && entry.page == record.page {
            return Err(impossible(entry.page, "the root is among the pages that are given up"));
        }
        let mut page = take(pages, entry.page)?;
        let done = is_needed(entry.page, page.dbtime(), entry.before, record.after, rules)
            .and_then(|needed| {
                if needed {
                    belongs(&page, tree.objid)?;
                    change(&mut page, is_root)?;
                }
                Ok(needed)
            });
        pages.put(page)?;
        root_needed |= done? && is_root;
    }
    Ok(root_needed)
}
