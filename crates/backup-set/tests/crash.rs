//! Whatever stops the writing or restoring of a set, and whenever: nothing looks whole that is
//! not. Method: the work runs over the simulator with the power cut (or one call failing) at call
//! 0, 1, 2, ... until it gets through; after each, several crash images are opened as a reader
//! would open them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io;
use std::path::Path;
use std::sync::Arc;

use backup_set::manifest::{Backup, BackupKind, Directory, FileKind, Operator, Tool};
use backup_set::restore::{self, MARKER};
use backup_set::writer::Description;
use backup_set::{Error, Manifest, SetReader, SetWriter};
use vfs::Storage;
use vfs::mem::Mem;
use vfs::sim::Sim;

const SEEDS: u64 = 12;

/// The databases here are none.
const AS_IS: restore::Options = restore::Options { replace: false, as_is: true, until: None };

fn database() -> Vec<u8> {
    (0..5000u32).map(|i| i.to_le_bytes()[0] / 7).collect()
}

fn log() -> Vec<u8> {
    vec![0xA5; 3000]
}

fn description() -> Description {
    Description {
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
    }
}

fn write_set(storage: Arc<dyn Storage>, dir: &Path) -> Result<Manifest, Error> {
    write_units(storage, dir, &database(), 1024)
}

/// Units of this many bytes are written by a thread.
const LARGE: usize = 256 << 10;

/// A database, and the units in which it comes: in the calling thread, and behind its back.
fn streams() -> [(Vec<u8>, usize); 2] {
    [(database(), 1024), (database().repeat(150), LARGE)]
}

fn write_units(
    storage: Arc<dyn Storage>,
    dir: &Path,
    database: &[u8],
    unit: usize,
) -> Result<Manifest, Error> {
    let mut set = SetWriter::create(storage, dir)?;
    set.put_token(b"a token")?;
    for (kind, name, content) in [
        (FileKind::NtdsDatabase, r"\\DC1\C$\ntds\ntds.dit", database),
        (FileKind::Log, r"\\DC1\C$\ntds\edb00001.log", &log()),
    ] {
        let mut file = set.begin(kind, name)?;
        for unit in content.chunks(unit) {
            file.append(unit.to_vec())?;
        }
        file.finish(content.len() as u64)?;
    }
    set.finish(description())
}

fn finished_set() -> Mem {
    let mem = Mem::new();
    write_set(Arc::new(mem.clone()), Path::new("/set")).unwrap();
    mem
}

fn open(mem: &Mem, dir: &str) -> Result<SetReader, Error> {
    SetReader::open(Arc::new(mem.clone()), Path::new(dir))
}

#[test]
fn a_finished_set_holds_what_was_streamed() {
    let mem = finished_set();
    let set = open(&mem, "/set").unwrap();
    assert_eq!(set.token().unwrap(), b"a token");
    assert_eq!(mem.get("/set/ntds.dit").unwrap(), database());
    assert_eq!(mem.get("/set/logs/edb00001.log").unwrap(), log());
    let entry = set.manifest().databases().next().unwrap();
    assert_eq!(entry.hash(), Some(blake3::hash(&database())));
    restore::check_set(&set, &()).unwrap();
}

#[test]
fn a_power_cut_while_writing_leaves_a_whole_set_or_none() {
    for (database, unit) in streams() {
        for cut in 0.. {
            let sim = Sim::new();
            sim.create_dir_all(Path::new("/sets")).unwrap();
            sim.sync_dir(Path::new("/")).unwrap();
            sim.cut_power(sim.calls() + cut);
            let storage = Arc::new(sim.clone());
            let result = write_units(storage, Path::new("/sets/a"), &database, unit);
            for seed in 0..SEEDS {
                match open(&sim.crash(seed), "/sets/a") {
                    Ok(set) => restore::check_set(&set, &()).unwrap_or_else(|e| {
                        panic!("cut {cut} seed {seed}: looks whole, but {e}");
                    }),
                    Err(e) => assert!(result.is_err(), "cut {cut} seed {seed}: finished, but {e}"),
                }
            }
            if result.is_ok() {
                assert!(cut > 20);
                break;
            }
        }
    }
}

