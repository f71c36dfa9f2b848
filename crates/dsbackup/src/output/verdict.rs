//! What `verify` says: the JSON form, and the text made from it.

use backup_set::SetReader;
use backup_set::verify::{Content, DatabaseReport, FileReport, Logs, SetReport, Trailer};
use ese::verify::PageRange;
use ese_format::header::HeaderCopy;
use ese_format::log_header::{LogHeader, LogHeaderError};
use serde::Serialize;

use crate::output::human::{Style, count, size};

/// The result of a run of `verify`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Verdicts {
    pub(crate) ok: bool,
    pub(crate) databases: Vec<DatabaseVerdict>,
    pub(crate) logs: Vec<LogVerdict>,
    pub(crate) sets: Vec<SetVerdict>,
}

/// What verifying a database found.
#[derive(Debug, Serialize)]
pub(crate) struct DatabaseVerdict {
    path: String,
    ok: bool,
    state: String,
    state_code: u32,
    page_size: u32,
    pages: u64,
    last_owned_page: Option<u32>,
    zeroed: u64,
    ecc: u64,
    xor: u64,
    damaged: Vec<u32>,
    damaged_count: u64,
    corrected: Vec<u32>,
    corrected_count: u64,
    damaged_beyond_count: u64,
    missing_pages: u32,
    tail_bytes: u64,
    header_used: String,
    header_primary: String,
    header_shadow: String,
    logs_needed: Option<(u32, u32)>,
    logs: &'static str,
    findings: Vec<String>,
    advice: Option<&'static str>,
    notes: Vec<String>,
    not_checked: Vec<&'static str>,
}

/// What verifying a log found.
#[derive(Debug, Serialize)]
pub(crate) struct LogVerdict {
    path: String,
    ok: bool,
    generation: Option<u32>,
    findings: Vec<String>,
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

impl DatabaseVerdict {
    pub(crate) fn of(path: &str, report: &DatabaseReport) -> Self {
        let DatabaseReport { shadowed, layout, pages, .. } = report;
        let (owned, beyond) = (&pages.owned, &pages.beyond);
        let trailer = u64::from(layout.trailer.is_some());
        let (logs_needed, logs) = logs(&report.logs);
        Self {
            path: path.to_owned(),
            ok: report.is_good(),
            state: shadowed.header.state.to_string(),
            state_code: shadowed.header.state.0,
            page_size: shadowed.page_size.get(),
            pages: u64::from(layout.pages) + trailer,
            last_owned_page: layout.last_owned.ok().map(|page| page.0),
            zeroed: owned.zeroed + beyond.zeroed,
            ecc: owned.ecc + beyond.ecc,
            xor: owned.xor + beyond.xor,
            damaged: owned.damaged.iter().map(|d| d.page.0).collect(),
            damaged_count: owned.damaged_count,
            corrected: owned.corrected.iter().map(|c| c.page.0).collect(),
            corrected_count: owned.corrected_count,
            damaged_beyond_count: beyond.damaged_count + beyond.corrected_count,
            missing_pages: pages.missing,
            tail_bytes: pages.tail,
            header_used: shadowed.used.to_string(),
            header_primary: shadowed.primary.to_string(),
            header_shadow: shadowed.shadow.to_string(),
            logs_needed,
            logs,
            findings: findings(report),
            advice: advice(report),
            notes: notes(report),
            not_checked: vec!["trees", "indexes", "records"],
        }
    }

