//! Mutations of the catalog: rows, its copy, its indexes, the table of object ids.

use super::image::{Entry, Layout, kind, root, row};
use super::{Image, Mutation, damage, odd};
use crate::{u16_at, u32_at};

/// Position of variable columns in a catalog row.
mod variable {
    pub(super) const TEMPLATE: usize = 2;
    pub(super) const KEY_COLUMNS: usize = 4;
}

/// Offset in the header of the flags: 1 says that the copy of the catalog is not kept.
const HEADER_FLAGS: usize = 208;

fn alltypes(image: &Image) -> u32 {
    image.table("alltypes").objid
}

/// Puts a field of a row of a table into both catalogs.
fn put(image: &mut Image, table: &str, kind: u16, name: &str, at: usize, value: u32) {
    let objid = image.table(table).objid;
    image.change_rows(objid, kind, name, |data| {
        data[at..at + 4].copy_from_slice(&value.to_le_bytes());
    });
}

/// Adds nine to the last byte of a variable column of a row, in both catalogs.
fn bump(image: &mut Image, table: u32, kind: u16, name: &str, variable: usize) {
    let is_large = image.is_large();
    image.change_rows(table, kind, name, |data| {
        let layout = Layout::of(data, is_large);
        let end = u16_at(data, layout.variable_table + 2 * variable) & 0x7FFF;
        let last = layout.variable_data + usize::from(end) - 1;
        data[last] += 9;
    });
}

/// Renames an object in the catalog whose root is given: the last letter becomes the next one.
fn rename(image: &mut Image, catalog: u32, kind: u16, name: &str) {
    let table = alltypes(image);
    let entry = image.catalog_row(catalog, table, kind, name);
    let at = entry.data.windows(name.len()).position(|part| part == name.as_bytes()).unwrap();
    let last = at + name.len() - 1;
    image.put_data(&entry, last, &[entry.data[last] + 1]);
}

/// The row of an object in the table of object ids.
fn object_row(image: &Image, objid: u32) -> (u32, Entry) {
    let root = image.table("MSysObjids").root;
    let key = objid_key(objid);
    (root, image.find(root, |entry| entry.key == key))
}

fn objid_key(objid: u32) -> Vec<u8> {
    [&[0x7F], &(objid ^ 0x8000_0000).to_be_bytes()[..]].concat()
}

/// The object id of the index that most mutations are about.
fn index_objid(image: &Image) -> u32 {
    let row = image.catalog_row(root::CATALOG, alltypes(image), kind::INDEX, "by_short");
    u32_at(&row.data, row::ID)
}

/// The copy of a row is stored with one more fixed column, which is null.
fn store_differently(image: &mut Image) {
    let entry = image.catalog_row(root::SHADOW, 0, kind::TABLE, "churn");
    let mut data = entry.data.clone();
    let layout = Layout::of(&data, image.is_large());
    assert_eq!(layout.last_fixed, 8, "up to the root flag");
    data[0] = 9;
    data.splice(layout.bitmap..layout.bitmap, [0x2A, 0x2A]);
    data.insert(layout.variable_table + 2, 1);
    let end = u16_at(&data, 2) + 3;
    data[2..4].copy_from_slice(&end.to_le_bytes());
    image.replace_data(entry.page, entry.line, &data);
}

/// A row of an object that does not exist in the table of object ids.
fn add_object_row(image: &mut Image) {
    let (root, entry) = object_row(image, index_objid(image));
    let unknown = 9999_u32;
    let mut data = entry.data.clone();
    let at = image.layout(&entry).tagged[0].data;
    data[at..at + 4].copy_from_slice(&unknown.to_le_bytes());
    image.add(root, &objid_key(unknown), &data);
}

