//! Chains of logs of the corpus, replayed through the reader: to their end, to a time, to damage.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese_format::LogGeneration;
use ese_format::header::{DatabaseHeader, read_shadowed};
use ese_format::log::record::DatabaseId;
use vfs::os::Os;
use vfs::{OpenMode, Storage};

use super::*;
use crate::DatabaseFile;
use crate::overlay::Spill;
use crate::recovery::handmade::at;
use crate::recovery::tail::NoLog;
use crate::recovery::undo::undo;
use crate::verify::Unheard;

/// The logs of a folder.
fn logs(storage: &dyn Storage, folder: &Path) -> Vec<LogFile> {
    let mut found = Vec::new();
    for entry in storage.list(folder).unwrap() {
        let name = entry.name.to_str().unwrap();
        if !name.ends_with(".log") || name.ends_with("tmp.log") {
            continue;
        }
        let path = folder.join(name);
        let file = storage.open(&path, OpenMode::Read).unwrap();
        let mut beginning = vec![0; 4096];
        file.read_exact_at(&mut beginning, 0).unwrap();
        let header = LogHeader::parse(&beginning).unwrap();
        let (generation, len) = (header.generation, file.len().unwrap());
        let archived_name = format!("{}{:05X}.log", &name[..3], generation.0);
        found.push(LogFile { generation, path, len, archived_name, header });
    }
    found.sort_by_key(|log| log.generation);
    found
}

fn header(path: &Path) -> DatabaseHeader {
    let bytes = std::fs::read(path).unwrap();
    read_shadowed(&bytes[..bytes.len().min(1 << 16)]).unwrap().header
}

struct Set {
    storage: Arc<dyn Storage>,
    database: Option<PathBuf>,
    logs: Vec<LogFile>,
}

impl Set {
    fn crashed(name: &str, database: &str) -> Option<Self> {
        let files = testkit::corpus()?.unpacked().join(name).join("files");
        let storage: Arc<dyn Storage> = Arc::new(Os);
        let logs = logs(&*storage, &files);
        Some(Self { storage, database: Some(files.join(database)), logs })
    }

    fn chain(&self) -> LogChain<'_> {
        let from = LogPosition { generation: self.logs[0].generation, sector: 1, byte: 0 };
        LogChain { logs: &self.logs, from, until: None, stop_at_damage: false }
    }

    fn pages(&self) -> Overlay {
        let open = |path: &PathBuf| Arc::new(DatabaseFile::open(Arc::new(Os), path).unwrap());
        let base = self.database.as_ref().map(open);
        Overlay::new(base, self.logs[0].header.page_size().unwrap(), 64 << 20, Spill::Memory)
    }

    fn replay(&self, chain: &LogChain<'_>) -> (Overlay, Replayed, ReplayEnd) {
        let mut pages = self.pages();
        let done = self.try_replay(chain, &mut pages);
        let (replayed, end) = done.unwrap_or_else(|error| panic!("{error}"));
        (pages, replayed, end)
    }

    fn try_replay(
        &self,
        chain: &LogChain<'_>,
        pages: &mut Overlay,
    ) -> Result<(Replayed, ReplayEnd), Box<ReplayError>> {
        let header = self.database.as_ref().map(|path| header(path));
        let future = LogGeneration(0);
        let start = ReplayStart { header, database: DatabaseId(1), future };
        replay(&*self.storage, chain, &start, pages, &Unheard)
    }
}

/// The pages that differ.
fn differing(left: &Overlay, right: &Overlay) -> Vec<u32> {
    let size = left.last_page().max(right.last_page());
    let mut buffers = [vec![0; 1 << 15], vec![0; 1 << 15]];
    let mut differing = Vec::new();
    for number in 1..=size.0 {
        let number = ese_format::PageNumber(number);
        let [a, b] = &mut buffers;
        a.fill(0);
        b.fill(0);
        let len = left.base().unwrap().page_size().bytes();
        left.read_run(number, &mut a[..len]).unwrap();
        right.read_run(number, &mut b[..len]).unwrap();
        if a != b {
            differing.push(number.0);
        }
    }
    differing
}

#[test]
fn starting_later_or_earlier_comes_to_the_same_pages() {
    let Some(set) = Set::crashed("crash_8k_c", "test.edb") else { return };
    let (whole, replayed, end) = set.replay(&set.chain());
    assert_eq!(end.last.path, set.logs.last().unwrap().path);
    assert!(!end.stopped && end.damage.is_none() && end.last.mark.is_none());
    assert_eq!(replayed.counts.generations.unwrap().1, end.last.header.generation);
    let listed = ese_format::log::attach::entries(&replayed.attachments);
    let theirs = set.logs.last().unwrap().header.clone();
    let theirs = ese_format::log::attach::entries(theirs.attachments()).next().unwrap();
    let ours = listed.last().unwrap();
    assert_eq!((ours.signature, ours.name), (theirs.signature, theirs.name));
    assert_eq!((ours.attach, ours.consistent), (theirs.attach, theirs.consistent));
    assert_eq!((ours.database, ours.flags), (theirs.database, theirs.flags));
    // The header names the first generation that is needed; the checkpoint may be later.
    let from = header(set.database.as_ref().unwrap()).min_required;
    let needed: Vec<LogFile> =
        set.logs.iter().filter(|log| log.generation >= from).cloned().collect();
    assert!(needed.len() < set.logs.len() || from.0 <= 1);
    let chain = LogChain { logs: &needed, from: at("0:0:0"), ..set.chain() };
    let (later, _, _) = set.replay(&chain);
    assert_eq!(differing(&whole, &later), [0; 0]);
}

