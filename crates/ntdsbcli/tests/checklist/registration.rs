//! DsRestoreRegister, DsRestoreRegisterComplete, DsRestoreEnd, and the start after them.

use ntdsbcli::functions::{
    RestoreMapRow, Text, ds_backup_end, ds_restore_end, ds_restore_get_database_locations,
    ds_restore_register, ds_restore_register_complete,
};
use ntdsbcli::{HResult, Handle};

use crate::fixture::*;

pub(crate) fn register(
    handle: Handle,
    checkpoint: &str,
    logs: &str,
    map: &[(&str, &str)],
    backup_logs: &str,
    (low, high): (u32, u32),
) -> HResult {
    let [checkpoint, logs, backup_logs] = [checkpoint, logs, backup_logs].map(wide);
    let names: Vec<_> = map.iter().map(|(old, new)| (wide(old), wide(new))).collect();
    let rows: Vec<_> = names
        .iter()
        .map(|(old, new)| RestoreMapRow {
            database: Some(Text::Wide(old)),
            new_database: Some(Text::Wide(new)),
        })
        .collect();
    ds_restore_register(
        handle,
        Some(Text::Wide(&checkpoint)),
        Some(Text::Wide(&logs)),
        Some(&rows),
        rows.len().try_into().unwrap(),
        Some(Text::Wide(&backup_logs)),
        low,
        high,
    )
}

/// A restore context with token in a service in restore mode, whose files are all in place.
pub(crate) struct Restoring {
    pub(crate) fixture: Fixture,
    pub(crate) token: Vec<u8>,
    pub(crate) handle: Handle,
    database: String,
    logs: String,
    checkpoint: String,
}

impl Restoring {
    pub(crate) fn new(set: &str) -> Self {
        let mut fixture = Fixture::restoring(set);
        let token = fixture.token();
        let handle = fixture.restore(Some(&token)).unwrap();
        let mut found = entries(&wide_list(ds_restore_get_database_locations, handle)).into_iter();
        let mut next = || found.next().unwrap().1;
        let (database, logs, checkpoint) = (next(), next(), next());
        Restoring { fixture, token, handle, database, logs, checkpoint }
    }

    pub(crate) fn register_range(&self, range: (u32, u32)) -> HResult {
        self.register_on(self.handle, range)
    }

    pub(crate) fn register_on(&self, handle: Handle, range: (u32, u32)) -> HResult {
        let map = [(self.database.as_str(), self.database.as_str())];
        register(handle, &self.checkpoint, &self.logs, &map, &self.logs, range)
    }

    pub(crate) fn complete(&self, state: u32) -> HResult {
        ds_restore_register_complete(self.handle, HResult(state))
    }

    /// What a normal start makes of it.
    fn is_online_after_restart(&mut self) -> bool {
        self.fixture.restart(false);
        self.fixture.is_online()
    }
}

const RANGE: (u32, u32) = (1, 5);

/// The current log under the name that a backup gives it, as a restore would put it.
pub(crate) fn name_the_last_log(fixture: &Fixture) {
    let (current, named) = (fixture.files.file("edb.log"), fixture.files.file("edb00005.log"));
    std::fs::rename(current, named).unwrap();
}

#[test]
fn api_046_with_a_registered_restore_no_backup_begins() {
    let restoring = Restoring::new(CLEAN);
    assert_eq!(restoring.register_range((0, 0)), OK);
    assert_eq!(restoring.fixture.prepare().unwrap_err(), HResult::HR_RESTORE_IN_PROGRESS);
    assert_eq!(ds_restore_end(restoring.handle), OK);
    assert_eq!(restoring.fixture.prepare().unwrap_err(), HResult::HR_RESTORE_IN_PROGRESS);
}

#[test]
fn api_115_a_registration_survives_the_service() {
    let mut restoring = Restoring::new(CLEAN);
    assert_eq!(restoring.register_range((0, 0)), OK);
    assert!(!restoring.is_online_after_restart());
    assert_eq!(ds_restore_end(restoring.handle), OK);
}

