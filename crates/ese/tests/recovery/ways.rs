//! A full backup with its increments, points in time, and logs that go on beyond a backup.

use std::path::Path;

use ese::recovery::{RecoveryError, Request, SourceKind, Until};
use ese_format::log_header::LogHeader;
use ese_format::{LogGeneration, LogTime};

use crate::{dump, findings, recover};

/// Moves the logs of these generations into a folder of their own.
fn split(set: &Path, name: &str, generations: std::ops::RangeInclusive<u32>) -> std::path::PathBuf {
    let folder = set.join(name);
    std::fs::create_dir(&folder).unwrap();
    for generation in generations {
        let log = format!("edb{generation:05X}.log");
        std::fs::rename(set.join(&log), folder.join(&log)).unwrap();
    }
    folder
}

#[test]
fn a_full_backup_goes_on_into_its_increments() {
    let set = testkit::set("backup_8k");
    let whole = recover(&Request::of(set.path()), set.path()).unwrap();
    let expected = dump(whole.file().unwrap());
    let first = split(set.path(), "increment-1", 3..=4);
    let second = split(set.path(), "increment-2", 5..=6);
    // In any order; each generation is found where it lies.
    for logs in [vec![first.clone(), second.clone()], vec![second.clone(), first.clone()]] {
        let request = Request { logs, ..Request::of(set.path()) };
        let recovered = recover(&request, set.path()).unwrap();
        assert_eq!(recovered.report().kind, SourceKind::Backup);
        assert_eq!(recovered.report().logs.len(), 6);
        assert!(dump(recovered.file().unwrap()) == expected);
    }
    let request = Request { logs: vec![second], ..Request::of(set.path()) };
    let error = recover(&request, set.path()).unwrap_err();
    let RecoveryError::MissingLogs(missing) = &error else { panic!("{error}") };
    assert_eq!(missing.missing, [LogGeneration(3)..=LogGeneration(4)]);
}

#[test]
fn a_point_in_time_is_the_state_of_the_last_segment_before_it() {
    let set = testkit::set("backup_8k");
    std::fs::remove_file(set.file("test.edb")).unwrap();
    let created = |generation: u32| {
        let bytes = std::fs::read(set.file(&format!("edb{generation:05X}.log"))).unwrap();
        LogHeader::parse(&bytes).unwrap().created
    };
    let at =
        |until| recover(&Request { until: Some(until), ..Request::of(set.path()) }, set.path());
    let mut lengths = Vec::new();
    for generation in 2..=6 {
        let stopped = at(Until::Time(created(generation))).unwrap();
        // The file that was begun at that very moment is not later than it.
        let end = stopped.report().end.generation.0;
        assert!((generation - 1..=generation).contains(&end), "{generation}: {end}");
        assert!(stopped.report().stopped && stopped.report().loss.is_none());
        let file = stopped.file().unwrap();
        assert_eq!(findings(&file), Vec::<String>::new());
        lengths.push(dump(file).len());
    }
    assert!(lengths.is_sorted() && lengths[0] < lengths[4], "{lengths:?}");
    let never = at(Until::Time("1999-12-31T23:59:59Z".parse::<LogTime>().unwrap()));
    assert!(never.is_err(), "nothing was logged then");
    let later = at(Until::Time("2099-12-31T23:59:59Z".parse::<LogTime>().unwrap())).unwrap();
    assert!(!later.report().stopped);
}

#[test]
fn a_time_before_a_copy_is_consistent_is_refused() {
    let set = testkit::set("backup_8k");
    let bytes = std::fs::read(set.file("edb00004.log")).unwrap();
    let time = LogHeader::parse(&bytes).unwrap().created;
    let request = Request { until: Some(Until::Time(time)), ..Request::of(set.path()) };
    let error = recover(&request, set.path()).unwrap_err();
    assert!(
        matches!(error, RecoveryError::UntilTooEarly { needed: LogGeneration(6), .. }),
        "{error}"
    );
}
