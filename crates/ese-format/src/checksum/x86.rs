//! The kernels for AVX2: a row of 32 bytes is one register.
//!
//! What is added up is what [`rows`] adds up, in the same tree; written with
//! intrinsics, because compilers do not find the vectors in the portable code. Blocks that are no
//! multiple of 1 KiB (there are none in a database) are left to the portable code.

#![allow(unsafe_code)]

use core::arch::x86_64::{
    __m256i, _mm256_extract_epi64, _mm256_loadu_si256, _mm256_setzero_si256, _mm256_xor_si256,
};

use super::rows::{self, ROW, Row, RowSums};

/// Rows of one step: 1 KiB, so that the sums for five bits of the row's number stay in registers.
const STEP: usize = 32;
/// Steps of the largest block.
const STEPS: usize = 8;

/// [`rows::row_sums`], or `None` if the processor has no AVX2.
pub(super) fn row_sums(block: &[u8]) -> Option<RowSums> {
    let (rows, rest) = block.as_chunks::<ROW>();
    let (steps, odd_rows) = rows.as_chunks::<STEP>();
    if !std::is_x86_feature_detected!("avx2")
        || !rest.is_empty()
        || !odd_rows.is_empty()
        || steps.len() > STEPS
    {
        return None;
    }
    // SAFETY: the one requirement is that the processor has AVX2, which was just asked.
    Some(unsafe { sums_of_steps(steps) })
}

/// [`rows::xor_words`], or `None` if the processor has no AVX2.
pub(super) fn xor_words(block: &[u8]) -> Option<u32> {
    #[target_feature(enable = "avx2")]
    fn avx2(block: &[u8]) -> u32 {
        let (rows, rest) = block.as_chunks::<ROW>();
        let (fours, odd_rows) = rows.as_chunks::<4>();
        let mut sums = [_mm256_setzero_si256(); 4];
        for four in fours {
            for (sum, row) in sums.iter_mut().zip(four) {
                *sum = _mm256_xor_si256(*sum, load(row));
            }
        }
        let [mut a, b, c, d] = sums;
        for row in odd_rows {
            a = _mm256_xor_si256(a, load(row));
        }
        let [a, b, c, d] = store(xor4(a, b, c, d));
        let wide = a ^ b ^ c ^ d;
        let [e, f, g, h, i, j, k, l] = wide.to_le_bytes();
        rows::xor_words(rest) ^ u32::from_le_bytes([e, f, g, h]) ^ u32::from_le_bytes([i, j, k, l])
    }
    // SAFETY: the one requirement is that the processor has AVX2, which was just asked.
    std::is_x86_feature_detected!("avx2").then(|| unsafe { avx2(block) })
}

#[target_feature(enable = "avx2")]
fn sums_of_steps(steps: &[[[u8; ROW]; STEP]]) -> RowSums {
    let zero = _mm256_setzero_si256();
    let mut low = [zero; 5];
    let mut sums = [zero; STEPS];
    for (step, sum) in steps.iter().zip(&mut sums) {
        *sum = add_step(step, &mut low);
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
    let (upper01, upper23) = (_mm256_xor_si256(s4, s5), _mm256_xor_si256(s6, s7));
    let upper = _mm256_xor_si256(upper01, upper23);
    let third = _mm256_xor_si256(s2, s3);
    let [b0, b1, b2, b3, b4] = low;
    let by_bit =
        [b0, b1, b2, b3, b4, xor4(s1, s3, s5, s7), _mm256_xor_si256(third, upper23), upper];
    RowSums::new(store(xor4(s0, s1, third, upper)), by_bit.map(|sum| store(sum)))
}

/// Adds the 32 rows of one step to the sums for the lower five bits; returns their XOR.
#[target_feature(enable = "avx2")]
fn add_step(step: &[[u8; ROW]; STEP], low: &mut [__m256i; 5]) -> __m256i {
    let (octets, _) = step.as_chunks::<8>();
    let [b0, b1, b2, b3, b4] = low;
    let mut sums = [_mm256_setzero_si256(); 4];
    for (octet, sum) in octets.iter().zip(&mut sums) {
        let [r0, r1, r2, r3, r4, r5, r6, r7] = octet;
        let (r1, r3, r5, r7) = (load(r1), load(r3), load(r5), load(r7));
        *b0 = _mm256_xor_si256(*b0, xor4(r1, r3, r5, r7));
        let p0 = _mm256_xor_si256(load(r0), r1);
        let p1 = _mm256_xor_si256(load(r2), r3);
        let p2 = _mm256_xor_si256(load(r4), r5);
        let p3 = _mm256_xor_si256(load(r6), r7);
        *b1 = _mm256_xor_si256(*b1, _mm256_xor_si256(p1, p3));
        let q1 = _mm256_xor_si256(p2, p3);
        *b2 = _mm256_xor_si256(*b2, q1);
        *sum = xor4(p0, p1, q1, _mm256_setzero_si256());
    }
    let [s0, s1, s2, s3] = sums;
    let upper = _mm256_xor_si256(s2, s3);
    *b3 = _mm256_xor_si256(*b3, _mm256_xor_si256(s1, s3));
    *b4 = _mm256_xor_si256(*b4, upper);
    _mm256_xor_si256(_mm256_xor_si256(s0, s1), upper)
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(row: &[u8; ROW]) -> __m256i {
    // SAFETY: `row` is readable for the 32 bytes of the register, and no alignment is asked for.
    unsafe { _mm256_loadu_si256(row.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor4(a: __m256i, b: __m256i, c: __m256i, d: __m256i) -> __m256i {
    _mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d))
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(sum: __m256i) -> Row {
    [
        _mm256_extract_epi64::<0>(sum).cast_unsigned(),
        _mm256_extract_epi64::<1>(sum).cast_unsigned(),
        _mm256_extract_epi64::<2>(sum).cast_unsigned(),
        _mm256_extract_epi64::<3>(sum).cast_unsigned(),
    ]
}
