#![no_main]
//! A whole small database in memory: opened, verified, read as a backup would. The input is
//! laid over a real one, so that the fuzzer starts beyond the header's checksum.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use ese::verify::{Options, Unheard};
use ese::{DatabaseFile, VerifiedReader};
use ese_format::header::DatabaseHeader;
use libfuzzer_sys::fuzz_target;
use vfs::Storage;

static REAL: LazyLock<Vec<u8>> = LazyLock::new(|| testkit::database("clean_4k")[..65536].to_vec());

fuzz_target!(|data: &[u8]| {
    let mut content = REAL.clone();
    let mut rest = data;
    while let [a, b, value, tail @ ..] = rest {
        content[usize::from(u16::from_le_bytes([*a, *b]))] = *value;
        rest = tail;
    }
    // A header that the engine could have written, whatever its fields say.
    if let Some(header) = DatabaseHeader::parse(&content[..4096]) {
        let block = header.to_sealed_block();
        let length = block.len().min(4096);
        content[..length].copy_from_slice(&block[..length]);
    }
    let storage: Arc<dyn Storage> = Arc::new(vfs::mem::Mem::new());
    let path = Path::new("/fuzz.edb");
    let file = storage.open(path, vfs::OpenMode::CreateNew).expect("a new file in memory");
    file.write_all_at(&content, 0).expect("memory");
    let Ok(database) = DatabaseFile::open(storage, path) else { return };
    let _ = ese::verify::pages(&database, &Options::with_threads(1), &Unheard);
    let reader = VerifiedReader::new(Arc::new(database));
    let mut buffer = vec![0; 24576];
    let mut offset = 0;
    while offset < reader.len() {
        match reader.read_at(&mut buffer, offset) {
            Ok(outcome) if outcome.bytes > 0 => offset += outcome.bytes as u64,
            Ok(_) => break,
            Err(_) => offset += 24576,
        }
    }
});
