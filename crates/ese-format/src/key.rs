//! Keys of indexes: what the values of a record become in a key (ESE: normalisation).
//!
//! A key is a row of segments, one for each column of the index, made so that keys compare byte by
//! byte as their values do. The whole key is cut at a length that the index says (255 bytes unless
//! it says another).
//!
//! ```text
//! segment = prefix, value
//!
//! prefix  00   NULL, nothing follows          C0  the same where an index sorts NULL high
//!         40   text or binary of no bytes     7F  a value follows
//!
//! value   integers    big-endian, sign bit flipped      Bit         00 or FF
//!         floats      the same, but all bits of a negative number are flipped
//!         GUID        bytes 10-15, 8-9, 6-7, 4-5, 0-3 (or in the order of .NET)
//!         text        a-z as A-Z up to the first NUL, then 00; the last byte of a cut one is odd
//!         Unicode     a sort key of Windows, which ends with 00
//!         binary      8 bytes, 09, 8 bytes, 09, ... last 1-8 bytes filled up with 00, their number
//!         binary in the fixed part of a record: as it is
//! descending: every byte of the segment is complemented, the prefix too
//! ```
//!
//! [`KeyDefinition`] says how an index makes keys. [`KeyBuilder::for_each_key`] gives every key
//! that a record has in the index: none, one, or one for each value of a multi-valued column or
//! for each piece of a text (tuple index). The values come from a [`KeySource`].
//!
//! The sort keys of Unicode text need the tables of Windows. Where a [`Collation`] has them every
//! key is exact. Without one a [`Key`] with such text is a pattern: it is compared with a stored
//! key by [`Key::matches`], or both are reduced to a skeleton, in which one byte stands for each
//! sort key ([`Key::skeleton`], [`KeyDefinition::skeleton`]); then sums over all skeletons of an
//! index can be compared without looking up each entry.
//!
//! ```
//! use core::convert::Infallible;
//! use ese_format::column::{ColumnId, ColumnType};
//! use ese_format::key::{
//!     KeyBuilder, KeyColumn, KeyDefinition, KeyDescription, KeySource, Request, Segment,
//! };
//!
//! struct Record(i32, &'static str);
//!
//! impl KeySource for Record {
//!     type Error = Infallible;
//!     fn value<'v>(
//!         &'v mut self,
//!         column: &KeyColumn,
//!         _request: Request,
//!         scratch: &'v mut Vec<u8>,
//!     ) -> Result<Option<&'v [u8]>, Infallible> {
//!         if column.slot == 1 {
//!             return Ok(Some(self.1.as_bytes()));
//!         }
//!         scratch.extend(self.0.to_le_bytes());
//!         Ok(Some(scratch))
//!     }
//! }
//!
//! let id = KeyColumn::new(ColumnId::own(1), ColumnType::Long);
//! let name = KeyColumn { slot: 1, ..KeyColumn::new(ColumnId::own(128), ColumnType::Text) };
//! let definition = KeyDefinition::new(KeyDescription {
//!     segments: vec![Segment::descending(id), Segment::ascending(name)],
//!     ..KeyDescription::default()
//! })?;
//! KeyBuilder::new().for_each_key(&definition, &mut Record(104, "Mike"), |key| {
//!     assert_eq!(key.exact(), Some(&b"\x80\x7F\xFF\xFF\x97\x7FMIKE\0"[..]));
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Source: ESE `ErrRECIRetrieveKey` (fldnorm.cxx), `ErrRECIEnumerateKeys` (recupd.cxx),
//! `KeySequence` (rec.hxx), `ErrUtilNormText` (normu.cxx), `ErrNORMMapString` (norm.cxx).

mod arena;
mod binary;
mod builder;
mod collation;
mod definition;
mod pattern;
mod scalar;
mod search;
mod segment;
mod stored;
mod text;

pub use builder::{KeyBuilder, KeyError, KeySource, MAX_KEY_BYTES, MAX_KEYS, Request};
pub use collation::Collation;
pub use definition::{
    Condition, DEFAULT_KEY_MOST, DefinitionError, KeyColumn, KeyDefinition, KeyDescription,
    MAX_KEY_MOST, MAX_SEGMENTS, Segment, Tuples,
};
pub use pattern::Key;
pub use search::{SearchEnd, SearchError};
pub use stored::Skeleton;

#[cfg(test)]
mod tests;
