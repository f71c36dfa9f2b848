//! Arguments, help, completions, manual pages, exit codes of usage errors.

use crate::dsbackup;

#[test]
fn wrong_arguments_are_usage_errors() {
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["backup"],
        &["backup", "dc1"],
        &["restore", "set"],
        &["restore", "set", "--to", "a", "--server", "b"],
        &["verify"],
        &["serve"],
        &["completions", "no-shell"],
        &["online", "a_b"],
    ] {
        dsbackup(arguments).exits(2);
    }
}

#[test]
fn a_backup_type_that_is_not_offered_is_said_to_be_so() {
    for kind in ["incremental", "logs"] {
        let run = dsbackup(["backup", "x", "--out", "y", "--type", kind]).exits(2);
        assert!(run.stderr.contains("does not offer"), "{}", run.stderr);
    }
}

#[test]
fn help_names_the_exit_codes_and_each_verb() {
    let run = dsbackup(["--help"]).exits(0);
    for verb in [
        "demo", "serve", "online", "backup", "restore", "verify", "info", "recover", "log",
        "tables", "dump", "export", "man",
    ] {
        assert!(run.stdout.contains(verb), "{verb}");
        dsbackup([verb, "--help"]).exits(0);
    }
    assert!(run.stdout.contains("130"));
}

#[test]
fn completions_and_manual_pages_come_from_the_same_table() {
    for shell in ["bash", "zsh", "fish"] {
        let run = dsbackup(["completions", shell]).exits(0);
        assert!(run.stdout.contains("restore"), "{shell}");
    }
    assert!(dsbackup(["man"]).exits(0).stdout.contains("dsbackup"));
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("man");
    dsbackup(["man", "--out", out.to_str().unwrap()]).exits(0);
    for page in ["dsbackup.1", "dsbackup-backup.1", "dsbackup-restore.1"] {
        assert!(out.join(page).exists(), "{page}");
    }
}

#[test]
fn a_service_that_is_not_there_is_the_other_end_failing() {
    let run = dsbackup(["online", "/nowhere/socket", "--json"]).exits(5);
    let error: serde_json::Value =
        serde_json::from_str(run.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(error["message_type"], "error");
    assert_eq!(error["exit_code"], 5);
    assert_eq!(error["code_name"], "hrCouldNotConnect");
    assert!(run.stderr.contains("/nowhere/socket") && run.stderr.contains("what to do"));
}

#[test]
fn quiet_says_nothing_but_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.edb");
    std::fs::write(&path, testkit::database("clean_4k")).unwrap();
    let path = path.to_str().unwrap();
    let run = dsbackup(["--quiet", "verify", path]).exits(0);
    assert!(run.stdout.is_empty() && run.stderr.is_empty());
    let run = dsbackup(["--quiet", "verify", "/nowhere"]).exits(3);
    assert!(run.stdout.is_empty() && !run.stderr.is_empty());
}
