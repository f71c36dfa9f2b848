//! Writing log files: where each record goes.
//!
//! A file is a row of 4096-byte sectors: the header, the segments, and a last one that never holds
//! a segment of its own, only the copy of the one before it.
//!
//! | what is left of the segment | what becomes of the record |
//! |---|---|
//! | enough | it is placed as it is |
//! | too little, less than 32 bytes | zeros up to the end; it begins in the next segment |
//! | too little | a first fragment here, the others at the beginning of the following segments |
//! | it would not end in this file | zeros up to the end of the segment; the next file begins |
//!
//! A position is told before that choice: a record that begins a segment is at byte 0 of it, and
//! one that found too little room is where the zeros begin. Neither a record nor records that are
//! appended together are split between two files.
//!
//! Source: ESE `ErrLGLogRec`, `FLGIAddLogRec` (logwrite.cxx), `LRFRAGMENTBEGIN`, `LRFRAGMENT`,
//! `LRIGNORED` (logapi.hxx), `LGSEGHDR` (_logstream.hxx).

use alloc::vec::Vec;

use super::record::RecordKind;
use crate::checksum::{BlockPosition, ecc};
use crate::le::{Fixed, put, u64_at};
use crate::log_header::LogHeader;
use crate::{LogGeneration, LogPosition, LogTime, PageNumber};

/// Takes the files that a [`LogWriter`] makes.
pub trait LogSink {
    /// Why a file cannot be taken.
    type Error;

    /// The time that a segment or a file bears as that of its beginning.
    fn now(&mut self) -> LogTime;

    /// Called before a file is begun that follows another; `header` may be changed, the list of
    /// attached databases before all.
    fn begin(&mut self, header: &mut LogHeader) {
        let _ = header;
    }

    /// Takes a file.
    ///
    /// # Errors
    ///
    /// That it cannot be kept.
    fn file(&mut self, file: &LogImage<'_>) -> Result<(), Self::Error>;
}

/// A log file that was written.
#[derive(Debug)]
pub struct LogImage<'a> {
    /// Its header.
    pub header: &'a LogHeader,
    /// Whether no other follows: it is the current log, the others are archived.
    pub is_current: bool,
    /// Header and segments; from here to the end the file is zeros.
    pub bytes: &'a [u8],
    /// Length of the file.
    pub len: u64,
    /// XOR of the checksums of its segments, for the header of the next file.
    pub segments_checksum: u64,
}

/// Why a record cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogWriteError<E> {
    /// The sink failed.
    #[error(transparent)]
    Sink(E),
    /// The header is not one of a log of segments with room for any.
    #[error(
        "a log with {file_sectors} sectors of {sector_size} bytes, {header_sectors} of them for \
         the header, cannot be written"
    )]
    Shape {
        /// Bytes of a sector.
        sector_size: u16,
        /// Sectors of the header.
        header_sectors: u16,
        /// Sectors of the file.
        file_sectors: u16,
    },
    /// No file has room for what is to be together.
    #[error("a record of {len} bytes does not fit in a log file")]
    TooLong {
        /// Bytes of the records.
        len: usize,
    },
    /// The stream has no further generation.
    #[error("the log has reached its last generation")]
    LastGeneration,
}

/// Writes records into log files.
///
/// One file is held in memory at a time, as far as it is filled.
#[derive(Debug)]
pub struct LogWriter<S> {
    sink: S,
    header: LogHeader,
    /// The file so far: header sectors and segments, the last one perhaps begun.
    file: Vec<u8>,
    /// XOR of the checksums of the segments that are full.
    checksum: u64,
}

impl<S: LogSink> LogWriter<S> {
    /// A writer whose first file has `header`.
    ///
    /// # Errors
    ///
    /// [`LogWriteError::Shape`].
    pub fn new(header: LogHeader, sink: S) -> Result<Self, LogWriteError<S::Error>> {
        let sectors = (header.header_sectors, header.file_sectors);
        let fits = usize::from(header.sector_size) == SECTOR
            && sectors.0 == 1
            && sectors.1 > sectors.0.saturating_add(1);
        if !fits {
            return Err(LogWriteError::Shape {
                sector_size: header.sector_size,
                header_sectors: header.header_sectors,
                file_sectors: header.file_sectors,
            });
        }
        let file = header.to_sealed_block();
        Ok(Self { sink, header, file, checksum: 0 })
    }

    /// The header of the file that is being written.
    pub fn header(&self) -> &LogHeader {
        &self.header
    }

