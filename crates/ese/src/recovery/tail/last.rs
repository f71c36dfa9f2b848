//! The log file that a recovery came to the end of.
//!
//! What follows the last record that was replayed must not be there for the next reader: the rest
//! of a record whose end was never written, a segment that is torn, records that were left out on
//! purpose. A file without such things stays as it is; of another one a copy is made that ends
//! where the replay ended.
//!
//! | sector | in the copy |
//! |---|---|
//! | before the end | as it is; torn: from its shadow; a wrong bit: corrected |
//! | of the end | its records up to the end, then zeros |
//! | behind the end | zeros |

use std::path::PathBuf;
use std::sync::Arc;

use ese_format::checksum::{BlockChecksum, BlockPosition, ecc};
use ese_format::log_header::LogHeader;
use ese_format::{LogPosition, PageNumber};
use vfs::{File, OpenMode, Storage};

use super::spool::Spool;
use crate::Error;
use crate::error::UndoLogError;

/// The last log file that was replayed.
#[derive(Debug, Clone)]
pub struct LastLog {
    /// Where it lies.
    pub path: PathBuf,
    /// The name that it has, or gets, as an archived log.
    pub archived_name: String,
    /// Its header.
    pub header: LogHeader,
    /// Where the record ends that was replayed last.
    pub end: LogPosition,
    /// The mark of the intended end, if it is the last record that was replayed.
    pub mark: Option<LogPosition>,
}

impl LastLog {
    /// Whether none of its records was replayed: it has none, or none that counts.
    pub(crate) fn is_empty(&self) -> bool {
        let end = self.end;
        end.sector == 0 || (end.sector == 1 && usize::from(end.byte) <= SEGMENT_HEADER)
    }
}

/// What was found of the last log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastState {
    /// XOR of the checksums of its segments, as they are in the end.
    pub(crate) checksum: u64,
    /// Whether a copy was put aside because it cannot stay as it is.
    pub(crate) copied: bool,
}

/// Looks through the last log; puts a copy into `spool` if it cannot stay as it is.
pub(crate) fn look_through(
    storage: &Arc<dyn Storage>,
    last: &LastLog,
    spool: &mut Spool,
) -> Result<LastState, Error> {
    if last.is_empty() {
        return Ok(LastState { checksum: 0, copied: false });
    }
    let file = storage.open(&last.path, OpenMode::Read)?;
    let mut first = Pass { last, file: &*file, spool: None, checksum: 0, differs: false };
    first.run()?;
    let state = LastState { checksum: first.checksum, copied: first.differs };
    if state.copied {
        let mut again = Pass { spool: Some(spool), checksum: 0, ..first };
        again.run()?;
        spool.end_file(last.header.clone(), last.header.file_len());
    }
    Ok(state)
}

struct Pass<'a> {
    last: &'a LastLog,
    file: &'a dyn File,
    /// Where the copy goes; without it the file is only looked at.
    spool: Option<&'a mut Spool>,
    checksum: u64,
    differs: bool,
}

