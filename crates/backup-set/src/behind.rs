//! Writing behind the caller's back.
//!
//! ```text
//!   caller: receive, hash | receive, hash | receive, hash | ...   | close
//!                          \ put           \ put           \ put    |
//!   thread:                 write           write           write --'
//! ```
//!
//! Copying into the page cache takes longer than hashing; beside each other, and beside the
//! receiving, both are hidden. The units are written in their order by one thread, which stops at
//! the first error, so that the storage sees the same calls in the same order each time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use vfs::{File, Operation};

/// Bytes that the thread shares with the caller.
pub(crate) type Unit = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Units on their way into one file. Dropping it writes them and forgets how that ended.
#[derive(Debug)]
pub(crate) struct WriteBehind {
    path: PathBuf,
    sender: Option<SyncSender<Unit>>,
    thread: Option<JoinHandle<vfs::Result<()>>>,
}

impl WriteBehind {
    /// Begins at `offset` of `file`; `None` where the system has no thread to give.
    pub(crate) fn start(file: &Arc<dyn File>, path: &Path, offset: u64) -> Option<Self> {
        let (sender, units) = sync_channel(QUEUE);
        let file = Arc::clone(file);
        let run = move || write(file.as_ref(), &units, offset);
        let thread = Builder::new().name("set-writer".to_owned()).spawn(run).ok()?;
        Some(Self { path: path.to_owned(), sender: Some(sender), thread: Some(thread) })
    }

    /// Hands over the next unit; waits while the queue is full.
    ///
    /// # Errors
    ///
    /// Why a unit before it could not be written. This one is not either.
    pub(crate) fn put(&mut self, unit: Unit) -> vfs::Result<()> {
        match self.sender.as_ref().map(|sender| sender.send(unit)) {
            Some(Ok(())) => Ok(()),
            _ => self.end().and(Err(self.gone())),
        }
    }

    /// Waits until everything is written.
    pub(crate) fn end(&mut self) -> vfs::Result<()> {
        drop(self.sender.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            _ => Err(self.gone()),
        }
    }

    fn gone(&self) -> vfs::Error {
        let source = std::io::Error::other("the thread that writes has ended");
        vfs::Error::new(Operation::Write, &self.path, source)
    }
}

impl Drop for WriteBehind {
    fn drop(&mut self) {
        if self.thread.is_some() {
            // The file is given up: it only must not be written to any more.
            let _ = self.end();
        }
    }
}

fn write(file: &dyn File, units: &Receiver<Unit>, mut offset: u64) -> vfs::Result<()> {
    for unit in units {
        let bytes = (*unit).as_ref();
        file.write_all_at(bytes, offset)?;
        offset += bytes.len() as u64;
    }
    Ok(())
}

/// Units that wait for the thread: enough to bridge its pauses. Together with the one being
/// written and the one being hashed they are what a set in the making holds in memory.
const QUEUE: usize = 2;
