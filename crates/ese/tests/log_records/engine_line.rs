//! The line that Microsoft's engine prints for a record, without its position and without data.

use ese_format::log::record::{
    BeforeImageFlags, Change, DatabaseAction, InstanceRecord, LogRecord, MacroRecord, MacroStep,
    MergeChange, MergeFlags, MergeKind, NodeChange, NoteRecord, OperationFlags, PageRecord,
    SplitChange, SplitKind, SplitOperation, TransactionStep,
};
use ese_format::{DbTime, LogTime, PageNumber, Signature};

pub(crate) fn engine_line(record: &LogRecord<'_>) -> String {
    match record {
        LogRecord::Page(record) => page(record),
        LogRecord::Transaction(record) => {
            let session = record.session.0;
            match record.step {
                TransactionStep::Begin { from, levels } => {
                    format!("Begin     ({session:x},from:{from},to:{})", from + levels)
                }
                TransactionStep::Begin0 { from, levels, begin, .. } => {
                    let to = from + levels;
                    format!("Begin0    ({session:x},from:{from},to:{to}) {:x}", begin.0)
                }
                TransactionStep::Commit { to } => format!("Commit    ({session:x},to:{to})"),
                TransactionStep::Commit0 { to, commit } => {
                    format!("Commit0   ({session:x},to:{to}) {:x}", commit.0)
                }
                TransactionStep::Rollback { levels } => {
                    format!("Rollback  ({session:x},{levels})")
                }
                other => panic!("{other:?}: in no listing"),
            }
        }
        LogRecord::Macro(MacroRecord { session, dbtime, step }) => {
            let name = match step {
                MacroStep::Begin => "McroBegin",
                MacroStep::Commit => "McroComit",
                MacroStep::Abort => "McroAbort",
            };
            format!("{name} ({:x}) {:x}", session.0, dbtime.0)
        }
        LogRecord::Database(record) => database(record.database.0, &record.action),
        LogRecord::Instance(record) => instance(record),
        LogRecord::Note(record) => note(record),
    }
}

fn or<'a>(flag: bool, yes: &'a str, no: &'a str) -> &'a str {
    if flag { yes } else { no }
}

/// What the flags of a page record are printed as.
struct Flags {
    unique: &'static str,
    versioned: &'static str,
    deleted: &'static str,
    space: &'static str,
    system: &'static str,
    concurrent: &'static str,
}

fn flags(flags: OperationFlags) -> Flags {
    let has = |flag| flags.contains(flag);
    Flags {
        unique: or(has(OperationFlags::UNIQUE), "U", "NU"),
        versioned: or(has(OperationFlags::VERSIONED), "V", "NV"),
        deleted: or(has(OperationFlags::DELETED), "D", "ND"),
        space: or(has(OperationFlags::SPACE), "SP", "NSP"),
        system: or(has(OperationFlags::SYSTEM), "SYS", "USR"),
        concurrent: or(has(OperationFlags::CONCURRENT_INDEX), "CI", "NCI"),
    }
}

