//! Long values: ids, keys and roots of the tree that keeps what does not fit into records.
//!
//! Each table has at most one such tree. A value has a root node and, if it is not empty, chunks:
//!
//! ```text
//! key                                       node
//! id (4 bytes, big-endian)                  root of a value with a 32-bit id
//! id (4), offset (4, big-endian)            its chunk at that offset; first byte below 0x80
//! id (8 bytes, big-endian)                  root of a value with a 64-bit id; first byte 0x80 up
//! id (8), offset (4)                        its chunk
//!
//! root data:   0  4  references to the value from records; all ones: being deleted
//!              4  4  length of the value in bytes, before compression
//!              8  1  (only if the node has nine bytes) bit 0: encrypted
//! chunk data:  the bytes from that offset on; compressed if shorter than they should be
//! ```
//!
//! Records hold the id little-endian, in 4 or 8 bytes. A table can hold ids of both widths.
//! Source: ESE `LVKEY32`, `LVKEY64`, `LVROOT2` (lv.hxx), `cbLVChunkMost` (lv.cxx).

use core::fmt;
use core::ops::Deref;

use crate::PageSize;
use crate::le::{put, u32_at};

/// Id of a long value. ESE: `LID`.
///
/// The order is the one of the tree: 32-bit ids come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lid {
    /// 32-bit id, 1 to 0x7FFFFEFF in a good file.
    U32(u32),
    /// 64-bit id, with the highest bit set in a good file.
    U64(u64),
}

impl Lid {
    /// From the bytes that a record holds; `None` if these are neither four nor eight.
    #[inline]
    pub fn from_record(bytes: &[u8]) -> Option<Self> {
        if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
            return Some(Self::U32(u32::from_le_bytes(bytes)));
        }
        Some(Self::U64(u64::from_le_bytes(bytes.try_into().ok()?)))
    }

    /// As a record holds it.
    pub fn to_record(self) -> LvBytes {
        let mut out = LvBytes::default();
        match self {
            Self::U32(id) => out.push(&id.to_le_bytes()),
            Self::U64(id) => out.push(&id.to_le_bytes()),
        }
        out
    }

    /// Key of the value's root; every chunk's key begins with it.
    pub fn root_key(self) -> LvBytes {
        let mut out = LvBytes::default();
        match self {
            Self::U32(id) => out.push(&id.to_be_bytes()),
            Self::U64(id) => out.push(&id.to_be_bytes()),
        }
        out
    }

    /// Key of the value's chunk at `offset` bytes.
    pub fn chunk_key(self, offset: u32) -> LvBytes {
        let mut out = self.root_key();
        out.push(&offset.to_be_bytes());
        out
    }

    /// Whether an engine could have given this id: not 0, and the highest bit set exactly in the
    /// wide ones, by which keys of both widths are told apart.
    pub fn is_sound(self) -> bool {
        match self {
            Self::U32(id) => id != 0 && id >> 31 == 0,
            Self::U64(id) => id >> 63 == 1,
        }
    }
}

/// The number in hexadecimal, in the width of the id.
impl fmt::Display for Lid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::U32(id) => write!(f, "{id:08x}"),
            Self::U64(id) => write!(f, "{id:016x}"),
        }
    }
}

/// At most twelve bytes: an id or a key of the tree. It is a slice in every use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LvBytes {
    bytes: [u8; 12],
    len: usize,
}

impl LvBytes {
    fn push(&mut self, more: &[u8]) {
        put(&mut self.bytes, self.len, more);
        self.len = (self.len + more.len()).min(self.bytes.len());
    }
}

impl Deref for LvBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl AsRef<[u8]> for LvBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// What a key of the tree names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LvKey {
    /// The root of a value.
    Root(Lid),
    /// A chunk of a value.
    Chunk(Lid, u32),
}

impl LvKey {
    /// Takes a key apart; `None` if it is none of the four forms.
    pub fn parse(key: &[u8]) -> Option<Self> {
        let wide = key.first()? & 0x80 != 0;
        match (key.len(), wide) {
            (4, false) => Some(Self::Root(Lid::U32(be32(key)?))),
            (8, false) => Some(Self::Chunk(Lid::U32(be32(key)?), be32(key.get(4..)?)?)),
            (8, true) => Some(Self::Root(Lid::U64(be64(key)?))),
            (12, true) => Some(Self::Chunk(Lid::U64(be64(key)?), be32(key.get(8..)?)?)),
            _ => None,
        }
    }

    /// The value that it belongs to.
    pub fn lid(self) -> Lid {
        match self {
            Self::Root(lid) | Self::Chunk(lid, _) => lid,
        }
    }

    /// The bytes of the key.
    pub fn to_bytes(self) -> LvBytes {
        match self {
            Self::Root(lid) => lid.root_key(),
            Self::Chunk(lid, offset) => lid.chunk_key(offset),
        }
    }
}

fn be32(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.first_chunk()?))
}

fn be64(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.first_chunk()?))
}

