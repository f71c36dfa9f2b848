//! Verifying a set: every file against the manifest, every database as deep as is asked for and
//! against the logs beside it.
//!
//! Memory does not depend on what the files hold and everything streams; the hash of a database is
//! computed while other threads judge its pages, so that both read the same cached bytes. What is
//! wrong is in the report; an error means that verifying itself failed.

use std::ops::{ControlFlow, RangeInclusive};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ese::check::{self, Options, Severity};
use ese::{DatabaseFile, Layout, logs};
use ese_format::LogGeneration;
use ese_format::header::ShadowedHeader;
use ese_format::log_header::{LOG_HEADER_LEN, LogHeader, LogHeaderError};
use ese_format::trailer::TrailerMismatch;
use vfs::{OpenMode, Storage};

use crate::error::Difference;
use crate::manifest::{FileEntry, FileKind};
use crate::name::{LOGS, MANIFEST, TOKEN};
use crate::progress::Phase;
use crate::{Error, Progress, Result, SetReader};

/// What verifying a set found.
#[derive(Debug)]
#[non_exhaustive]
pub struct SetReport {
    /// The files of the manifest, in its order.
    pub files: Vec<FileReport>,
    /// How the token differs from the manifest.
    pub token: Option<Difference>,
    /// Files in the folder that the manifest does not name. They do no harm to the set.
    pub extra: Vec<String>,
}

impl SetReport {
    /// Whether the set is what its manifest says, and its databases are sound.
    pub fn is_good(&self) -> bool {
        self.token.is_none() && self.files.iter().all(FileReport::is_good)
    }
}

/// What verifying one file of a set found.
#[derive(Debug)]
#[non_exhaustive]
pub struct FileReport {
    /// Its entry in the manifest.
    pub entry: FileEntry,
    /// How it differs from the entry.
    pub difference: Option<Difference>,
    /// What kind of file it proved to be; nothing if it is missing or of a kind without a header.
    pub content: Option<Content>,
}

impl FileReport {
    /// Whether the file is what the manifest says, and sound.
    pub fn is_good(&self) -> bool {
        self.difference.is_none() && self.content.as_ref().is_none_or(Content::is_good)
    }
}

/// The inside of a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum Content {
    /// A database that could be opened.
    Database(Box<DatabaseReport>),
    /// What should be a database and cannot be opened as one.
    NoDatabase(ese::Error),
    /// A log with a good header.
    Log(Box<LogHeader>),
    /// What should be a log and is none.
    NoLog(LogHeaderError),
}

impl Content {
    fn is_good(&self) -> bool {
        match self {
            Self::Database(report) => report.is_good(),
            Self::Log(_) => true,
            Self::NoDatabase(_) | Self::NoLog(_) => false,
        }
    }
}

/// What verifying a database found.
#[derive(Debug)]
#[non_exhaustive]
pub struct DatabaseReport {
    /// The header and the state of its copies.
    pub shadowed: ShadowedHeader,
    /// What lies where.
    pub layout: Layout,
    /// The judgement of what it holds.
    pub check: check::Report,
    /// The logs that it needs.
    pub logs: Logs,
    /// The trailer that a streaming backup's copy has.
    pub trailer: Trailer,
}

impl DatabaseReport {
    /// Whether the check found no error, and the needed logs are there.
    ///
    /// A page with a single wrong bit can be read, and is not as it was written: an error.
    pub fn is_good(&self) -> bool {
        self.check.count(Severity::Error) == 0
            && !matches!(self.logs, Logs::Missing(_))
            && matches!(self.trailer, Trailer::NotExpected | Trailer::Good)
    }
}

/// The trailer of a streaming backup's copy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trailer {
    /// The file is no such copy.
    NotExpected,
    /// It belongs to the header.
    Good,
    /// The header says that there must be one: the copy was cut short.
    Missing,
    /// It belongs to another database or log stream.
    Mismatch(TrailerMismatch),
}

/// The logs that a database needs to be brought to a consistent state.
#[derive(Debug)]
#[non_exhaustive]
pub enum Logs {
    /// It needs none.
    NotNeeded,
    /// They are there, each the successor of the one before.
    Present(RangeInclusive<LogGeneration>),
    /// They are not all there, or do not follow each other.
    Missing(ese::Error),
    /// Nobody said where to look for them.
    NotLookedFor(RangeInclusive<LogGeneration>),
}

/// Verifies a whole set.
pub fn set(set: &SetReader, options: &Options, progress: &dyn Progress) -> Result<SetReport> {
    let mut files = Vec::new();
    for (entry, path) in set.files() {
        files.push(file(set, entry, &path, options, progress)?);
    }
    let token = match set.token() {
        Ok(_) => None,
        Err(Error::Differs { what, .. }) => Some(what),
        Err(e) => return Err(e),
    };
    Ok(SetReport { files, token, extra: extra(set)? })
}

