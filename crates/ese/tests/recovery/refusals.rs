//! What cannot be recovered is refused, and told in the words of who has to find what is missing.

use std::path::Path;

use ese::recovery::{
    Ending, MissingLogs, Options, RecoveryError, Request, SourceKind, Until, plan,
};
use ese::verify::Unheard;
use ese_format::{LogGeneration, PageNumber};
use testkit::Unpacked;

use crate::{dump, findings, os, recover};

/// A set, changed.
fn changed(set: &str, change: impl FnOnce(&Path)) -> Unpacked {
    let unpacked = testkit::set(set);
    change(unpacked.path());
    unpacked
}

fn error(set: &Unpacked, request: &Request) -> RecoveryError {
    recover(request, set.path()).map(|done| done.report().clone()).unwrap_err()
}

fn of(set: &Unpacked) -> Request {
    Request::of(set.path())
}

fn missing(error: RecoveryError) -> MissingLogs {
    let RecoveryError::MissingLogs(missing) = error else { panic!("{error}") };
    *missing
}

fn run(first: u32, last: u32) -> std::ops::RangeInclusive<LogGeneration> {
    LogGeneration(first)..=LogGeneration(last)
}

#[test]
fn a_missing_generation_is_named_and_there_is_no_way_round() {
    let set = changed("crash_8k_e", |path| {
        std::fs::remove_file(path.join("edb00005.log")).unwrap();
    });
    let told = missing(error(&set, &of(&set)));
    assert_eq!(told.missing, [run(5, 5)]);
    assert_eq!(told.found, [run(1, 4), run(6, 9)]);
    assert_eq!(told.required, Some(run(3, 9)));
    assert!(!told.can_be_lost());
    let text = told.to_string();
    assert!(text.contains("generations 5; the database needs 3-9"), "{text}");
    let advice = RecoveryError::MissingLogs(Box::new(told)).advice().unwrap();
    assert!(advice.contains(r"C:\ese\crash_8k_e"), "{advice}");
    // Pages of later generations are in the file: no earlier point is consistent.
    let lossy = error(&set, &Request { lossy: true, ..of(&set) });
    assert!(
        matches!(lossy, RecoveryError::LaterThanLogs { .. } | RecoveryError::Replay(_)),
        "{lossy}"
    );
}

#[test]
fn what_was_committed_last_can_be_given_up() {
    // A copy whose pages are as late as generation 6 is made by a recovery that stops there.
    let set = testkit::set("backup_8k");
    let storage = os();
    let whole = recover(&of(&set), set.path()).unwrap();
    assert_eq!(whole.report().kind, SourceKind::Backup);
    let chain = |until| {
        let request = Request { until: Some(Until::Generation(LogGeneration(until))), ..of(&set) };
        plan(&storage, &request).map(|plan| plan.logs.len())
    };
    assert_eq!(chain(6).unwrap(), 6);
    let early = chain(5).unwrap_err();
    assert!(matches!(early, RecoveryError::UntilTooEarly { needed: LogGeneration(6), .. }));
    assert_eq!(early.jet_code(), -543);
    assert!(early.to_string().contains("as late as generation 6"), "{early}");
}

#[test]
fn damage_in_a_log_is_told_by_file_and_sector() {
    let set = changed("crash_8k_e", |path| {
        let path = path.join("edb00006.log");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[5 * 4096 + 100..5 * 4096 + 107].copy_from_slice(b"damaged");
        std::fs::write(path, bytes).unwrap();
    });
    let told = error(&set, &of(&set));
    assert!(told.to_string().ends_with("edb00006.log: sector 5: its checksum does not hold"));
    assert_eq!(told.jet_code(), -501);
    assert!(told.advice().unwrap().contains("another copy of this log file"));
}

#[test]
fn logs_of_other_names_streams_and_histories_are_told_apart() {
    let set = changed("crash_8k_e", |path| {
        let [a, b, c] = ["edb00004.log", "edb00005.log", "x"].map(|name| path.join(name));
        std::fs::rename(&a, &c).unwrap();
        std::fs::rename(&b, &a).unwrap();
        std::fs::rename(&c, &b).unwrap();
    });
    let told = missing(error(&set, &of(&set)));
    assert_eq!((told.missing.as_slice(), told.rejected.len()), ([run(4, 5)].as_slice(), 2));
    assert!(told.to_string().contains("edb00004.log: is generation 5"), "{told}");

    let (database, logs) = (testkit::set("crash_8k_e"), testkit::set("crash_8k_f"));
    std::fs::rename(database.file("test.edb"), logs.file("test.edb")).unwrap();
    let told = missing(error(&logs, &of(&logs)));
    assert!(told.found.is_empty() && told.foreign.len() == 1);
    assert!(told.to_string().contains("none was found; there are logs of another stream"));
}

#[test]
fn folders_without_a_database_or_with_several_are_told() {
    let set = testkit::set("clean_8k");
    let empty = set.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let nothing = error(&set, &Request::of(&empty));
    assert!(matches!(nothing, RecoveryError::Nothing { .. }), "{nothing}");
    assert_eq!(nothing.jet_code(), -1811);
    std::fs::copy(set.file("test.edb"), set.file("other.edb")).unwrap();
    let several = error(&set, &of(&set));
    assert!(several.to_string().ends_with("several databases: other.edb, test.edb"), "{several}");
    let one = Request { database: Some(set.file("other.edb")), ..of(&set) };
    let done = recover(&one, set.path()).unwrap();
    assert!(done.is_unchanged());
    assert_eq!(done.report().kind, SourceKind::Clean);
    assert!(dump(done.file().unwrap()) == dump(open(&set.file("test.edb"))));
}

