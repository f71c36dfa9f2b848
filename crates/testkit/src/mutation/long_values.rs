//! Mutations of long values: roots, chunks, references.
//!
//! | Key | Data |
//! |---|---|
//! | id, big-endian (4 bytes; 8 with the top bit set) | u32 references, u32 size |
//! | the same and u32 offset, big-endian | a chunk, compressed if shorter than it should be |

use super::image::{Entry, field};
use super::{Image, Mutation, damage, odd};
use crate::u32_at;

/// The table with most of the long values.
const TABLE_NAME: &str = "longvalues";

/// Offsets in a root's data.
mod at {
    pub(super) const REFERENCES: usize = 0;
    pub(super) const SIZE: usize = 4;
}

/// A long value: its root and its chunks.
#[derive(Debug, Clone)]
struct Value {
    root: Entry,
    chunks: Vec<Entry>,
}

impl Value {
    fn references(&self) -> u32 {
        u32_at(&self.root.data, at::REFERENCES)
    }

    fn size(&self) -> u32 {
        u32_at(&self.root.data, at::SIZE)
    }
}

/// Every long value of the table.
fn values(image: &Image) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    for entry in image.entries(image.long_values(TABLE_NAME)) {
        match values.last_mut() {
            Some(value) if entry.key.starts_with(&value.root.key) => value.chunks.push(entry),
            _ => values.push(Value { root: entry, chunks: Vec::new() }),
        }
    }
    values
}

/// The first long value that `wanted` picks.
fn value(image: &Image, wanted: impl Fn(&Value) -> bool) -> Value {
    values(image).into_iter().find(wanted).unwrap()
}

/// A long value of this many chunks at least.
fn of_chunks(image: &Image, count: usize) -> Value {
    value(image, |value| value.chunks.len() >= count)
}

/// Adds to a field of a root.
fn add(image: &mut Image, value: &Value, at: usize, summand: u32) {
    let field = u32_at(&value.root.data, at).wrapping_add(summand);
    image.put_data(&value.root, at, &field.to_le_bytes());
}

/// Removes chunk `index` of a value of three chunks.
fn drop_chunk(image: &mut Image, index: usize) {
    let value = value(image, |value| value.chunks.len() == 3);
    let chunk = &value.chunks[index];
    image.drop_node(chunk.page, chunk.line);
}

/// Removes nodes of one value, the later ones first.
fn remove_all<'a>(image: &mut Image, nodes: impl DoubleEndedIterator<Item = &'a Entry>) {
    for node in nodes.rev() {
        image.drop_node(node.page, node.line);
    }
}

/// Puts a value with the next id and one chunk into the tree.
fn add_value(image: &mut Image, references: u32) {
    let root = image.long_values(TABLE_NAME);
    let mut key = values(image).last().unwrap().root.key.clone();
    let last = key.len() - 1;
    key[last] += 1;
    let data = [references.to_le_bytes(), 3_u32.to_le_bytes()].concat();
    image.add(root, &key, &data);
    key.extend_from_slice(&[0; 4]);
    image.add(root, &key, b"abc");
}

/// A chunk that is stored compressed with XPRESS, and how long it should be.
fn compressed_chunk(image: &Image) -> Entry {
    let is_compressed = |entry: &&Entry| entry.data[0] == 0x18 && entry.data.len() < 1000;
    let mut chunks = values(image).into_iter().flat_map(|value| {
        let size = value.size();
        value.chunks.into_iter().filter(move |chunk| {
            let offset = u32::from_be_bytes(chunk.key[chunk.key.len() - 4..].try_into().unwrap());
            chunk.data.len() < (size - offset) as usize
        })
    });
    chunks.find(|chunk| is_compressed(&chunk)).unwrap()
}

/// Changes the bytes of a compressed chunk.
fn change_compressed(image: &mut Image, change: impl Fn(&mut Vec<u8>)) {
    let mut chunk = compressed_chunk(image);
    change(&mut chunk.data);
    image.replace_data(chunk.page, chunk.line, &chunk.data);
}

