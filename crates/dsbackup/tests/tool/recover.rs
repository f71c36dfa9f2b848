//! `recover`, and reading a database as its logs make it, as a user has them.

use std::collections::BTreeMap;
use std::path::Path;

use testkit::Unpacked;

use crate::{Run, dsbackup};

/// What lies in a folder: names and bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn recover(set: &Unpacked, arguments: &[&str]) -> Run {
    let mut all = vec!["recover".to_owned(), text(set.path())];
    all.extend(arguments.iter().map(|&argument| argument.to_owned()));
    dsbackup(all)
}

fn dump(path: &Path) -> String {
    dsbackup(["--quiet", "dump", &text(path)]).exits(0).stdout
}

#[test]
fn what_is_written_is_what_is_read_in_memory_and_nothing_else_changes() {
    for (name, kind) in [("crash_8k_e", "crash"), ("backup_8k", "backup")] {
        let set = testkit::set(name);
        let before = files(set.path());
        let in_memory = dump(&set.file("test.edb"));
        dsbackup(["tables", &text(&set.file("test.edb"))]).exits(0);
        dsbackup(["verify", &text(set.path())]).exits(0);
        let dry = recover(&set, &["--dry-run"]).exits(0);
        assert!(dry.stdout.contains("nothing is written (--dry-run)"), "{}", dry.stdout);
        assert!(dry.stdout.contains("can be recovered in"), "{}", dry.stdout);

        let out = set.path().join("out/new");
        let run = recover(&set, &["--json", "--out", &text(&out)]).exits(0);
        let summary = run.summary();
        assert_eq!(summary["command"], "recover");
        assert_eq!((&summary["ok"], &summary["kind"]), (&true.into(), &kind.into()));
        assert_eq!(summary["written"]["logs"].as_array().unwrap().len(), 1);
        assert!(summary["records"].as_u64().unwrap() > 1000);
        assert!(summary["loss"].is_null() && summary["damaged_pages"] == 0);
        let names: Vec<String> = files(&out).into_keys().collect();
        assert_eq!(names, ["edb.chk", "edb.log", "test.edb"]);
        let verified = dsbackup(["verify", &text(&out)]).exits(0);
        assert!(verified.stdout.contains("CleanShutdown"), "{}", verified.stdout);
        assert!(dump(&out.join("test.edb")) == in_memory, "{name}");
        assert!(files(set.path()) == before, "{name}: what was recovered stays as it is");

        let again = recover(&set, &["--out", &text(&out)]).exits(4);
        assert!(again.stderr.contains("is there already"), "{}", again.stderr);
        let clean = dsbackup(["recover", &text(&out), "--dry-run"]).exits(0);
        assert!(clean.stdout.contains("there is nothing to recover"), "{}", clean.stdout);
    }
}

#[test]
fn in_place_it_is_clean_afterwards_and_a_second_time_changes_nothing() {
    let set = testkit::set("crash_8k_f");
    let in_memory = dump(&set.file("test.edb"));
    let run = recover(&set, &["--in-place"]).exits(0);
    assert!(run.stdout.contains("changed in place: "), "{}", run.stdout);
    let after = files(set.path());
    assert!(dump(&set.file("test.edb")) == in_memory);
    let again = recover(&set, &["--in-place"]).exits(0);
    assert!(again.stdout.contains("there is nothing to recover"), "{}", again.stdout);
    assert!(files(set.path()) == after);
    for wrong in [["--in-place", "--lossy"], ["--in-place", "--until"]] {
        recover(&set, &wrong).exits(2);
    }
    recover(&set, &[]).exits(2);
}

