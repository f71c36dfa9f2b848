//! One key that a record should have, exact or with unknown sort keys in it.
//!
//! ```text
//! skeleton  exact segment  7F           exact segment  7F           exact segment
//! stored    exact segment  7F sort key  exact segment  7F sort key  exact segment
//! ```
//!
//! A sort key begins behind its prefix byte and ends with 00, which lies nowhere else in it. It is
//! cut where the segment or the whole key is as long as the index allows.

use core::ops::Range;

use super::segment::DATA;
use super::text;

/// A segment whose bytes in a stored key may differ from those in the skeleton.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) kind: MarkKind,
    /// FF in a descending segment, else 00.
    pub(super) complement: u8,
    /// From the beginning of the key's skeleton.
    pub(super) begin: usize,
    /// From the beginning of the key's skeleton.
    pub(super) end: usize,
    /// The value, within the raw bytes of the key.
    pub(super) raw: Range<usize>,
}

/// How a marked segment may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkKind {
    /// A sort key of at most `limit` bytes, the prefix included.
    SortKey { limit: usize },
    /// Text in upper case: big-endian units, then a unit of 0; unspecified if it is too long.
    UpperCase { limit: usize },
    /// Text of a single-byte code page behind a sort key: as in the skeleton, or cut.
    Text,
}

/// A key that a record should have in an index.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    pub(super) skeleton: &'a [u8],
    pub(super) raw: &'a [u8],
    pub(super) marks: &'a [Mark],
    pub(super) key_most: usize,
}

impl<'a> Key<'a> {
    /// The key, if every byte of it is known.
    pub fn exact(&self) -> Option<&'a [u8]> {
        self.marks.is_empty().then_some(self.skeleton)
    }

    /// The key with one byte (the prefix, 7F or 80) in place of each unknown sort key; the key
    /// itself if it is exact. Equal to what [`KeyDefinition::skeleton`] makes of a stored key
    /// that is not cut.
    ///
    /// [`KeyDefinition::skeleton`]: super::KeyDefinition::skeleton
    pub fn skeleton(&self) -> &'a [u8] {
        self.skeleton
    }

    /// The texts (UTF-16, little-endian; cut where the index looks no further) whose sort keys are
    /// unknown, in order of the key.
    pub fn unknown_texts(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let raw = self.raw;
        let unknown = self.marks.iter().filter(|mark| mark.kind != MarkKind::Text);
        unknown.map(move |mark| raw.get(mark.raw.clone()).unwrap_or_default())
    }

    /// Whether `stored` can be this key.
    pub fn matches(&self, stored: &[u8]) -> bool {
        if self.marks.is_empty() {
            return stored == self.skeleton;
        }
        if stored.len() > self.key_most {
            return false;
        }
        let mut rest = Rest { stored, full: stored.len() == self.key_most };
        let mut done = 0;
        for mark in self.marks {
            let exact = self.skeleton.get(done..mark.begin).unwrap_or_default();
            let segment = self.skeleton.get(mark.begin..mark.end).unwrap_or_default();
            let value = self.raw.get(mark.raw.clone()).unwrap_or_default();
            let step = rest.exact(exact).and_then(|()| match mark.kind {
                MarkKind::SortKey { limit } => rest.sort_key(mark.complement, limit),
                MarkKind::UpperCase { limit } => rest.upper_case(mark.complement, limit, value),
                MarkKind::Text => rest.text(segment, mark.complement, value),
            });
            if let Err(End(fits)) = step {
                return fits;
            }
            done = mark.end;
        }
        match rest.exact(self.skeleton.get(done..).unwrap_or_default()) {
            Ok(()) => rest.stored.is_empty(),
            Err(End(fits)) => fits,
        }
    }
}

/// The comparison is over; whether the stored key fits.
struct End(bool);

/// What is left of a stored key while it is compared.
struct Rest<'a> {
    stored: &'a [u8],
    /// Whether the stored key is as long as one can be, so that its end may be cut.
    full: bool,
}

impl Rest<'_> {
    fn exact(&mut self, expected: &[u8]) -> Result<(), End> {
        match self.stored.strip_prefix(expected) {
            Some(rest) => {
                self.stored = rest;
                Ok(())
            }
            None => Err(End(self.full && expected.starts_with(self.stored))),
        }
    }

    fn sort_key(&mut self, complement: u8, limit: usize) -> Result<(), End> {
        self.prefix(complement)?;
        let within = self.stored.get(..limit).unwrap_or(self.stored);
        let end = within.iter().skip(1).position(|&byte| byte == complement);
        self.skip(end.map(|end| end + 2), limit)
    }

    fn upper_case(&mut self, complement: u8, limit: usize, value: &[u8]) -> Result<(), End> {
        self.prefix(complement)?;
        let units = value.chunks_exact(2);
        let len = 1 + 2 * units.len() + 2;
        if len <= limit {
            let mapped = self.stored.get(1..).unwrap_or_default().chunks_exact(2);
            let plain = units.zip(mapped).all(|(unit, mapped)| match (unit, mapped) {
                (&[low, 0], &[high, mapped]) if low.is_ascii() => {
                    high == complement && mapped == low.to_ascii_uppercase() ^ complement
                }
                _ => true,
            });
            if len <= self.stored.len() {
                if !plain {
                    return Err(End(false));
                }
                return self.skip(Some(len), limit);
            }
        }
        self.skip(None, limit)
    }

    fn text(&mut self, expected: &[u8], complement: u8, value: &[u8]) -> Result<(), End> {
        if let Some(rest) = self.stored.strip_prefix(expected) {
            self.stored = rest;
            return Ok(());
        }
        if !self.full {
            return Err(End(false));
        }
        // The last byte of a cut text is made in its own way.
        let fits = match self.stored {
            [] => true,
            [prefix] => *prefix == DATA ^ complement,
            [head @ .., last] => {
                let source = value.get(head.len() - 1);
                let cut = source.map(|&byte| text::cut_byte(byte) ^ complement);
                expected.starts_with(head) && cut == Some(*last)
            }
        };
        Err(End(fits))
    }

    fn prefix(&self, complement: u8) -> Result<(), End> {
        match self.stored.first() {
            None => Err(End(self.full)),
            Some(&first) if first == DATA ^ complement => Ok(()),
            Some(_) => Err(End(false)),
        }
    }

    /// Goes on behind a segment of `len` bytes, or of `limit` if its end is not to be seen.
    fn skip(&mut self, len: Option<usize>, limit: usize) -> Result<(), End> {
        match self.stored.get(len.unwrap_or(limit)..) {
            Some(rest) => {
                self.stored = rest;
                Ok(())
            }
            None => Err(End(self.full)),
        }
    }
}
