//! Damaged databases in memory: what is found, what is delivered, what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod delivery;
mod logs;
mod made;
mod space;
mod verdicts;
