//! A connection to the service: bound to both interfaces, its revision checked, its failures
//! turned into documented codes.
//!
//! | what the runtime saw | error |
//! |---|---|
//! | no listener, interface rejected, other bind_nak, wrong revision | `hrCouldNotConnect` |
//! | bind_nak 9, fault 5 | `ERROR_ACCESS_DENIED` |
//! | bind_nak 8 | `RPC_S_UNKNOWN_AUTHN_SERVICE` |
//! | bind_nak 1 or 2, fault server-too-busy, remote-no-memory, 0x6D9 | `ERROR_NOT_ENOUGH_MEMORY` |
//! | fault 0x721 before the first completed call | `RPC_S_SEC_PKG_ERROR` |
//! | fault context-mismatch | `hrInvalidHandle` |
//! | fault cancel, time limit | `ERROR_CANCELLED` |
//! | every other fault, a lost connection, a violated protocol | `hrCommunicationError`, for good |
//!
//! A code that the service returned is passed on unchanged.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dcerpc::fault::{BindNakReason, FaultStatus};
use dcerpc::{CallId, ContextId};
use dcerpc_net::CallError;
use dcerpc_net::blocking::{Client, Options};
use ms_dtyp::Guid;
use ntdsb::HResult;
use ntdsb::idl::backup::{INTERFACE as BACKUP, PingRequest, PingResponse, capabilities};
use ntdsb::idl::restore::INTERFACE as RESTORE;
use ntdsb::idl::{DSB_WIRE_REVISION, Request, Response};

use crate::cancel::Canceller;
use crate::error::Error;
use crate::server::{Endpoint, Server};

mod operations;

/// What a service says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceInfo {
    /// Random per start of the service.
    pub instance: Guid,
    /// Whether the service has a database that is being written; else one that stands still.
    pub is_live: bool,
    /// Whether it offers restores.
    pub has_restore: bool,
    /// The largest read that it serves, in bytes.
    pub max_read: u32,
    /// The number of contexts that it allows; 0 where it does not say.
    pub max_sessions: u32,
    /// Time since its start.
    pub uptime: Duration,
}

/// Which of the two interfaces an operation belongs to.
#[derive(Clone, Copy, Debug)]
enum Interface {
    Backup,
    Restore,
}

/// A connection with its sticky failure.
pub(crate) struct Connection {
    client: Client,
    backup: ContextId,
    restore: ContextId,
    server: Arc<str>,
    ping: PingResponse,
    call_timeout: Option<Duration>,
    /// The process that connected. A child made by `fork` shares the socket and must not use it.
    process: u32,
    failed: Option<Error>,
}

impl Connection {
    /// Connects, binds both interfaces, and refuses a service of another revision.
    pub(crate) fn open(server: &Server) -> Result<Self, Error> {
        let path = match server.endpoint() {
            Endpoint::Socket(path) => path,
            Endpoint::Tcp(address) => return Err(no_tcp(server, address)),
        };
        let refused = |error: CallError| connect_error(server, path, &error);
        let mut options = Options::default();
        options.connect_timeout = server.connect_timeout();
        // The first call counts as connecting.
        options.call_timeout = Some(server.connect_timeout());
        let mut client = Client::connect(path, options).map_err(refused)?;
        let backup = client.bind(BACKUP).map_err(refused)?;
        let restore = client.bind(RESTORE).map_err(refused)?;
        let ping = ping(server, path, &mut client, backup)?;
        client.set_call_timeout(server.call_timeout());
        Ok(Connection {
            client,
            backup,
            restore,
            server: server.shared_name(),
            ping,
            call_timeout: server.call_timeout(),
            process: std::process::id(),
            failed: None,
        })
    }

    pub(crate) fn info(&self) -> ServiceInfo {
        let has = |bit| self.ping.capabilities & bit != 0;
        ServiceInfo {
            instance: self.ping.instance,
            is_live: has(capabilities::LIVE_DATABASE),
            has_restore: has(capabilities::RESTORE),
            max_read: self.ping.max_read,
            max_sessions: self.ping.max_sessions,
            uptime: Duration::from_secs(self.ping.uptime_seconds),
        }
    }

    pub(crate) fn canceller(&self) -> Canceller {
        Canceller::new(self.client.canceller())
    }

    /// Whether a read may be sent while another one runs.
    pub(crate) fn reads_concurrently(&self) -> bool {
        self.client.is_multiplexed() && self.ping.capabilities & capabilities::CONCURRENT_READS != 0
    }

    /// Refuses every use after the first failure, and in a child of the process that connected.
    pub(crate) fn check(&self, function: &'static str) -> Result<(), Error> {
        if self.process != std::process::id() {
            return Err(Error::argument(function, "the context is another process's"));
        }
        self.failed.clone().map_or(Ok(()), Err)
    }

    /// Makes a call; a code other than 0 is an error.
    fn call<R: Request>(
        &mut self,
        function: &'static str,
        interface: Interface,
        request: &R,
    ) -> Result<R::Response, Error> {
        let call = self.submit(function, interface, request)?;
        let response = self.wait(function, request, call)?.0;
        match response.result().unwrapped() {
            HResult::S_OK => Ok(response),
            code => Err(self.refused(function, code)),
        }
    }

    fn submit<R: Request>(
        &mut self,
        function: &'static str,
        interface: Interface,
        request: &R,
    ) -> Result<CallId, Error> {
        self.check(function)?;
        let stub = request.encode().map_err(|_| {
            Error::argument(function, "an argument is longer than the interface allows")
        })?;
        let context = match interface {
            Interface::Backup => self.backup,
            Interface::Restore => self.restore,
        };
        let sent = self.client.submit(context, R::OPNUM, stub);
        sent.map_err(|error| self.failure(function, &error))
    }

