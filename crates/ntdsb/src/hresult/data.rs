//! Engine codes of databases, tables, indexes, columns, records, sorts and files: JET numbers
//! from 1200.
//!
//! Source: names and values of `ntdsbmsg.h` (mingw-w64, public domain); meanings in our own words
//! after "logging and recovery errors", "system errors" and "directory manager errors" of the
//! Win32 documentation and the comments of ESE `jethdr.w`.

use super::{Code, HResult, codes};

codes! {
    DATA
    HR_DATABASE_DUPLICATE = 0xC800_04B1, "hrDatabaseDuplicate",
        "database exists",
        "";
    HR_DATABASE_IN_USE = 0xC800_04B2, "hrDatabaseInUse",
        "the database is in use",
        "Close the other program that uses the database.";
    HR_DATABASE_NOT_FOUND = 0xC800_04B3, "hrDatabaseNotFound",
        "the database is not there",
        "Check the path.";
    HR_DATABASE_INVALID_NAME = 0xC800_04B4, "hrDatabaseInvalidName",
        "database name invalid",
        "";
    HR_DATABASE_INVALID_PAGES = 0xC800_04B5, "hrDatabaseInvalidPages",
        "page count invalid",
        "";
    HR_DATABASE_CORRUPTED = 0xC800_04B6, "hrDatabaseCorrupted",
        "the database is damaged",
        "Restore a backup.";
    HR_DATABASE_LOCKED = 0xC800_04B7, "hrDatabaseLocked",
        "the database is locked",
        "Close the other program that uses the database.";
    HR_TABLE_EMPTY = 0x8800_0515, "hrTableEmpty",
        "table empty",
        "";
    HR_TABLE_LOCKED = 0xC800_0516, "hrTableLocked",
        "table locked",
        "";
    HR_TABLE_DUPLICATE = 0xC800_0517, "hrTableDuplicate",
        "table exists",
        "";
    HR_TABLE_IN_USE = 0xC800_0518, "hrTableInUse",
        "table in use",
        "";
    HR_OBJECT_NOT_FOUND = 0xC800_0519, "hrObjectNotFound",
        "no such table or object",
        "";
    HR_CANNOT_RENAME = 0xC800_051A, "hrCannotRename",
        "cannot rename temporary file",
        "";
    HR_DENSITY_INVALID = 0xC800_051B, "hrDensityInvalid",
        "density invalid",
        "";
    HR_TABLE_NOT_EMPTY = 0xC800_051C, "hrTableNotEmpty",
        "table not empty",
        "";
    HR_INVALID_TABLE_ID = 0xC800_051E, "hrInvalidTableId",
        "table id invalid",
        "";
    HR_TOO_MANY_OPEN_TABLES = 0xC800_051F, "hrTooManyOpenTables",
        "too many tables open",
        "";
    HR_ILLEGAL_OPERATION = 0xC800_0520, "hrIllegalOperation",
        "not supported on this table",
        "";
    HR_OBJECT_DUPLICATE = 0xC800_0522, "hrObjectDuplicate",
        "object name in use",
        "";
    HR_INVALID_OBJECT = 0xC800_0524, "hrInvalidObject",
        "wrong kind of object",
        "";
    HR_INDEX_CANT_BUILD = 0xC800_0579, "hrIndexCantBuild",
        "cannot build clustered index",
        "";
    HR_INDEX_HAS_PRIMARY = 0xC800_057A, "hrIndexHasPrimary",
        "primary index exists",
        "";
    HR_INDEX_DUPLICATE = 0xC800_057B, "hrIndexDuplicate",
        "index exists",
        "";
    HR_INDEX_NOT_FOUND = 0xC800_057C, "hrIndexNotFound",
        "no such index",
        "";
    HR_INDEX_MUST_STAY = 0xC800_057D, "hrIndexMustStay",
        "clustered index cannot be deleted",
        "";
    HR_INDEX_INVALID_DEF = 0xC800_057E, "hrIndexInvalidDef",
        "index definition illegal",
        "";
    HR_INDEX_HAS_CLUSTERED = 0xC800_0580, "hrIndexHasClustered",
        "clustered index exists",
        "";
    HR_CREATE_INDEX_FAILED = 0x8800_0581, "hrCreateIndexFailed",
        "index creation failed with table creation",
        "";
    HR_TOO_MANY_OPEN_INDEXES = 0xC800_0582, "hrTooManyOpenIndexes",
        "no index descriptors left",
        "";
    HR_COLUMN_LONG = 0xC800_05DD, "hrColumnLong",
        "value too long",
        "";
    HR_COLUMN_DOES_NOT_FIT = 0xC800_05DF, "hrColumnDoesNotFit",
        "does not fit in record",
        "";
    HR_NULL_INVALID = 0xC800_05E0, "hrNullInvalid",
        "null not allowed",
        "";
    HR_COLUMN_INDEXED = 0xC800_05E1, "hrColumnIndexed",
        "indexed, cannot delete",
        "";
    HR_COLUMN_TOO_BIG = 0xC800_05E2, "hrColumnTooBig",
        "longer than 255",
        "";
    HR_COLUMN_NOT_FOUND = 0xC800_05E3, "hrColumnNotFound",
        "no such column",
        "";
    HR_COLUMN_DUPLICATE = 0xC800_05E4, "hrColumnDuplicate",
        "column exists",
        "";
    HR_COLUMN2ND_SYS_MAINT = 0xC800_05E6, "hrColumn2ndSysMaint",
        "second autoincrement/version column",
        "";
    HR_INVALID_COLUMN_TYPE = 0xC800_05E7, "hrInvalidColumnType",
        "column type invalid",
        "";
    HR_COLUMN_MAX_TRUNCATED = 0x8800_05E8, "hrColumnMaxTruncated",
        "truncated at 255",
        "";
    HR_COLUMN_CANNOT_INDEX = 0xC800_05E9, "hrColumnCannotIndex",
        "long value cannot be indexed",
        "";
    HR_TAGGED_NOT_NULL = 0xC800_05EA, "hrTaggedNotNULL",
        "tagged column cannot be not-null",
        "";
    HR_NO_CURRENT_INDEX = 0xC800_05EB, "hrNoCurrentIndex",
        "needs a current index",
        "";
    HR_KEY_IS_MADE = 0xC800_05EC, "hrKeyIsMade",
        "key already complete",
        "";
    HR_BAD_COLUMN_ID = 0xC800_05ED, "hrBadColumnId",
        "column id wrong",
        "";
    HR_BAD_ITAG_SEQUENCE = 0xC800_05EE, "hrBadItagSequence",
        "value instance number wrong",
        "";
    HR_CANNOT_BE_TAGGED = 0xC800_05F1, "hrCannotBeTagged",
        "autoincrement/version cannot be multivalued",
        "";
    HR_RECORD_NOT_FOUND = 0xC800_0641, "hrRecordNotFound",
        "key not found",
        "";
    HR_NO_CURRENT_RECORD = 0xC800_0643, "hrNoCurrentRecord",
        "no current record",
        "";
    HR_RECORD_CLUSTERED_CHANGED = 0xC800_0644, "hrRecordClusteredChanged",
        "clustered key cannot change",
        "";
    HR_KEY_DUPLICATE = 0xC800_0645, "hrKeyDuplicate",
        "key exists",
        "";
    HR_ALREADY_PREPARED = 0xC800_0647, "hrAlreadyPrepared",
        "update already prepared",
        "";
    HR_KEY_NOT_MADE = 0xC800_0648, "hrKeyNotMade",
        "no key made",
        "";
    HR_UPDATE_NOT_PREPARED = 0xC800_0649, "hrUpdateNotPrepared",
        "update not prepared",
        "";
    HR_WRN_DATA_HAS_CHANGED = 0x8800_064A, "hrwrnDataHasChanged",
        "data has changed",
        "";
    HR_ERR_DATA_HAS_CHANGED = 0xC800_064B, "hrerrDataHasChanged",
        "abandoned: data has changed",
        "";
    HR_KEY_CHANGED = 0x8800_0652, "hrKeyChanged",
        "moved to a new key",
        "";
    HR_TOO_MANY_SORTS = 0xC800_06A5, "hrTooManySorts",
        "too many sorts",
        "";
    HR_INVALID_ON_SORT = 0xC800_06A6, "hrInvalidOnSort",
        "not allowed on a sort",
        "";
    HR_TEMP_FILE_OPEN_ERROR = 0xC800_070B, "hrTempFileOpenError",
        "temporary file cannot be opened",
        "";
    HR_TOO_MANY_ATTACHED_DATABASES = 0xC800_070D, "hrTooManyAttachedDatabases",
        "too many databases attached",
        "";
    HR_DISK_FULL = 0xC800_0710, "hrDiskFull",
        "the disk is full",
        "Free space on the disk.";
    HR_PERMISSION_DENIED = 0xC800_0711, "hrPermissionDenied",
        "permission denied",
        "Check the permissions of the file for the service's user.";
    HR_FILE_NOT_FOUND = 0xC800_0713, "hrFileNotFound",
        "the file was not found",
        "Check the path.";
    HR_FILE_OPEN_READ_ONLY = 0x8800_0715, "hrFileOpenReadOnly",
        "the file was opened read-only",
        "";
    HR_AFTER_INITIALIZATION = 0xC800_073A, "hrAfterInitialization",
        "a restore was attempted while the directory is online",
        "Start the service in restore mode; a restore needs the directory closed.";
    HR_LOG_CORRUPTED = 0xC800_073C, "hrLogCorrupted",
        "the logs are damaged",
        "Restore the logs from the backup.";
    HR_INVALID_OPERATION = 0xC800_0772, "hrInvalidOperation",
        "the operation is invalid",
        "";
    HR_ACCESS_DENIED = 0xC800_0773, "hrAccessDenied",
        "the engine was denied access",
        "";
}
