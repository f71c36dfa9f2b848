//! DsBackupPrepare.

use std::collections::HashSet;

use ntdsbcli::functions::{Text, ds_backup_end, ds_backup_prepare};
use ntdsbcli::{HResult, Handle};

use crate::fixture::*;

/// The call with every output asked for; outputs are checked to be neutral after a failure.
fn call(server: &[u16], grbit: u32, backup_type: u32) -> Result<Handle, HResult> {
    let (mut token, mut size, mut handle) = (vec![7], 7, Handle::from_raw(7));
    let code = ds_backup_prepare(
        Some(Text::Wide(server)),
        grbit,
        backup_type,
        Some(&mut token),
        Some(&mut size),
        Some(&mut handle),
    );
    if !code.is_ok() {
        assert!(token.is_empty() && size == 0 && handle == Handle::NULL, "{code:?}");
    }
    code.ok()?;
    Ok(handle)
}

#[test]
fn api_035_a_full_prepare_returns_handle_and_token() {
    let fixture = Fixture::online(CLEAN);
    let (handle, token) = fixture.prepare().unwrap();
    assert_ne!(handle, Handle::NULL);
    let length = u32::from_le_bytes(token[12..16].try_into().unwrap());
    assert_eq!((&token[..8], length as usize), (&b"DSBTOKEN"[..], token.len()));
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_036_without_a_place_for_the_token_a_parameter_is_invalid() {
    let (mut size, mut handle) = (7, Handle::from_raw(7));
    let server = wide("localhost");
    let server = Some(Text::Wide(&server));
    let code = ds_backup_prepare(server, 0, 1, None, Some(&mut size), Some(&mut handle));
    assert_eq!((code, size, handle), (HResult::HR_INVALID_PARAM, 0, Handle::NULL));
}

#[test]
fn api_037_without_a_place_for_its_size_a_parameter_is_invalid() {
    let (mut token, mut handle) = (vec![7], Handle::from_raw(7));
    let server = wide("localhost");
    let server = Some(Text::Wide(&server));
    let code = ds_backup_prepare(server, 0, 1, Some(&mut token), None, Some(&mut handle));
    assert_eq!((code, token, handle), (HResult::HR_INVALID_PARAM, vec![], Handle::NULL));
}

#[test]
fn api_038_server_and_handle_are_required() {
    let (mut token, mut size, mut handle) = (vec![7], 7, Handle::from_raw(7));
    let code = ds_backup_prepare(None, 0, 1, Some(&mut token), Some(&mut size), Some(&mut handle));
    assert_eq!((code, size, handle), (INV, 0, Handle::NULL));
    let server = wide("localhost");
    let server = Some(Text::Wide(&server));
    assert_eq!(ds_backup_prepare(server, 0, 1, Some(&mut token), Some(&mut size), None), INV);
}

#[test]
fn api_039_incremental_is_invalid() {
    let fixture = Fixture::online(CLEAN);
    assert_eq!(call(&fixture.server(), 0, 4), Err(INV));
}

#[test]
fn api_040_every_other_type_is_invalid() {
    let fixture = Fixture::online(CLEAN);
    for backup_type in [2, 0, 3, 5, 7, 8, 0x8000_0001, 0xFFFF_FFFF] {
        assert_eq!(call(&fixture.server(), 0, backup_type), Err(INV), "{backup_type:#x}");
    }
}

#[test]
fn api_041_grbit_0_and_1_mean_the_same() {
    let fixture = Fixture::online(DIRTY);
    let [without, with] = [0, 1].map(|grbit| {
        let handle = call(&fixture.server(), grbit, 1).unwrap();
        let lists = (databases(handle), logs(handle));
        assert_eq!(ds_backup_end(handle), OK);
        lists
    });
    assert_eq!(without, with);
    assert_eq!(call(&fixture.server(), 2, 1), Err(INV));
}

#[test]
fn api_042_an_offline_directory_cannot_be_backed_up() {
    let fixture = Fixture::restoring(CLEAN);
    assert_eq!(call(&fixture.server(), 0, 1), Err(HResult::HR_COULD_NOT_CONNECT));
}

#[test]
fn api_043_one_backup_at_a_time() {
    let fixture = Fixture::online(CLEAN);
    let first = fixture.backup();
    assert_eq!(call(&fixture.server(), 0, 1), Err(HResult::HR_BACKUP_IN_PROGRESS));
    assert_eq!(databases(first).len(), 1, "the first goes on");
    assert_eq!(ds_backup_end(first), OK);
}

#[test]
fn api_044_without_the_right_nothing_begins() {
    let fixture = Fixture::with_policy(CLEAN, "version = 1\n[defaults]\nquery = [\"@local\"]\n");
    for _ in 0..2 {
        assert_eq!(call(&fixture.server(), 0, 1), Err(HResult::ERROR_ACCESS_DENIED));
    }
    assert!(fixture.is_online());
}

#[test]
fn api_045_outputs_are_neutral_after_every_failure() {
    let fixture = Fixture::restoring(CLEAN);
    for (server, grbit, backup_type) in
        [("", 0, 1), ("a_b", 0, 1), ("/nowhere", 0, 1), ("localhost", 9, 1), ("localhost", 0, 9)]
    {
        call(&wide(server), grbit, backup_type).unwrap_err();
    }
    call(&fixture.server(), 0, 1).unwrap_err();
}

#[test]
fn api_047_the_first_mistake_in_order_decides() {
    // Not the fixture's server: these calls do not come that far.
    let fixture = Fixture::online(CLEAN);
    let (mut token, mut size, mut handle) = (Vec::new(), 0, Handle::NULL);
    let bad_text = Some(Text::Ansi(b"\xFF"));
    let bad_name = wide("a_b");
    let bad_name = Some(Text::Wide(&bad_name));
    // Outputs before inputs.
    assert_eq!(
        ds_backup_prepare(None, 9, 9, None, Some(&mut size), Some(&mut handle)),
        HResult::HR_INVALID_PARAM
    );
    // Inputs and flags before text and name.
    let mut prepare = |server, grbit, backup_type| {
        let outputs = (Some(&mut token), Some(&mut size), Some(&mut handle));
        ds_backup_prepare(server, grbit, backup_type, outputs.0, outputs.1, outputs.2)
    };
    assert_eq!(prepare(None, 9, 9), INV);
    assert_eq!(prepare(bad_text, 9, 1), INV);
    assert_eq!(prepare(bad_name, 0, 9), INV);
    // Text before name, name before connection.
    assert_eq!(prepare(bad_text, 0, 1), HResult::ERROR_NO_UNICODE_TRANSLATION);
    assert_eq!(prepare(bad_name, 0, 1), HResult::HR_COULD_NOT_CONNECT);

    // Handle before everything, values before state.
    let handle = fixture.backup();
    let open = ntdsbcli::functions::ds_backup_open_file;
    let mut length = 0;
    assert_eq!(open(Handle::from_raw(99), None, 0, None), INV);
    assert_eq!(open(handle, bad_text, 65536, None), INV);
    assert_eq!(open(handle, bad_text, 1, Some(&mut length)), INV);
    let untranslatable = HResult::ERROR_NO_UNICODE_TRANSLATION;
    assert_eq!(open(handle, bad_text, 65536, Some(&mut length)), untranslatable);
    let read = ntdsbcli::functions::ds_backup_read;
    let (mut buffer, mut count) = (vec![0; 100], 0);
    assert_eq!(read(handle, Some(&mut buffer), Some(&mut count)), INV);
    buffer.resize(24576, 0);
    assert_eq!(read(handle, Some(&mut buffer), Some(&mut count)), HResult::HR_INVALID_HANDLE);
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_048_handles_are_distinct_and_never_null_or_minus_one() {
    let fixture = Fixture::online(CLEAN);
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let handle = fixture.backup();
        assert!(handle != Handle::NULL && handle.to_raw() != u64::MAX);
        assert!(seen.insert(handle));
        assert_eq!(ds_backup_end(handle), OK);
    }
}

#[test]
fn api_049_after_the_end_a_new_backup_begins_at_once() {
    let fixture = Fixture::online(CLEAN);
    for _ in 0..5 {
        assert_eq!(ds_backup_end(fixture.backup()), OK);
    }
}
