//! Mutations of secondary indexes against the records they were made of.

use super::image::Entry;
use super::{Image, Mutation, damage};

/// The root of an index of the table with all kinds of them.
fn index(image: &Image, name: &str) -> u32 {
    image.index("alltypes", name)
}

/// Removes an entry of an index as it should be removed: the first one that `wanted` picks.
fn drop_entry(image: &mut Image, name: &str, wanted: impl Fn(&Entry) -> bool) {
    let root = index(image, name);
    image.remove_entry(root, wanted);
}

/// Whether a key has a value in its first segment.
fn has_value(entry: &Entry) -> bool {
    matches!(entry.key.first(), Some(0x7F | 0x80))
}

/// Replaces the key of the first entry with a value by what `change` makes of it, in its place.
fn change_key(image: &mut Image, name: &str, change: impl Fn(&mut Vec<u8>)) {
    let root = index(image, name);
    let mut entry = image.remove_entry(root, has_value);
    change(&mut entry.key);
    image.add(root, &entry.key, &entry.data);
}

/// Adds an entry with this key for a record that the index has no entry of.
fn add_for_record_without_entry(image: &mut Image, name: &str) {
    let root = index(image, name);
    let entries = image.entries(root);
    let table = image.table("alltypes").root;
    let missing = |record: &Entry| entries.iter().all(|entry| entry.data != record.key);
    let record = image.find(table, missing);
    let key = entries.iter().find(|entry| has_value(entry)).unwrap().key.clone();
    image.add(root, &key, &record.key);
}

/// Gives a record that has an entry another one with the key of another record.
fn add_second_entry(image: &mut Image, name: &str) {
    let root = index(image, name);
    let entries = image.entries(root);
    let (first, last) = (&entries[0], entries.last().unwrap());
    assert_ne!(first.key, last.key);
    image.add(root, &first.key, &last.data);
}

/// An entry whose record has several.
fn one_of_several(image: &Image, name: &str) -> Entry {
    let entries = image.entries(index(image, name));
    let several =
        |wanted: &&Entry| entries.iter().filter(|entry| entry.data == wanted.data).count() > 2;
    entries.iter().filter(several).nth(1).unwrap().clone()
}

/// Removes one of the entries that a record has in an index.
fn drop_one_of_several(image: &mut Image, name: &str) {
    let entry = one_of_several(image, name);
    image.drop_node(entry.page, entry.line);
}

/// The records of two entries with different keys are exchanged.
fn exchange_records(image: &mut Image, name: &str) {
    let entries = image.entries(index(image, name));
    let one = entries.iter().find(|entry| has_value(entry)).unwrap();
    let mut others = entries.iter().filter(|entry| has_value(entry) && entry.page == one.page);
    let other = others.find(|entry| entry.key != one.key && entry.data.len() == one.data.len());
    let other = other.unwrap();
    image.put_data(one, 0, &other.data);
    image.put_data(other, 0, &one.data);
}

/// A second entry with the key of the first one in an index with unique keys.
fn duplicate_unique(image: &mut Image) {
    let root = index(image, "by_guid");
    let entries = image.entries(root);
    let (first, second) = (&entries[0], &entries[1]);
    image.insert(first.page, first.line + 1, 0, &first.key, &second.data);
}

