//! The table of mutations: what `dsbackup verify --level full` says to each kind of damage.
//!
//! Each mutation of `testkit::mutation` is made on a copy of a committed database. Damage must be
//! found, with the findings that belong to it; what is odd but legal must not count as failure;
//! and an untouched database must have no finding.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::mutation::{Class, Mutation, all};

use crate::Outcome;
use crate::service::{said, tool};

/// Exit codes of the tool.
mod exit {
    pub(super) const DONE: i32 = 0;
    pub(super) const FINDINGS: i32 = 1;
    pub(super) const UNUSABLE: i32 = 3;
}

/// What a run of the tool said about one database.
struct Verdict {
    exit: i32,
    /// Every finding's code, with its severity.
    codes: BTreeMap<String, String>,
}

/// `cargo xtask mutations [--keep DIRECTORY] [TEXT]`: those whose name has TEXT; the copies stay
/// in DIRECTORY.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let (keep, text) = parse(arguments)?;
    let tool = tool()?;
    let scratch = tempfile::tempdir()?;
    let folder = keep.as_deref().unwrap_or(scratch.path());
    std::fs::create_dir_all(folder)?;
    let mut wrong = Vec::new();
    let (mut shown, mut found) = (0, 0);
    println!("{:62} {:8} {:>4} {:5}  findings", "kind", "expected", "exit", "found");
    for (index, mutation) in all().enumerate().filter(|(_, m)| m.name.contains(&text)) {
        let path = folder.join(format!("{index:03}.edb"));
        std::fs::write(&path, mutation.make())?;
        let verdict = judge(&tool, &path)?;
        if keep.is_none() {
            std::fs::remove_file(&path)?;
        }
        shown += 1;
        found += u32::from(verdict.exit != exit::DONE);
        println!("{}", line(mutation, &verdict));
        if let Some(reason) = complaint(mutation, &verdict) {
            println!("  WRONG: {reason}");
            wrong.push(mutation.name);
        }
    }
    println!("{shown} kinds, {found} of them found; damage to logs is not judged here");
    if wrong.is_empty() { Ok(()) } else { Err(format!("not as they must be: {wrong:?}").into()) }
}

fn parse(arguments: &[String]) -> Outcome<(Option<PathBuf>, String)> {
    let mut keep = None;
    let mut text = String::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--keep" {
            keep = Some(arguments.next().ok_or("--keep needs a directory")?.into());
        } else {
            text.clone_from(argument);
        }
    }
    Ok((keep, text))
}

fn judge(tool: &Path, database: &Path) -> Outcome<Verdict> {
    let arguments = ["verify", "--level", "full", "--json"];
    let output = Command::new(tool).args(arguments).arg(database).output()?;
    let exit = output.status.code().ok_or_else(|| format!("it was killed: {}", said(&output)))?;
    let mut codes = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        collect(&serde_json::from_str(line)?, &mut codes);
    }
    Ok(Verdict { exit, codes })
}

/// Collects the codes of all findings, wherever in the document they are.
fn collect(value: &Value, codes: &mut BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, codes)),
        Value::Object(fields) => {
            if let (Some(code), Some(severity)) = (value["code"].as_str(), fields.get("severity")) {
                let severity = severity.as_str().unwrap_or_default();
                codes.insert(code.to_owned(), severity.to_owned());
            }
            fields.values().for_each(|field| collect(field, codes));
        }
        _ => {}
    }
}

/// The row of the table.
fn line(mutation: &Mutation, verdict: &Verdict) -> String {
    let expected = match mutation.class {
        Class::Control => "nothing",
        Class::Odd => "no harm",
        Class::Damage => "damage",
        Class::Unusable => "unusable",
    };
    let found = if verdict.exit == exit::DONE { "no" } else { "yes" };
    let codes: Vec<String> = verdict
        .codes
        .iter()
        .map(|(code, severity)| match severity.as_str() {
            "error" => code.clone(),
            _ => format!("({code})"),
        })
        .collect();
    let codes = if codes.is_empty() { "-".to_owned() } else { codes.join(" ") };
    format!("{:62} {expected:8} {:>4} {found:5}  {codes}", mutation.name, verdict.exit)
}

/// Why a verdict is not what it must be.
fn complaint(mutation: &Mutation, verdict: &Verdict) -> Option<String> {
    let expected = match mutation.class {
        Class::Control | Class::Odd => exit::DONE,
        Class::Damage => exit::FINDINGS,
        Class::Unusable => exit::UNUSABLE,
    };
    if verdict.exit != expected {
        return Some(format!("exit code {}, not {expected}", verdict.exit));
    }
    if mutation.class == Class::Control {
        let harm = verdict.codes.values().any(|severity| severity != "note");
        return harm.then(|| "a finding in a sound database".to_owned());
    }
    let codes: Vec<String> = verdict.codes.keys().cloned().collect();
    let missing = mutation.missing(&codes);
    (!missing.is_empty()).then(|| format!("no finding says {missing:?}"))
}
