//! How long a log record is, and why one cannot be read.
//!
//! The length of a record follows from the fixed part of it alone: the type's size and the length
//! fields in it. Source: ESE `CbLGSizeOfRec` (logread.cxx).

use super::RecordKind;
use crate::le::{u16_at, u32_at};

/// Why bytes are no log record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// There are no bytes.
    #[error("no bytes where a record should begin")]
    Empty,
    /// The type is none that is known.
    #[error("unknown record type {}, the highest known is 101", kind.0)]
    UnknownKind {
        /// The type.
        kind: RecordKind,
    },
    /// The type was given up so long ago that nothing tells its size.
    #[error("{kind} record: nothing tells the size of this obsolete type")]
    SizeUnknown {
        /// The type.
        kind: RecordKind,
    },
    /// The bytes end in the record.
    #[error("{kind} record of at least {needed} bytes, found {found}")]
    Truncated {
        /// The type.
        kind: RecordKind,
        /// Bytes that it has, or at least has.
        needed: usize,
        /// Bytes there are.
        found: usize,
    },
    /// The record's own length does not leave room for its fields.
    #[error("{kind} record says it has {len} bytes, its fields need {needed}")]
    TooShort {
        /// The type.
        kind: RecordKind,
        /// Bytes that it says it has.
        len: usize,
        /// Bytes that its fields take.
        needed: usize,
    },
    /// A field has a value that has no meaning.
    #[error("{kind} record: {field} is {value}")]
    Value {
        /// The type.
        kind: RecordKind,
        /// The field, by its name in the engine.
        field: &'static str,
        /// What it holds.
        value: u32,
    },
    /// A piece of a record, to be joined with the others before.
    #[error("{kind}: a piece of a record and no record")]
    Fragment {
        /// The type.
        kind: RecordKind,
    },
}

/// Length of the record that `bytes` begin with. They need hold no more than its fixed part; what
/// comes back may be more than there is.
pub fn record_len(bytes: &[u8]) -> Result<usize, RecordError> {
    let kind = RecordKind(*bytes.first().ok_or(RecordError::Empty)?);
    let Some(fixed) = kind.fixed_len() else {
        return Err(match kind.name() {
            Some(_) => RecordError::SizeUnknown { kind },
            None => RecordError::UnknownKind { kind },
        });
    };
    if bytes.len() < fixed {
        return Err(RecordError::Truncated { kind, needed: fixed, found: bytes.len() });
    }
    Ok(fixed.saturating_add(variable_len(kind, bytes)))
}

/// Bytes behind the fixed part, which is there.
#[inline]
fn variable_len(kind: RecordKind, bytes: &[u8]) -> usize {
    let short = |at| usize::from(u16_at(bytes, at));
    let long = |at| usize::try_from(u32_at(bytes, at)).unwrap_or(usize::MAX);
    match kind {
        RecordKind::INSERT => short(44) + short(46) + short(48),
        RecordKind::REPLACE | RecordKind::REPLACE_D => short(44) & 0x7FFF,
        RecordKind::FLAG_INSERT
        | RecordKind::FLAG_INSERT_AND_REPLACE_DATA
        | RecordKind::DELTA
        | RecordKind::DELTA64
        | RecordKind::UNDO => short(44) + short(46),
        RecordKind::UNDO_INFO => short(44) + short(46) + short(54),
        RecordKind::SET_EXTERNAL_HEADER | RecordKind::EMPTY_TREE => short(44),
        RecordKind::SPLIT => short(96) + short(98) + short(100),
        RecordKind::SPLIT2 => (short(96) + short(98) + short(100)).saturating_add(long(106)),
        RecordKind::MERGE => short(86),
        RecordKind::MERGE2 => short(86).saturating_add(long(92)),
        RecordKind::PAGE_MOVE => long(88).saturating_add(long(92)),
        RecordKind::SCRUB => short(52),
        RecordKind::CREATE_DB => {
            let version = bytes.get(42).is_some_and(|flags| flags & 4 != 0);
            short(40) + if version { 4 } else { 0 }
        }
        RecordKind::ATTACH_DB => short(72),
        RecordKind::DETACH_DB => short(4),
        RecordKind::FULL_BACKUP
        | RecordKind::INC_BACKUP
        | RecordKind::EXT_RESTORE
        | RecordKind::EXT_RESTORE2
        | RecordKind::FRAGMENT => short(1),
        RecordKind::BACKUP | RecordKind::TRACE | RecordKind::FORCE_LOG_ROLLOVER => short(3),
        RecordKind::BACKUP2 => short(33),
        RecordKind::FRAGMENT_BEGIN => short(5),
        RecordKind::PREP_COMMIT => long(3),
        kind if kind.is_skippable() => long(1),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn lengths_follow_from_the_fixed_part() {
        assert_eq!(record_len(&[]), Err(RecordError::Empty));
        assert_eq!(record_len(&[0]), Ok(1));
        assert_eq!(
            record_len(&[29, 0]),
            Err(RecordError::Truncated { kind: RecordKind::INSERT, needed: 50, found: 2 }),
        );
        let mut insert = vec![0; 50];
        insert[0] = 29;
        (insert[44], insert[46], insert[48]) = (1, 2, 3);
        assert_eq!(record_len(&insert), Ok(56));
        assert_eq!(record_len(&[71, 3, 1, 0, 0]), Ok(5 + 0x103));
        assert_eq!(record_len(&[69, 9, 0, 0, 0]), Ok(14));
        assert_eq!(record_len(&[77, 9, 1]), Ok(3 + 0x109));
    }

    #[test]
    fn highest_bit_of_a_replacement_is_no_length() {
        let mut replace = vec![0; 50];
        replace[0] = 34;
        (replace[44], replace[45]) = (7, 0x80);
        assert_eq!(record_len(&replace), Ok(57));
    }

    #[test]
    fn types_without_a_size_are_errors() {
        let kind = RecordKind(102);
        assert_eq!(record_len(&[102; 80]), Err(RecordError::UnknownKind { kind }));
        let kind = RecordKind::SLV_SPACE;
        assert_eq!(record_len(&[41; 80]), Err(RecordError::SizeUnknown { kind }));
    }

    #[test]
    fn every_type_with_a_size_has_a_length() {
        for kind in RecordKind::all() {
            let mut bytes = vec![0; 600];
            bytes[0] = kind.0;
            assert_eq!(record_len(&bytes).ok(), kind.fixed_len(), "{kind}");
        }
    }
}
