//! What a recovery did, and what was lost.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use ese_format::header::DatabaseState;
use ese_format::{LogGeneration, LogPosition, LogTime, PageNumber};

use super::attachment::OtherDatabase;
use super::outcome::{LogEnd, Outcome};
use super::plan::{Plan, SourceKind};
use super::problem::MissingLogs;
use super::redo::{Counts, Replayed};
use super::replay::ReplayEnd;
use crate::overlay::Survey;

/// What a recovery did.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// What was recovered.
    pub kind: SourceKind,
    /// The database; none if the logs created it.
    pub database: Option<PathBuf>,
    /// Its state before.
    pub state: Option<DatabaseState>,
    /// The recovered database, or the name that one without a file is given.
    pub path: PathBuf,
    /// The generations without which it could not become consistent.
    pub required: Option<RangeInclusive<LogGeneration>>,
    /// Where it is consistent now.
    pub consistent: LogPosition,
    /// Whether it was clean, and the logs had nothing to say that it does not have.
    pub unchanged: bool,
    /// The log files that were replayed, ascending.
    pub logs: Vec<PathBuf>,
    /// The record that was replayed last.
    pub end: LogPosition,
    /// When the last log file was begun.
    pub last_log_created: LogTime,
    /// What was done.
    pub counts: Counts,
    /// Whether later records were left out, as was wanted.
    pub stopped: bool,
    /// Log files that were left out, as was wanted.
    pub left_out: Vec<PathBuf>,
    /// Segments of logs that were taken from their shadow, or had a wrong bit.
    pub patched: u32,
    /// A record whose end was never written: where it begins.
    pub torn: Option<LogPosition>,
    /// How many pages are damaged. They were before, and no log had them anew.
    pub damaged: u64,
    /// The first of them.
    pub first_damaged: Vec<PageNumber>,
    /// How the log ends now.
    pub ending: Ending,
    /// What was lost.
    pub loss: Option<Loss>,
    /// Databases of the same logs that were passed over.
    pub others: Vec<OtherDatabase>,
}

/// How the log of a recovered database ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The recovery continued it, and ended it.
    Continued,
    /// It was ended in good order before.
    Closed,
    /// The database was detached before it ended, or nothing was written.
    Apart,
}

/// What was lost.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Loss {
    /// Nothing behind this record is in the database.
    pub behind: LogPosition,
    /// Logs that are missing.
    pub missing: Option<MissingLogs>,
    /// What is damaged.
    pub damage: Option<String>,
    /// Log files that are there and were not replayed, because they do not continue the stream.
    pub unused: Vec<PathBuf>,
}

impl Report {
    pub(crate) fn of(plan: &Plan) -> Self {
        let none = LogGeneration(0);
        Self {
            kind: plan.kind,
            database: plan.database.as_ref().map(|database| database.path().to_owned()),
            state: plan.header.as_ref().map(|header| header.state),
            path: plan.path().to_owned(),
            required: plan.required.clone(),
            consistent: LogPosition::UNSET,
            unchanged: false,
            logs: plan.logs.iter().map(|log| log.path.clone()).collect(),
            end: LogPosition { generation: none, ..LogPosition::UNSET },
            last_log_created: LogTime::UNSET,
            counts: Counts::default(),
            stopped: false,
            left_out: plan.left_out.iter().map(|log| log.path.clone()).collect(),
            patched: 0,
            torn: None,
            damaged: 0,
            first_damaged: Vec::new(),
            ending: Ending::Apart,
            loss: plan.missing.clone().map(|missing| Loss {
                behind: LogPosition::UNSET,
                missing: Some(missing),
                damage: None,
                unused: Vec::new(),
            }),
            others: Vec::new(),
        }
    }

    /// The replay has ended.
    pub(crate) fn ended(&mut self, end: &ReplayEnd, replayed: &Replayed) {
        self.end = replayed.position;
        self.last_log_created = end.last.header.created;
        (self.stopped, self.patched, self.torn) = (end.stopped, end.patched, end.torn);
        self.others.clone_from(&replayed.others);
        if let Some(damage) = &end.damage {
            let loss = self.loss.get_or_insert_with(|| Loss {
                behind: LogPosition::UNSET,
                missing: None,
                damage: None,
                unused: Vec::new(),
            });
            loss.damage = Some(damage.to_string());
        }
        let used = self.logs.iter().position(|log| *log == end.last.path).map_or(0, |at| at + 1);
        let unused = self.logs.split_off(used.min(self.logs.len()));
        match &mut self.loss {
            Some(loss) => (loss.behind, loss.unused) = (self.end, unused),
            None => self.left_out.splice(..0, unused).for_each(drop),
        }
    }

    /// All pages were looked at.
    pub(crate) fn surveyed(&mut self, survey: &Survey) {
        self.damaged = survey.damaged;
        self.first_damaged.clone_from(&survey.first_damaged);
    }

    /// What was open is undone.
    pub(crate) fn undone(&mut self, replayed: &Replayed, log: &LogEnd) {
        self.counts = replayed.counts.clone();
        self.ending = match log {
            LogEnd::Continued(_) => Ending::Continued,
            LogEnd::Closed { .. } => Ending::Closed,
            LogEnd::None => Ending::Apart,
        };
    }

    /// The result is known.
    pub(crate) fn complete(&mut self, outcome: &Outcome, path: &Path) {
        path.clone_into(&mut self.path);
        self.consistent = outcome.header().consistent_position;
        self.unchanged = self.kind == SourceKind::Clean
            && outcome.pages().changed().is_empty()
            && self.ending != Ending::Continued;
    }
}
