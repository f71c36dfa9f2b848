//! Segments: the sectors of a log file that hold records.
//!
//! ```text
//!  0   8  checksum: that of a page of 4 KiB whose number is the sector
//!  8   8  position of the segment: byte 0, sector, generation
//! 16   8  when its first record was put in
//! 24  12  zero
//! 36   4  flags: 0x2000
//! 40      records
//! ```
//!
//! A segment that is not full is written twice, the second time into the sector behind it: this
//! shadow has the checksum and the position of the segment itself. The last sector of a file is
//! only there for a shadow.
//!
//! Source: ESE `LGSEGHDR` (_logstream.hxx), `ErrLGCheckReadLastLogRecordFF` (logread.cxx).

use crate::checksum::{BlockChecksum, BlockPosition, ecc};
use crate::le::{Fixed, put, u64_at};
use crate::{LogPosition, LogTime, PageNumber};

/// Bytes of a segment, and of a sector.
pub const SEGMENT_LEN: usize = 4096;

/// Bytes of a segment before its records.
pub const HEADER_LEN: usize = 40;

/// Flag of every segment.
#[cfg(test)]
const FLAG: u32 = 0x2000;

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Checksum.
    pub checksum: BlockChecksum,
    /// Where it belongs.
    pub position: LogPosition,
    /// When its first record was put in.
    pub time: LogTime,
    /// Flags.
    pub flags: u32,
}

/// What a sector holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentState {
    /// A segment that belongs into this sector, of whichever file.
    Good,
    /// The same with one wrong bit, which [`correct`] puts right.
    Corrected(usize),
    /// The shadow of the segment in the sector before.
    Shadow,
    /// Zeros.
    Zero,
    /// None of these.
    Bad,
}

impl SegmentHeader {
    /// Reads the header of a segment.
    pub fn parse(segment: &[u8]) -> Self {
        Self {
            checksum: BlockChecksum(u64_at(segment, 0)),
            position: Fixed::read(segment, 8),
            time: Fixed::read(segment, 16),
            flags: Fixed::read(segment, 36),
        }
    }
}

/// Judges the bytes of a sector.
pub fn judge(bytes: &[u8], sector: u16) -> SegmentState {
    if bytes.len() != SEGMENT_LEN {
        return SegmentState::Bad;
    }
    let stored = BlockChecksum(u64_at(bytes, 0));
    let computed = sum(bytes, sector);
    if computed == stored {
        let is_zero = stored.0 == 0 && bytes.iter().all(|byte| *byte == 0);
        return if is_zero { SegmentState::Zero } else { SegmentState::Good };
    }
    if stored.0 == 0 && bytes.iter().all(|byte| *byte == 0) {
        return SegmentState::Zero;
    }
    if sector > 1 && sum(bytes, sector - 1) == stored {
        return SegmentState::Shadow;
    }
    match computed.wrong_bit(stored, SEGMENT_LEN) {
        // The checksum itself is not covered, nor is the bit that says how it is made.
        Some(bit) if bit >= 64 && bit != FORMAT_BIT => SegmentState::Corrected(bit),
        _ => SegmentState::Bad,
    }
}

/// Whether the bytes of the sector behind `sector` are a good copy of its segment.
pub fn is_shadow_of(bytes: &[u8], sector: u16) -> bool {
    bytes.len() == SEGMENT_LEN && sum(bytes, sector) == BlockChecksum(u64_at(bytes, 0))
}

/// Flips a wrong bit.
pub fn correct(segment: &mut [u8], bit: usize) {
    if let Some(byte) = segment.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
}

/// Sets the checksum of a segment.
pub fn seal(segment: &mut [u8], sector: u16) {
    let sum = sum(segment, sector);
    put(segment, 0, &sum.0.to_le_bytes());
}

fn sum(bytes: &[u8], sector: u16) -> BlockChecksum {
    ecc(bytes, PageNumber(u32::from(sector)), BlockPosition::First)
}

/// The bit of [`FLAG`].
const FORMAT_BIT: usize = 36 * 8 + 13;

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::LogGeneration;

    fn segment(sector: u16) -> Vec<u8> {
        let mut bytes = vec![0; SEGMENT_LEN];
        LogPosition { generation: LogGeneration(7), sector, byte: 0 }.write(&mut bytes, 8);
        FLAG.write(&mut bytes, 36);
        bytes[HEADER_LEN..HEADER_LEN + 9].copy_from_slice(b"\x16\x01\x00\x04\x00text");
        seal(&mut bytes, sector);
        bytes
    }

    #[test]
    fn sectors_are_told_apart() {
        let bytes = segment(5);
        assert_eq!(judge(&bytes, 5), SegmentState::Good);
        assert_eq!(judge(&bytes, 6), SegmentState::Shadow);
        assert!(is_shadow_of(&bytes, 5) && !is_shadow_of(&bytes, 6));
        assert_eq!(judge(&bytes, 7), SegmentState::Bad);
        assert_eq!(judge(&[0; SEGMENT_LEN], 5), SegmentState::Zero);
        assert_eq!(judge(&bytes[1..], 5), SegmentState::Bad);
        let header = SegmentHeader::parse(&bytes);
        assert_eq!((header.position.sector, header.flags), (5, FLAG));
    }

    #[test]
    fn one_wrong_bit_is_put_right_and_two_are_not() {
        let good = segment(9);
        for bit in [64, 100, 36 * 8, 4095 * 8 + 6, 2000 * 8] {
            let mut bytes = good.clone();
            correct(&mut bytes, bit);
            assert_eq!(judge(&bytes, 9), SegmentState::Corrected(bit));
            correct(&mut bytes, bit + 1);
            assert_eq!(judge(&bytes, 9), SegmentState::Bad);
            correct(&mut bytes, bit + 1);
            correct(&mut bytes, bit);
            assert_eq!(bytes, good);
        }
        let mut bytes = good;
        correct(&mut bytes, FORMAT_BIT);
        assert_eq!(judge(&bytes, 9), SegmentState::Bad);
    }
}
