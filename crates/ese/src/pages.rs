//! Reading pages: where they come from, and the cache in front.
//!
//! A [`PageStore`] gives single pages, verified: a database file, or pages that lie over one.
//! [`Pages`] keeps the last used ones, so that a database of any size is read in bounded memory.
//! Passes over everything go round the cache with [`Pages::read`].

use std::cell::RefCell;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use ese_format::{PageNumber, PageSize};
use quick_cache::sync::Cache;

use crate::page::{Page, PageError};
use crate::{AlignedBuffer, DatabaseFile, Error};

/// A page that is shared; the bytes live as long as someone holds it.
pub type PageRef = Arc<Page>;

/// Where pages come from.
pub trait PageStore: Send + Sync + Debug {
    /// Size of every page.
    fn page_size(&self) -> PageSize;

    /// The last page that can be read.
    fn last_page(&self) -> PageNumber;

    /// The file that errors name.
    fn path(&self) -> &Path;

    /// Reads and verifies a page.
    ///
    /// Fails with [`Error::Page`] if it is not there or not sound.
    fn load(&self, number: PageNumber) -> Result<Page, Error>;
}

impl PageStore for DatabaseFile {
    fn page_size(&self) -> PageSize {
        self.page_size()
    }

    fn last_page(&self) -> PageNumber {
        PageNumber(self.layout().pages)
    }

    fn path(&self) -> &Path {
        self.path()
    }

    fn load(&self, number: PageNumber) -> Result<Page, Error> {
        let last = self.layout().pages;
        if number == PageNumber::NULL || number.0 > last {
            return Err(Error::NoSuchPage {
                path: self.path().to_owned(),
                page: number,
                last: PageNumber(last),
            });
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let size = self.page_size().bytes();
            let buf = scratch.as_mut_slice().get_mut(..size).unwrap_or_default();
            self.read_exact_at(buf, number.file_offset(self.page_size()))?;
            Page::new(buf, number).map_err(|damage| match damage {
                PageError::Damaged(damage) => self.damaged(number, damage),
                what => Error::Page { path: self.path().to_owned(), page: number, what },
            })
        })
    }
}

thread_local! {
    /// Pages are read into a buffer that the kernel fills fast, and kept in one that is no larger
    /// than they are.
    static SCRATCH: RefCell<AlignedBuffer> =
        RefCell::new(AlignedBuffer::new(PageSize::KIB_32.bytes()));
}

/// The pages of a database, the last used ones kept.
#[derive(Debug)]
pub struct Pages {
    store: Arc<dyn PageStore>,
    cache: Cache<PageNumber, PageRef>,
}

/// Bytes of pages that are kept unless told otherwise.
pub const DEFAULT_CACHE: usize = 64 << 20;

impl Pages {
    /// Pages of `store`; at most `cache` bytes of them are kept beyond those in use.
    pub fn new(store: Arc<dyn PageStore>, cache: usize) -> Self {
        let pages = (cache / store.page_size().bytes()).max(LEAST_CACHED);
        Self { store, cache: Cache::new(pages) }
    }

    /// Where they come from.
    pub fn store(&self) -> &dyn PageStore {
        &*self.store
    }

    /// The file that errors name.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// Size of every page.
    pub fn page_size(&self) -> PageSize {
        self.store.page_size()
    }

    /// The last page that can be read.
    pub fn last_page(&self) -> PageNumber {
        self.store.last_page()
    }

    /// A page; kept for the next one who asks.
    pub fn get(&self, number: PageNumber) -> Result<PageRef, Error> {
        if let Some(page) = self.cache.get(&number) {
            return Ok(page);
        }
        let page = Arc::new(self.store.load(number)?);
        self.cache.insert(number, Arc::clone(&page));
        Ok(page)
    }

    /// A page; read anew if it is not in the cache, and not kept.
    pub fn read(&self, number: PageNumber) -> Result<PageRef, Error> {
        match self.cache.peek(&number) {
            Some(page) => Ok(page),
            None => Ok(Arc::new(self.store.load(number)?)),
        }
    }
}

/// Pages that the smallest cache keeps: the way down a few trees.
const LEAST_CACHED: usize = 16;
