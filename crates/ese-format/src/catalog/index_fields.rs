//! Fields of an index's catalog row: key columns, conditions, tuple limits, sort version.
//!
//! ```text
//! key column, condition     0  1  flags: 80 template's, 40 descending, 20 must be null
//! (extended columns)        1  1  0
//!                           2  2  number of the column
//!
//! key column, condition     0  2  number, negative: descending or must be null
//! (before)
//!
//! tuple limits              u32 shortest, longest, characters looked at, step, start; the last
//!                           two are not in old rows
//! sort version              u32 defined version, u32 NLS version
//! ```
//!
//! Source: ESE `IDXSEG`, `LE_TUPLELIMITS` (idb.hxx, cat.hxx), `SORTIDANDVERSION` (cat.cxx).

use alloc::vec::Vec;

use thiserror::Error;

use crate::column::ColumnId;
use crate::le::u32_at;

const TEMPLATE: u8 = 0x80;
const DESCENDING: u8 = 0x40;
const MUST_BE_NULL: u8 = 0x20;

/// A field of an index's row that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IndexFieldError {
    /// Not a whole number of columns.
    #[error("{len} bytes are no list of columns of {each} bytes each")]
    ColumnList {
        /// Length of the field in bytes.
        len: usize,
        /// Bytes of one column.
        each: usize,
    },
    /// A column has the number 0, or one that can not be.
    #[error("column number {fid} in an index")]
    Column {
        /// The number.
        fid: i32,
    },
    /// Neither three nor five limits.
    #[error("tuple limits of {len} bytes")]
    TupleLimits {
        /// Length of the field in bytes.
        len: usize,
    },
    /// A field of a fixed length has another.
    #[error("{field} of {len} bytes")]
    Length {
        /// Name of the column of the catalog.
        field: &'static str,
        /// Length of the field in bytes.
        len: usize,
    },
}

/// A column of an index's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeySegment {
    /// The column.
    pub column: ColumnId,
    /// Whether the order is turned round.
    pub descending: bool,
}

/// A condition for a record to have entries in an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConditionalColumn {
    /// The column.
    pub column: ColumnId,
    /// Whether it must be null; otherwise it must not be.
    pub must_be_null: bool,
}

/// Limits of an index over parts of a text. In characters, or bytes for binary columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TupleLimits {
    /// Shortest part that has an entry.
    pub min_len: u32,
    /// Longest part.
    pub max_len: u32,
    /// Number of parts a value has at most.
    pub max_to_index: u32,
    /// From the beginning of a part to that of the next.
    pub increment: u32,
    /// Where the first part begins.
    pub start: u32,
}

impl TupleLimits {
    /// Reads the field `TupleLimits`.
    ///
    /// # Errors
    ///
    /// That it has neither three nor five numbers.
    pub fn parse(bytes: &[u8]) -> Result<Self, IndexFieldError> {
        let old = match bytes.len() {
            12 => true,
            20 => false,
            len => return Err(IndexFieldError::TupleLimits { len }),
        };
        Ok(Self {
            min_len: u32_at(bytes, 0),
            max_len: u32_at(bytes, 4),
            max_to_index: u32_at(bytes, 8),
            increment: if old { 1 } else { u32_at(bytes, 12) },
            start: if old { 0 } else { u32_at(bytes, 16) },
        })
    }

    /// The field, with all five numbers.
    pub fn to_bytes(self) -> Vec<u8> {
        [self.min_len, self.max_len, self.max_to_index, self.increment, self.start]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect()
    }
}

/// Version of the sort order that an index of Unicode text was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SortVersion {
    /// Which characters the order defines.
    pub defined: u32,
    /// Version of the order.
    pub nls: u32,
}

impl SortVersion {
    /// Reads the field `Version`; `None` if it has not eight bytes.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == 8).then(|| Self { defined: u32_at(bytes, 0), nls: u32_at(bytes, 4) })
    }
}

/// Reads the field `KeyFldIDs`. `extended`: whether the index has
/// [`super::IndexFlags::EXTENDED_COLUMNS`].
///
/// # Errors
///
/// That it is not a whole number of columns, or that a column's number is out of range.
pub fn parse_key_fields(bytes: &[u8], extended: bool) -> Result<Vec<KeySegment>, IndexFieldError> {
    columns(bytes, extended, DESCENDING, |column, descending| KeySegment { column, descending })
}

/// Reads the field `ConditionalColumns`, whose form is that of `KeyFldIDs`.
///
/// # Errors
///
/// As [`parse_key_fields`].
pub fn parse_conditional_columns(
    bytes: &[u8],
    extended: bool,
) -> Result<Vec<ConditionalColumn>, IndexFieldError> {
    columns(bytes, extended, MUST_BE_NULL, |column, must_be_null| ConditionalColumn {
        column,
        must_be_null,
    })
}

