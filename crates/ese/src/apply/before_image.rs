//! Pages as they were before a split, a merge or a move, out of the record.
//!
//! ```text
//! page      | header | lines |      free      | tags |
//! in short  | header | lines | rest | tags |               the free bytes fewer by as many
//! stored    the page, or the page in short, or one of them compressed
//! ```
//!
//! Its dbtime is that of the record, which was set before it was taken.
//!
//! Source: ESE `ErrLGIDecompressPreimage` (logredo.cxx), `CPAGE::RehydratePage` (cpage.cxx).

use ese_format::log::record::{BeforeImage, BeforeImageFlags};
use ese_format::page::{PageHeader, structure};
use ese_format::{DbTime, PageNumber, PageSize, compression};

use super::ApplyError;

/// The page as it was, with the dbtime that it had.
pub(super) fn restore(
    page: PageNumber,
    image: &BeforeImage<'_>,
    size: PageSize,
    dbtime: DbTime,
) -> Result<Vec<u8>, ApplyError> {
    let wrong = |what| ApplyError::BeforeImage { page, what };
    if image.bytes.is_empty() {
        return Err(wrong("the record does not have it"));
    }
    let mut bytes = Vec::new();
    if image.flags.contains(BeforeImageFlags::XPRESS) && image.bytes.len() < size.bytes() {
        compression::decompress(image.bytes, &mut bytes)
            .map_err(|_| wrong("it cannot be decompressed"))?;
    } else {
        bytes.extend_from_slice(image.bytes);
    }
    if image.flags.contains(BeforeImageFlags::DEHYDRATED) && bytes.len() < size.bytes() {
        bytes = in_full(&bytes, size).ok_or_else(|| wrong("it cannot be brought to its length"))?;
    }
    let Some(header) = PageHeader::parse(&bytes).filter(|_| bytes.len() == size.bytes()) else {
        return Err(wrong("it has not the length of a page"));
    };
    PageHeader { dbtime, ..header }.write(&mut bytes);
    structure::check(&bytes).map_err(|_| wrong("it is no sound page"))?;
    Ok(bytes)
}

/// Puts what was left out of the free middle back.
fn in_full(short: &[u8], size: PageSize) -> Option<Vec<u8>> {
    let mut full = vec![0; size.bytes()];
    let growth = size.bytes().checked_sub(short.len())?;
    full.get_mut(..short.len())?.copy_from_slice(short);
    let mut header = PageHeader::parse(&full)?;
    let tags = 4 * header.tag_count();
    let from = short.len().checked_sub(tags)?;
    full.copy_within(from..short.len(), from + growth);
    header.free = header.free.checked_add(u16::try_from(growth).ok()?)?;
    header.write(&mut full);
    Some(full)
}
