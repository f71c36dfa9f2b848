//! The entries of every index beside the keys that its records give.
//!
//! Every table of every cleanly closed database: the keys of each record are computed, and the
//! multiset of (key, record) must be exactly what the index stores. Of keys with Unicode text the
//! skeletons are compared so, and each stored key must fit a key of its record. The primary tree
//! is an index of that kind too. Records and catalog are read here in the most direct way, apart
//! from the readers that the crate has.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stderr, clippy::cast_possible_truncation)]

use std::path::Path;

mod compare;
mod records;
mod schema;
mod seeks;

use compare::{Counts, compare_database};

#[test]
fn committed_databases_store_the_computed_keys() {
    let mut counts = Counts::default();
    for name in testkit::CLEAN {
        let set = testkit::set(name);
        counts += report(name, &set.file("test.edb"));
    }
    eprintln!("committed: {counts}");
    assert!(counts.exact > 5000 && counts.unicode > 100, "{counts}");
    assert_eq!((counts.orphans, counts.unchecked), (0, 0));
}

#[test]
fn records_are_found_by_their_values() {
    for name in testkit::CLEAN {
        let found = seeks::find_records(&testkit::set(name).file("test.edb"));
        eprintln!("{name}: {found:?}");
        assert!(found.records > 300 && found.entries > 1000, "{found:?}");
        assert!(found.beginnings > found.entries, "{found:?}");
    }
}

#[test]
fn real_databases_store_the_computed_keys() {
    let Some(corpus) = testkit::corpus() else { return };
    let (mut counts, mut with_orphans) = (Counts::default(), Vec::new());
    for path in corpus.databases() {
        let name = path.strip_prefix(corpus.unpacked()).unwrap().display().to_string();
        let found = report(&name, &path);
        counts += found;
        if found.orphans > 0 {
            with_orphans.push(name);
        }
    }
    eprintln!("corpus: {counts}");
    assert!(counts.exact > 100_000 && counts.unicode > 10_000, "{counts}");
    // One entry of its index `timestampIndex` outlived its record.
    assert_eq!((counts.orphans, with_orphans), (1, vec!["ese-small/plaso-Catalog1.edb".into()]));
}

fn report(name: &str, path: &Path) -> Counts {
    let Some(counts) = compare_database(path) else { return Counts::default() };
    eprintln!("{name}: {counts}");
    assert!(counts.primary > 0, "{name}");
    counts
}
