//! The databases that are attached where a log file begins, or where a checkpoint points.
//!
//! Entries one behind the other, without alignment; a byte 0 ends the list.
//!
//! ```text
//!  0   1  number of the database: 1 to 6; 0 ends the list
//!  1   1  flags: 0x20 the name is in UTF-16, 0x40 sparse file
//!  2   2  length of the name, its final zero counted
//!  4   8  the highest dbtime given out
//! 12   4  the last object id given out
//! 16   4  most pages that it may have; 0 is no limit
//! 20   8  where it was attached
//! 28   8  where it was last consistent; unset if that was in another stream
//! 36  28  its signature
//! 64      name, as it was given when it was attached
//! ```
//!
//! Source: ESE `ATTACHINFO` (log.hxx), `LGLoadAttachmentsFromFMP` (log.cxx).

use alloc::vec::Vec;

use super::record::DatabaseId;
use crate::le::{Fixed, array};
use crate::{DbTime, LogPosition, Signature};

/// A database of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachEntry<'a> {
    /// Its number.
    pub database: DatabaseId,
    /// Flags.
    pub flags: u8,
    /// The highest dbtime given out.
    pub dbtime: DbTime,
    /// The last object id given out.
    pub last_objid: u32,
    /// Most pages that it may have; 0 is no limit.
    pub max_pages: u32,
    /// Where it was attached.
    pub attach: LogPosition,
    /// Where it was last consistent.
    pub consistent: LogPosition,
    /// Its signature.
    pub signature: Signature,
    /// Its name, with the final zero.
    pub name: &'a [u8],
}

impl AttachEntry<'_> {
    /// Flag: the name is in UTF-16.
    pub const WIDE: u8 = 0x20;

    /// Appends the entry to `list`, which must not have its end yet.
    pub fn write(&self, list: &mut Vec<u8>) {
        let mut fixed = [0; FIXED];
        self.database.write(&mut fixed, 0);
        self.flags.write(&mut fixed, 1);
        u16::try_from(self.name.len()).unwrap_or(u16::MAX).write(&mut fixed, 2);
        self.dbtime.write(&mut fixed, 4);
        self.last_objid.write(&mut fixed, 12);
        self.max_pages.write(&mut fixed, 16);
        self.attach.write(&mut fixed, 20);
        self.consistent.write(&mut fixed, 28);
        self.signature.write(&mut fixed, 36);
        list.extend_from_slice(&fixed);
        list.extend_from_slice(self.name);
    }
}

/// The entries of a list; one that is cut off ends it.
pub fn entries(list: &[u8]) -> impl Iterator<Item = AttachEntry<'_>> {
    let mut rest = list;
    core::iter::from_fn(move || {
        let fixed = rest.get(..FIXED).filter(|fixed| fixed.first() != Some(&0))?;
        let len = usize::from(u16::from_le_bytes(array(fixed, 2)));
        let (entry, behind) = rest.split_at_checked(FIXED + len)?;
        rest = behind;
        Some(AttachEntry {
            database: Fixed::read(entry, 0),
            flags: Fixed::read(entry, 1),
            dbtime: Fixed::read(entry, 4),
            last_objid: Fixed::read(entry, 12),
            max_pages: Fixed::read(entry, 16),
            attach: Fixed::read(entry, 20),
            consistent: Fixed::read(entry, 28),
            signature: Fixed::read(entry, 36),
            name: entry.get(FIXED..).unwrap_or_default(),
        })
    })
}

/// Bytes of an entry in front of its name.
const FIXED: usize = 64;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::LogGeneration;

    fn entry(number: u8, name: &[u8]) -> AttachEntry<'_> {
        AttachEntry {
            database: DatabaseId(number),
            flags: AttachEntry::WIDE,
            dbtime: DbTime(0x1122_3344_5566),
            last_objid: 37,
            max_pages: 5,
            attach: LogPosition { generation: LogGeneration(1), sector: 2, byte: 3 },
            consistent: LogPosition::UNSET,
            signature: Signature { random: 9, ..Signature::NONE },
            name,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut list = Vec::new();
        for (number, name) in [(1, &b"C\0:\0\0\0"[..]), (2, b"\0\0")] {
            entry(number, name).write(&mut list);
        }
        list.push(0);
        list.extend_from_slice(&[7; 100]);
        let found: Vec<_> = entries(&list).collect();
        assert_eq!(found, vec![entry(1, b"C\0:\0\0\0"), entry(2, b"\0\0")]);
    }

    #[test]
    fn a_list_that_is_cut_off_ends() {
        let mut list = Vec::new();
        entry(1, b"name\0").write(&mut list);
        for end in 0..list.len() {
            assert_eq!(entries(&list[..end]).count(), 0);
        }
        assert_eq!(entries(&list).count(), 1);
        assert_eq!(entries(&[0; 200]).count(), 0);
    }
}
