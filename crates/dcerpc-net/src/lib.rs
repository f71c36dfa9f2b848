//! DCE/RPC over sockets.
//!
//! The machines of [`dcerpc`] do no I/O; here are the two shells that move their bytes:
//!
//! * [`blocking::Client`]: a client on the calling thread, without runtime and without threads of
//!   its own, since it lives inside other people's processes;
//! * `server` (feature of that name): an edge on tokio that accepts connections, identifies their
//!   peers and runs the calls of a [`server::RpcService`] on the blocking pool.
//!
//! Neither decides anything about the protocol.

#![forbid(unsafe_code)]

pub mod blocking;
mod error;
#[cfg(feature = "server")]
pub mod server;

pub use error::CallError;
