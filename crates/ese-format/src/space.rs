//! Space: which pages a tree owns.
//!
//! The root page of a tree has a space header in tag 0:
//!
//! ```text
//!  0  4  pages of the primary extent, or of the last one requested
//!  4  4  root page of the parent tree; 0 for page 1
//!  8  4  flags: 1 several extents, 2 keys not unique, 4 second version
//! 12  4  one extent: map of its free pages; several: root page of the tree of owned extents
//! ```
//!
//! Sixteen bytes, or one flag byte and then the parts that it names. The tree of owned extents
//! (OE) has one node an extent: key = last page (big-endian), data = number of pages. The OE tree
//! of page 1 owns the whole database: its last key is the last page.
//!
//! Source: ESE `SPACE_HEADER` (space.hxx), `space.cxx`, `node.hxx`.

use bitflags::bitflags;

use crate::PageNumber;
use crate::le::u32_at;
use crate::node::{Node, NodePage};

bitflags! {
    /// Flags of a space header.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct SpaceFlags: u32 {
        /// Extents are kept in trees of their own.
        const MULTIPLE_EXTENTS = 1;
        /// Keys of the tree need not be unique.
        const NON_UNIQUE = 2;
        /// The first word is the size of the last requested extent.
        const SECOND_VERSION = 4;
        const _ = !0;
    }
}

/// The space header of a tree's root page. ESE: `SPACE_HEADER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceHeader {
    /// Pages of the primary extent, or of the last one requested (second version).
    pub pages: u32,
    /// Root page of the parent tree.
    pub parent: PageNumber,
    /// Flags.
    pub flags: SpaceFlags,
    /// The last word: a map of free pages, or the root of the OE tree.
    pub map_or_owned_root: u32,
}

impl SpaceHeader {
    /// Reads the space header out of tag 0 of a root page.
    pub fn parse(external_header: &[u8]) -> Option<Self> {
        let bytes = match external_header.len() {
            0..16 => return None,
            16 => external_header,
            _ => {
                // The first byte says which parts follow; bit 0 is the space header.
                let (present, rest) = external_header.split_first()?;
                (present & 1 != 0).then_some(rest)?
            }
        };
        let bytes = bytes.get(..16)?;
        Some(Self {
            pages: u32_at(bytes, 0),
            parent: PageNumber(u32_at(bytes, 4)),
            flags: SpaceFlags::from_bits_retain(u32_at(bytes, 8)),
            map_or_owned_root: u32_at(bytes, 12),
        })
    }

    /// The sixteen bytes of it.
    pub fn to_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let words = [self.pages, self.parent.0, self.flags.bits(), self.map_or_owned_root];
        for (target, word) in bytes.chunks_exact_mut(4).zip(words) {
            target.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Root page of the OE tree; `None` for a tree of one extent.
    pub fn owned_extents_root(&self) -> Option<PageNumber> {
        self.flags
            .contains(SpaceFlags::MULTIPLE_EXTENTS)
            .then_some(PageNumber(self.map_or_owned_root))
    }
}

/// A run of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Its last page.
    pub last: PageNumber,
    /// Number of pages.
    pub count: u32,
}

impl Extent {
    /// Reads an extent from a node of an OE tree; `None` if it is not sound.
    pub fn from_owned_node(node: &Node<'_>) -> Option<Self> {
        let last = u32::from_be_bytes(node.key().try_into().ok()?);
        let count = u32::from_le_bytes(node.data.try_into().ok()?);
        let sound = (1..=PageNumber::MAX.0).contains(&last) && (1..=last).contains(&count);
        sound.then_some(Self { last: PageNumber(last), count })
    }

    /// Its first page.
    pub fn first(&self) -> PageNumber {
        PageNumber(self.last.0.saturating_sub(self.count.saturating_sub(1)))
    }
}

/// The child page that a node of an internal page points to.
pub fn child_page(node: &Node<'_>) -> Option<PageNumber> {
    let child = PageNumber(u32::from_le_bytes(node.data.try_into().ok()?));
    (child != PageNumber::NULL && child <= PageNumber::MAX).then_some(child)
}

/// The space header of a tree whose root page is `root`.
pub fn space_header(root: &NodePage<'_>) -> Option<SpaceHeader> {
    SpaceHeader::parse(root.external_header()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PageSize;
    use crate::page::PageFlags;
    use crate::page_builder::PageBuilder;

    #[test]
    fn database_root_names_its_tree_of_owned_extents() {
        let bytes = [0x3E, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0];
        let header = SpaceHeader::parse(&bytes).unwrap();
        assert_eq!(header.owned_extents_root(), Some(PageNumber(2)));
        assert_eq!((header.pages, header.parent), (0x3E, PageNumber::NULL));
    }

    #[test]
    fn single_extent_has_a_map_instead() {
        let bytes = [4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0];
        let header = SpaceHeader::parse(&bytes).unwrap();
        assert_eq!(header.owned_extents_root(), None);
        assert_eq!(header.map_or_owned_root, 7);
    }

    #[test]
    fn header_with_an_auto_increment_value_has_a_flag_byte_in_front() {
        let mut bytes = [0; 25];
        bytes[0] = 3;
        bytes[1] = 16;
        bytes[9] = 5;
        bytes[13] = 32;
        let header = SpaceHeader::parse(&bytes).unwrap();
        assert_eq!(header.owned_extents_root(), Some(PageNumber(32)));
        bytes[0] = 2;
        assert_eq!(SpaceHeader::parse(&bytes), None);
        assert_eq!(SpaceHeader::parse(&bytes[..15]), None);
    }

    #[test]
    fn extents_out_of_range_are_refused() {
        let page = PageBuilder::new(PageSize::KIB_8, PageFlags::LEAF | PageFlags::SPACE_TREE)
            .node(&[0, 0, 0, 0x5E], &[0x20, 0, 0, 0])
            .node(&[0, 0, 0, 0], &[0x20, 0, 0, 0])
            .node(&[0, 0, 0, 1], &[2, 0, 0, 0])
            .node(&[0x80, 0, 0, 0], &[1, 0, 0, 0])
            .node(&[0x80, 0, 0, 0, 1], &[1, 0, 0, 0])
            .build()
            .unwrap();
        let page = NodePage::new(&page).unwrap();
        let extent = Extent::from_owned_node(&page.node(0).unwrap()).unwrap();
        assert_eq!((extent.first(), extent.last), (PageNumber(0x3F), PageNumber(0x5E)));
        for index in 1..5 {
            assert_eq!(Extent::from_owned_node(&page.node(index).unwrap()), None);
        }
    }
}
