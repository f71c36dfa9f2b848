//! Multisets compared by sums: two passes that see the same things in any order, and on any
//! number of threads, end with equal sums.
//!
//! ```text
//! records          every key that a record should have     + hash(index, key, bookmark)
//! secondary index  every entry that is there               + hash(index, key, bookmark)
//!
//! records          every reference to a long value         + hash(id)
//! long values      every root                              + hash(id) * references it counts
//! ```
//!
//! Sums are of 64 bits and wrap. The hash is keyed anew in each run, so nobody can make a file in
//! which an error cancels another: two different multisets have equal sums with a probability of
//! about 2^-64 (references: 2^-33, as a count can be wrong by a multiple of 2^31). Where sums
//! differ an exact pass finds the places.

use std::hash::{BuildHasher, Hasher, RandomState};

use ese_format::long_value::Lid;

/// The key of the hashes of one run.
#[derive(Debug, Clone, Default)]
pub(super) struct Seed(RandomState);

impl Seed {
    /// Hash of an entry of an index.
    #[inline]
    pub(super) fn entry(&self, key: &[u8], bookmark: &[u8]) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write_usize(key.len());
        hasher.write(key);
        hasher.write(bookmark);
        hasher.finish()
    }

    /// Hash of bytes.
    #[inline]
    pub(super) fn bytes(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }

    /// Hash of the id of a long value.
    #[inline]
    pub(super) fn lid(&self, lid: Lid) -> u64 {
        let mut hasher = self.0.build_hasher();
        match lid {
            Lid::U32(id) => hasher.write_u32(id),
            Lid::U64(id) => hasher.write_u64(id),
        }
        hasher.finish()
    }
}

/// How many things a pass saw, and the sum of their hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sum {
    pub(super) count: u64,
    hashes: u64,
}

impl Sum {
    /// Adds one thing.
    #[inline]
    pub(super) fn add(&mut self, hash: u64) {
        self.add_times(hash, 1);
    }

    /// Adds a thing several times.
    #[inline]
    pub(super) fn add_times(&mut self, hash: u64, times: u32) {
        self.count = self.count.wrapping_add(times.into());
        self.hashes = self.hashes.wrapping_add(hash.wrapping_mul(times.into()));
    }

    /// Adds what another pass saw.
    pub(super) fn merge(&mut self, other: &Self) {
        self.count = self.count.wrapping_add(other.count);
        self.hashes = self.hashes.wrapping_add(other.hashes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_do_not_depend_on_order_or_parts(
            mut entries in proptest::collection::vec((0_u8..4, 0_u8..4), 0..40),
            split in 0_usize..40,
        ) {
            let seed = Seed::default();
            let sum = |entries: &[(u8, u8)]| {
                let mut sum = Sum::default();
                for (key, bookmark) in entries {
                    sum.add(seed.entry(&[*key], &[*bookmark]));
                }
                sum
            };
            let whole = sum(&entries);
            let (left, right) = entries.split_at(split.min(entries.len()));
            let mut parts = sum(right);
            parts.merge(&sum(left));
            prop_assert_eq!(parts, whole);
            entries.reverse();
            prop_assert_eq!(sum(&entries), whole);
            if let Some((key, _)) = entries.pop() {
                prop_assert_ne!(sum(&entries), whole);
                entries.push((key, 9));
                prop_assert_ne!(sum(&entries), whole);
            }
        }
    }

    #[test]
    fn key_and_bookmark_are_told_apart() {
        let seed = Seed::default();
        assert_ne!(seed.entry(b"ab", b"c"), seed.entry(b"a", b"bc"));
        assert_ne!(seed.lid(Lid::U32(1)), seed.lid(Lid::U64(1)));
        assert_ne!(Seed::default().bytes(b"x"), seed.bytes(b"x"));
    }
}
