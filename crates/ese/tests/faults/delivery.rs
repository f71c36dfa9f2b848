//! What a backup is given of damaged databases.

use ese::{Error, VerifiedReader};
use ese_format::{PageNumber, PageSize};

use crate::made::{Made, database};

fn reader(made: &Made) -> VerifiedReader {
    VerifiedReader::new(made.open())
}

#[test]
fn every_offset_and_length_gives_the_files_bytes() {
    for size in PageSize::ALL {
        let made = database(size, 5);
        let reader = reader(&made);
        let len = made.bytes.len();
        for (offset, wanted) in
            [(0, len), (0, 1), (8192, 8192), (size.bytes() * 3 - 1, 2), (len - 5, 100), (len, 9)]
        {
            let mut buf = vec![0xEE; wanted];
            let outcome = reader.read_at(&mut buf, offset as u64).unwrap();
            let expected = &made.bytes[offset..len.min(offset + wanted)];
            assert_eq!(outcome.bytes, expected.len());
            assert!(buf[..outcome.bytes] == *expected, "{size} at {offset}");
        }
    }
}

#[test]
fn small_units_over_large_pages_give_the_same_bytes() {
    let made = database(PageSize::KIB_32, 5);
    let reader = reader(&made);
    let mut all = Vec::new();
    let mut buf = [0; 8192];
    while all.len() < made.bytes.len() {
        let bytes = reader.read_at(&mut buf, all.len() as u64).unwrap().bytes;
        all.extend_from_slice(&buf[..bytes]);
    }
    assert!(all == made.bytes);
}

#[test]
fn flipped_bit_is_right_in_what_is_delivered() {
    let sound = database(PageSize::KIB_8, 20);
    let mut made = sound.clone();
    made.flip(9, 5000);
    let reader = reader(&made);
    let mut buf = vec![0; made.bytes.len()];
    let outcome = reader.read_at(&mut buf, 0).unwrap();
    assert_eq!(outcome.corrected, [PageNumber(9)]);
    assert!(buf == sound.bytes);
    let mut part = [0; 16];
    let offset = made.offset(9) + 5000 / 8;
    let outcome = reader.read_at(&mut part, offset as u64).unwrap();
    assert_eq!(outcome.corrected, [PageNumber(9)]);
    assert_eq!(part, sound.bytes[offset..offset + 16]);
}

#[test]
fn damaged_page_is_never_delivered() {
    let mut made = database(PageSize::KIB_8, 20);
    made.flip(9, 5000);
    made.flip(9, 5001);
    let reader = reader(&made);
    let mut buf = vec![0xEE; 4 * 8192];
    let error = reader.read_at(&mut buf, made.offset(7) as u64).unwrap_err();
    assert!(matches!(error, Error::DamagedPage { page: PageNumber(9), .. }));
    assert_eq!(error.jet_code(), -1018);
    let text = error.to_string();
    assert!(text.starts_with("/ntds.dit: page 9 (offset 0x14000) is damaged: checksum"), "{text}");
    assert!(buf.iter().all(|&byte| byte == 0));
    assert!(reader.read_at(&mut [0; 1], made.offset(9) as u64).is_err());
    assert!(reader.read_at(&mut buf[..8192], made.offset(8) as u64).is_ok());
}

#[test]
fn bad_header_copy_is_delivered_from_the_good_one() {
    let sound = database(PageSize::KIB_8, 5);
    for at in [300, 8192 + 300] {
        let mut made = sound.clone();
        made.bytes[at] ^= 1;
        let mut buf = vec![0; made.bytes.len()];
        let outcome = reader(&made).read_at(&mut buf, 0).unwrap();
        assert!(outcome.header_replaced);
        assert!(buf == sound.bytes);
    }
}

#[test]
fn truncated_file_fails_at_its_end() {
    let mut made = database(PageSize::KIB_8, 20);
    let len = made.offset(15);
    made.bytes.truncate(len);
    let reader = reader(&made);
    assert!(reader.read_at(&mut [0; 8192], made.offset(3) as u64).is_ok());
    let error = reader.read_at(&mut [0; 8192], made.offset(14) as u64).unwrap_err();
    assert!(matches!(error, Error::Truncated { last_present: PageNumber(14), .. }), "{error}");
    assert_eq!(error.jet_code(), -4001);
}

#[test]
fn what_belongs_to_nobody_is_delivered_as_it_is() {
    let mut made = database(PageSize::KIB_8, 5);
    made.bytes.extend_from_slice(&[0xA5; 8192 + 77]);
    let mut buf = vec![0; made.bytes.len()];
    reader(&made).read_at(&mut buf, 0).unwrap();
    assert!(buf == made.bytes);
}
