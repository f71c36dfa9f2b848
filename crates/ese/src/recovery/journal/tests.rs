//! The journal under loss of power at every call.

use std::collections::BTreeMap;

use ese_format::header::{DatabaseState, SHADOWED_LEN, read_shadowed};
use vfs::mem::Mem;
use vfs::sim::Sim;

use super::*;
use crate::DatabaseFile;
use crate::overlay::{Overlay, Spill};
use crate::recovery::output::tests::{ended, quiet};
use crate::recovery::tail::tests::{log, tail_at};
use crate::work::{Taken, WorkPages as _};

const DATABASE: &str = "/d/test.edb";

/// The files of the folder.
type Files = BTreeMap<String, Vec<u8>>;

fn files(mem: &Mem) -> Files {
    let list = mem.list(Path::new("/d")).unwrap();
    let named = list.into_iter().map(|entry| entry.name.into_string().unwrap());
    named.map(|name| (name.clone(), mem.get(format!("/d/{name}")).unwrap())).collect()
}

/// A dirty database that is longer than what it owns, its log and a checkpoint.
fn dirty(torn: bool) -> Mem {
    let mem = Mem::new();
    let mut bytes = testkit::database("clean_8k");
    let mut header = read_shadowed(&bytes[..SHADOWED_LEN]).unwrap().header;
    header.state = DatabaseState::DIRTY_SHUTDOWN;
    let block = header.to_sealed_block();
    bytes[..8192].copy_from_slice(&block);
    bytes[8192..16384].copy_from_slice(&block);
    bytes.extend([0xEE; 5 * 8192]);
    mem.put(DATABASE, bytes).unwrap();
    let (mut log, _) = log(10);
    if torn {
        log[6 * 4096 + 99] = 1;
    }
    mem.put("/d/edb.log", log).unwrap();
    mem.put("/d/edb.chk", "old").unwrap();
    mem
}

fn outcome(mem: &Mem) -> Outcome {
    let file = DatabaseFile::open(Arc::new(mem.clone()), Path::new(DATABASE)).unwrap();
    let header = file.header().clone();
    let file = Arc::new(file);
    let mut overlay = Overlay::new(Some(file), header.page_size().unwrap(), 0, Spill::Memory);
    for number in [4, 5, 6, 9] {
        let Taken::Page(mut page) = overlay.take(PageNumber(number)).unwrap() else { panic!() };
        page.bytes_mut()[8] ^= 0xFF;
        overlay.put(page).unwrap();
    }
    overlay.zero(PageNumber(7));
    let tail = tail_at(mem.clone(), "/d/edb.log", log(10).1, None);
    ended(overlay, &header, tail)
}

fn is_clean(files: &Files) -> bool {
    let header = read_shadowed(&files["test.edb"][..SHADOWED_LEN]).unwrap().header;
    header.is_clean()
}

/// What the folder is in the end, and the number of calls that it took.
fn reference(mem: &Mem) -> (Files, u64) {
    let sim = Sim::over(mem).unwrap();
    let storage: Arc<dyn Storage> = Arc::new(sim.clone());
    let calls = sim.calls();
    commit(&storage, Path::new(DATABASE), &outcome(mem), &quiet).unwrap();
    (files(&sim.crash(0)), sim.calls() - calls)
}

#[test]
fn folder_is_that_of_a_recovery_elsewhere() {
    for torn in [false, true] {
        let mem = dirty(torn);
        let (after, _) = reference(&mem);
        let names: Vec<&str> = after.keys().map(String::as_str).collect();
        assert_eq!(names, ["edb.chk", "edb.log", "edb00005.log", "test.edb"]);
        assert!(is_clean(&after));
        let storage: Arc<dyn Storage> = Arc::new(mem.clone());
        let outcome = outcome(&mem);
        let dir = Path::new("/out");
        super::super::output::write_to(&storage, dir, "test.edb", &outcome, &quiet).unwrap();
        for name in ["edb.chk", "edb.log", "test.edb"] {
            assert!(after[name] == mem.get(dir.join(name)).unwrap(), "{name}");
        }
        let archived = &after["edb00005.log"];
        assert_eq!(*archived == mem.get("/d/edb.log").unwrap(), !torn);
        assert_eq!(archived[..4 * 4096], mem.get("/d/edb.log").unwrap()[..4 * 4096]);
    }
}

