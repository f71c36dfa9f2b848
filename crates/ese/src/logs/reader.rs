//! Reading the records of a log file.
//!
//! ```text
//! sector   1    2    3    4    5    6    ...  last
//!          data data data data shadow empty     -
//! ```
//!
//! | sector | what it is |
//! |---|---|
//! | good, and says that it belongs here | data |
//! | torn, but the sector behind it is its good shadow | data, from the shadow |
//! | one wrong bit | data, put right |
//! | good, of an earlier life of the file | empty: nothing but empty sectors follows |
//! | zeros, or the shadow of the one before | the same |
//! | anything else, or data behind an empty one | damage |
//!
//! A record that does not fit in the rest of its segment is cut into pieces, which are joined here.
//! One whose last pieces were never written is left out: a recovery went on in a new segment. All
//! of a file is in memory while it is read; only one file is.
//!
//! Source: ESE `ErrLGCheckReadLastLogRecordFF`, `ErrLGGetNextRecFF` (logread.cxx).

use std::path::{Path, PathBuf};

use ese_format::log::record::{RecordError, RecordKind, record_len};
use ese_format::log::segment::{self, HEADER_LEN, SEGMENT_LEN, SegmentHeader, SegmentState};
use ese_format::log_header::{LOG_HEADER_LEN, LogHeader, LogHeaderError};
use ese_format::{LogPosition, LogTime, jet};
use vfs::{OpenMode, Storage};

/// The records of one log file, one after the other.
#[derive(Debug)]
pub struct LogReader {
    path: PathBuf,
    header: LogHeader,
    bytes: Vec<u8>,
    /// The last sector with data; 0 for none.
    last: u16,
    damage: Option<LogDamage>,
    /// XOR of the checksums of all data sectors.
    checksum: u64,
    patched: u32,
    sector: u16,
    at: usize,
    /// The sector that the record ends in that was read last.
    read: u16,
    /// Where the next record begins: before the filling that it may stand behind.
    position: LogPosition,
    end: LogPosition,
    /// Pieces of a record.
    pieces: Vec<u8>,
    /// Where it began, and how long it is.
    pending: Option<(LogPosition, usize)>,
    /// Whether pieces without a beginning are passed over.
    may_lack_begin: bool,
    torn: Option<LogPosition>,
}

/// Why a log cannot be read on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] vfs::Error),
    /// No usable header.
    #[error("{}: {source}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is the matter.
        source: LogHeaderError,
    },
    /// A format that is not read.
    #[error("{}: {source}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Which.
        source: ese_format::log::format::UnsupportedLogFormat,
    },
    /// A part of the file is damaged.
    #[error("{}: sector {}: {}", path.display(), damage.sector, damage.what)]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is damaged.
        damage: LogDamage,
    },
    /// Bytes that are no record.
    #[error("{}: at {position}: {source}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Where it begins.
        position: LogPosition,
        /// What is the matter.
        source: RecordError,
    },
    /// The pieces of a record do not fit together.
    #[error("{}: at {position}: the pieces of a record do not fit together", path.display())]
    Pieces {
        /// The file.
        path: PathBuf,
        /// Where it begins.
        position: LogPosition,
    },
}

/// A damaged place of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogDamage {
    /// The sector.
    pub sector: u16,
    /// What is the matter.
    pub what: DamageKind,
}

/// What is the matter with a sector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DamageKind {
    /// Its checksum does not hold, and there is no copy.
    #[error("its checksum does not hold")]
    Checksum,
    /// It is a segment of another place, or of a later file.
    #[error("it is the segment of another place")]
    Misplaced,
    /// There are records behind the end.
    #[error("there are records behind the end of the log")]
    BehindEnd,
    /// The file ends before it.
    #[error("the file ends before it")]
    Missing,
}

impl LogError {
    /// The engine's number for the error.
    pub fn jet_code(&self) -> i32 {
        match self {
            Self::Storage(error) => crate::error::storage_code(error.kind()),
            Self::Format { .. } => jet::ERR_BAD_LOG_VERSION,
            _ => jet::ERR_LOG_FILE_CORRUPT,
        }
    }

