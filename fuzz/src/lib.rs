//! What targets start from: real records and whole small databases, with edits laid over them.
//!
//! A fuzzer finds no checksum by itself. Inputs of these targets are therefore lists of edits to
//! real content, and pages that are edited get their checksums anew.

use std::path::Path;
use std::sync::Arc;

use ese::DatabaseFile;
use ese_format::node::NodePage;
use ese_format::page::{PageFlags, PageHeader, seal};
use ese_format::{PageNumber, PageSize};
use vfs::{File, Storage};

/// Lays edits over `bytes`: each three bytes, an offset and a value.
pub fn edit(bytes: &mut [u8], edits: &[u8]) {
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]]));
        if let Some(byte) = bytes.get_mut(at) {
            *byte = edit[2];
        }
    }
}

/// Data of the live nodes on leaves whose flags, of those in `mask`, are `flags`.
pub fn leaf_data(set: &str, mask: PageFlags, flags: PageFlags) -> Vec<Vec<u8>> {
    let content = testkit::database(set);
    let size = page_size(&content);
    let mut found = Vec::new();
    for page in content.chunks_exact(size.bytes()).skip(2) {
        let header = PageHeader::parse(page).expect("a page");
        if header.flags & mask != flags {
            continue;
        }
        let page = NodePage::new(page).expect("a page");
        for index in 0..page.node_count() {
            let node = page.node(index).filter(|node| !node.is_deleted());
            found.extend(node.map(|node| node.data.to_vec()));
        }
    }
    found
}

/// Flags that tell kinds of pages apart.
pub const KINDS: PageFlags = PageFlags::LEAF
    .union(PageFlags::EMPTY)
    .union(PageFlags::SPACE_TREE)
    .union(PageFlags::INDEX)
    .union(PageFlags::LONG_VALUE)
    .union(PageFlags::NEW_CHECKSUM_FORMAT);

/// Of [`KINDS`]: leaves with records.
pub const RECORDS: PageFlags = PageFlags::LEAF.union(PageFlags::NEW_CHECKSUM_FORMAT);

/// A whole small database in memory that is edited and put back.
pub struct SmallDatabase {
    content: Vec<u8>,
    size: PageSize,
    /// Pages that are not zeroed.
    pages: Vec<u32>,
    storage: Arc<dyn Storage>,
    file: Arc<dyn File>,
    edited: Vec<u32>,
}

const PATH: &str = "/fuzz.edb";

impl SmallDatabase {
    /// The database of a committed set.
    pub fn new(set: &str) -> Self {
        let content = testkit::database(set);
        let size = page_size(&content);
        let pages = (1..).zip(content.chunks_exact(size.bytes()).skip(2));
        let pages = pages.filter(|(_, page)| page.iter().any(|&byte| byte != 0));
        let pages = pages.map(|(number, _)| number).collect();
        let storage: Arc<dyn Storage> = Arc::new(vfs::mem::Mem::new());
        let file = storage.open(Path::new(PATH), vfs::OpenMode::CreateNew).expect("a new file");
        file.write_all_at(&content, 0).expect("memory");
        Self { content, size, pages, storage, file: file.into(), edited: Vec::new() }
    }

    /// Makes edits, each six bytes: page, offset, how, value.
    pub fn edit(&mut self, edits: &[u8]) {
        let mut pages: Vec<(u32, Vec<u8>)> = Vec::new();
        for edit in edits.chunks_exact(6).take(64) {
            let word = |at: usize| usize::from(u16::from_le_bytes([edit[at], edit[at + 1]]));
            let number = self.pages[word(0) % self.pages.len()];
            let place = match pages.iter().position(|(known, _)| *known == number) {
                Some(place) => place,
                None => {
                    pages.push((number, self.page(number).to_vec()));
                    pages.len() - 1
                }
            };
            let at = word(2) % (self.size.bytes() - 1);
            let page = &mut pages[place].1;
            match edit[4] % 4 {
                0 => page[at] = edit[5],
                1 => page[at..at + 2].copy_from_slice(&[edit[5], edit[4] >> 2]),
                2 => page[at] ^= edit[5],
                // A tag, or what lies a tag's distance from the end.
                _ => {
                    let from_end = 4 * (1 + usize::from(edit[2])) - usize::from(edit[3] % 4);
                    let at = self.size.bytes() - from_end.min(self.size.bytes());
                    page[at] = edit[5];
                }
            }
        }
        for (number, mut page) in pages {
            seal(&mut page, PageNumber(number));
            self.write(number, &page);
            self.edited.push(number);
        }
    }

    /// Opens it; an edited database always opens, for its header is as it was.
    pub fn open(&self) -> Arc<DatabaseFile> {
        let file = DatabaseFile::open(self.storage.clone(), Path::new(PATH));
        Arc::new(file.expect("the header is as it was"))
    }

    /// Takes all edits back.
    pub fn restore(&mut self) {
        for number in std::mem::take(&mut self.edited) {
            self.write(number, self.page(number));
        }
    }

    fn page(&self, number: u32) -> &[u8] {
        let start = PageNumber(number).file_offset(self.size) as usize;
        &self.content[start..start + self.size.bytes()]
    }

    fn write(&self, number: u32, page: &[u8]) {
        let offset = PageNumber(number).file_offset(self.size);
        self.file.write_all_at(page, offset).expect("memory");
    }
}

fn page_size(content: &[u8]) -> PageSize {
    let field = content[236..240].try_into().expect("four bytes");
    PageSize::from_header_field(u32::from_le_bytes(field)).expect("a page size")
}

