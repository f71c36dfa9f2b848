//! Backups: what is delivered, in which order calls may come, what happens when a client is gone.

use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ms_dtyp::FileTime;
use ntdsb::idl::{DSB_WIRE_REVISION, backup, restore};
use ntdsb::{FileType, HResult};
use ntdsbsrv::clock::ManualClock;
use ntdsbsrv::{RunningService, ServeError, ServeOptions, Status};

use crate::client::{Rpc, Site};

#[test]
fn a_clean_database_comes_out_byte_for_byte() {
    for set in testkit::CLEAN {
        let site = Site::new(set);
        let service = site.start();
        let mut rpc = Rpc::connect(&service);
        assert!(rpc.is_online());
        let (token, files) = rpc.whole_backup();
        assert!((256..=4096).contains(&token.len()));
        let [(file_type, name, content)] = &files[..] else { panic!("{}", files.len()) };
        assert_eq!(*file_type, FileType::Database);
        assert!(name.starts_with(r"\\") && name.contains(r"\ROOT$\"), "{name}");
        assert!(*content == std::fs::read(site.set.file("test.edb")).unwrap(), "{set}");
    }
}

#[test]
fn a_dirty_database_comes_with_the_logs_it_needs() {
    let site = Site::new("crash_8k_e");
    let service = site.start();
    let mut rpc = Rpc::connect(&service);
    let (_, files) = rpc.whole_backup();
    let logs: Vec<_> = files.iter().filter(|(kind, ..)| *kind == FileType::Log).collect();
    assert!(logs.len() > 1);
    let last = logs.last().unwrap();
    assert!(last.2 == std::fs::read(site.set.file("edb.log")).unwrap());
    assert!(!last.1.ends_with("edb.log"), "the current log is listed by its archived name");
    let audit = site.audit();
    assert!(audit.contains("ended: complete"), "{audit}");
}

#[test]
fn the_logs_are_numbered_and_a_truncation_deletes_none() {
    let site = Site::new("backup_8k");
    let service = site.start();
    let mut rpc = Rpc::connect(&service);
    let (_, context) = rpc.prepare().unwrap();
    let database = rpc.names(context).remove(0).path;
    rpc.read_file(context, &database).unwrap();
    let (lowest, highest, logs) = rpc.logs(context);
    assert_eq!((lowest, highest, logs.len()), (1, 6, 6));
    let truncate = backup::TruncateLogsRequest { context };
    assert_eq!(rpc.backup(&truncate).result, HResult(0xC800_0268), "logs are unread");
    for log in &logs {
        rpc.read_file(context, &log.path).unwrap();
    }
    let truncated = rpc.backup(&truncate);
    assert_eq!((truncated.result, truncated.deleted), (HResult::S_OK, 0));
    assert!(site.set.file("edb00001.log").exists());
    assert!(site.audit().contains("nothing-deleted"));
    assert_eq!(rpc.end(context), HResult::S_OK);
}

#[test]
fn calls_out_of_sequence_have_their_codes_and_change_nothing() {
    let site = Site::new("backup_8k");
    let service = site.start();
    let mut rpc = Rpc::connect(&service);
    let (_, context) = rpc.prepare().unwrap();
    let database = rpc.names(context).remove(0).path;
    let log = database.replace("test.edb", "edb00001.log");
    let sequence = HResult::HR_INVALID_BACKUP_SEQUENCE;
    assert_eq!(rpc.open(context, &log).unwrap_err(), sequence);
    let other = database.replace("test.edb", "other");
    assert_eq!(rpc.open(context, &other).unwrap_err(), HResult::ERROR_INVALID_PARAMETER);
    let climbing = format!("{database}\\..\\test.edb");
    assert_eq!(rpc.open(context, &climbing).unwrap_err(), HResult::ERROR_INVALID_PARAMETER);
    assert_eq!(rpc.read(context, 1, 0, 8192).unwrap_err(), HResult::HR_INVALID_HANDLE);
    assert_eq!(rpc.close(context, 1), HResult::HR_INVALID_HANDLE);
    // With its type in front, in lower case, and by its local path.
    let file = rpc.open(context, &format!("D{}", database.to_lowercase())).unwrap();
    assert_eq!(rpc.open(context, &database).unwrap_err(), HResult::HR_ALREADY_OPEN);
    let logs = backup::GetBackupLogsRequest { context };
    assert_eq!(rpc.backup(&logs).result, sequence, "a file is open");
    let invalid = HResult::ERROR_INVALID_PARAMETER;
    assert_eq!(rpc.read(context, file.file_id, 100, 8192).unwrap_err(), invalid);
    assert_eq!(rpc.read(context, file.file_id, 0, 100).unwrap_err(), invalid);
    assert_eq!(rpc.close(context, file.file_id), HResult::S_OK);
    let local = site.set.file("test.edb").display().to_string();
    let file = rpc.open(context, &local).unwrap();
    assert_eq!(rpc.close(context, file.file_id), HResult::S_OK);
    rpc.logs(context);
    assert_eq!(rpc.open(context, &database).unwrap_err(), sequence);
    assert_eq!(rpc.end(context), HResult::S_OK);
    assert_eq!(rpc.backup_fault(&backup::EndRequest { context }), 0x1C00_001A);
}

#[test]
fn one_backup_runs_at_a_time() {
    let site = Site::new("clean_8k");
    let service = site.start();
    let (mut first, mut second) = (Rpc::connect(&service), Rpc::connect(&service));
    let (_, context) = first.prepare().unwrap();
    assert_eq!(second.prepare().unwrap_err(), HResult(0xC800_01F9));
    assert_eq!(first.names(context).len(), 1);
    // A handle is good only on the connections of its own client.
    let names = backup::GetDatabaseNamesRequest { context };
    assert_eq!(second.backup_fault(&names), 0x1C00_001A);
    // And only on its own interface.
    let locations = restore::GetDatabaseLocationsRequest { context };
    assert_eq!(first.restore_fault(&locations), 0x1C00_001A);
    assert_eq!(first.end(context), HResult::S_OK);
    assert!(second.prepare().is_ok());
}

#[test]
fn a_client_that_is_gone_makes_room_at_once() {
    let site = Site::new("clean_8k");
    let service = site.start();
    let mut client = Rpc::connect(&service);
    client.prepare().unwrap();
    drop(client);
    let begun = Instant::now();
    let mut next = Rpc::connect(&service);
    while next.prepare().is_err() {
        assert!(begun.elapsed() < Duration::from_secs(1));
        std::thread::yield_now();
    }
    assert!(site.audit().contains("connection lost: aborted"));
}

#[test]
fn arguments_that_are_not_supported_are_refused() {
    let site = Site::new("clean_8k");
    let service = site.start();
    let mut rpc = Rpc::connect(&service);
    for (revision, grbit, backup_type, expect) in [
        (DSB_WIRE_REVISION, 0, 4, HResult::ERROR_INVALID_PARAMETER),
        (DSB_WIRE_REVISION, 0, 2, HResult::ERROR_INVALID_PARAMETER),
        (DSB_WIRE_REVISION, 0, 0, HResult::ERROR_INVALID_PARAMETER),
        (DSB_WIRE_REVISION, 1, 1, HResult::ERROR_INVALID_PARAMETER),
        (1, 0, 1, HResult::HR_COULD_NOT_CONNECT),
    ] {
        let response = rpc.backup(&backup::PrepareRequest { revision, grbit, backup_type });
        assert_eq!(response.result, expect);
        assert!(response.context.is_null() && response.token.is_empty());
    }
    let ping = rpc.backup(&backup::PingRequest { revision: DSB_WIRE_REVISION });
    assert_eq!((ping.result, ping.revision), (HResult::S_OK, DSB_WIRE_REVISION));
    assert_eq!(ping.capabilities, 0b01010, "concurrent reads, restore; not live");
    assert_eq!(ping.max_read, 4 << 20);
}

#[test]
fn a_damaged_page_is_never_delivered_and_is_in_the_audit_log() {
    let site = Site::new("clean_8k");
    let file = std::fs::OpenOptions::new().write(true).open(site.set.file("test.edb")).unwrap();
    // Page 20: two bytes far apart.
    file.write_all_at(&[0xA5, 0x5A], 21 * 8192 + 1000).unwrap();
    file.write_all_at(&[0x77, 0x11], 21 * 8192 + 6000).unwrap();
    let service = site.start();
    let mut rpc = Rpc::connect(&service);
    let (_, context) = rpc.prepare().unwrap();
    let database = rpc.names(context).remove(0).path;
    let open = rpc.open(context, &database).unwrap();
    for _ in 0..2 {
        let read = rpc.read(context, open.file_id, 0, 1 << 20);
        assert_eq!(read.unwrap_err(), HResult::HR_READ_VERIFY_FAILURE);
    }
    assert_eq!(rpc.read(context, open.file_id, 0, 8192 * 21).unwrap().len(), 8192 * 21);
    assert_eq!(rpc.end(context), HResult::S_OK);
    let audit = site.audit();
    let event = audit.lines().find(|line| line.contains("damaged-page")).unwrap();
    assert!(event.contains("\"page\":20"), "{event}");
    assert!(audit.contains("ended: aborted"));
}

#[test]
fn a_single_wrong_bit_is_put_right_and_reported() {
    let site = Site::new("clean_8k");
    let path = site.set.file("test.edb");
    let original = std::fs::read(&path).unwrap();
    let mut damaged = original.clone();
    damaged[30 * 8192 + 777] ^= 0x10;
    std::fs::write(&path, &damaged).unwrap();
    let service = site.start();
    let (_, files) = Rpc::connect(&service).whole_backup();
    assert!(files[0].2 == original);
    assert!(std::fs::read(&path).unwrap() == damaged, "the file is untouched");
    assert!(site.audit().contains("\"event\":\"corrected-page\""));
}

#[test]
fn an_idle_context_is_aborted_and_remembered_for_a_while() {
    let site = Site::new("clean_8k");
    let clock = Arc::new(ManualClock::new(FileTime::from_unix(1_700_000_000, 0)));
    let options = ServeOptions { clock: clock.clone(), ..site.options() };
    let service = RunningService::start(options).unwrap();
    let mut rpc = Rpc::connect(&service);
    let (_, context) = rpc.prepare().unwrap();
    clock.advance(Duration::from_secs(14 * 60));
    service.abort_idle_contexts();
    assert_eq!(rpc.names(context).len(), 1, "a call starts the time anew");
    clock.advance(Duration::from_secs(15 * 60));
    service.abort_idle_contexts();
    let names = backup::GetDatabaseNamesRequest { context };
    assert_eq!(rpc.backup(&names).result, HResult(0xC800_0321));
    let (_, second) = Rpc::connect(&service).prepare().unwrap();
    assert_ne!(context, second);
    clock.advance(Duration::from_secs(10 * 60));
    service.abort_idle_contexts();
    assert_eq!(rpc.backup_fault(&names), 0x1C00_001A);
}

#[test]
fn contexts_of_a_peer_are_limited() {
    let site = Site::new("clean_8k");
    let service = site.start();
    let mut rpc = Rpc::connect(&service);
    for _ in 0..16 {
        rpc.restore_prepare(None).unwrap();
    }
    assert_eq!(rpc.prepare().unwrap_err(), HResult::ERROR_NOT_ENOUGH_MEMORY);
    assert_eq!(rpc.restore_prepare(None).unwrap_err(), HResult::ERROR_NOT_ENOUGH_MEMORY);
}

#[test]
fn the_log_number_is_kept_over_a_restart() {
    let site = Site::new("backup_8k");
    let service = site.start();
    let mut rpc = Rpc::connect(&service);
    let set = |rpc: &mut Rpc, current_log| {
        rpc.restore(&restore::SetCurrentLogNumberRequest { current_log }).result
    };
    let check = restore::CheckLogsForBackupRequest;
    assert_eq!(rpc.restore(&check).result, HResult::HR_FULL_BACKUP_NOT_TAKEN);
    assert_eq!(set(&mut rpc, 7), HResult::ERROR_INVALID_PARAMETER, "6 is the highest");
    assert_eq!(set(&mut rpc, u32::MAX), HResult::S_OK);
    rpc.whole_backup();
    let checked = rpc.restore(&check);
    assert_eq!((checked.result, checked.lowest, checked.highest), (HResult::S_OK, 0, 0));
    assert_eq!(set(&mut rpc, 3), HResult::S_OK);
    drop(rpc);
    service.stop().unwrap();
    let service = site.start();
    let checked = Rpc::connect(&service).restore(&check);
    assert_eq!((checked.result, checked.lowest, checked.highest), (HResult::S_OK, 4, 6));
}

#[test]
fn two_services_share_neither_socket_nor_state() {
    let site = Site::new("clean_8k");
    let service = site.start();
    assert!(matches!(service.status(), Status::Online { .. }));
    let other_socket = ServeOptions { socket: Some(site.path("other")), ..site.options() };
    let error = RunningService::start(other_socket).unwrap_err();
    assert!(matches!(error, ServeError::StateInUse { .. }), "{error}");
    let other_state = ServeOptions { state: Some(site.path("other")), ..site.options() };
    let error = RunningService::start(other_state).unwrap_err();
    assert!(matches!(error, ServeError::SocketInUse { .. }), "{error}");
    service.stop().unwrap();
    assert!(!site.path("socket").exists());
    site.start();
}

#[test]
fn directories_that_cannot_be_hosted_fail_the_start() {
    let site = Site::new("crash_8k_e");
    std::fs::remove_file(site.set.file("edb.log")).unwrap();
    let error = RunningService::start(site.options()).unwrap_err();
    assert!(matches!(error, ServeError::Directory(_)), "{error}");
    assert!(!site.path("socket").exists(), "nobody can have connected");
    std::fs::write(site.set.file("test.edb"), b"no database").unwrap();
    let error = RunningService::start(site.options()).unwrap_err().to_string();
    assert!(error.contains("test.edb"), "{error}");
}
