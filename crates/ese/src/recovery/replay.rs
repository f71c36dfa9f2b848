//! A chain of log files, replayed from a position to its end.
//!
//! Each file has to be the successor of the one before, and to name what the checksums of its
//! segments come to. Only one file is in memory.
//!
//! | stop | where the replay ends |
//! |---|---|
//! | at the end | behind the last record of the last file |
//! | at a time | before the first file or segment that was begun later |
//! | at damage | behind the last record before it, instead of failing |
//!
//! Source: ESE `ErrLGRIRedoOperations`, `ErrLGRedoFill` (logredo.cxx).

use std::ops::ControlFlow;

use ese_format::log_header::LogHeader;
use ese_format::{LogPosition, LogTime};
use vfs::Storage;

use super::redo::{Redo, ReplayError, ReplayProblem, ReplayStart, Replayed};
use super::tail::LastLog;
use crate::logs::{LogError, LogFile, LogReader};
use crate::overlay::Overlay;
use crate::verify::Progress;

#[cfg(test)]
mod tests;

/// Which logs are replayed, and how far.
#[derive(Debug, Clone, Copy)]
pub struct LogChain<'a> {
    /// The files, ascending, without a gap.
    pub logs: &'a [LogFile],
    /// Records before it are passed over: the checkpoint, or the beginning of the first file.
    pub from: LogPosition,
    /// Nothing that was written later is replayed.
    pub until: Option<LogTime>,
    /// Damage ends the replay, and does not fail it.
    pub stop_at_damage: bool,
}

/// Where a replay ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReplayEnd {
    /// The last file that was replayed.
    pub last: LastLog,
    /// Whether records were left out because they are later than the time to stop at.
    pub stopped: bool,
    /// Whether the last file was replayed to its end.
    pub whole: bool,
    /// What kept the replay from reading on.
    pub damage: Option<LogError>,
    /// Where a record begins whose last pieces were never written, if the last file has one.
    pub torn: Option<LogPosition>,
    /// Segments that were taken from their shadow, or had a wrong bit.
    pub patched: u32,
}

/// Replays a chain of log files over `pages`. What was not committed is left to
/// [`undo`](super::undo::undo).
///
/// # Errors
///
/// That a file cannot be read or is damaged, that the files are no chain, that a record cannot be
/// replayed, or that `progress`, which counts bytes of logs, cancels.
pub fn replay(
    storage: &dyn Storage,
    chain: &LogChain<'_>,
    start: &ReplayStart,
    pages: &mut Overlay,
    progress: &dyn Progress,
) -> Result<(Replayed, ReplayEnd), Box<ReplayError>> {
    let mut run = Run {
        redo: Redo::new(pages, start),
        chain,
        previous: None,
        last: None,
        position: chain.from,
        stopped: false,
        whole: true,
        damage: None,
        torn: None,
        patched: 0,
    };
    let total: u64 = chain.logs.iter().map(|log| log.len).sum();
    let mut done = 0;
    for log in chain.logs {
        if progress.report(done, total) == ControlFlow::Break(()) {
            return Err(run.error(log, crate::Error::Cancelled.into()));
        }
        run.file(storage, log)?;
        done += log.len;
        if run.stopped || run.damage.is_some() {
            break;
        }
    }
    // The last call only tells that it is done.
    let _ = progress.report(total, total);
    run.finish()
}

/// A replay under way.
struct Run<'a, 'p> {
    redo: Redo<'p>,
    chain: &'a LogChain<'a>,
    /// The header of the file before, and what its checksums come to.
    previous: Option<(LogHeader, u64)>,
    last: Option<LastLog>,
    /// The record that was replayed last.
    position: LogPosition,
    stopped: bool,
    whole: bool,
    damage: Option<LogError>,
    torn: Option<LogPosition>,
    patched: u32,
}

