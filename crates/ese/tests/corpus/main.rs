//! The large corpus of real databases: everything read from it is compared with what others read.
//!
//! * `headers.json` beside each set: facts read by an independent script;
//! * `header.txt` in the sets that Microsoft's engine made: the engine's own listing, line by line;
//! * `esecheck.py`, an independent checker, run where Python is there: page counts and damage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stderr, clippy::cast_possible_truncation)]

use std::path::Path;
use std::sync::Arc;

use ese::DatabaseFile;

mod checker;
mod delivery;
mod engine_listing;
mod full_check;
mod header_facts;
mod log_search;
mod vectors;

/// Opens a database of the operating system's files.
fn open(path: &Path) -> DatabaseFile {
    DatabaseFile::open(Arc::new(vfs::os::Os), path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