impl Pass<'_> {
    fn run(&mut self) -> Result<(), Error> {
        let mut header = vec![0; SECTOR];
        self.file.read_exact_at(&mut header, 0)?;
        self.keep(&header)?;
        for sector in 1..self.last.header.file_sectors {
            if self.is_behind(sector) {
                if self.spool.is_some() {
                    break;
                }
                self.look_behind(sector)?;
            } else {
                self.segment(sector)?;
            }
        }
        Ok(())
    }

    /// Whether a segment there would begin at or after the end.
    fn is_behind(&self, sector: u16) -> bool {
        let end = self.last.end;
        sector > end.sector || (sector == end.sector && usize::from(end.byte) <= SEGMENT_HEADER)
    }

    fn segment(&mut self, sector: u16) -> Result<(), Error> {
        let mut bytes = self.read(sector)?;
        let stored = stored_sum(&bytes);
        let computed = sum(&bytes, sector);
        if computed != stored {
            self.differs = true;
            match computed.wrong_bit(stored, SECTOR) {
                Some(bit) => flip(&mut bytes, bit),
                None => bytes = self.shadow(sector)?,
            }
            let is_sound = sum(&bytes, sector) == stored_sum(&bytes);
            if !is_sound {
                return Err(self.unreadable(sector));
            }
        }
        if sector == self.last.end.sector {
            self.cut(&mut bytes, sector);
        }
        self.checksum ^= stored_sum(&bytes).0;
        self.keep(&bytes)
    }

    /// The copy of the segment in the sector behind it.
    fn shadow(&self, sector: u16) -> Result<Vec<u8>, Error> {
        let next = sector.checked_add(1).filter(|next| *next < self.last.header.file_sectors);
        next.map_or_else(|| Err(self.unreadable(sector)), |next| self.read(next))
    }

    /// Takes away what is behind the end in its segment.
    fn cut(&mut self, bytes: &mut [u8], sector: u16) {
        let end = usize::from(self.last.end.byte);
        let Some(rest) = bytes.get_mut(end..) else { return };
        if is_padding(rest) {
            return;
        }
        rest.fill(0);
        self.differs = true;
        let sum = sum(bytes, sector);
        if let Some(target) = bytes.get_mut(..8) {
            target.copy_from_slice(&sum.0.to_le_bytes());
        }
    }

    /// Whether a sector behind the end may stay: a reader takes it for empty.
    fn look_behind(&mut self, sector: u16) -> Result<(), Error> {
        let bytes = self.read(sector)?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        let stored = stored_sum(&bytes);
        let is_old = sum(&bytes, sector) == stored
            && generation(&bytes).is_some_and(|found| found < self.last.header.generation.0);
        let is_shadow = sector > 2
            && sum(&bytes, sector - 1) == stored
            && !self.is_behind(sector - 1)
            && self.is_behind(sector);
        let may_stay = is_old || (is_shadow && self.same_as_before(sector, &bytes)?);
        self.differs |= !may_stay;
        Ok(())
    }

    fn same_as_before(&self, sector: u16, bytes: &[u8]) -> Result<bool, Error> {
        Ok(self.read(sector - 1)? == bytes)
    }

    fn read(&self, sector: u16) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; SECTOR];
        self.file.read_exact_at(&mut bytes, u64::from(sector) * SECTOR as u64)?;
        Ok(bytes)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.spool {
            Some(spool) => spool.extend(bytes),
            None => Ok(()),
        }
    }

    fn unreadable(&self, sector: u16) -> Error {
        let what = UndoLogError::Segment { sector };
        Error::UndoLog { path: self.last.path.clone(), what }
    }
}

fn sum(bytes: &[u8], sector: u16) -> BlockChecksum {
    ecc(bytes, PageNumber(u32::from(sector)), BlockPosition::First)
}

fn stored_sum(bytes: &[u8]) -> BlockChecksum {
    BlockChecksum(bytes.first_chunk().map_or(0, |sum| u64::from_le_bytes(*sum)))
}

/// Generation of the file that the segment was written for.
fn generation(bytes: &[u8]) -> Option<u32> {
    bytes.get(12..)?.first_chunk().map(|number| u32::from_le_bytes(*number))
}

fn flip(bytes: &mut [u8], bit: usize) {
    if let Some(byte) = bytes.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
}

/// Whether it is zeros, or a record of padding up to the end.
fn is_padding(rest: &[u8]) -> bool {
    if let Some((&[NOP2, a, b, c, d], padding)) = rest.split_first_chunk() {
        return u32::from_le_bytes([a, b, c, d]) as usize == padding.len();
    }
    rest.iter().all(|byte| *byte == 0)
}

/// Type of the record of padding. ESE: `lrtypNOP2`.
const NOP2: u8 = 71;

/// Bytes of a segment.
const SECTOR: usize = 4096;

/// Bytes of a segment before its records.
const SEGMENT_HEADER: usize = 40;
