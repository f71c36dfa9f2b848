//! The listening socket, and the locks that keep two services apart.
//!
//! A socket file that a killed service left behind is replaced, but only while holding the lock
//! beside it and after a connection attempt was refused: removing the file of a living service
//! would cut it off from its clients without anybody noticing.
//!
//! Locks are `flock` locks on files that are never removed; the kernel releases them when the
//! service ends, however it ends.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, FlockOperation, Gid, Mode, OFlags};

use crate::ServeError;

/// A bound socket; its file is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    path: PathBuf,
    socket: Option<UnixListener>,
    _lock: OwnedFd,
}

impl Listener {
    /// Binds the socket `path`; `mode` are its permission bits, `group` its group.
    pub(crate) fn bind(path: &Path, mode: u32, group: Option<u32>) -> Result<Self, ServeError> {
        let error = |reason: String| ServeError::Socket { path: path.to_owned(), reason };
        if path.as_os_str().len() > LONGEST_PATH {
            return Err(error(format!("the path is longer than {LONGEST_PATH} bytes")));
        }
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = lock(Path::new(&lock_path))
            .map_err(|e| error(format!("its lock file cannot be opened: {e}")))?
            .ok_or_else(|| ServeError::SocketInUse { path: path.to_owned() })?;
        remove_stale(path)?;
        let socket = UnixListener::bind(path).map_err(|e| error(e.to_string()))?;
        // Until here the umask keeps strangers out; the bits are widened last.
        if let Some(group) = group {
            rustix::fs::chown(path, None, Some(Gid::from_raw(group)))
                .map_err(|e| error(format!("cannot give it to group {group}: {e}")))?;
        }
        rustix::fs::chmod(path, Mode::from_raw_mode(mode)).map_err(|e| error(e.to_string()))?;
        socket.set_nonblocking(true).map_err(|e| error(e.to_string()))?;
        Ok(Self { path: path.to_owned(), socket: Some(socket), _lock: lock })
    }

    /// Hands the socket out, once.
    pub(crate) fn take_socket(&mut self) -> Option<UnixListener> {
        self.socket.take()
    }

    /// Where clients connect.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Nothing to do about a failure: the next start replaces the file.
        let _ = rustix::fs::unlink(&self.path);
    }
}

/// Takes the exclusive lock `path`; `None` if somebody else has it.
pub(crate) fn lock(path: &Path) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

fn remove_stale(path: &Path) -> Result<(), ServeError> {
    let error = |reason: String| ServeError::Socket { path: path.to_owned(), reason };
    let stat = match rustix::fs::lstat(path) {
        Err(rustix::io::Errno::NOENT) => return Ok(()),
        other => other.map_err(|e| error(e.to_string()))?,
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
        return Err(error("something else has this name; choose another path".to_owned()));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(ServeError::SocketInUse { path: path.to_owned() }),
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {
            rustix::fs::unlink(path).map_err(|e| error(e.to_string()))
        }
        Err(e) => Err(error(format!("cannot tell whether a service listens on it: {e}"))),
    }
}

/// `sun_path` has 108 bytes with its NUL.
const LONGEST_PATH: usize = 107;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a stale file is there");
        let listener = Listener::bind(&path, 0o600, None).unwrap();
        UnixStream::connect(&path).unwrap();
        let second = Listener::bind(&path, 0o600, None).unwrap_err();
        assert!(matches!(second, ServeError::SocketInUse { .. }), "{second}");
        drop(listener);
        assert!(!path.exists());

        let foreign = UnixListener::bind(&path).unwrap();
        let refused = Listener::bind(&path, 0o600, None).unwrap_err();
        assert!(matches!(refused, ServeError::SocketInUse { .. }), "{refused}");
        drop(foreign);
    }

    #[test]
    fn a_file_of_that_name_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        std::fs::write(&path, b"precious").unwrap();
        let error = Listener::bind(&path, 0o600, None).unwrap_err().to_string();
        assert!(error.contains("something else has this name"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }
}
