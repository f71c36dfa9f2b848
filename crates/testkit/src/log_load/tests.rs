//! The logs as files: whole, in sequence, every record where the walk expects one.

use std::fs;

use super::*;
use crate::log_mutation::Folder;
use crate::log_mutation::walk::{kind, pieces, used_sectors};

const WANTED: Wanted =
    Wanted { database: 6_000_000, log: 2_000_000, file_sectors: 128, pages: 300 };

#[test]
fn the_chain_is_whole_and_has_every_kind_of_record() {
    let folder = tempfile::tempdir().unwrap();
    let load = write(folder.path(), &WANTED).unwrap();
    assert!(load.log >= WANTED.log && load.generations >= 4, "{load:?}");
    assert!(load.rolled_back > 5 && load.committed > 20 * load.rolled_back / 2, "{load:?}");
    let files = Folder::read(folder.path());
    assert_eq!(files.last_generation(), load.generations);
    let mut seen = [0_u64; 102];
    for generation in 1..=load.generations {
        let log = files.file(&files.log(generation)).to_vec();
        assert!(used_sectors(&log).count() > 1);
        for piece in pieces(&log) {
            seen[usize::from(piece.kind)] += 1;
        }
    }
    for kind in [
        kind::BEGIN_0,
        kind::COMMIT_0,
        kind::BEGIN,
        kind::COMMIT,
        kind::ROLLBACK,
        kind::INSERT,
        kind::FLAG_DELETE,
        kind::DELETE,
        kind::REPLACE,
        kind::REPLACE_DIFF,
        kind::DELTA,
        kind::UNDO_INFO,
    ] {
        assert!(seen[usize::from(kind)] > 0, "{kind}: {seen:?}");
    }
    assert_eq!(fs::read(folder.path().join("edb.chk")).unwrap().len(), 8192);
}
