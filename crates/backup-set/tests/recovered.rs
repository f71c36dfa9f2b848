//! A restore ends with a database that is recovered, whatever stops it and whenever; a point in
//! time; what is missing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backup_set::manifest::{Backup, BackupKind, Directory, FileKind, Operator, Tool};
use backup_set::restore::{self, MARKER, Options};
use backup_set::writer::Description;
use backup_set::{Error, SetReader, SetWriter, recover};
use ese::recovery::{SourceKind, Until};
use ese::{DatabaseFile, OpenOptions};
use ese_format::LogGeneration;
use vfs::Storage;
use vfs::mem::Mem;
use vfs::sim::Sim;

/// A set made of the files of a test set: a backup that Microsoft's engine made.
fn finished_set() -> Mem {
    let unpacked = testkit::set("backup_8k");
    let mem = Mem::new();
    let storage: Arc<dyn Storage> = Arc::new(mem.clone());
    let mut set = SetWriter::create(storage, Path::new("/set")).unwrap();
    set.put_token(b"a token").unwrap();
    let mut names: Vec<String> = std::fs::read_dir(unpacked.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_by_key(|name| (name != "test.edb", name.clone()));
    for name in names {
        let kind = if name == "test.edb" { FileKind::NtdsDatabase } else { FileKind::Log };
        let bytes = std::fs::read(unpacked.file(&name)).unwrap();
        let mut file = set.begin(kind, &name).unwrap();
        let len = bytes.len() as u64;
        file.append(bytes).unwrap();
        file.finish(len).unwrap();
    }
    set.finish(Description {
        tool: Tool { name: "test".into(), version: "0".into() },
        backup: Backup {
            id: String::new(),
            kind: BackupKind::Full,
            started: String::new(),
            finished: String::new(),
            parent: None,
        },
        operator: Operator { user: None, uid: 0, host: String::new(), server: String::new() },
        directory: Directory::default(),
        not_after: None,
    })
    .unwrap();
    mem
}

fn open(mem: &Mem) -> SetReader {
    SetReader::open(Arc::new(mem.clone()), Path::new("/set")).unwrap()
}

/// All rows of a database.
fn dump(storage: &Arc<dyn Storage>, path: &Path) -> Vec<u8> {
    let database = OpenOptions::default().open(storage.clone(), path).unwrap();
    assert!(database.is_clean());
    dump_of(&database)
}

fn dump_of(database: &ese::Database) -> Vec<u8> {
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

/// What a replay in memory makes of the set.
fn expected(mem: &Mem) -> Vec<u8> {
    let storage: Arc<dyn Storage> = Arc::new(mem.clone());
    let (database, logs) = (Path::new("/set/test.edb"), Path::new("/set/logs"));
    let recovered =
        recover::in_memory(&storage, database, logs, Path::new("/scratch"), &()).unwrap();
    assert_eq!(recovered.report().kind, SourceKind::Backup);
    dump_of(&OpenOptions::default().over(recovered.file().unwrap()).unwrap())
}

#[test]
fn a_restored_database_is_clean_and_its_log_goes_on_beside_it() {
    let mem = finished_set();
    let expected = expected(&mem);
    let target: Arc<dyn Storage> = Arc::new(mem.clone());
    let out = Path::new("/out");
    let before = mem.get("/set/test.edb").unwrap();
    let done = restore::to_folder(&open(&mem), &target, out, Options::default(), &()).unwrap();
    assert_eq!(done.recovered.len(), 1);
    assert!(dump(&target, &out.join("test.edb")) == expected);
    let names = |dir: &Path| -> Vec<PathBuf> {
        mem.list(dir).unwrap().into_iter().map(|entry| entry.name.into()).collect()
    };
    assert_eq!(names(out), ["logs", "test.edb"].map(PathBuf::from));
    let logs = names(&out.join("logs"));
    assert_eq!(logs.len(), 8, "{logs:?}");
    assert!(logs.contains(&"edb.log".into()) && logs.contains(&"edb.chk".into()));
    assert!(mem.get("/set/test.edb").unwrap() == before, "the set stays as it is");
    restore::check_set(&open(&mem), &()).unwrap();

    let as_is = Options { as_is: true, ..Options::default() };
    restore::to_folder(&open(&mem), &target, Path::new("/raw"), as_is, &()).unwrap();
    assert!(mem.get("/raw/test.edb").unwrap() == before);
}

#[test]
fn a_point_before_the_copy_is_consistent_is_refused_and_the_folder_stays_marked() {
    let mem = finished_set();
    let target: Arc<dyn Storage> = Arc::new(mem.clone());
    let until = |generation| Options {
        until: Some(Until::Generation(LogGeneration(generation))),
        ..Options::default()
    };
    let refused = restore::to_folder(&open(&mem), &target, Path::new("/out"), until(5), &());
    let Err(Error::Recovery(error)) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("as late as generation 6"), "{error}");
    assert!(mem.get(Path::new("/out").join(MARKER)).is_some());
    restore::to_folder(&open(&mem), &target, Path::new("/out"), until(6), &()).unwrap();
    assert!(mem.get(Path::new("/out").join(MARKER)).is_none());
}

#[test]
fn a_power_cut_at_any_call_leaves_a_recovered_database_or_a_marked_folder() {
    let base = finished_set();
    let expected = expected(&base);
    let out = Path::new("/out");
    let whole = Sim::over(&base).unwrap();
    let target: Arc<dyn Storage> = Arc::new(whole.clone());
    restore::to_folder(&open(&base), &target, out, Options::default(), &()).unwrap();
    let calls = whole.calls();
    let first = dump(&target, &out.join("test.edb"));
    assert!(first == expected);
    // Every other call of the recovery, which comes last, and some of the copying before it.
    let cuts = (0..calls).step_by(97).chain((calls.saturating_sub(120)..calls).step_by(2));
    for cut in cuts {
        let sim = Sim::over(&base).unwrap();
        let target: Arc<dyn Storage> = Arc::new(sim.clone());
        sim.cut_power(cut);
        let result = restore::to_folder(&open(&base), &target, out, Options::default(), &());
        assert!(result.is_err(), "cut {cut} of {calls}");
        let seed = cut % 3;
        let after = sim.crash(seed);
        let marked = after.get(out.join(MARKER)).is_some();
        let there = after.get("/out/test.edb").is_some();
        let target: Arc<dyn Storage> = Arc::new(after.clone());
        if marked || !there {
            let again = restore::to_folder(&open(&base), &target, out, Options::default(), &());
            again.unwrap_or_else(|error| panic!("again after cut {cut} seed {seed}: {error}"));
        }
        let file = DatabaseFile::open(target.clone(), &out.join("test.edb")).unwrap();
        assert!(file.header().is_clean());
        assert!(dump(&target, &out.join("test.edb")) == expected, "cut {cut} seed {seed}");
        assert_eq!(after.list(&out.join("logs")).unwrap().len(), 8);
    }
}

#[test]
fn a_set_whose_logs_do_not_lead_on_is_refused_by_name() {
    let mem = finished_set();
    let storage: Arc<dyn Storage> = Arc::new(mem.clone());
    let (database, logs) = (Path::new("/set/test.edb"), Path::new("/set/logs"));
    mem.remove_file(Path::new("/set/logs/edb00004.log")).unwrap();
    let scratch = Path::new("/scratch");
    let refused = recover::in_memory(&storage, database, logs, scratch, &()).unwrap_err();
    assert!(refused.to_string().contains("generations 4; the database needs 1-6"), "{refused}");
}
