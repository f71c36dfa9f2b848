//! `dsbackup verify`: databases, logs, folders of them, backup sets.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backup_set::manifest::FileKind;
use backup_set::{SetReader, recover, verify};
use ese::DatabaseFile;
use ese::check::{Level, Options};
use ese::logs::chain::{self, LogReport};
use ese::recovery::RecoveryError;
use vfs::Storage;
use vfs::os::Os;

use crate::cli::found::{Found, find};
use crate::cli::opened::in_memory;
use crate::cli::recover::scratch_in;
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::recovery::Recovery;
use crate::output::verdict::{DatabaseVerdict, LogVerdict, SetVerdict, Verdicts};
use crate::output::{Bars, Output};

/// Check databases, logs, folders of them, and backup sets.
///
/// Of a database: both headers, the checksum and number of every page, every tree, whose space is
/// whose, the catalog against its shadow, every record, long value and index entry, the trailer
/// of a backup's copy, and whether the logs it needs are there; one that was not shut down is
/// verified as its logs make it. Of logs: every segment and record, and whether the files follow
/// each other. Of a set:
/// the manifest, the hash of every file, and every page of its databases, or all of the above
/// with `--level full`. Nothing is written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    dsbackup verify /backups/dc1-monday\n  \
    dsbackup verify /backups/dc1-monday --replay\n  \
    dsbackup verify ntds.dit --json\n  \
    dsbackup verify ntds.dit --level pages\n\n\
    Exit code 1 with errors, 3 if something is not a database at all.")]
pub(crate) struct Verify {
    /// Databases, logs, folders, backup sets.
    #[arg(required = true)]
    path: Vec<PathBuf>,

    /// How deep to look into databases [default: full; in sets: pages].
    #[arg(long, value_enum)]
    level: Option<Depth>,

    /// Verify databases that were not shut down as they lie, and not what their logs make of them.
    #[arg(long)]
    as_is: bool,

    /// Replay the logs of backup sets in memory too, and verify what comes of it in full.
    #[arg(long)]
    replay: bool,

    /// Threads to use; 0 for one a processor.
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// How deep to look.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Depth {
    /// Headers, layout and catalog; does not read the file through.
    Quick,
    /// Every page by itself: as fast as the file can be read.
    Pages,
    /// Everything that the pages hold.
    Full,
}

impl From<Depth> for Level {
    fn from(depth: Depth) -> Self {
        match depth {
            Depth::Quick => Self::Quick,
            Depth::Pages => Self::Pages,
            Depth::Full => Self::Full,
        }
    }
}

/// How to verify databases, and those of sets.
struct Settings {
    database: Options,
    set: Options,
    as_is: bool,
    replay: bool,
}

pub(crate) fn run(args: &Verify, output: &Output) -> Result<Exit, Failure> {
    let interrupt = Interrupt::install()?;
    let storage: Arc<dyn Storage> = Arc::new(Os);
    let at = |default| Options::new(args.level.map_or(default, Level::from), args.threads);
    let settings = Settings {
        database: at(Level::Full),
        set: at(Level::Pages),
        as_is: args.as_is,
        replay: args.replay,
    };
    let mut verdicts = Verdicts::default();
    let mut exit = Exit::Done;
    for path in &args.path {
        let found = match find(&storage, path) {
            Ok(found) => found,
            Err(failure) => {
                output.failure(&failure);
                exit = exit.max(failure.exit);
                continue;
            }
        };
        let bars = output.progress(found.iter().map(|f| settings.work(f)).sum(), &interrupt);
        for item in found {
            let judged = judge(&storage, item, &settings, &bars, &mut verdicts, output);
            match judged {
                Ok(true) => {}
                Ok(false) => exit = exit.max(Exit::Findings),
                Err(failure) if failure.exit == Exit::Interrupted => return Err(failure),
                Err(failure) => {
                    output.failure(&failure);
                    exit = exit.max(failure.exit);
                }
            }
        }
    }
    verdicts.ok = exit == Exit::Done;
    output.summary("verify", &verdicts);
    Ok(exit)
}

impl Settings {
    /// Bytes that verifying it goes through.
    fn work(&self, found: &Found) -> u64 {
        match found {
            Found::Database { len, .. } => self.database.work(*len),
            // Every file is hashed as well.
            Found::Set { len, .. } => self.set.work(*len).saturating_add(*len),
            Found::Log { .. }
            | Found::Logs { .. }
            | Found::Checkpoint { .. }
            | Found::Unfinished { .. } => 0,
        }
    }
}

