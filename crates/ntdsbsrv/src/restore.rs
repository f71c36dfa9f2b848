//! The restore interface: contexts and operations.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dcerpc::context_handle::ContextHandle;
use ms_dtyp::Guid;
use ntdsb::idl::restore::{
    CheckLogsForBackupRequest, CheckLogsForBackupResponse, EndRequest, EndResponse,
    GetDatabaseLocationsRequest, IsOnlineRequest, IsOnlineResponse, ListResponse, PrepareRequest,
    PrepareResponse, RegisterCompleteRequest, RegisterRequest, SetCurrentLogNumberRequest,
};
use ntdsb::idl::{MultiSz, ResultResponse};
use ntdsb::multi_sz::{self, Entry};
use ntdsb::registration::{RegisteredRestore, Registration};
use ntdsb::rights::Right;
use ntdsb::session::{RestoreCall, RestoreOutcome, RestoreSession, RestoreState};
use ntdsb::token::ExpiryToken;
use ntdsb::{BACKUP_DISABLE_INCREMENTAL, FileType, HResult, RestoreType};

use crate::audit::PeerIdentity;
use crate::backup::check_revision;
use crate::completion::{self, Restored};
use crate::service::{Refusal, Service, Trail, random_guid};
use crate::{paths, startup};

/// A restore context.
#[derive(Debug)]
pub(crate) struct RestoreContext {
    id: Guid,
    peer: PeerIdentity,
    /// The token, as it came and as it reads; none in a restricted context.
    token: Option<(Vec<u8>, ExpiryToken)>,
    session: Mutex<RestoreSession>,
}

impl RestoreContext {
    fn session(&self) -> MutexGuard<'_, RestoreSession> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// HrRIsNTDSOnline.
    pub(crate) fn is_online(
        &self,
        _request: &IsOnlineRequest,
        trail: &mut Trail<'_>,
    ) -> Result<IsOnlineResponse, Refusal> {
        trail.require(Right::Query)?;
        Ok(IsOnlineResponse { online: self.directory().is_some(), result: HResult::S_OK })
    }

    /// HrRRestorePrepare.
    pub(crate) fn restore_prepare(
        &self,
        request: &PrepareRequest,
        trail: &mut Trail<'_>,
    ) -> Result<PrepareResponse, Refusal> {
        check_revision(request.revision)?;
        if ![RestoreType::DEFAULT, RestoreType::CATCHUP].contains(&request.restore_type) {
            return Err(HResult::ERROR_INVALID_PARAMETER.into());
        }
        let id = random_guid().map_err(|_| HResult::ERROR_NOT_ENOUGH_MEMORY)?;
        let handle = random_guid().map_err(|_| HResult::ERROR_NOT_ENOUGH_MEMORY)?;
        let caller = trail.call.caller();
        let limit = self.settings.sessions_per_peer;
        let (token, session) = match &request.token {
            None => {
                trail.require(Right::Locations)?;
                (None, RestoreSession::restricted())
            }
            Some(bytes) => {
                trail.require(Right::Restore)?;
                let token = self.check_token(bytes, trail)?;
                if !self.settings.restore_mode {
                    return Err(HResult::HR_AFTER_INITIALIZATION.into());
                }
                self.check_audit(trail)?;
                (Some((bytes.clone(), token)), RestoreSession::prepared())
            }
        };
        let is_full = token.is_some();
        let session = Mutex::new(session);
        let context = Arc::new(RestoreContext { id, peer: trail.peer(), token, session });
        let mut contexts = self.contexts();
        contexts.check_room(&caller, limit)?;
        if is_full {
            if contexts.backup_runs() {
                return Err(HResult::HR_BACKUP_IN_PROGRESS.into());
            }
            contexts.claim_restore(id)?;
        }
        let context = contexts.add_restore(handle, caller, context);
        trail.context = Some(id);
        Ok(PrepareResponse { context, result: HResult::S_OK })
    }

