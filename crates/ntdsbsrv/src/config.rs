//! The configuration file (TOML). Every key has a default; an unknown key is an error, because a
//! misspelt limit that is silently ignored is a limit that is not there.
//!
//! ```toml
//! server_name = "DC1"                     # SERVER in \\SERVER\C$\...; default: the host's name
//! state = "/var/lib/dsbackup"             # registration, service state, key, audit log
//! policy = "/etc/dsbackup/policy.toml"
//! idle_minutes = 15                       # a backup context without calls is aborted after this
//! sessions_per_peer = 16
//!
//! [volumes]                               # drive letter = local directory
//! C = "/srv/dc1/c"
//!
//! [socket]
//! path = "/run/dsbackup/ncalrpc/dsbackup"
//! mode = "0666"
//! group = "dsbackup"
//!
//! [restore]
//! destinations = ["/srv/dc1/c"]           # restored files must lie below one of these
//!
//! [token]
//! lifetime_days = 60
//! require_key = false
//!
//! [directory]
//! dns_name = "dc1.test.example"
//! domain_dn = "DC=test,DC=example"
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use vfs::{OpenMode, Storage};

use crate::ServeError;

/// What the configuration file says; absent keys have their defaults.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// SERVER of the published UNC paths; default: the host's short name in upper case.
    pub server_name: Option<String>,
    /// Directory of the registration, the service state, the installation key and the audit log.
    pub state: Option<PathBuf>,
    /// The policy file.
    pub policy: Option<PathBuf>,
    /// Minutes after which a backup context without calls is aborted.
    pub idle_minutes: u32,
    /// How many contexts one peer (uid) may have open.
    pub sessions_per_peer: usize,
    /// Drive letter to local directory.
    pub volumes: BTreeMap<String, PathBuf>,
    /// Where clients connect.
    pub socket: SocketConfig,
    /// What a restore may touch.
    pub restore: RestoreConfig,
    /// Expiry tokens.
    pub token: TokenConfig,
    /// Facts about the directory that a token carries.
    pub directory: DirectoryConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server_name: None,
            state: None,
            policy: None,
            idle_minutes: 15,
            sessions_per_peer: 16,
            volumes: BTreeMap::new(),
            socket: SocketConfig::default(),
            restore: RestoreConfig::default(),
            token: TokenConfig::default(),
            directory: DirectoryConfig::default(),
        }
    }
}

/// The socket clients connect to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SocketConfig {
    /// Its path.
    pub path: PathBuf,
    /// Its permission bits in octal.
    pub mode: String,
    /// Its group, by name or number.
    pub group: Option<String>,
}

impl Default for SocketConfig {
    fn default() -> Self {
        Self { path: PathBuf::from(DEFAULT_SOCKET), mode: "0666".to_owned(), group: None }
    }
}

/// What a restore may touch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RestoreConfig {
    /// Directories below which every path of a registration must lie. None: the volumes. The
    /// directory's own database and log directories are always allowed.
    pub destinations: Vec<PathBuf>,
}

/// Expiry tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenConfig {
    /// How long a backup may be restored, in days: the directory's tombstone lifetime.
    pub lifetime_days: u32,
    /// Whether only tokens tagged with this installation's key are accepted.
    pub require_key: bool,
}

impl Default for TokenConfig {
    fn default() -> Self {
        // What an absent tombstoneLifetime attribute means.
        Self { lifetime_days: 60, require_key: false }
    }
}

/// Facts about the directory that a token carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DirectoryConfig {
    /// The directory server's DNS host name; default: the host's name.
    pub dns_name: Option<String>,
    /// The distinguished name of the domain naming context.
    pub domain_dn: Option<String>,
}

impl Config {
    /// Reads and checks a configuration file.
    pub fn load(storage: &dyn Storage, path: &Path) -> Result<Self, ServeError> {
        let error = |reason: String| ServeError::Config { path: path.to_owned(), reason };
        let file = storage.open(path, OpenMode::Read)?;
        let len = file.len()?;
        if len > LARGEST_FILE {
            return Err(error(format!("is {len} bytes long; at most {LARGEST_FILE} are read")));
        }
        let mut content = vec![0; usize::try_from(len).unwrap_or(0)];
        file.read_exact_at(&mut content, 0)?;
        let text = String::from_utf8(content).map_err(|_| error("is not UTF-8".to_owned()))?;
        Self::parse(&text).map_err(error)
    }

