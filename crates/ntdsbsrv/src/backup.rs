//! The backup interface: contexts and operations.
//!
//! Locks of a context, in the order in which they are taken: `open` (the open file; shared by
//! running reads, exclusive for open, close and end, which thereby wait for them), then `work`
//! (the state machine; held briefly by reads). Reads of one context run side by side, everything
//! else one after the other.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::Duration;

use bytes::Bytes;
use dcerpc::context_handle::ContextHandle;
use dcerpc::fault::FaultStatus;
use dcerpc_net::server::Call;
use ms_dtyp::{FileTime, Guid};
use ntdsb::idl::backup::{
    CloseRequest, EndRequest, EndResponse, GetBackupLogsRequest, GetBackupLogsResponse,
    GetDatabaseNamesRequest, ListResponse, OpenFileRequest, OpenFileResponse, PingRequest,
    PingResponse, PrepareRequest, PrepareResponse, ReadRequest, TruncateLogsRequest,
    TruncateLogsResponse, capabilities,
};
use ntdsb::idl::{DSB_WIRE_REVISION, MultiSz, ReadBuffer, Request, ResultResponse, limits};
use ntdsb::multi_sz::{self, Entry};
use ntdsb::rights::Right;
use ntdsb::session::{
    BackupCall, BackupOutcome, BackupSession, BackupState, FileId, LogNames, Target,
};
use ntdsb::{BackupType, FileType, HResult, is_read_size};

use crate::audit::PeerIdentity;
use crate::directory::{BackupFile, BackupSource, DirectoryError};
use crate::service::{Refusal, Service, Trail, display, random_guid};
use crate::state::CompleteBackup;

/// A backup context.
#[derive(Debug)]
pub(crate) struct BackupContext {
    /// The backup's id, which its token carries too.
    id: Guid,
    peer: PeerIdentity,
    began: FileTime,
    source: Arc<dyn BackupSource>,
    open: RwLock<Option<OpenFile>>,
    work: Mutex<Work>,
    activity: Mutex<Activity>,
    bytes_read: AtomicU64,
}

#[derive(Debug)]
struct OpenFile {
    id: FileId,
    stream: Arc<dyn BackupFile>,
}

#[derive(Debug)]
struct Work {
    session: BackupSession,
    /// Lowest and highest generation of the list of logs.
    generations: (u32, u32),
}

/// Apart from [`Work`], because it is asked for while all contexts are locked, and a call can hold
/// the work for as long as a disk takes.
#[derive(Debug, Clone, Copy)]
struct Activity {
    last_call: Duration,
    aborted_at: Option<Duration>,
}

impl BackupContext {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.aborted_at().is_some()
    }

    pub(crate) fn aborted_at(&self) -> Option<Duration> {
        self.activity().aborted_at
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `call` with the open file exclusively: after all running reads.
    fn exclusively<T>(&self, call: impl FnOnce(&mut Option<OpenFile>, &mut Work) -> T) -> T {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        call(&mut open, &mut self.work())
    }

    fn read_bytes(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }
}

impl Service {
    /// HrRBackupPing.
    pub(crate) fn ping(
        &self,
        request: &PingRequest,
        trail: &mut Trail<'_>,
    ) -> Result<PingResponse, Refusal> {
        check_revision(request.revision)?;
        trail.require(Right::Query)?;
        let mut bits = capabilities::CONCURRENT_READS | capabilities::RESTORE;
        if self.directory().is_some_and(|directory| directory.is_live()) {
            bits |= capabilities::LIVE_DATABASE;
        }
        let uptime = self.settings.clock.monotonic().saturating_sub(self.started);
        Ok(PingResponse {
            revision: DSB_WIRE_REVISION,
            capabilities: bits,
            instance: self.instance,
            max_read: limits::READ_BYTES,
            max_sessions: u32::try_from(self.settings.sessions_per_peer).unwrap_or(u32::MAX),
            uptime_seconds: uptime.as_secs(),
            result: HResult::S_OK,
        })
    }

    /// HrRBackupPrepare.
    pub(crate) fn backup_prepare(
        &self,
        request: &PrepareRequest,
        trail: &mut Trail<'_>,
    ) -> Result<PrepareResponse, Refusal> {
        check_revision(request.revision)?;
        if request.grbit != 0 || request.backup_type != BackupType::FULL {
            return Err(HResult::ERROR_INVALID_PARAMETER.into());
        }
        trail.require(Right::Backup)?;
        if self.registrations.get().is_some() {
            return Err(HResult::HR_RESTORE_IN_PROGRESS.into());
        }
        let directory = self.directory().ok_or(HResult::HR_COULD_NOT_CONNECT)?;
        self.check_audit(trail)?;
        let caller = trail.call.caller();
        let id = random_guid().map_err(|_| HResult::ERROR_NOT_ENOUGH_MEMORY)?;
        let handle = random_guid().map_err(|_| HResult::ERROR_NOT_ENOUGH_MEMORY)?;
        {
            let mut contexts = self.contexts();
            contexts.check_room(&caller, self.settings.sessions_per_peer)?;
            contexts.claim_backup(id)?;
        }
        let begun = self.begin_backup(directory.as_ref(), id, trail);
        let mut contexts = self.contexts();
        match begun {
            Ok((token, context)) => {
                trail.context = Some(id);
                let context = contexts.add_backup(handle, caller, Arc::new(context));
                Ok(PrepareResponse { token, context, result: HResult::S_OK })
            }
            Err(code) => {
                contexts.release_backup(id);
                Err(code.into())
            }
        }
    }

