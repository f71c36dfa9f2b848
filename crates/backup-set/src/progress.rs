//! How long work tells what it does, and is told to stop.

/// Receives progress from the passes of this crate. Called from several threads.
pub trait Progress: Sync {
    /// A pass over `path` of the set begins, which will read or write `bytes`.
    fn begin(&self, phase: Phase, path: &str, bytes: u64) {
        let _ = (phase, path, bytes);
    }

    /// `bytes` more were done.
    fn advance(&self, bytes: u64) {
        let _ = bytes;
    }

    /// Whether to stop; the pass then fails with [`crate::Error::Cancelled`].
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// No one listens.
impl Progress for () {}

/// What a pass does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Comparing hashes with the manifest.
    Hash,
    /// Verifying page checksums.
    Pages,
    /// Copying.
    Copy,
    /// Comparing what was written with the manifest.
    CheckCopy,
    /// Replaying logs.
    Replay,
}
