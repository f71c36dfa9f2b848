//! `dsbackup log`: what transaction logs hold, file by file or record by record.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese::check::Severity;
use ese::logs::chain::{self, LogReport};
use ese::logs::{LogError, LogReader};
use ese_format::LogPosition;
use ese_format::log::record::{LogRecord, RecordValue};
use serde::Serialize;
use serde_json::{Map, Value, json};
use vfs::Storage;
use vfs::os::Os;

use crate::cli::dump::ended;
use crate::cli::found::{Found, find};
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::output::human::count;

/// Show what transaction logs hold.
///
/// Of each file: its records by type, from where to where, how it ends, what is wrong. With
/// --records every record in a line: its position, its type, and its fields; docs/log.md has the
/// form. Keys and data are shown as their lengths. A folder is all its logs, by generation.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    dsbackup log /mnt/dc1/Windows/NTDS\n  \
    dsbackup log edb00012.log --records | grep Split2\n  \
    dsbackup log edb00012.log --records --json\n\n\
    Exit code 1 with errors, 3 if a record cannot be read (those before it are shown).")]
pub(crate) struct Log {
    /// Logs, and folders with logs.
    #[arg(required = true, value_name = "FILE|DIR")]
    path: Vec<PathBuf>,

    /// Every record.
    #[arg(long)]
    records: bool,
}

/// The result of a run.
#[derive(Debug, Serialize)]
struct Summary {
    ok: bool,
    logs: Vec<LogSummary>,
    records: u64,
}

/// What a log file holds.
#[derive(Debug, Serialize)]
struct LogSummary {
    path: String,
    generation: Option<u32>,
    records: u64,
    types: Map<String, Value>,
    first_record: Option<String>,
    last_record: Option<String>,
    ended: bool,
    patched_segments: u32,
    findings: Vec<String>,
}

pub(crate) fn run(args: &Log, output: &Output) -> Result<Exit, Failure> {
    let storage: Arc<dyn Storage> = Arc::new(Os);
    let mut paths = Vec::new();
    for path in &args.path {
        paths.extend(logs_at(&storage, path)?);
    }
    if args.records {
        return records(&storage, &mut paths, output);
    }
    let interrupt = Interrupt::install()?;
    let total = paths.iter().map(|path| storage.metadata(path).map_or(0, |found| found.len)).sum();
    let bars = output.progress(total, &interrupt);
    let reports = chain::check(storage.as_ref(), &paths, &bars.counting())?;
    drop(bars);
    for report in &reports {
        output.text(text(report, output));
    }
    let summary = Summary {
        ok: reports.iter().all(LogReport::is_good),
        records: reports.iter().map(LogReport::records).sum(),
        logs: reports.iter().map(LogSummary::of).collect(),
    };
    output.summary("log", &summary);
    Ok(if summary.ok { Exit::Done } else { Exit::Findings })
}

/// The logs at a path.
fn logs_at(storage: &Arc<dyn Storage>, path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for found in find(storage, path)? {
        match found {
            Found::Log { path } => paths.push(path),
            Found::Logs { paths: all, .. } => paths.extend(all),
            Found::Set { path, .. } => {
                paths.extend(logs_at(storage, &path.join(backup_set::name::LOGS))?);
            }
            _ => {}
        }
    }
    if paths.is_empty() {
        return Err(Failure::new(Exit::Unusable, format!("{}: no logs", path.display()))
            .advise("Name a log such as edb.log, or a folder with logs."));
    }
    Ok(paths)
}

/// Shows every record.
fn records(
    storage: &Arc<dyn Storage>,
    paths: &mut [PathBuf],
    output: &Output,
) -> Result<Exit, Failure> {
    let mut readers = Vec::new();
    for path in paths.iter() {
        let header = LogReader::open(storage.as_ref(), path).map_err(unreadable)?;
        readers.push((header.header().generation, path.clone()));
    }
    readers.sort();
    let mut out = std::io::BufWriter::new(output.stream());
    for (_, path) in readers {
        let mut reader = LogReader::open(storage.as_ref(), &path).map_err(unreadable)?;
        loop {
            let written = match reader.next_record() {
                Ok(None) => break,
                Ok(Some((position, bytes))) => {
                    let line = line(output, position, bytes).map_err(|text| {
                        let text = format!("{}: at {position}: {text}", path.display());
                        Failure::new(Exit::Unusable, text)
                    })?;
                    writeln!(out, "{line}")
                }
                Err(error) => {
                    let _ = out.flush();
                    return Err(unreadable(error));
                }
            };
            if let Err(error) = written {
                return ended(&error);
            }
        }
    }
    match out.flush() {
        Ok(()) => Ok(Exit::Done),
        Err(error) => ended(&error),
    }
}

