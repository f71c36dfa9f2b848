//! Pages that are not what the log expects, while that may still come right.
//!
//! Within the range of generations that the database needs, its file may be ahead of the replay: a
//! page that a record is about may lie beyond the end since the file was shrunk later, may be zeros
//! since it was trimmed later, or may miss changes since it was freed later and never written. What
//! the log does to such a page is passed over, and the page is entered here.
//!
//! An entry goes when a record shrinks or trims the page away, or when the page gets new content
//! that does not depend on what it was. One that is left at the end of the range is a page whose
//! changes are lost.
//!
//! Source: ESE `CLogRedoMap` (logredomap.cxx), `ErrLGIVerifyRedoMapForIfmp` (logredo.cxx).

use std::collections::BTreeMap;

use ese_format::page::PageFlags;
use ese_format::page_builder::PageBuilder;
use ese_format::{DbTime, LogPosition, PageNumber, PageSize};

use crate::Error;
use crate::work::{Taken, WorkPage, WorkPages};

/// The pages that changes were passed over for.
#[derive(Debug, Default)]
pub(crate) struct RedoMap {
    pages: BTreeMap<PageNumber, MissingPage>,
}

/// What a record expected of a page, and what there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingPage {
    /// The first record that was passed over.
    pub position: LogPosition,
    /// What is the matter.
    pub problem: PageProblem,
    /// dbtime of the last change that was passed over.
    pub wanted: DbTime,
}

/// What is the matter with a page that a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PageProblem {
    /// It misses earlier changes.
    #[error("it has dbtime {found}, expected {expected}: it misses earlier changes")]
    Old {
        /// As found.
        found: DbTime,
        /// As the record expects it.
        expected: DbTime,
    },
    /// The database ends before it.
    #[error("the database ends before it")]
    BeyondEnd,
    /// It is no sound page.
    #[error("{0}")]
    Unsound(crate::PageError),
}

impl RedoMap {
    /// Whether nothing was passed over.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Enters a page.
    pub(crate) fn enter(&mut self, page: PageNumber, missing: MissingPage) {
        let entry = self.pages.entry(page).or_insert(missing);
        entry.wanted.0 = entry.wanted.0.max(missing.wanted.0);
    }

    /// Takes away the pages of a range, the end included.
    pub(crate) fn clear(&mut self, first: PageNumber, last: PageNumber) {
        if !self.pages.is_empty() && first <= last {
            self.pages.retain(|page, _| *page < first || *page > last);
        }
    }

    /// The oldest entry whose page did not get new content since; the others go.
    ///
    /// # Errors
    ///
    /// That a page cannot be read.
    pub(crate) fn settle(
        &mut self,
        pages: &mut impl WorkPages,
    ) -> Result<Option<(PageNumber, MissingPage)>, Error> {
        let mut oldest: Option<(PageNumber, MissingPage)> = None;
        for (number, missing) in std::mem::take(&mut self.pages) {
            if let Taken::Page(page) = pages.take(number)? {
                let is_renewed = page.dbtime().0 >= missing.wanted.0;
                pages.put(page)?;
                if is_renewed {
                    continue;
                }
            }
            if oldest.is_none_or(|(_, before)| missing.position < before.position) {
                oldest = Some((number, missing));
            }
            self.pages.insert(number, missing);
        }
        Ok(oldest)
    }
}

/// Pages of which some look as if they had every change already, so that a change of others goes on
/// around them.
pub(crate) struct Around<'a, P> {
    pages: &'a mut P,
    passed: &'a [PageNumber],
    objid: u32,
}

impl<'a, P: WorkPages> Around<'a, P> {
    /// `pages`, with those of `passed` out of the way; they seem to belong to `objid`.
    pub(crate) fn new(pages: &'a mut P, passed: &'a [PageNumber], objid: u32) -> Self {
        Self { pages, passed, objid }
    }
}

impl<P: WorkPages> WorkPages for Around<'_, P> {
    fn page_size(&self) -> PageSize {
        self.pages.page_size()
    }

    fn take(&mut self, number: PageNumber) -> Result<Taken, Error> {
        if !self.passed.contains(&number) {
            return self.pages.take(number);
        }
        let size = self.pages.page_size();
        let mut page = WorkPage::blank(number, size);
        if let Some(bytes) = PageBuilder::new(size, PageFlags::LEAF).objid(self.objid).build() {
            page.bytes_mut().copy_from_slice(&bytes);
        }
        // Behind the header's checksum.
        if let Some(dbtime) = page.bytes_mut().get_mut(8..16) {
            dbtime.copy_from_slice(&AHEAD.0.to_le_bytes());
        }
        Ok(Taken::Page(page))
    }

    fn put(&mut self, page: WorkPage) -> Result<(), Error> {
        if self.passed.contains(&page.number()) {
            return Ok(());
        }
        self.pages.put(page)
    }
}

/// Later than any record.
const AHEAD: DbTime = DbTime(1 << 62);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recovery::handmade;

    fn missing(position: &str, wanted: u64) -> MissingPage {
        let position = handmade::at(position);
        MissingPage { position, problem: PageProblem::BeyondEnd, wanted: DbTime(wanted) }
    }

    #[test]
    fn pages_that_went_are_no_longer_missing() {
        let mut map = RedoMap::default();
        assert!(map.is_empty());
        for page in 10..20 {
            map.enter(PageNumber(page), missing("1:1:0", 5));
        }
        map.clear(PageNumber(11), PageNumber(19));
        map.clear(PageNumber(12), PageNumber(5));
        assert_eq!(map.pages.keys().copied().collect::<Vec<_>>(), [PageNumber(10)]);
    }

    #[test]
    fn the_oldest_page_without_new_content_is_told() {
        let mut pages = handmade::pages(50, &[]);
        let mut map = RedoMap::default();
        map.enter(handmade::ROOT, missing("1:1:0", 40));
        assert_eq!(map.settle(&mut pages).unwrap(), None);
        assert!(map.is_empty());
        map.enter(handmade::ROOT, missing("1:1:0", 40));
        map.enter(handmade::ROOT, missing("1:5:0", 60));
        map.enter(PageNumber(99), missing("1:4:0", 7));
        let (page, told) = map.settle(&mut pages).unwrap().unwrap();
        assert_eq!((page, told), (handmade::ROOT, missing("1:1:0", 60)));
        assert_eq!(map.pages.len(), 2);
    }

    #[test]
    fn a_change_goes_around_pages() {
        let mut pages = handmade::pages(50, &[(b"k", b"d")]);
        let passed = [handmade::ROOT];
        let mut around = Around::new(&mut pages, &passed, 3);
        let Taken::Page(mut page) = around.take(handmade::ROOT).unwrap() else { panic!() };
        assert_eq!(page.dbtime(), AHEAD);
        assert!(ese_format::page::structure::check(page.bytes()).is_ok());
        page.bytes_mut().fill(9);
        around.put(page).unwrap();
        assert!(matches!(around.take(PageNumber(77)).unwrap(), Taken::BeyondEnd));
        assert_eq!(handmade::nodes(&mut pages, handmade::ROOT).len(), 1);
    }
}
