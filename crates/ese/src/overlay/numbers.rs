//! Maps keyed by page numbers.
//!
//! The hash is one multiplication whose halves are folded. The numbers come from the input, so
//! each map begins with a seed of its own: nobody can choose numbers that fall together.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A map keyed by page numbers.
pub(crate) type PageMap<T> = HashMap<u32, T, Mixing>;

/// Makes the hashers of one map.
#[derive(Debug, Clone)]
pub(crate) struct Mixing {
    seed: u64,
}

impl Default for Mixing {
    fn default() -> Self {
        Self { seed: RandomState::new().hash_one(0_u8) }
    }
}

impl BuildHasher for Mixing {
    type Hasher = Mixed;

    fn build_hasher(&self) -> Mixed {
        Mixed(self.seed)
    }
}

/// The hash of one number.
#[derive(Debug)]
pub(crate) struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        let product = u128::from(self.0 ^ u64::from(number)) * u128::from(MULTIPLIER);
        let [low, high] = [product, product >> 64].map(|half| half & u128::from(u64::MAX));
        self.0 = u64::try_from(low ^ high).unwrap_or_default();
    }
}

/// Odd, its bits without a pattern: the golden ratio.
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn neighbours_do_not_fall_together() {
        let mixing = Mixing::default();
        let low: BTreeSet<u64> = (0..1 << 12).map(|n: u32| mixing.hash_one(n) & 0xFFF).collect();
        // A random hash leaves about 63 in 100 of the buckets filled.
        assert!(low.len() > 2400, "{}", low.len());
    }

    #[test]
    fn map_finds_what_was_put() {
        let mut map = PageMap::default();
        for number in (0..10_000).step_by(7) {
            map.insert(number, number * 2);
        }
        assert_eq!(map.get(&700), Some(&1400));
        assert_eq!(map.get(&701), None);
    }
}
