//! Recovering the database of a set: in a folder that it was restored to, or in memory.
//!
//! Recovery in a restored folder is part of the restore: until it is done the folder bears the mark
//! of an unfinished restore, and a restore that is begun again copies everything anew.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ese::logs::LogReader;
use ese::recovery::{Options, Recovered, RecoveryError, Report, Request, Until, plan};
use ese_format::log::record::RecordKind;
use vfs::{Storage, durable};

use crate::name::LOGS;
use crate::progress::Phase;
use crate::{Error, Progress, Result};

/// Recovers `database`, which was restored to `dir`, with the logs in `dir/logs`, in place. Logs
/// behind the point to stop at are removed: they are copies.
///
/// # Errors
///
/// That it cannot be recovered.
pub(crate) fn in_folder(
    storage: &Arc<dyn Storage>,
    dir: &Path,
    database: &Path,
    until: Option<Until>,
    progress: &dyn Progress,
) -> Result<Report> {
    let logs = dir.join(LOGS);
    let request = Request {
        path: dir.to_owned(),
        database: Some(database.to_owned()),
        logs: vec![logs.clone()],
        until,
        lossy: false,
    };
    let options = Options::writing(storage, dir.join(SCRATCH));
    let recovered = execute(storage, &request, &options, progress)?;
    for log in &recovered.report().left_out {
        storage.remove_file(log)?;
    }
    storage.sync_dir(&logs)?;
    if !recovered.is_unchanged() {
        recovered.commit(storage, &ese::verify::Unheard).map_err(of)?;
    }
    Ok(recovered.report().clone())
}

/// Recovers a database of a set in memory. Nothing is written but to `scratch`, where changed pages
/// go that find no room in memory.
///
/// # Errors
///
/// That it cannot be recovered.
pub fn in_memory(
    storage: &Arc<dyn Storage>,
    database: &Path,
    logs: &Path,
    scratch: &Path,
    progress: &dyn Progress,
) -> Result<Recovered> {
    let request = Request { logs: vec![logs.to_owned()], ..Request::of(database) };
    execute(storage, &request, &Options::reading(storage, scratch.to_owned()), progress)
}

/// Removes what a recovery that was stopped has left beside `database`: its journal, in any state,
/// and changed pages.
pub(crate) fn clear(storage: &dyn Storage, database: &Path) -> Result<()> {
    durable::remove(storage, &durable::parent(database).join(SCRATCH))?;
    let journal = ese::recovery::journal::journal_path(database);
    let mut partial = journal.clone().into_os_string();
    partial.push(".partial");
    durable::remove(storage, &journal)?;
    durable::remove(storage, Path::new(&partial))?;
    Ok(())
}

/// Whether a log holds nothing but what a recovery wrote behind the logs that it replayed, so that
/// nothing is lost with it: no instance has begun in it.
pub(crate) fn is_only_recovery(storage: &dyn Storage, log: &Path) -> bool {
    let Ok(mut reader) = LogReader::open(storage, log) else { return false };
    let mut last = RecordKind::NOP;
    loop {
        match reader.next_record() {
            Ok(Some((_, record))) => match record.first().copied().map(RecordKind) {
                Some(RecordKind::INIT | RecordKind::INIT2) => return false,
                Some(RecordKind::NOP | RecordKind::NOP2) | None => {}
                Some(kind) => last = kind,
            },
            Ok(None) => return last == RecordKind::RECOVERY_QUIT2,
            Err(_) => return false,
        }
    }
}

fn execute(
    storage: &Arc<dyn Storage>,
    request: &Request,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Recovered> {
    let plan = plan(storage, request).map_err(of)?;
    let name = plan.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    progress.begin(Phase::Replay, &name, plan.log_bytes());
    let told = AtomicU64::new(0);
    let report = |done: u64, _total: u64| {
        let before = told.fetch_max(done, Ordering::Relaxed);
        progress.advance(done.saturating_sub(before));
        if progress.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    plan.execute(storage, options, &report).map_err(of)
}

fn of(error: RecoveryError) -> Error {
    match error {
        RecoveryError::File(ese::Error::Storage(error)) => error.into(),
        RecoveryError::File(ese::Error::Cancelled) => Error::Cancelled,
        RecoveryError::Replay(error) if error.is_cancelled() => Error::Cancelled,
        error => Error::Recovery(Box::new(error)),
    }
}

/// Where changed pages go while a restored database is recovered.
const SCRATCH: &str = ".recovery-pages";
