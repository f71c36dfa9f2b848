//! Enumerations of the header, kept as the number that the file has.
//!
//! A number without a name is kept, printed and written back.

use core::fmt;

use bitflags::bitflags;

use crate::le::{Fixed, fixed_newtype};

/// Makes a newtype over the stored number with one constant and one name for each known value.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $constant:ident = $number:literal,
        $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub u32);

        impl $name {
            $($(#[$value_doc])* pub const $constant: Self = Self($number);)*

            /// The engine's name for the value, if it is a known one.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }

        /// The name, or `unknown(number)`.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "unknown({})", self.0),
                }
            }
        }

        fixed_newtype!($name(u32));
    };
}

wire_enum! {
    /// State of a database. ESE: `le_dbstate`, `JET_dbstate...` (jethdr.w).
    DatabaseState {
        /// Creation did not finish: the file cannot be used.
        JUST_CREATED = 1, "JustCreated";
        /// In use, or not shut down: logs have to be replayed.
        DIRTY_SHUTDOWN = 2, "DirtyShutdown";
        /// Shut down; no log is needed.
        CLEAN_SHUTDOWN = 3, "CleanShutdown";
        /// Conversion from an older format.
        BEING_CONVERTED = 4, "BeingConverted";
        /// Obsolete.
        FORCE_DETACH = 5, "ForceDetach";
        /// Pages are being replaced from another copy.
        INCREMENTAL_RESEED = 6, "IncrementalReseedInProgress";
        /// Dirty, with pages from another copy.
        DIRTY_AND_PATCHED_SHUTDOWN = 7, "DirtyAndPatchedShutdown";
        /// Being put back to an earlier time.
        REVERT_IN_PROGRESS = 8, "RevertInProgress";
    }
}

wire_enum! {
    /// How a backup was taken. ESE: `DBFILEHDR::BKINFOTYPE`.
    BackupKind {
        /// Streaming.
        STREAMING = 0, "streaming";
        /// Snapshot of the volume (VSS).
        VOLUME_SNAPSHOT = 1, "volume snapshot";
        /// The engine's own snapshot.
        SNAPSHOT = 2, "snapshot";
        /// On behalf of another copy.
        SURROGATE = 3, "surrogate";
    }
}

wire_enum! {
    /// What a file is; at offset 667 of database, log and checkpoint. ESE: `JET_filetype...`.
    FileType {
        /// Not said: files of Windows 2000.
        UNKNOWN = 0, "unknown";
        /// A database.
        DATABASE = 1, "database";
        /// The obsolete streaming file.
        STREAMING_FILE = 2, "streaming file";
        /// A log.
        LOG = 3, "log";
        /// A checkpoint.
        CHECKPOINT = 4, "checkpoint";
        /// A temporary database.
        TEMPORARY_DATABASE = 5, "temporary database";
        /// A flush map.
        FLUSH_MAP = 7, "flush map";
        /// A revert snapshot.
        SNAPSHOT = 10, "revert snapshot";
        /// A revert snapshot's checkpoint.
        REVERT_CHECKPOINT = 11, "revert checkpoint";
    }
}

bitflags! {
    /// Flags of a database. ESE: `m_ulDbFlags`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct DatabaseFlags: u32 {
        /// The catalog has no shadow.
        const NO_SHADOW_CATALOG = 0x01;
        /// An upgrade was begun.
        const UPGRADING = 0x02;
        /// There is an obsolete streaming file.
        const STREAMING_FILE = 0x04;
        /// An engine of Windows attached it.
        const ATTACHED_BY_ESENT = 0x0100_0000;
        /// An engine of Exchange attached it.
        const ATTACHED_BY_ESE = 0x0200_0000;
        /// A private build attached it.
        const ATTACHED_BY_PRIVATE_BUILD = 0x0400_0000;
        /// A build with an extent cache attached it.
        const ATTACHED_BY_EXTENT_CACHE_BUILD = 0x0800_0000;
        const _ = !0;
    }
}

impl Fixed for DatabaseFlags {
    const SIZE: usize = 4;

    fn read(block: &[u8], at: usize) -> Self {
        Self::from_bits_retain(Fixed::read(block, at))
    }

    fn write(&self, block: &mut [u8], at: usize) {
        self.bits().write(block, at);
    }
}

/// The number in hexadecimal.
impl fmt::Display for DatabaseFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.bits())
    }
}

/// Which format a file has: the numbers that are raised step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FormatVersion {
    /// 0x620 since Windows 2000.
    pub version: u32,
    /// Raised by changes that an older engine cannot read.
    pub update_major: u32,
    /// Raised by changes that it can read.
    pub update_minor: u32,
}

impl FormatVersion {
    /// The major version of every file since Windows 2000.
    pub const CURRENT_MAJOR: u32 = 0x620;
    /// The highest update-major that is known to be read as described here.
    pub const HIGHEST_KNOWN_UPDATE: u32 = 300;
}

/// `0x620,20,0`, as Microsoft's tool prints it.
impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x},{},{}", self.version, self.update_major, self.update_minor)
    }
}