    pub(crate) fn text(&self, style: Style) -> String {
        let mut text = heading(&self.path, self.ok, self.findings.len(), style);
        text.push_str(&format!(
            "\n  {}, page size {}, {}, the last owned one is {}\
             \n  {} checksummed, {} never written",
            self.state,
            self.page_size,
            count(self.pages, "page"),
            self.last_owned_page.map_or("not known".to_owned(), |page| page.to_string()),
            self.ecc + self.xor,
            self.zeroed,
        ));
        if let Some((first, last)) = self.logs_needed {
            text.push_str(&format!("\n  needs logs {first:#x}-{last:#x}: {}", self.logs));
        }
        list(&mut text, &self.findings, "", style);
        if let Some(advice) = self.advice {
            text.push_str(&format!("\n  what to do: {advice}"));
        }
        for note in &self.notes {
            text.push_str(&format!("\n  note: {note}"));
        }
        text.push_str(&format!("\n  not checked: {}", self.not_checked.join(", ")));
        text
    }
}

fn logs(logs: &Logs) -> (Option<(u32, u32)>, &'static str) {
    match logs {
        Logs::Present(range) => (Some((range.start().0, range.end().0)), "present"),
        Logs::NotLookedFor(range) => {
            (Some((range.start().0, range.end().0)), "there is no folder to look in")
        }
        Logs::Missing(ese::Error::MissingLogs { missing, .. }) => {
            let ends = missing.first().zip(missing.last());
            (ends.map(|(first, last)| (first.start().0, last.end().0)), "missing")
        }
        Logs::Missing(_) => (None, "not in sequence"),
        _ => (None, "not needed"),
    }
}

fn findings(report: &DatabaseReport) -> Vec<String> {
    let DatabaseReport { shadowed, layout, pages, .. } = report;
    let mut findings = Vec::new();
    for (copy, state) in
        [(HeaderCopy::Primary, shadowed.primary), (HeaderCopy::Shadow, shadowed.shadow)]
    {
        if !state.is_good() && !report.header_update_cut_short() {
            let used = shadowed.used;
            findings.push(format!("{copy} header: {state}; the {used} one is good and was used"));
        }
    }
    let size = shadowed.page_size;
    for damaged in &pages.owned.damaged {
        let (page, offset) = (damaged.page, damaged.page.file_offset(size));
        findings.push(format!("page {page} (offset {offset:#x}): {}", damaged.damage));
    }
    for corrected in &pages.owned.corrected {
        let bits: Vec<String> = corrected.correction.bits().map(|b| b.to_string()).collect();
        let (page, offset) = (corrected.page, corrected.page.file_offset(size));
        findings.push(format!(
            "page {page} (offset {offset:#x}): single wrong bit ({}), can be read corrected",
            bits.join(", ")
        ));
    }
    unlisted(&mut findings, &pages.owned);
    if pages.missing > 0 {
        let last = layout.last_judged();
        findings.push(format!(
            "the file ends after page {}, the database owns pages up to {last}",
            layout.pages
        ));
    }
    if layout.tail > 0 {
        findings.push(format!("{} bytes at the end are no whole page", layout.tail));
    }
    match &report.trailer {
        Trailer::Missing => findings
            .push("the trailer page of the backup is missing: the copy was cut short".to_owned()),
        Trailer::Mismatch(mismatch) => findings.push(mismatch.to_string()),
        _ => {}
    }
    if let Logs::Missing(error) = &report.logs {
        findings.push(error.to_string());
    }
    findings
}

/// What to do about the worst of the findings.
fn advice(report: &DatabaseReport) -> Option<&'static str> {
    let pages = &report.pages;
    if report.is_good() {
        None
    } else if !pages.pages_sound() || report.layout.tail > 0 {
        Some("Use a sound copy: restore a backup set. A backup of this file would fail.")
    } else if matches!(report.trailer, Trailer::Missing | Trailer::Mismatch(_)) {
        Some("Copy the file again from where it was backed up to, whole.")
    } else if matches!(report.logs, Logs::Missing(_)) {
        Some("Put the logs beside the database, or restore a backup set.")
    } else if pages.owned.corrected_count > 0 {
        Some("Back up and restore: a backup delivers the pages corrected. Check disk and memory.")
    } else {
        Some("Back up and restore: a backup delivers the good header twice.")
    }
}

fn unlisted(findings: &mut Vec<String>, pages: &PageRange) {
    let listed = (pages.damaged.len() + pages.corrected.len()) as u64;
    let more = (pages.damaged_count + pages.corrected_count).saturating_sub(listed);
    if more > 0 {
        findings.push(format!("and {}", count(more, "more such page")));
    }
}

fn notes(report: &DatabaseReport) -> Vec<String> {
    let DatabaseReport { shadowed, layout, pages, .. } = report;
    let mut notes = Vec::new();
    if let Err(unknown) = layout.last_owned {
        notes.push(format!("the last owned page is not known ({unknown}); every page was judged"));
    }
    if report.header_update_cut_short() {
        notes.push("an update of the headers was cut short; recovery goes by the primary".into());
    }
    if pages.owned.zeroed > 0 {
        notes.push(format!("{} of the database never written", count(pages.owned.zeroed, "page")));
    }
    let beyond = pages.beyond.damaged_count + pages.beyond.corrected_count;
    if beyond > 0 {
        notes.push(format!(
            "{} beyond the last owned one without a good checksum; it belongs to nobody",
            count(beyond, "page")
        ));
    }
    if pages.newer_than_header > 0 {
        notes.push(format!(
            "{} newer than the header of the clean database",
            count(pages.newer_than_header, "page")
        ));
    }
    if layout.trailer.is_some() {
        notes.push("the copy of a streaming backup, with its trailer page".to_owned());
    }
    if shadowed.header.is_dirty() {
        notes.push("not shut down: recovery has to replay the logs".to_owned());
    }
    notes
}

impl LogVerdict {
    pub(crate) fn of(path: &str, header: &Result<LogHeader, LogHeaderError>) -> Self {
        Self {
            path: path.to_owned(),
            ok: header.is_ok(),
            generation: header.as_ref().ok().map(|h| h.generation.0),
            findings: header.as_ref().err().map(ToString::to_string).into_iter().collect(),
            not_checked: vec!["records"],
        }
    }

    pub(crate) fn text(&self, style: Style) -> String {
        let mut text = heading(&self.path, self.ok, self.findings.len(), style);
        if let Some(generation) = self.generation {
            text.push_str(&format!(", log {generation:#x} (header checked, records not)"));
        }
        list(&mut text, &self.findings, "", style);
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
        let findings = self.findings.len()
            + self.files.iter().map(|file| file.findings().count()).sum::<usize>();
        let mut text = heading(&self.path, self.ok, findings, style);
        let bytes = self.files.iter().fold(0u64, |sum, file| sum.saturating_add(file.size));
        text.push_str(&format!(
            "\n  {}, {}: sizes and BLAKE3 compared with the manifest",
            count(self.files.len() as u64, "file"),
            size(bytes)
        ));
        list(&mut text, &self.findings, "", style);
        for file in &self.files {
            let own: Vec<String> = file.findings().cloned().collect();
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
        text.push_str("\n  not checked: trees, indexes, records");
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

    fn findings(&self) -> impl Iterator<Item = &String> {
        let inner = self.database.iter().flat_map(|database| &database.findings);
        self.findings.iter().chain(inner)
    }
}

fn heading(path: &str, ok: bool, findings: usize, style: Style) -> String {
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
const SHOWN: usize = 20;
