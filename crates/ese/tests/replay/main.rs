//! The logs of the corpus replayed over its databases: dumps are those of the engine, and the full
//! check finds nothing.
//!
//! * sets with `expected.jsonl`: what Microsoft's engine gives after its own recovery;
//! * real logs of a server: replayed over an earlier copy of the database, and over nothing.
//!
//! The records are read here by a plain walk, so that nothing but the replay is tested.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stderr, clippy::cast_possible_truncation)]

#[path = "../log_records/walk.rs"]
#[allow(dead_code, reason = "used by another test too")]
mod walk;

#[path = "../log_records/engine_line.rs"]
mod engine_line;

mod corpus;
mod hostile;
mod reader;
mod undo;
mod written;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese::check::{self, Level, Severity};
use ese::overlay::{Overlay, Spill};
use ese::recovery::outcome::{Counters, LogEnd, Outcome};
use ese::recovery::output;
use ese::recovery::redo::{Redo, ReplayStart, Replayed};
use ese::recovery::tail::{NoLog, UndoLog};
use ese::verify::Unheard;
use ese::{Database, DatabaseFile, PageStore};
use ese_format::header::{DatabaseHeader, read_shadowed};
use ese_format::log::record::DatabaseId;
use ese_format::{LogGeneration, LogPosition, LogTime, PageSize};
use vfs::Storage;

/// A database, if there is one, and its logs.
struct Set {
    database: Option<PathBuf>,
    logs: Vec<PathBuf>,
    /// Whether it is a streaming backup, of which all logs are needed.
    is_backup: bool,
    page_size: PageSize,
}

impl Set {
    /// The logs of `folder` from a generation on, over the database of that name.
    fn of(folder: &Path, database: Option<PathBuf>, from: u32) -> Self {
        let mut logs = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_lowercase();
            if name.ends_with(".log") && !name.ends_with("tmp.log") {
                let header =
                    ese_format::log_header::LogHeader::parse(&std::fs::read(&path).unwrap());
                logs.push((header.unwrap(), path));
            }
        }
        logs.retain(|(header, _)| header.generation.0 >= from);
        logs.sort_by_key(|(header, _)| header.generation);
        let page_size = logs[0].0.page_size().unwrap();
        let logs = logs.into_iter().map(|(_, path)| path).collect();
        Self { database, logs, is_backup: false, page_size }
    }

    fn header(&self) -> Option<DatabaseHeader> {
        let bytes = std::fs::read(self.database.as_ref()?).unwrap();
        Some(read_shadowed(&bytes[..bytes.len().min(1 << 16)]).unwrap().header)
    }

    /// Replays and undoes everything.
    fn recover(&self, cache: usize) -> Recovered {
        self.recover_into(cache, &mut NoLog)
    }

    /// The same; `log` gets what the undo logs.
    fn recover_into(&self, cache: usize, log: &mut dyn UndoLog) -> Recovered {
        let storage: Arc<dyn Storage> = Arc::new(vfs::os::Os);
        let open = |path: &PathBuf| Arc::new(DatabaseFile::open(storage.clone(), path).unwrap());
        let base = self.database.as_ref().map(open);
        let mut pages = Overlay::new(base, self.page_size, cache, Spill::Memory);
        let last = u32::try_from(self.logs.len()).unwrap();
        let future = LogGeneration(if self.is_backup { last } else { 0 });
        let start = ReplayStart { header: self.header(), database: DatabaseId(1), future };
        let mut redo = Redo::new(&mut pages, &start);
        let mut end = LogPosition::UNSET;
        for path in &self.logs {
            let (header, records) = walk::records(&std::fs::read(path).unwrap());
            redo.begin_log(path, &header).unwrap();
            for (position, record) in records {
                redo.record(position, &record).unwrap();
                end = position;
            }
        }
        let mut replayed = redo.finish(end).unwrap();
        ese::recovery::undo::undo(&mut replayed, &mut pages, log).unwrap();
        Recovered { pages, replayed }
    }
}

/// A recovered database.
struct Recovered {
    pages: Overlay,
    replayed: Replayed,
}

impl Recovered {
    /// Its dump, and what the full check finds.
    fn judge(self) -> (Vec<u8>, Vec<String>) {
        let counters = Counters {
            dbtime: self.replayed.dbtime,
            last_objid: self.replayed.last_objid,
            hard: false,
        };
        let (path, header) = (Path::new("test.edb"), &self.replayed.header);
        let now = LogTime::from_unix_millis(1_800_000_000_000);
        let outcome = Outcome::new(self.pages, path, header, LogEnd::None, counters, now);
        let text = dump(outcome.pages().clone());
        let storage: Arc<dyn Storage> = Arc::new(vfs::mem::Mem::new());
        let folder = Path::new("/out");
        let written = output::write_to(&storage, folder, "test.edb", &outcome, &Unheard);
        let written = written.unwrap();
        let file = Arc::new(DatabaseFile::open(storage, &written.database).unwrap());
        (text, findings(&file))
    }
}

/// What the full check finds, but for notes: a long value that nothing refers to waits for its
/// deletion in the engine's databases too.
fn findings(file: &Arc<DatabaseFile>) -> Vec<String> {
    let options = check::Options::new(Level::Full, 1);
    let report = check::run(file, &options, &Unheard).unwrap();
    let grave = report.findings.iter().filter(|finding| finding.severity > Severity::Note);
    grave.map(|finding| format!("{finding:?}")).collect()
}

fn dump(pages: Arc<dyn PageStore>) -> Vec<u8> {
    let database = Database::with_store(pages, 64 << 20).unwrap();
    let mut text = Vec::new();
    let mut complain = |complaint: ese::dump::Complaint| panic!("{complaint}");
    let mut dumper = ese::dump::Dumper::new(&mut text, &mut complain).holding(1 << 20);
    for table in database.tables().filter(|table| !table.definition().is_system()) {
        dumper.table(&table).unwrap();
    }
    dumper.flush().unwrap();
    drop(dumper);
    text
}
