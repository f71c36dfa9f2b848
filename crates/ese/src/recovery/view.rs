//! A recovered database as a file that is only read: the pages of the overlay behind a clean
//! header. Whatever reads a database reads it too, and nothing is written anywhere.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese_format::PageNumber;
use vfs::File;

use super::outcome::Outcome;
use crate::overlay::OverlayStore;
use crate::{Error, PageStore as _};

/// The file.
#[derive(Debug)]
pub(crate) struct RecoveredFile {
    path: PathBuf,
    header: Vec<u8>,
    pages: Arc<OverlayStore>,
    len: u64,
}

impl RecoveredFile {
    /// The file that `outcome` would be written to; errors name `path`.
    pub(crate) fn of(outcome: &Outcome, path: &Path) -> Self {
        let mut header = outcome.header_block();
        header.resize(outcome.pages().page_size().bytes(), 0);
        Self {
            path: path.to_owned(),
            header,
            pages: outcome.pages().clone(),
            len: outcome.file_len(),
        }
    }

    /// Reads what of one block, or of a run of pages, `target` takes; returns its bytes.
    fn read_some(&self, target: &mut [u8], offset: u64) -> vfs::Result<usize> {
        let size = self.header.len() as u64;
        let (block, within) = (offset / size, usize::try_from(offset % size).unwrap_or(0));
        if block < PageNumber::RESERVED_BLOCKS {
            let bytes = self.header.get(within..).unwrap_or_default();
            return Ok(copy(bytes, target));
        }
        let Ok(number) = u32::try_from(block - PageNumber::RESERVED_BLOCKS + 1) else {
            return Ok(0);
        };
        let number = PageNumber(number);
        let whole = target.len() - target.len() % self.header.len();
        if within == 0 && whole > 0 {
            let run = target.get_mut(..whole).unwrap_or_default();
            let pages = self.pages.read_run(number, run).map_err(|error| self.failed(error))?;
            return Ok(pages.saturating_mul(self.header.len()));
        }
        let mut page = vec![0; self.header.len()];
        let pages = self.pages.read_run(number, &mut page).map_err(|error| self.failed(error))?;
        let bytes = page.get(within..).filter(|_| pages > 0).unwrap_or_default();
        Ok(copy(bytes, target))
    }

    fn failed(&self, error: Error) -> vfs::Error {
        match error {
            Error::Storage(error) => error,
            error => self.error(io::Error::other(error)),
        }
    }

    fn error(&self, source: io::Error) -> vfs::Error {
        vfs::Error::new(vfs::Operation::Read, &self.path, source)
    }

    fn read_only(&self) -> vfs::Error {
        let source = io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "it is only read");
        vfs::Error::new(vfs::Operation::Write, &self.path, source)
    }
}

impl File for RecoveredFile {
    fn len(&self) -> vfs::Result<u64> {
        Ok(self.len)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> vfs::Result<usize> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buf.len().min(left);
        let mut done = 0;
        while done < wanted {
            let target = buf.get_mut(done..wanted).unwrap_or_default();
            match self.read_some(target, offset + done as u64)? {
                0 => break,
                read => done += read,
            }
        }
        Ok(done)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> vfs::Result<()> {
        if self.read_at(buf, offset)? < buf.len() {
            return Err(self.error(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(())
    }

    fn write_all_at(&self, _: &[u8], _: u64) -> vfs::Result<()> {
        Err(self.read_only())
    }

    fn set_len(&self, _: u64) -> vfs::Result<()> {
        Err(self.read_only())
    }

    fn sync(&self) -> vfs::Result<()> {
        Ok(())
    }
}

/// Copies what both have room for; returns its bytes.
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let len = from.len().min(to.len());
    if let (Some(from), Some(to)) = (from.get(..len), to.get_mut(..len)) {
        to.copy_from_slice(from);
    }
    len
}
