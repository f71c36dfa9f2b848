//! Verdicts on pages against `esecheck.py`, an independent checker.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use ese::verify::{self, Options, PageReport, Unheard};
use ese_format::PageNumber;
use ese_format::header::HeaderError;
use serde_json::Value;

use crate::open;

#[test]
fn pages_agree_with_the_independent_checker() {
    let Some(corpus) = testkit::corpus() else { return };
    let checker = corpus.archives().join("../tools/esecheck.py");
    if !checker.is_file() || Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: no python3 or no {}", checker.display());
        return;
    }
    let databases = corpus.databases();
    assert!(databases.len() >= 50, "{}", databases.len());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(path) = databases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    compare(&checker, path);
                }
            });
        }
    });
}

fn compare(checker: &Path, path: &Path) {
    let output = Command::new("python3")
        .arg("-B")
        .arg(checker)
        .arg(path)
        .args(["--pages-only", "--json"])
        .output()
        .unwrap();
    let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = path.display();
    let database = open(path);
    let mut options = Options::default();
    options.listed = usize::MAX;
    let report = verify::pages(&database, &options, &Unheard).unwrap();
    let header = database.header();
    let header_facts = [
        ("page_size", u64::from(database.page_size().get())),
        ("dbstate", u64::from(header.state.0)),
        ("version", u64::from(header.version)),
        ("revision", u64::from(header.update_major)),
        ("revision_minor", u64::from(header.update_minor)),
        ("objid_last", u64::from(header.last_objid)),
        ("dbtime_dirtied", header.dbtime.0),
        ("gen_min_required", u64::from(header.min_required.0)),
        ("gen_max_required", u64::from(header.max_required.0)),
    ];
    for (key, ours) in header_facts {
        assert_eq!(theirs["header"][key], ours, "{name}: {key}");
    }
    let trailer = database.layout().trailer.is_some();
    assert_eq!(theirs["stats"].get("patch_page").is_some(), trailer, "{name}");
    // The checker counts the trailer as a page with an old checksum.
    let (sum, xor) =
        (report.owned.pages + report.beyond.pages, report.owned.xor + report.beyond.xor);
    assert_eq!(theirs["stats"]["pages"], sum + u64::from(trailer), "{name}");
    assert_eq!(theirs["stats"]["xor"], xor + u64::from(trailer), "{name}");
    assert_eq!(theirs["stats"]["ecc"], report.owned.ecc + report.beyond.ecc, "{name}");
    assert_eq!(theirs["stats"]["zeroed"], report.owned.zeroed + report.beyond.zeroed, "{name}");
    let bad = bad_checksums(&report);
    assert_eq!(bad_checksums_of(&theirs, &report), bad, "{name}");
    if bad.is_empty() {
        for (key, ours) in [
            ("empty", report.owned.empty + report.beyond.empty),
            ("preinit", report.owned.preinit + report.beyond.preinit),
        ] {
            assert_eq!(theirs["stats"][key], ours, "{name}: {key}");
        }
    }
}

fn bad_checksums(report: &PageReport) -> BTreeSet<PageNumber> {
    [&report.owned, &report.beyond]
        .into_iter()
        .flat_map(|range| {
            let damaged = range.damaged.iter().filter(|d| d.damage.is_checksum()).map(|d| d.page);
            damaged.chain(range.corrected.iter().map(|c| c.page))
        })
        .collect()
}

fn bad_checksums_of(theirs: &Value, report: &PageReport) -> BTreeSet<PageNumber> {
    let last = report.owned.pages + report.beyond.pages;
    theirs["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["code"] == "page-checksum")
        .map(|finding| PageNumber(finding["page"].as_u64().unwrap() as u32))
        .filter(|page| u64::from(page.0) <= last)
        .collect()
}

#[test]
fn sound_databases_have_sound_owned_pages() {
    let Some(corpus) = testkit::corpus() else { return };
    for path in corpus.databases() {
        let database = open(&path);
        let report = verify::pages(&database, &Options::with_threads(2), &Unheard).unwrap();
        let single = verify::pages(&database, &Options::with_threads(1), &Unheard).unwrap();
        assert_eq!(report, single, "{}", path.display());
        // A temporary database has no sound space tree and no checksums on most pages.
        let temporary = path.ends_with("temp.edb");
        assert_eq!(database.layout().last_owned.is_err(), temporary, "{}", path.display());
        assert_eq!(report.pages_sound(), !temporary, "{}: {report:?}", path.display());
        // Its shadow catalog was taken away by hand.
        let altered = path.ends_with("plaso-Catalog1.edb");
        assert_eq!(report.newer_than_header > 0, altered, "{}", path.display());
    }
}

#[test]
fn other_files_of_the_corpus_are_no_databases() {
    let Some(corpus) = testkit::corpus() else { return };
    let set = corpus.unpacked().join("crash_8k_a/files");
    for (name, expected) in [("edb.log", "log"), ("edb00001.log", "log"), ("edb.chk", "checkpoint")]
    {
        let error = ese::DatabaseFile::open(std::sync::Arc::new(vfs::os::Os), &set.join(name))
            .expect_err(name);
        let ese::Error::Header { source: HeaderError::OtherFile { file_type }, .. } = error else {
            panic!("{name}: {error}")
        };
        assert_eq!(file_type.to_string(), expected);
    }
}
