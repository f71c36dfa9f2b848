//! Pages that are being changed.
//!
//! Whoever changes pages takes them out of a [`WorkPages`], owns them while it works, and puts them
//! back: no page is shared while it is half changed, and a change that fails leaves none behind.

use ese_format::page::PageHeader;
use ese_format::{DbTime, PageNumber, PageSize};

use crate::Error;
use crate::page::PageError;

/// A page in memory that may be changed.
///
/// Its checksum is that of the last time it was written; it is sealed when it is written again.
#[derive(Debug)]
pub struct WorkPage {
    number: PageNumber,
    /// As many bytes as a page has.
    bytes: Box<[u8]>,
    changed: bool,
    /// Whether the same bytes lie in a scratch file.
    spilled: bool,
}

impl WorkPage {
    /// A page as it was read: verified, its tags sound.
    pub(crate) fn read(number: PageNumber, bytes: Box<[u8]>) -> Self {
        Self { number, bytes, changed: false, spilled: false }
    }

    /// A changed page as it was put aside into a scratch file, and is there still.
    pub(crate) fn spilled(number: PageNumber, bytes: Box<[u8]>) -> Self {
        Self { number, bytes, changed: true, spilled: true }
    }

    /// Whether a scratch file has the same bytes.
    pub(crate) fn is_spilled(&self) -> bool {
        self.spilled
    }

    /// A page of zeros, to be filled.
    pub fn blank(number: PageNumber, size: PageSize) -> Self {
        let bytes = vec![0; size.bytes()].into_boxed_slice();
        Self { number, bytes, changed: true, spilled: false }
    }

    /// Its number.
    pub fn number(&self) -> PageNumber {
        self.number
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its bytes, to be changed.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.changed = true;
        self.spilled = false;
        &mut self.bytes
    }

    /// Its bytes, without copying them.
    pub(crate) fn into_bytes(self) -> Box<[u8]> {
        self.bytes
    }

    /// Whether it is no longer what was read.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Its dbtime.
    pub fn dbtime(&self) -> DbTime {
        PageHeader::parse(&self.bytes).map_or(DbTime(0), |header| header.dbtime)
    }
}

/// Where pages to be changed come from and go to.
pub trait WorkPages {
    /// Size of every page.
    fn page_size(&self) -> PageSize;

    /// Takes a page out; it is to be put back, changed or not.
    ///
    /// # Errors
    ///
    /// That it cannot be read at all; a page that is there but unsound is [`Taken::Unsound`].
    fn take(&mut self, number: PageNumber) -> Result<Taken, Error>;

    /// Puts a page back, or a new one in.
    ///
    /// # Errors
    ///
    /// That it had to make room by writing another page and could not.
    fn put(&mut self, page: WorkPage) -> Result<(), Error>;
}

/// What there is under the number of a page.
#[derive(Debug)]
pub enum Taken {
    /// The page.
    Page(WorkPage),
    /// Nothing: the database ends before it.
    BeyondEnd,
    /// Bytes that are no page: zeros, or damaged.
    Unsound(PageError),
}