pub(super) const TABLE: &[Mutation] = &[
    damage(
        "clean_4k",
        "indexed column changed in the record",
        &["index-key", "index-missing"],
        |image| {
            let (entry, at) = image.record_with_fixed("alltypes", "f_short");
            image.put_data(&entry, at, &[entry.data[at] ^ 0x5A]);
        },
    ),
    damage("clean_4k", "index entry flagged deleted", &["index-missing"], |image| {
        image.flag_deleted(index(image, "by_short"), 0);
    }),
    damage(
        "clean_4k",
        "index entry of a record that is not there",
        &["index-orphan|index-key|index-extra"],
        |image| {
            let page = index(image, "by_short");
            let last = image.node(page, 0).end - 1;
            image.flip(page, last, 0x40);
        },
    ),
    damage("clean_4k", "index key changed", &["index-key", "index-missing"], |image| {
        let page = index(image, "by_short");
        let line = image.line_count(page) - 1;
        let last = image.node(page, line).data - 1;
        image.flip(page, last, 1);
    }),
    damage(
        "clean_8k",
        "Unicode key without its prefix byte",
        &["index-key", "index-missing"],
        |image| {
            let page = index(image, "by_utext");
            let entry = image.find(page, has_value);
            let at = image.node(page, entry.line).suffix;
            image.put(page, at, &[0x7E]);
        },
    ),
    damage("clean_4k", "record flagged deleted, its entries left", &["index-orphan"], |image| {
        let page = image.leaves(image.table("alltypes").root)[0];
        image.flag_deleted(page, 0);
    }),
    damage("clean_4k", "entry missing", &["index-missing"], |image| {
        drop_entry(image, "by_short", has_value);
    }),
    damage("clean_4k", "entry of a null missing", &["index-missing"], |image| {
        drop_entry(image, "by_nulls_high", |entry| entry.key[0] == 0xC0);
    }),
    damage("clean_4k", "entry of a unique index missing", &["index-missing"], |image| {
        drop_entry(image, "by_guid", has_value);
    }),
    damage("clean_4k", "entry of a descending index missing", &["index-missing"], |image| {
        drop_entry(image, "by_auto", has_value);
    }),
    damage("clean_4k", "entry of a conditional index missing", &["index-missing"], |image| {
        drop_entry(image, "by_cond_notnull", has_value);
    }),
    damage("clean_4k", "entry of a long key missing", &["index-missing"], |image| {
        drop_entry(image, "by_lbin", |entry| entry.key.len() == 500);
    }),
    damage("clean_8k", "entry of a Unicode index missing", &["index-missing"], |image| {
        drop_entry(image, "by_utext", has_value);
    }),
    damage(
        "clean_16k",
        "entry of an index over three columns missing",
        &["index-missing"],
        |image| {
            drop_entry(image, "by_curr_dbl", has_value);
        },
    ),
    damage("clean_4k", "entry of one of several values missing", &["index-missing"], |image| {
        drop_one_of_several(image, "by_mv");
    }),
    damage("clean_32k", "entry of a cross product missing", &["index-missing"], |image| {
        drop_one_of_several(image, "by_cross");
    }),
    damage("clean_8k_new", "entry of nested values missing", &["index-missing"], |image| {
        drop_one_of_several(image, "by_nested");
    }),
    damage("clean_8k", "entry of a substring missing", &["index-missing"], |image| {
        drop_one_of_several(image, "by_tuple");
    }),
    damage("clean_4k", "index emptied", &["index-missing"], |image| {
        let page = index(image, "by_cond_null");
        image.clear_lines(page);
    }),
    damage("clean_4k", "entry too many", &["index-key|index-extra"], |image| {
        add_second_entry(image, "by_short");
    }),
    damage("clean_8k", "entry too many in a Unicode index", &["index-key|index-extra"], |image| {
        add_second_entry(image, "by_utext");
    }),
    damage(
        "clean_8k_new",
        "entry too many in a cross product",
        &["index-key|index-extra"],
        |image| {
            add_second_entry(image, "by_cross");
        },
    ),
    damage(
        "clean_4k",
        "entry of a record that fails the condition",
        &["index-key|index-extra"],
        |image| {
            add_for_record_without_entry(image, "by_cond_null");
        },
    ),
    damage(
        "clean_16k",
        "entry of a record whose key would be null",
        &["index-key|index-extra"],
        |image| {
            add_for_record_without_entry(image, "by_bin");
        },
    ),
    damage(
        "clean_4k",
        "records of two entries exchanged",
        &["index-key", "index-missing"],
        |image| {
            exchange_records(image, "by_date_desc");
        },
    ),
    damage(
        "clean_4k",
        "records of two entries with long keys exchanged",
        &["index-key", "index-missing"],
        |image| {
            exchange_records(image, "by_lbin");
        },
    ),
    damage("clean_4k", "key twice in a unique index", &["key-order"], duplicate_unique),
    damage(
        "clean_4k",
        "descending segment not complemented",
        &["index-key", "index-missing"],
        |image| {
            change_key(image, "by_auto", |key| key.iter_mut().for_each(|byte| *byte = !*byte));
        },
    ),
    damage("clean_4k", "last byte of a key missing", &["index-key", "index-missing"], |image| {
        change_key(image, "by_ftext", |key| key.truncate(key.len() - 1));
    }),
    damage("clean_4k", "byte too many in a key", &["index-key", "index-missing"], |image| {
        change_key(image, "by_curr_dbl", |key| key.push(0));
    }),
    damage(
        "clean_4k",
        "text in a key not in upper case",
        &["index-key", "index-missing"],
        |image| {
            change_key(image, "by_text", |key| key[2] |= 0x20);
        },
    ),
    damage(
        "clean_4k",
        "bookmark of an entry too long",
        &["index-orphan", "index-missing"],
        |image| {
            let entry = image.find(index(image, "by_short"), has_value);
            let data = [&entry.data[..], &[0]].concat();
            image.replace_data(entry.page, entry.line, &data);
        },
    ),
    damage("clean_4k", "bookmark of an entry cut", &["index-orphan", "index-missing"], |image| {
        let entry = image.find(index(image, "by_short"), has_value);
        image.replace_data(entry.page, entry.line, &entry.data[..4]);
    }),
];
