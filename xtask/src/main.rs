//! The project's chores, one subcommand each: `cargo xtask NAME`.
//!
//! A chore ends with exit code 0 when what it shows is as it must be, and with 1 and a reason
//! otherwise; a timing alone never makes one fail. Chores drive the built tool from outside, as a
//! user would.
// Chores talk to the developer, and may stop on a surprise.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::indexing_slicing)]

use std::process::ExitCode;

mod bench;
mod bench_read;
mod bench_recovery;
mod c;
mod compat;
mod corpus;
mod dhcp_backup;
mod dist;
mod faults;
mod foreign;
mod fuzz;
mod kill;
mod kill_recover;
mod log_listing;
mod long;
mod memory;
mod mutations;
mod recovered;
mod service;
mod tidy;

/// Every failure of a chore is a sentence for the developer.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

type Chore = fn(&[String]) -> Outcome;

const CHORES: &[(&str, &str, Chore)] = &[
    ("tidy", "check dependency edges and house rules", tidy::run),
    ("compat", "write the table of result codes in COMPAT.md [--check]", compat::run),
    ("fuzz", "build the fuzz targets and run each [--seconds N] [TARGET...]", fuzz::run),
    ("faults", "print what is said to each kind of damage [DATABASE]", faults::run),
    ("mutations", "verify every kind of damage to a database [--keep DIR] [TEXT]", mutations::run),
    ("corpus", "verify, back up and restore every database of the corpus", corpus::run),
    ("recovered", "recover every set of the corpus with logs, and judge it", recovered::run),
    ("dhcp-backup", "recover a genuine online backup of Windows: DIR", dhcp_backup::run),
    ("log-listing", "every record of the corpus beside an independent reader", log_listing::run),
    ("kill", "kill client and service at random moments [ROUNDS [SEED]]", kill::run),
    ("kill-recover", "kill recoveries in place [ROUNDS [SEED]]", kill_recover::run),
    ("bench", "the benchmark table [MEGABYTES]", bench::run),
    ("bench-read", "reading beside other readers [DATABASE|seek|verify...]", bench_read::run),
    ("bench-recovery", "replaying logs beside what bounds it [MEGABYTES]", bench_recovery::run),
    ("memory", "back up and verify large databases [GIGABYTES]", memory::run),
    ("c", "headers, walk-throughs and abuse of the C library under valgrind", c::run),
    ("foreign", "impacket as a client of the service", foreign::run),
    ("dist", "make the Debian package in dist/", dist::run),
    ("long", "the long tests", long::run),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let Some((_, _, chore)) = CHORES.iter().find(|(known, ..)| *known == name) else {
        eprintln!("usage: cargo xtask CHORE\n");
        for (name, what, _) in CHORES {
            eprintln!("  {name:14} {what}");
        }
        return ExitCode::from(2);
    };
    match chore(&rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{name}: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's root directory.
fn root() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(std::path::Path::new("."))
}
