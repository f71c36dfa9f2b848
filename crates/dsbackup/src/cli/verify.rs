//! `dsbackup verify`: databases, logs, folders of them, backup sets.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backup_set::{SetReader, verify};
use ese::verify::Options;
use vfs::Storage;
use vfs::os::Os;

use crate::cli::found::{Found, find};
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::verdict::{DatabaseVerdict, LogVerdict, SetVerdict, Verdicts};
use crate::output::{Bars, Output};

/// Check databases, logs, folders of them, and backup sets.
///
/// Of a database: both headers, the checksum and number of every page, the trailer of a backup's
/// copy, and whether the logs it needs are there. Of a log: its header. Of a set: the manifest,
/// the hash of every file, and all of the above. Nothing is written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    dsbackup verify /backups/dc1-monday\n  \
    dsbackup verify ntds.dit --json\n\n\
    Exit code 1 with findings, 3 if something is not a database at all.")]
pub(crate) struct Verify {
    /// Databases, logs, folders, backup sets.
    #[arg(required = true)]
    path: Vec<PathBuf>,

    /// Threads to use; 0 for one a processor.
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

pub(crate) fn run(args: &Verify, output: &Output) -> Result<Exit, Failure> {
    let interrupt = Interrupt::install()?;
    let storage: Arc<dyn Storage> = Arc::new(Os);
    let options = Options::with_threads(args.threads);
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
        let bars = output.progress(found.iter().map(Found::work).sum(), &interrupt);
        for item in found {
            let judged = judge(&storage, item, &options, &bars, &mut verdicts, output);
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

/// Verifies one thing and says so; whether it is good.
fn judge(
    storage: &Arc<dyn Storage>,
    item: Found,
    options: &Options,
    bars: &Bars,
    verdicts: &mut Verdicts,
    output: &Output,
) -> Result<bool, Failure> {
    let style = output.style();
    match item {
        Found::Database { path, .. } => {
            let logs = logs_of(storage.as_ref(), &path);
            let report = verify::database(storage, &path, Some(&logs), options, bars)?;
            let verdict = DatabaseVerdict::of(&path.display().to_string(), &report);
            bars.suspend(|| output.text(verdict.text(style)));
            verdicts.databases.push(verdict);
            Ok(report.is_good())
        }
        Found::Log { path } => {
            let header = verify::log(storage.as_ref(), &path)?;
            let verdict = LogVerdict::of(&path.display().to_string(), &header);
            bars.suspend(|| output.text(verdict.text(style)));
            verdicts.logs.push(verdict);
            Ok(header.is_ok())
        }
        Found::Set { path, .. } => {
            let set = SetReader::open(storage.clone(), &path)?;
            let report = verify::set(&set, options, bars)?;
            let verdict = SetVerdict::of(&set, &report);
            bars.suspend(|| output.text(verdict.text(style)));
            verdicts.sets.push(verdict);
            Ok(report.is_good())
        }
        Found::Unfinished { path } => Err(unfinished(&path)),
    }
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
