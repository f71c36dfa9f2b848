//! Replaying logs over the pages of a database.
//!
//! Each record is either made on the pages at once, or put aside until its macro is committed; what
//! a session did not commit can be undone afterwards. A page has what a record brings if its dbtime
//! is that of the record or later, so records may be replayed that the file has already.
//!
//! ```text
//! records of the logs --> sessions --> apply --> overlay of pages
//!                            |  macros: put aside until they are committed
//!                            |  versions: what an undo puts back
//! ```
//!
//! | counter | is raised to |
//! |---|---|
//! | dbtime | the highest of any record of the database, replayed or not |
//! | object id | the same |
//!
//! Both are in the list of attached databases that the first log file begins with, too, and in the
//! header of the database.
//!
//! Source: ESE `ErrLGRIRedoOperations`, `ErrLGRIRedoOperation` (logredo.cxx).

use std::path::{Path, PathBuf};

use ese_format::header::DatabaseHeader;
use ese_format::log::attach;
use ese_format::log::record::{DatabaseId, LogRecord, PageRecord, RecordKind};
use ese_format::log_header::LogHeader;
use ese_format::{DbTime, LogGeneration, LogPosition};

use self::change::Changer;
pub use self::counts::Counts;
pub use self::problem::{ReplayError, ReplayProblem};
use super::attachment::{Attachment, OtherDatabase};
use super::redo_map::RedoMap;
use super::session::Sessions;
use crate::overlay::Overlay;

mod backup;
pub(super) mod change;
mod counts;
mod problem;
mod records;
mod resize;
#[cfg(test)]
mod tests;

/// Where a replay begins.
#[derive(Debug, Clone)]
pub struct ReplayStart {
    /// The header of the database, completed from its trailer; none if the logs create it.
    pub header: Option<DatabaseHeader>,
    /// The number that the database has, or gets, in the instance.
    pub database: DatabaseId,
    /// Its pages may have changes up to this generation, if its header does not name a later one.
    pub future: LogGeneration,
}

/// A replay under way.
#[derive(Debug)]
pub struct Redo<'a> {
    changer: Changer<'a>,
    attachment: Attachment,
    sessions: Sessions,
    /// Bytes of the macros and versions of all sessions.
    memory: usize,
    dbtime: DbTime,
    objid: u32,
    counts: Counts,
    log: CurrentLog,
    /// The mark of an intended end that was read last.
    mark: Option<LogPosition>,
    /// Whether nothing that counts followed it.
    is_marked: bool,
    /// The end of an instance, if it is what was read last.
    end: Option<LogPosition>,
}

/// The log file that is replayed.
#[derive(Debug)]
struct CurrentLog {
    path: PathBuf,
    header: LogHeader,
}

/// What a replay leaves to be done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Replayed {
    /// The header of the database as the records left it.
    pub header: DatabaseHeader,
    /// The highest dbtime that was given out.
    pub dbtime: DbTime,
    /// The highest dbtime that the logs speak of; the header may know of a higher one.
    pub logged: DbTime,
    /// The highest object id that was given out.
    pub last_objid: u32,
    /// Its number, if it is attached at the end; otherwise it is clean.
    pub attached: Option<DatabaseId>,
    /// The last mark of an intended end, if nothing but the end of the instance follows it.
    pub mark: Option<LogPosition>,
    /// The record that ends the instance, if it is the last one that counts.
    pub end: Option<LogPosition>,
    /// The list of attached databases for a log file that begins here.
    pub attachments: Vec<u8>,
    /// The name under which the logs have it, as far as they say it.
    pub name: String,
    /// Databases of the same instance whose records were passed over.
    pub others: Vec<OtherDatabase>,
    /// What was done.
    pub counts: Counts,
    /// The last log file.
    pub(super) log: PathBuf,
    pub(super) position: LogPosition,
    pub(super) sessions: Sessions,
}

impl<'a> Redo<'a> {
    /// Begins a replay over `pages`.
    pub fn new(pages: &'a mut Overlay, start: &ReplayStart) -> Self {
        let header = start.header.as_ref();
        Self {
            changer: Changer { pages, map: RedoMap::default(), future: false },
            attachment: Attachment::at_start(header, start.database, start.future),
            sessions: Sessions::default(),
            memory: 0,
            dbtime: DbTime(0),
            objid: header.map_or(0, |header| header.last_objid),
            counts: Counts::default(),
            log: CurrentLog { path: PathBuf::new(), header: LogHeader::blank() },
            mark: None,
            is_marked: false,
            end: None,
        }
    }

