//! Changed pages over a database file that stays as it is.
//!
//! Recovery never writes the database that it recovers until all of it has succeeded. An
//! [`Overlay`] gives pages to be changed and takes them back; those that were changed are kept,
//! in memory up to a bound and beyond it in a scratch file. What comes out of it is a database to
//! be read ([`Overlay::into_store`]), or the pages to be written ([`Overlay::read_run`]).
//!
//! | page | what there is |
//! |---|---|
//! | changed | the page as it was put back |
//! | zeroed, or beyond what is left of the file but not beyond the last page | zeros |
//! | in the file | the file's, verified; a corrected bit makes it a changed page |
//! | beyond the last page | nothing |

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese_format::page::{PageHeader, PageState};
use ese_format::{DbTime, PageNumber, PageSize, page};
use vfs::Storage;

use self::cache::{Cache, Cached};
use self::numbers::PageMap;
use self::scratch::{Scratch, finish};
use self::under::Under;
use crate::owned::{UnknownSpace, last_owned_by};
use crate::page::PageError;
use crate::work::{Taken, WorkPage, WorkPages};
use crate::{AlignedBuffer, DatabaseFile, Error, PageStore};

mod cache;
pub(crate) mod numbers;
mod scratch;
mod store;
#[cfg(test)]
mod tests;
mod under;

pub(crate) use scratch::Backing;
pub use store::OverlayStore;

/// Where changed pages go that find no room in memory.
#[derive(Debug, Clone)]
pub enum Spill {
    /// Into memory all the same: for storage that is in memory itself.
    Memory,
    /// Into a file that is made when it is first needed, and gone afterwards.
    File {
        /// Where the file lies.
        storage: Arc<dyn Storage>,
        /// Its name; a number is put behind it if there is such a file.
        path: PathBuf,
    },
}

/// What there is among all pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Survey {
    /// The highest dbtime of any sound page.
    pub dbtime: DbTime,
    /// The page that has it.
    pub latest: PageNumber,
    /// How many pages that the database owns are damaged.
    pub damaged: u64,
    /// The first of them.
    pub first_damaged: Vec<PageNumber>,
}

impl Survey {
    fn page(&mut self, number: PageNumber, bytes: &[u8], owned: PageNumber) {
        let is_sound = match page::verify(bytes, number) {
            PageState::Valid(_) => true,
            PageState::Zeroed => return,
            PageState::Correctable(_) | PageState::Damaged(_) => {
                crate::Page::new(bytes, number).is_ok()
            }
        };
        if !is_sound {
            if number <= owned {
                self.damaged += 1;
                if self.first_damaged.len() < LISTED {
                    self.first_damaged.push(number);
                }
            }
            return;
        }
        let Some(header) = PageHeader::parse(bytes) else { return };
        if header.dbtime > self.dbtime && header.dbtime.0 < FIRST_SPECIAL_DBTIME {
            (self.dbtime, self.latest) = (header.dbtime, number);
        }
    }
}

/// How many damaged pages a survey lists.
const LISTED: usize = 100;

/// Pages that are being changed, over a database file or over nothing.
#[derive(Debug)]
pub struct Overlay {
    under: Under,
    cache: Cache,
    scratch: Scratch,
    /// Pages whose content was taken away.
    zeroed: PageMap<()>,
}

impl Overlay {
    /// An overlay over `base`; about `cache` bytes of pages are kept in memory.
    pub fn new(
        base: Option<Arc<DatabaseFile>>,
        page_size: PageSize,
        cache: usize,
        spill: Spill,
    ) -> Self {
        let base = base.filter(|base| base.page_size() == page_size);
        let last = base.as_ref().map_or(PageNumber::NULL, |base| PageNumber(base.layout().pages));
        Self {
            under: Under { base, base_end: last, page_size, last },
            cache: Cache::new(cache / page_size.bytes()),
            scratch: Scratch::new(spill, page_size),
            zeroed: PageMap::default(),
        }
    }

    /// The file under it.
    pub fn base(&self) -> Option<&Arc<DatabaseFile>> {
        self.under.base.as_ref()
    }

    /// The last page of the file that still counts: pages beyond it that were not changed are
    /// zeros, whatever the file has there.
    pub fn base_end(&self) -> PageNumber {
        self.under.base_end
    }

