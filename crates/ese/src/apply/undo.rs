//! The undo of an earlier change.
//!
//! Source: ESE `VERRedoPhysicalUndo`, `ErrVERIUndo...Physical` (ver.cxx).

use ese_format::log::record::{Change, NodeChange, PageRecord};
use ese_format::node::NodeFlags;

use super::node::raise;
use super::{ApplyError, Before, Rules, change_page, edit, impossible, of_page};
use crate::work::WorkPages;

/// Takes a change back.
pub(super) fn apply<P: WorkPages>(
    pages: &mut P,
    record: &PageRecord<'_>,
    before: Before<'_>,
    rules: Rules,
) -> Result<bool, ApplyError> {
    let Change::Node(tree, NodeChange::Undo { bookmark, .. }) = &record.change else {
        return Err(impossible(record.page, "the record undoes nothing"));
    };
    let line = usize::from(record.line);
    change_page(pages, record, tree.objid, rules, |page| {
        let number = page.number();
        let mut page = edit(page)?;
        if before != Before::Nothing {
            let view = page.view();
            let node = view.node(line).filter(|node| node.cmp_key(bookmark.key).is_eq());
            let Some(node) = node else {
                return Err(impossible(number, "the node to be put back is not at its line"));
            };
            let flags = node.flags;
            match before {
                Before::Nothing => {}
                Before::Insert => page
                    .set_node_flags(line, flags | NodeFlags::DELETED)
                    .map_err(of_page(number))?,
                Before::Replace(data) => page.replace_data(line, data).map_err(of_page(number))?,
                Before::FlagDelete => page
                    .set_node_flags(line, flags.difference(NodeFlags::DELETED))
                    .map_err(of_page(number))?,
                Before::Delta { delta, offset, wide } => {
                    raise(&mut page, number, line, delta.wrapping_neg(), offset, wide)?;
                }
            }
        }
        page.set_dbtime(record.after);
        Ok(())
    })
}
