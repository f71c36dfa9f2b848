//! Log records and small databases made by hand, for tests.

use ese_format::header::{DatabaseHeader, DatabaseState};
use ese_format::log::record::{
    Change, DatabaseAction, DatabaseId, DatabaseRecord, InstanceRecord, LogRecord, MacroRecord,
    MacroStep, NodeChange, NodeImage, OperationFlags, PageRecord, SessionId, TransactionId,
    TransactionRecord, TransactionStep, TreeRef, UndoKind, VersionId,
};
use ese_format::log_header::LogHeader;
use ese_format::page::{PageFlags, PageHeader};
use ese_format::page_builder::PageBuilder;
use ese_format::{DbTime, LogGeneration, LogPosition, PageNumber, PageSize, Signature};

use crate::overlay::{Overlay, Spill};
use crate::work::{Taken, WorkPage, WorkPages as _};

/// The tree of the tests: its root, which is a leaf, and its object id.
pub(crate) const ROOT: PageNumber = PageNumber(5);
/// Object id of the tree.
pub(crate) const OBJID: u32 = 40;
/// The database.
pub(crate) const DATABASE: DatabaseId = DatabaseId(1);

/// The bytes of a record.
pub(crate) fn bytes(record: &LogRecord<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.write(&mut bytes);
    bytes
}

/// A versioned change of a node of the tree, by session 3.
pub(crate) fn node(
    line: u16,
    before: u64,
    after: u64,
    version: u32,
    change: NodeChange<'_>,
) -> PageRecord<'_> {
    let is_versioned = !matches!(change, NodeChange::Undo { .. } | NodeChange::UndoInfo { .. });
    let mut flags = OperationFlags::UNIQUE;
    flags.set(OperationFlags::VERSIONED, version != 0 && is_versioned);
    PageRecord {
        session: SessionId(3),
        database: DATABASE,
        page: ROOT,
        after: DbTime(after),
        before: DbTime(before),
        begin: TransactionId(4),
        level: 1,
        line,
        flags,
        change: Change::Node(
            TreeRef { version: VersionId(version), root: ROOT, objid: OBJID },
            change,
        ),
    }
}

/// An insertion.
pub(crate) fn insert<'a>(key: &'a [u8], data: &'a [u8]) -> NodeChange<'a> {
    NodeChange::Insert { node: NodeImage { key, data }, prefix: 0 }
}

/// A replacement.
pub(crate) fn replace(data: &[u8], old_len: u16) -> NodeChange<'_> {
    NodeChange::Replace { data, old_len }
}

/// An undo at level 1.
pub(crate) fn undo(key: &[u8], undo: UndoKind) -> NodeChange<'_> {
    NodeChange::Undo { bookmark: NodeImage { key, data: &[] }, undo, level: 1 }
}

/// The before-image of a replacement.
pub(crate) fn undo_info<'a>(key: &'a [u8], before_image: &'a [u8]) -> NodeChange<'a> {
    NodeChange::UndoInfo {
        bookmark: NodeImage { key, data: &[] },
        undo: UndoKind::REPLACE,
        max_len: 9,
        growth: 0,
        before_image,
    }
}

/// A step of session 3.
pub(crate) fn step(step: TransactionStep) -> Vec<u8> {
    bytes(&LogRecord::Transaction(TransactionRecord { session: SessionId(3), step }))
}

/// The begin of a transaction.
pub(crate) fn begin0() -> Vec<u8> {
    let begin = TransactionId(4);
    step(TransactionStep::Begin0 { from: 0, levels: 1, begin, distributed: false })
}

/// Its commit.
pub(crate) fn commit0() -> Vec<u8> {
    step(TransactionStep::Commit0 { to: 0, commit: TransactionId(8) })
}

/// A step of a macro of session 3.
pub(crate) fn macro_step(dbtime: u64, step: MacroStep) -> Vec<u8> {
    let dbtime = DbTime(dbtime);
    bytes(&LogRecord::Macro(MacroRecord { session: SessionId(3), dbtime, step }))
}

/// A record of the instance.
pub(crate) fn instance(record: InstanceRecord<'_>) -> Vec<u8> {
    bytes(&LogRecord::Instance(record))
}

