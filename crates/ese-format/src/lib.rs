//! Bytes to types and back for the files of Microsoft's Extensible Storage Engine.
//!
//! A database file is a row of blocks of one page size:
//!
//! ```text
//! block 0   header                        [`header::DatabaseHeader`]
//! block 1   shadow header, the same bytes [`header::read_shadowed`]
//! block 2   page 1, the database root     [`page`], [`space`]
//! block 3   page 2
//! ...       page n at (n + 1) * page size [`PageNumber::file_offset`]
//! last      only in a streaming-backup copy: the trailer [`trailer::BackupTrailer`]
//! ```
//!
//! Pages form trees of nodes. What the leaves of a tree hold:
//!
//! ```text
//! catalog       [`catalog::CatalogRow`]: tables, columns, indexes, where their trees are
//! table         [`record::Record`], taken apart into stored values; [`value::Value`] is what
//!               they mean, [`compression`] makes them plain
//! long values   [`long_value::LvRoot`] and chunks, by [`long_value::LvKey`]
//! ```
//!
//! Log files begin with a [`log_header::LogHeader`] and are named as [`log_name`] says.
//!
//! Invariants: no I/O, no clock, no global state (but the processor's features, looked at once by
//! [`checksum`]); every structure that is read can be written back byte for byte, reserved and
//! unknown bytes included; every input is taken as hostile.

#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod catalog;
pub mod checksum;
pub mod column;
pub mod compression;
mod field;
mod geometry;
pub mod header;
pub mod jet;
pub mod key;
mod le;
pub mod log;
pub mod log_header;
pub mod log_name;
mod log_position;
mod log_time;
pub mod long_value;
pub mod node;
pub mod page;
pub mod page_builder;
pub mod page_edit;
pub mod record;
mod signature;
pub mod space;
pub mod text;
pub mod trailer;
pub mod value;

pub use geometry::{DbTime, PageNumber, PageSize};
pub use log_position::{LogGeneration, LogPosition, ParseLogPositionError};
pub use log_time::LogTime;
pub use signature::{BackupInfo, Signature};
