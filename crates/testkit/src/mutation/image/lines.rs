//! The lines of a page: tags and nodes, and changes that keep the page's bookkeeping right.
//!
//! ```text
//! page: header | data area, upwards          free          tags, downwards |
//! tag:  u16 length, u16 offset from the end of the header; tag 0 is the external header
//! node: [u16 prefix length, if compressed] u16 suffix length, suffix, data
//! ```
//!
//! The node's three flag bits are the top of the offset word (up to 8 KiB) or of the node's first
//! word (16 and 32 KiB). Free bytes + lengths + 4 for each tag = data area.
//!
//! Source: ESE `CPAGE` (cpage.cxx), `NDIGetKeydataflags` (node.cxx).

use super::{Image, field, flag};

/// Node flags.
const COMPRESSED: u8 = 4;
const LENGTH: u16 = 0x1FFF;

/// A node and where its parts lie in the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// 1 versioned, 2 deleted, 4 compressed.
    pub flags: u8,
    /// Offset in the page of the first byte.
    pub at: usize,
    /// Offset of the key's stored suffix; its length is the word before it.
    pub suffix: usize,
    /// Offset of the data.
    pub data: usize,
    /// Offset of the first byte behind the node.
    pub end: usize,
    /// The whole key.
    pub key: Vec<u8>,
}

impl Node {
    /// Whether the node is flagged deleted.
    pub fn is_deleted(&self) -> bool {
        self.flags & 2 != 0
    }
}

#[derive(Debug, Clone, Copy)]
struct Tag {
    len: usize,
    offset: usize,
    /// The top bits of the offset word of a small page.
    flags: u16,
}

impl Image {
    fn mask(&self) -> u16 {
        if self.is_large() { 0x7FFF } else { LENGTH }
    }

    /// Offset in the page of tag `index`.
    pub fn tag_at(&self, index: usize) -> usize {
        self.page_size() - 4 * (index + 1)
    }

    /// Offset in the page of the tag of line `line`.
    pub fn line_tag_at(&self, page: u32, line: usize) -> usize {
        self.tag_at(self.reserved(page) + line)
    }

    fn tag(&self, page: u32, index: usize) -> Tag {
        let at = self.tag_at(index);
        let (len, offset) = (self.u16(page, at), self.u16(page, at + 2));
        let flags = if self.is_large() { 0 } else { offset & !LENGTH };
        Tag {
            len: usize::from(len & self.mask()),
            offset: usize::from(offset & self.mask()),
            flags,
        }
    }

    fn put_tag(&mut self, page: u32, index: usize, tag: Tag) {
        let at = self.tag_at(index);
        self.put_u16(page, at, u16::try_from(tag.len).unwrap());
        self.put_u16(page, at + 2, u16::try_from(tag.offset).unwrap() | tag.flags);
    }

    fn tag_count(&self, page: u32) -> usize {
        usize::from(self.u16(page, field::TAGS) & 0x0FFF)
    }

    fn put_tag_count(&mut self, page: u32, count: usize) {
        let reserved = self.u16(page, field::TAGS) & 0xF000;
        self.put_u16(page, field::TAGS, reserved | u16::try_from(count).unwrap());
    }

    fn reserved(&self, page: u32) -> usize {
        usize::from(self.u16(page, field::TAGS) >> 12 & 7).max(1)
    }

    /// Number of nodes of a page.
    pub fn line_count(&self, page: u32) -> usize {
        self.tag_count(page) - self.reserved(page)
    }

    /// Offset in the page and length of the external header.
    pub fn external_header(&self, page: u32) -> (usize, usize) {
        let tag = self.tag(page, 0);
        (self.header_len() + tag.offset, tag.len)
    }

    /// What compressed nodes of the page share.
    pub fn prefix(&self, page: u32) -> Vec<u8> {
        let (at, len) = self.external_header(page);
        let header = &self.page(page)[at..at + len];
        let flags = self.flags(page);
        if flags & flag::ROOT == 0 {
            header.to_vec()
        } else if flags & flag::SPACE != 0 {
            header.get(16..).unwrap_or_default().to_vec()
        } else {
            Vec::new()
        }
    }

    /// Node `line` of a page.
    pub fn node(&self, page: u32, line: usize) -> Node {
        let tag = self.tag(page, self.reserved(page) + line);
        let at = self.header_len() + tag.offset;
        let first = self.u16(page, at);
        let flags = if self.is_large() { first >> 13 } else { tag.flags >> 13 };
        let flags = u8::try_from(flags).unwrap();
        let end = at + tag.len;
        let mut key = Vec::new();
        let mut suffix = at + 2;
        if flags & COMPRESSED != 0 {
            key.extend_from_slice(&self.prefix(page)[..usize::from(first & LENGTH)]);
            suffix += 2;
        }
        let data = suffix + usize::from(self.u16(page, suffix - 2) & LENGTH);
        key.extend_from_slice(&self.page(page)[suffix..data]);
        Node { flags, at, suffix, data, end, key }
    }