    /// Whether the log is damaged; otherwise it may be good, and another copy would not help.
    pub fn is_damage(&self) -> bool {
        !matches!(self, Self::Storage(_) | Self::Format { .. })
    }
}

impl LogReader {
    /// Opens a log file, and finds where its records end.
    ///
    /// # Errors
    ///
    /// That the file cannot be read, has no sound header, or is of a format that is not read.
    pub fn open(storage: &dyn Storage, path: &Path) -> Result<Self, LogError> {
        let file = storage.open(path, OpenMode::Read)?;
        let mut beginning = vec![0; LOG_HEADER_LEN];
        let read = file.read_at(&mut beginning, 0)?;
        beginning.truncate(read);
        let header = LogHeader::parse(&beginning)
            .map_err(|source| LogError::Header { path: path.to_owned(), source })?;
        header
            .check_format()
            .map_err(|source| LogError::Format { path: path.to_owned(), source })?;
        let len = u64::from(header.file_sectors) * SEGMENT_LEN as u64;
        let len = usize::try_from(file.len()?.min(len)).unwrap_or_default();
        let mut bytes = vec![0; len];
        let read = file.read_at(&mut bytes, 0)?;
        bytes.truncate(read - read % SEGMENT_LEN);
        let begin = LogPosition { generation: header.generation, sector: 1, byte: 0 };
        let mut reader = Self {
            path: path.to_owned(),
            header,
            bytes,
            last: 0,
            damage: None,
            checksum: 0,
            patched: 0,
            sector: 1,
            at: HEADER_LEN,
            read: 1,
            position: begin,
            end: begin,
            pieces: Vec::new(),
            pending: None,
            may_lack_begin: false,
            torn: None,
        };
        reader.scan();
        Ok(reader)
    }

