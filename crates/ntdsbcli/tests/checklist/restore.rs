//! DsRestorePrepare, DsRestoreGetDatabaseLocations.

use std::sync::Arc;

use ms_dtyp::FileTime;
use ntdsbcli::functions::{
    Form, List, Text, ds_backup_end, ds_backup_get_backup_logs, ds_backup_get_database_names,
    ds_restore_end, ds_restore_get_database_locations, ds_restore_prepare,
    ds_restore_register_complete,
};
use ntdsbcli::{HResult, Handle};
use ntdsbsrv::clock::ManualClock;

use crate::fixture::*;
use crate::registration::register;

const UNKNOWN: HResult = HResult::HR_UNKNOWN_EXPIRY_TOKEN_FORMAT;
const NO_TOKEN: HResult = HResult::HR_MISSING_EXPIRY_TOKEN;

#[test]
fn api_102_without_a_token_only_locations_and_the_end_are_allowed() {
    let fixture = Fixture::restoring(CLEAN);
    let handle = fixture.restore(None).unwrap();
    assert_eq!(entries(&wide_list(ds_restore_get_database_locations, handle)).len(), 3);
    assert_eq!(register(handle, "/c", "/l", &[("/a/x.dit", "/b/x.dit")], "/l", (0, 0)), NO_TOKEN);
    for state in [OK, HResult::ERROR_ACCESS_DENIED] {
        assert_eq!(ds_restore_register_complete(handle, state), NO_TOKEN);
    }
    assert_eq!(ds_restore_end(handle), OK);
}

#[test]
fn api_103_a_valid_token_opens_a_restore_offline() {
    let mut fixture = Fixture::restoring(CLEAN);
    let token = fixture.token();
    let handle = fixture.restore(Some(&token)).unwrap();
    assert_eq!(ds_restore_end(handle), OK);
}

#[test]
fn api_104_a_restore_while_online_comes_too_late() {
    let mut fixture = Fixture::online(CLEAN);
    let token = fixture.token();
    assert_eq!(fixture.restore(Some(&token)), Err(HResult(0xC800_073A)));
}

#[test]
fn api_105_only_the_catch_up_type_is_supported() {
    let fixture = Fixture::restoring(CLEAN);
    let server = fixture.server();
    for (restore_type, code) in [(0, OK), (4, OK), (1, INV), (2, INV), (3, INV), (5, INV), (8, INV)]
    {
        let mut handle = Handle::from_raw(7);
        let server = Some(Text::Wide(&server));
        assert_eq!(ds_restore_prepare(server, restore_type, None, Some(&mut handle)), code);
        if code.is_ok() {
            assert_eq!(ds_restore_end(handle), OK);
        } else {
            assert_eq!(handle, Handle::NULL);
        }
    }
}

