//! The benchmark table: every figure beside its baseline, measured in the same run.
//!
//! * Checksums in memory beside reading the same memory, on one thread and on two.
//! * `verify` of a large file in the page cache beside `b3sum` and `cat`.
//! * `backup` over the socket beside `cp`, and a C caller with the smallest documented buffer:
//!   once onto the disk, where both sync what they wrote, and once onto a file system in memory,
//!   where the disk does not decide.
//!
//! Each figure is the median of several runs. A timing never makes the chore fail.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use ese_format::PageNumber;
use ese_format::checksum::{BlockPosition, ecc};

use crate::service::{Hosting, Service, said, tool};
use crate::{Outcome, c};

const RUNS: usize = 5;
const MEMORY: usize = 256 << 20;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let megabytes: u32 = arguments.first().map_or(Ok(2000), |n| n.parse())?;
    println!("{:44} {:>10} {:>12}", "what", "GB/s", "of baseline");
    checksums();
    let tool = tool()?;
    let pages = u32::try_from(u64::from(megabytes) * 1_000_000 / 8192)?;
    for folder in [std::env::temp_dir(), "/dev/shm".into()] {
        let scratch = tempfile::Builder::new().prefix("dsbackup-bench-").tempdir_in(&folder)?;
        println!("-- {megabytes} MB database in {}", folder.display());
        let dit = scratch.path().join("large.dit");
        testkit::synthetic::stretched(&dit, pages, testkit::synthetic::Fill::Rows)?;
        passes(&tool, &dit)?;
        backups(&tool, &dit, scratch.path())?;
    }
    Ok(())
}

fn checksums() {
    let memory: Vec<u8> =
        (0..MEMORY).map(|i| (i ^ (i >> 7) ^ (i >> 15)).to_le_bytes()[0]).collect();
    for threads in [1, 2] {
        let read = on_threads(&memory, threads, |part| {
            black_box(read_through(part));
        });
        report(&format!("memory read, {threads} thread(s)"), read, None);
        for page_size in [8192, 4096] {
            let speed = on_threads(&memory, threads, |part| {
                for page in part.chunks_exact(page_size) {
                    black_box(ecc(page, PageNumber(7), BlockPosition::First));
                }
            });
            let name = format!("checksum of {page_size}-byte pages, {threads} thread(s)");
            report(&name, speed, Some(read));
        }
    }
}

/// The baseline: the least that any checksum must do, which is to load every word once.
#[inline(never)]
fn read_through(memory: &[u8]) -> u64 {
    let mut sums = [0_u64; 16];
    for block in memory.chunks_exact(128) {
        for (sum, word) in sums.iter_mut().zip(block.chunks_exact(8)) {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(word);
            *sum ^= u64::from_le_bytes(bytes);
        }
    }
    sums.iter().fold(0, |all, sum| all ^ sum)
}

/// Gigabytes a second for `work` over `memory`, split between threads; the median of several runs.
fn on_threads(memory: &[u8], threads: usize, work: impl Fn(&[u8]) + Sync) -> f64 {
    let mut speeds: Vec<f64> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            std::thread::scope(|scope| {
                for part in memory.chunks(memory.len() / threads) {
                    let work = &work;
                    scope.spawn(move || work(part));
                }
            });
            memory.len() as f64 / started.elapsed().as_secs_f64() / 1e9
        })
        .collect();
    median(&mut speeds)
}

fn passes(tool: &Path, dit: &Path) -> Outcome {
    let size = std::fs::metadata(dit)?.len();
    let cat = command(size, &mut || {
        let mut cat = Command::new("cat");
        cat.arg(dit);
        cat
    })?;
    report("cat FILE >/dev/null", cat, None);
    if Command::new("b3sum").arg("--version").output().is_ok() {
        let b3sum = command(size, &mut || {
            let mut b3sum = Command::new("b3sum");
            b3sum.arg(dit);
            b3sum
        })?;
        report("b3sum FILE", b3sum, Some(cat));
    }
    let verify = command(size, &mut || {
        let mut verify = Command::new(tool);
        verify.args(["--quiet", "verify", "--level", "pages"]).arg(dit);
        verify
    })?;
    report("dsbackup verify --level pages FILE", verify, Some(cat));
    Ok(())
}

fn backups(tool: &Path, dit: &Path, scratch: &Path) -> Outcome {
    let size = std::fs::metadata(dit)?.len();
    let set = scratch.join("copy");
    let clear = || {
        drop(std::fs::remove_dir_all(&set));
        drop(std::fs::remove_file(&set));
    };
    let cp = command(size, &mut || {
        clear();
        let mut sh = Command::new("sh");
        sh.args(["-c", r#"cp --reflink=never --sparse=never "$0" "$1" && sync "$1""#]);
        sh.arg(dit).arg(&set);
        sh
    })?;
    report("cp FILE COPY && sync COPY", cp, None);
    clear();

    let hosting = Hosting { tool, dit, scratch, restore_mode: false };
    let service = Service::start(&hosting)?;
    let backup = command(size, &mut || {
        clear();
        let mut backup = Command::new(tool);
        backup.args(["--quiet", "backup"]).arg(&service.socket).arg("--out").arg(&set);
        backup
    })?;
    report("dsbackup backup SOCKET --out SET (synced)", backup, Some(cp));
    clear();

    let prefix = tempfile::tempdir()?;
    c::install(prefix.path())?;
    let caller = c::example("throughput", prefix.path())?;
    for (what, file) in [("to a file", Some(&set)), ("read only", None)] {
        let speed = command(size, &mut || {
            clear();
            let mut command = Command::new(&caller);
            command.args(["localhost", "24576"]);
            command.args(file);
            command.env("LD_LIBRARY_PATH", prefix.path().join("lib"));
            command.env("DSBX_SOCKET", &service.socket);
            command
        })?;
        report(&format!("C caller, 24,576-byte buffer, {what}"), speed, Some(backup));
    }
    clear();
    Ok(())
}

/// Gigabytes a second of a command over `size` bytes; the median of several runs.
fn command(size: u64, make: &mut dyn FnMut() -> Command) -> Outcome<f64> {
    let mut speeds = Vec::new();
    for _ in 0..RUNS {
        let mut command = make();
        let started = Instant::now();
        let output = command.stdout(Stdio::null()).stderr(Stdio::piped()).output()?;
        let seconds = started.elapsed().as_secs_f64();
        if !output.status.success() {
            return Err(format!("{command:?}: {}", said(&output)).into());
        }
        speeds.push(size as f64 / seconds / 1e9);
    }
    Ok(median(&mut speeds))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn report(what: &str, speed: f64, baseline: Option<f64>) {
    let share = baseline.map_or(String::new(), |b| format!("{:.0} %", speed / b * 100.0));
    println!("{what:44} {speed:10.2} {share:>12}");
}