fn columns<T>(
    bytes: &[u8],
    extended: bool,
    mark: u8,
    make: fn(ColumnId, bool) -> T,
) -> Result<Vec<T>, IndexFieldError> {
    let each = if extended { 4 } else { 2 };
    if !bytes.len().is_multiple_of(each) {
        return Err(IndexFieldError::ColumnList { len: bytes.len(), each });
    }
    let column = |fid: u16, template: bool| {
        let column = ColumnId { template, fid };
        let sound = (ColumnId::FIRST_FIXED..=ColumnId::LAST).contains(&fid);
        sound.then_some(column).ok_or(IndexFieldError::Column { fid: fid.into() })
    };
    if extended {
        let (segments, _) = bytes.as_chunks::<4>();
        return segments
            .iter()
            .map(|[flags, _, low, high]| {
                let fid = u16::from_le_bytes([*low, *high]);
                Ok(make(column(fid, flags & TEMPLATE != 0)?, flags & mark != 0))
            })
            .collect();
    }
    let (segments, _) = bytes.as_chunks::<2>();
    segments
        .iter()
        .map(|segment| {
            let number = i16::from_le_bytes(*segment);
            Ok(make(column(number.unsigned_abs(), false)?, number < 0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn own(fid: u16, descending: bool) -> KeySegment {
        KeySegment { column: ColumnId::own(fid), descending }
    }

    #[test]
    fn key_columns_of_both_forms_are_read() {
        let new = [0, 0, 6, 0, 0x40, 0, 8, 0, 0, 0, 7, 0, 0x80, 0, 0, 1];
        let template = ColumnId { template: true, fid: 256 };
        assert_eq!(
            parse_key_fields(&new, true).unwrap(),
            [
                own(6, false),
                own(8, true),
                own(7, false),
                KeySegment { column: template, descending: false }
            ]
        );
        let old = [6, 0, 0xF8, 0xFF];
        assert_eq!(parse_key_fields(&old, false).unwrap(), [own(6, false), own(8, true)]);
        assert_eq!(parse_key_fields(&[], true), Ok(Vec::new()));
    }

    #[test]
    fn conditions_of_both_forms_are_read() {
        let condition =
            |fid, must_be_null| ConditionalColumn { column: ColumnId::own(fid), must_be_null };
        let new = [0, 0, 2, 1, 0x20, 0, 5, 1];
        let conditions = parse_conditional_columns(&new, true).unwrap();
        assert_eq!(conditions, [condition(0x102, false), condition(0x105, true)]);
        let old = [0xFE, 0xFE, 5, 1];
        let conditions = parse_conditional_columns(&old, false).unwrap();
        assert_eq!(conditions, [condition(0x102, true), condition(0x105, false)]);
    }

    #[test]
    fn lists_that_are_not_sound_are_refused() {
        let list = |len, each| Err(IndexFieldError::ColumnList { len, each });
        assert_eq!(parse_key_fields(&[0, 0, 6], true), list(3, 4));
        assert_eq!(parse_key_fields(&[6], false), list(1, 2));
        let column = |fid| Err(IndexFieldError::Column { fid });
        assert_eq!(parse_key_fields(&[0; 4], true), column(0));
        assert_eq!(parse_key_fields(&[0, 0, 0xE1, 0xFE], true), column(0xFEE1));
        assert_eq!(parse_key_fields(&[0; 2], false), column(0));
    }

    #[test]
    fn old_tuple_limits_have_three_numbers() {
        let new = [3, 0, 0, 0, 8, 0, 0, 0, 60, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0];
        let limits = TupleLimits::parse(&new).unwrap();
        let expected =
            TupleLimits { min_len: 3, max_len: 8, max_to_index: 60, increment: 2, start: 1 };
        assert_eq!(limits, expected);
        assert_eq!(limits.to_bytes(), new);
        let old = TupleLimits::parse(&new[..12]).unwrap();
        assert_eq!(old, TupleLimits { increment: 1, start: 0, ..expected });
        assert_eq!(TupleLimits::parse(&new[..16]), Err(IndexFieldError::TupleLimits { len: 16 }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_list_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..70),
            extended in any::<bool>(),
        ) {
            if let Ok(segments) = parse_key_fields(&bytes, extended) {
                prop_assert_eq!(segments.len() * if extended { 4 } else { 2 }, bytes.len());
            }
            let _ = parse_conditional_columns(&bytes, extended);
            let _ = TupleLimits::parse(&bytes);
        }
    }
}
