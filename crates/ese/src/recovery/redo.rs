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
//! Both are in the list of attached databases that the first log file begins with, too.
//!
//! Source: ESE `ErrLGRIRedoOperations`, `ErrLGRIRedoOperation` (logredo.cxx).

use std::path::{Path, PathBuf};

use ese_format::header::DatabaseHeader;
use ese_format::log::attach;
use ese_format::log::record::{
    Change, DatabaseAction, DatabaseId, DatabaseRecord, InstanceRecord, LogRecord, MacroRecord,
    MacroStep, NodeChange, NoteRecord, PageRecord, RecordKind, TransactionRecord, TransactionStep,
};
use ese_format::log_header::LogHeader;
use ese_format::{DbTime, LogGeneration, LogPosition};

use self::change::{Changer, kind_of_info, origin};
pub use self::counts::Counts;
pub use self::problem::{ReplayError, ReplayProblem};
use super::attachment::{Attachment, Effect, Here};
use super::redo_map::RedoMap;
use super::session::{Session, Sessions};
use crate::apply::Operation;
use crate::overlay::Overlay;

pub(super) mod change;
mod counts;
mod problem;
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
    /// The highest object id that was given out.
    pub last_objid: u32,
    /// Its number, if it is attached at the end; otherwise it is clean.
    pub attached: Option<DatabaseId>,
    /// The last mark of an intended end, if nothing but the end of the instance follows it.
    pub mark: Option<LogPosition>,
    /// The record that ends the instance, if it is the last one that counts.
    pub end: Option<LogPosition>,
    /// Databases of the same instance whose records were passed over.
    pub others: Vec<super::attachment::OtherDatabase>,
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
            dbtime: header.map_or(DbTime(0), |header| header.dbtime),
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
            && let Some(database) = self.attachment.header()
        {
            let listed = attach::entries(header.attachments());
            for entry in listed.filter(|entry| entry.signature == database.signature) {
                raise(&mut self.dbtime, &mut self.objid, entry.dbtime, entry.last_objid);
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
        let attached = self.attachment.slot().filter(|_| self.attachment.is_attached(position));
        let Some(header) = self.attachment.header().cloned() else {
            return Err(self.error(position, None, ReplayProblem::NoDatabase));
        };
        if attached.is_none() && !header.is_clean() {
            let found = header.attach_position;
            return Err(self.error(position, None, ReplayProblem::NeverAttached { found }));
        }
        Ok(Replayed {
            header,
            dbtime: self.dbtime,
            last_objid: self.objid,
            attached,
            mark: self.mark.filter(|_| self.is_marked || self.end.is_some()),
            end: self.end,
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

    fn replay(
        &mut self,
        position: LogPosition,
        kind: RecordKind,
        record: &LogRecord<'_>,
        bytes: &[u8],
    ) -> Result<(), ReplayProblem> {
        match record {
            LogRecord::Page(record) => {
                self.see_change();
                self.page(position, record, bytes)
            }
            LogRecord::Transaction(record) => {
                self.see_change();
                self.transaction(record);
                Ok(())
            }
            LogRecord::Macro(record) => {
                self.see_change();
                self.macro_step(position, record)
            }
            LogRecord::Database(record) => {
                self.see_change();
                self.database(position, record, bytes)
            }
            LogRecord::Instance(record) => self.instance(position, record),
            LogRecord::Note(note) => self.note(kind, note),
        }
    }

    /// A mark of an intended end is none if something follows it.
    #[inline]
    fn see_change(&mut self) {
        self.is_marked = false;
        self.end = None;
    }

    fn page(
        &mut self,
        position: LogPosition,
        record: &PageRecord<'_>,
        bytes: &[u8],
    ) -> Result<(), ReplayProblem> {
        if !self.attachment.is_ours(record.database) {
            self.counts.of_others += 1;
            return Ok(());
        }
        let session = self.sessions.get(record.session);
        let info = match &record.change {
            Change::Node(tree, info @ NodeChange::UndoInfo { .. }) => Some((tree, info)),
            _ => None,
        };
        if session.has_begun && info.is_none() && session.macros.is_open(record.after) {
            return Ok(session.macros.store(record.after, bytes)?);
        }
        if !self.attachment.is_replayed(record.database, position) {
            self.counts.passed_over += 1;
            return Ok(());
        }
        raise(&mut self.dbtime, &mut self.objid, record.after, record.change.objid());
        if !session.has_begun {
            self.counts.passed_over += 1;
            return Ok(());
        }
        if let Some((tree, NodeChange::UndoInfo { bookmark, undo, max_len, before_image, .. })) =
            info
        {
            if let Some(kind) = kind_of_info(*undo, *max_len) {
                let origin = origin(record, tree);
                session.versions.complete(origin, kind, *bookmark, before_image);
            }
            return within_limit(session);
        }
        let redone = match &record.change {
            Change::Node(_, NodeChange::Undo { .. }) => {
                self.changer.undo(position, record, &mut session.versions)?
            }
            _ => {
                let operation = Operation::Record(record);
                self.changer.redo(position, &operation, Some(record), &mut session.versions)?
            }
        };
        self.counts.change(redone);
        within_limit(session)
    }

    fn transaction(&mut self, record: &TransactionRecord) {
        let session = self.sessions.get(record.session);
        match record.step {
            TransactionStep::Begin0 { from, levels, begin, .. } => {
                if session.has_begun || from == 0 {
                    session.begin0(begin, from.saturating_add(levels));
                }
            }
            _ if !session.has_begun => {}
            TransactionStep::Begin { from, levels } => {
                session.versions.begin(from.saturating_add(levels));
            }
            TransactionStep::Commit { to } | TransactionStep::Commit0 { to, .. } => {
                if session.versions.level() > 0 && session.versions.commit(to) {
                    self.counts.committed += 1;
                }
            }
            TransactionStep::Rollback { levels } => {
                if session.versions.level() > 0 {
                    session.versions.roll_back(levels);
                    self.counts.rolled_back += u64::from(session.versions.level() == 0);
                }
            }
            TransactionStep::Refresh { begin } => session.refresh(begin),
            TransactionStep::PrepareRollback => {}
        }
    }

    fn macro_step(
        &mut self,
        position: LogPosition,
        record: &MacroRecord,
    ) -> Result<(), ReplayProblem> {
        let session = self.sessions.get(record.session);
        match record.step {
            MacroStep::Begin => Ok(session.macros.begin(record.dbtime)?),
            MacroStep::Abort => {
                if let Some(done) = session.macros.end(record.dbtime) {
                    session.macros.recycle(done);
                }
                Ok(())
            }
            MacroStep::Commit => {
                let Some(done) = session.macros.end(record.dbtime) else { return Ok(()) };
                let records = done.records()?;
                let leaf = records.iter().find(|record| matches!(record.change, Change::Node(..)));
                let Some(first) = records.first() else { return Ok(()) };
                if self.attachment.is_replayed(first.database, position) {
                    let objid = first.change.objid();
                    raise(&mut self.dbtime, &mut self.objid, record.dbtime, objid);
                    let versions = &mut session.versions;
                    let operation = Operation::Macro(&records);
                    let redone = self.changer.redo(position, &operation, leaf, versions)?;
                    self.counts.change(redone);
                    self.counts.macros += 1;
                } else {
                    self.counts.passed_over += 1;
                }
                drop(records);
                session.macros.recycle(done);
                within_limit(session)
            }
        }
    }

    fn database(
        &mut self,
        position: LogPosition,
        record: &DatabaseRecord<'_>,
        bytes: &[u8],
    ) -> Result<(), ReplayProblem> {
        let here = Here { position, log: &self.log.header };
        match record.action {
            DatabaseAction::Create { .. } | DatabaseAction::Attach { .. } => {
                let effect = self.attachment.begin(here, record)?;
                self.attached(effect)
            }
            DatabaseAction::CreateFinish { .. } => {
                self.attachment.finish_create(here, record.database);
                Ok(())
            }
            DatabaseAction::Detach { .. } => {
                let effect = self.attachment.detach(here, record.database);
                self.attached(effect)
            }
            DatabaseAction::RootMove { session, objid, after }
            | DatabaseAction::NewPage { session, objid, after, .. } => {
                let session = self.sessions.get(session);
                if session.has_begun && session.macros.is_open(after) {
                    return Ok(session.macros.store(after, bytes)?);
                }
                if self.attachment.is_replayed(record.database, position) {
                    raise(&mut self.dbtime, &mut self.objid, after, objid);
                    if session.has_begun {
                        self.resize(position, &record.action)?;
                    }
                }
                Ok(())
            }
            _ if !self.attachment.is_replayed(record.database, position) => Ok(()),
            DatabaseAction::ReAttach { .. } => {
                if let Some(header) = self.attachment.header_mut() {
                    header.reattach_position = position;
                    header.reattach_time = self.log.header.created;
                }
                Ok(())
            }
            DatabaseAction::SetVersion { major, update_major, update_minor } => {
                if let Some(header) = self.attachment.header_mut() {
                    header.version = header.version.max(major);
                    if (update_major, update_minor) > (header.update_major, header.update_minor) {
                        (header.update_major, header.update_minor) = (update_major, update_minor);
                    }
                }
                Ok(())
            }
            DatabaseAction::Shrink { dbtime, .. } => {
                raise(&mut self.dbtime, &mut self.objid, dbtime.unwrap_or_default(), 0);
                self.resize(position, &record.action)
            }
            _ => self.resize(position, &record.action),
        }
    }

    fn resize(
        &mut self,
        position: LogPosition,
        action: &DatabaseAction<'_>,
    ) -> Result<(), ReplayProblem> {
        resize::resize(&mut self.changer, &mut self.attachment, position, action)?;
        Ok(())
    }

    /// The database was attached, created or detached.
    fn attached(&mut self, effect: Effect) -> Result<(), ReplayProblem> {
        match effect {
            Effect::None => return Ok(()),
            Effect::Created => {
                self.changer.pages.set_last_page(ese_format::PageNumber::NULL);
                (self.dbtime, self.objid) = (DbTime(0), 0);
            }
            Effect::Attached => {}
            Effect::Detached => {
                if !self.changer.future
                    && let Some((page, missing)) = self.changer.map.settle(self.changer.pages)?
                {
                    return Err(ReplayProblem::PageLost { page, missing });
                }
                if let Some(header) = self.attachment.header_mut() {
                    header.dbtime.0 = header.dbtime.0.max(self.dbtime.0);
                    header.last_objid = header.last_objid.max(self.objid);
                }
            }
        }
        self.changer.future = self.attachment.has_future(self.log.header.generation);
        Ok(())
    }

    fn instance(
        &mut self,
        position: LogPosition,
        record: &InstanceRecord<'_>,
    ) -> Result<(), ReplayProblem> {
        match record {
            InstanceRecord::Init { .. } => {
                self.see_change();
                self.end_sessions()
            }
            InstanceRecord::Term { .. } | InstanceRecord::RecoveryQuit { .. } => {
                self.end_sessions()?;
                let keeps =
                    matches!(record, InstanceRecord::RecoveryQuit { keep_attachments: true, .. });
                if !keeps {
                    let mark = self.mark.unwrap_or(position);
                    let here = Here { position, log: &self.log.header };
                    let effect = self.attachment.end_instance(here, mark);
                    self.attached(effect)?;
                }
                self.is_marked = false;
                self.end = Some(position);
                Ok(())
            }
            InstanceRecord::RecoveryUndo { .. } => Ok(()),
            InstanceRecord::ShutDownMark => {
                self.mark = Some(position);
                self.is_marked = true;
                Ok(())
            }
        }
    }

    fn end_sessions(&mut self) -> Result<(), ReplayProblem> {
        let open = self.sessions.reset();
        self.counts.open_macros += u64::try_from(open.macros).unwrap_or(u64::MAX);
        match open.transactions {
            0 => Ok(()),
            transactions => Err(ReplayProblem::OpenTransactions { transactions }),
        }
    }

    fn note(&mut self, kind: RecordKind, note: &NoteRecord<'_>) -> Result<(), ReplayProblem> {
        match note {
            NoteRecord::Obsolete { .. } => Err(ReplayProblem::Obsolete),
            NoteRecord::Nop | NoteRecord::Nop2(_) | NoteRecord::Checksum(_) => Ok(()),
            _ => {
                self.end = None;
                let tells_nothing = matches!(
                    kind,
                    RecordKind::TRACE
                        | RecordKind::JET_OP
                        | RecordKind::FORCE_WRITE_LOG
                        | RecordKind::FORCE_LOG_ROLLOVER
                        | RecordKind::FULL_BACKUP
                        | RecordKind::INC_BACKUP
                        | RecordKind::BACKUP
                        | RecordKind::BACKUP2
                );
                self.is_marked &= tells_nothing;
                Ok(())
            }
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

fn within_limit(session: &Session) -> Result<(), ReplayProblem> {
    if session.versions.memory() > MOST_VERSIONS {
        return Err(ReplayProblem::TransactionTooLarge { limit: MOST_VERSIONS });
    }
    Ok(())
}

/// Bytes that the versions of one session may take. No engine has room for so many.
const MOST_VERSIONS: usize = 1 << 30;
