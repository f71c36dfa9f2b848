//! What an overlay lies over: a database file, and where the database ends.

use std::sync::Arc;

use ese_format::{PageNumber, PageSize};

use crate::{DatabaseFile, Error};

/// A database file and where it ends; both may be other than what the file says of itself.
#[derive(Debug, Clone)]
pub(super) struct Under {
    pub(super) base: Option<Arc<DatabaseFile>>,
    /// The last page of the file that still counts.
    pub(super) base_end: PageNumber,
    pub(super) page_size: PageSize,
    /// The last page that there is.
    pub(super) last: PageNumber,
}

impl Under {
    /// Fills `target` with the pages from `first` on; `lay_over` puts what was changed over each.
    ///
    /// `target` is a whole number of pages; what lies beyond the last page is left out. Returns
    /// the number of pages.
    pub(super) fn read_run(
        &self,
        first: PageNumber,
        target: &mut [u8],
        lay_over: impl Fn(PageNumber, &mut [u8]) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        let size = self.page_size.bytes();
        let pages = pages_from(first, self.last).min(target.len() / size);
        let target = target.get_mut(..pages * size).unwrap_or_default();
        let of_base = pages_from(first, self.base_end).min(pages);
        match &self.base {
            Some(base) if of_base > 0 => {
                let (run, rest) = target.split_at_mut(of_base * size);
                base.read_exact_at(run, first.file_offset(self.page_size))?;
                rest.fill(0);
            }
            _ => target.fill(0),
        }
        for (number, bytes) in (first.0..).zip(target.chunks_exact_mut(size)) {
            lay_over(PageNumber(number), bytes)?;
        }
        Ok(pages)
    }
}

/// How many pages there are from `first` to `last`.
fn pages_from(first: PageNumber, last: PageNumber) -> usize {
    let pages = (u64::from(last.0) + 1).saturating_sub(u64::from(first.0));
    usize::try_from(pages).unwrap_or(usize::MAX)
}
