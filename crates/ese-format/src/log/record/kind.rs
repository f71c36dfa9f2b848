//! Types of log records: number, name, size of the fixed part.
//!
//! Types 67 to 75 and 82 to 91 begin with their own length ([`RecordKind::is_skippable`]), so that
//! an engine that does not know one of them can pass over it. Source: ESE `lrtyp...` (logapi.hxx),
//! `mplrtypn` (logread.cxx).

use core::fmt;

/// Type of a log record. ESE: `LRTYP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKind(pub u8);

/// Defines the constants and the table from one list in the order of the numbers:
/// `CONSTANT = number, "name", size of the fixed part;`, size 0 where nothing tells it any more.
macro_rules! kinds {
    ($($constant:ident = $number:literal, $name:literal, $fixed:literal;)*) => {
        #[allow(missing_docs, reason = "named as the format names them")]
        impl RecordKind {
            $(pub const $constant: Self = Self($number);)*
        }

        static KINDS: &[(u8, &str, usize)] = &[$(($number, $name, $fixed),)*];
    };
}

kinds! {
    NOP = 0, "NOP", 1;
    INIT = 1, "Init", 568;
    TERM = 2, "Term", 18;
    MS = 3, "MS", 9;
    END = 4, "End", 1;
    BEGIN = 5, "Begin", 4;
    COMMIT = 6, "Commit", 4;
    ROLLBACK = 7, "Rollback", 4;
    BEGIN0 = 8, "Begin0", 8;
    COMMIT0 = 9, "Commit0", 8;
    REFRESH = 10, "Refresh", 7;
    MACRO_BEGIN = 11, "MacroBegin", 11;
    MACRO_COMMIT = 12, "MacroCommit", 11;
    MACRO_ABORT = 13, "MacroAbort", 11;
    CREATE_DB = 14, "CreateDB", 43;
    ATTACH_DB = 15, "AttachDB", 75;
    DETACH_DB = 16, "DetachDB", 7;
    RECOVERY_UNDO = 17, "RecoveryUndo", 1;
    RECOVERY_QUIT = 18, "RecoveryQuit", 18;
    FULL_BACKUP = 19, "FullBackup", 3;
    INC_BACKUP = 20, "IncBackup", 3;
    JET_OP = 21, "JetOp", 4;
    TRACE = 22, "Trace", 5;
    SHUT_DOWN_MARK = 23, "ShutDownMark", 1;
    CREATE_MULTIPLE_EXTENT_FDP = 24, "CreateMultipleExtentFDP", 56;
    CREATE_SINGLE_EXTENT_FDP = 25, "CreateSingleExtentFDP", 48;
    CONVERT_FDP = 26, "ConvertFDP", 60;
    SPLIT = 27, "Split", 102;
    MERGE = 28, "Merge", 88;
    INSERT = 29, "Insert", 50;
    FLAG_INSERT = 30, "FlagInsert", 48;
    FLAG_INSERT_AND_REPLACE_DATA = 31, "FlagInsertAndReplaceData", 52;
    FLAG_DELETE = 32, "FlagDelete", 44;
    REPLACE = 33, "Replace", 50;
    REPLACE_D = 34, "ReplaceD", 50;
    DELETE = 35, "Delete", 44;
    UNDO_INFO = 36, "UndoInfo", 56;
    DELTA = 37, "Delta", 54;
    SET_EXTERNAL_HEADER = 38, "SetExternalHeader", 46;
    UNDO = 39, "Undo", 51;
    SLV_PAGE_APPEND = 40, "SLVPageAppend", 0;
    SLV_SPACE = 41, "SLVSpace", 0;
    CHECKSUM = 42, "Checksum", 22;
    SLV_PAGE_MOVE = 43, "SLVPageMove", 0;
    FORCE_DETACH_DB = 44, "ForceDetachDB", 0;
    EXT_RESTORE = 45, "ExtRestore", 3;
    BACKUP = 46, "Backup", 5;
    UPGRADE_DB = 47, "UpgradeDB", 0;
    EMPTY_TREE = 48, "EmptyTree", 46;
    INIT2 = 49, "Init2", 576;
    TERM2 = 50, "Term2", 26;
    RECOVERY_UNDO2 = 51, "RecoveryUndo2", 9;
    RECOVERY_QUIT2 = 52, "RecoveryQuit2", 26;
    BEGIN_DT = 53, "BeginDT", 8;
    PREP_COMMIT = 54, "PrepCommit", 7;
    PREP_ROLLBACK = 55, "PrepRollback", 3;
    DB_LIST = 56, "DbList", 0;
    FORCE_WRITE_LOG = 57, "ForceWriteLog", 3;
    CONVERT_FDP2 = 58, "ConvertFDP2", 68;
    EXT_RESTORE2 = 59, "ExtRestore2", 3;
    BACKUP2 = 60, "Backup2", 35;
    FORCE_LOG_ROLLOVER = 61, "ForceLogRollover", 5;
    SPLIT2 = 62, "Split2", 110;
    MERGE2 = 63, "Merge2", 96;
    SCRUB = 64, "Scrub", 54;
    PAGE_MOVE = 65, "PageMove", 96;
    PAGE_PATCH_REQUEST = 66, "PagePatchRequest", 46;
    MACRO_INFO = 67, "MacroInfo", 5;
    EXTEND_DB = 68, "ExtendDB", 5;
    COMMIT_CTX = 69, "CommitCtx", 5;
    SCAN_CHECK = 70, "ScanCheck", 5;
    NOP2 = 71, "NOP2", 5;
    RE_ATTACH = 72, "ReAttach", 5;
    MACRO_INFO2 = 73, "MacroInfo2", 5;
    FREE_FDP = 74, "FreeFDP", 5;
    IGNORED9 = 75, "Ignored9", 5;
    FRAGMENT_BEGIN = 76, "FragmentBegin", 7;
    FRAGMENT = 77, "Fragment", 3;
    SHRINK_DB = 78, "ShrinkDB", 10;
    CREATE_DB_FINISH = 79, "CreateDBFinish", 4;
    RECOVERY_QUIT_KEEP_ATTACHMENTS = 80, "RecoveryQuitKeepAttachments", 26;
    TRIM_DB = 81, "TrimDB", 10;
    IGNORED10 = 82, "Ignored10", 5;
    IGNORED11 = 83, "Ignored11", 5;
    IGNORED12 = 84, "Ignored12", 5;
    IGNORED13 = 85, "Ignored13", 5;
    IGNORED14 = 86, "Ignored14", 5;
    IGNORED15 = 87, "Ignored15", 5;
    IGNORED16 = 88, "Ignored16", 5;
    IGNORED17 = 89, "Ignored17", 5;
    IGNORED18 = 90, "Ignored18", 5;
    IGNORED19 = 91, "Ignored19", 5;
    SET_DB_VERSION = 92, "SetDbVersion", 14;
    DELTA64 = 93, "Delta64", 58;
    SHRINK_DB2 = 94, "ShrinkDB2", 10;
    NEW_PAGE = 95, "NewPage", 20;
    ROOT_PAGE_MOVE = 96, "RootPageMove", 16;
    SIGNAL_ATTACH_DB = 97, "SignalAttachDb", 2;
    SCAN_CHECK2 = 98, "ScanCheck2", 27;
    SHRINK_DB3 = 99, "ShrinkDB3", 18;
    EXTENT_FREED = 100, "ExtentFreed", 11;
    EXTENT_FREED2 = 101, "ExtentFreed2", 19;
}

