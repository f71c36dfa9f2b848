//! Decodes every value of every row of every table: `scan FILE [--threads N]`.
//!
//! Prints one line, `rows=N values=N failed=N checksum=N`. Every value is looked at: numbers as
//! numbers, text as UTF-8, long values as a whole. The checksum does not depend on the order, so
//! it is the same with any number of threads.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;
use std::sync::Mutex;

use ese::{Database, Error, Row, Rows, Table, Value};

/// Parts of a table for each thread, so that none waits long for the others.
const PARTS: usize = 8;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, threads) = match arguments.as_slice() {
        [path] => (path, Some(1)),
        [path, option, threads] if option == "--threads" => (path, threads.parse().ok()),
        _ => return usage(),
    };
    let Some(threads) = threads.filter(|&threads: &usize| threads > 0) else { return usage() };
    match scan(path, threads) {
        Ok(Tally { rows, values, failed, checksum, .. }) => {
            println!("rows={rows} values={values} failed={failed} checksum={checksum:016x}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: scan FILE [--threads N]");
    ExitCode::from(2)
}

#[derive(Default)]
struct Tally {
    rows: u64,
    values: u64,
    failed: u64,
    checksum: u64,
    text: String,
}

fn scan(path: &str, threads: usize) -> Result<Tally, Error> {
    let database = Database::open(path)?;
    let tables: Vec<Table> = database.tables().collect();
    if threads == 1 {
        let mut tally = Tally::default();
        for table in &tables {
            tally.add_rows(table.rows());
        }
        return Ok(tally);
    }
    let parts: Vec<Rows<'_>> =
        tables.iter().flat_map(|table| table.parts(threads * PARTS)).collect();
    let parts = Mutex::new(parts.into_iter());
    let next = || parts.lock().ok()?.next();
    let work = || {
        let mut tally = Tally::default();
        while let Some(rows) = next() {
            tally.add_rows(rows);
        }
        tally
    };
    Ok(std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).fold(
            Tally::default(),
            |all, one| Tally {
                rows: all.rows + one.rows,
                values: all.values + one.values,
                failed: all.failed + one.failed,
                checksum: all.checksum.wrapping_add(one.checksum),
                text: all.text,
            },
        )
    }))
}

impl Tally {
    fn add_rows(&mut self, rows: Rows<'_>) {
        for row in rows {
            match row.and_then(|row| self.add_row(&row)) {
                Ok(sum) => {
                    self.rows += 1;
                    self.checksum = self.checksum.wrapping_add(sum);
                }
                Err(_) => self.failed += 1,
            }
        }
    }

    fn add_row(&mut self, row: &Row<'_>) -> Result<u64, Error> {
        let mut sum = 0;
        for value in row.values()? {
            let Ok((column, value)) = value else {
                self.failed += 1;
                continue;
            };
            self.values += 1;
            sum = fold(sum, u64::from(column.id().fid));
            sum = self.add_value(sum, &value);
        }
        Ok(sum)
    }

    fn add_value(&mut self, sum: u64, value: &Value<'_>) -> u64 {
        match value {
            Value::Null => sum,
            Value::Bit(bit) => fold(sum, u64::from(bit.is_set())),
            Value::UnsignedByte(number) => fold(sum, u64::from(*number)),
            Value::Short(number) => fold(sum, i64::from(*number).cast_unsigned()),
            Value::Long(number) => fold(sum, i64::from(*number).cast_unsigned()),
            Value::Currency(number) | Value::LongLong(number) => fold(sum, number.cast_unsigned()),
            Value::IeeeSingle(number) => fold(sum, u64::from(number.to_bits())),
            Value::IeeeDouble(number) => fold(sum, number.to_bits()),
            Value::DateTime(time) => fold(sum, time.to_bits()),
            Value::UnsignedLong(number) => fold(sum, u64::from(*number)),
            Value::UnsignedShort(number) => fold(sum, u64::from(*number)),
            Value::UnsignedLongLong(number) => fold(sum, *number),
            Value::Binary(bytes) | Value::Opaque(bytes) => fold_bytes(sum, bytes),
            Value::Text(text) => {
                self.text.clear();
                if text.decode_into(&mut self.text) {
                    fold_bytes(sum, self.text.as_bytes())
                } else {
                    fold_bytes(sum, text.as_bytes())
                }
            }
            other => other.to_bytes().map_or(sum, |bytes| fold_bytes(sum, &bytes)),
        }
    }
}

fn fold(sum: u64, word: u64) -> u64 {
    (sum.rotate_left(5) ^ word).wrapping_mul(0x517C_C1B7_2722_0A95)
}

fn fold_bytes(sum: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let sum = words.iter().fold(sum, |sum, word| fold(sum, u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(rest.len() as u64, |word, &byte| word << 8 | u64::from(byte));
    fold(sum, rest)
}
