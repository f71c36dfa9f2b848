//! Log records: what was done, one after the other.
//!
//! A record begins with its type ([`RecordKind`]), and its type and its own length fields say how
//! long it is. [`LogRecord`] groups them by who has to do with them in a replay: changes of pages,
//! transactions and macros of sessions, the life of databases, the life of the instance, and notes
//! that change nothing.
//!
//! Source: ESE `LR...` (logapi.hxx), `CbLGSizeOfRec` (logread.cxx).

mod database;
mod fields;
mod instance;
mod kind;
mod length;
mod note;
mod page;
mod parse;
mod show;
#[cfg(test)]
mod tests;
mod transaction;
mod value;
mod write;

use crate::DbTime;
use crate::le::fixed_newtype;

pub use database::{DatabaseAction, DatabaseRecord};
pub use instance::InstanceRecord;
pub use kind::RecordKind;
pub use length::{RecordError, record_len};
pub use note::NoteRecord;
pub use page::{
    BeforeImage, BeforeImageFlags, Change, EmptiedPage, MergeChange, MergeFlags, MergeKind,
    MovedTree, NodeChange, NodeImage, OperationFlags, PageMoveChange, PageRecord, SplitChange,
    SplitKind, SplitOperation, TreeRef, UndoKind,
};
pub use transaction::{MacroRecord, MacroStep, TransactionRecord, TransactionStep};
pub use value::{FlagNames, RecordText, RecordValue};

/// One log record; its bytes are borrowed from where it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogRecord<'a> {
    /// A change of one page, or of the pages around it.
    Page(PageRecord<'a>),
    /// A session begins, commits or rolls back.
    Transaction(TransactionRecord),
    /// Records that count together or not at all.
    Macro(MacroRecord),
    /// A database is created, attached, resized, detached.
    Database(DatabaseRecord<'a>),
    /// The instance starts, recovers, ends.
    Instance(InstanceRecord<'a>),
    /// Nothing that a replay acts on.
    Note(NoteRecord<'a>),
}

/// Number of a session of the instance. ESE: `PROCID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SessionId(pub u16);

/// Slot of a database in the instance: 1 to 6; 0 is the temporary one, which is never logged.
/// ESE: `DBID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DatabaseId(pub u8);

/// Number of a transaction, raised by 4 at each begin and commit; it wraps. ESE: `TRX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TransactionId(pub u32);

/// Number that ties a versioned change to its undo; 0 is none. ESE: `RCEID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct VersionId(pub u32);

fixed_newtype!(SessionId(u16), DatabaseId(u8), TransactionId(u32), VersionId(u32), UndoKind(u16));

impl<'a> LogRecord<'a> {
    /// The session that wrote it, where the record says it.
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Self::Page(record) => Some(record.session),
            Self::Transaction(record) => Some(record.session),
            Self::Macro(record) => Some(record.session),
            Self::Database(record) => record.action.session(),
            Self::Instance(_) => None,
            Self::Note(note) => note.session(),
        }
    }

    /// The database that it is about, where the record says it.
    pub fn database(&self) -> Option<DatabaseId> {
        match self {
            Self::Page(record) => Some(record.database),
            Self::Database(record) => Some(record.database),
            Self::Note(note) => note.database(),
            Self::Transaction(_) | Self::Macro(_) | Self::Instance(_) => None,
        }
    }

    /// The change of a page, if it is one.
    pub fn page_record(&self) -> Option<&PageRecord<'a>> {
        match self {
            Self::Page(record) => Some(record),
            _ => None,
        }
    }

    /// The dbtime of what is done, and that of the page before, where the record has them.
    pub fn dbtimes(&self) -> Option<(DbTime, Option<DbTime>)> {
        let known = |time: DbTime| (time != PageRecord::NO_TIME).then_some(time);
        match self {
            Self::Page(record) => Some((known(record.after)?, known(record.before))),
            Self::Macro(record) => Some((record.dbtime, None)),
            Self::Database(record) => match record.action {
                DatabaseAction::RootMove { after, .. } | DatabaseAction::NewPage { after, .. } => {
                    Some((after, None))
                }
                DatabaseAction::Shrink { dbtime, .. } => Some((dbtime?, None)),
                _ => None,
            },
            _ => None,
        }
    }
}
