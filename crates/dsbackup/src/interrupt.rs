//! Ctrl-C, SIGTERM and SIGHUP: the work under way is told to stop, so that it can end the backup
//! on the server and remove what is unfinished. A second one ends the program at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ntdsbcli::Canceller;

use crate::exit::{Exit, Failure};

/// Whether the user asked to stop. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt {
    hit: Arc<AtomicBool>,
    waiting: Arc<Mutex<Option<Canceller>>>,
}

impl Interrupt {
    /// Takes over the signals; once in a process.
    pub(crate) fn install() -> Result<Self, Failure> {
        let interrupt = Self::default();
        let handler = interrupt.clone();
        ctrlc::set_handler(move || handler.interrupt())
            .map_err(|e| Failure::new(Exit::Failed, format!("cannot handle signals: {e}")))?;
        Ok(interrupt)
    }

    pub(crate) fn is_hit(&self) -> bool {
        self.hit.load(Ordering::Relaxed)
    }

    /// Fails if the user asked to stop.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.is_hit() { Err(Failure::interrupted()) } else { Ok(()) }
    }

    /// The call that waits for the server is given up when the user asks to stop.
    pub(crate) fn cancels(&self, canceller: Canceller) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(canceller);
    }

    /// What went wrong was that the user asked to stop, if he did.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        if self.is_hit() { Failure::interrupted() } else { failure }
    }

    fn interrupt(&self) {
        if self.hit.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted.code().into());
        }
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(canceller) = waiting.as_ref() {
            canceller.cancel();
        }
    }
}
