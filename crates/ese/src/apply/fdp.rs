//! Trees begin, and get space trees of their own.
//!
//! ```text
//! one extent         root: space header with a map of the free pages of the extent
//! several extents    root: space header that names the root of owned extents
//!                    owned extents (OE): the extents     available extents (AE): what is free
//! ```
//!
//! A tree with one extent is converted when it needs another one: the map becomes extents in AE,
//! and the second extent, whose first two pages are the roots of OE and AE, is added to both.
//!
//! Source: ESE `ErrLGIRedoFDPPage`, `ErrLGRIRedoSpaceRootPage`, `ErrLGRIRedoConvertFDP`
//! (logredo.cxx), `SPICreateExtentTree`, `SPIConvertCalcExtents`, `SPIPerformConvert` (space.cxx).

use ese_format::log::record::{Change, OperationFlags, PageRecord};
use ese_format::node::NodeFlags;
use ese_format::page::PageFlags;
use ese_format::page_edit::PageEdit;
use ese_format::space::{Extent, SpaceFlags, SpaceHeader};
use ese_format::{PageNumber, PageSize};

use super::working_set::WorkingSet;
use super::{ApplyError, Rules, impossible, is_needed, of_page};
use crate::work::WorkPages;

/// Pages whose use a map in the space header tells.
const MAPPED: u32 = 32;

/// A tree begins.
pub(super) fn create<P: WorkPages>(
    pages: &mut P,
    record: &PageRecord<'_>,
    rules: Rules,
) -> Result<bool, ApplyError> {
    let mut set = WorkingSet::new(pages);
    let done = match record.change {
        Change::CreateMultiple { objid, owned, available, parent, primary, page_flags } => {
            let flags = tree_flags(record) | SpaceFlags::MULTIPLE_EXTENTS;
            let header = SpaceHeader { pages: primary, parent, flags, map_or_owned_root: owned.0 };
            let last = PageNumber(record.page.0.saturating_add(primary).saturating_sub(1));
            let extent = |count| Extent { last, count };
            let free = extent(primary.saturating_sub(3));
            create_root(&mut set, record, objid, page_flags, header, rules).and_then(|redone| {
                let owned_extents = [extent(primary)];
                space_root(&mut set, record, owned, objid, page_flags, &owned_extents, rules)?;
                space_root(&mut set, record, available, objid, page_flags, &[free], rules)?;
                Ok(redone)
            })
        }
        Change::CreateSingle { objid, parent, primary, page_flags } => {
            let map = match primary {
                0 => 0,
                _ if primary > MAPPED => u32::MAX,
                _ => (1_u32 << (primary - 1)).wrapping_sub(1),
            };
            let flags = tree_flags(record);
            let header = SpaceHeader { pages: primary, parent, flags, map_or_owned_root: map };
            create_root(&mut set, record, objid, page_flags, header, rules)
        }
        _ => Ok(false),
    };
    set.finish(done)
}

/// A tree with one extent gets several.
pub(super) fn convert<P: WorkPages>(
    pages: &mut P,
    record: &PageRecord<'_>,
    rules: Rules,
) -> Result<bool, ApplyError> {
    let mut set = WorkingSet::new(pages);
    let done = convert_in(&mut set, record, rules);
    set.finish(done)
}

fn convert_in<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    record: &PageRecord<'_>,
    rules: Rules,
) -> Result<bool, ApplyError> {
    let Change::Convert {
        objid,
        owned,
        available,
        parent,
        secondary_first,
        primary,
        secondary,
        available_map,
        page_flags,
    } = record.change
    else {
        return Ok(false);
    };
    let root = record.page;
    set.take(root)?;
    let needed = is_needed(root, set.dbtime(root)?, record.before, record.after, rules)?;
    let last_of =
        |first: PageNumber, count: u32| PageNumber(first.0.saturating_add(count).saturating_sub(1));
    let second = Extent { last: last_of(secondary_first, secondary), count: secondary };
    let first = Extent { last: last_of(root, primary), count: primary };
    space_root(set, record, owned, objid, page_flags, &[first, second], rules)?;
    let mut free = free_extents(root, primary, available_map);
    free.push(Extent { last: second.last, count: secondary.saturating_sub(2) });
    space_root(set, record, available, objid, page_flags, &free, rules)?;
    if needed {
        set.belongs(root, objid)?;
        let flags = tree_flags(record) | SpaceFlags::MULTIPLE_EXTENTS;
        let header = SpaceHeader { pages: primary, parent, flags, map_or_owned_root: owned.0 };
        let mut page = set.edit(root)?;
        let content = with_space_header(page.external_header(), &header);
        page.set_external_header(&content).map_err(of_page(root))?;
        page.set_dbtime(record.after);
    }
    Ok(needed)
}

