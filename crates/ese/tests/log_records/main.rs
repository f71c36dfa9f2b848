//! Every record of the logs of the corpus is read, and written back byte for byte.
//!
//! * `records.txt` and `records_after_recovery.txt` in the sets that Microsoft's engine made: its
//!   own listing of every record, which must come out line by line;
//! * the other sets: how many records of each type an independent script counted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stderr, clippy::cast_possible_truncation)]

mod chains;
mod counts;
mod engine_line;
mod engine_listing;
mod walk;
