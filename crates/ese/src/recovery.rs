//! Bringing a database that was not shut down cleanly into a state that counts.
//!
//! The logs are replayed over the database, and what was never committed is undone. The database
//! file itself is not touched until all of it has succeeded.

pub mod attachment;
pub mod checkpoint;
pub mod clock;
#[cfg(test)]
pub(crate) mod handmade;
pub mod header;
pub mod journal;
mod macros;
pub mod outcome;
pub mod output;
pub mod redo;
pub mod redo_map;
pub mod replay;
mod session;
pub mod tail;
pub mod undo;
mod versions;
