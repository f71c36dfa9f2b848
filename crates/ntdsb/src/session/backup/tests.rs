//! Every call in every state, against the table; and the bookkeeping of what was read.

use super::*;

const DATABASE: &str = r"\\DC1\C$\NTDS\ntds.dit";
const LOG_1: &str = r"\\DC1\C$\NTDS\edb00001.log";
const LOG_2: &str = r"\\DC1\C$\NTDS\edb00002.log";
const SIZE: u64 = 3 * 8192 + 100;
const MAX_READ: u32 = 1 << 20;

/// Columns: D, DO, L (everything read), L with a database unread, L with a log unread, LO, T, F,
/// ended. A cell is the next state, or a code.
const TABLE: &str = "
GetDatabaseNames     | D      | DO      | L      | Ld     | Ll     | LO      | T      | FAIL | INV
GetDatabaseLocations | D      | DO      | L      | Ld     | Ll     | LO      | T      | FAIL | INV
OpenFile(database)   | DO     | ALREADY | SEQ    | SEQ    | SEQ    | ALREADY | SEQ    | FAIL | INV
OpenFile(log)        | SEQ    | ALREADY | LO     | LO     | LO     | ALREADY | SEQ    | FAIL | INV
OpenFile(other)      | INV    | ALREADY | INV    | INV    | INV    | ALREADY | INV    | FAIL | INV
Read                 | HANDLE | DO      | HANDLE | HANDLE | HANDLE | LO      | HANDLE | FAIL | INV
Close                | HANDLE | D       | HANDLE | HANDLE | HANDLE | L       | HANDLE | FAIL | INV
GetBackupLogs        | L      | SEQ     | L      | Ld     | Ll     | SEQ     | SEQ    | FAIL | INV
TruncateLogs         | SEQ    | SEQ     | T      | SEQ    | LOG    | SEQ     | T      | FAIL | INV
End                  | -abort | -abort  | -copy  | -abort | -abort | -abort  | -full  | -abort | INV
RestoreFunction      | INV    | INV     | INV    | INV    | INV    | INV     | INV    | INV  | INV
";

const FAILURE: HResult = HResult::HR_COMMUNICATION_ERROR;

fn new_session() -> BackupSession {
    let log_names =
        LogNames { directory: r"\\DC1\C$\NTDS".to_owned(), base_name: "edb".to_owned() };
    BackupSession::new([DATABASE.to_owned()], log_names)
}

fn read_all(session: &mut BackupSession, target: Target) {
    let file = session.open_file(target, SIZE).unwrap();
    session.delivered(file, 0, u32::try_from(SIZE).unwrap());
    session.close(file).unwrap();
}

fn in_log_phase(database_read: bool, logs_read: usize) -> BackupSession {
    let mut session = new_session();
    if database_read {
        read_all(&mut session, Target::Database(0));
    }
    session.enter_log_phase([LOG_1.to_owned(), LOG_2.to_owned()]).unwrap();
    for log in 0..logs_read {
        read_all(&mut session, Target::Log(log));
    }
    session
}

/// A context in each column of the table.
fn columns() -> Vec<BackupSession> {
    let mut database_open = new_session();
    database_open.open_file(Target::Database(0), SIZE).unwrap();
    let mut log_open = in_log_phase(true, 2);
    log_open.open_file(Target::Log(0), SIZE).unwrap();
    let mut truncated = in_log_phase(true, 2);
    truncated.truncate().unwrap();
    let mut failed = in_log_phase(true, 2);
    failed.fail(FAILURE);
    let mut ended = new_session();
    ended.end().unwrap();
    vec![
        new_session(),
        database_open,
        in_log_phase(true, 2),
        in_log_phase(false, 2),
        in_log_phase(true, 1),
        log_open,
        truncated,
        failed,
        ended,
    ]
}

/// The call as the application makes it, and its effect.
fn make(session: &mut BackupSession, call: &str) -> (BackupCall, Result<String, HResult>) {
    let file = FileId(session.last_id);
    let outcome = |outcome| match outcome {
        BackupOutcome::Aborted => "abort",
        BackupOutcome::Complete { truncated: true } => "full",
        BackupOutcome::Complete { truncated: false } => "copy",
    };
    let open = |session: &mut BackupSession, name: &str| {
        let target = session.target(name);
        (BackupCall::OpenFile(target), session.open_file(target, SIZE).map(|_| String::new()))
    };
    let unit = |result: Result<(), HResult>| result.map(|()| String::new());
    match call {
        "GetDatabaseNames" => {
            let call = BackupCall::GetDatabaseNames;
            (call, unit(session.check(call)))
        }
        "GetDatabaseLocations" => {
            let call = BackupCall::GetDatabaseLocations;
            (call, unit(session.check(call)))
        }
        "OpenFile(database)" => open(session, DATABASE),
        "OpenFile(log)" => open(session, LOG_2),
        "OpenFile(other)" => open(session, r"\\DC1\C$\NTDS\other"),
        "Read" => {
            let read = session.check_read(file, 0, 8192, MAX_READ);
            (BackupCall::Read, read.map(|_| String::new()))
        }
        "Close" => (BackupCall::Close, unit(session.close(file))),
        "GetBackupLogs" => (BackupCall::GetBackupLogs, {
            unit(session.enter_log_phase([LOG_1.to_owned(), LOG_2.to_owned()]))
        }),
        "TruncateLogs" => (BackupCall::TruncateLogs, unit(session.truncate())),
        "End" => (BackupCall::End, session.end().map(|end| outcome(end).to_owned())),
        "RestoreFunction" => {
            let call = BackupCall::RestoreFunction;
            (call, unit(session.check(call)))
        }
        other => panic!("{other}"),
    }
}

