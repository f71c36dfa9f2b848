//! What a recovery writes behind the logs that it replayed.
//!
//! The log goes on in a new generation, whatever the state of the last file:
//!
//! ```text
//! RecoveryUndo2                   undo begins
//! Undo, UndoInfo, Rollback ...    what the undo did
//! ShutDownMark, padding           the log is about to end; databases are consistent here
//! RecoveryQuit2, padding          recovery is done; the checkpoint points here
//! ```
//!
//! A log that ends with a mark of its intended end has no open transactions: only the last line is
//! written, and the mark that is there is where databases are consistent. To a log that was ended
//! in good order nothing is added at all, and no [`LogTail`] is made.
//!
//! The file that was the current log gets its archived name, the last new one becomes the current
//! log. A last file without a record is no file that the engine would archive: the new one takes
//! its generation and its place. Nothing is written here yet: the files are put aside, and whoever
//! takes over the result of the recovery writes them.
//!
//! Source: ESE `ErrLGRecoveryUndo`, `ErrLGShutDownMark`, `ErrLGRecoveryQuit` (logapi.cxx),
//! `LOG::ErrLGRIEndAllSessions` (logredo.cxx), `ErrIOTermGetShutDownMark` (io.cxx).

use std::sync::Arc;

use ese_format::log::record::{InstanceRecord, LogRecord};
use ese_format::log::writer::{LogWriteError, LogWriter};
use ese_format::log_header::LogHeader;
use ese_format::{LogPosition, LogTime};
use vfs::Storage;

pub use self::last::LastLog;
use self::last::LastState;
use self::spool::Spool;
pub use self::spool::{SpooledLog, SpooledReader};
use super::clock::Clock;
use crate::Error;
use crate::error::UndoLogError;
use crate::overlay::Spill;

mod last;
mod spool;
#[cfg(test)]
pub(crate) mod tests;

/// Where the undo logs what it does.
pub trait UndoLog {
    /// Writes a record; returns its position.
    ///
    /// # Errors
    ///
    /// That it cannot be written.
    fn append(&mut self, record: &LogRecord<'_>) -> Result<LogPosition, Error>;
}

/// Nothing is logged: the recovered database is only read.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLog;

impl UndoLog for NoLog {
    fn append(&mut self, _: &LogRecord<'_>) -> Result<LogPosition, Error> {
        Ok(LogPosition::UNSET)
    }
}

/// Where and how a recovery that logs its undo began.
#[derive(Debug, Clone)]
pub struct TailStart {
    /// The last log file that was replayed.
    pub last: LastLog,
    /// The databases that are attached at its end, as a log header lists them.
    pub attachments: Vec<u8>,
    /// Where the replay began.
    pub redo_from: LogPosition,
    /// Whether it is a restore from a streaming backup.
    pub hard: bool,
}

/// The log files that follow the last one.
#[derive(Debug)]
pub struct LogTail {
    writer: LogWriter<Spool>,
    start: TailStart,
    state: LastState,
    undo: LogPosition,
    /// The bytes of a record, kept to be used again.
    record: Vec<u8>,
}

impl LogTail {
    /// Begins the generation after the last one.
    ///
    /// # Errors
    ///
    /// That the last file cannot be read, is damaged before its end, or is of a format that cannot
    /// be written.
    pub fn begin(
        storage: &Arc<dyn Storage>,
        start: TailStart,
        spill: Spill,
        clock: Clock,
    ) -> Result<Self, Error> {
        let mut spool = Spool::new(spill, clock);
        let state = last::look_through(storage, &start.last, &mut spool)?;
        let header = next_header(&start, &state, spool.clock().now());
        let path = start.last.path.clone();
        let writer = LogWriter::new(header, spool).map_err(|error| undo_error(&path, error))?;
        let undo = LogPosition::UNSET;
        let mut tail = Self { writer, start, state, undo, record: Vec::new() };
        if tail.start.last.mark.is_none() {
            let time = tail.writer.sink_mut().clock().now();
            tail.undo = tail.append_note(InstanceRecord::RecoveryUndo { time: Some(time) })?;
        }
        Ok(tail)
    }

