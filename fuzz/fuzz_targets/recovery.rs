#![no_main]
//! A small database and its logs, both edited, recovered in memory: replay, undo, and a look at
//! every page. What comes of it can be read or says why not.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use dsbackup_fuzz::SmallSet;
use ese::recovery::{Options, Request, plan};
use ese::verify::Unheard;
use libfuzzer_sys::fuzz_target;
use vfs::Storage;

thread_local! {
    static SET: RefCell<SmallSet> = RefCell::new(SmallSet::new("crash_8k_f"));
}

fuzz_target!(|data: &[u8]| {
    let Some((&mode, edits)) = data.split_first() else { return };
    SET.with_borrow_mut(|set| {
        let storage: Arc<dyn Storage> = Arc::new(set.edited(edits));
        let mut request = Request { lossy: mode & 1 != 0, ..Request::of("/set") };
        if mode & 2 != 0 {
            // The logs alone make the database anew.
            request.path = PathBuf::from("/logs");
        }
        let Ok(plan) = plan(&storage, &request) else { return };
        let cache = if mode & 4 != 0 { 1 << 16 } else { 8 << 20 };
        let options = Options {
            cache,
            continues_log: mode & 8 != 0,
            ..Options::reading(&storage, PathBuf::from("/pages"))
        };
        match plan.execute(&storage, &options, &Unheard) {
            Ok(recovered) => {
                assert!(recovered.header().is_clean());
                std::hint::black_box(recovered.file().unwrap().layout().pages);
            }
            Err(error) => assert!(error.jet_code() != 0 && !error.to_string().is_empty()),
        }
    });
});