fn expected(cell: &str) -> Result<BackupState, HResult> {
    match cell {
        "D" => Ok(BackupState::Databases),
        "DO" => Ok(BackupState::DatabaseOpen),
        "L" | "Ld" | "Ll" => Ok(BackupState::Logs),
        "LO" => Ok(BackupState::LogOpen),
        "T" => Ok(BackupState::Truncated),
        "INV" => Err(HResult::ERROR_INVALID_PARAMETER),
        "SEQ" => Err(HResult::HR_INVALID_BACKUP_SEQUENCE),
        "ALREADY" => Err(HResult::HR_ALREADY_OPEN),
        "HANDLE" => Err(HResult::HR_INVALID_HANDLE),
        "LOG" => Err(HResult(0xC800_0268)),
        "FAIL" => Err(FAILURE),
        end if end.starts_with('-') => Ok(BackupState::Ended),
        other => panic!("{other}"),
    }
}

#[test]
fn every_call_in_every_state_does_what_the_table_says() {
    let mut cells = 0;
    for row in TABLE.trim().lines() {
        let mut row = row.split('|').map(str::trim);
        let name = row.next().unwrap();
        for (mut session, cell) in columns().into_iter().zip(row.clone()) {
            let before = session.clone();
            let from = before.state();
            let (call, result) = make(&mut session, name);
            match expected(cell) {
                Ok(next) => {
                    assert!(result.is_ok(), "{name} in {from:?}: {result:?}");
                    assert_eq!(session.state(), next, "{name} in {from:?}");
                    if let Some(outcome) = cell.strip_prefix('-') {
                        assert_eq!(result.as_deref(), Ok(outcome), "{name} in {from:?}");
                    }
                    assert_eq!(before.check(call), Ok(()), "{name} in {from:?}");
                }
                Err(code) => {
                    assert_eq!(result, Err(code), "{name} in {from:?}");
                    assert_eq!(before.check(call), Err(code), "{name} in {from:?}");
                    assert_eq!(session.state(), from, "{name} in {from:?} changes nothing");
                    assert_eq!(session.logs(), before.logs());
                    assert_eq!(session.databases(), before.databases());
                }
            }
            cells += 1;
        }
        assert_eq!(row.count(), columns().len(), "{name}");
    }
    assert_eq!(cells, 11 * 9);
}

#[test]
fn unread_files_stay_unread_through_the_states() {
    let [database_unread, log_unread] = [in_log_phase(false, 2), in_log_phase(true, 1)];
    assert!(!database_unread.databases()[0].is_read());
    assert!(log_unread.logs()[0].is_read() && !log_unread.logs()[1].is_read());
}

#[test]
fn names_are_found_in_any_case_and_only_in_the_lists() {
    let session = new_session();
    assert_eq!(session.target(&DATABASE.to_lowercase()), Target::Database(0));
    assert_eq!(session.target(LOG_1), Target::FutureLog);
    assert_eq!(session.target(r"\\dc1\c$\ntds\EDB.LOG"), Target::FutureLog);
    assert_eq!(session.target(r"\\DC1\C$\NTDS\edb.jtx"), Target::FutureLog);
    for other in [
        r"\\DC1\C$\NTDS\edb.chk",
        r"\\DC1\C$\NTDS\sub\edb00001.log",
        r"\\DC1\C$\other\edb00001.log",
        r"\\DC1\C$\NTDS\xdb00001.log",
        r"\\DC1\C$\NTDS",
        r"\\DC1\C$\NTDS\ed.log",
        "",
        "edb00001.log",
    ] {
        assert_eq!(session.target(other), Target::Unlisted, "{other}");
    }
    let session = in_log_phase(true, 0);
    assert_eq!(session.target(LOG_2), Target::Log(1));
    assert_eq!(session.target(r"\\DC1\C$\NTDS\edb.log"), Target::Unlisted, "the current log");
    assert_eq!(session.target(DATABASE), Target::Database(0));
}

