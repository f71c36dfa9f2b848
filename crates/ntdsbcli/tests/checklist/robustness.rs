//! Threads, cancelled calls, broken connections, killed clients, leaks.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ntdsbcli::functions::{
    Form, ds_backup_close, ds_backup_end, ds_backup_get_backup_logs, ds_backup_get_database_names,
    ds_backup_truncate_logs,
};
use ntdsbcli::{BackupContext, HResult};

use crate::fixture::*;
use crate::relay::Relay;

const LOST: HResult = HResult::HR_COMMUNICATION_ERROR;

/// Says which part a test plays that was started as a child of itself.
const CHILD: &str = "NTDSBCLI_TEST_CHILD";

/// This test once more, in a process of its own.
fn child(test: &str, argument: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("robustness::{test}"), "--nocapture"]);
    command.env(CHILD, argument).stdout(Stdio::piped());
    command
}

#[test]
fn api_050_a_killed_client_blocks_nobody() {
    const NAME: &str = "api_050_a_killed_client_blocks_nobody";
    if let Ok(server) = std::env::var(CHILD) {
        let _settings = addressed();
        prepare(&wide(&server)).unwrap();
        println!("prepared");
        thread::sleep(Duration::from_secs(600));
        return;
    }
    let fixture = Fixture::online(CLEAN);
    let mut client = child(NAME, fixture.socket().to_str().unwrap()).spawn().unwrap();
    let said = BufReader::new(client.stdout.take().unwrap()).lines();
    assert!(said.map_while(Result::ok).any(|line| line.contains("prepared")));
    assert_eq!(fixture.prepare().unwrap_err(), HResult::HR_BACKUP_IN_PROGRESS);
    client.kill().unwrap();
    client.wait().unwrap();
    let killed = Instant::now();
    let handle = loop {
        match fixture.prepare() {
            Ok((handle, _)) => break handle,
            Err(code) => assert_eq!(code, HResult::HR_BACKUP_IN_PROGRESS),
        }
        assert!(killed.elapsed() < Duration::from_secs(2));
        thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_130_eight_threads_on_one_handle_do_no_harm() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    let path = databases(handle).remove(0);
    let codes: Vec<HResult> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let path = &path;
                scope.spawn(move || {
                    let mut codes = Vec::new();
                    let mut buffer = vec![0; 24576];
                    for round in 0..60 {
                        codes.push(match (number + round) % 5 {
                            0 => open(handle, path, 24576).err().unwrap_or(OK),
                            1 | 2 => read(handle, &mut buffer).err().unwrap_or(OK),
                            3 => ds_backup_close(handle),
                            _ => list(ds_backup_get_database_names, handle, Form::Wide)
                                .err()
                                .unwrap_or(OK),
                        });
                    }
                    codes
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let possible =
        [OK, HResult::HR_ALREADY_OPEN, HResult::HR_INVALID_HANDLE, HResult::ERROR_HANDLE_EOF];
    assert!(codes.iter().all(|code| possible.contains(code)), "{codes:?}");
    // Whatever came out, the context is whole.
    let _ = ds_backup_close(handle);
    assert_eq!(fetch(handle, &path), std::fs::read(&fixture.options.dit).unwrap());
    assert_eq!(ds_backup_end(handle), OK);
}

/// A backup through a relay, with its file open and read from.
fn reading(fixture: &Fixture) -> (Relay, ntdsbcli::Handle) {
    let relay = Relay::to(&fixture.socket());
    let handle = prepare(&wide(relay.socket().to_str().unwrap())).unwrap().0;
    open(handle, &databases(handle)[0], 24576).unwrap();
    read(handle, &mut vec![0; 24576]).unwrap();
    (relay, handle)
}

/// Reads until something else than data comes.
fn read_until_code(handle: ntdsbcli::Handle) -> HResult {
    let mut buffer = vec![0; 24576];
    loop {
        if let Err(code) = read(handle, &mut buffer) {
            return code;
        }
    }
}

/// A database that is not read to its end before a test has made its mind up.
fn large() -> Fixture {
    let scratch = tempfile::tempdir().unwrap().keep();
    let dit = scratch.join("ntds.dit");
    testkit::synthetic::stretched(&dit, 1 << 17, testkit::synthetic::Fill::Sparse).unwrap();
    Fixture::with(CLEAN, |options, own| {
        let moved = own.join("ntds.dit");
        std::fs::rename(&dit, &moved).unwrap();
        std::fs::remove_dir(&scratch).unwrap();
        options.dit = moved;
    })
}

#[test]
fn api_131_the_end_from_another_thread_cancels_a_blocked_read() {
    let fixture = large();
    let (relay, handle) = reading(&fixture);
    relay.stall();
    let relay = &relay;
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let code = read_until_code(handle);
            // The end of the context is told to the service, which can answer again.
            relay.go_on();
            code
        });
        thread::sleep(Duration::from_millis(300));
        assert!(!reader.is_finished());
        assert_eq!(ds_backup_end(handle), OK);
        assert_eq!(reader.join().unwrap(), HResult::ERROR_CANCELLED);
    });
    assert_eq!(ds_backup_end(handle), INV);
}

