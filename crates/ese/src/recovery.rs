//! Bringing a database that was not shut down cleanly into a state that counts.
//!
//! The logs are replayed over the database, and what was never committed is undone. The database
//! file itself is not touched until all of it has succeeded.

pub mod checkpoint;
pub mod clock;
pub mod header;
pub mod journal;
pub mod outcome;
pub mod output;
pub mod tail;