    /// Goes on to a log file.
    ///
    /// # Errors
    ///
    /// That the range that the database needs lies behind, and a page is not what it has to be.
    pub fn begin_log(&mut self, path: &Path, header: &LogHeader) -> Result<(), Box<ReplayError>> {
        let generation = header.generation;
        if self.changer.future && !self.attachment.has_future(generation) {
            self.settle()?;
        }
        self.changer.future = self.attachment.has_future(generation);
        if self.counts.generations.is_none()
            && let Some(signature) = self.attachment.header().map(|header| header.signature)
        {
            let mut listed = attach::entries(header.attachments());
            if let Some(entry) = listed.find(|entry| entry.signature == signature) {
                raise(&mut self.dbtime, &mut self.objid, entry.dbtime, entry.last_objid);
                self.attachment.note_listed(&entry);
            }
        }
        self.counts.generation(generation);
        self.log = CurrentLog { path: path.to_owned(), header: header.clone() };
        Ok(())
    }

    /// Replays the record whose bytes are `record`.
    ///
    /// # Errors
    ///
    /// That it is no record, or that what it does cannot be done: nothing is changed then.
    pub fn record(&mut self, position: LogPosition, record: &[u8]) -> Result<(), Box<ReplayError>> {
        let kind = RecordKind(record.first().copied().unwrap_or_default());
        self.counts.record(kind);
        let done = match LogRecord::parse(record) {
            Ok((parsed, _)) => self.replay(position, kind, &parsed, record),
            Err(error) => Err(error.into()),
        };
        done.map_err(|what| self.error(position, Some(kind), what))
    }

    /// What was done so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Ends the replay; what was put aside for a macro that was not committed is dropped.
    ///
    /// # Errors
    ///
    /// That a page is not what it has to be, or that there is no database.
    pub fn finish(mut self, position: LogPosition) -> Result<Replayed, Box<ReplayError>> {
        self.settle()?;
        let attached =
            self.attachment.slot().filter(|_| self.attachment.is_attached_behind(position));
        let Some(header) = self.attachment.header().cloned() else {
            return Err(self.error(position, None, ReplayProblem::NoDatabase));
        };
        if attached.is_none() && !header.is_clean() {
            let found = header.attach_position;
            return Err(self.error(position, None, ReplayProblem::NeverAttached { found }));
        }
        Ok(Replayed {
            dbtime: self.dbtime.max(header.dbtime),
            logged: self.dbtime,
            header,
            last_objid: self.objid,
            attached,
            mark: self.mark.filter(|_| self.is_marked || self.end.is_some()),
            end: self.end,
            attachments: self.attachment.list(self.dbtime, self.objid),
            name: self.attachment.name(),
            others: self.attachment.others().values().cloned().collect(),
            counts: self.counts,
            log: self.log.path,
            position,
            sessions: self.sessions,
        })
    }

    fn error(
        &self,
        position: LogPosition,
        kind: Option<RecordKind>,
        what: ReplayProblem,
    ) -> Box<ReplayError> {
        Box::new(ReplayError { log: self.log.path.clone(), position, kind, what })
    }

    /// All pages have to be what the log expects.
    fn settle(&mut self) -> Result<(), Box<ReplayError>> {
        if self.changer.map.is_empty() {
            return Ok(());
        }
        let begin = LogPosition { generation: self.log.header.generation, ..LogPosition::UNSET };
        let left = self.changer.map.settle(self.changer.pages);
        match left.map_err(|error| self.error(begin, None, error.into()))? {
            Some((page, missing)) => {
                let what = ReplayProblem::PageLost { page, missing };
                Err(self.error(missing.position, None, what))
            }
            None => Ok(()),
        }
    }
}

/// Raises the counters of a database.
#[inline]
fn raise(dbtime: &mut DbTime, last_objid: &mut u32, after: DbTime, objid: u32) {
    if after != PageRecord::NO_TIME && after.0 > dbtime.0 {
        *dbtime = after;
    }
    *last_objid = objid.max(*last_objid);
}
