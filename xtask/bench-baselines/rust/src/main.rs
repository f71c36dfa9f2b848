//! Reads every column of every row of every table with another project's crate.
//!
//! usage: `bench-baselines libesedb|ese-core FILE`. Prints one line, `rows=N values=N failed=N`. A
//! value is what the crate gives as not null; failed counts what it refused to read.

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;

#[derive(Default)]
struct Tally {
    rows: u64,
    values: u64,
    failed: u64,
}

type Outcome = Result<Tally, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [reader, path] = arguments.as_slice() else {
        eprintln!("usage: bench-baselines libesedb|ese-core FILE");
        return ExitCode::from(2);
    };
    let outcome = match reader.as_str() {
        "libesedb" => libesedb(path),
        "ese-core" => ese_core(Path::new(path)),
        _ => Err("no such reader".into()),
    };
    match outcome {
        Ok(Tally { rows, values, failed }) => {
            println!("rows={rows} values={values} failed={failed}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("{reader}: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn libesedb(path: &str) -> Outcome {
    use libesedb::{EseDb, Value};
    let mut tally = Tally::default();
    let database = EseDb::open(path)?;
    for table in database.iter_tables()? {
        let table = table?;
        for record in table.iter_records()? {
            let Ok(record) = record else {
                tally.failed += 1;
                continue;
            };
            tally.rows += 1;
            for column in 0..record.count_values()? {
                match record.value(column) {
                    Ok(Value::Null(())) => {}
                    Ok(Value::Long) => match record.long(column).and_then(|long| long.vec()) {
                        Ok(bytes) => {
                            black_box(bytes);
                            tally.values += 1;
                        }
                        Err(_) => tally.failed += 1,
                    },
                    Ok(Value::Multi) => match record.multi(column) {
                        Ok(multi) => {
                            for value in multi.iter_values()? {
                                tally.failed += u64::from(black_box(value).is_err());
                            }
                            tally.values += 1;
                        }
                        Err(_) => tally.failed += 1,
                    },
                    Ok(value) => {
                        black_box(value);
                        tally.values += 1;
                    }
                    Err(_) => tally.failed += 1,
                }
            }
        }
    }
    Ok(tally)
}

/// The crate decodes records of pages above 8 KiB only; of smaller ones it gives the raw lines,
/// which are counted as rows without values.
fn ese_core(path: &Path) -> Outcome {
    use ese_core::{EseDatabase, decode_ese_record};
    let mut tally = Tally::default();
    let database = EseDatabase::open(path)?;
    let decodes = database.is_extended_format();
    for entry in database.catalog_entries()? {
        if entry.object_type != 1 {
            continue;
        }
        let Ok(columns) = database.table_columns(&entry.object_name) else {
            tally.failed += 1;
            continue;
        };
        let Ok(records) = database.table_records(&entry.object_name) else {
            tally.failed += 1;
            continue;
        };
        for record in records {
            let Ok((_, _, bytes)) = record else {
                tally.failed += 1;
                continue;
            };
            tally.rows += 1;
            if decodes {
                match decode_ese_record(&bytes, &columns, true) {
                    Ok(values) => tally.values += black_box(values).len() as u64,
                    Err(_) => tally.failed += 1,
                }
            }
        }
    }
    Ok(tally)
}
