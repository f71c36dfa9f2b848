//! Values that all of Microsoft's open specifications share.
//!
//! * [`Guid`]: a universally unique identifier, kept in its wire layout;
//! * [`FileTime`]: a point in time, 100-nanosecond intervals since 1601-01-01 UTC.
//!
//! Plain values: no clock, no randomness (the caller brings both), no allocation.
//!
//! Source: [MS-DTYP] 2.3.3 (FILETIME), 2.3.4 (GUID and UUID); RFC 4122 for the text form.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod filetime;
mod guid;

pub use filetime::{FileTime, ParseFileTimeError};
pub use guid::{Guid, ParseGuidError};
