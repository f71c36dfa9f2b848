//! All keys that a record has in an index.
//!
//! ```text
//! conditions   one fails: no key
//! one value    of each column, one key, if the rules for NULL keep it
//! several      one key for each value of the first multi-valued column (others: first value);
//!              cross product: every combination; nested: the n-th value of each column together
//! tuple index  instead of the first column's value, every piece of it
//! ```
//!
//! The series of a column ends at the first number that has no value; number 1 may be NULL. Keys
//! of one record that are equal are stored once, so each is given once. Where sort keys are
//! unknown, texts that are the same, or differ in the case of A-Z only where the index does not
//! tell case, are taken for equal; Windows may find more of them equal than that.
//!
//! Source: ESE `ErrRECIEnumerateKeys` (recupd.cxx), `KeySequence` (rec.hxx).

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::arena::{Arena, Found};
use super::definition::{KeyColumn, KeyDefinition, MAX_SEGMENTS, Segment, Tuples};
use super::pattern::Key;
use super::segment::Composer;

/// The most keys that a record may have in one index, equal ones counted.
pub const MAX_KEYS: usize = 1 << 18;

/// The most bytes that all keys of a record may have in one index.
pub const MAX_KEY_BYTES: usize = 32 << 20;

/// Bytes of a Unicode text that are looked at where keys may be longer than 255 bytes.
const UNICODE_LIMIT: usize = 8 << 10;

/// Gives the values of one record.
pub trait KeySource {
    /// What can go wrong.
    type Error: core::error::Error + 'static;

    /// A value of a column as stored (decompressed), the default where the record does not store
    /// the column; `None` if there is no such value or it is NULL. `scratch` is empty and free
    /// for use.
    fn value<'v>(
        &'v mut self,
        column: &KeyColumn,
        request: Request,
        scratch: &'v mut Vec<u8>,
    ) -> Result<Option<&'v [u8]>, Self::Error>;
}

/// What is asked of a [`KeySource`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Which of the column's values, from 1 on.
    pub number: u32,
    /// Bytes that are needed of its beginning; 0 if only whether there is a value matters. More
    /// may be given.
    pub limit: usize,
}

/// Why the keys of a record are not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError<E: core::error::Error + 'static> {
    /// A value could not be had.
    #[error(transparent)]
    Source(E),
    /// A value whose length is not that of its type.
    #[error("value {number} of column {} has {found} bytes, its type has {expected}", id.number())]
    ValueLength {
        /// The column.
        id: crate::column::ColumnId,
        /// Which of its values, from 1 on.
        number: u32,
        /// Bytes of the type.
        expected: usize,
        /// Bytes of the value.
        found: usize,
    },
    /// More than [`MAX_KEYS`] keys or [`MAX_KEY_BYTES`] bytes.
    #[error("the record has more keys in one index than are supported")]
    TooManyKeys,
}

/// Makes keys; buffers are kept from one record to the next.
#[derive(Debug, Default)]
pub struct KeyBuilder {
    pub(super) arena: Arena,
    found: Vec<Found>,
    scratch: Vec<u8>,
    first: Vec<u8>,
}

/// What came of one combination of values.
enum Outcome {
    /// A column has no value of its number.
    OutOfValues(usize),
    /// The value of the first column is too short for another piece; whether it gave any.
    OutOfPieces { any: bool },
    /// A key, and whether it is to be kept and whether others may follow.
    Key { keep: bool, more: bool },
}