/// The extents that the map of a tree with one extent says are free, ascending.
fn free_extents(root: PageNumber, primary: u32, map: u32) -> Vec<Extent> {
    let mut free: Vec<Extent> = Vec::new();
    let mut add = |last: u32, count: u32| match free.last_mut() {
        Some(before) if before.last.0.checked_add(count) == Some(last) => {
            *before = Extent { last: PageNumber(last), count: before.count + count };
        }
        _ => free.push(Extent { last: PageNumber(last), count }),
    };
    for bit in (0..MAPPED).filter(|bit| map >> bit & 1 != 0) {
        add(root.0.saturating_add(bit + 1), 1);
    }
    if let Some(more) = primary.checked_sub(MAPPED + 1).filter(|more| *more > 0) {
        add(root.0.saturating_add(primary - 1), more);
    }
    free
}

fn tree_flags(record: &PageRecord<'_>) -> SpaceFlags {
    match record.flags.contains(OperationFlags::UNIQUE) {
        true => SpaceFlags::empty(),
        false => SpaceFlags::NON_UNIQUE,
    }
}

/// Tag 0 with the space header in it; what else a root keeps there stays.
pub(super) fn with_space_header(before: &[u8], header: &SpaceHeader) -> Vec<u8> {
    let bytes = header.to_bytes();
    match before.split_first() {
        Some((present, rest)) if before.len() > bytes.len() && present & 1 != 0 => {
            let others = rest.get(bytes.len()..).unwrap_or_default();
            [&[*present], &bytes[..], others].concat()
        }
        Some((present, rest)) if before.len() > bytes.len() => {
            [&[*present | 1], &bytes[..], rest].concat()
        }
        _ => bytes.to_vec(),
    }
}

/// Whether a page that gets new content needs it.
fn is_new_needed<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    record: &PageRecord<'_>,
    page: PageNumber,
    rules: Rules,
) -> Result<bool, ApplyError> {
    set.take(page)?;
    let is_there = set.dbtime(page).is_ok_and(|found| found.0 >= record.after.0);
    Ok(!(rules.future && is_there))
}

fn create_root<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    record: &PageRecord<'_>,
    objid: u32,
    flags: PageFlags,
    header: SpaceHeader,
    rules: Rules,
) -> Result<bool, ApplyError> {
    let number = record.page;
    if !is_new_needed(set, record, number, rules)? {
        return Ok(false);
    }
    let flags = flags | PageFlags::ROOT | PageFlags::LEAF;
    let content = new_page(set.page_size(), record, number, objid, flags, |page| {
        page.set_external_header(&header.to_bytes())
    })?;
    set.renew(number, content)?;
    Ok(true)
}

/// The root of a space tree with these extents, ascending.
fn space_root<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    record: &PageRecord<'_>,
    number: PageNumber,
    objid: u32,
    flags: PageFlags,
    extents: &[Extent],
    rules: Rules,
) -> Result<(), ApplyError> {
    if !is_new_needed(set, record, number, rules)? {
        return Ok(());
    }
    let mut extents: Vec<_> = extents.iter().filter(|extent| extent.count > 0).collect();
    extents.sort_by_key(|extent| extent.last);
    let flags = flags | PageFlags::ROOT | PageFlags::LEAF | PageFlags::SPACE_TREE;
    let content = new_page(set.page_size(), record, number, objid, flags, |page| {
        page.set_external_header(&[0; ese_format::node::SPLIT_BUFFER_LEN])?;
        for (line, extent) in extents.iter().enumerate() {
            let (key, data) = (extent.last.0.to_be_bytes(), extent.count.to_le_bytes());
            page.insert(line, NodeFlags::empty(), 0, &key, &data)?;
        }
        Ok(())
    })?;
    set.renew(number, content)
}

fn new_page(
    size: PageSize,
    record: &PageRecord<'_>,
    number: PageNumber,
    objid: u32,
    flags: PageFlags,
    fill: impl FnOnce(&mut PageEdit<'_>) -> Result<(), ese_format::page_edit::EditError>,
) -> Result<Vec<u8>, ApplyError> {
    let mut bytes = vec![0; size.bytes()];
    let page = PageEdit::init(&mut bytes, number, objid, flags, record.after);
    let mut page = page.ok_or_else(|| impossible(number, "it has the length of no page"))?;
    fill(&mut page).map_err(of_page(number))?;
    Ok(bytes)
}