    /// The sink.
    pub fn sink(&self) -> &S {
        &self.sink
    }

    /// The sink, to be changed.
    pub fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// The place where the next record goes, unless it goes into the next file.
    pub fn position(&self) -> LogPosition {
        let (sector, byte) = (self.file.len() / SECTOR, self.file.len() % SECTOR);
        LogPosition {
            generation: self.header.generation,
            sector: u16::try_from(sector).unwrap_or(u16::MAX),
            byte: u16::try_from(byte).unwrap_or_default(),
        }
    }

    /// Writes a record; returns its position.
    ///
    /// # Errors
    ///
    /// That the sink failed, or that there is no room.
    pub fn append(&mut self, record: &[u8]) -> Result<LogPosition, LogWriteError<S::Error>> {
        self.append_together(&[record])
    }

    /// Writes records that must be in one file; returns the position of the first.
    ///
    /// # Errors
    ///
    /// That the sink failed, or that there is no room.
    pub fn append_together(
        &mut self,
        records: &[&[u8]],
    ) -> Result<LogPosition, LogWriteError<S::Error>> {
        if !self.has_room(self.file.len(), records) {
            let len = records.iter().map(|record| record.len()).sum();
            if !self.has_room(SECTOR, records) {
                return Err(LogWriteError::TooLong { len });
            }
            self.roll()?;
        }
        let position = self.position();
        for record in records {
            self.place(record);
        }
        Ok(position)
    }

    /// Fills the segment that is begun with a record of padding, so that what follows begins the
    /// next one.
    pub fn fill(&mut self) {
        let used = self.file.len() % SECTOR;
        let room = SECTOR - used;
        if used == 0 {
            return;
        }
        if let Some(padding) = room.checked_sub(PADDING_HEADER) {
            self.file.push(RecordKind::NOP2.0);
            self.file.extend(u32::try_from(padding).unwrap_or_default().to_le_bytes());
        }
        self.zeros_to_end_of_segment();
        self.seal_last();
    }

    /// Ends the log in good order: the last segment is filled, and its copy behind it.
    ///
    /// # Errors
    ///
    /// That the sink failed.
    pub fn finish(mut self) -> Result<S, LogWriteError<S::Error>> {
        self.fill();
        self.hand_over_last()
    }

    /// Ends the log as it is found after a crash: the last segment is part full.
    ///
    /// # Errors
    ///
    /// That the sink failed.
    pub fn cut(mut self) -> Result<S, LogWriteError<S::Error>> {
        if !self.file.len().is_multiple_of(SECTOR) {
            self.zeros_to_end_of_segment();
            self.seal_last();
        }
        self.hand_over_last()
    }

    fn hand_over_last(mut self) -> Result<S, LogWriteError<S::Error>> {
        if self.file.len() > SECTOR {
            self.file.extend_from_within(self.file.len() - SECTOR..);
        }
        self.hand_over(true)?;
        Ok(self.sink)
    }

    fn hand_over(&mut self, is_current: bool) -> Result<(), LogWriteError<S::Error>> {
        let image = LogImage {
            header: &self.header,
            is_current,
            bytes: &self.file,
            len: self.header.file_len(),
            segments_checksum: self.checksum,
        };
        self.sink.file(&image).map_err(LogWriteError::Sink)
    }

    /// Whether `records`, begun at `at`, end before the last sector of a file.
    fn has_room(&self, at: usize, records: &[&[u8]]) -> bool {
        let end = records.iter().fold(at, |at, record| end_of(at, record.len()));
        end / SECTOR < usize::from(self.header.file_sectors) - 1
    }

    /// Ends the file, and begins the next.
    ///
    /// # Errors
    ///
    /// That the sink failed, or that there is no further generation.
    pub fn roll(&mut self) -> Result<(), LogWriteError<S::Error>> {
        if self.header.generation >= LAST_GENERATION {
            return Err(LogWriteError::LastGeneration);
        }
        if self.file.len() == SECTOR {
            // A file has at least one segment.
            self.begin_segment();
        }
        if !self.file.len().is_multiple_of(SECTOR) {
            self.zeros_to_end_of_segment();
            self.seal_last();
        }
        self.hand_over(false)?;
        self.header.previous_created = self.header.created;
        self.header.previous_segments_checksum = self.checksum;
        self.header.generation = self.header.generation.next();
        self.header.created = self.sink.now();
        self.sink.begin(&mut self.header);
        self.file.clear();
        self.file.extend(self.header.to_sealed_block());
        self.checksum = 0;
        Ok(())
    }

