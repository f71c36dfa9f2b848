//! Finding the logs that a dirty database needs.

use std::ops::RangeInclusive;
use std::path::Path;

use ese::Error;
use ese::logs::{LogFile, RejectReason, find, required};
use ese_format::header::{DatabaseHeader, DatabaseState, FileType};
use ese_format::log_header::LogHeader;
use ese_format::trailer::BackupTrailer;
use ese_format::{LogGeneration, LogTime, Signature};
use vfs::mem::Mem;

const FOLDER: &str = "/logs";

fn stream(random: u32) -> Signature {
    Signature { random, ..Signature::NONE }
}

fn time(generation: u32) -> LogTime {
    let [second, ..] = generation.to_le_bytes();
    if generation == 0 {
        LogTime::UNSET
    } else {
        LogTime::from_bytes([second, 0, 0, 1, 1, 126, 1, 0])
    }
}

fn log(generation: u32, change: impl FnOnce(&mut LogHeader)) -> Vec<u8> {
    let blank = ese_format::checksum::xor32(&[0; 4096]).to_le_bytes();
    let mut block = vec![0; 4096];
    block[..4].copy_from_slice(&blank);
    let mut header = LogHeader::parse(&block).unwrap();
    header.file_type = FileType::LOG;
    header.generation = LogGeneration(generation);
    header.sector_size = 4096;
    header.file_sectors = 3;
    header.signature = stream(7);
    header.created = time(generation);
    header.previous_created = time(generation - 1);
    change(&mut header);
    let mut file = header.to_sealed_block();
    file.resize(3 * 4096, 0);
    file
}

fn folder(files: &[(&str, Vec<u8>)]) -> Mem {
    let storage = Mem::new();
    for (name, content) in files {
        storage.put(format!("{FOLDER}/{name}"), content.clone()).unwrap();
    }
    storage
}

fn header() -> DatabaseHeader {
    let mut header = DatabaseHeader::parse(&[0; 8192]).unwrap();
    header.state = DatabaseState::DIRTY_SHUTDOWN;
    header.log_signature = stream(7);
    header.min_required = LogGeneration(2);
    header.max_required = LogGeneration(3);
    header.max_committed = LogGeneration(4);
    header
}

fn search(storage: &Mem) -> Result<Vec<LogFile>, Error> {
    let header = header();
    let range = required(&header, None).unwrap();
    find(storage, Path::new(FOLDER), &header, &range)
}

fn missing(error: &Error) -> Vec<RangeInclusive<u32>> {
    let Error::MissingLogs { missing, .. } = error else { panic!("{error}") };
    missing.iter().map(|run| run.start().0..=run.end().0).collect()
}

#[test]
fn required_range_goes_on_to_the_committed_generation() {
    assert_eq!(required(&header(), None), Some(LogGeneration(2)..=LogGeneration(4)));
    let mut clean = header();
    clean.state = DatabaseState::CLEAN_SHUTDOWN;
    assert_eq!(required(&clean, None), None);
    let mut unlogged = header();
    unlogged.min_required = LogGeneration(0);
    assert_eq!(required(&unlogged, None), None);
}

#[test]
fn streaming_copy_needs_all_that_its_trailer_says() {
    let mut header = header();
    header.current_backup.first_generation = LogGeneration(1);
    assert_eq!(required(&header, None), Some(LogGeneration(1)..=LogGeneration(4)));
    let mut trailer = BackupTrailer::default();
    trailer.backup.last_generation = LogGeneration(6);
    assert_eq!(required(&header, Some(&trailer)), Some(LogGeneration(1)..=LogGeneration(6)));
}