    fn begin_backup(
        &self,
        directory: &dyn crate::directory::Directory,
        id: Guid,
        trail: &mut Trail<'_>,
    ) -> Result<(Vec<u8>, BackupContext), HResult> {
        let mut failed = |error: &DirectoryError| {
            trail.detail = Some(error.to_string());
            error.hresult()
        };
        let source = directory.begin_backup().map_err(|e| failed(&e))?;
        let began = self.settings.clock.now();
        let token = self.make_token(id, began, directory, source.lowest_generation())?;
        let places = directory.places();
        let databases: Vec<String> =
            source.databases().iter().map(|path| self.publish(path)).collect::<Result<_, _>>()?;
        let log_names =
            LogNames { directory: self.publish(&places.logs)?, base_name: "edb".to_owned() };
        let work = Work { session: BackupSession::new(databases, log_names), generations: (0, 0) };
        let activity = Activity { last_call: self.settings.clock.monotonic(), aborted_at: None };
        let context = BackupContext {
            id,
            peer: trail.peer(),
            began,
            source,
            open: RwLock::new(None),
            work: Mutex::new(work),
            activity: Mutex::new(activity),
            bytes_read: AtomicU64::new(0),
        };
        Ok((token, context))
    }

    /// HrRBackupGetAttachmentInformation.
    pub(crate) fn backup_database_names(
        &self,
        request: &GetDatabaseNamesRequest,
        trail: &mut Trail<'_>,
    ) -> Result<ListResponse, Refusal> {
        let context = self.backup_context(&request.context, trail)?;
        let work = context.work();
        work.session.check(BackupCall::GetDatabaseNames)?;
        trail.require(Right::Backup)?;
        let names = work.session.databases().iter().map(|file| file.name.clone());
        Ok(ListResponse { names: list(FileType::Database, names)?, result: HResult::S_OK })
    }

    /// HrRBackupOpenFile. The name is looked up in the context's lists and never opened as such.
    pub(crate) fn backup_open_file(
        &self,
        request: &OpenFileRequest,
        trail: &mut Trail<'_>,
    ) -> Result<OpenFileResponse, Refusal> {
        let context = self.backup_context(&request.context, trail)?;
        let name = request.name.to_text()?;
        if !is_read_size(request.read_hint) {
            return Err(HResult::ERROR_INVALID_PARAMETER.into());
        }
        trail.detail = Some(name.clone());
        context.exclusively(|open, work| {
            let target = match self.volumes.canonical(&name) {
                Ok(canonical) => work.session.target(&canonical),
                Err(_) => Target::Unlisted,
            };
            work.session.check(BackupCall::OpenFile(target))?;
            trail.require(Right::Backup)?;
            let opened = match target {
                Target::Database(index) => context.source.open_database(index),
                Target::Log(index) => context.source.open_log(index),
                Target::FutureLog | Target::Unlisted => {
                    return Err(HResult::ERROR_INVALID_PARAMETER.into());
                }
            };
            let stream = opened.map_err(|e| {
                trail.detail = Some(format!("{name}: {e}"));
                e.hresult()
            })?;
            let size = stream.len();
            let id = work.session.open_file(target, size)?;
            *open = Some(OpenFile { id, stream });
            let (file_id, max_read) = (id.0, limits::READ_BYTES);
            Ok(OpenFileResponse { file_id, max_read, size, result: HResult::S_OK })
        })
    }

    /// HrRBackupRead. A success is not audited: the open was, and the end of the context will say
    /// how much was read.
    pub(crate) fn backup_read(&self, call: &Call) -> Result<Bytes, FaultStatus> {
        let request = ReadRequest::decode(&call.stub, call.drep).map_err(|e| e.fault_status())?;
        let mut trail = Trail::new(self, call);
        match self.read(&request, &mut trail) {
            Ok(response) => Ok(response),
            Err(Refusal::Fault(status)) => Err(status),
            Err(Refusal::Result(code)) => {
                if code != HResult::ERROR_HANDLE_EOF {
                    trail.record(ReadRequest::OPERATION, code);
                }
                Ok(ReadBuffer::failed(request.length, code).into())
            }
        }
    }

