//! Handmade logs over a tree of one leaf: its pages, its counters, what is left open.

use ese_format::log::record::{
    Change, DatabaseAction, InstanceRecord, LogRecord, MacroStep, NodeChange, OperationFlags,
    SessionId, TransactionId, TransactionStep, UndoKind,
};
use ese_format::page::PageFlags;
use ese_format::{LogGeneration, PageNumber};

use super::*;
use crate::recovery::handmade::{
    DATABASE, OBJID, ROOT, at, begin0, bytes, clean, commit0, database, dbtime, dirty, insert,
    instance, log_header, macro_step, node, nodes, pages, put_page, replace, signature, step, term,
    undo, undo_info,
};
use crate::recovery::tail::UndoLog;
use crate::recovery::undo;
use crate::work::WorkPages as _;

/// One record after the other, beginning at 3:1:0.
struct Log {
    records: Vec<(LogPosition, Vec<u8>)>,
    next: LogPosition,
}

impl Log {
    fn new() -> Self {
        Self { records: Vec::new(), next: at("3:1:0") }
    }

    fn add(mut self, record: Vec<u8>) -> Self {
        self.records.push((self.next, record));
        self.next.byte += 1;
        self
    }

    fn page(self, record: PageRecord<'_>) -> Self {
        self.add(bytes(&LogRecord::Page(record)))
    }

    fn generation(mut self, generation: u32) -> Self {
        self.next = at(&format!("{generation}:1:0"));
        self
    }

    fn over(
        &self,
        pages: &mut Overlay,
        header: Option<DatabaseHeader>,
    ) -> Result<Replayed, Box<ReplayError>> {
        let future = LogGeneration(0);
        let mut redo = Redo::new(pages, &ReplayStart { header, database: DATABASE, future });
        let mut generation = LogGeneration(0);
        for (position, record) in &self.records {
            if position.generation != generation {
                generation = position.generation;
                redo.begin_log(Path::new("edb.log"), &log_header(generation.0))?;
            }
            redo.record(*position, record)?;
        }
        redo.finish(self.next)
    }
}

fn key_values(nodes: Vec<(Vec<u8>, Vec<u8>, bool)>) -> Vec<(String, String, bool)> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    nodes.into_iter().map(|(key, data, deleted)| (text(key), text(data), deleted)).collect()
}

fn expect(pages: &mut Overlay, expected: &[(&str, &str, bool)]) {
    let found = key_values(nodes(pages, ROOT));
    let expected: Vec<_> =
        expected.iter().map(|(k, d, x)| (k.to_string(), d.to_string(), *x)).collect();
    assert_eq!(found, expected);
}

/// Keeps what the undo logs.
#[derive(Default)]
struct Kept(Vec<Vec<u8>>);

impl UndoLog for Kept {
    fn append(&mut self, record: &LogRecord<'_>) -> Result<LogPosition, crate::Error> {
        self.0.push(bytes(record));
        Ok(LogPosition::UNSET)
    }
}

impl Kept {
    fn kinds(&self) -> Vec<RecordKind> {
        self.0.iter().map(|record| RecordKind(record[0])).collect()
    }
}

#[test]
fn committed_changes_stay() {
    let mut pages = pages(100, &[(b"b", b"2")]);
    let log = Log::new()
        .add(begin0())
        .page(node(0, 100, 101, 11, insert(b"a", b"1")))
        .page(node(1, 101, 102, 13, replace(b"two", 1)))
        .page(node(0, 102, 103, 15, NodeChange::FlagDelete))
        .add(commit0());
    let mut replayed = log.over(&mut pages, Some(dirty())).unwrap();
    expect(&mut pages, &[("a", "1", true), ("b", "two", false)]);
    assert_eq!((replayed.dbtime, replayed.last_objid), (DbTime(103), OBJID));
    assert_eq!(replayed.attached, Some(DATABASE));
    assert_eq!((replayed.counts.redone, replayed.counts.committed), (3, 1));
    assert!(!undo::is_needed(&mut replayed));
}

