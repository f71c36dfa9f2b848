//! Tests of both families.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

fn sum(block: &[u8], page: u32, position: BlockPosition) -> u64 {
    let by_kernel = ecc(block, PageNumber(page), position);
    assert_eq!(by_kernel, ecc_portable(block, PageNumber(page), position));
    by_kernel.0
}

/// The definition, bit by bit.
fn ecc_by_definition(block: &[u8], page: u32, position: BlockPosition) -> u64 {
    let mut block = block.to_vec();
    if position == BlockPosition::First {
        block[..8].fill(0);
    }
    let last_bit = block.len() as u64 * 8 - 1;
    let (mut bits, mut complement, mut xor) = (0, 0, 0);
    for index in 0..=last_bit {
        if block[usize::try_from(index / 8).unwrap()] >> (index % 8) & 1 == 1 {
            bits ^= index;
            complement ^= !index & last_bit;
        }
    }
    for word in block.chunks_exact(4) {
        xor ^= u32::from_le_bytes(word.try_into().unwrap());
    }
    complement << 48 | bits << 32 | u64::from(xor ^ page)
}

#[test]
fn empty_block_gives_the_page_number() {
    assert_eq!(sum(&[0; 4096], 1, BlockPosition::First), 1);
}

#[test]
fn one_set_bit_gives_its_number_and_complement() {
    let mut block = vec![0; 4096];
    block[16] = 1;
    assert_eq!(sum(&block, 5, BlockPosition::First), 0x7F7F_0080_0000_0004);
    let mut block = vec![0; 8192];
    block[8191] = 0x80;
    assert_eq!(sum(&block, 7, BlockPosition::First), 0x0000_FFFF_8000_0007);
    let mut block = vec![0; 2048];
    block[2047] = 0x80;
    assert_eq!(sum(&block, 7, BlockPosition::First), 0x0000_3FFF_8000_0007);
}

#[test]
fn checksum_field_counts_only_in_later_blocks() {
    let block: Vec<u8> = (0..=255).cycle().take(4096).collect();
    assert_eq!(sum(&block, 0x1234, BlockPosition::First), 0x0000_0000_0404_1630);
    assert_eq!(sum(&block, 0x1234, BlockPosition::Later), 0x0000_0000_0000_1234);
}

#[test]
fn wrong_bit_is_found_from_the_two_sums() {
    let stored = BlockChecksum(0x7FDF_7FDF_0001_A77C);
    let computed = BlockChecksum(0x0303_7CFC_0001_A774);
    assert_eq!(computed.wrong_bit(stored, 4096), Some(803));
    assert_eq!(stored.wrong_bit(stored, 4096), None);
}

#[test]
fn xor_leaves_out_the_first_word() {
    let mut block = vec![0; 4096];
    assert_eq!(xor32(&block), 0x89AB_CDEF);
    block[0] = 0xFF;
    assert_eq!(xor32(&block), 0x89AB_CDEF);
    block[4095] = 0x80;
    assert_eq!(xor32(&block), 0x09AB_CDEF);
}

fn block() -> impl Strategy<Value = Vec<u8>> {
    (0..8u32, any::<u64>(), any::<bool>()).prop_map(|(power, seed, sparse)| {
        let mut state = seed | 1;
        (0..64usize << power)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let [.., byte] = state.to_le_bytes();
                if sparse && byte < 250 { 0 } else { byte }
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn kernels_agree_with_the_definition(
        block in block(),
        page in any::<u32>(),
        first in any::<bool>(),
    ) {
        let position = if first { BlockPosition::First } else { BlockPosition::Later };
        let expected = ecc_by_definition(&block, page, position);
        prop_assert_eq!(ecc(&block, PageNumber(page), position).0, expected);
        prop_assert_eq!(ecc_portable(&block, PageNumber(page), position).0, expected);
    }

    #[test]
    fn xor_kernels_agree(block in proptest::collection::vec(any::<u8>(), 0..5000)) {
        let mut expected = 0x89AB_CDEF;
        for word in block.chunks_exact(4).skip(1) {
            expected ^= u32::from_le_bytes(word.try_into().unwrap());
        }
        prop_assert_eq!(xor32_portable(&block), expected);
        prop_assert_eq!(xor32(&block), xor32_portable(&block));
    }

    #[test]
    fn any_single_wrong_bit_is_found(block in block(), at in any::<prop::sample::Index>()) {
        let bit = 64 + at.index(block.len() * 8 - 64);
        let stored = ecc(&block, PageNumber(9), BlockPosition::First);
        let mut damaged = block.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let computed = ecc(&damaged, PageNumber(9), BlockPosition::First);
        prop_assert_eq!(computed.wrong_bit(stored, block.len()), Some(bit));
    }

    #[test]
    fn two_wrong_bits_are_no_single_one(
        block in block(),
        a in any::<prop::sample::Index>(),
        b in any::<prop::sample::Index>(),
    ) {
        let bits = block.len() * 8 - 64;
        let (a, b) = (64 + a.index(bits), 64 + b.index(bits));
        prop_assume!(a != b);
        let stored = ecc(&block, PageNumber(9), BlockPosition::First);
        let mut damaged = block.clone();
        damaged[a / 8] ^= 1 << (a % 8);
        damaged[b / 8] ^= 1 << (b % 8);
        let computed = ecc(&damaged, PageNumber(9), BlockPosition::First);
        prop_assert_eq!(computed.wrong_bit(stored, block.len()), None);
    }
}