    fn read(&self, request: &ReadRequest, trail: &mut Trail<'_>) -> Result<Bytes, Refusal> {
        let context = self.backup_context(&request.context, trail)?;
        let open = context.open.read().unwrap_or_else(PoisonError::into_inner);
        let id = FileId(request.file_id);
        let span = {
            let session = &context.work().session;
            session.check_read(id, request.offset, request.length, limits::READ_BYTES)
        };
        // The end of the file is an answer and needs the right like any other.
        match span {
            Ok(_) | Err(HResult::ERROR_HANDLE_EOF) => trail.require(Right::Backup)?,
            Err(_) => {}
        }
        let span = span?;
        let file = open.as_ref().filter(|open| open.id == id);
        let stream = &file.ok_or(HResult::HR_INVALID_HANDLE)?.stream;
        let storage = self.buffers.take(READ_OVERHEAD + span.length as usize);
        let mut buffer = ReadBuffer::reusing(storage, request.length, span.length);
        match stream.read_at(buffer.data_mut(), span.offset) {
            Ok(delivered) => {
                let length = u32::try_from(delivered.bytes).unwrap_or(span.length);
                context.work().session.delivered(id, span.offset, length);
                context.bytes_read.fetch_add(u64::from(length), Ordering::Relaxed);
                for page in delivered.corrected {
                    self.audit.corrected_page(context.id, stream.path(), page);
                }
                Ok(self.buffers.message(buffer.finish(length, HResult::S_OK)))
            }
            Err(error) => {
                let code = error.hresult();
                trail.detail = Some(error.to_string());
                if let DirectoryError::Engine(ese::Error::DamagedPage { page, damage, .. }) = &error
                {
                    let (path, what) = (stream.path(), damage.to_string());
                    self.audit.damaged_page(context.id, path, Some(page.0), &what);
                }
                trail.record(ReadRequest::OPERATION, code);
                Ok(self.buffers.message(buffer.finish(0, code)))
            }
        }
    }

    /// HrRBackupClose.
    pub(crate) fn backup_close(
        &self,
        request: &CloseRequest,
        trail: &mut Trail<'_>,
    ) -> Result<ResultResponse, Refusal> {
        let context = self.backup_context(&request.context, trail)?;
        context.exclusively(|open, work| {
            let id = FileId(request.file_id);
            work.session.check_close(id)?;
            trail.require(Right::Backup)?;
            work.session.close(id)?;
            *open = None;
            Ok(ResultResponse { result: HResult::S_OK })
        })
    }

    /// HrRBackupGetBackupLogs.
    pub(crate) fn backup_logs(
        &self,
        request: &GetBackupLogsRequest,
        trail: &mut Trail<'_>,
    ) -> Result<GetBackupLogsResponse, Refusal> {
        let context = self.backup_context(&request.context, trail)?;
        let mut work = context.work();
        work.session.check(BackupCall::GetBackupLogs)?;
        trail.require(Right::Backup)?;
        let logs = context.source.logs().map_err(|e| {
            trail.detail = Some(e.to_string());
            e.hresult()
        })?;
        let names: Vec<String> =
            logs.iter().map(|log| self.publish(&log.path)).collect::<Result<_, _>>()?;
        work.session.enter_log_phase(names)?;
        if let (Some(first), Some(last)) = (logs.first(), logs.last()) {
            work.generations = (first.generation, last.generation);
        }
        let (lowest, highest) = work.generations;
        let names = work.session.logs().iter().map(|file| file.name.clone());
        let names = list(FileType::Log, names)?;
        Ok(GetBackupLogsResponse { lowest, highest, names, result: HResult::S_OK })
    }

    /// HrRBackupTruncateLogs.
    pub(crate) fn backup_truncate_logs(
        &self,
        request: &TruncateLogsRequest,
        trail: &mut Trail<'_>,
    ) -> Result<TruncateLogsResponse, Refusal> {
        let context = self.backup_context(&request.context, trail)?;
        let mut work = context.work();
        work.session.check(BackupCall::TruncateLogs)?;
        trail.require(Right::Truncate)?;
        let truncation = context.source.truncate_logs().map_err(|e| {
            trail.detail = Some(e.to_string());
            e.hresult()
        })?;
        work.session.truncate()?;
        if let Some(reason) = truncation.reason {
            self.audit.nothing_deleted(context.id, reason);
        }
        Ok(TruncateLogsResponse { deleted: truncation.deleted, result: HResult::S_OK })
    }

