//! A database file opened for whole-file work.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese_format::header::{DatabaseHeader, SHADOWED_LEN, ShadowedHeader, read_shadowed};
use ese_format::trailer::BackupTrailer;
use ese_format::{PageNumber, PageSize};
use vfs::{File, OpenMode, Storage};

use crate::Error;
use crate::owned::{self, UnknownSpace};

/// A database file; it is read and never written.
///
/// It is taken to stand still: length and header are those of the moment of opening.
#[derive(Debug)]
pub struct DatabaseFile {
    file: Arc<dyn File>,
    path: PathBuf,
    shadowed: ShadowedHeader,
    header_block: Vec<u8>,
    layout: Layout,
}

/// What lies where in a database file.
///
/// ```text
/// header | shadow | page 1 ... last owned page | pages beyond | trailer | tail
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Layout {
    /// Length of the file in bytes.
    pub file_len: u64,
    /// Whole blocks behind the two headers, the trailer left out: the pages that are there.
    pub pages: u32,
    /// The last page that the database owns, from the tree of owned extents of its root; or why
    /// that cannot be told.
    ///
    /// The file may be longer (it is extended ahead), and what lies beyond belongs to nobody.
    pub last_owned: Result<PageNumber, UnknownSpace>,
    /// The trailer of a streaming-backup copy.
    pub trailer: Option<BackupTrailer>,
    /// Bytes behind the last whole block.
    pub tail: u64,
}

impl Layout {
    /// The last page that has to be sound: the last owned one, or all if that is not known.
    pub fn last_judged(&self) -> PageNumber {
        self.last_owned.unwrap_or(PageNumber(self.pages))
    }

    /// How many owned pages the file does not have.
    pub fn missing_pages(&self) -> u32 {
        self.last_judged().0.saturating_sub(self.pages)
    }
}

impl DatabaseFile {
    /// Opens a database file and reads its header and layout.
    ///
    /// Fails without a usable header copy. A space tree that cannot be read is no failure:
    /// [`Layout::last_owned`] says so.
    #[expect(clippy::needless_pass_by_value, reason = "callers hold the storage shared")]
    pub fn open(storage: Arc<dyn Storage>, path: &Path) -> Result<Self, Error> {
        Self::over(storage.open(path, OpenMode::Read)?, path)
    }

    /// The database in an open file; errors name `path`.
    ///
    /// # Errors
    ///
    /// As [`DatabaseFile::open`].
    pub fn over(file: Arc<dyn File>, path: &Path) -> Result<Self, Error> {
        let file_len = file.len()?;
        let mut beginning = vec![0; SHADOWED_LEN];
        let read = file.read_at(&mut beginning, 0)?;
        beginning.truncate(read);
        let shadowed = read_shadowed(&beginning)
            .map_err(|source| Error::Header { path: path.to_owned(), source })?;
        let header_block = shadowed.header.to_block();
        let layout = read_layout(&*file, shadowed.page_size, file_len)?;
        Ok(Self { file, path: path.to_owned(), shadowed, header_block, layout })
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The header that counts.
    pub fn header(&self) -> &DatabaseHeader {
        &self.shadowed.header
    }

    /// The header with the state of its two copies.
    pub fn shadowed(&self) -> &ShadowedHeader {
        &self.shadowed
    }

    /// Page size of the database.
    pub fn page_size(&self) -> PageSize {
        self.shadowed.page_size
    }

    /// Length of the file in bytes.
    pub fn len(&self) -> u64 {
        self.layout.file_len
    }

    /// A file with a header is not empty; here because [`DatabaseFile::len`] is.
    pub fn is_empty(&self) -> bool {
        self.layout.file_len == 0
    }

    /// What lies where.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Fails with [`Error::Truncated`] if the file ends before the last owned page.
    pub fn check_complete(&self) -> Result<(), Error> {
        if self.layout.missing_pages() == 0 {
            return Ok(());
        }
        Err(Error::Truncated {
            path: self.path.clone(),
            last_present: PageNumber(self.layout.pages),
            last_owned: self.layout.last_judged(),
        })
    }

    /// The header block that counts, as it lies in the file.
    pub(crate) fn header_block(&self) -> &[u8] {
        &self.header_block
    }

    /// Reads exactly `buf.len()` bytes at `offset`.
    pub(crate) fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<(), Error> {
        let read = self.file.read_at(buf, offset)?;
        if read < buf.len() {
            return Err(Error::Shrunk {
                path: self.path.clone(),
                end: offset.saturating_add(read as u64),
                len: self.layout.file_len,
            });
        }
        Ok(())
    }

    /// The error for a damaged page of this file.
    pub(crate) fn damaged(&self, page: PageNumber, damage: ese_format::page::Damage) -> Error {
        Error::DamagedPage {
            path: self.path.clone(),
            page,
            offset: page.file_offset(self.page_size()),
            damage,
        }
    }
}

fn read_layout(file: &dyn File, page_size: PageSize, file_len: u64) -> Result<Layout, Error> {
    let size = u64::from(page_size.get());
    let blocks = file_len / size;
    let tail = file_len % size;
    let mut pages = blocks.saturating_sub(PageNumber::RESERVED_BLOCKS);
    let mut trailer = None;
    if tail == 0 && pages > 0 {
        let mut block = vec![0; page_size.bytes()];
        file.read_exact_at(&mut block, file_len - size)?;
        trailer = BackupTrailer::recognise(&block);
        pages -= u64::from(trailer.is_some());
    }
    let pages = u32::try_from(pages).unwrap_or(u32::MAX).min(PageNumber::MAX.0);
    let last_owned = owned::last_owned_page(file, page_size, pages);
    Ok(Layout { file_len, pages, last_owned, trailer, tail })
}
