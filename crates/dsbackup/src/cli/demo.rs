//! `dsbackup demo`: the main job by itself, in a scratch folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use backup_set::manifest::BackupKind;
use backup_set::{SetReader, SetWriter, verify};
use ese::check::{Level, Options};
use ese::dump::{DumpError, Dumper};
use ntdsbcli::Server;
use ntdsbsrv::{PolicySource, RunningService, ServeOptions, Status};
use vfs::os::Os;
use vfs::{OpenMode, Storage};

use crate::cli::opened::in_memory;
use crate::cli::restore::Present;
use crate::cli::{backup, restore};
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::human::{count, rate, seconds, size};
use crate::output::{Output, json};

/// Show the main job by itself: serve, back up, verify, restore, recover, compare.
///
/// A small database that was killed in the middle of work is unpacked into a fresh folder, the real
/// service hosts it, and everything goes over its socket through the documented functions. Nothing
/// outside the folder is touched.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  dsbackup demo\n  dsbackup demo --keep /tmp/look")]
pub(crate) struct Demo {
    /// Work in this folder, which must not exist or be empty, and leave everything in it.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub(crate) fn run(args: &Demo, output: &Output) -> Result<Exit, Failure> {
    let interrupt = Interrupt::install()?;
    let mut story = Story { output, steps: Vec::new() };
    if let Some(dir) = &args.keep {
        empty(dir)?;
        tell(dir, &mut story, &interrupt)?;
    } else {
        let scratch = tempfile::Builder::new()
            .prefix("dsbackup-demo-")
            .tempdir()
            .map_err(|e| Failure::new(Exit::Failed, format!("cannot make a folder: {e}")))?;
        tell(scratch.path(), &mut story, &interrupt)?;
    }
    output.summary("demo", &json::Demo { steps: story.steps });
    Ok(Exit::Done)
}

/// What is told, line by line.
struct Story<'a> {
    output: &'a Output,
    steps: Vec<json::DemoStep>,
}

impl Story<'_> {
    fn step(&mut self, what: &'static str, figures: String) {
        self.output.text(format!("{:2}. {what:32} {figures}", self.steps.len() + 1));
        self.steps.push(json::DemoStep { step: what, figures });
    }
}

fn tell(dir: &Path, story: &mut Story<'_>, interrupt: &Interrupt) -> Result<(), Failure> {
    let storage: Arc<dyn Storage> = Arc::new(Os);
    let source = dir.join("directory/demo.edb");
    let pages = unpack(&storage, &source)?;
    story.step("unpacked a killed database", format!("{}, {pages}", source.display()));
    let original = dumped(in_memory(&storage, &source, &[])?.file()?)?;

    let service = start(dir, &source, false)?;
    require_online(&service)?;
    let server = Server::at_socket(service.socket_path());
    story.step("started the service", format!("online at {}", service.socket_path().display()));

    let set_dir = dir.join("set");
    let began = Instant::now();
    let writer = SetWriter::create(storage.clone(), &set_dir)?;
    let finished = backup::back_up(writer, &server, BackupKind::Full, story.output, interrupt)?;
    let (bytes, took) = (finished.manifest.total_size(), began.elapsed());
    story.step(
        "backed up over the socket",
        format!("{} in {}, {}", size(bytes), seconds(took), rate(bytes, took)),
    );
    let set = SetReader::open(storage.clone(), &set_dir)?;
    let until = finished.manifest.token.not_after.as_deref().unwrap_or("?");
    story.step("wrote manifest and token", format!("restorable until {until}"));

    story.step("verified the set", verified(&set, story.output, interrupt)?);
    service.stop()?;

    let target = dir.join("restored/demo.edb");
    storage.create_dir_all(vfs::durable::parent(&target))?;
    let service = start(dir, &target, true)?;
    story.step("restarted in restore mode", "the directory is closed".to_owned());

    let bars = story.output.progress(3 * bytes, interrupt);
    let server = Server::at_socket(service.socket_path());
    let began = Instant::now();
    let restored =
        restore::restore_to_service(&set, &server, &[], Present::Refuse, interrupt, &bars)?;
    drop(bars);
    story.step(
        "restored through the service",
        format!("{} in {} to {}", size(restored.bytes), seconds(began.elapsed()), target.display()),
    );
    service.stop()?;

    let service = start(dir, &target, false)?;
    require_online(&service)?;
    service.stop()?;
    let database = ese::DatabaseFile::open(storage, &target)?;
    let header = database.header();
    let mark = header.consistent_position;
    let state = format!("online; logs replayed, {}, consistent at {mark}", header.state);
    story.step("started on the restored files", state);

    let restored = dumped(Arc::new(database))?;
    if restored != original {
        return Err(Failure::new(Exit::Findings, "the restored database is not the original"));
    }
    let lines = restored.iter().filter(|byte| **byte == b'\n').count();
    story.step("compared with the original", format!("equal: {lines} lines of all tables"));
    Ok(())
}

