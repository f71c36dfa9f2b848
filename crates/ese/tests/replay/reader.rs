//! The reader of logs against the plain walk, over every log of the corpus.

use std::path::Path;
use std::sync::Arc;

use ese::logs::{LogError, LogReader};
use ese_format::LogPosition;
use vfs::{OpenMode, Storage};

use crate::walk;

/// Every log file below a folder.
fn logs(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            logs(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "log") {
            found.push(path);
        }
    }
}

fn read_all(reader: &mut LogReader) -> Result<Vec<(LogPosition, Vec<u8>)>, LogError> {
    let mut all = Vec::new();
    while let Some((position, record)) = reader.next_record()? {
        all.push((position, record.to_vec()));
    }
    Ok(all)
}

#[test]
fn every_log_of_the_corpus_is_read() {
    let Some(corpus) = testkit::corpus() else { return };
    let mut paths = Vec::new();
    logs(corpus.unpacked(), &mut paths);
    assert!(paths.len() > 150, "{} logs", paths.len());
    let mut links = 0;
    for path in &paths {
        let mut reader = match LogReader::open(&vfs::os::Os, path) {
            Ok(reader) => reader,
            // A file that is prepared for the next generation has no header yet.
            Err(LogError::Header { .. }) if path.to_string_lossy().ends_with("tmp.log") => continue,
            Err(error) => panic!("{error}"),
        };
        let (header, theirs) = walk::records(&std::fs::read(path).unwrap());
        let ours = read_all(&mut reader).unwrap();
        assert_eq!(ours.len(), theirs.len(), "{}", path.display());
        assert!(ours == theirs, "{}", path.display());
        // From each tenth record on the rest is the same.
        for (index, (position, _)) in
            theirs.iter().enumerate().skip(1).step_by(theirs.len() / 9 + 1)
        {
            let mut reader = LogReader::open(&vfs::os::Os, path).unwrap();
            reader.seek(*position).unwrap();
            assert!(
                read_all(&mut reader).unwrap() == theirs[index..],
                "{}: {position}",
                path.display()
            );
        }
        // The next file names what the checksums of this one come to.
        let next = paths.iter().filter(|next| next.parent() == path.parent()).find_map(|next| {
            let next = LogReader::open(&vfs::os::Os, next).ok()?;
            next.header().follows(&header).then(|| next.header().clone())
        });
        if let Some(next) = next.filter(|next| next.update_minor >= 13) {
            links += 1;
            let (found, named) = (reader.segments_checksum(), next.previous_segments_checksum);
            assert_eq!(found, named, "{}", path.display());
        }
    }
    assert!(links > 100, "{links}");
}

#[test]
fn damage_is_told_behind_the_records_before_it() {
    let Some(corpus) = testkit::corpus() else { return };
    let path = corpus.unpacked().join("crash_8k_a/files/edb00005.log");
    let bytes = std::fs::read(path).unwrap();
    let (_, whole) = walk::records(&bytes);
    let read = |bytes: &[u8]| {
        let storage: Arc<dyn Storage> = Arc::new(vfs::mem::Mem::new());
        let path = Path::new("/edb00005.log");
        storage.open(path, OpenMode::CreateNew).unwrap().write_all_at(bytes, 0).unwrap();
        let mut reader = LogReader::open(&*storage, path).unwrap();
        let mut all = Vec::new();
        loop {
            match reader.next_record() {
                Ok(Some((position, record))) => all.push((position, record.to_vec())),
                Ok(None) => return (all, None, reader.patched()),
                Err(error) => return (all, Some(error), reader.patched()),
            }
        }
    };
    let damaged = |sector: usize, change: &dyn Fn(&mut [u8])| {
        let mut bytes = bytes.clone();
        change(&mut bytes[sector * 4096..]);
        read(&bytes)
    };
    let (found, error, patched) = damaged(9, &|segment| segment[900] ^= 4);
    assert!(found == whole && error.is_none() && patched == 1);
    type Change = dyn Fn(&mut [u8]);
    let changes: [&Change; 3] = [
        &|segment: &mut [u8]| segment[900] ^= 3,
        &|segment: &mut [u8]| segment[..4096].fill(0),
        &|segment: &mut [u8]| segment.copy_within(4096..8192, 0),
    ];
    for change in changes {
        let (found, error, _) = damaged(9, change);
        assert!(!found.is_empty() && whole.starts_with(&found));
        assert!(found.iter().all(|(position, _)| position.sector <= 9));
        let error = error.unwrap();
        assert!(matches!(error, LogError::Damaged { .. }), "{error}");
        assert_eq!(error.jet_code(), -501);
    }
    // A file that was cut off.
    let (found, error, _) = read(&bytes[..20 * 4096 + 77]);
    assert!(whole.starts_with(&found) && matches!(error, Some(LogError::Damaged { .. })));
}
