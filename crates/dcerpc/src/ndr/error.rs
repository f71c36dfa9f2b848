//! Why stub data cannot be read or written, and which fault says so.

use crate::fault::FaultStatus;

/// A rule that stub data break. `at` is the byte offset in the stub where the value begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stub ends within a value.
    #[error("stub data end at byte {at}: {what} needs {needed} bytes, {available} are left")]
    Truncated {
        /// The value.
        what: &'static str,
        /// Where it begins.
        at: usize,
        /// Its length in bytes.
        needed: u64,
        /// The bytes that are left.
        available: usize,
    },
    /// A string or array is longer than its type allows.
    #[error("{what} at byte {at}: {count} elements, at most {limit} are allowed")]
    InvalidBound {
        /// The string or array.
        what: &'static str,
        /// Where it begins.
        at: usize,
        /// The count on the wire.
        count: u32,
        /// The largest count.
        limit: u32,
    },
    /// A number is outside the range that the interface gives it.
    #[error("{what} at byte {at} is {value}, at most {limit} is allowed")]
    OutOfRange {
        /// The number.
        what: &'static str,
        /// Where it stands.
        at: usize,
        /// Its value.
        value: u32,
        /// The largest value.
        limit: u32,
    },
    /// A count disagrees with the argument that determines it.
    #[error("{what} at byte {at} is {found}, expected {expected}")]
    Mismatch {
        /// The count.
        what: &'static str,
        /// Where it stands.
        at: usize,
        /// Its value.
        found: u32,
        /// What it must be.
        expected: u32,
    },
    /// An array or string to be written is longer than its type allows.
    #[error("{what} has {count} elements, at most {limit} can be sent")]
    TooLong {
        /// The string or array.
        what: &'static str,
        /// Its length in elements.
        count: usize,
        /// The largest count.
        limit: u32,
    },
}

impl Error {
    /// The fault with which a server answers a request that has this error.
    #[must_use]
    pub const fn fault_status(&self) -> FaultStatus {
        match self {
            Self::InvalidBound { .. } => FaultStatus::INVALID_BOUND,
            Self::Truncated { .. } | Self::OutOfRange { .. } | Self::Mismatch { .. } => {
                FaultStatus::BAD_STUB_DATA
            }
            // Only a response can be too long to write: the manager routine's doing.
            Self::TooLong { .. } => FaultStatus::UNSPECIFIED,
        }
    }
}
