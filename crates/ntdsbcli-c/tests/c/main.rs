//! The C library as its users meet it: headers, symbols, programs.

mod interface;
mod library;
mod programs;