    /// HrRRestoreGetDatabaseLocations.
    pub(crate) fn restore_locations(
        &self,
        request: &GetDatabaseLocationsRequest,
        trail: &mut Trail<'_>,
    ) -> Result<ListResponse, Refusal> {
        let context = self.restore_context(&request.context, trail)?;
        context.session().check(RestoreCall::GetDatabaseLocations)?;
        trail.require(Right::Locations)?;
        let places = self.places();
        let entry =
            |file_type, path: &PathBuf| self.publish(path).map(|path| Entry { file_type, path });
        let entries = [
            entry(FileType::Database, &places.database)?,
            entry(FileType::LogDirectory, &places.logs)?,
            entry(FileType::CheckpointDirectory, &places.checkpoint)?,
        ];
        let names = multi_sz::encode(&entries).map_err(|_| HResult::ERROR_NOT_ENOUGH_MEMORY)?;
        Ok(ListResponse { names: MultiSz(names), result: HResult::S_OK })
    }

    /// HrRRestoreRegister. Durable when it returns.
    pub(crate) fn restore_register(
        &self,
        request: &RegisterRequest,
        trail: &mut Trail<'_>,
    ) -> Result<ResultResponse, Refusal> {
        let context = self.restore_context(&request.context, trail)?;
        let restore = RegisteredRestore::from_request(request, &self.volumes)?;
        self.check_paths(&restore, trail)?;
        let mut session = context.session();
        session.check(RestoreCall::register(restore.map.len()))?;
        trail.require(Right::Restore)?;
        let Some((token, _)) = &context.token else {
            return Err(HResult::HR_MISSING_EXPIRY_TOKEN.into());
        };
        let owner = format!("uid {}, pid {}", context.peer.uid, context.peer.pid);
        let now = self.settings.clock.now();
        self.store(Registration::new(restore, owner, token.clone(), now), trail)?;
        session.registered()?;
        Ok(ResultResponse { result: HResult::S_OK })
    }

    /// HrRRestoreRegisterComplete. Success is verified before it is believed.
    pub(crate) fn restore_complete(
        &self,
        request: &RegisterCompleteRequest,
        trail: &mut Trail<'_>,
    ) -> Result<ResultResponse, Refusal> {
        let context = self.restore_context(&request.context, trail)?;
        let status = request.restore_state;
        let mut session = context.session();
        session.check(RestoreCall::RegisterComplete(status))?;
        trail.require(Right::Restore)?;
        if status.is_ok() && session.state() == RestoreState::Completed {
            return Ok(ResultResponse { result: HResult::S_OK });
        }
        let mut registration =
            self.registrations.get().ok_or(HResult::HR_INVALID_BACKUP_SEQUENCE)?;
        if status.is_ok() {
            let signature = context.token.as_ref().map(|(_, token)| token.database_signature);
            self.check_completion(&registration.restore, signature, trail)?;
        } else {
            trail.detail = Some(format!("the client reports {status}"));
        }
        registration.complete(status, self.settings.clock.now())?;
        self.store(registration, trail)?;
        session.completed(status)?;
        Ok(ResultResponse { result: HResult::S_OK })
    }

    /// HrRRestoreEnd. Owning the context is enough; a registration stays.
    pub(crate) fn restore_end(
        &self,
        request: &EndRequest,
        trail: &mut Trail<'_>,
    ) -> Result<EndResponse, Refusal> {
        let caller = trail.call.caller();
        let context = self.contexts().remove_restore(&request.context, &caller)?;
        trail.context = Some(context.id);
        self.end_restore(&context, "ended");
        Ok(EndResponse { context: ContextHandle::NULL, result: HResult::S_OK })
    }

    /// HrRRestoreSetCurrentLogNumber.
    pub(crate) fn set_current_log(
        &self,
        request: &SetCurrentLogNumberRequest,
        trail: &mut Trail<'_>,
    ) -> Result<ResultResponse, Refusal> {
        trail.require(Right::Backup)?;
        let directory = self.directory().ok_or(HResult::HR_COULD_NOT_CONNECT)?;
        let number = request.current_log;
        let disables = number == BACKUP_DISABLE_INCREMENTAL;
        let highest = directory.generations().map_or(0, |(_, highest)| highest);
        if !disables && number > highest {
            return Err(HResult::ERROR_INVALID_PARAMETER.into());
        }
        let stored = self.state.update(|state| {
            if disables {
                state.incremental_disabled = true;
            } else {
                state.last_backed_up_log = number;
            }
        });
        stored.map_err(|e| {
            trail.detail = Some(e.to_string());
            HResult::HR_DISK_IO
        })?;
        Ok(ResultResponse { result: HResult::S_OK })
    }