    fn begin_segment(&mut self) {
        let start = self.file.len();
        let position = self.position();
        let time = self.sink.now();
        self.file.resize(start + SEGMENT_HEADER, 0);
        if let Some(header) = self.file.get_mut(start..) {
            position.write(header, 8);
            time.write(header, 16);
            put(header, 36, &SEGMENT_FLAGS.to_le_bytes());
        }
    }

    fn zeros_to_end_of_segment(&mut self) {
        self.file.resize(self.file.len().next_multiple_of(SECTOR), 0);
    }

    /// Computes the checksum of the segment that the file ends with.
    fn seal_last(&mut self) {
        let Some(start) = self.file.len().checked_sub(SECTOR) else { return };
        let sector = u32::try_from(start / SECTOR).unwrap_or_default();
        if let Some(segment) = self.file.get_mut(start..) {
            let sum = ecc(segment, PageNumber(sector), BlockPosition::First);
            sum.0.write(segment, 0);
            self.checksum ^= u64_at(segment, 0);
        }
    }

    /// Bytes left in the segment; a new one is begun where none is.
    fn room(&mut self) -> usize {
        if self.file.len().is_multiple_of(SECTOR) {
            self.begin_segment();
        }
        SECTOR - self.file.len() % SECTOR
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        self.file.extend_from_slice(bytes);
        if self.file.len().is_multiple_of(SECTOR) {
            self.seal_last();
        }
    }

    fn place(&mut self, record: &[u8]) {
        let mut room = self.room();
        if room < record.len() && room < LEAST_FRAGMENT {
            self.zeros_to_end_of_segment();
            self.seal_last();
            room = self.room();
        }
        if record.len() <= room {
            self.put_bytes(record);
            return;
        }
        let (mut piece, mut rest) = record.split_at(room - FIRST_FRAGMENT_HEADER);
        let mut head = [RecordKind::FRAGMENT_BEGIN.0, 0, 0, 0, 0, 0, 0];
        u32::try_from(record.len()).unwrap_or(u32::MAX).write(&mut head, 1);
        u16::try_from(piece.len()).unwrap_or(u16::MAX).write(&mut head, 5);
        self.file.extend_from_slice(&head);
        self.put_bytes(piece);
        while !rest.is_empty() {
            let most = self.room() - FRAGMENT_HEADER;
            (piece, rest) = rest.split_at(rest.len().min(most));
            let mut head = [RecordKind::FRAGMENT.0, 0, 0];
            u16::try_from(piece.len()).unwrap_or(u16::MAX).write(&mut head, 1);
            self.file.extend_from_slice(&head);
            self.put_bytes(piece);
        }
    }
}

/// Where a record of `len` bytes ends that is placed at `at`.
fn end_of(at: usize, len: usize) -> usize {
    let mut at = at;
    if at.is_multiple_of(SECTOR) {
        at += SEGMENT_HEADER;
    }
    let mut room = SECTOR - at % SECTOR;
    if room < len && room < LEAST_FRAGMENT {
        at += room + SEGMENT_HEADER;
        room = SECTOR - SEGMENT_HEADER;
    }
    if len <= room {
        return at + len;
    }
    let rest = len - (room - FIRST_FRAGMENT_HEADER);
    let each = SECTOR - SEGMENT_HEADER - FRAGMENT_HEADER;
    let (full, last) = (rest / each, rest % each);
    let end = at.saturating_add(room).saturating_add(full.saturating_mul(SECTOR));
    if last == 0 { end } else { end.saturating_add(SEGMENT_HEADER + FRAGMENT_HEADER + last) }
}

/// Bytes of a sector, which are those of a segment.
const SECTOR: usize = 4096;

/// Bytes of a segment before its records.
const SEGMENT_HEADER: usize = 40;

/// Flags of a segment: its checksum is of the XOR-and-ECC family.
const SEGMENT_FLAGS: u32 = 0x2000;

/// Bytes of a segment that are not used for a first fragment if there are fewer. ESE:
/// `LOG_MIN_FRAGMENT_SIZE`.
const LEAST_FRAGMENT: usize = 32;

const FIRST_FRAGMENT_HEADER: usize = 7;
const FRAGMENT_HEADER: usize = 3;

/// Bytes of a padding record before its padding.
const PADDING_HEADER: usize = 5;

/// The highest generation that recovery may reach. ESE: `lGenerationMaxDuringRecovery`.
const LAST_GENERATION: LogGeneration = LogGeneration(0x7FFF_FA00);

#[cfg(test)]
mod tests;