#[test]
fn api_116_each_path_is_required() {
    let restoring = Restoring::new(CLEAN);
    let (path, name) = (wide(&restoring.logs), wide(&restoring.database));
    let text = || Some(Text::Wide(&path));
    let row =
        RestoreMapRow { database: Some(Text::Wide(&name)), new_database: Some(Text::Wide(&name)) };
    let call = |checkpoint, logs, backup_logs| {
        let handle = restoring.handle;
        ds_restore_register(handle, checkpoint, logs, Some(&[row]), 1, backup_logs, 0, 0)
    };
    assert_eq!(call(None, text(), text()), INV);
    assert_eq!(call(text(), None, text()), INV);
    assert_eq!(call(text(), text(), None), INV);
    assert_eq!(call(text(), text(), text()), OK);
    assert_eq!(ds_restore_end(restoring.handle), OK);
}

#[test]
fn api_117_a_bad_map_is_refused() {
    let restoring = Restoring::new(CLEAN);
    let (path, name, empty) = (wide(&restoring.logs), wide(&restoring.database), wide(""));
    let (path, name, empty) = (Text::Wide(&path), Text::Wide(&name), Text::Wide(&empty));
    let row = |database, new_database| RestoreMapRow { database, new_database };
    let call = |rows: Option<&[RestoreMapRow<'_>]>, count| {
        let path = Some(path);
        ds_restore_register(restoring.handle, path, path, rows, count, path, 0, 0)
    };
    let good = row(Some(name), Some(name));
    assert_eq!(call(Some(&[good]), -1), INV);
    assert_eq!(call(None, 1), INV);
    assert_eq!(call(None, 0), HResult::HR_NO_FULL_RESTORE);
    for bad in [row(None, Some(name)), row(Some(name), None), row(Some(empty), Some(name))] {
        assert_eq!(call(Some(&[bad]), 1), INV);
    }
    assert_eq!(call(Some(&[good, good]), 2), INV);
    assert_eq!(call(Some(&[good; 15]), 15), INV);
    assert_eq!(ds_restore_end(restoring.handle), OK);
}

#[test]
fn api_118_log_numbers_are_ordered_and_end_at_0xfffff() {
    let restoring = Restoring::new(DIRTY);
    for range in [(2, 1), (1, 0x10_0000), (0x10_0000, 0x10_0000), (u32::MAX, u32::MAX)] {
        assert_eq!(restoring.register_range(range), INV, "{range:?}");
    }
    assert_eq!(restoring.register_range((0, 0xF_FFFF)), OK);
    assert_eq!(ds_restore_end(restoring.handle), OK);
}

#[test]
fn api_119_a_restore_has_one_map() {
    let restoring = Restoring::new(CLEAN);
    assert_eq!(restoring.register_range((0, 0)), OK);
    assert_eq!(restoring.register_range((0, 0)), HResult::HR_RESTORE_MAP_EXISTS);
    assert_eq!(ds_restore_end(restoring.handle), OK);
}

#[test]
fn api_120_one_restore_at_a_time_until_its_owner_ends() {
    let restoring = Restoring::new(CLEAN);
    assert_eq!(restoring.register_range((0, 0)), OK);
    let second = restoring.fixture.restore(Some(&restoring.token));
    let code = match second {
        Err(code) => code,
        Ok(second) => restoring.register_on(second, (0, 0)),
    };
    assert_eq!(code, HResult::HR_RESTORE_IN_PROGRESS);
    assert_eq!(ds_restore_end(restoring.handle), OK);
    let second = restoring.fixture.restore(Some(&restoring.token)).unwrap();
    assert_eq!(restoring.register_on(second, (0, 0)), OK);
    assert_eq!(ds_restore_end(second), OK);
}

#[test]
fn api_121_completion_comes_after_registration() {
    let restoring = Restoring::new(CLEAN);
    assert_eq!(restoring.complete(0), SEQ);
    assert_eq!(restoring.complete(5), SEQ);
    assert_eq!(ds_restore_end(restoring.handle), OK);
}

#[test]
fn api_122_a_restore_that_failed_keeps_the_directory_down() {
    for state in [0xC800_0713, 5, 1] {
        let mut restoring = Restoring::new(CLEAN);
        assert_eq!(restoring.register_range((0, 0)), OK);
        assert_eq!(restoring.complete(state), OK);
        assert_eq!(ds_restore_end(restoring.handle), OK);
        assert!(!restoring.is_online_after_restart(), "{state:#x}");
    }
}

