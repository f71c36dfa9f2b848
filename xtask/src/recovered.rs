//! Every set of the corpus with logs, recovered by the tool and judged from outside.
//!
//! * what must come out: `dump` equals the dump that Microsoft's engine gives after its own
//!   recovery, `verify --level full` is clean, and so are the independent checkers beside the
//!   corpus (`esecheck.py`, `ese_index_check.py`) where the engine's own result is;
//! * what must be refused: the reason is printed.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::Corpus;

use crate::Outcome;
use crate::service::{said, tool};

/// The sets whose result is known, below the unpacked corpus: further arguments of `recover`, whose
/// values lie there too, and the dump if it is not the set's own `expected.jsonl`.
const CASES: [(&str, &[&str], &str); 17] = [
    ("crash_8k_a/files", &[], ""),
    ("crash_8k_b/files", &[], ""),
    ("crash_8k_c/files", &[], ""),
    ("crash_8k_d/files", &[], ""),
    ("crash_8k_e/files", &[], ""),
    ("crash_8k_f/files", &[], ""),
    ("crash_8k_new/files", &[], ""),
    ("crash_4k_a/files", &[], ""),
    ("crash_32k_a/files", &[], ""),
    ("backup_8k/files/full", &[], ""),
    ("ntds-2019-dirty/files", &[], ""),
    ("ntds-2019-backup/files/full", &[], ""),
    ("ntds-2019-vss/files", &[], ""),
    (
        "srum-server2022/day0",
        &["--db", "srum-server2022/day0/SRUDB.dat", "--logs", "srum-server2022/chain"],
        "srum-server2022/day1.expected.jsonl.zst",
    ),
    ("srum-server2022/chain", &[], "srum-server2022/day1.expected.jsonl.zst"),
    ("srum-server2022/day1", &[], "srum-server2022/day1.expected.jsonl.zst"),
    ("srum-win10-belkasoft/dirty", &[], "srum-win10-belkasoft/recovered.expected.jsonl.zst"),
];

/// What else Windows left, and the exit code that it must give.
const OTHERS: [(&str, i32); 14] = [
    ("ntds-2019-goad", 0),
    ("ntds-2003-didier", 0),
    ("srum-server2022/day0", 0),
    ("srum-win10-apt", 0),
    ("srum-win10-rathbun/before", 0),
    ("srum-win10-rathbun/after", 0),
    ("srum-win11-rathbun-2202/before", 0),
    ("srum-win11-rathbun-2202/after", 0),
    ("wsearch-win10-rathbun/Clean", 0),
    ("wsearch-win10-rathbun/Dirty", 3),
    ("qmgr-26100", 3),
    ("ntds-2012r2-bits", 3),
    ("ual/2019-dissect", 0),
    ("ual/2012r2-szechuan/Current.mdb", 3),
];

pub(crate) fn run(_: &[String]) -> Outcome {
    let Some(corpus) = testkit::corpus() else { return Ok(()) };
    let tool = tool()?;
    let mut wrong = Vec::new();
    for (path, more, expected) in CASES {
        let judged = judge(&tool, corpus, path, more, expected);
        println!("{path:34} {}", judged.as_ref().map_or_else(ToString::to_string, Clone::clone));
        if judged.is_err() {
            wrong.push(path);
        }
    }
    for (path, code) in OTHERS {
        let output = Command::new(&tool)
            .args(["recover", "--dry-run"])
            .arg(corpus.unpacked().join(path))
            .output()?;
        let text = said(&output);
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let line = line.replace(&format!("{}/", corpus.unpacked().display()), "");
        let found = output.status.code();
        println!("{path:34} {}: {line}", if found == Some(code) { "as it must" } else { "WRONG" });
        if found != Some(code) {
            wrong.push(path);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("not as they must be: {wrong:?}").into()) }
}

/// Recovers, dumps, verifies, and lets the independent checkers look.
fn judge(
    tool: &Path,
    corpus: &Corpus,
    path: &str,
    more: &[&str],
    expected: &str,
) -> Outcome<String> {
    let unpacked = corpus.unpacked();
    let scratch = tempfile::tempdir()?;
    let out = scratch.path().join("out");
    let mut recover = Command::new(tool);
    recover.args(["--json", "recover"]).arg(unpacked.join(path)).arg("--out").arg(&out);
    for argument in more {
        match argument.starts_with("--") {
            true => recover.arg(argument),
            false => recover.arg(unpacked.join(argument)),
        };
    }
    let recovered = recover.output()?;
    if !recovered.status.success() {
        return Err(format!("recover: {}", said(&recovered)).into());
    }
    let database = only_database(&out)?;
    let set = unpacked.join(path.split('/').next().unwrap_or(path));
    let expected = match expected.is_empty() {
        true => std::fs::read(set.join("expected.jsonl"))?,
        false => testkit::unpack(&corpus.archives().join(expected)),
    };
    let dump = Command::new(tool).args(["--quiet", "dump"]).arg(&database).output()?;
    if !dump.status.success() || dump.stdout != expected {
        return Err(format!("the dump differs: {}", String::from_utf8_lossy(&dump.stderr)).into());
    }
    let verify =
        Command::new(tool).args(["--json", "verify", "--level", "full"]).arg(&database).output()?;
    if !verify.status.success() {
        return Err(format!("verify: {}", said(&verify)).into());
    }
    let theirs = ["recovered/test.edb", "restored/test.edb"].map(|path| set.join(path));
    let theirs = theirs.into_iter().find(|path| path.exists());
    checkers(corpus.archives(), &database, theirs.as_deref())?;
    let lines = expected.iter().filter(|byte| **byte == b'\n').count();
    Ok(format!("equal, {lines} lines; verify and both checkers clean"))
}

/// Runs the independent checkers: they find nothing, or what they find in the engine's own result.
fn checkers(archives: &Path, database: &Path, theirs: Option<&Path>) -> Outcome {
    for script in ["esecheck.py", "ese_index_check.py"] {
        let check = |database: &Path| -> Outcome<(Option<i32>, Value)> {
            let output = Command::new("python3")
                .arg("-B")
                .arg(archives.join("../tools").join(script))
                .args(["--json", "--max", "1000"])
                .arg(database)
                .output()?;
            let text = String::from_utf8_lossy(&output.stdout);
            let found = serde_json::from_str::<Value>(&text).unwrap_or_default();
            Ok((output.status.code(), found["findings"].clone()))
        };
        let (code, findings) = check(database)?;
        if code == Some(0) {
            continue;
        }
        let same = theirs.is_some_and(|theirs| check(theirs).is_ok_and(|(other, _)| other == code));
        if !same {
            return Err(format!("{script}: {findings}").into());
        }
    }
    Ok(())
}

/// The only file of a folder that is neither a log nor a checkpoint.
fn only_database(folder: &Path) -> Outcome<PathBuf> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if ![".log", ".chk", ".jfm"].iter().any(|end| name.ends_with(end)) {
            return Ok(path);
        }
    }
    Err(format!("{}: no database in it", folder.display()).into())
}
