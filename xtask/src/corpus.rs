//! Every database of the corpus, judged twice.
//!
//! * `verify` agrees with the independent checker (`esecheck.py --pages-only`, beside the corpus)
//!   on state, page size, page count and damaged pages, and finds errors in the depth only where
//!   that checker or the one for indexes (`ese_index_check.py`) does.
//! * `backup` from a running service and `restore --no-recover` give the same bytes; the hashes of
//!   the manifest agree with `b3sum` where that program is there. Databases that a service must
//!   refuse (dirty without their logs, never finished) are refused, and the reason is printed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Outcome;
use crate::service::{Hosting, Service, said, tool};

pub(crate) fn run(_: &[String]) -> Outcome {
    let Some(corpus) = testkit::corpus() else { return Ok(()) };
    let checker = corpus.archives().join("../tools/esecheck.py");
    let tool = tool()?;
    let mut wrong = Vec::new();
    let mut equal = 0;
    println!(
        "{:52} {:18} {:>5} {:>6} {:>7}  backup",
        "database", "state", "page", "pages", "damaged"
    );
    for database in corpus.databases() {
        let name = database.strip_prefix(corpus.unpacked())?.display().to_string();
        match judge(&tool, &checker, &database).and_then(|line| {
            print!("{name:52} {line}  ");
            round_trip(&tool, &database)
        }) {
            Ok(line) => {
                equal += u32::from(line.starts_with("equal"));
                println!("{line}");
            }
            Err(reason) => {
                println!("WRONG: {reason}");
                wrong.push(name);
            }
        }
    }
    println!("{equal} databases went through backup and restore and are equal");
    if wrong.is_empty() { Ok(()) } else { Err(format!("not as they must be: {wrong:?}").into()) }
}

fn json(command: &mut Command) -> Outcome<Value> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    // The tool's last line is the summary; the checker prints one document.
    let document = serde_json::from_str(&text)
        .or_else(|_| serde_json::from_str(text.lines().last().unwrap_or_default()));
    document.map_err(|e| format!("{command:?}: {e}: {}", said(&output)).into())
}