    /// HrRBackupEnd. Owning the context is enough; it is gone whatever happens.
    pub(crate) fn backup_end(
        &self,
        request: &EndRequest,
        trail: &mut Trail<'_>,
    ) -> Result<EndResponse, Refusal> {
        let caller = trail.call.caller();
        let context = self.contexts().remove_backup(&request.context, &caller)?;
        trail.context = Some(context.id);
        self.end_backup(&context, "ended");
        Ok(EndResponse { context: ContextHandle::NULL, result: HResult::S_OK })
    }

    /// Ends what has not been aborted before.
    fn end_backup(&self, context: &BackupContext, how: &str) {
        let (outcome, aborted_before, generations) = context.exclusively(|open, work| {
            *open = None;
            let outcome = work.session.end().unwrap_or(BackupOutcome::Aborted);
            (outcome, context.is_aborted(), work.generations)
        });
        if aborted_before {
            return;
        }
        let complete = matches!(outcome, BackupOutcome::Complete { .. });
        let mut outcome = format!("{how}: {}", if complete { "complete" } else { "aborted" });
        if let Err(error) = context.source.end(complete) {
            outcome = format!("{outcome}; {error}");
        }
        if complete {
            let remembered = self.state.update(|state| {
                state.last_backed_up_log = generations.1;
                state.incremental_disabled = false;
                state.last_complete_backup = Some(CompleteBackup {
                    id: context.id.to_string(),
                    began: context.began.to_string(),
                });
            });
            if let Err(error) = remembered {
                outcome = format!("{outcome}; {error}");
            }
        }
        self.contexts().release_backup(context.id);
        self.audit.context_end(context.peer, context.id, &outcome, context.read_bytes());
    }

    /// Ends a backup whose client is gone: never complete, even if everything was read.
    pub(crate) fn run_down_backup(&self, context: &BackupContext) {
        context.exclusively(|_, work| work.session.fail(HResult::HR_COMMUNICATION_ERROR));
        self.end_backup(context, "connection lost");
    }

    /// Aborts contexts without calls for too long, so that nobody holds the one backup for ever.
    pub(crate) fn abort_idle_contexts(&self) {
        let now = self.settings.clock.monotonic();
        let live = self.contexts().live_backups();
        for context in live {
            // A context with a running read is not idle.
            let open = match context.open.try_write() {
                Ok(open) => Some(open),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            };
            let Some(mut open) = open else { continue };
            let mut work = context.work();
            let Activity { last_call, aborted_at } = *context.activity();
            let idle = now.saturating_sub(last_call);
            let has_ended = work.session.state() == BackupState::Ended;
            if idle < self.settings.idle_limit || aborted_at.is_some() || has_ended {
                continue;
            }
            *open = None;
            work.session.fail(HResult::JET_BACKUP_ABORT_BY_SERVER);
            context.activity().aborted_at = Some(now);
            drop((work, open));
            let mut outcome = format!("aborted: idle for {} s", idle.as_secs());
            if let Err(error) = context.source.end(false) {
                outcome = format!("{outcome}; {error}");
            }
            self.contexts().release_backup(context.id);
            self.audit.context_end(context.peer, context.id, &outcome, context.read_bytes());
        }
        self.contexts().forget_aborted(now);
    }

    /// The context of a call, which thereby is not idle.
    fn backup_context(
        &self,
        handle: &ContextHandle,
        trail: &mut Trail<'_>,
    ) -> Result<Arc<BackupContext>, Refusal> {
        let context = self.contexts().backup(handle, &trail.call.caller())?;
        trail.context = Some(context.id);
        context.activity().last_call = self.settings.clock.monotonic();
        Ok(context)
    }

    /// No context without an audit log.
    pub(crate) fn check_audit(&self, trail: &mut Trail<'_>) -> Result<(), HResult> {
        match self.audit.failure() {
            None => Ok(()),
            Some(failure) => {
                trail.detail = Some(format!("the audit log cannot be written: {failure}"));
                Err(HResult::HR_DISK_IO)
            }
        }
    }

    /// The UNC name of a local path.
    pub(crate) fn publish(&self, path: &Path) -> Result<String, HResult> {
        self.volumes.publish(&display(path)).map_err(|_| HResult::HR_INVALID_PATH)
    }
}

/// A client that speaks another revision of the interface would misread everything.
pub(crate) fn check_revision(revision: u32) -> Result<(), HResult> {
    if revision == DSB_WIRE_REVISION { Ok(()) } else { Err(HResult::HR_COULD_NOT_CONNECT) }
}

/// A list of files of one type.
fn list(file_type: FileType, names: impl Iterator<Item = String>) -> Result<MultiSz, HResult> {
    let entries: Vec<Entry> = names.map(|path| Entry { file_type, path }).collect();
    multi_sz::encode(&entries).map(MultiSz).map_err(|_| HResult::ERROR_NOT_ENOUGH_MEMORY)
}

/// What a read's response has besides its data.
const READ_OVERHEAD: usize = 24;
