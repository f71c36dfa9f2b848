//! How a service is started.

use std::path::PathBuf;
use std::sync::Arc;

use vfs::Storage;

use crate::clock::{Clock, SystemClock};

/// How a service is started. Everything but the database has a default; what is set here beats
/// the configuration file.
///
/// ```
/// use ntdsbsrv::ServeOptions;
///
/// let options = ServeOptions {
///     socket: Some("/tmp/demo/socket".into()),
///     state: Some("/tmp/demo/state".into()),
///     ..ServeOptions::new("/srv/dc1/ntds.dit")
/// };
/// assert!(!options.restore_mode);
/// ```
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The directory's database file. In restore mode it need not exist: it says where a restored
    /// database belongs.
    pub dit: PathBuf,
    /// The directory of the database's logs; default: where the database is.
    pub logs: Option<PathBuf>,
    /// The socket to listen on.
    pub socket: Option<PathBuf>,
    /// The configuration file; none is read by default.
    pub config: Option<PathBuf>,
    /// The directory for registration, service state, installation key and audit log.
    pub state: Option<PathBuf>,
    /// Who may do what.
    pub policy: PolicySource,
    /// Whether the directory stays closed, so that it can be restored.
    pub restore_mode: bool,
    /// Where the files are.
    pub storage: Arc<dyn Storage>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl ServeOptions {
    /// Serves the database `dit`, everything else by default.
    pub fn new(dit: impl Into<PathBuf>) -> Self {
        Self {
            dit: dit.into(),
            logs: None,
            socket: None,
            config: None,
            state: None,
            policy: PolicySource::Configured,
            restore_mode: false,
            storage: Arc::new(vfs::os::Os),
            clock: Arc::new(SystemClock::default()),
        }
    }
}

/// Where the policy comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// The file that the configuration names, else `/etc/dsbackup/policy.toml` where it exists,
    /// else the built-in policy.
    Configured,
    /// The built-in policy: everybody local may query; root and the service's own user may do
    /// everything.
    BuiltIn,
    /// This file.
    File(PathBuf),
}

/// The policy file that is used where none is named.
pub const DEFAULT_POLICY: &str = "/etc/dsbackup/policy.toml";
