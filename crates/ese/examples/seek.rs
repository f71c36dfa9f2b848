//! Seeks rows by keys: `seek FILE TABLE INDEX --sample N` prints keys of the index, taken at
//! random; `seek FILE TABLE INDEX --keys KEYS` finds each of them and its row, twice.
//!
//! The second form prints one line a pass, `seeks=N found=N seconds=N`. The pages of the first pass
//! come from the file, those of the second, where the cache holds them, from the cache.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use ese::{Database, Index, Row};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        [file, table, index, "--sample", count] => sample(file, table, index, count),
        [file, table, index, "--keys", keys] => seek(file, table, index, keys),
        _ => Err("usage: seek FILE TABLE INDEX --sample N | --keys FILE".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// Takes `count` keys so that each has the same chance, and in random order.
fn sample(file: &str, table: &str, index: &str, count: &str) -> Result<(), Box<dyn Error>> {
    let count: usize = count.parse()?;
    let database = Database::open(file)?;
    let table = database.table(table)?;
    let mut cursor = table.index(index)?.cursor();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut below = |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % bound.max(1) as u64).unwrap_or_default()
    };
    let mut kept = Vec::with_capacity(count);
    let mut seen = 0;
    let mut more = cursor.move_first()?;
    while more {
        seen += 1;
        if kept.len() < count {
            kept.push(cursor.entry()?.key());
        } else if let Some(place) = kept.get_mut(below(seen)) {
            *place = cursor.entry()?.key();
        }
        more = cursor.move_next()?;
    }
    for last in (1..kept.len()).rev() {
        kept.swap(last, below(last + 1));
    }
    for key in kept {
        let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{digits}");
    }
    Ok(())
}

fn seek(file: &str, table: &str, index: &str, keys: &str) -> Result<(), Box<dyn Error>> {
    let keys: Vec<Vec<u8>> = std::fs::read_to_string(keys)?
        .lines()
        .map(from_hex)
        .collect::<Option<_>>()
        .ok_or("keys")?;
    let database = Database::open(file)?;
    let table = database.table(table)?;
    let index = table.index(index)?;
    for _ in 0..2 {
        let started = Instant::now();
        let mut found = 0;
        let mut bytes = 0;
        for key in &keys {
            if let Some(row) = row_by_key(&index, key)? {
                found += 1;
                bytes += row.node()?.data.len();
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        std::hint::black_box(bytes);
        println!("seeks={} found={found} seconds={seconds:.6}", keys.len());
    }
    Ok(())
}

/// The row of the first entry with this key.
fn row_by_key<'t>(index: &Index<'t>, key: &[u8]) -> Result<Option<Row<'t>>, ese::Error> {
    if index.definition().is_primary() {
        return index.table().row_by_key(key);
    }
    let mut cursor = index.cursor();
    if !cursor.seek_key(key)? || cursor.entry()?.key() != key {
        return Ok(None);
    }
    cursor.row()
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