#[test]
fn the_file_as_it_lies_is_read_when_asked_for() {
    let set = testkit::set("crash_8k_e");
    let path = text(&set.file("test.edb"));
    let as_it_lies = dsbackup(["tables", &path, "--as-is", "--no-count"]).exits(0);
    assert!(as_it_lies.stderr.contains("read as it lies"), "{}", as_it_lies.stderr);
    let recovered = dsbackup(["tables", &path, "--no-count"]).exits(0);
    assert!(recovered.stderr.contains("read as logs 3-9 make it"), "{}", recovered.stderr);
    assert_ne!(as_it_lies.stdout, recovered.stdout);
    let verified = dsbackup(["--json", "verify", &path]).exits(0).summary();
    let databases = verified["databases"].as_array().unwrap();
    assert_eq!(databases.len(), 2);
    assert_eq!(
        (&databases[0]["recovered"], &databases[1]["recovered"]),
        (&false.into(), &true.into())
    );
    assert_eq!(
        (&databases[0]["state"], &databases[1]["state"]),
        (&"DirtyShutdown".into(), &"CleanShutdown".into())
    );
    // Without its logs there is only the file.
    let alone = set.path().join("alone");
    std::fs::create_dir(&alone).unwrap();
    std::fs::copy(set.file("test.edb"), alone.join("test.edb")).unwrap();
    let refused = dsbackup(["dump", &text(&alone)]).exits(3);
    for part in ["generations 3-9", "none was found", "C:\\Windows\\NTDS", "--as-is"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    dsbackup(["dump", &text(&alone), "--as-is", "--quiet"]);
    let elsewhere = dsbackup(["--quiet", "dump", &text(&alone), "--logs", &text(set.path())]);
    assert!(elsewhere.exits(0).stdout == dump(&set.file("test.edb")));
}

#[test]
fn what_cannot_be_recovered_is_named_with_what_to_do() {
    let set = testkit::set("crash_8k_e");
    std::fs::rename(set.file("edb00005.log"), set.path().join("kept")).unwrap();
    for arguments in [&["--dry-run"][..], &["--dry-run", "--lossy"], &["--in-place"]] {
        let run = recover(&set, arguments).exits(3);
        assert!(run.stderr.contains("what to do: "), "{}", run.stderr);
    }
    let run = recover(&set, &["--dry-run"]).exits(3);
    for part in ["generations 5; the database needs 3-9, found were 1-4, 6-9", "--logs"] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    std::fs::rename(set.path().join("kept"), set.file("edb00005.log")).unwrap();

    let mut bytes = std::fs::read(set.file("edb00007.log")).unwrap();
    bytes[12 * 4096 + 200..12 * 4096 + 207].copy_from_slice(b"damaged");
    std::fs::write(set.file("edb00007.log"), bytes).unwrap();
    let run = recover(&set, &["--dry-run"]).exits(3);
    for part in ["edb00007.log: sector 12", "another copy of this log file"] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }

    let early = dsbackup(["recover", &text(set.path()), "--dry-run", "--until", "5"]).exits(3);
    assert!(early.stderr.contains("as late as generation 9"), "{}", early.stderr);
    let nonsense = recover(&set, &["--dry-run", "--until", "yesterday"]).exits(2);
    assert!(nonsense.stderr.contains("neither a generation in hexadecimal digits"));

    let log = text(&set.file("edb.log"));
    let run = dsbackup(["recover", &log, "--dry-run"]).exits(3);
    assert!(run.stderr.contains("edb.log"), "{}", run.stderr);
    let empty = set.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let run = dsbackup(["recover", &text(&empty), "--dry-run"]).exits(3);
    assert!(run.stderr.contains("neither a database nor logs"), "{}", run.stderr);
    let run = recover(&set, &["--dry-run", "--db", "/nowhere/ntds.dit"]).exits(3);
    assert!(run.stderr.contains("/nowhere/ntds.dit"), "{}", run.stderr);
}

#[test]
fn what_is_lost_is_told_and_the_exit_code_says_so() {
    let set = testkit::set("backup_8k");
    std::fs::remove_file(set.file("test.edb")).unwrap();
    std::fs::remove_file(set.file("edb00005.log")).unwrap();
    let out = set.path().join("out");
    recover(&set, &["--out", &text(&out)]).exits(3);
    let run = recover(&set, &["--out", &text(&out), "--lossy"]).exits(1);
    for part in ["LOST: all that was logged behind 4:", "missing: generation 5", "but not whole"] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    dsbackup(["verify", &text(&out)]).exits(0);
    let summary = recover(&set, &["--json", "--dry-run", "--lossy"]).exits(1).summary();
    assert_eq!(summary["loss"]["missing"][0]["first"], 5);
    assert_eq!((&summary["ok"], &summary["kind"]), (&false.into(), &"logs".into()));
}
