//! Dumps of the whole corpus against the engine's and those of an independent reader.
//!
//! * `expected.jsonl` and `indexes.jsonl`: what Microsoft's engine gives for a database;
//! * `esedump.py`: an independent reader, for the others, where Python is there.
//!
//! Databases that were not shut down are torn between times, and readers differ in how far they
//! go: each table must be the same as far as it is read, but for values that one cannot read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use ese::Database;

use crate::{Dump, dump};

#[test]
fn every_database_is_dumped_as_others_dump_it() {
    let Some(corpus) = testkit::corpus() else { return };
    let reader = corpus.archives().join("../tools/esedump.py");
    let databases = corpus.databases();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(path) = databases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    compare(path, &reader);
                }
            });
        }
    });
}

fn compare(path: &Path, reader: &Path) {
    let name = path.display();
    let Ok(database) = Database::open(path) else {
        // A database that was never finished.
        assert!(path.ends_with("temp.edb"), "{name}");
        return;
    };
    for indexes in [false, true] {
        let ours = dump(&database, indexes, false, 1 << 20);
        let Some(theirs) = reference(path, indexes, reader) else {
            eprintln!("skipped: nothing to compare {name} with");
            return;
        };
        if database.is_clean() {
            assert!(ours.complaints.is_empty() && ours.failed.is_empty(), "{name}");
            assert!(ours.text == theirs, "{name}: {indexes}");
        } else if !theirs.is_empty() {
            as_far_as_it_goes(&format!("{name}"), &ours, &theirs);
        }
    }
}

/// Compares table by table; ours may end early only if it said so.
fn as_far_as_it_goes(name: &str, ours: &Dump, theirs: &[u8]) {
    let (ours_by_table, theirs_by_table) = (by_table(&ours.text), by_table(theirs));
    assert!(ours_by_table.keys().eq(theirs_by_table.keys()), "{name}");
    let has_error = |line: &[u8]| line.windows(8).any(|part| part == b"\"error\":");
    for (table, lines) in ours_by_table {
        let expected = &theirs_by_table[&table];
        for (ours, theirs) in lines.iter().zip(expected) {
            if ours != theirs && !has_error(ours) && !has_error(theirs) {
                panic!("{name}: {}", String::from_utf8_lossy(ours));
            }
        }
        if lines.len() != expected.len() {
            assert!(!ours.failed.is_empty(), "{name}: {table}");
        }
    }
}

/// The lines of each table or index, by the line in front of them.
fn by_table(text: &[u8]) -> BTreeMap<String, Vec<&[u8]>> {
    let mut tables: BTreeMap<String, Vec<&[u8]>> = BTreeMap::new();
    let mut table = String::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let is_head = line.starts_with(b"{\"table\":")
            || line.ends_with(b"\"primary\":true}")
            || line.ends_with(b"\"primary\":false}");
        if is_head {
            table = String::from_utf8_lossy(line).into_owned();
        }
        tables.entry(table.clone()).or_default().push(line);
    }
    tables
}

/// What the engine or the independent reader gives.
fn reference(path: &Path, indexes: bool, reader: &Path) -> Option<Vec<u8>> {
    let file = if indexes { "indexes.jsonl" } else { "expected.jsonl" };
    let beside = |folder: Option<&Path>| folder.map(|folder| folder.join(file));
    let parent = path.parent()?;
    let kind = parent.file_name()?.to_string_lossy().into_owned();
    let set: Option<PathBuf> = beside(parent.parent());
    if let Some(expected) = set.filter(|file| file.is_file())
        && (["recovered", "restored"].contains(&kind.as_str())
            || (kind == "files" && Database::open(path).is_ok_and(|database| database.is_clean())))
    {
        return Some(std::fs::read(expected).unwrap());
    }
    if !reader.is_file() {
        return None;
    }
    let mut command = Command::new("python3");
    command.arg("-B").arg(reader).arg(path);
    if indexes {
        command.arg("--indexes");
    }
    Some(command.output().ok()?.stdout)
}
