//! What the service remembers between runs: `service-state.json` and the installation key.
//!
//! | file | content |
//! |---|---|
//! | `service-state.json` | last backed-up log, last complete backup, restores and their place |
//! | `installation.key` | 32 random bytes; expiry tokens are tagged with them |
//!
//! Both lie in the state directory, outside the database and log directories, because a restore
//! deletes what lies there.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use vfs::{OpenMode, Storage, durable};
use zeroize::Zeroizing;

use crate::{ServeError, document};

/// The service's memory, kept durable with every change.
#[derive(Debug)]
pub struct ServiceState {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    content: Mutex<Content>,
}

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Content {
    version: u32,
    /// Logs up to this generation count as backed up; 0: none.
    pub last_backed_up_log: u32,
    /// Whether incremental backups were disabled until the next full one.
    pub incremental_disabled: bool,
    /// The last complete backup.
    pub last_complete_backup: Option<CompleteBackup>,
    /// Where a restore put the database, if not to its own place.
    pub relocated: Option<Relocation>,
    /// How often this directory was restored.
    pub restore_count: u32,
    /// When the last restore that was brought online had been registered, RFC 3339.
    pub last_restore: Option<String>,
}

/// The last backup of which every file was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompleteBackup {
    /// Its id, as in the token.
    pub id: String,
    /// When it began, RFC 3339.
    pub began: String,
}

/// A database that a restore put elsewhere than the service was told to look for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relocation {
    /// The path the service was started with.
    pub from: PathBuf,
    /// The restored database.
    pub database: PathBuf,
    /// The directory of its logs.
    pub logs: PathBuf,
}

impl ServiceState {
    /// Reads the state; an absent file is the state of a fresh installation.
    pub fn load(storage: Arc<dyn Storage>, dir: &Path) -> Result<Self, ServeError> {
        let path = dir.join("service-state.json");
        let content: Content = document::load(storage.as_ref(), &path)?.unwrap_or_default();
        if content.version > VERSION {
            let reason = format!("has version {}, this service knows {VERSION}", content.version);
            return Err(ServeError::State { path, reason });
        }
        Ok(Self { storage, path, content: Mutex::new(content) })
    }

    /// What is remembered now.
    pub fn get(&self) -> Content {
        self.content.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is remembered; durable when it returns, unchanged when it fails.
    pub fn update(&self, change: impl FnOnce(&mut Content)) -> Result<(), ServeError> {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = content.clone();
        changed.version = VERSION;
        change(&mut changed);
        if changed != *content {
            document::save(self.storage.as_ref(), &self.path, &changed)?;
            *content = changed;
        }
        Ok(())
    }
}

/// The key that tags this installation's expiry tokens; made at the first start.
pub fn installation_key(
    storage: &dyn Storage,
    dir: &Path,
) -> Result<Zeroizing<[u8; 32]>, ServeError> {
    let path = dir.join("installation.key");
    let mut key = Zeroizing::new([0; 32]);
    match storage.open(&path, OpenMode::Read) {
        Ok(file) => {
            let len = file.len()?;
            if len != 32 {
                let reason = format!("is {len} bytes long; a key has 32");
                return Err(ServeError::State { path, reason });
            }
            file.read_exact_at(key.as_mut(), 0)?;
        }
        Err(e) if e.is_not_found() => {
            getrandom::fill(key.as_mut()).map_err(|e| ServeError::System {
                what: "draw random bytes",
                source: std::io::Error::other(e.to_string()),
            })?;
            durable::replace(storage, &path, key.as_ref())?;
        }
        Err(e) => return Err(e.into()),
    }
    Ok(key)
}

const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use vfs::mem::Mem;
    use vfs::sim::Sim;

    use super::*;

    const DIR: &str = "/state";

    fn storage() -> Arc<dyn Storage> {
        let storage = Mem::new();
        storage.create_dir_all(Path::new(DIR)).unwrap();
        Arc::new(storage)
    }

    #[test]
    fn a_change_is_there_after_a_restart() {
        let storage = storage();
        let state = ServiceState::load(storage.clone(), Path::new(DIR)).unwrap();
        assert_eq!(state.get().last_backed_up_log, 0);
        state.update(|s| s.last_backed_up_log = 7).unwrap();
        let again = ServiceState::load(storage, Path::new(DIR)).unwrap();
        assert_eq!(again.get().last_backed_up_log, 7);
    }

    #[test]
    fn an_acknowledged_change_survives_a_crash_at_every_call() {
        for cut in 0..40 {
            let sim = Sim::new();
            sim.create_dir_all(Path::new(DIR)).unwrap();
            sim.sync_dir(Path::new("/")).unwrap();
            let state = ServiceState::load(Arc::new(sim.clone()), Path::new(DIR)).unwrap();
            state.update(|s| s.last_backed_up_log = 1).unwrap();
            sim.cut_power(sim.calls() + cut);
            let acknowledged = state.update(|s| s.last_backed_up_log = 2).is_ok();
            for seed in 0..8 {
                let disk = Arc::new(sim.crash(seed));
                let after = ServiceState::load(disk, Path::new(DIR)).unwrap().get();
                let value = after.last_backed_up_log;
                assert!(value == 2 || (value == 1 && !acknowledged), "cut {cut}: {value}");
            }
        }
    }

    #[test]
    fn the_installation_key_is_drawn_once() {
        let storage = storage();
        let first = installation_key(storage.as_ref(), Path::new(DIR)).unwrap();
        let second = installation_key(storage.as_ref(), Path::new(DIR)).unwrap();
        assert_eq!(*first, *second);
        assert_ne!(*first, [0; 32]);
        durable::replace(storage.as_ref(), Path::new("/state/installation.key"), b"x").unwrap();
        assert!(installation_key(storage.as_ref(), Path::new(DIR)).is_err());
    }
}
