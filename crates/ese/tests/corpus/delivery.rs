//! What a backup would deliver is the file, byte for byte.

use std::fs;
use std::sync::Arc;

use ese::{Error, VerifiedReader};

use crate::open;

#[test]
fn sound_databases_are_delivered_as_they_are() {
    let Some(corpus) = testkit::corpus() else { return };
    for path in corpus.databases() {
        let file = fs::read(&path).unwrap();
        let reader = VerifiedReader::new(Arc::new(open(&path)));
        assert_eq!(reader.len(), file.len() as u64);
        for unit in [8192, 57_344, 1 << 20] {
            match read_all(&reader, unit) {
                Ok(read) => assert!(read == file, "{}", path.display()),
                Err(error) => {
                    assert!(path.ends_with("temp.edb"), "{error}");
                    assert!(matches!(error, Error::DamagedPage { .. }), "{error}");
                }
            }
        }
    }
}

fn read_all(reader: &VerifiedReader, unit: usize) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    let mut buf = vec![0; unit];
    loop {
        let outcome = reader.read_at(&mut buf, all.len() as u64)?;
        assert!(outcome.corrected.is_empty() && !outcome.header_replaced);
        all.extend_from_slice(&buf[..outcome.bytes]);
        if outcome.bytes < unit {
            return Ok(all);
        }
    }
}