#[test]
fn power_may_go_at_any_call() {
    for torn in [false, true] {
        let before = dirty(torn);
        let (after, calls) = reference(&before);
        assert!(calls > 30);
        let untouched = files(&before);
        let outcome = outcome(&before);
        let database = Path::new(DATABASE);
        let mut carried_out = 0;
        for call in 0..calls {
            let sim = Sim::over(&before).unwrap();
            sim.cut_power(sim.calls() + call);
            let storage: Arc<dyn Storage> = Arc::new(sim.clone());
            let _ = commit(&storage, database, &outcome, &quiet);
            for seed in 0..3 {
                let image = sim.crash(seed * 1000 + call);
                let found = files(&image);
                let storage: Arc<dyn Storage> = Arc::new(image.clone());
                let pages = |files: &Files| files["test.edb"][2 * 8192..].to_vec();
                let is_final = pages(&found) == pages(&after);
                assert!(!is_clean(&found) || is_final, "half a database is clean at {call}");
                if !found.contains_key("test.edb.recovery") && !is_final {
                    assert!(found["test.edb"] == untouched["test.edb"]);
                    assert!(found["edb.log"] == untouched["edb.log"]);
                }
                // The power goes once more while it is settled.
                let again = Sim::over(&image).unwrap();
                again.cut_power(again.calls() + call % 23);
                let _ = settle(&(Arc::new(again.clone()) as _), database, &quiet);
                let twice = again.crash(seed);
                for image in [&image, &twice] {
                    let storage: Arc<dyn Storage> = Arc::new(image.clone());
                    match settle(&storage, database, &quiet).unwrap() {
                        Settled::CarriedOut => carried_out += 1,
                        _ if files(image)["test.edb"] == after["test.edb"] => {}
                        _ => {
                            assert!(files(image) == untouched, "call {call}");
                            commit(&storage, database, &outcome, &quiet).unwrap();
                        }
                    }
                    assert!(files(image) == after, "call {call}, seed {seed}");
                }
                drop(storage);
            }
        }
        assert!(carried_out > 10);
    }
}

#[test]
fn error_before_the_commit_leaves_everything_as_it_was() {
    let before = dirty(false);
    let (after, calls) = reference(&before);
    let outcome = outcome(&before);
    for call in 0..calls {
        let sim = Sim::over(&before).unwrap();
        sim.fail_call(sim.calls() + call, std::io::ErrorKind::StorageFull);
        let storage: Arc<dyn Storage> = Arc::new(sim.clone());
        let database = Path::new(DATABASE);
        if commit(&storage, database, &outcome, &quiet).is_ok() {
            continue;
        }
        if !is_pending(&sim, database).unwrap() {
            let found = sim.crash(call);
            let is_final = files(&found)["test.edb"] == after["test.edb"];
            assert!(is_final || files(&found)["test.edb"] == files(&before)["test.edb"]);
            continue;
        }
        let pending = commit(&storage, database, &outcome, &quiet).unwrap_err();
        assert!(matches!(pending, Error::Journal { what: JournalError::Pending, .. }));
        assert_eq!(settle(&storage, database, &quiet).unwrap(), Settled::CarriedOut);
        assert!(files(&sim.crash(0)) == after, "call {call}");
    }
}