/// The record of a change at level 2.
fn deeper(record: PageRecord<'_>) -> PageRecord<'_> {
    PageRecord { level: 2, ..record }
}

#[test]
fn what_was_not_committed_is_undone_and_logged() {
    let mut pages = pages(100, &[(b"b", b"2"), (b"c", b"3"), (b"d", &[9, 0, 0, 0])]);
    let delta = NodeChange::Delta {
        bookmark: ese_format::log::record::NodeImage { key: b"d", data: &[] },
        delta: 5,
        offset: 0,
        wide: false,
    };
    let log = Log::new()
        .add(begin0())
        .page(node(0, 100, 101, 11, insert(b"a", b"1")))
        .page(node(1, 101, 102, 13, replace(b"two", 1)))
        .add(step(TransactionStep::Begin { from: 1, levels: 1 }))
        .page(deeper(node(1, 102, 103, 15, replace(b"2222", 3))))
        .page(deeper(node(2, 103, 104, 17, NodeChange::FlagDelete)))
        .page(deeper(node(3, 104, 105, 19, delta)));
    let mut replayed = log.over(&mut pages, Some(dirty())).unwrap();
    assert_eq!(nodes(&mut pages, ROOT)[3].1, [14, 0, 0, 0]);
    assert!(undo::is_needed(&mut replayed));
    let mut kept = Kept::default();
    undo::undo(&mut replayed, &mut pages, &mut kept).unwrap();
    let found = nodes(&mut pages, ROOT);
    assert_eq!(found[0], (b"a".to_vec(), b"1".to_vec(), true));
    assert_eq!(found[1], (b"b".to_vec(), b"2".to_vec(), false));
    assert_eq!(found[2], (b"c".to_vec(), b"3".to_vec(), false));
    assert_eq!(found[3].1, [9, 0, 0, 0]);
    assert_eq!(dbtime(&mut pages, ROOT), 110);
    assert_eq!((replayed.dbtime, replayed.counts.undone), (DbTime(110), 5));
    use RecordKind as K;
    assert_eq!(
        kept.kinds(),
        [
            K::UNDO,
            K::UNDO_INFO,
            K::UNDO,
            K::UNDO_INFO,
            K::UNDO,
            K::ROLLBACK,
            K::UNDO_INFO,
            K::UNDO,
            K::UNDO,
            K::ROLLBACK
        ]
    );
    assert!(!undo::is_needed(&mut replayed));
    // Another recovery, over the pages as they are now or as they were, comes to the same.
    for mut again in [pages, self::pages(100, &[(b"b", b"2"), (b"c", b"3"), (b"d", &[9, 0, 0, 0])])]
    {
        let mut both = Log { records: log.records.clone(), next: log.next };
        for record in &kept.0 {
            both = both.add(record.clone());
        }
        let mut header = dirty();
        header.max_required = LogGeneration(9);
        let mut replayed = both.over(&mut again, Some(header)).unwrap();
        assert!(!undo::is_needed(&mut replayed));
        assert_eq!(nodes(&mut again, ROOT), found);
        assert_eq!(replayed.dbtime, DbTime(110));
    }
}

#[test]
fn records_of_a_transaction_that_began_before_only_count() {
    let mut pages = pages(100, &[]);
    let log = Log::new()
        .page(node(7, 300, 301, 11, insert(b"a", b"1")))
        .add(macro_step(302, MacroStep::Begin))
        .page(node(7, 300, 302, 11, insert(b"a", b"1")))
        .add(macro_step(302, MacroStep::Commit))
        .add(step(TransactionStep::Rollback { levels: 1 }));
    let replayed = log.over(&mut pages, Some(dirty())).unwrap();
    assert_eq!(replayed.dbtime, DbTime(302));
    assert_eq!((replayed.counts.passed_over, replayed.counts.redone), (2, 0));
    assert!(nodes(&mut pages, ROOT).is_empty());
}

#[test]
fn records_up_to_the_attachment_are_passed_over() {
    let mut pages = pages(100, &[]);
    let mut header = dirty();
    header.attach_position = at("3:1:1");
    let other = |record: PageRecord<'static>| PageRecord { database: DatabaseId(2), ..record };
    let log = Log::new()
        .add(begin0())
        .page(node(7, 1, 2, 11, NodeChange::Delete))
        .page(other(node(7, 1, 2, 13, NodeChange::Delete)))
        .page(node(0, 100, 101, 15, insert(b"a", b"1")))
        .add(commit0());
    let replayed = log.over(&mut pages, Some(header)).unwrap();
    assert_eq!((replayed.counts.passed_over, replayed.counts.of_others), (1, 1));
    expect(&mut pages, &[("a", "1", false)]);
}

#[test]
fn a_macro_counts_when_it_is_committed() {
    for (end, expected) in [(Some(MacroStep::Commit), 1), (Some(MacroStep::Abort), 0), (None, 0)] {
        let mut pages = pages(100, &[]);
        put_page(&mut pages, PageNumber(6), PageFlags::LEAF, 90, &[(b"x", b"y")]);
        let mut moved = node(0, 100, 101, 0, NodeChange::Delete);
        moved.flags = OperationFlags::empty();
        moved.change = Change::Merge(empty_page());
        moved.page = PageNumber(6);
        moved.before = DbTime(90);
        let mut log = Log::new().add(begin0()).add(macro_step(101, MacroStep::Begin)).page(moved);
        if let Some(end) = end {
            log = log.add(macro_step(101, end));
        }
        let mut replayed = log.over(&mut pages, Some(dirty())).unwrap();
        assert_eq!(replayed.counts.macros, expected);
        assert_eq!(nodes(&mut pages, PageNumber(6)).is_empty(), expected == 1);
        assert_eq!(replayed.dbtime, DbTime(if expected == 1 { 101 } else { 100 }));
        let mut kept = Kept::default();
        undo::undo(&mut replayed, &mut pages, &mut kept).unwrap();
        let aborted = end.is_none().then_some(RecordKind::MACRO_ABORT);
        let logged: Vec<_> = aborted.into_iter().chain([RecordKind::ROLLBACK]).collect();
        assert_eq!(kept.kinds(), logged);
    }
}

/// A page that is given up.
fn empty_page() -> ese_format::log::record::MergeChange<'static> {
    use ese_format::log::record::{
        BeforeImage, BeforeImageFlags, MergeChange, MergeFlags, MergeKind,
    };
    let null = PageNumber::NULL;
    MergeChange {
        right: null,
        right_before: DbTime(0),
        left: null,
        left_before: DbTime(0),
        parent: null,
        parent_before: DbTime(0),
        root: ROOT,
        objid: OBJID,
        moved_len: 0,
        moved_max_len: 0,
        destination_uncommitted: 0,
        merge_line: 0,
        flags: MergeFlags::EMPTY_PAGE,
        kind: MergeKind::EmptyPage,
        parent_key: &[],
        before_image: BeforeImage { flags: BeforeImageFlags::empty(), bytes: &[] },
    }
}