#[test]
fn api_123_a_missing_log_is_noticed_and_can_be_put_right() {
    let restoring = Restoring::new(DIRTY);
    name_the_last_log(&restoring.fixture);
    let (log, aside) =
        (restoring.fixture.files.file("edb00003.log"), restoring.fixture.scratch.path().join("l"));
    std::fs::rename(&log, &aside).unwrap();
    assert_eq!(restoring.register_range(RANGE), OK);
    let code = restoring.complete(0);
    assert!([0xC800_022D, 0xC800_022C].contains(&code.0), "{code}");
    std::fs::copy(&aside, &log).unwrap();
    assert_eq!(restoring.complete(0), OK);
    assert_eq!(ds_restore_end(restoring.handle), OK);
}

#[test]
fn api_124_a_foreign_database_is_noticed() {
    let restoring = Restoring::new(DIRTY);
    name_the_last_log(&restoring.fixture);
    let foreign = testkit::set("crash_8k_e");
    std::fs::copy(foreign.file("test.edb"), &restoring.fixture.options.dit).unwrap();
    assert_eq!(restoring.register_range(RANGE), OK);
    assert_eq!(restoring.complete(0), HResult(0xC800_0213));
    assert_eq!(ds_restore_end(restoring.handle), OK);
}

#[test]
fn a_completed_restore_goes_online_at_the_next_start() {
    let mut restoring = Restoring::new(DIRTY);
    name_the_last_log(&restoring.fixture);
    assert_eq!(restoring.register_range(RANGE), OK);
    assert_eq!(restoring.complete(0), OK);
    assert_eq!(restoring.complete(0), OK, "a second success changes nothing");
    assert_eq!(ds_restore_end(restoring.handle), OK);
    assert!(restoring.is_online_after_restart());
    assert!(restoring.is_online_after_restart(), "the registration is gone");
}

#[test]
fn api_127_ended_without_completion_the_directory_stays_down_until_a_new_restore() {
    let mut restoring = Restoring::new(CLEAN);
    assert_eq!(restoring.register_range((0, 0)), OK);
    assert_eq!(ds_restore_end(restoring.handle), OK);
    assert!(!restoring.is_online_after_restart());
    restoring.fixture.restart(true);
    restoring.handle = restoring.fixture.restore(Some(&restoring.token)).unwrap();
    assert_eq!(restoring.register_range((0, 0)), OK);
    assert_eq!(restoring.complete(0), OK);
    assert_eq!(ds_restore_end(restoring.handle), OK);
    assert!(restoring.is_online_after_restart());
}

#[test]
fn api_129_the_narrow_form_registers_the_same() {
    let content = |narrow: bool| {
        let restoring = Restoring::new(CLEAN);
        let name = restoring.database.clone().into_bytes();
        let (logs, checkpoint) = (restoring.logs.as_bytes(), restoring.checkpoint.as_bytes());
        let code = if narrow {
            let row = RestoreMapRow {
                database: Some(Text::Ansi(&name)),
                new_database: Some(Text::Ansi(&name)),
            };
            let (logs, checkpoint) = (Some(Text::Ansi(logs)), Some(Text::Ansi(checkpoint)));
            ds_restore_register(restoring.handle, checkpoint, logs, Some(&[row]), 1, logs, 3, 7)
        } else {
            restoring.register_range((3, 7))
        };
        assert_eq!(code, OK);
        let scratch = restoring.fixture.scratch.path();
        let text = std::fs::read_to_string(scratch.join("state/restore-in-progress.json"));
        assert_eq!(ds_restore_end(restoring.handle), OK);
        // What differs is only where and when the test ran.
        let folder = restoring.fixture.files.path().to_str().unwrap().replace('/', "\\\\");
        let text = text.unwrap().replace(&folder, "<files>");
        let kept = |line: &&str| {
            !["\"token", "context", "\"registered\":", "changed"]
                .iter()
                .any(|key| line.contains(key))
        };
        text.lines().filter(kept).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(content(true), content(false));
}

#[test]
fn a_backup_and_a_restore_exclude_each_other() {
    let fixture = Fixture::online(CLEAN);
    let (handle, token) = fixture.prepare().unwrap();
    let code = fixture.restore(Some(&token)).unwrap_err();
    assert!([HResult::HR_BACKUP_IN_PROGRESS, HResult(0xC800_073A)].contains(&code), "{code}");
    assert_eq!(ds_backup_end(handle), OK);
}
