//! `verify` and `info` over good, damaged and foreign files.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::{Run, dsbackup};

const PAGE: usize = 8192;

fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.edb");
    std::fs::write(&path, content).unwrap();
    (dir, path)
}

/// Verifies a damaged copy; the copy must be untouched.
fn verify(change: impl FnOnce(&mut Vec<u8>)) -> Run {
    let mut content = testkit::database("clean_8k");
    change(&mut content);
    let (_dir, path) = file(&content);
    let run = dsbackup(["--json", "verify", path.to_str().unwrap()]);
    assert_eq!(std::fs::read(&path).unwrap(), content, "verify never writes");
    run
}

fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_summary_of_verify_has_the_documented_fields() {
    let summary = verify(|_| {}).exits(0).summary();
    assert_eq!(
        names(&summary),
        ["message_type", "command", "ok", "databases", "logs", "sets", "replays"].into()
    );
    assert_eq!(summary["message_type"], "summary");
    let database = &summary["databases"][0];
    assert_eq!(
        names(database),
        [
            "path",
            "recovered",
            "ok",
            "state",
            "state_code",
            "page_size",
            "pages",
            "last_owned_page",
            "zeroed",
            "ecc",
            "xor",
            "damaged",
            "damaged_count",
            "corrected",
            "corrected_count",
            "damaged_beyond_count",
            "missing_pages",
            "tail_bytes",
            "header_used",
            "header_primary",
            "header_shadow",
            "logs_needed",
            "logs",
            "findings",
            "counts",
            "advice",
            "notes",
            "statistics",
            "level",
            "not_checked",
        ]
        .into()
    );
    assert_eq!(database["pages"], 382);
    assert_eq!(database["zeroed"], 118);
    assert_eq!(database["state_code"], 3);
    assert_eq!(database["last_owned_page"], 350);
}

/// The findings with a code.
fn of<'a>(summary: &'a Value, code: &str) -> Vec<&'a Value> {
    let findings = summary.pointer("/databases/0/findings").and_then(Value::as_array);
    let has_code = |finding: &&Value| finding.get("code").is_some_and(|found| found == code);
    findings.into_iter().flatten().filter(has_code).collect()
}

#[test]
fn each_level_looks_deeper_than_the_one_before() {
    let mut content = testkit::database("clean_8k");
    // A tree leads to the page, which is not to be seen in the page.
    content[30 * PAGE..31 * PAGE].fill(0);
    let (_dir, path) = file(&content);
    let path = path.to_str().unwrap();
    let at =
        |level, exit| dsbackup(["--json", "verify", "--level", level, path]).exits(exit).summary();
    let quick = at("quick", 0);
    assert_eq!(quick["databases"][0]["zeroed"], Value::Null);
    assert_eq!(
        quick["databases"][0]["not_checked"],
        serde_json::json!(["pages", "trees", "indexes", "records"])
    );
    let pages = at("pages", 0);
    assert_eq!(
        pages["databases"][0]["not_checked"],
        serde_json::json!(["trees", "indexes", "records"])
    );
    assert_eq!(pages["databases"][0]["statistics"], Value::Null);
    let full = at("full", 1);
    let zeroed = of(&full, "tree-zeroed");
    assert_eq!(zeroed[0]["severity"], "error");
    assert_eq!(zeroed[0]["page"], 29);
    assert_eq!(
        names(zeroed[0]),
        ["severity", "code", "page", "table", "index", "key", "message", "advice"].into()
    );
    assert!(full["databases"][0]["statistics"]["records"].as_u64().unwrap() > 100);
    let text = dsbackup(["verify", path]).exits(1).stdout;
    assert!(text.contains("page 29: ") && text.contains("what to do: "), "{text}");
}

