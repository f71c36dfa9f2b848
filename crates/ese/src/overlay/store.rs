//! Reading a database with the changes that lie over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese_format::{PageNumber, PageSize};

use super::numbers::PageMap;
use super::scratch::Scratch;
use crate::page::{Page, PageError};
use crate::{DatabaseFile, Error, PageStore};

/// A database file and changed pages over it, for reading; no page of it changes any more.
#[derive(Debug)]
pub struct OverlayStore {
    pub(super) base: Option<Arc<DatabaseFile>>,
    pub(super) base_end: PageNumber,
    pub(super) page_size: PageSize,
    pub(super) last: PageNumber,
    pub(super) path: PathBuf,
    /// Changed pages that are in memory, sealed.
    pub(super) changed: PageMap<Box<[u8]>>,
    pub(super) zeroed: PageMap<()>,
    pub(super) scratch: Scratch,
}

impl PageStore for OverlayStore {
    fn page_size(&self) -> PageSize {
        self.page_size
    }

    fn last_page(&self) -> PageNumber {
        self.last
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn load(&self, number: PageNumber) -> Result<Page, Error> {
        if number == PageNumber::NULL || number > self.last {
            let (path, last) = (self.path.clone(), self.last);
            return Err(Error::NoSuchPage { path, page: number, last });
        }
        let unsound = |what| Error::Page { path: self.path.clone(), page: number, what };
        if let Some(bytes) = self.changed.get(&number.0) {
            return Page::new(bytes, number).map_err(unsound);
        }
        if let Some(page) = self.scratch.read(number)? {
            return page.map_err(unsound);
        }
        match &self.base {
            Some(base) if number <= self.base_end && !self.zeroed.contains_key(&number.0) => {
                base.load(number)
            }
            _ => Err(unsound(PageError::Zeroed)),
        }
    }
}
