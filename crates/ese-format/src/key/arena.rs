//! The bytes of all keys that a record has in an index, one key behind the other.
//!
//! The buffers are kept from record to record, so that nothing is allocated for most of them.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use super::pattern::{Key, Mark};

/// Keys, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Arena {
    /// Exact bytes, with one byte for each unknown sort key.
    pub(super) skeleton: Vec<u8>,
    /// Values of the marked segments.
    pub(super) raw: Vec<u8>,
    /// Segments that are not exact.
    pub(super) marks: Vec<Mark>,
    /// A text on its way to a collation.
    pub(super) units: Vec<u16>,
}

/// A key in the arena.
#[derive(Debug, Clone)]
pub(super) struct Found {
    skeleton: Range<usize>,
    raw: Range<usize>,
    marks: Range<usize>,
}

impl Arena {
    /// Forgets all keys.
    pub(super) fn clear(&mut self) {
        self.skeleton.clear();
        self.raw.clear();
        self.marks.clear();
    }

    /// Where the next key will begin.
    pub(super) fn position(&self) -> Found {
        let end = |len: usize| len..len;
        Found {
            skeleton: end(self.skeleton.len()),
            raw: end(self.raw.len()),
            marks: end(self.marks.len()),
        }
    }

    /// The key that begins at `begin` and ends here.
    pub(super) fn since(&self, begin: &Found) -> Found {
        Found {
            skeleton: begin.skeleton.start..self.skeleton.len(),
            raw: begin.raw.start..self.raw.len(),
            marks: begin.marks.start..self.marks.len(),
        }
    }

    /// Forgets the key that begins at `begin`.
    pub(super) fn truncate(&mut self, begin: &Found) {
        self.skeleton.truncate(begin.skeleton.start);
        self.raw.truncate(begin.raw.start);
        self.marks.truncate(begin.marks.start);
    }

    pub(super) fn key(&self, found: &Found, key_most: usize) -> Key<'_> {
        Key {
            skeleton: self.skeleton.get(found.skeleton.clone()).unwrap_or_default(),
            raw: self.raw.get(found.raw.clone()).unwrap_or_default(),
            marks: self.marks.get(found.marks.clone()).unwrap_or_default(),
            key_most,
        }
    }

    /// An order in which keys that are stored once are equal. `fold`: texts that differ in case
    /// only are.
    pub(super) fn compare(&self, left: &Found, right: &Found, fold: bool) -> Ordering {
        let (left, right) = (self.key(left, 0), self.key(right, 0));
        let order = left.skeleton.cmp(right.skeleton);
        if order != Ordering::Equal || left.marks.is_empty() && right.marks.is_empty() {
            return order;
        }
        let begins = |key: &Key<'_>, other: &Key<'_>| {
            let marks = key.marks.iter().zip(other.marks);
            marks.map(|(mark, other)| mark.begin.cmp(&other.begin)).find(|order| order.is_ne())
        };
        let count = left.marks.len().cmp(&right.marks.len());
        let mut order = count.then(begins(&left, &right).unwrap_or(Ordering::Equal));
        for (left, right) in left.unknown_texts().zip(right.unknown_texts()) {
            order = order.then_with(|| compare_texts(left, right, fold));
        }
        order
    }
}

/// Orders UTF-16 texts, shorter ones first; `fold`: without regard to the case of A-Z.
fn compare_texts(left: &[u8], right: &[u8], fold: bool) -> Ordering {
    let order = left.len().cmp(&right.len());
    if order.is_ne() || !fold {
        return order.then_with(|| left.cmp(right));
    }
    // Most are equal from the first byte to the last, or differ early.
    let same = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    let units = left.chunks(2).zip(right.chunks(2)).skip(same / 2);
    let orders = units.map(|(left, right)| folded(left).cmp(&folded(right)));
    orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn folded(unit: &[u8]) -> (u8, u8) {
    match *unit {
        [low, 0] => (low.to_ascii_uppercase(), 0),
        [low, high] => (low, high),
        [low, ..] => (low, 0xFF),
        [] => (0, 0),
    }
}
