//! Names, DsIsNTDSOnline, DsSetCurrentBackupLog.

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use ntdsbcli::functions::{ds_is_ntds_online, ds_set_current_backup_log};
use ntdsbcli::options::Options;
use ntdsbcli::{HResult, Server};

use crate::fixture::*;
use ntdsbcli::functions::Text;

const COULD_NOT_CONNECT: HResult = HResult::HR_COULD_NOT_CONNECT;

fn ask(server: &str) -> Result<bool, HResult> {
    let mut online = true;
    let server = wide(server);
    let code = ds_is_ntds_online(Some(Text::Wide(&server)), Some(&mut online));
    assert!(code.is_ok() || !online, "the answer is neutral after a failure");
    code.ok()?;
    Ok(online)
}

#[test]
fn api_009_an_open_directory_is_online() {
    assert!(Fixture::online(CLEAN).is_online());
}

#[test]
fn api_010_a_service_in_restore_mode_is_not() {
    assert!(!Fixture::restoring(CLEAN).is_online());
}

#[test]
fn api_011_two_backslashes_in_front_make_no_difference() {
    let (_settings, _fixture) = documented(CLEAN);
    assert_eq!(ask("\\\\localhost"), Ok(true));
    assert_eq!(ask("localhost"), Ok(true));
}

#[test]
fn api_012_one_or_three_backslashes_are_malformed() {
    let (_settings, _fixture) = documented(CLEAN);
    for name in ["\\localhost", "\\\\\\localhost", "\\\\\\\\localhost"] {
        assert_eq!(ask(name), Err(COULD_NOT_CONNECT), "{name}");
    }
}

#[test]
fn api_013_an_underscore_is_malformed() {
    let (_settings, _fixture) = documented(CLEAN);
    for name in ["local_host", "\\\\local_host", "_"] {
        assert_eq!(ask(name), Err(COULD_NOT_CONNECT), "{name}");
    }
}

#[test]
fn api_014_an_empty_name_is_malformed() {
    let (_settings, _fixture) = documented(CLEAN);
    for name in ["", "\\", "\\\\", "\\\\\\"] {
        assert_eq!(ask(name), Err(COULD_NOT_CONNECT), "{name}");
    }
}

#[test]
fn api_015_null_arguments_are_invalid() {
    let mut online = true;
    assert_eq!(ds_is_ntds_online(None, Some(&mut online)), INV);
    assert!(!online);
    let server = wide("localhost");
    assert_eq!(ds_is_ntds_online(Some(Text::Wide(&server)), None), INV);
}