impl KeyBuilder {
    /// A builder without buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `each` with every key that the record has in the index, each once, in no particular
    /// order. Nothing is allocated once the buffers are large enough.
    pub fn for_each_key<S: KeySource>(
        &mut self,
        definition: &KeyDefinition,
        record: &mut S,
        mut each: impl FnMut(Key<'_>),
    ) -> Result<(), KeyError<S::Error>> {
        self.arena.clear();
        self.found.clear();
        if !self.meets_conditions(definition, record)? {
            return Ok(());
        }
        if definition.is_multi_valued() {
            self.collect(definition, record)?;
            self.drop_equal(definition);
        } else {
            self.single(definition, record)?;
        }
        for found in &self.found {
            each(self.arena.key(found, definition.key_most));
        }
        Ok(())
    }

    fn meets_conditions<S: KeySource>(
        &mut self,
        definition: &KeyDefinition,
        record: &mut S,
    ) -> Result<bool, KeyError<S::Error>> {
        for condition in &definition.conditions {
            self.scratch.clear();
            let request = Request { number: 1, limit: 0 };
            let value = record.value(&condition.column, request, &mut self.scratch);
            if value.map_err(KeyError::Source)?.is_none() != condition.must_be_null {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn single<S: KeySource>(
        &mut self,
        definition: &KeyDefinition,
        record: &mut S,
    ) -> Result<(), KeyError<S::Error>> {
        let begin = self.arena.position();
        if let Outcome::Key { keep: true, .. } =
            self.compose(definition, record, &[1; MAX_SEGMENTS], None)?
        {
            self.found.push(self.arena.since(&begin));
        }
        Ok(())
    }

    /// Goes through all combinations of values.
    fn collect<S: KeySource>(
        &mut self,
        definition: &KeyDefinition,
        record: &mut S,
    ) -> Result<(), KeyError<S::Error>> {
        let mut numbers = Numbers([1; MAX_SEGMENTS]);
        for _ in 0..MAX_KEYS {
            let outcome = match &definition.tuples {
                Some(tuples) => self.pieces(definition, tuples, record, &numbers.0)?,
                None => self.keep(definition, record, &numbers.0, None)?,
            };
            let more = match outcome {
                Outcome::OutOfValues(segment) => numbers.roll_over(definition, segment),
                // Further values of other columns matter only where the first one may have several.
                Outcome::OutOfPieces { any } => {
                    definition.expanded.first() == Some(&0)
                        && if any || definition.is_nested() {
                            numbers.advance(definition)
                        } else {
                            numbers.roll_over(definition, 1)
                        }
                }
                Outcome::Key { more: true, .. } => numbers.advance(definition),
                Outcome::Key { more: false, .. } => false,
            };
            if !more {
                return Ok(());
            }
        }
        Err(KeyError::TooManyKeys)
    }

    /// Goes through all pieces of one value of the first column.
    fn pieces<S: KeySource>(
        &mut self,
        definition: &KeyDefinition,
        tuples: &Tuples,
        record: &mut S,
        numbers: &[u32; MAX_SEGMENTS],
    ) -> Result<Outcome, KeyError<S::Error>> {
        let Some(column) = definition.segments.first().map(|segment| &segment.column) else {
            return Ok(Outcome::OutOfPieces { any: false });
        };
        let number = numbers.first().copied().unwrap_or(1);
        let character = column.character();
        let request = Request { number, limit: tuples.reach(character) };
        self.scratch.clear();
        let value = record.value(column, request, &mut self.scratch).map_err(KeyError::Source)?;
        let mut first = core::mem::take(&mut self.first);
        first.clear();
        let Some(value) = value else {
            self.first = first;
            return Ok(match number {
                1 => Outcome::OutOfPieces { any: false },
                _ => Outcome::OutOfValues(0),
            });
        };
        first.extend_from_slice(value.get(..request.limit).unwrap_or(value));
        let outcome = self.each_piece(definition, tuples, record, numbers, &first);
        self.first = first;
        outcome
    }

    fn each_piece<S: KeySource>(
        &mut self,
        definition: &KeyDefinition,
        tuples: &Tuples,
        record: &mut S,
        numbers: &[u32; MAX_SEGMENTS],
        value: &[u8],
    ) -> Result<Outcome, KeyError<S::Error>> {
        let character = definition.segments.first().map_or(1, |first| first.column.character());
        let mut count = 0;
        for piece in tuples.pieces(value, character) {
            match self.keep(definition, record, numbers, Some(piece))? {
                Outcome::Key { more: true, .. } => {}
                other => return Ok(other),
            }
            count += 1;
        }
        Ok(if count == tuples.count {
            Outcome::Key { keep: true, more: true }
        } else {
            Outcome::OutOfPieces { any: count > 0 }
        })
    }

    /// Makes a key and leaves it in the arena if it is to be kept.
    fn keep<S: KeySource>(
        &mut self,
        definition: &KeyDefinition,
        record: &mut S,
        numbers: &[u32; MAX_SEGMENTS],
        piece: Option<&[u8]>,
    ) -> Result<Outcome, KeyError<S::Error>> {
        let begin = self.arena.position();
        let outcome = self.compose(definition, record, numbers, piece)?;
        if let Outcome::Key { keep: true, .. } = outcome {
            self.found.push(self.arena.since(&begin));
        } else {
            self.arena.truncate(&begin);
        }
        let bytes = self.arena.skeleton.len() + self.arena.raw.len();
        if self.found.len() > MAX_KEYS || bytes > MAX_KEY_BYTES {
            return Err(KeyError::TooManyKeys);
        }
        Ok(outcome)
    }

    /// Makes the key of one combination of values at the end of the arena.
    fn compose<S: KeySource>(
        &mut self,
        definition: &KeyDefinition,
        record: &mut S,
        numbers: &[u32; MAX_SEGMENTS],
        piece: Option<&[u8]>,
    ) -> Result<Outcome, KeyError<S::Error>> {
        let mut composer = Composer::new(definition, &self.arena);
        let nested = definition.is_nested();
        let mut out_of_values = nested;
        for (index, (segment, &number)) in definition.segments.iter().zip(numbers).enumerate() {
            let column = &segment.column;
            let value = match piece {
                Some(piece) if index == 0 => Some(piece),
                _ => {
                    let request = Request { number, limit: definition.value_limit(column) };
                    self.scratch.clear();
                    record.value(column, request, &mut self.scratch).map_err(KeyError::Source)?
                }
            };
            let Some(value) = value else {
                if number > 1 && !nested {
                    return Ok(Outcome::OutOfValues(index));
                }
                out_of_values &= number > 1 || !definition.expanded.contains(&index);
                composer.push_null(segment, index == 0, &mut self.arena);
                continue;
            };
            out_of_values &= !definition.expanded.contains(&index);
            let value = definition.cut_value(index, value);
            if composer.push_value(segment, value, &mut self.arena).is_err() {
                let expected = column.ty.fixed_len().unwrap_or(0);
                let found = value.len();
                return Err(KeyError::ValueLength { id: column.id, number, expected, found });
            }
        }
        if out_of_values {
            return Ok(Outcome::OutOfValues(0));
        }
        Ok(judge(definition, &composer))
    }

    /// Leaves one of those keys that are equal.
    fn drop_equal(&mut self, definition: &KeyDefinition) {
        let Self { arena, found, .. } = self;
        if found.len() < 2 {
            return;
        }
        let fold = definition.ignores_case();
        found.sort_unstable_by(|left, right| arena.compare(left, right, fold));
        found.dedup_by(|left, right| arena.compare(left, right, fold) == Ordering::Equal);
    }
}

/// Whether a whole key is kept by the rules for NULL, and whether other values may give keys.
fn judge(definition: &KeyDefinition, composer: &Composer<'_>) -> Outcome {
    if composer.all_null {
        return Outcome::Key { keep: definition.keeps_all_nulls(), more: false };
    }
    let keep = if composer.first_null {
        definition.keeps_first_null()
    } else if composer.some_null {
        definition.keeps_some_nulls()
    } else {
        true
    };
    Outcome::Key { keep, more: keep }
}

impl KeyDefinition {
    /// Bytes of a value that the key may depend on, not in pieces.
    fn value_limit(&self, column: &KeyColumn) -> usize {
        match column.ty.fixed_len() {
            // One more shows a value that is too long.
            Some(len) => len + 1,
            None if column.is_unicode() && !self.cuts_values() => UNICODE_LIMIT,
            None => self.key_most,
        }
    }

    /// The part of the first column's value or of another's that the key is made from.
    pub(super) fn cut_value<'v>(&self, index: usize, value: &'v [u8]) -> &'v [u8] {
        let Some(Segment { column, .. }) = self.segments.get(index) else { return value };
        let most = match &self.tuples {
            Some(tuples) if index == 0 => {
                let longest = tuples.longest_len(column.character());
                // Pieces are not cut as values are, but their sort keys come from 256 bytes.
                if self.cuts_values() { longest.min(self.key_most + 1) } else { longest }
            }
            _ => self.value_limit(column),
        };
        let len = value.len().min(most);
        // Whole characters; a byte alone is none, but then the text is not empty.
        let odd = column.is_unicode() && len > 1 && len % 2 == 1;
        value.get(..if odd { len - 1 } else { len }).unwrap_or(value)
    }
}

/// The number of the value that is taken of each column.
struct Numbers([u32; MAX_SEGMENTS]);

impl Numbers {
    /// Goes on to the next value of the last expanded column (nested: of all); `false` if there
    /// is no such column.
    fn advance(&mut self, definition: &KeyDefinition) -> bool {
        let expanded = &definition.expanded;
        let from = if definition.is_nested() { 0 } else { expanded.len().saturating_sub(1) };
        for &index in expanded.get(from..).unwrap_or_default() {
            self.add_one(index);
        }
        !expanded.is_empty()
    }

    /// Goes on to the next value of the expanded column before `segment`, which has no more;
    /// `false` if there is none.
    fn roll_over(&mut self, definition: &KeyDefinition, segment: usize) -> bool {
        let before = definition.expanded.iter().rev().find(|&&index| index < segment);
        let Some(&index) = before else { return false };
        self.add_one(index);
        if let Some(rest) = self.0.get_mut(segment..) {
            rest.fill(1);
        }
        true
    }

    fn add_one(&mut self, index: usize) {
        if let Some(number) = self.0.get_mut(index) {
            *number = number.saturating_add(1);
        }
    }
}
