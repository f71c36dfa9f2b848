//! What the first bytes of a file say about it.

use crate::manifest::{FileKind, HeaderFacts};

/// How many bytes of a file are kept for [`of_head`]: both header copies of the largest page.
pub(crate) const HEAD_SIZE: usize = 64 << 10;

/// Facts for a file's entry in the manifest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) generations: Option<(u32, u32)>,
    pub(crate) header: Option<HeaderFacts>,
}

/// Reads what the header at the beginning of a file says; nothing if it has none.
pub(crate) fn of_head(_kind: FileKind, _head: &[u8]) -> Facts {
    Facts::default()
}
