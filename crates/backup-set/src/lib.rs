//! The backup set: a folder that says what it holds.
//!
//! ```text
//! SET/
//!   ntds.dit        the database, under its own name
//!   logs/           the log generations that the database needs
//!   token           the service's expiry token, as it was given
//!   manifest.json   written last and atomically: without it the folder is no set
//! ```
//!
//! * [`writer::SetWriter`] makes a set from streams: each file is hashed while it is written and
//!   is synced before the next one begins; an unfinished set has no manifest and is removed.
//! * [`reader::SetReader`] opens one and believes nothing in it before it is checked.
//! * [`verify`] compares every file with the manifest, and every page with its checksum.
//! * [`restore`] copies a set to a folder, verified before, during and after, recovers its database
//!   there, and marks the folder until it is complete; [`recover`] does it in memory.
//!
//! All of it goes through [`vfs::Storage`] and needs constant memory. The manifest's form is the
//! promise of `docs/backup-set.md`.

mod behind;
pub mod copy;
mod error;
mod facts;
pub mod manifest;
pub mod name;
pub mod progress;
pub mod reader;
pub mod recover;
pub mod restore;
pub mod verify;
pub mod writer;

pub use error::{Difference, Error, Result};
pub use manifest::Manifest;
pub use name::SetPath;
pub use progress::Progress;
pub use reader::SetReader;
pub use writer::SetWriter;
