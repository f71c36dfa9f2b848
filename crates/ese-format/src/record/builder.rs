//! Writes records, in the forms that engines write and that [`super::Record`] reads.
//!
//! Columns of each class are added in the order of their numbers; fixed and variable ones without
//! a gap, from the first on. The form of a tagged column follows its values: no header byte where
//! small pages can do without, the short form for two values of a type that is not long on small
//! pages, offsets for other numbers of values. Source: ESE `TAGFLD` (tagfld.cxx).

use alloc::vec::Vec;

use thiserror::Error;

use super::tagged::{DERIVED, EXTENDED, NULL, SEPARATED, TagHeader, offset_mask, sort_key};
use super::{Record, StoredValue, VARIABLE_NULL};
use crate::column::ColumnId;

/// Why a record cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordBuildError {
    /// More fixed or variable columns than there are numbers.
    #[error("too many fixed or variable columns")]
    TooManyColumns,
    /// Offsets or lengths do not fit into their fields.
    #[error("the record is too long")]
    TooLong,
    /// A tagged column is not above the one in front of it (those of a template come first).
    #[error("tagged column {0} is out of order")]
    Order(u16),
    /// No form can hold these values: none at all, an encrypted one among several, a compressed
    /// one that is not the first.
    #[error("the values of tagged column {0} have no form")]
    Values(u16),
}

/// A record that is being put together.
#[derive(Debug, Clone)]
pub struct RecordBuilder {
    large: bool,
    fixed: Vec<u8>,
    fixed_nulls: Vec<bool>,
    variable_ends: Vec<u16>,
    variable: Vec<u8>,
    /// Columns with their flags, and their data with its header byte.
    tagged: Vec<(u16, u16, Vec<u8>)>,
    fault: Option<RecordBuildError>,
}

impl RecordBuilder {
    /// An empty record. `large_pages`: whether the database's pages have more than 8 KiB.
    pub fn new(large_pages: bool) -> Self {
        Self {
            large: large_pages,
            fixed: Vec::new(),
            fixed_nulls: Vec::new(),
            variable_ends: Vec::new(),
            variable: Vec::new(),
            tagged: Vec::new(),
            fault: None,
        }
    }

    /// The next fixed column, which lies behind the last one without a gap.
    #[must_use]
    pub fn fixed(mut self, bytes: &[u8]) -> Self {
        self.fixed.extend_from_slice(bytes);
        self.fixed_nulls.push(false);
        self
    }

    /// The next fixed column, null, with `bytes` of no meaning in its place.
    #[must_use]
    pub fn fixed_null(mut self, bytes: &[u8]) -> Self {
        self.fixed.extend_from_slice(bytes);
        self.fixed_nulls.push(true);
        self
    }

    /// The next variable column; `None` for null.
    #[must_use]
    pub fn variable(mut self, bytes: Option<&[u8]>) -> Self {
        self.variable.extend_from_slice(bytes.unwrap_or_default());
        match u16::try_from(self.variable.len()) {
            Ok(end) if end & VARIABLE_NULL == 0 => {
                self.variable_ends.push(if bytes.is_none() { end | VARIABLE_NULL } else { end });
            }
            _ => self.fail(RecordBuildError::TooLong),
        }
        self
    }

