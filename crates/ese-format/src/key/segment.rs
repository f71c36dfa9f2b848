//! A key in the making: one segment after the other, until the key is full.
//!
//! A key is full when it has reached its longest length; the segment that reached it is cut and
//! later ones are left out, though whether they are NULL still counts. How much room is left is
//! not known behind Unicode text without a collation: such a segment takes none, and what follows
//! is written out as if it fitted ([`Mark`] says where the rest may be cut differently).
//! Source: ESE `ErrRECIIRetrieveKey`, `ErrFLDNormalizeTextSegment` (fldnorm.cxx).

use super::arena::Arena;
use super::definition::{KeyColumn, KeyDefinition, Segment};
use super::pattern::{Mark, MarkKind};
use super::{binary, scalar, text};

/// Prefix of a value.
pub(super) const DATA: u8 = 0x7F;
/// Prefix of text or binary without a byte.
pub(super) const EMPTY: u8 = 0x40;

/// One key while its segments are put together.
#[derive(Debug)]
pub(super) struct Composer<'d> {
    definition: &'d KeyDefinition,
    /// Where in the arena's skeleton and raw bytes the key begins.
    begin: (usize, usize),
    /// Bytes left in the key, as far as known.
    room: usize,
    /// Whether a segment was cut, so that nothing follows.
    full: bool,
    /// Whether an unknown sort key lies before.
    open: bool,
    /// Whether no segment had a value so far.
    pub(super) all_null: bool,
    /// Whether the first segment was NULL.
    pub(super) first_null: bool,
    /// Whether any segment was NULL.
    pub(super) some_null: bool,
}

/// A value whose length is not that of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WrongLength;

impl<'d> Composer<'d> {
    pub(super) fn new(definition: &'d KeyDefinition, arena: &Arena) -> Self {
        Self {
            definition,
            begin: (arena.skeleton.len(), arena.raw.len()),
            room: definition.key_most,
            full: false,
            open: false,
            all_null: true,
            first_null: false,
            some_null: false,
        }
    }

    /// Adds a NULL segment.
    pub(super) fn push_null(&mut self, segment: &Segment, is_first: bool, arena: &mut Arena) {
        self.first_null |= is_first;
        self.some_null = true;
        self.push_byte(self.definition.null_prefix() ^ segment.complement(), arena);
    }

    /// Adds a segment with a value; `value` is already cut to a piece in a tuple index.
    pub(super) fn push_value(
        &mut self,
        segment: &Segment,
        value: &[u8],
        arena: &mut Arena,
    ) -> Result<(), WrongLength> {
        if self.is_full() {
            return Ok(());
        }
        self.all_null = false;
        let column = &segment.column;
        if value.is_empty() && column.ty.fixed_len().is_none() {
            self.push_byte(EMPTY ^ segment.complement(), arena);
            return Ok(());
        }
        if column.is_unicode() && !self.push_sort_key(segment, value, arena) {
            self.push_unknown(segment, value, arena);
            return Ok(());
        }
        if !column.is_unicode() {
            self.push_exact(segment, value, arena)?;
        }
        Ok(())
    }

    /// Whether nothing can be added.
    fn is_full(&self) -> bool {
        self.full || self.room == 0
    }

    fn push_byte(&mut self, byte: u8, arena: &mut Arena) {
        if !self.is_full() {
            arena.skeleton.push(byte);
            self.take(1);
        }
    }

    fn push_exact(
        &mut self,
        segment: &Segment,
        value: &[u8],
        arena: &mut Arena,
    ) -> Result<(), WrongLength> {
        let KeyColumn { ty, .. } = segment.column;
        let begin = arena.skeleton.len();
        let limit = self.room.min(self.definition.var_seg_mac);
        arena.skeleton.push(DATA);
        if ty.is_text() {
            let cut = text::push(value, limit - 1, &mut arena.skeleton);
            self.full = cut && self.room < self.definition.var_seg_mac;
            if self.open {
                self.mark(segment, MarkKind::Text, (begin, arena.skeleton.len()), value, arena);
            }
        } else if ty.is_binary() {
            let whole = if segment.column.is_binary_of_fixed_part() {
                binary::push_fixed(value, limit - 1, &mut arena.skeleton);
                value.len()
            } else {
                binary::push_pieces(value, limit - 1, &mut arena.skeleton);
                binary::pieces_len(value.len())
            };
            self.full = whole >= self.room && self.room < self.definition.var_seg_mac;
        } else {
            let dot_net = self.definition.dot_net_guid();
            if !scalar::push(ty, dot_net, value, &mut arena.skeleton) {
                return Err(WrongLength);
            }
            if arena.skeleton.len() - begin > self.room {
                arena.skeleton.truncate(begin + self.room);
                self.full = true;
            }
        }
        self.finish(segment, begin, arena);
        Ok(())
    }

    /// Adds Unicode text by the collation; `false` if there is none or it cannot say.
    fn push_sort_key(&mut self, segment: &Segment, value: &[u8], arena: &mut Arena) -> bool {
        let Some(collation) = &self.definition.collation else { return false };
        let begin = arena.skeleton.len();
        arena.units.clear();
        let pairs = value.chunks_exact(2).filter_map(|pair| pair.try_into().ok());
        arena.units.extend(pairs.map(u16::from_le_bytes));
        arena.skeleton.push(DATA);
        if arena.units.is_empty() || !collation.sort_key(&arena.units, &mut arena.skeleton) {
            arena.skeleton.truncate(begin);
            return false;
        }
        let limit = self.room.min(self.definition.var_seg_mac);
        if arena.skeleton.len() - begin > limit {
            arena.skeleton.truncate(begin + limit);
            self.full = limit < self.definition.var_seg_mac;
        }
        self.finish(segment, begin, arena);
        true
    }

    fn push_unknown(&mut self, segment: &Segment, value: &[u8], arena: &mut Arena) {
        let begin = arena.skeleton.len();
        arena.skeleton.push(DATA ^ segment.complement());
        let limit = self.definition.var_seg_mac.min(self.definition.key_most);
        let kind = if self.definition.maps_to_upper_case() {
            MarkKind::UpperCase { limit }
        } else {
            MarkKind::SortKey { limit }
        };
        self.mark(segment, kind, (begin, begin + 1), value, arena);
        self.open = true;
    }

    fn mark(
        &self,
        segment: &Segment,
        kind: MarkKind,
        (begin, end): (usize, usize),
        value: &[u8],
        arena: &mut Arena,
    ) {
        let raw = arena.raw.len() - self.begin.1;
        arena.raw.extend_from_slice(value);
        arena.marks.push(Mark {
            kind,
            complement: segment.complement(),
            begin: begin - self.begin.0,
            end: end - self.begin.0,
            raw: raw..raw + value.len(),
        });
    }

    /// Complements the segment that begins at `begin` if it is descending, and counts its bytes.
    fn finish(&mut self, segment: &Segment, begin: usize, arena: &mut Arena) {
        let bytes = arena.skeleton.get_mut(begin..).unwrap_or_default();
        let len = bytes.len();
        if segment.descending {
            for byte in bytes {
                *byte = !*byte;
            }
        }
        self.take(len);
    }

    fn take(&mut self, len: usize) {
        if !self.open {
            self.room = self.room.saturating_sub(len);
        }
    }
}
