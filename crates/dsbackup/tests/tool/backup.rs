//! The main job over a real service: back up, restore both ways, and what must not happen.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Run, World, command, dsbackup};

fn manifest(set: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(set.join("manifest.json")).unwrap()).unwrap()
}

fn restore(world: &World, arguments: &[&str]) -> Run {
    let set = world.path("set");
    let mut all = vec!["restore", set.to_str().unwrap()];
    all.extend(arguments);
    dsbackup(all)
}

#[test]
fn a_dirty_database_goes_with_its_logs_into_a_set_and_back() {
    let mut world = World::with("crash_8k_e");
    world.serve(false);
    world.online().exits(0);
    let set = world.path("set");
    world.backup(&set).exits(0);
    let manifest = manifest(&set);
    assert_eq!(manifest["format_version"], 1);
    assert_eq!(manifest["files"][0]["name"], "test.edb");
    assert_eq!(manifest["files"][0]["bft"], 0x44);
    assert_eq!(manifest["files"].as_array().unwrap().len(), 8);
    let database = std::fs::read(&world.dit).unwrap();
    assert_eq!(std::fs::read(set.join("test.edb")).unwrap(), database);
    dsbackup(["verify", set.to_str().unwrap()]).exits(0);
    dsbackup(["info", set.to_str().unwrap()]).exits(0);

    let to = world.path("out");
    let to = to.to_str().unwrap();
    let restored = restore(&world, &["--to", to]).exits(0);
    assert!(restored.stdout.contains("undone what was not committed"), "{}", restored.stdout);
    let verified = dsbackup(["verify", to]).exits(0);
    assert!(verified.stdout.contains("CleanShutdown"), "{}", verified.stdout);
    restore(&world, &["--to", to]).exits(4);
    restore(&world, &["--to", to, "--overwrite"]).exits(0);
    dsbackup(["verify", to]).exits(0);
    let replayed = dsbackup(["verify", "--replay", set.to_str().unwrap()]).exits(0);
    assert!(replayed.stdout.contains("test.edb with its logs: good"), "{}", replayed.stdout);
    let dry = dsbackup(["recover", set.to_str().unwrap(), "--dry-run"]).exits(0);
    assert!(dry.stdout.contains("equal to the manifest's hashes"), "{}", dry.stdout);
    let refused = dsbackup(["recover", set.to_str().unwrap(), "--in-place"]).exits(4);
    assert!(refused.stderr.contains("a backup set is not changed"), "{}", refused.stderr);
    let raw = world.path("raw");
    restore(&world, &["--to", raw.to_str().unwrap(), "--no-recover"]).exits(0);
    assert!(std::fs::read(raw.join("test.edb")).unwrap() == database);
    let dumps = [world.dit.clone(), world.path("out/test.edb"), raw.join("test.edb")]
        .map(|path| dsbackup(["--quiet", "dump", path.to_str().unwrap()]).exits(0).stdout);
    assert!(dumps[0] == dumps[1] && dumps[1] == dumps[2]);

    let socket = world.socket();
    let socket = socket.to_str().unwrap();
    let refused = restore(&world, &["--server", socket]).exits(4);
    assert!(refused.stderr.contains("--restore-mode"), "{}", refused.stderr);
    world.serve(true);
    world.online().exits(1);
    std::fs::write(&world.dit, b"lost").unwrap();
    let refused = restore(&world, &["--server", socket]).exits(4);
    assert!(refused.stderr.contains("--overwrite"), "{}", refused.stderr);
    assert_eq!(std::fs::read(&world.dit).unwrap(), b"lost");
    restore(&world, &["--server", socket, "--overwrite"]).exits(0);
    assert_eq!(std::fs::read(&world.dit).unwrap(), database);
    world.serve(false);
    world.online().exits(0);
}

#[test]
fn a_damaged_page_fails_the_backup_by_name_and_leaves_no_set() {
    let mut world = World::with("clean_8k");
    let mut content = std::fs::read(&world.dit).unwrap();
    content[31 * 8192 + 100] ^= 8;
    content[31 * 8192 + 1500] ^= 64;
    std::fs::write(&world.dit, content).unwrap();
    world.serve(false);
    let set = world.path("set");
    let run = world.backup(&set).exits(5);
    assert!(run.stderr.contains("page 30"), "{}", run.stderr);
    assert!(run.stderr.contains("hrReadVerifyFailure"), "{}", run.stderr);
    assert!(!set.exists());
}

#[test]
fn an_existing_folder_with_anything_in_it_is_refused() {
    let mut world = World::with("clean_4k");
    world.serve(false);
    let set = world.path("set");
    std::fs::create_dir(&set).unwrap();
    std::fs::write(set.join("keep"), b"x").unwrap();
    world.backup(&set).exits(4);
    assert_eq!(std::fs::read(set.join("keep")).unwrap(), b"x");
    std::fs::remove_file(set.join("keep")).unwrap();
    world.backup(&set).exits(0);
}

#[test]
fn a_damaged_set_is_neither_good_nor_restored() {
    let mut world = World::with("clean_8k");
    world.serve(false);
    let set = world.path("set");
    world.backup(&set).exits(0);
    let mut content = std::fs::read(set.join("test.edb")).unwrap();
    content[400 * 100] ^= 1;
    std::fs::write(set.join("test.edb"), content).unwrap();
    dsbackup(["verify", set.to_str().unwrap()]).exits(1);
    let out = world.path("out");
    restore(&world, &["--to", out.to_str().unwrap()]).exits(3);
    assert!(!out.exists());
    std::fs::remove_file(set.join("manifest.json")).unwrap();
    let run = restore(&world, &["--to", out.to_str().unwrap()]).exits(3);
    assert!(run.stderr.contains("manifest"), "{}", run.stderr);
}

#[test]
fn an_interrupted_backup_ends_on_the_server_and_leaves_nothing() {
    let mut world = World::empty();
    testkit::synthetic::stretched(&world.dit, 60_000, testkit::synthetic::Fill::Sparse).unwrap();
    world.serve(false);
    let set = world.path("set");
    let mut backup = command(["backup"]);
    backup.arg(world.socket()).arg("--out").arg(&set);
    let backup = backup.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while !set.join("token").exists() && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let id = rustix::process::Pid::from_child(&backup);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let run = Run::of(&backup.wait_with_output().unwrap()).exits(130);
    assert!(run.stderr.contains("interrupted"), "{}", run.stderr);
    assert!(!set.exists());
    world.backup(&world.path("next")).exits(0);
}

#[test]
fn the_demo_does_the_main_job() {
    let dir = tempfile::tempdir().unwrap();
    let keep = dir.path().join("demo");
    let run = dsbackup(["--json", "demo", "--keep", keep.to_str().unwrap()]).exits(0);
    assert!(run.summary()["steps"].as_array().unwrap().len() >= 9);
    dsbackup(["verify", keep.join("set").to_str().unwrap()]).exits(0);
    dsbackup(["demo", "--keep", keep.to_str().unwrap()]).exits(4);
    let told = dsbackup(["demo"]).exits(0).stdout;
    assert!((8..=12).contains(&told.lines().count()), "{told}");
}
