//! The checkpoint file: where a replay has to begin at the latest.
//!
//! The same 4096 bytes twice; the first sound copy counts.
//!
//! ```text
//!    0        fields ([`FIELDS`])
//!   48  567   parameters of the instance that wrote it; information only
//!  679 2048   list of the databases that are attached at the checkpoint
//! 2727 1369   zero
//! ```
//!
//! After a clean end the checkpoint is the record that ends the log, and the list is empty.
//! Source: ESE `CHECKPOINT_FIXED` (log.hxx), `ErrLGReadCheckpoint` (log.cxx).

use alloc::vec::Vec;

use crate::checksum;
use crate::field::block_fields;
pub use crate::field::{Field, FieldValue};
use crate::header::{FileType, MAGIC};
use crate::le::{put, u32_at};
use crate::log_header::LogHeader;
use crate::{LogPosition, LogTime, Signature};

/// Bytes of each of the two copies.
pub const CHECKPOINT_COPY_LEN: usize = 4096;

/// Bytes of the file.
pub const CHECKPOINT_LEN: usize = 2 * CHECKPOINT_COPY_LEN;

block_fields! {
    /// The fields of a checkpoint; the block is kept, so that writing it back preserves the rest.
    Checkpoint;

    /// XOR of the block's words, the first left out, with 0x89ABCDEF.
    checksum: u32 = 0, "le_ulChecksum", Hex;
    /// Checkpoint when the last full backup was made.
    backup_checkpoint: LogPosition = 4, "le_lgposLastFullBackupCheckpoint", Position;
    /// A replay begins here at the latest.
    position: LogPosition = 12, "le_lgposCheckpoint", Position;
    /// Signature of the log stream.
    signature: Signature = 20, "signLog", Signature;
    /// Mark of the last full backup.
    full_backup_mark: LogPosition = 615, "le_lgposFullBackup", Position;
    /// Its time.
    full_backup_time: LogTime = 623, "logtimeFullBackup", Time;
    /// Mark of the last incremental backup.
    incremental_backup_mark: LogPosition = 631, "le_lgposIncBackup", Position;
    /// Its time.
    incremental_backup_time: LogTime = 639, "logtimeIncBackup", Time;
    /// 1: there is a list of attached databases.
    version_flags: u8 = 647, "fVersion", Hex;
    /// Databases are consistent from here on.
    consistent: LogPosition = 648, "le_lgposDbConsistency", Position;
    /// What the file is: 4.
    file_type: FileType = 667, "le_filetype", FileType;
}

/// A file without a usable checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file ends in the first copy.
    #[error("too short for a checkpoint: {len} bytes, expected {CHECKPOINT_LEN}")]
    TooShort {
        /// Bytes there were.
        len: usize,
    },
    /// Neither copy has a checksum that holds.
    #[error(
        "neither copy has a checksum that holds: the first has {stored:#010x}, expected \
         {computed:#010x}"
    )]
    BadChecksum {
        /// That of the first copy, as stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// A good header of another kind of ESE file.
    #[error("not a checkpoint but another ESE file: {file_type}")]
    OtherFile {
        /// What it is.
        file_type: FileType,
    },
}

/// A checkpoint, and which of its copies are sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowedCheckpoint {
    /// The checkpoint that counts.
    pub checkpoint: Checkpoint,
    /// Whether each of the two copies is sound.
    pub sound: [bool; 2],
    /// Whether both are there and differ.
    pub differ: bool,
}

