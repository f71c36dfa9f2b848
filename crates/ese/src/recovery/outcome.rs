//! What a recovery ends with, before it is written anywhere.
//!
//! [`write_to`](super::output::write_to) makes a new folder of it,
//! [`commit`](super::journal::commit) puts it in place of what was recovered; [`Outcome::pages`]
//! only reads it.

use std::path::Path;
use std::sync::Arc;

use ese_format::header::DatabaseHeader;
use ese_format::log_header::LogHeader;
use ese_format::log_name::{LogDigits, LogName, LogRole};
use ese_format::{DbTime, LogPosition, LogTime, PageNumber};

use super::checkpoint;
use super::header::{self, CleanEnd};
use super::tail::{FinishedTail, LastLog, SpooledLog};
use crate::PageStore as _;
use crate::overlay::{Overlay, OverlayStore};

/// A recovered database, and the end of its log.
#[derive(Debug)]
pub struct Outcome {
    pages: Arc<OverlayStore>,
    header: DatabaseHeader,
    log: LogEnd,
}

/// How the log of a recovered database ends.
#[derive(Debug)]
pub enum LogEnd {
    /// The recovery continued it.
    Continued(FinishedTail),
    /// It was ended in good order, and nothing was added.
    Closed {
        /// The last file.
        last: LastLog,
        /// The record that ends it.
        end: LogPosition,
    },
    /// Nothing is written of it.
    None,
}

/// A log file to be written, with its name.
pub(crate) struct NamedLog<'a> {
    pub(crate) name: String,
    pub(crate) file: &'a SpooledLog,
    pub(crate) tail: &'a FinishedTail,
}

/// What the replay knows of a database at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// The highest dbtime that was given out.
    pub dbtime: DbTime,
    /// The highest object id that was given out.
    pub last_objid: u32,
    /// Whether it was a restore from a streaming backup.
    pub hard: bool,
}

impl LogEnd {
    /// Where databases are consistent by it.
    pub fn mark(&self) -> LogPosition {
        match self {
            Self::Continued(tail) => tail.mark(),
            Self::Closed { last, end } => last.mark.unwrap_or(*end),
            Self::None => LogPosition::UNSET,
        }
    }
}

impl Outcome {
    /// The outcome for the database with `header`, as the replay left it; errors name the database
    /// `path`.
    pub fn new(
        overlay: Overlay,
        path: &Path,
        header: &DatabaseHeader,
        log: LogEnd,
        counters: Counters,
        now: LogTime,
    ) -> Self {
        let Counters { dbtime, last_objid, hard } = counters;
        // What was detached on the way stays consistent where it was.
        let (mark, time) = match &log {
            LogEnd::Closed { .. } | LogEnd::None if header.is_clean() => {
                (header.consistent_position, header.consistent_time)
            }
            log => (log.mark(), now),
        };
        let end = CleanEnd { mark, time, dbtime, last_objid, hard };
        Self { pages: overlay.freeze(path), header: header::clean(header, &end), log }
    }

    /// Its pages, to be read.
    pub fn pages(&self) -> &Arc<OverlayStore> {
        &self.pages
    }

    /// Its header, clean.
    pub fn header(&self) -> &DatabaseHeader {
        &self.header
    }

    /// How its log ends.
    pub fn log(&self) -> &LogEnd {
        &self.log
    }

    /// The last page of the file that is written: the last one that the database owns. What a
    /// file has beyond it is room that the engine took in advance, and gives back at the end.
    pub fn last_page(&self) -> PageNumber {
        let last = self.pages.last_page();
        self.pages.last_owned().map_or(last, |owned| owned.min(last))
    }

    /// Length of the database file.
    pub fn file_len(&self) -> u64 {
        let size = u64::from(self.pages.page_size().get());
        (u64::from(self.last_page().0) + PageNumber::RESERVED_BLOCKS).saturating_mul(size)
    }

    /// The block of both copies of the header.
    pub(crate) fn header_block(&self) -> Vec<u8> {
        let mut header = self.header.clone();
        header.page_size_field = match header.page_size_field {
            0 => 0,
            _ => self.pages.page_size().get(),
        };
        header.to_sealed_block()
    }

    /// The last log file, new or old: its header, and where the checkpoint has to point.
    pub(crate) fn end(&self) -> Option<(&LastLog, &LogHeader, LogPosition)> {
        match &self.log {
            LogEnd::Continued(tail) => {
                let header = tail.files().last().map_or(&tail.last().header, |file| &file.header);
                Some((tail.last(), header, tail.quit()))
            }
            LogEnd::Closed { last, end } => Some((last, &last.header, *end)),
            LogEnd::None => None,
        }
    }

    /// The new log files under their names, the current one last.
    pub(crate) fn logs(&self) -> Vec<NamedLog<'_>> {
        let LogEnd::Continued(tail) = &self.log else { return Vec::new() };
        let named = tail.files().iter().enumerate().map(|(index, file)| {
            let is_current = index + 1 == tail.files().len();
            let name = name_beside(&tail.last().archived_name, file, is_current);
            NamedLog { name, file, tail }
        });
        named.collect()
    }

    /// The checkpoint file; `before` is what was there.
    pub(crate) fn checkpoint(&self, before: Option<&[u8]>) -> Option<Vec<u8>> {
        let (_, header, end) = self.end()?;
        Some(checkpoint::ended(before, header, end))
    }

    /// Name of the checkpoint file beside the logs.
    pub(crate) fn checkpoint_name(&self) -> Option<String> {
        let (last, ..) = self.end()?;
        let name = LogName::parse(&last.archived_name)?;
        let base = String::from_utf8(name.base.to_vec()).ok()?;
        let extension = match name.extension {
            ese_format::log_name::LogExtension::Log => "chk",
            ese_format::log_name::LogExtension::Jtx => "jcp",
        };
        Some(format!("{base}.{extension}"))
    }
}

/// The name of a log file of the stream that `archived` is of.
pub(crate) fn name_beside(archived: &str, file: &SpooledLog, is_current: bool) -> String {
    let name = LogName::parse(archived).unwrap_or(LogName {
        base: *b"edb",
        role: LogRole::Current,
        extension: ese_format::log_name::LogExtension::Log,
    });
    let digits = match name.role {
        LogRole::Archived(_, digits) => digits,
        _ => LogDigits::Short,
    };
    let role = match is_current {
        true => LogRole::Current,
        false => LogRole::Archived(file.header.generation, digits),
    };
    LogName { role, ..name }.to_file_name()
}
