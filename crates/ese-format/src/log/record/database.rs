//! Records of the life of a database.

use super::{DatabaseId, SessionId};
use crate::{DbTime, LogPosition, PageNumber, Signature};

/// Something happens to a whole database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseRecord<'a> {
    /// Which.
    pub database: DatabaseId,
    /// What.
    pub action: DatabaseAction<'a>,
}

/// What happens. Paths are bytes as stored, with their final zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseAction<'a> {
    /// It is created.
    Create {
        /// Who did it.
        session: SessionId,
        /// Bits of the call.
        grbit: u32,
        /// Most pages that it may have; 0 is no limit.
        max_pages: u32,
        /// Its signature.
        signature: Signature,
        /// Flags: 4 version, 8 path in UTF-16, 0x10 sparse.
        flags: u8,
        /// Version and update that its content is logged with; none means the content that every
        /// database began with before Windows 8.
        version: Option<(u16, u16)>,
        /// Path.
        path: &'a [u8],
    },
    /// Its first content is complete.
    CreateFinish {
        /// Who did it.
        session: SessionId,
    },
    /// It is attached.
    Attach {
        /// Who did it.
        session: SessionId,
        /// Most pages that it may have.
        max_pages: u32,
        /// Where it was last consistent, in the log that it comes from.
        consistent: LogPosition,
        /// Its signature.
        signature: Signature,
        /// Signature of the log that it comes from.
        log_signature: Signature,
        /// Flags: 8 path in UTF-16, 0x10 sparse.
        flags: u8,
        /// Path.
        path: &'a [u8],
    },
    /// It is detached.
    Detach {
        /// Who did it.
        session: SessionId,
        /// Flags: 0x10 path in UTF-16.
        flags: u8,
        /// Path.
        path: &'a [u8],
    },
    /// It goes on being attached over a restart.
    ReAttach {
        /// Where it was attached.
        attach: LogPosition,
        /// Where it was consistent.
        consistent: LogPosition,
        /// Its signature.
        signature: Signature,
        /// What a newer engine may add.
        rest: &'a [u8],
    },
    /// Others are told that it is attached.
    SignalAttach,
    /// Its format version is raised.
    SetVersion {
        /// Major.
        major: u32,
        /// Update that older engines cannot read.
        update_major: u32,
        /// Update that they can read.
        update_minor: u32,
    },
    /// The file grows.
    Extend {
        /// Its last page after.
        last: PageNumber,
        /// What a newer engine may add.
        rest: &'a [u8],
    },
    /// The file shrinks.
    Shrink {
        /// Its last page after.
        last: PageNumber,
        /// Pages that go.
        pages: u32,
        /// Which form of the record: 1, 2, 3.
        form: u8,
        /// Since the third form.
        dbtime: Option<DbTime>,
    },
    /// Pages are given back to the file system.
    Trim {
        /// The first.
        first: PageNumber,
        /// How many.
        pages: u32,
    },
    /// The root of a tree and of its space trees moves; the moves themselves are page records.
    RootMove {
        /// Who did it.
        session: SessionId,
        /// Object id of the tree.
        objid: u32,
        /// dbtime after.
        after: DbTime,
    },
    /// A page is blanked for a new use.
    NewPage {
        /// Who did it.
        session: SessionId,
        /// The page.
        page: PageNumber,
        /// Object id of the tree.
        objid: u32,
        /// dbtime after.
        after: DbTime,
    },
}

impl DatabaseAction<'_> {
    /// The flag of a created database whose record has a version.
    pub const CREATE_VERSION: u8 = 4;

    /// Who did it, where the record says it.
    pub fn session(&self) -> Option<SessionId> {
        match *self {
            Self::Create { session, .. }
            | Self::CreateFinish { session }
            | Self::Attach { session, .. }
            | Self::Detach { session, .. }
            | Self::RootMove { session, .. }
            | Self::NewPage { session, .. } => Some(session),
            _ => None,
        }
    }

    /// Whether the path is in UTF-16, and the path without its final zero; none where there is no
    /// path.
    pub fn path(&self) -> Option<(bool, &[u8])> {
        let (wide, path) = match *self {
            Self::Create { flags, path, .. } | Self::Attach { flags, path, .. } => {
                (flags & 8 != 0, path)
            }
            Self::Detach { flags, path, .. } => (flags & 0x10 != 0, path),
            _ => return None,
        };
        let end = if wide { path.strip_suffix(&[0, 0]) } else { path.strip_suffix(&[0]) };
        Some((wide, end.unwrap_or(path)))
    }
}
