//! Opening a database to read what is in it, with the warnings that belong to that.
//!
//! One that was not shut down is recovered in memory: its logs are replayed over it, and nothing is
//! written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese::recovery::{Options, Recovered, RecoveryError, Request, plan};
use ese::{CatalogSource, Database, DatabaseFile, OpenOptions};
use vfs::Storage;
use vfs::os::Os;

use crate::cli::found::{Found, find};
use crate::cli::recover::scratch_in;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Which database is read, and in which state.
#[derive(Debug, clap::Args)]
pub(crate) struct Reading {
    /// A database, or a folder with one. If it was not shut down, its logs are replayed in memory;
    /// nothing is written.
    #[arg(value_name = "DIT")]
    path: PathBuf,

    /// Read the file as it lies, without its logs.
    #[arg(long)]
    as_is: bool,

    /// A further folder with logs; may be repeated.
    #[arg(long, value_name = "DIR")]
    logs: Vec<PathBuf>,
}

/// Opens a database.
///
/// Warns if it was not shut down cleanly, and of what its catalog lacks. `salvage`: take what is
/// left of a damaged catalog.
pub(crate) fn open(args: &Reading, salvage: bool, output: &Output) -> Result<Database, Failure> {
    let storage: Arc<dyn Storage> = Arc::new(Os);
    let path = match storage.metadata(&args.path)?.is_dir {
        true => only(&storage, &args.path)?,
        false => args.path.clone(),
    };
    let mut file = Arc::new(DatabaseFile::open(storage.clone(), &path)?);
    if file.header().is_dirty() && !args.as_is {
        let recovered = in_memory(&storage, &path, &args.logs).map_err(|error| {
            let failure = Failure::from(error);
            let advice = failure.advice.unwrap_or_default();
            let advice = format!("{advice} --as-is reads the file as it lies.");
            Failure { advice: Some(advice.trim_start().to_owned()), ..failure }
        })?;
        output.warning(&told(&path, &recovered));
        file = recovered.file()?;
    }
    let options = OpenOptions { salvage, ..OpenOptions::default() };
    let database = options.over(file).map_err(|error| {
        let failure = Failure::from(error);
        if salvage { failure } else { advise(failure) }
    })?;
    let name = database.path().display();
    if let Some(state) = database.state()
        && !database.is_clean()
    {
        output.warning(&format!(
            "{name}: state {state}: read as it lies; changes that are only in its logs are \
             missing, and changes that were never committed may be there"
        ));
    }
    match database.catalog_source() {
        CatalogSource::Shadow(error) => {
            output.warning(&format!("the catalog's shadow is used: {error}"));
        }
        CatalogSource::Remains(errors) => {
            output.warning("both copies of the catalog are damaged; tables may be missing");
            for error in errors {
                output.warning(&error.to_string());
            }
        }
        _ => {}
    }
    for problem in database.catalog_problems() {
        output.warning(&format!("{name}: {problem}"));
    }
    Ok(database)
}

fn advise(failure: Failure) -> Failure {
    if failure.exit != Exit::Unusable || failure.advice.is_some() {
        return failure;
    }
    failure.advise("Use a sound copy of the file, or read what is left with --salvage.")
}

/// Recovers a database to be read.
pub(crate) fn in_memory(
    storage: &Arc<dyn Storage>,
    path: &Path,
    logs: &[PathBuf],
) -> Result<Recovered, RecoveryError> {
    let request = Request { logs: logs.to_vec(), ..Request::of(path) };
    let options = Options::reading(storage, scratch_in(&std::env::temp_dir()));
    plan(storage, &request)?.execute(storage, &options, &ese::verify::Unheard)
}

/// What was done to read it.
fn told(path: &Path, recovered: &Recovered) -> String {
    let counts = &recovered.report().counts;
    let logs = match counts.generations {
        Some((first, last)) if first == last => format!("log {first}"),
        Some((first, last)) => format!("logs {first}-{last}"),
        None => "no logs".to_owned(),
    };
    let state = recovered.report().state.map_or(String::new(), |state| state.to_string());
    format!(
        "{}: state {state}, {}: read as {logs} make it ({} changes, {} undone); nothing is \
         written",
        path.display(),
        recovered.report().kind,
        counts.redone,
        counts.undone
    )
}

/// The only database in a folder.
fn only(storage: &Arc<dyn Storage>, path: &Path) -> Result<PathBuf, Failure> {
    let mut databases = find(storage, path)?.into_iter().filter_map(|found| match found {
        Found::Database { path, .. } => Some(path),
        _ => None,
    });
    match (databases.next(), databases.next()) {
        (Some(database), None) => Ok(database),
        _ => Err(Failure::new(
            Exit::Usage,
            format!("{}: not a database, and not a folder with one in it", path.display()),
        )),
    }
}
