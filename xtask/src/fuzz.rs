//! Coverage-guided fuzzing with libFuzzer on the stable toolchain.
//!
//! `fuzz/` is laid out as cargo-fuzz wants it, so `cargo fuzz run TARGET` works where that tool and
//! a nightly compiler are. Here the same instrumentation is switched on by code generation flags
//! that stable knows. The targets are safe Rust, so no address sanitizer is needed; a panic, an
//! abort, memory above the limit, or an input that takes seconds is a finding.

use std::path::PathBuf;
use std::process::Command;

use crate::{Outcome, root};

/// What cargo-fuzz passes too, less the address sanitizer.
const INSTRUMENTATION: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cdebug-assertions -Ccodegen-units=1";
/// Memory in MiB and length of input in bytes of targets that need other limits than [`USUAL`]:
/// lists of edits are short, and reading must keep to its bounds.
const LIMITS: &[(&str, u32, u32)] = &[
    ("database_check", 256, 400),
    ("database_read", 256, 400),
    ("key", 256, 8000),
    ("log_segment", 256, 400),
    ("recovery", 256, 400),
];
const USUAL: (u32, u32) = (512, 70_000);
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut seconds = 60_u32;
    let mut wanted = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--seconds" {
            seconds = rest.next().ok_or("--seconds needs a number")?.parse()?;
        } else {
            wanted.push(argument.clone());
        }
    }
    let target = build()?;
    let mut names = targets()?;
    if !wanted.is_empty() {
        names.retain(|name| wanted.contains(name));
    }
    if names.is_empty() {
        return Err("no such target".into());
    }
    for name in &names {
        run_one(&target.join(name), name, seconds)?;
    }
    println!("fuzz: {} targets, {seconds} s each, no finding", names.len());
    Ok(())
}

fn build() -> Outcome<PathBuf> {
    let folder = root().join("fuzz");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--target", TRIPLE])
        .env("RUSTFLAGS", INSTRUMENTATION)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .current_dir(&folder)
        .status()?;
    if !status.success() {
        return Err("the fuzz targets do not build".into());
    }
    Ok(folder.join("target").join(TRIPLE).join("release"))
}

fn targets() -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        names.extend(path.file_stem().and_then(|n| n.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn run_one(binary: &std::path::Path, name: &str, seconds: u32) -> Outcome {
    let corpus = root().join("fuzz/corpus").join(name);
    let artifacts = root().join("fuzz/artifacts").join(name);
    std::fs::create_dir_all(&corpus)?;
    std::fs::create_dir_all(&artifacts)?;
    let seeds = root().join("fuzz/seeds").join(name);
    let special = LIMITS.iter().find(|(target, ..)| *target == name);
    let (memory, max_len) = special.map_or(USUAL, |&(_, memory, max_len)| (memory, max_len));
    let mut command = Command::new(binary);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(format!("-rss_limit_mb={memory}"))
        .args(["-timeout=10", "-verbosity=0", "-print_final_stats=1"])
        .args([&format!("-max_len={max_len}"), "-len_control=20"])
        .arg(&corpus);
    if seeds.is_dir() {
        command.arg(&seeds);
    }
    let output = command.output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    let executed = log
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
        .map_or("?", str::trim);
    println!("fuzz {name:24} {seconds:4} s  {executed:>10} inputs");
    if output.status.success() {
        return Ok(());
    }
    let last: Vec<&str> = log.lines().rev().take(30).collect();
    for line in last.iter().rev() {
        println!("    {line}");
    }
    Err(format!("{name}: a finding; the input is in {}", artifacts.display()).into())
}