    /// Every node of a page.
    pub fn nodes(&self, page: u32) -> Vec<Node> {
        (0..self.line_count(page)).map(|line| self.node(page, line)).collect()
    }

    /// The data of node `line`.
    pub fn data(&self, page: u32, line: usize) -> &[u8] {
        let node = self.node(page, line);
        &self.page(page)[node.data..node.end]
    }

    /// Sets and clears node flags of line `line`.
    pub fn change_node_flags(&mut self, page: u32, line: usize, set: u8, clear: u8) {
        let at = if self.is_large() {
            self.node(page, line).at
        } else {
            self.line_tag_at(page, line) + 2
        };
        let word = self.u16(page, at) & !(u16::from(clear) << 13) | u16::from(set) << 13;
        self.put_u16(page, at, word);
    }

    /// Flags node `line` as deleted.
    pub fn flag_deleted(&mut self, page: u32, line: usize) {
        self.change_node_flags(page, line, 2, 0);
    }

    /// Removes node `line`: its tag, its bytes, the page's bookkeeping.
    pub fn remove(&mut self, page: u32, line: usize) {
        let (index, count) = (self.reserved(page) + line, self.tag_count(page));
        let removed = self.tag(page, index);
        for later in index + 1..count {
            let tag = self.tag(page, later);
            self.put_tag(page, later - 1, tag);
        }
        self.put_tag_count(page, count - 1);
        let free = usize::from(self.u16(page, field::FREE)) + removed.len + 4;
        self.put_u16(page, field::FREE, u16::try_from(free).unwrap());
        if removed.offset + removed.len == usize::from(self.u16(page, field::DATA_END)) {
            self.put_u16(page, field::DATA_END, u16::try_from(removed.offset).unwrap());
        }
    }

    /// Inserts a node, without prefix compression, before line `line`.
    ///
    /// # Panics
    ///
    /// Where the page has no room for it.
    pub fn insert(&mut self, page: u32, line: usize, flags: u8, key: &[u8], data: &[u8]) {
        let mut node = u16::try_from(key.len()).unwrap().to_le_bytes().to_vec();
        node.extend_from_slice(key);
        node.extend_from_slice(data);
        self.insert_bytes(page, line, flags & !COMPRESSED, &node);
    }

    /// Inserts the bytes of a node before line `line`.
    pub fn insert_bytes(&mut self, page: u32, line: usize, flags: u8, node: &[u8]) {
        let free = usize::from(self.u16(page, field::FREE));
        assert!(free >= node.len() + 4, "page {page} has no room for {} bytes", node.len());
        let (index, count) = (self.reserved(page) + line, self.tag_count(page));
        let data_len = self.page_size() - self.header_len();
        if data_len - usize::from(self.u16(page, field::DATA_END)) - 4 * count < node.len() + 4 {
            self.close_gaps(page);
        }
        for later in (index..count).rev() {
            let tag = self.tag(page, later);
            self.put_tag(page, later + 1, tag);
        }
        self.put_tag_count(page, count + 1);
        let offset = usize::from(self.u16(page, field::DATA_END));
        let in_tag = if self.is_large() { 0 } else { u16::from(flags) << 13 };
        self.put_tag(page, index, Tag { len: node.len(), offset, flags: in_tag });
        let at = self.header_len() + offset;
        self.put(page, at, node);
        if self.is_large() {
            self.put_u16(page, at, self.u16(page, at) & LENGTH | u16::from(flags) << 13);
        }
        self.put_u16(page, field::DATA_END, u16::try_from(offset + node.len()).unwrap());
        let left = u16::try_from(free - node.len() - 4).unwrap();
        self.put_u16(page, field::FREE, left);
        self.put_u16(page, field::UNCOMMITTED, self.u16(page, field::UNCOMMITTED).min(left));
    }

    /// Moves the data of all tags together.
    fn close_gaps(&mut self, page: u32) {
        let before = self.page(page).to_vec();
        let mut order: Vec<usize> = (0..self.tag_count(page)).collect();
        order.sort_by_key(|&index| self.tag(page, index).offset);
        let mut end = 0;
        for index in order {
            let mut tag = self.tag(page, index);
            let from = self.header_len() + tag.offset;
            self.put(page, self.header_len() + end, &before[from..from + tag.len]);
            tag.offset = end;
            end += tag.len;
            self.put_tag(page, index, tag);
        }
        self.put_u16(page, field::DATA_END, u16::try_from(end).unwrap());
    }

