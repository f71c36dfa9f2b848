//! Pages as they were before a split, merge or move, out of the record that has them.
//!
//! The record holds the page as it was when the change was logged: its content is the one before,
//! its dbtime already the one after.
//!
//! ```text
//! page        header | lines | gap         | tags    page size
//! dehydrated  header | lines | less of it | tags     shorter, free bytes fewer by as many
//! compressed  scheme byte | u16 length | stream      of one of the two above
//! moved page  header | lines   and   tags            two parts of the record
//! ```
//!
//! The short form is a page of its own size: its tags lie at its end. To bring it back, they go to
//! the end of a whole page, and the rest of the gap is counted as free. It is decompressed before
//! that. An image as long as a page is the page, whatever its flags say.
//!
//! Source: ESE `ErrLGIDecompressPreimage`, `RebuildPageImageHeaderTrailer` (logredo.cxx),
//! `LGICompressPreImage` (logapi.cxx), `CPAGE::RehydratePage` (cpage.cxx).

use ese_format::compression::{self, CompressionError};
use ese_format::log::record::{BeforeImage, BeforeImageFlags};
use ese_format::page::PageHeader;
use ese_format::page::structure::{self, StructureError};
use ese_format::{DbTime, PageNumber, PageSize};

use super::ApplyError;

/// Why a before-image is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BeforeImageError {
    /// The record has none.
    #[error("the record has none")]
    Missing,
    /// It cannot be decompressed.
    #[error("it cannot be decompressed: {0}")]
    Compression(#[from] CompressionError),
    /// It is neither as long as a page nor a page without its gap.
    #[error("it has {found} bytes, which make no page of {expected}")]
    Length {
        /// Bytes, decompressed.
        found: usize,
        /// Bytes of a page.
        expected: usize,
    },
    /// What it makes is not sound.
    #[error("it is no sound page: {0}")]
    Structure(StructureError),
    /// It is another page.
    #[error("it is page {found} of object {objid}")]
    OtherPage {
        /// The page that it says to be; the one wanted, if pages of this size do not say it.
        found: PageNumber,
        /// Object id of its tree.
        objid: u32,
    },
}

/// Which page is wanted, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The page.
    pub(super) number: PageNumber,
    /// Object id of its tree.
    pub(super) objid: u32,
    /// The dbtime that it is to have.
    pub(super) dbtime: DbTime,
    /// Its size.
    pub(super) size: PageSize,
}

/// Brings a page back.
pub(super) fn restore(image: &BeforeImage<'_>, wanted: Wanted) -> Result<Vec<u8>, ApplyError> {
    let page = restored(image, wanted.size);
    page.and_then(|page| judge(page, wanted)).map_err(|what| of_page(wanted.number, what))
}

/// A page from what lies in front of its gap and behind it.
pub(super) fn join(head: &[u8], tail: &[u8], wanted: Wanted) -> Result<Vec<u8>, ApplyError> {
    let (found, expected) = (head.len().saturating_add(tail.len()), wanted.size.bytes());
    let page = match expected.checked_sub(found) {
        Some(gap) => Ok([head, &vec![0; gap], tail].concat()),
        None => Err(BeforeImageError::Length { found, expected }),
    };
    page.and_then(|page| judge(page, wanted)).map_err(|what| of_page(wanted.number, what))
}

fn of_page(page: PageNumber, what: BeforeImageError) -> ApplyError {
    ApplyError::BeforeImage { page, what }
}

fn restored(image: &BeforeImage<'_>, size: PageSize) -> Result<Vec<u8>, BeforeImageError> {
    let (stored, expected) = (image.bytes, size.bytes());
    if stored.is_empty() {
        return Err(BeforeImageError::Missing);
    }
    let mut page = Vec::new();
    if stored.len() < expected && image.flags.contains(BeforeImageFlags::XPRESS) {
        compression::decompress(stored, &mut page)?;
    } else {
        page.extend_from_slice(stored);
    }
    let found = page.len();
    if found < expected && image.flags.contains(BeforeImageFlags::DEHYDRATED) {
        page = rehydrated(&page, size).ok_or(BeforeImageError::Length { found, expected })?;
    }
    if page.len() != expected {
        return Err(BeforeImageError::Length { found, expected });
    }
    Ok(page)
}

/// Puts the gap back between the lines and the tags of a page.
fn rehydrated(short: &[u8], size: PageSize) -> Option<Vec<u8>> {
    let gap = size.bytes().checked_sub(short.len())?;
    let mut page = vec![0; size.bytes()];
    page.get_mut(..short.len())?.copy_from_slice(short);
    let header = PageHeader::parse(&page)?;
    let lines = short.len().checked_sub(4 * header.tag_count())?;
    if lines < size.page_header_len() {
        return None;
    }
    page.copy_within(lines..short.len(), lines + gap);
    page.get_mut(lines..lines + gap)?.fill(0);
    let free = header.free.checked_add(u16::try_from(gap).ok()?)?;
    PageHeader { free, ..header }.write(&mut page);
    Some(page)
}

/// Takes bytes for a page if they are the one that is wanted, and sound.
fn judge(mut page: Vec<u8>, wanted: Wanted) -> Result<Vec<u8>, BeforeImageError> {
    structure::check(&page).map_err(BeforeImageError::Structure)?;
    let header =
        PageHeader::parse(&page).ok_or(BeforeImageError::Structure(StructureError::Length))?;
    let found = header.large.map_or(wanted.number, |large| large.number);
    if found != wanted.number || header.objid != wanted.objid {
        return Err(BeforeImageError::OtherPage { found, objid: header.objid });
    }
    PageHeader { dbtime: wanted.dbtime, ..header }.write(&mut page);
    Ok(page)
}
