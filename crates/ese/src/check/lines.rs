//! The lines of a page, one after the other, with all that is to be judged in them.
//!
//! The same nodes as [`ese_format::node::NodePage`] gives, and the bits that it passes over. The
//! prefix of the page is looked up once, so a pass over all lines costs little more than the
//! comparisons of their keys.

use std::cmp::Ordering;

use ese_format::node::{Node, NodeFlags};
use ese_format::page::PageFlags;

use crate::Page;

/// The lines of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    /// Where the data area begins.
    base: usize,
    large: bool,
    reserved: usize,
    count: usize,
    prefix: &'a [u8],
}

/// A line taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) node: Node<'a>,
    /// Whether a length has bits set that no length can have.
    pub(super) stray_bits: bool,
}

/// Why a line is no node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    #[error("it ends within its key")]
    Key,
    #[error("it takes {wanted} bytes of the page's prefix, which has {found}")]
    Prefix { wanted: usize, found: usize },
    #[error("it lies outside of the page")]
    Outside,
}

impl<'a> Lines<'a> {
    /// The lines of a page whose tags are sound.
    pub(super) fn of(page: &'a Page) -> Self {
        let header = page.header();
        let large = header.large.is_some();
        let reserved = header.reserved_tags();
        let external = page.external_header();
        let prefix = if !page.flags().contains(PageFlags::ROOT) {
            external
        } else if page.flags().contains(PageFlags::SPACE_TREE) {
            external.get(SPLIT_BUFFER_LEN..).unwrap_or_default()
        } else {
            &[]
        };
        Self {
            bytes: page.bytes(),
            base: if large { 80 } else { 40 },
            large,
            reserved,
            count: header.tag_count().saturating_sub(reserved),
            prefix,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Line `index`.
    #[inline]
    pub(super) fn line(&self, index: usize) -> Result<Line<'a>, LineError> {
        let tag = self.reserved + index + 1;
        let at = self.bytes.len().saturating_sub(4 * tag);
        let (len, offset) = (word(self.bytes, at)?, word(self.bytes, at + 2)?);
        let mask = if self.large { 0x7FFF } else { 0x1FFF };
        let begin = self.base + usize::from(offset & mask);
        let end = begin + usize::from(len & mask);
        let line = self.bytes.get(begin..end).ok_or(LineError::Outside)?;
        let first = word(line, 0).map_err(|_| LineError::Key)?;
        let flag_word = if self.large { first } else { offset };
        let [_, high] = flag_word.to_le_bytes();
        let flags = NodeFlags::from_bits_retain(high >> 5);
        let mut stray_bits = !self.large && first & !LENGTH != 0;
        let first = usize::from(first & LENGTH);
        let (prefix, suffix_len, rest) = if flags.contains(NodeFlags::COMPRESSED) {
            let second = word(line, 2).map_err(|_| LineError::Key)?;
            stray_bits |= second & !LENGTH != 0;
            let found = self.prefix.len();
            let prefix =
                self.prefix.get(..first).ok_or(LineError::Prefix { wanted: first, found })?;
            (prefix, usize::from(second & LENGTH), line.get(4..).unwrap_or_default())
        } else {
            (&[][..], first, line.get(2..).unwrap_or_default())
        };
        let (suffix, data) = rest.split_at_checked(suffix_len).ok_or(LineError::Key)?;
        Ok(Line { node: Node { flags, prefix, suffix, data }, stray_bits })
    }
}

/// Bits of a length word that hold the length. ESE: `usNDCbKeyMask`.
const LENGTH: u16 = 0x1FFF;

/// The split buffer in front of the prefix of a space tree's root, in bytes.
pub(super) const SPLIT_BUFFER_LEN: usize = 16;

#[inline]
fn word(bytes: &[u8], at: usize) -> Result<u16, LineError> {
    match bytes.get(at..).and_then(<[u8]>::first_chunk::<2>) {
        Some(word) => Ok(u16::from_le_bytes(*word)),
        None => Err(LineError::Outside),
    }
}

/// Compares the keys of two nodes of the same page, of which one may begin with more of the
/// page's prefix than the other.
#[inline]
pub(super) fn cmp_keys(a: &Node<'_>, b: &Node<'_>) -> Ordering {
    let common = a.prefix.len().min(b.prefix.len());
    let (rest_a, rest_b) = (a.prefix.get(common..), b.prefix.get(common..));
    match (rest_a.unwrap_or_default(), rest_b.unwrap_or_default()) {
        ([], []) => a.suffix.cmp(b.suffix),
        ([], rest) => cmp_split(rest, b.suffix, a.suffix).reverse(),
        (rest, _) => cmp_split(rest, a.suffix, b.suffix),
    }
}

/// Compares `head` and `tail`, joined, with `other`.
fn cmp_split(head: &[u8], tail: &[u8], other: &[u8]) -> Ordering {
    match other.split_at_checked(head.len()) {
        Some((begin, rest)) => head.cmp(begin).then_with(|| tail.cmp(rest)),
        None => head.cmp(other),
    }
}

#[cfg(test)]
mod tests {
    use ese_format::page_builder::PageBuilder;
    use ese_format::{PageNumber, PageSize, page};
    use proptest::prelude::*;

