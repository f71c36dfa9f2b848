//! The directory backup functions: client library.
//!
//! An application backs up a directory while it runs, file by file, and restores it:
//!
//! * [`Server`]: who is asked; whether its directory is online;
//! * [`BackupContext`]: a backup, its token, its lists, its open [`BackupFile`];
//! * [`RestoreContext`]: a restore, its registration and its outcome;
//! * [`Error`]: what failed, its documented code, what to do next;
//! * [`functions`]: the 17 documented functions on opaque handles, for the C library.
//!
//! Calls block the calling thread. There is no runtime and no thread behind them: this library
//! lives inside other people's processes. While a file is read, the next pieces of it are on
//! their way already.
//!
//! Contexts and files end when they are dropped.
//!
//! Compare a code with 0 ([`ntdsb::HResult::is_ok`]): Win32 errors are returned bare and look
//! like success to `SUCCEEDED()`.
//!
//! Source: "Active Directory Backup Functions" (Win32 documentation); `ntdsbcli.h`, `ntdsbmsg.h`
//! (mingw-w64, public domain).

#![forbid(unsafe_code)]

pub mod ansi;
mod backup;
mod cancel;
mod connection;
mod error;
pub mod functions;
mod handles;
pub mod identity;
mod list;
pub mod options;
mod read_ahead;
mod restore;
mod server;
pub mod server_name;

pub use backup::{BackupContext, BackupFile, Unit};
pub use cancel::Canceller;
pub use connection::ServiceInfo;
pub use error::Error;
pub use handles::Handle;
pub use list::ListEntry;
pub use ntdsb::{FileType, HResult};
pub use restore::{MAP_ROWS_MAX, RestoreContext, RestoreMap, RestoreRegistration};
pub use server::Server;
