//! The portable kernel: rows of 32 bytes, added up like a binary counter.
//!
//! The ECC needs, for every bit of the row number, the XOR of all rows in whose number that bit
//! is set; and the XOR of all rows. Taking each row's parity apart would cost much more than
//! reading it. Instead rows are XORed in pairs: the odd row of each pair goes into the sum for bit
//! 0 and the pair's XOR moves up one level, where the odd pair goes into the sum for bit 1, and so
//! on. Each row is XORed about twice in all.
//!
//! The parity of a sum is that bit of the result; the eight bits below the row number come from
//! the XOR of all rows.

use super::{BlockChecksum, BlockPosition};
use crate::PageNumber;
use crate::le::u64_at;

/// Bytes of a row.
pub(super) const ROW: usize = 32;
/// Rows that are added up in one step.
const GROUP: usize = 8;
/// Bits of a row's number that lie in one group.
const GROUP_BITS: usize = 3;
/// The most groups of a block: 8 KiB.
const GROUPS: usize = 8192 / ROW / GROUP;
/// Bits of a row's number in the largest block.
const ROW_BITS: usize = GROUP_BITS + 5;

/// A row as four words.
pub(super) type Row = [u64; 4];

/// Sums over the rows of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowSums {
    /// The XOR of all rows.
    all: Row,
    /// For each bit of the row's number the XOR of the rows that have it set.
    by_bit: [Row; ROW_BITS],
}

#[inline(always)]
fn load(bytes: &[u8; ROW]) -> Row {
    let [a, b, c, d] = [0, 8, 16, 24].map(|at| u64_at(bytes, at));
    [a, b, c, d]
}

#[inline(always)]
fn xor([a, b, c, d]: Row, [e, f, g, h]: Row) -> Row {
    [a ^ e, b ^ f, c ^ g, d ^ h]
}

/// The sums of a block of at most 8 KiB; what lies beyond is not counted.
#[inline(always)]
pub(super) fn row_sums(block: &[u8]) -> RowSums {
    let (rows, _) = block.as_chunks::<ROW>();
    let (groups, rest) = rows.as_chunks::<GROUP>();
    let mut by_bit = [[0; 4]; ROW_BITS];
    let mut group_sums = [[0; 4]; GROUPS];
    let (mut bit0, mut bit1, mut bit2) = ([0; 4], [0; 4], [0; 4]);
    for (group, sum) in groups.iter().zip(&mut group_sums) {
        let [r0, r1, r2, r3, r4, r5, r6, r7] = group;
        let (r1, r3, r5, r7) = (load(r1), load(r3), load(r5), load(r7));
        bit0 = xor(bit0, xor(xor(r1, r3), xor(r5, r7)));
        let (p0, p1) = (xor(load(r0), r1), xor(load(r2), r3));
        let (p2, p3) = (xor(load(r4), r5), xor(load(r6), r7));
        bit1 = xor(bit1, xor(p1, p3));
        let (q0, q1) = (xor(p0, p1), xor(p2, p3));
        bit2 = xor(bit2, q1);
        *sum = xor(q0, q1);
    }
    // Only a block that is no multiple of 256 bytes has a rest: one in tests.
    let mut rest_sum = [0; 4];
    for (index, row) in rest.iter().enumerate() {
        let row = load(row);
        rest_sum = xor(rest_sum, row);
        for (bit, sum) in [&mut bit0, &mut bit1, &mut bit2].into_iter().enumerate() {
            if index >> bit & 1 == 1 {
                *sum = xor(*sum, row);
            }
        }
    }
    if let Some(sum) = group_sums.get_mut(groups.len()) {
        *sum = rest_sum;
    }
    by_bit[0] = bit0;
    by_bit[1] = bit1;
    by_bit[2] = bit2;
    RowSums { all: fold_groups(group_sums, &mut by_bit), by_bit }
}

/// Adds up the sums of the groups level by level; returns the sum of all.
#[inline(always)]
fn fold_groups(mut sums: [Row; GROUPS], by_bit: &mut [Row; ROW_BITS]) -> Row {
    let mut live = GROUPS;
    for by_this_bit in by_bit.iter_mut().skip(GROUP_BITS) {
        live /= 2;
        let mut odd_sum = [0; 4];
        for index in 0..live {
            let even = sums.get(2 * index).copied().unwrap_or_default();
            let odd = sums.get(2 * index + 1).copied().unwrap_or_default();
            odd_sum = xor(odd_sum, odd);
            if let Some(slot) = sums.get_mut(index) {
                *slot = xor(even, odd);
            }
        }
        *by_this_bit = odd_sum;
    }
    sums[0]
}

impl RowSums {
    /// Sums that another kernel has made.
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    pub(super) const fn new(all: Row, by_bit: [Row; ROW_BITS]) -> Self {
        Self { all, by_bit }
    }

    /// The checksum that the sums of `block` give.
    pub(super) fn finish(
        self,
        block: &[u8],
        page: PageNumber,
        position: BlockPosition,
    ) -> BlockChecksum {
        let [mut a, b, c, d] = self.all;
        if position == BlockPosition::First {
            // Row 0 is in no other sum.
            a ^= u64_at(block, 0);
        }
        let word = a ^ b ^ c ^ d;
        let mut bits = 0;
        for (bit, mask) in COLUMN_MASKS.into_iter().enumerate() {
            bits |= parity(word & mask) << bit;
        }
        bits |= parity(b ^ d) << 6;
        bits |= parity(c ^ d) << 7;
        for (bit, [a, b, c, d]) in self.by_bit.into_iter().enumerate() {
            bits |= parity(a ^ b ^ c ^ d) << (8 + bit);
        }
        let last_bit = (block.len() as u64 * 8).wrapping_sub(1) & 0xFFFF;
        let complement = if parity(word) == 1 { !bits & last_bit } else { bits };
        let xor = (word >> 32 ^ word & 0xFFFF_FFFF) ^ u64::from(page.0);
        BlockChecksum(complement << 48 | bits << 32 | xor)
    }
}

/// The bits of a word in whose number bit 0, 1, ... 5 is set.
const COLUMN_MASKS: [u64; 6] = [
    0xAAAA_AAAA_AAAA_AAAA,
    0xCCCC_CCCC_CCCC_CCCC,
    0xF0F0_F0F0_F0F0_F0F0,
    0xFF00_FF00_FF00_FF00,
    0xFFFF_0000_FFFF_0000,
    0xFFFF_FFFF_0000_0000,
];

fn parity(word: u64) -> u64 {
    u64::from(word.count_ones() & 1)
}

/// The XOR of all 32-bit words.
#[inline(always)]
pub(super) fn xor_words(block: &[u8]) -> u32 {
    let (groups, rest) = block.as_chunks::<{ 4 * ROW }>();
    let mut sums = [[0; 4]; 4];
    for group in groups {
        let (rows, _) = group.as_chunks::<ROW>();
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = xor(*sum, load(row));
        }
    }
    let [a, b, c, d] = sums.into_iter().fold([0; 4], xor);
    let wide = a ^ b ^ c ^ d;
    let (words, _) = rest.as_chunks::<4>();
    let rest = words.iter().fold(0, |sum, &word| sum ^ u32::from_le_bytes(word));
    let [e, f, g, h, i, j, k, l] = wide.to_le_bytes();
    u32::from_le_bytes([e, f, g, h]) ^ u32::from_le_bytes([i, j, k, l]) ^ rest
}
