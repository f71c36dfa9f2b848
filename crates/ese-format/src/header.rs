//! The database header.
//!
//! Block 0 of the file, and the same bytes again in block 1. The first 748 bytes are defined, the
//! rest of the block is zero and covered by the checksum; fields that a file's format does not
//! know yet read as zero. [`FIELDS`] lists every field with its offset; [`read_shadowed`]
//! finds the copy that counts and the page size.
//!
//! Source: ESE `DBFILEHDR` (daedef.hxx), `ErrUtilReadSpecificShadowedHeader` (fileu.cxx).

use alloc::vec::Vec;

use crate::checksum;
use crate::field::block_fields;
use crate::le::{put, u32_at};
use crate::{BackupInfo, DbTime, LogGeneration, LogTime, PageNumber, PageSize};
use crate::{LogPosition as Position, Signature};

mod shadow;
mod state;

pub use crate::field::{Field, FieldValue};
pub use shadow::{CopyState, HeaderCopy, HeaderError, SHADOWED_LEN, ShadowedHeader, read_shadowed};
pub use state::{BackupKind, DatabaseFlags, DatabaseState, FileType, FormatVersion};

/// First word of nearly every ESE file's header checksum, and the second word of a database.
/// ESE: `ulDAEMagic`.
pub const MAGIC: u32 = 0x89AB_CDEF;

/// Bytes of the header that have a meaning. ESE: `sizeof(DBFILEHDR)`.
pub const DEFINED_LEN: usize = 748;

