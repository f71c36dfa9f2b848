//! Tests of the header as a structure.

use alloc::string::ToString;
use alloc::vec;

use proptest::prelude::*;

use super::*;

#[test]
fn fields_lie_in_the_defined_part_without_overlap() {
    let mut end = 0;
    for field in FIELDS {
        assert!(field.offset >= end, "{} overlaps its predecessor", field.name);
        end = field.offset + field.size;
    }
    assert_eq!(end, DEFINED_LEN);
}

#[test]
fn only_the_reserved_bytes_are_no_field() {
    let mut covered = [false; DEFINED_LEN];
    for field in FIELDS {
        covered[field.offset..field.offset + field.size].fill(true);
    }
    let gaps: Vec<usize> = (0..DEFINED_LEN).filter(|&i| !covered[i]).collect();
    assert_eq!(gaps, [664, 665, 666, 671]);
}

#[test]
fn sealing_makes_the_checksum_hold() {
    let mut header = DatabaseHeader::parse(&[0; 4096]).unwrap();
    header.magic = MAGIC;
    header.state = DatabaseState::CLEAN_SHUTDOWN;
    assert!(!checksum_holds(&header.to_block()));
    let block = header.to_sealed_block();
    assert!(checksum_holds(&block));
    let again = DatabaseHeader::parse(&block).unwrap();
    assert_eq!(again.state.to_string(), "CleanShutdown");
    assert_eq!(again.page_size(), Some(PageSize::KIB_4));
}

#[test]
fn short_block_is_no_header() {
    assert!(DatabaseHeader::parse(&[0; 747]).is_none());
}

proptest! {
    #[test]
    fn writing_back_gives_the_same_bytes(
        defined in proptest::collection::vec(any::<u8>(), DEFINED_LEN),
        rest in any::<u8>(),
    ) {
        let mut block = vec![rest; 2048];
        block[..DEFINED_LEN].copy_from_slice(&defined);
        let header = DatabaseHeader::parse(&block).unwrap();
        prop_assert_eq!(&header.to_block(), &block);
        for field in FIELDS {
            prop_assert!(!field.value(&header).to_string().is_empty());
        }
    }
}