impl Run<'_, '_> {
    fn file(&mut self, storage: &dyn Storage, log: &LogFile) -> Result<(), Box<ReplayError>> {
        let mut reader = match LogReader::open(storage, &log.path) {
            Ok(reader) => reader,
            Err(error) => return self.cannot_read(log, error),
        };
        if self.is_too_late(reader.header().created) {
            self.stopped = true;
            return Ok(());
        }
        self.check_successor(log, &reader)?;
        self.redo.begin_log(&log.path, reader.header())?;
        self.last = Some(LastLog {
            path: log.path.clone(),
            archived_name: log.archived_name.clone(),
            header: reader.header().clone(),
            end: reader.end(),
            mark: None,
        });
        let read = self.records(&mut reader);
        if let Some(last) = &mut self.last {
            last.end = reader.end();
        }
        (self.torn, self.patched) = (reader.torn(), self.patched + reader.patched());
        self.previous = Some((reader.header().clone(), reader.segments_checksum()));
        self.whole = read.is_ok() && !self.stopped;
        match read {
            Err(Stop::Replay(error)) => Err(error),
            Err(Stop::Read(error)) => self.cannot_read(log, error),
            Ok(()) => Ok(()),
        }
    }

    fn records(&mut self, reader: &mut LogReader) -> Result<(), Stop> {
        if self.chain.from.generation == reader.header().generation {
            reader.seek(self.chain.from).map_err(Stop::Read)?;
        }
        let mut sector = 0;
        loop {
            let before = reader.end();
            let Some((position, record)) = reader.next_record().map_err(Stop::Read)? else {
                return Ok(());
            };
            if self.chain.until.is_some() {
                let record = record.to_vec();
                if reader.read_sector() != sector {
                    sector = reader.read_sector();
                    if self.is_too_late(reader.segment_time()) {
                        reader.set_end(before);
                        self.stopped = true;
                        return Ok(());
                    }
                }
                self.redo.record(position, &record).map_err(Stop::Replay)?;
            } else {
                self.redo.record(position, record).map_err(Stop::Replay)?;
            }
            self.position = position;
        }
    }

    /// Fails, or notes that the replay ends here.
    fn cannot_read(&mut self, log: &LogFile, error: LogError) -> Result<(), Box<ReplayError>> {
        if self.chain.stop_at_damage && error.is_damage() {
            self.damage = Some(error);
            return Ok(());
        }
        Err(self.error(log, error.into()))
    }

    fn check_successor(&self, log: &LogFile, reader: &LogReader) -> Result<(), Box<ReplayError>> {
        let header = reader.header();
        let Some((previous, checksum)) = &self.previous else { return Ok(()) };
        if !header.follows(previous) {
            return Err(self.error(log, ReplayProblem::NoSuccessor));
        }
        let (named, found) = (header.previous_segments_checksum, *checksum);
        if header.update_minor >= NAMES_CHECKSUM && named != found {
            return Err(self.error(log, ReplayProblem::PreviousChecksum { named, found }));
        }
        Ok(())
    }

    fn is_too_late(&self, time: LogTime) -> bool {
        self.chain.until.is_some_and(|until| !time.is_unset() && order(time) > order(until))
    }

    fn error(&self, log: &LogFile, what: ReplayProblem) -> Box<ReplayError> {
        let position = self.position;
        Box::new(ReplayError { log: log.path.clone(), position, kind: None, what })
    }

    fn finish(self) -> Result<(Replayed, ReplayEnd), Box<ReplayError>> {
        let replayed = self.redo.finish(self.position)?;
        let Some(mut last) = self.last else {
            let (log, position) = (std::path::PathBuf::new(), self.position);
            let what = ReplayProblem::NoLogs;
            return Err(Box::new(ReplayError { log, position, kind: None, what }));
        };
        last.mark = replayed.mark;
        let Self { stopped, whole, damage, torn, patched, .. } = self;
        Ok((replayed, ReplayEnd { last, stopped, whole, damage, torn, patched }))
    }
}

/// Why the records of a file end before its end.
enum Stop {
    Read(LogError),
    Replay(Box<ReplayError>),
}

/// Times as they follow each other.
pub(crate) fn order(time: LogTime) -> ((u16, u8, u8), (u8, u8, u8), u16) {
    (time.date(), time.time_of_day(), time.millisecond())
}

/// From this `updateMinor` on a log names the checksums of the whole file before.
pub(crate) const NAMES_CHECKSUM: u32 = 13;
