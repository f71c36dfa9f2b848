//! The rules of a context: which call is allowed when, and what it leads to.
//!
//! Pure machines, without the work that the calls cause: a service asks `check` first, does the
//! work, and then tells the machine that it is done. A call that is refused changes nothing. Who
//! may call at all (rights, ownership, whether the directory is online) is decided elsewhere and
//! before.
//!
//! * [`BackupSession`]: a backup context;
//! * [`RestoreSession`]: a restore context;
//! * [`Coverage`]: which bytes of a file have been read.

mod backup;
mod coverage;
mod restore;

pub use backup::{
    BackupCall, BackupOutcome, BackupSession, BackupState, FileId, ListedFile, LogNames, ReadSpan,
    Target,
};
pub use coverage::Coverage;
pub use restore::{RestoreCall, RestoreOutcome, RestoreSession, RestoreState};