/// Reads everything there is: rows and values, indexes both ways, rows by index entries. Counts
/// what failed.
pub fn read_all(database: &ese::Database) -> u64 {
    let mut failed = 0;
    for table in database.tables() {
        for row in table.rows() {
            let Ok(row) = row else {
                failed += 1;
                continue;
            };
            match row.values() {
                Ok(values) => failed += values.filter(Result::is_err).count() as u64,
                Err(_) => failed += 1,
            }
        }
        for definition in &table.definition().indexes {
            let Ok(index) = table.index(&definition.name) else { continue };
            let mut cursor = index.cursor();
            let mut found = cursor.move_first();
            let mut steps = 0_u64;
            while let Ok(true) = found {
                steps += 1;
                if steps % 16 == 0 {
                    failed += u64::from(!matches!(cursor.row(), Ok(Some(_))));
                }
                found = cursor.move_next();
            }
            failed += u64::from(found.is_err());
            let mut found = cursor.move_last();
            let mut back = 0_u64;
            while let Ok(true) = found {
                back += 1;
                found = cursor.move_previous();
            }
            failed += u64::from(found.is_err());
            if failed == 0 {
                assert_eq!(steps, back, "{} both ways", definition.name);
            }
        }
    }
    failed
}

/// One log file that is edited.
pub struct LogEdits {
    content: Vec<u8>,
}

impl LogEdits {
    /// A log of a committed set.
    pub fn of(set: &str, name: &str) -> Self {
        let set = testkit::set(set);
        Self { content: std::fs::read(set.file(name)).expect("a log") }
    }

    /// The file with edits laid over it: each five bytes, two for the sector and whether its
    /// checksum is made anew, two for the offset, one for the value.
    pub fn edited(&self, edits: &[u8]) -> Vec<u8> {
        let mut bytes = self.content.clone();
        lay_over_log(&mut bytes, edits);
        bytes
    }
}

fn lay_over_log(bytes: &mut [u8], edits: &[u8]) {
    let sectors = bytes.len() / SECTOR;
    for edit in edits.chunks_exact(5) {
        let word = u16::from_le_bytes([edit[0], edit[1]]);
        let sector = usize::from(word & 0x7FFF) % sectors;
        let at = usize::from(u16::from_le_bytes([edit[2], edit[3]])) % SECTOR;
        bytes[sector * SECTOR + at] = edit[4];
        let block = &mut bytes[sector * SECTOR..(sector + 1) * SECTOR];
        match (sector, word & 0x8000 != 0) {
            (_, false) => {}
            (0, true) => {
                let sum = ese_format::checksum::xor32(block).to_le_bytes();
                block[..4].copy_from_slice(&sum);
            }
            (_, true) => {
                let number = u16::try_from(sector).expect("few sectors");
                ese_format::log::segment::seal(block, number);
            }
        }
    }
}

/// A small database with its logs in memory, edited anew each time.
pub struct SmallSet {
    database: Vec<u8>,
    logs: Vec<(String, Vec<u8>)>,
}

impl SmallSet {
    /// A committed set.
    pub fn new(set: &str) -> Self {
        let unpacked = testkit::set(set);
        let mut logs = Vec::new();
        for entry in std::fs::read_dir(unpacked.path()).expect("a folder") {
            let name = entry.expect("a name").file_name().into_string().expect("a plain name");
            if name.ends_with(".log") {
                let bytes = std::fs::read(unpacked.file(&name)).expect("a log");
                logs.push((name, bytes));
            }
        }
        logs.sort();
        Self { database: testkit::database(set), logs }
    }

    /// The files, in `/set`, and the logs alone in `/logs`, with edits laid over them: each six
    /// bytes, the first for the file, the others as for a log, or for a page of the database.
    pub fn edited(&self, edits: &[u8]) -> vfs::mem::Mem {
        let (mut database, mut logs) = (self.database.clone(), self.logs.clone());
        for edit in edits.chunks_exact(6) {
            match usize::from(edit[0]) % (logs.len() + 1) {
                0 => lay_over_database(&mut database, &edit[1..]),
                log => lay_over_log(&mut logs[log - 1].1, &edit[1..]),
            }
        }
        let mem = vfs::mem::Mem::new();
        mem.put("/set/test.edb", database).expect("memory");
        for (name, bytes) in logs {
            mem.put(format!("/logs/{name}"), bytes.clone()).expect("memory");
            mem.put(format!("/set/{name}"), bytes).expect("memory");
        }
        mem
    }
}

/// Edits one byte of a page, and makes its checksum anew; of a header block too.
fn lay_over_database(bytes: &mut [u8], edit: &[u8]) {
    const PAGE: usize = 8192;
    let pages = bytes.len() / PAGE;
    let page = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % pages;
    let at = usize::from(u16::from_le_bytes([edit[2], edit[3]])) % PAGE;
    let block = &mut bytes[page * PAGE..(page + 1) * PAGE];
    block[at] = edit[4];
    match page {
        0 | 1 => {
            let sum = ese_format::checksum::xor32(block).to_le_bytes();
            block[..4].copy_from_slice(&sum);
            let copy = block.to_vec();
            bytes[..PAGE].copy_from_slice(&copy);
            bytes[PAGE..2 * PAGE].copy_from_slice(&copy);
        }
        _ if block.iter().all(|&byte| byte == 0) => {}
        _ => {
            let number = PageNumber(u32::try_from(page - 1).expect("few pages"));
            seal(block, number);
        }
    }
}

/// Bytes of a segment of a log.
const SECTOR: usize = 4096;
