#![no_main]
//! A whole small database with edited pages, checked in full. What the check calls sound must be
//! readable to the end.

use std::cell::RefCell;

use dsbackup_fuzz::{SmallDatabase, read_all};
use ese::check::{Level, Options, Severity, run};
use ese::verify::Unheard;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static DATABASES: RefCell<Vec<SmallDatabase>> =
        RefCell::new(["clean_4k", "clean_32k", "clean_8k_new"].map(SmallDatabase::new).into());
}

fuzz_target!(|data: &[u8]| {
    let Some((&which, edits)) = data.split_first() else { return };
    let mut options = Options::default();
    (options.level, options.threads, options.listed) = (Level::Full, 1, 5);
    options.memory = 4 << 20;
    DATABASES.with_borrow_mut(|databases| {
        let count = databases.len();
        let small = &mut databases[usize::from(which) % count];
        small.edit(edits);
        let file = small.open();
        let report = run(&file, &options, &Unheard);
        let errors = report.map_or(u64::MAX, |report| report.count(Severity::Error));
        if errors == 0 {
            let database = ese::Database::with_store(file, 1 << 20).expect("a sound database");
            assert_eq!(read_all(&database), 0, "what is sound can be read");
        }
        assert!(edits.len() >= 6 || errors == 0, "as it was, it is sound");
        small.restore();
    });
});
