//! Tagged columns of a record: the directory and the values behind its entries.
//!
//! ```text
//! entry:      0  2  number of the column
//!             2  2  offset of its data from the beginning of the directory, and flags
//!
//!             small pages                         large pages
//! bits 0-12   offset                              bits 0-14 are the offset
//! bit 13      null: no data
//! bit 14      the data begins with a header byte  it always does
//! bit 15      column of the template              the same
//!
//! header:     01 long type     04 separated        10 exactly two values   40 encrypted
//!             02 compressed    08 several values   20 null
//! ```
//!
//! The first entry's offset is the length of the directory. What follows the header byte:
//!
//! ```text
//! one value        its bytes, or the id of a long value
//! two values       u8 length of the first, the first, the second to the end; small pages only,
//!                  where two values that are left of more may also have the form below
//! several values   u16 offset of each, counted from here; bit 15: the value is separated
//! ```
//!
//! Source: ESE `TAGFLD`, `TAGFLD_HEADER`, `TWOVALUES`, `MULTIVALUES` (tagfld.hxx, tagfld.cxx).

use core::iter::FusedIterator;

use bitflags::bitflags;

use super::RecordError;
use crate::column::ColumnId;
use crate::le::u16_at;
use crate::long_value::Lid;

/// Bit of an entry's second word: column of the template.
pub(super) const DERIVED: u16 = 0x8000;
/// Small pages: the data begins with a header byte.
pub(super) const EXTENDED: u16 = 0x4000;
/// Small pages: null.
pub(super) const NULL: u16 = 0x2000;
/// Bit of an offset among several: the value is separated.
pub(super) const SEPARATED: u16 = 0x8000;

bitflags! {
    /// Header byte of a tagged column's data. ESE: `TAGFLD_HEADER`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct TagHeader: u8 {
        /// The column has a long type.
        const LONG_VALUE = 0x01;
        /// The value (of several: the first) is compressed.
        const COMPRESSED = 0x02;
        /// The value is in the table's long-value tree.
        const SEPARATED = 0x04;
        /// There are several values.
        const MULTI_VALUES = 0x08;
        /// There are exactly two, in the short form.
        const TWO_VALUES = 0x10;
        /// Null, whatever the column's default.
        const NULL = 0x20;
        /// The value is encrypted.
        const ENCRYPTED = 0x40;
        const _ = !0;
    }
}

/// One value of a tagged column, as the record holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredValue<'a> {
    /// The value's bytes.
    Plain(&'a [u8]),
    /// Its compressed bytes, for [`crate::compression::decompress`].
    Compressed(&'a [u8]),
    /// It is in the table's long-value tree.
    Separated(Lid),
    /// Its bytes, encrypted with a key that the application keeps.
    Encrypted(&'a [u8]),
}

/// The directory of a record's tagged columns, and an iterator over it.
#[derive(Debug, Clone, Copy)]
pub struct TaggedEntries<'a> {
    /// Entries that are left.
    directory: &'a [[u8; 4]],
    /// Directory and data, on which offsets count.
    area: &'a [u8],
    large: bool,
}

impl<'a> TaggedEntries<'a> {
    pub(super) fn parse(area: &'a [u8], large: bool) -> Result<Self, RecordError> {
        if area.is_empty() {
            return Ok(Self { directory: &[], area, large });
        }
        let mask = offset_mask(large);
        let first = u16_at(area, 2) & mask;
        let (directory, odd) = area.get(..usize::from(first)).unwrap_or_default().as_chunks::<4>();
        if directory.is_empty() || !odd.is_empty() {
            return Err(RecordError::Directory { first, len: area.len() });
        }
        let (mut last_key, mut last_at) = (0, first);
        let mut needs_header = None;
        for entry in directory {
            let [fid, word] = words(*entry);
            let (key, at) = (sort_key(fid, word), word & mask);
            // The lowest possible key is 1, as no entry of column 0 is legal.
            if key <= last_key {
                return Err(RecordError::TaggedOrder { fid });
            }
            if at < last_at || usize::from(at) > area.len() {
                return Err(RecordError::TaggedOffset { fid, at });
            }
            if let Some(fid) = needs_header.filter(|_| at == last_at) {
                return Err(RecordError::TaggedHeader { fid });
            }
            (last_key, last_at) = (key, at);
            needs_header = has_header(word, large).then_some(fid);
        }
        if let Some(fid) = needs_header.filter(|_| usize::from(last_at) == area.len()) {
            return Err(RecordError::TaggedHeader { fid });
        }
        Ok(Self { directory, area, large })
    }

    /// The entry of `column`, if it is among those that are left.
    pub(super) fn find(&self, column: ColumnId) -> Option<TaggedEntry<'a>> {
        let wanted = u32::from(column.fid) | if column.template { 0 } else { OWN };
        let index = self.directory.partition_point(|entry| {
            let [fid, word] = words(*entry);
            sort_key(fid, word) < wanted
        });
        let entry = self.entry(index)?;
        (entry.column() == column).then_some(entry)
    }

    #[inline]
    fn entry(&self, index: usize) -> Option<TaggedEntry<'a>> {
        let [fid, word] = words(*self.directory.get(index)?);
        let mask = offset_mask(self.large);
        let end = match self.directory.get(index + 1) {
            Some(next) => {
                let [_, word] = words(*next);
                usize::from(word & mask)
            }
            None => self.area.len(),
        };
        let data = self.area.get(usize::from(word & mask)..end).unwrap_or_default();
        let derived = word & DERIVED != 0;
        if !self.large && word & NULL != 0 {
            return Some(TaggedEntry { derived, fid, header: TagHeader::NULL, data });
        }
        let (header, data) = match data.split_first() {
            Some((header, data)) if has_header(word, self.large) => {
                (TagHeader::from_bits_retain(*header), data)
            }
            _ => (TagHeader::empty(), data),
        };
        Some(TaggedEntry { derived, fid, header, data })
    }
}

