//! Where the parts of a record lie.
//!
//! ```text
//! u8 last fixed id, u8 last variable id, u16 end of the fixed part
//! fixed columns, null bitmap
//! u16 end of each variable column (0x8000: null), variable data
//! tagged directory of (u16 id, u16 offset), tagged data
//! ```
//!
//! Offsets of variable data count from the end of their table, those of tagged data from the
//! start of the directory. Up to 8 KiB, 0x4000 in a tagged offset says that a header byte is
//! there and 0x2000 says null; on large pages a header byte is always there.
//!
//! Source: ESE rec.hxx, tagfld.hxx.

use super::{Entry, Image};
use crate::u16_at;

/// The parts of a record, as offsets from its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Highest fixed column.
    pub last_fixed: usize,
    /// Number of variable columns.
    pub variables: usize,
    /// The null bitmap.
    pub bitmap: usize,
    /// The table of variable offsets.
    pub variable_table: usize,
    /// The variable data.
    pub variable_data: usize,
    /// The tagged directory.
    pub directory: usize,
    /// Every tagged column.
    pub tagged: Vec<Tagged>,
}

/// A tagged column of a record, as offsets from the record's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tagged {
    /// Its entry in the directory.
    pub entry: usize,
    /// Column id.
    pub id: u16,
    /// The header byte, where there is one.
    pub header: u8,
    /// The first byte, be it the header or data.
    pub start: usize,
    /// The data, without header byte.
    pub data: usize,
    /// The first byte behind the data.
    pub end: usize,
}

impl Layout {
    /// The parts of the record `data`.
    pub fn of(data: &[u8], is_large: bool) -> Self {
        let last_fixed = usize::from(data[0]);
        let variables = usize::from(data[1]) - 127;
        let variable_table = usize::from(u16_at(data, 2));
        let variable_data = variable_table + 2 * variables;
        let mut directory = variable_data;
        if variables > 0 {
            directory += usize::from(u16_at(data, variable_data - 2) & 0x7FFF);
        }
        Self {
            last_fixed,
            variables,
            bitmap: variable_table - last_fixed.div_ceil(8),
            variable_table,
            variable_data,
            directory,
            tagged: tagged(data, directory, is_large),
        }
    }

    /// A tagged column.
    pub fn tagged(&self, id: u32) -> Option<&Tagged> {
        self.tagged.iter().find(|tagged| u32::from(tagged.id) == id)
    }

    /// Whether the fixed column `id` has a value.
    pub fn has_fixed(&self, data: &[u8], id: u32) -> bool {
        let bit = id as usize - 1;
        bit < self.last_fixed && data[self.bitmap + bit / 8] >> (bit % 8) & 1 == 0
    }
}

fn tagged(data: &[u8], directory: usize, is_large: bool) -> Vec<Tagged> {
    if directory == data.len() {
        return Vec::new();
    }
    let mask = if is_large { 0x7FFF } else { 0x1FFF };
    let offset = |entry: usize| directory + usize::from(u16_at(data, entry + 2) & mask);
    let end_of_directory = offset(directory);
    let mut found = Vec::new();
    for entry in (directory..end_of_directory).step_by(4) {
        let start = offset(entry);
        let next = entry + 4;
        let end = if next < end_of_directory { offset(next) } else { data.len() };
        let has_header = is_large || u16_at(data, entry + 2) & 0x4000 != 0;
        let header = if has_header { data[start] } else { 0 };
        let id = u16_at(data, entry);
        found.push(Tagged { entry, id, header, start, data: start + usize::from(has_header), end });
    }
    found
}

/// A tagged column taken out of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Column id.
    pub id: u16,
    /// The upper bits of its word in the directory.
    pub bits: u16,
    /// Its bytes, with the header byte where there is one.
    pub bytes: Vec<u8>,
}

/// The record `data` with other tagged columns: `change` gets them and may alter them at will.
fn change_tagged(data: &[u8], is_large: bool, change: impl FnOnce(&mut Vec<Piece>)) -> Vec<u8> {
    let layout = Layout::of(data, is_large);
    let bits = if is_large { 0x8000 } else { 0xE000 };
    let mut pieces: Vec<Piece> = layout
        .tagged
        .iter()
        .map(|tagged| Piece {
            id: tagged.id,
            bits: u16_at(data, tagged.entry + 2) & bits,
            bytes: data[tagged.start..tagged.end].to_vec(),
        })
        .collect();
    change(&mut pieces);
    let mut record = data[..layout.directory].to_vec();
    let mut offset = u16::try_from(4 * pieces.len()).unwrap();
    for piece in &pieces {
        record.extend_from_slice(&piece.id.to_le_bytes());
        record.extend_from_slice(&(offset | piece.bits).to_le_bytes());
        offset += u16::try_from(piece.bytes.len()).unwrap();
    }
    record.extend(pieces.into_iter().flat_map(|piece| piece.bytes));
    record
}

impl Image {
    /// The parts of the record in `entry`.
    pub fn layout(&self, entry: &Entry) -> Layout {
        Layout::of(&entry.data, self.is_large())
    }

    /// The first record of a table for which `wanted` holds.
    pub fn record(&self, table: &str, wanted: impl Fn(&Entry, &Layout) -> bool) -> Entry {
        let root = self.table(table).root;
        self.find(root, |entry| wanted(entry, &self.layout(entry)))
    }

    /// The first record of a table in which a fixed column has a value; offset of that column.
    pub fn record_with_fixed(&self, table: &str, column: &str) -> (Entry, usize) {
        let column = self.column(table, column);
        let entry = self.record(table, |entry, layout| layout.has_fixed(&entry.data, column.id));
        (entry, column.offset)
    }

    /// The first record of a table with a tagged column for which `wanted` holds.
    pub fn record_with_tagged(
        &self,
        table: &str,
        wanted: impl Fn(&Entry, &Tagged) -> bool,
    ) -> (Entry, Tagged) {
        let found = |entry: &Entry| {
            let tagged = self.layout(entry).tagged;
            tagged.into_iter().find(|tagged| wanted(entry, tagged))
        };
        let entry = self.record(table, |entry, _| found(entry).is_some());
        let tagged = found(&entry).unwrap();
        (entry, tagged)
    }

    /// Changes the tagged columns of the record in `entry`.
    pub fn change_tagged(&mut self, entry: &Entry, change: impl FnOnce(&mut Vec<Piece>)) {
        let record = change_tagged(&entry.data, self.is_large(), change);
        self.replace_data(entry.page, entry.line, &record);
    }

    /// Puts bytes into the data of an entry, at an offset of the data.
    pub fn put_data(&mut self, entry: &Entry, at: usize, bytes: &[u8]) {
        let start = self.node(entry.page, entry.line).data;
        self.put(entry.page, start + at, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_taken_apart_and_put_together_are_the_same() {
        for base in crate::CLEAN {
            let image = Image::of(base);
            for entry in image.entries(image.table("alltypes").root) {
                let again = change_tagged(&entry.data, image.is_large(), |_| {});
                assert_eq!(again, entry.data, "{base}");
            }
        }
    }

    #[test]
    fn fixed_columns_lie_where_the_catalog_says() {
        let image = Image::of("clean_8k");
        let (entry, at) = image.record_with_fixed("alltypes", "id");
        let key = [&[0x80 ^ entry.data[at + 3]], &[entry.data[at + 2]][..]].concat();
        assert_eq!(entry.key[1..3], key);
    }
}
