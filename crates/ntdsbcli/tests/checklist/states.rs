//! The state tables: each call in each state, on a context of its own.

use ntdsbcli::functions::{
    Form, ds_backup_close, ds_backup_end, ds_backup_get_backup_logs, ds_backup_get_database_names,
    ds_backup_truncate_logs, ds_restore_end, ds_restore_get_database_locations,
    ds_restore_register, ds_restore_register_complete,
};
use ntdsbcli::{HResult, Handle};

use crate::fixture::*;
use crate::registration::{Restoring, name_the_last_log, register};
use crate::relay::Relay;

const OPEN_ALREADY: HResult = HResult::HR_ALREADY_OPEN;
const NO_FILE: HResult = HResult::HR_INVALID_HANDLE;
const LOST: HResult = HResult::HR_COMMUNICATION_ERROR;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Database,
    DatabaseOpen,
    Logs,
    LogOpen,
    Truncated,
    Failed,
}

const STATES: [State; 6] = [
    State::Database,
    State::DatabaseOpen,
    State::Logs,
    State::LogOpen,
    State::Truncated,
    State::Failed,
];

/// A context in this state.
fn backup_in(state: State, relay: &Relay) -> Handle {
    let handle = prepare(&wide(relay.socket().to_str().unwrap())).unwrap().0;
    let path = databases(handle).remove(0);
    match state {
        State::Database => {}
        State::DatabaseOpen => drop(open(handle, &path, 65536).unwrap()),
        State::Logs => drop(logs(handle)),
        State::LogOpen => drop(open(handle, &logs(handle)[0], 65536).unwrap()),
        State::Truncated => {
            fetch(handle, &path);
            for name in logs(handle) {
                fetch(handle, &name);
            }
            assert_eq!(ds_backup_truncate_logs(handle), OK);
        }
        State::Failed => {
            relay.cut();
            let noticed = list(ds_backup_get_database_names, handle, Form::Wide);
            assert_eq!(noticed, Err(LOST));
        }
    }
    handle
}

