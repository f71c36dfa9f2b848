//! The pages that are changed, as the instance has them in its memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use ese_format::node::{NodePage, tags};
use ese_format::page::{PageFlags, PageHeader};
use ese_format::{DbTime, PageNumber, PageSize};

/// Rows that are shorter are left alone: they may have no bytes that can be changed.
const LEAST_ROW: usize = 120;
/// Bytes at the end of a row that hold part of a column without an index.
pub(super) const FREE_BYTES: usize = 64;
/// Key and data of a row that comes and goes, with its line.
pub(super) const GUEST_DATA: usize = 48;

/// A row that stays.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) key: Vec<u8>,
    pub(super) data: Vec<u8>,
    /// Its line, guests left out.
    line: u16,
}

/// A row that came in and is to go.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    pub(super) key: Vec<u8>,
    /// The line at which it is.
    pub(super) line: u16,
    /// Its transaction is over, and it is flagged as deleted.
    pub(super) is_gone: bool,
}

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) number: PageNumber,
    pub(super) dbtime: DbTime,
    pub(super) root: PageNumber,
    pub(super) objid: u32,
    /// Rows of the table; of long values their roots.
    pub(super) rows: Vec<Row>,
    pub(super) has_room: bool,
    pub(super) guest: Option<Guest>,
    /// The session that has a transaction on it.
    pub(super) owner: Option<usize>,
    pub(super) is_changed: bool,
    pub(super) is_long_value: bool,
}

impl Page {
    /// The line of a row.
    pub(super) fn line(&self, row: usize) -> u16 {
        let line = self.rows[row].line;
        line + u16::from(self.guest.as_ref().is_some_and(|guest| guest.line <= line))
    }

    /// The key and the line of a guest behind a row.
    pub(super) fn place_behind(&self, row: usize) -> (Vec<u8>, u16) {
        let row = &self.rows[row];
        ([&row.key[..], &[0]].concat(), row.line + 1)
    }
}

/// All pages that are changed.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) pages: Vec<Page>,
    /// Indexes of pages of long values.
    pub(super) long_values: Vec<usize>,
}

impl Pool {
    /// At most `most` leaves of the table and its long values, spread over the whole file.
    pub(super) fn read(
        file: &mut File,
        size: PageSize,
        (table, long_values): (u32, u32),
        most: usize,
    ) -> io::Result<Self> {
        let mut leaves = Vec::new();
        let (mut roots, mut page) = ([PageNumber(0); 2], vec![0; size.bytes()]);
        file.seek(SeekFrom::Start(PageNumber(1).file_offset(size)))?;
        for number in 1.. {
            if file.read_exact(&mut page).is_err() {
                break;
            }
            let Some(header) = PageHeader::parse(&page) else { continue };
            let spoilt = PageFlags::SPACE_TREE | PageFlags::INDEX | PageFlags::EMPTY;
            if ![table, long_values].contains(&header.objid) || header.flags.intersects(spoilt) {
                continue;
            }
            if header.flags.contains(PageFlags::ROOT) {
                roots[usize::from(header.objid == long_values)] = PageNumber(number);
            } else if header.flags.contains(PageFlags::LEAF) {
                leaves.push(PageNumber(number));
            }
        }
        let step = leaves.len().div_ceil(most.max(1)).max(1);
        let mut pool = Self { pages: Vec::new(), long_values: Vec::new() };
        for number in leaves.into_iter().step_by(step) {
            file.seek(SeekFrom::Start(number.file_offset(size)))?;
            file.read_exact(&mut page)?;
            let is_long_value = PageHeader::parse(&page).unwrap().objid == long_values;
            let root = roots[usize::from(is_long_value)];
            let page = read_page(&page, number, root, is_long_value);
            if page.rows.is_empty() {
                continue;
            }
            if is_long_value {
                pool.long_values.push(pool.pages.len());
            }
            pool.pages.push(page);
        }
        Ok(pool)
    }
}

fn read_page(bytes: &[u8], number: PageNumber, root: PageNumber, is_long_value: bool) -> Page {
    let page = NodePage::new(bytes).unwrap();
    let header = *page.header();
    let wanted = |data: &[u8], key_len: usize| match is_long_value {
        true => key_len == 4 && data.len() == 8,
        false => is_replaceable(data),
    };
    let rows = (0..page.node_count()).map(|line| (line, page.node(line).unwrap()));
    let rows = rows.filter(|(_, node)| wanted(node.data, node.key_len())).map(|(line, node)| {
        let line = u16::try_from(line).unwrap();
        Row { key: node.key(), data: node.data.to_vec(), line }
    });
    let rows: Vec<Row> = rows.collect();
    let used: usize = tags(bytes, &header).map(|tag| tag.len + 4).sum();
    let room = bytes.len() - 40 - used;
    Page {
        number,
        dbtime: header.dbtime,
        root,
        objid: header.objid,
        rows,
        has_room: !is_long_value && room > GUEST_DATA + 32,
        guest: None,
        owner: None,
        is_changed: false,
        is_long_value,
    }
}

/// Whether the row ends with a long value that lies in it.
fn is_replaceable(record: &[u8]) -> bool {
    // A separated value is an id of four bytes behind its header.
    record.len() > LEAST_ROW + FREE_BYTES
}
