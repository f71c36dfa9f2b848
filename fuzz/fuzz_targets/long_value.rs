#![no_main]
//! Long values: a tree of one page whose nodes are made up, read by id.

use std::path::Path;
use std::sync::Arc;

use ese::{Error, LongValue, Page, PageStore, Pages, Tree};
use ese_format::long_value::{Lid, LvKey, LvRoot};
use ese_format::page::{PageFlags, seal};
use ese_format::page_builder::PageBuilder;
use ese_format::{PageNumber, PageSize};
use libfuzzer_sys::fuzz_target;

#[derive(Debug)]
struct OnePage(Vec<u8>);

impl PageStore for OnePage {
    fn page_size(&self) -> PageSize {
        PageSize::KIB_32
    }

    fn last_page(&self) -> PageNumber {
        PageNumber(1)
    }

    fn path(&self) -> &Path {
        Path::new("/fuzz.edb")
    }

    fn load(&self, number: PageNumber) -> Result<Page, Error> {
        Ok(Page::new(&self.0, number).expect("a sealed page"))
    }
}

fuzz_target!(|data: &[u8]| {
    // Pieces: length of key, length of data, both.
    let flags = PageFlags::ROOT | PageFlags::LEAF | PageFlags::LONG_VALUE;
    let mut page = PageBuilder::new(PageSize::KIB_32, flags).objid(9).external_header(&[0; 16]);
    let mut ids = Vec::new();
    let mut rest = data;
    while let [key_len, data_len, tail @ ..] = rest {
        let (key_len, data_len) = (usize::from(key_len % 13), usize::from(*data_len));
        let Some((key, tail)) = tail.split_at_checked(key_len) else { break };
        let Some((content, tail)) = tail.split_at_checked(data_len) else { break };
        page = page.node(key, content);
        if let Some(known) = LvKey::parse(key) {
            assert_eq!(&*known.to_bytes(), key);
            ids.push(known.lid());
        }
        if let Some(root) = LvRoot::parse(content) {
            assert_eq!(&*root.to_bytes(), content);
        }
        rest = tail;
    }
    let Some(mut page) = page.build() else { return };
    seal(&mut page, PageNumber(1));
    let pages = Arc::new(Pages::new(Arc::new(OnePage(page)), 0));
    let tree = Tree::new(pages, PageNumber(1), 9);
    ids.push(Lid::U32(1));
    for id in ids.into_iter().take(64) {
        let Ok(mut value) = LongValue::open(&tree, id) else { continue };
        let len = value.len();
        let mut out = Vec::new();
        if value.read_to_end(&mut out).is_ok() {
            assert_eq!(out.len(), len as usize);
        }
        // A chunk of a page decompresses to 64 KiB at most.
        assert!(out.len() <= 65_536 * 8192, "bounded by the chunks there are");
    }
});
