//! What a recovery needs, what is there, and from where to where it goes. Nothing is written, and
//! only headers are read.
//!
//! | what there is | logs are replayed from | and needed up to |
//! |---|---|---|
//! | dirty, with its current log: a crash | the lowest required generation | the highest required |
//! | dirty, without: a snapshot | the same | the same |
//! | a streaming backup's copy | the first generation of the backup | its last one |
//! | clean | where it was consistent, if there are any | - |
//! | no database | the lowest generation | the one that creates it |
//!
//! Beyond what is needed every log is replayed that continues the stream. A gap is a loss, also
//! behind what is needed: later logs then exist, and what they hold would be left out.
//!
//! The replay begins with the lowest required generation, not at the checkpoint: it is never
//! behind it, and comes from the same file as the pages.
//!
//! Source: ESE `ErrLGSoftStart`, `ErrLGRICheckRedoAttachDb` (logredo.cxx), `ErrLGCheckDBFiles`
//! (logutil.cxx), `ErrDBUpdateHdrFromTrailer` (db.cxx).

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese_format::header::{DatabaseHeader, DatabaseState};
use ese_format::log::attach;
use ese_format::log::instance_parameters::InstanceParameters;
use ese_format::log::record::DatabaseId;
use ese_format::log_name::{LogName, LogRole};
use ese_format::trailer::BackupTrailer;
use ese_format::{LogGeneration, LogPosition, LogTime, PageSize, Signature};
use vfs::Storage;

use super::journal;
use super::problem::{MissingLogs, RecoveryError};
use super::request::{Request, Until};
use super::source::Source;
use crate::DatabaseFile;
use crate::logs::{LogFile, RejectedLog, gaps};

/// What is recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// What a server left that was not shut down.
    Crash,
    /// A copy that a snapshot of the volume shows: the log was frozen between two files.
    Snapshot,
    /// The copy that a streaming backup made.
    Backup,
    /// A database that was shut down cleanly.
    Clean,
    /// Logs that create a database.
    LogsOnly,
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Crash => "not shut down cleanly, as after a crash",
            Self::Snapshot => "a snapshot of a running database",
            Self::Backup => "an online backup",
            Self::Clean => "shut down cleanly",
            Self::LogsOnly => "logs without a database",
        })
    }
}

/// What a recovery is going to do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// What is recovered.
    pub kind: SourceKind,
    /// The database; none if the logs create it.
    pub database: Option<Arc<DatabaseFile>>,
    /// The folder of the database, or of the logs.
    pub folder: PathBuf,
    /// Its header, completed from the trailer of a backup.
    pub header: Option<DatabaseHeader>,
    /// Page size.
    pub page_size: PageSize,
    /// Its number in the instance.
    pub number: DatabaseId,
    /// The logs that are replayed, ascending, each the successor of the one before.
    pub logs: Vec<LogFile>,
    /// Where the replay begins.
    pub from: LogPosition,
    /// The generations without which the database cannot become consistent.
    pub required: Option<RangeInclusive<LogGeneration>>,
    /// The last generation that the database is known to have been in use with.
    pub committed: LogGeneration,
    /// How far to go.
    pub until: Option<Until>,
    /// Logs that are there and lie behind the generation to stop at.
    pub left_out: Vec<LogFile>,
    /// Whether to go on where something is damaged.
    pub lossy: bool,
    /// Logs that are missing, if that is put up with.
    pub missing: Option<MissingLogs>,
}

impl Plan {
    /// Whether there is nothing to do: the database is clean, and no log goes on from there.
    pub fn is_nothing(&self) -> bool {
        self.kind == SourceKind::Clean && self.logs.is_empty()
    }

    /// Whether it is a restore from a streaming backup.
    pub fn is_hard(&self) -> bool {
        self.kind == SourceKind::Backup
    }

    /// The path that errors name: the database's, or the folder.
    pub fn path(&self) -> &Path {
        self.database.as_ref().map_or(&self.folder, |database| database.path())
    }

    /// Bytes of the logs.
    pub fn log_bytes(&self) -> u64 {
        self.logs.iter().map(|log| log.len).sum()
    }
}

