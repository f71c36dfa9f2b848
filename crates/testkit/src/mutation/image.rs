//! A database in memory, edited page by page.
//!
//! Pages and headers that were changed through [`Image::edit`] and what builds on it get new
//! checksums from [`Image::finish`], so that such a change is one that no checksum shows. Changes
//! through [`Image::raw`] keep the old checksum.
//!
//! | Offset | Field of the page header |
//! |---|---|
//! | 8 | u64 dbtime of the last change |
//! | 16, 20 | u32 page numbers of the left and right sibling |
//! | 24 | u32 object id of the tree |
//! | 28, 30 | u16 free bytes; of these, uncommitted ones |
//! | 32 | u16 end of the data area, from the end of the header |
//! | 34 | u16 number of tags, reserved tags in bits 12 to 14 |
//! | 36 | u32 flags |
//! | 64 | u32 page number (16 and 32 KiB) |
//!
//! Source: ESE `PGHDR`, `PGHDR2` (cpage.hxx). Nothing here shares code with the reader under test.

use std::collections::BTreeSet;

use crate::seal::{seal_header, seal_page};
use crate::{u16_at, u32_at};

mod lines;
mod record;
mod schema;
mod space;
mod tree;

pub use lines::Node;
pub use record::{Layout, Piece, Tagged};
pub use schema::{Column, Table, kind, row};
pub use space::{Extent, Space};
pub use tree::Entry;

/// Offsets in the page header.
pub mod field {
    /// u64: time of the last change.
    pub const DBTIME: usize = 8;
    /// u32: left sibling.
    pub const PREVIOUS: usize = 16;
    /// u32: right sibling.
    pub const NEXT: usize = 20;
    /// u32: object id of the tree.
    pub const OBJID: usize = 24;
    /// u16: free bytes.
    pub const FREE: usize = 28;
    /// u16: free bytes that a rollback may need.
    pub const UNCOMMITTED: usize = 30;
    /// u16: end of the data area.
    pub const DATA_END: usize = 32;
    /// u16: number of tags and of reserved tags.
    pub const TAGS: usize = 34;
    /// u32: flags.
    pub const FLAGS: usize = 36;
    /// u32: page number, on large pages.
    pub const NUMBER: usize = 64;
}

/// Flags of the page header.
pub mod flag {
    /// Root of a tree.
    pub const ROOT: u32 = 0x1;
    /// Leaf.
    pub const LEAF: u32 = 0x2;
    /// Parent of leaves.
    pub const PARENT: u32 = 0x4;
    /// Emptied and free.
    pub const EMPTY: u32 = 0x8;
    /// Page of a space tree.
    pub const SPACE: u32 = 0x20;
    /// Page of a secondary index.
    pub const INDEX: u32 = 0x40;
    /// Page of a secondary index without unique keys.
    pub const NON_UNIQUE: u32 = 0x400;
    /// Checksum of the new family.
    pub const NEW_CHECKSUM: u32 = 0x2000;
    /// Scrubbed.
    pub const SCRUBBED: u32 = 0x4000;
    /// Allocated, not used yet.
    pub const PREINIT: u32 = 0x2_0000;
}

/// Root pages of every database.
pub mod root {
    /// The database.
    pub const DATABASE: u32 = 1;
    /// Owned extents of the database.
    pub const DATABASE_OWNED: u32 = 2;
    /// Available extents of the database.
    pub const DATABASE_AVAILABLE: u32 = 3;
    /// The catalog.
    pub const CATALOG: u32 = 4;
    /// The catalog's name index.
    pub const CATALOG_NAME: u32 = 7;
    /// The catalog's index of tables by name.
    pub const CATALOG_ROOTS: u32 = 10;
    /// The copy of the catalog.
    pub const SHADOW: u32 = 24;
}

/// A database in memory.
#[derive(Debug, Clone)]
pub struct Image {
    bytes: Vec<u8>,
    page_size: usize,
    touched: BTreeSet<u32>,
    touched_headers: [bool; 2],
}

impl Image {
    /// An image of a committed database, for example `clean_4k`.
    pub fn of(base: &str) -> Self {
        Self::new(crate::database(base))
    }

