//! Mutations of records: the frame, fixed, variable and tagged columns, values.

use super::image::{Entry, Layout, Piece, Tagged};
use super::{Image, Mutation, damage, odd};
use crate::u16_at;

/// Header bits of a tagged column.
mod header {
    pub(super) const COMPRESSED: u8 = 2;
    pub(super) const SEPARATED: u8 = 4;
    pub(super) const VALUES: u8 = 8;
    pub(super) const TWO: u8 = 0x10;
}

/// A record with several variable and tagged columns.
fn rich(image: &Image) -> (Entry, Layout) {
    let entry = image.record("alltypes", |entry, layout| {
        let all_apart = |pair: &[Tagged]| pair[0].start < pair[1].start;
        let first = u16_at(&entry.data, layout.variable_table);
        layout.variables > 2
            && (1..0x7FFF).contains(&first)
            && layout.tagged.len() > 3
            && layout.tagged.windows(2).all(all_apart)
    });
    let layout = image.layout(&entry);
    (entry, layout)
}

/// Puts a word into a rich record, at an offset that the record's layout gives.
fn put(image: &mut Image, at: fn(&Layout) -> usize, value: u16) {
    let (entry, layout) = rich(image);
    image.put_data(&entry, at(&layout), &value.to_le_bytes());
}

/// Adds to the end of the fixed part of a rich record.
fn move_fixed_end(image: &mut Image, by: i16) {
    let (entry, _) = rich(image);
    let end = u16_at(&entry.data, 2).wrapping_add_signed(by);
    image.put_data(&entry, 2, &end.to_le_bytes());
}

/// Adds to the directory word of the second tagged column of a rich record.
fn move_second_tagged(image: &mut Image, by: i16) {
    let (entry, layout) = rich(image);
    let at = layout.tagged[1].entry + 2;
    let word = u16_at(&entry.data, at).wrapping_add_signed(by);
    image.put_data(&entry, at, &word.to_le_bytes());
}

/// A record with a column of several values in the long form.
fn several_values(image: &Image) -> (Entry, Tagged) {
    image.record_with_tagged("alltypes", |_, tagged| {
        tagged.header & (header::VALUES | header::TWO) == header::VALUES
    })
}

/// Changes the bytes (behind the header byte) of the first compressed value.
fn change_compressed(image: &mut Image, change: impl Fn(&mut Vec<u8>)) {
    let (entry, tagged) =
        image.record_with_tagged("alltypes", |_, tagged| tagged.header & header::COMPRESSED != 0);
    change_column(image, &entry, tagged.id, |piece| {
        let mut value = piece.bytes.split_off(1);
        change(&mut value);
        piece.bytes.extend(value);
    });
}

/// Changes one tagged column of a record.
fn change_column(image: &mut Image, entry: &Entry, id: u16, change: impl Fn(&mut Piece)) {
    image.change_tagged(entry, |pieces| {
        change(pieces.iter_mut().find(|piece| piece.id == id).unwrap());
    });
}

/// Sets the null bit of the primary key's column.
fn null_key(image: &mut Image) {
    let (entry, _) = image.record_with_fixed("longvalues", "id");
    let bitmap = image.layout(&entry).bitmap;
    image.put_data(&entry, bitmap, &[entry.data[bitmap] | 1]);
}

/// Makes the variable column `v_nn`, the last one, null.
fn null_variable(image: &mut Image) {
    let entry = image.record("alltypes", |_, layout| layout.variables == 5);
    let layout = image.layout(&entry);
    let before = u16_at(&entry.data, layout.variable_table + 6) & 0x7FFF;
    let mut data = entry.data.clone();
    let at = layout.variable_table + 8;
    data[at..at + 2].copy_from_slice(&(before | 0x8000).to_le_bytes());
    data.drain(layout.variable_data + usize::from(before)..layout.directory);
    image.replace_data(entry.page, entry.line, &data);
}

/// A directory in which the column that comes from the template stands behind the table's own.
fn own_before_derived(image: &mut Image) {
    let entry = image.record("derived_0", |entry, layout| {
        let derived = |tagged: &Tagged| u16_at(&entry.data, tagged.entry + 2) & 0x8000 != 0;
        layout.tagged.first().is_some_and(derived) && !layout.tagged.last().is_some_and(derived)
    });
    image.change_tagged(&entry, |pieces| pieces.rotate_left(1));
}

