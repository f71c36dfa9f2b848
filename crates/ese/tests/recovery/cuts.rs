//! Logs that were cut, and logs that were damaged in every way that the test kit knows: what comes
//! of them is consistent and a prefix of the history, or they are refused. Nothing panics, and no
//! damage is silent.
//!
//! The normal run takes a sample; `ESE_CUTS=N` takes N cuts of each set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ese::check::{self, Level, Severity};
use ese::overlay::{Overlay, Spill};
use ese::recovery::outcome::{Counters, LogEnd, Outcome};
use ese::recovery::plan::{completed, plan};
use ese::recovery::redo::{Redo, ReplayStart};
use ese::recovery::tail::NoLog;
use ese::recovery::undo::undo;
use ese::recovery::{Options, Recovered, RecoveryError, Request};
use ese::verify::Unheard;
use ese::{DatabaseFile, PageStore};
use ese_format::log::record::DatabaseId;
use ese_format::{LogGeneration, LogPosition, LogTime};
use testkit::log_mutation::{self, Folder, LogBase, LogClass};
use vfs::Storage;
use vfs::mem::Mem;

use crate::{dump, walk};

/// The sets and their last logs.
const SETS: [(&str, &str); 3] =
    [("crash_8k_e", "edb.log"), ("crash_8k_f", "edb.log"), ("backup_8k", "edb00006.log")];

/// A set in memory, with what is known of its whole history.
struct Set {
    files: BTreeMap<String, Vec<u8>>,
    last: &'static str,
    whole: Vec<u8>,
    /// Dumps of histories that end at a record.
    prefixes: BTreeMap<LogPosition, Vec<u8>>,
}

impl Set {
    fn of(name: &'static str, last: &'static str) -> Self {
        let folder = Folder::of(LogBase::Set(name)).unwrap();
        let files = folder.files().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect();
        let mut set = Self { files, last, whole: Vec::new(), prefixes: BTreeMap::new() };
        let whole = recover(&set.storage(None), false).unwrap();
        set.whole = dump(whole.file().unwrap());
        set
    }

    /// The files, with the last log changed.
    fn storage(&self, changed: Option<Vec<u8>>) -> Arc<dyn Storage> {
        let mem = Mem::new();
        for (name, bytes) in self.files.iter().filter(|(name, _)| *name != self.last) {
            mem.put(format!("/set/{name}"), bytes.clone()).unwrap();
        }
        let last = changed.unwrap_or_else(|| self.files[self.last].clone());
        mem.put(format!("/set/{}", self.last), last).unwrap();
        Arc::new(mem)
    }

    /// What the plain walk over the whole logs gives, if it ends behind the record at `end`.
    fn prefix(&mut self, end: LogPosition) -> &[u8] {
        if !self.prefixes.contains_key(&end) {
            let text = self.replay_up_to(end);
            self.prefixes.insert(end, text);
        }
        &self.prefixes[&end]
    }

    fn replay_up_to(&self, end: LogPosition) -> Vec<u8> {
        let storage = self.storage(None);
        let base = Arc::new(DatabaseFile::open(storage, Path::new("/set/test.edb")).unwrap());
        let size = base.page_size();
        let trailer = base.layout().trailer;
        let path = base.path().to_owned();
        let header = completed(base.header(), trailer.as_ref(), &path).unwrap();
        let from = header.min_required;
        let future = LogGeneration(9);
        let mut pages = Overlay::new(Some(base), size, 64 << 20, Spill::Memory);
        let start = ReplayStart { header: Some(header), database: DatabaseId(1), future };
        let mut redo = Redo::new(&mut pages, &start);
        let mut logs: Vec<_> = self
            .files
            .iter()
            .filter(|(name, _)| name.ends_with(".log"))
            .map(|(name, bytes)| (walk::records(bytes), name))
            .filter(|((header, _), _)| header.generation >= from)
            .collect();
        logs.sort_by_key(|((header, _), _)| header.generation);
        for ((header, records), name) in logs {
            if header.generation > end.generation {
                break;
            }
            redo.begin_log(&PathBuf::from(name), &header).unwrap();
            for (position, record) in records.into_iter().filter(|(at, _)| *at <= end) {
                redo.record(position, &record).unwrap();
            }
        }
        let mut replayed = redo.finish(end).unwrap();
        undo(&mut replayed, &mut pages, &mut NoLog).unwrap();
        let counters =
            Counters { dbtime: replayed.dbtime, last_objid: replayed.last_objid, hard: false };
        let now = LogTime::from_unix_millis(1_800_000_000_000);
        let outcome = Outcome::new(pages, &path, &replayed.header, LogEnd::None, counters, now);
        let store: Arc<dyn PageStore> = outcome.pages().clone();
        crate::dump_of(&ese::Database::with_store(store, 64 << 20).unwrap())
    }
}

