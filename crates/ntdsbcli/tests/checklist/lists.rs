//! The lists: databases, logs, locations.

use ntdsbcli::ansi::{self, CodePage};
use ntdsbcli::functions::{
    Form, List, ds_backup_end, ds_backup_get_backup_logs, ds_backup_get_database_names,
    ds_restore_get_database_locations,
};
use ntdsbcli::{HResult, Handle};
use ntdsbsrv::ServeOptions;

use crate::fixture::*;

#[test]
fn api_051_the_database_list_has_exactly_one_database() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    let units = wide_list(ds_backup_get_database_names, handle);
    let found = entries(&units);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, 0x44);
    assert_eq!(units.len(), found[0].1.encode_utf16().count() + 3);
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_052_both_forms_hold_the_same_units() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    for function in
        [ds_restore_get_database_locations, ds_backup_get_database_names, ds_backup_get_backup_logs]
    {
        let units = wide_list(function, handle);
        let Ok(List::Ansi(bytes)) = list(function, handle, Form::Ansi) else {
            panic!("a narrow list");
        };
        assert_eq!(bytes.iter().map(|&byte| u16::from(byte)).collect::<Vec<_>>(), units);
    }
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_053_a_single_byte_code_page_keeps_the_type() {
    let _settings = Settings::alone();
    ntdsbcli::options::Options::change(|options| options.addressing = true);
    let fixture = Fixture::among_settings(CLEAN);
    ansi::set_current(CodePage::Windows1252);
    let handle = fixture.backup();
    let Ok(List::Ansi(bytes)) = list(ds_restore_get_database_locations, handle, Form::Ansi) else {
        panic!("a narrow list");
    };
    let first: Vec<_> =
        bytes.split(|&byte| byte == 0).filter_map(|entry| entry.first().copied()).collect();
    assert_eq!(first, [0x44, 0x82, 0x83]);
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_054_paths_are_unc_with_the_server_in_upper_case() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    let host = rustix::system::uname().nodename().to_string_lossy().to_uppercase();
    let start = format!("\\\\{}\\ROOT$\\", host.split('.').next().unwrap());
    for path in databases(handle).into_iter().chain(logs(handle)) {
        assert!(path.starts_with(&start), "{path}");
    }
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_055_pointers_and_a_backup_handle_are_required() {
    let fixture = Fixture::online(CLEAN);
    let (backup, restore) = (fixture.backup(), fixture.restore(None).unwrap());
    let (mut list, mut size) = (List::default(), 7);
    for function in [ds_backup_get_database_names, ds_backup_get_backup_logs] {
        assert_eq!(function(backup, Form::Wide, None, Some(&mut size)), INV);
        assert_eq!(size, 0);
        assert_eq!(function(backup, Form::Wide, Some(&mut list), None), INV);
        for handle in [restore, Handle::NULL, Handle::from_raw(u64::MAX)] {
            assert_eq!(function(handle, Form::Wide, Some(&mut list), Some(&mut size)), INV);
        }
    }
    assert_eq!(ds_backup_end(backup), OK);
    assert_eq!(ntdsbcli::functions::ds_restore_end(restore), OK);
}

#[test]
fn api_056_each_call_gives_a_buffer_of_its_own() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    let mut first = wide_list(ds_backup_get_database_names, handle);
    let second = wide_list(ds_backup_get_database_names, handle);
    first.fill(0);
    assert_eq!(second, wide_list(ds_backup_get_database_names, handle));
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_057_a_buffer_outlives_its_context() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    let units = wide_list(ds_backup_get_database_names, handle);
    assert_eq!(ds_backup_end(handle), OK);
    assert_eq!(entries(&units).len(), 1);
}

#[test]
fn api_058_the_log_list_is_ascending_and_has_no_current_log() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    let found = entries(&wide_list(ds_backup_get_backup_logs, handle));
    assert!(found.iter().all(|(kind, _)| *kind == 0x21));
    let names: Vec<_> = found.iter().map(|(_, path)| path.rsplit('\\').next().unwrap()).collect();
    assert_eq!(
        names,
        ["edb00001.log", "edb00002.log", "edb00003.log", "edb00004.log", "edb00005.log"]
    );
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_059_the_log_list_is_the_same_again() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    assert_eq!(logs(handle), logs(handle));
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_060_logs_cannot_be_asked_for_with_a_file_open() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    open(handle, &databases(handle)[0], 65536).unwrap();
    assert_eq!(list(ds_backup_get_backup_logs, handle, Form::Wide), Err(SEQ));
    assert_eq!(ntdsbcli::functions::ds_backup_close(handle), OK);
    assert_eq!(logs(handle).len(), 5);
    assert_eq!(ds_backup_end(handle), OK);
}

/// A database in a folder with this name.
fn in_folder(options: &mut ServeOptions, scratch: &std::path::Path, name: &str) {
    let folder = scratch.join(name);
    std::fs::create_dir(&folder).unwrap();
    let moved = folder.join("ntds.dit");
    std::fs::rename(&options.dit, &moved).unwrap();
    options.dit = moved;
}

#[test]
fn api_062_a_path_beyond_ascii_goes_round_in_both_forms() {
    let _settings = Settings::alone();
    ntdsbcli::options::Options::change(|options| options.addressing = true);
    let mut fixture = Fixture::among_settings(CLEAN);
    fixture.stop();
    let scratch = fixture.scratch.path().to_owned();
    in_folder(&mut fixture.options, &scratch, "caf\u{e9}");
    fixture.start();
    let handle = fixture.backup();
    let path = databases(handle).remove(0);
    assert!(path.contains("caf\u{e9}"), "{path}");
    for page in [CodePage::Utf8, CodePage::Windows1252, CodePage::Latin1] {
        ansi::set_current(page);
        let Ok(List::Ansi(bytes)) = list(ds_backup_get_database_names, handle, Form::Ansi) else {
            panic!("a narrow list");
        };
        let name = &bytes[..bytes.len() - 2];
        let mut size = 0;
        let name = Some(ntdsbcli::functions::Text::Ansi(&name[1..]));
        let code = ntdsbcli::functions::ds_backup_open_file(handle, name, 65536, Some(&mut size));
        assert_eq!(code, OK, "{page:?}");
        assert_eq!(ntdsbcli::functions::ds_backup_close(handle), OK);
    }
    ansi::set_current(CodePage::Ascii);
    let answer = list(ds_backup_get_database_names, handle, Form::Ansi);
    assert_eq!(answer, Err(HResult::ERROR_NO_UNICODE_TRANSLATION));
    assert_eq!(ds_backup_end(handle), OK);
}