    fn append_note(&mut self, record: InstanceRecord<'_>) -> Result<LogPosition, Error> {
        self.append(&LogRecord::Instance(record))
    }

    /// Ends the log.
    ///
    /// # Errors
    ///
    /// That what was written cannot be put aside.
    pub fn finish(mut self) -> Result<FinishedTail, Error> {
        let mark = match self.start.last.mark {
            Some(mark) => mark,
            None => {
                let mark = self.append_note(InstanceRecord::ShutDownMark)?;
                self.writer.fill();
                mark
            }
        };
        let time = self.writer.sink_mut().clock().now();
        let quit = self.append_note(InstanceRecord::RecoveryQuit {
            undo: self.undo,
            redo_from: self.start.redo_from,
            hard: u8::from(self.start.hard),
            time: Some(time),
            keep_attachments: false,
        })?;
        let path = &self.start.last.path;
        let spool = self.writer.finish().map_err(|error| undo_error(path, error))?;
        let (last, copied) = (self.start.last, self.state.copied);
        Ok(FinishedTail { mark, quit, time, last, copied, spool })
    }
}

impl UndoLog for LogTail {
    fn append(&mut self, record: &LogRecord<'_>) -> Result<LogPosition, Error> {
        let mut bytes = std::mem::take(&mut self.record);
        bytes.clear();
        record.write(&mut bytes);
        let position = self.writer.append(&bytes);
        self.record = bytes;
        position.map_err(|error| undo_error(&self.start.last.path, error))
    }
}

/// The end of the log that a recovery wrote.
#[derive(Debug)]
pub struct FinishedTail {
    mark: LogPosition,
    quit: LogPosition,
    time: LogTime,
    last: LastLog,
    copied: bool,
    spool: Spool,
}

impl FinishedTail {
    /// The mark of the intended end: databases are consistent here.
    pub fn mark(&self) -> LogPosition {
        self.mark
    }

    /// The last record: the checkpoint points here.
    pub fn quit(&self) -> LogPosition {
        self.quit
    }

    /// When the log was ended.
    pub fn time(&self) -> LogTime {
        self.time
    }

    /// The log file that was replayed last.
    pub fn last(&self) -> &LastLog {
        &self.last
    }

    /// What has to replace the log file that was replayed last, if it cannot stay as it is.
    pub fn replacement(&self) -> Option<&SpooledLog> {
        self.spool.files().first().filter(|_| self.copied)
    }

    /// Whether the first new log file takes the place of the one that was replayed last, which has
    /// the same generation and no record.
    pub fn replaces_last(&self) -> bool {
        self.last.is_empty()
    }

    /// The new log files by their generations; the last one is the current log.
    pub fn files(&self) -> &[SpooledLog] {
        self.spool.files().get(usize::from(self.copied)..).unwrap_or_default()
    }

    /// A reader of one of the files.
    pub fn read<'a>(&'a self, file: &'a SpooledLog) -> SpooledReader<'a> {
        SpooledReader { spool: &self.spool, file, at: 0 }
    }
}

fn next_header(start: &TailStart, state: &LastState, now: LogTime) -> LogHeader {
    let last = &start.last.header;
    let mut header = last.clone();
    if !start.last.is_empty() {
        header.generation = last.generation.next();
        header.previous_created = last.created;
        header.created = now;
        header.previous_segments_checksum = state.checksum;
        header.flags &= !MADE_FROM_RESERVE;
        header.checkpoint = start.redo_from;
    }
    header.set_attachments(&start.attachments);
    header
}

fn undo_error(path: &std::path::Path, error: LogWriteError<Error>) -> Error {
    let what = match error {
        LogWriteError::Sink(error) => return error,
        LogWriteError::TooLong { len } => UndoLogError::TooLong { len },
        LogWriteError::LastGeneration => UndoLogError::LastGeneration,
        _ => UndoLogError::Shape,
    };
    Error::UndoLog { path: path.to_owned(), what }
}

/// Flag of a log header: the file was made from a reserve.
const MADE_FROM_RESERVE: u8 = 1;