    /// HrRRestoreCheckLogsForBackup.
    pub(crate) fn check_logs(
        &self,
        _request: &CheckLogsForBackupRequest,
        trail: &mut Trail<'_>,
    ) -> Result<CheckLogsForBackupResponse, Refusal> {
        trail.require(Right::Query)?;
        let directory = self.directory().ok_or(HResult::HR_COULD_NOT_CONNECT)?;
        let state = self.state.get();
        if state.last_complete_backup.is_none() {
            return Err(HResult::HR_FULL_BACKUP_NOT_TAKEN.into());
        }
        let next = state.last_backed_up_log.saturating_add(1);
        let (lowest, highest) = match directory.generations() {
            Some((lowest, highest)) if next <= highest => {
                if next < lowest {
                    return Err(HResult::HR_LOG_FILE_NOT_FOUND.into());
                }
                (next, highest)
            }
            // Everything is backed up.
            _ => (0, 0),
        };
        Ok(CheckLogsForBackupResponse { lowest, highest, result: HResult::S_OK })
    }

    /// Ends a restore whose client is gone. A registration stays, and can be replaced.
    pub(crate) fn run_down_restore(&self, context: &RestoreContext) {
        self.end_restore(context, "connection lost");
    }

    fn end_restore(&self, context: &RestoreContext, how: &str) {
        let left = match context.session().end() {
            Ok(RestoreOutcome::Nothing) => "nothing registered",
            Ok(RestoreOutcome::Orphaned) => "registered and not completed",
            Ok(RestoreOutcome::Completed) => "completed",
            Ok(RestoreOutcome::CompletedWithFailure) => "completed with failure",
            Err(_) => "ended before",
        };
        self.contexts().release_restore(context.id);
        self.audit.context_end(context.peer, context.id, &format!("{how}: {left}"), 0);
    }

    fn restore_context(
        &self,
        handle: &ContextHandle,
        trail: &mut Trail<'_>,
    ) -> Result<Arc<RestoreContext>, Refusal> {
        let context = self.contexts().restore(handle, &trail.call.caller())?;
        trail.context = Some(context.id);
        Ok(context)
    }

    fn store(&self, registration: Registration, trail: &mut Trail<'_>) -> Result<(), HResult> {
        self.registrations.put(registration).map_err(|e| {
            trail.detail = Some(e.to_string());
            HResult::HR_DISK_IO
        })
    }

    /// Every path must lie where a restore may write, and the one row of the map must be about
    /// the one database that there is.
    fn check_paths(
        &self,
        restore: &RegisteredRestore,
        trail: &mut Trail<'_>,
    ) -> Result<(), HResult> {
        let directories = [&restore.checkpoint_path, &restore.log_path, &restore.backup_log_path];
        let targets = restore.map.iter().map(|row| &row.new_database);
        for name in directories.into_iter().chain(targets) {
            let local = self.volumes.to_local(name)?;
            let allowed = paths::plain(local.as_ref())
                .is_some_and(|path| paths::lies_below(&path, &self.settings.restore_roots));
            if !allowed {
                trail.detail = Some(format!(
                    "{name} lies outside the directories that a restore may use \
                     (restore.destinations of the configuration)"
                ));
                return Err(HResult::ERROR_INVALID_PARAMETER);
            }
        }
        let own = self.places().database;
        let own = own.file_name().unwrap_or_default().to_string_lossy();
        let is_own = |name: &str| {
            name.rsplit('\\').next().is_some_and(|last| last.eq_ignore_ascii_case(&own))
        };
        if restore.map.len() > 1 || !restore.map.iter().all(|row| is_own(&row.database)) {
            trail.detail = Some(format!("the map must have one row, for the database {own}"));
            return Err(HResult::ERROR_INVALID_PARAMETER);
        }
        Ok(())
    }

    fn check_completion(
        &self,
        restore: &RegisteredRestore,
        signature: Option<[u8; 28]>,
        trail: &mut Trail<'_>,
    ) -> Result<(), HResult> {
        let place = startup::restored_place(restore, &self.volumes)?;
        let restored = Restored {
            databases: &[place.database],
            logs: &place.backup_logs,
            generations: restore.logs.numbers(),
            signature: signature.unwrap_or_default(),
        };
        completion::check(&self.settings.storage, &restored).map_err(|incomplete| {
            trail.detail = Some(incomplete.what);
            incomplete.code
        })
    }
}