type Call = (&'static str, fn(Handle, &str) -> HResult, [HResult; 6]);

fn code<T>(result: Result<T, HResult>) -> HResult {
    result.err().unwrap_or(OK)
}

/// The table: a call, and its code in each of [`STATES`].
fn backup_table() -> Vec<Call> {
    vec![
        (
            "GetDatabaseNames",
            |handle, _| code(list(ds_backup_get_database_names, handle, Form::Wide)),
            [OK, OK, OK, OK, OK, LOST],
        ),
        (
            "GetDatabaseLocations",
            |handle, _| code(list(ds_restore_get_database_locations, handle, Form::Wide)),
            [OK, OK, OK, OK, OK, LOST],
        ),
        (
            "OpenFile(database)",
            |handle, path| code(open(handle, path, 65536)),
            [OK, OPEN_ALREADY, SEQ, OPEN_ALREADY, SEQ, LOST],
        ),
        (
            "OpenFile(log)",
            |handle, path| code(open(handle, &path.replace("test.edb", "edb00001.log"), 65536)),
            [SEQ, OPEN_ALREADY, OK, OPEN_ALREADY, SEQ, LOST],
        ),
        (
            "OpenFile(other)",
            |handle, path| code(open(handle, &format!("{path}.other"), 65536)),
            [INV, OPEN_ALREADY, INV, OPEN_ALREADY, INV, LOST],
        ),
        (
            "Read",
            |handle, _| code(read(handle, &mut vec![0; 65536])),
            [NO_FILE, OK, NO_FILE, OK, NO_FILE, LOST],
        ),
        ("Close", |handle, _| ds_backup_close(handle), [NO_FILE, OK, NO_FILE, OK, NO_FILE, LOST]),
        (
            "GetBackupLogs",
            |handle, _| code(list(ds_backup_get_backup_logs, handle, Form::Wide)),
            [OK, SEQ, OK, SEQ, SEQ, LOST],
        ),
        (
            "TruncateLogs",
            |handle, _| ds_backup_truncate_logs(handle),
            [SEQ, SEQ, SEQ, SEQ, OK, LOST],
        ),
        (
            "RestoreRegister",
            |handle, _| register(handle, "/c", "/l", &[("/a", "/b")], "/l", (0, 0)),
            [INV; 6],
        ),
        ("RegisterComplete", |handle, _| ds_restore_register_complete(handle, OK), [INV; 6]),
        ("RestoreEnd", |handle, _| ds_restore_end(handle), [INV; 6]),
    ]
}

#[test]
fn api_101_every_call_in_every_state_of_a_backup_has_its_code() {
    let fixture = Fixture::online(DIRTY);
    let relay = Relay::to(&fixture.socket());
    let handle = fixture.backup();
    let path = databases(handle).remove(0);
    assert_eq!(ds_backup_end(handle), OK);
    for (name, call, codes) in backup_table() {
        for (state, expected) in STATES.into_iter().zip(codes) {
            let handle = begin(state, &relay);
            assert_eq!(call(handle, &path), expected, "{name} in {state:?}");
            if state == State::Failed {
                assert_eq!(call(handle, &path), expected, "{name} in {state:?}, again");
            }
            assert_eq!(ds_backup_end(handle), OK, "End after {name} in {state:?}");
        }
    }
}

/// As [`backup_in`], but waits for the service to notice that a client of before is gone.
fn begin(state: State, relay: &Relay) -> Handle {
    let server = wide(relay.socket().to_str().unwrap());
    for _ in 0..1000 {
        match prepare(&server) {
            Ok((handle, _)) => {
                assert_eq!(ds_backup_end(handle), OK);
                break;
            }
            Err(HResult::HR_BACKUP_IN_PROGRESS) => {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            Err(code) => panic!("{code}"),
        }
    }
    backup_in(state, relay)
}

#[test]
fn api_092_a_backup_ends_in_every_state() {
    let fixture = Fixture::online(DIRTY);
    let relay = Relay::to(&fixture.socket());
    for state in STATES {
        let handle = begin(state, &relay);
        assert_eq!(ds_backup_end(handle), OK, "{state:?}");
        assert_eq!(ds_backup_end(handle), INV, "{state:?}");
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RestoreState {
    Restricted,
    Prepared,
    Registered,
    Completed,
    CompletedWithFailure,
    Failed,
}

const RESTORE_STATES: [RestoreState; 6] = [
    RestoreState::Restricted,
    RestoreState::Prepared,
    RestoreState::Registered,
    RestoreState::Completed,
    RestoreState::CompletedWithFailure,
    RestoreState::Failed,
];

fn restore_in(state: RestoreState) -> Restoring {
    let mut restoring = Restoring::new(DIRTY);
    name_the_last_log(&restoring.fixture);
    match state {
        RestoreState::Restricted => {
            assert_eq!(ds_restore_end(restoring.handle), OK);
            restoring.handle = restoring.fixture.restore(None).unwrap();
        }
        RestoreState::Prepared => {}
        RestoreState::Registered => assert_eq!(restoring.register_range((1, 5)), OK),
        RestoreState::Completed => {
            assert_eq!(restoring.register_range((1, 5)), OK);
            assert_eq!(restoring.complete(0), OK);
        }
        RestoreState::CompletedWithFailure => {
            assert_eq!(restoring.register_range((1, 5)), OK);
            assert_eq!(restoring.complete(5), OK);
        }
        RestoreState::Failed => restoring.fixture.stop(),
    }
    restoring
}

type RestoreCall = (&'static str, fn(&Restoring) -> HResult, [HResult; 6]);

fn restore_table() -> Vec<RestoreCall> {
    let no_token = HResult::HR_MISSING_EXPIRY_TOKEN;
    let map_exists = HResult::HR_RESTORE_MAP_EXISTS;
    let no_full = HResult::HR_NO_FULL_RESTORE;
    vec![
        (
            "GetDatabaseLocations",
            |r| code(list(ds_restore_get_database_locations, r.handle, Form::Wide)),
            [OK, OK, OK, OK, OK, LOST],
        ),
        (
            "Register(map)",
            |r| r.register_range((1, 5)),
            [no_token, OK, map_exists, map_exists, OK, LOST],
        ),
        (
            "Register(no map)",
            |r| {
                let path = wide(r.fixture.files.path().to_str().unwrap());
                let path = Some(ntdsbcli::functions::Text::Wide(&path));
                ds_restore_register(r.handle, path, path, None, 0, path, 1, 5)
            },
            [no_token, no_full, INV, INV, no_full, LOST],
        ),
        ("RegisterComplete(0)", |r| r.complete(0), [no_token, SEQ, OK, OK, OK, LOST]),
        ("RegisterComplete(5)", |r| r.complete(5), [no_token, SEQ, OK, OK, OK, LOST]),
        (
            "BackupGetDatabaseNames",
            |r| code(list(ds_backup_get_database_names, r.handle, Form::Wide)),
            [INV; 6],
        ),
        ("BackupEnd", |r| ds_backup_end(r.handle), [INV; 6]),
    ]
}

#[test]
fn api_128_every_call_in_every_state_of_a_restore_has_its_code() {
    for (name, call, codes) in restore_table() {
        for (state, expected) in RESTORE_STATES.into_iter().zip(codes) {
            let restoring = restore_in(state);
            assert_eq!(call(&restoring), expected, "{name} in {state:?}");
            assert_eq!(ds_restore_end(restoring.handle), OK, "End after {name} in {state:?}");
            assert_eq!(ds_restore_end(restoring.handle), INV);
        }
    }
}