impl<'a> Iterator for TaggedEntries<'a> {
    type Item = TaggedEntry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entry(0)?;
        self.directory = self.directory.get(1..).unwrap_or_default();
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.directory.len(), Some(self.directory.len()))
    }
}

impl ExactSizeIterator for TaggedEntries<'_> {}
impl FusedIterator for TaggedEntries<'_> {}

/// A tagged column that a record has.
#[derive(Debug, Clone, Copy)]
pub struct TaggedEntry<'a> {
    /// Whether it is marked as a column of the template.
    pub derived: bool,
    /// Number of the column.
    pub fid: u16,
    /// The header byte; empty where there is none.
    pub header: TagHeader,
    /// What follows the header byte.
    pub data: &'a [u8],
}

impl<'a> TaggedEntry<'a> {
    /// The column, going by the mark.
    pub fn column(&self) -> ColumnId {
        ColumnId { template: self.derived, fid: self.fid }
    }

    /// Whether the column is null in spite of its default value.
    pub fn is_null(&self) -> bool {
        self.header.contains(TagHeader::NULL)
    }

    /// The column's values in their order; none if it is null.
    ///
    /// # Errors
    ///
    /// That the offsets of several values are not sound, or that an id of a long value has a
    /// length that none has.
    #[inline]
    pub fn values(&self) -> Result<Values<'a>, RecordError> {
        let header = self.header;
        if header.contains(TagHeader::NULL) {
            return Ok(Values(Form::None));
        }
        if header.intersects(TagHeader::TWO_VALUES | TagHeader::MULTI_VALUES) {
            return self.several();
        }
        let value = if header.contains(TagHeader::SEPARATED) {
            StoredValue::Separated(self.lid(self.data)?)
        } else if header.contains(TagHeader::ENCRYPTED) {
            StoredValue::Encrypted(self.data)
        } else if header.contains(TagHeader::COMPRESSED) {
            StoredValue::Compressed(self.data)
        } else {
            StoredValue::Plain(self.data)
        };
        Ok(Values(Form::One(value)))
    }

    fn several(&self) -> Result<Values<'a>, RecordError> {
        let bad = RecordError::ValueOffsets { fid: self.fid };
        if self.header.contains(TagHeader::TWO_VALUES) {
            let (len, data) = self.data.split_first().ok_or(bad)?;
            let (first, second) = data.split_at_checked(usize::from(*len)).ok_or(bad)?;
            return Ok(Values(Form::Two(first, second)));
        }
        let table_len = usize::from(u16_at(self.data, 0) & !SEPARATED);
        let (offsets, odd) = self.data.get(..table_len).unwrap_or_default().as_chunks::<2>();
        if offsets.is_empty() || !odd.is_empty() {
            return Err(bad);
        }
        let several = Several {
            offsets,
            data: self.data,
            first_compressed: self.header.contains(TagHeader::COMPRESSED),
        };
        let mut last = 0;
        for (index, offset) in offsets.iter().enumerate() {
            let offset = u16::from_le_bytes(*offset);
            let begin = usize::from(offset & !SEPARATED);
            if begin < last || begin > self.data.len() {
                return Err(bad);
            }
            last = begin;
            if offset & SEPARATED != 0 {
                self.lid(several.bytes(index).ok_or(bad)?)?;
            }
        }
        Ok(Values(Form::Several(several)))
    }

    fn lid(&self, bytes: &[u8]) -> Result<Lid, RecordError> {
        Lid::from_record(bytes).ok_or(RecordError::LongValueId { fid: self.fid, len: bytes.len() })
    }
}

