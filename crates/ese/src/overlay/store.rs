//! Reading a database with the changes that lie over it.

use std::path::{Path, PathBuf};

use ese_format::{PageNumber, PageSize};

use super::numbers::PageMap;
use super::scratch::{Scratch, finish};
use super::under::Under;
use crate::owned::{UnknownSpace, last_owned_by};
use crate::page::{Page, PageError};
use crate::{Error, PageStore};

/// A database file and changed pages over it, for reading; no page of it changes any more.
#[derive(Debug)]
pub struct OverlayStore {
    pub(super) under: Under,
    pub(super) path: PathBuf,
    /// Changed pages that are in memory, sealed.
    pub(super) changed: PageMap<Box<[u8]>>,
    pub(super) zeroed: PageMap<()>,
    pub(super) scratch: Scratch,
}

impl OverlayStore {
    /// The last page of the file that still counts: pages beyond it that were not changed are
    /// zeros, whatever the file has there.
    pub fn base_end(&self) -> PageNumber {
        self.under.base_end
    }

    /// The pages that are not what the file has, ascending: changed ones and zeroed ones.
    ///
    /// Pages that are zeros because the file was cut or extended are not among them.
    pub fn changed(&self) -> Vec<PageNumber> {
        let in_memory = self.changed.keys().copied();
        let mut numbers: Vec<PageNumber> = in_memory
            .chain(self.scratch.numbers())
            .chain(self.zeroed.keys().copied())
            .map(PageNumber)
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
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

    /// The last page that the database owns, from the tree of owned extents of its root.
    ///
    /// # Errors
    ///
    /// Why it cannot be told.
    pub fn last_owned(&self) -> Result<PageNumber, UnknownSpace> {
        let fetch = |number, bytes: &mut [u8]| self.read_run(number, bytes).is_ok_and(|n| n == 1);
        last_owned_by(&fetch, self.under.page_size, self.under.last.0)
    }

    fn lay_over(&self, number: PageNumber, bytes: &mut [u8]) -> Result<(), Error> {
        if let Some(page) = self.changed.get(&number.0) {
            bytes.copy_from_slice(page);
        } else if self.scratch.read_into(number, bytes)? {
            finish(bytes, number);
        } else if self.zeroed.contains_key(&number.0) {
            bytes.fill(0);
        }
        Ok(())
    }
}

impl PageStore for OverlayStore {
    fn page_size(&self) -> PageSize {
        self.under.page_size
    }

    fn last_page(&self) -> PageNumber {
        self.under.last
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn load(&self, number: PageNumber) -> Result<Page, Error> {
        if number == PageNumber::NULL || number > self.under.last {
            let (path, last) = (self.path.clone(), self.under.last);
            return Err(Error::NoSuchPage { path, page: number, last });
        }
        let unsound = |what| Error::Page { path: self.path.clone(), page: number, what };
        if let Some(bytes) = self.changed.get(&number.0) {
            return Page::new(bytes, number).map_err(unsound);
        }
        if let Some(page) = self.scratch.read(number)? {
            return page.map_err(unsound);
        }
        match &self.under.base {
            Some(base) if number <= self.under.base_end && !self.zeroed.contains_key(&number.0) => {
                base.load(number)
            }
            _ => Err(unsound(PageError::Zeroed)),
        }
    }
}