    /// Gives node `line` other data of any length; key and flags stay.
    pub fn replace_data(&mut self, page: u32, line: usize, data: &[u8]) {
        let node = self.node(page, line);
        if node.end - node.data == data.len() {
            return self.put(page, node.data, data);
        }
        let bytes = [&self.page(page)[node.at..node.data], data].concat();
        self.remove(page, line);
        self.insert_bytes(page, line, node.flags, &bytes);
    }

    /// Gives node `line` another key and other data; the flags stay.
    pub fn replace(&mut self, page: u32, line: usize, key: &[u8], data: &[u8]) {
        let flags = self.node(page, line).flags;
        self.remove(page, line);
        self.insert(page, line, flags, key, data);
    }

    /// Moves node `line` so that it becomes the one at `to`.
    pub fn move_line(&mut self, page: u32, line: usize, to: usize) {
        let node = self.node(page, line);
        let data = self.data(page, line).to_vec();
        self.remove(page, line);
        self.insert(page, to, node.flags, &node.key, &data);
    }

    /// Replaces tag 0 of a page that has no node by these bytes.
    pub fn put_external_header(&mut self, page: u32, bytes: &[u8]) {
        assert_eq!(self.tag_count(page), 1, "page {page} has nodes");
        let at = self.header_len();
        let free = self.page_size() - at - 4 - bytes.len();
        self.put(page, at, bytes);
        self.put_tag(page, 0, Tag { len: bytes.len(), offset: 0, flags: 0 });
        self.put_u16(page, field::DATA_END, u16::try_from(bytes.len()).unwrap());
        self.put_u16(page, field::FREE, u16::try_from(free).unwrap());
    }

    /// Makes a page that has nodes begin with another external header.
    pub fn replace_external_header(&mut self, page: u32, bytes: &[u8]) {
        let nodes: Vec<(Node, Vec<u8>)> = (0..self.line_count(page))
            .map(|line| (self.node(page, line), self.data(page, line).to_vec()))
            .collect();
        self.clear_lines(page);
        self.put_external_header(page, bytes);
        for (line, (node, data)) in nodes.iter().enumerate() {
            self.insert(page, line, node.flags, &node.key, data);
        }
    }

    /// Removes every node of a page.
    pub fn clear_lines(&mut self, page: u32) {
        while self.line_count(page) > 0 {
            self.remove(page, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the engine checks of a page's bookkeeping.
    fn assert_adds_up(image: &Image, page: u32) {
        let tags = (0..image.tag_count(page)).map(|index| image.tag(page, index));
        let used: usize = tags.map(|tag| tag.len + 4).sum();
        let free = usize::from(image.u16(page, field::FREE));
        assert_eq!(used + free, image.page_size() - image.header_len(), "page {page}");
        let end = usize::from(image.u16(page, field::DATA_END));
        assert!(end + 4 * image.tag_count(page) + image.header_len() <= image.page_size());
    }

    fn content(image: &Image, page: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
        let nodes = image.nodes(page).into_iter();
        nodes.map(|node| (node.key, image.page(page)[node.data..node.end].to_vec())).collect()
    }

    #[test]
    fn changed_pages_keep_their_nodes_and_their_bookkeeping() {
        for base in crate::CLEAN {
            let mut image = Image::of(base);
            let page = image.index("alltypes", "by_short");
            let before = content(&image, page);
            for line in 0..image.line_count(page) {
                image.move_line(page, line, 0);
                assert_adds_up(&image, page);
                image.move_line(page, 0, line);
                assert_adds_up(&image, page);
            }
            assert_eq!(content(&image, page), before, "{base}");
            while image.u16(page, field::FREE) > 40 {
                image.insert(page, 3, 2, b"key", b"some data");
                assert_adds_up(&image, page);
            }
            assert!(image.node(page, 3).is_deleted());
            image.close_gaps(page);
            assert_adds_up(&image, page);
            let mut after = content(&image, page);
            after.retain(|(key, _)| key != b"key");
            assert_eq!(after, before, "{base}");
        }
    }

    #[test]
    fn data_of_another_length_keeps_a_compressed_key() {
        let mut image = Image::of("clean_4k");
        let page = image.leaves(super::super::root::CATALOG)[1];
        let mut lines = 0..image.line_count(page);
        let line = lines.find(|&line| image.node(page, line).flags & COMPRESSED != 0).unwrap();
        let before = image.node(page, line);
        image.replace_data(page, line, b"short");
        let after = image.node(page, line);
        assert_eq!((&after.key, after.flags), (&before.key, before.flags));
        assert_eq!(image.data(page, line), b"short");
        assert_adds_up(&image, page);
    }
}
