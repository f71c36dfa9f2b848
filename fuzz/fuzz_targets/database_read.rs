#![no_main]
//! A whole small database with edited pages, read to the end: tables, rows, values, indexes.

use std::cell::RefCell;

use dsbackup_fuzz::{SmallDatabase, read_all};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static DATABASES: RefCell<Vec<SmallDatabase>> =
        RefCell::new(["clean_4k", "clean_32k", "clean_8k_new"].map(SmallDatabase::new).into());
}

/// Bytes of pages that are kept.
const CACHE: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let Some((&which, edits)) = data.split_first() else { return };
    DATABASES.with_borrow_mut(|databases| {
        let count = databases.len();
        let small = &mut databases[usize::from(which) % count];
        small.edit(edits);
        if let Ok(database) = ese::Database::with_store(small.open(), CACHE) {
            let failed = read_all(&database);
            assert!(!edits[..edits.len() / 6 * 6].is_empty() || failed == 0, "as it was");
        }
        small.restore();
    });
});
