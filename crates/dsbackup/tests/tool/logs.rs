//! `log`, and what `info` and `verify` say of logs, checkpoints and folders with them.

use serde_json::Value;

use crate::dsbackup;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn records_are_one_a_line_in_the_order_of_the_log() {
    let set = testkit::set("crash_8k_f");
    let folder = set.path().to_str().unwrap();
    let run = dsbackup(["log", folder, "--records"]).exits(0);
    let positions: Vec<&str> =
        run.stdout.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert!(positions.len() > 3000 && positions[0].starts_with("1:1:"), "{}", positions.len());
    let generation = |position: &str| position.split(':').next().unwrap().to_owned();
    let generations: Vec<String> = positions.iter().map(|one| generation(one)).collect();
    assert!(generations.is_sorted() && generations.last().unwrap() == "5");
    assert!(run.stdout.contains(" CreateDB session="));

    let json = dsbackup(["--json", "log", folder, "--records"]).exits(0);
    let objects = lines(&json.stdout);
    assert_eq!(objects.len(), positions.len());
    let insert = objects.iter().find(|object| object["type"] == "Insert").unwrap();
    for field in ["position", "bytes", "session", "database", "page", "line", "dbtime", "key"] {
        assert!(!insert[field].is_null(), "{field}: {insert}");
    }
}

#[test]
fn a_log_is_counted_by_types() {
    let set = testkit::set("backup_8k");
    let folder = set.path().to_str().unwrap();
    let summary = dsbackup(["--json", "log", folder]).exits(0).summary();
    assert_eq!((summary["command"].as_str(), summary["ok"].as_bool()), (Some("log"), Some(true)));
    let logs = summary["logs"].as_array().unwrap();
    assert_eq!(logs.len(), 6);
    let of_types = |log: &Value| -> u64 {
        log["types"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
    };
    assert!(logs.iter().all(|log| log["records"] == of_types(log)));
    let text = dsbackup(["log", folder]).exits(0).stdout;
    assert!(text.contains("generation 1, 8.4000.5.16, ") && text.contains("    Insert "));
    let clean = testkit::set("clean_8k");
    let none = dsbackup(["log", clean.path().to_str().unwrap()]).exits(3);
    assert!(none.stderr.contains("no logs"), "{}", none.stderr);
}

#[test]
fn damage_in_a_log_is_an_error_behind_the_records_before_it() {
    let set = testkit::set("crash_8k_e");
    let path = set.file("edb00006.log");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[9 * 4096 + 900] ^= 5;
    std::fs::write(&path, bytes).unwrap();
    let name = path.to_str().unwrap();
    let run = dsbackup(["log", name, "--records"]).exits(3);
    assert!(run.stdout.lines().count() > 100);
    assert!(run.stderr.contains("edb00006.log: sector 9: its checksum does not hold"));
    for verb in ["log", "verify"] {
        let run = dsbackup([verb, set.path().to_str().unwrap()]).exits(1);
        assert!(run.stdout.contains("- sector 9: its checksum does not hold"), "{}", run.stdout);
    }
    std::fs::remove_file(path).unwrap();
    let run = dsbackup(["verify", set.path().to_str().unwrap()]).exits(1);
    assert!(run.stdout.contains("- generations 6-6 before it are missing"), "{}", run.stdout);
    assert!(run.stdout.contains("generations 6"), "{}", run.stdout);
}

#[test]
fn info_of_a_folder_says_what_is_needed_and_whether_it_is_there() {
    let set = testkit::set("crash_8k_e");
    let folder = set.path().to_str().unwrap();
    let run = dsbackup(["info", folder]).exits(0);
    for text in [
        "logs             0x3-0x9 needed: present",
        "is               not shut down cleanly, as after a crash",
        "recovery         possible: replays logs 0x3-0x9; dsbackup recover does it",
        "edb00001.log          1  ",
        "kind    checkpoint",
        r"log_path          C:\ese\crash_8k_e\",
    ] {
        assert!(run.stdout.contains(text), "{text}\n{}", run.stdout);
    }
    std::fs::remove_file(set.file("edb00004.log")).unwrap();
    let run = dsbackup(["info", folder]).exits(1);
    assert!(run.stdout.contains("recovery         not possible: "), "{}", run.stdout);
    assert!(run.stdout.contains(r"what to do       The system that wrote the logs keeps them in"));
    let summary = dsbackup(["--json", "info", folder]).exits(1).summary();
    assert_eq!(summary["databases"][0]["recovery"]["possible"], false);
    assert_eq!(summary["logs"].as_array().unwrap().len(), 8);
    assert_eq!(summary["checkpoints"][0]["copies"][0], "good");
}

#[test]
fn info_of_a_log_shows_its_header_whole() {
    let set = testkit::set("crash_8k_e");
    let log = set.file("edb00003.log");
    let text = dsbackup(["info", log.to_str().unwrap()]).exits(0).stdout;
    for text_of in [
        "kind    log, archived",
        "format  8.4000.5.16",
        "previous_segments_checksum  0x",
        "attached where the file begins:",
        r"name                 C:\ese\crash_8k_e\test.edb",
        "log_file_sectors",
    ] {
        assert!(text.contains(text_of), "{text_of}\n{text}");
    }
    let summary = dsbackup(["--json", "info", log.to_str().unwrap()]).exits(0).summary();
    let log = &summary["logs"][0];
    assert_eq!(log["generation"], 3);
    assert_eq!(log["attached"][0]["database"], 1);
    assert_eq!(log["parameters"]["log_path"], "C:\\ese\\crash_8k_e\\");
}