/// Changes the key of the second chunk of a value by what `change` does to its offset.
fn move_chunk(image: &mut Image, change: fn(u32) -> u32) {
    let value = value(image, |value| value.chunks.len() == 2);
    let chunk = &value.chunks[1];
    let mut key = chunk.key.clone();
    let at = key.len() - 4;
    let offset = u32::from_be_bytes(key[at..].try_into().unwrap());
    key[at..].copy_from_slice(&change(offset).to_be_bytes());
    image.replace(chunk.page, chunk.line, &key, &chunk.data);
}

/// A chunk behind the end of its value.
fn add_chunk(image: &mut Image) {
    let value = value(image, |value| value.chunks.len() == 2);
    let mut key = value.chunks[1].key.clone();
    let at = key.len() - 4;
    let offset = u32::from_be_bytes(key[at..].try_into().unwrap());
    key[at..].copy_from_slice(&(2 * offset).to_be_bytes());
    let root = image.long_values(TABLE_NAME);
    image.add(root, &key, b"abc");
}

/// The id of a long value in a record becomes one that does not exist.
fn change_reference(image: &mut Image) {
    let (entry, tagged) =
        image.record_with_tagged(TABLE_NAME, |_, tagged| tagged.header & 0x0C == 4);
    image.put_data(&entry, tagged.data, &[0x77, 0x77, 0x77]);
}