#[test]
fn a_failing_call_while_writing_removes_the_set() {
    for (database, unit) in streams() {
        for call in 0.. {
            let sim = Sim::new();
            sim.create_dir_all(Path::new("/sets")).unwrap();
            let last = sim.calls() + call;
            sim.fail_call(last, io::ErrorKind::StorageFull);
            let storage = Arc::new(sim.clone());
            match write_units(storage, Path::new("/sets/a"), &database, unit) {
                Err(Error::Storage(e)) => {
                    assert_eq!(e.kind(), io::ErrorKind::StorageFull, "call {call}");
                    assert!(sim.metadata(Path::new("/sets/a")).is_err(), "call {call}: removed");
                }
                Err(e) => panic!("call {call}: {e}"),
                Ok(_) => {
                    assert!(sim.calls() <= last, "call {call} failed and nobody noticed");
                    break;
                }
            }
        }
    }
}

#[test]
fn a_file_with_a_failed_write_is_not_finished() {
    for unit in [1024, LARGE] {
        let sim = Sim::new();
        let mut set = SetWriter::create(Arc::new(sim.clone()), Path::new("/set")).unwrap();
        let mut file = set.begin(FileKind::NtdsDatabase, "a.edb").unwrap();
        sim.fail_call(sim.calls(), io::ErrorKind::StorageFull);
        // The thread's failure is told by a later call; from then on each one fails.
        let failed = (0..100).any(|_| file.append(vec![1; unit]).is_err());
        assert!(failed, "{unit}");
        let size = file.size();
        assert!(file.append(vec![1; unit]).is_err() && file.write(b"1").is_err());
        assert_eq!((file.size(), file.next_page()), (size, None));
        assert!(file.finish(size).is_err());
        assert!(set.files().is_empty());
    }
}

#[test]
fn the_next_page_is_known_while_units_are_on_their_way() {
    let content = testkit::database("clean_8k");
    let mem = Mem::new();
    let mut set = SetWriter::create(Arc::new(mem), Path::new("/set")).unwrap();
    let mut file = set.begin(FileKind::NtdsDatabase, "a.edb").unwrap();
    for unit in content.chunks(LARGE).take(2) {
        file.append(unit.to_vec()).unwrap();
    }
    let page = file.size() / 8192 - 1;
    assert_eq!(file.next_page().map(|page| u64::from(page.0)), Some(page));
}

#[test]
fn a_dropped_or_aborted_writer_leaves_nothing() {
    for abort in [false, true] {
        let mem = Mem::new();
        let mut set = SetWriter::create(Arc::new(mem.clone()), Path::new("/a/set")).unwrap();
        set.put_token(b"t").unwrap();
        set.begin(FileKind::Log, "x.log").unwrap().write(b"half").unwrap();
        if abort {
            set.abort().unwrap();
        } else {
            drop(set);
        }
        assert!(mem.list(Path::new("/a")).unwrap().is_empty());
    }
}

#[test]
fn a_set_without_token_or_database_is_not_finished() {
    let mem = Mem::new();
    let set = SetWriter::create(Arc::new(mem.clone()), Path::new("/set")).unwrap();
    assert!(matches!(set.finish(description()), Err(Error::Incomplete { what: "token" })));
    let mut set = SetWriter::create(Arc::new(mem.clone()), Path::new("/set")).unwrap();
    set.put_token(b"t").unwrap();
    assert!(matches!(set.finish(description()), Err(Error::Incomplete { what: "database" })));
    assert!(mem.list(Path::new("/")).unwrap().is_empty());
}

#[test]
fn a_folder_with_anything_in_it_is_not_written_to() {
    let mem = Mem::new();
    mem.put("/set/keep", *b"x").unwrap();
    let result = SetWriter::create(Arc::new(mem.clone()), Path::new("/set"));
    assert!(matches!(result, Err(Error::NotEmpty { found, .. }) if found == "keep"));
    assert_eq!(mem.get("/set/keep").unwrap(), b"x");
}

#[test]
fn a_stream_that_ends_early_is_not_an_entry() {
    let mem = Mem::new();
    let mut set = SetWriter::create(Arc::new(mem), Path::new("/set")).unwrap();
    let mut file = set.begin(FileKind::NtdsDatabase, "a.edb").unwrap();
    file.write(b"123").unwrap();
    assert!(matches!(file.finish(4), Err(Error::StreamLength { expected: 4, found: 3, .. })));
    assert!(set.files().is_empty());
    set.begin(FileKind::NtdsDatabase, "b.edb").unwrap().finish(0).unwrap();
    let again = set.begin(FileKind::NtdsDatabase, r"\\S\x\B.edb");
    assert!(matches!(again, Err(Error::DuplicateName { .. })));
}

