//! What `recover` says: the JSON form, and the text made from it.

use std::time::Duration;

use ese::recovery::output::Written;
use ese::recovery::{Ending, Loss, Plan, Report, SourceKind};
use ese_format::LogGeneration;
use serde::Serialize;

use crate::output::human::{self, Style, count};

/// What a recovery did.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Recovery {
    ok: bool,
    database: String,
    kind: &'static str,
    state: Option<String>,
    needed: Option<Range>,
    logs: Vec<String>,
    left_out: Vec<String>,
    replayed: Option<Range>,
    records: u64,
    changes_made: u64,
    changes_present: u64,
    changes_passed_over: u64,
    macros: u64,
    open_macros: u64,
    committed: u64,
    rolled_back: u64,
    undone: u64,
    patched_segments: u32,
    torn_record: Option<String>,
    end: String,
    stopped: bool,
    ending: &'static str,
    damaged_pages: u64,
    first_damaged_pages: Vec<u32>,
    other_databases: Vec<String>,
    loss: Option<LossFacts>,
    unchanged: bool,
    pub(crate) carried_out: bool,
    pub(crate) in_place: bool,
    written: Option<WrittenFacts>,
    seconds: f64,
    #[serde(skip)]
    time: Duration,
    #[serde(skip)]
    consistent: String,
}

/// Generations, both ends included.
#[derive(Debug, Clone, Copy, Serialize)]
struct Range {
    first: u32,
    last: u32,
}

/// What was lost.
#[derive(Debug, Serialize)]
struct LossFacts {
    behind: String,
    missing: Vec<Range>,
    damage: Option<String>,
    unused: Vec<String>,
}

/// The files that were written.
#[derive(Debug, Serialize)]
struct WrittenFacts {
    database: String,
    bytes: u64,
    logs: Vec<String>,
    checkpoint: Option<String>,
}

/// What is recovered and whether all is there, before it begins.
pub(crate) fn plan_text(plan: &Plan, style: Style) -> String {
    let mut text = style.title(&plan.path().display().to_string());
    text.push_str(&format!(": {}", plan.kind));
    if let Some(header) = &plan.header {
        text.push_str(&format!(" ({})", header.state));
    }
    let range = |first: LogGeneration, last: LogGeneration| Range::of(first, last).text();
    match &plan.required {
        Some(needed) => {
            let logs = range(*needed.start(), *needed.end());
            text.push_str(&format!("\n  needs logs {logs}: present"));
            if plan.committed > *needed.end() {
                let end = plan.committed;
                text.push_str(&format!("; it was in use up to {end}"));
            }
        }
        None if plan.kind == SourceKind::Clean => text.push_str("\n  needs no logs"),
        None => {}
    }
    if let (Some(first), Some(last)) = (plan.logs.first(), plan.logs.last()) {
        let logs = range(first.generation, last.generation);
        let size = human::size(plan.log_bytes());
        text.push_str(&format!("\n  logs {logs} are replayed, {size}"));
    }
    text
}

/// The files that were written.
pub(crate) fn written_text(written: &Written) -> String {
    let mut text = format!("wrote  {:9}  {}", human::size(written.len), written.database.display());
    for path in written.logs.iter().chain(&written.checkpoint) {
        text.push_str(&format!("\n                  {}", path.display()));
    }
    text
}

impl Recovery {
    /// What is known when the replay is done.
    pub(crate) fn of(report: &Report) -> Self {
        let counts = &report.counts;
        let shown = |paths: &[std::path::PathBuf]| -> Vec<String> {
            paths.iter().map(|path| path.display().to_string()).collect()
        };
        Self {
            ok: report.loss.is_none() && report.damaged == 0,
            database: report.path.display().to_string(),
            kind: kind(report.kind),
            state: report.state.map(|state| state.to_string()),
            needed: report.required.as_ref().map(|range| Range::of(*range.start(), *range.end())),
            logs: shown(&report.logs),
            left_out: shown(&report.left_out),
            replayed: counts.generations.map(|(first, last)| Range::of(first, last)),
            records: counts.records,
            changes_made: counts.redone,
            changes_present: counts.present,
            changes_passed_over: counts.passed_over,
            macros: counts.macros,
            open_macros: counts.open_macros,
            committed: counts.committed,
            rolled_back: counts.rolled_back,
            undone: counts.undone,
            patched_segments: report.patched,
            torn_record: report.torn.map(|position| position.to_string()),
            end: report.end.to_string(),
            stopped: report.stopped,
            ending: match report.ending {
                Ending::Continued => "continued",
                Ending::Closed => "closed",
                Ending::Apart => "apart",
            },
            damaged_pages: report.damaged,
            first_damaged_pages: report.first_damaged.iter().map(|page| page.0).collect(),
            other_databases: report.others.iter().map(|other| other.path.clone()).collect(),
            loss: report.loss.as_ref().map(LossFacts::of),
            unchanged: report.unchanged,
            carried_out: false,
            in_place: false,
            written: None,
            seconds: 0.0,
            time: Duration::ZERO,
            consistent: report.consistent.to_string(),
        }
    }

