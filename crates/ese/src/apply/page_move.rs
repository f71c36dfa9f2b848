//! A page goes to another place.
//!
//! | page | what is done |
//! |---|---|
//! | destination | it gets the content of the source, out of the record |
//! | source | it belongs to no tree |
//! | parent | its pointer goes to the destination |
//! | siblings | they are linked to the destination |
//!
//! Source: ESE `ErrLGRIIRedoPageMove` (logredo.cxx), `BTPerformPageMove` (bt.cxx).

use ese_format::log::record::{PageMoveChange, PageRecord};
use ese_format::page::{LargePageHeader, PageHeader, structure};
use ese_format::{DbTime, PageNumber, PageSize};

use super::empty_tree::empty;
use super::split::line_of;
use super::working_set::WorkingSet;
use super::{ApplyError, Rules, impossible, is_needed, of_page};
use crate::work::WorkPages;

/// Moves a page that is no root.
pub(super) fn apply<P: WorkPages>(
    pages: &mut P,
    record: &PageRecord<'_>,
    change: &PageMoveChange<'_>,
    rules: Rules,
) -> Result<bool, ApplyError> {
    if !change.moved.is_empty() {
        return Err(impossible(record.page, "a root moves, but not with its space trees"));
    }
    let mut set = WorkingSet::new(pages);
    let done = apply_to(&mut set, record, change, rules);
    set.finish(done)
}

fn apply_to<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    record: &PageRecord<'_>,
    change: &PageMoveChange<'_>,
    rules: Rules,
) -> Result<bool, ApplyError> {
    let mut need = |page: PageNumber, before: DbTime| {
        if page == PageNumber::NULL {
            return Ok(false);
        }
        set.take(page)?;
        let needed = is_needed(page, set.dbtime(page)?, before, record.after, rules)?;
        if needed {
            set.belongs(page, change.objid)?;
        }
        Ok::<bool, ApplyError>(needed)
    };
    let parent_needed = need(change.parent, change.parent_before)?;
    let source_needed = need(record.page, record.before)?;
    let left_needed = need(change.left, change.left_before)?;
    let right_needed = need(change.right, change.right_before)?;
    let destination = change.destination;
    set.take(destination)?;
    let is_there = set.dbtime(destination).is_ok_and(|found| found.0 >= record.after.0);
    if !(rules.future && is_there) {
        set.renew(destination, moved(record, change, set.page_size())?)?;
    }
    if source_needed {
        let mut page = set.edit(record.page)?;
        empty(&mut page).map_err(of_page(record.page))?;
        page.set_dbtime(record.after);
    }
    if parent_needed {
        let mut page = set.edit(change.parent)?;
        let hint = usize::try_from(change.parent_line).unwrap_or(usize::MAX);
        let line = line_of(&page, hint, record.page);
        let line =
            line.ok_or_else(|| impossible(change.parent, "it does not point to the page"))?;
        let pointer = destination.0.to_le_bytes();
        page.replace_data(line, &pointer).map_err(of_page(change.parent))?;
        page.set_dbtime(record.after);
    }
    if left_needed {
        let mut page = set.edit(change.left)?;
        page.set_next(destination);
        page.set_dbtime(record.after);
    }
    if right_needed {
        let mut page = set.edit(change.right)?;
        page.set_previous(destination);
        page.set_dbtime(record.after);
    }
    Ok(source_needed)
}

/// The page in its new place.
fn moved(
    record: &PageRecord<'_>,
    change: &PageMoveChange<'_>,
    size: PageSize,
) -> Result<Vec<u8>, ApplyError> {
    let number = change.destination;
    let wrong = |what| ApplyError::BeforeImage { page: record.page, what };
    let free = size.bytes().checked_sub(change.head.len() + change.tail.len());
    let free = free.ok_or_else(|| wrong("it is longer than a page"))?;
    let mut bytes = [change.head, &vec![0; free], change.tail].concat();
    let header = PageHeader::parse(&bytes).ok_or_else(|| wrong("it is no page"))?;
    let large = header.large.map(|large| LargePageHeader { number, ..large });
    PageHeader { dbtime: record.after, large, ..header }.write(&mut bytes);
    structure::check(&bytes).map_err(|_| wrong("it is no sound page"))?;
    Ok(bytes)
}
