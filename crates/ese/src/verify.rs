//! Every page of a database judged: parallel, streaming, in constant memory.
//!
//! Threads draw pieces of the file one after the other and judge their pages; what they find is
//! counted exactly, and the first pages of each kind are listed. Pages beyond the last owned one
//! belong to nobody and may hold anything: they are counted apart and are never a failure.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use ese_format::header::CopyState;
use ese_format::page::{Correction, Damage, PageFlags, PageState};
use ese_format::{DbTime, PageNumber, page};

use crate::{AlignedBuffer, DatabaseFile, Error};

/// How to go through the file.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Options {
    /// Threads to use; 0 for one a processor, at most [`MAX_THREADS`].
    pub threads: usize,
    /// How many damaged and how many corrected pages are listed, for owned pages and for those
    /// beyond each.
    pub listed: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: 0, listed: 1000 }
    }
}

impl Options {
    /// The default with `threads` threads.
    pub fn with_threads(threads: usize) -> Self {
        Self { threads, ..Self::default() }
    }
}

/// Hears how far a pass came and says whether it goes on.
///
/// It is called from several threads, about once for each half mebibyte.
pub trait Progress: Sync {
    /// `done` of `total` bytes have been judged; [`ControlFlow::Break`] cancels.
    fn report(&self, done: u64, total: u64) -> ControlFlow<()>;
}

/// Progress that nobody hears.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unheard;

impl Progress for Unheard {
    fn report(&self, _done: u64, _total: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: Fn(u64, u64) -> ControlFlow<()> + Sync> Progress for F {
    fn report(&self, done: u64, total: u64) -> ControlFlow<()> {
        self(done, total)
    }
}

/// What a pass over all pages found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageReport {
    /// The pages that the database owns (all pages, if its space tree cannot be read).
    pub owned: PageRange,
    /// The pages beyond.
    pub beyond: PageRange,
    /// Owned pages that the file does not have.
    pub missing: u32,
    /// Bytes behind the last whole page.
    pub tail: u64,
    /// State of the header in block 0.
    pub primary: CopyState,
    /// State of the header in block 1.
    pub shadow: CopyState,
    /// Sound owned pages of a clean database that are newer than its header.
    pub newer_than_header: u64,
}

impl PageReport {
    /// Whether every owned page is there and sound, if need be after correction of single bits.
    pub fn pages_sound(&self) -> bool {
        self.owned.damaged_count == 0 && self.missing == 0
    }
}

/// Counts over a range of pages, and the first pages that are not as they should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageRange {
    /// All pages: `zeroed + ecc + xor`.
    pub pages: u64,
    /// Never written.
    pub zeroed: u64,
    /// With the flag of the XOR-and-ECC checksum.
    pub ecc: u64,
    /// Without it: last written before Vista.
    pub xor: u64,
    /// Sound pages that a merge emptied.
    pub empty: u64,
    /// Sound pages allocated and not used yet.
    pub preinit: u64,
    /// With single wrong bits that can be put right.
    pub corrected_count: u64,
    /// The first of them, ascending.
    pub corrected: Vec<CorrectedPage>,
    /// Damaged.
    pub damaged_count: u64,
    /// The first of them, ascending.
    pub damaged: Vec<DamagedPage>,
}

/// A page with single wrong bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CorrectedPage {
    /// The page.
    pub page: PageNumber,
    /// Its wrong bits.
    pub correction: Correction,
}

/// A damaged page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DamagedPage {
    /// The page.
    pub page: PageNumber,
    /// What is the matter with it.
    pub damage: Damage,
}

/// Judges every page of `database`.
///
/// Fails when reading fails or `progress` cancels; damaged pages are no failure but the result.
pub fn pages(
    database: &DatabaseFile,
    options: &Options,
    progress: &dyn Progress,
) -> Result<PageReport, Error> {
    let pass = Pass::new(database, options.listed, progress);
    let threads = thread_count(options.threads);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| pass.work());
        }
        pass.work();
    });
    pass.finish()
}

/// The most threads of a pass: more do not read faster.
pub const MAX_THREADS: usize = 16;

/// Bytes of a piece: it stays in the second-level cache between being read and being judged.
const PIECE: u32 = 256 * 1024;

pub(crate) fn thread_count(wanted: usize) -> usize {
    let count = match wanted {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        wanted => wanted,
    };
    count.min(MAX_THREADS)
}

/// What the threads of one pass share.
struct Pass<'a> {
    database: &'a DatabaseFile,
    progress: &'a dyn Progress,
    listed: usize,
    pages_per_piece: u32,
    total: u64,
    next_piece: AtomicU64,
    done: AtomicU64,
    outcome: Mutex<Outcome>,
}

#[derive(Default)]
struct Outcome {
    tally: Tally,
    error: Option<Error>,
}

#[derive(Default)]
struct Tally {
    owned: PageRange,
    beyond: PageRange,
    newer_than_header: u64,
}

impl<'a> Pass<'a> {
    fn new(database: &'a DatabaseFile, listed: usize, progress: &'a dyn Progress) -> Self {
        let page_size = database.page_size().get();
        Self {
            database,
            progress,
            listed,
            pages_per_piece: PIECE / page_size,
            total: u64::from(database.layout().pages) * u64::from(page_size),
            next_piece: AtomicU64::new(0),
            done: AtomicU64::new(0),
            outcome: Mutex::default(),
        }
    }