#[test]
fn each_damage_is_found_and_named() {
    let one_bit = verify(|f| f[31 * PAGE + 100] ^= 8).exits(1).summary();
    assert_eq!(one_bit["databases"][0]["corrected"], serde_json::json!([30]));
    let two_bits = verify(|f| {
        f[31 * PAGE + 100] ^= 8;
        f[31 * PAGE + 1500] ^= 64;
    });
    let two_bits = two_bits.exits(1).summary();
    assert_eq!(two_bits["databases"][0]["damaged"], serde_json::json!([30]));
    assert_eq!(of(&two_bits, "page-checksum")[0]["page"], 30);
    let cut = verify(|f| f.truncate(100 * PAGE)).exits(1).summary();
    assert_eq!(cut["databases"][0]["missing_pages"], 350 - 98);
    let ragged = verify(|f| f.truncate(f.len() - 1000)).exits(1).summary();
    assert_eq!(ragged["databases"][0]["tail_bytes"], PAGE - 1000);
    let swapped = verify(|f| {
        let (left, right) = f.split_at_mut(32 * PAGE);
        left[31 * PAGE..].swap_with_slice(&mut right[..PAGE]);
    });
    let swapped = swapped.exits(1).summary();
    assert_eq!(swapped["databases"][0]["damaged"], serde_json::json!([30, 31]));
    let primary = verify(|f| f[300] ^= 1).exits(1).summary();
    assert_eq!(primary["databases"][0]["header_used"], "shadow");
}

#[test]
fn a_page_that_was_never_written_is_a_note() {
    let mut content = testkit::database("clean_8k");
    content[31 * PAGE..32 * PAGE].fill(0);
    let (_dir, path) = file(&content);
    let path = path.to_str().unwrap();
    let run = dsbackup(["--json", "verify", "--level", "pages", path]);
    let summary = run.exits(0).summary();
    assert_eq!(summary["databases"][0]["zeroed"], 119);
    assert!(!summary["databases"][0]["notes"].as_array().unwrap().is_empty());
}

#[test]
fn what_is_no_database_cannot_be_used() {
    verify(|f| {
        f[300] ^= 1;
        f[PAGE + 300] ^= 1;
    })
    .exits(3);
    verify(Vec::clear).exits(3);
    verify(|f| f.fill(b'x')).exits(3);
    let dir = tempfile::tempdir().unwrap();
    dsbackup(["verify", dir.path().to_str().unwrap()]).exits(3);
}

#[test]
fn a_folder_is_verified_with_its_logs_and_a_missing_one_is_a_finding() {
    let set = testkit::set("crash_8k_e");
    let dir = set.path().to_str().unwrap();
    let summary = dsbackup(["--json", "verify", dir]).exits(0).summary();
    assert_eq!(summary["databases"][0]["logs"], "present");
    assert_eq!(summary["databases"][0]["logs_needed"], serde_json::json!([3, 9]));
    assert!(summary["logs"].as_array().unwrap().len() >= 9);
    std::fs::remove_file(set.file("edb00005.log")).unwrap();
    let summary = dsbackup(["--json", "verify", dir]).exits(1).summary();
    assert_eq!(summary["databases"][0]["logs"], "missing");
    let text = dsbackup(["info", set.file("test.edb").to_str().unwrap()]).exits(1).stdout;
    assert!(text.contains("missing"), "{text}");
}

#[test]
fn info_has_every_field_of_the_header() {
    let (_dir, path) = file(&testkit::database("clean_8k"));
    let path = path.to_str().unwrap();
    let summary = dsbackup(["--json", "info", path]).exits(0).summary();
    let database = &summary["databases"][0];
    assert_eq!(database["state"], "CleanShutdown");
    let fields = &database["fields"];
    assert_eq!(fields["dbtime"], 20383);
    assert_eq!(fields["last_objid"], 42);
    assert_eq!(fields["signature"]["random"], 1_255_208_828);
    assert_eq!(fields["signature"]["created"], "2026-11-24T21:33:49.297Z");
    assert_eq!(fields["full_backup"]["first_generation"], 0);
    assert_eq!(fields["repair_time"], Value::Null);
    assert!(fields.as_object().unwrap().len() > 80);
    let text = dsbackup(["info", path]).exits(0).stdout;
    assert!(text.contains("consistent_position") && text.contains("CleanShutdown"), "{text}");
}
