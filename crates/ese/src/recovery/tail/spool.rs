//! Log files that are made before it is known where they go.
//!
//! They are put aside one behind the other, in memory or in a file like that of the changed pages,
//! each only as far as it is filled: the rest of a log file is zeros.

use std::io;

use ese_format::LogTime;
use ese_format::log::writer::{LogImage, LogSink};
use ese_format::log_header::LogHeader;

use crate::Error;
use crate::overlay::{Backing, Spill};
use crate::recovery::clock::Clock;

/// A log file that is put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpooledLog {
    /// Its header.
    pub header: LogHeader,
    /// Length of the file.
    pub len: u64,
    /// Bytes at its beginning that are put aside; zeros follow.
    pub filled: u64,
    at: u64,
}

/// Log files that are put aside.
#[derive(Debug)]
pub(crate) struct Spool {
    backing: Option<Backing>,
    spill: Spill,
    files: Vec<SpooledLog>,
    end: u64,
    clock: Clock,
}

impl Spool {
    pub(crate) fn new(spill: Spill, clock: Clock) -> Self {
        Self { backing: None, spill, files: Vec::new(), end: 0, clock }
    }

    pub(crate) fn clock(&mut self) -> &mut Clock {
        &mut self.clock
    }

    /// The files, as they were put aside.
    pub(crate) fn files(&self) -> &[SpooledLog] {
        &self.files
    }

    /// Puts `bytes` behind what is there.
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let backing = match &mut self.backing {
            Some(backing) => backing,
            none => none.insert(Backing::open(&self.spill)?),
        };
        backing.write(bytes, self.end)?;
        self.end = self.end.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// Makes a file of what was put behind since the last one.
    pub(crate) fn end_file(&mut self, header: LogHeader, len: u64) {
        let at = self.files.last().map_or(0, |last| last.at + last.filled);
        self.files.push(SpooledLog { header, len, filled: self.end - at, at });
    }

    /// Fills `target` from byte `from` of a file on; returns the number of bytes.
    pub(crate) fn read(
        &self,
        file: &SpooledLog,
        from: u64,
        target: &mut [u8],
    ) -> Result<usize, Error> {
        let left = usize::try_from(file.filled.saturating_sub(from)).unwrap_or(usize::MAX);
        let len = left.min(target.len());
        if let (Some(backing), Some(target)) = (&self.backing, target.get_mut(..len)) {
            backing.read(target, file.at + from)?;
        }
        Ok(len)
    }
}

impl LogSink for Spool {
    type Error = Error;

    fn now(&mut self) -> LogTime {
        self.clock.now()
    }

    fn file(&mut self, file: &LogImage<'_>) -> Result<(), Error> {
        self.extend(file.bytes)?;
        self.end_file(file.header.clone(), file.len);
        Ok(())
    }
}

/// Reads a log file that is put aside from its beginning to its end, the zeros too.
#[derive(Debug)]
pub struct SpooledReader<'a> {
    pub(crate) spool: &'a Spool,
    pub(crate) file: &'a SpooledLog,
    pub(crate) at: u64,
}

impl SpooledReader<'_> {
    /// Fills `target` as far as the file goes; returns the number of bytes.
    ///
    /// # Errors
    ///
    /// That what was put aside cannot be read.
    pub fn read(&mut self, target: &mut [u8]) -> Result<usize, Error> {
        let left =
            usize::try_from(self.file.len - self.at.min(self.file.len)).unwrap_or(usize::MAX);
        let len = left.min(target.len());
        let Some(target) = target.get_mut(..len) else { return Ok(0) };
        let filled = self.spool.read(self.file, self.at, target)?;
        if let Some(rest) = target.get_mut(filled..) {
            rest.fill(0);
        }
        self.at += len as u64;
        Ok(len)
    }
}

impl io::Read for SpooledReader<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        SpooledReader::read(self, target).map_err(io::Error::other)
    }
}
