//! The server's side of a connection.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

/// Set when a call should end early; shared between the connection and whoever executes the call.
#[derive(Debug, Clone, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the call to end.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the call was asked to end.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