/// The clean end of an instance.
pub(crate) fn term() -> Vec<u8> {
    let (start, redo_from) = (LogPosition::UNSET, LogPosition::UNSET);
    instance(InstanceRecord::Term { start, redo_from, hard: 0, time: None })
}

/// A record of the database.
pub(crate) fn database(action: DatabaseAction<'_>) -> Vec<u8> {
    bytes(&LogRecord::Database(DatabaseRecord { database: DATABASE, action }))
}

/// A signature that is known by one number.
pub(crate) fn signature(number: u32) -> Signature {
    Signature { random: number, ..Signature::NONE }
}

/// The header of a log file of stream 77.
pub(crate) fn log_header(generation: u32) -> LogHeader {
    let mut header = LogHeader::blank();
    header.generation = LogGeneration(generation);
    header.signature = signature(77);
    header
}

/// A position.
pub(crate) fn at(text: &str) -> LogPosition {
    text.parse().unwrap()
}

/// The header of the database: dirty, attached at 2:1:100, in need of generations 2 to 3.
pub(crate) fn dirty() -> DatabaseHeader {
    let mut header = DatabaseHeader::parse(&[0; 4096]).unwrap();
    header.state = DatabaseState::DIRTY_SHUTDOWN;
    header.signature = signature(5);
    header.log_signature = signature(77);
    header.attach_position = at("2:1:100");
    (header.min_required, header.max_required) = (LogGeneration(2), LogGeneration(3));
    header.dbid = 1;
    header.dbtime = DbTime(100);
    header.last_objid = OBJID;
    header
}

/// The same, clean, last consistent at 1:9:50.
pub(crate) fn clean() -> DatabaseHeader {
    let mut header = dirty();
    header.state = DatabaseState::CLEAN_SHUTDOWN;
    header.attach_position = at("1:2:0");
    (header.consistent_position, header.detach_position) = (at("1:9:50"), at("1:9:50"));
    (header.min_required, header.max_required) = (LogGeneration(0), LogGeneration(0));
    header
}

/// Pages with the tree: these nodes, on its root of dbtime `dbtime`.
pub(crate) fn pages(dbtime: u64, nodes: &[(&[u8], &[u8])]) -> Overlay {
    let size = PageSize::new(4096).unwrap();
    let mut overlay = Overlay::new(None, size, 1 << 20, Spill::Memory);
    put_page(&mut overlay, ROOT, PageFlags::ROOT | PageFlags::LEAF, dbtime, nodes);
    overlay
}

/// Puts a page of the tree in.
pub(crate) fn put_page(
    overlay: &mut Overlay,
    number: PageNumber,
    flags: PageFlags,
    dbtime: u64,
    nodes: &[(&[u8], &[u8])],
) {
    let size = overlay.page_size();
    let mut builder = PageBuilder::new(size, flags).objid(OBJID);
    if flags.contains(PageFlags::ROOT) {
        builder = builder.external_header(&[0; 16]);
    }
    for (key, data) in nodes {
        builder = builder.node(key, data);
    }
    let mut page = WorkPage::blank(number, size);
    let bytes = page.bytes_mut();
    bytes.copy_from_slice(&builder.build().unwrap());
    let header = PageHeader::parse(bytes).unwrap();
    PageHeader { dbtime: DbTime(dbtime), ..header }.write(bytes);
    overlay.put(page).unwrap();
}

/// The nodes of a page: key, data, whether it is deleted.
pub(crate) fn nodes(overlay: &mut Overlay, number: PageNumber) -> Vec<(Vec<u8>, Vec<u8>, bool)> {
    let Taken::Page(page) = overlay.take(number).unwrap() else { panic!("no page {number}") };
    let view = ese_format::node::NodePage::new(page.bytes()).unwrap();
    let found = (0..view.node_count()).map(|line| {
        let node = view.node(line).unwrap();
        (node.key(), node.data.to_vec(), node.is_deleted())
    });
    let found = found.collect();
    overlay.put(page).unwrap();
    found
}

/// The dbtime of a page.
pub(crate) fn dbtime(overlay: &mut Overlay, number: PageNumber) -> u64 {
    let Taken::Page(page) = overlay.take(number).unwrap() else { panic!("no page {number}") };
    let dbtime = page.dbtime().0;
    overlay.put(page).unwrap();
    dbtime
}
