//! Heads of tables and indexes in a dump.
//!
//! ```text
//! column   {"name","id","type"[,"cp"],"max","grbit"[,"default"]}   cp: of text; default: its bytes
//! index    {"name","grbit","key":["+COLUMN","-COLUMN"...]}         -: descending
//! ```
//!
//! Numbers are those that the engine's interface shows (`JET_COLUMNID`, `JET_bit...`).

use super::writer::{escaped, hex, number, string};
use crate::schema::{Column, IndexDefinition, TableDefinition};

/// Appends the head of a table.
pub(super) fn head(out: &mut Vec<u8>, table: &TableDefinition) {
    out.extend_from_slice(b"{\"table\":");
    string(out, &table.name);
    out.extend_from_slice(b",\"columns\":[");
    for (place, each) in (0..).zip(&table.columns) {
        if place > 0 {
            out.push(b',');
        }
        column(out, each);
    }
    out.extend_from_slice(b"],\"indexes\":[");
    for (place, each) in (0..).zip(&table.indexes) {
        if place > 0 {
            out.push(b',');
        }
        index(out, table, each);
    }
    out.extend_from_slice(b"]}\n");
}

fn column(out: &mut Vec<u8>, column: &Column) {
    out.extend_from_slice(b"{\"name\":");
    string(out, column.name());
    out.extend_from_slice(b",\"id\":");
    number(out, false, column.id().number().into());
    out.extend_from_slice(b",\"type\":");
    string(out, column.ty().name());
    if column.ty().is_text() {
        out.extend_from_slice(b",\"cp\":");
        number(out, false, column.code_page().into());
    }
    out.extend_from_slice(b",\"max\":");
    number(out, false, column.size().into());
    out.extend_from_slice(b",\"grbit\":");
    number(out, false, column.grbit().into());
    if let Some(default) = column.default_bytes() {
        out.extend_from_slice(b",\"default\":\"");
        hex(out, default);
        out.push(b'"');
    }
    out.push(b'}');
}

fn index(out: &mut Vec<u8>, table: &TableDefinition, index: &IndexDefinition) {
    out.extend_from_slice(b"{\"name\":");
    string(out, &index.name);
    out.extend_from_slice(b",\"grbit\":");
    number(out, false, index.grbit().into());
    out.extend_from_slice(b",\"key\":[");
    for (place, segment) in (0..).zip(&index.segments) {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(if segment.descending { b"\"-" } else { b"\"+" });
        escaped(out, table.key_column(segment.column).map_or("?", Column::name));
        out.push(b'"');
    }
    out.extend_from_slice(b"]}");
}

/// Appends the head of an index.
pub(super) fn index_head(out: &mut Vec<u8>, table: &str, index: &IndexDefinition) {
    out.extend_from_slice(b"{\"t\":");
    string(out, table);
    out.extend_from_slice(b",\"index\":");
    string(out, &index.name);
    out.extend_from_slice(b",\"primary\":");
    out.extend_from_slice(if index.is_primary() { b"true" } else { b"false" });
    out.extend_from_slice(b"}\n");
}
