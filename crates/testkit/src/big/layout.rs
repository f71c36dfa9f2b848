//! One page being filled, line by line.
//!
//! The external header (tag 0) is placed behind the lines, when the page is finished: a root gets
//! its space header only then. Its room is kept from the start.

use ese_format::node::NodeFlags;
use ese_format::page::{PageFlags, PageHeader};
use ese_format::{PageNumber, PageSize};

/// What the header of a finished page says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// Object id of the tree.
    pub(super) objid: u32,
    /// Flags; those of the current formats are added.
    pub(super) flags: PageFlags,
    /// Left sibling.
    pub(super) previous: u32,
    /// Right sibling.
    pub(super) next: u32,
}

/// A page with its lines; used again for the next page.
#[derive(Debug)]
pub(super) struct Filling {
    size: PageSize,
    bytes: Vec<u8>,
    end: usize,
    tags: usize,
    external_room: usize,
}

impl Filling {
    /// An empty page that keeps `external_room` bytes for its external header.
    pub(super) fn new(size: PageSize, external_room: usize) -> Self {
        let mut page = Self { size, bytes: Vec::new(), end: 0, tags: 0, external_room };
        page.clear(external_room);
        page
    }

    /// Begins the next page.
    pub(super) fn clear(&mut self, external_room: usize) {
        self.bytes.clear();
        self.bytes.resize(self.size.bytes(), 0);
        self.end = 0;
        self.tags = 1;
        self.external_room = external_room;
    }

    /// Whether there are no lines.
    pub(super) fn is_empty(&self) -> bool {
        self.tags == 1
    }

    /// Whether a line of `len` bytes fits and `spare` bytes are left then.
    pub(super) fn fits(&self, len: usize, spare: usize) -> bool {
        let used = self.end + 4 * (self.tags + 1) + self.external_room + spare;
        used + len <= self.size.bytes() - self.size.page_header_len() && self.tags < 0xFFE
    }

    /// Appends a line made of `parts`.
    pub(super) fn push(&mut self, flags: NodeFlags, parts: &[&[u8]]) {
        let start = self.size.page_header_len() + self.end;
        let mut at = start;
        for part in parts {
            self.bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        self.tag(self.tags, flags, at - start);
        self.tags += 1;
        self.end += at - start;
    }

    fn tag(&mut self, index: usize, flags: NodeFlags, len: usize) {
        let mut offset = u16::try_from(self.end).unwrap();
        let flags = u16::from(flags.bits() & 7) << 13;
        if self.size.is_large() && flags != 0 {
            let [_, high] = flags.to_le_bytes();
            self.bytes[self.size.page_header_len() + self.end + 1] |= high;
        } else {
            offset |= flags;
        }
        let tag_at = self.size.bytes() - 4 * (index + 1);
        let len = u16::try_from(len).unwrap();
        self.bytes[tag_at..tag_at + 2].copy_from_slice(&len.to_le_bytes());
        self.bytes[tag_at + 2..tag_at + 4].copy_from_slice(&offset.to_le_bytes());
    }

    /// The finished page, but for clock and checksum.
    pub(super) fn finish(&mut self, head: Head, external: &[u8]) -> &mut [u8] {
        assert!(external.len() <= self.external_room, "room was kept");
        let start = self.size.page_header_len() + self.end;
        self.bytes[start..start + external.len()].copy_from_slice(external);
        self.tag(0, NodeFlags::empty(), external.len());
        self.end += external.len();
        let data = self.size.bytes() - self.size.page_header_len();
        let header = PageHeader {
            objid: head.objid,
            flags: head.flags | PageFlags::NEW_RECORD_FORMAT | PageFlags::NEW_CHECKSUM_FORMAT,
            previous: PageNumber(head.previous),
            next: PageNumber(head.next),
            free: u16::try_from(data - self.end - 4 * self.tags).unwrap(),
            first_free: u16::try_from(self.end).unwrap(),
            tag_state: u16::try_from(self.tags).unwrap(),
            ..PageHeader::parse(&vec![0; self.size.bytes()]).unwrap()
        };
        header.write(&mut self.bytes);
        &mut self.bytes
    }
}
