//! Reading, measured beside everything else that reads ESE databases, in the same run.
//!
//! * Scan: every value of every row of every table decoded, for real databases.
//! * Seek: rows found by random keys of the primary and of a secondary index, with the file in the
//!   kernel's memory and without.
//! * Verify: `verify --level full` beside the independent checkers, where they are.
//!
//! The others are what their registries have; [`tools`] gets them. A value is what a reader gives
//! as not null, and each counts defaults and multi-values in its own way; rows are what can be
//! compared. A tool that is not to be had is said to be missing. A timing never makes the chore
//! fail.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::service::{build, release_directory, tool};
use crate::{Outcome, root};

mod tools;

use tools::Tools;

/// What is scanned: databases of the corpus, by set and file.
const SCANNED: &[&str] = &[
    "ntds-2019-goad/ntds.dit",
    "ntds-2003-didier/ntds.dit",
    "ese-small/large.edb",
    "wsearch-win10-rathbun/Clean/Windows.edb",
    "srum-misc/win10-19041-goese/SRUDB.dat",
];
/// Where rows are sought: database, table, a primary and a secondary index.
const SOUGHT: (&str, &str, [&str; 2]) =
    ("ntds-2019-goad/ntds.dit", "datatable", ["DNT_index", "PDNT_index"]);
const SEEKS: &str = "4000";
/// Runs of what is fast; what is slow runs once.
const RUNS: usize = 5;
const SLOW: f64 = 2.0;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let corpus = testkit::corpus().ok_or("no corpus to read")?.unpacked();
    build(&["--package", "ese", "--example", "scan", "--example", "seek"])?;
    let ours = release_directory().join("examples");
    let tools = Tools::get()?;
    for missing in &tools.missing {
        println!("not measured: {missing}");
    }
    let wanted = |name: &str| {
        arguments.is_empty() || arguments.iter().any(|argument| name.contains(argument.as_str()))
    };
    let scratch = tempfile::Builder::new().prefix("dsbackup-bench-").tempdir()?;
    for name in SCANNED.iter().filter(|name| wanted(name)) {
        scans(&tools, &ours.join("scan"), &corpus.join(name), scratch.path())?;
    }
    if wanted("seek") {
        seeks(&tools, &ours.join("seek"), &corpus.join(SOUGHT.0), scratch.path())?;
    }
    if wanted("verify") {
        verifies(&corpus.join(SCANNED[0]), scratch.path())?;
    }
    Ok(())
}

/// What a command took.
#[derive(Debug, Clone, Default)]
struct Taken {
    wall: f64,
    cpu: f64,
    peak_mib: f64,
    output: String,
}

fn scans(tools: &Tools, scan: &Path, file: &Path, scratch: &Path) -> Outcome {
    let megabytes = std::fs::metadata(file)?.len() as f64 / 1e6;
    println!("\nscan {} ({megabytes:.1} MB)", file.display());
    println!(
        "{:32} {:>8} {:>9} {:>7} {:>8} {:>8} {:>8} {:>10} {:>7} {:>9}",
        "reader",
        "rows",
        "values",
        "failed",
        "wall s",
        "CPU s",
        "MB/s",
        "rows/s",
        "MiB",
        "ours CPU"
    );
    let text = file.to_string_lossy().into_owned();
    let mut one = Vec::new();
    for threads in 1..=std::thread::available_parallelism()?.get().min(2) {
        let mut command = Command::new(scan);
        command.args([&text, "--threads", &threads.to_string()]);
        let taken = measure(&mut command, scratch, None)?;
        show(&format!("ours, {threads} thread(s)"), &taken, megabytes, one.first());
        one.push(taken);
    }
    let first = one.first();
    for (name, mut command) in tools.scans(&text) {
        match measure(&mut command, scratch, None) {
            Ok(taken) => show(&name, &taken, megabytes, first),
            Err(reason) => println!("{name:32} {reason}"),
        }
    }
    if let Some(mut export) = tools.export(&text, scratch) {
        let taken = measure(&mut export, scratch, None);
        let rows = exported_rows(&tools::export_folder(scratch));
        match taken {
            Ok(taken) => {
                let output = format!("rows={rows} values=? failed=?");
                let name = format!("esedbexport {}, to files", tools.export_version);
                show(&name, &Taken { output, ..taken }, megabytes, first);
            }
            Err(reason) => println!("esedbexport: {reason}"),
        }
    }
    Ok(())
}

/// Rows of all tables that esedbexport wrote: lines of its files, less a headline each. Line ends
/// within a value count too.
fn exported_rows(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let contents = files.filter_map(|entry| std::fs::read(entry.path()).ok());
    let rows = contents
        .map(|content| content.iter().filter(|&&byte| byte == b'\n').count().saturating_sub(1))
        .sum();
    drop(std::fs::remove_dir_all(folder));
    rows
}

fn show(name: &str, taken: &Taken, megabytes: f64, ours: Option<&Taken>) {
    let field = |key| field(&taken.output, key).unwrap_or("?").to_owned();
    let rows = field("rows=");
    let rows_per_second =
        rows.parse::<f64>().map_or("?".to_owned(), |rows| format!("{:.0}", rows / taken.wall));
    let times = ours.map_or(String::new(), |ours| format!("{:8.1}x", taken.cpu / ours.cpu));
    println!(
        "{name:32} {rows:>8} {:>9} {:>7} {:8.3} {:8.3} {:8.1} {rows_per_second:>10} {:7.1} \
         {times:>9}",
        field("values="),
        field("failed="),
        taken.wall,
        taken.cpu,
        megabytes / taken.wall,
        taken.peak_mib,
    );
}

