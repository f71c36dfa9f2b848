//! ESE databases as files: what a backup and a check of a whole database need.
//!
//! * [`DatabaseFile`]: a database opened for whole-file work: header by the rule for its two
//!   copies, [`Layout`], trailer;
//! * [`verify::pages`]: every page judged, in parallel, in constant memory;
//! * [`VerifiedReader`]: the file as a backup delivers it, every page verified as it is read;
//! * [`logs`]: which logs a database needs, and where they are.
//!
//! Invariants: a database file is never written; whole-file passes stream and their memory does
//! not depend on the file's size or on how much of it is damaged; every byte read is taken as
//! hostile.

mod aligned;
mod database;
mod error;
pub mod logs;
mod owned;
mod reader;
pub mod verify;

pub use aligned::AlignedBuffer;
pub use database::{DatabaseFile, Layout};
pub use error::Error;
pub use owned::{UnknownSpace, UnknownSpaceReason};
pub use reader::{ReadOutcome, VerifiedReader};
