//! Every set of the corpus with a database that is not clean, or with logs.

use std::path::{Path, PathBuf};

use ese::recovery::{Ending, Options, RecoveryError, Request, SourceKind, plan};
use ese::verify::Unheard;
use ese_format::LogGeneration;

use crate::{dump, findings, os, recover};

/// The kind, the folder below the set, and the file with what the engine makes of it.
const SETS: [(&str, &str, SourceKind); 13] = [
    ("crash_8k_a", "files", SourceKind::Crash),
    ("crash_8k_b", "files", SourceKind::Crash),
    ("crash_8k_c", "files", SourceKind::Crash),
    ("crash_8k_d", "files", SourceKind::Crash),
    ("crash_8k_e", "files", SourceKind::Crash),
    ("crash_8k_f", "files", SourceKind::Crash),
    ("crash_8k_new", "files", SourceKind::Crash),
    ("crash_4k_a", "files", SourceKind::Crash),
    ("crash_32k_a", "files", SourceKind::Crash),
    ("backup_8k", "files/full", SourceKind::Backup),
    ("ntds-2019-dirty", "files", SourceKind::Crash),
    ("ntds-2019-vss", "files", SourceKind::Snapshot),
    ("ntds-2019-backup", "files/full", SourceKind::Backup),
];

#[test]
fn every_set_is_recognised_and_comes_to_what_the_engine_makes_of_it() {
    let Some(corpus) = testkit::corpus() else { return };
    let scratch = tempfile();
    for (name, below, kind) in SETS {
        let folder = corpus.unpacked().join(name);
        let before = listing(&folder.join(below));
        let recovered = recover(&Request::of(folder.join(below)), &scratch).unwrap();
        assert_eq!(recovered.report().kind, kind, "{name}");
        assert!(recovered.report().loss.is_none(), "{name}");
        assert!(recovered.header().is_clean());
        let expected = std::fs::read(folder.join("expected.jsonl")).unwrap();
        assert!(dump(recovered.file().unwrap()) == expected, "{name}");
        assert_eq!(listing(&folder.join(below)), before, "{name}: nothing is written");
    }
    assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0);
    std::fs::remove_dir(scratch).unwrap();
}

#[test]
fn what_is_written_is_what_is_read() {
    let Some(corpus) = testkit::corpus() else { return };
    let scratch = tempfile();
    for (name, below, _) in [SETS[0], SETS[7], SETS[11], SETS[12]] {
        let folder = corpus.unpacked().join(name);
        let storage = os();
        let plan = plan(&storage, &Request::of(folder.join(below))).unwrap();
        let options = Options::writing(&storage, scratch.join("pages"));
        let recovered = plan.execute(&storage, &options, &Unheard).unwrap();
        assert_eq!(recovered.report().ending, Ending::Continued);
        let out = scratch.join("out");
        let written = recovered.write_to(&storage, &out, &Unheard).unwrap();
        let file =
            std::sync::Arc::new(ese::DatabaseFile::open(storage, &written.database).unwrap());
        let expected = std::fs::read(folder.join("expected.jsonl")).unwrap();
        assert!(dump(file.clone()) == expected, "{name}");
        let (ours, read) = (std::fs::read(&written.database).unwrap(), recovered.file().unwrap());
        assert_eq!(ours.len() as u64, read.len());
        assert_eq!(findings(&file), findings(&read));
        // What was written is clean, and its own log has nothing more to say.
        let again = recover(&Request::of(&out), &scratch).unwrap();
        assert_eq!(again.report().kind, SourceKind::Clean);
        assert_eq!(again.report().counts.redone, 0);
        std::fs::remove_dir_all(out).unwrap();
    }
    std::fs::remove_dir_all(scratch).unwrap();
}

#[test]
fn the_logs_of_a_server_bring_an_earlier_copy_forward_and_make_a_database_of_nothing() {
    let Some(corpus) = testkit::corpus() else { return };
    let scratch = tempfile();
    let folder = corpus.unpacked().join("srum-server2022");
    let expected = corpus.archives().join("srum-server2022/day1.expected.jsonl.zst");
    let expected = testkit::unpack(&expected);
    let chain = folder.join("chain");
    let day0 = Request {
        database: Some(folder.join("day0/SRUDB.dat")),
        logs: vec![chain.clone()],
        ..Request::of(folder.join("day0"))
    };
    for (request, kind) in
        [(&day0, SourceKind::Clean), (&Request::of(&chain), SourceKind::LogsOnly)]
    {
        let recovered = recover(request, &scratch).unwrap();
        assert_eq!(recovered.report().kind, kind);
        assert_eq!(recovered.path().file_name().unwrap(), "SRUDB.dat");
        let file = recovered.file().unwrap();
        assert!(dump(file.clone()) == expected);
        assert_eq!(findings(&file), Vec::<String>::new());
    }
    // The second generation went on after the first day.
    let until = Some(ese::recovery::Until::Generation(LogGeneration(2)));
    let first = recover(&Request { until, ..Request::of(&chain) }, &scratch).unwrap();
    assert_eq!(findings(&first.file().unwrap()), Vec::<String>::new());
    assert_eq!(first.report().left_out.len(), 3);
    std::fs::remove_dir_all(scratch).unwrap();
}

#[test]
fn what_windows_left_is_opened_or_refused_as_its_headers_and_logs_demand() {
    let Some(corpus) = testkit::corpus() else { return };
    let scratch = tempfile();
    let unpacked = corpus.unpacked();
    let clean = |path: &str| {
        let recovered = recover(&Request::of(unpacked.join(path)), &scratch).unwrap();
        assert_eq!(recovered.report().kind, SourceKind::Clean, "{path}");
        assert_eq!(recovered.report().counts.redone, 0, "{path}");
    };
    for path in [
        "srum-win10-apt",
        "srum-win10-rathbun/before",
        "srum-win10-rathbun/after",
        "srum-win11-rathbun-2202/before",
        "srum-win11-rathbun-2202/after",
        "srum-server2022/day0",
        "srum-server2022/day1",
        "wsearch-win10-rathbun/Clean",
        "ntds-2019-goad",
        "ntds-2003-didier",
    ] {
        clean(path);
    }
    for path in ["wsearch-win10-rathbun/Dirty", "qmgr-26100"] {
        let error = recover(&Request::of(unpacked.join(path)), &scratch).unwrap_err();
        let RecoveryError::MissingLogs(missing) = &error else { panic!("{path}: {error}") };
        assert!(missing.found.is_empty() && !missing.can_be_lost());
        assert_eq!(error.jet_code(), -543);
        assert!(error.advice().unwrap().contains("cannot become consistent"));
    }
    let belkasoft = recover(&Request::of(unpacked.join("srum-win10-belkasoft/dirty")), &scratch);
    let recovered = belkasoft.unwrap();
    let name = "srum-win10-belkasoft/recovered.expected.jsonl.zst";
    let expected = testkit::unpack(&corpus.archives().join(name));
    assert!(dump(recovered.file().unwrap()) == expected);
    std::fs::remove_dir_all(scratch).unwrap();
}

/// Names, lengths and times of change.
fn listing(folder: &Path) -> Vec<(std::ffi::OsString, u64, std::time::SystemTime)> {
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            (entry.file_name(), metadata.len(), metadata.modified().unwrap())
        })
        .collect();
    all.sort();
    all
}

fn tempfile() -> PathBuf {
    let name = format!("ese-recovery-{}-{:?}", std::process::id(), std::thread::current().id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
