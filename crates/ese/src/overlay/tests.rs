//! The overlay against a plain map of pages.

use std::collections::BTreeMap;
use std::path::Path;

use ese_format::page::PageFlags;
use ese_format::page_builder::PageBuilder;
use proptest::prelude::*;
use vfs::mem::Mem;

use super::*;
use crate::Database;

fn sound(number: PageNumber, size: PageSize, dbtime: u64) -> Vec<u8> {
    let mut page = WorkPage::blank(number, size);
    fill(&mut page, dbtime);
    let mut bytes = page.bytes().to_vec();
    finish(&mut bytes, number);
    bytes
}

/// Makes the page an empty leaf with this dbtime.
fn fill(page: &mut WorkPage, dbtime: u64) {
    let size = PageSize::new(u32::try_from(page.bytes().len()).unwrap()).unwrap();
    let flags = PageFlags::ROOT | PageFlags::LEAF | PageFlags::NEW_CHECKSUM_FORMAT;
    let built = PageBuilder::new(size, flags).objid(7).build().unwrap();
    page.bytes_mut().copy_from_slice(&built);
    let mut header = PageHeader::parse(page.bytes()).unwrap();
    header.dbtime = DbTime(dbtime);
    header.write(page.bytes_mut());
}

fn base() -> (Mem, Arc<DatabaseFile>) {
    let mem = Mem::new();
    mem.put("/db.edb", testkit::database("clean_8k")).unwrap();
    let file = DatabaseFile::open(Arc::new(mem.clone()), Path::new("/db.edb")).unwrap();
    (mem, Arc::new(file))
}

fn spill(mem: &Mem) -> Spill {
    Spill::File { storage: Arc::new(mem.clone()), path: "/scratch".into() }
}

fn page_of(overlay: &mut Overlay, number: u32) -> WorkPage {
    match overlay.take(PageNumber(number)).unwrap() {
        Taken::Page(page) => page,
        other => panic!("page {number}: {other:?}"),
    }
}

#[test]
fn unchanged_overlay_is_the_file() {
    let (mem, base) = base();
    let overlay = Overlay::new(Some(base.clone()), base.page_size(), 0, spill(&mem));
    assert!(overlay.is_unchanged());
    let pages = base.layout().pages as usize;
    let mut all = vec![0; (pages + 3) * 8192];
    assert_eq!(overlay.read_run(PageNumber::ROOT, &mut all).unwrap(), pages);
    let file = mem.get("/db.edb").unwrap();
    assert_eq!(all[..pages * 8192], file[2 * 8192..]);
    let store = overlay.into_store(Path::new("/db.edb"));
    let database = Database::with_store(store, 1 << 20).unwrap();
    assert!(database.tables().count() > 0);
}

#[test]
fn page_in_use_and_pages_that_are_none() {
    let (mem, base) = base();
    let last = base.layout().pages;
    let mut overlay = Overlay::new(Some(base.clone()), base.page_size(), 0, spill(&mem));
    let page = page_of(&mut overlay, 4);
    assert!(matches!(
        overlay.take(PageNumber(4)),
        Err(Error::PageInUse { page: PageNumber(4), .. })
    ));
    overlay.put(page).unwrap();
    page_of(&mut overlay, 4);
    assert!(matches!(overlay.take(PageNumber(0)).unwrap(), Taken::BeyondEnd));
    assert!(matches!(overlay.take(PageNumber(last + 1)).unwrap(), Taken::BeyondEnd));
    overlay.set_last_page(PageNumber(last + 2));
    let taken = overlay.take(PageNumber(last + 2)).unwrap();
    assert!(matches!(taken, Taken::Unsound(PageError::Zeroed)));
    overlay.zero(PageNumber(5));
    let taken = overlay.take(PageNumber(5)).unwrap();
    assert!(matches!(taken, Taken::Unsound(PageError::Zeroed)));
    assert_eq!(overlay.changed(), [PageNumber(5)]);
}

#[test]
fn what_was_cut_off_does_not_come_back() {
    let (mem, base) = base();
    let last = base.layout().pages;
    let mut overlay = Overlay::new(Some(base.clone()), base.page_size(), 0, spill(&mem));
    overlay.set_last_page(PageNumber(10));
    overlay.set_last_page(PageNumber(last));
    assert!(!overlay.is_unchanged());
    let taken = overlay.take(PageNumber(11)).unwrap();
    assert!(matches!(taken, Taken::Unsound(PageError::Zeroed)));
    page_of(&mut overlay, 10);
    let mut run = vec![1; 2 * 8192];
    assert_eq!(overlay.read_run(PageNumber(10), &mut run).unwrap(), 2);
    assert!(run[..8192].iter().any(|byte| *byte != 0));
    assert!(run[8192..].iter().all(|byte| *byte == 0));
}

#[test]
fn corrected_bit_makes_a_changed_page() {
    let (mem, base) = base();
    let mut file = mem.get("/db.edb").unwrap();
    let good = file[5 * 8192..6 * 8192].to_vec();
    file[5 * 8192 + 100] ^= 4;
    mem.put("/bad.edb", file).unwrap();
    let bad = DatabaseFile::open(Arc::new(mem.clone()), Path::new("/bad.edb")).unwrap();
    let mut overlay = Overlay::new(Some(Arc::new(bad)), base.page_size(), 0, spill(&mem));
    let page = page_of(&mut overlay, 4);
    assert!(page.is_changed());
    overlay.put(page).unwrap();
    let mut bytes = vec![0; 8192];
    overlay.read_run(PageNumber(4), &mut bytes).unwrap();
    assert_eq!(bytes, good);
}