    use super::*;

    fn page(size: PageSize, lines: &[(NodeFlags, Vec<u8>)]) -> Page {
        let flags = PageFlags::LEAF | PageFlags::NEW_RECORD_FORMAT;
        let mut builder = PageBuilder::new(size, flags).external_header(b"abcdef");
        for (flags, line) in lines {
            builder = builder.line(*flags, line);
        }
        let mut bytes = builder.build().unwrap();
        page::seal(&mut bytes, PageNumber(1));
        Page::new(&bytes, PageNumber(1)).unwrap()
    }

    proptest! {
        #[test]
        fn lines_are_the_nodes_of_the_page(
            nodes in proptest::collection::vec(
                (0_u8..8, proptest::collection::vec(0_u8..9, 2..14)), 1..20),
            large: bool,
        ) {
            let size = if large { PageSize::KIB_16 } else { PageSize::KIB_4 };
            let lines: Vec<_> = nodes
                .into_iter()
                .map(|(flags, line)| (NodeFlags::from_bits_retain(flags), line))
                .collect();
            let page = page(size, &lines);
            let walked = Lines::of(&page);
            prop_assert_eq!(walked.count(), page.node_count());
            let mut previous: Option<Node<'_>> = None;
            for index in 0..walked.count() {
                let line = walked.line(index).ok().map(|line| line.node);
                prop_assert_eq!(line, page.node(index));
                if let (Some(a), Some(b)) = (previous, line) {
                    prop_assert_eq!(cmp_keys(&a, &b), a.key().cmp(&b.key()));
                }
                previous = line.or(previous);
            }
        }
    }

    #[test]
    fn bits_that_no_length_has_are_seen() {
        let page = page(
            PageSize::KIB_8,
            &[
                (NodeFlags::empty(), vec![1, 0x20, b'k', b'd']),
                (NodeFlags::COMPRESSED, vec![3, 0, 1, 0x80, b'k', b'd']),
                (NodeFlags::COMPRESSED, vec![3, 0, 1, 0, b'k', b'd']),
                (NodeFlags::COMPRESSED, vec![7, 0, 1, 0, b'k', b'd']),
                (NodeFlags::empty(), vec![9, 0, b'k', b'd']),
            ],
        );
        let lines = Lines::of(&page);
        let stray: Vec<_> = (0..5).map(|i| lines.line(i).map(|line| line.stray_bits)).collect();
        assert_eq!(
            stray,
            [
                Ok(true),
                Ok(true),
                Ok(false),
                Err(LineError::Prefix { wanted: 7, found: 6 }),
                Err(LineError::Key)
            ]
        );
    }
}
