//! Constants of `ntdsbcli.h`: types of backup and restore, interface annotations.
//!
//! Source: `ntdsbcli.h` (mingw-w64, public domain); which values are supported: Win32
//! documentation of `DsBackupPrepare` and `DsRestorePrepare`.

/// Type of a backup (`btBackupType`).
pub struct BackupType;

impl BackupType {
    /// Databases and logs; the only type that is documented as supported.
    pub const FULL: u32 = 0x01;
    /// Logs only; documented as unsupported.
    pub const LOGS_ONLY: u32 = 0x02;
    /// Incremental; documented to return `ERROR_INVALID_PARAMETER`.
    pub const INCREMENTAL: u32 = 0x04;
}

/// Type of a restore (`rtFlag`).
pub struct RestoreType;

impl RestoreType {
    /// The default, as is [`RestoreType::CATCHUP`].
    pub const DEFAULT: u32 = 0;
    /// `RESTORE_TYPE_AUTHORATATIVE` (spelling of the header); unsupported.
    pub const AUTHORATATIVE: u32 = 0x01;
    /// Restore while the directory is online; unsupported.
    pub const ONLINE: u32 = 0x02;
    /// The restored directory catches up by replication; the only supported type.
    pub const CATCHUP: u32 = 0x04;
}

/// `BACKUP_DISABLE_INCREMENTAL`: the log number that forbids incremental backups.
pub const BACKUP_DISABLE_INCREMENTAL: u32 = 0xFFFF_FFFF;

/// The backup interface's annotation in an endpoint map: `g_wszBackupAnnotation`,
/// `g_aszBackupAnnotation`.
pub const G_SZ_BACKUP_ANNOTATION: &str = "NTDS Backup Interface";

/// The restore interface's annotation: `g_wszRestoreAnnotation`, `g_aszRestoreAnnotation`.
pub const G_SZ_RESTORE_ANNOTATION: &str = "NTDS Restore Interface";

/// Sizes of a read and of its hint are multiples of this, in bytes.
pub const READ_GRANULARITY: u32 = 8192;

/// The smallest size of a documented read and of its hint, in bytes.
pub const READ_MINIMUM: u32 = 3 * READ_GRANULARITY;

/// Whether `size` is one that the documented read accepts as buffer size or hint.
#[must_use]
pub const fn is_read_size(size: u32) -> bool {
    size >= READ_MINIMUM && size.is_multiple_of(READ_GRANULARITY)
}

/// The highest log generation that the documented functions can name.
pub const LOG_NUMBER_MAXIMUM: u32 = 0xF_FFFF;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_sizes_are_multiples_of_8192_from_24576() {
        for size in [0, 8192, 16384, 24575, 24577, 30000, u32::MAX] {
            assert!(!is_read_size(size), "{size}");
        }
        for size in [24576, 65536, 1 << 20, u32::MAX - 8191] {
            assert!(is_read_size(size), "{size}");
        }
    }
}
