//! Every bound of an argument, with its reason.

/// Longest name or path in 16-bit units, terminator included. Windows' own limit for paths with
/// `\\?\` is higher, but no documented function of this interface has to do with such.
pub const NAME_UNITS: u32 = 1024;

/// Longest byte blob in a request or response. Tokens are 4096 bytes at most; the rest is room for
/// a later format.
pub const BLOB_BYTES: u32 = 65_536;

/// Longest list in 16-bit units, all terminators included (2 MiB): some fifteen thousand log files
/// with long paths.
pub const LIST_UNITS: u32 = 1_048_576;

/// Most rows of a restore map on the wire. The service accepts 14, the engine's limit.
pub const MAP_ROWS: u32 = 16;

/// Most bytes of one read.
pub const READ_BYTES: u32 = 4_194_304;