fn file(
    set: &SetReader,
    entry: &FileEntry,
    path: &Path,
    options: &Options,
    progress: &dyn Progress,
) -> Result<FileReport> {
    let difference = |result: Result<()>| match result {
        Ok(()) => Ok(None),
        Err(Error::Differs { what, .. }) => Ok(Some(what)),
        Err(e) => Err(e),
    };
    let report = |difference, content| FileReport { entry: entry.clone(), difference, content };
    let missing = difference(set.check_presence(entry))?;
    if missing == Some(Difference::Missing) {
        return Ok(report(missing, None));
    }
    progress.begin(Phase::Hash, &entry.name, entry.size);
    let hash = || match &missing {
        Some(other_size) => Ok(Some(other_size.clone())),
        None => difference(set.check_content(entry, progress)),
    };
    let storage = set.storage();
    match entry.kind {
        FileKind::NtdsDatabase => {
            let logs = set.dir().join(LOGS);
            let (hashed, judged) = std::thread::scope(|scope| {
                let judged =
                    scope.spawn(|| database(storage, path, Some(&logs), options, progress));
                (hash(), judged.join())
            });
            let judged = judged.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let content = match judged {
                Ok(report) => Content::Database(Box::new(report)),
                Err(ese::Error::Cancelled) => return Err(Error::Cancelled),
                Err(ese::Error::Storage(e)) => return Err(e.into()),
                Err(e) => Content::NoDatabase(e),
            };
            Ok(report(hashed?, Some(content)))
        }
        FileKind::Log => {
            let content = match log(storage.as_ref(), path)? {
                Ok(header) => Content::Log(Box::new(header)),
                Err(e) => Content::NoLog(e),
            };
            Ok(report(hash()?, Some(content)))
        }
        FileKind::PatchFile => Ok(report(hash()?, None)),
    }
}

/// Verifies a database file as deep as `options` say, and the logs it needs if `logs` says where
/// they lie.
///
/// # Errors
///
/// Without a usable header, when reading fails, and when the progress cancels.
pub fn database(
    storage: &Arc<dyn Storage>,
    path: &Path,
    logs: Option<&Path>,
    options: &Options,
    progress: &dyn Progress,
) -> std::result::Result<DatabaseReport, ese::Error> {
    let database = Arc::new(DatabaseFile::open(storage.clone(), path)?);
    opened(storage, &database, logs, options, progress)
}

/// The same of a database that is open.
///
/// # Errors
///
/// That reading fails, or `progress` cancels.
pub fn opened(
    storage: &Arc<dyn Storage>,
    database: &Arc<DatabaseFile>,
    logs: Option<&Path>,
    options: &Options,
    progress: &dyn Progress,
) -> std::result::Result<DatabaseReport, ese::Error> {
    let path = database.path();
    let name = path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
    progress.begin(Phase::Pages, &name, options.work(database.len()));
    let told = AtomicU64::new(0);
    let report = |done: u64, _total: u64| {
        let before = told.fetch_max(done, Ordering::Relaxed);
        progress.advance(done.saturating_sub(before));
        if progress.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let check = check::run(database, options, &report)?;
    let logs = needed_logs(storage.as_ref(), database, logs)?;
    Ok(DatabaseReport {
        shadowed: database.shadowed().clone(),
        layout: *database.layout(),
        check,
        logs,
        trailer: trailer(database),
    })
}

/// Whether a database has the trailer that its header asks for.
pub fn trailer(database: &DatabaseFile) -> Trailer {
    match &database.layout().trailer {
        None if database.header().needs_trailer() => Trailer::Missing,
        None => Trailer::NotExpected,
        Some(trailer) => match trailer.check_against(database.header()) {
            Ok(()) => Trailer::Good,
            Err(mismatch) => Trailer::Mismatch(mismatch),
        },
    }
}

/// Which logs a database needs, and whether they lie in `dir`.
pub fn needed_logs(
    storage: &dyn Storage,
    database: &DatabaseFile,
    dir: Option<&Path>,
) -> std::result::Result<Logs, ese::Error> {
    let header = database.header();
    let Some(range) = logs::required(header, database.layout().trailer.as_ref()) else {
        return Ok(Logs::NotNeeded);
    };
    let Some(dir) = dir else { return Ok(Logs::NotLookedFor(range)) };
    match logs::find(storage, dir, header, &range) {
        Ok(_) => Ok(Logs::Present(range)),
        Err(e @ (ese::Error::MissingLogs { .. } | ese::Error::LogSequence { .. })) => {
            Ok(Logs::Missing(e))
        }
        Err(ese::Error::Storage(e)) if e.is_not_found() => Ok(Logs::NotLookedFor(range)),
        Err(e) => Err(e),
    }
}

/// Reads and checks a log's header.
pub fn log(
    storage: &dyn Storage,
    path: &Path,
) -> vfs::Result<std::result::Result<LogHeader, LogHeaderError>> {
    let mut beginning = vec![0; LOG_HEADER_LEN];
    let n = storage.open(path, OpenMode::Read)?.read_at(&mut beginning, 0)?;
    beginning.truncate(n);
    Ok(LogHeader::parse(&beginning))
}

fn extra(set: &SetReader) -> Result<Vec<String>> {
    let mut known: Vec<String> = set.manifest().files.iter().map(|f| f.name.clone()).collect();
    known.extend([MANIFEST, TOKEN, LOGS].map(str::to_owned));
    let mut extra = Vec::new();
    for (dir, prefix) in [(set.dir().to_owned(), ""), (set.dir().join(LOGS), "logs/")] {
        let entries = match set.storage().list(&dir) {
            Err(e) if e.is_not_found() => continue,
            other => other?,
        };
        let names = entries.iter().map(|e| format!("{prefix}{}", e.name.to_string_lossy()));
        extra.extend(names.filter(|name| !known.contains(name)));
    }
    Ok(extra)
}
