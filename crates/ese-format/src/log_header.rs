//! The header of a log file: its first 4096 bytes, one copy.
//!
//! ```text
//!    0  fields ([`FIELDS`])
//!   72  567  parameters of the instance that wrote it; information only
//!  671 2048  list of the databases attached when the file begins
//! 2719 1377  zero
//! ```
//!
//! Generation n+1 names the creation time of generation n, which is how the files of one stream
//! are known to follow each other. Source: ESE `LGFILEHDR_FIXED` (log.hxx).

use alloc::vec::Vec;

use crate::checksum;
use crate::field::block_fields;
pub use crate::field::{Field, FieldValue};
use crate::header::{FileType, MAGIC};
use crate::le::{put, u32_at};
use crate::{LogGeneration, LogPosition, LogTime, PageSize, Signature};

/// Bytes of a log header.
pub const LOG_HEADER_LEN: usize = 4096;

block_fields! {
    /// The fields of a log header; the block is kept, so that writing it back preserves the rest.
    LogHeader;

    /// XOR of the block's words, the first left out, with 0x89ABCDEF.
    checksum: u32 = 0, "le_ulChecksum", Hex;
    /// Number of this file.
    generation: LogGeneration = 4, "le_lGeneration", Generation;
    /// Bytes of a sector: 4096 since format 8, the volume's before.
    sector_size: u16 = 8, "le_cbSec", Decimal;
    /// Sectors of this header.
    header_sectors: u16 = 10, "le_csecHeader", Decimal;
    /// Sectors of the file, header included.
    file_sectors: u16 = 12, "le_csecLGFile", Decimal;
    /// Page size of the databases; 0 means 4096.
    page_size_field: u16 = 14, "le_cbPageSize", Decimal;
    /// When this file was made.
    created: LogTime = 16, "tmCreate", Time;
    /// When the previous generation was made; unset in the first.
    previous_created: LogTime = 24, "tmPrevGen", Time;
    /// Format of the log: 8 since Windows 8.
    major: u32 = 32, "le_ulMajor", Decimal;
    /// Constant for each `major`.
    minor: u32 = 36, "le_ulMinor", Decimal;
    /// Raised by changes that an older engine cannot read.
    update_major: u32 = 40, "le_ulUpdateMajor", Decimal;
    /// Signature of the log stream.
    signature: Signature = 44, "signLog", Signature;
    /// 1: made from a reserve log; 2: circular logging; 4: circular logging at some time.
    flags: u8 = 639, "fLGFlags", Hex;
    /// Checkpoint when the file was made.
    checkpoint: LogPosition = 640, "le_lgposCheckpoint", Position;
    /// Raised by changes that an older engine can read.
    update_minor: u32 = 648, "le_ulUpdateMinor", Decimal;
    /// XOR of the checksums of all segments of the previous generation.
    previous_segments_checksum: u64 = 653, "checksumPrevLogAllSegments", Hex;
    /// Highest engine format version that the writing engine knew.
    engine_version: u32 = 661, "le_efvEngineCurrentDiagnostic", Decimal;
    /// What the file is: 3, or 0 in old files.
    file_type: FileType = 667, "le_filetype", FileType;
}

/// A file without a usable log header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogHeaderError {
    /// The file ends in the header.
    #[error("too short for a log: {len} bytes, expected at least {LOG_HEADER_LEN}")]
    TooShort {
        /// Bytes there were.
        len: usize,
    },
    /// The checksum does not hold.
    #[error("checksum of the log header is {stored:#010x}, expected {computed:#010x}")]
    BadChecksum {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// A good header of another kind of ESE file.
    #[error("not a log but another ESE file: {file_type}")]
    OtherFile {
        /// What it is.
        file_type: FileType,
    },
}

impl LogHeader {
    /// A header of zeros, to be filled.
    pub fn blank() -> Self {
        Self::read_fields(&[0; LOG_HEADER_LEN])
    }

    /// Reads and checks the header at the beginning of a log file.
    pub fn parse(beginning: &[u8]) -> Result<Self, LogHeaderError> {
        let Some(block) = beginning.get(..LOG_HEADER_LEN) else {
            return Err(LogHeaderError::TooShort { len: beginning.len() });
        };
        let (stored, computed) = (u32_at(block, 0), checksum::xor32(block));
        if stored != computed {
            return Err(LogHeaderError::BadChecksum { stored, computed });
        }
        let header = Self::read_fields(block);
        match header.file_type {
            // A database of Windows 2000 says nothing at this place but has its magic, which is no
            // generation that a log can have.
            FileType::LOG | FileType::UNKNOWN if u32_at(block, 4) == MAGIC => {
                Err(LogHeaderError::OtherFile { file_type: FileType::DATABASE })
            }
            FileType::LOG | FileType::UNKNOWN => Ok(header),
            file_type => Err(LogHeaderError::OtherFile { file_type }),
        }
    }

