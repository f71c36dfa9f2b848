//! Restores: the documented walk-through over restarts of the service, and what keeps a directory
//! from going online.

use std::sync::Arc;
use std::time::Duration;

use dcerpc::context_handle::ContextHandle;
use ms_dtyp::FileTime;
use ntdsb::idl::{Name, restore};
use ntdsb::{FileType, HResult};
use ntdsbsrv::clock::ManualClock;
use ntdsbsrv::{RunningService, ServeOptions, Status};

use crate::client::{Files, Rpc, Site};

fn back_up(site: &Site) -> (Vec<u8>, Files) {
    Rpc::connect(&site.start()).whole_backup()
}

/// The locations by type: database, log directory, checkpoint directory.
fn locations(rpc: &mut Rpc, context: ContextHandle) -> [String; 3] {
    let entries = rpc.locations(context);
    let types: Vec<FileType> = entries.iter().map(|entry| entry.file_type).collect();
    assert_eq!(types, [FileType::Database, FileType::LogDirectory, FileType::CheckpointDirectory]);
    let paths: Vec<String> = entries.into_iter().map(|entry| entry.path).collect();
    paths.try_into().unwrap()
}

fn request(
    context: ContextHandle,
    [database, logs, checkpoint]: &[String; 3],
    range: (u32, u32),
) -> restore::RegisterRequest {
    restore::RegisterRequest {
        context,
        checkpoint_path: Name::from_text(checkpoint),
        log_path: Name::from_text(logs),
        map: vec![restore::MapRow {
            database: Some(Name::from_text(database)),
            new_database: Some(Name::from_text(database)),
        }],
        backup_log_path: Name::from_text(logs),
        log_low: range.0,
        log_high: range.1,
    }
}

fn complete(rpc: &mut Rpc, context: ContextHandle, restore_state: HResult) -> HResult {
    rpc.restore(&restore::RegisterCompleteRequest { context, restore_state }).result
}

/// Replaces the directory's files by those of a backup.
fn copy_back(site: &Site, files: &Files) {
    for entry in std::fs::read_dir(site.set.path()).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for (_, name, content) in files {
        let name = name.rsplit('\\').next().unwrap();
        std::fs::write(site.set.file(name), content).unwrap();
    }
}

#[test]
fn the_walk_through_brings_the_directory_back_over_restarts() {
    let site = Site::new("backup_8k");
    let (token, files) = back_up(&site);

    let service = RunningService::start(site.restore_options()).unwrap();
    let mut rpc = Rpc::connect(&service);
    assert!(!rpc.is_online());
    assert_eq!(rpc.prepare().unwrap_err(), HResult::HR_COULD_NOT_CONNECT);
    let context = rpc.restore_prepare(Some(&token)).unwrap();
    let places = locations(&mut rpc, context);
    let early = complete(&mut rpc, context, HResult::S_OK);
    assert_eq!(early, HResult::HR_INVALID_BACKUP_SEQUENCE, "not registered");
    let register = request(context, &places, (1, 6));
    assert_eq!(rpc.restore(&register).result, HResult::S_OK);
    assert_eq!(rpc.restore(&register).result, HResult::HR_RESTORE_MAP_EXISTS);
    service.stop().unwrap();

    // Registered and not completed: the service answers and says why the directory is closed.
    let service = site.start();
    let Status::Offline { reason } = service.status() else { panic!("online") };
    assert!(reason.contains("registered at") && reason.contains("--restore-mode"), "{reason}");
    let mut rpc = Rpc::connect(&service);
    assert!(!rpc.is_online());
    assert_eq!(rpc.prepare().unwrap_err(), HResult::HR_RESTORE_IN_PROGRESS);
    service.stop().unwrap();

    // A second restore from the start, replacing the orphaned registration.
    let service = RunningService::start(site.restore_options()).unwrap();
    let mut rpc = Rpc::connect(&service);
    let context = rpc.restore_prepare(Some(&token)).unwrap();
    assert_eq!(rpc.restore(&request(context, &places, (1, 6))).result, HResult::S_OK);
    copy_back(&site, &files);
    std::fs::remove_file(site.set.file("edb00004.log")).unwrap();
    let gap = complete(&mut rpc, context, HResult::S_OK);
    assert_eq!(gap, HResult::HR_GIVEN_LOG_FILE_IS_NOT_CONTIGUOUS);
    copy_back(&site, &files);
    assert_eq!(complete(&mut rpc, context, HResult::S_OK), HResult::S_OK);
    assert_eq!(complete(&mut rpc, context, HResult::S_OK), HResult::S_OK, "again is no change");
    let end = rpc.restore(&restore::EndRequest { context });
    assert_eq!(end.result, HResult::S_OK);
    service.stop().unwrap();

    let service = site.start();
    assert_eq!(service.status(), Status::Online { database: site.set.file("test.edb") });
    let mut rpc = Rpc::connect(&service);
    assert!(rpc.is_online());
    // The logs have been replayed: it is clean, needs no log, and another backup is the file alone.
    assert!(site.audit().contains("\"call\":\"recovered\""));
    assert!(site.audit().contains("\"call\":\"restored\""));
    let restored = std::fs::read(site.set.file("test.edb")).unwrap();
    let header = ese_format::header::read_shadowed(&restored[..1 << 16]).unwrap().header;
    assert!(header.is_clean() && header.consistent_position.generation.0 == 7);
    let again = rpc.whole_backup().1;
    assert!(again.len() == 1 && again[0].2 == restored);
    assert!(site.set.file("edb.log").exists() && site.set.file("edb.chk").exists());
    assert!(!site.path("state/restore-in-progress.json").exists());
    drop(rpc);
    drop(service);
    assert!(Rpc::connect(&site.start()).is_online(), "and stays so");
}

