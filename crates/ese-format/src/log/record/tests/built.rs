//! One record of each form, built from its parts: it is read back equal, and shown in one line.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use crate::log::record::*;
use crate::page::PageFlags;
use crate::{BackupInfo, DbTime, LogGeneration, LogPosition, LogTime, PageNumber, Signature};

const TREE: TreeRef = TreeRef { version: VersionId(77), root: PageNumber(31), objid: 8 };
const IMAGE: NodeImage<'_> = NodeImage { key: b"key", data: b"data!" };
const TIME: LogTime = LogTime::UNSET;
const SESSION: SessionId = SessionId(5);

fn place(byte: u16) -> LogPosition {
    LogPosition { generation: LogGeneration(0x1F), sector: 2, byte }
}

fn signature() -> Signature {
    Signature { random: 0xBEEF, ..Signature::NONE }
}

fn page(change: Change<'_>) -> LogRecord<'_> {
    LogRecord::Page(PageRecord {
        session: SESSION,
        database: DatabaseId(1),
        page: PageNumber(33),
        after: DbTime(0x1B7),
        before: PageRecord::NO_TIME,
        begin: TransactionId(0x64),
        level: 2,
        line: 7,
        flags: OperationFlags::VERSIONED | OperationFlags::UNIQUE,
        change,
    })
}

const PAGE: &str = "session=5 [1:33:7] dbtime=0x1b7 before=- trx=0x64 level=2 \
    flags=versioned+unique";

/// Reads back what is written, and compares the line: the name, for a change of a page the columns
/// that all of these have, and the rest.
fn check(record: &LogRecord<'_>, name: &str, rest: &str) {
    let mut bytes = Vec::new();
    record.write(&mut bytes);
    assert_eq!(LogRecord::parse(&bytes), Ok((record.clone(), bytes.len())), "{name}");
    assert_eq!(bytes.first(), Some(&record.kind().0));
    assert_eq!(record.kind().to_string(), name);
    let common = if record.page_record().is_some() { PAGE } else { "" };
    let expected: Vec<&str> = [name, common, rest].into_iter().filter(|s| !s.is_empty()).collect();
    assert_eq!(record.to_string(), expected.join(" "));
}

fn check_node(change: NodeChange<'_>, name: &str, rest: &str) {
    let rest = ["version=77 root=31 objid=8", rest].join(" ");
    check(&page(Change::Node(TREE, change)), name, rest.trim_end());
}

#[test]
fn changes_of_nodes() {
    let node = IMAGE;
    check_node(NodeChange::Insert { node, prefix: 2 }, "Insert", "prefix=2 key=3 data=5");
    check_node(NodeChange::FlagInsert(node), "FlagInsert", "key=3 data=5");
    let replace_version = VersionId(78);
    check_node(
        NodeChange::FlagInsertAndReplaceData { node, replace_version },
        "FlagInsertAndReplaceData",
        "replace_version=78 key=3 data=5",
    );
    check_node(NodeChange::FlagDelete, "FlagDelete", "");
    check_node(NodeChange::Replace { data: b"ab", old_len: 9 }, "Replace", "old_len=9 data=2");
    check_node(
        NodeChange::ReplaceDiff { diff: b"abc", wide: true, old_len: 9, new_len: 8 },
        "ReplaceD",
        "old_len=9 new_len=8 diff=3",
    );
    check_node(NodeChange::Delete, "Delete", "");
    check_node(
        NodeChange::Delta { bookmark: node, delta: -2, offset: 4, wide: false },
        "Delta",
        "delta=-2 offset=4 key=3 data=5",
    );
    check_node(
        NodeChange::Delta { bookmark: node, delta: i64::MIN, offset: 4, wide: true },
        "Delta64",
        "delta=-9223372036854775808 offset=4 key=3 data=5",
    );
    check_node(NodeChange::SetExternalHeader(b"head"), "SetExternalHeader", "data=4");
    check_node(
        NodeChange::UndoInfo {
            bookmark: node,
            undo: UndoKind::REPLACE,
            max_len: 12,
            growth: -3,
            before_image: b"before",
        },
        "UndoInfo",
        "operation=replace max_len=12 growth=-3 before_image=6 key=3 data=5",
    );
    check_node(
        NodeChange::Undo { bookmark: node, undo: UndoKind::INSERT, level: 1 },
        "Undo",
        "operation=insert operation_level=1 key=3 data=5",
    );
}

#[test]
fn splits_and_merges() {
    let before_image = BeforeImage { flags: BeforeImageFlags::XPRESS, bytes: b"image" };
    let split = SplitChange {
        new: PageNumber(71),
        right: PageNumber(72),
        right_before: DbTime(0x11),
        parent: PageNumber(73),
        parent_before: DbTime(0x12),
        root: PageNumber(31),
        objid: 8,
        kind: SplitKind::Right,
        operation: SplitOperation::Insert,
        operation_line: 6,
        split_line: 4,
        lines: 9,
        new_flags: PageFlags::LEAF,
        source_flags: PageFlags::LEAF,
        source_uncommitted: 10,
        new_uncommitted: 20,
        source_prefix_line: -1,
        new_prefix_line: 2,
        parent_key: b"k",
        old_prefix: b"ol",
        new_prefix: b"new",
        before_image,
    };
    let rest = "root=31 objid=8 kind=right operation=insert operation_line=6 split_line=4 lines=9 \
        new=71 right=72 right_before=0x11 parent=73 parent_before=0x12 new_flags=0x2 \
        source_flags=0x2 source_uncommitted=10 new_uncommitted=20 source_prefix_line=-1 \
        new_prefix_line=2 parent_key=1 old_prefix=2 new_prefix=3 before_image=5 image_form=xpress";
    check(&page(Change::Split(split)), "Split2", rest);
    let merge = MergeChange {
        right: PageNumber(72),
        right_before: DbTime(0x11),
        left: PageNumber(71),
        left_before: DbTime(0x10),
        parent: PageNumber(73),
        parent_before: DbTime(0x12),
        root: PageNumber(31),
        objid: 8,
        moved_len: 100,
        moved_max_len: 110,
        destination_uncommitted: 3,
        merge_line: 2,
        flags: MergeFlags::EMPTY_PAGE,
        kind: MergeKind::FullLeft,
        parent_key: b"sep",
        before_image,
    };
    let rest = "root=31 objid=8 kind=full_left merge=empty_page merge_line=2 left=71 \
        left_before=0x10 right=72 right_before=0x11 parent=73 parent_before=0x12 moved_len=100 \
        moved_max_len=110 destination_uncommitted=3 parent_key=3 before_image=5 image_form=xpress";
    check(&page(Change::Merge(merge)), "Merge2", rest);
    let page_move = PageMoveChange {
        destination: PageNumber(99),
        left: PageNumber(71),
        right: PageNumber(72),
        parent: PageNumber(73),
        left_before: DbTime(0x10),
        right_before: DbTime(0x11),
        parent_before: DbTime(0x12),
        root: PageNumber(31),
        objid: 8,
        parent_line: 3,
        moved: MovedTree::OWNED,
        head: b"page head",
        tail: b"tail",
    };
    let rest = "root=31 objid=8 moved=owned destination=99 left=71 left_before=0x10 right=72 \
        right_before=0x11 parent=73 parent_before=0x12 parent_line=3 head=9 tail=4";
    check(&page(Change::Move(page_move)), "PageMove", rest);
}

#[test]
fn roots_and_whole_pages() {
    let emptied = |page| EmptiedPage {
        before: DbTime(9),
        page: PageNumber(page),
        flags: PageFlags::LEAF | PageFlags::EMPTY,
    };
    check(
        &page(Change::EmptyTree(TREE, vec![emptied(40), emptied(41)])),
        "EmptyTree",
        "version=77 root=31 objid=8 pages=40,41",
    );
    check(
        &page(Change::Scrub { tree: TREE, flags: 0, count: 1, operations: b"12345678" }),
        "Scrub",
        "version=77 root=31 objid=8 scrub=- count=1 operations=8",
    );
    let (owned, available, parent) = (PageNumber(34), PageNumber(35), PageNumber(1));
    let page_flags = PageFlags::INDEX;
    check(
        &page(Change::CreateMultiple {
            objid: 9,
            owned,
            available,
            parent,
            primary: 20,
            page_flags,
        }),
        "CreateMultipleExtentFDP",
        "objid=9 owned=34 available=35 parent=1 primary=20 page_flags=0x40",
    );
    check(
        &page(Change::CreateSingle { objid: 9, parent, primary: 1, page_flags }),
        "CreateSingleExtentFDP",
        "objid=9 parent=1 primary=1 page_flags=0x40",
    );
    check(
        &page(Change::Convert {
            objid: 9,
            owned,
            available,
            parent,
            secondary_first: owned,
            primary: 1,
            secondary: 3,
            available_map: 5,
            page_flags,
        }),
        "ConvertFDP2",
        "objid=9 owned=34 available=35 parent=1 primary=1 secondary_first=34 secondary=3 \
         available_map=0x5 page_flags=0x40",
    );
}

#[test]
fn transactions_and_macros() {
    let begin = TransactionId(12);
    let cases = [
        (TransactionStep::Begin { from: 1, levels: 2 }, "Begin", "from=1 levels=2"),
        (
            TransactionStep::Begin0 { from: 0, levels: 2, begin, distributed: false },
            "Begin0",
            "from=0 levels=2 trx=0xc",
        ),
        (
            TransactionStep::Begin0 { from: 0, levels: 15, begin, distributed: true },
            "BeginDT",
            "from=0 levels=15 trx=0xc",
        ),
        (TransactionStep::Commit { to: 1 }, "Commit", "to=1"),
        (TransactionStep::Commit0 { to: 0, commit: begin }, "Commit0", "to=0 trx=0xc"),
        (TransactionStep::Rollback { levels: 3 }, "Rollback", "levels=3"),
        (TransactionStep::Refresh { begin }, "Refresh", "trx=0xc"),
        (TransactionStep::PrepareRollback, "PrepRollback", ""),
    ];
    for (step, name, rest) in cases {
        let rest = ["session=5", rest].join(" ");
        let record = LogRecord::Transaction(TransactionRecord { session: SESSION, step });
        check(&record, name, rest.trim_end());
        assert_eq!((record.session(), record.database()), (Some(SESSION), None));
    }
    let macros = [
        (MacroStep::Begin, "MacroBegin"),
        (MacroStep::Commit, "MacroCommit"),
        (MacroStep::Abort, "MacroAbort"),
    ];
    for (step, name) in macros {
        let record = MacroRecord { session: SESSION, dbtime: DbTime(0x65F), step };
        check(&LogRecord::Macro(record), name, "session=5 dbtime=0x65f");
    }
}

fn check_database(action: DatabaseAction<'_>, name: &str, rest: &str) {
    let record = LogRecord::Database(DatabaseRecord { database: DatabaseId(3), action });
    let session = if action.session().is_some() { "session=5 " } else { "" };
    let rest: String = [session, "database=3 ", rest].concat();
    check(&record, name, rest.trim_end());
    assert_eq!(record.database(), Some(DatabaseId(3)));
}

#[test]
fn life_of_a_database() {
    let (session, signature) = (SESSION, signature());
    let path = b"C\0:\0\\\0a\0\0\0";
    let create = |flags, version| DatabaseAction::Create {
        session,
        grbit: 0x10,
        max_pages: 0,
        signature,
        flags,
        version,
        path,
    };
    check_database(
        create(12, Some((2, 0))),
        "CreateDB",
        "grbit=0x10 max_pages=0 signature=0000beef/- flags=version+unicode format=2 update=0 \
         path=\"C:\\a\"",
    );
    check_database(
        create(8, None),
        "CreateDB",
        "grbit=0x10 max_pages=0 signature=0000beef/- flags=unicode path=\"C:\\a\"",
    );
    check_database(DatabaseAction::CreateFinish { session }, "CreateDBFinish", "");
    check_database(
        DatabaseAction::Attach {
            session,
            max_pages: 4,
            consistent: place(3),
            signature,
            log_signature: Signature::NONE,
            flags: 0x18,
            path,
        },
        "AttachDB",
        "max_pages=4 consistent=1f:2:3 signature=0000beef/- log_signature=00000000/- \
         flags=unicode+sparse path=\"C:\\a\"",
    );
    check_database(
        DatabaseAction::Detach { session, flags: 0, path: b"C:\\b\0" },
        "DetachDB",
        "flags=- path=\"C:\\b\"",
    );
    check_database(
        DatabaseAction::ReAttach { attach: place(1), consistent: place(2), signature, rest: b"" },
        "ReAttach",
        "attach=1f:2:1 consistent=1f:2:2 signature=0000beef/-",
    );
    check_database(DatabaseAction::SignalAttach, "SignalAttachDb", "");
    check_database(
        DatabaseAction::SetVersion { major: 1568, update_major: 290, update_minor: 600 },
        "SetDbVersion",
        "major=1568 update_major=290 update_minor=600",
    );
    let last = PageNumber(62);
    check_database(DatabaseAction::Extend { last, rest: b"xy" }, "ExtendDB", "last_page=62 rest=2");
    let shrink = |form, dbtime| DatabaseAction::Shrink { last, pages: 8, form, dbtime };
    check_database(shrink(1, None), "ShrinkDB", "last_page=62 pages=8");
    check_database(shrink(2, None), "ShrinkDB2", "last_page=62 pages=8");
    check_database(shrink(3, Some(DbTime(5))), "ShrinkDB3", "last_page=62 pages=8 dbtime=0x5");
    check_database(
        DatabaseAction::Trim { first: PageNumber(9), pages: 2 },
        "TrimDB",
        "first_page=9 pages=2",
    );
    let after = DbTime(0x77);
    check_database(
        DatabaseAction::RootMove { session, objid: 8, after },
        "RootPageMove",
        "objid=8 dbtime=0x77",
    );
    check_database(
        DatabaseAction::NewPage { session, page: PageNumber(9), objid: 8, after },
        "NewPage",
        "page=9 objid=8 dbtime=0x77",
    );
}

#[test]
fn life_of_the_instance() {
    let mut parameters = vec![0; 567];
    parameters[..3].copy_from_slice(b"C:\\");
    parameters[523] = 64;
    let rest = "sessions=64 circular=0 log_file_sectors=0 system_path=\"C:\\\" log_path=\"\"";
    let init = |time| LogRecord::Instance(InstanceRecord::Init { parameters: &parameters, time });
    check(&init(None), "Init", rest);
    check(&init(Some(TIME)), "Init2", &[rest, " time=-"].concat());
    let (start, redo_from) = (place(1), place(2));
    let term = |time| InstanceRecord::Term { start, redo_from, hard: 1, time };
    let rest = "start=1f:2:1 redo_from=1f:2:2 hard=1";
    check(&LogRecord::Instance(term(None)), "Term", rest);
    check(&LogRecord::Instance(term(Some(TIME))), "Term2", &[rest, " time=-"].concat());
    let undo = |time| LogRecord::Instance(InstanceRecord::RecoveryUndo { time });
    check(&undo(None), "RecoveryUndo", "");
    check(&undo(Some(TIME)), "RecoveryUndo2", "time=-");
    let quit = |time, keep_attachments| {
        LogRecord::Instance(InstanceRecord::RecoveryQuit {
            undo: start,
            redo_from,
            hard: 0,
            time,
            keep_attachments,
        })
    };
    let rest = "undo=1f:2:1 redo_from=1f:2:2 hard=0";
    let timed = [rest, " time=-"].concat();
    check(&quit(None, false), "RecoveryQuit", rest);
    check(&quit(Some(TIME), false), "RecoveryQuit2", &timed);
    check(&quit(Some(TIME), true), "RecoveryQuitKeepAttachments", &timed);
    check(&LogRecord::Instance(InstanceRecord::ShutDownMark), "ShutDownMark", "");
}

#[test]
fn notes() {
    let (session, database, page) = (SESSION, DatabaseId(1), PageNumber(9));
    let info = BackupInfo::default();
    let cases = [
        (NoteRecord::Nop, "NOP", ""),
        (NoteRecord::Nop2(b"\0\0\0"), "NOP2", "content=3"),
        (NoteRecord::Trace { session, text: b"a\tb\0" }, "Trace", "session=5 text=\"a\\tb\""),
        (
            NoteRecord::ForceRollover { session, text: b"why" },
            "ForceLogRollover",
            "session=5 text=\"why\"",
        ),
        (NoteRecord::ForceWrite { session }, "ForceWriteLog", "session=5"),
        (NoteRecord::JetOperation { session, operation: 7 }, "JetOp", "session=5 operation=7"),
        (
            NoteRecord::MacroInfo { database: None, pages: b"\x09\0\0\0", rest: b"z" },
            "MacroInfo",
            "pages=9 rest=1",
        ),
        (
            NoteRecord::MacroInfo { database: Some(database), pages: b"\x09\0\0\0", rest: b"" },
            "MacroInfo2",
            "database=1 pages=9",
        ),
        (
            NoteRecord::CommitContext { session, context: b"\x01ctx" },
            "CommitCtx",
            "session=5 context=4",
        ),
        (
            NoteRecord::FreeTree {
                database,
                root: page,
                commit: TransactionId(4),
                tree: 1,
                rest: b"",
            },
            "FreeFDP",
            "database=1 root=9 trx=0x4 tree=1",
        ),
        (
            NoteRecord::ExtentFreed { database, first: page, pages: 8, flags: 1, dbtime: None },
            "ExtentFreed",
            "database=1 first_page=9 pages=8 flags=table_root",
        ),
        (
            NoteRecord::PagePatchRequest { database, page, dbtime: DbTime(3), reserved: &[0; 32] },
            "PagePatchRequest",
            "database=1 page=9 dbtime=0x3",
        ),
        (
            NoteRecord::Backup {
                phase: 1,
                kind: 0,
                scope: 1,
                database,
                info,
                reserved: 0,
                path: b"",
            },
            "Backup2",
            "database=1 phase=begin kind=0 scope=full marks=\"-\" path=\"\"",
        ),
        (
            NoteRecord::OldBackup { kind: 46, step: (3, 0), path: b"C:\\" },
            "Backup",
            "step=3 path=\"C:\\\"",
        ),
        (
            NoteRecord::OldBackup { kind: 20, step: (0, 0), path: b"C:\\" },
            "IncBackup",
            "step=0 path=\"C:\\\"",
        ),
        (
            NoteRecord::ExternalRestore { wide: false, paths: b"a\0b\0" },
            "ExtRestore",
            "paths=\"a\\u{0}b\"",
        ),
        (
            NoteRecord::ExternalRestore { wide: true, paths: b"a\0\0\0" },
            "ExtRestore2",
            "paths=\"a\"",
        ),
        (NoteRecord::Checksum(&[1; 21]), "Checksum", "content=21"),
        (NoteRecord::Ignored { kind: 91, content: b"?" }, "Ignored19", "content=1"),
        (NoteRecord::Obsolete { kind: 3, content: &[1; 8] }, "MS", "content=8"),
    ];
    for (note, name, rest) in cases {
        check(&LogRecord::Note(note), name, rest);
    }
}

#[test]
fn checks_of_a_scan() {
    let scan = |around, source, checksum| {
        LogRecord::Note(NoteRecord::ScanCheck {
            database: DatabaseId(1),
            page: PageNumber(9),
            page_time: DbTime(0x10),
            current: DbTime(0x20),
            around,
            source,
            checksum,
            rest: b"",
        })
    };
    check(
        &scan(Some((DbTime(1), DbTime(2))), None, 0xBEEF),
        "ScanCheck",
        "database=1 page=9 page_dbtime=0x10 current_dbtime=0x20 before=0x1 after=0x2 \
         checksum=0xbeef",
    );
    check(
        &scan(None, Some(0x41), 0xDEAD_BEEF),
        "ScanCheck2",
        "database=1 page=9 page_dbtime=0x10 current_dbtime=0x20 source=1 flags=empty \
         checksum=0xdeadbeef",
    );
}

#[test]
fn dbtimes_are_those_that_a_record_has() {
    let record = page(Change::Node(TREE, NodeChange::Delete));
    assert_eq!(record.dbtimes(), Some((DbTime(0x1B7), None)));
    let note = LogRecord::Note(NoteRecord::Nop);
    assert_eq!((note.dbtimes(), note.session(), note.database()), (None, None, None));
}
