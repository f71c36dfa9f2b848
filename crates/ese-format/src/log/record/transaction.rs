//! Records of transactions and macros.

use super::{SessionId, TransactionId};
use crate::DbTime;

/// A session begins, commits or rolls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransactionRecord {
    /// The session.
    pub session: SessionId,
    /// What it does.
    pub step: TransactionStep,
}

/// What a session does with its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionStep {
    /// Goes `levels` deeper, from level `from` (not 0).
    Begin {
        /// The level before.
        from: u8,
        /// How many.
        levels: u8,
    },
    /// Begins a transaction, `levels` deep at once.
    Begin0 {
        /// The level before: 0.
        from: u8,
        /// How many.
        levels: u8,
        /// Its number.
        begin: TransactionId,
        /// Whether it is the form for distributed transactions.
        distributed: bool,
    },
    /// Commits down to level `to` (1 or more).
    Commit {
        /// The level after.
        to: u8,
    },
    /// Commits the transaction.
    Commit0 {
        /// The level after: 0.
        to: u8,
        /// Number of the commit.
        commit: TransactionId,
    },
    /// Rolls `levels` back.
    Rollback {
        /// How many.
        levels: u8,
    },
    /// Begins anew; it has changed nothing so far.
    Refresh {
        /// Its new number.
        begin: TransactionId,
    },
    /// A distributed transaction rolls back.
    PrepareRollback,
}

/// A macro begins or ends; session and dbtime name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MacroRecord {
    /// The session.
    pub session: SessionId,
    /// The dbtime that all records of the macro have.
    pub dbtime: DbTime,
    /// Which.
    pub step: MacroStep,
}

/// Beginning or end of a macro.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the format names them")]
pub enum MacroStep {
    Begin,
    Commit,
    Abort,
}