/// Finds out how `request` can be met.
///
/// # Errors
///
/// What is missing, or does not fit together.
pub fn plan(storage: &Arc<dyn Storage>, request: &Request) -> Result<Plan, RecoveryError> {
    let source = Source::find(storage, request)?;
    let Some(database) = source.database.clone() else { return from_logs(source, request) };
    let path = database.path().to_owned();
    if journal::is_pending(&**storage, &path)? {
        return Err(RecoveryError::Pending { path });
    }
    match database.header().state {
        // It never came into being; the logs create it anew.
        DatabaseState::JUST_CREATED => from_logs(source, request),
        DatabaseState::CLEAN_SHUTDOWN => clean(source, request, &database),
        _ if database.header().is_dirty() => dirty(source, request, &database),
        state => Err(RecoveryError::State { path, state }),
    }
}

/// The header of a streaming backup's copy, completed from its trailer.
///
/// # Errors
///
/// That there is no trailer, or that it is of another copy.
pub fn completed(
    header: &DatabaseHeader,
    trailer: Option<&BackupTrailer>,
    path: &Path,
) -> Result<DatabaseHeader, RecoveryError> {
    let mut header = header.clone();
    if !header.needs_trailer() {
        return Ok(header);
    }
    let path = path.to_owned();
    let Some(trailer) = trailer else { return Err(RecoveryError::NoTrailer { path }) };
    if let Err(source) = trailer.check_against(&header) {
        return Err(RecoveryError::Trailer { path, source });
    }
    let or_last = |generation: LogGeneration| match generation.0 {
        0 => trailer.backup.last_generation,
        _ => generation,
    };
    header.current_backup.last_generation = trailer.backup.last_generation;
    if trailer.min_required.0 > 0 && trailer.min_required < header.min_required {
        header.min_required = trailer.min_required;
    }
    let (required, committed) = (or_last(trailer.max_required), or_last(trailer.max_committed));
    if required >= header.max_required {
        (header.max_required, header.max_required_time) = (required, trailer.max_required_time);
    }
    if committed >= header.max_committed {
        (header.max_committed, header.max_committed_time) = (committed, trailer.max_committed_time);
    }
    header.min_consistent = header.min_required;
    header.pre_redo_min_consistent = LogGeneration(0);
    header.pre_redo_min_required = LogGeneration(0);
    Ok(header)
}

fn dirty(
    mut source: Source,
    request: &Request,
    database: &Arc<DatabaseFile>,
) -> Result<Plan, RecoveryError> {
    let path = database.path();
    let trailer = database.layout().trailer;
    let header = completed(database.header(), trailer.as_ref(), path)?;
    let backup = header.current_backup;
    let is_backup = backup.first_generation.0 != 0;
    let (first, last) = match is_backup {
        true => (backup.first_generation, backup.last_generation.max(header.max_required)),
        false => (header.min_required, header.max_required),
    };
    if first.0 == 0 {
        return Err(RecoveryError::NotLogged { path: path.to_owned() });
    }
    source.retain_stream(header.log_signature);
    let required = first..=last.max(first);
    let kind = match (is_backup, has_current_log(&source)) {
        (true, _) => SourceKind::Backup,
        (false, true) if header.snapshot_backup.first_generation.0 == 0 => SourceKind::Crash,
        (false, _) => SourceKind::Snapshot,
    };
    if let Some(until @ Until::Generation(generation)) = request.until
        && generation < *required.end()
    {
        let needed = *required.end();
        return Err(RecoveryError::UntilTooEarly { path: path.to_owned(), until, needed });
    }
    let committed = header.max_committed.max(*required.end());
    let signature = header.log_signature;
    let search = Search { signature, required: Some(required.clone()), from: first, committed };
    let found = search.run(&mut source, request, Some(&header))?;
    check_history(&header, &found.chain)?;
    let listed = found.chain.first().and_then(|log| listed_number(log, header.signature));
    Ok(Plan {
        kind,
        number: listed.unwrap_or(number_of(&header)),
        required: Some(required),
        committed,
        ..Plan::over(database, header, found, request)
    })
}

fn clean(
    mut source: Source,
    request: &Request,
    database: &Arc<DatabaseFile>,
) -> Result<Plan, RecoveryError> {
    let header = database.header().clone();
    match header.log_signature.is_none() {
        true => source.logs.clear(),
        false => source.retain_stream(header.log_signature),
    }
    let begin = header.consistent_position.generation;
    source.logs.retain(|generation, _| *generation >= begin);
    let from = source.logs.keys().next().copied().unwrap_or_default();
    let signature = header.log_signature;
    let search = Search { signature, required: None, from, committed: LogGeneration(0) };
    let found = search.run(&mut source, request, Some(&header))?;
    Ok(Plan::over(database, header, found, request))
}