    /// The last page that there is.
    pub fn last_page(&self) -> PageNumber {
        self.under.last
    }

    /// Makes `last` the last page: pages up to it that were not there are zeros; what was beyond
    /// it is forgotten and does not come back.
    pub fn set_last_page(&mut self, last: PageNumber) {
        if last < self.under.last {
            self.cache.forget_beyond(last);
            self.scratch.forget_beyond(last);
            self.zeroed.retain(|number, ()| *number <= last.0);
            self.under.base_end = self.under.base_end.min(last);
        }
        self.under.last = last;
    }

    /// Takes the content of a page away: it is zeros, as if it had never been written.
    pub fn zero(&mut self, number: PageNumber) {
        self.cache.forget(number);
        self.scratch.forget(number);
        if number != PageNumber::NULL && number <= self.under.base_end {
            self.zeroed.insert(number.0, ());
        }
    }

    /// The pages that are not what the file has, ascending: changed ones and zeroed ones.
    ///
    /// Pages that are zeros because the file was cut or extended are not among them.
    pub fn changed(&self) -> Vec<PageNumber> {
        let in_memory = self.cache.pages().filter(|page| page.is_changed());
        let mut numbers: Vec<PageNumber> = in_memory
            .map(WorkPage::number)
            .chain(self.scratch.numbers().map(PageNumber))
            .chain(self.zeroed.keys().copied().map(PageNumber))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// Whether no page differs from the file's.
    pub fn is_unchanged(&self) -> bool {
        let in_memory = self.cache.pages().any(WorkPage::is_changed);
        let of_file = self.under.base.as_ref().map_or(0, |base| base.layout().pages);
        !in_memory
            && self.scratch.numbers().next().is_none()
            && self.zeroed.is_empty()
            && self.under.last.0 == of_file
            && self.under.base_end == self.under.last
    }

    /// Bytes of pages in memory, pages taken out counted.
    pub fn memory(&self) -> usize {
        self.cache.len() * self.under.page_size.bytes()
    }

    /// Bytes of the scratch file.
    pub fn spilled(&self) -> u64 {
        self.scratch.file_len()
    }

    /// Fills `target` with the pages from `first` on as they are to be written: changed pages
    /// sealed, the file's as they lie there, zeros where nothing was ever written.
    ///
    /// `target` is a whole number of pages; what lies beyond the last page is left out. Returns
    /// the number of pages.
    ///
    /// # Errors
    ///
    /// That the file or the scratch file cannot be read.
    pub fn read_run(&self, first: PageNumber, target: &mut [u8]) -> Result<usize, Error> {
        self.under.read_run(first, target, |number, bytes| self.lay_over(number, bytes))
    }

    /// Puts a changed page, or the zeros of a zeroed one, over `bytes`.
    fn lay_over(&self, number: PageNumber, bytes: &mut [u8]) -> Result<(), Error> {
        match self.cache.get(number).filter(|page| page.is_changed()) {
            Some(page) => bytes.copy_from_slice(page.bytes()),
            None if self.scratch.read_into(number, bytes)? => {}
            None => {
                if self.zeroed.contains_key(&number.0) {
                    bytes.fill(0);
                }
                return Ok(());
            }
        }
        finish(bytes, number);
        Ok(())
    }

    /// The last page that the database owns, from the tree of owned extents of its root.
    ///
    /// # Errors
    ///
    /// Why it cannot be told.
    pub fn last_owned(&self) -> Result<PageNumber, UnknownSpace> {
        let fetch = |number, bytes: &mut [u8]| self.read_run(number, bytes).is_ok_and(|n| n == 1);
        last_owned_by(&fetch, self.under.page_size, self.under.last.0)
    }

    /// Looks at every page.
    ///
    /// # Errors
    ///
    /// That the file or the scratch file cannot be read.
    pub fn survey(&self) -> Result<Survey, Error> {
        let mut survey = Survey::default();
        let owned = self.last_owned().unwrap_or(self.under.last);
        let mut buffer = AlignedBuffer::new(RUN.max(self.under.page_size.bytes()));
        let mut first = PageNumber::ROOT;
        loop {
            let pages = self.read_run(first, buffer.as_mut_slice())?;
            let size = self.under.page_size.bytes();
            for (number, bytes) in (first.0..).zip(buffer.as_slice().chunks_exact(size).take(pages))
            {
                survey.page(PageNumber(number), bytes, owned);
            }
            let next = u32::try_from(pages).ok().and_then(|pages| first.0.checked_add(pages));
            match next {
                Some(next) if pages > 0 => first = PageNumber(next),
                _ => return Ok(survey),
            }
        }
    }

    /// A reader of the whole; errors name `path`.
    pub fn into_store(self, path: &Path) -> Arc<dyn PageStore> {
        self.freeze(path)
    }

    /// The pages as they are from now on, to be read and written; errors name `path`.
    pub fn freeze(self, path: &Path) -> Arc<OverlayStore> {
        let mut changed = PageMap::default();
        for mut page in self.cache.into_pages().filter(WorkPage::is_changed) {
            let number = page.number();
            finish(page.bytes_mut(), number);
            changed.insert(number.0, page.into_bytes());
        }
        let (path, zeroed, scratch) = (path.to_owned(), self.zeroed, self.scratch);
        Arc::new(OverlayStore { under: self.under, path, changed, zeroed, scratch })
    }

    /// A page that is not in memory.
    fn fetch(&mut self, number: PageNumber) -> Result<Taken, Error> {
        let page = match self.scratch.read(number)? {
            Some(Ok(page)) => WorkPage::spilled(number, page.into_bytes()),
            Some(Err(what)) => return Ok(Taken::Unsound(what)),
            None if self.zeroed.contains_key(&number.0) || number > self.under.base_end => {
                return Ok(Taken::Unsound(PageError::Zeroed));
            }
            None => match self.fetch_from_file(number)? {
                Ok(page) => page,
                Err(what) => return Ok(Taken::Unsound(what)),
            },
        };
        self.make_room()?;
        self.cache.reserve(number);
        Ok(Taken::Page(page))
    }

    fn fetch_from_file(&self, number: PageNumber) -> Result<Result<WorkPage, PageError>, Error> {
        let Some(base) = &self.under.base else { return Ok(Err(PageError::Zeroed)) };
        match base.load(number) {
            Ok(page) => {
                let corrected = page.is_corrected();
                let mut page = WorkPage::read(number, page.into_bytes());
                if corrected {
                    page.bytes_mut();
                }
                Ok(Ok(page))
            }
            Err(Error::DamagedPage { damage, .. }) => Ok(Err(PageError::Damaged(damage))),
            Err(Error::Page { what, .. }) => Ok(Err(what)),
            Err(error) => Err(error),
        }
    }

    /// Drops or puts aside what the cache has too much.
    fn make_room(&mut self) -> Result<(), Error> {
        while let Some(mut page) = self.cache.victim() {
            if page.is_changed() && !page.is_spilled() {
                let number = page.number();
                let written = self.scratch.write(number, page.bytes_mut());
                if written.is_err() {
                    self.cache.put(page);
                    return written;
                }
            }
        }
        Ok(())
    }
}

impl WorkPages for Overlay {
    fn page_size(&self) -> PageSize {
        self.under.page_size
    }