#[test]
fn api_016_another_computer_is_an_invalid_binding_and_nothing_is_sent() {
    let _settings = Settings::alone();
    let scratch = tempfile::tempdir().unwrap();
    let socket = scratch.path().join("socket");
    let spy = UnixListener::bind(&socket).unwrap();
    spy.set_nonblocking(true).unwrap();
    Options::change(|options| {
        options.addressing = false;
        options.socket = Some(socket);
    });
    for name in ["elsewhere", "\\\\elsewhere", "localhost.elsewhere.example"] {
        assert_eq!(ask(name), Err(HResult::RPC_S_INVALID_BINDING), "{name}");
    }
    assert_eq!(spy.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn api_017_a_stopped_service_cannot_be_connected() {
    let mut fixture = Fixture::online(CLEAN);
    fixture.stop();
    assert_eq!(fixture.safe().is_online().unwrap_err().code(), COULD_NOT_CONNECT);

    // One that accepts and never answers is given up within the limit.
    let silent = fixture.scratch.path().join("silent");
    let _listener = UnixListener::bind(&silent).unwrap();
    let began = Instant::now();
    let server = Server::at_socket(&silent).with_connect_timeout(Duration::from_millis(200));
    assert_eq!(server.is_online().unwrap_err().code(), COULD_NOT_CONNECT);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn api_018_without_the_right_query_access_is_denied() {
    let fixture = Fixture::with_policy(CLEAN, "version = 1\n");
    let error = fixture.safe().is_online().unwrap_err();
    assert_eq!(error.code(), HResult::ERROR_ACCESS_DENIED);
}

#[test]
fn api_019_after_a_failure_the_answer_is_false() {
    let _settings = addressed();
    for name in ["", "local_host", "/nowhere/socket"] {
        ask(name).unwrap_err();
    }
}

#[test]
fn api_020_case_and_a_trailing_dot_make_no_difference() {
    let (_settings, _fixture) = documented(CLEAN);
    for name in ["LOCALHOST", "LocalHost.", "\\\\localhost.", "."] {
        assert_eq!(ask(name), Ok(true), "{name}");
    }
}

fn set_log(fixture: &Fixture, number: u32) -> HResult {
    ds_set_current_backup_log(Some(Text::Wide(&fixture.server())), number)
}

fn state(fixture: &Fixture) -> String {
    std::fs::read_to_string(fixture.scratch.path().join("state/service-state.json")).unwrap()
}

#[test]
fn api_029_a_log_number_is_stored_and_survives_a_restart() {
    let mut fixture = Fixture::online(DIRTY);
    assert_eq!(set_log(&fixture, 3), OK);
    fixture.restart(false);
    assert!(state(&fixture).replace(' ', "").contains("\"last_backed_up_log\":3"));
}

#[test]
fn api_030_incremental_backups_can_be_disabled() {
    let fixture = Fixture::online(DIRTY);
    assert_eq!(set_log(&fixture, ntdsb::BACKUP_DISABLE_INCREMENTAL), OK);
    assert!(state(&fixture).replace(' ', "").contains("\"incremental_disabled\":true"));
}

#[test]
fn api_031_a_number_above_the_current_generation_is_invalid() {
    let fixture = Fixture::online(DIRTY);
    assert_eq!(set_log(&fixture, 0x7FFF_FFFF), INV);
    assert_eq!(set_log(&fixture, 0xFFFF_FFFE), INV);
    assert_eq!(set_log(&fixture, 0), OK);
}

#[test]
fn api_032_its_server_is_checked_as_everywhere() {
    assert_eq!(ds_set_current_backup_log(None, 1), INV);
    let (_settings, _fixture) = documented(CLEAN);
    let set = |name: &str| ds_set_current_backup_log(Some(Text::Wide(&wide(name))), 0);
    for name in ["", "\\localhost", "local_host"] {
        assert_eq!(set(name), COULD_NOT_CONNECT, "{name}");
    }
    assert_eq!(set("elsewhere"), HResult::RPC_S_INVALID_BINDING);
    assert_eq!(set("localhost"), OK);
}

#[test]
fn api_033_a_full_backup_is_not_affected() {
    let fixture = Fixture::online(DIRTY);
    assert_eq!(set_log(&fixture, ntdsb::BACKUP_DISABLE_INCREMENTAL), OK);
    let handle = fixture.backup();
    assert_eq!(logs(handle).len(), {
        assert_eq!(ntdsbcli::functions::ds_backup_end(handle), OK);
        let again = fixture.backup();
        assert_eq!(set_log(&fixture, 0), OK);
        let count = logs(again).len();
        assert_eq!(ntdsbcli::functions::ds_backup_end(again), OK);
        count
    });
}

#[test]
fn api_034_a_completed_full_backup_clears_the_disable_mark() {
    let fixture = Fixture::online(DIRTY);
    assert_eq!(set_log(&fixture, ntdsb::BACKUP_DISABLE_INCREMENTAL), OK);
    let handle = fixture.backup();
    fetch_all(handle);
    assert_eq!(ntdsbcli::functions::ds_backup_end(handle), OK);
    assert!(!state(&fixture).replace(' ', "").contains("\"incremental_disabled\":true"));
}
