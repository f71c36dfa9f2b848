//! The structure of one page: what the engine checks whenever it reads or writes one.
//!
//! Source: ESE `CPAGE::ErrCheckPage` (cpage.cxx).

use core::fmt;

use alloc::vec::Vec;

use super::{PageFlags, PageHeader};
use crate::node::{Tag, tags};

/// What is wrong with the structure of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StructureError {
    /// The length is not a page size.
    Length,
    /// More free bytes than the page has, or more uncommitted ones than free ones.
    Free,
    /// The end of the data area lies in the tags.
    FirstFree,
    /// No tag though the page is in use, or more than fit.
    TagCount,
    /// A tag lies outside of the data area.
    TagOutside {
        /// Which one.
        tag: usize,
    },
    /// A line without a byte.
    EmptyLine {
        /// Its tag.
        tag: usize,
    },
    /// Two tags share bytes.
    TagsOverlap {
        /// The one that begins inside of another.
        tag: usize,
    },
    /// Tags, free bytes and tag array do not add up to the page.
    SpaceSum,
    /// Flags that exclude each other.
    Flags,
}

impl fmt::Display for StructureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("not a page in length"),
            Self::Free => f.write_str("free bytes exceed the page"),
            Self::FirstFree => f.write_str("the data area runs into the tags"),
            Self::TagCount => f.write_str("number of tags out of range"),
            Self::TagOutside { tag } => write!(f, "tag {tag} lies outside of the data area"),
            Self::EmptyLine { tag } => write!(f, "line of tag {tag} is empty"),
            Self::TagsOverlap { tag } => write!(f, "tag {tag} overlaps another"),
            Self::SpaceSum => f.write_str("tags and free bytes do not add up to the page"),
            Self::Flags => f.write_str("page flags exclude each other"),
        }
    }
}

/// Checks the structure of a page whose checksum holds.
pub fn check(page: &[u8]) -> Result<(), StructureError> {
    let header = PageHeader::parse(page).ok_or(StructureError::Length)?;
    let header_len = if header.large.is_some() { 80 } else { 40 };
    let data_len = page.len() - header_len;
    let (free, first_free) = (usize::from(header.free), usize::from(header.first_free));
    check_flags(header.flags)?;
    if free > data_len || header.uncommitted_free > header.free {
        return Err(StructureError::Free);
    }
    let count = header.tag_count();
    let unused = header.flags.intersects(PageFlags::EMPTY | PageFlags::PREINIT);
    if count * 4 >= data_len || (count == 0 && !unused) {
        return Err(StructureError::TagCount);
    }
    if count == 0 {
        return Ok(());
    }
    if first_free > data_len - 4 * count {
        return Err(StructureError::FirstFree);
    }
    check_tags(page, &header, data_len)
}

fn check_flags(flags: PageFlags) -> Result<(), StructureError> {
    let both = |a, b| flags.contains(a) && flags.contains(b);
    let wrong = both(PageFlags::LEAF, PageFlags::PARENT_OF_LEAF)
        || both(PageFlags::EMPTY, PageFlags::PREINIT)
        || both(PageFlags::INDEX, PageFlags::LONG_VALUE);
    if wrong { Err(StructureError::Flags) } else { Ok(()) }
}

fn check_tags(page: &[u8], header: &PageHeader, data_len: usize) -> Result<(), StructureError> {
    let mut spans: Vec<(usize, usize, usize)> = Vec::new();
    let mut sum = usize::from(header.free) + 4 * header.tag_count();
    for (index, Tag { offset, len, .. }) in tags(page, header).enumerate() {
        sum += len;
        if len == 0 {
            // Tag 0 of an emptied page may stand anywhere.
            if index >= header.reserved_tags() {
                return Err(StructureError::EmptyLine { tag: index });
            }
            continue;
        }
        if offset + len > usize::from(header.first_free) {
            return Err(StructureError::TagOutside { tag: index });
        }
        spans.push((offset, len, index));
    }
    if sum != data_len {
        return Err(StructureError::SpaceSum);
    }
    spans.sort_unstable();
    let mut end = 0;
    for (offset, len, tag) in spans {
        if offset < end {
            return Err(StructureError::TagsOverlap { tag });
        }
        end = offset + len;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::PageSize;
    use crate::page_builder::PageBuilder;

    #[test]
    fn built_pages_are_sound_in_every_size() {
        for size in PageSize::ALL {
            let page = PageBuilder::new(size, PageFlags::LEAF)
                .external_header(b"prefix")
                .node(b"key", b"data")
                .node(b"key2", b"more data")
                .build()
                .unwrap();
            assert_eq!(check(&page), Ok(()));
        }
    }

    #[test]
    fn each_rule_is_checked() {
        let page =
            PageBuilder::new(PageSize::KIB_8, PageFlags::LEAF).node(b"k", b"d").build().unwrap();
        let changed = |at: usize, value: u16| {
            let mut page = page.clone();
            page[at..at + 2].copy_from_slice(&value.to_le_bytes());
            check(&page)
        };
        assert_eq!(changed(28, 0xFFFF), Err(StructureError::Free));
        assert_eq!(changed(28, 100), Err(StructureError::SpaceSum));
        assert_eq!(changed(32, 0xFFF0), Err(StructureError::FirstFree));
        assert_eq!(changed(32, 0), Err(StructureError::TagOutside { tag: 1 }));
        assert_eq!(changed(34, 0), Err(StructureError::TagCount));
        assert_eq!(changed(36, 0x2806), Err(StructureError::Flags));
        assert_eq!(changed(8192 - 8, 0), Err(StructureError::EmptyLine { tag: 1 }));
        assert_eq!(check(&[0; 100]), Err(StructureError::Length));
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(
            bytes in proptest::collection::vec(any::<u8>(), 2048),
            count in 0..600u16,
        ) {
            let mut page = vec![0; 2048];
            page.copy_from_slice(&bytes);
            page[34..36].copy_from_slice(&count.to_le_bytes());
            let _ = check(&page);
        }
    }
}
