//! Whether restored files are what a restore registered: the check behind
//! `DsRestoreRegisterComplete(0)`.
//!
//! | found | code |
//! |---|---|
//! | no database file, no readable header, a state that no log recovers | hrDatabaseCorrupted |
//! | it ends before its last page, or lacks its trailer page | 0xC8000217 (JET -535) |
//! | its trailer page is of another backup | hrPatchFileMismatch |
//! | it is another database than the one that the token names | hrBadDbSignature |
//! | logs missing at an end of the range, or left out by it | hrMissingRestoreLogFiles |
//! | a log missing between others, or not following another | hrGivenLogFileIsNotContiguous |
//! | a log has no readable header or is of another stream | hrGivenLogFileHasBadSignature |
//!
//! Pages are not verified here: the copy was verified when it was taken, and whoever copied the
//! files back knows what he wrote. The first backup of the restored directory verifies them all.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese::DatabaseFile;
use ese_format::Signature;
use ese_format::log_header::{LOG_HEADER_LEN, LogHeader};
use ese_format::log_name::{LogName, LogRole};
use ntdsb::HResult;
use vfs::{OpenMode, Storage};

use crate::directory::DirectoryError;
use crate::standing::{check_state, needed_logs, signature_bytes};

/// What a restore says it has put where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Restored<'a> {
    /// The database files.
    pub(crate) databases: &'a [PathBuf],
    /// The directory of the restored logs.
    pub(crate) logs: &'a Path,
    /// Lowest and highest generation; 0 and 0: whatever is in the directory.
    pub(crate) generations: (u32, u32),
    /// Signature of the database that was backed up; all zero where it is not known.
    pub(crate) signature: [u8; 28],
}

/// A restore that is not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incomplete {
    /// What the interface returns.
    pub(crate) code: HResult,
    /// Which file, and what is the matter.
    pub(crate) what: String,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.what)
    }
}

/// Checks everything; the first thing found is reported.
pub(crate) fn check(storage: &Arc<dyn Storage>, restored: &Restored<'_>) -> Result<(), Incomplete> {
    let mut open = Vec::new();
    for path in restored.databases {
        open.push(check_database(storage, path, &restored.signature)?);
    }
    let stream = open.iter().map(|db| db.header().log_signature).find(|s| !s.is_none());
    let present = logs_in(storage.as_ref(), restored.logs)?;
    let range = check_range(restored, &present, stream.as_ref())?;
    for database in &open {
        let Some(needed) = needed_logs(database) else { continue };
        let covered =
            range.is_some_and(|(low, high)| low <= needed.start().0 && needed.end().0 <= high);
        if !covered {
            return Err(incomplete(
                HResult::HR_MISSING_RESTORE_LOG_FILES,
                format!(
                    "{} needs the logs of generations {} to {}",
                    database.path().display(),
                    needed.start(),
                    needed.end()
                ),
            ));
        }
    }
    Ok(())
}

fn check_database(
    storage: &Arc<dyn Storage>,
    path: &Path,
    expected: &[u8; 28],
) -> Result<DatabaseFile, Incomplete> {
    let corrupted =
        |e: &dyn fmt::Display| incomplete(HResult::HR_DATABASE_CORRUPTED, e.to_string());
    let database = DatabaseFile::open(storage.clone(), path).map_err(|e| corrupted(&e))?;
    if let Err(e) = check_state(&database) {
        return Err(match e {
            DirectoryError::NotHostable { .. } => incomplete(e.hresult(), e.to_string()),
            other => corrupted(&other),
        });
    }
    if let Err(e) = database.check_complete() {
        return Err(incomplete(HResult::JET_BAD_PATCH_PAGE, e.to_string()));
    }
    let found = signature_bytes(&database.header().signature);
    if *expected != [0; 28] && found != *expected {
        return Err(incomplete(
            HResult::HR_BAD_DB_SIGNATURE,
            format!(
                "{} is another database ({}) than the one that the token was made for",
                path.display(),
                database.header().signature
            ),
        ));
    }
    Ok(database)
}

/// What lies under a log's name.
enum Log {
    Good { header: Box<LogHeader>, path: PathBuf },
    Bad { path: PathBuf, reason: String },
}

/// The archived logs of a directory by the generation of their names.
fn logs_in(storage: &dyn Storage, dir: &Path) -> Result<BTreeMap<u32, Log>, Incomplete> {
    let storage_failed = |e: vfs::Error| {
        let code = DirectoryError::Storage(e);
        incomplete(HResult::HR_MISSING_RESTORE_LOG_FILES, code.to_string())
    };
    let mut logs = BTreeMap::new();
    let names = match storage.list(dir) {
        // A backup without logs may have been restored without a log directory.
        Err(e) if e.is_not_found() => return Ok(logs),
        other => other.map_err(storage_failed)?,
    };
    for entry in names.iter().filter(|entry| !entry.is_dir) {
        let Some(name) = entry.name.to_str().and_then(LogName::parse) else { continue };
        let LogRole::Archived(generation, _) = name.role else { continue };
        let path = dir.join(&entry.name);
        let log = match read_log_header(storage, &path) {
            Ok(header) if header.generation != generation => {
                let reason = format!("its header says generation {}", header.generation);
                Log::Bad { path, reason }
            }
            Ok(header) => Log::Good { header: Box::new(header), path },
            Err(reason) => Log::Bad { path, reason },
        };
        logs.insert(generation.0, log);
    }
    Ok(logs)
}