/// A record in a line.
fn line(output: &Output, position: LogPosition, bytes: &[u8]) -> Result<String, String> {
    let (record, _) = LogRecord::parse(bytes).map_err(|error| error.to_string())?;
    if !output.is_json() {
        return Ok(format!("{position} {record}"));
    }
    let mut fields = Map::new();
    fields.insert("position".to_owned(), position.to_string().into());
    fields.insert("bytes".to_owned(), bytes.len().into());
    fields.insert("type".to_owned(), record.kind().to_string().into());
    record.fields(&mut |name, value| {
        fields.insert(name.to_owned(), to_json(&value));
    });
    serde_json::to_string(&fields).map_err(|error| error.to_string())
}

/// A field's value in JSON: numbers as numbers, what is not there as null, bytes as their number.
fn to_json(value: &RecordValue<'_>) -> Value {
    match value {
        RecordValue::Number(number) | RecordValue::Hex(number) => (*number).into(),
        RecordValue::Signed(number) => (*number).into(),
        RecordValue::Page(page) => page.0.into(),
        RecordValue::Bytes(bytes) => bytes.len().into(),
        RecordValue::Flags { bits, .. } => {
            json!({ "bits": bits, "names": value.flag_names().collect::<Vec<_>>() })
        }
        RecordValue::Pages(_) | RecordValue::Emptied(_) => {
            value.pages().map(|page| page.0).collect()
        }
        RecordValue::Text(text) => text.to_string().into(),
        RecordValue::Backup(backup) => backup.to_string().into(),
        RecordValue::DbTime(dbtime) if value.to_string() != "-" => dbtime.0.into(),
        other => match other.to_string() {
            text if text == "-" => Value::Null,
            text => text.into(),
        },
    }
}

fn unreadable(error: LogError) -> Failure {
    match error {
        LogError::Storage(error) => error.into(),
        // Its text says what to do.
        error if !error.is_damage() => Failure::new(Exit::Unusable, error.to_string()),
        error => Failure::new(Exit::Unusable, error.to_string())
            .advise("Use another copy of this log; dsbackup verify says what else is damaged."),
    }
}

fn text(report: &LogReport, output: &Output) -> String {
    let mut text = output.style().title(&report.path.display().to_string());
    if let Some(header) = &report.header {
        let generation = header.generation;
        text.push_str(&format!(": generation {generation}, {}", header.version()));
    }
    if let Some((first, last)) = report.range {
        let ended = if report.is_ended { ", ended there" } else { "" };
        let records = count(report.records(), "record");
        text.push_str(&format!(", {records}, {first} to {last}{ended}"));
    } else if report.is_good() {
        text.push_str(", no records");
    }
    let width = report.kinds.keys().map(|kind| kind.to_string().len()).max().unwrap_or(0);
    for (kind, number) in &report.kinds {
        text.push_str(&format!("\n    {:width$}  {number:>8}", kind.to_string()));
    }
    for finding in &report.findings {
        let what = match finding.severity {
            Severity::Error => output.style().bad(&format!("- {}", finding.what)),
            severity => format!("{severity}: {}", finding.what),
        };
        text.push_str(&format!("\n  {what}"));
    }
    text
}

impl LogSummary {
    fn of(report: &LogReport) -> Self {
        let kinds = report.kinds.iter();
        Self {
            path: report.path.display().to_string(),
            generation: report.header.as_ref().map(|header| header.generation.0),
            records: report.records(),
            types: kinds.map(|(kind, number)| (kind.to_string(), (*number).into())).collect(),
            first_record: report.range.map(|(first, _)| first.to_string()),
            last_record: report.range.map(|(_, last)| last.to_string()),
            ended: report.is_ended,
            patched_segments: report.patched,
            findings: report.findings.iter().map(|finding| finding.what.to_string()).collect(),
        }
    }
}
