//! DsBackupOpenFile, DsBackupRead, DsBackupClose.

use ntdsbcli::functions::{
    Text, ds_backup_close, ds_backup_end, ds_backup_open_file, ds_backup_read,
};
use ntdsbcli::{BackupContext, HResult, Handle};

use crate::fixture::*;

const NO_FILE: HResult = HResult::HR_INVALID_HANDLE;

fn original(fixture: &Fixture) -> Vec<u8> {
    std::fs::read(&fixture.options.dit).unwrap()
}

#[test]
fn api_063_a_name_is_accepted_with_and_without_its_type() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    let path = databases(handle).remove(0);
    for name in [path.clone(), format!("D{path}")] {
        assert_eq!(fetch(handle, &name), original(&fixture));
    }
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_064_local_spelling_and_other_case_are_accepted() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    let path = databases(handle).remove(0);
    let local = fixture.options.dit.to_str().unwrap();
    for name in [local, &path.to_ascii_lowercase(), &path.to_ascii_uppercase()] {
        open(handle, name, 65536).unwrap_or_else(|code| panic!("{name}: {code}"));
        assert_eq!(ds_backup_close(handle), OK);
    }
    assert_eq!(ds_backup_end(handle), OK);

    // A name is accepted although the client never asked for the list.
    let handle = fixture.backup();
    assert_eq!(fetch(handle, local), original(&fixture));
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_065_what_is_in_no_list_is_invalid() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    let path = databases(handle).remove(0);
    let (folder, file) = path.rsplit_once('\\').unwrap();
    for name in [
        "",
        "x",
        "/etc/passwd",
        folder,
        &format!("{folder}\\..\\{file}"),
        &format!("{folder}\\.\\{file}"),
        &format!("{path}x"),
        &format!("{folder}\\*"),
        &"x".repeat(5000),
    ] {
        assert_eq!(open(handle, name, 65536), Err(INV), "{name}");
    }
    let mut size = 0;
    assert_eq!(ds_backup_open_file(handle, None, 65536, Some(&mut size)), INV);
    let lone_surrogate = [0xD800, 0x78];
    let name = Some(Text::Wide(&lone_surrogate));
    assert_eq!(ds_backup_open_file(handle, name, 65536, Some(&mut size)), INV);
    assert_eq!(ds_backup_close(handle), NO_FILE, "nothing was opened");
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_066_a_hint_is_a_multiple_of_8192_from_24576() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    let path = databases(handle).remove(0);
    for hint in [0, 8192, 16384, 24575, 24577, 30000, u32::MAX] {
        assert_eq!(open(handle, &path, hint), Err(INV), "{hint}");
    }
    for hint in [24576, 65536, 1 << 20, u32::MAX - 8191] {
        open(handle, &path, hint).unwrap();
        assert!(read_to_end(handle, 65536).unwrap() == original(&fixture), "{hint}");
        assert_eq!(ds_backup_close(handle), OK);
    }
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_067_a_second_open_is_refused_and_the_first_goes_on() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    let path = databases(handle).remove(0);
    open(handle, &path, 65536).unwrap();
    assert_eq!(open(handle, &path, 65536), Err(HResult::HR_ALREADY_OPEN));
    assert_eq!(open(handle, "in no list", 65536), Err(HResult::HR_ALREADY_OPEN));
    assert!(read_to_end(handle, 65536).unwrap() == original(&fixture));
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_068_databases_come_before_logs() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    let path = databases(handle).remove(0);
    let log = path.replace("test.edb", "edb00001.log");
    assert_eq!(open(handle, &log, 65536), Err(SEQ));
    assert!(logs(handle).contains(&log));
    assert_eq!(open(handle, &path, 65536), Err(SEQ));
    open(handle, &log, 65536).unwrap();
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_069_the_size_is_what_reading_to_the_end_delivers() {
    for set in testkit::CLEAN.into_iter().chain([DIRTY]) {
        let fixture = Fixture::online(set);
        let handle = fixture.backup();
        let path = databases(handle).remove(0);
        let size = open(handle, &path, 1 << 20).unwrap();
        let content = read_to_end(handle, 1 << 20).unwrap();
        assert_eq!(content.len() as u64, size, "{set}");
        assert!(content == original(&fixture), "{set}: a database that stands still is the file");
        assert_eq!(ds_backup_close(handle), OK);
        for log in logs(handle) {
            let content = fetch(handle, &log);
            let name = log.rsplit('\\').next().unwrap().replace("edb00005.log", "edb.log");
            assert!(content == std::fs::read(fixture.files.file(&name)).unwrap(), "{log}");
        }
        assert_eq!(ds_backup_end(handle), OK);
    }
}

