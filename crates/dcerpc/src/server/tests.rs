//! Rows of the state and reassembly tables, one test each.
