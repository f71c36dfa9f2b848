//! One text has one sort key: what can be said of Unicode keys without Windows' sort tables.
//!
//! Without a collation the shape of a stored key is compared with the record's, and its sort keys
//! are not. But within an index a text must have the same sort key wherever it occurs. So the pass
//! over the records notes the text of each bookmark, the pass over the index its sort key, and
//! they are joined:
//!
//! ```text
//! records   hash(bookmark) -> hash(text)  \
//!                                          >  hash(text) -> hash(sort key): one for each text
//! entries   hash(bookmark) -> hash(sort key)
//! ```
//!
//! Records with several keys in the index are left out, and so are keys that are cut. What is
//! noted takes memory for each entry; it is given up for an index when there would be too much.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use ese_format::key::Key;

use super::sums::Seed;

/// How much may still be noted, in pairs.
#[derive(Debug)]
pub(super) struct Budget(AtomicUsize);

/// Bytes for each pair: itself, and half of a triple when two are joined.
const PAIR_COST: usize = 16 + 12;

/// Pairs that are taken from the budget at once.
const PORTION: usize = 256;

impl Budget {
    /// As many pairs as fit into `bytes`.
    pub(super) fn new(bytes: usize) -> Self {
        Self(AtomicUsize::new(bytes / PAIR_COST))
    }

    fn take(&self, pairs: usize) -> bool {
        let less = |left: usize| left.checked_sub(pairs);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    fn give_back(&self, pairs: usize) {
        self.0.fetch_add(pairs, Ordering::Relaxed);
    }
}

/// Hashes of bookmarks, each with the hash of a text or of a sort key.
#[derive(Debug, Default)]
pub(super) struct TextPairs {
    pairs: Vec<(u64, u64)>,
    /// Pairs that may be added before the budget must be asked again.
    room: usize,
    /// Whether there were too many.
    pub(super) given_up: bool,
}

/// Notes on the record at hand: where its pairs begin, and how many keys it has.
#[derive(Debug)]
pub(super) struct RecordTexts {
    begin: usize,
    keys: usize,
}

impl TextPairs {
    /// A record begins.
    pub(super) fn begin(&self) -> RecordTexts {
        RecordTexts { begin: self.pairs.len(), keys: 0 }
    }

    /// Notes the texts of a key of a record.
    #[inline]
    pub(super) fn record(
        &mut self,
        record: &mut RecordTexts,
        budget: &Budget,
        seed: &Seed,
        bookmark: &[u8],
        key: &Key<'_>,
    ) {
        if key.exact().is_some() {
            return;
        }
        record.keys += 1;
        if record.keys > 1 {
            self.room += self.pairs.len().saturating_sub(record.begin);
            self.pairs.truncate(record.begin);
            return;
        }
        for (number, text) in (0..).zip(key.unknown_texts()) {
            self.note(budget, seed, bookmark, number, text);
        }
    }

    /// Notes the text or sort key of one segment of a key.
    #[inline]
    pub(super) fn note(
        &mut self,
        budget: &Budget,
        seed: &Seed,
        bookmark: &[u8],
        number: u8,
        bytes: &[u8],
    ) {
        if self.given_up {
            return;
        }
        if self.room == 0 {
            if !budget.take(PORTION) {
                self.give_up(budget);
                return;
            }
            self.room = PORTION;
        }
        self.room -= 1;
        // A text of one column says nothing about one of another.
        self.pairs.push((seed.entry(bookmark, &[number]), seed.entry(bytes, &[number])));
    }

    /// Whether nothing was noted or given up.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.room == 0 && !self.given_up
    }

    /// Adds what another part noted.
    pub(super) fn merge(&mut self, budget: &Budget, mut other: Self) {
        budget.give_back(std::mem::take(&mut other.room));
        if self.given_up || other.given_up {
            self.give_up(budget);
            other.give_up(budget);
        } else if self.pairs.is_empty() {
            self.pairs = other.pairs;
        } else {
            self.pairs.append(&mut other.pairs);
        }
    }

    fn give_up(&mut self, budget: &Budget) {
        budget.give_back(self.room + self.pairs.len());
        *self = Self { pairs: Vec::new(), room: 0, given_up: true };
    }
}