/// The values of a tagged column, in their order, which starts at sequence number 1.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a>(Form<'a>);

#[derive(Debug, Clone, Copy)]
enum Form<'a> {
    None,
    One(StoredValue<'a>),
    Two(&'a [u8], &'a [u8]),
    Several(Several<'a>),
}

/// What is left of several values. Offsets were looked at before.
#[derive(Debug, Clone, Copy)]
struct Several<'a> {
    offsets: &'a [[u8; 2]],
    data: &'a [u8],
    first_compressed: bool,
}

impl<'a> Several<'a> {
    fn bytes(&self, index: usize) -> Option<&'a [u8]> {
        let begin = u16::from_le_bytes(*self.offsets.get(index)?) & !SEPARATED;
        let end = match self.offsets.get(index + 1) {
            Some(next) => usize::from(u16::from_le_bytes(*next) & !SEPARATED),
            None => self.data.len(),
        };
        self.data.get(usize::from(begin)..end)
    }

    fn get(&self, index: usize) -> Option<StoredValue<'a>> {
        let bytes = self.bytes(index)?;
        let separated = u16::from_le_bytes(*self.offsets.get(index)?) & SEPARATED != 0;
        if separated {
            return Lid::from_record(bytes).map(StoredValue::Separated);
        }
        let compressed = index == 0 && self.first_compressed;
        Some(if compressed { StoredValue::Compressed(bytes) } else { StoredValue::Plain(bytes) })
    }
}

impl<'a> Values<'a> {
    /// The value at `index` of those that are left, from 0; cheap at every place.
    #[inline]
    pub fn get(&self, index: usize) -> Option<StoredValue<'a>> {
        match (&self.0, index) {
            (Form::One(value), 0) => Some(*value),
            (Form::Two(bytes, _), 0) | (Form::Two(_, bytes), 1) => Some(StoredValue::Plain(bytes)),
            (Form::Several(several), _) => several.get(index),
            _ => None,
        }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = StoredValue<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let value = self.get(0)?;
        match &mut self.0 {
            Form::None | Form::One(_) => self.0 = Form::None,
            Form::Two(_, second) => self.0 = Form::One(StoredValue::Plain(second)),
            Form::Several(several) => {
                several.offsets = several.offsets.get(1..).unwrap_or_default();
                several.first_compressed = false;
            }
        }
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = match &self.0 {
            Form::None => 0,
            Form::One(_) => 1,
            Form::Two(..) => 2,
            Form::Several(several) => several.offsets.len(),
        };
        (len, Some(len))
    }
}

impl ExactSizeIterator for Values<'_> {}
impl FusedIterator for Values<'_> {}

/// Own columns sort behind those of the template.
const OWN: u32 = 0x1_0000;

#[inline]
pub(super) fn sort_key(fid: u16, word: u16) -> u32 {
    u32::from(fid) | if word & DERIVED == 0 { OWN } else { 0 }
}

#[inline]
fn words([a, b, c, d]: [u8; 4]) -> [u16; 2] {
    [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])]
}

#[inline]
pub(super) fn offset_mask(large: bool) -> u16 {
    if large { 0x7FFF } else { 0x1FFF }
}

/// Whether the data of an entry begins with a header byte.
#[inline]
fn has_header(word: u16, large: bool) -> bool {
    large || word & (EXTENDED | NULL) == EXTENDED
}
