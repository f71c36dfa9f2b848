//! The RPC service: which operation is whose, and what every call has in common.
//!
//! A call is decoded, handled, encoded, audited. A handler checks in the documented order of
//! precedence (handle, values, restricted context, state, rights) and changes nothing before all
//! checks have passed. What an operation has to say travels in its return value; faults are for
//! stub data that do not decode and handles that are not the caller's.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use dcerpc::Interface;
use dcerpc::association::AssociationGroupId;
use dcerpc::fault::FaultStatus;
use dcerpc_net::server::{Call, Peer, RpcService};
use ms_dtyp::Guid;
use ntdsb::HResult;
use ntdsb::idl::{EncodeResponse, Request, Response, backup, restore};
use ntdsb::rights::Right;
use ntdsb::unc::Volumes;
use zeroize::Zeroizing;

use crate::audit::{Access, AuditLog, PeerIdentity};
use crate::buffers::BufferPool;
use crate::contexts::Contexts;
use crate::directory::Directory;
use crate::policy::{Caller, Decision, Policy, PolicyError, Transport};
use crate::registration::RegistrationStore;
use crate::server::Status;
use crate::settings::Settings;
use crate::state::{ServiceState, installation_key};
use crate::{ServeError, paths, startup};

/// The service behind the socket.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) settings: Settings,
    pub(crate) audit: AuditLog,
    pub(crate) state: ServiceState,
    pub(crate) registrations: RegistrationStore,
    pub(crate) key: Zeroizing<[u8; 32]>,
    pub(crate) volumes: Volumes,
    pub(crate) buffers: Arc<BufferPool>,
    pub(crate) hosted: Hosted,
    /// Random per start: tells clients that a service was restarted.
    pub(crate) instance: Guid,
    pub(crate) started: Duration,
    policy: RwLock<Arc<Policy>>,
    contexts: Mutex<Contexts>,
}

/// What the service hosts; decided at the start.
#[derive(Debug, Clone)]
pub(crate) enum Hosted {
    Online(Arc<dyn Directory>),
    Offline(String),
}

impl Service {
    /// Loads policy and state, honours a registered restore, opens the directory.
    pub(crate) fn open(settings: Settings) -> Result<Self, ServeError> {
        let policy = settings.load_policy()?;
        let (storage, dir) = (settings.storage.clone(), settings.state_dir.clone());
        let audit_path = dir.join("audit.jsonl");
        let audit = AuditLog::open(storage.clone(), settings.clock.clone(), &audit_path)?;
        paths::make_private(&audit_path);
        let key = installation_key(storage.as_ref(), &dir)?;
        let state = ServiceState::load(storage.clone(), &dir)?;
        let registrations = RegistrationStore::load(storage, &dir)?;
        let volumes = startup::volumes(&settings)?;
        audit.service("start", Some(&settings.dit.to_string_lossy()));
        let hosted = startup::host(&settings, &state, &registrations, &volumes, &audit)?;
        match &hosted {
            Hosted::Online(directory) => {
                audit.service("online", Some(&directory.places().database.to_string_lossy()));
            }
            Hosted::Offline(reason) => audit.service("offline", Some(reason)),
        }
        let started = settings.clock.monotonic();
        Ok(Self {
            audit,
            state,
            registrations,
            key,
            volumes,
            buffers: Arc::default(),
            hosted,
            instance: random_guid()?,
            started,
            policy: RwLock::new(Arc::new(policy)),
            contexts: Mutex::new(Contexts::new()),
            settings,
        })
    }

    pub(crate) fn status(&self) -> Status {
        match &self.hosted {
            Hosted::Online(directory) => Status::Online { database: directory.places().database },
            Hosted::Offline(reason) => Status::Offline { reason: reason.clone() },
        }
    }

    /// The directory, if it is online.
    pub(crate) fn directory(&self) -> Option<&Arc<dyn Directory>> {
        match &self.hosted {
            Hosted::Online(directory) => Some(directory),
            Hosted::Offline(_) => None,
        }
    }

