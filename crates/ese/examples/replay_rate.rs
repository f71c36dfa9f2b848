//! How fast logs are replayed, beside what bounds it: `replay_rate PATH CACHE_MIB ROUNDS`.
//!
//! One thread, files from the kernel's memory. Prints `name value` lines: bytes and records of the
//! logs, and the best time of all rounds, in seconds, of
//!
//! * `read`: reading and checksumming the logs alone, record by record;
//! * `copy`: the same, and a copy of one page for each record that changes one;
//! * `replay`: replaying them over the database, and `undo`: undoing what is open;
//! * `whole`: a recovery in memory, all pages looked at.
//!
//! With 0 rounds only the last one is done, once: for the memory that it takes.

use std::collections::HashMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ese::logs::LogReader;
use ese::overlay::{Overlay, Spill};
use ese::recovery::redo::ReplayStart;
use ese::recovery::replay::{LogChain, replay};
use ese::recovery::tail::NoLog;
use ese::recovery::undo::undo;
use ese::recovery::{Options, Plan, Request, plan};
use ese::verify::Unheard;
use ese_format::PageNumber;
use ese_format::log::record::LogRecord;
use vfs::Storage;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: replay_rate PATH CACHE_MIB ROUNDS");
    let (path, cache, rounds) = (PathBuf::from(next()?), next()?, next()?);
    let cache = cache.parse::<usize>()? << 20;
    let storage: Arc<dyn Storage> = Arc::new(vfs::os::Os);
    let plan = plan(&storage, &Request::of(path))?;
    let mut best: HashMap<&str, f64> = HashMap::new();
    let mut note = |name, seconds: f64| {
        let known = best.entry(name).or_insert(f64::INFINITY);
        *known = known.min(seconds);
    };
    let (mut records, mut changes) = (0, 0);
    let rounds = rounds.parse::<u32>()?;
    if rounds == 0 {
        let options = Options { cache, ..Options::reading(&storage, scratch()) };
        drop(plan.execute(&storage, &options, &Unheard)?);
        return Ok(());
    }
    let mut pool = Pool::new(&*storage, &plan)?;
    for _ in 0..rounds {
        let began = Instant::now();
        records = read(&*storage, &plan, None)?.0;
        note("read", began.elapsed().as_secs_f64());
        let began = Instant::now();
        changes = read(&*storage, &plan, Some(&mut pool))?.1;
        note("copy", began.elapsed().as_secs_f64());
        let (replayed, undone) = replayed(&storage, &plan, cache)?;
        note("replay", replayed);
        note("undo", undone);
        let began = Instant::now();
        let options = Options { cache, ..Options::reading(&storage, scratch()) };
        drop(plan.execute(&storage, &options, &Unheard)?);
        note("whole", began.elapsed().as_secs_f64());
    }
    say("bytes", plan.log_bytes());
    say("records", records);
    say("changes", changes);
    for (name, seconds) in best {
        say(name, seconds);
    }
    Ok(())
}

/// Pages to be copied, one for each that the logs change, by their numbers.
struct Pool {
    bytes: Vec<u8>,
    slots: Vec<usize>,
    target: Vec<u8>,
    size: usize,
}

impl Pool {
    fn new(storage: &dyn Storage, plan: &Plan) -> Result<Self> {
        let size = plan.page_size.bytes();
        let mut pool = Self { bytes: Vec::new(), slots: Vec::new(), target: vec![0; size], size };
        let mut pages = 0;
        for log in &plan.logs {
            let mut reader = LogReader::open(storage, &log.path)?;
            while let Some((_, bytes)) = reader.next_record()? {
                let (record, _) = LogRecord::parse(bytes)?;
                let Some(record) = record.page_record() else { continue };
                let number = usize::try_from(record.page.0)?;
                if pool.slots.len() <= number {
                    pool.slots.resize(number + 1, usize::MAX);
                }
                if let Some(slot) = pool.slots.get_mut(number).filter(|slot| **slot == usize::MAX) {
                    *slot = pages * size;
                    pages += 1;
                }
            }
        }
        pool.bytes = vec![1; pages * size];
        Ok(pool)
    }

    fn copy(&mut self, page: PageNumber) {
        let slot = usize::try_from(page.0).ok().and_then(|number| self.slots.get(number));
        let page = slot.and_then(|slot| self.bytes.get(*slot..*slot + self.size));
        if let Some(page) = page {
            self.target.copy_from_slice(page);
            std::hint::black_box(&mut self.target);
        }
    }
}

/// Reads all records; copies a page for each that changes one, if there are pages. Records, and
/// records with pages.
fn read(storage: &dyn Storage, plan: &Plan, mut pool: Option<&mut Pool>) -> Result<(u64, u64)> {
    let (mut records, mut changes) = (0, 0);
    for log in &plan.logs {
        let mut reader = LogReader::open(storage, &log.path)?;
        while let Some((_, bytes)) = reader.next_record()? {
            records += 1;
            let Some(pool) = &mut pool else { continue };
            let (record, _) = LogRecord::parse(bytes)?;
            if let Some(record) = record.page_record() {
                changes += 1;
                pool.copy(record.page);
            }
        }
    }
    Ok((records, changes))
}

/// Replays and undoes; the seconds of both.
fn replayed(storage: &Arc<dyn Storage>, plan: &Plan, cache: usize) -> Result<(f64, f64)> {
    let spill = Spill::File { storage: storage.clone(), path: scratch() };
    let mut pages = Overlay::new(plan.database.clone(), plan.page_size, cache, spill);
    let start = ReplayStart {
        header: plan.header.clone(),
        database: plan.number,
        future: plan.required.as_ref().map(|range| *range.end()).unwrap_or_default(),
    };
    let chain = LogChain { logs: &plan.logs, from: plan.from, until: None, stop_at_damage: false };
    let began = Instant::now();
    let (mut replayed, _) = replay(&**storage, &chain, &start, &mut pages, &Unheard)?;
    let seconds = began.elapsed().as_secs_f64();
    let began = Instant::now();
    undo(&mut replayed, &mut pages, &mut NoLog)?;
    Ok((seconds, began.elapsed().as_secs_f64()))
}

fn scratch() -> PathBuf {
    std::env::temp_dir().join(format!("replay-rate-{}", std::process::id()))
}

#[expect(clippy::print_stdout, reason = "it is an example")]
fn say(name: &str, value: impl std::fmt::Display) {
    println!("{name} {value}");
}
