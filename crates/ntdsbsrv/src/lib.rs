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

pub mod accounts;
pub mod audit;
pub mod clock;
pub mod config;
pub mod directory;
mod document;
mod error;
mod options;
pub mod policy;
mod server;
pub mod standing;
pub mod state;

pub use error::ServeError;
pub use options::{DEFAULT_POLICY, PolicySource, ServeOptions};
pub use server::{RunningService, Status, run_until};
