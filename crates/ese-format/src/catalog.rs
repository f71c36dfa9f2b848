//! The catalog: rows that describe tables, columns, indexes, long-value trees and callbacks.
//!
//! `MSysObjects` (object 2, root page 4) holds them, `MSysObjectsShadow` (object 3, root page 24)
//! a copy. The layout of both is built into engines, see [`layout`]; the catalog describes itself
//! too, but with offsets that mean nothing. A row's key is (table, kind, id).
//!
//! ```text
//!                  table               column             index               long values
//! id               the table's         column number      own; primary: the   own
//!                                                         table's
//! type or root     root page           type; 0: deleted   root page           root page
//! space usage      density, percent    longest value      density             density
//! flags            TableFlags          ColumnFlags        IndexFlags          0
//! pages or locale  first pages         code page          locale id (old)     first pages
//! ```
//!
//! Source: ESE `cat.hxx`, `_cat.cxx`, `cat.cxx`.

mod flags;
mod index_fields;
pub mod layout;
mod row;
mod space_hints;

pub use flags::{IndexFlags, TableFlags};
pub use index_fields::{
    ConditionalColumn, IndexFieldError, KeySegment, SortVersion, TupleLimits,
    parse_conditional_columns, parse_key_fields,
};
pub use row::{CatalogError, CatalogKind, CatalogRow, LongField};
pub use space_hints::{SpaceHints, SpaceHintsKind};