#[test]
fn journal_that_is_damaged_or_of_another_database_is_not_carried_out() {
    let mem = dirty(false);
    let outcome = outcome(&mem);
    let sim = Sim::over(&mem).unwrap();
    let storage: Arc<dyn Storage> = Arc::new(sim.clone());
    let database = Path::new(DATABASE);
    write(&storage, &journal_path(database), database, &outcome).unwrap();
    let mut journal = files(&sim.crash(0)).remove("test.edb.recovery").unwrap_or_else(|| {
        sim.sync_dir(Path::new("/d")).unwrap();
        files(&sim.crash(0)).remove("test.edb.recovery").unwrap()
    });
    let storage: Arc<dyn Storage> = Arc::new(mem.clone());
    let before = files(&mem);

    mem.put("/d/test.edb.recovery", &journal[..journal.len() - 1]).unwrap();
    let damaged = settle(&storage, database, &quiet).unwrap_err();
    assert!(matches!(damaged, Error::Journal { what: JournalError::Damaged, .. }));
    journal[5000] ^= 1;
    mem.put("/d/test.edb.recovery", journal.clone()).unwrap();
    let damaged = settle(&storage, database, &quiet).unwrap_err();
    assert!(matches!(damaged, Error::Journal { what: JournalError::Damaged, .. }));
    journal[5000] ^= 1;

    let other = Mem::new();
    other.put(DATABASE, testkit::database("clean_4k")).unwrap();
    other.put("/d/test.edb.recovery", journal).unwrap();
    let storage: Arc<dyn Storage> = Arc::new(other.clone());
    let error = settle(&storage, database, &quiet).unwrap_err();
    assert!(matches!(error, Error::Journal { what: JournalError::OtherDatabase, .. }));
    assert!(other.get(DATABASE).unwrap() == testkit::database("clean_4k"));
    mem.remove_file(Path::new("/d/test.edb.recovery")).unwrap();
    assert!(files(&mem).into_iter().eq(before));
}

#[test]
fn later_logs_are_not_overwritten() {
    let mem = dirty(false);
    let outcome = outcome(&mem);
    let storage: Arc<dyn Storage> = Arc::new(mem.clone());
    for name in ["edb00006.log", "edb00005.log"] {
        let path = format!("/d/{name}");
        mem.put(&path, "later").unwrap();
        let before = files(&mem);
        let error = commit(&storage, Path::new(DATABASE), &outcome, &quiet).unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        assert!(files(&mem) == before);
        mem.remove_file(Path::new(&path)).unwrap();
    }
}

/// A journal with one entry.
fn forged(kind: u8, content: &[u8]) -> Vec<u8> {
    let mem = Mem::new();
    let file = mem.open(Path::new("/j"), OpenMode::CreateNew).unwrap();
    let mut journal = JournalWriter::begin(file).unwrap();
    let header = read_shadowed(&testkit::database("clean_8k")[..SHADOWED_LEN]).unwrap().header;
    journal.small(kind, &[content]).unwrap();
    journal.small(format::HEADER, &[&header.to_sealed_block()]).unwrap();
    journal.end().unwrap();
    mem.get("/j").unwrap()
}

#[test]
fn forged_journal_writes_no_file_but_logs() {
    for name in ["/etc/passwd", "passwd", "../x/test.edb", "..", "", "/"] {
        let mem = dirty(false);
        let len = u16::try_from(name.len()).unwrap().to_le_bytes();
        let content = [&len[..], name.as_bytes(), b"12345678root"].concat();
        for kind in [format::FILE, format::CHECKPOINT] {
            mem.put("/d/test.edb.recovery", forged(kind, &content)).unwrap();
            let before = files(&mem);
            let storage: Arc<dyn Storage> = Arc::new(mem.clone());
            let error = settle(&storage, Path::new(DATABASE), &quiet).unwrap_err();
            assert!(matches!(error, Error::Journal { what: JournalError::Damaged, .. }), "{name}");
            assert!(files(&mem) == before);
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn no_entry_is_too_strange(kind in 0..8_u8, content: Vec<u8>) {
        let mem = dirty(false);
        mem.put("/d/test.edb.recovery", forged(kind, &content)).unwrap();
        let storage: Arc<dyn Storage> = Arc::new(mem);
        let small = kind != format::SHAPE || content.len() < 12;
        if small {
            let _ = settle(&storage, Path::new(DATABASE), &quiet);
        }
    }
}
