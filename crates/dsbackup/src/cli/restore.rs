//! `dsbackup restore`: to a folder without a service, or through the documented functions.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backup_set::{SetReader, restore};
use ese::recovery::Until;
use vfs::Storage;
use vfs::os::Os;

use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::human;
use crate::output::recovery::Recovery;
use crate::output::{Output, json};

mod through_service;

pub(crate) use through_service::{Present, restore_to_service};

/// Restore a backup set.
///
/// The set's hashes are checked before anything is touched, files are checked while they are
/// copied and once more where they were put. Then the database is recovered: its logs are replayed,
/// what was not committed is undone (a service does that when it starts). Until all of it is done,
/// a folder holds the file RESTORE-INCOMPLETE, and a service does not go online.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    dsbackup restore /backups/dc1-monday --to /restored\n  \
    dsbackup restore /backups/dc1-monday --to /restored --until 2026-03-01T14:30:00Z\n  \
    dsbackup restore /backups/dc1-monday --server DC1    (the service in --restore-mode)\n  \
    dsbackup restore /backups/dc1-monday --server DC1 --overwrite")]
#[command(group(clap::ArgGroup::new("where").required(true).args(["to", "server"])))]
pub(crate) struct Restore {
    /// The folder of the backup set.
    set: PathBuf,

    /// Restore to this folder; it must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,

    /// Stop at the end of this log generation (hexadecimal, as in file names), or at this time
    /// (UTC, such as 2026-03-01T14:30:00Z).
    #[arg(long, value_name = "GENERATION|TIME", conflicts_with = "server")]
    until: Option<Until>,

    /// Leave the database as it was backed up, with its logs beside it.
    #[arg(long, conflicts_with_all = ["server", "until"])]
    no_recover: bool,

    /// Replace what is there: files of the same names in a folder that is not empty; with --server
    /// the directory's present database and logs.
    #[arg(long)]
    overwrite: bool,

    /// Restore through this service to the places where it wants its files.
    #[arg(long)]
    server: Option<String>,

    /// A volume of the service's configuration, where it has any; may be repeated.
    #[arg(long, value_name = "LETTER=DIR", requires = "server")]
    volume: Vec<String>,
}

pub(crate) fn run(args: &Restore, output: &Output) -> Result<Exit, Failure> {
    let interrupt = Interrupt::install()?;
    let began = Instant::now();
    let set = SetReader::open(Arc::new(Os), &args.set)?;
    let bars = output.progress(3 * set.manifest().total_size(), &interrupt);
    let restored = match (&args.to, &args.server) {
        (Some(dir), _) => {
            let target: Arc<dyn Storage> = Arc::new(Os);
            let options = restore::Options {
                replace: args.overwrite,
                as_is: args.no_recover,
                until: args.until,
            };
            restore::to_folder(&set, &target, dir, options, &bars).map_err(Failure::from)
        }
        (None, Some(server)) => {
            let server = super::server::parse(server)?;
            let volumes = through_service::volumes(&args.volume)?;
            let present = if args.overwrite { Present::Replace } else { Present::Refuse };
            restore_to_service(&set, &server, &volumes, present, &interrupt, &bars)
        }
        (None, None) => Err(Failure::new(Exit::Usage, "say --to DIR or --server SERVER")),
    }
    .map_err(|failure| match failure.exit {
        Exit::Interrupted => through_service::interrupted(),
        _ => failure,
    })?;
    drop(bars);
    say(args, &restored, began.elapsed(), output);
    Ok(Exit::Done)
}

fn say(args: &Restore, restored: &restore::Restored, time: Duration, output: &Output) {
    for (entry, path) in &restored.files {
        output.text(format!("  {:9}  {}", human::size(entry.size), path.display()));
    }
    output.text(format!(
        "restored {} in {}, equal to the manifest's hashes",
        human::size(restored.bytes),
        human::seconds(time)
    ));
    let recovered: Vec<Recovery> = restored.recovered.iter().map(Recovery::of).collect();
    for one in &recovered {
        output.text(format!("recovered {}:", one.database()));
        output.text(one.text(output.style()));
    }
    output.summary(
        "restore",
        &json::Restore {
            set: args.set.display().to_string(),
            to: args.to.as_ref().map(|dir| dir.display().to_string()),
            server: args.server.clone(),
            files: restored.files.iter().map(|(entry, _)| entry.into()).collect(),
            paths: restored.files.iter().map(|(_, path)| path.display().to_string()).collect(),
            bytes: restored.bytes,
            recovered,
            seconds: time.as_secs_f64(),
        },
    );
}
