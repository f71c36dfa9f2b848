//! The table of faults: what the tool says to each kind of damage, and its exit code.
//!
//! Each fault is made in a copy of a database; `verify` judges the copy and `backup` tries to back
//! it up from a running service. The copy must be untouched afterwards, and a backup that failed
//! must have left no set.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::service::{Hosting, Refused, Service, said, tool};

const PAGE: usize = 8192;
/// A page that holds rows in every database that the table is made for.
const VICTIM: usize = 20;

/// Exit code of the tool when its input cannot be used.
const UNUSABLE: i32 = 3;

/// One kind of damage, and what must come of it.
struct Fault {
    name: &'static str,
    make: fn(&mut Vec<u8>),
    /// Exit code of `verify`.
    verify: i32,
    /// Exit code of `backup`; none where the service must refuse to host the file.
    backup: Option<i32>,
}

const FAULTS: &[Fault] = &[
    Fault { name: "none (control)", make: |_| {}, verify: 0, backup: Some(0) },
    Fault { name: "one bit flipped", make: |f| flip(f, 100, 3), verify: 1, backup: Some(0) },
    Fault {
        name: "two bits flipped in one block",
        make: |f| {
            flip(f, 100, 3);
            flip(f, 1500, 6);
        },
        verify: 1,
        backup: Some(5),
    },
    Fault {
        name: "file truncated",
        make: |f| f.truncate(PAGE * (VICTIM + 2)),
        verify: 1,
        backup: None,
    },
    Fault {
        name: "file truncated inside a page",
        make: |f| f.truncate(PAGE * (VICTIM + 2) + 1000),
        verify: 1,
        backup: None,
    },
    Fault { name: "page zeroed", make: |f| page(f, VICTIM).fill(0), verify: 1, backup: Some(0) },
    Fault {
        name: "two pages swapped",
        make: |f| {
            let first = page(f, VICTIM).to_vec();
            let second = page(f, VICTIM + 1).to_vec();
            page(f, VICTIM).copy_from_slice(&second);
            page(f, VICTIM + 1).copy_from_slice(&first);
        },
        verify: 1,
        backup: Some(5),
    },
    Fault { name: "header bad, shadow good", make: |f| f[300] ^= 1, verify: 1, backup: Some(0) },
    Fault {
        name: "header and shadow bad",
        make: |f| {
            f[300] ^= 1;
            f[PAGE + 300] ^= 1;
        },
        verify: 3,
        backup: None,
    },
    Fault { name: "empty file", make: Vec::clear, verify: 3, backup: None },
];

fn page(file: &mut [u8], number: usize) -> &mut [u8] {
    &mut file[(number + 1) * PAGE..(number + 2) * PAGE]
}

fn flip(file: &mut [u8], byte: usize, bit: u8) {
    page(file, VICTIM)[byte] ^= 1 << bit;
}

/// `cargo xtask faults [DATABASE]`: by default the real directory of the corpus where it is there,
/// else the committed database.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let tool = tool()?;
    let original = match arguments.first() {
        Some(path) => std::fs::read(path)?,
        None => testkit::corpus().map_or_else(
            || Ok(testkit::database("clean_8k")),
            |corpus| std::fs::read(corpus.unpacked().join("ntds-2019-goad/ntds.dit")),
        )?,
    };
    let mut wrong = Vec::new();
    for fault in FAULTS {
        if let Err(reason) = show(&tool, fault, &original) {
            println!("  WRONG: {reason}");
            wrong.push(fault.name);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("not as they must be: {wrong:?}").into()) }
}

fn show(tool: &Path, fault: &Fault, original: &[u8]) -> Outcome {
    let scratch = tempfile::tempdir()?;
    let mut damaged = original.to_vec();
    (fault.make)(&mut damaged);
    let dit = scratch.path().join("ntds.dit");
    std::fs::write(&dit, &damaged)?;
    println!("{}", fault.name);
    let verify = Command::new(tool).arg("verify").arg(&dit).output()?;
    report("verify", verify.status.code(), &said(&verify), scratch.path());
    if verify.status.code() != Some(fault.verify) {
        return Err(format!("verify should have ended with {}", fault.verify).into());
    }
    backup(tool, fault, &dit, scratch.path())?;
    if std::fs::read(&dit)? != damaged {
        return Err("the file was changed".into());
    }
    Ok(())
}

fn backup(tool: &Path, fault: &Fault, dit: &Path, scratch: &Path) -> Outcome {
    let hosting = Hosting { tool, dit, scratch, restore_mode: false };
    let service = match Service::start(&hosting) {
        Ok(service) => service,
        Err(reason) => {
            let refused = reason.downcast::<Refused>()?;
            report("serve", refused.code, &refused.text, scratch);
            return match (fault.backup, refused.code) {
                (None, Some(UNUSABLE)) => Ok(()),
                (None, _) => Err(format!("serve should have ended with {UNUSABLE}").into()),
                (Some(_), _) => Err("the service should have hosted it".into()),
            };
        }
    };
    if fault.backup.is_none() {
        return Err("the service should have refused it".into());
    }
    let set: PathBuf = scratch.join("set");
    let output =
        Command::new(tool).arg("backup").arg(&service.socket).arg("--out").arg(&set).output()?;
    report("backup", output.status.code(), &said(&output), scratch);
    let audit = std::fs::read_to_string(scratch.join("state/audit.jsonl"))?;
    let events = audit.lines().filter(|line| line.contains("-page\""));
    for event in events {
        println!("    audit: {event}");
    }
    if output.status.code() != fault.backup {
        return Err(format!("backup should have ended with {:?}", fault.backup).into());
    }
    if output.status.success() != set.join("manifest.json").exists() {
        return Err("a failed backup must leave no set, a good one must leave one".into());
    }
    Ok(())
}

fn report(verb: &str, code: Option<i32>, text: &str, scratch: &Path) {
    let text = text.replace(&scratch.display().to_string(), "DIR");
    let code = code.map_or("-".to_owned(), |c| c.to_string());
    println!("  {verb} -> exit {code}");
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        println!("    {line}");
    }
}