#[test]
fn a_database_restored_to_another_place_is_found_there_at_every_start() {
    let site = Site::new("clean_8k");
    let (token, files) = back_up(&site);
    let elsewhere = site.set.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let service = RunningService::start(site.restore_options()).unwrap();
    let mut rpc = Rpc::connect(&service);
    let context = rpc.restore_prepare(Some(&token)).unwrap();
    let places = locations(&mut rpc, context);
    let mut register = request(context, &places, (0, 0));
    let moved = elsewhere.join("moved.edb");
    register.map[0].new_database = Some(Name::from_text(moved.to_str().unwrap()));
    assert_eq!(rpc.restore(&register).result, HResult::S_OK);
    std::fs::write(&moved, &files[0].2).unwrap();
    assert_eq!(complete(&mut rpc, context, HResult::S_OK), HResult::S_OK);
    service.stop().unwrap();
    std::fs::remove_file(site.set.file("test.edb")).unwrap();
    for _ in 0..2 {
        let service = site.start();
        assert_eq!(service.status(), Status::Online { database: moved.clone() });
    }
}

#[test]
fn a_failed_restore_keeps_the_directory_down_until_one_succeeds() {
    let site = Site::new("clean_8k");
    let (token, _) = back_up(&site);
    let service = RunningService::start(site.restore_options()).unwrap();
    let mut rpc = Rpc::connect(&service);
    let context = rpc.restore_prepare(Some(&token)).unwrap();
    let places = locations(&mut rpc, context);
    assert_eq!(rpc.restore(&request(context, &places, (0, 0))).result, HResult::S_OK);
    for status in [1, 5, 0xC7FF_0002] {
        assert_eq!(complete(&mut rpc, context, HResult(status)), HResult::S_OK);
    }
    // The client dies; its registration stays.
    drop(rpc);
    service.stop().unwrap();
    let service = site.start();
    let Status::Offline { reason } = service.status() else { panic!("online") };
    assert!(reason.contains("failed with hrError"), "{reason}");
    service.stop().unwrap();
    let service = RunningService::start(site.restore_options()).unwrap();
    let mut rpc = Rpc::connect(&service);
    let context = rpc.restore_prepare(Some(&token)).unwrap();
    assert_eq!(rpc.restore(&request(context, &places, (0, 0))).result, HResult::S_OK);
    assert_eq!(complete(&mut rpc, context, HResult::S_OK), HResult::S_OK);
    service.stop().unwrap();
    assert!(Rpc::connect(&site.start()).is_online());
}

