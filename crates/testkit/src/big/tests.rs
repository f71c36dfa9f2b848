//! The big database as a file: every page sound, all of it owned.

use std::fs;

use ese_format::PageNumber;
use ese_format::page::{PageState, structure, verify};

#[test]
fn every_page_is_sealed_and_sound() {
    for set in ["clean_4k", "clean_32k", "clean_8k_new"] {
        let file = tempfile::NamedTempFile::new().unwrap();
        let big = super::write(file.path(), set, 6_000_000).unwrap();
        let content = fs::read(file.path()).unwrap();
        assert_eq!(content.len() as u64, big.bytes);
        let page_size = super::Base::load(set).page_size().bytes();
        assert_eq!(content.len() / page_size, big.pages as usize + 2);
        for (number, page) in (1..).zip(content.chunks_exact(page_size).skip(2)) {
            match verify(page, PageNumber(number)) {
                PageState::Valid(_) => assert_eq!(structure::check(page), Ok(()), "{number}"),
                state => assert_eq!(state, PageState::Zeroed, "{set} page {number}"),
            }
        }
    }
}
