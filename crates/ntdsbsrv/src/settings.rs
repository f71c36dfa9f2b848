//! Options and configuration merged, with every default filled in.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use vfs::Storage;

use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::config::{Config, DEFAULT_STATE, TokenConfig};
use crate::options::DEFAULT_POLICY;
use crate::policy::{Policy, PolicyError};
use crate::{PolicySource, ServeError, ServeOptions};

/// What a service runs with.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where the service was told the database is.
    pub(crate) dit: PathBuf,
    pub(crate) logs: PathBuf,
    pub(crate) socket: PathBuf,
    pub(crate) socket_mode: u32,
    pub(crate) socket_group: Option<u32>,
    pub(crate) state_dir: PathBuf,
    pub(crate) restore_mode: bool,
    /// SERVER of the published paths.
    pub(crate) server_name: String,
    pub(crate) volumes: Vec<(char, PathBuf)>,
    /// Directories below which every path of a registration must lie.
    pub(crate) restore_roots: Vec<PathBuf>,
    pub(crate) idle_limit: Duration,
    pub(crate) sessions_per_peer: usize,
    pub(crate) token: TokenConfig,
    pub(crate) dns_name: String,
    pub(crate) domain_dn: String,
    policy: PolicySource,
    own_uid: u32,
}

impl Settings {
    /// Reads the configuration and merges.
    pub(crate) fn resolve(options: ServeOptions) -> Result<Self, ServeError> {
        let storage = options.storage;
        let config = match &options.config {
            Some(path) => Config::load(storage.as_ref(), path)?,
            None => Config::default(),
        };
        let config_error = |reason: String| ServeError::Config {
            path: options.config.clone().unwrap_or_default(),
            reason,
        };
        let accounts = Accounts::read(storage.as_ref());
        let socket_group = match &config.socket.group {
            None => None,
            Some(name) => Some(accounts.group(name).ok_or_else(|| {
                config_error(format!("socket.group: there is no group {name:?}"))
            })?),
        };
        let dit = absolute(&options.dit)?;
        let logs = match &options.logs {
            Some(logs) => absolute(logs)?,
            None => vfs::durable::parent(&dit).to_owned(),
        };
        let volumes: Vec<(char, PathBuf)> = config
            .volumes
            .iter()
            .filter_map(|(letter, root)| Some((letter.chars().next()?, root.clone())))
            .collect();
        let mut restore_roots = config.restore.destinations.clone();
        if restore_roots.is_empty() {
            restore_roots.extend(volumes.iter().map(|(_, root)| root.clone()));
        }
        restore_roots.push(vfs::durable::parent(&dit).to_owned());
        restore_roots.push(logs.clone());
        let host = host_name();
        let policy = match (options.policy, config.policy.clone()) {
            (PolicySource::Configured, Some(path)) => PolicySource::File(path),
            (source, _) => source,
        };
        Ok(Self {
            dit,
            logs,
            socket: absolute(options.socket.as_ref().unwrap_or(&config.socket.path))?,
            socket_mode: config.socket_mode().map_err(config_error)?,
            socket_group,
            state_dir: absolute(
                options
                    .state
                    .as_deref()
                    .or(config.state.as_deref())
                    .unwrap_or(DEFAULT_STATE.as_ref()),
            )?,
            restore_mode: options.restore_mode,
            server_name: config.server_name.clone().unwrap_or_else(|| short_name(&host)),
            volumes,
            restore_roots,
            idle_limit: Duration::from_secs(60) * config.idle_minutes,
            sessions_per_peer: config.sessions_per_peer,
            token: config.token.clone(),
            dns_name: config.directory.dns_name.clone().unwrap_or(host),
            // A token needs a name here; "DC=unknown" is one that no domain has.
            domain_dn: config.directory.domain_dn.clone().unwrap_or_else(|| "DC=unknown".into()),
            policy,
            own_uid: rustix::process::geteuid().as_raw(),
            storage,
            clock: options.clock,
        })
    }

    /// Reads the policy, at the start and again whenever asked to.
    pub(crate) fn load_policy(&self) -> Result<Policy, PolicyError> {
        let load =
            |path: &Path| Policy::load(path, self.own_uid, &Accounts::read(self.storage.as_ref()));
        match &self.policy {
            PolicySource::File(path) => load(path),
            PolicySource::Configured if Path::new(DEFAULT_POLICY).exists() => {
                load(Path::new(DEFAULT_POLICY))
            }
            PolicySource::Configured | PolicySource::BuiltIn => Ok(Policy::built_in(self.own_uid)),
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, ServeError> {
    std::path::absolute(path)
        .map_err(|source| ServeError::System { what: "find the current directory", source })
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The first label in upper case: how a computer is named in a UNC path.
fn short_name(host: &str) -> String {
    let label = host.split('.').next().unwrap_or_default();
    if label.is_empty() { "LOCALHOST".to_owned() } else { label.to_ascii_uppercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_need_no_configuration() {
        let settings = Settings::resolve(ServeOptions::new("/srv/dc1/ntds.dit")).unwrap();
        assert_eq!(settings.logs, Path::new("/srv/dc1"));
        assert_eq!(settings.state_dir, Path::new(DEFAULT_STATE));
        assert_eq!(settings.restore_roots, [PathBuf::from("/srv/dc1"), PathBuf::from("/srv/dc1")]);
        assert_eq!(settings.idle_limit, Duration::from_secs(900));
    }

    #[test]
    fn options_beat_the_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("config.toml");
        std::fs::write(
            &config,
            "state = \"/a\"\nserver_name = \"DC7\"\n[socket]\npath = \"/b\"\n[volumes]\nC = \"/c\"",
        )
        .unwrap();
        let settings = Settings::resolve(ServeOptions {
            config: Some(config),
            socket: Some("/own/socket".into()),
            logs: Some("/logs".into()),
            ..ServeOptions::new("/srv/ntds.dit")
        })
        .unwrap();
        assert_eq!(settings.socket, Path::new("/own/socket"));
        assert_eq!(settings.state_dir, Path::new("/a"));
        assert_eq!(settings.server_name, "DC7");
        let roots: Vec<_> =
            settings.restore_roots.iter().map(|p| p.display().to_string()).collect();
        assert_eq!(roots, ["/c", "/srv", "/logs"]);
    }

    #[test]
    fn the_short_name_is_the_first_label() {
        assert_eq!(short_name("dc1.test.example"), "DC1");
        assert_eq!(short_name(""), "LOCALHOST");
    }
}