    /// The block with the fields as they stand, the checksum field too.
    pub fn to_block(&self) -> Vec<u8> {
        let mut block = self.block.clone();
        self.write_fields(&mut block);
        block
    }

    /// The block with its checksum computed.
    pub fn to_sealed_block(&self) -> Vec<u8> {
        let mut block = self.to_block();
        let sum = checksum::xor32(&block);
        put(&mut block, 0, &sum.to_le_bytes());
        block
    }

    /// The parameters of the instance that wrote the file, as they are stored.
    pub fn instance_parameters(&self) -> &[u8] {
        self.block.get(INSTANCE_PARAMETERS).unwrap_or_default()
    }

    /// The list of the databases that are attached when the file begins, as it is stored.
    pub fn attachments(&self) -> &[u8] {
        self.block.get(ATTACHMENTS).unwrap_or_default()
    }

    /// Puts another list in place of that; what is too long is cut off.
    pub fn set_attachments(&mut self, list: &[u8]) {
        if let Some(target) = self.block.get_mut(ATTACHMENTS) {
            target.fill(0);
            let len = list.len().min(target.len());
            put(target, 0, list.get(..len).unwrap_or_default());
        }
    }

    /// The page size of the databases of this log stream, if it is a legal one.
    pub fn page_size(&self) -> Option<PageSize> {
        PageSize::from_header_field(u32::from(self.page_size_field))
    }

    /// The length of the file in bytes that the header says.
    pub fn file_len(&self) -> u64 {
        u64::from(self.sector_size) * u64::from(self.file_sectors)
    }

    /// Whether this file is the successor of `previous` in the same stream.
    pub fn follows(&self, previous: &Self) -> bool {
        self.signature == previous.signature
            && self.generation == previous.generation.next()
            && self.previous_created == previous.created
    }
}

/// Where the parameters of the instance lie.
const INSTANCE_PARAMETERS: core::ops::Range<usize> = 72..639;

/// Where the list of attached databases lies.
const ATTACHMENTS: core::ops::Range<usize> = 671..2719;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealed(change: impl FnOnce(&mut LogHeader)) -> Vec<u8> {
        let mut header = LogHeader::read_fields(&[0; LOG_HEADER_LEN]);
        header.file_type = FileType::LOG;
        header.sector_size = 4096;
        header.file_sectors = 128;
        change(&mut header);
        header.to_sealed_block()
    }

    #[test]
    fn sealed_header_is_read_back() {
        let header = LogHeader::parse(&sealed(|h| h.generation = LogGeneration(7))).unwrap();
        assert_eq!(header.generation, LogGeneration(7));
        assert_eq!(header.file_len(), 512 * 1024);
    }

    #[test]
    fn wrong_checksum_and_other_files_are_told_apart() {
        let mut bytes = sealed(|_| ());
        bytes[4000] ^= 1;
        assert!(matches!(LogHeader::parse(&bytes), Err(LogHeaderError::BadChecksum { .. })));
        let checkpoint = sealed(|h| h.file_type = FileType::CHECKPOINT);
        assert!(matches!(LogHeader::parse(&checkpoint), Err(LogHeaderError::OtherFile { .. })));
        assert_eq!(LogHeader::parse(b""), Err(LogHeaderError::TooShort { len: 0 }));
    }

    #[test]
    fn successor_names_the_time_of_its_predecessor() {
        let time = LogTime::from_bytes([1, 2, 3, 4, 5, 126, 1, 0]);
        let first = LogHeader::parse(&sealed(|h| {
            h.generation = LogGeneration(1);
            h.created = time;
        }))
        .unwrap();
        let next = |previous_created| {
            LogHeader::parse(&sealed(|h| {
                h.generation = LogGeneration(2);
                h.previous_created = previous_created;
            }))
            .unwrap()
        };
        assert!(next(time).follows(&first));
        assert!(!next(LogTime::UNSET).follows(&first));
    }

    proptest! {
        #[test]
        fn writing_back_gives_the_same_bytes(
            block in proptest::collection::vec(any::<u8>(), LOG_HEADER_LEN),
        ) {
            prop_assert_eq!(LogHeader::read_fields(&block).to_block(), block);
        }
    }
}