#[test]
fn a_replay_ends_at_a_time() {
    let Some(corpus) = testkit::corpus() else { return };
    let storage: Arc<dyn Storage> = Arc::new(Os);
    let logs = logs(&*storage, &corpus.unpacked().join("srum-server2022/chain"));
    let set = Set { storage, database: None, logs };
    let mut ends = Vec::new();
    for log in &set.logs {
        let chain = LogChain { until: Some(log.header.created), ..set.chain() };
        match set.try_replay(&chain, &mut set.pages()) {
            Ok((_, end)) => {
                assert!(end.last.header.generation <= log.generation);
                ends.push(end.last.end);
            }
            Err(error) => {
                assert!(matches!(error.what, ReplayProblem::NoDatabase), "{error}");
            }
        }
    }
    assert!(ends.len() >= 3 && ends.is_sorted(), "{ends:?}");
    // What was open then is undone, and the pages are those of a database.
    let until = Some(set.logs[2].header.created);
    let (mut pages, mut replayed, end) = set.replay(&LogChain { until, ..set.chain() });
    assert!(end.stopped);
    undo(&mut replayed, &mut pages, &mut NoLog).unwrap();
    let store = pages.into_store(Path::new("SRUDB.dat"));
    assert!(crate::Database::with_store(store, 1 << 20).unwrap().tables().count() > 4);
}

/// The files of a set, some bytes of a log changed.
fn damaged(set: &Set, log: usize, change: impl Fn(&mut Vec<u8>)) -> Set {
    let storage: Arc<dyn Storage> = Arc::new(vfs::mem::Mem::new());
    let mut logs = set.logs.clone();
    for (index, log_file) in logs.iter_mut().enumerate() {
        let mut bytes = std::fs::read(&log_file.path).unwrap();
        if index == log {
            change(&mut bytes);
        }
        log_file.path = Path::new("/").join(log_file.path.file_name().unwrap());
        let file = storage.open(&log_file.path, OpenMode::CreateNew).unwrap();
        file.write_all_at(&bytes, 0).unwrap();
    }
    Set { storage, database: set.database.clone(), logs }
}

#[test]
fn damage_fails_a_replay_or_ends_it() {
    let Some(set) = Set::crashed("crash_8k_c", "test.edb") else { return };
    let last = set.logs.len() - 1;
    let broken = damaged(&set, last - 2, |bytes| bytes[9 * 4096..][..4096].fill(0xA5));
    let error = broken.try_replay(&broken.chain(), &mut broken.pages()).unwrap_err();
    assert!(matches!(error.what, ReplayProblem::Log(_)), "{error}");
    assert_eq!(error.jet_code(), -501);
    assert!(error.to_string().ends_with("sector 9: its checksum does not hold"), "{error}");
    let chain = LogChain { stop_at_damage: true, ..broken.chain() };
    let (_, _, end) = broken.replay(&chain);
    assert_eq!(end.last.path, broken.logs[last - 2].path);
    assert!(end.damage.is_some() && end.last.end.sector < 9);
    // One wrong bit is no damage.
    let bent = damaged(&set, 2, |bytes| bytes[9 * 4096 + 700] ^= 16);
    let (pages, _, end) = bent.replay(&bent.chain());
    assert_eq!(end.patched, 1);
    assert_eq!(differing(&pages, &set.replay(&set.chain()).0), [0; 0]);
}

#[test]
fn files_that_are_no_chain_are_refused() {
    let Some(set) = Set::crashed("crash_8k_c", "test.edb") else { return };
    let mut logs = set.logs.clone();
    logs.remove(2);
    let chain = LogChain { logs: &logs, ..set.chain() };
    let error = set.try_replay(&chain, &mut set.pages()).unwrap_err();
    assert!(matches!(error.what, ReplayProblem::NoSuccessor), "{error}");
    assert_eq!(error.jet_code(), -515);
    // The last segment of an earlier file, taken away as if it had never been written.
    let short = damaged(&set, 1, |bytes| {
        let end = bytes.len() - 4096;
        let sectors = bytes[4096..end].chunks(4096);
        let last = sectors.filter(|sector| sector.iter().any(|byte| *byte != 0)).count();
        bytes[last * 4096..].fill(0);
    });
    let error = short.try_replay(&short.chain(), &mut short.pages()).unwrap_err();
    assert!(error.jet_code() == -590 || error.jet_code() == -501, "{error}");
    let none = LogChain { logs: &[], ..set.chain() };
    assert!(set.try_replay(&none, &mut set.pages()).is_err());
}

#[test]
fn a_replay_can_be_cancelled() {
    let Some(set) = Set::crashed("crash_8k_f", "test.edb") else { return };
    let header = Some(header(set.database.as_ref().unwrap()));
    let start = ReplayStart { header, database: DatabaseId(1), future: LogGeneration(0) };
    let stop = |done: u64, total: u64| match 2 * done < total {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    };
    let error = replay(&*set.storage, &set.chain(), &start, &mut set.pages(), &stop).unwrap_err();
    assert!(matches!(error.what, ReplayProblem::Storage(crate::Error::Cancelled)));
}
