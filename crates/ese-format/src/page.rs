//! Database pages: header and flags; [`verify`] judges a page, [`structure`] its inside.
//!
//! ```text
//!  0  8  checksum                   28  2  cbFree: free bytes
//!  8  8  dbtime                     30  2  cbUncommittedFree: of these, held for a rollback
//! 16  4  previous sibling           32  2  ibMicFree: end of the used data area
//! 20  4  next sibling               34  2  itagState: tags in use, reserved tags
//! 24  4  object id of the tree      36  4  flags
//! only pages of more than 8 KiB:
//! 40 24  checksums of blocks 1, 2, 3
//! 64  4  number of this page
//! 68 12  reserved
//! ```
//!
//! Source: ESE `PGHDR`, `PGHDR2` (cpage.hxx).

use bitflags::bitflags;

use crate::checksum::BlockChecksum;
use crate::le::{Fixed, array, put, u64_at};
use crate::{DbTime, PageNumber, PageSize};

pub mod structure;
mod verdict;

pub use verdict::{ChecksumKind, Correction, Damage, PageState, correct, seal, verify};

bitflags! {
    /// Flags of a page. ESE: `CPAGE::fPage...`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct PageFlags: u32 {
        /// Root of a tree or of a space tree.
        const ROOT = 0x0001;
        /// Leaf.
        const LEAF = 0x0002;
        /// Its children are leaves.
        const PARENT_OF_LEAF = 0x0004;
        /// Emptied by a merge: free, its content has no meaning.
        const EMPTY = 0x0008;
        /// Under repair.
        const REPAIR = 0x0010;
        /// Page of a tree of owned or available extents.
        const SPACE_TREE = 0x0020;
        /// Page of a secondary index.
        const INDEX = 0x0040;
        /// Page of a long-value tree.
        const LONG_VALUE = 0x0080;
        /// Secondary index whose keys need not be unique.
        const NON_UNIQUE_KEYS = 0x0400;
        /// Records in the format since Windows 2000.
        const NEW_RECORD_FORMAT = 0x0800;
        /// The checksum is of the XOR-and-ECC family.
        const NEW_CHECKSUM_FORMAT = 0x2000;
        /// Scrubbed, and not changed since.
        const SCRUBBED = 0x4000;
        /// Low bit of the flush type.
        const FLUSH_TYPE_LOW = 0x8000;
        /// High bit of the flush type.
        const FLUSH_TYPE_HIGH = 0x1_0000;
        /// Allocated and not used yet.
        const PREINIT = 0x2_0000;
        /// Root of a deleted tree that a revert put back.
        const FDP_DELETE = 0x4_0000;
        const _ = !0;
    }
}

impl Fixed for PageFlags {
    const SIZE: usize = 4;

    fn read(block: &[u8], at: usize) -> Self {
        Self::from_bits_retain(Fixed::read(block, at))
    }

    fn write(&self, block: &mut [u8], at: usize) {
        self.bits().write(block, at);
    }
}

/// Offset of the flags in a page of any size.
pub(crate) const FLAGS_AT: usize = 36;

/// The header of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageHeader {
    /// Checksum of the page, of a large page's first block; of the old family: XOR and number.
    pub checksum: BlockChecksum,
    /// Clock value of the last change.
    pub dbtime: DbTime,
    /// Left sibling on the leaf level; 0 for none.
    pub previous: PageNumber,
    /// Right sibling on the leaf level; 0 for none.
    pub next: PageNumber,
    /// Object id of the tree.
    pub objid: u32,
    /// Free bytes.
    pub free: u16,
    /// Of these, at most so many that a rollback may take back.
    pub uncommitted_free: u16,
    /// End of the used part of the data area, counted from the end of the header.
    pub first_free: u16,
    /// Tags in use and reserved tags; see [`PageHeader::tag_count`].
    pub tag_state: u16,
    /// Flags.
    pub flags: PageFlags,
    /// What only large pages have.
    pub large: Option<LargePageHeader>,
}

