//! What is written into a folder, and what is left when it fails.

use ese_format::DbTime;
use ese_format::header::DatabaseHeader;
use vfs::mem::Mem;

use super::*;
use crate::overlay::{Overlay, Spill};
use crate::recovery::outcome::{Counters, LogEnd};
use crate::recovery::tail::FinishedTail;
use crate::recovery::tail::tests::finished;
use crate::work::{Taken, WorkPages as _};
use crate::{DatabaseFile, OpenOptions, PageStore};

const NAMES: [&str; 3] = ["edb.chk", "edb.log", "out.edb"];

fn recovered(mem: &Mem) -> Outcome {
    mem.put("/test.edb", testkit::database("clean_8k")).unwrap();
    let file = DatabaseFile::open(Arc::new(mem.clone()), Path::new("/test.edb")).unwrap();
    let header: DatabaseHeader = file.header().clone();
    let mut overlay =
        Overlay::new(Some(Arc::new(file)), header.page_size().unwrap(), 0, Spill::Memory);
    let Taken::Page(mut page) = overlay.take(PageNumber(4)).unwrap() else { panic!() };
    page.bytes_mut()[8] ^= 0xFF;
    overlay.put(page).unwrap();
    ended(overlay, &header, finished())
}

pub(crate) fn ended(overlay: Overlay, header: &DatabaseHeader, tail: FinishedTail) -> Outcome {
    let now = tail.time();
    let counters = Counters { dbtime: DbTime(99), last_objid: 9, hard: false };
    Outcome::new(overlay, Path::new("test.edb"), header, LogEnd::Continued(tail), counters, now)
}

pub(crate) fn quiet(_: u64, _: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn folder_has_database_log_and_checkpoint() {
    let mem = Mem::new();
    let outcome = recovered(&mem);
    let storage: Arc<dyn Storage> = Arc::new(mem.clone());
    let dir = Path::new("/new/folder");
    let written = write_to(&storage, dir, "out.edb", &outcome, &quiet).unwrap();
    let names: Vec<_> = mem.list(dir).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, NAMES);
    assert_eq!(written.logs, [dir.join("edb.log")]);
    let file = DatabaseFile::open(storage.clone(), &written.database).unwrap();
    assert!(file.header().is_clean());
    assert_eq!(file.header().consistent_position, finished().mark());
    assert_eq!(file.shadowed().header.to_block(), outcome.header_block());
    assert_eq!(file.len(), written.len);
    assert_eq!(file.layout().last_owned, Ok(PageNumber(file.layout().pages)));
    let changed = file.load(PageNumber(4)).unwrap();
    assert_ne!(changed.bytes(), &mem.get("/test.edb").unwrap()[5 * 8192..6 * 8192]);
    let database = OpenOptions::default().open(storage, &written.database).unwrap();
    assert!(database.is_clean() && database.tables().count() > 0);
}

#[test]
fn nothing_is_left_when_it_fails() {
    let mem = Mem::new();
    let outcome = recovered(&mem);
    let storage: Arc<dyn Storage> = Arc::new(mem.clone());
    let dir = Path::new("/new/folder");
    let stop = |_: u64, _: u64| ControlFlow::Break(());
    let error = write_to(&storage, dir, "out.edb", &outcome, &stop).unwrap_err();
    assert!(matches!(error, Error::Cancelled));
    assert!(mem.metadata(Path::new("/new")).is_err());

    mem.put("/there/out.edb", "precious").unwrap();
    let dir = Path::new("/there");
    let error = write_to(&storage, dir, "out.edb", &outcome, &quiet).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }));
    assert_eq!(mem.list(dir).unwrap().len(), 1);
    assert_eq!(mem.get("/there/out.edb").unwrap(), b"precious");
}

#[test]
fn file_ends_where_the_engine_ends_it() {
    let Some(corpus) = testkit::corpus() else { return };
    for set in ["8k_a", "8k_b", "8k_c", "8k_d", "8k_e", "8k_f", "8k_new", "4k_a", "32k_a"] {
        let path = corpus.unpacked().join(format!("crash_{set}/recovered/test.edb"));
        let bytes = std::fs::read(&path).unwrap();
        let mem = Mem::new();
        mem.put("/in/test.edb", [bytes.as_slice(), &[0; 1 << 18]].concat()).unwrap();
        let storage: Arc<dyn Storage> = Arc::new(mem.clone());
        let file = DatabaseFile::open(storage.clone(), Path::new("/in/test.edb")).unwrap();
        let (header, size) = (file.header().clone(), file.page_size());
        let overlay = Overlay::new(Some(Arc::new(file)), size, 0, Spill::Memory);
        let counters = Counters { dbtime: DbTime(0), last_objid: 0, hard: false };
        let path = Path::new("test.edb");
        let time = header.detach_time;
        let outcome = Outcome::new(overlay, path, &header, LogEnd::None, counters, time);
        let written = write_to(&storage, Path::new("/out"), "a", &outcome, &quiet).unwrap();
        let found = mem.get(&written.database).unwrap();
        let pages = 2 * size.bytes();
        assert!(found[pages..] == bytes[pages..], "{set}");
        assert_eq!((written.logs.len(), written.checkpoint), (0, None));
    }
}