impl Checkpoint {
    /// A checkpoint of the log stream of `log`, at its beginning.
    pub fn new(log: &LogHeader) -> Self {
        let mut block = alloc::vec![0; CHECKPOINT_COPY_LEN];
        put(&mut block, PARAMETERS, log.instance_parameters());
        let mut checkpoint = Self::read_fields(&block);
        checkpoint.signature = log.signature;
        checkpoint.file_type = FileType::CHECKPOINT;
        checkpoint
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// That no copy of it is a sound checkpoint.
    pub fn read_shadowed(file: &[u8]) -> Result<ShadowedCheckpoint, CheckpointError> {
        let Some(first) = file.get(..CHECKPOINT_COPY_LEN) else {
            return Err(CheckpointError::TooShort { len: file.len() });
        };
        let second = file.get(CHECKPOINT_COPY_LEN..CHECKPOINT_LEN);
        let sums = |block: &[u8]| (u32_at(block, 0), checksum::xor32(block));
        let is_sound = |block: &[u8]| sums(block).0 == sums(block).1;
        let sound = [is_sound(first), second.is_some_and(is_sound)];
        let block = match (sound, second) {
            ([true, _], _) => first,
            ([false, true], Some(second)) => second,
            _ => {
                let (stored, computed) = sums(first);
                return Err(CheckpointError::BadChecksum { stored, computed });
            }
        };
        // The header of a database can have the same sum; its magic is no position of a log.
        if u32_at(block, 4) == MAGIC {
            return Err(CheckpointError::OtherFile { file_type: FileType::DATABASE });
        }
        let checkpoint = Self::read_fields(block);
        if checkpoint.file_type != FileType::CHECKPOINT {
            return Err(CheckpointError::OtherFile { file_type: checkpoint.file_type });
        }
        let differ = second.is_some_and(|second| second != first);
        Ok(ShadowedCheckpoint { checkpoint, sound, differ })
    }

    /// The block with the fields as they stand, the checksum field too.
    pub fn to_block(&self) -> Vec<u8> {
        let mut block = self.block.clone();
        self.write_fields(&mut block);
        block
    }

    /// Both copies with their checksums computed: the file.
    pub fn to_file(&self) -> Vec<u8> {
        let mut block = self.to_block();
        let sum = checksum::xor32(&block);
        put(&mut block, 0, &sum.to_le_bytes());
        let mut file = block.clone();
        file.extend_from_slice(&block);
        file
    }

    /// Whether it has a list of the databases that are attached.
    pub fn has_attachments(&self) -> bool {
        self.version_flags & HAS_ATTACHMENTS != 0
    }

    /// The list of the databases that are attached, as it is stored.
    pub fn attachments(&self) -> &[u8] {
        self.block.get(ATTACHMENTS).unwrap_or_default()
    }

    /// Says that no database is attached.
    pub fn clear_attachments(&mut self) {
        self.version_flags &= !HAS_ATTACHMENTS;
        if let Some(list) = self.block.get_mut(ATTACHMENTS) {
            list.fill(0);
        }
    }

    /// The parameters of the instance that wrote it, as they are stored.
    pub fn instance_parameters(&self) -> &[u8] {
        self.block.get(PARAMETERS..PARAMETERS + PARAMETERS_LEN).unwrap_or_default()
    }
}

/// Flag: there is a list of attached databases.
const HAS_ATTACHMENTS: u8 = 1;

/// Where the parameters of the instance lie.
const PARAMETERS: usize = 48;

/// Bytes of them.
const PARAMETERS_LEN: usize = super::instance_parameters::INSTANCE_PARAMETERS_LEN;

/// Where the list of attached databases lies.
const ATTACHMENTS: core::ops::Range<usize> = 679..2727;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::LogGeneration;

    fn checkpoint() -> Checkpoint {
        let mut log = LogHeader::blank();
        log.signature = Signature { random: 7, ..Signature::NONE };
        let mut checkpoint = Checkpoint::new(&log);
        checkpoint.position = LogPosition { generation: LogGeneration(9), sector: 3, byte: 40 };
        checkpoint
    }

    #[test]
    fn either_copy_is_enough() {
        let file = checkpoint().to_file();
        assert_eq!(file.len(), CHECKPOINT_LEN);
        let whole = Checkpoint::read_shadowed(&file).unwrap();
        assert_eq!(whole.sound, [true, true]);
        assert_eq!(whole.checkpoint.position, checkpoint().position);
        for (at, sound) in [(100, [false, true]), (5000, [true, false])] {
            let mut file = file.clone();
            file[at] ^= 1;
            let one = Checkpoint::read_shadowed(&file).unwrap();
            assert_eq!((one.sound, one.differ), (sound, true));
            assert_eq!(one.checkpoint.signature.random, 7);
        }
        let short = Checkpoint::read_shadowed(&file[..4096]).unwrap();
        assert_eq!((short.sound, short.differ), ([true, false], false));
    }

    #[test]
    fn other_files_are_none() {
        let mut file = checkpoint().to_file();
        file[100] ^= 1;
        file[5000] ^= 1;
        let error = Checkpoint::read_shadowed(&file).unwrap_err();
        assert!(matches!(error, CheckpointError::BadChecksum { .. }));
        let mut log = LogHeader::blank();
        log.file_type = FileType::LOG;
        let error = Checkpoint::read_shadowed(&log.to_sealed_block()).unwrap_err();
        assert_eq!(error, CheckpointError::OtherFile { file_type: FileType::LOG });
        let mut database = checkpoint().to_file();
        database[4..8].copy_from_slice(&MAGIC.to_le_bytes());
        let sum = checksum::xor32(&database[..4096]).to_le_bytes();
        database[..4].copy_from_slice(&sum);
        let error = Checkpoint::read_shadowed(&database).unwrap_err();
        assert_eq!(error, CheckpointError::OtherFile { file_type: FileType::DATABASE });
        let error = Checkpoint::read_shadowed(&[]).unwrap_err();
        assert_eq!(error, CheckpointError::TooShort { len: 0 });
    }

    proptest! {
        #[test]
        fn writing_back_gives_the_same_bytes(
            block in proptest::collection::vec(any::<u8>(), CHECKPOINT_COPY_LEN),
        ) {
            prop_assert_eq!(Checkpoint::read_fields(&block).to_block(), block);
        }
    }
}
