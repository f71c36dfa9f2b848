//! What `info` says: the JSON form, and the text made from it.

use backup_set::manifest::Manifest;
use backup_set::verify::{Logs, Trailer};
use backup_set::{Error, SetReader};
use ese::DatabaseFile;
use ese::recovery::{Plan, RecoveryError};
use ese_format::header;
use ese_format::header::FieldValue;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::output::human::{Style, count, size};
use crate::output::log_facts::{CheckpointFacts, LogFacts};

/// The result of a run of `info`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Facts {
    pub(crate) ok: bool,
    pub(crate) databases: Vec<DatabaseFacts>,
    pub(crate) logs: Vec<LogFacts>,
    pub(crate) checkpoints: Vec<CheckpointFacts>,
    pub(crate) sets: Vec<SetFacts>,
}

/// What is known of a database without going through its pages.
#[derive(Debug, Serialize)]
pub(crate) struct DatabaseFacts {
    path: String,
    file_bytes: u64,
    state: String,
    state_code: u32,
    page_size: u32,
    pages: u64,
    last_owned_page: Option<u32>,
    tail_bytes: u64,
    header_used: String,
    header_primary: String,
    header_shadow: String,
    logs_needed: Option<(u32, u32)>,
    logs: &'static str,
    logs_text: Option<String>,
    /// What it is to a recovery; null where there is nothing to recover.
    recovery: Option<RecoveryFacts>,
    trailer: Option<TrailerFacts>,
    trailer_state: &'static str,
    fields: Map<String, Value>,
    #[serde(skip)]
    lines: Vec<(String, String)>,
}

/// Whether the database can be recovered.
#[derive(Debug, Serialize)]
pub(crate) struct RecoveryFacts {
    kind: Option<String>,
    possible: bool,
    logs: Option<(u32, u32)>,
    problem: Option<String>,
    advice: Option<String>,
}

/// The trailer of a backup's copy.
#[derive(Debug, Serialize)]
struct TrailerFacts {
    mark: String,
    time: String,
    first_generation: u32,
    last_generation: u32,
    signature: String,
    log_signature: String,
}

/// What the manifest of a set says, and whether the files are there.
#[derive(Debug, Serialize)]
pub(crate) struct SetFacts {
    path: String,
    manifest: Manifest,
    bytes: u64,
    missing: Vec<String>,
}

impl DatabaseFacts {
    pub(crate) fn of(
        database: &DatabaseFile,
        logs: &Logs,
        trailer: &Trailer,
        recovery: Option<RecoveryFacts>,
    ) -> Self {
        let (shadowed, layout) = (database.shadowed(), database.layout());
        let fields = || header::FIELDS.iter().map(|f| (f.name, f.value(database.header())));
        let range = match logs {
            Logs::Present(range) | Logs::NotLookedFor(range) => Some(range.clone()),
            Logs::Missing(_) => ese::logs::required(database.header(), layout.trailer.as_ref()),
            _ => None,
        };
        Self {
            path: database.path().display().to_string(),
            file_bytes: database.len(),
            state: shadowed.header.state.to_string(),
            state_code: shadowed.header.state.0,
            page_size: database.page_size().get(),
            pages: u64::from(layout.pages) + u64::from(layout.trailer.is_some()),
            last_owned_page: layout.last_owned.ok().map(|page| page.0),
            tail_bytes: layout.tail,
            header_used: shadowed.used.to_string(),
            header_primary: shadowed.primary.to_string(),
            header_shadow: shadowed.shadow.to_string(),
            logs_needed: range.map(|range| (range.start().0, range.end().0)),
            logs: match logs {
                Logs::Present(_) => "present",
                Logs::NotLookedFor(_) | Logs::Missing(_) => "missing",
                _ => "not needed",
            },
            logs_text: match logs {
                Logs::Missing(error) => Some(error.to_string()),
                _ => None,
            },
            recovery,
            trailer: layout.trailer.map(|trailer| TrailerFacts {
                mark: trailer.backup.mark.to_string(),
                time: trailer.backup.time.to_string(),
                first_generation: trailer.backup.first_generation.0,
                last_generation: trailer.backup.last_generation.0,
                signature: trailer.signature.to_string(),
                log_signature: trailer.log_signature.to_string(),
            }),
            trailer_state: match trailer {
                Trailer::Good => "good",
                Trailer::Missing => "missing",
                Trailer::Mismatch(_) => "of another backup",
                _ => "not expected",
            },
            fields: fields().map(|(name, value)| (name.to_owned(), to_json(value))).collect(),
            lines: fields().map(|(name, value)| (name.to_owned(), value.to_string())).collect(),
        }
    }

