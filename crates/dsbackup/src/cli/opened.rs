//! Opening a database to read what is in it, with the warnings that belong to that.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese::{CatalogSource, Database, OpenOptions};
use vfs::Storage;
use vfs::os::Os;

use crate::cli::found::{Found, find};
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Opens the database at `path`, or the only one in a folder.
///
/// Warns if it was not shut down cleanly, and of what its catalog lacks. `salvage`: take what is
/// left of a damaged catalog.
pub(crate) fn open(path: &Path, salvage: bool, output: &Output) -> Result<Database, Failure> {
    let storage: Arc<dyn Storage> = Arc::new(Os);
    let path = if storage.metadata(path)?.is_dir { only(&storage, path)? } else { path.to_owned() };
    let options = OpenOptions { salvage, ..OpenOptions::default() };
    let database = options.open(storage, &path).map_err(|error| {
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