    fn take(&mut self, number: PageNumber) -> Result<Taken, Error> {
        match self.cache.take(number) {
            Cached::Page(page) => Ok(Taken::Page(page)),
            Cached::Absent if number == PageNumber::NULL || number > self.under.last => {
                Ok(Taken::BeyondEnd)
            }
            Cached::Absent => self.fetch(number),
            Cached::Out => {
                let path = self.under.base.as_ref().map(|base| base.path().to_owned());
                Err(Error::PageInUse { path: path.unwrap_or_default(), page: number })
            }
        }
    }

    /// A changed page beyond the last one makes the database longer.
    fn put(&mut self, page: WorkPage) -> Result<(), Error> {
        let number = page.number();
        if page.is_changed() {
            self.under.last = self.under.last.max(number);
            if !self.zeroed.is_empty() {
                self.zeroed.remove(&number.0);
            }
        } else if number > self.under.last {
            self.cache.forget(number);
            return Ok(());
        }
        self.cache.put(page);
        self.make_room()
    }
}

/// Bytes of pages that are read at once in a pass over all.
const RUN: usize = 1 << 20;

/// From here on a dbtime is a mark and no time. ESE: `dbtimeInvalid` and its neighbours.
const FIRST_SPECIAL_DBTIME: u64 = 0xFFFF_FFFF_FFFF_FF00;
