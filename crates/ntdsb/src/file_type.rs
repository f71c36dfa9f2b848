//! Backup file types (BFT): what a listed file is and where it belongs.
//!
//! | bit | meaning |
//! |---|---|
//! | 0x80 | the string names a directory |
//! | 0x40 | belongs into the database directory |
//! | 0x20 | belongs into the log directory |
//! | 0x0F | kind: 1 log, 2 log directory, 3 checkpoint directory, 4 database, 5 patch file |
//!
//! The documentation page prints 0x22 and 0x23 for the two directory types, the header 0x82 and
//! 0x83. Programs are compiled with the header, so that is what is written; stored lists with the
//! other values are still read.
//!
//! Source: `ntdsbcli.h` (mingw-w64, public domain); Win32 documentation "Backup File Type
//! constants".

use core::fmt;

/// The type of a file or directory in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FileType {
    /// `BFT_LOG`, 0x21: a log file.
    Log,
    /// `BFT_LOG_DIR`, 0x82: the directory in which logs live.
    LogDirectory,
    /// `BFT_CHECKPOINT_DIR`, 0x83: the directory of the checkpoint file.
    CheckpointDirectory,
    /// `BFT_NTDS_DATABASE`, 0x44: a database file.
    Database,
    /// `BFT_PATCH_FILE`, 0x25: a patch file (only Windows 2000 made them).
    PatchFile,
    /// `BFT_UNKNOWN`, 0x0F.
    Unknown,
}

impl FileType {
    /// All types, by their value.
    pub const ALL: [Self; 6] = [
        Self::Unknown,
        Self::Log,
        Self::PatchFile,
        Self::Database,
        Self::LogDirectory,
        Self::CheckpointDirectory,
    ];

    /// The value as written: the first unit of a list entry.
    #[must_use]
    pub const fn value(self) -> u8 {
        match self {
            Self::Log => BFT_LOG,
            Self::LogDirectory => BFT_LOG_DIR,
            Self::CheckpointDirectory => BFT_CHECKPOINT_DIR,
            Self::Database => BFT_NTDS_DATABASE,
            Self::PatchFile => BFT_PATCH_FILE,
            Self::Unknown => BFT_UNKNOWN,
        }
    }

    /// The type of a value as read: the defined ones, and 0x22 and 0x23 as synonyms.
    #[must_use]
    pub const fn from_value(value: u8) -> Option<Self> {
        match value {
            BFT_LOG => Some(Self::Log),
            BFT_LOG_DIR | DOCUMENTED_LOG_DIR => Some(Self::LogDirectory),
            BFT_CHECKPOINT_DIR | DOCUMENTED_CHECKPOINT_DIR => Some(Self::CheckpointDirectory),
            BFT_NTDS_DATABASE => Some(Self::Database),
            BFT_PATCH_FILE => Some(Self::PatchFile),
            BFT_UNKNOWN => Some(Self::Unknown),
            _ => None,
        }
    }

    /// The type of the first unit of a list entry.
    #[must_use]
    pub fn from_unit(unit: u16) -> Option<Self> {
        u8::try_from(unit).ok().and_then(Self::from_value)
    }

    /// Whether the entry names a directory.
    #[must_use]
    pub const fn is_directory(self) -> bool {
        self.value() & BFT_DIRECTORY != 0
    }

    /// The constant's name in the header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "BFT_LOG",
            Self::LogDirectory => "BFT_LOG_DIR",
            Self::CheckpointDirectory => "BFT_CHECKPOINT_DIR",
            Self::Database => "BFT_NTDS_DATABASE",
            Self::PatchFile => "BFT_PATCH_FILE",
            Self::Unknown => "BFT_UNKNOWN",
        }
    }
}

impl fmt::Display for FileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Bit: the string names a directory.
pub const BFT_DIRECTORY: u8 = 0x80;
/// Bit: belongs into the database directory.
pub const BFT_DATABASE_DIRECTORY: u8 = 0x40;
/// Bit: belongs into the log directory.
pub const BFT_LOG_DIRECTORY: u8 = 0x20;
/// A log file.
pub const BFT_LOG: u8 = 0x01 | BFT_LOG_DIRECTORY;
/// The log directory.
pub const BFT_LOG_DIR: u8 = 0x02 | BFT_DIRECTORY;
/// The checkpoint directory.
pub const BFT_CHECKPOINT_DIR: u8 = 0x03 | BFT_DIRECTORY;
/// A database file.
pub const BFT_NTDS_DATABASE: u8 = 0x04 | BFT_DATABASE_DIRECTORY;
/// A patch file.
pub const BFT_PATCH_FILE: u8 = 0x05 | BFT_LOG_DIRECTORY;
/// Unknown.
pub const BFT_UNKNOWN: u8 = 0x0F;

const DOCUMENTED_LOG_DIR: u8 = 0x22;
const DOCUMENTED_CHECKPOINT_DIR: u8 = 0x23;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_header() {
        let values = FileType::ALL.map(FileType::value);
        assert_eq!(values, [0x0F, 0x21, 0x25, 0x44, 0x82, 0x83]);
    }

    #[test]
    fn values_lead_back_and_the_documented_synonyms_are_read() {
        for kind in FileType::ALL {
            assert_eq!(FileType::from_value(kind.value()), Some(kind));
        }
        assert_eq!(FileType::from_value(0x22), Some(FileType::LogDirectory));
        assert_eq!(FileType::from_value(0x23), Some(FileType::CheckpointDirectory));
        let known = (0..=u8::MAX).filter(|&value| FileType::from_value(value).is_some()).count();
        assert_eq!(known, 8);
        assert_eq!(FileType::from_unit(0x144), None);
    }

    #[test]
    fn a_backslash_is_no_type() {
        // Names with and without the type in front are told apart by this.
        assert_eq!(FileType::from_value(b'\\'), None);
    }

    #[test]
    fn directories_are_known_by_their_bit() {
        for kind in FileType::ALL {
            let directory = matches!(kind, FileType::LogDirectory | FileType::CheckpointDirectory);
            assert_eq!(kind.is_directory(), directory);
        }
    }
}
