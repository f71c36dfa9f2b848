//! Golden stubs.
