//! Whole recoveries, from what lies in a folder to a database that is read: what is recognised,
//! what is done, what is refused and how it is told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stderr, clippy::cast_possible_truncation)]

#[path = "../log_records/walk.rs"]
#[allow(dead_code, reason = "used by another test too")]
mod walk;

mod corpus;
mod cuts;
mod pages;
mod refusals;
mod ways;

use std::path::Path;
use std::sync::Arc;

use ese::check::{self, Level, Severity};
use ese::recovery::{Options, Recovered, RecoveryError, Request, plan};
use ese::verify::Unheard;
use ese::{Database, DatabaseFile};
use vfs::Storage;

fn os() -> Arc<dyn Storage> {
    Arc::new(vfs::os::Os)
}

/// Recovers to be read; nothing is written but to `scratch`.
fn recover(request: &Request, scratch: &Path) -> Result<Recovered, RecoveryError> {
    let storage = os();
    let options = Options::reading(&storage, scratch.join("pages"));
    plan(&storage, request)?.execute(&storage, &options, &Unheard)
}

/// What the full check finds, but for notes.
fn findings(file: &Arc<DatabaseFile>) -> Vec<String> {
    let options = check::Options::new(Level::Full, 0);
    let report = check::run(file, &options, &Unheard).unwrap();
    let grave = report.findings.iter().filter(|finding| finding.severity > Severity::Note);
    grave.map(|finding| format!("{finding:?}")).collect()
}

/// All user tables as JSON lines.
fn dump(file: Arc<DatabaseFile>) -> Vec<u8> {
    dump_of(&Database::with_store(file, 64 << 20).unwrap())
}

fn dump_of(database: &Database) -> Vec<u8> {
    let mut text = Vec::new();
    let mut complain = |complaint: ese::dump::Complaint| panic!("{complaint}");
    let mut dumper = ese::dump::Dumper::new(&mut text, &mut complain).holding(1 << 20);
    for table in database.tables().filter(|table| !table.definition().is_system()) {
        dumper.table(&table).unwrap();
    }
    dumper.flush().unwrap();
    drop(dumper);
    text
}