/// Data of a root node. ESE: `LVROOT`, `LVROOT2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LvRoot {
    /// Number of references from records.
    pub refcount: u32,
    /// Length of the value in bytes, as it is before compression.
    pub size: u32,
    /// The ninth byte, where there is one.
    pub flags: Option<u8>,
}

impl LvRoot {
    /// Count of a value whose deletion has begun.
    pub const DELETING: u32 = u32::MAX;
    const ENCRYPTED: u8 = 1;

    /// Reads the data of a root node; `None` unless it has eight or nine bytes.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let flags = match data {
            [_, _, _, _, _, _, _, _] => None,
            [_, _, _, _, _, _, _, _, flags] => Some(*flags),
            _ => return None,
        };
        Some(Self { refcount: u32_at(data, 0), size: u32_at(data, 4), flags })
    }

    /// Whether the chunks are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.flags.is_some_and(|flags| flags & Self::ENCRYPTED != 0)
    }

    /// The data of the node.
    pub fn to_bytes(self) -> LvBytes {
        let mut out = LvBytes::default();
        out.push(&self.refcount.to_le_bytes());
        out.push(&self.size.to_le_bytes());
        if let Some(flags) = self.flags {
            out.push(&[flags]);
        }
        out
    }
}

/// Bytes of a value in each chunk but the last, for tables that set no size of their own.
///
/// A chunk fills a small page; four fill a large one. Readers need not know it: the offset of a
/// value's second chunk is the size of its first.
pub fn chunk_len(page_size: PageSize) -> u32 {
    match page_size {
        PageSize::KIB_16 => 4050,
        PageSize::KIB_32 => 8150,
        small => small.get().saturating_sub(82),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn lids() -> impl Strategy<Value = Lid> {
        prop_oneof![
            (1..=0x7FFF_FFFF_u32).prop_map(Lid::U32),
            any::<u64>().prop_map(|id| Lid::U64(id | 1 << 63)),
        ]
    }

    #[test]
    fn records_hold_little_endian_and_keys_big_endian() {
        let lid = Lid::from_record(&[5, 0, 0, 0, 0x80, 0, 0, 0x80]).unwrap();
        assert_eq!(lid, Lid::U64(0x8000_0080_0000_0005));
        assert_eq!(*lid.root_key(), [0x80, 0, 0, 0x80, 0, 0, 0, 5]);
        assert_eq!(*lid.chunk_key(0x1FAE), [0x80, 0, 0, 0x80, 0, 0, 0, 5, 0, 0, 0x1F, 0xAE]);
        assert_eq!(Lid::from_record(&[5, 0, 0, 0]), Some(Lid::U32(5)));
        assert_eq!(Lid::from_record(&[5, 0, 0, 0, 0]), None);
        assert_eq!(lid.to_string(), "8000008000000005");
    }

    #[test]
    fn first_byte_tells_a_chunk_of_a_narrow_id_from_a_root_of_a_wide_one() {
        let narrow = [0x7F, 0, 0, 1, 0, 0, 0, 9];
        assert_eq!(LvKey::parse(&narrow), Some(LvKey::Chunk(Lid::U32(0x7F00_0001), 9)));
        let wide = [0x80, 0, 0, 1, 0, 0, 0, 9];
        assert_eq!(LvKey::parse(&wide), Some(LvKey::Root(Lid::U64(0x8000_0001_0000_0009))));
        for bad in [&[][..], &[1, 2, 3], &[0x80, 0, 0, 0], &[1; 12], &[0xFF; 13]] {
            assert_eq!(LvKey::parse(bad), None);
        }
    }

    #[test]
    fn roots_have_eight_or_nine_bytes() {
        let root = LvRoot::parse(&[2, 0, 0, 0, 0x86, 1, 0, 0]).unwrap();
        assert_eq!((root.refcount, root.size, root.is_encrypted()), (2, 0x186, false));
        let root = LvRoot::parse(&[1, 0, 0, 0, 0x86, 1, 0, 0, 1]).unwrap();
        assert!(root.is_encrypted());
        assert_eq!(LvRoot::parse(&root.to_bytes()), Some(root));
        assert_eq!(LvRoot::parse(&[0; 7]), None);
        assert_eq!(LvRoot::parse(&[0; 10]), None);
    }

    #[test]
    fn chunks_fill_small_pages_and_quarter_large_ones() {
        let lens = PageSize::ALL.map(chunk_len);
        assert_eq!(lens, [1966, 4014, 8110, 4050, 8150]);
    }

    proptest! {
        #[test]
        fn keys_come_back_and_sort_as_their_bytes(
            a in lids(), b in lids(), x in any::<Option<u32>>(), y in any::<Option<u32>>(),
        ) {
            let key = |lid, offset: Option<u32>| {
                offset.map_or(LvKey::Root(lid), |offset| LvKey::Chunk(lid, offset))
            };
            let (first, second) = (key(a, x), key(b, y));
            prop_assert_eq!(LvKey::parse(&first.to_bytes()), Some(first));
            prop_assert_eq!(Lid::from_record(&a.to_record()), Some(a));
            if a != b {
                prop_assert_eq!(a.cmp(&b), first.to_bytes().as_ref().cmp(&second.to_bytes()));
            }
        }
    }
}
