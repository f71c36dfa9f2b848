//! Records that make a database longer or shorter, or take pages away from it.
//!
//! | record | within the range that the database needs | behind it |
//! |---|---|---|
//! | grows | done, if the database is shorter | the same |
//! | shrinks | done, unless the header says that it was, or cannot say it | done |
//! | the same, with a dbtime | pages beyond the new end that are older become unset | done |
//! | shrinks | done, unless the header says that it was, or cannot tell | done |
//!
//! Source: ESE `ErrLGRIRedoExtendDB`, `ErrLGRIRedoShrinkDB`, `ErrLGRIRedoTrimDB`,
//! `ErrLGRIRedoNewPage` (logredo.cxx).

use ese_format::log::record::DatabaseAction;
use ese_format::page::{LargePageHeader, PageFlags, PageHeader};
use ese_format::{DbTime, LogPosition, PageNumber};

use super::change::Changer;
use crate::Error;
use crate::recovery::attachment::Attachment;
use crate::work::{Taken, WorkPage, WorkPages};

/// Replays a record that changes which pages there are.
pub(super) fn resize(
    changer: &mut Changer<'_>,
    attachment: &mut Attachment,
    position: LogPosition,
    action: &DatabaseAction<'_>,
) -> Result<(), Error> {
    match *action {
        DatabaseAction::Extend { last, .. } => {
            if last > changer.pages.last_page() {
                changer.pages.set_last_page(last);
            }
            resized(attachment, position);
        }
        DatabaseAction::Shrink { last, pages, dbtime, .. } => {
            shrink(changer, attachment, position, last, pages, dbtime)?;
        }
        DatabaseAction::Trim { first, pages } => trim(changer, first, pages),
        DatabaseAction::NewPage { page, objid, after, .. } => {
            new_page(changer, page, objid, after)?;
        }
        _ => {}
    }
    Ok(())
}

/// Notes the position of a change of the size, in a header that has room for it.
fn resized(attachment: &mut Attachment, position: LogPosition) {
    if let Some(header) = attachment.header_mut()
        && !header.resize_position.is_unset()
    {
        header.resize_position = header.resize_position.max(position);
    }
}

fn shrink(
    changer: &mut Changer<'_>,
    attachment: &mut Attachment,
    position: LogPosition,
    last: PageNumber,
    pages: u32,
    dbtime: Option<DbTime>,
) -> Result<(), Error> {
    let first = PageNumber(last.0.saturating_add(1));
    let end = PageNumber(last.0.saturating_add(pages)).max(changer.pages.last_page());
    changer.map.clear(first, end);
    let resize = attachment.header().map_or(LogPosition::UNSET, |header| header.resize_position);
    if resize.is_unset() && changer.future {
        return Ok(());
    }
    if resize <= position {
        if last < changer.pages.last_page() {
            changer.pages.set_last_page(last);
        }
        resized(attachment, position);
        return Ok(());
    }
    let Some(dbtime) = dbtime.filter(|dbtime| dbtime.0 > 0) else { return Ok(()) };
    for number in first.0..=end.min(changer.pages.last_page()).0 {
        let number = PageNumber(number);
        let Taken::Page(page) = changer.pages.take(number)? else { continue };
        let is_older = page.dbtime().0 > 0 && page.dbtime().0 < dbtime.0;
        changer.pages.put(page)?;
        if is_older {
            changer.pages.zero(number);
        }
    }
    Ok(())
}

fn trim(changer: &mut Changer<'_>, first: PageNumber, pages: u32) {
    let Some(last) = pages.checked_sub(1).and_then(|more| first.0.checked_add(more)) else {
        return;
    };
    changer.map.clear(first, PageNumber(last));
    if changer.future || PageNumber(last) >= changer.pages.last_page() {
        return;
    }
    for number in first.0..=last {
        changer.pages.zero(PageNumber(number));
    }
}

/// Blanks a page for a new use.
fn new_page(
    changer: &mut Changer<'_>,
    number: PageNumber,
    objid: u32,
    after: DbTime,
) -> Result<(), Error> {
    let size = changer.pages.page_size();
    let mut page = match changer.pages.take(number)? {
        Taken::Page(page) => {
            if changer.future && page.dbtime().0 >= after.0 {
                return changer.pages.put(page);
            }
            page
        }
        Taken::BeyondEnd | Taken::Unsound(_) => WorkPage::blank(number, size),
    };
    let bytes = page.bytes_mut();
    bytes.fill(0);
    let Some(blank) = PageHeader::parse(bytes) else { return changer.pages.put(page) };
    let free = size.bytes().saturating_sub(size.page_header_len());
    PageHeader {
        dbtime: after,
        objid,
        free: u16::try_from(free).unwrap_or(u16::MAX),
        flags: PageFlags::PREINIT | PageFlags::NEW_RECORD_FORMAT | PageFlags::NEW_CHECKSUM_FORMAT,
        large: blank.large.map(|large| LargePageHeader { number, ..large }),
        ..blank
    }
    .write(bytes);
    changer.pages.put(page)
}
