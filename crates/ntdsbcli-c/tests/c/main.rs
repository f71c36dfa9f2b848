//! The C library as its users meet it: headers, symbols, programs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that fails says so by a panic, in its helpers too"
)]

mod interface;
mod library;
mod programs;
