//! What a start finds and makes of it: a registered restore, a directory, where its files are.
//!
//! | registration | mode | the directory |
//! |---|---|---|
//! | any | restore mode | closed |
//! | none | normal | opened; a directory that cannot be hosted fails the start |
//! | registered, failed, recovering | normal | closed, and the service says why |
//! | complete | normal | recovered, opened, then the registration is removed |
//!
//! A restored database that cannot be recovered or opened keeps its registration, and the directory
//! stays closed: a second restore puts it right. A start that was stopped in the recovery is
//! repeated by the next one.

use std::path::PathBuf;
use std::sync::Arc;

use ese::recovery::RecoveryError;
use ntdsb::HResult;
use ntdsb::registration::{RegisteredRestore, Registration, Status};
use ntdsb::unc::Volumes;

use crate::ServeError;
use crate::audit::AuditLog;
use crate::directory::{DirectoryError, Places};
use crate::recovery;
use crate::registration::RegistrationStore;
use crate::service::{Hosted, Service, display};
use crate::settings::Settings;
use crate::standing::StandingDirectory;
use crate::state::{Relocation, ServiceState};

/// The local places of a registered restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RestoredPlace {
    /// The restored database.
    pub(crate) database: PathBuf,
    /// Where its logs live from now on.
    pub(crate) logs: PathBuf,
    /// Where the restored logs are.
    pub(crate) backup_logs: PathBuf,
}

/// The map between local and published names. Places that cannot be published fail the start,
/// since a backup would fail later.
pub(crate) fn volumes(settings: &Settings) -> Result<Volumes, ServeError> {
    let roots: Vec<(char, String)> =
        settings.volumes.iter().map(|(letter, root)| (*letter, display(root))).collect();
    let borrowed = roots.iter().map(|(letter, root)| (*letter, root.as_str()));
    let unpublishable = |path: &PathBuf, error: ntdsb::unc::Error| ServeError::Unpublishable {
        path: path.clone(),
        reason: error.to_string(),
    };
    let volumes = Volumes::new(&settings.server_name, borrowed)
        .map_err(|error| unpublishable(&settings.dit, error))?;
    for path in [&settings.dit, &settings.logs] {
        volumes.publish(&display(path)).map_err(|error| unpublishable(path, error))?;
        if path.to_str().is_none() {
            let reason = "its name is not UTF-8; rename it".to_owned();
            return Err(ServeError::Unpublishable { path: path.clone(), reason });
        }
    }
    Ok(volumes)
}

/// Decides what this start hosts.
pub(crate) fn host(
    settings: &Settings,
    state: &ServiceState,
    registrations: &RegistrationStore,
    volumes: &Volumes,
    audit: &AuditLog,
) -> Result<Hosted, ServeError> {
    let registration = registrations.get();
    if settings.restore_mode {
        let mut reason = "restore mode: the directory is closed so that it can be restored; \
                          start without --restore-mode to bring it online"
            .to_owned();
        if let Some(registration) = &registration {
            reason = format!("{reason} ({})", describe(registration));
        }
        return Ok(Hosted::Offline(reason));
    }
    let Some(registration) = registration else {
        let places = configured_places(settings, state);
        let storage = settings.storage.clone();
        let directory = StandingDirectory::open(storage, &places.database, &places.logs)?;
        return Ok(Hosted::Online(Arc::new(directory)));
    };
    if registration.status != Status::Complete {
        return Ok(Hosted::Offline(format!(
            "{}; the directory stays closed until a restore is completed: start with \
             --restore-mode and restore again",
            describe(&registration)
        )));
    }
    match open_restored(settings, &registration, volumes, audit) {
        Ok((directory, place)) => {
            finish_restore(settings, state, registrations, &registration, &place)?;
            audit.service("restored", Some(&display(&place.database)));
            Ok(Hosted::Online(Arc::new(directory)))
        }
        Err(error) => Ok(Hosted::Offline(format!(
            "the restored directory cannot be recovered and opened: {error}; start with \
             --restore-mode and restore again"
        ))),
    }
}

/// The local places of a registered restore.
pub(crate) fn restored_place(
    restore: &RegisteredRestore,
    volumes: &Volumes,
) -> Result<RestoredPlace, HResult> {
    let local = |name: &str| volumes.to_local(name).map(PathBuf::from);
    let row = restore.map.first().ok_or(HResult::HR_NO_FULL_RESTORE)?;
    Ok(RestoredPlace {
        database: local(&row.new_database)?,
        logs: local(&restore.log_path)?,
        backup_logs: local(&restore.backup_log_path)?,
    })
}

impl Service {
    /// Where the directory's files live, or belong if it is closed.
    pub(crate) fn places(&self) -> Places {
        match self.directory() {
            Some(directory) => directory.places(),
            None => configured_places(&self.settings, &self.state),
        }
    }
}

/// Where the service was told to look, or where a restore has put the files since.
fn configured_places(settings: &Settings, state: &ServiceState) -> Places {
    let moved = state.get().relocated.filter(|moved| moved.from == settings.dit);
    let (database, logs) = match moved {
        Some(moved) => (moved.database, moved.logs),
        None => (settings.dit.clone(), settings.logs.clone()),
    };
    Places { database, checkpoint: logs.clone(), logs }
}

/// Recovers the restored database with its logs, which lie in the log path, or still where the
/// restore put them, and opens it.
fn open_restored(
    settings: &Settings,
    registration: &Registration,
    volumes: &Volumes,
    audit: &AuditLog,
) -> Result<(StandingDirectory, RestoredPlace), DirectoryError> {
    let not_here = |code: HResult| DirectoryError::NotHostable {
        database: settings.dit.clone(),
        reason: format!("the registered paths are not of this computer ({code})"),
        jet_code: code.to_jet().unwrap_or_default(),
    };
    let place = restored_place(&registration.restore, volumes).map_err(not_here)?;
    let storage = &settings.storage;
    let report = recovery::recover(storage, &place).map_err(|error| match error {
        RecoveryError::File(error) => DirectoryError::Engine(error),
        error => DirectoryError::Recovery(Box::new(error)),
    })?;
    audit.service("recovered", Some(&recovery::told(&report, &place.database)));
    let directory = StandingDirectory::open(storage.clone(), &place.database, &place.logs)?;
    Ok((directory, place))
}

/// Remembers where the directory is now and that it was restored, then removes the registration.
/// A crash in between repeats both without counting twice.
fn finish_restore(
    settings: &Settings,
    state: &ServiceState,
    registrations: &RegistrationStore,
    registration: &Registration,
    place: &RestoredPlace,
) -> Result<(), ServeError> {
    let own_place = place.database == settings.dit && place.logs == settings.logs;
    let registered = registration.registered.to_string();
    state.update(|state| {
        if state.last_restore.as_ref() != Some(&registered) {
            state.restore_count = state.restore_count.saturating_add(1);
        }
        state.last_restore = Some(registered);
        state.relocated = (!own_place).then(|| Relocation {
            from: settings.dit.clone(),
            database: place.database.clone(),
            logs: place.logs.clone(),
        });
    })?;
    registrations.remove()
}

fn describe(registration: &Registration) -> String {
    let (owner, since) = (&registration.owner, registration.registered);
    match registration.status {
        Status::Registered => {
            format!("a restore was registered at {since} by {owner} and not completed")
        }
        Status::Failed(code) => {
            format!("the restore registered at {since} by {owner} failed with {code}")
        }
        Status::Complete => format!("the restore registered at {since} by {owner} is complete"),
        Status::Recovering(step) => {
            format!("the restore registered at {since} by {owner} was left in recovery step {step}")
        }
    }
}
