//! Records that a replay reads past.

use super::{DatabaseId, SessionId, TransactionId};
use crate::{BackupInfo, DbTime, PageNumber};

/// A record that changes neither pages nor sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteRecord<'a> {
    /// Filling: a byte.
    Nop,
    /// Filling: as many bytes as it says.
    Nop2(&'a [u8]),
    /// Text for whoever reads the log.
    Trace {
        /// Who wrote it.
        session: SessionId,
        /// The text.
        text: &'a [u8],
    },
    /// A new file is begun on purpose.
    ForceRollover {
        /// Who wrote it.
        session: SessionId,
        /// The text.
        text: &'a [u8],
    },
    /// A write of the log is forced.
    ForceWrite {
        /// Who wrote it.
        session: SessionId,
    },
    /// A call of the API.
    JetOperation {
        /// Who called.
        session: SessionId,
        /// Number of the call.
        operation: u8,
    },
    /// Pages that a macro touched.
    MacroInfo {
        /// The database, in the newer form.
        database: Option<DatabaseId>,
        /// The pages, four bytes each.
        pages: &'a [u8],
        /// What follows them.
        rest: &'a [u8],
    },
    /// What an application attached to a commit.
    CommitContext {
        /// Who commits.
        session: SessionId,
        /// Everything after the session, as its layout depends on the log's version.
        context: &'a [u8],
    },
    /// A page was read by the background scan.
    ScanCheck {
        /// Its database.
        database: DatabaseId,
        /// The page.
        page: PageNumber,
        /// Its dbtime.
        page_time: DbTime,
        /// dbtime of the database.
        current: DbTime,
        /// In the first form: dbtimes around the check.
        around: Option<(DbTime, DbTime)>,
        /// In the second form: what made the check.
        source: Option<u8>,
        /// Checksum of the page, 16 bits in the first form.
        checksum: u32,
        /// What a newer engine may add to the first form.
        rest: &'a [u8],
    },
    /// A tree is given up after its transaction.
    FreeTree {
        /// Its database.
        database: DatabaseId,
        /// Its root.
        root: PageNumber,
        /// Number of its commit.
        commit: TransactionId,
        /// 1 table, 2 index.
        tree: u8,
        /// What a newer engine may add.
        rest: &'a [u8],
    },
    /// Pages are free again.
    ExtentFreed {
        /// Their database.
        database: DatabaseId,
        /// The first.
        first: PageNumber,
        /// How many.
        pages: u32,
        /// 1 root of a table, 2 tree that was empty.
        flags: u8,
        /// In the second form.
        dbtime: Option<DbTime>,
    },
    /// A page is asked for from a copy of the database.
    PagePatchRequest {
        /// Its database.
        database: DatabaseId,
        /// The page.
        page: PageNumber,
        /// dbtime.
        dbtime: DbTime,
        /// Reserved, 32 bytes.
        reserved: &'a [u8],
    },
    /// A step of a backup.
    Backup {
        /// Which step.
        phase: u8,
        /// 0 streaming, 1 snapshot by the operating system, 2 snapshot, 3 surrogate.
        kind: u32,
        /// 1 full, 2 incremental, 5 copy, 6 differential.
        scope: u8,
        /// Database.
        database: DatabaseId,
        /// What a header gets.
        info: BackupInfo,
        /// Reserved.
        reserved: u8,
        /// Path.
        path: &'a [u8],
    },
    /// A step of a backup, in one of the older forms.
    OldBackup {
        /// Type of the record: full 19, incremental 20, backup 46.
        kind: u8,
        /// The two bytes of the last of these.
        step: (u8, u8),
        /// Path.
        path: &'a [u8],
    },
    /// A restore replayed to here.
    ExternalRestore {
        /// Whether the paths are in UTF-16.
        wide: bool,
        /// Folder of the checkpoint, and of the logs.
        paths: &'a [u8],
    },
    /// A range of an old log is covered by this checksum.
    Checksum(&'a [u8]),
    /// A record that only a newer engine knows, made to be passed over.
    Ignored {
        /// Type.
        kind: u8,
        /// Content.
        content: &'a [u8],
    },
    /// A record of the oldest logs, or one that the engine no longer replays.
    Obsolete {
        /// Type.
        kind: u8,
        /// Content, without the type.
        content: &'a [u8],
    },
}

impl NoteRecord<'_> {
    /// Who wrote it, where the record says it.
    pub fn session(&self) -> Option<SessionId> {
        match *self {
            Self::Trace { session, .. }
            | Self::ForceRollover { session, .. }
            | Self::ForceWrite { session }
            | Self::JetOperation { session, .. }
            | Self::CommitContext { session, .. } => Some(session),
            _ => None,
        }
    }

    /// The database that it is about, where the record says it.
    pub fn database(&self) -> Option<DatabaseId> {
        match *self {
            Self::MacroInfo { database, .. } => database,
            Self::ScanCheck { database, .. }
            | Self::FreeTree { database, .. }
            | Self::ExtentFreed { database, .. }
            | Self::PagePatchRequest { database, .. }
            | Self::Backup { database, .. } => Some(database),
            _ => None,
        }
    }
}
