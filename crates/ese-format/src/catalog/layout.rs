//! The columns of the catalog itself, which engines have built in.
//!
//! Files lack the columns that came after the engine that made them: no row of the catalog
//! describes these, and no record reaches them.
//! Source: ESE `rgcdescMSO` (cat.cxx).

use crate::PageNumber;
use crate::column::ColumnType;

/// Root page of `MSysObjects`.
pub const ROOT: PageNumber = PageNumber(4);
/// Root page of the catalog's index by name.
pub const NAME_INDEX_ROOT: PageNumber = PageNumber(7);
/// Root page of the catalog's index of root objects.
pub const ROOT_OBJECTS_INDEX_ROOT: PageNumber = PageNumber(10);
/// Root page of `MSysObjectsShadow`.
pub const SHADOW_ROOT: PageNumber = PageNumber(24);

/// Object id of the database root.
pub const DATABASE_OBJECT: u32 = 1;
/// Object id of `MSysObjects`.
pub const OBJECT: u32 = 2;
/// Object id of `MSysObjectsShadow`.
pub const SHADOW_OBJECT: u32 = 3;
/// Object id of the catalog's index by name.
pub const NAME_INDEX_OBJECT: u32 = 4;
/// Object id of the catalog's index of root objects.
pub const ROOT_OBJECTS_INDEX_OBJECT: u32 = 5;

/// A column of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogColumn {
    /// Number.
    pub fid: u16,
    /// Name.
    pub name: &'static str,
    /// Type.
    pub ty: ColumnType,
    /// Offset in the record, in bytes; 0 for columns that are not fixed.
    pub offset: usize,
}

const fn column(fid: u16, name: &'static str, ty: ColumnType, offset: usize) -> CatalogColumn {
    CatalogColumn { fid, name, ty, offset }
}

/// All columns, by number.
pub static COLUMNS: [CatalogColumn; 29] = [
    column(1, "ObjidTable", ColumnType::Long, 4),
    column(2, "Type", ColumnType::Short, 8),
    column(3, "Id", ColumnType::Long, 10),
    column(4, "ColtypOrPgnoFDP", ColumnType::Long, 14),
    column(5, "SpaceUsage", ColumnType::Long, 18),
    column(6, "Flags", ColumnType::Long, 22),
    column(7, "PagesOrLocale", ColumnType::Long, 26),
    column(8, "RootFlag", ColumnType::Bit, 30),
    column(9, "RecordOffset", ColumnType::Short, 31),
    column(10, "LCMapFlags", ColumnType::Long, 33),
    column(11, "KeyMost", ColumnType::UnsignedShort, 37),
    column(12, "LVChunkMax", ColumnType::Long, 39),
    column(13, "PgnoFDPLastSetTime", ColumnType::DateTime, 43),
    column(128, "Name", ColumnType::Text, 0),
    column(129, "Stats", ColumnType::Binary, 0),
    column(130, "TemplateTable", ColumnType::Text, 0),
    column(131, "DefaultValue", ColumnType::Binary, 0),
    column(132, "KeyFldIDs", ColumnType::Binary, 0),
    column(133, "VarSegMac", ColumnType::Binary, 0),
    column(134, "ConditionalColumns", ColumnType::Binary, 0),
    column(135, "TupleLimits", ColumnType::Binary, 0),
    column(136, "Version", ColumnType::Binary, 0),
    column(137, "SortID", ColumnType::Binary, 0),
    column(256, "CallbackData", ColumnType::LongBinary, 0),
    column(257, "CallbackDependencies", ColumnType::LongBinary, 0),
    column(258, "SeparateLV", ColumnType::LongBinary, 0),
    column(259, "SpaceHints", ColumnType::LongBinary, 0),
    column(260, "SpaceDeferredLVHints", ColumnType::LongBinary, 0),
    column(261, "LocaleName", ColumnType::LongBinary, 0),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::{ColumnClass, ColumnId};

    #[test]
    fn offsets_of_fixed_columns_are_the_running_sum() {
        let mut offset = 4;
        for column in &COLUMNS {
            if ColumnId::own(column.fid).class() == ColumnClass::Fixed {
                assert_eq!(column.offset, offset, "{}", column.name);
                offset += column.ty.fixed_len().unwrap();
            }
        }
        assert_eq!(offset, 51);
        assert!(COLUMNS.is_sorted_by_key(|column| column.fid));
    }
}