#[test]
fn a_copy_of_a_backup_without_its_trailer_is_refused() {
    let set = changed("backup_8k", |path| {
        let path = path.join("test.edb");
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(file.metadata().unwrap().len() - 8192).unwrap();
    });
    let told = error(&set, &of(&set));
    assert!(matches!(told, RecoveryError::NoTrailer { .. }), "{told}");
    assert_eq!(told.jet_code(), -535);
}

#[test]
fn logs_from_the_beginning_make_the_database_anew() {
    let set = testkit::set("backup_8k");
    let restored = recover(&of(&set), set.path()).unwrap();
    let expected = dump(restored.file().unwrap());
    std::fs::remove_file(set.file("test.edb")).unwrap();
    let anew = recover(&of(&set), set.path()).unwrap();
    assert_eq!(anew.report().kind, SourceKind::LogsOnly);
    assert_eq!(anew.path(), set.file("test.edb"));
    let file = anew.file().unwrap();
    assert!(dump(file.clone()) == expected);
    assert_eq!(findings(&file), Vec::<String>::new());
    assert_eq!(anew.header().signature, restored.header().signature);
}

#[test]
fn a_recovery_in_place_leaves_a_clean_database_that_its_log_goes_with() {
    let set = testkit::set("crash_8k_f");
    let read = recover(&of(&set), set.path()).unwrap();
    let expected = dump(read.file().unwrap());
    let storage = os();
    let options = Options::writing(&storage, set.file("pages"));
    let done = plan(&storage, &of(&set)).unwrap().execute(&storage, &options, &Unheard).unwrap();
    assert_eq!(done.report().ending, Ending::Continued);
    done.commit(&storage, &Unheard).unwrap();
    let file = open(&set.file("test.edb"));
    assert!(file.header().is_clean());
    assert!(dump(file.clone()) == expected);
    assert_eq!(findings(&file), Vec::<String>::new());
    assert!(set.file("edb00005.log").exists() && !set.file("test.edb.recovery").exists());
    let again = recover(&of(&set), set.path()).unwrap();
    assert!(again.is_unchanged());
    assert_eq!(again.report().ending, Ending::Apart);
}

#[test]
fn a_database_with_pages_behind_the_end_of_its_log_is_refused() {
    let set = changed("crash_8k_e", |path| {
        let path = path.join("edb.log");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[2 * 4096..].fill(0);
        std::fs::write(path, bytes).unwrap();
    });
    let told = error(&set, &of(&set));
    let RecoveryError::LaterThanLogs { page, end, .. } = &told else { panic!("{told}") };
    assert!(*page > PageNumber(0) && end.generation == LogGeneration(9));
    assert!(told.to_string().contains("the end of the log is missing"));
}

fn open(path: &Path) -> std::sync::Arc<ese::DatabaseFile> {
    std::sync::Arc::new(ese::DatabaseFile::open(os(), path).unwrap())
}

#[test]
fn logs_of_an_old_format_are_refused_by_name_also_where_losses_are_put_up_with() {
    let set = changed("crash_8k_e", |path| {
        let path = path.join("edb00006.log");
        let mut bytes = std::fs::read(&path).unwrap();
        let mut header = ese_format::log_header::LogHeader::parse(&bytes).unwrap();
        (header.major, header.minor, header.update_major) = (7, 3704, 15);
        bytes[..4096].copy_from_slice(&header.to_sealed_block());
        std::fs::write(path, bytes).unwrap();
    });
    for lossy in [false, true] {
        let told = error(&set, &Request { lossy, ..of(&set) });
        assert!(
            told.to_string().contains("log format 7.3704.15.16 of Windows Server 2008 R2"),
            "{told}"
        );
        assert!(told.to_string().contains("bring the database to a clean shutdown"));
        assert_eq!(told.jet_code(), -514);
    }
}

#[test]
fn what_a_gap_in_the_logs_leaves_can_be_had_with_its_loss() {
    let set = changed("backup_8k", |path| {
        std::fs::remove_file(path.join("test.edb")).unwrap();
        std::fs::remove_file(path.join("edb00005.log")).unwrap();
    });
    let told = missing(error(&set, &of(&set)));
    assert_eq!((told.missing.as_slice(), told.can_be_lost()), ([run(5, 5)].as_slice(), true));
    let lossy = recover(&Request { lossy: true, ..of(&set) }, set.path()).unwrap();
    let loss = lossy.report().loss.as_ref().unwrap();
    assert_eq!(loss.behind.generation, LogGeneration(4));
    assert_eq!(loss.missing.as_ref().unwrap().missing, [run(5, 5)]);
    assert_eq!(findings(&lossy.file().unwrap()), Vec::<String>::new());
    // The same as a stop there that was wanted.
    let until = Some(Until::Generation(LogGeneration(4)));
    let wanted = recover(&Request { until, ..of(&set) }, set.path()).unwrap();
    assert!(wanted.report().loss.is_none());
    assert!(dump(wanted.file().unwrap()) == dump(lossy.file().unwrap()));
}
