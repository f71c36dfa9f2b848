//! Which bytes of a file have been read.
//!
//! Reads name their offset, may be in flight together and may arrive in any order; a file counts
//! as read when every byte of it has been delivered at least once, not when the sum of lengths is
//! large enough.

use std::collections::BTreeMap;

/// A set of byte ranges of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    size: u64,
    /// Start to end of each range; ranges neither overlap nor touch.
    ranges: BTreeMap<u64, u64>,
}

impl Coverage {
    /// Nothing of a file of `size` bytes.
    #[must_use]
    pub const fn new(size: u64) -> Self {
        Self { size, ranges: BTreeMap::new() }
    }

    /// The file's size in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds `length` bytes at `offset`; what lies beyond the end of the file is ignored.
    ///
    /// Someone who reads ever new islands of a large file fills memory: above
    /// 65 536 ranges a new island is forgotten, and the file then never counts as read.
    pub fn add(&mut self, offset: u64, length: u64) {
        let mut start = offset.min(self.size);
        let mut end = offset.saturating_add(length).min(self.size);
        if start == end {
            return;
        }
        if let Some((&before, &before_end)) = self.ranges.range(..=start).next_back()
            && before_end >= start
        {
            start = before;
            end = end.max(before_end);
        }
        while let Some((&next, &next_end)) = self.ranges.range(start..=end).next() {
            end = end.max(next_end);
            self.ranges.remove(&next);
        }
        if self.ranges.len() < MAX_RANGES {
            self.ranges.insert(start, end);
        }
    }

    /// Whether every byte is there. Of an empty file every byte always is.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.size == 0 || self.ranges.get(&0) == Some(&self.size)
    }
}

const MAX_RANGES: usize = 65_536;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_in_any_order_complete_the_file() {
        let mut coverage = Coverage::new(30);
        for offset in [20, 0, 10] {
            assert!(!coverage.is_complete());
            coverage.add(offset, 10);
        }
        assert!(coverage.is_complete());
    }

    #[test]
    fn the_same_bytes_twice_are_no_others() {
        let mut coverage = Coverage::new(20);
        coverage.add(0, 10);
        coverage.add(0, 10);
        coverage.add(5, 10);
        assert!(!coverage.is_complete());
        coverage.add(15, u64::MAX);
        assert!(coverage.is_complete());
    }

    #[test]
    fn an_empty_file_is_complete() {
        assert!(Coverage::new(0).is_complete());
    }

    #[test]
    fn islands_are_bounded_and_forgotten_ones_count_as_unread() {
        let mut coverage = Coverage::new(u64::MAX);
        for island in 0..=MAX_RANGES as u64 {
            coverage.add(island * 2, 1);
        }
        assert_eq!(coverage.ranges.len(), MAX_RANGES);
        coverage.add(0, MAX_RANGES as u64 * 2);
        assert_eq!(coverage.ranges.len(), 1);
    }

    proptest! {
        #[test]
        fn agrees_with_a_bitmap(reads in prop::collection::vec((0..70u64, 0..20u64), 0..12)) {
            let size = 64;
            let mut coverage = Coverage::new(size);
            let mut bitmap = [false; 64];
            for (offset, length) in reads {
                coverage.add(offset, length);
                for at in offset..(offset + length).min(size) {
                    bitmap[usize::try_from(at).unwrap()] = true;
                }
                let covered: u64 = coverage.ranges.iter().map(|(start, end)| end - start).sum();
                prop_assert_eq!(covered, bitmap.iter().filter(|&&read| read).count() as u64);
                prop_assert_eq!(coverage.is_complete(), bitmap.iter().all(|&read| read));
            }
        }
    }
}
