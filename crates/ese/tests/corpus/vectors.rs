//! Checksums of single pages that were computed by hand from the format's definition.

use std::fs;

use ese_format::PageNumber;
use ese_format::checksum::{BlockPosition, ecc};
use ese_format::page::{PageState, verify};

#[test]
fn pages_of_the_small_databases_have_the_known_checksums() {
    let Some(corpus) = testkit::corpus() else { return };
    let set = corpus.unpacked().join("ese-small");
    let basic = fs::read(set.join("basic.edb")).unwrap();
    let page = |number: usize| &basic[(number + 1) * 4096..(number + 2) * 4096];
    let sum = |bytes: &[u8], number: u32| ecc(bytes, PageNumber(number), BlockPosition::First).0;
    assert_eq!(sum(page(1), 1), 0x7FDF_7FDF_0001_A77C);
    assert_eq!(sum(page(2), 2), 0x0192_0192_00EC_59D4);
    assert_eq!(sum(page(13), 13), 0x1881_677E_BE45_C284);

    let mut flipped = page(1).to_vec();
    flipped[100] ^= 1 << 3;
    assert_eq!(sum(&flipped, 1), 0x0303_7CFC_0001_A774);
    let PageState::Correctable(correction) = verify(&flipped, PageNumber(1)) else {
        panic!("not correctable")
    };
    assert_eq!(correction.bits().collect::<Vec<_>>(), [803]);

    let large = fs::read(set.join("large.edb")).unwrap();
    let expected = [
        (1, [0x0131_0131_001A_28C0, 1, 1, 0x001B_FFE4_0000_0011]),
        (31, [0x8B15_74EA_A533_859E, 0x1F, 0x1F, 0x022B_FDD4_009B_0002]),
    ];
    for (number, sums) in expected {
        let at = (number as usize + 1) * 32_768;
        for (block, expected) in sums.into_iter().enumerate() {
            let bytes = &large[at + block * 8192..][..8192];
            let position = if block == 0 { BlockPosition::First } else { BlockPosition::Later };
            assert_eq!(ecc(bytes, PageNumber(number), position).0, expected);
        }
    }
}