/// Unpacks the bundled database and its logs; says how large they are.
fn unpack(storage: &Arc<dyn Storage>, path: &Path) -> Result<String, Failure> {
    let folder = vfs::durable::parent(path);
    storage.create_dir_all(folder)?;
    for (name, packed) in PACKED {
        let bytes = zstd::decode_all(packed)
            .map_err(|e| Failure::new(Exit::Failed, format!("the bundled {name}: {e}")))?;
        let file = storage.open(&folder.join(name), OpenMode::CreateNew)?;
        file.write_all_at(&bytes, 0)?;
        file.sync()?;
    }
    let database = ese::DatabaseFile::open(storage.clone(), path)?;
    let pages = count(u64::from(database.layout().pages), "page");
    let logs = count(PACKED.len() as u64 - 1, "log");
    let (len, size_of) = (size(database.len()), database.page_size().get());
    Ok(format!("{len}, {pages} of {size_of} bytes, {logs}"))
}

/// All rows of a database.
fn dumped(file: Arc<ese::DatabaseFile>) -> Result<Vec<u8>, Failure> {
    let database = ese::OpenOptions::default().over(file)?;
    let mut text = Vec::new();
    let mut complaints = 0;
    let mut complain = |_: ese::dump::Complaint| complaints += 1;
    let mut dumper = Dumper::new(&mut text, &mut complain);
    for table in database.tables().filter(|table| !table.definition().is_system()) {
        dumper.table(&table).map_err(unreadable)?;
    }
    dumper.flush().map_err(unreadable)?;
    drop(dumper);
    match complaints {
        0 => Ok(text),
        _ => Err(Failure::new(Exit::Findings, "values of the database cannot be read")),
    }
}

fn unreadable(error: DumpError) -> Failure {
    match error {
        DumpError::Database(error) => error.into(),
        DumpError::Output(error) => Failure::new(Exit::Failed, error.to_string()),
    }
}

fn start(dir: &Path, dit: &Path, restore_mode: bool) -> Result<RunningService, Failure> {
    Ok(RunningService::start(ServeOptions {
        socket: Some(dir.join("socket")),
        state: Some(dir.join("state")),
        policy: PolicySource::BuiltIn,
        restore_mode,
        ..ServeOptions::new(dit)
    })?)
}

fn require_online(service: &RunningService) -> Result<(), Failure> {
    match service.status() {
        Status::Offline { reason } => {
            Err(Failure::new(Exit::Failed, format!("the service is not online: {reason}")))
        }
        _ => Ok(()),
    }
}

fn verified(set: &SetReader, output: &Output, interrupt: &Interrupt) -> Result<String, Failure> {
    let bars = output.progress(2 * set.manifest().total_size(), interrupt);
    let report = verify::set(set, &Options::new(Level::Pages, 0), &bars)?;
    if !report.is_good() {
        return Err(Failure::new(Exit::Findings, "the set does not verify")
            .advise("Run dsbackup demo --keep DIR and dsbackup verify DIR/set."));
    }
    let files = count(report.files.len() as u64, "file");
    Ok(format!("{files}: size, BLAKE3, both headers, every page"))
}

fn empty(dir: &Path) -> Result<(), Failure> {
    match Os.list(dir) {
        Ok(entries) if entries.is_empty() => Ok(()),
        Ok(_) => {
            let text = format!("{} is not empty", dir.display());
            Err(Failure::new(Exit::Refused, text).advise("Name a new or empty folder."))
        }
        Err(e) if e.is_not_found() => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// Made for this project and free to use: `data/README.md`.
const PACKED: [(&str, &[u8]); 6] = [
    ("demo.edb", include_bytes!("../../data/demo.edb.zst")),
    ("edb00001.log", include_bytes!("../../data/edb00001.log.zst")),
    ("edb00002.log", include_bytes!("../../data/edb00002.log.zst")),
    ("edb00003.log", include_bytes!("../../data/edb00003.log.zst")),
    ("edb00004.log", include_bytes!("../../data/edb00004.log.zst")),
    ("edb.log", include_bytes!("../../data/edb.log.zst")),
];
