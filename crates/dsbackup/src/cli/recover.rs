//! `dsbackup recover`: bring a database and its logs together.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use backup_set::{SetReader, restore};
use ese::recovery::journal::{self, Settled};
use ese::recovery::{Options, Plan, Recovered, RecoveryError, Request, Until, plan};
use vfs::Storage;
use vfs::os::Os;

use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::output::recovery::{self, Recovery};

/// Replay the logs of a database that was not shut down, and undo what was not committed.
///
/// Takes what lies there: the folder of a crashed server, the files of a snapshot, an online backup
/// (a set of this program or the plain files of any other), logs without a database. Says what is
/// needed and whether it is there. The database and its logs are only read until all of it has
/// succeeded; docs/recovery.md says how it is done.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    dsbackup recover /mnt/dc1/Windows/NTDS --dry-run\n  \
    dsbackup recover /mnt/dc1/Windows/NTDS --out /recovered\n  \
    dsbackup recover /backups/full --logs /backups/inc1 --logs /backups/inc2 --out /recovered\n  \
    dsbackup recover /backups/full --until 2026-03-01T14:30:00Z --out /recovered\n  \
    dsbackup recover /var/lib/app --in-place\n\n\
    Exit code 1 if something was lost (--lossy) or pages are damaged, 3 if logs are missing or \
    damaged.")]
#[command(group(clap::ArgGroup::new("where").required(true).multiple(true)
    .args(["out", "in_place", "dry_run"])))]
pub(crate) struct Recover {
    /// A database, the folder that it lies in, or a backup set.
    #[arg(value_name = "DIR|SET|DB")]
    path: PathBuf,

    /// The database, if the folder has several or it lies elsewhere.
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// A further folder with logs; may be repeated. The database's folder and logs/ in it are
    /// always looked into.
    #[arg(long, value_name = "DIR")]
    logs: Vec<PathBuf>,

    /// Write the recovered database, and the log that goes with it, into this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "in_place")]
    out: Option<PathBuf>,

    /// Change the database and its logs where they are.
    #[arg(long, conflicts_with_all = ["until", "lossy"])]
    in_place: bool,

    /// Stop at the end of this log generation (hexadecimal, as in file names), or at this time
    /// (UTC, such as 2026-03-01T14:30:00Z).
    #[arg(long, value_name = "GENERATION|TIME")]
    until: Option<Until>,

    /// Do everything but write.
    #[arg(long)]
    dry_run: bool,

    /// Where logs are missing or damaged, stop before, if what is reached then is consistent; what
    /// was logged later is lost.
    #[arg(long)]
    lossy: bool,
}

pub(crate) fn run(args: &Recover, output: &Output) -> Result<Exit, Failure> {
    let interrupt = Interrupt::install()?;
    let began = Instant::now();
    let storage: Arc<dyn Storage> = Arc::new(Os);
    if SetReader::is_set(&*storage, &args.path) {
        check_set(args, &storage, output, &interrupt)?;
    }
    let carried_out = args.in_place && !args.dry_run && settle(args, &storage, output, &interrupt)?;
    let request = Request {
        path: args.path.clone(),
        database: args.db.clone(),
        logs: args.logs.clone(),
        until: args.until,
        lossy: args.lossy,
    };
    let plan = plan(&storage, &request)?;
    output.text(recovery::plan_text(&plan, output.style()));
    let recovered = execute(args, &plan, &storage, output, &interrupt)?;
    let mut told = Recovery::of(recovered.report());
    told.carried_out = carried_out;
    output.text(told.text(output.style()));
    if args.dry_run {
        output.text("nothing is written (--dry-run)");
    } else if let Some(out) = &args.out {
        let bars = output.progress(recovered.outcome().file_len(), &interrupt);
        bars.phase("writing", &out.display().to_string());
        let written = recovered.write_to(&storage, out, &bars.counting())?;
        drop(bars);
        told.written(&written);
        output.text(recovery::written_text(&written));
    } else if !recovered.is_unchanged() {
        let bars = output.progress(0, &interrupt);
        recovered.commit(&storage, &bars.counting())?;
        drop(bars);
        told.in_place = true;
        output.text(format!("changed in place: {}", recovered.path().display()));
    }
    told.finish(began.elapsed());
    output.text(told.closing(args.dry_run, output.style()));
    output.summary("recover", &told);
    Ok(if told.ok() { Exit::Done } else { Exit::Findings })
}

