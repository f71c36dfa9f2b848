//! What each kind of record does to sessions, pages and attachments.
//!
//! | record | where it goes |
//! |---|---|
//! | change of a page | into the open macro that has its dbtime, or onto the pages |
//! | UndoInfo | to the versions of its session; pages are not touched |
//! | transaction | to the level and the versions of its session |
//! | end of a macro | its records onto the pages, or away |
//! | database | to the attachment; changes of the size to the pages |
//! | start and end of the instance | all sessions end; databases that are attached are consistent |
//!
//! Source: ESE `ErrLGRIRedoOperation`, `ErrLGRICheckRedoConditionInTrx` (logredo.cxx).

use ese_format::LogPosition;
use ese_format::log::record::{
    Change, DatabaseAction, DatabaseRecord, InstanceRecord, LogRecord, MacroRecord, MacroStep,
    NodeChange, NoteRecord, PageRecord, RecordKind, TransactionRecord, TransactionStep,
};
use ese_format::{DbTime, PageNumber};

use super::change::{kind_of_info, origin};
use super::{Redo, ReplayProblem, backup, raise, resize};
use crate::apply::Operation;
use crate::recovery::attachment::{Effect, Here};
use crate::recovery::session::Session;

impl Redo<'_> {
    pub(super) fn replay(
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
            LogRecord::Note(note) => self.note(position, kind, note),
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
            session.macros.store(record.after, bytes)?;
            return within_limit(session, &mut self.memory);
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
            return within_limit(session, &mut self.memory);
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
        within_limit(session, &mut self.memory)
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
                within_limit(session, &mut self.memory)
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
                self.changer.pages.set_last_page(PageNumber::NULL);
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
        self.memory = 0;
        self.counts.open_macros += u64::try_from(open.macros).unwrap_or(u64::MAX);
        match open.transactions {
            0 => Ok(()),
            transactions => Err(ReplayProblem::OpenTransactions { transactions }),
        }
    }

    fn note(
        &mut self,
        position: LogPosition,
        kind: RecordKind,
        note: &NoteRecord<'_>,
    ) -> Result<(), ReplayProblem> {
        if let NoteRecord::Backup { phase: backup::UPDATE, kind, scope, database, info, .. } = note
            && self.attachment.is_replayed(*database, position)
            && let Some(header) = self.attachment.header_mut()
        {
            backup::update(header, *kind, *scope, *info);
        }
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

/// That what the sessions have open takes no more memory than it may.
#[inline]
fn within_limit(session: &mut Session, memory: &mut usize) -> Result<(), ReplayProblem> {
    session.count_memory(memory);
    match *memory > MOST_MEMORY {
        true => Err(ReplayProblem::TransactionTooLarge { limit: MOST_MEMORY }),
        false => Ok(()),
    }
}

/// Bytes that the open transactions and macros of all sessions may take. No engine has room for
/// so many.
const MOST_MEMORY: usize = 1 << 30;