    /// An image of these bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        let page_size = u32_at(&bytes, 236) as usize;
        Self { bytes, page_size, touched: BTreeSet::new(), touched_headers: [false; 2] }
    }

    /// The file: every changed page and header with its checksum.
    pub fn finish(mut self) -> Vec<u8> {
        for number in std::mem::take(&mut self.touched) {
            seal_page(self.raw(number), number);
        }
        for copy in 0..2 {
            if self.touched_headers[copy] {
                seal_header(self.raw_header(copy));
            }
        }
        self.bytes
    }

    /// Bytes in a page.
    pub fn page_size(&self) -> usize {
        self.page_size
    }

    /// Whether pages have the large header (16 and 32 KiB).
    pub fn is_large(&self) -> bool {
        self.page_size > 8192
    }

    /// Bytes in a page header.
    pub fn header_len(&self) -> usize {
        if self.is_large() { 80 } else { 40 }
    }

    /// Number of the last page of the file.
    pub fn last_page(&self) -> u32 {
        u32::try_from(self.bytes.len() / self.page_size - 2).unwrap()
    }

    /// Page `number`.
    pub fn page(&self, number: u32) -> &[u8] {
        let start = self.start(number);
        &self.bytes[start..start + self.page_size]
    }

    /// Page `number`, whose checksum is to stay as it is.
    pub fn raw(&mut self, number: u32) -> &mut [u8] {
        let start = self.start(number);
        &mut self.bytes[start..start + self.page_size]
    }

    /// Page `number`, to be given a new checksum.
    pub fn edit(&mut self, number: u32) -> &mut [u8] {
        self.touched.insert(number);
        self.raw(number)
    }

    fn start(&self, number: u32) -> usize {
        (number as usize + 1) * self.page_size
    }

    /// The header (0) or its shadow (1), whose checksum is to stay as it is.
    pub fn raw_header(&mut self, copy: usize) -> &mut [u8] {
        &mut self.bytes[copy * self.page_size..(copy + 1) * self.page_size]
    }

    /// The header (0) or its shadow (1), to be given a new checksum.
    pub fn edit_header(&mut self, copy: usize) -> &mut [u8] {
        self.touched_headers[copy] = true;
        self.raw_header(copy)
    }

    /// Puts the same bytes into both headers.
    pub fn put_headers(&mut self, at: usize, bytes: &[u8]) {
        for copy in 0..2 {
            self.edit_header(copy)[at..at + bytes.len()].copy_from_slice(bytes);
        }
    }

    /// The whole file.
    pub fn file(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// A field of a page.
    pub fn u16(&self, number: u32, at: usize) -> u16 {
        u16_at(self.page(number), at)
    }

    /// A field of a page.
    pub fn u32(&self, number: u32, at: usize) -> u32 {
        u32_at(self.page(number), at)
    }

    /// Puts bytes into a page.
    pub fn put(&mut self, number: u32, at: usize, bytes: &[u8]) {
        self.edit(number)[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Puts a field into a page.
    pub fn put_u16(&mut self, number: u32, at: usize, value: u16) {
        self.put(number, at, &value.to_le_bytes());
    }

    /// Puts a field into a page.
    pub fn put_u32(&mut self, number: u32, at: usize, value: u32) {
        self.put(number, at, &value.to_le_bytes());
    }

    /// Changes bits of a byte of a page.
    pub fn flip(&mut self, number: u32, at: usize, bits: u8) {
        self.edit(number)[at] ^= bits;
    }

    /// The flags of a page.
    pub fn flags(&self, number: u32) -> u32 {
        self.u32(number, field::FLAGS)
    }

    /// Sets and clears flags of a page.
    pub fn change_flags(&mut self, number: u32, set: u32, clear: u32) {
        self.put_u32(number, field::FLAGS, self.flags(number) & !clear | set);
    }

    /// Whether every byte of a page is zero.
    pub fn is_zeroed(&self, number: u32) -> bool {
        self.page(number).iter().all(|&byte| byte == 0)
    }

    /// Makes page `number` an empty one of a tree.
    pub fn blank(&mut self, number: u32, objid: u32, flags: u32) {
        let free = self.page_size - self.header_len() - 4;
        let dbtime = self.page(root::DATABASE)[field::DBTIME..field::DBTIME + 8].to_vec();
        let is_large = self.is_large();
        self.edit(number).fill(0);
        self.put(number, field::DBTIME, &dbtime);
        self.put_u32(number, field::OBJID, objid);
        self.put_u16(number, field::FREE, u16::try_from(free).unwrap());
        self.put_u16(number, field::TAGS, 1);
        self.put_u32(number, field::FLAGS, flags);
        if is_large {
            self.put_u32(number, field::NUMBER, number);
        }
    }
}
