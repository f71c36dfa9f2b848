//! Undoing what was never committed.
//!
//! The sessions come in the order of their numbers, the levels from the uppermost down, the changes
//! of a level newest first. Each is logged before it is made, so that another recovery finds its
//! way through: the before-image where the log does not have it yet, the undo itself, and at the
//! end of a level that it was rolled back.
//!
//! | change | on the page |
//! |---|---|
//! | insertion | the node is flagged as deleted; it stays |
//! | replacement | the data before come back |
//! | deletion | the flag goes |
//! | delta | the number is lowered again |
//!
//! A node may have moved since: it is looked for from the root of its tree by its bookmark.
//!
//! Source: ESE `ErrVERRollback`, `ErrVERITryUndoLoggedOper` (ver.cxx), `ErrLGUndo`, `ErrLGUndoInfo`
//! (logapi.cxx), `ErrLGRIEndAllSessions` (logredo.cxx).

use ese_format::log::record::{
    Change, DatabaseId, LogRecord, MacroRecord, MacroStep, NodeChange, NodeImage, OperationFlags,
    PageRecord, SessionId, TransactionId, TransactionRecord, TransactionStep, TreeRef,
};
use ese_format::{DbTime, PageNumber};

use self::seek::{Found, find};
use super::redo::change::{Forget, before};
use super::redo::{Counts, ReplayError, ReplayProblem, Replayed};
use super::session::Session;
use super::tail::UndoLog;
use super::versions::{Kind, Version, Versions};
use crate::apply::{self, Operation, Rules};
use crate::overlay::Overlay;

mod seek;

/// Undoes what the replay left open, and logs it.
///
/// # Errors
///
/// That something cannot be undone; the pages are in between then, and good for nothing.
pub fn undo(
    replayed: &mut Replayed,
    pages: &mut Overlay,
    log: &mut dyn UndoLog,
) -> Result<(), Box<ReplayError>> {
    let done = undo_all(replayed, pages, log);
    done.map_err(|what| {
        let (log, position) = (replayed.log.clone(), replayed.position);
        Box::new(ReplayError { log, position, kind: None, what })
    })
}

/// Whether anything has to be undone.
pub fn is_needed(replayed: &mut Replayed) -> bool {
    let mut sessions = replayed.sessions.in_order().into_iter();
    sessions.any(|(_, session)| {
        session.versions.level() > 0 || session.macros.dbtimes().next().is_some()
    })
}

fn undo_all(
    replayed: &mut Replayed,
    pages: &mut Overlay,
    log: &mut dyn UndoLog,
) -> Result<(), ReplayProblem> {
    for (id, session) in replayed.sessions.in_order() {
        for dbtime in session.macros.dbtimes() {
            let step = MacroStep::Abort;
            log.append(&LogRecord::Macro(MacroRecord { session: id, dbtime, step }))?;
            replayed.counts.open_macros += 1;
        }
        session.macros.clear();
        if let Some(left) = session.versions.unresolved().next() {
            return Err(ReplayProblem::BeforeImageLost { page: left.page });
        }
    }
    let Some(database) = replayed.attached else { return Ok(()) };
    let (dbtime, counts) = (&mut replayed.dbtime, &mut replayed.counts);
    let mut undo = Undo { database, pages, log, dbtime, counts };
    for (id, session) in replayed.sessions.in_order() {
        undo.session(id, session)?;
    }
    Ok(())
}

struct Undo<'a> {
    database: DatabaseId,
    pages: &'a mut Overlay,
    log: &'a mut dyn UndoLog,
    dbtime: &'a mut DbTime,
    counts: &'a mut Counts,
}

impl Undo<'_> {
    fn session(&mut self, id: SessionId, session: &mut Session) -> Result<(), ReplayProblem> {
        if session.versions.level() > 0 {
            self.counts.rolled_back += 1;
        }
        while session.versions.level() > 0 {
            for version in session.versions.of_last_level() {
                self.version(id, session.begin, &session.versions, &version)?;
            }
            let step = TransactionStep::Rollback { levels: 1 };
            self.log.append(&LogRecord::Transaction(TransactionRecord { session: id, step }))?;
            session.versions.roll_back(1);
        }
        Ok(())
    }

    fn version(
        &mut self,
        session: SessionId,
        begin: TransactionId,
        versions: &Versions,
        version: &Version,
    ) -> Result<(), ReplayProblem> {
        let origin = version.origin;
        let bookmark = versions.bookmark(version);
        let data = (!origin.unique).then_some(bookmark.data);
        let found = find(self.pages, origin.root, origin.objid, bookmark.key, data)?;
        let level = versions.level();
        let record = |page, times: (DbTime, DbTime), line, change| {
            let flags = match origin.unique {
                true => OperationFlags::UNIQUE,
                false => OperationFlags::empty(),
            };
            let tree = TreeRef { version: origin.version, root: origin.root, objid: origin.objid };
            PageRecord {
                session,
                database: self.database,
                page,
                after: times.1,
                before: times.0,
                begin,
                level,
                line,
                flags,
                change: Change::Node(tree, change),
            }
        };
        if let Some(info) = undo_info(versions, version, bookmark) {
            let none = (PageRecord::NO_TIME, PageRecord::NO_TIME);
            let info = record(found.page, none, 0, info);
            self.log.append(&LogRecord::Page(info))?;
        }
        let after = DbTime(self.dbtime.0.saturating_add(1));
        let change = NodeChange::Undo { bookmark, undo: version.kind.undo(), level };
        let Found { page, line, dbtime } = found;
        let record = record(page, (dbtime, after), line, change);
        self.log.append(&LogRecord::Page(record.clone()))?;
        let before = before(versions, version);
        let operation = Operation::Undo { record: &record, before };
        let rules = Rules { future: false };
        apply::apply(self.pages, &mut Forget, &operation, rules)
            .map_err(|source| ReplayProblem::Apply { page, objid: origin.objid, source })?;
        *self.dbtime = after;
        self.counts.undone += 1;
        Ok(())
    }
}

/// The before-image of a version that the log does not have.
fn undo_info<'a>(
    versions: &'a Versions,
    version: &Version,
    bookmark: NodeImage<'a>,
) -> Option<NodeChange<'a>> {
    let (max_len, before_image) = match version.kind {
        _ if version.is_logged => return None,
        Kind::Replace { max_len } => (max_len, versions.before(version)),
        Kind::FlagDelete => (0, &[][..]),
        Kind::Insert | Kind::Delta { .. } => return None,
    };
    let undo = version.kind.undo();
    Some(NodeChange::UndoInfo { bookmark, undo, max_len, growth: 0, before_image })
}

/// What is wrong where a node is looked for.
fn lost(objid: u32, what: &'static str) -> ReplayProblem {
    ReplayProblem::NodeLost { objid, what }
}

/// A page that cannot be read.
fn unreadable(page: PageNumber, problem: super::redo_map::PageProblem) -> ReplayProblem {
    ReplayProblem::Page { page, problem }
}