#[test]
fn a_page_that_is_ahead_keeps_what_it_has() {
    // The file has the replacement already; the log has what was before it.
    let mut pages = pages(101, &[(b"a", b"new")]);
    let log = Log::new().add(begin0()).page(node(0, 100, 101, 11, replace(b"new", 3))).page(node(
        0,
        PageRecord::NO_TIME.0,
        PageRecord::NO_TIME.0,
        11,
        undo_info(b"a", b"old"),
    ));
    let mut replayed = log.over(&mut pages, Some(dirty())).unwrap();
    assert_eq!((replayed.counts.present, replayed.counts.redone), (1, 0));
    let mut kept = Kept::default();
    undo::undo(&mut replayed, &mut pages, &mut kept).unwrap();
    expect(&mut pages, &[("a", "old", false)]);
    // It need not be logged again.
    assert_eq!(kept.kinds(), [RecordKind::UNDO, RecordKind::ROLLBACK]);
}

#[test]
fn a_change_whose_before_image_is_lost_is_not_passed_over_in_silence() {
    let mut pages = pages(101, &[(b"a", b"new")]);
    let log = Log::new().add(begin0()).page(node(0, 100, 101, 11, replace(b"new", 3)));
    let mut replayed = log.over(&mut pages, Some(dirty())).unwrap();
    let error = undo::undo(&mut replayed, &mut pages, &mut Kept::default()).unwrap_err();
    assert!(matches!(error.what, ReplayProblem::BeforeImageLost { page: ROOT }));
    assert_eq!(error.jet_code(), -543);
}

