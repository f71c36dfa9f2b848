//! Replays over files in which some pages were written later than others.
//!
//! An engine writes its pages in any order. A file that it leaves has each page as it was at some
//! time, and the logs bring all of them to the same end: splits and merges among them, whose pages
//! were written or not in every choice. Only a page with changes that may still be undone is not
//! written before the log can undo them, so the times are those at which nothing was open.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use ese::overlay::{Overlay, Spill};
use ese::recovery::redo::{Redo, ReplayStart};
use ese::recovery::tail::NoLog;
use ese::work::{WorkPage, WorkPages as _};
use ese::{DatabaseFile, PageStore as _};
use ese_format::header::DatabaseHeader;
use ese_format::log::record::{DatabaseId, LogRecord, SessionId, TransactionStep};
use ese_format::log_header::LogHeader;
use ese_format::node::{NodeFlags, NodePage};
use ese_format::page::{PageFlags, PageHeader};
use ese_format::{LogGeneration, LogPosition, PageNumber};

use crate::hostile::Numbers;
use crate::{Set, walk};

/// Sets, and whether their logs create their database.
const SETS: [(&str, &str, bool); 5] = [
    ("crash_8k_c", "test.edb", true),
    ("crash_32k_a", "test.edb", true),
    ("crash_4k_a", "test.edb", false),
    ("ntds-2019-dirty", "ntds.dit", false),
    ("ntds-2019-vss", "ntds.dit", false),
];

#[test]
fn pages_may_have_been_written_at_any_time() {
    let Some(corpus) = testkit::corpus() else { return };
    std::thread::scope(|scope| {
        for half in [0, 1] {
            scope.spawn(move || {
                for (seed, (name, database, from_nothing)) in (7..).zip(SETS).skip(half).step_by(2)
                {
                    let folder = corpus.unpacked().join(name);
                    let files = folder.join("files");
                    let set = Set::of(&files, Some(files.join(database)), 0);
                    let chain = Chain::new(&set, from_nothing);
                    chain.run_over_mixtures(&folder, &mut Numbers(seed));
                }
            });
        }
    });
}

/// The header of a log file, and its records.
type Log = (LogHeader, Vec<(LogPosition, Vec<u8>)>);

/// A database and all records of its logs.
struct Chain<'a> {
    set: &'a Set,
    logs: Vec<Log>,
    /// There is no database to begin with.
    from_nothing: bool,
}

/// Pages that were changed.
type Pages = BTreeMap<PageNumber, Vec<u8>>;

impl<'a> Chain<'a> {
    fn new(set: &'a Set, from_nothing: bool) -> Self {
        let read = |path| walk::records(&std::fs::read(path).unwrap());
        Self { set, logs: set.logs.iter().map(read).collect(), from_nothing }
    }

    fn run_over_mixtures(&self, folder: &Path, numbers: &mut Numbers) {
        let quiet = self.quiet();
        let header = (!self.from_nothing).then(|| self.set.header().unwrap());
        let end = self.end(self.pages(), header.clone());
        let stops = (0..8).map(|_| quiet[numbers.below(quiet.len())]);
        let mut states: Vec<Pages> = stops.map(|stop| self.until(stop, header.clone())).collect();
        states.push(Pages::new());
        compare_with_engine(&self.pages_of(&end), folder);
        // The header is the one of the file that was left, which needs all of its logs.
        let header = self.set.header();
        let mut present = 0;
        for round in 0..6 {
            let mut mixture = self.pages();
            mixture.set_last_page(mixture.last_page().max(*end.keys().last().unwrap()));
            let near = numbers.below(states.len());
            for number in end.keys() {
                let state = match round % 2 {
                    0 => numbers.below(states.len()),
                    _ => (near + numbers.below(2)) % states.len(),
                };
                if let Some(bytes) = states[state].get(number) {
                    let mut page = WorkPage::blank(*number, self.set.page_size);
                    page.bytes_mut().copy_from_slice(bytes);
                    mixture.put(page).unwrap();
                }
            }
            let mut counts = 0;
            let found = self.end_counted(mixture, header.clone(), &mut counts);
            present += counts;
            for (number, bytes) in &end {
                let found = found.get(number).unwrap_or(bytes);
                assert_eq!(live(found), live(bytes), "{}: page {number}", folder.display());
            }
        }
        assert!(present > 0, "no page was ahead");
    }

    fn pages(&self) -> Overlay {
        let base = self.set.database.as_ref().filter(|_| !self.from_nothing);
        let base =
            base.map(|path| Arc::new(DatabaseFile::open(Arc::new(vfs::os::Os), path).unwrap()));
        Overlay::new(base, self.set.page_size, 256 << 20, Spill::Memory)
    }

    /// The start of a replay over pages of any time.
    fn start(&self, header: Option<DatabaseHeader>) -> ReplayStart {
        let future = self.logs.last().map_or(LogGeneration(0), |(log, _)| log.generation);
        ReplayStart { header, database: DatabaseId(1), future }
    }

