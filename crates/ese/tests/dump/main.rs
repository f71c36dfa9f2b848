//! Dumps: of the committed databases to the byte, streamed, and with damage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stderr, clippy::cast_possible_truncation)]

use std::path::Path;
use std::sync::Arc;

use ese::dump::Dumper;
use ese::{Database, Error, OpenOptions};
use vfs::{OpenMode, Storage};

mod corpus;
mod row_counts;
mod sha256;

/// SHA-256 of `expected.jsonl` and `indexes.jsonl` that Microsoft's engine gives.
const EXPECTED: [(&str, &str, &str); 5] = [
    (
        "clean_4k",
        "695e2ba8b3501e850734c4eb762e7e49744301351564f0e8c2dfea336cbd4fd5",
        "080d7c2e68651cb1b68aca8322f4066d615090258afe705933c1360c1305fe6d",
    ),
    (
        "clean_8k",
        "00f67ddf29e3a0c2369546073416f9cbf17bdd5cf42bea487b41c888d34f9969",
        "14d4408f03af89833d159a52038377d82d788b0767f58aa4ffd468a13d173fd2",
    ),
    (
        "clean_16k",
        "7c8f643986a81938ddfea7e10024ca6defd22e083a340732875fb04b98449d7f",
        "194dc1f94cf574ff5817d04a350f078646e146af7dd9edd6954284bf4978e0a2",
    ),
    (
        "clean_32k",
        "a62b134c7b6e885abed3dd306ff2703f95792c359af28b8c631bdc967c20d56b",
        "d6a2ec5719ccba4e60daf91bba1597d945ba5898fcc0fee0846d006ac13059a2",
    ),
    (
        "clean_8k_new",
        "2cb3966e6233ccb95f22e91243f3e5168b30fc19d59e2f03075b780d9751efa5",
        "7c513096f21de2d0e00924208870744f8dc48edbe46df6e8f8299c941f7652f8",
    ),
];

/// What a dump gave.
#[derive(Default)]
struct Dump {
    text: Vec<u8>,
    complaints: Vec<String>,
    failed: Vec<String>,
}

fn dump(database: &Database, indexes: bool, salvage: bool, whole: u32) -> Dump {
    let mut dump = Dump::default();
    let complaints = &mut dump.complaints;
    let mut complain = |complaint: ese::dump::Complaint| complaints.push(complaint.to_string());
    let mut dumper = Dumper::new(&mut dump.text, &mut complain).holding(whole);
    if salvage {
        dumper = dumper.salvaging(database);
    }
    for table in database.tables().filter(|table| !table.definition().is_system()) {
        let dumped = if indexes { dumper.indexes(&table) } else { dumper.table(&table) };
        if let Err(error) = dumped {
            dump.failed.push(format!("{}: {error}", table.name()));
        }
    }
    dumper.flush().unwrap();
    drop(dumper);
    dump
}

fn in_memory(bytes: &[u8]) -> Result<Database, Error> {
    let storage: Arc<dyn Storage> = Arc::new(vfs::mem::Mem::new());
    let path = Path::new("/test.edb");
    let file = storage.open(path, OpenMode::CreateNew).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    OpenOptions { salvage: true, ..OpenOptions::default() }.open(storage, path)
}

#[test]
fn committed_databases_are_dumped_as_the_engine_dumps_them() {
    for (name, rows, indexes) in EXPECTED {
        let database = in_memory(&testkit::database(name)).unwrap();
        for (indexes, expected) in [(false, rows), (true, indexes)] {
            let dump = dump(&database, indexes, false, 1 << 20);
            assert!(dump.complaints.is_empty() && dump.failed.is_empty(), "{name}");
            assert_eq!(sha256::hex(&dump.text), expected, "{name} {indexes}");
        }
    }
}

#[test]
fn long_values_chunk_by_chunk_are_the_same() {
    for name in testkit::CLEAN {
        let database = in_memory(&testkit::database(name)).unwrap();
        let whole = dump(&database, false, false, u32::MAX);
        let streamed = dump(&database, false, false, 0);
        assert!(whole.text == streamed.text, "{name}");
    }
}

/// A zeroed leaf, and an internal page: rows are missing or found again, and that is said.
#[test]
fn damage_is_gone_round_and_said() {
    for name in testkit::CLEAN {
        let bytes = testkit::database(name);
        let clean = in_memory(&bytes).unwrap();
        let whole = dump(&clean, false, false, 1 << 20);
        let size = clean.pages().page_size();
        let table = clean.table("alltypes").unwrap();
        let root = table.tree().root();
        let leaves: Vec<_> = table.tree().leaves().map(|leaf| leaf.unwrap().number()).collect();
        assert!(leaves.len() > 2, "{name}");
        for (page, lost) in [(leaves[1], true), (root, false)] {
            let mut damaged = bytes.clone();
            let at = page.file_offset(size) as usize;
            damaged[at + 100..at + 200].fill(0xA5);
            let database = in_memory(&damaged).unwrap();
            let stopped = dump(&database, false, false, 1 << 20);
            assert_eq!(stopped.failed.len(), 1, "{name}");
            assert!(stopped.failed[0].contains(&format!("page {page} ")), "{}", stopped.failed[0]);
            let salvaged = dump(&database, false, true, 1 << 20);
            assert_eq!((salvaged.failed.len(), salvaged.complaints.len()), (0, 1), "{name}");
            assert!(salvaged.complaints[0].contains(&format!("left out page {page}")), "{name}");
            assert_eq!(salvaged.text == whole.text, !lost, "{name} page {page}");
            let lines = |text: &[u8]| text.split(|byte| *byte == b'\n').count();
            assert!(lines(&salvaged.text) > lines(&stopped.text), "{name}");
        }
    }
}

#[test]
fn a_damaged_catalog_is_read_from_its_shadow() {
    for name in testkit::CLEAN {
        let mut bytes = testkit::database(name);
        let clean = in_memory(&bytes).unwrap();
        let whole = dump(&clean, false, false, 1 << 20);
        let size = clean.pages().page_size();
        let at = ese_format::PageNumber(4).file_offset(size) as usize;
        bytes[at + 50] ^= 0xFF;
        bytes[at + 60] ^= 0xFF;
        let database = in_memory(&bytes).unwrap();
        assert!(matches!(database.catalog_source(), ese::CatalogSource::Shadow(_)), "{name}");
        assert!(dump(&database, false, false, 1 << 20).text == whole.text, "{name}");
    }
}

#[test]
fn records_from_before_windows_2000_are_refused_by_name() {
    let mut bytes = testkit::database("clean_8k");
    let clean = in_memory(&bytes).unwrap();
    let table = clean.table("nopk").unwrap();
    let leaf = table.tree().leaves().next().unwrap().unwrap().number();
    let at = leaf.file_offset(clean.pages().page_size()) as usize;
    // Bit 11 of the flags: the format of records.
    bytes[at + 37] &= !0x08;
    ese_format::page::seal(&mut bytes[at..at + 8192], leaf);
    let database = in_memory(&bytes).unwrap();
    let row = database.table("nopk").unwrap();
    let row = row.rows().next().unwrap().unwrap();
    assert!(matches!(row.record(), Err(Error::OldRecordFormat { page, .. }) if page == leaf));
    // What cannot be read is not called good.
    let options = ese::check::Options::default();
    let file = database.file().unwrap();
    let report = ese::check::run(file, &options, &ese::verify::Unheard).unwrap();
    assert!(report.findings.iter().any(|finding| finding.code == "page-old-record"));
    assert!(report.count(ese::check::Severity::Error) > 0);
}
