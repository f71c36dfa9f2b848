//! Keys to search with, made from values.
//!
//! A key of fewer values than the index has columns is the beginning of all keys with those
//! values. The last value may be given in part: then the key is the beginning of all keys whose
//! text or binary value begins so.

use super::binary::{PIECE, PIECE_IN_KEY};
use super::builder::KeyBuilder;
use super::definition::{KeyColumn, KeyDefinition};
use super::segment::Composer;
use crate::column::ColumnId;

/// Where a search key ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchEnd {
    /// The last value is whole.
    Whole,
    /// The last value, text or binary, is the beginning of those that are looked for.
    Beginning,
}

/// Why values give no key to search with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// No value, or more than the index has columns.
    #[error("{found} values for an index of {columns} columns")]
    Count {
        /// Values given.
        found: usize,
        /// Columns of the index.
        columns: usize,
    },
    /// A value whose length is not that of its type.
    #[error("{found} bytes for column {}, whose type has {expected}", id.number())]
    ValueLength {
        /// The column.
        id: ColumnId,
        /// Bytes of the type.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// Unicode text, and no collation that knows its sort key.
    #[error("the sort key of a text for column {} is not known", .0.number())]
    UnknownSortKey(ColumnId),
    /// The beginning of a value that has none: not text or binary, NULL, or Unicode text, whose
    /// sort key does not begin with that of its beginning.
    #[error("column {} cannot be searched by the beginning of a value", .0.number())]
    NoBeginning(ColumnId),
}

impl KeyBuilder {
    /// The key for the first columns of the index having these values, as stored; `None` is NULL.
    /// Rules for NULL and conditions are not looked at. In a tuple index the first value is one
    /// piece.
    pub fn search_key(
        &mut self,
        definition: &KeyDefinition,
        values: &[Option<&[u8]>],
        end: SearchEnd,
    ) -> Result<&[u8], SearchError> {
        let columns = definition.segments().len();
        if values.is_empty() || values.len() > columns {
            return Err(SearchError::Count { found: values.len(), columns });
        }
        self.arena.clear();
        let mut composer = Composer::new(definition, &self.arena);
        for (index, (segment, value)) in definition.segments().iter().zip(values).enumerate() {
            let id = segment.column.id;
            let is_last = index + 1 == values.len();
            let begin = self.arena.skeleton.len();
            let Some(value) = value else {
                if is_last && end == SearchEnd::Beginning {
                    return Err(SearchError::NoBeginning(id));
                }
                composer.push_null(segment, index == 0, &mut self.arena);
                continue;
            };
            let value = definition.cut_value(index, value);
            if composer.push_value(segment, value, &mut self.arena).is_err() {
                let expected = segment.column.ty.fixed_len().unwrap_or(0);
                return Err(SearchError::ValueLength { id, expected, found: value.len() });
            }
            if !self.arena.marks.is_empty() {
                return Err(SearchError::UnknownSortKey(id));
            }
            if is_last && end == SearchEnd::Beginning {
                let len = self.arena.skeleton.len() - begin;
                let kept = beginning_len(&segment.column, value, len);
                let kept = kept.ok_or(SearchError::NoBeginning(id))?;
                self.arena.skeleton.truncate(begin + kept);
            }
        }
        Ok(&self.arena.skeleton)
    }
}

/// How many of the `len` bytes of a segment all values share that begin with `value`.
fn beginning_len(column: &KeyColumn, value: &[u8], len: usize) -> Option<usize> {
    if column.ty.fixed_len().is_some() || column.is_unicode() {
        return None;
    }
    if value.is_empty() {
        return Some(0);
    }
    // Of a text the end mark does not count, nor the odd last byte of a cut one.
    if column.ty.is_text() {
        return Some(len.saturating_sub(1));
    }
    if column.is_binary_of_fixed_part() {
        return Some(len);
    }
    let (pieces, rest) = (value.len() / PIECE, value.len() % PIECE);
    let bytes = 1 + pieces * PIECE_IN_KEY + rest;
    Some(if rest == 0 { bytes - 1 } else { bytes }.min(len))
}
