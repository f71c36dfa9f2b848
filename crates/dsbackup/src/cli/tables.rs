//! `dsbackup tables`: what a database consists of.

use crate::cli::opened::{Reading, open};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::output::tables::DatabaseTables;

/// Show the tables of a database with their rows, pages, columns and indexes.
///
/// Rows are counted, which reads all of them. Pages are those that the table's space trees name;
/// they include the pages of its indexes and long values. With --json everything that the catalog
/// says is there.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    dsbackup tables ntds.dit\n  \
    dsbackup tables ntds.dit --json --no-count\n\n\
    Exit code 1 if a table could not be read to its end.")]
pub(crate) struct Tables {
    #[command(flatten)]
    reading: Reading,

    /// Do not count rows.
    #[arg(long)]
    no_count: bool,

    /// Threads to use; 0 for one a processor.
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

pub(crate) fn run(args: &Tables, output: &Output) -> Result<Exit, Failure> {
    let database = open(&args.reading, false, output)?;
    let counts = if args.no_count {
        database.tables().map(|_| None).collect()
    } else {
        ese::row_counts(&database, args.threads).into_iter().map(Some).collect()
    };
    let tables = DatabaseTables::of(&database, counts);
    output.text(tables.text(output.style()));
    for warning in tables.warnings() {
        output.warning(&warning);
    }
    output.summary("tables", &tables);
    Ok(if tables.is_complete() { Exit::Done } else { Exit::Findings })
}