fn from_logs(mut source: Source, request: &Request) -> Result<Plan, RecoveryError> {
    let folder = source.directories.first().cloned().unwrap_or_else(|| request.path.clone());
    let path = request.path.clone();
    let streams = source.streams();
    let signature = match streams.as_slice() {
        [] => return Err(RecoveryError::Nothing { path }),
        [one] => *one,
        several => return Err(RecoveryError::SeveralStreams { path, count: several.len() }),
    };
    source.retain_stream(signature);
    let from = source.logs.keys().next().copied().unwrap_or_default();
    let search = Search { signature, required: None, from, committed: LogGeneration(0) };
    let found = search.run(&mut source, request, None)?;
    let page_size = found.chain.first().and_then(|log| log.header.page_size());
    let Some(page_size) = page_size else { return Err(RecoveryError::Nothing { path }) };
    Ok(Plan::new(folder, page_size, found, request))
}

impl Plan {
    /// Logs that are replayed over nothing.
    fn new(folder: PathBuf, page_size: PageSize, found: Found, request: &Request) -> Self {
        let generation = found.chain.first().map(|log| log.generation).unwrap_or_default();
        Self {
            kind: SourceKind::LogsOnly,
            database: None,
            folder,
            header: None,
            page_size,
            number: FIRST,
            logs: found.chain,
            from: LogPosition { generation, sector: 1, byte: 0 },
            required: None,
            committed: LogGeneration(0),
            until: request.until,
            left_out: found.left_out,
            lossy: request.lossy,
            missing: found.missing,
        }
    }

    /// Logs that are replayed over a clean database.
    fn over(
        database: &Arc<DatabaseFile>,
        header: DatabaseHeader,
        found: Found,
        request: &Request,
    ) -> Self {
        let folder = vfs::durable::parent(database.path()).to_owned();
        Self {
            kind: SourceKind::Clean,
            database: Some(database.clone()),
            number: number_of(&header),
            header: Some(header),
            ..Self::new(folder, database.page_size(), found, request)
        }
    }
}

/// Which logs are looked for.
struct Search {
    signature: Signature,
    required: Option<RangeInclusive<LogGeneration>>,
    from: LogGeneration,
    /// The last one that is known to exist; others may follow.
    committed: LogGeneration,
}

/// What was found of them.
struct Found {
    /// The logs to be replayed.
    chain: Vec<LogFile>,
    /// Logs behind the generation to stop at.
    left_out: Vec<LogFile>,
    /// Logs that are missing, if that is put up with.
    missing: Option<MissingLogs>,
}

impl Search {
    /// Looks for them among what lies there.
    fn run(
        &self,
        source: &mut Source,
        request: &Request,
        header: Option<&DatabaseHeader>,
    ) -> Result<Found, RecoveryError> {
        let mut left_out = Vec::new();
        let found: Vec<LogGeneration> = source.logs.keys().copied().collect();
        let mut last = source.logs.keys().next_back().copied().unwrap_or_default();
        last = last.max(self.committed);
        if let Some(Until::Generation(generation)) = request.until {
            let later = source.logs.split_off(&generation.next());
            left_out = later.into_values().flatten().collect();
            last = last.min(generation);
        }
        source.logs.retain(|generation, _| *generation >= self.from);
        let (chain, no_successor) = chain(source, self.from, header);
        let reached = chain.last().map(|log| log.generation);
        if (chain.is_empty() && self.required.is_none()) || reached.is_some_and(|end| end >= last) {
            return Ok(Found { chain, left_out, missing: None });
        }
        // What is behind a broken sequence does not count.
        let counts = |generation: &LogGeneration| match no_successor {
            Some(_) => reached.is_some_and(|end| *generation <= end),
            None => true,
        };
        let there = source.logs.keys().copied().filter(counts);
        let missing = MissingLogs {
            path: source
                .database
                .as_ref()
                .map_or_else(|| request.path.clone(), |database| database.path().to_owned()),
            directories: source.directories.clone(),
            signature: self.signature,
            required: self.required.clone(),
            missing: gaps(&(self.from..=last), there),
            found: runs(&found),
            foreign: source.foreign.clone(),
            rejected: named_rejects(source, self.from..=last),
            no_successor,
            original_folder: original_folder(source),
        };
        if request.lossy && !chain.is_empty() {
            return Ok(Found { chain, left_out, missing: Some(missing) });
        }
        Err(RecoveryError::MissingLogs(Box::new(missing)))
    }
}

