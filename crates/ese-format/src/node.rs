//! Tags and nodes of a page.
//!
//! The tag array grows down from the end of the page; tag i takes the four bytes at
//! `page size - 4 * (i + 1)`: length, then offset from the end of the page header. Tag 0 is the
//! external header (space header of a root, key prefix of other pages); the lines follow.
//!
//! ```text
//!            length (word 0)   offset (word 1)   node flags
//! up to 8K   bits 0-12         bits 0-12         bits 13-15 of word 1
//! above      bits 0-14         bits 0-14         bits 13-15 of the line's first word
//!
//! line:  [u16 prefix length, if compressed]  u16 suffix length  suffix  data
//! ```
//!
//! Other bits of the tag are not always zero in good files and have no meaning.
//! Source: ESE `CPAGE::TAG` (cpage.hxx), `NDIGetKeydataflags` (node.cxx).

use alloc::vec::Vec;
use core::cmp::Ordering;

use bitflags::bitflags;
use thiserror::Error;

use crate::le::u16_at;
use crate::page::{PageFlags, PageHeader};

bitflags! {
    /// Flags of a node. ESE: `fND...`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct NodeFlags: u8 {
        /// There may have been a version; means nothing in a file at rest.
        const VERSION = 1;
        /// Deleted, and not cleaned up yet.
        const DELETED = 2;
        /// The key begins with a part of the page's prefix.
        const COMPRESSED = 4;
        const _ = !0;
    }
}

/// One tag: where a line lies in the data area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// From the end of the page header, in bytes.
    pub offset: usize,
    /// In bytes.
    pub len: usize,
    /// Flags that a small page has in the tag; empty in a large page.
    flags: NodeFlags,
}

/// One line of a page, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node<'a> {
    /// Flags.
    pub flags: NodeFlags,
    /// The part of the key that the page's prefix holds.
    pub prefix: &'a [u8],
    /// The rest of the key.
    pub suffix: &'a [u8],
    /// What follows the key.
    pub data: &'a [u8],
}

impl Node<'_> {
    /// The whole key.
    pub fn key(&self) -> Vec<u8> {
        [self.prefix, self.suffix].concat()
    }

    /// Length of the whole key in bytes.
    pub fn key_len(&self) -> usize {
        self.prefix.len() + self.suffix.len()
    }

    /// Puts the whole key in place of what `key` holds.
    pub fn key_into(&self, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(self.prefix);
        key.extend_from_slice(self.suffix);
    }

    /// Compares the whole key with `other`, as trees order keys: byte by byte, then by length.
    pub fn cmp_key(&self, other: &[u8]) -> Ordering {
        cmp_joined(self.prefix, self.suffix, other)
    }

    /// Compares the whole keys of two nodes of the same page, of which one may take more of the
    /// page's prefix than the other.
    #[inline]
    pub fn cmp_key_of(&self, other: &Self) -> Ordering {
        let common = self.prefix.len().min(other.prefix.len());
        let rest = |node: &Self| node.prefix.get(common..).unwrap_or_default();
        match (rest(self), rest(other)) {
            ([], []) => self.suffix.cmp(other.suffix),
            ([], rest) => cmp_joined(rest, other.suffix, self.suffix).reverse(),
            (rest, _) => cmp_joined(rest, self.suffix, other.suffix),
        }
    }

    /// Whether it is deleted and only waits for being cleaned up.
    pub fn is_deleted(&self) -> bool {
        self.flags.contains(NodeFlags::DELETED)
    }
}

/// A line taken apart, with what a check wants to know beyond the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The node.
    pub node: Node<'a>,
    /// Whether a length has bits set that no length can have; on a large page the upper bits of
    /// the first one are the node's flags.
    pub stray_bits: bool,
}

/// Why a line is no node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LineError {
    /// The page has no such line, or it lies outside of the page.
    #[error("it lies outside of the page")]
    Outside,
    /// The line is shorter than its key.
    #[error("it ends within its key")]
    Key,
    /// It takes more of the page's prefix than there is.
    #[error("it takes {wanted} bytes of the page's prefix, which has {found}")]
    Prefix {
        /// Bytes that it takes.
        wanted: usize,
        /// Bytes that there are.
        found: usize,
    },
}

/// A page as a row of nodes. The checksum should have been verified before.
#[derive(Debug, Clone, Copy)]
pub struct NodePage<'a> {
    bytes: &'a [u8],
    header: PageHeader,
    /// What compressed keys of the page begin with.
    prefix: &'a [u8],
}