#[test]
fn restoring_gives_the_same_files_and_no_marker() {
    let mem = finished_set();
    let set = open(&mem, "/set").unwrap();
    let target: Arc<dyn Storage> = Arc::new(mem.clone());
    let options = AS_IS;
    let done = restore::to_folder(&set, &target, Path::new("/out"), options, &()).unwrap();
    assert_eq!(done.bytes, 8000);
    assert_eq!(mem.get("/out/ntds.dit").unwrap(), database());
    assert_eq!(mem.get("/out/logs/edb00001.log").unwrap(), log());
    assert_eq!(mem.list(Path::new("/out")).unwrap().len(), 2);
}

#[test]
fn a_power_cut_while_restoring_leaves_a_whole_restore_or_a_marked_one() {
    let base = finished_set();
    for cut in 0.. {
        let sim = Sim::over(&base).unwrap();
        let target: Arc<dyn Storage> = Arc::new(sim.clone());
        let set = open(&base, "/set").unwrap();
        sim.cut_power(cut);
        let options = AS_IS;
        let result = restore::to_folder(&set, &target, Path::new("/out"), options, &());
        for seed in 0..SEEDS {
            let after = sim.crash(seed);
            let marked = after.get(Path::new("/out").join(MARKER)).is_some();
            let named = after.get("/out/ntds.dit");
            if result.is_ok() || (named.is_some() && !marked) {
                assert_eq!(named.clone().unwrap(), database(), "cut {cut} seed {seed}");
                assert_eq!(after.get("/out/logs/edb00001.log").unwrap(), log());
            }
            // Whatever it left, the same command succeeds afterwards.
            let target: Arc<dyn Storage> = Arc::new(after.clone());
            if marked || named.is_none() {
                restore::to_folder(&set, &target, Path::new("/out"), options, &())
                    .unwrap_or_else(|e| panic!("again after cut {cut} seed {seed}: {e}"));
                assert_eq!(after.get("/out/ntds.dit").unwrap(), database());
            }
        }
        if result.is_ok() {
            assert!(cut > 20);
            return;
        }
    }
}

#[test]
fn a_damaged_set_does_not_touch_the_target() {
    for path in ["/set/ntds.dit", "/set/logs/edb00001.log", "/set/token"] {
        let mem = finished_set();
        let mut content = mem.get(path).unwrap();
        content[1] ^= 1;
        mem.put(path, content).unwrap();
        let set = open(&mem, "/set").unwrap();
        let target: Arc<dyn Storage> = Arc::new(mem.clone());
        let options = AS_IS;
        let result = restore::to_folder(&set, &target, Path::new("/out"), options, &());
        assert!(matches!(result, Err(Error::Differs { .. })), "{path}");
        assert!(mem.metadata(Path::new("/out")).is_err());
    }
}

#[test]
fn a_target_with_files_is_refused_unless_told_and_foreign_logs_always() {
    let mem = finished_set();
    let set = open(&mem, "/set").unwrap();
    let target: Arc<dyn Storage> = Arc::new(mem.clone());
    let out = Path::new("/out");
    mem.put("/out/ntds.dit", *b"old").unwrap();
    let refused = restore::to_folder(&set, &target, out, AS_IS, &());
    assert!(matches!(refused, Err(Error::NotEmpty { .. })));
    assert_eq!(mem.get("/out/ntds.dit").unwrap(), b"old");
    let replace = restore::Options { replace: true, ..AS_IS };
    mem.put("/out/logs/edb00099.log", *b"other").unwrap();
    let foreign = restore::to_folder(&set, &target, out, replace, &());
    assert!(matches!(foreign, Err(Error::ForeignLog { .. })));
    mem.remove_file(Path::new("/out/logs/edb00099.log")).unwrap();
    restore::to_folder(&set, &target, out, replace, &()).unwrap();
    assert_eq!(mem.get("/out/ntds.dit").unwrap(), database());
}

#[test]
fn units_of_any_size_give_the_same_file_and_hash() {
    let content: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251).to_le_bytes()[0]).collect();
    for unit in [100_000, LARGE, 1 << 20, content.len()] {
        let mem = Mem::new();
        let mut set = SetWriter::create(Arc::new(mem.clone()), Path::new("/set")).unwrap();
        let mut file = set.begin(FileKind::NtdsDatabase, "a.edb").unwrap();
        for (index, part) in content.chunks(unit).enumerate() {
            match index % 5 {
                4 => file.write(part).unwrap(),
                _ => file.append(part.to_vec()).unwrap(),
            }
        }
        let entry = file.finish(content.len() as u64).unwrap();
        assert_eq!(entry.hash(), Some(blake3::hash(&content)), "unit {unit}");
        assert!(mem.get("/set/a.edb").unwrap() == content, "unit {unit}");
    }
}
