//! The rules of the house that no compiler checks.
//!
//! * The arrows between the crates: [`EDGES`] is the architecture; `cargo metadata` must agree.
//! * Files: module documentation first, at most 1,000 lines, lines of at most 100 columns, ASCII,
//!   no name that says nothing, functions of at most 100 lines.
//! * The operating system's files are named in `vfs::os` only (and where [`SYSTEM_FILES`] says).
//! * No work is left open in a comment.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, root};

/// Which crate may know which; an edge that is not here is forbidden.
const EDGES: &[(&str, &[&str])] = &[
    ("ms-dtyp", &[]),
    ("vfs", &[]),
    ("ese-format", &["ms-dtyp"]),
    ("ese", &["ese-format", "ms-dtyp", "vfs"]),
    ("dcerpc", &["ms-dtyp"]),
    ("dcerpc-net", &["dcerpc", "ms-dtyp"]),
    ("ntdsb", &["dcerpc", "ms-dtyp"]),
    ("ntdsbcli", &["dcerpc", "dcerpc-net", "ms-dtyp", "ntdsb"]),
    ("ntdsbcli-c", &["ntdsb", "ntdsbcli"]),
    ("ntdsbsrv", &["dcerpc", "dcerpc-net", "ese", "ese-format", "ms-dtyp", "ntdsb", "vfs"]),
    ("backup-set", &["ese", "ese-format", "ms-dtyp", "vfs"]),
    (
        "dsbackup",
        &["backup-set", "ese", "ese-format", "ms-dtyp", "ntdsb", "ntdsbcli", "ntdsbsrv", "vfs"],
    ),
    ("testkit", &["ese-format"]),
    ("xtask", &["ese-format", "ntdsb", "testkit"]),
];

/// Places beside `vfs::os` that name the operating system's files, with the reason.
const SYSTEM_FILES: &[(&str, &str)] = &[
    ("crates/vfs/src/os.rs", "this is the place"),
    ("crates/testkit/", "tests only"),
    ("crates/ese/examples/", "they read their arguments"),
    ("crates/ese-format/examples/", "they read their arguments"),
    ("xtask/", "chores"),
    ("fuzz/", "seeds from the sets"),
];

const MAX_FILE_LINES: usize = 1000;
const MAX_FUNCTION_LINES: usize = 100;
const MAX_COLUMNS: usize = 100;
const NAMES_THAT_SAY_NOTHING: &[&str] =
    &["utils.rs", "util.rs", "helpers.rs", "common.rs", "misc.rs", "types.rs", "manager.rs"];

pub(crate) fn run(_: &[String]) -> Outcome {
    let mut findings = edges()?;
    let files = rust_files()?;
    for file in &files {
        check_file(file, &mut findings)?;
    }
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} files, {} findings", files.len(), findings.len());
    if findings.is_empty() { Ok(()) } else { Err("the findings above".into()) }
}

fn edges() -> Outcome<Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("no packages in cargo metadata")?;
    let ours: Vec<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let mut findings = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = EDGES.iter().find(|(from, _)| *from == name) else {
            findings.push(format!("crate {name} is not in the table of edges"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            let is_normal = dependency["kind"].is_null();
            if is_normal && ours.contains(&to) && !allowed.contains(&to) {
                findings.push(format!("forbidden edge {name} -> {to}"));
            }
        }
    }
    Ok(findings)
}

fn rust_files() -> Outcome<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"])
        .current_dir(root())
        .output()?;
    let listed = String::from_utf8(output.stdout)?;
    Ok(listed.lines().map(PathBuf::from).filter(|p| root().join(p).exists()).collect())
}

fn check_file(path: &Path, findings: &mut Vec<String>) -> Outcome {
    let text = std::fs::read_to_string(root().join(path))?;
    let shown = path.display();
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let mut find = |line: usize, what: &str| findings.push(format!("{shown}:{line}: {what}"));
    if !text.starts_with("//!") && !text.starts_with("#![no_main]") {
        find(1, "no module documentation");
    }
    if NAMES_THAT_SAY_NOTHING.contains(&name) {
        find(1, "a file name that says nothing");
    }
    let count = text.lines().count();
    if count > MAX_FILE_LINES {
        find(1, &format!("{count} lines, more than {MAX_FILE_LINES}"));
    }
    let path_text = path.to_string_lossy();
    let may_name_files = path_text.contains("/tests/")
        || SYSTEM_FILES.iter().any(|(prefix, _)| path_text.starts_with(prefix));
    let mut in_tests = name == "tests.rs";
    let mut function: Option<(usize, usize)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        in_tests |= line.trim() == "#[cfg(test)]";
        if line.chars().count() > MAX_COLUMNS {
            find(number, "more than 100 columns");
        }
        if !line.is_ascii() {
            find(number, "not ASCII");
        }
        if ["TO\x44O", "FIX\x4dE", "XX\x58"].iter().any(|word| line.contains(word)) {
            find(number, "work left open");
        }
        if line.contains("std::fs") && !may_name_files && !in_tests && !is_comment(line) {
            find(number, "std::fs outside vfs::os");
        }
        let indent = line.len() - line.trim_start().len();
        if is_function(line) && function.is_none() {
            function = Some((number, indent));
        } else if let Some((start, own)) = function
            && indent == own
            && (line.trim() == "}" || line.trim_end().ends_with(';'))
        {
            if number - start > MAX_FUNCTION_LINES {
                find(start, &format!("function of {} lines", number - start));
            }
            function = None;
        }
        // A body in one line, or none.
        let is_whole = line.trim_end().ends_with('}') || line.trim_end().ends_with(';');
        if function.is_some_and(|(start, _)| start == number) && is_whole {
            function = None;
        }
    }
    Ok(())
}

fn is_function(line: &str) -> bool {
    let line = line.trim_start();
    [
        "fn ",
        "pub fn ",
        "pub(crate) fn ",
        "pub(super) fn ",
        "const fn ",
        "pub const fn ",
        "async fn ",
    ]
    .iter()
    .any(|start| line.starts_with(start))
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}