    /// Parses and checks the text of a configuration file; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        config.check()?;
        Ok(config)
    }

    /// The permission bits of the socket.
    pub fn socket_mode(&self) -> Result<u32, String> {
        u32::from_str_radix(&self.socket.mode, 8).ok().filter(|mode| *mode <= 0o777).ok_or_else(
            || format!("socket.mode is {:?}; octal digits like \"0660\" fit", self.socket.mode),
        )
    }

    fn check(&self) -> Result<(), String> {
        self.socket_mode()?;
        for (letter, root) in &self.volumes {
            let is_letter = letter.len() == 1 && letter.chars().all(|c| c.is_ascii_alphabetic());
            if !is_letter {
                return Err(format!("volumes: {letter:?} is no drive letter"));
            }
            absolute(&format!("volumes.{letter}"), root)?;
        }
        for destination in &self.restore.destinations {
            absolute("restore.destinations", destination)?;
        }
        absolute("socket.path", &self.socket.path)?;
        if let Some(state) = &self.state {
            absolute("state", state)?;
        }
        within("idle_minutes", u64::from(self.idle_minutes), 1, 24 * 60)?;
        within("token.lifetime_days", u64::from(self.token.lifetime_days), 2, 36_500)?;
        within("sessions_per_peer", self.sessions_per_peer as u64, 1, 1024)
    }
}

fn absolute(key: &str, path: &Path) -> Result<(), String> {
    if path.is_absolute() {
        return Ok(());
    }
    Err(format!("{key}: {} is not an absolute path", path.display()))
}

fn within(key: &str, value: u64, low: u64, high: u64) -> Result<(), String> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(format!("{key} is {value}; it must lie between {low} and {high}"))
}

/// Where clients look for the service of this computer.
pub const DEFAULT_SOCKET: &str = "/run/dsbackup/ncalrpc/dsbackup";

/// Where the service keeps its state.
pub const DEFAULT_STATE: &str = "/var/lib/dsbackup";

const LARGEST_FILE: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn an_empty_file_is_the_default() {
        let config = Config::parse("").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.idle_minutes, 15);
        assert_eq!(config.token.lifetime_days, 60);
        assert_eq!(config.socket_mode(), Ok(0o666));
    }

    #[test]
    fn every_key_is_read() {
        let config = Config::parse(
            r#"
            server_name = "DC1"
            state = "/var/lib/dsb"
            policy = "/etc/dsb/policy.toml"
            idle_minutes = 3
            sessions_per_peer = 2
            [volumes]
            C = "/srv/c"
            [socket]
            path = "/run/x"
            mode = "0660"
            group = "dsbackup"
            [restore]
            destinations = ["/srv/c"]
            [token]
            lifetime_days = 180
            require_key = true
            [directory]
            dns_name = "dc1.test.example"
            domain_dn = "DC=test,DC=example"
            "#,
        )
        .unwrap();
        assert_eq!(config.socket_mode(), Ok(0o660));
        assert_eq!(config.sessions_per_peer, 2);
        assert!(config.token.require_key);
        assert_eq!(config.directory.domain_dn.as_deref(), Some("DC=test,DC=example"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |text: &str, expect: &str| {
            let error = Config::parse(text).unwrap_err();
            assert!(error.contains(expect), "{error}");
        };
        check("idle_minuts = 3", "idle_minuts");
        check("[token]\nlifetime = 3", "lifetime");
        check("idle_minutes = 0", "idle_minutes");
        check("[socket]\nmode = \"999\"", "socket.mode");
        check("[volumes]\nCD = \"/x\"", "drive letter");
        check("[volumes]\nC = \"x\"", "absolute");
        check("state = \"x\"", "state");
    }
}
