//! Ending a wait from another thread.

use dcerpc_net::blocking;

/// Makes a call of a context return `ERROR_CANCELLED`, from any thread.
#[derive(Clone, Debug)]
pub struct Canceller(blocking::Canceller);

impl Canceller {
    pub(crate) fn new(inner: blocking::Canceller) -> Self {
        Canceller(inner)
    }

    /// Cancels the call that is waited for now, or else the next one. The context stays usable.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}