    /// Whether everything is there that is needed to use the database.
    pub(crate) fn is_complete(&self) -> bool {
        (self.header_primary == "good" || self.header_shadow == "good")
            && self.logs != "missing"
            && matches!(self.trailer_state, "good" | "not expected")
    }

    pub(crate) fn text(&self, style: Style) -> String {
        let mut text = style.title(&self.path);
        let owned = self.last_owned_page.map_or("not known".to_owned(), |p| p.to_string());
        let headers = format!(
            "primary {}, shadow {}; {} used",
            self.header_primary, self.header_shadow, self.header_used
        );
        let logs = match (self.logs_needed, &self.logs_text) {
            (Some(_), Some(missing)) => missing.clone(),
            (Some((first, last)), None) => format!("{first:#x}-{last:#x} needed: {}", self.logs),
            (None, _) => "none needed".to_owned(),
        };
        let mut lines = vec![
            ("kind", "database".to_owned()),
            ("size", format!("{} ({} bytes)", size(self.file_bytes), self.file_bytes)),
            ("state", self.state.clone()),
            ("headers", headers),
            ("pages", format!("{} of {} bytes", self.pages, self.page_size)),
            ("last owned page", owned),
            ("logs", logs),
        ];
        if let Some(trailer) = &self.trailer {
            let (first, last) = (trailer.first_generation, trailer.last_generation);
            let state = self.trailer_state;
            lines.push((
                "backup trailer",
                format!("{state}; logs {first:#x}-{last:#x}, mark {}", trailer.mark),
            ));
        } else if self.trailer_state == "missing" {
            lines.push(("backup trailer", "missing: the copy was cut short".to_owned()));
        }
        if self.tail_bytes > 0 {
            lines.push(("tail", count(self.tail_bytes, "byte")));
        }
        lines.extend(self.recovery.iter().flat_map(RecoveryFacts::lines));
        let lines = lines.iter().map(|(name, value)| (*name, value.as_str()));
        table(&mut text, lines);
        text.push_str("\n  header:");
        let fields = self.lines.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        table(&mut text, fields);
        text
    }
}

impl RecoveryFacts {
    pub(crate) fn of(plan: &Result<Plan, RecoveryError>) -> Self {
        match plan {
            Ok(plan) => Self {
                kind: Some(plan.kind.to_string()),
                possible: true,
                logs: plan
                    .logs
                    .first()
                    .zip(plan.logs.last())
                    .map(|(first, last)| (first.generation.0, last.generation.0)),
                problem: None,
                advice: None,
            },
            Err(error) => Self {
                kind: None,
                possible: false,
                logs: None,
                problem: Some(error.to_string()),
                advice: error.advice(),
            },
        }
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        if let Some(kind) = &self.kind {
            lines.push(("is", kind.clone()));
        }
        match (&self.problem, self.logs) {
            (Some(problem), _) => lines.push(("recovery", format!("not possible: {problem}"))),
            (None, Some((first, last))) => lines.push((
                "recovery",
                format!("possible: replays logs {first:#x}-{last:#x}; dsbackup recover does it"),
            )),
            (None, None) => {}
        }
        if let Some(advice) = &self.advice {
            lines.push(("what to do", advice.clone()));
        }
        lines
    }
}