    pub(crate) fn contexts(&self) -> MutexGuard<'_, Contexts> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the policy, or leaves it as it is.
    pub(crate) fn reload_policy(&self) -> Result<(), PolicyError> {
        match self.settings.load_policy() {
            Ok(policy) => {
                *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
                self.audit.service("policy-reloaded", None);
                Ok(())
            }
            Err(error) => {
                self.audit.service("policy-refused", Some(&error.to_string()));
                Err(error)
            }
        }
    }

    /// What SIGHUP asks for. A failure is in the audit log; the service goes on as it was.
    pub(crate) fn reload(&self) {
        if let Err(error) = self.audit.reopen() {
            self.audit.service("audit-not-reopened", Some(&error.to_string()));
        }
        let _ = self.reload_policy();
    }

    /// The last thing the service does.
    pub(crate) fn stopped(&self) {
        self.audit.service("stop", None);
    }

    fn decide(&self, peer: &Peer, right: Right) -> Decision {
        let policy = self.policy.read().unwrap_or_else(PoisonError::into_inner).clone();
        let caller = Caller {
            transport: Transport::Local,
            uid: Some(peer.uid),
            gids: &peer.groups,
            principal: None,
            sids: &[],
        };
        policy.decide(&caller, right)
    }

    /// Decodes, handles, encodes and audits one call.
    fn answer<R>(
        &self,
        call: &Call,
        handler: impl FnOnce(&Self, &R, &mut Trail<'_>) -> Result<R::Response, Refusal>,
    ) -> Result<Bytes, FaultStatus>
    where
        R: Request,
        R::Response: EncodeResponse,
    {
        let request = R::decode(&call.stub, call.drep).map_err(|e| e.fault_status())?;
        let mut trail = Trail::new(self, call);
        let response = match handler(self, &request, &mut trail) {
            Ok(response) => response,
            Err(Refusal::Result(code)) => R::Response::failed(code),
            Err(Refusal::Fault(status)) => return Err(status),
        };
        trail.record(R::OPERATION, response.result());
        let stub = response.encode().or_else(|_| {
            // The one thing that can be too long is a list of names.
            R::Response::failed(HResult::ERROR_NOT_ENOUGH_MEMORY).encode()
        });
        stub.map(Bytes::from).map_err(|_| FaultStatus::UNSPECIFIED)
    }

    fn backup_call(&self, call: &Call) -> Result<Bytes, FaultStatus> {
        use backup::{
            CloseRequest, EndRequest, GetBackupLogsRequest, GetDatabaseNamesRequest,
            OpenFileRequest, PingRequest, PrepareRequest, ReadRequest, TruncateLogsRequest,
        };
        match call.opnum {
            PrepareRequest::OPNUM => self.answer(call, Self::backup_prepare),
            EndRequest::OPNUM => self.answer(call, Self::backup_end),
            GetDatabaseNamesRequest::OPNUM => self.answer(call, Self::backup_database_names),
            OpenFileRequest::OPNUM => self.answer(call, Self::backup_open_file),
            ReadRequest::OPNUM => self.backup_read(call),
            CloseRequest::OPNUM => self.answer(call, Self::backup_close),
            GetBackupLogsRequest::OPNUM => self.answer(call, Self::backup_logs),
            TruncateLogsRequest::OPNUM => self.answer(call, Self::backup_truncate_logs),
            PingRequest::OPNUM => self.answer(call, Self::ping),
            _ => Err(FaultStatus::OP_RANGE_ERROR),
        }
    }

    fn restore_call(&self, call: &Call) -> Result<Bytes, FaultStatus> {
        use restore::{
            CheckLogsForBackupRequest, EndRequest, GetDatabaseLocationsRequest, IsOnlineRequest,
            PrepareRequest, RegisterCompleteRequest, RegisterRequest, SetCurrentLogNumberRequest,
        };
        match call.opnum {
            IsOnlineRequest::OPNUM => self.answer(call, Self::is_online),
            PrepareRequest::OPNUM => self.answer(call, Self::restore_prepare),
            RegisterRequest::OPNUM => self.answer(call, Self::restore_register),
            RegisterCompleteRequest::OPNUM => self.answer(call, Self::restore_complete),
            GetDatabaseLocationsRequest::OPNUM => self.answer(call, Self::restore_locations),
            EndRequest::OPNUM => self.answer(call, Self::restore_end),
            SetCurrentLogNumberRequest::OPNUM => self.answer(call, Self::set_current_log),
            CheckLogsForBackupRequest::OPNUM => self.answer(call, Self::check_logs),
            _ => Err(FaultStatus::OP_RANGE_ERROR),
        }
    }
}

impl RpcService for Service {
    fn interfaces(&self) -> Vec<Interface> {
        vec![backup::INTERFACE, restore::INTERFACE]
    }