#[test]
fn a_restricted_context_only_tells_the_locations() {
    let site = Site::new("clean_8k");
    let service = site.start();
    let mut rpc = Rpc::connect(&service);
    let context = rpc.restore_prepare(None).unwrap();
    let places = locations(&mut rpc, context);
    assert!(places[0].ends_with("test.edb"), "{}", places[0]);
    let missing = HResult::HR_MISSING_EXPIRY_TOKEN;
    assert_eq!(rpc.restore(&request(context, &places, (0, 0))).result, missing);
    assert_eq!(complete(&mut rpc, context, HResult::S_OK), missing);
    assert_eq!(rpc.restore(&restore::EndRequest { context }).result, HResult::S_OK);
    assert_eq!(rpc.restore_fault(&restore::EndRequest { context }), 0x1C00_001A);
}

#[test]
fn tokens_are_checked_for_damage_and_age() {
    let site = Site::new("clean_8k");
    let clock = Arc::new(ManualClock::new(FileTime::from_unix(1_700_000_000, 0)));
    let with_clock = |options: ServeOptions| ServeOptions { clock: clock.clone(), ..options };
    let service = RunningService::start(with_clock(site.options())).unwrap();
    let (token, _) = Rpc::connect(&service).whole_backup();
    service.stop().unwrap();
    let service = RunningService::start(with_clock(site.restore_options())).unwrap();
    let mut rpc = Rpc::connect(&service);
    let unknown = HResult::HR_UNKNOWN_EXPIRY_TOKEN_FORMAT;
    for bit in (0..token.len() * 8).step_by(13) {
        let mut damaged = token.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(rpc.restore_prepare(Some(&damaged)).unwrap_err(), unknown, "bit {bit}");
    }
    assert_eq!(rpc.restore_prepare(Some(b"")).unwrap_err(), unknown);
    clock.advance(Duration::from_secs(60 * 86_400));
    let context = rpc.restore_prepare(Some(&token)).unwrap();
    let second = rpc.restore_prepare(Some(&token)).unwrap_err();
    assert_eq!(second, HResult::HR_RESTORE_IN_PROGRESS);
    rpc.restore(&restore::EndRequest { context });
    clock.advance(Duration::from_nanos(100));
    let expired = rpc.restore_prepare(Some(&token)).unwrap_err();
    assert_eq!(expired, HResult::HR_CONTENTS_EXPIRED);
}

#[test]
fn paths_outside_the_allowed_directories_are_refused() {
    let site = Site::new("clean_8k");
    let (token, _) = back_up(&site);
    let service = RunningService::start(site.restore_options()).unwrap();
    let mut rpc = Rpc::connect(&service);
    let context = rpc.restore_prepare(Some(&token)).unwrap();
    let places = locations(&mut rpc, context);
    std::os::unix::fs::symlink("/etc", site.set.file("link")).unwrap();
    let through_link = site.set.file("link/test.edb");
    let good = request(context, &places, (0, 0));
    let name = Name::from_text;
    let mut refused = Vec::new();
    for path in ["/etc/test.edb", "relative", through_link.to_str().unwrap()] {
        let mut bad = good.clone();
        bad.map[0].new_database = Some(name(path));
        refused.push(bad);
    }
    refused.push(restore::RegisterRequest { log_path: name("/etc"), ..good.clone() });
    refused.push(restore::RegisterRequest { log_low: 2, log_high: 1, ..good.clone() });
    let mut foreign = good.clone();
    foreign.map[0].database = Some(name(r"\\DC1\C$\NTDS\other.dit"));
    refused.push(foreign);
    for bad in refused {
        assert_eq!(rpc.restore(&bad).result, HResult::ERROR_INVALID_PARAMETER, "{bad:?}");
    }
    let no_map = restore::RegisterRequest { map: Vec::new(), ..good.clone() };
    assert_eq!(rpc.restore(&no_map).result, HResult::HR_NO_FULL_RESTORE);
    assert_eq!(rpc.restore(&good).result, HResult::S_OK);
}

#[test]
fn a_damaged_registration_fails_the_start() {
    let site = Site::new("clean_8k");
    drop(site.start());
    std::fs::write(site.path("state/restore-in-progress.json"), b"{}").unwrap();
    let error = RunningService::start(site.options()).unwrap_err().to_string();
    assert!(error.contains("restore-in-progress.json"), "{error}");
}
