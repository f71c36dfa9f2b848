//! Connection-oriented DCE/RPC without I/O.
//!
//! Bytes go in, events and bytes come out; sockets, threads, clocks and random numbers are the
//! caller's. A connection is one of two machines:
//!
//! ```text
//!            recv_buffers/received                 poll_event
//!  socket --------------------------> machine ------------------> application
//!         <--------------------------         <------------------
//!            output/written                        call, respond, fault, ...
//! ```
//!
//! * [`client::ClientConnection`]: bind, alter context, calls (several at a time), cancel, orphan;
//! * [`server::ServerConnection`]: the counterpart, with the reassembly and state tables of the
//!   protocol; [`association::AssociationGroups`] and [`context_handle::ContextHandles`] are the
//!   tables that connections share;
//! * [`pdu`]: every protocol data unit, parsed and written;
//! * [`ndr`]: typed stub data;
//! * [`security`]: who the peer is, and the place where authentication mechanisms plug in;
//! * [`management`]: the interface that is implicitly present on every endpoint;
//! * [`limits`]: every bound, with its reason.
//!
//! Stub data are never copied by a machine that sends, and received straight into the call's own
//! buffer: see [`stub_buffer`].
//!
//! Source: The Open Group, "DCE 1.1: Remote Procedure Call" (C706) chapters 9, 12, 13 and
//! appendices; [MS-RPCE] for bind-time features, the limits of fragments and security.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod association;
pub mod client;
pub mod context_handle;
mod drep;
mod error;
pub mod fault;
mod inbound;
mod interface;
pub mod limits;
pub mod management;
pub mod ndr;
mod outbound;
pub mod pdu;
pub mod security;
pub mod server;
pub mod stub_buffer;

pub use drep::DataRepresentation;
pub use error::Error;
pub use fault::FaultStatus;
pub use interface::{
    CallId, ContextId, FEATURE_KEEP_CONNECTION_ON_ORPHAN, FEATURE_SECURITY_CONTEXT_MULTIPLEXING,
    Interface, SyntaxId,
};
