//! Changes of one node, or of tag 0.
//!
//! Source: ESE `ErrLGRIRedoNodeOperation` (logredo.cxx), `ErrNDInsert`, `ErrNDReplace`,
//! `ErrNDFlagDelete`, `ErrNDDelta`, `ErrNDValidateSetExternalHeader` (node.cxx).

use ese_format::PageNumber;
use ese_format::log::diff;
use ese_format::log::record::{NodeChange, OperationFlags, PageRecord, TreeRef};
use ese_format::node::{Node, NodeFlags};
use ese_format::page::PageFlags;
use ese_format::page_edit::PageEdit;

use super::{ApplyError, Rules, Versions, change_page, edit, impossible, of_page};
use crate::work::{WorkPage, WorkPages};

/// Applies a change of a node.
pub(super) fn apply<P: WorkPages, V: Versions>(
    pages: &mut P,
    versions: &mut V,
    record: &PageRecord<'_>,
    tree: &TreeRef,
    change: &NodeChange<'_>,
    rules: Rules,
) -> Result<bool, ApplyError> {
    change_page(pages, record, tree.objid, rules, |page| {
        let number = page.number();
        let remembers = record.flags.contains(OperationFlags::VERSIONED)
            && matches!(
                change,
                NodeChange::Replace { .. }
                    | NodeChange::ReplaceDiff { .. }
                    | NodeChange::FlagDelete
                    | NodeChange::FlagInsertAndReplaceData { .. }
            );
        if remembers {
            versions.before_image(record, node_of(page, record.line)?);
        }
        let mut page = edit(page)?;
        change_node(&mut page, number, record, change)?;
        page.set_dbtime(record.after);
        Ok(())
    })
}

fn node_of(page: &WorkPage, line: u16) -> Result<Node<'_>, ApplyError> {
    let view = ese_format::node::NodePage::new(page.bytes());
    let node = view.and_then(|view| view.node(usize::from(line)));
    node.ok_or_else(|| impossible(page.number(), "it has no such line"))
}

pub(super) fn change_node(
    page: &mut PageEdit<'_>,
    number: PageNumber,
    record: &PageRecord<'_>,
    change: &NodeChange<'_>,
) -> Result<(), ApplyError> {
    let line = usize::from(record.line);
    let versioned = version_flag(record);
    let flags_of = |page: &PageEdit<'_>| {
        let node = page.view().node(line);
        node.map(|node| node.flags).ok_or_else(|| impossible(number, "it has no such line"))
    };
    let done = match *change {
        NodeChange::Insert { node, prefix } => {
            let prefix = usize::from(prefix);
            if !is_prefix(page, node.key, prefix) {
                return Err(impossible(number, "the key does not begin with the page's prefix"));
            }
            let suffix = node.key.get(prefix..).unwrap_or_default();
            page.insert(line, versioned, prefix, suffix, node.data)
        }
        NodeChange::FlagInsert(_) => {
            let flags = flags_of(page)?;
            page.set_node_flags(line, flags.difference(NodeFlags::DELETED) | versioned)
        }
        NodeChange::FlagInsertAndReplaceData { node, .. } => {
            let flags = flags_of(page)?;
            page.replace_data(line, node.data).map_err(of_page(number))?;
            page.set_node_flags(line, flags.difference(NodeFlags::DELETED) | versioned)
        }
        NodeChange::FlagDelete => {
            let flags = flags_of(page)?;
            page.set_node_flags(line, flags | NodeFlags::DELETED | versioned)
        }
        NodeChange::Replace { data, old_len } => {
            check_len(page, number, line, old_len)?;
            mark(page, line, versioned).and_then(|()| page.replace_data(line, data))
        }
        NodeChange::ReplaceDiff { diff, wide, old_len, new_len } => {
            check_len(page, number, line, old_len)?;
            let mut new = Vec::new();
            let node = page.view().node(line);
            let old = node.map(|node| node.data).unwrap_or_default();
            diff::apply(old, diff, wide, &mut new).map_err(|source| ApplyError::Diff {
                page: number,
                line: record.line,
                source,
            })?;
            if new.len() != usize::from(new_len) {
                return Err(impossible(number, "the data come to another length than they should"));
            }
            mark(page, line, versioned).and_then(|()| page.replace_data(line, &new))
        }
        NodeChange::Delete => page.remove(line),
        NodeChange::Delta { delta, offset, wide, .. } => {
            raise(page, number, line, delta, offset, wide)?;
            mark(page, line, versioned)
        }
        NodeChange::SetExternalHeader(content) => {
            check_prefixes(page, number, content.len())?;
            page.set_external_header(content)
        }
        NodeChange::UndoInfo { .. } | NodeChange::Undo { .. } => Ok(()),
    };
    done.map_err(of_page(number))
}

