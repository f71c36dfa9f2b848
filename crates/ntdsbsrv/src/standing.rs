//! A database that stands still: nobody writes to it, neither this service nor anybody else.
//!
//! | state in the header | hosted |
//! |---|---|
//! | clean shutdown | as it lies there |
//! | dirty, or a streaming backup's copy | with the logs that recovery needs, all of them present |
//! | just created, being converted, reverted or reseeded | not: no log brings such a file home |
//!
//! A backup delivers the file byte for byte: no trailer page is added and the header is not
//! touched, so that the copy is the file. The logs delivered are those that recovery needs, the
//! current log under the name that the engine would archive it by. Nothing is ever written, so
//! truncation deletes nothing.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese::logs::LogFile;
use ese::recovery::journal;
use ese::{DatabaseFile, VerifiedReader};
use ese_format::header::DatabaseState;
use ese_format::{LogGeneration, Signature, jet};
use ms_dtyp::Guid;
use vfs::{File, OpenMode, Storage};

use crate::directory::{
    BackupFile, BackupLog, BackupSource, Delivered, Directory, DirectoryError, Facts, Places,
    Truncation,
};

/// A directory whose database stands still.
#[derive(Debug)]
pub struct StandingDirectory {
    storage: Arc<dyn Storage>,
    database: Arc<DatabaseFile>,
    logs_dir: PathBuf,
    logs: Arc<[LogFile]>,
}

impl StandingDirectory {
    /// Opens a database with the logs it needs, which are looked for in `logs_dir`.
    ///
    /// # Errors
    /// A header that cannot be read, a file that ends too early, a state that no log brings home,
    /// or a needed log that is missing or is another database's.
    pub fn open(
        storage: Arc<dyn Storage>,
        database: &Path,
        logs_dir: &Path,
    ) -> Result<Self, DirectoryError> {
        if journal::is_pending(storage.as_ref(), database)? {
            return Err(DirectoryError::NotHostable {
                database: database.to_owned(),
                reason: "a recovery in place was committed and is not finished: run dsbackup \
                         recover --in-place on it"
                    .to_owned(),
                jet_code: jet::ERR_DATABASE_DIRTY_SHUTDOWN,
            });
        }
        let database = Arc::new(DatabaseFile::open(storage.clone(), database)?);
        check_state(&database)?;
        database.check_complete()?;
        let logs = match needed_logs(&database) {
            None => Vec::new(),
            Some(range) => ese::logs::find(storage.as_ref(), logs_dir, database.header(), &range)?,
        };
        Ok(Self { storage, database, logs_dir: logs_dir.to_owned(), logs: logs.into() })
    }

    fn log_path(&self, log: &LogFile) -> PathBuf {
        self.logs_dir.join(&log.archived_name)
    }
}

/// The log generations without which this database cannot be brought to a consistent state.
pub(crate) fn needed_logs(database: &DatabaseFile) -> Option<RangeInclusive<LogGeneration>> {
    ese::logs::required(database.header(), database.layout().trailer.as_ref())
}

/// Whether logs, if there are any to be replayed, can bring the file to a consistent state.
pub(crate) fn check_state(database: &DatabaseFile) -> Result<(), DirectoryError> {
    let header = database.header();
    let not_hostable = |reason: String, jet_code: i32| {
        Err(DirectoryError::NotHostable { database: database.path().to_owned(), reason, jet_code })
    };
    if header.is_clean() {
        return Ok(());
    }
    if !header.is_dirty() {
        let state = header.state;
        let advice = if state == DatabaseState::JUST_CREATED {
            "its creation did not finish; use another copy"
        } else {
            "let the engine finish what it was doing, or use another copy"
        };
        return not_hostable(
            format!("the database is in state {state}, from which no log recovers it: {advice}"),
            jet::ERR_DATABASE_CORRUPTED,
        );
    }
    if header.needs_trailer() {
        // A copy whose last page is missing was not copied to its end.
        match &database.layout().trailer {
            None => {
                return not_hostable(
                    "the trailer page of this backup copy is missing or damaged; copy the whole \
                     file again"
                        .to_owned(),
                    JET_BAD_PATCH_PAGE,
                );
            }
            Some(trailer) => {
                if let Err(mismatch) = trailer.check_against(header) {
                    return not_hostable(
                        format!("the trailer page does not belong to this copy: {mismatch}"),
                        JET_PATCH_FILE_MISMATCH,
                    );
                }
            }
        }
    }
    Ok(())
}