/// Compares the page-level verdicts.
fn judge(tool: &Path, checker: &Path, database: &Path) -> Outcome<String> {
    let ours = json(Command::new(tool).args(["--json", "verify", "--as-is"]).arg(database))?;
    let theirs = json(
        Command::new("python3")
            .args(["-B"])
            .arg(checker)
            .args(["--pages-only", "--json", "--max", "1000000"])
            .arg(database),
    )?;
    let ours = &ours["databases"][0];
    let state = ours["state"].as_str().unwrap_or("?");
    let numbers: BTreeSet<u64> =
        ours["damaged"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    let expected: BTreeSet<u64> = theirs["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|finding| finding["code"] == "page-checksum")
        .filter_map(|finding| finding["page"].as_u64())
        .collect();
    for (what, left, right) in [
        ("page size", &ours["page_size"], &theirs["header"]["page_size"]),
        ("state", &ours["state_code"], &theirs["header"]["dbstate"]),
        ("pages", &ours["pages"], &theirs["stats"]["pages"]),
        ("zeroed", &ours["zeroed"], &theirs["stats"]["zeroed"]),
    ] {
        if left != right {
            return Err(format!("{what}: ours {left}, the checker's {right}").into());
        }
    }
    // The checker looks at every page of the file; pages beyond the last owned one belong to
    // nobody, and the tool only counts them.
    let last_owned = ours["last_owned_page"].as_u64().unwrap_or(u64::MAX);
    let (owned, beyond): (BTreeSet<u64>, BTreeSet<u64>) =
        expected.iter().copied().partition(|&page| page <= last_owned);
    if numbers != owned || ours["damaged_beyond_count"] != beyond.len() {
        return Err(format!("damaged: ours {ours}, the checker's {expected:?}").into());
    }
    depth(ours, checker, database)?;
    Ok(format!("{state:18} {:>5} {:>6} {:>7}", ours["page_size"], ours["pages"], numbers.len()))
}

/// Compares whether there is an error in the depth: the logs beside are not the checkers' matter,
/// and what they call an error that a repair left is a note here.
fn depth(ours: &Value, checker: &Path, database: &Path) -> Outcome {
    let errors: BTreeSet<&str> = ours["counts"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|count| count["severity"] == "error")
        .filter_map(|count| count["code"].as_str())
        .filter(|code| !code.starts_with("logs") && !code.starts_with("trailer"))
        .collect();
    let mut theirs = false;
    for script in [checker.to_owned(), checker.with_file_name("ese_index_check.py")] {
        let status = Command::new("python3")
            .arg("-B")
            .arg(script)
            .args(["--json", "--max", "0"])
            .arg(database)
            .output()?
            .status;
        theirs |= status.code() == Some(1);
    }
    let repaired = ours["counts"].to_string().contains("root-flag-repaired");
    if errors.is_empty() == theirs && !repaired {
        return Err(format!("errors: ours {errors:?}, the checkers found any: {theirs}").into());
    }
    Ok(())
}

/// Hosts, backs up, restores, compares.
fn round_trip(tool: &Path, database: &Path) -> Outcome<String> {
    let scratch = tempfile::tempdir()?;
    let hosting = Hosting { tool, dit: database, scratch: scratch.path(), restore_mode: false };
    let service = match Service::start(&hosting) {
        Ok(service) => service,
        Err(reason) => return Ok(format!("refused: {}", first_reason(&reason.to_string()))),
    };
    let online = Command::new(tool).args(["--quiet", "online"]).arg(&service.socket).status()?;
    if !online.success() {
        let log = std::fs::read_to_string(scratch.path().join("service.log"))?;
        return Ok(format!("refused: {}", first_reason(&log)));
    }
    let set = scratch.path().join("set");
    let backup =
        Command::new(tool).arg("backup").arg(&service.socket).arg("--out").arg(&set).output()?;
    if !backup.status.success() {
        return Ok(format!("refused: {}", first_reason(&said(&backup))));
    }
    drop(service);
    let target = scratch.path().join("restored");
    let restore = Command::new(tool)
        .args(["restore", "--no-recover"])
        .arg(&set)
        .arg("--to")
        .arg(&target)
        .output()?;
    if !restore.status.success() {
        return Err(format!("restore: {}", said(&restore)).into());
    }
    let manifest: Value = serde_json::from_slice(&std::fs::read(set.join("manifest.json"))?)?;
    let files = manifest["files"].as_array().ok_or("no files in the manifest")?;
    let home = database.parent().unwrap_or(Path::new("."));
    for file in files {
        let name = file["name"].as_str().ok_or("a file without a name")?;
        let source = source_of(home, name)?;
        let expected = std::fs::read(&source)?;
        for copy in [set.join(name), target.join(name)] {
            if std::fs::read(&copy)? != expected {
                return Err(format!("{} differs from {}", copy.display(), source.display()).into());
            }
        }
        check_hash(&set.join(name), file["blake3"].as_str().unwrap_or_default())?;
    }
    Ok(format!("equal ({} files)", files.len()))
}

/// The file of the hosted folder that `name` in a set was made of. The current log goes into a set
/// under the name of its generation.
fn source_of(home: &Path, name: &str) -> Outcome<PathBuf> {
    let base = Path::new(name).file_name().and_then(|n| n.to_str()).ok_or("a strange name")?;
    let direct = home.join(base);
    if direct.exists() {
        return Ok(direct);
    }
    let (stem, extension) = base.split_once('.').ok_or("a log without an extension")?;
    let current = home.join(format!("{}.{extension}", stem.get(..3).unwrap_or(stem)));
    if current.exists() {
        Ok(current)
    } else {
        Err(format!("nothing is the source of {base}").into())
    }
}

fn check_hash(path: &Path, expected: &str) -> Outcome {
    let Ok(output) = Command::new("b3sum").arg("--no-names").arg(path).output() else {
        return Ok(());
    };
    let found = String::from_utf8_lossy(&output.stdout);
    if found.trim() == expected {
        Ok(())
    } else {
        Err(format!("{}: manifest {expected}, b3sum {found}", path.display()).into())
    }
}

fn first_reason(text: &str) -> String {
    let mut lines = text.lines().filter(|l| !l.trim().is_empty() && !l.contains("does not answer"));
    let line = lines.next().unwrap_or_default();
    line.chars().take(150).collect()
}