#[test]
fn api_070_a_buffer_is_a_multiple_of_8192_from_24576() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    open(handle, &databases(handle)[0], 65536).unwrap();
    for size in [0, 8192, 16384, 24575, 24577, 30000] {
        assert_eq!(read(handle, &mut vec![0; size]), Err(INV), "{size}");
    }
    for size in [24576, 65536, 1 << 20] {
        assert!(read(handle, &mut vec![0; size]).unwrap() > 0, "{size}");
    }
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_071_buffer_and_count_are_required() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    open(handle, &databases(handle)[0], 65536).unwrap();
    let (mut buffer, mut count) = (vec![0; 65536], 7);
    assert_eq!(ds_backup_read(handle, None, Some(&mut count)), INV);
    assert_eq!(count, 0);
    assert_eq!(ds_backup_read(handle, Some(&mut buffer), None), INV);
    assert!(read_to_end(handle, 65536).unwrap() == original(&fixture), "nothing was skipped");
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_072_reading_needs_an_open_file() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    assert_eq!(read(handle, &mut vec![0; 65536]), Err(NO_FILE));
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_073_the_end_of_the_file_repeats() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    open(handle, &databases(handle)[0], 65536).unwrap();
    read_to_end(handle, 65536).unwrap();
    for _ in 0..3 {
        assert_eq!(read(handle, &mut vec![0; 65536]), Err(HResult::ERROR_HANDLE_EOF));
    }
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_074_the_read_that_delivers_the_last_byte_succeeds() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    let size = open(handle, &databases(handle)[0], 65536).unwrap();
    let mut total = 0;
    while total < size {
        total += read(handle, &mut vec![0; 65536]).unwrap() as u64;
    }
    assert_eq!(total, size);
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_075_counting_up_to_the_size_never_meets_the_end() {
    let fixture = Fixture::online(DIRTY);
    let handle = fixture.backup();
    logs(handle);
    for name in logs(handle) {
        let size = open(handle, &name, 65536).unwrap();
        let mut total = 0;
        while total < size {
            total += read(handle, &mut vec![0; 24576]).unwrap() as u64;
        }
        assert_eq!(ds_backup_close(handle), OK);
    }
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_076_the_smallest_buffer_reads_the_largest_pages() {
    let fixture = Fixture::online("clean_32k");
    let handle = fixture.backup();
    open(handle, &databases(handle)[0], 24576).unwrap();
    assert!(read_to_end(handle, 24576).unwrap() == original(&fixture));
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_077_closing_needs_an_open_file() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    assert_eq!(ds_backup_close(handle), NO_FILE);
    open(handle, &databases(handle)[0], 65536).unwrap();
    assert_eq!(ds_backup_close(handle), OK);
    assert_eq!(ds_backup_close(handle), NO_FILE);
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_078_closed_early_and_opened_again_a_file_is_read_whole() {
    let fixture = Fixture::online(CLEAN);
    let handle = fixture.backup();
    let path = databases(handle).remove(0);
    for reads in [0, 1, 3] {
        open(handle, &path, 65536).unwrap();
        for _ in 0..reads {
            read(handle, &mut vec![0; 24576]).unwrap();
        }
        assert_eq!(ds_backup_close(handle), OK);
    }
    assert_eq!(fetch(handle, &path), original(&fixture));
    assert_eq!(ds_backup_end(handle), OK);
}

/// Damages a page beyond repair.
fn damage(fixture: &Fixture, page: usize) {
    let mut content = original(fixture);
    let start = (page + 1) * 8192;
    for at in [100, 200, 300, 4000] {
        content[start + at] ^= 0x55;
    }
    std::fs::write(&fixture.options.dit, content).unwrap();
}

fn read_until_error(handle: Handle) -> (Vec<u8>, HResult) {
    let (mut buffer, mut all) = (vec![0; 24576], Vec::new());
    loop {
        match read(handle, &mut buffer) {
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(code) => return (all, code),
        }
    }
}

#[test]
fn api_079_a_damaged_page_is_never_delivered() {
    let fixture = Fixture::online(CLEAN);
    let page = 20;
    damage(&fixture, page);
    let handle = fixture.backup();
    let path = databases(handle).remove(0);
    open(handle, &path, 65536).unwrap();
    let (delivered, code) = read_until_error(handle);
    assert_eq!(code, HResult::HR_READ_VERIFY_FAILURE);
    assert!(delivered.len() <= (page + 1) * 8192, "{}", delivered.len());
    assert!(delivered.len() + 65536 > (page + 1) * 8192, "what lies before it is delivered");
    assert!(delivered == original(&fixture)[..delivered.len()]);
    for _ in 0..3 {
        assert_eq!(read(handle, &mut vec![0; 24576]), Err(HResult::HR_READ_VERIFY_FAILURE));
    }
    // The context goes on.
    assert_eq!(ds_backup_close(handle), OK);
    assert_eq!(databases(handle), [path]);
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn api_081_a_database_of_5_gib_reports_its_size() {
    let scratch = tempfile::tempdir().unwrap();
    let dit = scratch.path().join("ntds.dit");
    let pages = 5 << 17;
    testkit::synthetic::stretched(&dit, pages, testkit::synthetic::Fill::Sparse).unwrap();
    let fixture = Fixture::with(CLEAN, |options, _| options.dit = dit);
    let handle = fixture.backup();
    let size = open(handle, &databases(handle)[0], 65536).unwrap();
    assert_eq!(size, (u64::from(pages) + 2) * 8192);
    assert!(size > 5 << 30);
    assert_eq!(ds_backup_end(handle), OK);
}

#[test]
fn the_safe_interface_reads_the_same_bytes() {
    use std::io::{BufRead, Read};

    let fixture = Fixture::online(DIRTY);
    let mut backup = BackupContext::prepare(&fixture.safe()).unwrap();
    let entry = backup.databases().unwrap().remove(0);
    let mut content = Vec::new();
    let mut file = backup.open(&entry.path, 65536).unwrap();
    assert_eq!(file.read_to_end(&mut content).unwrap() as u64, file.len());
    file.close().unwrap();
    assert!(content == original(&fixture));

    // Without copying: what was received is looked at where it lies.
    let mut file = backup.open(&entry.path, 65536).unwrap();
    let mut at = 0;
    loop {
        let unit = file.fill_buf().unwrap();
        if unit.is_empty() {
            break;
        }
        assert!(unit == &content[at..at + unit.len()]);
        let count = unit.len();
        at += count;
        file.consume(count);
    }
    assert_eq!(at, content.len());
    drop(file);
    assert_eq!(backup.logs().unwrap().len(), 5);
    assert_eq!(backup.log_generations(), Some((1, 5)));
    backup.end().unwrap();
}
