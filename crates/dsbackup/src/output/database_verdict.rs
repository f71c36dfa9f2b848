//! What `verify` says of a database: the JSON form, and the text made from it.

use backup_set::verify::{DatabaseReport, Logs, Trailer};
use ese::check::{Finding, Level, Severity, Statistics};
use ese::verify::{PageRange, PageReport};
use ese_format::header::DatabaseState;
use serde::Serialize;

use crate::output::human::{Style, count};
use crate::output::verdict::{SHOWN, heading};

/// What verifying a database found.
#[derive(Debug, Serialize)]
pub(crate) struct DatabaseVerdict {
    pub(super) path: String,
    /// Whether it is what its logs make of it, not the file as it lies.
    recovered: bool,
    ok: bool,
    level: &'static str,
    pub(super) state: String,
    state_code: u32,
    pub(super) page_size: u32,
    pub(super) pages: u64,
    last_owned_page: Option<u32>,
    zeroed: Option<u64>,
    ecc: Option<u64>,
    xor: Option<u64>,
    damaged: Vec<u32>,
    damaged_count: Option<u64>,
    corrected: Vec<u32>,
    corrected_count: Option<u64>,
    damaged_beyond_count: Option<u64>,
    missing_pages: u32,
    tail_bytes: u64,
    header_used: String,
    header_primary: String,
    header_shadow: String,
    pub(super) logs_needed: Option<(u32, u32)>,
    pub(super) logs: &'static str,
    findings: Vec<FindingVerdict>,
    counts: Vec<CountVerdict>,
    advice: Option<&'static str>,
    notes: Vec<String>,
    statistics: Option<StatisticsVerdict>,
    pub(super) not_checked: Vec<&'static str>,
}

/// One finding.
#[derive(Debug, Serialize)]
struct FindingVerdict {
    severity: String,
    code: &'static str,
    page: Option<u32>,
    table: Option<String>,
    index: Option<String>,
    key: Option<String>,
    message: String,
    advice: &'static str,
    /// The same place in words.
    #[serde(skip)]
    place: String,
}

/// How often a code was found in a table or index.
#[derive(Debug, Serialize)]
struct CountVerdict {
    severity: String,
    code: &'static str,
    table: Option<String>,
    index: Option<String>,
    count: u64,
}

/// What there is in the database.
#[derive(Debug, Serialize)]
struct StatisticsVerdict {
    tables: u64,
    columns: u64,
    indexes: u64,
    tree_pages: u64,
    space_tree_pages: u64,
    split_buffer_pages: u64,
    available_pages: u64,
    shelved_pages: u64,
    leaked_pages: u64,
    unowned_pages: u64,
    nodes: u64,
    deleted_nodes: u64,
    records: u64,
    exact_index_entries: u64,
    unicode_index_entries: u64,
    long_values: u64,
    long_value_references: u64,
}

impl DatabaseVerdict {
    pub(crate) fn of(path: &str, report: &DatabaseReport) -> Self {
        let DatabaseReport { shadowed, layout, check, .. } = report;
        let pages = check.pages.as_ref();
        let sum = |of: fn(&PageRange) -> u64| pages.map(|p| of(&p.owned) + of(&p.beyond));
        let trailer = u64::from(layout.trailer.is_some());
        let (logs_needed, logs) = logs(&report.logs);
        let owned = pages.map(|pages| &pages.owned);
        let beyond = pages.map(|pages| &pages.beyond);
        Self {
            path: path.to_owned(),
            recovered: false,
            ok: report.is_good(),
            level: level_name(check.level),
            state: shadowed.header.state.to_string(),
            state_code: shadowed.header.state.0,
            page_size: shadowed.page_size.get(),
            pages: u64::from(layout.pages) + trailer,
            last_owned_page: layout.last_owned.ok().map(|page| page.0),
            zeroed: sum(|range| range.zeroed),
            ecc: sum(|range| range.ecc),
            xor: sum(|range| range.xor),
            damaged: owned.into_iter().flat_map(|p| &p.damaged).map(|d| d.page.0).collect(),
            damaged_count: owned.map(|owned| owned.damaged_count),
            corrected: owned.into_iter().flat_map(|p| &p.corrected).map(|c| c.page.0).collect(),
            corrected_count: owned.map(|owned| owned.corrected_count),
            damaged_beyond_count: beyond.map(|b| b.damaged_count + b.corrected_count),
            missing_pages: layout.missing_pages(),
            tail_bytes: layout.tail,
            header_used: shadowed.used.to_string(),
            header_primary: shadowed.primary.to_string(),
            header_shadow: shadowed.shadow.to_string(),
            logs_needed,
            logs,
            findings: findings(report),
            counts: counts(report),
            advice: advice(report),
            notes: notes(report),
            statistics: (check.level == Level::Full)
                .then(|| StatisticsVerdict::of(&check.statistics)),
            not_checked: not_checked(report),
        }
    }