/// A signature as it stands in a header.
pub(crate) fn signature_bytes(signature: &Signature) -> [u8; 28] {
    let mut bytes = [0; 28];
    let parts = signature.random.to_le_bytes().into_iter().chain(signature.created.to_bytes());
    for (place, byte) in bytes.iter_mut().zip(parts.chain(signature.computer)) {
        *place = byte;
    }
    bytes
}

impl Directory for StandingDirectory {
    fn facts(&self) -> Facts {
        let header = self.database.header();
        Facts {
            page_size: self.database.page_size().get(),
            database_signature: signature_bytes(&header.signature),
            log_signature: signature_bytes(&header.log_signature),
            dsa: Guid::NIL,
            invocation: Guid::NIL,
            domain: Guid::NIL,
            highest_usn: 0,
            epoch: 0,
        }
    }

    fn places(&self) -> Places {
        Places {
            database: self.database.path().to_owned(),
            logs: self.logs_dir.clone(),
            checkpoint: self.logs_dir.clone(),
        }
    }

    fn is_live(&self) -> bool {
        false
    }

    fn generations(&self) -> Option<(u32, u32)> {
        Some((self.logs.first()?.generation.0, self.logs.last()?.generation.0))
    }

    fn begin_backup(&self) -> Result<Arc<dyn BackupSource>, DirectoryError> {
        // Opened anew: if somebody exchanged the file meanwhile, the backup is of what is there,
        // with its own header and logs, or of nothing.
        let fresh = Self::open(self.storage.clone(), self.database.path(), &self.logs_dir)?;
        Ok(Arc::new(StandingBackup { directory: fresh }))
    }
}

#[derive(Debug)]
struct StandingBackup {
    directory: StandingDirectory,
}

impl BackupSource for StandingBackup {
    fn databases(&self) -> Vec<PathBuf> {
        vec![self.directory.database.path().to_owned()]
    }

    fn lowest_generation(&self) -> u32 {
        self.directory.logs.first().map_or(0, |log| log.generation.0)
    }

    fn open_database(&self, index: usize) -> Result<Arc<dyn BackupFile>, DirectoryError> {
        if index != 0 {
            return Err(no_such_file(&self.directory.logs_dir));
        }
        let reader = VerifiedReader::new(self.directory.database.clone());
        Ok(Arc::new(DatabaseStream { reader }))
    }

    fn logs(&self) -> Result<Vec<BackupLog>, DirectoryError> {
        let listed = |log: &LogFile| BackupLog {
            generation: log.generation.0,
            path: self.directory.log_path(log),
        };
        Ok(self.directory.logs.iter().map(listed).collect())
    }

    fn open_log(&self, index: usize) -> Result<Arc<dyn BackupFile>, DirectoryError> {
        let log =
            self.directory.logs.get(index).ok_or_else(|| no_such_file(&self.directory.logs_dir))?;
        let file = self.directory.storage.open(&log.path, OpenMode::Read)?;
        Ok(Arc::new(LogStream { file, path: log.path.clone(), len: log.len }))
    }

    fn truncate_logs(&self) -> Result<Truncation, DirectoryError> {
        let reason = "the directory stands still; its logs are left as they are";
        Ok(Truncation { deleted: 0, reason: Some(reason) })
    }

    fn end(&self, _complete: bool) -> Result<(), DirectoryError> {
        // A database that is read only gets no marks of its backup.
        Ok(())
    }
}

#[derive(Debug)]
struct DatabaseStream {
    reader: VerifiedReader,
}

impl BackupFile for DatabaseStream {
    fn path(&self) -> &Path {
        self.reader.database().path()
    }

    fn len(&self) -> u64 {
        self.reader.len()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<Delivered, DirectoryError> {
        let outcome = self.reader.read_at(buf, offset)?;
        let corrected = outcome.corrected.into_iter().map(|page| page.0).collect();
        Ok(Delivered { bytes: outcome.bytes, corrected })
    }
}

#[derive(Debug)]
struct LogStream {
    file: Arc<dyn File>,
    path: PathBuf,
    len: u64,
}

impl BackupFile for LogStream {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<Delivered, DirectoryError> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = left.min(buf.len());
        let part = buf.get_mut(..wanted).unwrap_or_default();
        self.file.read_exact_at(part, offset)?;
        Ok(Delivered { bytes: wanted, corrected: Vec::new() })
    }
}