#[test]
fn a_logged_undo_takes_its_version() {
    let mut pages = pages(100, &[(b"a", b"1")]);
    let log = Log::new()
        .add(begin0())
        .page(node(0, 100, 101, 11, replace(b"other", 1)))
        .page(node(0, 101, 102, 11, undo(b"a", UndoKind::REPLACE)))
        .add(step(TransactionStep::Rollback { levels: 1 }));
    let mut replayed = log.over(&mut pages, Some(dirty())).unwrap();
    expect(&mut pages, &[("a", "1", false)]);
    assert!(!undo::is_needed(&mut replayed));
    assert_eq!(replayed.counts.rolled_back, 1);
    let log = Log::new().add(begin0()).page(node(0, 102, 103, 99, undo(b"a", UndoKind::INSERT)));
    let error = log.over(&mut pages, Some(dirty())).unwrap_err();
    assert!(matches!(error.what, ReplayProblem::VersionMissing { page: ROOT, objid: OBJID }));
    assert_eq!(
        error.to_string(),
        "edb.log: Undo record at 3:1:1: page 5 of object 40: what the record undoes is not known"
    );
}

#[test]
fn pages_that_are_not_as_expected_have_to_come_right() {
    let old = |version| node(0, 120, 130, version, insert(b"a", b"1"));
    // Within the range that the database needs it is passed over, and told at its end.
    let log = Log::new().add(begin0()).page(old(11)).add(commit0());
    let error = log.over(&mut pages(100, &[]), Some(dirty())).unwrap_err();
    let ReplayProblem::PageLost { page, missing } = error.what else { panic!("{error}") };
    assert_eq!((page, missing.position), (ROOT, at("3:1:1")));
    let next = log.generation(4).add(begin0());
    let error = next.over(&mut pages(100, &[]), Some(dirty())).unwrap_err();
    assert!(matches!(error.what, ReplayProblem::PageLost { page: ROOT, .. }));
    assert_eq!(error.jet_code(), -566);
    // A record that shrinks the page away settles it.
    let shrink = DatabaseAction::Shrink { last: PageNumber(4), pages: 1, form: 1, dbtime: None };
    let log = Log::new().add(begin0()).page(old(11)).add(commit0()).add(database(shrink));
    let mut shrunk = pages(100, &[]);
    assert!(log.over(&mut shrunk, Some(dirty())).is_ok());
    // Behind the range it is an error at once.
    let log = Log::new().generation(4).add(begin0()).page(old(11));
    let error = log.over(&mut pages(100, &[]), Some(dirty())).unwrap_err();
    assert!(matches!(error.what, ReplayProblem::Apply { page: ROOT, .. }));
}

#[test]
fn an_absent_page_that_is_trimmed_later_is_passed_over() {
    let mut pages = pages(100, &[]);
    pages.set_last_page(PageNumber(50));
    let mut absent = node(0, 120, 130, 11, insert(b"a", b"1"));
    absent.page = PageNumber(40);
    let log = || Log::new().add(begin0()).page(absent.clone()).add(commit0());
    let error = log().over(&mut pages, Some(dirty())).unwrap_err();
    assert_eq!(error.jet_code(), -1019);
    let trim = DatabaseAction::Trim { first: PageNumber(39), pages: 2 };
    let replayed = log().add(database(trim)).over(&mut pages, Some(dirty())).unwrap();
    assert_eq!(replayed.counts.present, 1);
}

#[test]
fn a_transaction_that_stays_open_does_not_outlive_its_instance() {
    let mut pages = pages(100, &[]);
    let log = Log::new().add(begin0()).page(node(0, 100, 101, 11, insert(b"a", b"1"))).add(term());
    let error = log.over(&mut pages, Some(dirty())).unwrap_err();
    assert!(matches!(error.what, ReplayProblem::OpenTransactions { transactions: 1 }));
}

