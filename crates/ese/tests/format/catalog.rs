//! Every row of the catalog is read, with every field; its shadow says the same.

use ese_format::catalog::{CatalogKind, CatalogRow, IndexFlags, TableFlags, layout};
use ese_format::column::ColumnFlags;

use crate::walk::Walk;

/// Whether every flag that is set has a name.
macro_rules! all_named {
    ($flags:ty, $set:expr) => {
        $set.iter_names().fold(<$flags>::empty(), |named, (_, flag)| named | flag) == $set
    };
}

#[test]
fn every_row_of_the_catalog_is_read() {
    let (mut rows, mut segments, mut locales) = (0, 0, 0);
    for database in Walk::all() {
        database.for_each_leaf_node(layout::ROOT, |node| {
            let row = CatalogRow::parse(node.data, database.large()).unwrap();
            let place = format!("{} {} {}", database.name, row.objid_table, row.name_str());
            rows += 1;
            match row.kind {
                CatalogKind::Table => {
                    assert!(row.root().is_some(), "{place}");
                    assert!(all_named!(TableFlags, row.table_flags()), "{place}");
                    let hints = row.deferred_lv_hints_field.is_some();
                    assert_eq!(row.deferred_lv_hints().is_some(), hints, "{place}");
                    let separate = row.separate_lv_field.is_some();
                    assert_eq!(row.separate_lv().is_some(), separate, "{place}");
                }
                CatalogKind::Column => {
                    let deleted = row.column_type_or_root == 0;
                    assert_eq!(row.column_type().is_none(), deleted, "{place}");
                    assert!(row.fid().is_some() && row.code_page().is_some(), "{place}");
                    assert!(all_named!(ColumnFlags, row.column_flags()), "{place}");
                }
                CatalogKind::Index => {
                    assert!(row.root().is_some(), "{place}");
                    assert!(all_named!(IndexFlags, row.index_flags()), "{place}");
                    segments += row.key_segments().unwrap().len();
                    row.conditional_columns().unwrap();
                    row.tuple_limits().unwrap();
                    row.var_seg_mac().unwrap();
                    let version = row.version_field.is_some();
                    assert_eq!(row.sort_version().is_some(), version, "{place}");
                    assert_eq!(row.sort_id().is_some(), row.sort_id_field.is_some(), "{place}");
                    if let Some(locale) = row.locale_name() {
                        assert!(locale.decode().is_some(), "{place}");
                        locales += 1;
                    }
                }
                CatalogKind::LongValue => assert_eq!(row.name_str(), "LV", "{place}"),
                CatalogKind::Callback => assert_eq!(row.name_str(), "CB", "{place}"),
                CatalogKind::Other(kind) => panic!("{place}: kind {kind}"),
            }
            let hints = row.space_hints_field.is_some();
            assert_eq!(row.space_hints().is_some(), hints, "{place}");
        });
    }
    assert!(rows > 800 && segments > 80 && locales > 80, "{rows} {segments} {locales}");
}

#[test]
fn shadow_of_a_committed_database_has_the_same_rows() {
    for name in testkit::CLEAN {
        let database = Walk::new(name, testkit::database(name)).unwrap();
        let rows = |root| {
            let mut rows = Vec::new();
            database.for_each_leaf_node(root, |node| rows.push((node.key(), node.data.to_vec())));
            rows
        };
        let (main, shadow) = (rows(layout::ROOT), rows(layout::SHADOW_ROOT));
        assert_eq!(main.len(), shadow.len(), "{name}");
        for ((key, data), (shadow_key, shadow_data)) in main.iter().zip(&shadow) {
            assert_eq!(key, shadow_key, "{name}");
            let row = CatalogRow::parse(data, database.large()).unwrap();
            let shadow = CatalogRow::parse(shadow_data, database.large()).unwrap();
            assert_eq!(row, shadow, "{name}");
        }
    }
}
