//! Records: the data of the leaf nodes of a table's primary tree.
//!
//! ```text
//! 0   1  highest fixed column present, 0 to 127; 0: none
//! 1   1  highest variable column present, 127 to 255; 127: none
//! 2   2  offset of the end of the null bitmap
//! 4   .  fixed columns 1 to the highest, each at its offset, null ones too
//! .   .  null bitmap: bit n - 1 (lowest bit first) is set if fixed column n is null; bits
//!        beyond the last column are set
//! .   2n ends of the variable columns from 128 on; bit 15: null. Relative to the next field
//! .   .  data of the variable columns
//! .   4n directory of the tagged columns that the record has, see [`TaggedEntry`]
//! .   .  data of the tagged columns, to the end of the record
//! ```
//!
//! The record says nothing about types, sizes and offsets of fixed columns: those are the
//! catalog's. A column above the highest one of its class, and a tagged one without an entry, has
//! its default value. Columns that were deleted from the table keep their place in old records.
//!
//! [`Record::parse`] looks at the frame once, without allocating; the accessors only slice.
//! Source: ESE `REC` (rec.hxx), `TAGFLD`, `TAGFLD_HEADER`, `MULTIVALUES` (tagfld.hxx).

mod builder;
mod tagged;

use core::ops::Range;

use thiserror::Error;

use crate::column::ColumnId;
use crate::le::u16_at;

pub use builder::{RecordBuildError, RecordBuilder};
pub use tagged::{StoredValue, TagHeader, TaggedEntries, TaggedEntry, Values};

/// Why a record, or a part of it, cannot be read. Offsets and lengths are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// There is no room for the header.
    #[error("a record of {len} bytes has no room for its header")]
    TooShort {
        /// Length of the record.
        len: usize,
    },
    /// The header's three fields do not fit each other or the record.
    #[error(
        "the header of a record of {len} bytes says: last fixed column {last_fixed}, \
         last variable column {last_variable}, fixed part ends at {fixed_end}"
    )]
    Header {
        /// Highest fixed column.
        last_fixed: u8,
        /// Highest variable column.
        last_variable: u8,
        /// End of the null bitmap.
        fixed_end: u16,
        /// Length of the record.
        len: usize,
    },
    /// The array of ends reaches beyond the record.
    #[error("the ends of {columns} variable columns do not fit into a record of {len} bytes")]
    VariableEnds {
        /// Number of variable columns.
        columns: usize,
        /// Length of the record.
        len: usize,
    },
    /// A variable column ends in front of its beginning or beyond the record.
    #[error("variable column {fid} ends at {end}, which is out of place")]
    VariableEnd {
        /// The column.
        fid: u16,
        /// Its end, relative to the first variable column's data.
        end: u16,
    },
    /// The directory's length, which its first entry tells, is not sound.
    #[error(
        "the first tagged value lies at {first} of {len} bytes, which is no end of a directory"
    )]
    Directory {
        /// Offset of the first entry's data from the beginning of the directory.
        first: u16,
        /// Bytes of the directory and the data.
        len: usize,
    },
    /// An entry of the directory is not above the one in front of it.
    #[error("tagged column {fid} is out of order")]
    TaggedOrder {
        /// The column.
        fid: u16,
    },
    /// An entry's data begins in front of the last entry's, or beyond the record.
    #[error("the data of tagged column {fid} lies at {at}, which is out of place")]
    TaggedOffset {
        /// The column.
        fid: u16,
        /// Offset of the data from the beginning of the directory.
        at: u16,
    },
    /// An entry's header byte is missing.
    #[error("tagged column {fid} has no header byte")]
    TaggedHeader {
        /// The column.
        fid: u16,
    },
    /// The offsets of several values are not sound.
    #[error("the offsets of the values of tagged column {fid} are not sound")]
    ValueOffsets {
        /// The column.
        fid: u16,
    },
    /// The id of a separated value has neither four nor eight bytes.
    #[error("tagged column {fid} refers to a long value by {len} bytes")]
    LongValueId {
        /// The column.
        fid: u16,
        /// Length of the id.
        len: usize,
    },
    /// A fixed column reaches out of the fixed part.
    #[error("fixed column {fid} lies at {at} to {end}, but the fixed part is 4 to {fixed_end}")]
    FixedOutside {
        /// The column.
        fid: u16,
        /// Its beginning.
        at: usize,
        /// Its end.
        end: usize,
        /// Beginning of the null bitmap.
        fixed_end: usize,
    },
}

/// What a record says about a fixed or variable column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored<T> {
    /// The record does not reach the column: it has its default value.
    Absent,
    /// The column is null, whatever its default.
    Null,
    /// The value.
    Value(T),
}

impl<T> Stored<T> {
    /// The value, if there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

/// A record whose frame is sound.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    data: &'a [u8],
    /// Highest fixed and highest variable column.
    last: [u8; 2],
    /// Beginning of the null bitmap.
    fixed_end: usize,
    null_bitmap: &'a [u8],
    variable_ends: &'a [[u8; 2]],
    variable_data: &'a [u8],
    tagged: TaggedEntries<'a>,
}

impl<'a> Record<'a> {
    /// Bytes of the header.
    const HEADER_LEN: usize = 4;
    /// The highest variable column of a record without variable columns.
    const NO_VARIABLE: u8 = 127;

