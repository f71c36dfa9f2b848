//! The trailer of a streaming-backup copy ("patch page").
//!
//! A copy that the engine's streaming backup delivered has one more block at its end. It looks at
//! first like a page without content, and is none:
//!
//! ```text
//!   0  40  a page header, all zero but the XOR checksum at 0
//!  40  24  marks of the backup, with its last generation
//!  64  28  signature of the database
//!  92  28  signature of the log stream
//! 120   4  lowest generation required   \
//! 124   4  highest generation required   | since engine format version 9300,
//! 128   4  highest generation committed  | else zero
//! 132   8  creation time of the second   |
//! 140   8  creation time of the third   /
//! ```
//!
//! Source: ESE `PATCHHDR` (cpage.hxx), `ErrDBUpdateHeaderFromTrailer` (db.cxx).

use alloc::vec;
use alloc::vec::Vec;

use crate::header::{DatabaseHeader, checksum_holds};
use crate::le::{Fixed, put};
use crate::{BackupInfo, LogGeneration, LogTime, PageSize, Signature, checksum};

/// The content of a trailer. ESE: `PATCHHDR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BackupTrailer {
    /// Marks of the backup; here with the last generation that belongs to it.
    pub backup: BackupInfo,
    /// Signature of the database.
    pub signature: Signature,
    /// Signature of the log stream.
    pub log_signature: Signature,
    /// Lowest generation required when the trailer was made; 0 where the format has no such field.
    pub min_required: LogGeneration,
    /// Highest generation required; likewise.
    pub max_required: LogGeneration,
    /// Highest generation with committed records; likewise.
    pub max_committed: LogGeneration,
    /// Creation time of generation `max_required`.
    pub max_required_time: LogTime,
    /// Creation time of generation `max_committed`.
    pub max_committed_time: LogTime,
}

/// A trailer that does not belong to the header of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrailerMismatch {
    /// It names another database.
    #[error("the trailer is of database {found}, the header of {expected}")]
    Signature {
        /// The header's.
        expected: Signature,
        /// The trailer's.
        found: Signature,
    },
    /// It names another log stream.
    #[error("the trailer is of log stream {found}, the header of {expected}")]
    LogSignature {
        /// The header's.
        expected: Signature,
        /// The trailer's.
        found: Signature,
    },
    /// It is of another backup, or of one that was not finished.
    #[error("the trailer is of backup {found}, the header of {expected}")]
    Backup {
        /// The header's.
        expected: BackupInfo,
        /// The trailer's.
        found: BackupInfo,
    },
}

impl BackupTrailer {
    /// Reads the last block of a file; `None` if it is no trailer.
    ///
    /// The checksum holds, the page header is zero, and it names a backup: no page, zeroed block
    /// or old header passes all three.
    pub fn recognise(block: &[u8]) -> Option<Self> {
        let no_page = block.get(4..40)?.iter().all(|&byte| byte == 0);
        if !no_page || block.len() < DEFINED_LEN || !checksum_holds(block) {
            return None;
        }
        let trailer = Self {
            backup: Fixed::read(block, 40),
            signature: Fixed::read(block, 64),
            log_signature: Fixed::read(block, 92),
            min_required: Fixed::read(block, 120),
            max_required: Fixed::read(block, 124),
            max_committed: Fixed::read(block, 128),
            max_required_time: Fixed::read(block, 132),
            max_committed_time: Fixed::read(block, 140),
        };
        (!trailer.backup.is_unset()).then_some(trailer)
    }

    /// The block as it is written, with its checksum.
    pub fn to_block(&self, page_size: PageSize) -> Vec<u8> {
        let mut block = vec![0; page_size.bytes()];
        self.backup.write(&mut block, 40);
        self.signature.write(&mut block, 64);
        self.log_signature.write(&mut block, 92);
        self.min_required.write(&mut block, 120);
        self.max_required.write(&mut block, 124);
        self.max_committed.write(&mut block, 128);
        self.max_required_time.write(&mut block, 132);
        self.max_committed_time.write(&mut block, 140);
        let sum = checksum::xor32(&block);
        put(&mut block, 0, &sum.to_le_bytes());
        block
    }

    /// Whether it completes `header`, by the engine's rule.
    pub fn check_against(&self, header: &DatabaseHeader) -> Result<(), TrailerMismatch> {
        let (expected, found) = (header.signature, self.signature);
        if expected != found {
            return Err(TrailerMismatch::Signature { expected, found });
        }
        let (expected, found) = (header.log_signature, self.log_signature);
        if expected != found {
            return Err(TrailerMismatch::LogSignature { expected, found });
        }
        let (expected, found) = (header.current_backup, self.backup);
        if found.last_generation.0 == 0 || expected.mark != found.mark {
            return Err(TrailerMismatch::Backup { expected, found });
        }
        Ok(())
    }
}

/// Bytes of the trailer that have a meaning. ESE: `sizeof(PATCHHDR)`.
const DEFINED_LEN: usize = 148;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LogPosition;

    fn trailer() -> BackupTrailer {
        BackupTrailer {
            backup: BackupInfo {
                mark: "4:37:9d1".parse::<LogPosition>().unwrap(),
                time: LogTime::from_bytes([0x0B, 0x23, 0x15, 0x18, 0x0B, 0x7E, 0xC5, 0x04]),
                first_generation: LogGeneration(1),
                last_generation: LogGeneration(6),
            },
            signature: Signature { random: 1, ..Signature::NONE },
            log_signature: Signature { random: 2, ..Signature::NONE },
            ..BackupTrailer::default()
        }
    }

    #[test]
    fn written_trailer_is_recognised_in_every_page_size() {
        for size in PageSize::ALL {
            let block = trailer().to_block(size);
            assert_eq!(BackupTrailer::recognise(&block), Some(trailer()));
        }
    }

    #[test]
    fn pages_zeros_and_damage_are_no_trailer() {
        assert_eq!(BackupTrailer::recognise(&[0; 8192]), None);
        let good = trailer().to_block(PageSize::KIB_8);
        for at in [1, 36, 50, 8000] {
            let mut block = good.clone();
            block[at] ^= 1;
            assert_eq!(BackupTrailer::recognise(&block), None, "byte {at}");
        }
        assert_eq!(BackupTrailer::recognise(&good[..100]), None);
    }

    #[test]
    fn trailer_of_another_database_stream_or_backup_does_not_match() {
        let mut header = DatabaseHeader::parse(&[0; 4096]).unwrap();
        header.signature = trailer().signature;
        header.log_signature = trailer().log_signature;
        header.current_backup = trailer().backup;
        header.current_backup.last_generation = LogGeneration(0);
        assert!(header.needs_trailer());
        assert_eq!(trailer().check_against(&header), Ok(()));
        header.current_backup.mark.byte += 1;
        assert!(matches!(trailer().check_against(&header), Err(TrailerMismatch::Backup { .. })));
        header.log_signature.random = 9;
        assert!(matches!(
            trailer().check_against(&header),
            Err(TrailerMismatch::LogSignature { .. })
        ));
        header.signature.random = 9;
        assert!(matches!(trailer().check_against(&header), Err(TrailerMismatch::Signature { .. })));
    }
}