#[test]
fn a_cancelled_read_leaves_the_context_usable() {
    let fixture = large();
    let (relay, handle) = reading(&fixture);
    relay.stall();
    let relay = &relay;
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let code = read_until_code(handle);
            relay.go_on();
            code
        });
        thread::sleep(Duration::from_millis(200));
        assert_eq!(ntdsbcli::functions::extensions::dsbx_cancel(handle), OK);
        assert_eq!(reader.join().unwrap(), HResult::ERROR_CANCELLED);
    });
    assert!(read(handle, &mut vec![0; 24576]).unwrap() > 0);
    assert_eq!(ds_backup_close(handle), OK);
    assert_eq!(logs(handle).len(), 0);
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_133_a_broken_connection_is_a_communication_error_for_good() {
    let fixture = large();
    let (relay, handle) = reading(&fixture);
    relay.stall();
    let relay = &relay;
    thread::scope(|scope| {
        let reader = scope.spawn(move || read_until_code(handle));
        thread::sleep(Duration::from_millis(200));
        relay.cut();
        assert_eq!(reader.join().unwrap(), LOST);
    });
    assert_eq!(read(handle, &mut vec![0; 24576]), Err(LOST));
    assert_eq!(ds_backup_close(handle), LOST);
    assert_eq!(list(ds_backup_get_backup_logs, handle, Form::Wide), Err(LOST));
    assert_eq!(ds_backup_truncate_logs(handle), LOST);
    assert_eq!(ds_backup_end(handle), OK);
    assert_eq!(ds_backup_end(handle), INV);
    relay.go_on();
}

#[test]
fn a_stopped_service_is_a_communication_error_and_the_end_still_succeeds() {
    let mut fixture = large();
    let handle = fixture.backup();
    open(handle, &databases(handle)[0], 24576).unwrap();
    read(handle, &mut vec![0; 24576]).unwrap();
    fixture.stop();
    assert_eq!(read_until_code(handle), LOST);
    assert_eq!(read_until_code(handle), LOST);
    assert_eq!(ds_backup_end(handle), OK);

    fixture.start();
    let mut backup = BackupContext::prepare(&fixture.safe()).unwrap();
    fixture.stop();
    assert_eq!(backup.databases().unwrap_err().code(), LOST);
    assert_eq!(backup.logs().unwrap_err().code(), LOST);
    assert_eq!(backup.end().unwrap_err().code(), LOST);
}

#[test]
fn api_134_thousands_of_contexts_leave_nothing_behind() {
    const NAME: &str = "api_134_thousands_of_contexts_leave_nothing_behind";
    if let Ok(server) = std::env::var(CHILD) {
        let _settings = addressed();
        let server = wide(&server);
        let cycle = || assert_eq!(ds_backup_end(prepare(&server).unwrap().0), OK);
        (0..100).for_each(|_| cycle());
        let before = (descriptors(), resident());
        (0..CYCLES).for_each(|_| cycle());
        let after = (descriptors(), resident());
        assert_eq!(after.0, before.0, "descriptors");
        assert!(after.1 <= before.1 + (1 << 20), "memory: {before:?} {after:?}");
        return;
    }
    let fixture = Fixture::online(CLEAN);
    let ended = child(NAME, fixture.socket().to_str().unwrap()).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
}

const CYCLES: usize = 10_000;

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Resident memory of this process in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn a_cancel_that_comes_too_early_does_not_spoil_the_end() {
    let fixture = Fixture::online(DIRTY);
    for _ in 0..20 {
        let backup = BackupContext::prepare(&fixture.safe()).unwrap();
        backup.canceller().cancel();
        backup.end().unwrap();
    }
    assert_eq!(ds_backup_end(fixture.backup()), OK);
}
