//! Every set of the corpus that has logs.

use std::path::Path;
use std::sync::Arc;

use ese::DatabaseFile;
use ese_format::LogPosition;

use crate::{Set, findings};

/// Sets that an engine was killed in: their database, and the folder of what was left.
const CRASHED: [(&str, &str); 11] = [
    ("crash_8k_a", "test.edb"),
    ("crash_8k_b", "test.edb"),
    ("crash_8k_c", "test.edb"),
    ("crash_8k_d", "test.edb"),
    ("crash_8k_e", "test.edb"),
    ("crash_8k_f", "test.edb"),
    ("crash_8k_new", "test.edb"),
    ("crash_4k_a", "test.edb"),
    ("crash_32k_a", "test.edb"),
    ("ntds-2019-dirty", "ntds.dit"),
    ("ntds-2019-vss", "ntds.dit"),
];

#[test]
fn crashed_databases_come_to_what_the_engine_makes_of_them() {
    let Some(corpus) = testkit::corpus() else { return };
    std::thread::scope(|scope| {
        for half in [0, 1] {
            scope.spawn(move || {
                for (name, database) in CRASHED.iter().skip(half).step_by(2) {
                    let folder = corpus.unpacked().join(name);
                    let files = folder.join("files");
                    let set = Set::of(&files, Some(files.join(database)), 0);
                    // With room for 40 pages most of the work is done from the scratch file.
                    for cache in [64 << 20, 40 << 13] {
                        compare(&set, cache, &folder);
                    }
                }
            });
        }
    });
}

#[test]
fn streaming_backups_come_to_what_the_engine_restores() {
    let Some(corpus) = testkit::corpus() else { return };
    for (name, database) in [("backup_8k", "test.edb"), ("ntds-2019-backup", "ntds.dit")] {
        let folder = corpus.unpacked().join(name);
        let files = folder.join("files/full");
        let set = Set { is_backup: true, ..Set::of(&files, Some(files.join(database)), 0) };
        compare(&set, 64 << 20, &folder);
    }
}

/// Compares with what the engine made of the set in `folder`.
fn compare(set: &Set, cache: usize, folder: &Path) {
    let name = folder.display();
    let recovered = set.recover(cache);
    let (last_objid, dbtime) = (recovered.replayed.last_objid, recovered.replayed.dbtime);
    let (text, found) = recovered.judge();
    assert!(text == std::fs::read(folder.join("expected.jsonl")).unwrap(), "{name}");
    let theirs = ["recovered/test.edb", "restored/test.edb"].map(|path| folder.join(path));
    let Some(theirs) = theirs.into_iter().find(|path| path.exists()) else {
        assert_eq!(found, Vec::<String>::new(), "{name}");
        return;
    };
    let theirs = DatabaseFile::open(Arc::new(vfs::os::Os), &theirs).unwrap();
    assert_eq!(last_objid, theirs.header().last_objid, "{name}");
    // The engine goes on to clean up where it has time.
    assert!(dbtime <= theirs.header().dbtime, "{name}: {dbtime} {}", theirs.header().dbtime);
    assert_eq!(found, findings(&Arc::new(theirs)), "{name}");
}

#[test]
fn the_logs_of_a_server_are_replayed_over_an_earlier_copy_and_over_nothing() {
    let Some(corpus) = testkit::corpus() else { return };
    let folder = corpus.unpacked().join("srum-server2022");
    let expected = |day: &str| {
        let name = format!("srum-server2022/{day}.expected.jsonl.zst");
        testkit::unpack(&corpus.archives().join(name))
    };
    let (day0, day1) = (folder.join("day0"), folder.join("day1"));
    let earlier = Some(day0.join("SRUDB.dat"));
    for (database, from) in [(earlier.clone(), 2), (earlier, 1), (None, 1)] {
        let recovered = Set::of(&folder.join("chain"), database, from).recover(64 << 20);
        let theirs = Set::of(&day1, Some(day1.join("SRUDB.dat")), 3).header().unwrap();
        let ours = &recovered.replayed.header;
        assert_eq!(ours.consistent_position, theirs.consistent_position);
        assert_eq!(ours.attach_position, theirs.attach_position);
        assert_eq!((ours.dbtime, ours.last_objid), (theirs.dbtime, theirs.last_objid));
        assert_eq!(ours.format_version(), theirs.format_version());
        assert_eq!(ours.signature, theirs.signature);
        assert_eq!(recovered.replayed.attached, None);
        assert_eq!(recovered.replayed.counts.undone, 0);
        let (text, findings) = recovered.judge();
        assert!(text == expected("day1"));
        assert_eq!(findings, Vec::<String>::new());
    }
    let (text, findings) = Set::of(&day0, None, 1).recover(64 << 20).judge();
    assert!(text == expected("day0"));
    assert_eq!(findings, Vec::<String>::new());
    // What is later than its logs stays as it is.
    let later = Set::of(&day1, Some(day1.join("SRUDB.dat")), 3).recover(64 << 20);
    assert!(later.pages.is_unchanged());
    assert!(later.replayed.header.consistent_position > LogPosition::UNSET);
}
