//! Which logs the dirty databases of the corpus need, and that they are found.

use std::path::PathBuf;

use ese::logs;
use ese::{DatabaseFile, Error};
use ese_format::LogGeneration;

use crate::open;

struct Case {
    database: &'static str,
    required: Option<(u32, u32)>,
    /// Whether all of them are there.
    present: bool,
}

const fn case(database: &'static str, required: Option<(u32, u32)>, present: bool) -> Case {
    Case { database, required, present }
}

const CASES: &[Case] = &[
    case("clean_8k/files/test.edb", None, true),
    case("crash_8k_f/files/test.edb", Some((1, 5)), true),
    case("backup_8k/files/full/test.edb", Some((1, 6)), true),
    case("ntds-2019-backup/files/full/ntds.dit", Some((1, 9)), true),
    case("ntds-2019-dirty/files/ntds.dit", Some((1, 3)), true),
    case("ntds-2019-vss/files/ntds.dit", Some((1, 3)), true),
    case("srum-win10-belkasoft/dirty/SRUDB.dat", Some((0x51, 0x51)), true),
    case("wsearch-win10-rathbun/Dirty/Windows.edb", Some((9, 0xC)), false),
    case("qmgr-26100/qmgr.db", Some((0x17, 0x17)), false),
    case("ual/2012r2-szechuan/Current.mdb", Some((1, 1)), false),
    case("ntds-2012r2-bits/temp.edb", None, true),
];

#[test]
fn required_logs_are_known_and_found() {
    let Some(corpus) = testkit::corpus() else { return };
    for Case { database, required, present } in CASES {
        let path = corpus.unpacked().join(database);
        let opened = open(&path);
        let range = logs::required(opened.header(), opened.layout().trailer.as_ref());
        let expected = required.map(|(a, b)| LogGeneration(a)..=LogGeneration(b));
        assert_eq!(range, expected, "{database}");
        let Some(range) = range else { continue };
        let folder = path.parent().unwrap().to_owned();
        match logs::find(&vfs::os::Os, &folder, opened.header(), &range) {
            Ok(found) => {
                assert!(present, "{database}");
                let generations: Vec<u32> = found.iter().map(|log| log.generation.0).collect();
                let expected: Vec<u32> = (range.start().0..=range.end().0).collect();
                assert_eq!(generations, expected);
            }
            Err(Error::MissingLogs { missing, .. }) => {
                assert!(!present, "{database}");
                assert_eq!(missing, [range]);
            }
            Err(error) => panic!("{database}: {error}"),
        }
    }
}

#[test]
fn every_crashed_database_finds_its_logs() {
    let Some(corpus) = testkit::corpus() else { return };
    let crashed: Vec<PathBuf> =
        corpus.databases().into_iter().filter(|path| path.ends_with("files/test.edb")).collect();
    let mut with_logs = 0;
    for path in crashed {
        let database: DatabaseFile = open(&path);
        let Some(range) = logs::required(database.header(), None) else { continue };
        let folder = path.parent().unwrap();
        let found = logs::find(&vfs::os::Os, folder, database.header(), &range).unwrap();
        with_logs += 1;
        let last = found.last().unwrap();
        assert!(last.path.ends_with("edb.log"));
        assert_eq!(last.archived_name, format!("edb{:05X}.log", last.generation.0));
    }
    assert!(with_logs >= 9, "{with_logs}");
}
