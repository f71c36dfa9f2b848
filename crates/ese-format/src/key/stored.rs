//! The other side: a stored key, reduced to its skeleton.
//!
//! The segments of a stored key can be told apart with the definition alone:
//!
//! ```text
//! fixed-size type, binary of the fixed part   by its size
//! binary in pieces                            up to a piece whose number is not 9
//! text, sort key                              up to 00
//! each of the last three                      at most as long as the index allows
//! ```

use alloc::vec::Vec;

use super::binary::{MORE, PIECE_IN_KEY};
use super::definition::{KeyDefinition, Segment};
use super::segment::{DATA, EMPTY};

/// What became of a stored key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skeleton<'a> {
    /// Its skeleton: equal to [`Key::skeleton`](super::Key::skeleton) of the record's key.
    Whole(&'a [u8]),
    /// Where its segments end is not to be seen, mostly because it is as long as a key can be and
    /// so may be cut. It has to be compared with each key of its record
    /// ([`Key::matches`](super::Key::matches)).
    Cut,
    /// No record gives such a key.
    Malformed,
}

impl KeyDefinition {
    /// Reduces a stored key. Where every key is exact that is the key itself; otherwise it is
    /// written to `scratch`.
    pub fn skeleton<'a>(&self, stored: &'a [u8], scratch: &'a mut Vec<u8>) -> Skeleton<'a> {
        if self.is_exact() {
            return Skeleton::Whole(stored);
        }
        if stored.len() >= self.key_most {
            return if stored.len() == self.key_most { Skeleton::Cut } else { Skeleton::Malformed };
        }
        // A text in upper case may have a NUL in it; a piece has no known length.
        let unclear = self.maps_to_upper_case() || self.takes_pieces_of_fixed_binary();
        let refused = if unclear { Skeleton::Cut } else { Skeleton::Malformed };
        scratch.clear();
        let mut rest = stored;
        for segment in &self.segments {
            let Some((bytes, after)) = self.split_segment(segment, rest) else {
                return refused;
            };
            let shown = if segment.column.is_unicode() { 1 } else { bytes.len() };
            scratch.extend_from_slice(bytes.get(..shown).unwrap_or(bytes));
            rest = after;
        }
        if rest.is_empty() { Skeleton::Whole(scratch) } else { refused }
    }

    /// The sort keys (with their prefixes) of the Unicode texts in a stored key, in order of the
    /// key; none for a text that is NULL or empty. They end where the key is not as the
    /// definition makes it.
    pub fn sort_keys<'a>(&'a self, stored: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = stored;
        let split = self.segments.iter().map_while(move |segment| {
            let (bytes, after) = self.split_segment(segment, rest)?;
            rest = after;
            Some((segment, bytes))
        });
        split.filter_map(|(segment, bytes)| {
            let is_data = bytes.first().is_some_and(|&first| first ^ segment.complement() == DATA);
            (segment.column.is_unicode() && is_data).then_some(bytes)
        })
    }

    fn takes_pieces_of_fixed_binary(&self) -> bool {
        let first = self.segments.first().map(|first| first.column);
        self.tuples.is_some() && first.is_some_and(|column| column.is_binary_of_fixed_part())
    }

    /// The first segment of the rest of a key, and what follows.
    fn split_segment<'a>(&self, segment: &Segment, rest: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let complement = segment.complement();
        let column = &segment.column;
        let prefix = rest.first()? ^ complement;
        let is_empty = prefix == EMPTY && column.ty.fixed_len().is_none();
        let len = if is_empty || prefix == self.null_prefix() {
            1
        } else if prefix != DATA {
            return None;
        } else if let Some(len) = column.ty.fixed_len() {
            1 + len
        } else if column.is_binary_of_fixed_part() {
            (1 + usize::from(column.size)).min(self.var_seg_mac)
        } else {
            let within = rest.get(..self.var_seg_mac).unwrap_or(rest);
            let end = if column.ty.is_binary() {
                end_of_pieces(within, complement)
            } else if column.is_unicode() && self.maps_to_upper_case() {
                end_of_units(within, complement)
            } else {
                within.iter().skip(1).position(|&byte| byte == complement).map(|end| end + 2)
            };
            end.unwrap_or(self.var_seg_mac)
        };
        rest.split_at_checked(len)
    }
}

fn end_of_pieces(segment: &[u8], complement: u8) -> Option<usize> {
    let pieces = segment.get(1..)?.chunks_exact(PIECE_IN_KEY);
    let is_last = |piece: &[u8]| piece.last().is_some_and(|&last| last ^ complement != MORE);
    Some(1 + (pieces.clone().position(is_last)? + 1) * PIECE_IN_KEY)
}

fn end_of_units(segment: &[u8], complement: u8) -> Option<usize> {
    let mut units = segment.get(1..)?.chunks_exact(2);
    let end = units.position(|unit| unit.iter().all(|&byte| byte == complement))?;
    Some(1 + (end + 1) * 2)
}
