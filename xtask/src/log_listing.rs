//! `dsbackup log --records` over every log of the corpus, beside the independent reader of logs
//! (`eselogcheck.py --records`, beside the corpus): position, type, size, session, page, line,
//! dbtimes and transaction of every record. The sets that carry the engine's own listings are
//! compared with these in the tests of crate `ese`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Outcome;
use crate::service::{said, tool};

/// Fields by the reader's names and by ours.
const FIELDS: [(&str, &str); 6] = [
    ("procid", "session"),
    ("pgno", "page"),
    ("iline", "line"),
    ("dbtime", "dbtime"),
    ("dbtimeBefore", "before"),
    ("trx", "trx"),
];

pub(crate) fn run(_: &[String]) -> Outcome {
    let Some(corpus) = testkit::corpus() else { return Ok(()) };
    let checker = corpus.archives().join("../tools/eselogcheck.py");
    let tool = tool()?;
    let mut logs = Vec::new();
    find(corpus.unpacked(), &mut logs)?;
    let (mut records, mut fields) = (0, 0);
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for log in &logs {
        let ours = Command::new(&tool).args(["--json", "log", "--records"]).arg(log).output()?;
        if !ours.status.success() {
            return Err(said(&ours).into());
        }
        let ours = String::from_utf8(ours.stdout)?;
        let theirs =
            Command::new("python3").arg("-B").arg(&checker).arg("--records").arg(log).output()?;
        let theirs = String::from_utf8(theirs.stdout)?;
        let theirs: Vec<Line<'_>> = theirs.lines().filter_map(Line::parse).collect();
        let ours: Vec<Value> = ours.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        if ours.len() != theirs.len() {
            let text = format!("{} records, the reader has {}", ours.len(), theirs.len());
            return Err(format!("{}: {text}", log.display()).into());
        }
        for (our, their) in ours.iter().zip(&theirs) {
            fields +=
                their.compare(our).map_err(|what| format!("{}: {what}: {our}", log.display()))?;
            let kind = our["type"].as_str().unwrap_or_default();
            names.entry(their.kind.to_owned()).or_default().insert(kind.to_owned());
            *kinds.entry(kind.to_owned()).or_default() += 1;
            records += 1;
        }
    }
    for (kind, number) in &kinds {
        println!("{kind:28} {number:>8}");
    }
    println!(
        "{} logs, {records} records of {} types, {fields} fields: equal",
        logs.len(),
        kinds.len()
    );
    // Each type has one name here and one there.
    match names.iter().find(|(_, ours)| ours.len() > 1) {
        None => Ok(()),
        Some((name, ours)) => Err(format!("{name} is {ours:?} here").into()),
    }
}

/// The logs that count below a folder.
fn find(folder: &Path, found: &mut Vec<PathBuf>) -> Outcome {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_dir() {
            find(&path, found)?;
        } else if name.ends_with(".log") && !name.ends_with("tmp.log") {
            found.push(path);
        }
    }
    Ok(())
}

/// A line of the reader's listing.
struct Line<'a> {
    position: &'a str,
    kind: &'a str,
    bytes: u64,
    fields: BTreeMap<&'a str, &'a str>,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (position, kind, bytes) = (words.next()?, words.next()?, words.next()?);
        let is_position = position.split(':').count() == 3;
        let fields = words.filter_map(|word| word.split_once('=')).collect();
        is_position.then(|| Some(Self { position, kind, bytes: bytes.parse().ok()?, fields }))?
    }

    /// How many fields were compared, or what differs.
    fn compare(&self, ours: &Value) -> Result<u64, String> {
        let position = ours["position"].as_str().unwrap_or_default();
        if !same_place(position, self.position) || ours["bytes"] != self.bytes {
            return Err(format!("{} {} of {} bytes", self.position, self.kind, self.bytes));
        }
        let mut compared = 0;
        for (theirs, name) in FIELDS {
            let (Some(their), Some(our)) = (self.fields.get(theirs), ours.get(name)) else {
                continue;
            };
            // None is written as a number of ones there.
            let same = match our.as_u64() {
                Some(number) => their.parse() == Ok(number),
                None => matches!(their.parse(), Ok(u64::MAX | 0) | Err(_)),
            };
            if !same {
                return Err(format!("{} {theirs}={their}", self.position));
            }
            compared += 1;
        }
        Ok(compared)
    }
}

/// Whether two positions are one place. Behind the filling at the end of a segment a record has
/// the position before the filling, as in the engine's own listing; the reader gives the beginning
/// of the next segment.
fn same_place(ours: &str, theirs: &str) -> bool {
    let parts = |text: &str| -> Option<[u32; 3]> {
        let mut numbers = text.split(':').map(|number| u32::from_str_radix(number, 16));
        Some([numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?])
    };
    match (parts(ours), parts(theirs)) {
        (Some(ours), Some(theirs)) if ours == theirs => true,
        (Some([generation, sector, _]), Some(theirs)) => theirs == [generation, sector + 1, 0],
        _ => false,
    }
}
