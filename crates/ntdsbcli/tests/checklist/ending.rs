//! DsBackupTruncateLogs, DsBackupEnd.

use ntdsbcli::functions::{ds_backup_end, ds_backup_truncate_logs};
use ntdsbcli::{HResult, Handle};

use crate::fixture::*;

#[test]
fn api_084_truncation_comes_after_the_logs() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    assert_eq!(ds_backup_truncate_logs(handle), SEQ);
    fetch(handle, &databases(handle)[0]);
    assert_eq!(ds_backup_truncate_logs(handle), SEQ);
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_085_truncation_needs_the_file_closed() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    open(handle, &databases(handle)[0], 65536).unwrap();
    assert_eq!(ds_backup_truncate_logs(handle), SEQ);
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_086_every_log_must_have_been_read() {
    let fixture = Fixture::online(DIRTY);
    let before = files(&fixture);
    let handle = fixture.backup();
    fetch(handle, &databases(handle)[0]);
    for name in logs(handle).iter().skip(1) {
        fetch(handle, name);
    }
    assert_eq!(ds_backup_truncate_logs(handle), HResult(0xC800_0268));
    assert_eq!(files(&fixture), before);
    fetch(handle, &logs(handle)[0]);
    assert_eq!(ds_backup_truncate_logs(handle), OK);
    assert_eq!(files(&fixture), before, "a database that stands still keeps its logs");
    assert_eq!(ds_backup_end(handle), OK);
}

fn files(fixture: &Fixture) -> Vec<std::ffi::OsString> {
    let entries = std::fs::read_dir(fixture.files.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

#[test]
fn api_087_the_database_must_have_been_read() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    open(handle, &databases(handle)[0], 65536).unwrap();
    read(handle, &mut vec![0; 24576]).unwrap();
    assert_eq!(ntdsbcli::functions::ds_backup_close(handle), OK);
    for name in logs(handle) {
        fetch(handle, &name);
    }
    assert_eq!(ds_backup_truncate_logs(handle), SEQ);
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_089_truncating_twice_is_no_error() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    fetch_all(handle);
    assert_eq!(ds_backup_truncate_logs(handle), OK);
    assert_eq!(ds_backup_truncate_logs(handle), OK);
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_090_after_truncation_nothing_is_opened() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    let (database, log) = (databases(handle).remove(0), {
        fetch(handle, &databases(handle)[0]);
        logs(handle).remove(0)
    });
    for name in logs(handle) {
        fetch(handle, &name);
    }
    assert_eq!(ds_backup_truncate_logs(handle), OK);
    assert_eq!(open(handle, &database, 65536), Err(SEQ));
    assert_eq!(open(handle, &log, 65536), Err(SEQ));
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_091_without_the_right_nothing_is_truncated_and_the_context_goes_on() {
    let policy = "version = 1\n[defaults]\nquery = [\"@local\"]\nbackup = [\"@local\"]\n";
    let fixture = Fixture::with_policy(DIRTY, policy);
    let handle = fixture.backup();
    fetch_all(handle);
    assert_eq!(ds_backup_truncate_logs(handle), HResult::ERROR_ACCESS_DENIED);
    assert_eq!(logs(handle).len(), 5);
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_093_an_open_file_is_closed_by_the_end() {
    let fixture = Fixture::online(DIRTY);
    for reads in 0..3 {
        let handle = fixture.backup();
        open(handle, &databases(handle)[0], 65536).unwrap();
        for _ in 0..reads {
            read(handle, &mut vec![0; 24576]).unwrap();
        }
        assert_eq!(ds_backup_end(handle), OK);
    }
    assert_eq!(ds_backup_end(fixture.backup()), OK);
}

#[test]
fn api_094_a_second_end_is_invalid() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    assert_eq!(ds_backup_end(handle), OK);
    assert_eq!(ds_backup_end(handle), INV);
    let next = fixture.backup();
    assert_eq!(ds_backup_end(handle), INV, "although the slot is taken again");
    assert_eq!(ds_backup_end(next), OK);
}

#[test]
fn api_095_garbage_is_no_handle() {
    let fixture = Fixture::online(CLEAN);
    let live = fixture.backup();
    assert_eq!(ds_backup_end(Handle::NULL), INV);
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    for _ in 0..10_000 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        // Small numbers look like handles most.
        for raw in [seed, seed % 0x40_0000, seed | 0xFFFF_FFFF_0000_0000] {
            let handle = Handle::from_raw(raw);
            if handle.to_raw() >> 16 < 0x10_0000 && handle.to_raw() & 0xFFFF < 64 {
                continue;
            }
            assert_eq!(ds_backup_end(handle), INV);
        }
    }
    assert_eq!(ds_backup_end(live), OK);
}

#[test]
fn api_097_a_backup_is_complete_without_truncation() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    fetch_all(handle);
    assert_eq!(ds_backup_end(handle), OK);
    let state = fixture.scratch.path().join("state/service-state.json");
    let state = std::fs::read_to_string(state).unwrap().replace(' ', "");
    assert!(state.contains("\"last_complete_backup\":{"), "{state}");

    let aborted = fixture.backup();
    fetch(aborted, &databases(aborted)[0]);
    assert_eq!(ds_backup_end(aborted), OK);
    assert!(fixture.audit().contains("context-end"));
}
