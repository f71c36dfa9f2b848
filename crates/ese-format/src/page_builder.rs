//! Laying out a page from its nodes.
//!
//! Lines are placed one behind the other in the order of their tags, which is what a page looks
//! like after the engine reorganised it. See [`node`](crate::node) for the layout.

use alloc::vec;
use alloc::vec::Vec;

use crate::PageSize;
use crate::le::put;
use crate::node::NodeFlags;
use crate::page::{PageFlags, PageHeader};

/// Collects what a page holds, and lays it out.
#[derive(Debug, Clone)]
pub struct PageBuilder {
    size: PageSize,
    flags: PageFlags,
    objid: u32,
    external_header: Vec<u8>,
    lines: Vec<(NodeFlags, Vec<u8>)>,
}

impl PageBuilder {
    /// A page without nodes; the flags of the current record and checksum formats are added.
    pub fn new(size: PageSize, flags: PageFlags) -> Self {
        let flags = flags | PageFlags::NEW_RECORD_FORMAT | PageFlags::NEW_CHECKSUM_FORMAT;
        Self { size, flags, objid: 1, external_header: Vec::new(), lines: Vec::new() }
    }

    /// Object id of the tree; 1 (the database root) unless told.
    pub fn objid(mut self, objid: u32) -> Self {
        self.objid = objid;
        self
    }

    /// Content of tag 0.
    pub fn external_header(mut self, bytes: &[u8]) -> Self {
        self.external_header = bytes.to_vec();
        self
    }

    /// A node with a whole key. A key of 8 KiB or more makes [`PageBuilder::build`] fail.
    pub fn node(self, key: &[u8], data: &[u8]) -> Self {
        let len = u16::try_from(key.len()).unwrap_or(u16::MAX).to_le_bytes();
        self.line(NodeFlags::empty(), &[&len, key, data].concat())
    }

    /// A line as it lies in the page, but for the flags.
    pub fn line(mut self, flags: NodeFlags, bytes: &[u8]) -> Self {
        self.lines.push((flags, bytes.to_vec()));
        self
    }

    /// The page without its checksum (see [`seal`](crate::page::seal)); `None` if it does not fit.
    pub fn build(self) -> Option<Vec<u8>> {
        let large = self.size.is_large();
        let header_len = self.size.page_header_len();
        let mut page = vec![0; self.size.bytes()];
        let mut end = 0;
        let count = self.lines.len() + 1;
        let first = (NodeFlags::empty(), self.external_header);
        for (index, (flags, mut line)) in [first].into_iter().chain(self.lines).enumerate() {
            let len = u16::try_from(line.len()).ok()?;
            let mut offset = u16::try_from(end).ok()?;
            let flags = u16::from(flags.bits() & 7) << 13;
            if large && index > 0 {
                let [_, high] = flags.to_le_bytes();
                *line.get_mut(1)? |= high;
            } else {
                offset |= flags;
            }
            page.get_mut(header_len + end..)?.get_mut(..line.len())?.copy_from_slice(&line);
            end += line.len();
            let tag_at = page.len().checked_sub(4 * (index + 1))?;
            put(&mut page, tag_at, &len.to_le_bytes());
            put(&mut page, tag_at + 2, &offset.to_le_bytes());
        }
        let free = page.len().checked_sub(header_len + end + 4 * count)?;
        let header = PageHeader {
            flags: self.flags,
            objid: self.objid,
            free: u16::try_from(free).ok()?,
            first_free: u16::try_from(end).ok()?,
            tag_state: u16::try_from(count).ok().filter(|&count| count < 0x1000)?,
            ..PageHeader::parse(&vec![0; page.len()])?
        };
        header.write(&mut page);
        Some(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::NodePage;

    #[test]
    fn page_is_filled_to_the_last_byte_and_no_further() {
        for size in PageSize::ALL {
            let most = size.bytes() - size.page_header_len() - 8;
            let build = |len| {
                PageBuilder::new(size, PageFlags::LEAF)
                    .line(NodeFlags::empty(), &vec![0; len])
                    .build()
            };
            let full = build(most).unwrap();
            assert_eq!(NodePage::new(&full).unwrap().header().free, 0);
            assert!(build(most + 1).is_none());
        }
    }

    #[test]
    fn more_tags_than_can_be_counted_are_refused() {
        let mut page = PageBuilder::new(PageSize::KIB_32, PageFlags::LEAF);
        for _ in 0..0x1000 {
            page = page.line(NodeFlags::empty(), &[0, 0]);
        }
        assert!(page.build().is_none());
    }
}
