//! Engine codes of logging, recovery and backup: JET numbers 500 to 999.
//!
//! Source: names and values of `ntdsbmsg.h` (mingw-w64, public domain); meanings in our own words
//! after "logging and recovery errors", "system errors" and "directory manager errors" of the
//! Win32 documentation and the comments of ESE `jethdr.w`.

use super::{Code, HResult, codes};

codes! {
    LOGGING
    HR_LOG_FILE_CORRUPT = 0xC800_01F5, "hrLogFileCorrupt",
        "a log file is damaged",
        "Restore the log from the backup, or restore to the generation before it.";
    HR_NO_BACKUP_DIRECTORY = 0xC800_01F7, "hrNoBackupDirectory",
        "no backup directory was given",
        "";
    HR_BACKUP_DIRECTORY_NOT_EMPTY = 0xC800_01F8, "hrBackupDirectoryNotEmpty",
        "the backup directory is not empty",
        "Choose an empty directory.";
    HR_BACKUP_IN_PROGRESS = 0xC800_01F9, "hrBackupInProgress",
        "a backup is already running",
        "Wait for the running backup, or end it; one backup runs at a time.";
    HR_MISSING_PREVIOUS_LOG_FILE = 0xC800_01FD, "hrMissingPreviousLogFile",
        "a log that the checkpoint needs is missing",
        "Put the missing log back, or restore a backup.";
    HR_LOG_WRITE_FAIL = 0xC800_01FE, "hrLogWriteFail",
        "the log cannot be written",
        "Check the log volume: space, permission, hardware.";
    HR_BAD_LOG_VERSION = 0xC800_0202, "hrBadLogVersion",
        "the log's format version is unknown to this engine",
        "Use a program that knows this version of the log format.";
    HR_INVALID_LOG_SEQUENCE = 0xC800_0203, "hrInvalidLogSequence",
        "the next log's time stamp does not follow the one before it",
        "Remove logs of another sequence from the directory.";
    HR_LOGGING_DISABLED = 0xC800_0204, "hrLoggingDisabled",
        "logging is switched off",
        "";
    HR_LOG_BUFFER_TOO_SMALL = 0xC800_0205, "hrLogBufferTooSmall",
        "the log buffer is too small to recover",
        "";
    HR_LOG_SEQUENCE_END = 0xC800_0207, "hrLogSequenceEnd",
        "log generation numbers are exhausted",
        "Shut the directory down cleanly and begin a new log sequence.";
    HR_NO_BACKUP = 0xC800_0208, "hrNoBackup",
        "no backup is in progress",
        "Prepare a backup first.";
    HR_INVALID_BACKUP_SEQUENCE = 0xC800_0209, "hrInvalidBackupSequence",
        "the call comes out of sequence",
        "Follow the order: databases, logs, truncation, end; one file at a time, each to its end.";
    HR_BACKUP_NOT_ALLOWED_YET = 0xC800_020B, "hrBackupNotAllowedYet",
        "a backup is not possible at this moment",
        "Wait until recovery has finished, then try again.";
    HR_DELETE_BACKUP_FILE_FAIL = 0xC800_020C, "hrDeleteBackupFileFail",
        "a backed-up log file cannot be deleted",
        "Check the permissions of the log directory; the next truncation tries again.";
    HR_MAKE_BACKUP_DIRECTORY_FAIL = 0xC800_020D, "hrMakeBackupDirectoryFail",
        "the backup directory cannot be created",
        "";
    HR_INVALID_BACKUP = 0xC800_020E, "hrInvalidBackup",
        "incremental backup under circular logging",
        "";
    HR_RECOVERED_WITH_ERRORS = 0xC800_020F, "hrRecoveredWithErrors",
        "recovery finished, with errors",
        "";
    HR_MISSING_LOG_FILE = 0xC800_0210, "hrMissingLogFile",
        "the current log file is missing",
        "Put the current log back, or restore a backup.";
    HR_LOG_DISK_FULL = 0xC800_0211, "hrLogDiskFull",
        "the log volume is full",
        "Free space on the log volume.";
    HR_BAD_LOG_SIGNATURE = 0xC800_0212, "hrBadLogSignature",
        "a log belongs to another sequence or is damaged",
        "Use the logs that belong to this database.";
    HR_BAD_DB_SIGNATURE = 0xC800_0213, "hrBadDbSignature",
        "the database belongs to another sequence: its signature is wrong",
        "Use the database that belongs to these logs.";
    HR_BAD_CHECKPOINT_SIGNATURE = 0xC800_0214, "hrBadCheckpointSignature",
        "the checkpoint belongs to another sequence: its signature is wrong",
        "Use the checkpoint that belongs to these logs.";
    HR_CHECKPOINT_CORRUPT = 0xC800_0215, "hrCheckpointCorrupt",
        "the checkpoint file is missing or damaged",
        "Remove the checkpoint file; recovery then reads all logs.";
    HR_DATABASE_INCONSISTENT = 0xC800_0226, "hrDatabaseInconsistent",
        "the database was not shut down cleanly",
        "Recover the database with its logs first.";
    HR_CONSISTENT_TIME_MISMATCH = 0xC800_0227, "hrConsistentTimeMismatch",
        "the time of last consistency disagrees with the log",
        "";
    HR_PATCH_FILE_MISMATCH = 0xC800_0228, "hrPatchFileMismatch",
        "the copy's patch data is of another backup",
        "Use database and logs of the same backup.";
    HR_RESTORE_LOG_TOO_LOW = 0xC800_0229, "hrRestoreLogTooLow",
        "the last log given lies too low",
        "Give the logs up to the highest number of the backup.";
    HR_RESTORE_LOG_TOO_HIGH = 0xC800_022A, "hrRestoreLogTooHigh",
        "the first log given lies too high",
        "Give the logs from the lowest number of the backup.";
    HR_GIVEN_LOG_FILE_HAS_BAD_SIGNATURE = 0xC800_022B, "hrGivenLogFileHasBadSignature",
        "a restored log has the wrong signature",
        "Copy the logs of this very backup.";
    HR_GIVEN_LOG_FILE_IS_NOT_CONTIGUOUS = 0xC800_022C, "hrGivenLogFileIsNotContiguous",
        "there is a gap among the restored logs",
        "Copy all logs of the backup, then complete again.";
    HR_MISSING_RESTORE_LOG_FILES = 0xC800_022D, "hrMissingRestoreLogFiles",
        "logs that the restore needs are missing",
        "Copy all logs of the backup, then complete again.";
    HR_EXISTING_LOG_FILE_HAS_BAD_SIGNATURE = 0x8800_022E, "hrExistingLogFileHasBadSignature",
        "a log that was in the log path has the wrong signature",
        "Empty the log directory before the restore.";
    HR_EXISTING_LOG_FILE_IS_NOT_CONTIGUOUS = 0x8800_022F, "hrExistingLogFileIsNotContiguous",
        "there is a gap among the logs that were in the log path",
        "Empty the log directory before the restore.";
    HR_MISSING_FULL_BACKUP = 0xC800_0230, "hrMissingFullBackup",
        "no full backup precedes this incremental one",
        "Take a full backup.";
    HR_BAD_BACKUP_DATABASE_SIZE = 0xC800_0231, "hrBadBackupDatabaseSize",
        "the size of the database file is no whole number of pages",
        "The copy is cut short: copy the database again.";
}
