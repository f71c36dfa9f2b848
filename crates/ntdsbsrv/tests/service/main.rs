//! The service over its socket, seen by a client that speaks the interfaces call by call.

mod backup;
mod client;
mod restore;
mod rights;