/// A tagged column that the record lacks gets an explicit null.
fn explicit_null(image: &mut Image) {
    let column = u16::try_from(image.column("alltypes", "t_ubyte").id).unwrap();
    let is_large = image.is_large();
    let entry = image.record("alltypes", |entry, layout| {
        let free = usize::from(image.u16(entry.page, super::image::field::FREE));
        layout.tagged(column.into()).is_none() && !layout.tagged.is_empty() && free > 20
    });
    image.change_tagged(&entry, |pieces| {
        let at = pieces.iter().position(|piece| piece.id > column).unwrap_or(pieces.len());
        let (bits, bytes) = if is_large { (0, vec![0x20]) } else { (0x2000, Vec::new()) };
        pieces.insert(at, Piece { id: column, bits, bytes });
    });
}

/// A fixed column that is null has other bytes.
fn scribble_null(image: &mut Image) {
    let column = image.column("alltypes", "f_double");
    let entry = image.record("alltypes", |entry, layout| {
        layout.last_fixed > 8 && !layout.has_fixed(&entry.data, column.id)
    });
    image.put_data(&entry, column.offset, &[0x55; 8]);
}

/// The escrow column, the last fixed one and without index, is not stored.
fn drop_last_fixed(image: &mut Image) {
    let column = image.column("alltypes", "esc");
    let entry = image.record("alltypes", |_, layout| layout.last_fixed == 19);
    let mut data = entry.data.clone();
    data[0] = 18;
    data.drain(column.offset..column.offset + 4);
    let end = u16_at(&data, 2) - 4;
    data[2..4].copy_from_slice(&end.to_le_bytes());
    image.replace_data(entry.page, entry.line, &data);
}

/// A record without its last variable column.
fn without_last_variable(entry: &Entry, image: &Image) -> Vec<u8> {
    let layout = image.layout(entry);
    let word = layout.variable_data - 2;
    let before = usize::from(u16_at(&entry.data, word - 2) & 0x7FFF);
    let mut data = entry.data.clone();
    data[1] -= 1;
    data.drain(layout.variable_data + before..layout.directory);
    data.drain(word..word + 2);
    data
}

