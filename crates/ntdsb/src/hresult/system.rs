//! Engine codes of the system and the directory manager (JET numbers below 500) and of the engine
//! as a whole (1000 to 1199).
//!
//! Source: names and values of `ntdsbmsg.h` (mingw-w64, public domain); meanings in our own words
//! after "logging and recovery errors", "system errors" and "directory manager errors" of the
//! Win32 documentation and the comments of ESE `jethdr.w`.

use super::{Code, HResult, codes};

codes! {
    SYSTEM
    HR_FILE_CLOSE = 0xC800_0066, "hrFileClose",
        "a file could not be closed",
        "";
    HR_OUT_OF_THREADS = 0xC800_0067, "hrOutOfThreads",
        "no thread could be started",
        "";
    HR_TOO_MANY_IO = 0xC800_0069, "hrTooManyIO",
        "too many input and output operations in flight",
        "";
    HR_BF_NOT_SYNCHRONOUS = 0x8800_00C8, "hrBFNotSynchronous",
        "the page buffer was evicted",
        "";
    HR_BF_PAGE_NOT_FOUND = 0x8800_00C9, "hrBFPageNotFound",
        "the page was not found among the buffers",
        "";
    HR_BF_IN_USE = 0xC800_00CA, "hrBFInUse",
        "the page buffer is in use and cannot be abandoned",
        "";
    HR_PM_REC_DELETED = 0xC800_012E, "hrPMRecDeleted",
        "the record has been deleted",
        "";
    HR_REMAINING_VERSIONS = 0x8800_0141, "hrRemainingVersions",
        "idle work is left in the version store",
        "";
    HR_FLD_KEY_TOO_BIG = 0x8800_0190, "hrFLDKeyTooBig",
        "the key was cut at 255 bytes",
        "";
    HR_FLD_TOO_MANY_SEGMENTS = 0xC800_0191, "hrFLDTooManySegments",
        "the key has too many segments",
        "";
    HR_FLD_NULL_KEY = 0x8800_0192, "hrFLDNullKey",
        "the key is null",
        "";
    HR_TERM_IN_PROGRESS = 0xC800_03E8, "hrTermInProgress",
        "the engine is shutting down",
        "";
    HR_FEATURE_NOT_AVAILABLE = 0xC800_03E9, "hrFeatureNotAvailable",
        "the feature is not available",
        "";
    HR_INVALID_NAME = 0xC800_03EA, "hrInvalidName",
        "the name is invalid",
        "";
    HR_INVALID_PARAMETER = 0xC800_03EB, "hrInvalidParameter",
        "a parameter given to the engine is invalid",
        "";
    HR_COLUMN_NULL = 0x8800_03EC, "hrColumnNull",
        "the column is null",
        "";
    HR_BUFFER_TRUNCATED = 0x8800_03EE, "hrBufferTruncated",
        "the data is longer than the buffer",
        "";
    HR_DATABASE_ATTACHED = 0x8800_03EF, "hrDatabaseAttached",
        "the database is already attached",
        "";
    HR_INVALID_DATABASE_ID = 0xC800_03F2, "hrInvalidDatabaseId",
        "the database id is invalid",
        "";
    HR_OUT_OF_MEMORY = 0xC800_03F3, "hrOutOfMemory",
        "the engine is out of memory",
        "Free memory, or lower the limits in the configuration.";
    HR_OUT_OF_DATABASE_SPACE = 0xC800_03F4, "hrOutOfDatabaseSpace",
        "the database has reached its maximum size",
        "";
    HR_OUT_OF_CURSORS = 0xC800_03F5, "hrOutOfCursors",
        "no cursors are left",
        "";
    HR_OUT_OF_BUFFERS = 0xC800_03F6, "hrOutOfBuffers",
        "no page buffers are left",
        "";
    HR_TOO_MANY_INDEXES = 0xC800_03F7, "hrTooManyIndexes",
        "too many indexes",
        "";
    HR_TOO_MANY_KEYS = 0xC800_03F8, "hrTooManyKeys",
        "too many key columns",
        "";
    HR_RECORD_DELETED = 0xC800_03F9, "hrRecordDeleted",
        "record deleted",
        "";
    HR_READ_VERIFY_FAILURE = 0xC800_03FA, "hrReadVerifyFailure",
        "a page of the database is damaged: its checksum is wrong",
        "Verify the database; restore the page from an older backup or a partner. This backup is \
         not usable.";
    HR_OUT_OF_FILE_HANDLES = 0xC800_03FC, "hrOutOfFileHandles",
        "no file handles are left",
        "Raise the limit of open files of the service.";
    HR_DISK_IO = 0xC800_03FE, "hrDiskIO",
        "reading or writing the disk failed",
        "Look into the system log for errors of the disk.";
    HR_INVALID_PATH = 0xC800_03FF, "hrInvalidPath",
        "the path is invalid",
        "";
    HR_RECORD_TOO_BIG = 0xC800_0402, "hrRecordTooBig",
        "the record is too big",
        "";
    HR_TOO_MANY_OPEN_DATABASES = 0xC800_0403, "hrTooManyOpenDatabases",
        "too many databases are open",
        "";
    HR_INVALID_DATABASE = 0xC800_0404, "hrInvalidDatabase",
        "the file is not a database",
        "Give a database file (ntds.dit).";
    HR_NOT_INITIALIZED = 0xC800_0405, "hrNotInitialized",
        "the engine has not been started",
        "";
    HR_ALREADY_INITIALIZED = 0xC800_0406, "hrAlreadyInitialized",
        "the engine has already been started",
        "";
    HR_FILE_ACCESS_DENIED = 0xC800_0408, "hrFileAccessDenied",
        "the file is not accessible",
        "Check the permissions of the file and that no other program holds it.";
    HR_BUFFER_TOO_SMALL = 0xC800_040E, "hrBufferTooSmall",
        "buffer too small",
        "";
    HR_SEEK_NOT_EQUAL = 0x8800_040F, "hrSeekNotEqual",
        "no exact match",
        "";
    HR_TOO_MANY_COLUMNS = 0xC800_0410, "hrTooManyColumns",
        "too many columns",
        "";
    HR_CONTAINER_NOT_EMPTY = 0xC800_0413, "hrContainerNotEmpty",
        "container not empty",
        "";
    HR_INVALID_FILENAME = 0xC800_0414, "hrInvalidFilename",
        "file name invalid",
        "";
    HR_INVALID_BOOKMARK = 0xC800_0415, "hrInvalidBookmark",
        "bookmark invalid",
        "";
    HR_COLUMN_IN_USE = 0xC800_0416, "hrColumnInUse",
        "column used by an index",
        "";
    HR_INVALID_BUFFER_SIZE = 0xC800_0417, "hrInvalidBufferSize",
        "buffer size does not fit column",
        "";
    HR_COLUMN_NOT_UPDATABLE = 0xC800_0418, "hrColumnNotUpdatable",
        "column cannot be set",
        "";
    HR_INDEX_IN_USE = 0xC800_041B, "hrIndexInUse",
        "index in use",
        "";
    HR_NULL_KEY_DISALLOWED = 0xC800_041D, "hrNullKeyDisallowed",
        "null key not allowed",
        "";
    HR_NOT_IN_TRANSACTION = 0xC800_041E, "hrNotInTransaction",
        "needs a transaction",
        "";
    HR_NO_IDLE_ACTIVITY = 0x8800_0422, "hrNoIdleActivity",
        "nothing to do",
        "";
    HR_TOO_MANY_ACTIVE_USERS = 0xC800_0423, "hrTooManyActiveUsers",
        "too many users",
        "";
    HR_INVALID_COUNTRY = 0xC800_0425, "hrInvalidCountry",
        "country code invalid",
        "";
    HR_INVALID_LANGUAGE_ID = 0xC800_0426, "hrInvalidLanguageId",
        "language id invalid",
        "";
    HR_INVALID_CODE_PAGE = 0xC800_0427, "hrInvalidCodePage",
        "code page invalid",
        "";
    HR_NO_WRITE_LOCK = 0x8800_042B, "hrNoWriteLock",
        "no write lock at level 0",
        "";
    HR_COLUMN_SET_NULL = 0x8800_042C, "hrColumnSetNull",
        "column set to null",
        "";
    HR_VERSION_STORE_OUT_OF_MEMORY = 0xC800_042D, "hrVersionStoreOutOfMemory",
        "version store full",
        "";
    HR_CURRENCY_STACK_OUT_OF_MEMORY = 0xC800_042E, "hrCurrencyStackOutOfMemory",
        "no cursors left",
        "";
    HR_OUT_OF_SESSIONS = 0xC800_044D, "hrOutOfSessions",
        "no sessions left",
        "";
    HR_WRITE_CONFLICT = 0xC800_044E, "hrWriteConflict",
        "write-write conflict",
        "";
    HR_TRANS_TOO_DEEP = 0xC800_044F, "hrTransTooDeep",
        "nesting too deep",
        "";
    HR_INVALID_SESID = 0xC800_0450, "hrInvalidSesid",
        "session invalid",
        "";
    HR_SESSION_WRITE_CONFLICT = 0xC800_0453, "hrSessionWriteConflict",
        "another session holds a private version of the page",
        "";
    HR_IN_TRANSACTION = 0xC800_0454, "hrInTransaction",
        "not allowed inside a transaction",
        "";
}