impl SetFacts {
    pub(crate) fn of(set: &SetReader) -> Result<Self, Error> {
        let mut missing = Vec::new();
        for entry in &set.manifest().files {
            match set.check_presence(entry) {
                Err(Error::Differs { what, .. }) => {
                    missing.push(format!("{}: {what}", entry.name));
                }
                other => other?,
            }
        }
        if let Err(Error::Differs { what, .. }) = set.token() {
            missing.push(format!("token: {what}"));
        }
        Ok(Self {
            path: set.dir().display().to_string(),
            manifest: set.manifest().clone(),
            bytes: set.manifest().total_size(),
            missing,
        })
    }

    /// Whether every file is there with its size.
    pub(crate) fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    pub(crate) fn text(&self, style: Style) -> String {
        let Manifest { backup, operator, directory, token, tool, .. } = &self.manifest;
        let or_unknown = |text: &Option<String>| text.clone().unwrap_or("not known".to_owned());
        let kind = match backup.kind {
            backup_set::manifest::BackupKind::Copy => "backup set (copy)",
            _ => "backup set (full)",
        };
        let user = operator.user.clone().unwrap_or_else(|| format!("uid {}", operator.uid));
        let lines = [
            ("kind", kind.to_owned()),
            ("backup id", backup.id.clone()),
            ("made", format!("{} to {}", backup.started, backup.finished)),
            ("by", format!("{user} on {} with {} {}", operator.host, tool.name, tool.version)),
            ("restorable until", or_unknown(&token.not_after)),
            ("server", or_unknown(&directory.dns_host_name)),
            ("domain", or_unknown(&directory.domain)),
            ("invocation id", or_unknown(&directory.invocation_id)),
            ("database", or_unknown(&directory.database_signature)),
            ("log stream", or_unknown(&directory.log_signature)),
            ("size", format!("{} in {} files", size(self.bytes), self.manifest.files.len())),
        ];
        let mut text = style.title(&self.path);
        table(&mut text, lines.iter().map(|(name, value)| (*name, value.as_str())));
        text.push_str("\n  files:");
        for file in &self.manifest.files {
            text.push_str(&format!("\n    {:>10}  {}", size(file.size), file.name));
        }
        for missing in &self.missing {
            text.push_str(&format!("\n  {} {missing}", style.bad("-")));
        }
        text
    }
}

/// A header's value in JSON: numbers as numbers, unset times as null, the rest as text.
pub(crate) fn to_json(value: FieldValue) -> Value {
    match value {
        FieldValue::Decimal(number) | FieldValue::Hex(number) => number.into(),
        FieldValue::DbTime(time) => time.0.into(),
        FieldValue::Generation(generation) => generation.0.into(),
        FieldValue::Page(page) => page.0.into(),
        FieldValue::State(state) => state.0.into(),
        FieldValue::BackupKind(kind) => kind.0.into(),
        FieldValue::FileType(file_type) => file_type.0.into(),
        FieldValue::Flags(flags) => flags.bits().into(),
        FieldValue::Time(time) if time.is_unset() => Value::Null,
        FieldValue::Position(position) if position.is_unset() => Value::Null,
        FieldValue::Signature(signature) => json!({
            "random": signature.random,
            "created": to_json(FieldValue::Time(signature.created)),
            "computer": String::from_utf8_lossy(signature.computer_name()),
        }),
        FieldValue::Backup(backup) => json!({
            "mark": to_json(FieldValue::Position(backup.mark)),
            "time": to_json(FieldValue::Time(backup.time)),
            "first_generation": backup.first_generation.0,
            "last_generation": backup.last_generation.0,
        }),
        other => other.to_string().into(),
    }
}

/// Names and values, one a line.
pub(crate) fn table<'a>(
    text: &mut String,
    lines: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) {
    let width = lines.clone().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in lines {
        text.push_str(&format!("\n    {name:width$}  {value}"));
    }
}