impl RecordKind {
    /// Every type that is known, in the order of the numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|&(number, ..)| Self(number))
    }

    fn row(self) -> Option<(&'static str, usize)> {
        KINDS.get(usize::from(self.0)).map(|&(_, name, fixed)| (name, fixed))
    }

    /// Name; none for a type that no engine known here writes.
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|(name, _)| name)
    }

    /// Bytes that a record of this type has at least, and that say how long it is; none for a type
    /// that is not known, or of which nothing tells the size any more.
    pub fn fixed_len(self) -> Option<usize> {
        self.row().map(|(_, fixed)| fixed).filter(|&fixed| fixed != 0)
    }

    /// Whether the type is followed by the length of the rest, so that it can be passed over.
    pub fn is_skippable(self) -> bool {
        matches!(self.0, 67..=75 | 82..=91)
    }

    /// Whether it is a piece of a record and no record.
    pub fn is_fragment(self) -> bool {
        self == Self::FRAGMENT_BEGIN || self == Self::FRAGMENT
    }
}

/// The name, or `type N`.
impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "type {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn table_is_in_the_order_of_the_numbers_and_has_no_name_twice() {
        assert_eq!(KINDS.len(), 102);
        for (index, &(number, name, _)) in KINDS.iter().enumerate() {
            assert_eq!(usize::from(number), index);
            assert_eq!(KINDS.iter().filter(|row| row.1 == name).count(), 1, "{name}");
        }
    }

    #[test]
    fn unknown_types_have_neither_name_nor_size() {
        assert_eq!(RecordKind(102).fixed_len(), None);
        assert_eq!(RecordKind(102).to_string(), "type 102");
        assert_eq!(RecordKind::SLV_SPACE.fixed_len(), None);
        assert_eq!(RecordKind::SPLIT2.to_string(), "Split2");
        assert_eq!(RecordKind::all().filter(|kind| kind.is_skippable()).count(), 19);
    }
}
