//! `tables`, `dump`, `export`: what is in a database.

use serde_json::Value;

use crate::{Run, dsbackup};

fn clean() -> (testkit::Unpacked, String) {
    let unpacked = testkit::set("clean_8k");
    let path = unpacked.file("test.edb").display().to_string();
    (unpacked, path)
}

fn objects(run: &Run) -> Vec<Value> {
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn tables_are_listed_with_rows_pages_columns_and_indexes() {
    let (_unpacked, path) = clean();
    let summary = dsbackup(["tables", &path, "--json"]).exits(0).summary();
    assert_eq!((&summary["ok"], &summary["catalog"]), (&true.into(), &"catalog".into()));
    let tables = summary["tables"].as_array().unwrap();
    let table = tables.iter().find(|table| table["name"] == "alltypes").unwrap();
    assert!(table["rows"].as_u64().unwrap() > 10);
    assert!(table["owned_pages"].as_u64() > table["available_pages"].as_u64());
    assert!(table["columns"].as_array().unwrap().len() > 30);
    assert!(table["long_values"]["root"].is_number());
    let indexes = table["indexes"].as_array().unwrap();
    let primary = indexes.iter().find(|index| index["primary"] == true).unwrap();
    assert!(primary["flags"].as_array().unwrap().contains(&"unique".into()));
    let text = dsbackup(["tables", &path, "--no-count"]).exits(0).stdout;
    assert!(text.contains("alltypes") && text.contains("MSysObjects"), "{text}");
}

#[test]
fn one_table_is_dumped_and_a_summary_ends_it() {
    let (_unpacked, path) = clean();
    let run = dsbackup(["dump", &path, "--table", "ALLTYPES", "--json"]).exits(0);
    let objects = objects(&run);
    assert_eq!(objects[0]["table"], "alltypes");
    assert!(objects[1]["row"]["id"].is_number());
    let rows = u64::try_from(objects.len() - 2).unwrap();
    assert_eq!((&run.summary()["rows"], &run.summary()["errors"]), (&rows.into(), &0.into()));
    let run = dsbackup(["dump", &path, "--table", "nothing"]).exits(3);
    assert!(run.stderr.contains("nothing") && run.stderr.contains("tables"), "{}", run.stderr);
}

#[test]
fn damage_ends_a_table_and_is_gone_round_when_asked() {
    let (unpacked, path) = clean();
    let database = ese::Database::open(&path).unwrap();
    let table = database.table("alltypes").unwrap();
    let leaf = table.tree().leaves().nth(1).unwrap().unwrap().number();
    let at = usize::try_from(leaf.file_offset(database.pages().page_size())).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[at..at + 64].fill(0x5A);
    std::fs::write(unpacked.file("test.edb"), bytes).unwrap();
    let run = dsbackup(["dump", &path]).exits(3);
    assert!(run.stderr.contains("alltypes ends early") && run.stderr.contains("--salvage"));
    assert!(run.stdout.contains("{\"table\":\"longvalues\""), "the others follow");
    let salvaged = dsbackup(["dump", &path, "--salvage", "--json"]).exits(1);
    assert_eq!(salvaged.summary()["left_out"], 1);
    assert!(salvaged.stdout.contains(&format!("left out page {leaf}, keys from ")));
    let run = dsbackup(["tables", &path]).exits(1);
    assert!(run.stderr.contains("table alltypes"), "{}", run.stderr);
}

#[test]
fn a_database_that_was_not_shut_down_is_read_with_a_warning() {
    let unpacked = testkit::set("crash_8k_f");
    let path = unpacked.file("test.edb").display().to_string();
    let run = dsbackup(["tables", &path, "--no-count"]).exits(0);
    assert!(run.stderr.contains("warning") && run.stderr.contains("DirtyShutdown"));
    let run = dsbackup(["tables", &path, "--no-count", "--json"]).exits(0);
    assert_eq!(objects(&run)[0]["message_type"], "warning");
}

#[test]
fn a_table_is_exported_as_csv() {
    let (_unpacked, path) = clean();
    let run = dsbackup(["export", &path, "--table", "alltypes", "--csv"]).exits(0);
    let (header, rows) = run.stdout.split_once("\r\n").unwrap();
    assert!(header.starts_with("id,"), "{header}");
    assert!(rows.contains("true") && rows.ends_with("\r\n"));
    dsbackup(["export", &path, "--table", "alltypes"]).exits(2);
}
