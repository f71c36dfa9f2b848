#![no_main]
//! A log file of edited segments, read to its end, sought into, and judged.

use std::path::{Path, PathBuf};

use dsbackup_fuzz::LogEdits;
use ese::logs::{LogReader, chain};
use ese::verify::Unheard;
use ese_format::LogPosition;
use libfuzzer_sys::fuzz_target;
use vfs::mem::Mem;

thread_local! {
    static LOG: LogEdits = LogEdits::of("crash_8k_e", "edb00006.log");
}

fuzz_target!(|data: &[u8]| {
    let bytes = LOG.with(|log| log.edited(data));
    let mem = Mem::new();
    let path = PathBuf::from("/edb00006.log");
    mem.put(&path, bytes).unwrap();
    let mut positions = Vec::new();
    if let Ok(mut reader) = LogReader::open(&mem, &path) {
        while let Ok(Some((position, record))) = reader.next_record() {
            assert!(!record.is_empty());
            positions.push(position);
        }
        assert!(positions.is_sorted());
    }
    // From a place in the midst on the rest is the same.
    if let Some(position) = positions.get(positions.len() / 2) {
        let mut reader = LogReader::open(&mem, &path).unwrap();
        if reader.seek(*position).is_ok() {
            let mut rest: Vec<LogPosition> = Vec::new();
            while let Ok(Some((position, _))) = reader.next_record() {
                rest.push(position);
            }
            assert!(positions.ends_with(&rest));
        }
    }
    std::hint::black_box(chain::check(&mem, &[Path::new(&path).to_owned()], &Unheard).unwrap());
});
