//! The service over its socket, seen by a client that speaks the interfaces call by call.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod backup;
mod client;
mod foreground;
mod restore;
mod rights;