pub(super) const TABLE: &[Mutation] = &[
    damage("clean_4k", "references of a long value one too many", &["lv-refcount"], |image| {
        let value = of_chunks(image, 1);
        add(image, &value, at::REFERENCES, 1);
    }),
    damage("clean_4k", "references of a long value one too few", &["lv-refcount"], |image| {
        let value = value(image, |value| value.references() > 1);
        add(image, &value, at::REFERENCES, u32::MAX);
    }),
    damage(
        "clean_8k_new",
        "references of a 64-bit long value too few",
        &["lv-refcount"],
        |image| {
            let value = value(image, |value| value.references() > 1);
            add(image, &value, at::REFERENCES, u32::MAX);
        },
    ),
    damage("clean_4k", "no references of a long value in use", &["lv-refcount"], |image| {
        let value = of_chunks(image, 1);
        image.put_data(&value.root, at::REFERENCES, &[0; 4]);
    }),
    damage("clean_4k", "size of a long value one too high", &["lv-data|lv-chunk"], |image| {
        let value = of_chunks(image, 1);
        add(image, &value, at::SIZE, 1);
    }),
    damage("clean_4k", "size of a long value one too low", &["lv-data|lv-chunk"], |image| {
        let value = of_chunks(image, 1);
        add(image, &value, at::SIZE, u32::MAX);
    }),
    damage(
        "clean_4k",
        "root of a long value flagged deleted",
        &["lv-chunk", "lv-missing"],
        |image| {
            let value = of_chunks(image, 1);
            image.flag_deleted(value.root.page, value.root.line);
        },
    ),
    damage("clean_4k", "chunk flagged deleted", &["lv-data|lv-chunk"], |image| {
        let chunk = &of_chunks(image, 1).chunks[0];
        image.flag_deleted(chunk.page, chunk.line);
    }),
    damage(
        "clean_4k",
        "id of a long value in the record changed",
        &["lv-missing", "lv-unreferenced"],
        change_reference,
    ),
    damage("clean_4k", "first chunk missing", &["lv-data|lv-chunk"], |image| drop_chunk(image, 0)),
    damage("clean_4k", "chunk missing in the middle", &["lv-data|lv-chunk"], |image| {
        drop_chunk(image, 1);
    }),
    damage("clean_4k", "last chunk missing", &["lv-data|lv-chunk"], |image| drop_chunk(image, 2)),
    damage("clean_16k", "only chunk missing", &["lv-data|lv-chunk"], |image| {
        let chunk = &value(image, |value| value.chunks.len() == 1).chunks[0];
        image.drop_node(chunk.page, chunk.line);
    }),
    damage(
        "clean_32k",
        "chunk missing in the middle, large page",
        &["lv-data|lv-chunk"],
        |image| {
            let chunk = &of_chunks(image, 3).chunks[1];
            image.drop_node(chunk.page, chunk.line);
        },
    ),
    damage(
        "clean_8k_new",
        "chunk of a 64-bit long value missing",
        &["lv-data|lv-chunk"],
        |image| {
            let chunk = &of_chunks(image, 2).chunks[1];
            image.drop_node(chunk.page, chunk.line);
        },
    ),
    damage("clean_4k", "gap between chunks", &["lv-data|lv-chunk"], |image| {
        move_chunk(image, |at| at + 1);
    }),
    damage("clean_4k", "overlap of chunks", &["lv-data|lv-chunk"], |image| {
        move_chunk(image, |at| at - 1);
    }),
    damage("clean_4k", "chunk behind the end", &["lv-data|lv-chunk"], add_chunk),
    damage("clean_4k", "chunk longer than it should be", &["lv-data|lv-chunk"], |image| {
        let chunk = &value(image, |value| value.size() < 2000 && value.chunks.len() == 1).chunks[0];
        let data = [&chunk.data[..], &[0]].concat();
        image.replace_data(chunk.page, chunk.line, &data);
    }),
    damage("clean_4k", "long value missing", &["lv-missing"], |image| {
        let value = of_chunks(image, 1);
        remove_all(image, [&value.root].into_iter().chain(&value.chunks));
    }),
    damage("clean_4k", "chunks without a root", &["lv-chunk"], |image| {
        let value = of_chunks(image, 2);
        image.drop_node(value.root.page, value.root.line);
    }),
    damage("clean_4k", "root of a long value of five bytes", &["lv-root"], |image| {
        let root = &of_chunks(image, 1).root;
        image.replace_data(root.page, root.line, &root.data[..5]);
    }),
    damage("clean_4k", "key of six bytes among long values", &["lv-key"], |image| {
        let has_room = |value: &Value| {
            let chunk = value.chunks.first();
            chunk.is_some_and(|chunk| image.u16(chunk.page, field::FREE) > 20)
        };
        let chunk = &value(image, has_room).chunks[0];
        image.insert(chunk.page, chunk.line, 0, &chunk.key[..6], b"abc");
    }),
    damage("clean_4k", "compressed chunk cut", &["lv-data|lv-chunk"], |image| {
        change_compressed(image, |data| data.truncate(data.len() - 6));
    }),
    damage(
        "clean_4k",
        "compressed chunk that begins with a match",
        &["lv-data|lv-chunk"],
        |image| {
            change_compressed(image, |data| data[6] |= 0x80);
        },
    ),
    damage(
        "clean_4k",
        "compressed chunk that names another length",
        &["lv-data|lv-chunk"],
        |image| {
            change_compressed(image, |data| data[1] ^= 1);
        },
    ),
    damage("clean_4k", "compressed chunk of an unknown scheme", &["lv-data|lv-chunk"], |image| {
        change_compressed(image, |data| data[0] = 0xF8);
    }),
    damage("clean_4k", "long value that no record refers to", &["lv-unreferenced"], |image| {
        add_value(image, 1);
    }),
    odd("clean_4k", "root of a long value with flags", |image| {
        let root = of_chunks(image, 1).root;
        image.replace_data(root.page, root.line, &[&root.data[..], &[0]].concat());
    }),
    odd("clean_4k", "long value without references, to be removed", |image| {
        add_value(image, 0);
    }),
    odd("clean_8k_new", "long value whose removal has begun", |image| {
        add_value(image, u32::MAX);
    }),
];
