//! A database laid out from nothing: root, tree of owned extents, and leaves.

use std::path::Path;
use std::sync::Arc;

use ese::{DatabaseFile, Error};
use ese_format::header::{DatabaseHeader, DatabaseState, FileType, FormatVersion, MAGIC};
use ese_format::page::{PageFlags, seal};
use ese_format::page_builder::PageBuilder;
use ese_format::{DbTime, PageNumber, PageSize};
use vfs::mem::Mem;

/// A database file in memory, to be damaged.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) size: PageSize,
    pub(crate) bytes: Vec<u8>,
}

/// A clean database of `pages` pages, all owned, none of them empty.
pub(crate) fn database(size: PageSize, pages: u32) -> Made {
    let mut made = Made { size, bytes: vec![0; size.bytes() * (pages as usize + 2)] };
    made.set_header(|_| ());
    let mut space = [0; 16];
    space[8] = 1;
    space[12] = 2;
    made.set_page(
        1,
        PageBuilder::new(size, PageFlags::ROOT | PageFlags::LEAF).external_header(&space),
    );
    made.set_page(2, owned_root(size).node(&pages.to_be_bytes(), &pages.to_le_bytes()));
    for number in 3..=pages {
        let data = vec![number.to_le_bytes()[0]; 700];
        let leaf = PageBuilder::new(size, PageFlags::LEAF).node(&number.to_be_bytes(), &data);
        made.set_page(number, leaf);
    }
    made
}

/// The root of a tree of owned extents that is one leaf, without nodes yet.
pub(crate) fn owned_root(size: PageSize) -> PageBuilder {
    let flags = PageFlags::ROOT | PageFlags::LEAF | PageFlags::SPACE_TREE;
    PageBuilder::new(size, flags).external_header(&[0; 16])
}

impl Made {
    pub(crate) fn set_header(&mut self, change: impl FnOnce(&mut DatabaseHeader)) {
        let mut header = DatabaseHeader::parse(&vec![0; self.size.bytes()]).unwrap();
        header.magic = MAGIC;
        header.version = FormatVersion::CURRENT_MAJOR;
        header.page_size_field = self.size.get();
        header.file_type = FileType::DATABASE;
        header.state = DatabaseState::CLEAN_SHUTDOWN;
        header.dbtime = DbTime(1000);
        change(&mut header);
        let block = header.to_sealed_block();
        self.bytes[..block.len()].copy_from_slice(&block);
        self.bytes[block.len()..2 * block.len()].copy_from_slice(&block);
    }

    pub(crate) fn set_page(&mut self, number: u32, page: PageBuilder) {
        let mut bytes = page.build().unwrap();
        seal(&mut bytes, PageNumber(number));
        self.page(number).copy_from_slice(&bytes);
    }

    pub(crate) fn page(&mut self, number: u32) -> &mut [u8] {
        let at = self.offset(number);
        let len = self.size.bytes();
        &mut self.bytes[at..at + len]
    }

    pub(crate) fn offset(&self, number: u32) -> usize {
        usize::try_from(PageNumber(number).file_offset(self.size)).unwrap()
    }

    pub(crate) fn flip(&mut self, number: u32, bit: usize) {
        self.page(number)[bit / 8] ^= 1 << (bit % 8);
    }

    pub(crate) fn open(&self) -> Arc<DatabaseFile> {
        Arc::new(self.try_open().unwrap())
    }

    pub(crate) fn try_open(&self) -> Result<DatabaseFile, Error> {
        let storage = Mem::new();
        storage.put("/ntds.dit", self.bytes.clone()).unwrap();
        DatabaseFile::open(Arc::new(storage), Path::new("/ntds.dit"))
    }
}
