//! A page in memory, verified once when it was read.

use ese_format::node::{Node, NodePage};
use ese_format::page::{PageFlags, PageHeader, structure};
use ese_format::{PageNumber, page};

/// A page whose checksums hold and whose tags are sound; its nodes can be taken apart.
#[derive(Debug)]
pub struct Page {
    number: PageNumber,
    header: PageHeader,
    corrected: bool,
    bytes: Box<[u8]>,
}

/// Why bytes are not a page that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// Never written.
    #[error("it was never written, but a tree uses it")]
    Zeroed,
    /// A checksum or number that does not hold.
    #[error("{0}")]
    Damaged(page::Damage),
    /// The checksums hold, but what they cover is no sound page.
    #[error("its checksum holds, but {0}")]
    Structure(structure::StructureError),
}

impl Page {
    /// Judges the bytes of page `number`; a single wrong bit in a block is put right in the copy
    /// that the page keeps.
    pub fn new(bytes: &[u8], number: PageNumber) -> Result<Self, PageError> {
        let mut corrected = None;
        match page::verify(bytes, number) {
            page::PageState::Valid(_) => {}
            page::PageState::Correctable(correction) => {
                let mut copy = bytes.to_vec();
                page::correct(&mut copy, &correction);
                corrected = Some(copy);
            }
            page::PageState::Zeroed => return Err(PageError::Zeroed),
            page::PageState::Damaged(damage) => return Err(PageError::Damaged(damage)),
        }
        let bytes = corrected.as_deref().unwrap_or(bytes);
        structure::check(bytes).map_err(PageError::Structure)?;
        let header = PageHeader::parse(bytes)
            .ok_or(PageError::Structure(structure::StructureError::Length))?;
        Ok(Self { number, header, corrected: corrected.is_some(), bytes: bytes.into() })
    }

    /// Its number.
    pub fn number(&self) -> PageNumber {
        self.number
    }

    /// Its header.
    pub fn header(&self) -> &PageHeader {
        &self.header
    }

    /// Flags of its header.
    pub fn flags(&self) -> PageFlags {
        self.header.flags
    }

    /// Whether it is a leaf of its tree.
    pub fn is_leaf(&self) -> bool {
        self.header.flags.contains(PageFlags::LEAF)
    }

    /// Whether a wrong bit was put right after reading.
    pub fn is_corrected(&self) -> bool {
        self.corrected
    }

    /// All bytes, as the file has them but for corrected bits.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its bytes, without copying them.
    pub(crate) fn into_bytes(self) -> Box<[u8]> {
        self.bytes
    }

    /// The page as a row of nodes.
    pub fn nodes(&self) -> NodePage<'_> {
        NodePage::with_header(&self.bytes, self.header)
    }

    /// The number of lines.
    pub fn node_count(&self) -> usize {
        self.nodes().node_count()
    }

    /// The node of line `index`; `None` if there is none or it is not sound.
    pub fn node(&self, index: usize) -> Option<Node<'_>> {
        self.nodes().node(index)
    }

    /// Content of tag 0.
    pub fn external_header(&self) -> &[u8] {
        self.nodes().external_header().unwrap_or_default()
    }
}