    /// The pages when so many records were replayed.
    fn until(&self, stop: usize, header: Option<DatabaseHeader>) -> Pages {
        let mut pages = self.pages();
        let mut redo = Redo::new(&mut pages, &self.start(header));
        let mut left = stop;
        for (path, (log, records)) in self.set.logs.iter().zip(&self.logs) {
            redo.begin_log(path, log).unwrap();
            for (position, record) in records.iter().take(left) {
                redo.record(*position, record).unwrap();
            }
            left = left.saturating_sub(records.len());
        }
        drop(redo);
        self.changed(&pages)
    }

    /// The pages when everything was replayed and undone.
    fn end(&self, pages: Overlay, header: Option<DatabaseHeader>) -> Pages {
        self.end_counted(pages, header, &mut 0)
    }

    fn end_counted(
        &self,
        mut pages: Overlay,
        header: Option<DatabaseHeader>,
        present: &mut u64,
    ) -> Pages {
        let mut redo = Redo::new(&mut pages, &self.start(header));
        let mut end = LogPosition::UNSET;
        for (path, (log, records)) in self.set.logs.iter().zip(&self.logs) {
            redo.begin_log(path, log).unwrap();
            for (position, record) in records {
                redo.record(*position, record).unwrap();
                end = *position;
            }
        }
        let mut replayed = redo.finish(end).unwrap();
        *present = replayed.counts.present;
        ese::recovery::undo::undo(&mut replayed, &mut pages, &mut NoLog).unwrap();
        self.changed(&pages)
    }

    fn changed(&self, pages: &Overlay) -> Pages {
        let read = |number| {
            let mut bytes = vec![0; self.set.page_size.bytes()];
            pages.read_run(number, &mut bytes).unwrap();
            (number, bytes)
        };
        pages.changed().into_iter().map(read).collect()
    }

    fn pages_of(&self, changed: &Pages) -> Pages {
        if self.from_nothing { changed.clone() } else { Pages::new() }
    }

    /// How many records were replayed whenever no transaction was open.
    fn quiet(&self) -> Vec<usize> {
        let mut levels: HashMap<SessionId, u8> = HashMap::new();
        let mut quiet = Vec::new();
        let records = self.logs.iter().flat_map(|(_, records)| records);
        for (number, (_, bytes)) in (1..).zip(records) {
            match LogRecord::parse(bytes).unwrap().0 {
                LogRecord::Transaction(record) => {
                    let level = levels.entry(record.session).or_default();
                    match record.step {
                        TransactionStep::Begin { from, levels }
                        | TransactionStep::Begin0 { from, levels, .. } => *level = from + levels,
                        TransactionStep::Commit { to } | TransactionStep::Commit0 { to, .. } => {
                            *level = to;
                        }
                        TransactionStep::Rollback { levels } => {
                            *level = level.saturating_sub(levels);
                        }
                        TransactionStep::Refresh { .. } | TransactionStep::PrepareRollback => {}
                    }
                }
                LogRecord::Instance(_) => levels.clear(),
                _ => {}
            }
            if levels.values().all(|level| *level == 0) {
                quiet.push(number);
            }
        }
        quiet
    }
}

/// Header and nodes, without what a page may lie like, what is only of use to a running engine, and
/// how often it was written.
type Live = (PageHeader, Vec<u8>, Vec<(NodeFlags, Vec<u8>, usize, Vec<u8>)>);

fn live(bytes: &[u8]) -> Option<Live> {
    let header = PageHeader::parse(bytes)?;
    let page = NodePage::new(bytes)?;
    let flush = PageFlags::FLUSH_TYPE_LOW | PageFlags::FLUSH_TYPE_HIGH;
    let header = PageHeader {
        checksum: ese_format::checksum::BlockChecksum(0),
        uncommitted_free: 0,
        first_free: 0,
        flags: header.flags - flush,
        large: None,
        ..header
    };
    let nodes = (0..page.node_count()).map(|line| {
        let node = page.node(line).unwrap();
        (node.flags - NodeFlags::VERSION, node.key(), node.prefix.len(), node.data.to_vec())
    });
    Some((header, page.external_header().unwrap_or_default().to_vec(), nodes.collect()))
}

/// All pages are those of the engine's own recovery.
fn compare_with_engine(pages: &Pages, folder: &Path) {
    let path = folder.join("recovered/test.edb");
    if pages.is_empty() || !path.exists() {
        return;
    }
    let theirs = DatabaseFile::open(Arc::new(vfs::os::Os), &path).unwrap();
    for number in (1..=theirs.layout().pages).map(PageNumber) {
        let theirs = theirs.load(number).ok();
        let ours = pages.get(&number);
        assert_eq!(
            ours.and_then(|bytes| live(bytes)),
            theirs.and_then(|page| live(page.bytes())),
            "{}: page {number}",
            folder.display()
        );
    }
}