#[test]
fn current_log_is_listed_under_its_archived_name() {
    let storage = folder(&[
        ("edb00001.log", log(1, |_| ())),
        ("edb00002.log", log(2, |_| ())),
        ("edb00003.log", log(3, |_| ())),
        ("edb.log", log(4, |_| ())),
        ("edbtmp.log", vec![0; 100]),
        ("edbres00001.jrs", vec![0; 100]),
        ("notes.txt", vec![1]),
    ]);
    let found = search(&storage).unwrap();
    let names: Vec<&str> = found.iter().map(|log| log.archived_name.as_str()).collect();
    assert_eq!(names, ["edb00002.log", "edb00003.log", "edb00004.log"]);
    assert!(found[2].path.ends_with("edb.log"));
    assert_eq!(found[2].len, 3 * 4096);
}

#[test]
fn archived_log_comes_before_a_current_one_of_the_same_generation() {
    let storage = folder(&[
        ("edb00000002.log", log(2, |_| ())),
        ("edb00000003.log", log(3, |_| ())),
        ("edb00000004.log", log(4, |_| ())),
        ("edb.log", log(4, |_| ())),
    ]);
    let found = search(&storage).unwrap();
    assert!(found[2].path.ends_with("edb00000004.log"));
}

#[test]
fn name_of_the_current_log_has_as_many_digits_as_its_neighbours() {
    let storage = folder(&[
        ("edb00000002.log", log(2, |_| ())),
        ("edb00000003.log", log(3, |_| ())),
        ("edb.log", log(4, |_| ())),
    ]);
    assert_eq!(search(&storage).unwrap()[2].archived_name, "edb00000004.log");
}

#[test]
fn gaps_are_named() {
    let error = search(&folder(&[("edb00003.log", log(3, |_| ()))])).unwrap_err();
    assert_eq!(missing(&error), [2..=2, 4..=4]);
    assert_eq!(error.jet_code(), -543);
    assert!(error.to_string().contains("generations 2, 4"), "{error}");
    let storage = folder(&[("edb00002.log", log(2, |_| ())), ("edb00003.log", log(3, |_| ()))]);
    let error = search(&storage).unwrap_err();
    assert_eq!((missing(&error), error.jet_code()), (vec![4..=4], -582));
}

#[test]
fn absurd_range_costs_nothing() {
    let mut header = header();
    header.max_committed = LogGeneration(u32::MAX);
    let range = required(&header, None).unwrap();
    let storage = folder(&[("edb00002.log", log(2, |_| ()))]);
    let error = find(&storage, Path::new(FOLDER), &header, &range).unwrap_err();
    assert_eq!(missing(&error), [3..=u32::MAX]);
}

#[test]
fn files_that_are_no_usable_logs_are_rejected_with_a_reason() {
    let mut damaged = log(2, |_| ());
    damaged[100] ^= 1;
    let mut short = log(4, |_| ());
    short.truncate(2 * 4096);
    let storage = folder(&[
        ("edb00002.log", damaged),
        ("edb00003.log", log(9, |_| ())),
        ("edb00004.log", short),
        ("j5000004.log", log(4, |h| h.signature = stream(8))),
    ]);
    let error = search(&storage).unwrap_err();
    assert_eq!(missing(&error), [2..=4]);
    let Error::MissingLogs { rejected, .. } = &error else { panic!("{error}") };
    let reason =
        |name: &str| &rejected.iter().find(|log| log.path.ends_with(name)).expect(name).reason;
    assert!(matches!(reason("edb00002.log"), RejectReason::Header(_)));
    assert_eq!(*reason("edb00003.log"), RejectReason::OtherGeneration(LogGeneration(9)));
    assert!(matches!(reason("edb00004.log"), RejectReason::Length { expected: 12_288, .. }));
    assert_eq!(*reason("j5000004.log"), RejectReason::OtherStream(stream(8)));
}

#[test]
fn log_that_does_not_follow_its_predecessor_is_an_error() {
    let storage = folder(&[
        ("edb00002.log", log(2, |_| ())),
        ("edb00003.log", log(3, |h| h.previous_created = time(9))),
        ("edb00004.log", log(4, |_| ())),
    ]);
    let error = search(&storage).unwrap_err();
    assert!(matches!(&error, Error::LogSequence { path, .. } if path.ends_with("edb00003.log")));
    assert_eq!(error.jet_code(), -515);
}
