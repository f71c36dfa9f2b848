//! The deep check over every database of the corpus: no false finding, and the known true ones.

use std::collections::BTreeSet;
use std::sync::Arc;

use ese::check::{self, Level, Options, Severity};
use ese::verify::Unheard;

use crate::open;

#[test]
fn only_what_is_really_damaged_has_errors() {
    let Some(corpus) = testkit::corpus() else { return };
    for path in corpus.databases() {
        let database = Arc::new(open(&path));
        let report = check::run(&database, &Options::new(Level::Full, 2), &Unheard).unwrap();
        let errors = report.counts.iter().filter(|count| count.severity == Severity::Error);
        let codes: BTreeSet<&str> = errors.map(|count| count.code).collect();
        let expected: BTreeSet<&str> = if path.ends_with("plaso-Catalog1.edb") {
            // Written on after its header, and one entry has lost its record.
            ["dbtime", "index-orphan"].into()
        } else if path.ends_with("temp.edb") {
            // A temporary database: no checksums on most pages, no catalog.
            ["catalog", "page-checksum", "space-root"].into()
        } else {
            BTreeSet::new()
        };
        assert_eq!(codes, expected, "{}: {:?}", path.display(), report.findings.first());
        if database.header().is_clean() && !path.ends_with("temp.edb") {
            let pages = &report.statistics;
            assert!(pages.tree_pages > 10 && pages.nodes > 100, "{}", path.display());
        }
    }
}

#[test]
fn any_number_of_threads_finds_the_same() {
    let Some(corpus) = testkit::corpus() else { return };
    // Dirty ones have something to find.
    for name in ["crash_8k_a/files/test.edb", "wsearch-win10-rathbun/Dirty/Windows.edb"] {
        let path = corpus.unpacked().join(name);
        if !path.exists() {
            continue;
        }
        let database = Arc::new(open(&path));
        let run =
            |threads| check::run(&database, &Options::new(Level::Full, threads), &Unheard).unwrap();
        let (one, four) = (run(1), run(4));
        // Of two pointers to one page either may come first.
        let fixed = |report: &check::Report| {
            let counts = report.counts.iter().filter(|count| count.code != "tree-shared");
            counts.map(|c| (c.code, c.table.clone(), c.index.clone())).collect::<BTreeSet<_>>()
        };
        assert_eq!(fixed(&one), fixed(&four), "{name}");
    }
}
