//! The parsers of `ese-format` over whole databases: every catalog row, record and long value of
//! the committed databases, and of every cleanly closed one of the corpus.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod catalog;
mod records;
mod walk;