pub(super) const TABLE: &[Mutation] = &[
    damage("clean_4k", "end of the fixed part far too high", &["record"], |image| {
        put(image, |_| 2, 0x3FFF);
    }),
    damage("clean_4k", "end of the fixed part one too high", &["record"], |image| {
        move_fixed_end(image, 1);
    }),
    damage("clean_4k", "end of the fixed part one too low", &["record"], |image| {
        move_fixed_end(image, -1);
    }),
    damage("clean_4k", "last fixed column above 127", &["record"], |image| {
        let (entry, _) = rich(image);
        image.put_data(&entry, 0, &[200]);
    }),
    damage("clean_4k", "last variable column below 127", &["record"], |image| {
        let (entry, _) = rich(image);
        image.put_data(&entry, 1, &[100]);
    }),
    damage("clean_4k", "record of three bytes", &["record"], |image| {
        let (entry, _) = rich(image);
        image.replace_data(entry.page, entry.line, &entry.data[..3]);
    }),
    damage("clean_4k", "record shorter than its tagged offsets", &["record"], |image| {
        let (entry, layout) = rich(image);
        let last = layout.tagged.last().unwrap().start;
        image.replace_data(entry.page, entry.line, &entry.data[..last - 1]);
    }),
    damage("clean_4k", "record shorter than its variable offsets", &["record"], |image| {
        let (entry, layout) = rich(image);
        image.replace_data(entry.page, entry.line, &entry.data[..layout.directory - 1]);
    }),
    damage("clean_4k", "record with a rest too short for a directory", &["record"], |image| {
        let entry = image.record("churn", |_, layout| layout.tagged.is_empty());
        let data = [&entry.data[..], &[0, 1]].concat();
        image.replace_data(entry.page, entry.line, &data);
    }),
    damage("clean_4k", "variable offsets that decrease", &["record"], |image| {
        let (entry, layout) = rich(image);
        let second = u16_at(&entry.data, layout.variable_table + 2) & 0x7FFF;
        image.put_data(&entry, layout.variable_table, &(second + 1).to_le_bytes());
    }),
    damage("clean_4k", "variable offset behind the record", &["record"], |image| {
        put(image, |layout| layout.variable_data - 2, 0x7000);
    }),
    damage("clean_4k", "tagged directory of three bytes", &["record"], |image| {
        put(image, |layout| layout.directory + 2, 3);
    }),
    damage("clean_4k", "tagged directory longer than the record", &["record"], |image| {
        put(image, |layout| layout.directory + 2, 0x1FFC);
    }),
    damage("clean_4k", "tagged columns out of order", &["record"], |image| {
        let (entry, _) = rich(image);
        image.change_tagged(&entry, |pieces| pieces.swap(1, 2));
    }),
    damage("clean_4k", "tagged column twice", &["record"], |image| {
        let (entry, layout) = rich(image);
        let id = layout.tagged[1].id.to_le_bytes();
        image.put_data(&entry, layout.tagged[2].entry, &id);
    }),
    damage("clean_4k", "tagged offset behind the record", &["record"], |image| {
        move_second_tagged(image, 0x1000);
    }),
    damage("clean_32k", "tagged offset behind a record of a large page", &["record"], |image| {
        move_second_tagged(image, 0x4000);
    }),
    damage("clean_4k", "tagged offset that decreases", &["record"], |image| {
        move_second_tagged(image, -20);
    }),
    damage("clean_8k", "own tagged column before the template's", &["record"], own_before_derived),
    damage("clean_4k", "value offset behind the column", &["record"], |image| {
        let (entry, tagged) = several_values(image);
        image.put_data(&entry, tagged.data + 2, &0x0F00_u16.to_le_bytes());
    }),
    damage("clean_32k", "value offset behind the column, large page", &["record"], |image| {
        let (entry, tagged) = several_values(image);
        image.put_data(&entry, tagged.data + 2, &0x0F00_u16.to_le_bytes());
    }),
    damage("clean_4k", "value offset that decreases", &["record"], |image| {
        let (entry, tagged) = several_values(image);
        image.put_data(&entry, tagged.data + 2, &1_u16.to_le_bytes());
    }),
    damage("clean_4k", "odd number of offset bytes of values", &["record"], |image| {
        let (entry, tagged) = several_values(image);
        image.put_data(&entry, tagged.data, &5_u16.to_le_bytes());
    }),
    damage("clean_4k", "first of two values longer than both", &["record"], |image| {
        let (entry, tagged) =
            image.record_with_tagged("alltypes", |_, tagged| tagged.header & header::TWO != 0);
        image.put_data(&entry, tagged.data, &[255]);
    }),
    damage("clean_4k", "long value id of three bytes", &["record|lv-missing"], |image| {
        let (entry, tagged) = image.record_with_tagged("longvalues", |_, tagged| {
            tagged.header & (header::VALUES | header::SEPARATED) == header::SEPARATED
        });
        change_column(image, &entry, tagged.id, |piece| piece.bytes.truncate(4));
    }),
    damage("clean_4k", "tagged GUID of fifteen bytes", &["record-column"], |image| {
        let id = image.column("alltypes", "t_guid").id;
        let (entry, tagged) = image.record_with_tagged("alltypes", |_, tagged| {
            u32::from(tagged.id) == id && tagged.header & header::VALUES == 0
        });
        change_column(image, &entry, tagged.id, |piece| piece.bytes.truncate(15));
    }),
    damage("clean_4k", "tagged date of seven bytes", &["record-column"], |image| {
        let id = image.column("alltypes", "t_date").id;
        let (entry, tagged) =
            image.record_with_tagged("alltypes", |_, tagged| u32::from(tagged.id) == id);
        change_column(image, &entry, tagged.id, |piece| piece.bytes.truncate(7));
    }),
    damage(
        "clean_4k",
        "compressed value of an unknown scheme",
        &["record-value|record-opaque"],
        |image| {
            change_compressed(image, |value| value[0] = 0x78);
        },
    ),
    damage(
        "clean_4k",
        "compressed value cut to its first byte",
        &["record-value|record-opaque"],
        |image| {
            change_compressed(image, |value| value.truncate(1));
        },
    ),
    damage("clean_4k", "NULL in the primary key's column", &["record-null"], null_key),
    damage("clean_4k", "NULL in a NOT NULL column with a default", &["record-null"], null_variable),
    damage("clean_4k", "primary key column changed", &["primary-key"], |image| {
        let (entry, at) = image.record_with_fixed("alltypes", "id");
        image.put_data(&entry, at, &[entry.data[at] ^ 0x11]);
    }),
    odd("clean_4k", "value of a column without index changed", |image| {
        let (entry, at) = image.record_with_fixed("alltypes", "ver");
        image.put_data(&entry, at, &[entry.data[at] ^ 0x5A]);
    }),
    odd("clean_4k", "record that ends before the last fixed column", drop_last_fixed),
    odd("clean_4k", "record that ends before a variable column with a default", |image| {
        let (entry, _) = rich(image);
        image.replace_data(entry.page, entry.line, &without_last_variable(&entry, image));
    }),
    odd("clean_4k", "value compressed with XPRESS9", |image| {
        change_compressed(image, |value| value.splice(..1, [0x28, 1, 2, 3, 4]).for_each(drop));
    }),
    odd("clean_4k", "scrubbed value", |image| change_compressed(image, |value| value.fill(0x20))),
    odd("clean_4k", "other bytes under a null bit", scribble_null),
    odd("clean_8k", "explicit null of a tagged column", explicit_null),
    odd("clean_32k", "explicit null of a tagged column, large page", explicit_null),
];