    /// Looks at a record: header, null bitmap, ends of variable columns, directory of tagged
    /// columns. `large_pages`: whether the database's pages have more than 8 KiB, on which the
    /// form of the directory depends.
    ///
    /// # Errors
    ///
    /// The first place where the frame is not sound. The several values of one tagged column are
    /// looked at by [`TaggedEntry::values`] only.
    pub fn parse(data: &'a [u8], large_pages: bool) -> Result<Self, RecordError> {
        let len = data.len();
        let [last_fixed, last_variable, ..] =
            *data.first_chunk::<4>().ok_or(RecordError::TooShort { len })?;
        let bitmap_end = u16_at(data, 2);
        let bad_header =
            RecordError::Header { last_fixed, last_variable, fixed_end: bitmap_end, len };
        let bitmap_len = usize::from(last_fixed).div_ceil(8);
        let fixed_end = usize::from(bitmap_end)
            .checked_sub(bitmap_len)
            .filter(|end| *end >= Self::HEADER_LEN && last_fixed <= Self::NO_VARIABLE)
            .ok_or(bad_header)?;
        let (fixed, rest) = data.split_at_checked(bitmap_end.into()).ok_or(bad_header)?;
        let columns = usize::from(last_variable.checked_sub(Self::NO_VARIABLE).ok_or(bad_header)?);
        let (ends, rest) =
            rest.split_at_checked(2 * columns).ok_or(RecordError::VariableEnds { columns, len })?;
        let (variable_ends, _) = ends.as_chunks::<2>();
        let mut last_end = 0;
        for (fid, end) in (ColumnId::FIRST_VARIABLE..).zip(variable_ends) {
            let end = variable_end(*end);
            if end < last_end || usize::from(end) > rest.len() {
                return Err(RecordError::VariableEnd { fid, end });
            }
            last_end = end;
        }
        let (variable_data, tagged) = rest.split_at_checked(last_end.into()).unwrap_or_default();
        Ok(Self {
            data,
            last: [last_fixed, last_variable],
            fixed_end,
            null_bitmap: fixed.get(fixed_end..).unwrap_or_default(),
            variable_ends,
            variable_data,
            tagged: TaggedEntries::parse(tagged, large_pages)?,
        })
    }

    /// All bytes of the record.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The highest fixed column that the record reaches; 0 if none.
    pub fn last_fixed(&self) -> u16 {
        let [last, _] = self.last;
        last.into()
    }

    /// The highest variable column that the record reaches; 127 if none.
    pub fn last_variable(&self) -> u16 {
        let [_, last] = self.last;
        last.into()
    }

    /// Where the fixed columns end and the null bitmap begins, in bytes from the record's
    /// beginning.
    pub fn fixed_end(&self) -> usize {
        self.fixed_end
    }

    /// Fixed column `fid`, which has `len` bytes at `offset` of the record.
    ///
    /// # Errors
    ///
    /// That the record reaches the column, but its fixed part does not: the catalog's offset is
    /// not the record's.
    #[inline]
    pub fn fixed(
        &self,
        fid: u16,
        offset: usize,
        len: usize,
    ) -> Result<Stored<&'a [u8]>, RecordError> {
        if fid == 0 || fid > self.last_fixed() {
            return Ok(Stored::Absent);
        }
        if self.is_fixed_null(fid) {
            return Ok(Stored::Null);
        }
        let end = offset.saturating_add(len);
        let outside = RecordError::FixedOutside { fid, at: offset, end, fixed_end: self.fixed_end };
        if offset < Self::HEADER_LEN || end > self.fixed_end {
            return Err(outside);
        }
        self.data.get(offset..end).map(Stored::Value).ok_or(outside)
    }

    /// Whether the null bit of fixed column `fid` is set; false beyond the record's last.
    pub fn is_fixed_null(&self, fid: u16) -> bool {
        let bit = usize::from(fid).wrapping_sub(1);
        self.null_bitmap.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 != 0)
    }

    /// Variable column `fid`.
    #[inline]
    pub fn variable(&self, fid: u16) -> Stored<&'a [u8]> {
        let index = usize::from(fid.wrapping_sub(ColumnId::FIRST_VARIABLE));
        let Some(end) = self.variable_ends.get(index) else {
            return Stored::Absent;
        };
        if u16::from_le_bytes(*end) & VARIABLE_NULL != 0 {
            return Stored::Null;
        }
        Stored::Value(self.variable_data.get(self.variable_range(fid)).unwrap_or_default())
    }

    /// Bytes that the record keeps for variable column `fid`, null or not; 0 beyond the last one.
    /// A null column should have none.
    pub fn variable_len(&self, fid: u16) -> usize {
        self.variable_range(fid).len()
    }

    fn variable_range(&self, fid: u16) -> Range<usize> {
        let index = usize::from(fid.wrapping_sub(ColumnId::FIRST_VARIABLE));
        let Some(end) = self.variable_ends.get(index) else {
            return 0..0;
        };
        let begin = index.checked_sub(1).and_then(|last| self.variable_ends.get(last));
        let begin = begin.map_or(0, |end| variable_end(*end));
        usize::from(begin)..usize::from(variable_end(*end))
    }

    /// The entry of a tagged column, if the record has one.
    ///
    /// In records of a table derived from a template, entries of the template's columns carry a
    /// mark, by which they differ from entries of own columns with the same number. Records of
    /// the template table itself carry no mark: ask for [`ColumnId::own`] there.
    #[inline]
    pub fn tagged(&self, column: ColumnId) -> Option<TaggedEntry<'a>> {
        self.tagged.find(column)
    }

    /// The entries of all tagged columns that the record has, in the directory's order: columns
    /// of the template first, then the table's own, each by number.
    #[inline]
    pub fn tagged_entries(&self) -> TaggedEntries<'a> {
        self.tagged
    }
}

/// Bit of a variable column's end that says that it is null.
const VARIABLE_NULL: u16 = 0x8000;

fn variable_end(word: [u8; 2]) -> u16 {
    u16::from_le_bytes(word) & !VARIABLE_NULL
}

#[cfg(test)]
mod tests;
