//! Settings of the process: the extensions' switches and where the service is.
//!
//! All are at their documented defaults unless changed. The environment variables
//! `DSBX_ADDRESSING=1` and `DSBX_SOCKET=/path` count only where the process runs with the
//! rights of the user who started it, never in a set-uid or set-gid program: whoever runs that
//! must not choose what it talks to.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::server_name::DEFAULT_SOCKET;

/// The settings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Whether server names may be sockets, `host:port` and the other extension forms.
    pub addressing: bool,
    /// The socket of this computer's service, where it is not the default one.
    pub socket: Option<PathBuf>,
    /// Further names of this computer.
    pub names: Vec<String>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long one call may take; `None` waits without limit.
    pub call_timeout: Option<Duration>,
    /// Volumes for the mapping between UNC and local paths: letter and root.
    pub volumes: Vec<(char, String)>,
}

impl Options {
    const fn new() -> Self {
        Options {
            addressing: false,
            socket: None,
            names: Vec::new(),
            connect_timeout: CONNECT_TIMEOUT,
            call_timeout: None,
            volumes: Vec::new(),
        }
    }

    /// The settings in force: what was set, else the environment, else the defaults.
    pub fn current() -> Self {
        let mut options = lock().clone();
        if is_plain_process() {
            options.addressing |= std::env::var_os("DSBX_ADDRESSING").is_some_and(|v| v == "1");
            if options.socket.is_none() {
                options.socket = std::env::var_os("DSBX_SOCKET")
                    .map(PathBuf::from)
                    .filter(|path| path.is_absolute());
            }
        }
        options
    }

    /// Changes settings for all later calls of the process.
    pub fn change(change: impl FnOnce(&mut Options)) {
        change(&mut lock());
    }

    /// The socket of this computer's service.
    pub fn local_socket(&self) -> PathBuf {
        self.socket.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_SOCKET))
    }
}

/// Reads `C=/srv/dc1/c,D=/srv/dc1/d`.
pub fn parse_volumes(text: &str) -> Option<Vec<(char, String)>> {
    text.split(',')
        .filter(|item| !item.trim().is_empty())
        .map(|item| {
            let (letter, root) = item.trim().split_once('=')?;
            let letter = letter.chars().next().filter(char::is_ascii_alphabetic)?;
            root.starts_with('/').then(|| (letter.to_ascii_uppercase(), root.to_owned()))
        })
        .collect()
}

fn is_plain_process() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    getuid() == geteuid() && getgid() == getegid()
}

fn lock() -> MutexGuard<'static, Options> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

static CURRENT: Mutex<Options> = Mutex::new(Options::new());

/// The documented functions never block longer than this before they reach the service.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_read_or_refused_as_a_whole() {
        let read = parse_volumes("c=/srv/c, D=/srv/d").unwrap();
        assert_eq!(read, [('C', "/srv/c".to_owned()), ('D', "/srv/d".to_owned())]);
        assert_eq!(parse_volumes(""), Some(vec![]));
        assert_eq!(parse_volumes("C=relative"), None);
        assert_eq!(parse_volumes("=/x"), None);
        assert_eq!(parse_volumes("C"), None);
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let options = Options::new();
        assert!(!options.addressing && options.call_timeout.is_none());
        assert_eq!(options.local_socket(), PathBuf::from("/run/dsbackup/ncalrpc/dsbackup"));
    }
}