    /// Everybody may connect: what a caller may do is decided call by call, and a refusal by code
    /// tells an administrator more than a connection that fails.
    fn admit(&self, _peer: &Peer) -> bool {
        true
    }

    fn call(&self, call: Call) -> Result<Bytes, FaultStatus> {
        match call.interface {
            BACKUP_INTERFACE => self.backup_call(&call),
            RESTORE_INTERFACE => self.restore_call(&call),
            _ => Err(FaultStatus::UNKNOWN_INTERFACE),
        }
    }

    fn rundown(&self, group: AssociationGroupId) {
        let (backups, restores) = self.contexts().rundown(group);
        for context in backups {
            self.run_down_backup(&context);
        }
        for context in restores {
            self.run_down_restore(&context);
        }
    }

    fn has_handles(&self, group: AssociationGroupId) -> bool {
        self.contexts().has_group(group)
    }
}

/// Why a handler did not do what it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The operation's return value.
    Result(HResult),
    /// The runtime's word.
    Fault(FaultStatus),
}

impl From<HResult> for Refusal {
    fn from(code: HResult) -> Self {
        Self::Result(code)
    }
}

impl From<FaultStatus> for Refusal {
    fn from(status: FaultStatus) -> Self {
        Self::Fault(status)
    }
}

/// What the audit record of a call will say.
pub(crate) struct Trail<'a> {
    service: &'a Service,
    pub(crate) call: &'a Call,
    decision: Option<(Right, Decision)>,
    /// The context the call is about.
    pub(crate) context: Option<Guid>,
    /// What it is about, for example a file name.
    pub(crate) detail: Option<String>,
}

impl<'a> Trail<'a> {
    pub(crate) fn new(service: &'a Service, call: &'a Call) -> Self {
        Self { service, call, decision: None, context: None, detail: None }
    }

    /// The caller as the audit log names it.
    pub(crate) fn peer(&self) -> PeerIdentity {
        identity(&self.call.peer)
    }

    /// Goes on only if the policy grants `right`.
    pub(crate) fn require(&mut self, right: Right) -> Result<(), HResult> {
        let decision = self.service.decide(&self.call.peer, right);
        self.decision = Some((right, decision));
        if decision.allowed { Ok(()) } else { Err(HResult::ERROR_ACCESS_DENIED) }
    }

    /// Writes the record.
    pub(crate) fn record(&self, operation: &str, result: HResult) {
        self.service.audit.access(&Access {
            peer: self.peer(),
            call: operation,
            decision: self.decision,
            result,
            context: self.context,
            detail: self.detail.as_deref(),
        });
    }
}

/// The kernel's words about a peer.
pub(crate) fn identity(peer: &Peer) -> PeerIdentity {
    PeerIdentity { uid: peer.uid, gid: peer.gid, pid: peer.pid }
}

/// A GUID from the system's random numbers.
pub(crate) fn random_guid() -> Result<Guid, ServeError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| ServeError::System {
        what: "draw random bytes",
        source: std::io::Error::other(e.to_string()),
    })?;
    Ok(Guid::random(bytes))
}

/// Text of a path for the audit log.
pub(crate) fn display(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

const BACKUP_INTERFACE: usize = 0;
const RESTORE_INTERFACE: usize = 1;
