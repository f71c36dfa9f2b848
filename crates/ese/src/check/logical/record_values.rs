//! The values of one record, as keys are made of them.

use ese_format::column::ColumnClass;
use ese_format::compression::{CompressionError, Scheme, decompress, scheme};
use ese_format::key::{KeyColumn, KeySource, Request};
use ese_format::long_value::Lid;
use ese_format::record::{Record, RecordError, Stored, StoredValue};

use super::rules::TableRules;
use crate::long_value::{LongValue, LongValueError};
use crate::{Error, Tree};

/// Why a value of a record cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum ValueError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Compression(#[from] CompressionError),
    #[error("the table has no tree of long values for {0}")]
    NoLongValues(Lid),
    #[error("long value {lid}: {what}")]
    LongValue { lid: Lid, what: LongValueError },
    #[error(transparent)]
    Tree(Error),
    #[error("it is encrypted")]
    Encrypted,
}

impl ValueError {
    /// Whether the value may be sound, and is only not understood here.
    pub(super) fn is_opaque(&self) -> bool {
        match self {
            Self::Compression(error)
            | Self::LongValue { what: LongValueError::Compression { source: error, .. }, .. } => {
                is_opaque(error)
            }
            Self::Encrypted | Self::LongValue { what: LongValueError::Encrypted, .. } => true,
            _ => false,
        }
    }
}

impl From<Error> for ValueError {
    fn from(error: Error) -> Self {
        match error {
            Error::LongValue { lid, what, .. } => Self::LongValue { lid, what },
            other => Self::Tree(other),
        }
    }
}

/// Whether compressed data may be sound, and is only not understood here.
pub(super) fn is_opaque(error: &CompressionError) -> bool {
    match error {
        CompressionError::Scrubbed => true,
        CompressionError::Unsupported { first } => !matches!(scheme(*first), Scheme::Unknown(_)),
        _ => false,
    }
}

/// A record, with its table's long values.
#[derive(Debug)]
pub(super) struct RecordValues<'r> {
    pub(super) rules: &'r TableRules,
    pub(super) record: Record<'r>,
    pub(super) long_values: Option<&'r Tree>,
}

impl KeySource for RecordValues<'_> {
    type Error = ValueError;

    fn value<'v>(
        &'v mut self,
        column: &KeyColumn,
        request: Request,
        scratch: &'v mut Vec<u8>,
    ) -> Result<Option<&'v [u8]>, ValueError> {
        let Some((rule, column)) = self.rules.column(column.slot) else { return Ok(None) };
        let absent = if request.number == 1 { column.default_bytes() } else { None };
        let fid = rule.id.fid;
        let untagged = match rule.id.class() {
            ColumnClass::Fixed => self.record.fixed(fid, rule.fixed.start, rule.fixed.len())?,
            ColumnClass::Variable => self.record.variable(fid),
            ColumnClass::Tagged => {
                let Some(entry) = rule.entry(&self.record) else { return Ok(absent) };
                let index = usize::try_from(request.number).unwrap_or(usize::MAX);
                let Some(value) = entry.values()?.get(index.wrapping_sub(1)) else {
                    return Ok(None);
                };
                return self.stored(value, request.limit, scratch).map(Some);
            }
        };
        Ok(match untagged {
            Stored::Absent => absent,
            Stored::Null => None,
            Stored::Value(bytes) => (request.number == 1).then_some(bytes),
        })
    }
}

impl<'r> RecordValues<'r> {
    /// The bytes of a tagged value, at least the first `limit`.
    fn stored<'v>(
        &'v self,
        value: StoredValue<'r>,
        limit: usize,
        scratch: &'v mut Vec<u8>,
    ) -> Result<&'v [u8], ValueError> {
        match value {
            StoredValue::Plain(bytes) => return Ok(bytes),
            // Only whether there is a value matters.
            _ if limit == 0 => return Ok(&[]),
            StoredValue::Compressed(bytes) => decompress(bytes, scratch)?,
            StoredValue::Encrypted(_) => return Err(ValueError::Encrypted),
            StoredValue::Separated(lid) => {
                let tree = self.long_values.ok_or(ValueError::NoLongValues(lid))?;
                let (mut value, mut chunk) = (LongValue::open(tree, lid)?, Vec::new());
                while scratch.len() < limit && value.next_chunk(&mut chunk)? {
                    scratch.extend_from_slice(&chunk);
                }
            }
        }
        Ok(scratch)
    }
}