    /// The header.
    pub fn header(&self) -> &LogHeader {
        &self.header
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is damaged; the records before it can be read.
    pub fn damage(&self) -> Option<LogDamage> {
        self.damage
    }

    /// XOR of the checksums of all segments, as the next log file names it.
    pub fn segments_checksum(&self) -> u64 {
        self.checksum
    }

    /// Segments that were taken from their shadow, or had a wrong bit.
    pub fn patched(&self) -> u32 {
        self.patched
    }

    /// Where the record ends that was read last.
    pub fn end(&self) -> LogPosition {
        self.end
    }

    /// The sector that the record ends in that was read last.
    pub(crate) fn read_sector(&self) -> u16 {
        self.read
    }

    /// Takes what was read behind `end` for not read.
    pub(crate) fn set_end(&mut self, end: LogPosition) {
        self.end = end;
    }

    /// Where a record begins whose last pieces were never written, if there was one.
    pub fn torn(&self) -> Option<LogPosition> {
        self.torn
    }

    /// When the segment was begun that the record ends in that was read last.
    pub fn segment_time(&self) -> LogTime {
        SegmentHeader::parse(self.segment(self.read)).time
    }

    /// Passes over the records before `position`.
    ///
    /// # Errors
    ///
    /// That the segment of that position has bytes that are no record.
    pub fn seek(&mut self, position: LogPosition) -> Result<(), LogError> {
        if position.sector <= 1 && usize::from(position.byte) <= HEADER_LEN {
            return Ok(());
        }
        let sector = position.sector.max(1);
        (self.sector, self.at) = (sector, HEADER_LEN);
        self.position = LogPosition { sector, byte: 0, ..self.position };
        self.may_lack_begin = true;
        while self.sector <= self.last && self.position < position {
            let len = self.len_here()?;
            self.step(len);
            if self.sector > sector {
                break;
            }
        }
        Ok(())
    }

    /// The next record: its position and its bytes. None at the end.
    ///
    /// # Errors
    ///
    /// That the log is damaged here, or has bytes that are no record.
    pub fn next_record(&mut self) -> Result<Option<(LogPosition, &[u8])>, LogError> {
        let (position, place) = loop {
            if self.sector > self.last {
                return self.at_end().map(|()| None);
            }
            let kind = self.segment(self.sector).get(self.at).copied().unwrap_or_default();
            if kind == 0 {
                self.step(1);
                continue;
            }
            let len = self.len_here()?;
            match RecordKind(kind) {
                RecordKind::FRAGMENT_BEGIN => self.begin_pieces(len)?,
                RecordKind::FRAGMENT => {
                    if let Some(position) = self.add_piece(len)? {
                        break (position, None);
                    }
                }
                kind => {
                    if self.pending.is_some() {
                        self.drop_pieces(kind)?;
                    }
                    let (position, sector, at) = (self.position, self.sector, self.at);
                    self.read = sector;
                    self.step(len);
                    if kind != RecordKind::NOP2 {
                        self.end = LogPosition { sector, byte: word(at + len), ..position };
                    }
                    break (position, Some((sector, at, len)));
                }
            }
        };
        let bytes = match place {
            Some((sector, at, len)) => self.segment(sector).get(at..at + len),
            None => Some(self.pieces.as_slice()),
        };
        Ok(Some((position, bytes.unwrap_or_default())))
    }

    fn at_end(&mut self) -> Result<(), LogError> {
        if let Some((position, _)) = self.pending.take() {
            self.torn = Some(position);
        }
        match self.damage {
            Some(damage) => Err(LogError::Damaged { path: self.path.clone(), damage }),
            None => Ok(()),
        }
    }

    /// Length of the record, or of the piece of one, that begins here.
    fn len_here(&self) -> Result<usize, LogError> {
        let rest = self.segment(self.sector).get(self.at..).unwrap_or_default();
        if rest.first() == Some(&0) {
            return Ok(1);
        }
        let found = rest.len();
        let source = match record_len(rest) {
            Ok(needed) if needed <= found && needed > 0 => return Ok(needed),
            Ok(needed) => {
                let kind = RecordKind(rest.first().copied().unwrap_or_default());
                RecordError::Truncated { kind, needed, found }
            }
            Err(error) => error,
        };
        Err(LogError::Record { path: self.path.clone(), position: self.position, source })
    }

    /// Goes on behind `len` bytes. Filling leaves the position of the next record where it is.
    fn step(&mut self, len: usize) {
        let rest = self.segment(self.sector).get(self.at..).unwrap_or_default();
        let is_filling = rest.first() == Some(&0);
        let len = match is_filling {
            true => rest.iter().take_while(|byte| **byte == 0).count().max(1),
            false => len,
        };
        self.at += len;
        let is_full = self.at >= SEGMENT_LEN;
        if !is_filling {
            let (sector, byte) = match is_full {
                true => (self.sector.saturating_add(1), 0),
                false => (self.sector, word(self.at)),
            };
            self.position = LogPosition { sector, byte, ..self.position };
        }
        if is_full {
            (self.sector, self.at) = (self.sector.saturating_add(1), HEADER_LEN);
        }
    }

    fn begin_pieces(&mut self, len: usize) -> Result<(), LogError> {
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.clear();
        let piece = self.segment(self.sector).get(self.at..self.at + len).unwrap_or_default();
        let total = piece.get(1..5).and_then(|total| total.first_chunk()).copied();
        let total = usize::try_from(u32::from_le_bytes(total.unwrap_or_default()));
        pieces.extend_from_slice(piece.get(7..).unwrap_or_default());
        let (total, first, found) =
            (total.unwrap_or(usize::MAX), pieces.first().copied(), pieces.len());
        self.pieces = pieces;
        if self.pending.is_some() {
            self.drop_pieces(RecordKind(first.unwrap_or_default()))?;
        }
        if total <= found || total > self.bytes.len() {
            return Err(self.wrong_pieces(self.position));
        }
        self.pending = Some((self.position, total));
        self.step(len);
        Ok(())
    }

    /// Adds a piece; the position of the record if it is complete.
    fn add_piece(&mut self, len: usize) -> Result<Option<LogPosition>, LogError> {
        let Some((position, total)) = self.pending else {
            if self.may_lack_begin && self.at == HEADER_LEN {
                self.step(len);
                return Ok(None);
            }
            return Err(self.wrong_pieces(self.position));
        };
        let (sector, at) = (self.sector, self.at);
        if at != HEADER_LEN {
            return Err(self.wrong_pieces(position));
        }
        let mut pieces = std::mem::take(&mut self.pieces);
        let piece = self.segment(sector).get(at + 3..at + len).unwrap_or_default();
        pieces.extend_from_slice(piece);
        self.pieces = pieces;
        self.step(len);
        if self.pieces.len() < total {
            return Ok(None);
        }
        self.pending = None;
        if self.pieces.len() > total || record_len(&self.pieces) != Ok(total) {
            return Err(self.wrong_pieces(position));
        }
        self.read = sector;
        self.end = LogPosition { sector, byte: word(at + len), ..position };
        Ok(Some(position))
    }

    /// Leaves out a record whose last pieces were never written, if what follows is what a
    /// recovery writes then.
    fn drop_pieces(&mut self, next: RecordKind) -> Result<(), LogError> {
        let goes_on = matches!(
            next,
            RecordKind::RECOVERY_UNDO | RecordKind::RECOVERY_UNDO2 | RecordKind::UNDO_INFO
        );
        let Some((position, _)) = self.pending.take() else { return Ok(()) };
        if !goes_on || self.at != HEADER_LEN {
            return Err(self.wrong_pieces(position));
        }
        self.torn = Some(position);
        self.position = LogPosition { sector: self.sector, byte: 0, ..self.position };
        Ok(())
    }

    fn wrong_pieces(&self, position: LogPosition) -> LogError {
        LogError::Pieces { path: self.path.clone(), position }
    }

    fn segment(&self, sector: u16) -> &[u8] {
        let at = usize::from(sector) * SEGMENT_LEN;
        self.bytes.get(at..at + SEGMENT_LEN).unwrap_or_default()
    }

    /// Finds the last sector with data; puts torn ones right.
    fn scan(&mut self) {
        let end = self.header.file_sectors.saturating_sub(1);
        let mut empty = false;
        for sector in 1..end {
            let here = LogPosition { sector, byte: 0, generation: self.header.generation };
            let state = segment::judge(self.segment(sector), sector);
            let found = SegmentHeader::parse(self.segment(sector)).position;
            let what = match state {
                _ if self.segment(sector).is_empty() => (!empty).then_some(DamageKind::Missing),
                SegmentState::Good | SegmentState::Corrected(_) if found == here => {
                    if let (SegmentState::Corrected(bit), false) = (state, empty) {
                        self.correct(sector, bit);
                    }
                    empty.then_some(DamageKind::BehindEnd)
                }
                SegmentState::Good | SegmentState::Corrected(_) if found < here => {
                    empty = true;
                    None
                }
                SegmentState::Zero | SegmentState::Shadow => {
                    empty = true;
                    None
                }
                SegmentState::Good | SegmentState::Corrected(_) => Some(DamageKind::Misplaced),
                SegmentState::Bad if !empty && self.take_from_shadow(sector, here) => None,
                SegmentState::Bad => Some(DamageKind::Checksum),
            };
            if let Some(what) = what {
                self.damage = Some(LogDamage { sector, what });
                break;
            }
            if !empty {
                self.last = sector;
                self.checksum ^= SegmentHeader::parse(self.segment(sector)).checksum.0;
            }
        }
    }

    fn correct(&mut self, sector: u16, bit: usize) {
        let at = usize::from(sector) * SEGMENT_LEN;
        if let Some(bytes) = self.bytes.get_mut(at..at + SEGMENT_LEN) {
            segment::correct(bytes, bit);
            self.patched += 1;
        }
    }

    fn take_from_shadow(&mut self, sector: u16, here: LogPosition) -> bool {
        let shadow = self.segment(sector.saturating_add(1));
        let is_copy =
            segment::is_shadow_of(shadow, sector) && SegmentHeader::parse(shadow).position == here;
        if is_copy {
            let at = (usize::from(sector) + 1) * SEGMENT_LEN;
            self.bytes.copy_within(at..at + SEGMENT_LEN, at - SEGMENT_LEN);
            self.patched += 1;
        }
        is_copy
    }
}

fn word(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