    /// The same of what the logs make of the database.
    pub(crate) fn recovered(self) -> Self {
        Self { recovered: true, ..self }
    }

    pub(crate) fn text(&self, style: Style) -> String {
        let path = match self.recovered {
            true => format!("{} with its logs", self.path),
            false => self.path.clone(),
        };
        let mut text = heading(&path, self.ok, self.count("error"), style);
        text.push_str(&format!(
            "\n  {}, page size {}, {}, the last owned one is {}",
            self.state,
            self.page_size,
            count(self.pages, "page"),
            self.last_owned_page.map_or("not known".to_owned(), |page| page.to_string()),
        ));
        if let (Some(ecc), Some(xor), Some(zeroed)) = (self.ecc, self.xor, self.zeroed) {
            text.push_str(&format!("\n  {} checksummed, {zeroed} never written", ecc + xor));
        }
        if let Some(statistics) = &self.statistics {
            text.push_str(&statistics.text());
        }
        if let Some((first, last)) = self.logs_needed {
            text.push_str(&format!("\n  needs logs {first:#x}-{last:#x}: {}", self.logs));
        }
        self.list_errors(&mut text, style);
        self.list_lesser(&mut text, "warning");
        if let Some(advice) = self.advice {
            text.push_str(&format!("\n  what to do: {advice}"));
        }
        self.list_lesser(&mut text, "note");
        for note in &self.notes {
            text.push_str(&format!("\n  note: {note}"));
        }
        if !self.not_checked.is_empty() {
            text.push_str(&format!("\n  not checked: {}", self.not_checked.join(", ")));
        }
        text
    }

    /// How many findings of a severity there are.
    fn count(&self, severity: &str) -> usize {
        let counts = self.counts.iter().filter(|count| count.severity == severity);
        counts.map(|count| count.count).sum::<u64>().try_into().unwrap_or(usize::MAX)
    }

    fn list_errors(&self, text: &mut String, style: Style) {
        let listed = self.findings.iter().filter(|finding| finding.severity == "error");
        let mark = style.bad("-");
        for finding in listed.take(SHOWN) {
            text.push_str(&format!("\n  {mark} {}", finding.text()));
        }
        let more = self.count("error").saturating_sub(SHOWN);
        if more > 0 {
            text.push_str(&format!("\n  and {} (see --json)", count(more as u64, "more error")));
        }
    }

    /// Warnings or notes: the first of each code, and how many more there are.
    fn list_lesser(&self, text: &mut String, severity: &str) {
        let total = self.count(severity) as u64;
        if severity == "warning" && total > 1 && self.is_dirty() {
            let places = count(total, "place");
            text.push_str(&format!(
                "\n  warning: {places} where pages do not agree with each other, as in most \
                 databases that were not shut down (see --json)"
            ));
            return;
        }
        let mut codes = Vec::new();
        for finding in self.findings.iter().filter(|finding| finding.severity == severity) {
            if codes.contains(&finding.code) {
                continue;
            }
            codes.push(finding.code);
            text.push_str(&format!("\n  {severity}: {}", finding.text()));
            let alike =
                |count: &&CountVerdict| count.severity == severity && count.code == finding.code;
            let all: u64 = self.counts.iter().filter(alike).map(|count| count.count).sum();
            if all > 1 {
                text.push_str(&format!(" (and {} more of this kind, see --json)", all - 1));
            }
        }
    }

    /// Whether it was not shut down.
    fn is_dirty(&self) -> bool {
        [DatabaseState::DIRTY_SHUTDOWN, DatabaseState::DIRTY_AND_PATCHED_SHUTDOWN]
            .contains(&DatabaseState(self.state_code))
    }

    /// Errors and warnings, a line each, as a part of a set's text.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let grave = self.findings.iter().filter(|finding| finding.severity == "error");
        grave.map(FindingVerdict::text)
    }
}

impl FindingVerdict {
    fn of(finding: &Finding) -> Self {
        let place = &finding.place;
        Self {
            severity: finding.severity.to_string(),
            code: finding.code,
            page: place.page.map(|page| page.0),
            table: place.table.as_deref().map(str::to_owned),
            index: place.index.as_deref().map(str::to_owned),
            key: place.key.as_ref().map(|key| key.iter().map(|b| format!("{b:02x}")).collect()),
            message: finding.message.clone(),
            advice: finding.advice,
            place: place.to_string(),
        }
    }

    /// An error of the file as a whole.
    fn of_file(code: &'static str, message: String, advice: &'static str) -> Self {
        Self {
            severity: Severity::Error.to_string(),
            code,
            page: None,
            table: None,
            index: None,
            key: None,
            message,
            advice,
            place: String::new(),
        }
    }

    fn text(&self) -> String {
        match self.place.as_str() {
            "" => self.message.clone(),
            place => format!("{place}: {}", self.message),
        }
    }
}