#[test]
fn a_stale_index_opens_nothing() {
    let mut session = new_session();
    assert!(session.open_file(Target::Database(1), SIZE).is_err());
    assert!(session.open_file(Target::Log(0), SIZE).is_err());
    assert_eq!(session.state(), BackupState::Databases);
}

#[test]
fn reads_follow_the_8192_grid() {
    let mut session = new_session();
    let file = session.open_file(Target::Database(0), SIZE).unwrap();
    let read = |offset, length| session.check_read(file, offset, length, MAX_READ);
    let span = |offset, length| Ok(ReadSpan { target: Target::Database(0), offset, length });
    let invalid = Err(HResult::ERROR_INVALID_PARAMETER);
    assert_eq!(read(0, 8192), span(0, 8192));
    assert_eq!(read(16384, 16384), span(16384, 8292), "short only at the end");
    assert_eq!(read(24576, 8192), span(24576, 100));
    assert_eq!(read(0, 0), invalid);
    assert_eq!(read(0, 4096), invalid);
    assert_eq!(read(4096, 8192), invalid);
    assert_eq!(read(0, MAX_READ + 8192), invalid);
    assert_eq!(read(32768, 8192), invalid, "behind the end");
    assert_eq!(read(u64::MAX - 8191, 8192), invalid);
    let other = session.check_read(FileId(file.0 + 1), 0, 8192, MAX_READ);
    assert_eq!(other, Err(HResult::HR_INVALID_HANDLE));
}

#[test]
fn at_the_end_a_read_is_eof_again_and_again() {
    let mut session = new_session();
    let file = session.open_file(Target::Database(0), 16384).unwrap();
    session.delivered(file, 0, 16384);
    for _ in 0..3 {
        let read = session.check_read(file, 16384, 8192, MAX_READ);
        assert_eq!(read, Err(HResult::ERROR_HANDLE_EOF));
    }
}

#[test]
fn an_empty_file_is_read_by_opening_it() {
    let mut session = new_session();
    let file = session.open_file(Target::Database(0), 0).unwrap();
    assert_eq!(session.check_read(file, 0, 8192, MAX_READ), Err(HResult::ERROR_HANDLE_EOF));
    assert!(session.databases()[0].is_read());
}

#[test]
fn the_same_half_read_twice_is_not_the_whole() {
    let mut session = new_session();
    let file = session.open_file(Target::Database(0), 16384).unwrap();
    session.delivered(file, 0, 8192);
    session.delivered(file, 0, 8192);
    assert!(!session.databases()[0].is_read());
    session.delivered(file, 8192, 8192);
    assert!(session.databases()[0].is_read());
}

#[test]
fn halves_of_two_openings_are_not_a_whole() {
    let mut session = new_session();
    let first = session.open_file(Target::Database(0), 16384).unwrap();
    session.delivered(first, 0, 8192);
    session.close(first).unwrap();
    let second = session.open_file(Target::Database(0), 16384).unwrap();
    assert_ne!(first, second);
    session.delivered(first, 8192, 8192);
    session.delivered(second, 8192, 8192);
    assert!(!session.databases()[0].is_read());
    session.delivered(second, 0, 8192);
    assert!(session.databases()[0].is_read());
    session.close(second).unwrap();
    let third = session.open_file(Target::Database(0), 16384).unwrap();
    session.close(third).unwrap();
    assert!(session.databases()[0].is_read(), "what is read stays read");
}

#[test]
fn a_close_names_the_open_file() {
    let mut session = new_session();
    let file = session.open_file(Target::Database(0), SIZE).unwrap();
    assert_eq!(session.close(FileId(file.0 + 1)), Err(HResult::HR_INVALID_HANDLE));
    assert_eq!(session.close(file), Ok(()));
    assert_eq!(session.close(file), Err(HResult::HR_INVALID_HANDLE));
}

#[test]
fn the_first_list_of_logs_stays() {
    let mut session = in_log_phase(true, 1);
    session.enter_log_phase([]).unwrap();
    assert_eq!(session.logs().len(), 2);
    assert!(session.logs()[0].is_read());
}

#[test]
fn a_backup_without_logs_can_be_complete() {
    let mut session = new_session();
    read_all(&mut session, Target::Database(0));
    session.enter_log_phase([]).unwrap();
    session.truncate().unwrap();
    assert_eq!(session.end(), Ok(BackupOutcome::Complete { truncated: true }));
}

#[test]
fn the_first_failure_stays() {
    let mut session = in_log_phase(true, 2);
    session.fail(HResult::JET_BACKUP_ABORT_BY_SERVER);
    session.fail(HResult::HR_COMMUNICATION_ERROR);
    assert_eq!(session.check(BackupCall::GetBackupLogs), Err(HResult::JET_BACKUP_ABORT_BY_SERVER));
    assert_eq!(session.outcome(), BackupOutcome::Aborted);
    assert_eq!(session.end(), Ok(BackupOutcome::Aborted));
    assert_eq!(session.end(), Err(HResult::ERROR_INVALID_PARAMETER));
}
