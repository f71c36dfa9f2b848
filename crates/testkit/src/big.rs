//! Databases of any size that are consistent through and through.
//!
//! A small real database is taken as it is, but for its table `churn`: that table, its two
//! indexes and its long values are laid out anew behind the old end of the file, as large as
//! wanted, and the catalog's rows are pointed to the new roots. The old pages of the table go back
//! to the database root as available.
//!
//! ```text
//! pages of the small database          catalog rows changed, root OE and AE extended
//! table   root, OE, AE, B+ tree        rows in key order              rows.rs
//! by_n    root, OE, AE, B+ tree        -Long +Text, keys not unique
//! by_pad  root, OE, AE, B+ tree        +Binary, not for every row
//! LV      root, OE, AE, B+ tree        roots and chunks
//! tail    pages of the table's OE tree, which has several levels in a large database
//! ```
//!
//! Trees are loaded bottom-up and in key order (`tree.rs`), so the file is written once from
//! front to end, with a memory that does not depend on its size. The secondary keys are
//! permutations of the row number whose inverse can be computed: what comes next in the index is
//! known without sorting.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use ese_format::page::{PageFlags, seal};
use ese_format::{PageNumber, PageSize};

mod base;
mod layout;
mod rows;
mod tree;

use base::Base;
use rows::Rows;
use tree::{Bookmarks, Tree, TreeWriter};

/// Bytes of the file that a row takes on average, its share of indexes and long values included.
const BYTES_PER_ROW: u64 = 804;
/// Pages of an extent that a tree owns.
const EXTENT: u32 = 256;
/// Pages by which the database is extended at a time; a multiple of [`EXTENT`].
const GROWTH: u32 = 32_768;

/// What a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Big {
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Last page that the database owns.
    pub pages: u32,
    /// Rows of table `churn`.
    pub rows: u64,
    /// Entries of its two secondary indexes.
    pub entries: u64,
    /// Its separated long values.
    pub long_values: u64,
}

/// Writes a database of about `bytes` bytes to `path`, made from the committed set `base`.
///
/// At least 4 MB are written, so that every tree has several levels.
pub fn write(path: &Path, base: &str, bytes: u64) -> io::Result<Big> {
    let mut base = Base::load(base);
    let rows = Rows::new((bytes / BYTES_PER_ROW).max(4096), base.page_size(), base.wide_ids());
    let mut out = Pages::create(path, &base)?;
    let mut big = Big { bytes: 0, pages: 0, rows: rows.count(), entries: 0, long_values: 0 };

    let start = out.next;
    let mut table = out.tree(base.tree("churn", PageFlags::empty()), PageNumber::ROOT);
    table.reserve_roots(&mut out)?;
    rows.for_each_record(|key, record| table.append(&mut out, key, &[record]))?;
    let mut table = table.finish(&mut out)?;
    table.available.extend(out.fill_extent(start)?);

    let parent = PageNumber(start);
    let by_n = base.tree("by_n", PageFlags::INDEX | PageFlags::NON_UNIQUE_KEYS);
    let mut writer = out.begin_child(by_n, parent)?;
    rows.for_each_n(|key, bookmark| {
        big.entries += 1;
        writer.append(&mut out, key, &[bookmark])
    })?;
    out.end_child(writer)?;
    let by_pad = base.tree("by_pad", PageFlags::INDEX | PageFlags::NON_UNIQUE_KEYS);
    let mut writer = out.begin_child(by_pad, parent)?;
    rows.for_each_pad(|key, bookmark| {
        big.entries += 1;
        writer.append(&mut out, key, &[bookmark])
    })?;
    out.end_child(writer)?;
    let mut writer = out.begin_child(base.tree("LV", PageFlags::LONG_VALUE), parent)?;
    rows.for_each_long_value_node(|key, data| {
        big.long_values += u64::from(data.len() == 8);
        writer.append(&mut out, key, &[data])
    })?;
    out.end_child(writer)?;

    out.end_table(table, start)?;
    base.repoint(&out.roots, start, out.next - 1, GROWTH);
    big.pages = out.next - 1;
    big.bytes = out.finish(&base)?;
    Ok(big)
}

/// Object ids of the table that is made big, and of its long values, in the set `base`.
pub(crate) fn objids(base: &str) -> (u32, u32) {
    let base = Base::load(base);
    let objid = |name| base.tree(name, PageFlags::empty()).0;
    (objid("churn"), objid("LV"))
}

/// The file from its first new page on.
struct Pages {
    file: BufWriter<File>,
    page_size: PageSize,
    dbtime: u64,
    /// The next page to be handed out.
    next: u32,
    /// The next page to be written; every page between is on its way.
    written: u32,
    /// Pages at the head of each tree that are known last.
    later: Vec<(u32, Vec<u8>)>,
    /// Object ids and roots of the trees so far.
    roots: Vec<(u32, u32)>,
}

