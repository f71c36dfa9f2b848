//! The content of a page goes to another page: of any one, and of the roots of a tree.
//!
//! | page | what becomes of it |
//! |---|---|
//! | destination | the content of the page, out of the record |
//! | the page | free |
//! | parent | the pointer at the record's line is one to the destination |
//! | siblings | they are linked to the destination |
//!
//! The three roots of a tree (its own, those of owned and of available extents) move in one macro;
//! they have no parent and no siblings. The space header that goes along names the new root of
//! owned extents. The macro goes on with what names the old root: the space headers of the trees
//! that belong to the tree, and its records in the catalog and in the catalog's copy, several of
//! which may lie on one page. Of several changes of a page the first one tells whether it needs
//! them.
//!
//! Source: ESE `ErrLGRIIRedoPageMove`, `ErrLGIRedoRootMoveStructures` (logredo.cxx),
//! `BTPerformPageMove` (bt.cxx), `SHKPerformRootMove` (dbshrink.cxx).

use ese_format::log::record::{Change, MovedTree, NodeChange, PageMoveChange, PageRecord};
use ese_format::page::{LargePageHeader, PageFlags, PageHeader};
use ese_format::space::SpaceHeader;
use ese_format::{DbTime, PageNumber};

use super::before_image::{self, Wanted};
use super::empty_tree::empty;
use super::fdp::with_space_header;
use super::node::change_node;
use super::split::check_pointer;
use super::working_set::WorkingSet;
use super::{ApplyError, Rules, impossible, of_page};
use crate::work::WorkPages;

#[cfg(test)]
mod tests;

/// Moves a page that is no root.
pub(super) fn apply<P: WorkPages>(
    pages: &mut P,
    record: &PageRecord<'_>,
    change: &PageMoveChange<'_>,
    rules: Rules,
) -> Result<bool, ApplyError> {
    if !change.moved.is_empty() {
        return Err(impossible(record.page, "a root moves without the others of its tree"));
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
    let old = |set: &mut WorkingSet<'_, P>, page: PageNumber, before: DbTime| {
        set.take_old(page, (before, record.after), change.objid, rules)
    };
    let destination = change.destination;
    if old(set, change.parent, change.parent_before)? {
        let number = change.parent;
        let mut page = set.edit(number)?;
        let line = usize::try_from(change.parent_line).unwrap_or(usize::MAX);
        check_pointer(&page, number, line, record.page)?;
        page.replace_data(line, &destination.0.to_le_bytes()).map_err(of_page(number))?;
    }
    carry(set, record, change, rules)?;
    if change.left != PageNumber::NULL && old(set, change.left, change.left_before)? {
        set.edit(change.left)?.set_next(destination);
    }
    if change.right != PageNumber::NULL && old(set, change.right, change.right_before)? {
        set.edit(change.right)?.set_previous(destination);
    }
    set.stamp(record.after)?;
    Ok(set.needs(record.page))
}

/// Moves the roots of a tree.
pub(super) fn apply_roots<P: WorkPages>(
    pages: &mut P,
    records: &[PageRecord<'_>],
    rules: Rules,
) -> Result<bool, ApplyError> {
    let Some(first) = records.first() else {
        return Err(impossible(PageNumber::NULL, "a move without a record"));
    };
    let mut set = WorkingSet::new(pages);
    let done = apply_roots_to(&mut set, records, rules).and_then(|()| {
        set.stamp(first.after)?;
        Ok(set.any_needs())
    });
    set.finish(done)
}

fn apply_roots_to<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    records: &[PageRecord<'_>],
    rules: Rules,
) -> Result<(), ApplyError> {
    let owned = records.iter().find_map(|record| match &record.change {
        Change::Move(change) if change.moved == MovedTree::OWNED => Some(change.destination),
        _ => None,
    });
    for record in records {
        match &record.change {
            Change::Move(change) => {
                carry(set, record, change, rules)?;
                if change.moved == MovedTree::ROOT && set.needs(change.destination) {
                    name_owned_extents(set, record, change.destination, owned)?;
                }
            }
            Change::Node(tree, change) => {
                let times = (record.before, record.after);
                if !set.is_out(record.page) {
                    set.take_old(record.page, times, tree.objid, rules)?;
                }
                if set.needs(record.page) {
                    follow(set, record, change)?;
                }
            }
            _ => return Err(impossible(record.page, "a record that belongs to no move")),
        }
    }
    Ok(())
}

/// Changes what names a root that has moved.
fn follow<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    record: &PageRecord<'_>,
    change: &NodeChange<'_>,
) -> Result<(), ApplyError> {
    let number = record.page;
    let mut page = set.edit(number)?;
    match change {
        NodeChange::SetExternalHeader(content) => {
            // Other than by itself, the record has the space header alone.
            let header = SpaceHeader::parse(content).filter(|_| content.len() == SPACE_HEADER);
            let header = header.ok_or_else(|| impossible(number, "it gets no space header"))?;
            let content = with_space_header(page.external_header(), &header);
            page.set_external_header(&content).map_err(of_page(number))
        }
        NodeChange::Replace { .. } => change_node(&mut page, number, record, change),
        _ => Err(impossible(number, "a record that belongs to no move")),
    }
}

/// Bytes of a space header.
const SPACE_HEADER: usize = 16;

/// Takes a page and its destination out; fills the one and makes the other free.
fn carry<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    record: &PageRecord<'_>,
    change: &PageMoveChange<'_>,
    rules: Rules,
) -> Result<(), ApplyError> {
    let (number, after) = (record.page, record.after);
    set.take_old(number, (record.before, after), change.objid, rules)?;
    if set.take_new(change.destination, after, rules)? {
        let size = set.page_size();
        let wanted = Wanted { number, objid: change.objid, dbtime: after, size };
        let mut content = before_image::join(change.head, change.tail, wanted)?;
        if let Some(header) = PageHeader::parse(&content) {
            let number = change.destination;
            let large = header.large.map(|large| LargePageHeader { number, ..large });
            PageHeader { large, ..header }.write(&mut content);
        }
        set.renew(change.destination, content)?;
    }
    if set.needs(number) {
        empty(&mut set.edit(number)?).map_err(of_page(number))?;
    }
    Ok(())
}

/// Names the new root of owned extents in the space header of a root that has moved.
fn name_owned_extents<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    record: &PageRecord<'_>,
    destination: PageNumber,
    owned: Option<PageNumber>,
) -> Result<(), ApplyError> {
    // That a revert brought the root back is told by the page alone.
    let was = PageHeader::parse(set.bytes(record.page)?);
    let reverted = was.map_or(PageFlags::empty(), |was| was.flags & PageFlags::FDP_DELETE);
    let wrong = || impossible(destination, "it has no space header that names other roots");
    let owned = owned.ok_or_else(wrong)?;
    let mut page = set.edit(destination)?;
    let header = SpaceHeader::parse(page.external_header()).ok_or_else(wrong)?;
    header.owned_extents_root().ok_or_else(wrong)?;
    let header = SpaceHeader { map_or_owned_root: owned.0, ..header };
    let content = with_space_header(page.external_header(), &header);
    page.set_external_header(&content).map_err(of_page(destination))?;
    let flags = page.header().flags | reverted;
    page.set_flags(flags);
    Ok(())
}