fn read_log_header(storage: &dyn Storage, path: &Path) -> Result<LogHeader, String> {
    let file = storage.open(path, OpenMode::Read).map_err(|e| e.to_string())?;
    let mut beginning = vec![0; LOG_HEADER_LEN];
    let read = file.read_at(&mut beginning, 0).map_err(|e| e.to_string())?;
    beginning.truncate(read);
    let header = LogHeader::parse(&beginning).map_err(|e| e.to_string())?;
    let (expected, found) = (header.file_len(), file.len().map_err(|e| e.to_string())?);
    if expected != found {
        return Err(format!("it has {found} bytes, its header says {expected}"));
    }
    Ok(header)
}

/// The range that the logs cover: every generation there, each the successor of the one before,
/// all of one stream. `None` if there is none.
fn check_range(
    restored: &Restored<'_>,
    present: &BTreeMap<u32, Log>,
    stream: Option<&Signature>,
) -> Result<Option<(u32, u32)>, Incomplete> {
    let found = match (present.keys().next(), present.keys().next_back()) {
        (Some(first), Some(last)) => Some((*first, *last)),
        _ => None,
    };
    let (low, high) = match (restored.generations, found) {
        ((0, 0), None) => return Ok(None),
        ((0, 0), Some(found)) => found,
        // Generations begin with 1, so a lower bound of 0 means the same.
        ((low, high), _) => (low.max(1), high),
    };
    let mut previous: Option<&LogHeader> = None;
    for generation in low..=high {
        let missing = || {
            let between = found.is_some_and(|(first, last)| {
                first < generation && generation < last && previous.is_some()
            });
            let code = if between {
                HResult::HR_GIVEN_LOG_FILE_IS_NOT_CONTIGUOUS
            } else {
                HResult::HR_MISSING_RESTORE_LOG_FILES
            };
            let dir = restored.logs.display();
            incomplete(code, format!("{dir}: the log of generation {generation:#x} is missing"))
        };
        let (header, path) = match present.get(&generation).ok_or_else(missing)? {
            Log::Good { header, path } => (header.as_ref(), path),
            Log::Bad { path, reason } => {
                return Err(incomplete(
                    HResult::HR_GIVEN_LOG_FILE_HAS_BAD_SIGNATURE,
                    format!("{}: {reason}", path.display()),
                ));
            }
        };
        if stream.is_some_and(|stream| *stream != header.signature) {
            return Err(incomplete(
                HResult::HR_GIVEN_LOG_FILE_HAS_BAD_SIGNATURE,
                format!("{}: is of log stream {}", path.display(), header.signature),
            ));
        }
        if previous.is_some_and(|previous| !header.follows(previous)) {
            return Err(incomplete(
                HResult::HR_GIVEN_LOG_FILE_IS_NOT_CONTIGUOUS,
                format!("{}: is not the successor of the log before it", path.display()),
            ));
        }
        previous = Some(header);
    }
    Ok(Some((low, high)))
}

fn incomplete(code: HResult, what: String) -> Incomplete {
    Incomplete { code, what }
}

#[cfg(test)]
mod tests {
    use vfs::os::Os;

    use super::*;

    fn check_set(
        set: &testkit::Unpacked,
        generations: (u32, u32),
        signature: [u8; 28],
    ) -> Result<(), HResult> {
        let databases = [set.file("test.edb")];
        let restored = Restored { databases: &databases, logs: set.path(), generations, signature };
        let storage: Arc<dyn Storage> = Arc::new(Os);
        check(&storage, &restored).map_err(|e| e.code)
    }

    const ANY: [u8; 28] = [0; 28];

    #[test]
    fn complete_restores_pass() {
        assert_eq!(check_set(&testkit::set("clean_8k"), (0, 0), ANY), Ok(()));
        let backup = testkit::set("backup_8k");
        assert_eq!(check_set(&backup, (1, 6), ANY), Ok(()));
        assert_eq!(check_set(&backup, (0, 0), ANY), Ok(()));
    }

    #[test]
    fn missing_logs_are_told_from_gaps() {
        let backup = testkit::set("backup_8k");
        assert_eq!(check_set(&backup, (1, 7), ANY), Err(HResult::HR_MISSING_RESTORE_LOG_FILES));
        assert_eq!(check_set(&backup, (2, 6), ANY), Err(HResult::HR_MISSING_RESTORE_LOG_FILES));
        std::fs::remove_file(backup.file("edb00003.log")).unwrap();
        let gap = Err(HResult::HR_GIVEN_LOG_FILE_IS_NOT_CONTIGUOUS);
        assert_eq!(check_set(&backup, (1, 6), ANY), gap);
        assert_eq!(check_set(&backup, (0, 0), ANY), gap);
    }

    #[test]
    fn foreign_files_are_known_by_their_signatures() {
        let backup = testkit::set("backup_8k");
        assert_eq!(check_set(&backup, (1, 6), [7; 28]), Err(HResult::HR_BAD_DB_SIGNATURE));
        let other = testkit::set("crash_8k_e");
        std::fs::copy(other.file("edb00002.log"), backup.file("edb00002.log")).unwrap();
        let foreign = Err(HResult::HR_GIVEN_LOG_FILE_HAS_BAD_SIGNATURE);
        assert_eq!(check_set(&backup, (1, 6), ANY), foreign);
        std::fs::write(backup.file("edb00002.log"), b"no log").unwrap();
        assert_eq!(check_set(&backup, (1, 6), ANY), foreign);
    }

    #[test]
    fn a_copy_that_was_cut_or_is_absent_is_not_complete() {
        let backup = testkit::set("backup_8k");
        let path = backup.file("test.edb");
        let len = std::fs::metadata(&path).unwrap().len();
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(len - 8192).unwrap();
        assert_eq!(check_set(&backup, (1, 6), ANY), Err(HResult::JET_BAD_PATCH_PAGE));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(check_set(&backup, (1, 6), ANY), Err(HResult::HR_DATABASE_CORRUPTED));
    }
}