impl Pages {
    fn create(path: &Path, base: &Base) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(4 << 20, File::create(path)?);
        let next = base.first_new_page();
        file.seek(SeekFrom::Start(PageNumber(next).file_offset(base.page_size())))?;
        Ok(Self {
            file,
            page_size: base.page_size(),
            dbtime: base.dbtime(),
            next,
            written: next,
            later: Vec::new(),
            roots: Vec::new(),
        })
    }

    fn allocate(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// Writes the next page.
    fn write(&mut self, number: u32, page: &mut [u8]) -> io::Result<()> {
        assert_eq!(number, self.written, "pages are written in order");
        self.written += 1;
        page[8..16].copy_from_slice(&self.dbtime.to_le_bytes());
        seal(page, PageNumber(number));
        self.file.write_all(page)
    }

    /// Leaves the place of the next page free; its content comes with [`Pages::write_later`].
    fn skip(&mut self) -> io::Result<u32> {
        let number = self.allocate();
        assert_eq!(number, self.written, "pages are written in order");
        self.written += 1;
        self.file.write_all(&vec![0; self.page_size.bytes()])?;
        Ok(number)
    }

    fn write_later(&mut self, number: u32, mut page: Vec<u8>) {
        page[8..16].copy_from_slice(&self.dbtime.to_le_bytes());
        seal(&mut page, PageNumber(number));
        self.later.push((number, page));
    }

    fn tree(&mut self, (objid, flags): (u32, PageFlags), parent: PageNumber) -> TreeWriter {
        self.roots.push((objid, self.next));
        let bookmarks = match flags {
            flags if flags.contains(PageFlags::NON_UNIQUE_KEYS) => Bookmarks::KeyAndData,
            _ => Bookmarks::Key,
        };
        // Chunks of long values fill pages alone: a prefix would only take room.
        let prefixes = !flags.contains(PageFlags::LONG_VALUE);
        TreeWriter::new(self.page_size, Tree { objid, flags, parent, bookmarks, prefixes })
    }

    fn begin_child(
        &mut self,
        tree: (u32, PageFlags),
        parent: PageNumber,
    ) -> io::Result<TreeWriter> {
        let mut writer = self.tree(tree, parent);
        writer.reserve_roots(self)?;
        Ok(writer)
    }

    /// Ends a tree that owns what was written since its root.
    fn end_child(&mut self, writer: TreeWriter) -> io::Result<()> {
        let mut ended = writer.finish(self)?;
        let start = ended.root();
        let extents = ended.extents(self.next - start, EXTENT);
        ended.write_owned(self, &extents_from(start, extents))?;
        let available = self.fill_extent(start)?;
        ended.available.extend(available);
        assert_eq!((self.next - start) / EXTENT, extents);
        ended.write_roots(self, EXTENT);
        Ok(())
    }

    /// Ends the table, which owns everything since its root; its OE tree comes behind all.
    fn end_table(&mut self, mut table: tree::Ended, start: u32) -> io::Result<()> {
        let extents = table.extents(self.next - start, EXTENT);
        table.write_owned(self, &extents_from(start, extents))?;
        let available = self.fill_extent(start)?;
        table.available.extend(available);
        assert_eq!((self.next - start) / EXTENT, extents);
        table.write_roots(self, EXTENT);
        Ok(())
    }

    /// Fills the last extent up with pages never written; what they are, as a node of the AE tree.
    fn fill_extent(&mut self, start: u32) -> io::Result<Option<(u32, u32)>> {
        let rest = (self.next - start).next_multiple_of(EXTENT) - (self.next - start);
        for _ in 0..rest {
            self.skip()?;
        }
        Ok((rest > 0).then_some((self.next - 1, rest)))
    }

    fn finish(self, base: &Base) -> io::Result<u64> {
        assert_eq!(self.next, self.written);
        let mut file = self.file.into_inner()?;
        for (number, page) in self.later {
            file.seek(SeekFrom::Start(PageNumber(number).file_offset(self.page_size)))?;
            file.write_all(&page)?;
        }
        file.seek(SeekFrom::Start(0))?;
        file.write_all(base.bytes())?;
        Ok(PageNumber(self.next).file_offset(self.page_size))
    }
}

/// The extents of a tree, as (last page, pages).
fn extents_from(start: u32, count: u32) -> Vec<(u32, u32)> {
    (1..=count).map(|extent| (start + extent * EXTENT - 1, EXTENT)).collect()
}

#[cfg(test)]
mod tests;
