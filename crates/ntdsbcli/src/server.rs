//! A server, addressed: who is asked, how, and as whom.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::connection::{Connection, ServiceInfo};
use crate::error::Error;
use crate::identity::{self, Identity};
use crate::options::Options;
use crate::server_name::{self, Address, LocalNames};

/// A server of the directory backup functions.
///
/// Making one connects to nothing. It captures the identity and the options of the process; what
/// changes afterwards does not reach it.
#[derive(Clone, Debug)]
pub struct Server {
    name: Arc<str>,
    endpoint: Endpoint,
    identity: Option<Arc<Identity>>,
    connect_timeout: Duration,
    call_timeout: Option<Duration>,
}

/// Where the service listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// A Unix-domain socket.
    Socket(PathBuf),
    /// A form that only the TCP transport reaches; kept to say so when connecting.
    Tcp(String),
}

impl Server {
    /// The server with this name, by the documented rules: `DC1` or `\\DC1`, and this computer.
    /// The extension forms are understood where the process switched addressing on.
    ///
    /// # Errors
    /// [`Error::ServerName`]: `hrCouldNotConnect` for a malformed name, `RPC_S_INVALID_BINDING`
    /// for another computer's.
    pub fn named(name: &str) -> Result<Self, Error> {
        let options = Options::current();
        let local = LocalNames::of_this_computer(&options.names);
        let address = if options.addressing {
            server_name::extended(name, &local)
        } else {
            server_name::documented(name, &local)
        };
        Self::at(name, address, &options)
    }

    /// The server behind a name or one of the extension forms: a socket's path, `unix:/path`,
    /// `ncalrpc:[name]`, `host:port`.
    ///
    /// # Errors
    /// [`Error::ServerName`] for a malformed string.
    pub fn address(address: &str) -> Result<Self, Error> {
        let options = Options::current();
        let local = LocalNames::of_this_computer(&options.names);
        Self::at(address, server_name::extended(address, &local), &options)
    }

    /// The service that listens at a socket.
    pub fn at_socket(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let name: Arc<str> = path.to_string_lossy().into();
        Self::new(name, Endpoint::Socket(path.to_owned()), &Options::current())
    }

    /// The service of this computer at its usual socket.
    pub fn local() -> Self {
        let options = Options::current();
        Self::new("localhost".into(), Endpoint::Socket(options.local_socket()), &options)
    }

    /// Sets how long connecting may take; 5 seconds unless changed.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long one call may take; no limit unless changed.
    #[must_use]
    pub fn with_call_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// The name as the caller gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the directory is open for its clients. `false` where the service answers without
    /// one: restore mode, a registered restore, recovery.
    ///
    /// # Errors
    /// `hrCouldNotConnect`, `ERROR_ACCESS_DENIED`.
    pub fn is_online(&self) -> Result<bool, Error> {
        Connection::open(self)?.is_online()
    }

    /// What the service says about itself.
    ///
    /// # Errors
    /// `hrCouldNotConnect`.
    pub fn info(&self) -> Result<ServiceInfo, Error> {
        Ok(Connection::open(self)?.info())
    }

    /// Stores the number of the last log that counts as backed up;
    /// [`ntdsb::BACKUP_DISABLE_INCREMENTAL`] forbids incremental backups until the next full one.
    ///
    /// # Errors
    /// `ERROR_INVALID_PARAMETER` for a number above the current generation,
    /// `hrCouldNotConnect`, `ERROR_ACCESS_DENIED`.
    pub fn set_current_backup_log(&self, generation: u32) -> Result<(), Error> {
        Connection::open(self)?.set_current_log(generation)
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    pub(crate) fn call_timeout(&self) -> Option<Duration> {
        self.call_timeout
    }

    /// The identity of the process when this server was made.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_deref()
    }

    fn at(
        name: &str,
        address: Result<Address, server_name::NameError>,
        options: &Options,
    ) -> Result<Self, Error> {
        let endpoint = match address {
            Ok(Address::ThisComputer) => Endpoint::Socket(options.local_socket()),
            Ok(Address::Socket(path)) => Endpoint::Socket(path),
            Ok(Address::Tcp { .. }) => Endpoint::Tcp(name.to_owned()),
            Err(reason) => {
                return Err(Error::ServerName { server: name.to_owned(), reason });
            }
        };
        Ok(Self::new(name.trim_start_matches('\\').into(), endpoint, options))
    }

    fn new(name: Arc<str>, endpoint: Endpoint, options: &Options) -> Self {
        Server {
            name,
            endpoint,
            identity: identity::current(),
            connect_timeout: options.connect_timeout,
            call_timeout: options.call_timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use ntdsb::HResult;

    use super::*;

    #[test]
    fn a_host_and_port_is_understood_and_answered_clearly() {
        let server = Server::address("dc2:49300").unwrap();
        let error = server.is_online().unwrap_err();
        assert_eq!(error.code(), HResult::HR_COULD_NOT_CONNECT);
        assert!(error.to_string().contains("TCP"), "{error}");
    }

    #[test]
    fn a_server_keeps_the_identity_that_was_set_when_it_was_made() {
        let name: Vec<u16> = "ann".encode_utf16().collect();
        identity::set_current(Identity::new(Some(&name), None, None).unwrap());
        let server = Server::local();
        identity::set_current(None);
        assert_eq!(server.identity().map(Identity::user), Some("ann"));
        assert!(Server::local().identity().is_none());
    }

    #[test]
    fn an_absent_service_is_could_not_connect() {
        let error = Server::at_socket("/nowhere/socket").is_online().unwrap_err();
        assert_eq!(error.code(), HResult::HR_COULD_NOT_CONNECT);
        assert!(error.to_string().contains("/nowhere/socket"), "{error}");
    }
}
