//! Items that cannot be tested yet, each with what it waits for; and the proof that every item is
//! here or a test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The items of the checklist.
const ITEMS: std::ops::RangeInclusive<u32> = 1..=137;

/// What an item waits for.
const WAITING: &[(u32, &str)] = &[
    (8, "the DLL: a program compiled with mingw-w64's own header is to run against it"),
    (26, "the network: a password is verified by NTLM or Kerberos over TCP only"),
    (61, "the writing engine: a database that stands still has no checkpoint that moves"),
    (82, "recovery: replaying the logs; until then the bytes are compared with the file (069)"),
    (83, "the writing engine: nobody writes to a database that stands still"),
    (88, "the writing engine: nothing is deleted beside a database that stands still"),
    (96, "the writing engine: the header of a database that stands still is not stamped"),
    (98, "the writing directory: dSASignature is written into it"),
    (110, "reading the directory: lifetimes are attributes of CN=Directory Service"),
    (125, "the writing directory: a new identity after a restore is written into it"),
    (126, "the writing directory: each step of that can crash"),
    (136, "the service state of a written directory: usn and epoch to compare with"),
    (137, "reading the directory: half of the lifetime that it prescribes"),
];

/// Folders whose tests carry item numbers, from this crate's.
const FOLDERS: &[&str] =
    &["tests/checklist", "src/read_ahead", "../ntdsbcli-c/tests/c", "../ntdsbcli-c/src"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The item number of each test, with the test's name.
fn tested() -> BTreeMap<u32, String> {
    let mut found = BTreeMap::new();
    for folder in FOLDERS {
        for source in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
            let text = std::fs::read_to_string(&source).unwrap();
            let mut lines = text.lines().peekable();
            while let Some(line) = lines.next() {
                let Some(next) = lines.peek().filter(|_| line.trim() == "#[test]") else {
                    continue;
                };
                if let Some(name) = next.trim().strip_prefix("fn api_") {
                    let number = name.get(..3).and_then(|digits| digits.parse().ok()).unwrap();
                    let before = found.insert(number, name.to_owned());
                    assert_eq!(before, None, "item {number} has two tests");
                }
            }
        }
    }
    found
}

#[test]
fn every_item_is_a_test_or_waits_for_something() {
    let tested = tested();
    let waiting: BTreeMap<_, _> = WAITING.iter().copied().collect();
    assert_eq!(waiting.len(), WAITING.len());
    assert!(tested.keys().chain(waiting.keys()).all(|item| ITEMS.contains(item)));
    for item in ITEMS {
        match (tested.get(&item), waiting.get(&item)) {
            (None, None) => panic!("API-{item:03} has no test and no reason"),
            (Some(test), Some(_)) => panic!("API-{item:03} waits, but has the test {test}"),
            (None, Some(reason)) => assert!(reason.len() > 20, "API-{item:03}"),
            (Some(_), None) => {}
        }
    }
}
