//! NDR 2.0: typed stub data.
//!
//! [`Encoder`] appends, [`Decoder`] reads; neither knows of any interface. What the field calls
//! things, and what they look like:
//!
//! | construction | on the wire |
//! |---|---|
//! | primitive of n bytes | aligned to n, counted from the start of the stub data |
//! | top-level pointer | nothing: the pointee stands in its place |
//! | unique or embedded pointer | 4-byte referent id, 0 for NULL; the pointee is deferred |
//! | conformant array | maximum count (u32), elements |
//! | conformant varying array | maximum count, offset, actual count, elements |
//! | `[string]` | conformant varying; offset 0; counts include the terminator |
//! | context handle | attributes (u32), UUID; aligned to 4 |
//!
//! A deferred pointee stands behind the construction that holds the pointer: of an array of
//! structures, all elements first, then all pointees in order.
//!
//! Padding is written as zeros and ignored when read. Referent ids are written 0x00020000,
//! 0x00020004 and so on; any other than 0 is read as "not NULL". Bytes after the last argument are
//! ignored: a verification trailer may stand there.
//!
//! Reading never allocates more than the stub holds: a count is checked against its limit, then
//! against the bytes that are left, before anything is made of it.
//!
//! Source: C706 chapter 14 "Transfer Syntax NDR"; [MS-RPCE] 2.2.4 for the deviations.

mod decoder;
mod encoder;
mod error;
#[cfg(test)]
mod tests;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::Error;