block_fields! {
    /// Every field of a database header.
    ///
    /// It keeps the whole block that it was read from, so that writing it back preserves the
    /// bytes that have no meaning here.
    DatabaseHeader;

    /// XOR of the block's words, the first left out, with [`MAGIC`].
    checksum: u32 = 0, "le_ulChecksum", Hex;
    /// [`MAGIC`].
    magic: u32 = 4, "le_ulMagic", Hex;
    /// Format major version: 0x620 since Windows 2000.
    version: u32 = 8, "le_ulVersion", Hex;
    /// 0 for a database, 1 for the obsolete streaming file.
    attributes: u32 = 12, "le_attrib", Decimal;
    /// The highest clock value given out when the header was last written.
    dbtime: DbTime = 16, "le_dbtimeDirtied", DbTime;
    /// The database's own signature; logs and trailer refer to it.
    signature: Signature = 24, "signDb", Signature;
    /// Whether it was shut down cleanly, and other states.
    state: DatabaseState = 52, "le_dbstate", State;
    /// Clean: the position of the detach or term record.
    consistent_position: Position = 56, "le_lgposConsistent", Position;
    /// Time of the same.
    consistent_time: LogTime = 64, "logtimeConsistent", Time;
    /// Time of the last attach.
    attach_time: LogTime = 72, "logtimeAttach", Time;
    /// Position of the last attach record, at first of the create record.
    attach_position: Position = 80, "le_lgposAttach", Position;
    /// Time of the last detach.
    detach_time: LogTime = 88, "logtimeDetach", Time;
    /// Position of the last detach record.
    detach_position: Position = 96, "le_lgposDetach", Position;
    /// Number of the database in its log stream while attached.
    dbid: u32 = 104, "le_dbid", Decimal;
    /// Signature of the log stream it belongs to; all zero when not logged.
    log_signature: Signature = 108, "signLog", Signature;
    /// Last completed full backup.
    full_backup: BackupInfo = 136, "bkinfoFullPrev", Backup;
    /// Last completed incremental backup.
    incremental_backup: BackupInfo = 160, "bkinfoIncPrev", Backup;
    /// In a file that a streaming backup copied: that backup.
    current_backup: BackupInfo = 184, "bkinfoFullCur", Backup;
    /// Flags.
    flags: DatabaseFlags = 208, "m_ulDbFlags", Flags;
    /// The last object id given out.
    last_objid: u32 = 212, "le_objidLast", Decimal;
    /// Major version of the system that last checked the indexes.
    os_major: u32 = 216, "le_dwMajorVersion", Decimal;
    /// Minor version of the same.
    os_minor: u32 = 220, "le_dwMinorVersion", Decimal;
    /// Build of the same.
    os_build: u32 = 224, "le_dwBuildNumber", Decimal;
    /// Service pack of the same.
    os_service_pack: u32 = 228, "le_lSPNumber", Decimal;
    /// Update-major of the format.
    update_major: u32 = 232, "le_ulDaeUpdateMajor", Decimal;
    /// Page size in bytes; 0 means 4096.
    page_size_field: u32 = 236, "le_cbPageSize", Decimal;
    /// How often it was repaired.
    repair_count: u32 = 240, "le_ulRepairCount", Decimal;
    /// The last repair.
    repair_time: LogTime = 244, "logtimeRepair", Time;
    /// Obsolete; zero.
    streaming_file_signature: Signature = 252, "rgbReservedSignSLV", Signature;
    /// Clock value of the last scrub.
    scrub_dbtime: DbTime = 280, "le_dbtimeLastScrub", DbTime;
    /// The last scrub.
    scrub_time: LogTime = 288, "logtimeScrub", Time;
    /// Lowest generation that recovery needs; 0 when clean.
    min_required: LogGeneration = 296, "le_lGenMinRequired", Generation;
    /// Highest generation that recovery needs; 0 when clean.
    max_required: LogGeneration = 300, "le_lGenMaxRequired", Generation;
    /// Obsolete counter of the upgrade from Exchange 5.5.
    upgrade_55_format_pages: u32 = 304, "le_cpgUpgrade55Format", Decimal;
    /// Obsolete counter of the same.
    upgrade_free_pages: u32 = 308, "le_cpgUpgradeFreePages", Decimal;
    /// Obsolete counter of the same.
    upgrade_space_map_pages: u32 = 312, "le_cpgUpgradeSpaceMapPages", Decimal;
    /// In a file frozen by a volume snapshot: that backup.
    snapshot_backup: BackupInfo = 316, "bkinfoSnapshotCur", Backup;
    /// Format version that created the file.
    create_version: u32 = 340, "le_ulCreateVersion", Hex;
    /// Update-major at creation.
    create_update: u32 = 344, "le_ulCreateUpdate", Decimal;
    /// Creation time of generation `max_committed`.
    max_committed_time: LogTime = 348, "logtimeGenMaxCreate", Time;
    /// How the last full backup was taken.
    full_backup_kind: BackupKind = 356, "bkinfoTypeFullPrev", BackupKind;
    /// How the last incremental backup was taken.
    incremental_backup_kind: BackupKind = 360, "bkinfoTypeIncPrev", BackupKind;
    /// Repairs before the last defragmentation.
    old_repair_count: u32 = 364, "le_ulRepairCountOld", Decimal;
    /// Single-bit corrections that gave a good page.
    ecc_fix_success_count: u32 = 368, "le_ulECCFixSuccess", Decimal;
    /// The last of them.
    ecc_fix_success_time: LogTime = 372, "logtimeECCFixSuccess", Time;
    /// Their number before the last repair.
    old_ecc_fix_success_count: u32 = 380, "le_ulECCFixSuccessOld", Decimal;
    /// Corrections that gave a bad page.
    ecc_fix_fail_count: u32 = 384, "le_ulECCFixFail", Decimal;
    /// The last of them.
    ecc_fix_fail_time: LogTime = 388, "logtimeECCFixFail", Time;
    /// Their number before the last repair.
    old_ecc_fix_fail_count: u32 = 396, "le_ulECCFixFailOld", Decimal;
    /// Checksum errors without correction.
    bad_checksum_count: u32 = 400, "le_ulBadChecksum", Decimal;
    /// The last of them.
    bad_checksum_time: LogTime = 404, "logtimeBadChecksum", Time;
    /// Their number before the last repair.
    old_bad_checksum_count: u32 = 412, "le_ulBadChecksumOld", Decimal;
    /// Highest generation with committed records for this database.
    max_committed: LogGeneration = 416, "le_lGenMaxCommitted", Generation;
    /// Last copy backup.
    copy_backup: BackupInfo = 420, "bkinfoCopyPrev", Backup;
    /// Last differential backup.
    differential_backup: BackupInfo = 444, "bkinfoDiffPrev", Backup;
    /// How the last copy backup was taken.
    copy_backup_kind: BackupKind = 468, "bkinfoTypeCopyPrev", BackupKind;
    /// How the last differential backup was taken.
    differential_backup_kind: BackupKind = 472, "bkinfoTypeDiffPrev", BackupKind;
    /// How often it was reseeded from another copy.
    incremental_reseed_count: u32 = 476, "le_ulIncrementalReseedCount", Decimal;
    /// The last time.
    incremental_reseed_time: LogTime = 480, "logtimeIncrementalReseed", Time;
    /// Their number before the last repair.
    old_incremental_reseed_count: u32 = 488, "le_ulIncrementalReseedCountOld", Decimal;
    /// How many pages were patched from another copy.
    page_patch_count: u32 = 492, "le_ulPagePatchCount", Decimal;
    /// The last time.
    page_patch_time: LogTime = 496, "logtimePagePatch", Time;
    /// Their number before the last repair.
    old_page_patch_count: u32 = 504, "le_ulPagePatchCountOld", Decimal;
    /// Sort version of the default locale; all ones: the table of locales decides.
    sort_version: u64 = 508, "le_qwSortVersion", Hex;
    /// When the last checksum scan ended.
    scan_finish_time: LogTime = 516, "logtimeDbscanPrev", Time;
    /// When the current checksum scan began.
    scan_start_time: LogTime = 524, "logtimeDbscanStart", Time;
    /// How far the scan came without a gap.
    scan_highest_continuous_page: PageNumber = 532, "le_pgnoDbscanHighestContinuous", Page;
    /// The generation being replayed; 0 outside of recovery.
    recovering: LogGeneration = 536, "le_lGenRecovering", Generation;
    /// How often the file grew.
    extend_count: u32 = 540, "le_ulExtendCount", Decimal;
    /// The last time.
    extend_time: LogTime = 544, "logtimeLastExtend", Time;
    /// How often the file shrank.
    shrink_count: u32 = 552, "le_ulShrinkCount", Decimal;
    /// The last time.
    shrink_time: LogTime = 556, "logtimeLastShrink", Time;
    /// The last re-attach.
    reattach_time: LogTime = 564, "logtimeLastReAttach", Time;
    /// Its position.
    reattach_position: Position = 572, "le_lgposLastReAttach", Position;
    /// How often the file was made sparse.
    trim_count: u32 = 580, "le_ulTrimCount", Decimal;
    /// Made at each flush of this header; pairs with the flush map.
    header_flush_signature: Signature = 584, "signDbHdrFlush", Signature;
    /// The flush map's last flush.
    flush_map_signature: Signature = 612, "signFlushMapHdrFlush", Signature;
    /// Lowest generation needed to make the data consistent.
    min_consistent: LogGeneration = 640, "le_lGenMinConsistent", Generation;
    /// Update-minor of the format.
    update_minor: u32 = 644, "le_ulDaeUpdateMinor", Decimal;
    /// Highest engine format version that any attaching program had.
    max_engine_version: u32 = 648, "le_efvMaxBinAttachDiagnostic", Decimal;
    /// How far the scan came.
    scan_highest_page: PageNumber = 652, "le_pgnoDbscanHighest", Page;
    /// Position of the last change of the file's size.
    resize_position: Position = 656, "le_lgposLastResize", Position;
    /// What the file is; at the same offset in logs and checkpoints.
    file_type: FileType = 667, "le_filetype", FileType;
    /// Creation time of generation `max_required`.
    max_required_time: LogTime = 672, "logtimeGenMaxRequired", Time;
    /// `min_consistent` before redo lowered it.
    pre_redo_min_consistent: LogGeneration = 680, "le_lGenPreRedoMinConsistent", Generation;
    /// `min_required` before redo lowered it.
    pre_redo_min_required: LogGeneration = 684, "le_lGenPreRedoMinRequired", Generation;
    /// The revert snapshot's last flush.
    revert_snapshot_signature: Signature = 688, "signRBSHdrFlush", Signature;
    /// How often it was reverted.
    revert_count: u32 = 716, "le_ulRevertCount", Decimal;
    /// The time it was reverted from.
    revert_from_time: LogTime = 720, "logtimeRevertFrom", Time;
    /// The time it was reverted to.
    revert_to_time: LogTime = 728, "logtimeRevertTo", Time;
    /// Pages that the revert put back.
    revert_page_count: u32 = 736, "le_ulRevertPageCount", Decimal;
    /// End of the log before the revert.
    commit_before_revert: Position = 740, "le_lgposCommitBeforeRevert", Position;
}

