//! The kernels once more, compiled for AVX2.
//!
//! The bodies are those of [`rows`](super::rows): inlined into a function that may use AVX2, a row
//! of 32 bytes becomes one register. That is the whole gain and the whole content of this module.

#![allow(unsafe_code)]

use super::rows::{self, RowSums};

/// [`rows::row_sums`], or `None` if the processor has no AVX2.
pub(super) fn row_sums(block: &[u8]) -> Option<RowSums> {
    #[target_feature(enable = "avx2")]
    fn avx2(block: &[u8]) -> RowSums {
        rows::row_sums(block)
    }
    // SAFETY: the one requirement is that the processor has AVX2, which was just asked.
    std::is_x86_feature_detected!("avx2").then(|| unsafe { avx2(block) })
}

/// [`rows::xor_words`], or `None` if the processor has no AVX2.
pub(super) fn xor_words(block: &[u8]) -> Option<u32> {
    #[target_feature(enable = "avx2")]
    fn avx2(block: &[u8]) -> u32 {
        rows::xor_words(block)
    }
    // SAFETY: the one requirement is that the processor has AVX2, which was just asked.
    std::is_x86_feature_detected!("avx2").then(|| unsafe { avx2(block) })
}