/// The part of the header that only pages of more than 8 KiB have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LargePageHeader {
    /// Checksums of the second, third and fourth block.
    pub later_checksums: [BlockChecksum; 3],
    /// Number of this page.
    pub number: PageNumber,
    /// Zero.
    pub reserved: [u8; 12],
}

impl PageHeader {
    /// Reads the header of a page; `None` if the length is not a page size.
    pub fn parse(page: &[u8]) -> Option<Self> {
        let size = PageSize::new(u32::try_from(page.len()).ok()?)?;
        Some(Self {
            checksum: BlockChecksum(u64_at(page, 0)),
            dbtime: Fixed::read(page, 8),
            previous: Fixed::read(page, 16),
            next: Fixed::read(page, 20),
            objid: Fixed::read(page, 24),
            free: Fixed::read(page, 28),
            uncommitted_free: Fixed::read(page, 30),
            first_free: Fixed::read(page, 32),
            tag_state: Fixed::read(page, 34),
            flags: Fixed::read(page, FLAGS_AT),
            large: size.is_large().then(|| LargePageHeader {
                later_checksums: [40, 48, 56].map(|at| BlockChecksum(u64_at(page, at))),
                number: Fixed::read(page, 64),
                reserved: array(page, 68),
            }),
        })
    }

    /// Writes the header at the beginning of `page`.
    pub fn write(&self, page: &mut [u8]) {
        self.checksum.0.write(page, 0);
        self.dbtime.write(page, 8);
        self.previous.write(page, 16);
        self.next.write(page, 20);
        self.objid.write(page, 24);
        self.free.write(page, 28);
        self.uncommitted_free.write(page, 30);
        self.first_free.write(page, 32);
        self.tag_state.write(page, 34);
        self.flags.write(page, FLAGS_AT);
        if let Some(large) = &self.large {
            for (at, sum) in [40, 48, 56].into_iter().zip(large.later_checksums) {
                sum.0.write(page, at);
            }
            large.number.write(page, 64);
            put(page, 68, &large.reserved);
        }
    }

    /// Tags in use. ESE: `itagMicFree`.
    pub fn tag_count(&self) -> usize {
        usize::from(self.tag_state & 0x0FFF)
    }

    /// Tags in front of the first line: 1 unless the page says more. ESE: `ctagReserved`.
    pub fn reserved_tags(&self) -> usize {
        usize::from(self.tag_state >> 12 & 7).max(1)
    }

    /// Flush type: 0 unknown, else 1, 2, 3 in turn at each write of the page.
    pub fn flush_type(&self) -> u8 {
        u8::from(self.flags.contains(PageFlags::FLUSH_TYPE_LOW))
            | u8::from(self.flags.contains(PageFlags::FLUSH_TYPE_HIGH)) << 1
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tag_state_holds_count_and_reserved_tags() {
        let mut page = vec![0; 8192];
        let header = PageHeader { tag_state: 0x1005, ..PageHeader::parse(&page).unwrap() };
        assert_eq!((header.tag_count(), header.reserved_tags()), (5, 1));
        let header = PageHeader { tag_state: 0x0005, ..header };
        assert_eq!((header.tag_count(), header.reserved_tags()), (5, 1));
        let header = PageHeader { tag_state: 0x2005, ..header };
        assert_eq!((header.tag_count(), header.reserved_tags()), (5, 2));
        header.write(&mut page);
        assert_eq!(PageHeader::parse(&page), Some(header));
    }

    #[test]
    fn length_that_is_no_page_size_has_no_header() {
        assert_eq!(PageHeader::parse(&[0; 8191]), None);
        assert_eq!(PageHeader::parse(&[]), None);
    }

    proptest! {
        #[test]
        fn writing_back_gives_the_same_bytes(
            head in proptest::collection::vec(any::<u8>(), 80),
            size in prop::sample::select(PageSize::ALL.to_vec()),
        ) {
            let mut page = vec![0xEE; size.bytes()];
            page[..80].copy_from_slice(&head);
            let header = PageHeader::parse(&page).unwrap();
            let mut again = page.clone();
            again[..size.page_header_len()].fill(0);
            header.write(&mut again);
            prop_assert_eq!(again, page);
        }
    }
}
