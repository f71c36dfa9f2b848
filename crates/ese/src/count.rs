//! Counting the rows of all tables, side by side.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Database, Error, Leaves, Table, Tree};

/// The number of rows of each table, in the order of [`Database::tables`]; or why the table cannot
/// be read to its end. `threads`: 0 for one a processor.
///
/// ```
/// # let unpacked = testkit::set("clean_8k");
/// # let database = ese::Database::open(unpacked.file("test.edb"))?;
/// let counts = ese::row_counts(&database, 0);
/// for (table, rows) in database.tables().zip(counts) {
///     println!("{}: {}", table.name(), rows?);
/// }
/// # Ok::<(), ese::Error>(())
/// ```
pub fn row_counts(database: &Database, threads: usize) -> Vec<Result<u64, Error>> {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let tables: Vec<Table> = database.tables().collect();
    let mut parts: Vec<(usize, Mutex<Option<Leaves>>)> = Vec::new();
    for (index, table) in (0..).zip(&tables) {
        let leaves = table.tree().parts(threads).into_iter();
        parts.extend(leaves.map(|leaves| (index, Mutex::new(Some(leaves)))));
    }
    let counts: Vec<Mutex<Result<u64, Error>>> = tables.iter().map(|_| Mutex::new(Ok(0))).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((index, part)) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let leaves = part.lock().unwrap_or_else(PoisonError::into_inner).take();
            let (Some(leaves), Some(table)) = (leaves, tables.get(*index)) else { continue };
            let counted = count(table.tree(), leaves);
            let Some(total) = counts.get(*index) else { continue };
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            match (total.as_mut(), counted) {
                (Ok(total), Ok(rows)) => *total += rows,
                (Ok(_), Err(error)) => *total = Err(error),
                (Err(_), _) => {}
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    counts
        .into_iter()
        .map(|count| count.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

fn count(tree: &Tree, leaves: Leaves) -> Result<u64, Error> {
    let mut rows = 0;
    for leaf in leaves {
        let leaf = leaf?;
        for line in 0..leaf.node_count() {
            rows += u64::from(!tree.node(&leaf, line)?.is_deleted());
        }
    }
    Ok(rows)
}