    pub(crate) fn written(&mut self, written: &Written) {
        self.written = Some(WrittenFacts {
            database: written.database.display().to_string(),
            bytes: written.len,
            logs: written.logs.iter().map(|path| path.display().to_string()).collect(),
            checkpoint: written.checkpoint.as_ref().map(|path| path.display().to_string()),
        });
    }

    pub(crate) fn finish(&mut self, time: Duration) {
        (self.time, self.seconds) = (time, time.as_secs_f64());
    }

    /// The database.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// Whether nothing was lost and no page is damaged.
    pub(crate) fn ok(&self) -> bool {
        self.ok
    }

    /// What was done, line by line.
    pub(crate) fn text(&self, style: Style) -> String {
        let mut lines = Vec::new();
        if let Some(range) = self.replayed {
            lines.push(format!(
                "replayed {}: {}, {} made, {} were there already",
                range.text(),
                count(self.records, "record"),
                count(self.changes_made, "change"),
                self.changes_present
            ));
        }
        if self.undone > 0 {
            let undone = count(self.undone, "change");
            lines.push(format!("undone what was not committed: {undone}"));
        }
        if self.patched_segments > 0 {
            let segments = count(self.patched_segments.into(), "segment");
            lines.push(format!("{segments} of the logs were put right from their copies or bits"));
        }
        if let Some(position) = &self.torn_record {
            lines.push(format!("the record at {position} was never completed and is left out"));
        }
        if self.stopped || !self.left_out.is_empty() {
            lines.push(format!("stopped behind {}, as was wanted", self.end));
        }
        for name in &self.other_databases {
            lines.push(format!("passed over: {name}, another database of the same logs"));
        }
        if let Some(loss) = &self.loss {
            lines.extend(loss.lines(style));
        }
        if self.damaged_pages > 0 {
            let shown: Vec<String> =
                self.first_damaged_pages.iter().take(5).map(u32::to_string).collect();
            let more = if self.damaged_pages > 5 { ", ..." } else { "" };
            let text = format!(
                "{} were damaged before and still are: {}{more}",
                count(self.damaged_pages, "page"),
                shown.join(", ")
            );
            lines.push(style.bad(&text));
        }
        if self.unchanged {
            lines.push("there is nothing to recover: the database has it all".to_owned());
        }
        lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }

    /// The last line.
    pub(crate) fn closing(&self, dry_run: bool, style: Style) -> String {
        let took = human::seconds(self.time);
        let done = if dry_run { "can be recovered" } else { "recovered" };
        let end = match (self.ok, self.loss.is_some()) {
            (true, _) => format!("clean, consistent at {}", self.consistent),
            (false, true) => "clean, but not whole".to_owned(),
            (false, false) => {
                "clean, but with damaged pages: dsbackup verify says what they are of".to_owned()
            }
        };
        let done = if self.ok { style.good(done) } else { style.bad(done) };
        format!("{done} in {took}: {end}")
    }
}

impl LossFacts {
    fn of(loss: &Loss) -> Self {
        let missing = loss.missing.iter().flat_map(|missing| &missing.missing);
        Self {
            behind: loss.behind.to_string(),
            missing: missing.map(|run| Range::of(*run.start(), *run.end())).collect(),
            damage: loss.damage.clone(),
            unused: loss.unused.iter().map(|path| path.display().to_string()).collect(),
        }
    }

    fn lines(&self, style: Style) -> Vec<String> {
        let mut lines =
            vec![style.bad(&format!("LOST: all that was logged behind {}", self.behind))];
        for range in &self.missing {
            lines.push(format!("  missing: generation {}", range.text()));
        }
        if let Some(damage) = &self.damage {
            lines.push(format!("  damaged: {damage}"));
        }
        for path in &self.unused {
            lines.push(format!("  not replayed: {path}"));
        }
        lines
    }
}

impl Range {
    fn of(first: LogGeneration, last: LogGeneration) -> Self {
        Self { first: first.0, last: last.0 }
    }

    fn text(self) -> String {
        let (first, last) = (LogGeneration(self.first), LogGeneration(self.last));
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    }
}

fn kind(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Crash => "crash",
        SourceKind::Snapshot => "snapshot",
        SourceKind::Backup => "backup",
        SourceKind::Clean => "clean",
        SourceKind::LogsOnly => "logs",
    }
}
