//! The transaction log: what its files, segments and records hold.
//!
//! ```text
//! sector 0   header                      [`LogHeader`](crate::log_header::LogHeader)
//! sector 1   segment: 40 bytes of header, then records
//! ...
//! last       never a segment of its own: room for the shadow of the one before
//! ```
//!
//! Source: ESE `_logstream.hxx`, `logapi.hxx`, `logread.cxx`.

pub mod attach;
pub mod checkpoint;
pub mod diff;
pub mod format;
pub mod instance_parameters;
pub mod record;
pub mod segment;
pub mod writer;
