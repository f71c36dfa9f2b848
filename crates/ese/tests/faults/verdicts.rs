//! What a pass over all pages says of damaged databases.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use ese::Error;
use ese::verify::{Options, PageReport, Unheard, pages};
use ese_format::header::{CopyState, HeaderError};
use ese_format::page::Damage;
use ese_format::{PageNumber, PageSize};
use proptest::prelude::*;

use crate::made::{Made, database};

fn report(made: &Made) -> PageReport {
    let one = pages(&made.open(), &Options::with_threads(1), &Unheard).unwrap();
    let three = pages(&made.open(), &Options::with_threads(3), &Unheard).unwrap();
    assert_eq!(one, three);
    one
}

#[test]
fn sound_database_is_counted() {
    for size in PageSize::ALL {
        let mut made = database(size, 20);
        made.page(7).fill(0);
        let report = report(&made);
        let owned = &report.owned;
        assert_eq!((owned.pages, owned.ecc, owned.zeroed, owned.xor), (20, 19, 1, 0));
        assert_eq!((owned.damaged_count, owned.corrected_count, report.beyond.pages), (0, 0, 0));
        assert!(report.pages_sound());
    }
}

#[test]
fn flipped_bit_is_corrected_and_counted() {
    for size in PageSize::ALL {
        let mut made = database(size, 20);
        made.flip(9, 1000);
        let report = report(&made);
        assert!(report.pages_sound());
        assert_eq!(report.owned.corrected_count, 1);
        let corrected = report.owned.corrected[0];
        assert_eq!(corrected.page, PageNumber(9));
        assert_eq!(corrected.correction.bits().collect::<Vec<_>>(), [1000]);
    }
}

#[test]
fn two_flipped_bits_in_one_block_are_damage() {
    let mut made = database(PageSize::KIB_8, 20);
    made.flip(9, 1000);
    made.flip(9, 1001);
    let report = report(&made);
    assert!(!report.pages_sound());
    assert_eq!(report.owned.damaged_count, 1);
    assert_eq!(report.owned.damaged[0].page, PageNumber(9));
    assert!(matches!(report.owned.damaged[0].damage, Damage::Checksum { .. }));
}

#[test]
fn swapped_pages_name_each_other() {
    let mut made = database(PageSize::KIB_16, 20);
    let (a, b) = (made.page(5).to_vec(), made.page(6).to_vec());
    made.page(5).copy_from_slice(&b);
    made.page(6).copy_from_slice(&a);
    let report = report(&made);
    let found: Vec<_> = report.owned.damaged.iter().map(|d| (d.page.0, d.damage)).collect();
    let wrong = |number| Damage::WrongPage { found: PageNumber(number) };
    assert_eq!(found, [(5, wrong(6)), (6, wrong(5))]);
}

#[test]
fn truncated_file_lacks_pages() {
    let mut made = database(PageSize::KIB_8, 20);
    let len = made.offset(15) + 100;
    made.bytes.truncate(len);
    let report = report(&made);
    assert_eq!((report.owned.pages, report.missing, report.tail), (14, 6, 100));
    assert!(!report.pages_sound());
    let error = made.open().check_complete().unwrap_err();
    assert!(error.to_string().contains("ends after page 14"), "{error}");
    assert!(error.to_string().contains("up to 20"), "{error}");
}

#[test]
fn garbage_beyond_the_last_owned_page_is_no_failure() {
    let mut made = database(PageSize::KIB_8, 20);
    made.bytes.extend_from_slice(&[0xA5; 3 * 8192]);
    made.bytes.extend_from_slice(&[0; 2 * 8192]);
    let report = report(&made);
    assert!(report.pages_sound());
    assert_eq!((report.owned.pages, report.beyond.pages), (20, 5));
    assert_eq!((report.beyond.damaged_count, report.beyond.zeroed), (3, 2));
}

#[test]
fn list_is_bounded_and_the_count_is_exact() {
    let mut made = database(PageSize::KIB_4, 2000);
    for number in 3..=2000 {
        made.page(number)[2000..2003].fill(0xFF);
    }
    let mut options = Options::with_threads(4);
    options.listed = 10;
    let report = pages(&made.open(), &options, &Unheard).unwrap();
    assert_eq!(report.owned.damaged_count, 1998);
    let listed: Vec<u32> = report.owned.damaged.iter().map(|d| d.page.0).collect();
    assert_eq!(listed, (3..13).collect::<Vec<_>>());
}

#[test]
fn header_copies_are_reported() {
    let mut made = database(PageSize::KIB_8, 20);
    made.bytes[500] ^= 1;
    let found = report(&made);
    assert!(matches!(found.primary, CopyState::BadChecksum { .. }));
    assert_eq!(found.shadow, CopyState::Good);
    made.bytes[8192 + 500] ^= 1;
    let error = made.try_open().unwrap_err();
    assert!(matches!(error, Error::Header { source: HeaderError::Damaged { .. }, .. }));
    assert_eq!(error.jet_code(), -1206);
    assert!(error.to_string().starts_with("/ntds.dit: both headers are damaged"), "{error}");
}

#[test]
fn pages_newer_than_a_clean_header_are_counted() {
    let mut made = database(PageSize::KIB_8, 20);
    made.page(8)[8..16].copy_from_slice(&1001u64.to_le_bytes());
    ese_format::page::seal(made.page(8), PageNumber(8));
    assert_eq!(report(&made).newer_than_header, 1);
    made.set_header(|header| header.state = ese_format::header::DatabaseState::DIRTY_SHUTDOWN);
    assert_eq!(report(&made).newer_than_header, 0);
}

#[test]
fn progress_reaches_the_total_and_can_cancel() {
    let made = database(PageSize::KIB_8, 300);
    let most = AtomicU64::new(0);
    let hear = |done: u64, total: u64| {
        assert_eq!(total, 300 * 8192);
        most.fetch_max(done, Ordering::Relaxed);
        ControlFlow::Continue(())
    };
    pages(&made.open(), &Options::with_threads(2), &hear).unwrap();
    assert_eq!(most.load(Ordering::Relaxed), 300 * 8192);
    let stop = |_, _| ControlFlow::Break(());
    let outcome = pages(&made.open(), &Options::with_threads(2), &stop);
    assert!(matches!(outcome, Err(Error::Cancelled)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_damage_is_survived(
        at in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut made = database(PageSize::KIB_4, 6);
        for (index, value) in at {
            let index = index.index(made.bytes.len());
            made.bytes[index] = value;
        }
        let cut = cut.index(made.bytes.len() * 2).min(made.bytes.len());
        made.bytes.truncate(cut);
        if let Ok(database) = made.try_open() {
            let found = pages(&database, &Options::with_threads(1), &Unheard).unwrap();
            prop_assert!(found.owned.pages + found.beyond.pages <= 6);
        }
    }
}