impl DatabaseHeader {
    /// Reads a whole header block (one page). Nothing is judged: see [`read_shadowed`].
    ///
    /// `None` if the block is shorter than the defined part.
    pub fn parse(block: &[u8]) -> Option<Self> {
        (block.len() >= DEFINED_LEN).then(|| Self::read_fields(block))
    }

    /// The block with the fields as they stand, the checksum field too.
    pub fn to_block(&self) -> Vec<u8> {
        let mut block = self.block.clone();
        self.write_fields(&mut block);
        block
    }

    /// The block with its checksum computed: what may be written to both copies.
    pub fn to_sealed_block(&self) -> Vec<u8> {
        let mut block = self.to_block();
        let sum = checksum::xor32(&block);
        put(&mut block, 0, &sum.to_le_bytes());
        block
    }

    /// The page size that the header names, if it is a legal one.
    pub fn page_size(&self) -> Option<PageSize> {
        PageSize::from_header_field(self.page_size_field)
    }

    /// The three numbers that say which format the file has.
    pub fn format_version(&self) -> FormatVersion {
        FormatVersion {
            version: self.version,
            update_major: self.update_major,
            update_minor: self.update_minor,
        }
    }

    /// Whether the file is a streaming backup's copy whose header still needs its trailer.
    pub fn needs_trailer(&self) -> bool {
        self.current_backup.first_generation.0 != 0 && self.current_backup.last_generation.0 == 0
    }

    /// Whether recovery has to replay logs before the file can be used.
    pub fn is_dirty(&self) -> bool {
        matches!(
            self.state,
            DatabaseState::DIRTY_SHUTDOWN | DatabaseState::DIRTY_AND_PATCHED_SHUTDOWN
        )
    }

    /// Whether it was shut down cleanly. The state alone decides.
    pub fn is_clean(&self) -> bool {
        self.state == DatabaseState::CLEAN_SHUTDOWN
    }
}

/// Whether a block's stored checksum holds over its whole length.
pub(crate) fn checksum_holds(block: &[u8]) -> bool {
    block.len() >= 8 && u32_at(block, 0) == checksum::xor32(block)
}

#[cfg(test)]
mod tests;