/// Only a caller that made an index up gets here.
fn no_such_file(dir: &Path) -> DirectoryError {
    DirectoryError::Storage(vfs::Error::new(
        vfs::Operation::Open,
        dir,
        std::io::ErrorKind::NotFound.into(),
    ))
}

const JET_BAD_PATCH_PAGE: i32 = -535;
const JET_PATCH_FILE_MISMATCH: i32 = -552;

#[cfg(test)]
mod tests {
    use vfs::os::Os;

    use super::*;

    fn open(set: &testkit::Unpacked, database: &str) -> Result<StandingDirectory, DirectoryError> {
        StandingDirectory::open(Arc::new(Os), &set.file(database), set.path())
    }

    fn read_whole(file: &dyn BackupFile) -> Vec<u8> {
        let mut content = vec![0; usize::try_from(file.len()).unwrap()];
        let delivered = file.read_at(&mut content, 0).unwrap();
        assert_eq!(delivered.bytes, content.len());
        content
    }

    #[test]
    fn a_clean_database_is_delivered_as_it_lies_there_without_logs() {
        let set = testkit::set("clean_8k");
        let directory = open(&set, "test.edb").unwrap();
        let backup = directory.begin_backup().unwrap();
        assert_eq!(backup.databases(), [set.file("test.edb")]);
        assert_eq!((backup.lowest_generation(), backup.logs().unwrap().len()), (0, 0));
        let stream = backup.open_database(0).unwrap();
        assert!(read_whole(stream.as_ref()) == std::fs::read(set.file("test.edb")).unwrap());
        assert!(backup.open_database(1).is_err());
        assert!(backup.open_log(0).is_err());
    }

    #[test]
    fn a_dirty_database_brings_its_logs_the_current_one_by_its_archived_name() {
        let set = testkit::set("crash_8k_e");
        let directory = open(&set, "test.edb").unwrap();
        let backup = directory.begin_backup().unwrap();
        let logs = backup.logs().unwrap();
        assert_eq!(backup.lowest_generation(), logs[0].generation);
        for (index, log) in logs.iter().enumerate() {
            let name = log.path.file_name().unwrap().to_str().unwrap();
            assert_eq!(name, format!("edb{:05X}.log", log.generation));
            let on_disk = if log.path.exists() { log.path.clone() } else { set.file("edb.log") };
            let stream = backup.open_log(index).unwrap();
            assert!(read_whole(stream.as_ref()) == std::fs::read(on_disk).unwrap(), "{name}");
        }
        assert!(!logs.last().unwrap().path.exists(), "the current log is the last one");
        let last = logs.last().unwrap().generation;
        assert_eq!(directory.generations(), Some((logs[0].generation, last)));
    }

    #[test]
    fn a_database_whose_recovery_is_not_finished_is_not_hosted() {
        let set = testkit::set("crash_8k_e");
        std::fs::write(set.file("test.edb.recovery"), b"committed").unwrap();
        let error = StandingDirectory::open(Arc::new(Os), &set.file("test.edb"), set.path());
        let text = error.unwrap_err().to_string();
        assert!(text.contains("dsbackup recover --in-place"), "{text}");
    }

    #[test]
    fn a_dirty_database_without_a_needed_log_is_not_hosted() {
        let set = testkit::set("crash_8k_e");
        std::fs::remove_file(set.file("edb.log")).unwrap();
        let error = open(&set, "test.edb").unwrap_err();
        assert!(matches!(error, DirectoryError::Engine(ese::Error::MissingLogs { .. })), "{error}");
    }

    #[test]
    fn a_streaming_backup_copy_is_hosted_with_all_logs_of_its_backup() {
        let set = testkit::set("backup_8k");
        let directory = open(&set, "test.edb").unwrap();
        let generations: Vec<u32> = directory.logs.iter().map(|log| log.generation.0).collect();
        assert_eq!(generations, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_cut_file_and_a_headerless_one_are_not_hosted() {
        let set = testkit::set("clean_8k");
        let path = set.file("test.edb");
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(1 << 20).unwrap();
        let error = open(&set, "test.edb").unwrap_err().to_string();
        assert!(error.contains("the file ends after page 126"), "{error}");
        std::fs::write(&path, vec![0; 65536]).unwrap();
        let error = open(&set, "test.edb").unwrap_err();
        assert_eq!(error.hresult().0, 0xC800_04B6, "{error}");
    }
}
