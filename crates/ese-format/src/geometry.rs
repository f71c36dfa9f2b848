//! Page size, page number and the database's modification clock.
//!
//! Source: ESE `PGNO`, `DBTIME`, `cpgDBReserved` (daedef.hxx).

use core::fmt;

use crate::le::fixed_newtype;

/// The page size of a database: 2, 4, 8, 16 or 32 KiB.
///
/// Pages up to 8 KiB are *small*, the others *large*; header, tags and checksums differ between
/// the two and by nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageSize(u32);

impl PageSize {
    /// All legal sizes, smallest first.
    pub const ALL: [Self; 5] = [Self(0x800), Self::KIB_4, Self::KIB_8, Self::KIB_16, Self::KIB_32];
    /// The size that a header means whose field is 0.
    pub const KIB_4: Self = Self(0x1000);
    /// The size of `ntds.dit` on every server seen.
    pub const KIB_8: Self = Self(0x2000);
    /// The smaller of the large sizes.
    pub const KIB_16: Self = Self(0x4000);
    /// The largest size.
    pub const KIB_32: Self = Self(0x8000);

    /// The size of `bytes`, if it is a legal one.
    pub fn new(bytes: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.0 == bytes)
    }

    /// The size that a header field says; 0 stands for 4096.
    pub fn from_header_field(field: u32) -> Option<Self> {
        if field == 0 { Some(Self::KIB_4) } else { Self::new(field) }
    }

    /// In bytes, for lengths in memory.
    pub fn bytes(self) -> usize {
        self.0 as usize
    }

    /// In bytes, as the header stores it.
    pub fn get(self) -> u32 {
        self.0
    }

    /// Whether pages have the large format (more than 8 KiB).
    pub fn is_large(self) -> bool {
        self.0 > Self::KIB_8.0
    }

    /// Bytes of the page header: 40 or 80.
    pub fn page_header_len(self) -> usize {
        if self.is_large() { 80 } else { 40 }
    }
}

impl fmt::Display for PageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a page, from 1; 0 is "none". ESE: `PGNO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PageNumber(pub u32);

impl PageNumber {
    /// No page. ESE: `pgnoNull`.
    pub const NULL: Self = Self(0);
    /// The database root. ESE: `pgnoSystemRoot`.
    pub const ROOT: Self = Self(1);
    /// The highest legal number. ESE: `pgnoSysMax`.
    pub const MAX: Self = Self(0x7FEF_FFFF);
    /// Blocks in front of page 1: the header and its shadow. ESE: `cpgDBReserved`.
    pub const RESERVED_BLOCKS: u64 = 2;

    /// Offset of the page in the file, in bytes. Number 0 has none of its own and gives block 1.
    pub fn file_offset(self, page_size: PageSize) -> u64 {
        (u64::from(self.0) + Self::RESERVED_BLOCKS - 1) * u64::from(page_size.0)
    }

    /// The page at `offset`: `None` in front of page 1, beyond [`PageNumber::MAX`], or when the
    /// offset is not the beginning of a block.
    pub fn at_file_offset(offset: u64, page_size: PageSize) -> Option<Self> {
        let size = u64::from(page_size.0);
        if !offset.is_multiple_of(size) {
            return None;
        }
        let number = (offset / size).checked_sub(Self::RESERVED_BLOCKS - 1)?;
        let number = Self(u32::try_from(number).ok()?);
        (number != Self::NULL && number <= Self::MAX).then_some(number)
    }
}

impl fmt::Display for PageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The modification clock of a database. ESE: `DBTIME`.
///
/// Every change of a page draws the next value; a page carries the value of its last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DbTime(pub u64);

impl DbTime {
    /// The value that a database begins with. ESE: `dbtimeStart`.
    pub const START: Self = Self(0x40);
    /// The lowest of the reserved values at the upper end, which are states and no times.
    pub const FIRST_RESERVED: Self = Self(0xFFFF_FFFF_FFFF_FFFB);

    /// Whether it is a point on the clock and not a reserved value.
    pub fn is_time(self) -> bool {
        self < Self::FIRST_RESERVED
    }
}

/// Hexadecimal without prefix, as Microsoft's tools and this project's listings show it.
impl fmt::Display for DbTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

fixed_newtype!(PageNumber(u32), DbTime(u64));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_one_lies_behind_the_two_headers() {
        assert_eq!(PageNumber::ROOT.file_offset(PageSize::KIB_8), 16_384);
        assert_eq!(PageNumber::at_file_offset(16_384, PageSize::KIB_8), Some(PageNumber::ROOT));
        assert_eq!(PageNumber::at_file_offset(8_192, PageSize::KIB_8), None);
        assert_eq!(PageNumber::at_file_offset(16_385, PageSize::KIB_8), None);
        assert_eq!(PageNumber::at_file_offset(u64::MAX - 0x1FFF, PageSize::KIB_8), None);
    }

    #[test]
    fn offset_and_number_invert() {
        for size in PageSize::ALL {
            for number in [1, 2, 1000, PageNumber::MAX.0] {
                let page = PageNumber(number);
                assert_eq!(PageNumber::at_file_offset(page.file_offset(size), size), Some(page));
            }
        }
    }

    #[test]
    fn only_the_five_sizes_are_legal() {
        assert_eq!(PageSize::from_header_field(0), Some(PageSize::KIB_4));
        assert_eq!(PageSize::new(0), None);
        assert_eq!(PageSize::new(1024), None);
        assert_eq!(PageSize::new(12_288), None);
        assert_eq!(PageSize::new(65_536), None);
    }
}
