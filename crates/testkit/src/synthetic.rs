//! Databases of any size for measurements: a small real one, stretched.
//!
//! The last owned extent of the database root is widened, so that every page of the stretched file
//! is an owned one. New pages are either holes (a sparse file of zeroed pages) or copies of a page
//! with rows, each with the checksum of its own page number. Trees do not reach the new pages;
//! page-level passes do not care.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use crate::seal::seal_page;
use crate::{u16_at, u32_at};

/// What the pages beyond the original database are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Holes of a sparse file.
    Sparse,
    /// Copies of a page with rows.
    Rows,
}

/// Page size of the stretched databases.
pub const PAGE_SIZE: usize = 8192;

/// Writes a database with `pages` owned pages of 8 KiB to `path`.
pub fn stretched(path: &Path, pages: u32, fill: Fill) -> std::io::Result<()> {
    let mut original = crate::database("clean_8k");
    let own_pages = u32::try_from(original.len() / PAGE_SIZE - 2).unwrap();
    assert!(pages > own_pages, "stretched, not cut");
    let root_space = page(&mut original, 1).to_vec();
    let oe_root = u32_at(external_header(&root_space), 12);
    widen_last_extent(page(&mut original, oe_root), pages);
    seal_page(page(&mut original, oe_root), oe_root);

    let model_number = model_page(&original);
    let model = page(&mut original, model_number).to_vec();
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    file.write_all(&original)?;
    if fill == Fill::Rows {
        let mut copy = model.clone();
        for number in own_pages + 1..=pages {
            // The page number enters the checksum by XOR only.
            let xor = u32_at(&model, 0) ^ model_number ^ number;
            copy[..4].copy_from_slice(&xor.to_le_bytes());
            file.write_all(&copy)?;
        }
    }
    let mut file = file.into_inner()?;
    file.seek(SeekFrom::End(0))?;
    file.set_len((u64::from(pages) + 2) * PAGE_SIZE as u64)
}

fn page(file: &mut [u8], number: u32) -> &mut [u8] {
    let start = (number as usize + 1) * PAGE_SIZE;
    &mut file[start..start + PAGE_SIZE]
}

/// A leaf of a table that is well filled: not zeroed, not free, without tree-kind flags.
fn model_page(file: &[u8]) -> u32 {
    let pages = file.chunks_exact(PAGE_SIZE).skip(2);
    let found = (1_u32..).zip(pages).find(|(_, page)| {
        let flags = u32_at(page, 36);
        flags & 0x2000 != 0 && flags & 0xCF == 0x2 && u16_at(page, 28) < 3000
    });
    found.unwrap().0
}

fn external_header(page: &[u8]) -> &[u8] {
    line(page, 0)
}

fn line(page: &[u8], tag: usize) -> &[u8] {
    let at = PAGE_SIZE - 4 * (tag + 1);
    let length = usize::from(u16_at(page, at) & 0x1FFF);
    let start = 40 + usize::from(u16_at(page, at + 2) & 0x1FFF);
    &page[start..start + length]
}

/// The last node of the owned-extent tree: key = last page (big-endian), data = number of pages.
fn widen_last_extent(oe_root: &mut [u8], last_page: u32) {
    let last_tag = usize::from(u16_at(oe_root, 34) & 0x0FFF) - 1;
    let node = line(oe_root, last_tag);
    assert_eq!((node.len(), u16_at(node, 0)), (10, 4), "one root page, no prefix");
    let old_last = u32::from_be_bytes(node[2..6].try_into().unwrap());
    let count = u32_at(node, 6) + (last_page - old_last);
    let start = node.as_ptr() as usize - oe_root.as_ptr() as usize;
    oe_root[start + 2..start + 6].copy_from_slice(&last_page.to_be_bytes());
    oe_root[start + 6..start + 10].copy_from_slice(&count.to_le_bytes());
}
