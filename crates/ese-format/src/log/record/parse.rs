//! Reading log records.
//!
//! The length of the record is looked at first ([`record_len`]): it covers the fixed part, and all
//! parts whose lengths are in it. So a field that a reader here asks for is always there.

mod database;
mod note;
mod page;

use super::{
    InstanceRecord, LogRecord, MacroRecord, MacroStep, RecordError, RecordKind, TransactionRecord,
    TransactionStep, record_len,
};
use crate::LogTime;
use crate::le::Fixed;

/// One record: all its bytes and no others.
#[derive(Clone, Copy)]
struct Input<'a> {
    kind: RecordKind,
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    /// The field at `at`.
    #[inline(always)]
    fn get<T: Fixed>(self, at: usize) -> T {
        T::read(self.bytes, at)
    }

    /// The 16-bit length at `at`.
    #[inline(always)]
    fn len_at(self, at: usize) -> usize {
        usize::from(self.get::<u16>(at))
    }

    /// The 32-bit length at `at`.
    #[inline(always)]
    fn long_len_at(self, at: usize) -> usize {
        usize::try_from(self.get::<u32>(at)).unwrap_or(usize::MAX)
    }

    /// Everything from `at` on.
    #[inline(always)]
    fn from(self, at: usize) -> &'a [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// The parts that begin at `at`.
    #[inline(always)]
    fn parts(self, at: usize) -> Parts<'a> {
        Parts(self.from(at))
    }

    /// An error if the record is shorter than its fields; for the types with a length of their own.
    fn need(self, needed: usize) -> Result<(), RecordError> {
        let len = self.bytes.len();
        if len < needed {
            return Err(RecordError::TooShort { kind: self.kind, len, needed });
        }
        Ok(())
    }

    /// The error that `field` holds a value without a meaning.
    fn value(self, field: &'static str, value: impl Into<u32>) -> RecordError {
        RecordError::Value { kind: self.kind, field, value: value.into() }
    }

    /// The time that the newer form of a record has at `at`.
    fn time(self, newer: RecordKind, at: usize) -> Option<LogTime> {
        (self.kind == newer).then(|| self.get(at))
    }
}

/// Takes one part behind the other.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    #[inline(always)]
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (part, rest) = self.0.split_at_checked(len).unwrap_or((self.0, &[]));
        self.0 = rest;
        part
    }
}

impl<'a> LogRecord<'a> {
    /// Reads the record that `bytes` begin with; also gives its length.
    ///
    /// Nothing is lost: [`LogRecord::write`] gives the same bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<(Self, usize), RecordError> {
        let len = record_len(bytes)?;
        let kind = RecordKind(bytes.first().copied().unwrap_or_default());
        let Some(own) = bytes.get(..len) else {
            return Err(RecordError::Truncated { kind, needed: len, found: bytes.len() });
        };
        Ok((record(Input { kind, bytes: own })?, len))
    }
}

fn record(input: Input<'_>) -> Result<LogRecord<'_>, RecordError> {
    match input.kind.0 {
        24 | 25 | 29..=39 | 48 | 58 | 62..=65 | 93 => page::record(input).map(LogRecord::Page),
        5..=10 | 53 | 55 => Ok(LogRecord::Transaction(transaction(input))),
        11..=13 => Ok(LogRecord::Macro(macro_record(input))),
        14..=16 | 68 | 72 | 78 | 79 | 81 | 92 | 94..=97 | 99 => {
            database::record(input).map(LogRecord::Database)
        }
        1 | 2 | 17 | 18 | 23 | 49..=52 | 80 => Ok(LogRecord::Instance(instance(input))),
        76 | 77 => Err(RecordError::Fragment { kind: input.kind }),
        _ => note::record(input).map(LogRecord::Note),
    }
}

fn transaction(input: Input<'_>) -> TransactionRecord {
    let fourth: u8 = input.get(3);
    let (from, levels) = (fourth & 0xF, fourth >> 4);
    let step = match input.kind {
        RecordKind::BEGIN => TransactionStep::Begin { from, levels },
        RecordKind::BEGIN0 | RecordKind::BEGIN_DT => TransactionStep::Begin0 {
            from,
            levels,
            begin: input.get(4),
            distributed: input.kind == RecordKind::BEGIN_DT,
        },
        RecordKind::COMMIT => TransactionStep::Commit { to: fourth },
        RecordKind::COMMIT0 => TransactionStep::Commit0 { to: fourth, commit: input.get(4) },
        RecordKind::ROLLBACK => TransactionStep::Rollback { levels: fourth },
        RecordKind::REFRESH => TransactionStep::Refresh { begin: input.get(3) },
        _ => TransactionStep::PrepareRollback,
    };
    TransactionRecord { session: input.get(1), step }
}

fn macro_record(input: Input<'_>) -> MacroRecord {
    let step = match input.kind {
        RecordKind::MACRO_BEGIN => MacroStep::Begin,
        RecordKind::MACRO_COMMIT => MacroStep::Commit,
        _ => MacroStep::Abort,
    };
    MacroRecord { session: input.get(1), dbtime: input.get(3), step }
}

fn instance(input: Input<'_>) -> InstanceRecord<'_> {
    match input.kind {
        RecordKind::INIT | RecordKind::INIT2 => InstanceRecord::Init {
            parameters: input.parts(1).take(567),
            time: input.time(RecordKind::INIT2, 568),
        },
        RecordKind::TERM | RecordKind::TERM2 => InstanceRecord::Term {
            start: input.get(1),
            redo_from: input.get(9),
            hard: input.get(17),
            time: input.time(RecordKind::TERM2, 18),
        },
        RecordKind::RECOVERY_UNDO | RecordKind::RECOVERY_UNDO2 => {
            InstanceRecord::RecoveryUndo { time: input.time(RecordKind::RECOVERY_UNDO2, 1) }
        }
        RecordKind::SHUT_DOWN_MARK => InstanceRecord::ShutDownMark,
        kind => InstanceRecord::RecoveryQuit {
            undo: input.get(1),
            redo_from: input.get(9),
            hard: input.get(17),
            time: (kind != RecordKind::RECOVERY_QUIT).then(|| input.get(18)),
            keep_attachments: kind == RecordKind::RECOVERY_QUIT_KEEP_ATTACHMENTS,
        },
    }
}
