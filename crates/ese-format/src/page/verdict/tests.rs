//! Tests of the verdict on a page.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::page::PageHeader;
use crate::page_builder::PageBuilder;

const NUMBER: PageNumber = PageNumber(42);

fn sealed(size: PageSize) -> Vec<u8> {
    let mut page = PageBuilder::new(size, PageFlags::LEAF)
        .external_header(&[7; 60])
        .node(b"some key", &[0x5A; 900])
        .node(b"some other key", b"data")
        .build()
        .unwrap();
    seal(&mut page, NUMBER);
    page
}

fn old(size: PageSize) -> Vec<u8> {
    let mut page = sealed(size);
    page[37] &= !0x20;
    seal(&mut page, NUMBER);
    page
}

#[test]
fn sealed_pages_are_valid_in_every_size() {
    for size in PageSize::ALL {
        assert_eq!(verify(&sealed(size), NUMBER), PageState::Valid(ChecksumKind::Ecc));
        assert_eq!(verify(&old(size), NUMBER), PageState::Valid(ChecksumKind::Xor));
    }
}

#[test]
fn zeroed_page_is_told_apart_from_a_zero_checksum() {
    for size in PageSize::ALL {
        let mut page = vec![0; size.bytes()];
        assert_eq!(verify(&page, NUMBER), PageState::Zeroed);
        page[size.bytes() - 1] = 1;
        assert!(matches!(verify(&page, NUMBER), PageState::Damaged(Damage::Checksum { .. })));
    }
}

#[test]
fn page_of_another_place_is_named() {
    for size in PageSize::ALL {
        let expected = PageState::Damaged(Damage::WrongPage { found: NUMBER });
        assert_eq!(verify(&sealed(size), PageNumber(43)), expected);
        assert_eq!(verify(&sealed(size), PageNumber(7777)), expected);
    }
    let found = verify(&old(PageSize::KIB_8), PageNumber(43));
    assert_eq!(found, PageState::Damaged(Damage::WrongPage { found: NUMBER }));
}

#[test]
fn large_page_with_another_number_in_its_header_is_damaged() {
    let mut page = sealed(PageSize::KIB_32);
    page[64] = 43;
    let sum = computed_sum(&page, NUMBER, PageSize::KIB_32, 0);
    page[..8].copy_from_slice(&sum.0.to_le_bytes());
    let damage = Damage::WrongNumber { found: PageNumber(43) };
    assert_eq!(verify(&page, NUMBER), PageState::Damaged(damage));
    assert_eq!(damage.jet_code(), -1118);
}

#[test]
fn checksum_format_flag_is_never_corrected() {
    for size in PageSize::ALL {
        let mut page = sealed(size);
        flip(&mut page, CHECKSUM_FORMAT_BIT);
        assert!(matches!(verify(&page, NUMBER), PageState::Damaged(_)));
    }
    let mut flags = vec![0; 4096];
    flip(&mut flags, CHECKSUM_FORMAT_BIT);
    assert_eq!(u32_at(&flags, FLAGS_AT), PageFlags::NEW_CHECKSUM_FORMAT.bits());
}

#[test]
fn one_wrong_bit_in_each_block_is_corrected() {
    let good = sealed(PageSize::KIB_32);
    let mut page = good.clone();
    let bits = [800, 8192 * 8 + 5, 2 * 8192 * 8 + 77, 32_767 * 8];
    for bit in bits {
        flip(&mut page, bit);
    }
    let PageState::Correctable(correction) = verify(&page, NUMBER) else {
        panic!("not correctable")
    };
    assert_eq!(correction.bits().collect::<Vec<_>>(), bits);
    correct(&mut page, &correction);
    assert_eq!(page, good);
}

#[test]
fn wrong_bit_in_the_stored_checksum_of_a_later_block_is_corrected() {
    let good = sealed(PageSize::KIB_16);
    for bit in [40 * 8, 47 * 8 + 7, 48 * 8 + 1, 63 * 8 + 7] {
        let mut page = good.clone();
        flip(&mut page, bit);
        let PageState::Correctable(correction) = verify(&page, NUMBER) else {
            panic!("bit {bit} not correctable")
        };
        correct(&mut page, &correction);
        assert_eq!(page, good);
    }
}

#[test]
fn wrong_bit_in_the_first_checksum_is_damage() {
    for bit in [0, 31, 32, 63] {
        let mut page = sealed(PageSize::KIB_8);
        flip(&mut page, bit);
        assert!(matches!(verify(&page, NUMBER), PageState::Damaged(_)), "bit {bit}");
    }
}

#[test]
fn corrected_page_must_be_sound_inside() {
    let mut page = sealed(PageSize::KIB_8);
    // A tag count of zero with valid checksums: no bit flip on top of it may be "corrected".
    page[34..36].fill(0);
    seal(&mut page, NUMBER);
    flip(&mut page, 5000);
    assert!(matches!(verify(&page, NUMBER), PageState::Damaged(_)));
}

#[test]
fn any_other_length_is_no_page() {
    for len in [0, 1, 39, 4095, 8200, 65_536] {
        let expected = PageState::Damaged(Damage::WrongLength { len });
        assert_eq!(verify(&vec![0; len], NUMBER), expected);
    }
}

fn size() -> impl Strategy<Value = PageSize> {
    prop::sample::select(PageSize::ALL.to_vec())
}

proptest! {
    #[test]
    fn any_single_wrong_bit_is_put_right(size in size(), at in any::<prop::sample::Index>()) {
        let good = sealed(size);
        let bit = u32::try_from(64 + at.index(size.bytes() * 8 - 64)).unwrap();
        prop_assume!(bit != CHECKSUM_FORMAT_BIT);
        let mut page = good.clone();
        flip(&mut page, bit);
        let PageState::Correctable(correction) = verify(&page, NUMBER) else {
            return Err(TestCaseError::fail("not correctable"));
        };
        prop_assert_eq!(correction.bits().collect::<Vec<_>>(), vec![bit]);
        correct(&mut page, &correction);
        prop_assert_eq!(page, good);
    }

    #[test]
    fn two_wrong_bits_in_a_block_are_damage(
        size in size(),
        block in 0..4usize,
        a in any::<prop::sample::Index>(),
        b in any::<prop::sample::Index>(),
    ) {
        let block = block % block_count(size);
        let len = checksum::block_len(size) * 8;
        let skip = if block == 0 { size.page_header_len() * 8 } else { 0 };
        let bit = |index: prop::sample::Index| {
            u32::try_from(block * len + skip + index.index(len - skip)).unwrap()
        };
        prop_assume!(bit(a) != bit(b));
        let mut page = sealed(size);
        flip(&mut page, bit(a));
        flip(&mut page, bit(b));
        prop_assert!(matches!(verify(&page, NUMBER), PageState::Damaged(_)));
    }

    #[test]
    fn any_bytes_are_judged(
        size in size(),
        head in proptest::collection::vec(any::<u8>(), 80),
        number in any::<u32>(),
    ) {
        let mut page = vec![0; size.bytes()];
        page[..80].copy_from_slice(&head);
        let _ = verify(&page, PageNumber(number));
        prop_assert!(PageHeader::parse(&page).is_some());
    }
}
