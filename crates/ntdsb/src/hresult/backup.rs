//! Codes of the backup interface itself: facility 0x7FF, and the three outside any facility.
//!
//! Source: names and values of `ntdsbmsg.h` (mingw-w64, public domain).

use super::{Code, HResult, codes};

codes! {
    BACKUP
    HR_NONE = 0x0000_0000, "hrNone",
        "success",
        "";
    HR_NYI = 0xC000_0001, "hrNyi",
        "not implemented",
        "";
    HR_INVALID_PARAM = 0xC7FF_0001, "hrInvalidParam",
        "a required argument of the backup call is missing or invalid",
        "Pass a pointer for the token and one for its size.";
    HR_ERROR = 0xC7FF_0002, "hrError",
        "internal failure of the service",
        "Look up the correlation id in the service's log and report it.";
    HR_INVALID_HANDLE = 0xC7FF_0003, "hrInvalidHandle",
        "no file is open, or the service no longer knows the context",
        "Open a file first; if the service was restarted, begin the backup again.";
    HR_RESTORE_IN_PROGRESS = 0xC7FF_0004, "hrRestoreInProgress",
        "a restore is under way",
        "Finish or end the running restore; ended without completion it can be replaced by a new \
         one.";
    HR_ALREADY_OPEN = 0xC7FF_0005, "hrAlreadyOpen",
        "a file is already open; a context reads one file at a time",
        "Close the open file first.";
    HR_INVALID_RECIPS = 0xC7FF_0006, "hrInvalidRecips",
        "recipients invalid (heritage of the mail system)",
        "";
    HR_COULD_NOT_CONNECT = 0xC7FF_0007, "hrCouldNotConnect",
        "no such server, its name is malformed, or no directory service answers there",
        "Check the name (no underscore, no or two leading backslashes) and that the service runs \
         with a directory.";
    HR_RESTORE_MAP_EXISTS = 0xC7FF_0008, "hrRestoreMapExists",
        "this restore already has a restore map; only a full restore may bring one",
        "Complete or end this restore, then prepare a new one.";
    HR_INCREMENTAL_BACKUP_DISABLED = 0xC7FF_0009, "hrIncrementalBackupDisabled",
        "no incremental backup until the next full one: the sequence was altered",
        "Take a full backup.";
    HR_LOG_FILE_NOT_FOUND = 0xC7FF_000A, "hrLogFileNotFound",
        "no incremental backup: a log that it needs is gone",
        "Take a full backup.";
    HR_CIRCULAR_LOGGING = 0xC7FF_000B, "hrCircularLogging",
        "no incremental backup: logs are overwritten in a circle",
        "Take full backups, or switch circular logging off.";
    HR_NO_FULL_RESTORE = 0xC7FF_000C, "hrNoFullRestore",
        "an incremental restore needs a full restore before it",
        "Register the full backup, with its restore map, first.";
    HR_COMMUNICATION_ERROR = 0xC7FF_000D, "hrCommunicationError",
        "the connection to the service broke in the middle of a backup or restore",
        "End the context, discard what was stored, look at the service, and begin again.";
    HR_FULL_BACKUP_NOT_TAKEN = 0xC7FF_000E, "hrFullBackupNotTaken",
        "no full backup has been taken yet",
        "Take a full backup.";
    HR_MISSING_EXPIRY_TOKEN = 0xC7FF_000F, "hrMissingExpiryToken",
        "a restore needs the expiry token that was stored with the backup",
        "Prepare the restore with the token of the backup.";
    HR_UNKNOWN_EXPIRY_TOKEN_FORMAT = 0xC7FF_0010, "hrUnknownExpiryTokenFormat",
        "the expiry token is not recognisable or damaged",
        "Use the token file of this backup, unaltered, written by this project.";
    HR_CONTENTS_EXPIRED = 0xC7FF_0011, "hrContentsExpired",
        "the backup is older than the tombstone lifetime allows",
        "Use a newer backup, or let a partner replicate a new directory.";
    HR_ALREADY_LISTENING = 0x0000_06B1, "hrAlreadyListening",
        "the service is already registered",
        "Stop the other service, or give this one another socket.";
}
