//! Numbers of rows and digests of their bytes against what other readers agree on.
//!
//! A row's line is `table TAB n TAB key TAB column=VALUE[,VALUE...] TAB ... LF`, with the stored
//! columns only; a value is its bytes in hexadecimal digits, beyond 32 bytes its length and the
//! beginning of its SHA-256.

use std::collections::BTreeSet;
use std::path::Path;

use ese::{Database, Row, Table};
use serde_json::Value;

use crate::sha256;

/// What is known to differ, and why (`docs/readers.md`): other readers count rows that are flagged
/// as deleted, and the digests of Windows Search's tables were made by a reader that takes values
/// for compressed in another way than they are.
const KNOWN: [&str; 11] = [
    "ntds-2003-didier: sdproptable: deleted rows counted",
    "srum-win10-rathbun: MSysObjects: deleted rows counted",
    "srum-win10-rathbun: MSysObjectsShadow: deleted rows counted",
    "srum-win10-rathbun: MSysObjids: deleted rows counted",
    "srum-win11-rathbun-2202: {5C8CF1C7-7257-4F13-B223-970EF5939312}: deleted rows counted",
    "wsearch-win10-rathbun: MSysObjects: deleted rows counted",
    "wsearch-win10-rathbun: MSysObjectsShadow: deleted rows counted",
    "wsearch-win10-rathbun: SystemIndex_1_Properties",
    "wsearch-win10-rathbun: SystemIndex_Gthr",
    "wsearch-win10-rathbun: SystemIndex_GthrPth",
    "wsearch-win10-rathbun: SystemIndex_PropertyStore",
];

#[test]
fn rows_are_those_that_other_readers_find() {
    let Some(corpus) = testkit::corpus() else { return };
    let mut differing = BTreeSet::new();
    let mut compared = 0;
    for entry in std::fs::read_dir(corpus.archives()).unwrap() {
        let set = entry.unwrap().path();
        let Ok(text) = std::fs::read(set.join("rowcounts.json")) else { continue };
        let facts: Value = serde_json::from_slice(&text).unwrap();
        let name = set.file_name().unwrap().to_string_lossy().into_owned();
        for (file, expected) in facts["files"].as_object().into_iter().flatten() {
            let path = corpus.unpacked().join(&name).join(file);
            if let Ok(database) = Database::open(&path) {
                compared += compare(&name, &path, &database, expected, &mut differing);
            }
        }
    }
    assert!(compared > 200, "{compared}");
    let known = KNOWN.map(str::to_owned).into();
    assert_eq!(differing, known);
}

fn compare(
    set: &str,
    path: &Path,
    database: &Database,
    expected: &Value,
    differing: &mut BTreeSet<String>,
) -> usize {
    let counts = ese::row_counts(database, 2);
    let mut compared = 0;
    for (table, rows) in database.tables().zip(counts) {
        let name = table.name();
        let Some(wanted) = expected["rows"][name].as_u64() else { continue };
        let Ok(rows) = rows else {
            assert!(!database.is_clean(), "{}: {name}", path.display());
            continue;
        };
        compared += 1;
        if rows != wanted {
            // dissect and impacket count nodes that are only waiting for being cleaned up.
            assert_eq!(rows + deleted(&table), wanted, "{}: {name}", path.display());
            differing.insert(format!("{set}: {name}: deleted rows counted"));
        } else if let Some(digest) = expected["row_digest"][name].as_str()
            && !sha256::hex(&lines(&table)).starts_with(digest)
        {
            differing.insert(format!("{set}: {name}"));
        }
    }
    compared
}

fn deleted(table: &Table) -> u64 {
    let mut deleted = 0;
    for leaf in table.tree().leaves() {
        let leaf = leaf.unwrap();
        let is_deleted = |line: &usize| leaf.node(*line).unwrap().is_deleted();
        deleted += (0..leaf.node_count()).filter(is_deleted).count() as u64;
    }
    deleted
}

fn lines(table: &Table) -> Vec<u8> {
    let mut text = Vec::new();
    for (number, row) in table.rows().enumerate() {
        let row = row.unwrap();
        let key = hex(&row.key().unwrap());
        text.extend_from_slice(format!("{}\t{number}\t{key}", table.name()).as_bytes());
        columns(table, &row, &mut text);
        text.push(b'\n');
    }
    text
}

fn columns(table: &Table, row: &Row<'_>, text: &mut Vec<u8>) {
    for field in row.fields().unwrap().filter(|field| !field.is_default()) {
        let column = field.column();
        let values: Vec<String> = field
            .stored()
            .unwrap()
            .map(|value| match table.expand(column, value) {
                Ok(bytes) if bytes.len() > 32 => {
                    format!("#{}:{}", bytes.len(), &sha256::hex(&bytes)[..16])
                }
                Ok(bytes) => hex(&bytes),
                Err(_) => "ERROR".to_owned(),
            })
            .collect();
        text.extend_from_slice(format!("\t{}={}", column.name(), values.join(",")).as_bytes());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
