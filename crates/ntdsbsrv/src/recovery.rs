//! Hard recovery of a restored directory, at the first start after the restore was completed.
//!
//! The restored logs are replayed over the restored database, and on into newer logs of the same
//! stream that lie in the log path; what was not committed is undone. It goes on where an earlier
//! start was stopped: up to the commit of its journal nothing has changed, after it the journal is
//! carried out to its end.

use std::path::Path;
use std::sync::Arc;

use ese::recovery::{Options, RecoveryError, Report, Request, journal, plan};
use ese::verify::Unheard;
use vfs::{Storage, durable};

use crate::startup::RestoredPlace;

/// Recovers the database at `place`; a clean one stays as it is.
pub(crate) fn recover(
    storage: &Arc<dyn Storage>,
    place: &RestoredPlace,
) -> Result<Report, RecoveryError> {
    let database = &place.database;
    journal::settle(storage, database, &Unheard)?;
    let mut logs = vec![place.logs.clone(), place.backup_logs.clone()];
    logs.retain(|folder| storage.metadata(folder).is_ok_and(|found| found.is_dir));
    let request = Request { logs, ..Request::of(database) };
    let scratch = durable::parent(database).join(SCRATCH);
    // Left by a start that was killed between making the file and giving its name up.
    durable::remove(&**storage, &scratch)?;
    let options = Options::writing(storage, scratch);
    let recovered = plan(storage, &request)?.execute(storage, &options, &Unheard)?;
    if !recovered.is_unchanged() {
        recovered.commit(storage, &Unheard)?;
    }
    Ok(recovered.report().clone())
}

/// What a recovery did, for the audit log.
pub(crate) fn told(report: &Report, database: &Path) -> String {
    let counts = &report.counts;
    let logs = match counts.generations {
        Some((first, last)) => format!("logs {first}-{last}"),
        None => "no logs".to_owned(),
    };
    format!(
        "{}: {logs}, {} records, {} changes made, {} undone",
        database.display(),
        counts.records,
        counts.redone,
        counts.undone
    )
}

/// Where changed pages go that find no room in memory.
const SCRATCH: &str = ".recovery-pages";