fn page(record: &PageRecord<'_>) -> String {
    let (db, page, line) = (record.database.0, record.page.0, record.line);
    let (after, before) = (record.after.0, record.before.0);
    let who = format!("{:x}:{}({:x}", record.begin.0, record.level, record.session.0);
    let Flags { unique, system, space, .. } = flags(record.flags);
    let times = format!("{after:x},{before:x},{who}");
    match &record.change {
        Change::Node(tree, node_change) => node(record, node_change, tree.version.0, tree.objid),
        Change::Split(split) => self::split(record, split, &times),
        Change::Merge(merge) => self::merge(record, merge, &times),
        Change::EmptyTree(tree, pages) => format!(
            "EmptyTree {times},[{db}:{page}],objid:[{db}:{}],{unique}:{space}:{system},{})",
            tree.objid,
            pages.len() * 16,
        ),
        Change::CreateMultiple { objid, owned, available, parent, primary, page_flags } => {
            assert_eq!((line, record.before), (0, PageRecord::NO_TIME));
            format!(
                "Create M  {after:x},{who},FDP:[{db}:{page}],OE:[{db}:{}],AE:[{db}:{}],\
                 FDPParent:[{db}:{}],objid:[{db}:{objid}],PageFlags:[{:#x}],{primary},\
                 {unique}:{system})",
                owned.0,
                available.0,
                parent.0,
                page_flags.bits(),
            )
        }
        Change::CreateSingle { objid, parent, primary, page_flags } => format!(
            "Create S  {after:x},{who},[{db}:{page}],[{db}:{}],[{objid}],\
             PageFlags:[{:#x}]{primary},{unique}:{system})",
            parent.0,
            page_flags.bits(),
        ),
        Change::Convert { objid, parent, secondary_first, primary, secondary, .. } => format!(
            "Convert   {times},[{db}:{page}],[{db}:{}],[{objid}],+{primary},[{db}:{}],\
             +{secondary},{unique}:{system})",
            parent.0, secondary_first.0,
        ),
        other => panic!("{other:?}: in no listing"),
    }
}

fn node(record: &PageRecord<'_>, change: &NodeChange<'_>, version: u32, objid: u32) -> String {
    let (db, page) = (record.database.0, record.page.0);
    let who = format!("{:x}:{}({:x}", record.begin.0, record.level, record.session.0);
    let head =
        format!("{:x},{:x},{who},[{db}:{page}:{}]", record.after.0, record.before.0, record.line);
    let Flags { unique, versioned, deleted, space, system, concurrent } = flags(record.flags);
    let tail = format!("rceid:{version},objid:[{db}:{objid}])");
    let five = format!("{unique}:{versioned}:{space}:{system}:{concurrent}");
    match change {
        NodeChange::Insert { node, prefix } => {
            let (suffix, data) = (node.key.len() - usize::from(*prefix), node.data.len());
            let six = format!("{unique}:{versioned}:{deleted}:{space}:{system}:{concurrent}");
            format!("Insert    {head},{six},{prefix},{suffix},{data},{tail}")
        }
        NodeChange::FlagInsertAndReplaceData { node, replace_version } => format!(
            "FInsertRD {head},{five},{:5},rceidInsert:{version},rceidReplace:{},\
             objid:[{db}:{objid}])",
            node.key.len() + node.data.len(),
            replace_version.0,
        ),
        NodeChange::FlagDelete => {
            format!("FDelete   {head},{five}),rceid:{version},objid:[{db}:{objid}]")
        }
        NodeChange::Replace { data, old_len } => {
            let len = data.len();
            format!("Replace   {head},{five},{len:5},{len:5},{old_len:5},{tail}")
        }
        NodeChange::ReplaceDiff { diff, old_len, new_len, .. } => {
            format!("ReplaceD  {head},{five},{:5},{new_len:5},{old_len:5},{tail}", diff.len())
        }
        NodeChange::Delete => {
            format!("Delete    {head},{unique}:{space}:{system},objid:[{db}:{objid}])")
        }
        NodeChange::UndoInfo { bookmark, before_image, .. } => format!(
            "UndoInfo  {who},[{db}:{page}],{unique}:{system},{},{},{},{tail}",
            bookmark.key.len(),
            bookmark.data.len(),
            before_image.len(),
        ),
        NodeChange::Delta { delta, offset, wide, .. } => format!(
            "{} {head},{unique}:{versioned}:{system}:{concurrent},{delta},offset:{offset},{tail}",
            or(*wide, "Delta64  ", "Delta    "),
        ),
        NodeChange::SetExternalHeader(data) => format!(
            "SetExtHdr {:x},{:x},{who},[{db}:{page}],{unique}:{space}:{system},{:5})",
            record.after.0,
            record.before.0,
            data.len(),
        ),
        NodeChange::Undo { undo, level, .. } => {
            assert!(*level <= record.level);
            let (level, undo) = (record.level, undo.0);
            format!("Undo      {head},{unique}:{system},{level},{undo},rceid:{version})")
        }
        NodeChange::FlagInsert(_) => format!("FInsert   {head},{tail}"),
    }
}

