//! A plan carried out: the logs replayed, what was not committed undone, the end judged.
//!
//! The result lies over the database, which has not been touched. It can be read as a database,
//! written into a folder of its own, or put in place of the one that was recovered.
//!
//! | the logs end | what is written behind them |
//! |---|---|
//! | while the database is attached | the undo, and the end of the log |
//! | with the end of the instance | nothing |
//! | after the database was detached | nothing |
//!
//! The end is judged by the dbtimes of all pages: none may be later than what the logs speak of.
//! So a log that was cut off without a trace is noticed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese_format::DbTime;
use ese_format::header::DatabaseHeader;
use ese_format::log::attach;
use vfs::{Storage, durable};

use super::clock::Clock;
use super::journal;
use super::outcome::{Counters, LogEnd, Outcome};
use super::output::{self, Written};
use super::plan::{Plan, SourceKind};
use super::problem::RecoveryError;
use super::redo::{ReplayStart, Replayed};
use super::replay::{LogChain, ReplayEnd, replay};
use super::report::Report;
use super::request::Until;
use super::tail::{LogTail, NoLog, TailStart};
use super::undo::undo;
use super::view::RecoveredFile;
use crate::check::{self, Level, Severity};
use crate::overlay::{Overlay, Spill, Survey};
use crate::verify::{Progress, Unheard};
use crate::{DEFAULT_CACHE, DatabaseFile, Error};

/// How a plan is carried out.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes of pages that are kept in memory.
    pub cache: usize,
    /// Where changed pages go beyond that.
    pub spill: Spill,
    /// Whether the log is continued, so that the result can be written; without it, the result
    /// can only be read.
    pub continues_log: bool,
    /// The times that are written.
    pub clock: Clock,
}

impl Options {
    /// To read the result; changed pages that find no room go to a file at `scratch`.
    pub fn reading(storage: &Arc<dyn Storage>, scratch: PathBuf) -> Self {
        Self {
            cache: DEFAULT_CACHE,
            spill: Spill::File { storage: storage.clone(), path: scratch },
            continues_log: false,
            clock: Clock::system(),
        }
    }

    /// To write the result.
    pub fn writing(storage: &Arc<dyn Storage>, scratch: PathBuf) -> Self {
        Self { continues_log: true, ..Self::reading(storage, scratch) }
    }
}

/// A recovered database.
#[derive(Debug)]
pub struct Recovered {
    outcome: Outcome,
    report: Report,
    path: PathBuf,
    others: Vec<String>,
}

impl Plan {
    /// Carries the plan out. `progress` counts bytes of logs.
    ///
    /// # Errors
    ///
    /// That the logs cannot be replayed, or do not lead to a consistent database. Nothing has been
    /// changed then.
    pub fn execute(
        &self,
        storage: &Arc<dyn Storage>,
        options: &Options,
        progress: &dyn Progress,
    ) -> Result<Recovered, RecoveryError> {
        let spill = options.spill.clone();
        let mut pages = Overlay::new(self.database.clone(), self.page_size, options.cache, spill);
        let mut report = Report::of(self);
        if self.logs.is_empty() {
            return self.unchanged(pages, report);
        }
        let start = ReplayStart {
            header: self.header.clone(),
            database: self.number,
            future: self.required.as_ref().map(|range| *range.end()).unwrap_or_default(),
        };
        let until = match self.until {
            Some(Until::Time(time)) => Some(time),
            _ => None,
        };
        let chain =
            LogChain { logs: &self.logs, from: self.from, until, stop_at_damage: self.lossy };
        let (mut replayed, end) = replay(&**storage, &chain, &start, &mut pages, progress)?;
        self.judge_end(&end)?;
        let survey = pages.survey()?;
        self.judge_pages(&replayed, &survey)?;
        report.surveyed(&survey);
        let others = replayed.others.iter().map(|other| other.path.clone()).collect();
        report.ended(&end, &replayed);
        let log = self.end_log(storage, options, &mut replayed, &mut pages, end.last)?;
        report.undone(&replayed, &log);
        let counters = Counters {
            dbtime: replayed.dbtime,
            last_objid: replayed.last_objid,
            hard: self.is_hard(),
        };
        let path = self.folder.join(self.name(&replayed));
        let now = options.clock.clone().now();
        let outcome = Outcome::new(pages, &path, &replayed.header, log, counters, now);
        report.complete(&outcome, &path);
        let recovered = Recovered { outcome, report, path, others };
        if recovered.report.loss.is_some() {
            self.judge_whole(&recovered)?;
        }
        Ok(recovered)
    }

    /// The result where there is nothing to do.
    fn unchanged(&self, pages: Overlay, mut report: Report) -> Result<Recovered, RecoveryError> {
        let path = self.path().to_owned();
        let Some(header) = &self.header else { return Err(RecoveryError::Nothing { path }) };
        let counters =
            Counters { dbtime: header.dbtime, last_objid: header.last_objid, hard: false };
        let time = header.consistent_time;
        let outcome = Outcome::new(pages, &path, header, LogEnd::None, counters, time);
        report.complete(&outcome, &path);
        Ok(Recovered { outcome, report, path, others: Vec::new() })
    }