impl<'a> NodePage<'a> {
    /// Looks at a page; `None` if its length is no page size.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        Some(Self::with_header(bytes, PageHeader::parse(bytes)?))
    }

    /// The same with a header that was read from these bytes before.
    #[inline]
    pub fn with_header(bytes: &'a [u8], header: PageHeader) -> Self {
        let mut page = Self { bytes, header, prefix: &[] };
        if !header.flags.contains(PageFlags::ROOT) {
            page.prefix = page.external_header().unwrap_or_default();
        } else if header.flags.contains(PageFlags::SPACE_TREE) {
            // The root of a space tree has its split buffer in front of the prefix.
            let external = page.external_header().unwrap_or_default();
            page.prefix = external.get(SPLIT_BUFFER_LEN..).unwrap_or_default();
        }
        page
    }

    /// The page's header.
    pub fn header(&self) -> &PageHeader {
        &self.header
    }

    /// Content of tag 0; `None` if it lies outside of the page.
    #[inline]
    pub fn external_header(&self) -> Option<&'a [u8]> {
        if self.header.tag_count() == 0 {
            return None;
        }
        self.bytes_of(tag_at(self.bytes, &self.header, 0))
    }

    /// What compressed keys of the page begin with.
    pub fn prefix(&self) -> &'a [u8] {
        self.prefix
    }

    /// The number of lines.
    pub fn node_count(&self) -> usize {
        self.header.tag_count().saturating_sub(self.header.reserved_tags())
    }

    /// The node of line `index`; `None` if there is none or it is not sound.
    #[inline]
    pub fn node(&self, index: usize) -> Option<Node<'a>> {
        self.line(index).ok().map(|line| line.node)
    }

    /// Line `index`, taken apart.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    #[inline]
    pub fn line(&self, index: usize) -> Result<Line<'a>, LineError> {
        let index = index.saturating_add(self.header.reserved_tags());
        if index >= self.header.tag_count() {
            return Err(LineError::Outside);
        }
        let tag = tag_at(self.bytes, &self.header, index);
        let line = self.bytes_of(tag).ok_or(LineError::Outside)?;
        let (first, rest) = split_word(line).ok_or(LineError::Key)?;
        let large = self.header.large.is_some();
        let flags = if large { node_flags(first) } else { tag.flags };
        let mut stray_bits = !large && first & !KEY_LEN != 0;
        let first = usize::from(first & KEY_LEN);
        let (prefix, suffix_len, rest) = if flags.contains(NodeFlags::COMPRESSED) {
            let (second, rest) = split_word(rest).ok_or(LineError::Key)?;
            stray_bits |= second & !KEY_LEN != 0;
            let found = self.prefix.len();
            let prefix =
                self.prefix.get(..first).ok_or(LineError::Prefix { wanted: first, found })?;
            (prefix, usize::from(second & KEY_LEN), rest)
        } else {
            (&[][..], first, rest)
        };
        let (suffix, data) = rest.split_at_checked(suffix_len).ok_or(LineError::Key)?;
        Ok(Line { node: Node { flags, prefix, suffix, data }, stray_bits })
    }

    #[inline]
    fn bytes_of(&self, tag: Tag) -> Option<&'a [u8]> {
        let begin = tag.offset.checked_add(header_len(&self.header))?;
        self.bytes.get(begin..begin.checked_add(tag.len)?)
    }
}

/// The split buffer in front of the prefix of a space tree's root, in bytes.
pub const SPLIT_BUFFER_LEN: usize = 16;

/// Bits of a length word that hold the length. ESE: `usNDCbKeyMask`.
const KEY_LEN: u16 = 0x1FFF;

/// All tags of a page that its header says it has.
pub fn tags<'a>(page: &'a [u8], header: &'a PageHeader) -> impl Iterator<Item = Tag> + 'a {
    (0..header.tag_count()).map(|index| tag_at(page, header, index))
}

fn tag_at(page: &[u8], header: &PageHeader, index: usize) -> Tag {
    let at = page.len().saturating_sub(4 * (index + 1));
    let (len, offset) = (u16_at(page, at), u16_at(page, at + 2));
    let large = header.large.is_some();
    let mask = if large { 0x7FFF } else { 0x1FFF };
    Tag {
        offset: usize::from(offset & mask),
        len: usize::from(len & mask),
        flags: if large { NodeFlags::empty() } else { node_flags(offset) },
    }
}

fn header_len(header: &PageHeader) -> usize {
    if header.large.is_some() { 80 } else { 40 }
}

fn node_flags(word: u16) -> NodeFlags {
    let [_, high] = word.to_le_bytes();
    NodeFlags::from_bits_retain(high >> 5)
}

#[inline]
fn split_word(line: &[u8]) -> Option<(u16, &[u8])> {
    let (word, rest) = line.split_first_chunk::<2>()?;
    Some((u16::from_le_bytes(*word), rest))
}

