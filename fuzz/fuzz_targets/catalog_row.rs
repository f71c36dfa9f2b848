#![no_main]
//! Rows of the catalog: real ones with edits, or any bytes.

use std::sync::LazyLock;

use dsbackup_fuzz::{KINDS, RECORDS, edit, leaf_data};
use ese_format::catalog::CatalogRow;
use libfuzzer_sys::fuzz_target;

static REAL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut rows = leaf_data("clean_8k", KINDS, RECORDS);
    rows.retain(|row| CatalogRow::parse(row, false).is_ok());
    rows
});

fuzz_target!(|data: &[u8]| {
    let [kind, a, b, rest @ ..] = data else { return };
    let bytes = if kind & 1 == 0 {
        rest.to_vec()
    } else {
        let mut bytes = REAL[usize::from(u16::from_le_bytes([*a, *b])) % REAL.len()].clone();
        edit(&mut bytes, rest);
        bytes
    };
    let Ok(row) = CatalogRow::parse(&bytes, kind & 2 == 2) else { return };
    let _ = (row.name_str(), row.root(), row.column_type(), row.fid(), row.code_page());
    let _ = (row.table_flags(), row.column_flags(), row.index_flags());
    let _ = (row.key_segments(), row.conditional_columns(), row.tuple_limits());
    let _ = (row.var_seg_mac(), row.sort_version(), row.sort_id(), row.separate_lv());
    let _ = (row.locale_name().map(|name| name.decode().is_some()), row.space_hints());
    let _ = row.deferred_lv_hints();
});
