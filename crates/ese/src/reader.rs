//! The file as a backup delivers it: every byte that belongs to the database verified as it is
//! read.

use std::sync::Arc;

use ese_format::PageNumber;
use ese_format::header::CopyState;
use ese_format::page::{PageState, correct, verify};

use crate::{DatabaseFile, Error};

/// Delivers a database file from beginning to end, or any part of it, and never a damaged page.
///
/// * A header copy whose checksum does not hold is delivered from the other one. Two sound copies
///   that differ are delivered as they are: whoever reads the file takes the first.
/// * Each owned page is verified; single wrong bits are put right in what is delivered (never in
///   the file), and reported. Pages that were never written are delivered as they are.
/// * What belongs to nobody (pages beyond the last owned one, bytes behind the last page) and the
///   trailer are delivered as they are.
///
/// It can be shared between threads and called by them at the same time.
#[derive(Debug, Clone)]
pub struct VerifiedReader {
    database: Arc<DatabaseFile>,
}

/// What one read delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOutcome {
    /// Bytes delivered; fewer than asked for only at the end of the file.
    pub bytes: usize,
    /// Pages with single wrong bits that were put right, ascending. A page that a read touches in
    /// part only is listed too.
    pub corrected: Vec<PageNumber>,
    /// Whether bytes of a bad header copy were replaced by those of the good one.
    pub header_replaced: bool,
}

impl VerifiedReader {
    /// A reader of `database`.
    pub fn new(database: Arc<DatabaseFile>) -> Self {
        Self { database }
    }

    /// The database that it reads.
    pub fn database(&self) -> &Arc<DatabaseFile> {
        &self.database
    }

    /// How many bytes it delivers: the file's length.
    pub fn len(&self) -> u64 {
        self.database.len()
    }

    /// Whether it delivers nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads at `offset` (any; a multiple of the page size is fastest) into `buf`.
    ///
    /// Fails with [`Error::DamagedPage`] if an owned page that it touches is damaged, and with
    /// [`Error::Truncated`] when it reaches the end of a file that lacks owned pages; `buf` is
    /// then zeroed as far as it was filled.
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<ReadOutcome, Error> {
        let left = self.len().saturating_sub(offset);
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        if wanted < buf.len() || left == wanted as u64 {
            self.database.check_complete()?;
        }
        let buf = buf.get_mut(..wanted).unwrap_or_default();
        let mut outcome = ReadOutcome { bytes: wanted, ..ReadOutcome::default() };
        match self.fill(buf, offset, &mut outcome) {
            Ok(()) => Ok(outcome),
            Err(error) => {
                buf.fill(0);
                Err(error)
            }
        }
    }

    fn fill(
        &self,
        mut buf: &mut [u8],
        mut offset: u64,
        outcome: &mut ReadOutcome,
    ) -> Result<(), Error> {
        while !buf.is_empty() {
            let done = self.fill_next(buf, offset, outcome)?;
            offset += done as u64;
            buf = buf.get_mut(done..).unwrap_or_default();
        }
        Ok(())
    }

    /// Fills the beginning of `buf`, which is not empty; returns how much.
    fn fill_next(
        &self,
        buf: &mut [u8],
        offset: u64,
        outcome: &mut ReadOutcome,
    ) -> Result<usize, Error> {
        let page_size = self.database.page_size();
        let size = u64::from(page_size.get());
        let in_block = usize::try_from(offset % size).unwrap_or(0);
        if offset < PageNumber::ROOT.file_offset(page_size) {
            return self.fill_header(buf, offset, in_block, outcome);
        }
        let end_of_pages = PageNumber(self.last_verified()).file_offset(page_size) + size;
        if offset >= end_of_pages {
            self.database.read_exact_at(buf, offset)?;
            return Ok(buf.len());
        }
        let whole = usize::try_from(end_of_pages - offset).unwrap_or(usize::MAX).min(buf.len());
        let whole = whole - whole % page_size.bytes();
        if in_block != 0 || whole == 0 {
            let mut page = vec![0; page_size.bytes()];
            self.read_pages(&mut page, offset - in_block as u64, outcome)?;
            return Ok(copy_beginning(page.get(in_block..).unwrap_or_default(), buf));
        }
        self.read_pages(buf.get_mut(..whole).unwrap_or_default(), offset, outcome)?;
        Ok(whole)
    }

    /// Fills the beginning of `buf` from the header block that `offset` lies in.
    fn fill_header(
        &self,
        buf: &mut [u8],
        offset: u64,
        in_block: usize,
        outcome: &mut ReadOutcome,
    ) -> Result<usize, Error> {
        let shadowed = self.database.shadowed();
        let size = self.database.page_size().bytes();
        let state = if offset < size as u64 { shadowed.primary } else { shadowed.shadow };
        if matches!(state, CopyState::Good | CopyState::Differs) {
            let len = buf.len().min(size - in_block);
            self.database.read_exact_at(buf.get_mut(..len).unwrap_or_default(), offset)?;
            return Ok(len);
        }
        outcome.header_replaced = true;
        Ok(copy_beginning(self.database.header_block().get(in_block..).unwrap_or_default(), buf))
    }

    /// Reads and verifies whole pages.
    fn read_pages(
        &self,
        buf: &mut [u8],
        offset: u64,
        outcome: &mut ReadOutcome,
    ) -> Result<(), Error> {
        let page_size = self.database.page_size();
        self.database.read_exact_at(buf, offset)?;
        let first = PageNumber::at_file_offset(offset, page_size).unwrap_or(PageNumber::ROOT);
        for (number, page) in (first.0..).zip(buf.chunks_exact_mut(page_size.bytes())) {
            let number = PageNumber(number);
            match verify(page, number) {
                PageState::Valid(_) | PageState::Zeroed => {}
                PageState::Correctable(correction) => {
                    correct(page, &correction);
                    outcome.corrected.push(number);
                }
                PageState::Damaged(damage) => return Err(self.database.damaged(number, damage)),
            }
        }
        Ok(())
    }

    /// The last page that is in the file and has to be sound.
    fn last_verified(&self) -> u32 {
        let layout = self.database.layout();
        layout.last_judged().0.min(layout.pages)
    }
}

fn copy_beginning(from: &[u8], to: &mut [u8]) -> usize {
    let len = from.len().min(to.len());
    if let (Some(to), Some(from)) = (to.get_mut(..len), from.get(..len)) {
        to.copy_from_slice(from);
    }
    len
}
