//! The databases that tests work on.
//!
//! * [`database`] and [`set`] unpack the small committed ones (`tests/data`, with provenance in its
//!   README) into a directory that goes away with the value.
//! * [`big`] writes databases of any size that are consistent through and through; [`synthetic`]
//!   stretches a small one with pages that no tree reaches.
//! * [`log_load`] writes long chains of logs over such a database.
//! * [`mutation`] has every kind of damage that a checker of databases must find, and every oddity
//!   it must not take for damage.
//! * [`log_mutation`] has the same for logs and checkpoints.
//! * [`corpus`] gives the large corpus of real databases, which is not part of the repository. It
//!   is looked for in `DSBACKUP_CORPUS`, or in `../shared/data` beside the repository, and unpacked
//!   once into the target directory. Tests over it say in one line that they were skipped where it
//!   is absent.
//!
//! This crate is for tests only, so it panics where a test could not go on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]
#![allow(clippy::indexing_slicing)]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

pub mod big;
mod corpus;
pub mod log_load;
pub mod log_mutation;
pub mod mutation;
mod seal;
pub mod synthetic;

pub use corpus::{Corpus, corpus};

/// A directory with unpacked files; removed with the value.
#[derive(Debug)]
pub struct Unpacked {
    dir: tempfile::TempDir,
}

impl Unpacked {
    /// The directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// Unpacks every file of a committed set, for example `crash_8k_f`.
pub fn set(name: &str) -> Unpacked {
    let dir = tempfile::Builder::new().prefix("dsbackup-test-").tempdir().unwrap();
    let source = data_directory().join(name);
    let entries = fs::read_dir(&source).unwrap_or_else(|e| panic!("{}: {e}", source.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        let target = dir.path().join(path.file_stem().unwrap());
        fs::write(target, unpack(&path)).unwrap();
    }
    Unpacked { dir }
}

/// The content of a committed set's database.
pub fn database(name: &str) -> Vec<u8> {
    unpack(&data_directory().join(name).join("test.edb.zst"))
}

/// Names of the committed sets with a cleanly closed database, one for each page size and format.
pub const CLEAN: [&str; 5] = ["clean_4k", "clean_8k", "clean_16k", "clean_32k", "clean_8k_new"];

/// The content of a compressed file.
pub fn unpack(path: &Path) -> Vec<u8> {
    let file = fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut content = Vec::new();
    zstd::Decoder::new(file).unwrap().read_to_end(&mut content).unwrap();
    content
}

fn data_directory() -> PathBuf {
    root().join("tests/data")
}

/// The repository's root.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap()
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}
