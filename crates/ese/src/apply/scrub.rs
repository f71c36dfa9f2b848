//! Deleted data are overwritten.
//!
//! Source: ESE `ErrLGRIRedoScrub` (logredo.cxx), `NDScrubOneUsedPage`, `NDScrubOneUnusedPage`
//! (node.cxx), `ErrRECScrubLVChunk`.

use ese_format::log::record::{Change, PageRecord};
use ese_format::node::NodeFlags;
use ese_format::page::PageFlags;

use super::{ApplyError, Rules, change_page, edit, impossible, of_page};
use crate::work::WorkPages;

/// Overwrites what is no longer used of a page.
pub(super) fn apply<P: WorkPages>(
    pages: &mut P,
    record: &PageRecord<'_>,
    rules: Rules,
) -> Result<bool, ApplyError> {
    let Change::Scrub { tree, flags, count, operations } = &record.change else { return Ok(false) };
    change_page(pages, record, tree.objid, rules, |page| {
        let number = page.number();
        let mut page = edit(page)?;
        let lines = page.view().node_count();
        if flags & UNUSED != 0 {
            page.truncate(0);
            page.fill_free(UNUSED_FILL);
        } else {
            let fits = usize::try_from(*count)
                .is_ok_and(|count| count == lines && operations.len() >= count);
            let known = operations.iter().take(lines).all(|operation| *operation <= 2);
            if !fits || !known {
                return Err(impossible(number, "its lines are not those of the record"));
            }
            for (line, operation) in operations.iter().take(lines).enumerate() {
                let fill = match *operation {
                    0 => continue,
                    1 => DATA_FILL,
                    _ => CHUNK_FILL,
                };
                let data = page.data_mut(line).map_err(of_page(number))?;
                data.fill(fill);
                if fill == CHUNK_FILL
                    && let Some(first) = data.first_mut()
                {
                    *first = SCRUBBED_SCHEME;
                }
                let flags = page.view().node(line).map(|node| node.flags).unwrap_or_default();
                page.set_node_flags(line, flags.difference(NodeFlags::VERSION))
                    .map_err(of_page(number))?;
            }
            page.fill_free(USED_FILL);
        }
        page.set_flags(page.header().flags | PageFlags::SCRUBBED);
        page.set_dbtime(record.after);
        Ok(())
    })
}

/// Flag of the record: the page is unused as a whole.
const UNUSED: u32 = 1;
const UNUSED_FILL: u8 = b'U';
const USED_FILL: u8 = b'Z';
const DATA_FILL: u8 = b'D';
const CHUNK_FILL: u8 = b'L';
/// First byte of a chunk that was erased, as compressed data begin.
const SCRUBBED_SCHEME: u8 = 0x20;
