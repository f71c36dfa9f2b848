//! The two checksum families.
//!
//! **XOR** ([`xor32`]): all little-endian words of the block but the first, XORed together and
//! with 0x89ABCDEF. Headers, trailers and log headers have it, and pages written before Vista.
//!
//! **XOR and ECC** ([`ecc`]), pages since then, per block: a page up to 8 KiB is one block, a
//! larger one is four. Number the bits of the block from 0; the ECC is the XOR of the numbers of
//! all set bits, once as they are and once complemented. A flipped bit shows as a difference
//! that is the bit's number in one half and the complement in the other; so one wrong bit can be
//! found and put right. The XOR half is the XOR of all words and the page number, so that a page
//! in a wrong place does not pass.
//!
//! ```text
//! 63        48 47        32 31                    0
//! complement | bit numbers | XOR words ^ page number
//! ```
//!
//! Rows of 32 bytes are added up pairwise (see `rows.rs`). Where the processor has AVX2, which is
//! asked at run time, a row is one register and both families run at the speed of memory.
//!
//! Source: ESE `checksum.cxx`, `checksum_amd64.cxx`, `checksumu.cxx`.

use crate::{PageNumber, PageSize};

mod rows;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86;

/// The checksum of one block of the XOR-and-ECC family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockChecksum(pub u64);

impl BlockChecksum {
    /// The XOR half.
    pub fn xor(self) -> u32 {
        let [a, b, c, d, ..] = self.0.to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// The ECC half: complement in the upper 16 bits, bit numbers in the lower.
    pub fn ecc(self) -> u32 {
        let [.., a, b, c, d] = self.0.to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// The one wrong bit of a block of `block_len` bytes that turned `stored` into what was
    /// computed (`self`), as its number in the block; `None` if it was no single bit.
    pub fn wrong_bit(self, stored: Self, block_len: usize) -> Option<usize> {
        let last_bit = u32::try_from(block_len * 8).ok()?.checked_sub(1)?;
        let difference = self.ecc() ^ stored.ecc();
        if ((difference >> 16) ^ difference) & last_bit != last_bit {
            return None;
        }
        if (self.xor() ^ stored.xor()).count_ones() != 1 {
            return None;
        }
        let bit = difference & 0xFFFF;
        (bit <= last_bit).then_some(bit as usize)
    }
}

/// Length of the blocks that a page's ECC checksums are taken over: the page up to 8 KiB, a
/// quarter of it above.
pub fn block_len(page_size: PageSize) -> usize {
    if page_size.is_large() { page_size.bytes() / 4 } else { page_size.bytes() }
}

/// Whether a block holds the page header, whose first eight bytes are the checksum itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockPosition {
    /// The first block of a page: its first eight bytes count as zero.
    First,
    /// A later block of a large page.
    Later,
}

/// The XOR-and-ECC checksum of a block.
///
/// The length is a power of two from 64 to 8192 bytes; a trailing part that fills no row of 32
/// bytes is not counted.
pub fn ecc(block: &[u8], page: PageNumber, position: BlockPosition) -> BlockChecksum {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if let Some(sums) = x86::row_sums(block) {
        return sums.finish(block, page, position);
    }
    ecc_portable(block, page, position)
}

/// What [`ecc`] gives, by the code that needs no processor feature.
pub fn ecc_portable(block: &[u8], page: PageNumber, position: BlockPosition) -> BlockChecksum {
    rows::row_sums(block).finish(block, page, position)
}

/// The XOR checksum of a header, a trailer or an old page: all words but the first.
///
/// A trailing part that fills no word is not counted.
pub fn xor32(block: &[u8]) -> u32 {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if let Some(sum) = x86::xor_words(block) {
        return finish_xor(sum, block);
    }
    xor32_portable(block)
}

/// What [`xor32`] gives, by the code that needs no processor feature.
pub fn xor32_portable(block: &[u8]) -> u32 {
    finish_xor(rows::xor_words(block), block)
}

fn finish_xor(all_words: u32, block: &[u8]) -> u32 {
    all_words ^ crate::le::u32_at(block, 0) ^ crate::header::MAGIC
}

#[cfg(test)]
mod tests;