#[test]
fn memory_stays_in_its_bound_and_the_scratch_file_is_gone() {
    let mem = Mem::new();
    let size = PageSize::KIB_4;
    let mut overlay = Overlay::new(None, size, 64 * 4096, spill(&mem));
    for round in 1..=3_u64 {
        for number in 1..=2000_u32 {
            let mut page = match overlay.take(PageNumber(number)).unwrap() {
                Taken::Page(page) => page,
                _ => WorkPage::blank(PageNumber(number), size),
            };
            assert!(round == 1 || page.dbtime().0 == round - 1);
            fill(&mut page, round);
            overlay.put(page).unwrap();
            assert!(overlay.memory() <= 65 * 4096, "{}", overlay.memory());
        }
    }
    assert!(overlay.spilled() <= 2000 * 4096);
    assert_eq!(overlay.changed().len(), 2000);
    let survey = overlay.survey().unwrap();
    assert_eq!((survey.dbtime, survey.latest), (DbTime(3), PageNumber(1)));
    assert!(mem.list(Path::new("/")).unwrap().is_empty());
    let store = overlay.into_store(Path::new("/x"));
    for number in 1..=2000 {
        assert_eq!(store.load(PageNumber(number)).unwrap().header().dbtime, DbTime(3));
    }
}

#[test]
fn unchanged_pages_are_not_put_aside() {
    let (mem, base) = base();
    let mut overlay = Overlay::new(Some(base.clone()), base.page_size(), 0, spill(&mem));
    for number in 1..=base.layout().pages {
        if let Taken::Page(page) = overlay.take(PageNumber(number)).unwrap() {
            overlay.put(page).unwrap();
        }
    }
    assert_eq!(overlay.spilled(), 0);
    assert!(overlay.is_unchanged());
}

#[test]
fn scratch_name_that_is_taken_is_left_alone() {
    let mem = Mem::new();
    mem.put("/scratch", "precious").unwrap();
    let mut overlay = Overlay::new(None, PageSize::KIB_4, 0, spill(&mem));
    for number in 1..=100 {
        let mut page = WorkPage::blank(PageNumber(number), PageSize::KIB_4);
        fill(&mut page, 1);
        overlay.put(page).unwrap();
    }
    assert!(overlay.spilled() > 0);
    assert_eq!(mem.get("/scratch").unwrap(), b"precious");
}

#[derive(Debug, Clone)]
enum Step {
    Change(u32, u64),
    Look(u32),
    Zero(u32),
    SetLast(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..120_u32, 1..1000_u64).prop_map(|(page, dbtime)| Step::Change(page, dbtime)),
        6 => (1..130_u32).prop_map(Step::Look),
        1 => (1..120_u32).prop_map(Step::Zero),
        1 => (60..125_u32).prop_map(Step::SetLast),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn overlay_is_what_a_map_says(steps in proptest::collection::vec(step(), 1..600)) {
        let size = PageSize::KIB_4;
        let mem = Mem::new();
        let mut overlay = Overlay::new(None, size, 0, spill(&mem));
        let (mut model, mut last) = (BTreeMap::new(), 0);
        for step in steps {
            match step {
                Step::Change(number, dbtime) => {
                    let mut page = match overlay.take(PageNumber(number)).unwrap() {
                        Taken::Page(page) => page,
                        _ => WorkPage::blank(PageNumber(number), size),
                    };
                    fill(&mut page, dbtime);
                    overlay.put(page).unwrap();
                    model.insert(number, dbtime);
                    last = last.max(number);
                }
                Step::Look(number) => match overlay.take(PageNumber(number)).unwrap() {
                    Taken::Page(page) => {
                        prop_assert_eq!(model.get(&number).copied(), Some(page.dbtime().0));
                        overlay.put(page).unwrap();
                    }
                    Taken::BeyondEnd => prop_assert!(number > last),
                    Taken::Unsound(_) => prop_assert!(!model.contains_key(&number)),
                },
                Step::Zero(number) => {
                    overlay.zero(PageNumber(number));
                    model.remove(&number);
                }
                Step::SetLast(number) => {
                    overlay.set_last_page(PageNumber(number));
                    last = number;
                    model.retain(|page, _| *page <= last);
                }
            }
        }
        prop_assert_eq!(overlay.last_page(), PageNumber(last));
        let changed: Vec<u32> = overlay.changed().iter().map(|number| number.0).collect();
        prop_assert_eq!(changed, model.keys().copied().collect::<Vec<_>>());
        let mut all = vec![0xEE; 130 * 4096];
        prop_assert_eq!(overlay.read_run(PageNumber(1), &mut all).unwrap(), last as usize);
        for (number, bytes) in (1..=last).zip(all.chunks(4096)) {
            let expected = match model.get(&number) {
                Some(dbtime) => sound(PageNumber(number), size, *dbtime),
                None => vec![0; 4096],
            };
            prop_assert!(bytes == expected, "page {number}");
        }
    }
}