/// dbtime and number of a page around; no page has no dbtime.
fn around(db: u8, page: PageNumber, time: DbTime) -> String {
    format!("{:x},[{db}:{}]", if page.0 == 0 { 0 } else { time.0 }, page.0)
}

fn image(flags: BeforeImageFlags, len: usize) -> String {
    let dehydrated = or(flags.contains(BeforeImageFlags::DEHYDRATED), "D", "");
    format!("{len}[{dehydrated}{}]", or(flags.contains(BeforeImageFlags::XPRESS), "X", ""))
}

fn split(record: &PageRecord<'_>, split: &SplitChange<'_>, times: &str) -> String {
    let (db, page) = (record.database.0, record.page.0);
    let Flags { unique, space, system, concurrent, .. } = flags(record.flags);
    if split.new.0 == 0 {
        let parent = split.parent_before.0;
        return format!("Split2    ParentOfSplitPage {times},parent:{parent:x},[{db}:{page}])");
    }
    let hot = split.operation == SplitOperation::Insert
        && split.split_line == split.operation_line
        && split.lines == split.split_line + 1;
    let kind = match split.kind {
        SplitKind::Right => or(hot, "SplitHotpoint", "SplitRight"),
        SplitKind::Vertical => "SplitVertical",
        SplitKind::Append => "Append",
    };
    format!(
        "Split2    {kind} {times},split:[{db}:{page}:{}],oper/last:[{}/{}],new:[{db}:{}],\
         parent:{},right:{}, objid:[{db}:{}], {unique}:{space}:{system}:{concurrent}, \
         splitoper:{:?}, beforeImage:{})",
        split.split_line,
        split.operation_line,
        split.lines - 1,
        split.new.0,
        around(db, split.parent, split.parent_before),
        around(db, split.right, split.right_before),
        split.objid,
        split.operation,
        image(split.before_image.flags, split.before_image.bytes.len()),
    )
}

fn merge(record: &PageRecord<'_>, merge: &MergeChange<'_>, times: &str) -> String {
    let (db, page) = (record.database.0, record.page.0);
    let Flags { unique, space, system, .. } = flags(record.flags);
    let has = |flag| merge.flags.contains(flag);
    let kind = match merge.kind {
        MergeKind::EmptyTree => "EmptyTree".to_owned(),
        other => format!("{other:?}"),
    };
    format!(
        "Merge2    {times},merge:[{db}:{page}:{}],right:{},left:{},parent:{},\
         {unique}:{space}:{system}:{}:{}:{}:{kind},size:{},maxsize:{},uncfree:{},beforeImage:{})",
        merge.merge_line,
        around(db, merge.right, merge.right_before),
        around(db, merge.left, merge.left_before),
        around(db, merge.parent, merge.parent_before),
        or(has(MergeFlags::KEY_CHANGE), "KC", "NKC"),
        or(has(MergeFlags::EMPTY_PAGE), "EP", "NEP"),
        or(has(MergeFlags::DELETE_NODE), "D", "ND"),
        merge.moved_len,
        merge.moved_max_len,
        merge.destination_uncommitted,
        image(merge.before_image.flags, merge.before_image.bytes.len()),
    )
}