    /// Undoes what is open; continues the log if that is wanted and there is something to say.
    fn end_log(
        &self,
        storage: &Arc<dyn Storage>,
        options: &Options,
        replayed: &mut Replayed,
        pages: &mut Overlay,
        last: super::tail::LastLog,
    ) -> Result<LogEnd, RecoveryError> {
        if !options.continues_log || replayed.attached.is_none() {
            undo(replayed, pages, &mut NoLog)?;
            return Ok(match replayed.end {
                Some(end) if options.continues_log => LogEnd::Closed { last, end },
                _ => LogEnd::None,
            });
        }
        let start = TailStart {
            last,
            attachments: replayed.attachments.clone(),
            redo_from: self.from,
            hard: self.is_hard(),
        };
        let (spill, clock) = (options.spill.clone(), options.clock.clone());
        let mut tail = LogTail::begin(storage, start, spill, clock)?;
        undo(replayed, pages, &mut tail)?;
        Ok(LogEnd::Continued(tail.finish()?))
    }

    /// Fails if the replay ended before the database can be consistent.
    fn judge_end(&self, end: &ReplayEnd) -> Result<(), RecoveryError> {
        let Some(needed) = self.required.as_ref().map(|range| *range.end()) else { return Ok(()) };
        let reached = end.last.header.generation;
        if reached > needed || (reached == needed && end.whole) {
            return Ok(());
        }
        let path = self.path().to_owned();
        if let (true, Some(until)) = (end.stopped, self.until) {
            return Err(RecoveryError::UntilTooEarly { path, until, needed });
        }
        // A crash leaves the last generation that is needed unfinished: what is missing of it was
        // perhaps never needed. The pages tell.
        Ok(())
    }

    /// Fails if a page is later than everything that the logs speak of.
    fn judge_pages(&self, replayed: &Replayed, survey: &Survey) -> Result<(), RecoveryError> {
        let (found, page) = (survey.dbtime, survey.latest);
        let logged = self.floor().map_or(replayed.logged, |floor| replayed.logged.max(floor));
        if found <= logged {
            return Ok(());
        }
        Err(RecoveryError::LaterThanLogs {
            path: self.path().to_owned(),
            page,
            found,
            logged,
            end: replayed.position,
        })
    }

    /// A dbtime that all pages may have, though the logs need not speak of it: that of the header,
    /// unless the database was attached all the time.
    fn floor(&self) -> Option<DbTime> {
        let header = self.header.as_ref()?;
        let is_listed = self.logs.first().is_some_and(|log| {
            let mut listed = attach::entries(log.header.attachments());
            listed.any(|entry| entry.signature == header.signature)
        });
        let is_attached_later = header.is_clean() || header.attach_position >= self.from;
        (!is_listed || is_attached_later).then_some(header.dbtime)
    }

    /// The full check, where something was lost on the way.
    fn judge_whole(&self, recovered: &Recovered) -> Result<(), RecoveryError> {
        let file = recovered.file()?;
        let report = check::run(&file, &check::Options::new(Level::Full, 0), &Unheard)?;
        let first = report.findings.iter().find(|finding| finding.severity == Severity::Error);
        match first {
            None => Ok(()),
            Some(first) => Err(RecoveryError::NotConsistent {
                path: self.path().to_owned(),
                end: recovered.report.end,
                first: format!("{}: {}", first.place, first.message),
            }),
        }
    }

    /// The name of the recovered file: that of the database, or the one it was created under.
    fn name(&self, replayed: &Replayed) -> String {
        let own = self.database.as_ref().and_then(|database| database.path().file_name());
        if let Some(name) = own {
            return name.to_string_lossy().into_owned();
        }
        let created = replayed.name.rsplit(['\\', '/']).next().unwrap_or_default();
        let is_plain = !created.is_empty() && created != "." && created != "..";
        let name = if is_plain { created } else { "database.edb" };
        name.chars().filter(|letter| !letter.is_control()).collect()
    }
}

impl Recovered {
    /// What was done, and what was lost.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Its header, clean.
    pub fn header(&self) -> &DatabaseHeader {
        self.outcome.header()
    }

    /// Whether the database was clean, and the logs had nothing to say that it does not have.
    pub fn is_unchanged(&self) -> bool {
        self.report.unchanged
    }

    /// The database that was recovered, or the name that one without a file is given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Pages, header and the end of the log.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The recovered database as a file that is only read.
    ///
    /// # Errors
    ///
    /// That its pages cannot be read.
    pub fn file(&self) -> Result<Arc<DatabaseFile>, Error> {
        let file = Arc::new(RecoveredFile::of(&self.outcome, &self.path));
        Ok(Arc::new(DatabaseFile::over(file, &self.path)?))
    }

    /// Writes the database, the log files that continue its log, and their checkpoint into `dir`.
    ///
    /// # Errors
    ///
    /// As [`output::write_to`]: nothing is left then.
    pub fn write_to(
        &self,
        storage: &Arc<dyn Storage>,
        dir: &Path,
        progress: &dyn Progress,
    ) -> Result<Written, Error> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        output::write_to(storage, dir, &name, &self.outcome, progress)
    }

    /// Puts it in place of the database that was recovered.
    ///
    /// # Errors
    ///
    /// As [`journal::commit`]; that there was no database; that the log is one of other databases
    /// too, which would be left behind.
    pub fn commit(
        &self,
        storage: &Arc<dyn Storage>,
        progress: &dyn Progress,
    ) -> Result<(), RecoveryError> {
        let path = self.path.clone();
        if self.report.kind == SourceKind::LogsOnly {
            return Err(RecoveryError::Nothing { path });
        }
        if let (LogEnd::Continued(_), false) = (self.outcome.log(), self.others.is_empty()) {
            let others = self.others.clone();
            return Err(RecoveryError::OtherDatabases { path, others });
        }
        Ok(journal::commit(storage, &self.path, &self.outcome, progress)?)
    }
}

/// A name beside `path` for changed pages that find no room in memory.
pub fn scratch_beside(path: &Path) -> PathBuf {
    durable::parent(path).join(".recovery-pages")
}
