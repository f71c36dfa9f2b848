//! Where the sort keys of Unicode text come from.
//!
//! They are made by `LCMapStringEx` of Windows from tables that differ between versions; an index
//! names the version, the locale and the flags. Whoever has such tables implements [`Collation`],
//! one value for each combination of those three.

use alloc::vec::Vec;
use core::fmt::Debug;

/// Makes sort keys as one version of Windows does for one locale and one set of flags.
pub trait Collation: Debug + Send + Sync {
    /// Appends to `out` what follows the prefix byte in a key for `text` (UTF-16, not empty):
    /// the whole sort key with its final 00, or with the flag `LCMAP_UPPERCASE` the mapped text
    /// as big-endian units with a unit of 0 behind. It is cut by the caller.
    ///
    /// `false` if it cannot be said for this text; then what was appended is taken away, and the
    /// segment stays unknown as without a collation.
    fn sort_key(&self, text: &[u16], out: &mut Vec<u8>) -> bool;
}
