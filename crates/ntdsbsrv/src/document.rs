//! Small JSON files of the service's state: read whole, replaced whole.
//!
//! A replacement is durable before [`save`] returns, and a crash leaves the old or the new
//! content. A file that cannot be understood is an error, never "not there": treating a damaged
//! registration as absent would bring half-restored files online.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use vfs::{OpenMode, Storage, durable};

use crate::ServeError;

/// Reads a document; `None` where there is no file.
pub(crate) fn load<T: DeserializeOwned>(
    storage: &dyn Storage,
    path: &Path,
) -> Result<Option<T>, ServeError> {
    let damaged = |what: String| ServeError::State {
        path: path.to_owned(),
        reason: format!("{what}; if its content is lost for good, move the file away"),
    };
    let file = match storage.open(path, OpenMode::Read) {
        Err(e) if e.is_not_found() => return Ok(None),
        other => other?,
    };
    let len = file.len()?;
    if len > LARGEST {
        return Err(damaged(format!("is {len} bytes long; at most {LARGEST} are read")));
    }
    let mut content = vec![0; usize::try_from(len).unwrap_or(0)];
    file.read_exact_at(&mut content, 0)?;
    serde_json::from_slice(&content).map(Some).map_err(|e| damaged(format!("is damaged: {e}")))
}

/// Writes a document, durably.
pub(crate) fn save<T: Serialize>(
    storage: &dyn Storage,
    path: &Path,
    document: &T,
) -> Result<(), ServeError> {
    let mut content = serde_json::to_vec_pretty(document)
        .map_err(|e| ServeError::State { path: path.to_owned(), reason: e.to_string() })?;
    content.push(b'\n');
    durable::replace(storage, path, &content)?;
    Ok(())
}

const LARGEST: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use vfs::mem::Mem;

    use super::*;

    #[test]
    fn a_document_is_absent_read_back_or_damaged() {
        let storage = Mem::new();
        storage.create_dir_all(Path::new("/state")).unwrap();
        let path = Path::new("/state/x.json");
        assert_eq!(load::<Vec<u32>>(&storage, path).unwrap(), None);
        save(&storage, path, &vec![1u32, 2]).unwrap();
        assert_eq!(load::<Vec<u32>>(&storage, path).unwrap(), Some(vec![1, 2]));
        durable::replace(&storage, path, b"[1, 2").unwrap();
        let error = load::<Vec<u32>>(&storage, path).unwrap_err().to_string();
        assert!(error.contains("/state/x.json: is damaged"), "{error}");
    }
}
