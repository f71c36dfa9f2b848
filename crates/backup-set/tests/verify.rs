//! Verifying sets of real databases: sound ones, and each kind of damage.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;

use backup_set::manifest::{Backup, BackupKind, Directory, FileKind, HeaderFacts, Operator, Tool};
use backup_set::verify::{self, Content, Logs, SetReport};
use backup_set::writer::Description;
use backup_set::{Difference, SetReader, SetWriter};
use ese::check::{Level, Options};
use vfs::Storage;
use vfs::mem::Mem;

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

/// A set of a database and logs, as `(name, content)`.
fn set_of(database: &[u8], logs: &[(&str, Vec<u8>)]) -> Mem {
    let mem = Mem::new();
    let storage: Arc<dyn Storage> = Arc::new(mem.clone());
    let mut set = SetWriter::create(storage, Path::new("/set")).unwrap();
    set.put_token(b"token").unwrap();
    let mut put = |kind, name: &str, content: &[u8]| {
        let mut file = set.begin(kind, name).unwrap();
        file.write(content).unwrap();
        file.finish(content.len() as u64).unwrap();
    };
    put(FileKind::NtdsDatabase, "test.edb", database);
    for (name, content) in logs {
        put(FileKind::Log, name, content);
    }
    set.finish(description()).unwrap();
    mem
}

fn verify(mem: &Mem) -> SetReport {
    let set = SetReader::open(Arc::new(mem.clone()), Path::new("/set")).unwrap();
    verify::set(&set, &Options::new(Level::Pages, 2), &()).unwrap()
}

fn damage(mem: &Mem, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let mut content = mem.get(path).unwrap();
    change(&mut content);
    mem.put(path, content).unwrap();
}

#[test]
fn a_set_of_a_clean_database_is_good_and_its_manifest_has_the_facts() {
    let mem = set_of(&testkit::database("clean_8k"), &[]);
    let report = verify(&mem);
    assert!(report.is_good(), "{report:?}");
    let entry = &report.files[0].entry;
    assert_eq!((entry.first_generation, entry.last_generation), (None, None));
    let Some(HeaderFacts::Database { page_size, state, .. }) = &entry.header else {
        panic!("{entry:?}");
    };
    assert_eq!((*page_size, state.as_str()), (8192, "CleanShutdown"));
}

#[test]
fn a_streaming_copy_is_good_with_its_logs_and_not_without_one() {
    let source = testkit::set("backup_8k");
    let read = |name: &str| std::fs::read(source.file(name)).unwrap();
    let names: Vec<String> = (1..=6).map(|n| format!("edb{n:05X}.log")).collect();
    let logs: Vec<(&str, Vec<u8>)> = names.iter().map(|n| (n.as_str(), read(n))).collect();
    let report = verify(&set_of(&read("test.edb"), &logs));
    assert!(report.is_good(), "{report:?}");
    let entry = &report.files[0].entry;
    assert_eq!((entry.first_generation, entry.last_generation), (Some(1), Some(6)));

    let report = verify(&set_of(&read("test.edb"), &logs[..5]));
    assert!(!report.is_good());
    let Some(Content::Database(database)) = &report.files[0].content else {
        panic!("{report:?}");
    };
    assert!(matches!(database.logs, Logs::Missing(_)), "{:?}", database.logs);
}

#[test]
fn every_damage_to_a_set_is_found() {
    let good = || set_of(&testkit::database("clean_8k"), &[]);
    let database = "/set/test.edb";

    let mem = good();
    damage(&mem, database, |f| f[8192 * 22 + 100] ^= 1);
    let report = verify(&mem);
    assert!(matches!(report.files[0].difference, Some(Difference::Hash { .. })));
    assert!(!report.is_good());

    let mem = good();
    damage(&mem, database, |f| f.truncate(8192 * 30));
    let report = verify(&mem);
    let size = Difference::Size { expected: 3 << 20, found: 8192 * 30 };
    assert_eq!(report.files[0].difference, Some(size));

    let mem = good();
    mem.remove_file(Path::new(database)).unwrap();
    let report = verify(&mem);
    assert_eq!(report.files[0].difference, Some(Difference::Missing));
    assert!(report.files[0].content.is_none() && !report.is_good());

    let mem = good();
    damage(&mem, "/set/token", |f| f[0] ^= 1);
    let report = verify(&mem);
    assert!(matches!(report.token, Some(Difference::Hash { .. })) && !report.is_good());

    let mem = good();
    mem.put("/set/logs/edb00001.log", *b"x").unwrap();
    let report = verify(&mem);
    assert_eq!(report.extra, ["logs/edb00001.log"]);
    assert!(report.is_good(), "what the manifest does not name does no harm");
}

#[test]
fn a_set_whose_database_was_damaged_before_the_backup_is_not_good() {
    let mut database = testkit::database("clean_8k");
    for bit in [100 * 8, 1500 * 8] {
        database[8192 * 22 + bit / 8] ^= 1;
    }
    let report = verify(&set_of(&database, &[]));
    assert_eq!(report.files[0].difference, None, "the hash is of what was stored");
    assert!(!report.is_good());
}
