//! `dsbackup info`: what headers and manifests say, and whether what is needed is there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backup_set::{SetReader, verify};
use ese::DatabaseFile;
use ese::recovery::{Request, plan};
use vfs::Storage;
use vfs::os::Os;

use crate::cli::found::{Found, find};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::output::facts::{DatabaseFacts, Facts, RecoveryFacts, SetFacts};
use crate::output::log_facts::{CheckpointFacts, LogFacts};

/// Show headers, states, and what is needed and whether it is there.
///
/// Of a database: every field of its header, the state of both header copies, pages, the logs it
/// needs, whether it can be recovered. Of a log or a checkpoint: every field of its header, the
/// parameters of its instance, the databases that are attached. Of a folder: all that is in it. Of
/// a backup set: its manifest. Pages and records are not checked: that is what verify does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    dsbackup info ntds.dit\n  \
    dsbackup info /mnt/dc1/Windows/NTDS\n  \
    dsbackup info /backups/dc1-monday --json\n\n\
    Exit code 1 if something that is needed is missing.")]
pub(crate) struct Info {
    /// Databases, logs, checkpoints, folders, backup sets.
    #[arg(required = true)]
    path: Vec<PathBuf>,
}

pub(crate) fn run(args: &Info, output: &Output) -> Result<Exit, Failure> {
    let storage: Arc<dyn Storage> = Arc::new(Os);
    let mut facts = Facts::default();
    let mut exit = Exit::Done;
    for path in &args.path {
        let found = find(&storage, path);
        let shown = found.and_then(|found| {
            let mut worst = Exit::Done;
            for item in found {
                worst = worst.max(show(&storage, item, &mut facts, output)?);
            }
            Ok(worst)
        });
        match shown {
            Ok(one) => exit = exit.max(one),
            Err(failure) => {
                output.failure(&failure);
                exit = exit.max(failure.exit);
            }
        }
    }
    facts.ok = exit == Exit::Done;
    output.summary("info", &facts);
    Ok(exit)
}

fn show(
    storage: &Arc<dyn Storage>,
    item: Found,
    facts: &mut Facts,
    output: &Output,
) -> Result<Exit, Failure> {
    let style = output.style();
    match item {
        Found::Database { path, .. } => {
            let database = DatabaseFile::open(storage.clone(), &path)?;
            let logs = super::verify::logs_of(storage.as_ref(), &path);
            let logs = verify::needed_logs(storage.as_ref(), &database, Some(&logs))?;
            let trailer = verify::trailer(&database);
            let recovery = database
                .header()
                .is_dirty()
                .then(|| RecoveryFacts::of(&plan(storage, &Request::of(path.clone()))));
            let one = DatabaseFacts::of(&database, &logs, &trailer, recovery);
            output.text(one.text(style));
            let complete = one.is_complete();
            facts.databases.push(one);
            Ok(if complete { Exit::Done } else { Exit::Findings })
        }
        Found::Log { path } => {
            let one = log(storage, &path)?;
            output.text(one.text(style));
            facts.logs.push(one);
            Ok(Exit::Done)
        }
        Found::Logs { folder, paths } => {
            let mut exit = Exit::Done;
            output.text(format!("{}: logs", style.title(&folder.display().to_string())));
            let mut logs = Vec::new();
            for path in paths {
                match log(storage, &path) {
                    Ok(one) => logs.push(one),
                    Err(failure) => {
                        output.failure(&failure);
                        exit = exit.max(failure.exit);
                    }
                }
            }
            logs.sort_by_key(LogFacts::generation);
            for one in &logs {
                output.text(format!("    {}", one.line()));
            }
            facts.logs.append(&mut logs);
            Ok(exit)
        }
        Found::Checkpoint { path } => {
            let one = super::found::checkpoint(storage.as_ref(), &path)?;
            let one = CheckpointFacts::of(&path, &one.map_err(|e| unusable(&path, &e))?);
            output.text(one.text(style));
            facts.checkpoints.push(one);
            Ok(Exit::Done)
        }
        Found::Set { path, .. } => {
            let set = SetReader::open(storage.clone(), &path)?;
            let one = SetFacts::of(&set)?;
            output.text(one.text(style));
            let complete = one.is_complete();
            facts.sets.push(one);
            Ok(if complete { Exit::Done } else { Exit::Findings })
        }
        Found::Unfinished { path } => Err(super::verify::unfinished(&path)),
    }
}

/// What the header of a log says.
fn log(storage: &Arc<dyn Storage>, path: &Path) -> Result<LogFacts, Failure> {
    let header = verify::log(storage.as_ref(), path)?.map_err(|e| unusable(path, &e))?;
    Ok(LogFacts::of(path, &header, storage.metadata(path)?.len))
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Unusable, format!("{}: {error}", path.display()))
}
