//! The conformance checklist of the documented functions.
//!
//! Names of tests carry the item's number. Items that need what is not built yet stand in
//! [`waiting`] with the reason; a test sees to it that every item is in one place or the other.
//!
//! The tests call the functions on handles, as the C library does, against a service in this
//! process that hosts a copy of a committed database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that fails says so by a panic, in its helpers too"
)]

mod codes;
mod ending;
mod files;
mod fixture;
mod identity;
mod lists;
mod online;
mod prepare;
mod registration;
mod relay;
mod restore;
mod robustness;
mod states;
mod waiting;