fn seeks(tools: &Tools, seek: &Path, file: &Path, scratch: &Path) -> Outcome {
    let (_, table, indexes) = SOUGHT;
    println!("\nseek in {}, {table}, {SEEKS} random keys", file.display());
    println!("{:52} {:>10} {:>12}", "what", "found", "seeks/s");
    let keys = scratch.join("keys");
    for index in indexes {
        let sample =
            Command::new(seek).arg(file).args([table, index, "--sample", SEEKS]).output()?;
        std::fs::write(&keys, &sample.stdout)?;
        for cold in [Some(file), None] {
            let mut command = Command::new(seek);
            command.arg(file).args([table, index, "--keys"]).arg(&keys);
            let taken = measure(&mut command, scratch, cold)?;
            let memory = if cold.is_some() { "file not in memory" } else { "file in memory" };
            for (line, pass) in taken.output.lines().zip(["first", "second"]) {
                show_seeks(&format!("ours, {index}, {memory}, {pass} pass"), line);
            }
        }
        let mut dissect = tools.seek(file, table, index, &keys);
        match measure_once(&mut dissect, scratch, None) {
            Ok(taken) => show_seeks(&format!("dissect.database, {index}"), &taken.output),
            Err(reason) => println!("dissect.database, {index}: {reason}"),
        }
    }
    Ok(())
}

fn show_seeks(name: &str, line: &str) {
    let number = |key| field(line, key).and_then(|text| text.parse::<f64>().ok());
    let found = field(line, "found=").unwrap_or("?");
    let rate = match (number("seeks="), number("seconds=")) {
        (Some(seeks), Some(seconds)) => format!("{:.0}", seeks / seconds),
        _ => "?".to_owned(),
    };
    println!("{name:52} {found:>10} {rate:>12}");
}

fn verifies(real: &Path, scratch: &Path) -> Outcome {
    let tool = tool()?;
    let big = scratch.join("big.edb");
    for (file, megabytes) in [(real, 0), (&big, 200), (&big, 2000)] {
        if megabytes > 0 {
            testkit::big::write(&big, "clean_8k", megabytes * 1_000_000)?;
        }
        let size = std::fs::metadata(file)?.len() as f64 / 1e6;
        println!("\nverify {} ({size:.0} MB)", file.display());
        println!("{:40} {:>8} {:>8} {:>8} {:>7}", "what", "wall s", "CPU s", "MB/s", "MiB");
        let mut commands = Vec::new();
        for level in ["pages", "full"] {
            let mut verify = Command::new(&tool);
            verify.args(["--quiet", "verify", "--level", level]).arg(file);
            commands.push((format!("dsbackup verify --level {level}"), verify));
        }
        if megabytes <= 200 {
            commands.extend(checkers(file));
        }
        for (name, mut command) in commands {
            match measure(&mut command, scratch, None) {
                Ok(Taken { wall, cpu, peak_mib, .. }) => {
                    let speed = size / wall;
                    println!("{name:40} {wall:8.3} {cpu:8.3} {speed:8.1} {peak_mib:7.1}");
                }
                Err(reason) => println!("{name:40} {reason}"),
            }
        }
    }
    Ok(())
}

/// The independent checkers, where they lie beside the repository.
fn checkers(file: &Path) -> Vec<(String, Command)> {
    let folder = root().join("../shared/tools");
    let scripts = ["esecheck.py", "ese_index_check.py"].into_iter();
    let present = scripts.filter(|script| folder.join(script).is_file());
    present
        .map(|script| {
            let mut command = Command::new("python3");
            command.arg("-B").arg(folder.join(script)).arg(file);
            (script.to_owned(), command)
        })
        .collect()
}

/// What a command takes: the median by CPU of several runs, of one run if it is slow.
fn measure(command: &mut Command, scratch: &Path, cold: Option<&Path>) -> Outcome<Taken> {
    let mut all = Vec::new();
    while all.len() < RUNS {
        let taken = measure_once(command, scratch, cold)?;
        let slow = taken.wall > SLOW;
        all.push(taken);
        if slow {
            break;
        }
    }
    all.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
    Ok(all.swap_remove(all.len() / 2))
}

fn measure_once(command: &mut Command, scratch: &Path, cold: Option<&Path>) -> Outcome<Taken> {
    drop(std::fs::remove_dir_all(tools::export_folder(scratch)));
    let output = scratch.join("output");
    let mut measured = Command::new("python3");
    measured.arg("-B").arg(baselines().join("measure.py"));
    if let Some(file) = cold {
        measured.arg("--cold").arg(file);
    }
    measured.arg(&output).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        measured.env(name, value.unwrap_or_default());
    }
    let ended = measured.output()?;
    let said = String::from_utf8_lossy(&ended.stderr);
    if !ended.status.success() {
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no word");
        return Err(format!("failed ({}): {}", ended.status, last.trim()).into());
    }
    let line = String::from_utf8_lossy(&ended.stdout);
    let number = |key| -> Outcome<f64> { Ok(field(&line, key).ok_or("measure.py")?.parse()?) };
    Ok(Taken {
        wall: number("wall=")?,
        cpu: number("cpu=")?,
        peak_mib: number("peak_kib=")? / 1024.0,
        output: String::from_utf8_lossy(&std::fs::read(&output)?).into_owned(),
    })
}

/// The word behind `key`, as in `rows=12`.
fn field<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split_whitespace().find_map(|word| word.strip_prefix(key))
}

fn baselines() -> PathBuf {
    root().join("xtask/bench-baselines")
}
