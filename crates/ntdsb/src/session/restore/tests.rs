//! Every call in every state, against the table.

use super::*;

/// Columns: X, P, R, C, CF, F, ended. A cell is the next state, or a code.
const TABLE: &str = "
GetDatabaseLocations | X     | P      | R         | C          | CF      | FAIL     | INV
RegisterWithMap      | TOKEN | R      | MAP       | MAP        | R       | FAIL     | INV
RegisterWithoutMap   | TOKEN | NOFULL | INV       | INV        | NOFULL  | FAIL     | INV
RegisterComplete(0)  | TOKEN | SEQ    | C         | C          | C       | FAIL     | INV
RegisterComplete(5)  | TOKEN | SEQ    | CF        | CF         | CF      | FAIL     | INV
RegisterComplete(-1) | TOKEN | SEQ    | CF        | CF         | CF      | FAIL     | INV
End                  | -none | -none  | -orphaned | -completed | -failed | -orphaned | INV
BackupFunction       | INV   | INV    | INV       | INV        | INV     | INV      | INV
";

const FAILURE: HResult = HResult::HR_COMMUNICATION_ERROR;

fn columns() -> [RestoreSession; 7] {
    let registered = || {
        let mut session = RestoreSession::prepared();
        session.registered().unwrap();
        session
    };
    let completed = |status| {
        let mut session = registered();
        session.completed(status).unwrap();
        session
    };
    let mut failed = registered();
    failed.fail(FAILURE);
    let mut ended = RestoreSession::restricted();
    ended.end().unwrap();
    [
        RestoreSession::restricted(),
        RestoreSession::prepared(),
        registered(),
        completed(HResult::S_OK),
        completed(HResult::HR_ERROR),
        failed,
        ended,
    ]
}

fn make(session: &mut RestoreSession, call: &str) -> (RestoreCall, Result<&'static str, HResult>) {
    let outcome = |outcome| match outcome {
        RestoreOutcome::Nothing => "none",
        RestoreOutcome::Orphaned => "orphaned",
        RestoreOutcome::Completed => "completed",
        RestoreOutcome::CompletedWithFailure => "failed",
    };
    let checked = |session: &RestoreSession, call| (call, session.check(call).map(|()| ""));
    let complete = |session: &mut RestoreSession, status| {
        let result = session.completed(status).map(|()| "");
        (RestoreCall::RegisterComplete(status), result)
    };
    match call {
        "GetDatabaseLocations" => checked(session, RestoreCall::GetDatabaseLocations),
        "RegisterWithMap" => (RestoreCall::register(1), session.registered().map(|()| "")),
        "RegisterWithoutMap" => checked(session, RestoreCall::register(0)),
        "RegisterComplete(0)" => complete(session, HResult::S_OK),
        "RegisterComplete(5)" => complete(session, HResult::ERROR_ACCESS_DENIED),
        "RegisterComplete(-1)" => complete(session, HResult::from_i32(-1)),
        "End" => (RestoreCall::End, session.end().map(outcome)),
        "BackupFunction" => checked(session, RestoreCall::BackupFunction),
        other => panic!("{other}"),
    }
}

fn expected(cell: &str) -> Result<RestoreState, HResult> {
    match cell {
        "X" => Ok(RestoreState::Restricted),
        "P" => Ok(RestoreState::Prepared),
        "R" => Ok(RestoreState::Registered),
        "C" => Ok(RestoreState::Completed),
        "CF" => Ok(RestoreState::CompletedWithFailure),
        "INV" => Err(HResult::ERROR_INVALID_PARAMETER),
        "SEQ" => Err(HResult::HR_INVALID_BACKUP_SEQUENCE),
        "TOKEN" => Err(HResult::HR_MISSING_EXPIRY_TOKEN),
        "MAP" => Err(HResult::HR_RESTORE_MAP_EXISTS),
        "NOFULL" => Err(HResult::HR_NO_FULL_RESTORE),
        "FAIL" => Err(FAILURE),
        end if end.starts_with('-') => Ok(RestoreState::Ended),
        other => panic!("{other}"),
    }
}

#[test]
fn every_call_in_every_state_does_what_the_table_says() {
    let mut cells = 0;
    for row in TABLE.trim().lines() {
        let mut row = row.split('|').map(str::trim);
        let name = row.next().unwrap();
        assert_eq!(row.clone().count(), columns().len(), "{name}");
        for (mut session, cell) in columns().into_iter().zip(row) {
            let before = session.clone();
            let from = before.state();
            let (call, result) = make(&mut session, name);
            match expected(cell) {
                Ok(next) => {
                    assert_eq!(before.check(call), Ok(()), "{name} in {from:?}");
                    assert!(result.is_ok(), "{name} in {from:?}: {result:?}");
                    assert_eq!(session.state(), next, "{name} in {from:?}");
                    if let Some(outcome) = cell.strip_prefix('-') {
                        assert_eq!(result, Ok(outcome), "{name} in {from:?}");
                    }
                }
                Err(code) => {
                    assert_eq!(before.check(call), Err(code), "{name} in {from:?}");
                    assert_eq!(result, Err(code), "{name} in {from:?}");
                    assert_eq!(session.state(), from, "{name} in {from:?} changes nothing");
                }
            }
            cells += 1;
        }
    }
    assert_eq!(cells, 8 * 7);
}

#[test]
fn the_first_failure_stays_and_the_end_succeeds() {
    let mut session = RestoreSession::prepared();
    session.fail(HResult::JET_BACKUP_ABORT_BY_SERVER);
    session.fail(FAILURE);
    assert_eq!(session.registered(), Err(HResult::JET_BACKUP_ABORT_BY_SERVER));
    assert_eq!(session.end(), Ok(RestoreOutcome::Nothing));
}
