//! What a crash may and may not take away.

use std::collections::BTreeSet;

use super::*;
use crate::durable;

const SEEDS: u64 = 64;

fn create(sim: &Sim, path: &str) -> Arc<dyn File> {
    sim.open(Path::new(path), OpenMode::CreateNew).unwrap()
}

#[test]
fn synced_content_under_a_synced_name_survives_every_crash() {
    let sim = Sim::new();
    let file = create(&sim, "/a");
    file.write_all_at(b"kept", 0).unwrap();
    file.sync().unwrap();
    sim.sync_dir(Path::new("/")).unwrap();
    for seed in 0..SEEDS {
        assert_eq!(sim.crash(seed).get("/a").unwrap(), b"kept", "seed {seed}");
    }
}

#[test]
fn unsynced_content_is_kept_lost_or_torn() {
    let sim = Sim::new();
    let file = create(&sim, "/a");
    file.write_all_at(&[1; 4 * SECTOR_SIZE], 0).unwrap();
    file.sync().unwrap();
    sim.sync_dir(Path::new("/")).unwrap();
    file.write_all_at(&[2; 4 * SECTOR_SIZE], 0).unwrap();
    let images: BTreeSet<Vec<u8>> = (0..SEEDS).map(|s| sim.crash(s).get("/a").unwrap()).collect();
    assert!(images.contains(&vec![1; 4 * SECTOR_SIZE]), "lost");
    assert!(images.contains(&vec![2; 4 * SECTOR_SIZE]), "kept");
    assert!(images.len() > 4, "torn in several ways");
    for image in images {
        for sector in image.chunks(SECTOR_SIZE) {
            assert!(sector.iter().all(|b| b == &sector[0]), "no tear within a sector");
        }
    }
}

#[test]
fn unsynced_writes_may_be_reordered() {
    let sim = Sim::new();
    let file = create(&sim, "/a");
    file.sync().unwrap();
    sim.sync_dir(Path::new("/")).unwrap();
    file.write_all_at(b"first", 0).unwrap();
    file.write_all_at(b"other", 0).unwrap();
    let images: BTreeSet<Vec<u8>> = (0..SEEDS).map(|s| sim.crash(s).get("/a").unwrap()).collect();
    assert!(images.contains(b"first".as_slice()) && images.contains(b"other".as_slice()));
}

#[test]
fn an_unsynced_name_may_be_lost_and_a_rename_is_never_half_done() {
    let sim = Sim::new();
    let file = create(&sim, "/a");
    file.write_all_at(b"x", 0).unwrap();
    file.sync().unwrap();
    let seen = |sim: &Sim| -> BTreeSet<(bool, bool)> {
        (0..SEEDS)
            .map(|s| sim.crash(s))
            .map(|m| (m.get("/a").is_some(), m.get("/b").is_some()))
            .collect()
    };
    assert_eq!(seen(&sim), [(false, false), (true, false)].into());
    sim.sync_dir(Path::new("/")).unwrap();
    sim.rename(Path::new("/a"), Path::new("/b")).unwrap();
    assert_eq!(seen(&sim), [(true, false), (false, true)].into());
    sim.sync_dir(Path::new("/")).unwrap();
    assert_eq!(seen(&sim), [(false, true)].into());
}

#[test]
fn what_lies_in_a_lost_directory_is_lost() {
    let sim = Sim::new();
    sim.create_dir_all(Path::new("/d/e")).unwrap();
    create(&sim, "/d/e/a").sync().unwrap();
    sim.sync_dir(Path::new("/d/e")).unwrap();
    let images: Vec<Mem> = (0..SEEDS).map(|s| sim.crash(s)).collect();
    assert!(images.iter().any(|m| m.get("/d/e/a").is_some()));
    assert!(images.iter().any(|m| m.get("/d/e/a").is_none()));
    for image in images {
        assert_eq!(image.get("/d/e/a").is_some(), image.metadata(Path::new("/d/e")).is_ok());
    }
}

#[test]
fn the_same_seed_gives_the_same_crash() {
    let run = || {
        let sim = Sim::new();
        let file = create(&sim, "/a");
        sim.sync_dir(Path::new("/")).unwrap();
        for i in 0..20u8 {
            file.write_all_at(&[i; 1500], u64::from(i) * 700).unwrap();
        }
        sim
    };
    let (a, b) = (run(), run());
    for seed in 0..SEEDS {
        assert_eq!(a.crash(seed).get("/a"), b.crash(seed).get("/a"));
    }
}

#[test]
fn an_armed_call_fails_once_and_without_effect() {
    let sim = Sim::new();
    let file = create(&sim, "/a");
    sim.fail_call(sim.calls(), io::ErrorKind::StorageFull);
    assert_eq!(file.write_all_at(b"x", 0).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(file.len().unwrap(), 0);
    file.write_all_at(b"x", 0).unwrap();
    assert_eq!(file.len().unwrap(), 1);
}

#[test]
fn writes_before_a_failed_sync_do_not_become_durable_by_a_later_one() {
    let sim = Sim::new();
    let file = create(&sim, "/a");
    sim.sync_dir(Path::new("/")).unwrap();
    file.write_all_at(b"x", 0).unwrap();
    sim.fail_call(sim.calls(), io::ErrorKind::Other);
    file.sync().unwrap_err();
    file.sync().unwrap();
    assert_eq!(sim.crash(1).get("/a").unwrap(), b"");
}

#[test]
fn replacing_a_file_survives_a_crash_at_every_call() {
    let base = Mem::new();
    base.put("/d/state", vec![b'o'; 2000]).unwrap();
    let (old, new) = (vec![b'o'; 2000], vec![b'n'; 3000]);
    let path = Path::new("/d/state");
    for cut in 0.. {
        let sim = Sim::over(&base).unwrap();
        sim.cut_power(cut);
        let result = durable::replace(&sim, path, &new);
        for seed in 0..SEEDS {
            let after = sim.crash(seed).get(path).expect("the file is always there");
            if result.is_ok() {
                assert_eq!(after, new, "acknowledged: cut {cut} seed {seed}");
            } else {
                assert!(after == old || after == new, "a mixture: cut {cut} seed {seed}");
            }
        }
        if result.is_ok() {
            assert!(cut > 4, "every step of the recipe was cut");
            return;
        }
    }
}

#[test]
fn replacing_works_again_after_any_crash() {
    let base = Mem::new();
    base.put("/d/state", *b"old").unwrap();
    let path = Path::new("/d/state");
    for cut in 0..8 {
        for seed in 0..SEEDS {
            let sim = Sim::over(&base).unwrap();
            sim.cut_power(cut);
            let _ = durable::replace(&sim, path, b"new");
            let after = sim.crash(seed);
            durable::replace(&after, path, b"again").unwrap();
            assert_eq!(after.get(path).unwrap(), b"again");
        }
    }
}
