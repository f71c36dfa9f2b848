//! What both ends of the directory backup interfaces share.
//!
//! * [`HResult`]: every result code, with name, meaning and advice;
//! * [`FileType`], [`BackupType`], [`RestoreType`]: the values of `ntdsbcli.h`;
//! * [`idl`]: the operations of the two RPC interfaces and their stub data;
//! * [`multi_sz`]: the lists of files that the functions return;
//! * [`session`]: which call is allowed when;
//! * [`token`]: the expiry token of a backup;
//! * [`registration`]: what a service remembers of a restore;
//! * [`unc`]: published names of local files;
//! * [`rights`]: what a policy grants.
//!
//! No I/O, no clock, no randomness: whoever calls brings them.
//!
//! The functions are Microsoft's documented ones; the wire format between our client library and
//! our service is this project's own, because Microsoft has never published theirs.

#![forbid(unsafe_code)]

mod constants;
mod file_type;
mod hresult;
pub mod idl;
pub mod multi_sz;
pub mod registration;
pub mod rights;
pub mod session;
pub mod token;
pub mod unc;

pub use constants::{
    BACKUP_DISABLE_INCREMENTAL, BackupType, G_SZ_BACKUP_ANNOTATION, G_SZ_RESTORE_ANNOTATION,
    LOG_NUMBER_MAXIMUM, READ_GRANULARITY, READ_MINIMUM, RestoreType, is_read_size,
};
pub use file_type::{
    BFT_CHECKPOINT_DIR, BFT_DATABASE_DIRECTORY, BFT_DIRECTORY, BFT_LOG, BFT_LOG_DIR,
    BFT_LOG_DIRECTORY, BFT_NTDS_DATABASE, BFT_PATCH_FILE, BFT_UNKNOWN, FileType,
};
pub use hresult::{Code, Family, HResult};
