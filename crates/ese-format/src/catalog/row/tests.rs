//! Rows as engines of several ages write them.

use super::*;
use crate::record::RecordBuilder;

/// The seven columns that every row has.
fn row(kind: i16, id: u32, ty_or_root: u32, usage: u32, flags: u32, pages: u32) -> RecordBuilder {
    RecordBuilder::new(false)
        .fixed(&9_u32.to_le_bytes())
        .fixed(&kind.to_le_bytes())
        .fixed(&id.to_le_bytes())
        .fixed(&ty_or_root.to_le_bytes())
        .fixed(&usage.to_le_bytes())
        .fixed(&flags.to_le_bytes())
        .fixed(&pages.to_le_bytes())
}

#[test]
fn row_of_a_table_is_read() {
    let record = row(1, 9, 67, 80, 0x1000_0000, 1)
        .fixed(&[0xFF])
        .variable(Some(b"derived"))
        .variable(None)
        .variable(Some(b"base"))
        .tagged(ColumnId::own(258), true, &[StoredValue::Plain(&[0, 0x80, 0, 0])])
        .tagged(ColumnId::own(259), true, &[StoredValue::Plain(&[1, 1])])
        .tagged(ColumnId::own(260), true, &[StoredValue::Plain(&[1, 100])])
        .build()
        .unwrap();
    let row = CatalogRow::parse(&record, false).unwrap();
    assert_eq!((row.objid_table, row.kind, row.id), (9, CatalogKind::Table, 9));
    assert_eq!(row.name_str(), "derived");
    assert_eq!((row.root(), row.space_usage), (Some(PageNumber(67)), 80));
    assert_eq!(row.table_flags(), TableFlags::DERIVED);
    assert_eq!((row.root_flag, row.record_offset), (Some(true), None));
    assert_eq!(row.template_or_callback.as_ref().unwrap().as_bytes(), b"base");
    assert_eq!(row.separate_lv(), Some(0x8000));
    assert_eq!(row.space_hints().unwrap().flags, 1);
    assert_eq!(row.deferred_lv_hints().unwrap().initial_density, 100);
    assert_eq!((row.column_type(), row.fid()), (None, None));
}

#[test]
fn row_of_a_column_is_read() {
    let record = row(2, 3, 15, 0, 0x11, 1252)
        .fixed_null(&[0])
        .fixed(&16_i16.to_le_bytes())
        .variable(Some(b"n\xFAmero"))
        .variable(None)
        .variable(None)
        .variable(Some(&[7, 0, 0, 0, 0, 0, 0, 0]))
        .build()
        .unwrap();
    let row = CatalogRow::parse(&record, false).unwrap();
    assert_eq!((row.column_type(), row.fid()), (Some(ColumnType::LongLong), Some(3)));
    assert_eq!(row.name_str(), "n\u{FA}mero");
    assert_eq!(row.column_flags(), ColumnFlags::NOT_NULL | ColumnFlags::DEFAULT);
    assert_eq!((row.root_flag, row.record_offset, row.code_page()), (None, Some(16), Some(1252)));
    assert_eq!(row.default_value, Some(&[7, 0, 0, 0, 0, 0, 0, 0][..]));
    assert_eq!((row.root(), row.template_or_callback), (None, None));
}

#[test]
fn deleted_columns_have_no_type() {
    let record = row(2, 3, 0, 0, 0, 0).variable(Some(b"gone")).build().unwrap();
    assert_eq!(CatalogRow::parse(&record, false).unwrap().column_type(), None);
}

#[test]
fn row_of_an_index_is_read() {
    let locale = [0x65, 0, 0x6E, 0, 0x2D, 0, 0x55, 0, 0x53, 0];
    let mut sort_id = [0; 16];
    sort_id[0] = 1;
    let record = row(3, 12, 80, 90, 0x0001_044E, 0)
        .fixed_null(&[0])
        .fixed_null(&[0; 2])
        .fixed(&0x0003_0401_u32.to_le_bytes())
        .fixed(&500_u16.to_le_bytes())
        .variable(Some(b"by_text"))
        .variable(None)
        .variable(None)
        .variable(None)
        .variable(Some(&[0, 0, 0x80, 0, 0x40, 0, 8, 0]))
        .variable(Some(&[20, 0]))
        .variable(Some(&[0x20, 0, 2, 1]))
        .variable(Some(&[3, 0, 0, 0, 8, 0, 0, 0, 60, 0, 0, 0]))
        .variable(Some(&[5, 3, 6, 0, 0x0F, 2, 6, 0]))
        .variable(Some(&sort_id))
        .tagged(ColumnId::own(261), true, &[StoredValue::Plain(&locale)])
        .build()
        .unwrap();
    let row = CatalogRow::parse(&record, false).unwrap();
    assert_eq!((row.kind, row.root()), (CatalogKind::Index, Some(PageNumber(80))));
    assert!(row.index_flags().contains(IndexFlags::LOCALIZED_TEXT | IndexFlags::LOCALE_SET));
    assert_eq!((row.lcmap_flags, row.key_most), (Some(0x0003_0401), Some(500)));
    let segments = row.key_segments().unwrap();
    assert_eq!(segments.first().unwrap().column, ColumnId::own(128));
    assert!(segments.get(1).unwrap().descending);
    assert_eq!(row.var_seg_mac(), Ok(Some(20)));
    assert!(row.conditional_columns().unwrap().first().unwrap().must_be_null);
    assert_eq!(row.tuple_limits().unwrap().unwrap().increment, 1);
    assert_eq!(row.sort_version(), Some(SortVersion { defined: 0x6_0305, nls: 0x6_020F }));
    assert_eq!(row.sort_id(), Some(Guid::from_bytes(sort_id)));
    assert_eq!(row.locale_name().unwrap().decode().as_deref(), Some("en-US"));
}

#[test]
fn fields_in_the_tree_of_long_values_keep_their_id() {
    let lid = Lid::U32(5);
    let record = row(2, 300, 12, 0, 0, 1200)
        .variable(Some(b"c"))
        .tagged(ColumnId::own(256), true, &[StoredValue::Separated(lid)])
        .tagged(ColumnId::own(257), true, &[StoredValue::Compressed(&[0x0D, 0x61, 0x31])])
        .build()
        .unwrap();
    let row = CatalogRow::parse(&record, false).unwrap();
    assert_eq!(row.callback_data, Some(LongField::Separated(lid)));
    assert_eq!(row.callback_dependencies.unwrap().bytes(), Some(&b"ab"[..]));
}

#[test]
fn rows_without_the_fields_of_every_row_are_refused() {
    let record = RecordBuilder::new(false).fixed(&9_u32.to_le_bytes()).build().unwrap();
    assert_eq!(CatalogRow::parse(&record, false), Err(CatalogError::Missing("Type")));
    let record = row(1, 9, 67, 80, 0, 1).build().unwrap();
    assert_eq!(CatalogRow::parse(&record, false), Err(CatalogError::Missing("Name")));
    let record = row(2, 300, 12, 0, 0, 1200)
        .variable(Some(b"c"))
        .tagged(ColumnId::own(256), true, &[StoredValue::Compressed(&[0x20])])
        .build()
        .unwrap();
    assert_eq!(
        CatalogRow::parse(&record, false),
        Err(CatalogError::Compression {
            field: "CallbackData",
            source: CompressionError::Scrubbed
        })
    );
    let short = RecordBuilder::new(false).fixed(&[0; 2]).fixed(&[0; 2]).build().unwrap();
    assert!(matches!(CatalogRow::parse(&short, false), Err(CatalogError::Record(_))));
}