#[test]
fn api_106_a_token_with_any_bit_flipped_is_unknown() {
    let mut fixture = Fixture::restoring(CLEAN);
    let mut token = fixture.token();
    for bit in 0..token.len() * 8 {
        token[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(fixture.restore(Some(&token)), Err(UNKNOWN), "bit {bit}");
        token[bit / 8] ^= 1 << (bit % 8);
    }
    assert_eq!(ds_restore_end(fixture.restore(Some(&token)).unwrap()), OK);
}

#[test]
fn api_107_a_token_of_a_wrong_size_is_unknown() {
    let mut fixture = Fixture::restoring(CLEAN);
    let token = fixture.token();
    for size in [0, 1, 255, token.len() - 1] {
        assert_eq!(fixture.restore(Some(&token[..size])), Err(UNKNOWN), "{size}");
    }
    for size in [token.len() + 1, 4096, 4097, 100_000] {
        let mut longer = token.clone();
        longer.resize(size, 0);
        assert_eq!(fixture.restore(Some(&longer)), Err(UNKNOWN), "{size}");
    }
}

fn filetime(token: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(token[offset..offset + 8].try_into().unwrap())
}

fn restore_at(fixture: &mut Fixture, time: u64, token: &[u8]) -> Result<(), HResult> {
    fixture.stop();
    fixture.options.clock = Arc::new(ManualClock::new(FileTime(time)));
    fixture.start();
    fixture.restore(Some(token)).map(|handle| assert_eq!(ds_restore_end(handle), OK))
}

#[test]
fn api_108_a_token_expires_after_its_last_moment() {
    let mut fixture = Fixture::restoring(CLEAN);
    let token = fixture.token();
    let last = filetime(&token, 32);
    assert_eq!(restore_at(&mut fixture, last, &token), Ok(()));
    assert_eq!(restore_at(&mut fixture, last + 1, &token), Err(HResult::HR_CONTENTS_EXPIRED));
}

#[test]
fn api_109_a_clock_before_the_backup_is_accepted() {
    let mut fixture = Fixture::restoring(CLEAN);
    let token = fixture.token();
    let began = filetime(&token, 24);
    assert_eq!(restore_at(&mut fixture, began - 864_000_000_000 * 3, &token), Ok(()));
}

#[test]
fn api_111_the_locations_are_database_logs_and_checkpoint() {
    let fixture = Fixture::restoring(CLEAN);
    let handle = fixture.restore(None).unwrap();
    let found = entries(&wide_list(ds_restore_get_database_locations, handle));
    assert_eq!(found.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [0x44, 0x82, 0x83]);
    assert!(found[0].1.ends_with("\\test.edb") && !found[1].1.ends_with('\\'));
    assert_eq!(ds_restore_end(handle), OK);
}

#[test]
fn api_112_a_backup_handle_gives_the_locations_too() {
    let fixture = Fixture::online(CLEAN);
    let (backup, restore) = (fixture.backup(), fixture.restore(None).unwrap());
    let of_backup = wide_list(ds_restore_get_database_locations, backup);
    assert_eq!(of_backup, wide_list(ds_restore_get_database_locations, restore));
    assert_eq!(databases(backup).len(), 1, "the backup goes on");
    assert_eq!(ds_restore_end(restore), OK);
    assert_eq!(ds_backup_end(backup), OK);
}

#[test]
fn api_113_handles_of_the_other_kind_are_invalid() {
    let fixture = Fixture::online(CLEAN);
    let (backup, restore) = (fixture.backup(), fixture.restore(None).unwrap());
    let (mut list, mut size) = (List::default(), 0);
    for function in [ds_backup_get_database_names, ds_backup_get_backup_logs] {
        assert_eq!(function(restore, Form::Wide, Some(&mut list), Some(&mut size)), INV);
    }
    assert_eq!(open(restore, "x", 65536), Err(INV));
    assert_eq!(read(restore, &mut vec![0; 65536]), Err(INV));
    assert_eq!(ntdsbcli::functions::ds_backup_close(restore), INV);
    assert_eq!(ntdsbcli::functions::ds_backup_truncate_logs(restore), INV);
    assert_eq!(ds_backup_end(restore), INV);
    assert_eq!(register(backup, "/c", "/l", &[("/a", "/b")], "/l", (0, 0)), INV);
    assert_eq!(ds_restore_register_complete(backup, OK), INV);
    assert_eq!(ds_restore_end(backup), INV);
    assert_eq!(ds_restore_end(restore), OK);
    assert_eq!(ds_backup_end(backup), OK);
}

#[test]
fn api_114_without_the_right_restore_access_is_denied() {
    let mut fixture = Fixture::restoring(CLEAN);
    let token = fixture.token();
    fixture.stop();
    let policy = fixture.scratch.path().join("policy.toml");
    let text = "version = 1\n[defaults]\nquery = [\"@local\"]\nlocations = [\"@local\"]\n";
    std::fs::write(&policy, text).unwrap();
    fixture.options.policy = ntdsbsrv::PolicySource::File(policy);
    fixture.start();
    assert_eq!(fixture.restore(Some(&token)), Err(HResult::ERROR_ACCESS_DENIED));
    let restricted = fixture.restore(None).unwrap();
    assert_eq!(entries(&wide_list(ds_restore_get_database_locations, restricted)).len(), 3);
    assert_eq!(ds_restore_end(restricted), OK);
}