/// Verifies one thing and says so; whether it is good.
fn judge(
    storage: &Arc<dyn Storage>,
    item: Found,
    settings: &Settings,
    bars: &Bars,
    verdicts: &mut Verdicts,
    output: &Output,
) -> Result<bool, Failure> {
    let style = output.style();
    match item {
        Found::Database { path, .. } => database(storage, &path, settings, bars, verdicts, output),
        Found::Log { path } => logs(storage, &[path], bars, verdicts, output),
        Found::Logs { paths, .. } => logs(storage, &paths, bars, verdicts, output),
        Found::Checkpoint { path } => match super::found::checkpoint(storage.as_ref(), &path)? {
            Ok(_) => Ok(true),
            Err(error) => Err(Failure::new(Exit::Unusable, format!("{}: {error}", path.display()))),
        },
        Found::Set { path, .. } => {
            let set = SetReader::open(storage.clone(), &path)?;
            let report = verify::set(&set, &settings.set, bars)?;
            let verdict = SetVerdict::of(&set, &report);
            bars.suspend(|| output.text(verdict.text(style)));
            verdicts.sets.push(verdict);
            let mut good = report.is_good();
            if settings.replay && good {
                good = replay(storage, &set, bars, verdicts, output)?;
            }
            Ok(good)
        }
        Found::Unfinished { path } => Err(unfinished(&path)),
    }
}

/// Replays a set in memory, and verifies what comes of it.
fn replay(
    storage: &Arc<dyn Storage>,
    set: &SetReader,
    bars: &Bars,
    verdicts: &mut Verdicts,
    output: &Output,
) -> Result<bool, Failure> {
    let logs = set.dir().join(backup_set::name::LOGS);
    let mut good = true;
    for (entry, path) in set.files() {
        if entry.kind != FileKind::NtdsDatabase {
            continue;
        }
        let scratch = scratch_in(&std::env::temp_dir());
        let recovered = match recover::in_memory(storage, &path, &logs, &scratch, bars) {
            Ok(recovered) => recovered,
            Err(error) => {
                bars.suspend(|| output.failure(&error.into()));
                good = false;
                continue;
            }
        };
        let told = Recovery::of(recovered.report());
        bars.suspend(|| output.text(told.text(output.style())));
        verdicts.replays.push(told);
        let options = Options::new(Level::Full, 0);
        let report = verify::opened(storage, &recovered.file()?, None, &options, bars)?;
        let verdict = DatabaseVerdict::of(&path.display().to_string(), &report).recovered();
        bars.suspend(|| output.text(verdict.text(output.style())));
        verdicts.databases.push(verdict);
        good &= report.is_good();
    }
    Ok(good)
}

/// Verifies logs: each by itself, and those of one stream as a chain.
fn logs(
    storage: &Arc<dyn Storage>,
    paths: &[PathBuf],
    bars: &Bars,
    verdicts: &mut Verdicts,
    output: &Output,
) -> Result<bool, Failure> {
    let reports = chain::check(storage.as_ref(), paths, &bars.counting())?;
    for report in &reports {
        let verdict = LogVerdict::of(report);
        bars.suspend(|| output.text(verdict.text(output.style())));
        verdicts.logs.push(verdict);
    }
    Ok(reports.iter().all(LogReport::is_good))
}

/// Verifies a database: the file as it lies, and if it was not shut down what its logs make of it.
fn database(
    storage: &Arc<dyn Storage>,
    path: &Path,
    settings: &Settings,
    bars: &Bars,
    verdicts: &mut Verdicts,
    output: &Output,
) -> Result<bool, Failure> {
    let file = Arc::new(DatabaseFile::open(storage.clone(), path)?);
    let logs = logs_of(storage.as_ref(), path);
    let wants_logs =
        file.header().is_dirty() && !settings.as_is && settings.database.level > Level::Pages;
    let recovered = if wants_logs { Some(in_memory(storage, path, &[])) } else { None };
    // Between its pages a file that misses changes has no order to be judged.
    let mut options = settings.database;
    if matches!(recovered, Some(Ok(_))) {
        options.level = Level::Pages;
    }
    let mut judge = |file: &Arc<DatabaseFile>, options: &Options, is_recovered| {
        let report = verify::opened(storage, file, Some(&logs), options, bars)?;
        let verdict = DatabaseVerdict::of(&path.display().to_string(), &report);
        let verdict = if is_recovered { verdict.recovered() } else { verdict };
        bars.suspend(|| output.text(verdict.text(output.style())));
        verdicts.databases.push(verdict);
        Ok::<_, Failure>(report.is_good())
    };
    let mut good = judge(&file, &options, false)?;
    match recovered {
        Some(Ok(recovered)) => good &= judge(&recovered.file()?, &settings.database, true)?,
        // The verdict has said that they are missing.
        Some(Err(RecoveryError::MissingLogs(_))) | None => {}
        Some(Err(error)) => {
            bars.suspend(|| output.failure(&Failure::from(error)));
            good = false;
        }
    }
    Ok(good)
}

/// Where the logs of a database lie: in `logs/` beside it, as a restored set has them, or beside
/// it.
pub(crate) fn logs_of(storage: &dyn Storage, database: &Path) -> PathBuf {
    let beside = vfs::durable::parent(database);
    let logs = beside.join(backup_set::name::LOGS);
    if storage.metadata(&logs).is_ok_and(|m| m.is_dir) { logs } else { beside.to_owned() }
}

/// A folder into which a restore was begun.
pub(crate) fn unfinished(path: &Path) -> Failure {
    let marker = backup_set::restore::MARKER;
    Failure::new(
        Exit::Unusable,
        format!("{}: {marker}: a restore to this folder has not been completed", path.display()),
    )
    .advise("Restore the set again to the same folder.")
}
