//! The engine's error numbers and their names.
//!
//! Errors are negative, warnings positive, success is 0. The list has those that the engine's
//! backup, restore, recovery and file checks raise, and those that `ntdsbmsg.h` names.
//!
//! Source: ESE `JET_err...`, `JET_wrn...` (jethdr.w).

/// Declares one constant for each number, and the table by which numbers are named.
macro_rules! jet_codes {
    ($($constant:ident = $number:literal, $name:literal;)*) => {
        $(#[doc = concat!("`", $name, "`.")] pub const $constant: i32 = $number;)*

        /// Every number that has a name here, ascending.
        pub static CODES: &[(i32, &str)] = &[$(($number, $name),)*];
    };
}

/// The engine's name for `code`, if it is one of [`CODES`].
pub fn name(code: i32) -> Option<&'static str> {
    let index = CODES.binary_search_by_key(&code, |&(number, _)| number).ok()?;
    CODES.get(index).map(|&(_, name)| name)
}

jet_codes! {
    ERR_FILE_IO_BEYOND_EOF = -4001, "JET_errFileIOBeyondEOF";
    ERR_ACCESS_DENIED = -1907, "JET_errAccessDenied";
    ERR_INVALID_OPERATION = -1906, "JET_errInvalidOperation";
    ERR_LOG_CORRUPTED = -1852, "JET_errLogCorrupted";
    ERR_AFTER_INITIALIZATION = -1850, "JET_errAfterInitialization";
    ERR_FILE_NOT_FOUND = -1811, "JET_errFileNotFound";
    ERR_PERMISSION_DENIED = -1809, "JET_errPermissionDenied";
    ERR_DISK_FULL = -1808, "JET_errDiskFull";
    ERR_TOO_MANY_ATTACHED_DATABASES = -1805, "JET_errTooManyAttachedDatabases";
    ERR_TEMP_FILE_OPEN_ERROR = -1803, "JET_errTempFileOpenError";
    ERR_INVALID_ON_SORT = -1702, "JET_errInvalidOnSort";
    ERR_TOO_MANY_SORTS = -1701, "JET_errTooManySorts";
    ERR_DATA_HAS_CHANGED = -1611, "JET_errDataHasChanged";
    ERR_UPDATE_NOT_PREPARED = -1609, "JET_errUpdateNotPrepared";
    ERR_KEY_NOT_MADE = -1608, "JET_errKeyNotMade";
    ERR_ALREADY_PREPARED = -1607, "JET_errAlreadyPrepared";
    ERR_KEY_DUPLICATE = -1605, "JET_errKeyDuplicate";
    ERR_RECORD_PRIMARY_CHANGED = -1604, "JET_errRecordPrimaryChanged";
    ERR_NO_CURRENT_RECORD = -1603, "JET_errNoCurrentRecord";
    ERR_RECORD_NOT_FOUND = -1601, "JET_errRecordNotFound";
    ERR_CANNOT_BE_TAGGED = -1521, "JET_errCannotBeTagged";
    ERR_BAD_ITAG_SEQUENCE = -1518, "JET_errBadItagSequence";
    ERR_BAD_COLUMN_ID = -1517, "JET_errBadColumnId";
    ERR_KEY_IS_MADE = -1516, "JET_errKeyIsMade";
    ERR_NO_CURRENT_INDEX = -1515, "JET_errNoCurrentIndex";
    ERR_TAGGED_NOT_NULL = -1514, "JET_errTaggedNotNULL";
    ERR_INVALID_COLUMN_TYPE = -1511, "JET_errInvalidColumnType";
    ERR_COLUMN_REDUNDANT = -1510, "JET_errColumnRedundant";
    ERR_COLUMN_DUPLICATE = -1508, "JET_errColumnDuplicate";
    ERR_COLUMN_NOT_FOUND = -1507, "JET_errColumnNotFound";
    ERR_COLUMN_TOO_BIG = -1506, "JET_errColumnTooBig";
    ERR_COLUMN_INDEXED = -1505, "JET_errColumnIndexed";
    ERR_NULL_INVALID = -1504, "JET_errNullInvalid";
    ERR_COLUMN_DOES_NOT_FIT = -1503, "JET_errColumnDoesNotFit";
    ERR_COLUMN_LONG = -1501, "JET_errColumnLong";
    ERR_TOO_MANY_OPEN_INDEXES = -1410, "JET_errTooManyOpenIndexes";
    ERR_INDEX_INVALID_DEF = -1406, "JET_errIndexInvalidDef";
    ERR_INDEX_MUST_STAY = -1405, "JET_errIndexMustStay";
    ERR_INDEX_NOT_FOUND = -1404, "JET_errIndexNotFound";
    ERR_INDEX_DUPLICATE = -1403, "JET_errIndexDuplicate";
    ERR_INDEX_HAS_PRIMARY = -1402, "JET_errIndexHasPrimary";
    ERR_INDEX_CANT_BUILD = -1401, "JET_errIndexCantBuild";
    ERR_INVALID_OBJECT = -1316, "JET_errInvalidObject";
    ERR_OBJECT_DUPLICATE = -1314, "JET_errObjectDuplicate";
    ERR_ILLEGAL_OPERATION = -1312, "JET_errIllegalOperation";
    ERR_TOO_MANY_OPEN_TABLES = -1311, "JET_errTooManyOpenTables";
    ERR_INVALID_TABLE_ID = -1310, "JET_errInvalidTableId";
    ERR_TABLE_NOT_EMPTY = -1308, "JET_errTableNotEmpty";
    ERR_DENSITY_INVALID = -1307, "JET_errDensityInvalid";
    ERR_OBJECT_NOT_FOUND = -1305, "JET_errObjectNotFound";
    ERR_TABLE_IN_USE = -1304, "JET_errTableInUse";
    ERR_TABLE_DUPLICATE = -1303, "JET_errTableDuplicate";
    ERR_TABLE_LOCKED = -1302, "JET_errTableLocked";
    ERR_INVALID_CREATE_DB_VERSION = -1225, "JET_errInvalidCreateDbVersion";
    ERR_ATTACHED_DATABASE_MISMATCH = -1216, "JET_errAttachedDatabaseMismatch";
    ERR_PAGE_SIZE_MISMATCH = -1213, "JET_errPageSizeMismatch";
    ERR_INVALID_DATABASE_VERSION = -1209, "JET_errInvalidDatabaseVersion";
    ERR_DATABASE_LOCKED = -1207, "JET_errDatabaseLocked";
    ERR_DATABASE_CORRUPTED = -1206, "JET_errDatabaseCorrupted";
    ERR_DATABASE_INVALID_PAGES = -1205, "JET_errDatabaseInvalidPages";
    ERR_DATABASE_INVALID_NAME = -1204, "JET_errDatabaseInvalidName";
    ERR_DATABASE_NOT_FOUND = -1203, "JET_errDatabaseNotFound";
    ERR_DATABASE_IN_USE = -1202, "JET_errDatabaseInUse";
    ERR_DATABASE_DUPLICATE = -1201, "JET_errDatabaseDuplicate";
    ERR_RECOVERY_VERIFY_FAILURE = -1123, "JET_errRecoveryVerifyFailure";
    ERR_READ_LOST_FLUSH_VERIFY_FAILURE = -1119, "JET_errReadLostFlushVerifyFailure";
    ERR_READ_PGNO_VERIFY_FAILURE = -1118, "JET_errReadPgnoVerifyFailure";
    ERR_IN_TRANSACTION = -1108, "JET_errInTransaction";
    ERR_INVALID_SESID = -1104, "JET_errInvalidSesid";
    ERR_TRANS_TOO_DEEP = -1103, "JET_errTransTooDeep";
    ERR_WRITE_CONFLICT = -1102, "JET_errWriteConflict";
    ERR_OUT_OF_SESSIONS = -1101, "JET_errOutOfSessions";
    ERR_INSTANCE_UNAVAILABLE = -1090, "JET_errInstanceUnavailable";
    ERR_CURRENCY_STACK_OUT_OF_MEMORY = -1070, "JET_errCurrencyStackOutOfMemory";
    ERR_VERSION_STORE_OUT_OF_MEMORY = -1069, "JET_errVersionStoreOutOfMemory";
    ERR_INVALID_CODE_PAGE = -1063, "JET_errInvalidCodePage";
    ERR_INVALID_LANGUAGE_ID = -1062, "JET_errInvalidLanguageId";
    ERR_INVALID_COUNTRY = -1061, "JET_errInvalidCountry";
    ERR_TOO_MANY_ACTIVE_USERS = -1059, "JET_errTooManyActiveUsers";
    ERR_NOT_IN_TRANSACTION = -1054, "JET_errNotInTransaction";
    ERR_NULL_KEY_DISALLOWED = -1053, "JET_errNullKeyDisallowed";
    ERR_INDEX_IN_USE = -1051, "JET_errIndexInUse";
    ERR_COLUMN_NOT_UPDATABLE = -1048, "JET_errColumnNotUpdatable";
    ERR_INVALID_BUFFER_SIZE = -1047, "JET_errInvalidBufferSize";
    ERR_COLUMN_IN_USE = -1046, "JET_errColumnInUse";
    ERR_INVALID_BOOKMARK = -1045, "JET_errInvalidBookmark";
    ERR_INVALID_FILENAME = -1044, "JET_errInvalidFilename";
    ERR_CONTAINER_NOT_EMPTY = -1043, "JET_errContainerNotEmpty";
    ERR_TOO_MANY_COLUMNS = -1040, "JET_errTooManyColumns";
    ERR_BUFFER_TOO_SMALL = -1038, "JET_errBufferTooSmall";
    ERR_FILE_ACCESS_DENIED = -1032, "JET_errFileAccessDenied";
    ERR_ALREADY_INITIALIZED = -1030, "JET_errAlreadyInitialized";
    ERR_NOT_INITIALIZED = -1029, "JET_errNotInitialized";
    ERR_INVALID_DATABASE = -1028, "JET_errInvalidDatabase";
    ERR_TOO_MANY_OPEN_DATABASES = -1027, "JET_errTooManyOpenDatabases";
    ERR_RECORD_TOO_BIG = -1026, "JET_errRecordTooBig";
    ERR_INVALID_PATH = -1023, "JET_errInvalidPath";
    ERR_DISK_IO = -1022, "JET_errDiskIO";
    ERR_DISK_READ_VERIFICATION_FAILURE = -1021, "JET_errDiskReadVerificationFailure";
    ERR_OUT_OF_FILE_HANDLES = -1020, "JET_errOutOfFileHandles";
    ERR_PAGE_NOT_INITIALIZED = -1019, "JET_errPageNotInitialized";
    ERR_READ_VERIFY_FAILURE = -1018, "JET_errReadVerifyFailure";
    ERR_RECORD_DELETED = -1017, "JET_errRecordDeleted";
    ERR_TOO_MANY_KEYS = -1016, "JET_errTooManyKeys";
    ERR_TOO_MANY_INDEXES = -1015, "JET_errTooManyIndexes";
    ERR_OUT_OF_BUFFERS = -1014, "JET_errOutOfBuffers";
    ERR_OUT_OF_CURSORS = -1013, "JET_errOutOfCursors";
    ERR_OUT_OF_DATABASE_SPACE = -1012, "JET_errOutOfDatabaseSpace";
    ERR_OUT_OF_MEMORY = -1011, "JET_errOutOfMemory";
    ERR_INVALID_DATABASE_ID = -1010, "JET_errInvalidDatabaseId";
    ERR_INVALID_PARAMETER = -1003, "JET_errInvalidParameter";
    ERR_INVALID_NAME = -1002, "JET_errInvalidName";
    ERR_FEATURE_NOT_AVAILABLE = -1001, "JET_errFeatureNotAvailable";
    ERR_TERM_IN_PROGRESS = -1000, "JET_errTermInProgress";
    ERR_INVALID_GRBIT = -900, "JET_errInvalidGrbit";
    ERR_BACKUP_ABORT_BY_SERVER = -801, "JET_errBackupAbortByServer";
    ERR_LOG_OPERATION_INCONSISTENT_WITH_DATABASE = -626,
        "JET_errLogOperationInconsistentWithDatabase";
    ERR_DB_TIME_BEYOND_MAX_REQUIRED = -625, "JET_errDbTimeBeyondMaxRequired";
    ERR_ENGINE_FORMAT_VERSION_SPECIFIED_TOO_LOW_FOR_DATABASE_VERSION = -623,
        "JET_errEngineFormatVersionSpecifiedTooLowForDatabaseVersion";
    ERR_ENGINE_FORMAT_VERSION_SPECIFIED_TOO_LOW_FOR_LOG_VERSION = -622,
        "JET_errEngineFormatVersionSpecifiedTooLowForLogVersion";
    ERR_ENGINE_FORMAT_VERSION_PARAM_TOO_LOW_FOR_REQUESTED_FEATURE = -621,
        "JET_errEngineFormatVersionParamTooLowForRequestedFeature";
    ERR_ENGINE_FORMAT_VERSION_NOT_YET_IMPLEMENTED_TOO_HIGH = -620,
        "JET_errEngineFormatVersionNotYetImplementedTooHigh";
    ERR_ENGINE_FORMAT_VERSION_NO_LONGER_SUPPORTED_TOO_LOW = -619,
        "JET_errEngineFormatVersionNoLongerSupportedTooLow";
    ERR_TRANSACTION_TOO_LONG = -618, "JET_errTransactionTooLong";
    ERR_SURROGATE_BACKUP_IN_PROGRESS = -617, "JET_errSurrogateBackupInProgress";
    ERR_LOG_FILE_NOT_COPIED = -616, "JET_errLogFileNotCopied";
    ERR_RESTORE_OF_NON_BACKUP_DATABASE = -615, "JET_errRestoreOfNonBackupDatabase";
    ERR_CHECKPOINT_DEPTH_TOO_DEEP = -614, "JET_errCheckpointDepthTooDeep";
    ERR_LOG_READ_VERIFY_FAILURE = -612, "JET_errLogReadVerifyFailure";
    ERR_EXISTING_LOG_FILE_IS_NOT_CONTIGUOUS = -611, "JET_errExistingLogFileIsNotContiguous";
    ERR_EXISTING_LOG_FILE_HAS_BAD_SIGNATURE = -610, "JET_errExistingLogFileHasBadSignature";
    ERR_PAGE_INITIALIZED_MISMATCH = -596, "JET_errPageInitializedMismatch";
    ERR_LOG_SEQUENCE_CHECKSUM_MISMATCH = -590, "JET_errLogSequenceChecksumMismatch";
    ERR_COMMITTED_LOG_FILE_CORRUPT = -586, "JET_errCommittedLogFileCorrupt";
    ERR_RECOVERED_WITHOUT_UNDO_DATABASES_CONSISTENT = -584,
        "JET_errRecoveredWithoutUndoDatabasesConsistent";
    ERR_SECTOR_SIZE_NOT_SUPPORTED = -583, "JET_errSectorSizeNotSupported";
    ERR_COMMITTED_LOG_FILES_MISSING = -582, "JET_errCommittedLogFilesMissing";
    ERR_SOFT_RECOVERY_ON_SNAPSHOT = -581, "JET_errSoftRecoveryOnSnapshot";
    ERR_DATABASES_NOT_FROM_SAME_SNAPSHOT = -580, "JET_errDatabasesNotFromSameSnapshot";
    ERR_RECOVERED_WITHOUT_UNDO = -579, "JET_errRecoveredWithoutUndo";
    ERR_BAD_RESTORE_TARGET_INSTANCE = -577, "JET_errBadRestoreTargetInstance";
    ERR_LOG_CORRUPT_DURING_HARD_RECOVERY = -574, "JET_errLogCorruptDuringHardRecovery";
    ERR_LOG_CORRUPT_DURING_HARD_RESTORE = -573, "JET_errLogCorruptDuringHardRestore";
    ERR_LOG_TORN_WRITE_DURING_HARD_RECOVERY = -571, "JET_errLogTornWriteDuringHardRecovery";
    ERR_LOG_TORN_WRITE_DURING_HARD_RESTORE = -570, "JET_errLogTornWriteDuringHardRestore";
    ERR_MISSING_FILE_TO_BACKUP = -569, "JET_errMissingFileToBackup";
    ERR_DB_TIME_TOO_NEW = -567, "JET_errDbTimeTooNew";
    ERR_DB_TIME_TOO_OLD = -566, "JET_errDbTimeTooOld";
    ERR_MISSING_CURRENT_LOG_FILES = -565, "JET_errMissingCurrentLogFiles";
    ERR_DATABASE_ALREADY_UPGRADED = -562, "JET_errDatabaseAlreadyUpgraded";
    ERR_BAD_BACKUP_DATABASE_SIZE = -561, "JET_errBadBackupDatabaseSize";
    ERR_MISSING_FULL_BACKUP = -560, "JET_errMissingFullBackup";
    ERR_MISSING_RESTORE_LOG_FILES = -557, "JET_errMissingRestoreLogFiles";
    ERR_GIVEN_LOG_FILE_IS_NOT_CONTIGUOUS = -556, "JET_errGivenLogFileIsNotContiguous";
    ERR_GIVEN_LOG_FILE_HAS_BAD_SIGNATURE = -555, "JET_errGivenLogFileHasBadSignature";
    ERR_STARTING_RESTORE_LOG_TOO_HIGH = -554, "JET_errStartingRestoreLogTooHigh";
    ERR_ENDING_RESTORE_LOG_TOO_LOW = -553, "JET_errEndingRestoreLogTooLow";
    ERR_DATABASE_PATCH_FILE_MISMATCH = -552, "JET_errDatabasePatchFileMismatch";
    ERR_CONSISTENT_TIME_MISMATCH = -551, "JET_errConsistentTimeMismatch";
    ERR_DATABASE_DIRTY_SHUTDOWN = -550, "JET_errDatabaseDirtyShutdown";
    ERR_LOG_SEQUENCE_END_DATABASES_CONSISTENT = -548, "JET_errLogSequenceEndDatabasesConsistent";
    ERR_LOG_SECTOR_SIZE_MISMATCH_DATABASES_CONSISTENT = -547,
        "JET_errLogSectorSizeMismatchDatabasesConsistent";
    ERR_LOG_SECTOR_SIZE_MISMATCH = -546, "JET_errLogSectorSizeMismatch";
    ERR_LOG_FILE_SIZE_MISMATCH_DATABASES_CONSISTENT = -545,
        "JET_errLogFileSizeMismatchDatabasesConsistent";
    ERR_SOFT_RECOVERY_ON_BACKUP_DATABASE = -544, "JET_errSoftRecoveryOnBackupDatabase";
    ERR_REQUIRED_LOG_FILES_MISSING = -543, "JET_errRequiredLogFilesMissing";
    ERR_CHECKPOINT_FILE_NOT_FOUND = -542, "JET_errCheckpointFileNotFound";
    ERR_LOG_FILE_SIZE_MISMATCH = -541, "JET_errLogFileSizeMismatch";
    ERR_DATABASE_STREAMING_FILE_MISMATCH = -540, "JET_errDatabaseStreamingFileMismatch";
    ERR_DATABASE_LOG_SET_MISMATCH = -539, "JET_errDatabaseLogSetMismatch";
    ERR_PATCH_FILE_MISSING = -538, "JET_errPatchFileMissing";
    ERR_REDO_ABRUPT_ENDED = -536, "JET_errRedoAbruptEnded";
    ERR_BAD_PATCH_PAGE = -535, "JET_errBadPatchPage";
    ERR_MISSING_PATCH_PAGE = -534, "JET_errMissingPatchPage";
    ERR_CHECKPOINT_CORRUPT = -533, "JET_errCheckpointCorrupt";
    ERR_BAD_CHECKPOINT_SIGNATURE = -532, "JET_errBadCheckpointSignature";
    ERR_BAD_DB_SIGNATURE = -531, "JET_errBadDbSignature";
    ERR_BAD_LOG_SIGNATURE = -530, "JET_errBadLogSignature";
    ERR_LOG_DISK_FULL = -529, "JET_errLogDiskFull";
    ERR_MISSING_LOG_FILE = -528, "JET_errMissingLogFile";
    ERR_RECOVERED_WITH_ERRORS = -527, "JET_errRecoveredWithErrors";
    ERR_INVALID_BACKUP = -526, "JET_errInvalidBackup";
    ERR_MAKE_BACKUP_DIRECTORY_FAIL = -525, "JET_errMakeBackupDirectoryFail";
    ERR_DELETE_BACKUP_FILE_FAIL = -524, "JET_errDeleteBackupFileFail";
    ERR_BACKUP_NOT_ALLOWED_YET = -523, "JET_errBackupNotAllowedYet";
    ERR_INVALID_BACKUP_SEQUENCE = -521, "JET_errInvalidBackupSequence";
    ERR_NO_BACKUP = -520, "JET_errNoBackup";
    ERR_LOG_SEQUENCE_END = -519, "JET_errLogSequenceEnd";
    ERR_LOG_BUFFER_TOO_SMALL = -517, "JET_errLogBufferTooSmall";
    ERR_LOGGING_DISABLED = -516, "JET_errLoggingDisabled";
    ERR_INVALID_LOG_SEQUENCE = -515, "JET_errInvalidLogSequence";
    ERR_BAD_LOG_VERSION = -514, "JET_errBadLogVersion";
    ERR_LOG_GENERATION_MISMATCH = -513, "JET_errLogGenerationMismatch";
    ERR_CANNOT_LOG_DURING_RECOVERY_REDO = -512, "JET_errCannotLogDuringRecoveryRedo";
    ERR_LOG_DISABLED_DUE_TO_RECOVERY_FAILURE = -511, "JET_errLogDisabledDueToRecoveryFailure";
    ERR_LOG_WRITE_FAIL = -510, "JET_errLogWriteFail";
    ERR_MISSING_PREVIOUS_LOG_FILE = -509, "JET_errMissingPreviousLogFile";
    ERR_RESTORE_IN_PROGRESS = -506, "JET_errRestoreInProgress";
    ERR_BACKUP_IN_PROGRESS = -505, "JET_errBackupInProgress";
    ERR_BACKUP_DIRECTORY_NOT_EMPTY = -504, "JET_errBackupDirectoryNotEmpty";
    ERR_NO_BACKUP_DIRECTORY = -503, "JET_errNoBackupDirectory";
    ERR_LOG_FILE_CORRUPT = -501, "JET_errLogFileCorrupt";
    ERR_INVALID_LOGGED_OPERATION = -500, "JET_errInvalidLoggedOperation";
    ERR_DATABASE_BUFFER_DEPENDENCIES_CORRUPTED = -255, "JET_errDatabaseBufferDependenciesCorrupted";
    ERR_SUCCESS = 0, "JET_errSuccess";
    WRN_EXISTING_LOG_FILE_HAS_BAD_SIGNATURE = 558, "JET_wrnExistingLogFileHasBadSignature";
    WRN_EXISTING_LOG_FILE_IS_NOT_CONTIGUOUS = 559, "JET_wrnExistingLogFileIsNotContiguous";
    WRN_TARGET_INSTANCE_RUNNING = 578, "JET_wrnTargetInstanceRunning";
    WRN_COMMITTED_LOG_FILES_LOST = 585, "JET_wrnCommittedLogFilesLost";
    WRN_COMMITTED_LOG_FILES_REMOVED = 587, "JET_wrnCommittedLogFilesRemoved";
    WRN_FINISH_WITH_UNDO = 588, "JET_wrnFinishWithUndo";
    WRN_COLUMN_NULL = 1004, "JET_wrnColumnNull";
    WRN_BUFFER_TRUNCATED = 1006, "JET_wrnBufferTruncated";
    WRN_DATABASE_ATTACHED = 1007, "JET_wrnDatabaseAttached";
    WRN_SEEK_NOT_EQUAL = 1039, "JET_wrnSeekNotEqual";
    WRN_NO_IDLE_ACTIVITY = 1058, "JET_wrnNoIdleActivity";
    WRN_NO_WRITE_LOCK = 1067, "JET_wrnNoWriteLock";
    WRN_COLUMN_SET_NULL = 1068, "JET_wrnColumnSetNull";
    WRN_TABLE_EMPTY = 1301, "JET_wrnTableEmpty";
    WRN_COLUMN_MAX_TRUNCATED = 1512, "JET_wrnColumnMaxTruncated";
    WRN_DATA_HAS_CHANGED = 1610, "JET_wrnDataHasChanged";
    WRN_KEY_CHANGED = 1618, "JET_wrnKeyChanged";
    WRN_FILE_OPEN_READ_ONLY = 1813, "JET_wrnFileOpenReadOnly";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_so_that_each_is_found() {
        assert!(CODES.is_sorted_by(|a, b| a.0 < b.0));
        for &(code, text) in CODES {
            assert_eq!(name(code), Some(text));
        }
    }

    #[test]
    fn sign_says_error_or_warning() {
        for &(code, text) in CODES {
            let sign = if text.starts_with("JET_wrn") { 1 } else { -1 };
            assert!(code == 0 || code.signum() == sign, "{text}");
        }
    }

    #[test]
    fn numbers_without_a_name_have_none() {
        assert_eq!(name(-1018), Some("JET_errReadVerifyFailure"));
        assert_eq!(name(ERR_REQUIRED_LOG_FILES_MISSING), Some("JET_errRequiredLogFilesMissing"));
        assert_eq!(name(-9999), None);
    }
}
