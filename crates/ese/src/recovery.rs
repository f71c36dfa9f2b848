//! Bringing a database that was not shut down cleanly into a state that counts.
//!
//! The logs are replayed over the database, and what was never committed is undone. The database
//! file itself is not touched until all of it has succeeded.

pub mod attachment;
pub mod checkpoint;
pub mod clock;
pub mod execute;
#[cfg(test)]
pub(crate) mod handmade;
pub mod header;
pub mod journal;
mod macros;
pub mod outcome;
pub mod output;
pub mod plan;
pub mod problem;
pub mod redo;
pub mod redo_map;
pub mod replay;
pub mod report;
pub mod request;
mod session;
mod source;
pub mod tail;
pub mod undo;
mod versions;
mod view;

pub use execute::{Options, Recovered};
pub use plan::{Plan, SourceKind, plan};
pub use problem::{MissingLogs, RecoveryError};
pub use report::{Ending, Loss, Report};
pub use request::{Request, Until, UntilError};