fn recover(storage: &Arc<dyn Storage>, lossy: bool) -> Result<Recovered, RecoveryError> {
    let request = Request { lossy, ..Request::of("/set") };
    let options = Options::reading(storage, PathBuf::from("/scratch"));
    plan(storage, &request)?.execute(storage, &options, &Unheard)
}

/// The errors that the full check finds. Killed while the catalog was changed, one of the sets has
/// warnings, in the engine's own result too.
fn errors(file: &Arc<DatabaseFile>) -> Vec<String> {
    let report = check::run(file, &check::Options::new(Level::Full, 1), &Unheard).unwrap();
    let grave = report.findings.iter().filter(|finding| finding.severity == Severity::Error);
    grave.map(|finding| format!("{}: {}", finding.place, finding.message)).collect()
}

/// Numbers that look drawn by lot, the same in each run.
fn drawn(seed: &mut u64, below: usize) -> usize {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    usize::try_from(*seed % below as u64).unwrap()
}

/// How many cuts are made of each set.
fn wanted() -> usize {
    std::env::var("ESE_CUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

#[test]
fn a_cut_log_gives_a_prefix_of_the_history_or_is_refused() {
    let mut outcomes: BTreeMap<&str, u32> = BTreeMap::new();
    for (name, last) in SETS {
        let mut set = Set::of(name, last);
        let whole = set.files[last].clone();
        let sectors = whole.len() / 4096;
        let mut seed = 0x5EED;
        let mut cuts: Vec<usize> = (1..sectors).map(|sector| sector * 4096).collect();
        if wanted() < sectors {
            cuts = cuts.into_iter().step_by(sectors / (wanted() / 2) + 1).collect();
        }
        while cuts.len() < wanted() {
            cuts.push(4096 + drawn(&mut seed, whole.len() - 4096));
        }
        for cut in cuts {
            let mut short = whole.clone();
            short.truncate(cut);
            let mut zeroed = whole.clone();
            zeroed[cut..].fill(0);
            for (bytes, lossy) in [(short, drawn(&mut seed, 2) == 0), (zeroed, false)] {
                let told = format!("{name} cut at {cut:#x}, lossy: {lossy}");
                let outcome = match recover(&set.storage(Some(bytes)), lossy) {
                    Err(error) => {
                        assert!(!error.to_string().is_empty() && error.jet_code() != 0, "{told}");
                        "refused"
                    }
                    Ok(recovered) => {
                        let file = recovered.file().unwrap();
                        assert_eq!(errors(&file), Vec::<String>::new(), "{told}");
                        let text = dump(file);
                        let end = recovered.report().end;
                        assert!(text == set.prefix(end), "{told}: no prefix up to {end}");
                        match (text == set.whole, recovered.report().loss.is_some()) {
                            (true, _) => "whole",
                            (false, true) => "prefix, and the loss is told",
                            (false, false) => "prefix, as after an earlier crash",
                        }
                    }
                };
                *outcomes.entry(outcome).or_default() += 1;
            }
        }
    }
    eprintln!("cuts: {outcomes:?}");
    assert!(outcomes["refused"] > 0 && outcomes["whole"] > 0);
}

#[test]
fn flipped_bits_are_repaired_or_refused() {
    let (name, last) = SETS[0];
    let set = Set::of(name, last);
    let whole = set.files[last].clone();
    let mut seed = 0xB17;
    let mut outcomes: BTreeMap<&str, u32> = BTreeMap::new();
    for round in 0..wanted() {
        // A used segment: bits behind the end of the log are nobody's.
        let sector = 1 + drawn(&mut seed, 31);
        let flip = |bytes: &mut [u8], seed: &mut u64| {
            // Of the checksum itself no bit can be put right, by the engine's rule.
            bytes[sector * 4096 + 8 + drawn(seed, 4088)] ^= 1 << drawn(seed, 8);
        };
        let mut one = whole.clone();
        flip(&mut one, &mut seed);
        let recovered = recover(&set.storage(Some(one.clone())), false).unwrap();
        assert_eq!(recovered.report().patched, 1, "round {round}");
        assert!(dump(recovered.file().unwrap()) == set.whole);
        *outcomes.entry("one bit: repaired").or_default() += 1;
        let mut two = one.clone();
        flip(&mut two, &mut seed);
        if two == whole {
            continue;
        }
        match recover(&set.storage(Some(two)), false) {
            Err(error) => {
                assert!(error.to_string().contains("sector"), "{error}");
                *outcomes.entry("two bits: refused").or_default() += 1;
            }
            Ok(recovered) => {
                // The copy behind the segment, if it is the last one, is still good.
                assert!(dump(recovered.file().unwrap()) == set.whole, "round {round}");
                *outcomes.entry("two bits: taken from the copy").or_default() += 1;
            }
        }
        let mut zeroed = whole.clone();
        zeroed[sector * 4096..(sector + 1) * 4096].fill(0);
        let refused = recover(&set.storage(Some(zeroed)), false);
        assert!(refused.is_err(), "round {round}: sector {sector}");
        *outcomes.entry("zeroed segment: refused").or_default() += 1;
    }
    eprintln!("bits: {outcomes:?}");
}

#[test]
fn no_damage_that_the_test_kit_knows_is_silent() {
    let mut wholes: BTreeMap<LogBase, Option<Vec<u8>>> = BTreeMap::new();
    let mut outcomes: BTreeMap<&str, u32> = BTreeMap::new();
    let run = |folder: &Folder, lossy| {
        let mem = Mem::new();
        for (name, bytes) in folder.files() {
            mem.put(format!("/set/{name}"), bytes.to_vec()).unwrap();
        }
        recover(&(Arc::new(mem) as Arc<dyn Storage>), lossy)
    };
    for mutation in log_mutation::all() {
        let Some(folder) = mutation.make() else { continue };
        let whole = wholes.entry(mutation.base).or_insert_with(|| {
            let base = Folder::of(mutation.base)?;
            run(&base, false).ok().map(|recovered| dump(recovered.file().unwrap()))
        });
        for lossy in [false, true] {
            let name = mutation.name;
            let outcome = match run(&folder, lossy) {
                Err(_) if mutation.class == LogClass::Control => panic!("{name} is refused"),
                Err(_) => "refused",
                Ok(recovered) => {
                    let file = recovered.file().unwrap();
                    assert_eq!(errors(&file), Vec::<String>::new(), "{name}, lossy: {lossy}");
                    let same = whole.as_ref() == Some(&dump(file));
                    match (same, recovered.report().loss.is_some()) {
                        (true, _) => "whole",
                        (false, true) => "the loss is told",
                        (false, false) => {
                            eprintln!("{name}: another history, {:?}", mutation.class);
                            "another history"
                        }
                    }
                }
            };
            *outcomes.entry(outcome).or_default() += 1;
        }
    }
    eprintln!("mutations: {outcomes:?}");
}
