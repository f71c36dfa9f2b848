#![no_main]
//! Checkpoint files and lists of attached databases: what is read is written back.

use ese_format::log::attach;
use ese_format::log::checkpoint::Checkpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(shadowed) = Checkpoint::read_shadowed(data) {
        let again = Checkpoint::read_shadowed(&shadowed.checkpoint.to_file()).unwrap();
        assert_eq!(again.sound, [true, true]);
        assert_eq!(again.checkpoint.position, shadowed.checkpoint.position);
        std::hint::black_box(attach::entries(shadowed.checkpoint.attachments()).count());
    }
    let mut list = Vec::new();
    for entry in attach::entries(data) {
        entry.write(&mut list);
    }
    assert!(data.starts_with(&list));
});