/// Joins the texts of records with the sort keys of entries. Gives the hashes of the bookmarks
/// whose entries have another sort key than most with the same text, as
/// [`bookmark_hashes`] makes them; `None` if one side was given up.
pub(super) fn odd_sort_keys(mut texts: TextPairs, mut keys: TextPairs) -> Option<HashSet<u64>> {
    if texts.given_up || keys.given_up {
        return None;
    }
    texts.pairs.sort_unstable();
    keys.pairs.sort_unstable();
    let mut joined: Vec<(u64, u64, u64)> = Vec::with_capacity(texts.pairs.len());
    let mut rest = keys.pairs.as_slice();
    for (bookmark, text) in texts.pairs {
        let skipped = rest.partition_point(|(other, _)| *other < bookmark);
        rest = rest.get(skipped..).unwrap_or_default();
        if let Some((_, key)) = rest.first().filter(|(other, _)| *other == bookmark) {
            joined.push((text, *key, bookmark));
        }
    }
    joined.sort_unstable();
    let mut odd = HashSet::new();
    for same_text in joined.chunk_by(|(a, ..), (b, ..)| a == b) {
        let same_keys = || same_text.chunk_by(|(_, a, _), (_, b, _)| a == b);
        let most = same_keys().map(<[_]>::len).max().unwrap_or(0);
        let usual = same_keys().find(|same| same.len() == most).and_then(<[_]>::first);
        let usual = usual.map(|(_, key, _)| *key);
        let others = same_text.iter().filter(|(_, key, _)| Some(*key) != usual);
        odd.extend(others.map(|(_, _, bookmark)| *bookmark).take(MOST_ODD - odd.len()));
    }
    Some(odd)
}

/// Entries with an odd sort key that are named in all.
const MOST_ODD: usize = 10_000;

/// Hash of a bookmark at the place of each text of a key, as pairs have it.
pub(super) fn bookmark_hashes(seed: &Seed, bookmark: &[u8]) -> impl Iterator<Item = u64> {
    let most = u8::try_from(ese_format::key::MAX_SEGMENTS).unwrap_or(u8::MAX);
    (0..most).map(move |number| seed.entry(bookmark, &[number]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(seed: &Seed, budget: &Budget, of: &[(&str, &str)]) -> TextPairs {
        let mut pairs = TextPairs::default();
        for (bookmark, text) in of {
            pairs.note(budget, seed, bookmark.as_bytes(), 0, text.as_bytes());
        }
        pairs
    }

    #[test]
    fn a_text_with_two_sort_keys_is_odd_where_it_is_rarer() {
        let (seed, budget) = (Seed::default(), Budget::new(1 << 20));
        let texts = [("1", "a"), ("2", "a"), ("3", "A"), ("4", "a"), ("5", "b")];
        let good = [("5", "kb"), ("4", "ka"), ("3", "ka"), ("2", "ka"), ("1", "ka"), ("6", "?")];
        let odd = odd_sort_keys(pairs(&seed, &budget, &texts), pairs(&seed, &budget, &good));
        assert_eq!(odd, Some(HashSet::new()));
        let bad = [("1", "ka"), ("2", "kx"), ("3", "ka"), ("4", "ka"), ("5", "kb")];
        let odd = odd_sort_keys(pairs(&seed, &budget, &texts), pairs(&seed, &budget, &bad));
        let expected = bookmark_hashes(&seed, b"2").next().unwrap();
        assert_eq!(odd, Some(HashSet::from([expected])));
    }

    #[test]
    fn too_many_are_given_up_everywhere() {
        let (seed, budget) = (Seed::default(), Budget::new(PORTION * PAIR_COST));
        let numbers: Vec<String> = (0..300).map(|n| n.to_string()).collect();
        let many: Vec<(&str, &str)> = numbers.iter().map(|n| (n.as_str(), "x")).collect();
        let mut given_up = pairs(&seed, &budget, &many);
        assert!(given_up.given_up && given_up.pairs.is_empty());
        assert!(budget.take(PORTION) && !budget.take(1));
        given_up.merge(&budget, TextPairs::default());
        let mut other = TextPairs::default();
        other.merge(&budget, given_up);
        assert!(odd_sort_keys(other, TextPairs::default()).is_none());
    }
}
