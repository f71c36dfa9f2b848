//! Engine codes that `ntdsbmsg.h` has no name for, but that a backup can return; they follow the
//! same arithmetic and carry the engine's own name.
//!
//! Source: ESE `jethdr.w` (microsoft/Extensible-Storage-Engine, dev/ese/published/inc).

use super::{Code, HResult, codes};

codes! {
    UNNAMED
    JET_BAD_PATCH_PAGE = 0xC800_0217, "JET_errBadPatchPage",
        "the trailer page of the database copy is missing or damaged: the copy is incomplete",
        "Copy the whole database of the backup again.";
    JET_REQUIRED_LOG_FILES_MISSING = 0xC800_021F, "JET_errRequiredLogFilesMissing",
        "logs that the database needs are missing",
        "Put the missing logs back, or restore a backup.";
    JET_EXISTING_LOG_FILE_HAS_BAD_SIGNATURE = 0xC800_0262, "JET_errExistingLogFileHasBadSignature",
        "a log that was in the log path has the wrong signature",
        "Empty the log directory before the restore.";
    JET_EXISTING_LOG_FILE_IS_NOT_CONTIGUOUS = 0xC800_0263, "JET_errExistingLogFileIsNotContiguous",
        "there is a gap among the logs that were in the log path",
        "Empty the log directory before the restore.";
    JET_LOG_FILE_NOT_COPIED = 0xC800_0268, "JET_errLogFileNotCopied",
        "a log of the backup was not read to its end",
        "Read every listed log to its end before truncating.";
    JET_SURROGATE_BACKUP_IN_PROGRESS = 0xC800_0269, "JET_errSurrogateBackupInProgress",
        "a backup by a surrogate is already running",
        "Wait for the running backup, or end it.";
    JET_BACKUP_ABORT_BY_SERVER = 0xC800_0321, "JET_errBackupAbortByServer",
        "the service aborted the backup: the context was idle for too long",
        "Begin the backup again and read without long pauses.";
}
