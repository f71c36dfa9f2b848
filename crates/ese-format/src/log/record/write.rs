//! Writing log records: the exact inverse of reading them.
//!
//! A part that is longer than its length field can say is cut off there; no part of a page is.

mod database;
mod note;
mod page;

use alloc::vec::Vec;

use super::{
    InstanceRecord, LogRecord, MacroRecord, MacroStep, RecordKind, TransactionRecord,
    TransactionStep,
};
use crate::le::Fixed;

/// Writes one field behind the other.
struct Output<'a>(&'a mut Vec<u8>);

impl Output<'_> {
    /// A field.
    fn put<T: Fixed + Copy>(&mut self, value: T) -> &mut Self {
        let at = self.0.len();
        self.0.resize(at.saturating_add(T::SIZE), 0);
        value.write(self.0, at);
        self
    }

    /// Bytes.
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A field that is there or not.
    fn optional<T: Fixed + Copy>(&mut self, value: Option<T>) -> &mut Self {
        if let Some(value) = value {
            self.put(value);
        }
        self
    }

    /// Bytes that are `len` long: cut off, or zeros behind them.
    fn padded(&mut self, bytes: &[u8], len: usize) -> &mut Self {
        let end = self.0.len().saturating_add(len);
        self.bytes(bytes.get(..len).unwrap_or(bytes));
        self.0.resize(end, 0);
        self
    }
}

/// A part with a length of 16 bits, and that length.
fn short(bytes: &[u8]) -> (&[u8], u16) {
    match u16::try_from(bytes.len()) {
        Ok(len) => (bytes, len),
        Err(_) => (bytes.get(..usize::from(u16::MAX)).unwrap_or_default(), u16::MAX),
    }
}

/// A length of 32 bits.
fn long_len(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl LogRecord<'_> {
    /// Appends the record as it is stored.
    pub fn write(&self, out: &mut Vec<u8>) {
        let kind = self.kind();
        out.push(kind.0);
        let mut out = Output(out);
        match self {
            Self::Page(record) => page::record(record, &mut out),
            Self::Transaction(record) => transaction(record, &mut out),
            Self::Macro(MacroRecord { session, dbtime, .. }) => {
                out.put(*session).put(*dbtime);
            }
            Self::Database(record) => database::record(record, &mut out),
            Self::Instance(record) => instance(record, &mut out),
            Self::Note(record) => note::record(record, &mut out),
        }
    }

    /// The type that the record is written with.
    pub fn kind(&self) -> RecordKind {
        match self {
            Self::Page(record) => page::kind(&record.change),
            Self::Transaction(record) => transaction_kind(record.step),
            Self::Macro(MacroRecord { step: MacroStep::Begin, .. }) => RecordKind::MACRO_BEGIN,
            Self::Macro(MacroRecord { step: MacroStep::Commit, .. }) => RecordKind::MACRO_COMMIT,
            Self::Macro(MacroRecord { step: MacroStep::Abort, .. }) => RecordKind::MACRO_ABORT,
            Self::Database(record) => database::kind(&record.action),
            Self::Instance(record) => instance_kind(record),
            Self::Note(record) => note::kind(record),
        }
    }
}

fn transaction_kind(step: TransactionStep) -> RecordKind {
    match step {
        TransactionStep::Begin { .. } => RecordKind::BEGIN,
        TransactionStep::Begin0 { distributed: false, .. } => RecordKind::BEGIN0,
        TransactionStep::Begin0 { distributed: true, .. } => RecordKind::BEGIN_DT,
        TransactionStep::Commit { .. } => RecordKind::COMMIT,
        TransactionStep::Commit0 { .. } => RecordKind::COMMIT0,
        TransactionStep::Rollback { .. } => RecordKind::ROLLBACK,
        TransactionStep::Refresh { .. } => RecordKind::REFRESH,
        TransactionStep::PrepareRollback => RecordKind::PREP_ROLLBACK,
    }
}

fn transaction(record: &TransactionRecord, out: &mut Output<'_>) {
    out.put(record.session);
    let levels = |from: u8, levels: u8| from & 0xF | levels << 4;
    match record.step {
        TransactionStep::Begin { from, levels: count } => out.put(levels(from, count)),
        TransactionStep::Begin0 { from, levels: count, begin, distributed: _ } => {
            out.put(levels(from, count)).put(begin)
        }
        TransactionStep::Commit { to } => out.put(to),
        TransactionStep::Commit0 { to, commit } => out.put(to).put(commit),
        TransactionStep::Rollback { levels } => out.put(levels),
        TransactionStep::Refresh { begin } => out.put(begin),
        TransactionStep::PrepareRollback => out,
    };
}

fn instance_kind(record: &InstanceRecord<'_>) -> RecordKind {
    match record {
        InstanceRecord::Init { time: None, .. } => RecordKind::INIT,
        InstanceRecord::Init { .. } => RecordKind::INIT2,
        InstanceRecord::Term { time: None, .. } => RecordKind::TERM,
        InstanceRecord::Term { .. } => RecordKind::TERM2,
        InstanceRecord::RecoveryUndo { time: None } => RecordKind::RECOVERY_UNDO,
        InstanceRecord::RecoveryUndo { .. } => RecordKind::RECOVERY_UNDO2,
        InstanceRecord::RecoveryQuit { keep_attachments: true, .. } => {
            RecordKind::RECOVERY_QUIT_KEEP_ATTACHMENTS
        }
        InstanceRecord::RecoveryQuit { time: None, .. } => RecordKind::RECOVERY_QUIT,
        InstanceRecord::RecoveryQuit { .. } => RecordKind::RECOVERY_QUIT2,
        InstanceRecord::ShutDownMark => RecordKind::SHUT_DOWN_MARK,
    }
}

fn instance(record: &InstanceRecord<'_>, out: &mut Output<'_>) {
    match *record {
        InstanceRecord::Init { parameters, time } => out.padded(parameters, 567).optional(time),
        InstanceRecord::Term { start, redo_from, hard, time } => {
            out.put(start).put(redo_from).put(hard).optional(time)
        }
        InstanceRecord::RecoveryUndo { time } => out.optional(time),
        InstanceRecord::RecoveryQuit { undo, redo_from, hard, time, keep_attachments } => {
            // The form that keeps attachments always has a time.
            let time = time.or(keep_attachments.then(Default::default));
            out.put(undo).put(redo_from).put(hard).optional(time)
        }
        InstanceRecord::ShutDownMark => out,
    };
}