    /// A tagged column with these values. `long`: whether its type is long.
    #[must_use]
    pub fn tagged(self, column: ColumnId, long: bool, values: &[StoredValue<'_>]) -> Self {
        let mut header = if long { TagHeader::LONG_VALUE } else { TagHeader::empty() };
        let data = match values {
            [value] => Some(single(*value, &mut header)),
            [StoredValue::Plain(first), StoredValue::Plain(second)]
                if !self.large && !long && first.len() < 256 =>
            {
                header |= TagHeader::MULTI_VALUES | TagHeader::TWO_VALUES;
                let len = u8::try_from(first.len()).unwrap_or_default();
                Some([&[len][..], first, second].concat())
            }
            _ => several(values, &mut header),
        };
        match data {
            Some(data) => self.tagged_parts(column, header, &data),
            None => self.failed(RecordBuildError::Values(column.fid)),
        }
    }

    /// A tagged column that is null in spite of its default value.
    #[must_use]
    pub fn tagged_null(self, column: ColumnId) -> Self {
        self.tagged_parts(column, TagHeader::NULL, &[])
    }

    /// A tagged column with this header byte and what follows it, whatever they are.
    #[must_use]
    pub fn tagged_parts(mut self, column: ColumnId, header: TagHeader, data: &[u8]) -> Self {
        let mut flags = if column.template { DERIVED } else { 0 };
        let mut bytes = Vec::with_capacity(1 + data.len());
        if self.large {
            bytes.push(header.bits());
        } else if header == TagHeader::NULL {
            flags |= NULL;
        } else if !header.is_empty() {
            flags |= EXTENDED;
            bytes.push(header.bits());
        }
        bytes.extend_from_slice(data);
        let last = self.tagged.last().map_or(0, |(fid, flags, _)| sort_key(*fid, *flags));
        if sort_key(column.fid, flags) <= last {
            return self.failed(RecordBuildError::Order(column.fid));
        }
        self.tagged.push((column.fid, flags, bytes));
        self
    }

    /// The record.
    ///
    /// # Errors
    ///
    /// The first thing that could not be added, or that a field is too small for an offset.
    pub fn build(&self) -> Result<Vec<u8>, RecordBuildError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let number = |count: usize, first: u8| {
            let count = u8::try_from(count).map_err(|_| RecordBuildError::TooManyColumns)?;
            first.checked_add(count).ok_or(RecordBuildError::TooManyColumns)
        };
        let last_fixed = number(self.fixed_nulls.len(), 0)?;
        if last_fixed > Record::NO_VARIABLE {
            return Err(RecordBuildError::TooManyColumns);
        }
        let last_variable = number(self.variable_ends.len(), Record::NO_VARIABLE)?;
        let bitmap_end = Record::HEADER_LEN + self.fixed.len() + self.fixed_nulls.len().div_ceil(8);
        let bitmap_end = u16::try_from(bitmap_end).map_err(|_| RecordBuildError::TooLong)?;
        let mut out = Vec::new();
        out.extend([last_fixed, last_variable]);
        out.extend(bitmap_end.to_le_bytes());
        out.extend_from_slice(&self.fixed);
        for nulls in self.fixed_nulls.chunks(8) {
            // Bits beyond the last column are set, as the engine leaves them.
            let bits = nulls.iter().enumerate().filter(|(_, null)| !**null);
            out.push(bits.fold(0xFF, |byte, (bit, _)| byte & !(1 << bit)));
        }
        out.extend(self.variable_ends.iter().flat_map(|end| end.to_le_bytes()));
        out.extend_from_slice(&self.variable);
        let mut at = 4 * self.tagged.len();
        for (fid, flags, data) in &self.tagged {
            let offset = u16::try_from(at).map_err(|_| RecordBuildError::TooLong)?;
            if offset > offset_mask(self.large) {
                return Err(RecordBuildError::TooLong);
            }
            out.extend(fid.to_le_bytes());
            out.extend((offset | flags).to_le_bytes());
            at += data.len();
        }
        out.extend(self.tagged.iter().flat_map(|(_, _, data)| data));
        Ok(out)
    }

    fn fail(&mut self, fault: RecordBuildError) {
        self.fault.get_or_insert(fault);
    }

    fn failed(mut self, fault: RecordBuildError) -> Self {
        self.fail(fault);
        self
    }
}

fn single(value: StoredValue<'_>, header: &mut TagHeader) -> Vec<u8> {
    match value {
        StoredValue::Plain(bytes) => bytes.to_vec(),
        StoredValue::Compressed(bytes) => {
            *header |= TagHeader::COMPRESSED;
            bytes.to_vec()
        }
        StoredValue::Separated(lid) => {
            *header |= TagHeader::SEPARATED;
            lid.to_record().to_vec()
        }
        StoredValue::Encrypted(bytes) => {
            *header |= TagHeader::ENCRYPTED;
            bytes.to_vec()
        }
    }
}

/// Offsets and values; `None` if they cannot be written so.
fn several(values: &[StoredValue<'_>], header: &mut TagHeader) -> Option<Vec<u8>> {
    if values.is_empty() {
        return None;
    }
    *header |= TagHeader::MULTI_VALUES;
    let (mut offsets, mut data) = (Vec::new(), Vec::new());
    for (index, value) in values.iter().enumerate() {
        let at = u16::try_from(2 * values.len() + data.len()).ok()?;
        let mut mark = 0;
        match value {
            StoredValue::Plain(bytes) => data.extend_from_slice(bytes),
            StoredValue::Compressed(bytes) if index == 0 => {
                *header |= TagHeader::COMPRESSED;
                data.extend_from_slice(bytes);
            }
            StoredValue::Separated(lid) => {
                mark = SEPARATED;
                data.extend_from_slice(&lid.to_record());
            }
            StoredValue::Compressed(_) | StoredValue::Encrypted(_) => return None,
        }
        offsets.extend((at & SEPARATED == 0).then_some(at | mark)?.to_le_bytes());
    }
    offsets.append(&mut data);
    Some(offsets)
}