    /// The answer, whatever its return value, and the stub that it lies in.
    fn wait<R: Request>(
        &mut self,
        function: &'static str,
        request: &R,
        call: CallId,
    ) -> Result<(R::Response, Bytes), Error> {
        self.check(function)?;
        let reply = self.client.wait(call).map_err(|error| self.failure(function, &error))?;
        match request.decode_response(&reply.stub, reply.drep) {
            Ok(response) => Ok((response, reply.stub)),
            Err(error) => Err(self.lose(function, &error)),
        }
    }

    fn refused(&self, function: &'static str, code: HResult) -> Error {
        Error::Refused { server: Arc::clone(&self.server), function, code }
    }

    /// The context is of no further use.
    fn lose(&mut self, function: &'static str, reason: &dyn Display) -> Error {
        let server = Arc::clone(&self.server);
        let error = Error::Lost { server, function, reason: reason.to_string() };
        self.failed.get_or_insert(error).clone()
    }

    fn failure(&mut self, function: &'static str, error: &CallError) -> Error {
        let code = match error {
            CallError::Cancelled | CallError::TimedOut => return Error::Cancelled { function },
            CallError::Fault(status) => match *status {
                FaultStatus::CANCEL => return Error::Cancelled { function },
                FaultStatus::ACCESS_DENIED => HResult::ERROR_ACCESS_DENIED,
                FaultStatus::CONTEXT_MISMATCH => HResult::HR_INVALID_HANDLE,
                status if is_shortage(status) => HResult::ERROR_NOT_ENOUGH_MEMORY,
                _ => return self.lose(function, error),
            },
            _ => return self.lose(function, error),
        };
        let CallError::Fault(status) = *error else {
            return self.lose(function, error);
        };
        Error::Fault { server: Arc::clone(&self.server), function, status, code }
    }
}

/// Asks for the revision.
fn ping(
    server: &Server,
    path: &Path,
    client: &mut Client,
    context: ContextId,
) -> Result<PingResponse, Error> {
    let unusable = |reason: String, code| {
        let address = path.display().to_string();
        Error::Connect { server: server.shared_name(), address, reason, code }
    };
    let unreadable =
        |error: dcerpc::ndr::Error| unusable(error.to_string(), HResult::HR_COULD_NOT_CONNECT);
    let request = PingRequest { revision: DSB_WIRE_REVISION };
    let reply = client
        .call(context, PingRequest::OPNUM, request.encode().map_err(unreadable)?)
        .map_err(|error| connect_error(server, path, &error))?;
    let response = PingResponse::decode(&reply.stub, reply.drep).map_err(unreadable)?;
    let code = response.result.unwrapped();
    if !code.is_ok() {
        return Err(unusable("the service refuses to be asked".to_owned(), code));
    }
    if response.revision != DSB_WIRE_REVISION {
        let reason = format!(
            "the service speaks revision 0x{:08X} of the interface, not 0x{DSB_WIRE_REVISION:08X}",
            response.revision
        );
        return Err(unusable(reason, HResult::HR_COULD_NOT_CONNECT));
    }
    if response.capabilities & capabilities::AUTHENTICATION_REQUIRED != 0 {
        let reason = "the service asks for authentication that a local socket does not carry";
        return Err(unusable(reason.to_owned(), HResult::ERROR_ACCESS_DENIED));
    }
    Ok(response)
}

fn connect_error(server: &Server, path: &Path, error: &CallError) -> Error {
    let code = match error {
        CallError::BindNak(BindNakReason::TEMPORARY_CONGESTION)
        | CallError::BindNak(BindNakReason::LOCAL_LIMIT_EXCEEDED) => {
            HResult::ERROR_NOT_ENOUGH_MEMORY
        }
        CallError::BindNak(BindNakReason::AUTHENTICATION_TYPE_NOT_RECOGNIZED) => {
            HResult::RPC_S_UNKNOWN_AUTHN_SERVICE
        }
        CallError::BindNak(BindNakReason::AUTHENTICATION_FAILED)
        | CallError::Fault(FaultStatus::ACCESS_DENIED) => HResult::ERROR_ACCESS_DENIED,
        CallError::Fault(FaultStatus::SEC_PKG_ERROR) => HResult::RPC_S_SEC_PKG_ERROR,
        CallError::Fault(status) if is_shortage(*status) => HResult::ERROR_NOT_ENOUGH_MEMORY,
        _ => HResult::HR_COULD_NOT_CONNECT,
    };
    let address = path.display().to_string();
    Error::Connect { server: server.shared_name(), address, reason: error.to_string(), code }
}

fn no_tcp(server: &Server, address: &str) -> Error {
    Error::Connect {
        server: server.shared_name(),
        address: address.to_owned(),
        reason: "this version has no TCP transport; address the service's socket".to_owned(),
        code: HResult::HR_COULD_NOT_CONNECT,
    }
}

fn is_shortage(status: FaultStatus) -> bool {
    status == FaultStatus::SERVER_TOO_BUSY
        || status == FaultStatus::REMOTE_NO_MEMORY
        || status == FaultStatus(EPT_S_NOT_REGISTERED)
}

/// What a service without room for another endpoint answers.
const EPT_S_NOT_REGISTERED: u32 = 0x6D9;