/// A set is whole only with its hashes, and stays as it is.
fn check_set(
    args: &Recover,
    storage: &Arc<dyn Storage>,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    if args.in_place {
        let text = format!("{}: a backup set is not changed", args.path.display());
        return Err(Failure::new(Exit::Refused, text).advise(
            "Recover it to a folder with --out, or restore it: dsbackup restore SET --to",
        ));
    }
    let set = SetReader::open(storage.clone(), &args.path)?;
    let bars = output.progress(set.manifest().total_size(), interrupt);
    restore::check_set(&set, &bars)?;
    drop(bars);
    output.text(format!("{}: equal to the manifest's hashes", args.path.display()));
    Ok(())
}

/// Carries out a recovery that was committed earlier; whether there was one.
fn settle(
    args: &Recover,
    storage: &Arc<dyn Storage>,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<bool, Failure> {
    let mut databases = Vec::new();
    match (&args.db, storage.metadata(&args.path)?.is_dir) {
        (Some(database), _) => databases.push(database.clone()),
        (None, false) => databases.push(args.path.clone()),
        (None, true) => {
            for entry in storage.list(&args.path)? {
                let path = args.path.join(entry.name);
                if journal::is_pending(&**storage, &path).map_err(Failure::from)? {
                    databases.push(path);
                }
            }
        }
    }
    let mut carried_out = false;
    for database in databases {
        let bars = output.progress(0, interrupt);
        let settled = journal::settle(storage, &database, &bars.counting())?;
        drop(bars);
        if settled == Settled::CarriedOut {
            let name = database.display();
            output.text(format!("{name}: an earlier recovery was carried out to its end"));
            carried_out = true;
        }
    }
    Ok(carried_out)
}

fn execute(
    args: &Recover,
    plan: &Plan,
    storage: &Arc<dyn Storage>,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Recovered, Failure> {
    let scratch = match (&args.out, args.dry_run) {
        (_, true) => scratch_in(&std::env::temp_dir()),
        (Some(out), _) => scratch_in(&existing(storage, out)),
        (None, _) => scratch_in(vfs::durable::parent(plan.path())),
    };
    clear_scratch(&**storage, &scratch);
    let bars = output.progress(plan.log_bytes(), interrupt);
    bars.phase("replaying", &plan.path().display().to_string());
    let options = Options::writing(storage, scratch);
    plan.execute(storage, &options, &bars.counting()).map_err(|error| match error {
        // What would have helped without --lossy has been tried.
        error @ (RecoveryError::LaterThanLogs { .. } | RecoveryError::NotConsistent { .. })
            if args.lossy =>
        {
            let failure = Failure::from(error);
            let text = format!("no point that the logs lead to is consistent: {}", failure.text);
            Failure { text, ..failure }
        }
        error => error.into(),
    })
}

/// A name for changed pages that find no room in memory.
pub(crate) fn scratch_in(folder: &Path) -> PathBuf {
    folder.join(".dsbackup-pages")
}

/// Removes what a process left there that was killed between making the file and giving its name
/// up.
fn clear_scratch(storage: &dyn Storage, scratch: &Path) {
    // Where that may not be, the new file gets another name.
    let _ = storage.remove_file(scratch);
}

/// The folder, or the one above it that is there.
fn existing(storage: &Arc<dyn Storage>, folder: &Path) -> PathBuf {
    let is_there = |path: &&Path| storage.metadata(path).is_ok_and(|found| found.is_dir);
    let mut above = folder.ancestors().filter(|path| !path.as_os_str().is_empty());
    above.find(is_there).unwrap_or(Path::new(".")).to_owned()
}
