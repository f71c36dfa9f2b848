//! The contexts of all clients, and the two things of which there is only one: a running backup
//! and a full restore context.

use std::sync::Arc;
use std::time::Duration;

use dcerpc::association::AssociationGroupId;
use dcerpc::context_handle::{Caller, ContextHandle, ContextHandles};
use dcerpc::fault::FaultStatus;
use ms_dtyp::Guid;
use ntdsb::HResult;

use crate::backup::BackupContext;
use crate::restore::RestoreContext;

/// All contexts.
pub(crate) struct Contexts {
    backups: ContextHandles<Arc<BackupContext>>,
    restores: ContextHandles<Arc<RestoreContext>>,
    running_backup: Option<Guid>,
    full_restore: Option<Guid>,
}

impl Contexts {
    pub(crate) const fn new() -> Self {
        Self {
            backups: ContextHandles::new(),
            restores: ContextHandles::new(),
            running_backup: None,
            full_restore: None,
        }
    }

    /// Whether `caller` may have one more context. Contexts that were aborted and are only
    /// remembered do not count.
    pub(crate) fn check_room(&self, caller: &Caller, limit: usize) -> Result<(), HResult> {
        let own = |owner: &Caller| owner.principal == caller.principal;
        let backups = self.backups.iter().filter(|(o, context)| own(o) && !context.is_aborted());
        let count = backups.count() + self.restores.count(&caller.principal);
        if count < limit { Ok(()) } else { Err(HResult::ERROR_NOT_ENOUGH_MEMORY) }
    }

    /// Reserves the place of the one running backup.
    pub(crate) fn claim_backup(&mut self, id: Guid) -> Result<(), HResult> {
        if self.running_backup.is_some() {
            return Err(HResult::HR_BACKUP_IN_PROGRESS);
        }
        self.running_backup = Some(id);
        Ok(())
    }

    /// Frees the place, if it is this backup's.
    pub(crate) fn release_backup(&mut self, id: Guid) {
        self.running_backup.take_if(|running| *running == id);
    }

    /// Whether a backup runs.
    pub(crate) fn backup_runs(&self) -> bool {
        self.running_backup.is_some()
    }

    /// Reserves the place of the one full restore context.
    pub(crate) fn claim_restore(&mut self, id: Guid) -> Result<(), HResult> {
        if self.full_restore.is_some() {
            return Err(HResult::HR_RESTORE_IN_PROGRESS);
        }
        self.full_restore = Some(id);
        Ok(())
    }

    /// Frees the place, if it is this context's.
    pub(crate) fn release_restore(&mut self, id: Guid) {
        self.full_restore.take_if(|restore| *restore == id);
    }

    /// Adds a backup context under a fresh handle.
    pub(crate) fn add_backup(
        &mut self,
        handle: Guid,
        owner: Caller,
        context: Arc<BackupContext>,
    ) -> ContextHandle {
        self.backups.insert(handle, owner, context)
    }

    /// Adds a restore context under a fresh handle.
    pub(crate) fn add_restore(
        &mut self,
        handle: Guid,
        owner: Caller,
        context: Arc<RestoreContext>,
    ) -> ContextHandle {
        self.restores.insert(handle, owner, context)
    }

    pub(crate) fn backup(
        &self,
        handle: &ContextHandle,
        caller: &Caller,
    ) -> Result<Arc<BackupContext>, FaultStatus> {
        self.backups.get(handle, caller).cloned()
    }

    pub(crate) fn restore(
        &self,
        handle: &ContextHandle,
        caller: &Caller,
    ) -> Result<Arc<RestoreContext>, FaultStatus> {
        self.restores.get(handle, caller).cloned()
    }

    /// Closes a backup handle.
    pub(crate) fn remove_backup(
        &mut self,
        handle: &ContextHandle,
        caller: &Caller,
    ) -> Result<Arc<BackupContext>, FaultStatus> {
        self.backups.remove(handle, caller)
    }

    /// Closes a restore handle.
    pub(crate) fn remove_restore(
        &mut self,
        handle: &ContextHandle,
        caller: &Caller,
    ) -> Result<Arc<RestoreContext>, FaultStatus> {
        self.restores.remove(handle, caller)
    }

    /// Takes everything of a group that has ended.
    pub(crate) fn rundown(
        &mut self,
        group: AssociationGroupId,
    ) -> (Vec<Arc<BackupContext>>, Vec<Arc<RestoreContext>>) {
        (self.backups.rundown(group), self.restores.rundown(group))
    }

    /// Whether a group has contexts.
    pub(crate) fn has_group(&self, group: AssociationGroupId) -> bool {
        self.backups.count_in_group(group) + self.restores.count_in_group(group) > 0
    }

    /// The backup contexts that have not been aborted.
    pub(crate) fn live_backups(&self) -> Vec<Arc<BackupContext>> {
        let all = self.backups.iter().map(|(_, context)| context);
        all.filter(|context| !context.is_aborted()).cloned().collect()
    }

    /// Forgets contexts that were aborted longer than [`REMEMBERED`] ago.
    pub(crate) fn forget_aborted(&mut self, now: Duration) {
        self.backups.take_where(|_, context| {
            context.aborted_at().is_some_and(|at| now.saturating_sub(at) >= REMEMBERED)
        });
    }
}

impl std::fmt::Debug for Contexts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contexts")
            .field("backups", &self.backups.len())
            .field("restores", &self.restores.len())
            .field("running_backup", &self.running_backup)
            .field("full_restore", &self.full_restore)
            .finish()
    }
}

/// How long the service can tell a client that its context was aborted, rather than that it never
/// heard of it.
const REMEMBERED: Duration = Duration::from_secs(600);