/// Compares `head` and `tail`, joined, with `other`.
fn cmp_joined(head: &[u8], tail: &[u8], other: &[u8]) -> Ordering {
    match other.split_at_checked(head.len()) {
        Some((begin, rest)) => head.cmp(begin).then_with(|| tail.cmp(rest)),
        // `other` ends within the head, so it can only be less or differ before its end.
        None => head.cmp(other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::PageSize;
    use crate::page_builder::PageBuilder;

    #[test]
    fn nodes_are_taken_apart_in_every_size() {
        for size in PageSize::ALL {
            let page = PageBuilder::new(size, PageFlags::LEAF)
                .external_header(b"prefix")
                .node(b"key", b"data")
                .line(NodeFlags::COMPRESSED | NodeFlags::DELETED, b"\x03\0\x02\0!!x")
                .build()
                .unwrap();
            let page = NodePage::new(&page).unwrap();
            assert_eq!(page.node_count(), 2);
            assert_eq!(page.external_header(), Some(&b"prefix"[..]));
            let first = page.node(0).unwrap();
            assert_eq!((first.key().as_slice(), first.data), (&b"key"[..], &b"data"[..]));
            assert!(!first.is_deleted());
            let second = page.node(1).unwrap();
            assert_eq!((second.key().as_slice(), second.data), (&b"pre!!"[..], &b"x"[..]));
            assert!(second.is_deleted());
            assert_eq!(page.node(2), None);
        }
    }

    #[test]
    fn prefix_of_a_space_tree_root_lies_behind_its_split_buffer() {
        let page = PageBuilder::new(PageSize::KIB_8, PageFlags::ROOT | PageFlags::SPACE_TREE)
            .external_header(b"0123456789abcdefPREFIX")
            .line(NodeFlags::COMPRESSED, b"\x03\0\x01\0xd")
            .build()
            .unwrap();
        assert_eq!(NodePage::new(&page).unwrap().node(0).unwrap().key(), b"PREx");
    }

    #[test]
    fn node_longer_than_its_line_is_refused() {
        let page = PageBuilder::new(PageSize::KIB_8, PageFlags::LEAF)
            .line(NodeFlags::empty(), b"\xC8\0short")
            .line(NodeFlags::COMPRESSED, b"\x09\0\0\0d")
            .build()
            .unwrap();
        let page = NodePage::new(&page).unwrap();
        assert_eq!((page.node(0), page.node(1)), (None, None));
    }

    #[test]
    fn bits_that_no_length_has_are_seen() {
        let mut page =
            PageBuilder::new(PageSize::KIB_8, PageFlags::LEAF).external_header(b"abcdef");
        for (flags, line) in [
            (NodeFlags::empty(), b"\x01\x20kd"),
            (NodeFlags::COMPRESSED, b"\x03\0\x01\x80"),
            (NodeFlags::COMPRESSED, b"\x03\0\0\0"),
            (NodeFlags::COMPRESSED, b"\x07\0\x01\0"),
            (NodeFlags::empty(), b"\x09\0kd"),
        ] {
            page = page.line(flags, line);
        }
        let page = page.build().unwrap();
        let page = NodePage::new(&page).unwrap();
        let stray: Vec<_> = (0..5).map(|i| page.line(i).map(|line| line.stray_bits)).collect();
        assert_eq!(
            stray,
            [
                Ok(true),
                Err(LineError::Key),
                Ok(false),
                Err(LineError::Prefix { wanted: 7, found: 6 }),
                Err(LineError::Key),
            ]
        );
    }

    proptest! {
        #[test]
        fn nodes_of_a_page_compare_as_their_whole_keys_do(
            prefix in proptest::collection::vec(0_u8..3, 0..6),
            lens in (0_usize..6, 0_usize..6),
            suffixes in (
                proptest::collection::vec(0_u8..3, 0..4), proptest::collection::vec(0_u8..3, 0..4)),
        ) {
            let node = |len: usize, suffix| Node {
                flags: NodeFlags::empty(),
                prefix: &prefix[..len.min(prefix.len())],
                suffix,
                data: b"",
            };
            let (a, b) = (node(lens.0, &suffixes.0[..]), node(lens.1, &suffixes.1[..]));
            prop_assert_eq!(a.cmp_key_of(&b), a.key().cmp(&b.key()));
        }

        #[test]
        fn keys_compare_as_whole_keys_do(
            prefix in proptest::collection::vec(0_u8..3, 0..4),
            suffix in proptest::collection::vec(0_u8..3, 0..4),
            other in proptest::collection::vec(0_u8..3, 0..8),
        ) {
            let node =
                Node { flags: NodeFlags::empty(), prefix: &prefix, suffix: &suffix, data: b"" };
            prop_assert_eq!(node.cmp_key(&other), node.key().cmp(&other));
        }

        #[test]
        fn any_bytes_are_taken_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 2048),
        ) {
            let page = NodePage::new(&bytes).unwrap();
            let _ = page.external_header();
            for index in 0..page.node_count() {
                let _ = page.node(index);
            }
        }
    }
}