impl StatisticsVerdict {
    fn of(statistics: &Statistics) -> Self {
        let logical = statistics.logical.unwrap_or_default();
        Self {
            tables: statistics.tables,
            columns: statistics.columns,
            indexes: statistics.indexes,
            tree_pages: statistics.tree_pages,
            space_tree_pages: statistics.space_pages,
            split_buffer_pages: statistics.split_buffers,
            available_pages: statistics.available,
            shelved_pages: statistics.shelved,
            leaked_pages: statistics.leaked,
            unowned_pages: statistics.unowned,
            nodes: statistics.nodes,
            deleted_nodes: statistics.deleted,
            records: logical.records,
            exact_index_entries: logical.exact_entries,
            unicode_index_entries: logical.unicode_entries,
            long_values: logical.long_values,
            long_value_references: logical.references,
        }
    }

    fn text(&self) -> String {
        format!(
            "\n  {}, {}, {}, {}\n  pages: {} in trees, {} for space, {} free, {} leaked, \
             {} of nobody",
            count(self.tables, "table"),
            count(self.records, "record"),
            count(self.exact_index_entries + self.unicode_index_entries, "index key"),
            count(self.long_values, "long value"),
            self.tree_pages,
            self.space_tree_pages + self.split_buffer_pages,
            self.available_pages,
            self.leaked_pages,
            self.unowned_pages,
        )
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Quick => "quick",
        Level::Pages => "pages",
        Level::Full => "full",
    }
}

fn not_checked(report: &DatabaseReport) -> Vec<&'static str> {
    let mut missing = match report.check.level {
        Level::Quick => vec!["pages", "trees", "indexes", "records"],
        Level::Pages => vec!["trees", "indexes", "records"],
        Level::Full => Vec::new(),
    };
    let logical = report.check.statistics.logical.unwrap_or_default();
    if logical.unicode_entries > 0 {
        missing.push("sort keys of Unicode text");
    }
    missing
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

const COPY_AGAIN: &str = "Copy the file again from where it was backed up to, whole.";
const LOGS_BESIDE: &str = "Put the logs beside the database, or restore a backup set.";

/// What the check does not know: the trailer of a copy, the logs beside.
fn beside(report: &DatabaseReport) -> Vec<FindingVerdict> {
    let mut findings = Vec::new();
    match &report.trailer {
        Trailer::Missing => findings.push(FindingVerdict::of_file(
            "trailer-missing",
            "the trailer page of the backup is missing: the copy was cut short".to_owned(),
            COPY_AGAIN,
        )),
        Trailer::Mismatch(mismatch) => findings.push(FindingVerdict::of_file(
            "trailer-mismatch",
            mismatch.to_string(),
            COPY_AGAIN,
        )),
        _ => {}
    }
    if let Logs::Missing(error) = &report.logs {
        let text = error.to_string();
        findings.push(FindingVerdict::of_file("logs-missing", text, LOGS_BESIDE));
    }
    findings
}

fn findings(report: &DatabaseReport) -> Vec<FindingVerdict> {
    let mut findings = beside(report);
    findings.extend(report.check.findings.iter().map(FindingVerdict::of));
    findings
}

fn counts(report: &DatabaseReport) -> Vec<CountVerdict> {
    let beside = beside(report).into_iter().map(|finding| CountVerdict {
        severity: finding.severity,
        code: finding.code,
        table: None,
        index: None,
        count: 1,
    });
    let checked = report.check.counts.iter().map(|count| CountVerdict {
        severity: count.severity.to_string(),
        code: count.code,
        table: count.table.as_deref().map(str::to_owned),
        index: count.index.as_deref().map(str::to_owned),
        count: count.count,
    });
    beside.chain(checked).collect()
}

/// What to do about the worst of the findings.
fn advice(report: &DatabaseReport) -> Option<&'static str> {
    if report.is_good() {
        return None;
    }
    let sound = report.check.pages.as_ref().is_none_or(PageReport::pages_sound);
    if !sound || report.layout.tail > 0 {
        return Some("Use a sound copy: restore a backup set. A backup of this file would fail.");
    }
    let worst = report.check.findings.iter().find(|found| found.severity == Severity::Error);
    let other = || beside(report).first().map(|finding| finding.advice);
    worst.map(|finding| finding.advice).or_else(other)
}

fn notes(report: &DatabaseReport) -> Vec<String> {
    let DatabaseReport { shadowed, layout, check, .. } = report;
    let mut notes = Vec::new();
    if let Err(unknown) = layout.last_owned {
        notes.push(format!("the last owned page is not known ({unknown}); every page was judged"));
    }
    if let Some(pages) = &check.pages {
        if pages.owned.zeroed > 0 {
            let zeroed = count(pages.owned.zeroed, "page");
            notes.push(format!("{zeroed} of the database never written"));
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
    }
    if layout.trailer.is_some() {
        notes.push("the copy of a streaming backup, with its trailer page".to_owned());
    }
    if shadowed.header.is_dirty() {
        notes.push("not shut down: recovery has to replay the logs".to_owned());
    }
    notes
}
