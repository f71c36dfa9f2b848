//! The restore registration on disk: `restore-in-progress.json` in the state directory.
//!
//! It is durable before the call that changes it returns, and is read at every start: as long as
//! it is there and not complete, the directory does not go online. What the states mean is
//! [`ntdsb::registration`]'s matter; here is how they are stored.
//!
//! ```json
//! { "version": 1, "status": "registered", "owner": "uid 0, pid 4711",
//!   "registered": "2024-05-06T07:08:09Z", "changed": "2024-05-06T07:08:09Z",
//!   "checkpoint_path": "\\\\DC1\\C$\\NTDS", "log_path": "...", "backup_log_path": "...",
//!   "map": [{ "database": "\\\\DC1\\C$\\NTDS\\ntds.dit", "new_database": "..." }],
//!   "log_low": 1, "log_high": 31, "token": "44534254..." }
//! ```

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ms_dtyp::FileTime;
use ntdsb::HResult;
use ntdsb::registration::{LogRange, MapEntry, RegisteredRestore, Registration, Status};
use serde::{Deserialize, Serialize};
use vfs::{Storage, durable};

use crate::{ServeError, document};

/// The one registration that there may be.
#[derive(Debug)]
pub(crate) struct RegistrationStore {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    current: Mutex<Option<Registration>>,
}

impl RegistrationStore {
    /// Reads what is registered. A file that cannot be understood is an error: going online in
    /// spite of it could bring half-restored files online.
    pub(crate) fn load(storage: Arc<dyn Storage>, dir: &Path) -> Result<Self, ServeError> {
        let path = dir.join("restore-in-progress.json");
        let document: Option<Document> = document::load(storage.as_ref(), &path)?;
        let current = document
            .map(Document::into_registration)
            .transpose()
            .map_err(|reason| ServeError::State { path: path.clone(), reason })?;
        Ok(Self { storage, path, current: Mutex::new(current) })
    }

    /// What is registered.
    pub(crate) fn get(&self) -> Option<Registration> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Registers, or replaces; durable when it returns, unchanged when it fails.
    pub(crate) fn put(&self, registration: Registration) -> Result<(), ServeError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        document::save(self.storage.as_ref(), &self.path, &Document::new(&registration))?;
        *current = Some(registration);
        Ok(())
    }

    /// Removes the registration, durably.
    pub(crate) fn remove(&self) -> Result<(), ServeError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        durable::remove(self.storage.as_ref(), &self.path)?;
        *current = None;
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    status: StatusName,
    /// With `failed`: the status that the restore ended with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<u32>,
    /// With `recovering`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<u32>,
    owner: String,
    registered: String,
    changed: String,
    checkpoint_path: String,
    log_path: String,
    backup_log_path: String,
    map: Vec<Row>,
    log_low: u32,
    log_high: u32,
    token: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StatusName {
    Registered,
    Failed,
    Complete,
    Recovering,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    database: String,
    new_database: String,
}