/// The logs from a generation on that follow each other, and the file that breaks the sequence.
fn chain(
    source: &Source,
    from: LogGeneration,
    header: Option<&DatabaseHeader>,
) -> (Vec<LogFile>, Option<PathBuf>) {
    let mut chain: Vec<LogFile> = Vec::new();
    let mut next = from;
    while let Some(logs) = source.logs.get(&next) {
        let fits = |log: &&LogFile| match chain.last() {
            Some(previous) => log.header.follows(&previous.header),
            None => true,
        };
        let known = header.and_then(|header| known_time(header, next));
        let is_known = |log: &&LogFile| known == Some(log.header.created);
        let fitting = || logs.iter().filter(fits);
        match fitting().find(is_known).or_else(|| fitting().next()) {
            Some(log) => chain.push(log.clone()),
            None => return (chain, logs.first().map(|log| log.path.clone())),
        }
        let after = next.next();
        if after == next {
            break;
        }
        next = after;
    }
    (chain, None)
}

/// When a generation was made, if the header of the database says it.
fn known_time(header: &DatabaseHeader, generation: LogGeneration) -> Option<LogTime> {
    let known = [
        (header.max_committed, header.max_committed_time),
        (header.max_required, header.max_required_time),
    ];
    let found = known.into_iter().find(|(known, time)| *known == generation && !time.is_unset());
    found.map(|(_, time)| time)
}

/// Fails if a log was made at another time than the header of the database says.
fn check_history(header: &DatabaseHeader, chain: &[LogFile]) -> Result<(), RecoveryError> {
    for log in chain {
        let found = log.header.created;
        if let Some(expected) = known_time(header, log.generation)
            && expected != found
        {
            let (path, generation) = (log.path.clone(), log.generation);
            return Err(RecoveryError::OtherHistory { log: path, generation, expected, found });
        }
    }
    Ok(())
}

fn has_current_log(source: &Source) -> bool {
    source.logs.values().flatten().any(|log| {
        let name = log.path.file_name().and_then(|name| LogName::parse(name.to_str()?));
        name.is_some_and(|name| name.role == LogRole::Current)
    })
}

/// The number of a database by the list at the beginning of a log.
fn listed_number(log: &LogFile, signature: Signature) -> Option<DatabaseId> {
    let mut entries = attach::entries(log.header.attachments());
    entries.find(|entry| entry.signature == signature).map(|entry| entry.database)
}

/// The number of a database by its header.
fn number_of(header: &DatabaseHeader) -> DatabaseId {
    match u8::try_from(header.dbid) {
        Ok(0) | Err(_) => FIRST,
        Ok(number) => DatabaseId(number),
    }
}

/// Ascending generations as runs.
fn runs(generations: &[LogGeneration]) -> Vec<RangeInclusive<LogGeneration>> {
    let mut runs: Vec<RangeInclusive<LogGeneration>> = Vec::new();
    for generation in generations {
        match runs.last_mut() {
            Some(run) if run.end().next() == *generation => *run = *run.start()..=*generation,
            _ => runs.push(*generation..=*generation),
        }
    }
    runs
}

/// Files that are named as logs of a range and are none.
fn named_rejects(source: &Source, range: RangeInclusive<LogGeneration>) -> Vec<RejectedLog> {
    let is_in_range = |log: &&RejectedLog| {
        let name = log.path.file_name().and_then(|name| LogName::parse(name.to_str()?));
        match name.map(|name| name.role) {
            Some(LogRole::Archived(generation, _)) => range.contains(&generation),
            Some(LogRole::Current) => true,
            _ => false,
        }
    };
    source.rejected.iter().filter(is_in_range).cloned().collect()
}

/// Where the logs lay on the system that wrote them.
fn original_folder(source: &Source) -> Option<String> {
    let log = source.logs.values().flatten().next()?;
    let parameters = InstanceParameters::parse(log.header.instance_parameters())?;
    Some(parameters.log_path()).filter(|path| !path.is_empty())
}

/// The number that the first database of an instance gets.
const FIRST: DatabaseId = DatabaseId(1);