/// The flag that a node with a version has.
pub(super) fn version_flag(record: &PageRecord<'_>) -> NodeFlags {
    match record.flags.contains(OperationFlags::VERSIONED) {
        true => NodeFlags::VERSION,
        false => NodeFlags::empty(),
    }
}

fn mark(
    page: &mut PageEdit<'_>,
    line: usize,
    versioned: NodeFlags,
) -> Result<(), ese_format::page_edit::EditError> {
    let flags = page.view().node(line).map(|node| node.flags);
    match flags {
        Some(flags) if !flags.contains(versioned) => page.set_node_flags(line, flags | versioned),
        _ => Ok(()),
    }
}

/// Whether the page's prefix has the first `len` bytes of the key.
fn is_prefix(page: &PageEdit<'_>, key: &[u8], len: usize) -> bool {
    len == 0 || page.view().prefix().get(..len).is_some_and(|prefix| key.starts_with(prefix))
}

fn check_len(
    page: &PageEdit<'_>,
    number: PageNumber,
    line: usize,
    expected: u16,
) -> Result<(), ApplyError> {
    let node = page.view().node(line).ok_or_else(|| impossible(number, "it has no such line"))?;
    match node.data.len() == usize::from(expected) {
        true => Ok(()),
        false => Err(impossible(number, "the data to be replaced have another length")),
    }
}

/// No node may take more of the prefix than there will be.
fn check_prefixes(page: &PageEdit<'_>, number: PageNumber, len: usize) -> Result<(), ApplyError> {
    let flags = page.header().flags;
    if flags.intersects(PageFlags::ROOT | PageFlags::SPACE_TREE) {
        return Ok(());
    }
    let view = page.view();
    let fits = (0..view.node_count())
        .all(|line| view.node(line).is_some_and(|node| node.prefix.len() <= len));
    if fits { Ok(()) } else { Err(impossible(number, "keys need more of the page's prefix")) }
}

/// Raises a number in the data of a node.
pub(super) fn raise(
    page: &mut PageEdit<'_>,
    number: PageNumber,
    line: usize,
    delta: i64,
    offset: u16,
    wide: bool,
) -> Result<(), ApplyError> {
    let data = page.data_mut(line).map_err(of_page(number))?;
    let outside = || impossible(number, "the number that is raised is not in the data");
    let rest = data.get_mut(usize::from(offset)..).ok_or_else(outside)?;
    if wide {
        let bytes: &mut [u8; 8] = rest.first_chunk_mut().ok_or_else(outside)?;
        *bytes = i64::from_le_bytes(*bytes).wrapping_add(delta).to_le_bytes();
    } else {
        let bytes: &mut [u8; 4] = rest.first_chunk_mut().ok_or_else(outside)?;
        let sum = i64::from(u32::from_le_bytes(*bytes)).wrapping_add(delta);
        let [a, b, c, d, ..] = sum.to_le_bytes();
        *bytes = [a, b, c, d];
    }
    Ok(())
}