impl Document {
    fn new(registration: &Registration) -> Self {
        let (status, failure, step) = match registration.status {
            Status::Registered => (StatusName::Registered, None, None),
            Status::Failed(code) => (StatusName::Failed, Some(code.0), None),
            Status::Complete => (StatusName::Complete, None, None),
            Status::Recovering(step) => (StatusName::Recovering, None, Some(step)),
        };
        let restore = &registration.restore;
        let row = |entry: &MapEntry| Row {
            database: entry.database.clone(),
            new_database: entry.new_database.clone(),
        };
        let (log_low, log_high) = restore.logs.numbers();
        Self {
            version: VERSION,
            status,
            failure,
            step,
            owner: registration.owner.clone(),
            registered: registration.registered.to_string(),
            changed: registration.changed.to_string(),
            checkpoint_path: restore.checkpoint_path.clone(),
            log_path: restore.log_path.clone(),
            backup_log_path: restore.backup_log_path.clone(),
            map: restore.map.iter().map(row).collect(),
            log_low,
            log_high,
            token: registration.token.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    fn into_registration(self) -> Result<Registration, String> {
        if self.version != VERSION {
            return Err(format!("has version {}, this service knows {VERSION}", self.version));
        }
        let status = match (self.status, self.failure, self.step) {
            (StatusName::Registered, None, None) => Status::Registered,
            (StatusName::Failed, Some(code), None) => Status::Failed(HResult(code)),
            (StatusName::Complete, None, None) => Status::Complete,
            (StatusName::Recovering, None, Some(step)) => Status::Recovering(step),
            _ => return Err("has a status that does not fit its failure and step".to_owned()),
        };
        let time = |text: &str| {
            text.parse::<FileTime>().map_err(|_| format!("has {text:?} where a time belongs"))
        };
        let entry = |row: Row| MapEntry { database: row.database, new_database: row.new_database };
        let restore = RegisteredRestore {
            checkpoint_path: self.checkpoint_path,
            log_path: self.log_path,
            backup_log_path: self.backup_log_path,
            map: self.map.into_iter().map(entry).collect(),
            logs: LogRange::new(self.log_low, self.log_high)
                .map_err(|_| "has log numbers that are no range".to_owned())?,
        };
        Ok(Registration {
            restore,
            owner: self.owner,
            token: from_hex(&self.token).ok_or("has a token that is not hexadecimal")?,
            status,
            registered: time(&self.registered)?,
            changed: time(&self.changed)?,
        })
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use vfs::mem::Mem;
    use vfs::sim::Sim;

    use super::*;

    const DIR: &str = "/state";

    fn registration(status: Status) -> Registration {
        let restore = RegisteredRestore {
            checkpoint_path: r"\\DC1\C$\NTDS".to_owned(),
            log_path: r"\\DC1\C$\NTDS".to_owned(),
            backup_log_path: r"\\DC1\C$\restored".to_owned(),
            map: vec![MapEntry {
                database: r"\\DC1\C$\NTDS\ntds.dit".to_owned(),
                new_database: r"\\DC1\C$\neu\ntds.dit".to_owned(),
            }],
            logs: LogRange::Generations { low: 1, high: 0x1F },
        };
        let now = FileTime::from_unix(1_700_000_000, 0);
        Registration { status, ..Registration::new(restore, "uid 0".into(), vec![0, 255, 16], now) }
    }

    #[test]
    fn every_status_is_there_after_a_restart() {
        let storage: Arc<dyn Storage> = Arc::new(Mem::new());
        storage.create_dir_all(Path::new(DIR)).unwrap();
        let load = || RegistrationStore::load(storage.clone(), Path::new(DIR)).unwrap();
        assert_eq!(load().get(), None);
        let failed = Status::Failed(HResult(0x8000_4005));
        for status in [Status::Registered, failed, Status::Complete, Status::Recovering(3)] {
            load().put(registration(status)).unwrap();
            assert_eq!(load().get(), Some(registration(status)));
        }
        load().remove().unwrap();
        assert_eq!(load().get(), None);
    }

    #[test]
    fn a_damaged_registration_is_an_error_and_not_none() {
        let storage: Arc<dyn Storage> = Arc::new(Mem::new());
        storage.create_dir_all(Path::new(DIR)).unwrap();
        let store = RegistrationStore::load(storage.clone(), Path::new(DIR)).unwrap();
        store.put(registration(Status::Registered)).unwrap();
        let good = serde_json::to_string(&Document::new(&registration(Status::Complete))).unwrap();
        for (from, to) in [
            ("{\"version\":1", "{\"version\":2"),
            ("\"complete\"", "\"finished\""),
            ("\"complete\"", "\"failed\""),
            ("00ff10", "00ff1"),
            ("00ff10", "00ff1g"),
            ("\"log_low\":1", "\"log_low\":99"),
            ("2023-", "yesterday "),
            ("}", ""),
        ] {
            let damaged = good.replacen(from, to, 1);
            assert_ne!(damaged, good);
            durable::replace(storage.as_ref(), &store.path, damaged.as_bytes()).unwrap();
            let loaded = RegistrationStore::load(storage.clone(), Path::new(DIR));
            assert!(matches!(loaded, Err(ServeError::State { .. })), "{from}");
        }
    }

    #[test]
    fn what_was_acknowledged_survives_a_crash_at_every_call() {
        for cut in 0..30 {
            let sim = Sim::new();
            sim.create_dir_all(Path::new(DIR)).unwrap();
            sim.sync_dir(Path::new("/")).unwrap();
            let store = RegistrationStore::load(Arc::new(sim.clone()), Path::new(DIR)).unwrap();
            sim.cut_power(sim.calls() + cut);
            let mut acknowledged = None;
            let mut attempted = vec![None];
            for status in [Status::Registered, Status::Failed(HResult(5)), Status::Complete] {
                attempted.push(Some(registration(status)));
                if store.put(registration(status)).is_err() {
                    break;
                }
                acknowledged = attempted.last().cloned().flatten();
            }
            for seed in 0..4 {
                let disk = Arc::new(sim.crash(seed));
                let found = RegistrationStore::load(disk, Path::new(DIR)).unwrap().get();
                let pending = attempted.last().cloned().flatten();
                assert!(found == acknowledged || found == pending, "cut {cut}, seed {seed}");
            }
        }
    }
}
