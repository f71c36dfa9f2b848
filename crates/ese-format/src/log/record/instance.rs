//! Records of the life of the instance.

use crate::{LogPosition, LogTime};

/// The instance starts, recovers, ends. A time is there in the newer form of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceRecord<'a> {
    /// It starts; all sessions are new.
    Init {
        /// Its parameters, 567 bytes.
        parameters: &'a [u8],
        /// When.
        time: Option<LogTime>,
    },
    /// It ends cleanly; databases that are attached are consistent here.
    Term {
        /// Where it started.
        start: LogPosition,
        /// Where its replay began.
        redo_from: LogPosition,
        /// Whether it began with a restore.
        hard: u8,
        /// When.
        time: Option<LogTime>,
    },
    /// Recovery has replayed everything and begins to undo.
    RecoveryUndo {
        /// When.
        time: Option<LogTime>,
    },
    /// Recovery is done.
    RecoveryQuit {
        /// Where its undo began.
        undo: LogPosition,
        /// Where its replay began.
        redo_from: LogPosition,
        /// Whether it was a restore.
        hard: u8,
        /// When.
        time: Option<LogTime>,
        /// Whether databases stay attached.
        keep_attachments: bool,
    },
    /// The end of the log is intended.
    ShutDownMark,
}