fn database(db: u8, action: &DatabaseAction<'_>) -> String {
    match action {
        DatabaseAction::Create { session, max_pages, signature, flags, version, .. } => {
            let (version, update) = version.unwrap();
            let path = path(action);
            format!(
                "CreateDB  ({:x},{path},{db}) Version: {version:#x},{update:#x} \
                 cpgMax: {max_pages} Sig: {} sparse: {}",
                session.0,
                self::signature(signature),
                u8::from(flags & 0x10 != 0),
            )
        }
        DatabaseAction::Attach {
            session,
            max_pages,
            consistent,
            signature,
            log_signature,
            flags,
            ..
        } => format!(
            "AttachDB  ({:x},{},{db}) cpgMax: {max_pages} consistent:({:X},{:X},{:X})   \
             SigDb: {}   SigLog: {} sparse: {}",
            session.0,
            path(action),
            consistent.generation.0,
            consistent.sector,
            consistent.byte,
            self::signature(signature),
            self::signature(log_signature),
            u8::from(flags & 0x10 != 0),
        ),
        DatabaseAction::CreateFinish { session } => format!("CrDBFinsh ({:x},{db})", session.0),
        DatabaseAction::Extend { last, .. } => format!("ExtendDB  [{db}:{}]", last.0),
        DatabaseAction::SetVersion { major, update_major, update_minor } => {
            format!("SetDbVer  (dbid:{db}, DB ver:{major}.{update_major}.{update_minor})")
        }
        DatabaseAction::NewPage { session, page, objid, after } => format!(
            "NewPage   {:x},({:x},page:[{db}:{}],objid:[{db}:{objid}])",
            after.0, session.0, page.0
        ),
        other => panic!("{other:?}: in no listing"),
    }
}

fn path(action: &DatabaseAction<'_>) -> String {
    let (wide, path) = action.path().unwrap();
    assert!(wide);
    let units: Vec<u16> = path.chunks(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
    String::from_utf16(&units).unwrap()
}

fn signature(signature: &Signature) -> String {
    let ((year, month, day), (hour, minute, second)) =
        (signature.created.date(), signature.created.time_of_day());
    assert!(signature.computer_name().is_empty());
    format!(
        "Create time:{month:02}/{day:02}/{year} {hour:02}:{minute:02}:{second:02}.{:03} Rand:{} \
         Computer:<None>",
        signature.created.millisecond(),
        signature.random,
    )
}

fn time(time: LogTime) -> String {
    let ((year, month, day), (hour, minute, second)) = (time.date(), time.time_of_day());
    format!("{month}/{day}/{year} {hour}:{minute:02}:{second:02}.{:03}", time.millisecond())
}

fn instance(record: &InstanceRecord<'_>) -> String {
    let (name, when) = match record {
        InstanceRecord::Init { time, .. } => ("Init     ", time),
        InstanceRecord::Term { time, .. } => ("Term     ", time),
        InstanceRecord::RecoveryUndo { time } => ("RcvUndo  ", time),
        InstanceRecord::RecoveryQuit { time, .. } => ("RcvQuit  ", time),
        InstanceRecord::ShutDownMark => return "ShutDown ".to_owned(),
    };
    format!("{name} ({})", time(when.unwrap()))
}

fn note(record: &NoteRecord<'_>) -> String {
    match record {
        NoteRecord::Nop2(content) => {
            format!("NOP2      (lrtyp = 71, {} bytes)", content.len())
        }
        NoteRecord::Trace { session, text } => {
            let text = String::from_utf8_lossy(text);
            format!("Trace     ({:x}) {}", session.0, text.trim_end_matches('\0'))
        }
        NoteRecord::MacroInfo { database, pages, rest } => {
            assert!(rest.is_empty());
            let db = database.map_or(1, |database| database.0);
            let page = |four: &[u8]| u32::from_le_bytes(four.try_into().unwrap());
            let list = pages.chunks(4).map(|four| format!("[{db}:{}],", page(four)));
            format!("McroInfo  {}", list.collect::<String>())
        }
        NoteRecord::FreeTree { database, root, commit, tree, .. } => format!(
            "FreeFDP   {:x}:([{}:{}] ({}))",
            commit.0,
            database.0,
            root.0,
            or(*tree == 1, "T", "I")
        ),
        NoteRecord::Backup { phase: 1, kind, scope: 1, database, info, .. } => {
            assert!(info.mark.is_unset());
            format!(
                "Backup2   Begin( {}:Full, dbid={}, phaseDetails[(0,0,0),({}),({},{})] )",
                or(*kind == 0, "External", "OSSnapshot"),
                database.0,
                time(info.time),
                info.first_generation.0,
                info.last_generation.0
            )
        }
        other => panic!("{other:?}: in no listing"),
    }
}
