//! `dsbackup dump`: rows and index entries as JSON lines.

use std::io;

use ese::dump::{DumpError, Dumped, Dumper};
use ese::{Database, Table};
use serde::Serialize;

use crate::cli::opened::{Reading, open};
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Show every row of the tables of a database, as JSON.
///
/// A table is a line with its columns and indexes, and a line for each row; docs/dump.md has the
/// form. Without --table all tables but the engine's own. What cannot be read is an error object
/// in its place and a warning.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    dsbackup dump ntds.dit > ntds.jsonl\n  \
    dsbackup dump ntds.dit --table link_table\n  \
    dsbackup dump ntds.dit --indexes --table datatable\n  \
    dsbackup dump damaged.edb --salvage\n\n\
    Exit code 1 if a value could not be read or something was left out, 3 if a table could not be \
    read to its end; the others are dumped nevertheless.")]
pub(crate) struct Dump {
    #[command(flatten)]
    reading: Reading,

    /// Only this table; may be given several times.
    #[arg(long, value_name = "NAME")]
    table: Vec<String>,

    /// The entries of the indexes instead of the rows.
    #[arg(long)]
    indexes: bool,

    /// Read round damaged pages, and say what was left out.
    #[arg(long)]
    salvage: bool,
}

/// What a dump gave.
#[derive(Debug, Default, Serialize)]
struct Summary {
    ok: bool,
    tables: u64,
    rows: u64,
    errors: u64,
    left_out: u64,
    failed: Vec<String>,
}

pub(crate) fn run(args: &Dump, output: &Output) -> Result<Exit, Failure> {
    let database = open(&args.reading, args.salvage, output)?;
    let tables = selected(&database, &args.table)?;
    let mut complain = |complaint: ese::dump::Complaint| output.warning(&complaint.to_string());
    let mut dumper = Dumper::new(output.stream(), &mut complain);
    if args.salvage {
        dumper = dumper.salvaging(&database);
    }
    let mut summary = Summary::default();
    let mut failures = Vec::new();
    for table in &tables {
        let dumped = if args.indexes { dumper.indexes(table) } else { dumper.table(table) };
        match dumped {
            Ok(dumped) => summary.add(&dumped),
            Err(DumpError::Database(error)) => failures.push((table.name(), error)),
            Err(DumpError::Output(error)) => return ended(&error),
        }
    }
    match dumper.flush() {
        Err(DumpError::Output(error)) => return ended(&error),
        Err(DumpError::Database(error)) => return Err(error.into()),
        Ok(()) => {}
    }
    let mut exit = if summary.errors + summary.left_out > 0 { Exit::Findings } else { Exit::Done };
    for (table, error) in failures {
        summary.failed.push(table.to_owned());
        let mut failure = Failure::from(error).during(&format!("table {table} ends early"));
        failure.advice = Some("Read round the damage with --salvage, or use a sound copy.".into());
        exit = exit.max(failure.exit);
        output.failure(&failure);
    }
    summary.ok = exit == Exit::Done;
    output.summary("dump", &summary);
    Ok(exit)
}

impl Summary {
    fn add(&mut self, dumped: &Dumped) {
        self.tables += 1;
        self.rows += dumped.rows;
        self.errors += dumped.errors;
        self.left_out += dumped.gaps;
    }
}

/// The tables that are named; without names, all but the engine's own.
fn selected(database: &Database, names: &[String]) -> Result<Vec<Table>, Failure> {
    if names.is_empty() {
        return Ok(database.tables().filter(|table| !table.definition().is_system()).collect());
    }
    let mut tables = Vec::new();
    for name in names {
        tables.push(table(database, name)?);
    }
    tables.sort_by(|a, b| a.name().cmp(b.name()));
    tables.dedup_by(|a, b| a.name() == b.name());
    Ok(tables)
}

/// The table with this name.
pub(crate) fn table(database: &Database, name: &str) -> Result<Table, Failure> {
    database.table(name).map_err(|error| {
        Failure::new(Exit::Unusable, error.to_string())
            .advise("See the names of the tables with: dsbackup tables DIT")
    })
}

/// The output takes no more: a reader that went away wanted no more.
pub(crate) fn ended(error: &io::Error) -> Result<Exit, Failure> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::Failed, format!("the output cannot be written: {error}")))
}
