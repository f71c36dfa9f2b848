//! Records that no engine wrote: refused by an error, or replayed to something; never a panic, and
//! every page is sound whatever happened.

use std::path::Path;
use std::sync::Arc;

use ese::DatabaseFile;
use ese::overlay::{Overlay, Spill};
use ese::recovery::redo::{Redo, ReplayStart};
use ese::recovery::tail::NoLog;
use ese::work::{Taken, WorkPages as _};
use ese_format::log::record::DatabaseId;
use ese_format::log_header::LogHeader;
use ese_format::page::structure;
use ese_format::{LogGeneration, LogPosition, PageNumber};

use crate::{Set, walk};

/// A row of numbers without a pattern.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

type Logs = Vec<(LogHeader, Vec<(LogPosition, Vec<u8>)>)>;

#[test]
fn changed_records_are_never_more_than_an_error() {
    let Some(corpus) = testkit::corpus() else { return };
    std::thread::scope(|scope| {
        for (seed, name) in [(1, "crash_8k_c"), (2, "crash_32k_a")] {
            scope.spawn(move || {
                let files = corpus.unpacked().join(name).join("files");
                let set = Set::of(&files, Some(files.join("test.edb")), 0);
                let logs: Logs = set
                    .logs
                    .iter()
                    .map(|path| walk::records(&std::fs::read(path).unwrap()))
                    .collect();
                let mut numbers = Numbers(seed);
                let outcomes: Vec<bool> =
                    (0..100).map(|_| run(&set, &logs, &mut numbers)).collect();
                assert!(outcomes.contains(&false), "{name}: nothing was refused");
            });
        }
    });
}

/// Replays with some records changed; whether it came to an end.
fn run(set: &Set, logs: &Logs, numbers: &mut Numbers) -> bool {
    let storage: Arc<dyn vfs::Storage> = Arc::new(vfs::os::Os);
    let path = set.database.as_ref().unwrap();
    let base = Some(Arc::new(DatabaseFile::open(storage, path).unwrap()));
    let mut pages = Overlay::new(base, set.page_size, 64 << 20, Spill::Memory);
    // Every other one behind the range that the database needs, where nothing is passed over.
    let mut header = set.header().unwrap();
    if numbers.below(2) == 0 {
        header.max_required = LogGeneration(1);
    }
    let start =
        ReplayStart { header: Some(header), database: DatabaseId(1), future: LogGeneration(0) };
    let mut redo = Redo::new(&mut pages, &start);
    let mut done = Ok(());
    let rare = 1 + numbers.below(3000);
    let mut end = LogPosition::UNSET;
    'logs: for (header, records) in logs {
        done = redo.begin_log(Path::new("edb.log"), header);
        if done.is_err() {
            break;
        }
        for (position, record) in records {
            end = *position;
            let mut record = record.clone();
            match numbers.below(rare) {
                0 => {
                    let at = numbers.below(record.len());
                    record[at] ^= 1 << numbers.below(8);
                }
                1 if numbers.below(4) == 0 => continue,
                _ => {}
            }
            done = redo.record(*position, &record);
            if done.is_err() {
                break 'logs;
            }
        }
    }
    let ended = done.and_then(|()| redo.finish(end));
    let is_done = match ended {
        Ok(mut replayed) => {
            ese::recovery::undo::undo(&mut replayed, &mut pages, &mut NoLog).is_ok()
        }
        Err(error) => {
            assert!(error.jet_code() < 0 && !error.to_string().is_empty());
            false
        }
    };
    for number in 1..=pages.last_page().0.min(2000) {
        if let Taken::Page(page) = pages.take(PageNumber(number)).unwrap() {
            let sound = structure::check(page.bytes());
            assert!(sound.is_ok(), "page {number}: {sound:?}");
            pages.put(page).unwrap();
        }
    }
    is_done
}
