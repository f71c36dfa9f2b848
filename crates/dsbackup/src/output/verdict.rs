//! What `verify` says: the JSON form, and the text made from it.

use backup_set::SetReader;
use backup_set::verify::{Content, FileReport, SetReport};
use ese::check::Severity;
use ese::logs::chain::LogReport;
use serde::Serialize;

pub(crate) use crate::output::database_verdict::DatabaseVerdict;
use crate::output::human::{Style, count, size};
use crate::output::recovery::Recovery;

/// The result of a run of `verify`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Verdicts {
    pub(crate) ok: bool,
    pub(crate) databases: Vec<DatabaseVerdict>,
    pub(crate) logs: Vec<LogVerdict>,
    pub(crate) sets: Vec<SetVerdict>,
    /// What replaying the sets did, where it was asked for.
    pub(crate) replays: Vec<Recovery>,
}

/// What verifying a log found.
#[derive(Debug, Serialize)]
pub(crate) struct LogVerdict {
    path: String,
    ok: bool,
    generation: Option<u32>,
    format: Option<String>,
    records: u64,
    first_record: Option<String>,
    last_record: Option<String>,
    ended: bool,
    patched_segments: u32,
    findings: Vec<String>,
    notes: Vec<String>,
    not_checked: Vec<&'static str>,
}

/// What verifying a set found.
#[derive(Debug, Serialize)]
pub(crate) struct SetVerdict {
    path: String,
    ok: bool,
    backup_id: String,
    files: Vec<FileVerdict>,
    findings: Vec<String>,
    notes: Vec<String>,
}

/// What verifying a file of a set found.
#[derive(Debug, Serialize)]
struct FileVerdict {
    name: String,
    ok: bool,
    size: u64,
    hash_ok: bool,
    database: Option<DatabaseVerdict>,
    findings: Vec<String>,
}

impl LogVerdict {
    pub(crate) fn of(report: &LogReport) -> Self {
        let texts = |wanted: fn(Severity) -> bool| -> Vec<String> {
            let found = report.findings.iter().filter(|finding| wanted(finding.severity));
            found.map(|finding| finding.what.to_string()).collect()
        };
        Self {
            path: report.path.display().to_string(),
            ok: report.is_good(),
            generation: report.header.as_ref().map(|header| header.generation.0),
            format: report.header.as_ref().map(|header| header.version().to_string()),
            records: report.records(),
            first_record: report.range.map(|(first, _)| first.to_string()),
            last_record: report.range.map(|(_, last)| last.to_string()),
            ended: report.is_ended,
            patched_segments: report.patched,
            findings: texts(|severity| severity == Severity::Error),
            notes: texts(|severity| severity < Severity::Error),
            not_checked: Vec::new(),
        }
    }

    pub(crate) fn text(&self, style: Style) -> String {
        let mut text = heading(&self.path, self.ok, self.findings.len(), style);
        if let Some(generation) = self.generation {
            text.push_str(&format!(", log {generation:#x}, {}", count(self.records, "record")));
        }
        list(&mut text, &self.findings, "", style);
        for note in &self.notes {
            text.push_str(&format!("\n  note: {note}"));
        }
        text
    }
}

impl SetVerdict {
    pub(crate) fn of(set: &SetReader, report: &SetReport) -> Self {
        let mut findings = Vec::new();
        if let Some(difference) = &report.token {
            findings.push(format!("token: {difference}"));
        }
        let notes = report.extra.iter().map(|name| format!("{name} is not in the manifest"));
        Self {
            path: set.dir().display().to_string(),
            ok: report.is_good(),
            backup_id: set.manifest().backup.id.clone(),
            files: report.files.iter().map(FileVerdict::of).collect(),
            findings,
            notes: notes.collect(),
        }
    }

    pub(crate) fn text(&self, style: Style) -> String {
        let findings =
            self.findings.len() + self.files.iter().map(|file| file.lines().count()).sum::<usize>();
        let mut text = heading(&self.path, self.ok, findings, style);
        let bytes = self.files.iter().fold(0u64, |sum, file| sum.saturating_add(file.size));
        text.push_str(&format!(
            "\n  {}, {}: sizes and BLAKE3 compared with the manifest",
            count(self.files.len() as u64, "file"),
            size(bytes)
        ));
        list(&mut text, &self.findings, "", style);
        for file in &self.files {
            let own: Vec<String> = file.lines().collect();
            list(&mut text, &own, &format!("{}: ", file.name), style);
            if let Some(database) = &file.database {
                text.push_str(&format!(
                    "\n  {}: {}, {} of {} checked",
                    file.name,
                    database.state,
                    count(database.pages, "page"),
                    database.page_size
                ));
                if let Some((first, last)) = database.logs_needed {
                    let logs = database.logs;
                    text.push_str(&format!("; needs logs {first:#x}-{last:#x}: {logs}"));
                }
            }
        }
        for note in &self.notes {
            text.push_str(&format!("\n  note: {note}"));
        }
        let mut not_checked: Vec<&str> = Vec::new();
        for part in self.files.iter().flat_map(|file| &file.database).flat_map(|d| &d.not_checked) {
            if !not_checked.contains(part) {
                not_checked.push(part);
            }
        }
        if !not_checked.is_empty() {
            text.push_str(&format!("\n  not checked: {}", not_checked.join(", ")));
        }
        text
    }
}

impl FileVerdict {
    fn of(report: &FileReport) -> Self {
        let mut findings = Vec::new();
        if let Some(difference) = &report.difference {
            findings.push(difference.to_string());
        }
        let mut database = None;
        match &report.content {
            Some(Content::Database(report)) => {
                database = Some(DatabaseVerdict::of("", report));
            }
            Some(Content::NoDatabase(e)) => findings.push(e.to_string()),
            Some(Content::NoLog(e)) => findings.push(e.to_string()),
            _ => {}
        }
        let name = report.entry.name.clone();
        if let Some(database) = &mut database {
            database.path.clone_from(&name);
        }
        Self {
            name,
            ok: report.is_good(),
            size: report.entry.size,
            hash_ok: report.difference.is_none(),
            database,
            findings,
        }
    }

    /// What is wrong with it, a line each.
    fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let inner = self.database.iter().flat_map(DatabaseVerdict::lines);
        self.findings.iter().cloned().chain(inner)
    }
}

pub(super) fn heading(path: &str, ok: bool, findings: usize, style: Style) -> String {
    let verdict =
        if ok { style.good("good") } else { style.bad(&count(findings as u64, "finding")) };
    format!("{}: {verdict}", style.title(path))
}

fn list(text: &mut String, findings: &[String], prefix: &str, style: Style) {
    for finding in findings.iter().take(SHOWN) {
        text.push_str(&format!("\n  {} {prefix}{finding}", style.bad("-")));
    }
    if findings.len() > SHOWN {
        text.push_str(&format!("\n  and {} more (all with --json)", findings.len() - SHOWN));
    }
}

/// Findings shown to people; JSON has all that were listed.
pub(super) const SHOWN: usize = 20;