pub(super) const TABLE: &[Mutation] = &[
    damage("clean_4k", "catalog row changed, its copy not", &["catalog-shadow"], |image| {
        rename(image, root::CATALOG, kind::INDEX, "by_short");
    }),
    damage("clean_4k", "copy of a catalog row changed", &["catalog-shadow"], |image| {
        rename(image, root::SHADOW, kind::COLUMN, "f_date");
    }),
    damage("clean_4k", "copy of a catalog row flagged deleted", &["catalog-shadow"], |image| {
        let row = image.catalog_row(root::SHADOW, alltypes(image), kind::INDEX, "by_short");
        image.flag_deleted(row.page, row.line);
    }),
    damage("clean_4k", "catalog row missing, its copy there", &["catalog-shadow"], |image| {
        let row = image.catalog_row(root::CATALOG, alltypes(image), kind::COLUMN, "t_ubyte");
        image.remove(row.page, row.line);
    }),
    odd("clean_4k", "catalog row stored differently in the copy", store_differently),
    odd("clean_4k", "copy of the catalog not kept", |image| {
        image.put_headers(HEADER_FLAGS, &[1]);
        rename(image, root::SHADOW, kind::COLUMN, "f_date");
    }),
    odd("clean_8k_new", "entries of a deferred index missing", |image| {
        let table = alltypes(image);
        image.change_rows(table, kind::INDEX, "by_short", |data| data[row::FLAGS + 2] |= 4);
        let index = image.index("alltypes", "by_short");
        image.drop_node(index, 3);
    }),
    damage("clean_4k", "root of an index: the page behind it", &["objid|tree-shared"], |image| {
        let wrong = image.index("alltypes", "by_short") + 1;
        put(image, "alltypes", kind::INDEX, "by_short", row::ROOT, wrong);
    }),
    damage("clean_4k", "root of an index: outside of the file", &["tree-page"], |image| {
        put(image, "alltypes", kind::INDEX, "by_short", row::ROOT, 99_999);
    }),
    damage(
        "clean_4k",
        "root of an index: a page that was never written",
        &["tree-zeroed"],
        |image| {
            let wrong = image.zeroed_owned_page();
            put(image, "alltypes", kind::INDEX, "by_short", row::ROOT, wrong);
        },
    ),
    damage(
        "clean_4k",
        "root of a table: another table's",
        &["tree-shared|catalog-row|objid"],
        |image| {
            let wrong = image.table("longvalues").root;
            put(image, "nopk", kind::TABLE, "nopk", row::ROOT, wrong);
        },
    ),
    damage("clean_4k", "root of a primary index: not the table's", &["catalog-index"], |image| {
        let wrong = image.table("longvalues").root;
        put(image, "alltypes", kind::INDEX, "pk", row::ROOT, wrong);
    }),
    damage(
        "clean_4k",
        "root of the long values: another table's",
        &["tree-shared|objid"],
        |image| {
            let wrong = image.long_values("alltypes");
            put(image, "longvalues", kind::LONG_VALUES, "LV", row::ROOT, wrong);
        },
    ),
    damage("clean_4k", "table row missing, its columns there", &["catalog"], |image| {
        image.remove_rows(0, kind::TABLE, "nopk");
    }),
    damage("clean_8k", "row of the long values missing", &["lv-missing"], |image| {
        let churn = image.table("churn").objid;
        image.remove_rows(churn, kind::LONG_VALUES, "LV");
    }),
    damage("clean_4k", "index row missing", &["index-orphan|catalog-objids"], |image| {
        image.remove_rows(alltypes(image), kind::INDEX, "by_bin");
    }),
    damage(
        "clean_4k",
        "object id in a row that is not its key's",
        &["catalog-objid|objid|primary-key"],
        |image| {
            let objid = index_objid(image) + 1000;
            put(image, "alltypes", kind::INDEX, "by_short", row::ID, objid);
        },
    ),
    damage("clean_4k", "table renamed in its row only", &["index-key"], |image| {
        image.change_rows(0, kind::TABLE, "churn", |data| {
            let at = data.windows(5).position(|part| part == b"churn").unwrap();
            data[at] = b'Q';
        });
    }),
    damage("clean_8k", "two tables of one name", &["catalog-name"], |image| {
        image.change_rows(0, kind::TABLE, "derived_1", |data| {
            let at = data.windows(9).position(|part| part == b"derived_1").unwrap();
            data[at + 8] = b'0';
        });
    }),
    damage("clean_8k", "template of a derived table unknown", &["catalog"], |image| {
        bump(image, 0, kind::TABLE, "derived_0", variable::TEMPLATE);
    }),
    damage("clean_4k", "column of an unknown type", &["catalog-column"], |image| {
        put(image, "churn", kind::COLUMN, "n", row::ROOT, 99);
    }),
    damage("clean_4k", "offset of a fixed column", &["catalog-column|index-key|record"], |image| {
        let table = alltypes(image);
        image.change_rows(table, kind::COLUMN, "f_long", |data| data[row::OFFSET] += 1);
    }),
    damage(
        "clean_4k",
        "index over a column that is not there",
        &["catalog-index|index-definition"],
        |image| {
            bump(image, alltypes(image), kind::INDEX, "by_short", variable::KEY_COLUMNS);
        },
    ),
    damage("clean_4k", "unique flag of an index", &["root-flag|space-unique"], |image| {
        let table = alltypes(image);
        image.change_rows(table, kind::INDEX, "by_short", |data| data[row::FLAGS] ^= 1);
    }),
    damage(
        "clean_4k",
        "NULL in a NOT NULL column of the catalog",
        &["catalog|record-null"],
        |image| {
            let (table, is_large) = (alltypes(image), image.is_large());
            image.change_rows(table, kind::INDEX, "by_short", |data| {
                let bitmap = Layout::of(data, is_large).bitmap;
                data[bitmap] |= 0x20;
            });
        },
    ),
    damage("clean_4k", "entry of the name index missing", &["index-missing"], |image| {
        image.remove_entry(root::CATALOG_NAME, |entry| {
            entry.key.windows(6).any(|part| part == b"F_DATE")
        });
    }),
    damage("clean_4k", "entry of the index of tables missing", &["index-missing"], |image| {
        image.remove_entry(root::CATALOG_ROOTS, |entry| {
            entry.key.windows(5).any(|part| part == b"CHURN")
        });
    }),
    damage("clean_4k", "row of the table of object ids missing", &["catalog-objids"], |image| {
        let (_, entry) = object_row(image, index_objid(image));
        image.remove(entry.page, entry.line);
    }),
    damage(
        "clean_4k",
        "row of the table of object ids without an object",
        &["catalog-objids"],
        add_object_row,
    ),
    damage(
        "clean_4k",
        "row of the table of object ids names another table",
        &["catalog-objids"],
        |image| {
            let (_, entry) = object_row(image, index_objid(image));
            let at = image.layout(&entry).tagged[1].data;
            image.put_data(&entry, at, &[image.table("churn").objid.to_le_bytes()[0]]);
        },
    ),
];
