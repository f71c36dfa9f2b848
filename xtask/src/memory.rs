//! Memory: backing up and verifying a large database takes no more than a small one.
//!
//! * Backup: the database is a sparse file of 20 GB (every page owned, nearly all of them holes).
//!   Client, service and tool each must stay under 64 MiB of resident memory at their peak.
//! * Full verification: the database has as many bytes of rows, index entries and long values, and
//!   all of it is consistent. The tool must find nothing, within 256 MiB.
//!
//! Everything is written to a folder of its own and removed at the end.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Outcome;
use crate::service::{Hosting, Service, peak_memory_kib, tool};

const LIMIT_KIB: u64 = 64 * 1024;
const FULL_LIMIT_KIB: u64 = 256 * 1024;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let gigabytes: u64 = arguments.first().map_or(Ok(20), |n| n.parse())?;
    let tool = tool()?;
    backup(&tool, gigabytes)?;
    full_verification(&tool, gigabytes)
}

fn backup(tool: &Path, gigabytes: u64) -> Outcome {
    let scratch = tempfile::Builder::new().prefix("dsbackup-memory-").tempdir()?;
    let dit = scratch.path().join("large.dit");
    let pages = u32::try_from(gigabytes * 1_000_000_000 / 8192)?;
    testkit::synthetic::stretched(&dit, pages, testkit::synthetic::Fill::Sparse)?;
    println!("database: {} bytes, {pages} pages", std::fs::metadata(&dit)?.len());

    let mut over = Vec::new();
    let mut note = |who: &str, (peak, seconds): (u64, f64)| {
        println!("{who:20} peak {:6.1} MiB  {seconds:6.1} s", peak as f64 / 1024.0);
        if peak > LIMIT_KIB {
            over.push(who.to_owned());
        }
    };
    note("verify", watch(Command::new(tool).args(["--quiet", "verify"]).arg(&dit))?);
    let service =
        Service::start(&Hosting { tool, dit: &dit, scratch: scratch.path(), restore_mode: false })?;
    let set = scratch.path().join("set");
    let backup = watch(
        Command::new(tool).args(["--quiet", "backup"]).arg(&service.socket).arg("--out").arg(&set),
    )?;
    note("backup: tool", backup);
    note("backup: service", (peak_memory_kib(service.id())?, backup.1));
    drop(service);
    note("verify of the set", watch(Command::new(tool).args(["--quiet", "verify"]).arg(&set))?);
    if over.is_empty() { Ok(()) } else { Err(format!("over 64 MiB: {over:?}").into()) }
}

fn full_verification(tool: &Path, gigabytes: u64) -> Outcome {
    let scratch = tempfile::Builder::new().prefix("dsbackup-memory-").tempdir()?;
    let path = scratch.path().join("big.edb");
    let started = Instant::now();
    let big = testkit::big::write(&path, "clean_8k", gigabytes * 1_000_000_000)?;
    println!(
        "database: {} bytes, {} rows, {} index entries, {} long values, made in {:.1} s",
        big.bytes,
        big.rows,
        big.entries,
        big.long_values,
        started.elapsed().as_secs_f64()
    );
    let mut verify = Command::new(tool);
    verify.args(["--quiet", "verify", "--level", "full"]).arg(&path);
    let (peak, seconds) = watch(&mut verify)?;
    let (mebibytes, speed) = (peak as f64 / 1024.0, big.bytes as f64 / 1e6 / seconds);
    println!("verify --level full  peak {mebibytes:6.1} MiB  {seconds:6.1} s  {speed:.0} MB/s");
    if peak <= FULL_LIMIT_KIB { Ok(()) } else { Err("over 256 MiB".into()) }
}

/// Runs a command to its end; its peak of resident memory in KiB and the seconds it took.
pub(crate) fn watch(command: &mut Command) -> Outcome<(u64, f64)> {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let mut peak = 0;
    let status = loop {
        // The kernel keeps the peak itself; the last look before the end is near enough, because
        // nothing is allocated at the end.
        peak = peak.max(peak_memory_kib(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    if !status.success() {
        return Err(format!("{command:?}: {status}").into());
    }
    Ok((peak, started.elapsed().as_secs_f64()))
}
