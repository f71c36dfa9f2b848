//! How fast logs are replayed, what bounds it, and how much memory it takes.
//!
//! * Rate: chains that the test kit makes, and real logs of the corpus; beside reading and
//!   checksumming the same logs alone, and beside a page copy for each record that changes one.
//! * Cost: chains of 1, 2, 4 and 8 parts over the same database: time for each megabyte.
//! * Memory: the whole verb `recover --dry-run` over a chain many times larger than the cache.
//!
//! One thread; files come from the kernel's memory. A timing never makes the chore fail.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use testkit::log_load::{self, Wanted};

use crate::Outcome;
use crate::memory::watch;
use crate::service::{build, release_directory, tool};

/// Sets of the corpus with logs, below it.
const REAL: [&str; 5] = [
    "ntds-2019-backup/files/full",
    "ntds-2019-dirty/files",
    "crash_8k_c/files",
    "crash_32k_a/files",
    "srum-server2022/chain",
];

/// Times that each measurement is repeated; the best counts.
const ROUNDS: &str = "5";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let megabytes: u64 = arguments.first().map_or(Ok(56), |n| n.parse())?;
    build(&["--package", "ese", "--example", "replay_rate"])?;
    let rate = release_directory().join("examples/replay_rate");
    println!(
        "{:28} {:>9} {:>9} {:>8} {:>9} {:>8} {:>8} {:>8} {:>8}",
        "logs", "MB", "records", "replay", "records", "read", "copy", "undo", "whole"
    );
    println!(
        "{:28} {:>9} {:>9} {:>8} {:>9} {:>8} {:>8} {:>8} {:>8}",
        "", "", "", "MB/s", "million/s", "MB/s", "MB/s", "s", "s"
    );
    let scratch = tempfile::Builder::new().prefix("dsbackup-bench-").tempdir()?;
    for parts in [1, 2, 4, 8] {
        let folder = scratch.path().join(format!("load-{parts}"));
        std::fs::create_dir(&folder)?;
        log_load::write(&folder, &wanted(megabytes * 1_000_000 * parts))?;
        measure(&rate, &format!("made, {} MB", megabytes * parts), &folder, "64")?;
    }
    let longest = scratch.path().join("load-8");
    measure(&rate, "the same, cache of 4 MiB", &longest, "4")?;
    match testkit::corpus() {
        Some(corpus) => {
            for name in REAL {
                measure(&rate, name, &corpus.unpacked().join(name), "64")?;
            }
        }
        None => println!("real logs: NOT MEASURED, the corpus is not there"),
    }
    memory(&rate, &longest)
}

fn wanted(log: u64) -> Wanted {
    Wanted { database: 64_000_000, log, file_sectors: 2560, pages: 20_000 }
}

/// Prints a line of the table.
fn measure(rate: &Path, name: &str, folder: &Path, cache: &str) -> Outcome {
    let output = Command::new(rate).arg(folder).args([cache, ROUNDS]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found: HashMap<&str, f64> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
        .collect();
    let of = |name: &str| found.get(name).copied().unwrap_or(f64::NAN);
    let megabytes = of("bytes") / 1e6;
    println!(
        "{name:28} {megabytes:>9.1} {:>9} {:>8.0} {:>9.2} {:>8.0} {:>8.0} {:>8.3} {:>8.3}",
        of("records"),
        megabytes / of("replay"),
        of("records") / of("replay") / 1e6,
        megabytes / of("read"),
        megabytes / of("copy"),
        of("undo"),
        of("whole"),
    );
    Ok(())
}

/// Memory at its peak: of the verb, and with a cache that the chain is many times larger than.
fn memory(rate: &Path, folder: &Path) -> Outcome {
    let mut logs = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "log") {
            logs += entry.metadata()?.len();
        }
    }
    let mut small = Command::new(rate);
    small.arg(folder).args(["4", "0"]);
    let (peak, seconds) = watch(&mut small)?;
    println!(
        "recovery in memory with a cache of 4 MiB, a chain {} times larger: peak {:.1} MiB, \
         {seconds:.1} s",
        logs >> 22,
        peak as f64 / 1024.0
    );
    let mut recover = Command::new(tool()?);
    recover.args(["--quiet", "recover", "--dry-run"]).arg(folder);
    let (peak, seconds) = watch(&mut recover)?;
    println!(
        "recover --dry-run of the same: peak {:.1} MiB (cache of 64 MiB), {seconds:.1} s",
        peak as f64 / 1024.0
    );
    Ok(())
}
