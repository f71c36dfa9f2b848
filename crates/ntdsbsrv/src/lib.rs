//! The directory backup service.
//!
//! It hosts an Active Directory database and answers the backup and restore interfaces: contexts
//! as state machines, rights from a policy file, every grant and refusal in an audit log, a
//! durable restore registration that is honoured at the next start.
//!
//! ```no_run
//! use ntdsbsrv::{RunningService, ServeOptions};
//!
//! let service = RunningService::start(ServeOptions::new("/srv/dc1/ntds.dit"))?;
//! println!("listening on {}", service.socket_path().display());
//! # Ok::<(), ntdsbsrv::ServeError>(())
//! ```
//!
//! Where to read on: [`directory`] is the one trait between the service and what hosts the
//! directory, [`standing`] its implementation for a database that nobody writes to; [`policy`]
//! decides who may do what, [`audit`] remembers what was decided.

#![forbid(unsafe_code)]

pub mod accounts;
pub mod audit;
mod backup;
mod buffers;
pub mod clock;
mod completion;
pub mod config;
mod contexts;
pub mod directory;
mod document;
mod error;
mod expiry;
mod listener;
mod notify;
mod options;
mod paths;
pub mod policy;
mod recovery;
mod registration;
mod restore;
mod server;
mod service;
mod settings;
pub mod standing;
mod startup;
pub mod state;

pub use error::ServeError;
pub use options::{DEFAULT_POLICY, PolicySource, ServeOptions};
pub use server::{RunningService, Status, run, run_until};