    /// Draws and judges pieces until there are none, or one thread failed.
    fn work(&self) {
        let mut tally = Tally::default();
        let mut buf = AlignedBuffer::new(PIECE as usize);
        let error = loop {
            match self.judge_next(buf.as_mut_slice(), &mut tally) {
                Ok(true) => {}
                Ok(false) => break None,
                Err(error) => break Some(error),
            }
        };
        if error.is_some() {
            // The others find no further piece.
            self.next_piece.store(u64::from(u32::MAX) + 1, Ordering::Relaxed);
        }
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.tally.add(tally, self.listed);
        outcome.error = outcome.error.take().or(error);
    }

    /// Judges the next piece; `false` if there is none.
    fn judge_next(&self, buf: &mut [u8], tally: &mut Tally) -> Result<bool, Error> {
        let piece = self.next_piece.fetch_add(1, Ordering::Relaxed);
        let pages = self.database.layout().pages;
        let before = piece.saturating_mul(u64::from(self.pages_per_piece));
        let Some(before) = u32::try_from(before).ok().filter(|&before| before < pages) else {
            return Ok(false);
        };
        let count = self.pages_per_piece.min(pages - before);
        let page_size = self.database.page_size();
        let first = PageNumber(before + 1);
        let len = count as usize * page_size.bytes();
        let buf = buf.get_mut(..len).unwrap_or_default();
        self.database.read_exact_at(buf, first.file_offset(page_size))?;
        for (number, page) in (first.0..).zip(buf.chunks_exact(page_size.bytes())) {
            self.judge(page, PageNumber(number), tally);
        }
        let done = self.done.fetch_add(len as u64, Ordering::Relaxed) + len as u64;
        match self.progress.report(done, self.total) {
            ControlFlow::Continue(()) => Ok(true),
            ControlFlow::Break(()) => Err(Error::Cancelled),
        }
    }

    fn judge(&self, bytes: &[u8], number: PageNumber, tally: &mut Tally) {
        let owned = number <= self.database.layout().last_judged();
        let range = if owned { &mut tally.owned } else { &mut tally.beyond };
        range.pages += 1;
        let state = page::verify(bytes, number);
        if state == PageState::Zeroed {
            range.zeroed += 1;
            return;
        }
        let Some(header) = page::PageHeader::parse(bytes) else { return };
        if header.flags.contains(PageFlags::NEW_CHECKSUM_FORMAT) {
            range.ecc += 1;
        } else {
            range.xor += 1;
        }
        match state {
            PageState::Damaged(damage) => {
                range.damaged_count += 1;
                if range.damaged.len() < self.listed {
                    range.damaged.push(DamagedPage { page: number, damage });
                }
                return;
            }
            PageState::Correctable(correction) => {
                range.corrected_count += 1;
                if range.corrected.len() < self.listed {
                    range.corrected.push(CorrectedPage { page: number, correction });
                }
            }
            PageState::Valid(_) => {
                let newer = self.is_newer_than_header(header.dbtime);
                tally.newer_than_header += u64::from(owned && newer);
            }
            PageState::Zeroed => {}
        }
        range.empty += u64::from(header.flags.contains(PageFlags::EMPTY));
        range.preinit += u64::from(header.flags.contains(PageFlags::PREINIT));
    }

    fn is_newer_than_header(&self, dbtime: DbTime) -> bool {
        let header = self.database.header();
        header.is_clean() && dbtime.is_time() && dbtime > header.dbtime
    }

    fn finish(self) -> Result<PageReport, Error> {
        let outcome = self.outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = outcome.error {
            return Err(error);
        }
        let layout = self.database.layout();
        let shadowed = self.database.shadowed();
        Ok(PageReport {
            owned: outcome.tally.owned,
            beyond: outcome.tally.beyond,
            missing: layout.missing_pages(),
            tail: layout.tail,
            primary: shadowed.primary,
            shadow: shadowed.shadow,
            newer_than_header: outcome.tally.newer_than_header,
        })
    }
}

impl Tally {
    fn add(&mut self, other: Self, listed: usize) {
        self.owned.add(other.owned, listed);
        self.beyond.add(other.beyond, listed);
        self.newer_than_header += other.newer_than_header;
    }
}

impl PageRange {
    /// Each thread draws its pieces in ascending order, so the first `listed` pages of all are
    /// among the first `listed` pages of each.
    fn add(&mut self, other: Self, listed: usize) {
        self.pages += other.pages;
        self.zeroed += other.zeroed;
        self.ecc += other.ecc;
        self.xor += other.xor;
        self.empty += other.empty;
        self.preinit += other.preinit;
        self.corrected_count += other.corrected_count;
        self.damaged_count += other.damaged_count;
        self.corrected.extend(other.corrected);
        self.corrected.sort_unstable_by_key(|corrected| corrected.page);
        self.corrected.truncate(listed);
        self.damaged.extend(other.damaged);
        self.damaged.sort_unstable_by_key(|damaged| damaged.page);
        self.damaged.truncate(listed);
    }
}