#[test]
fn a_database_lives_through_restarts() {
    let attach = |consistent: &str| DatabaseAction::Attach {
        session: SessionId(3),
        max_pages: 0,
        consistent: at(consistent),
        signature: signature(5),
        log_signature: signature(77),
        flags: 0,
        path: b"x\0",
    };
    let begin = TransactionId(20);
    let again = TransactionStep::Begin0 { from: 0, levels: 1, begin, distributed: false };
    let first = node(0, 100, 101, 11, insert(b"a", b"1"));
    let log = Log::new()
        .page(node(9, 1, 2, 0, NodeChange::Delete))
        .add(database(attach("1:9:50")))
        .add(begin0())
        .page(first)
        .add(commit0())
        .add(instance(InstanceRecord::ShutDownMark))
        .add(term());
    let mut stored = pages(100, &[]);
    let replayed = log.over(&mut stored, Some(clean())).unwrap();
    assert_eq!(replayed.attached, None);
    assert!(replayed.header.is_clean());
    assert_eq!(replayed.header.consistent_position, at("3:1:5"));
    assert_eq!((replayed.mark, replayed.end), (Some(at("3:1:5")), Some(at("3:1:6"))));
    assert_eq!(replayed.header.dbtime, DbTime(101));
    let log = log
        .generation(4)
        .add(database(attach("3:1:5")))
        .add(step(again))
        .page(node(1, 101, 102, 31, insert(b"b", b"2")))
        .add(commit0());
    let mut stored = pages(100, &[]);
    let replayed = log.over(&mut stored, Some(clean())).unwrap();
    assert_eq!(replayed.attached, Some(DATABASE));
    assert!(replayed.header.is_dirty());
    assert_eq!((replayed.header.attach_position, replayed.end), (at("4:1:0"), None));
    expect(&mut stored, &[("a", "1", false), ("b", "2", false)]);
    // The same over the database as it was in between.
    let mut between = clean();
    between.attach_position = at("3:1:1");
    (between.consistent_position, between.detach_position) = (at("3:1:5"), at("3:1:5"));
    let mut stored = pages(101, &[(b"a", b"1")]);
    let replayed = log.over(&mut stored, Some(between)).unwrap();
    assert_eq!(replayed.counts.redone, 1);
    expect(&mut stored, &[("a", "1", false), ("b", "2", false)]);
}

#[test]
fn logs_that_never_attach_the_database_are_refused() {
    let mut header = dirty();
    header.attach_position = at("5:1:0");
    let error = Log::new().add(begin0()).over(&mut pages(100, &[]), Some(header)).unwrap_err();
    assert!(matches!(error.what, ReplayProblem::NeverAttached { .. }));
    let error = Log::new().add(begin0()).over(&mut pages(100, &[]), None).unwrap_err();
    assert!(matches!(error.what, ReplayProblem::NoDatabase));
    assert_eq!(error.to_string(), "edb.log: at 3:1:1: the logs do not create the database");
}

#[test]
fn bytes_that_are_no_record_are_refused() {
    for record in [&[200_u8][..], &[29, 0, 0], &[], &[27; 102]] {
        let mut pages = pages(100, &[]);
        let log = Log::new().add(record.to_vec());
        let error = log.over(&mut pages, Some(dirty())).unwrap_err();
        let expected = matches!(error.what, ReplayProblem::Record(_) | ReplayProblem::Obsolete);
        assert!(expected, "{error}");
    }
}

#[test]
fn a_page_is_blanked_for_a_new_use() {
    let mut pages = pages(100, &[]);
    let new = |page: u32, after| DatabaseAction::NewPage {
        session: SessionId(3),
        page: PageNumber(page),
        objid: 41,
        after: DbTime(after),
    };
    let log = Log::new().add(begin0()).add(database(new(5, 90))).add(database(new(9, 120)));
    let replayed = log.over(&mut pages, Some(dirty())).unwrap();
    assert_eq!((replayed.dbtime, replayed.last_objid), (DbTime(120), 41));
    // The first one was ahead.
    assert_eq!((dbtime(&mut pages, ROOT), dbtime(&mut pages, PageNumber(9))), (100, 120));
    let crate::work::Taken::Page(page) = pages.take(PageNumber(9)).unwrap() else { panic!() };
    assert!(ese_format::page::structure::check(page.bytes()).is_ok());
    pages.put(page).unwrap();
}
