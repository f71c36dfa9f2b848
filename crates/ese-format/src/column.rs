//! Columns: types, ids and flags, as the catalog stores them.
//!
//! A column is known by its id (ESE: `FID`), whose range tells where its value lies in a record:
//!
//! ```text
//!     1 ..   127   fixed     at a fixed offset of every record that reaches it
//!   128 ..   255   variable  found by an array of end offsets
//!   256 .. 65248   tagged    found by a directory of (id, offset); may have several values
//! ```
//!
//! A table derived from a template has two sets of columns: its own and the template's, which are
//! told apart by [`ColumnId::template`].
//!
//! Source: ESE `JET_coltyp` (jethdr.w), `FID` (daedef.hxx), `FIELDFLAG` (tdb.hxx).

use core::fmt;

use bitflags::bitflags;

/// Type of a column. ESE: `JET_coltyp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum ColumnType {
    /// A truth value; one byte, any but 0 is true.
    Bit = 1,
    /// Unsigned integer of 1 byte.
    UnsignedByte = 2,
    /// Signed integer of 2 bytes.
    Short = 3,
    /// Signed integer of 4 bytes.
    Long = 4,
    /// Signed integer of 8 bytes.
    Currency = 5,
    /// Floating-point number of 4 bytes.
    IeeeSingle = 6,
    /// Floating-point number of 8 bytes.
    IeeeDouble = 7,
    /// 8 bytes; by convention days since 1899-12-30 as a double. Directories store seconds in it.
    DateTime = 8,
    /// At most 255 bytes.
    Binary = 9,
    /// Text of at most 255 bytes.
    Text = 10,
    /// Any number of bytes.
    LongBinary = 11,
    /// Text of any length.
    LongText = 12,
    /// Obsolete streaming value.
    Slv = 13,
    /// Unsigned integer of 4 bytes.
    UnsignedLong = 14,
    /// Signed integer of 8 bytes.
    LongLong = 15,
    /// 16 bytes.
    Guid = 16,
    /// Unsigned integer of 2 bytes.
    UnsignedShort = 17,
    /// Unsigned integer of 8 bytes.
    UnsignedLongLong = 18,
}

impl ColumnType {
    /// Every type, by number.
    pub const ALL: [Self; 18] = [
        Self::Bit,
        Self::UnsignedByte,
        Self::Short,
        Self::Long,
        Self::Currency,
        Self::IeeeSingle,
        Self::IeeeDouble,
        Self::DateTime,
        Self::Binary,
        Self::Text,
        Self::LongBinary,
        Self::LongText,
        Self::Slv,
        Self::UnsignedLong,
        Self::LongLong,
        Self::Guid,
        Self::UnsignedShort,
        Self::UnsignedLongLong,
    ];

    /// The type with this number; `None` for 0 (a deleted column) and for unknown ones.
    pub fn new(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|ty| ty.number() == number)
    }

    /// Its number in the catalog.
    pub fn number(self) -> u32 {
        u32::from(self as u8)
    }

    /// The engine's name without `JET_coltyp`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bit => "Bit",
            Self::UnsignedByte => "UnsignedByte",
            Self::Short => "Short",
            Self::Long => "Long",
            Self::Currency => "Currency",
            Self::IeeeSingle => "IEEESingle",
            Self::IeeeDouble => "IEEEDouble",
            Self::DateTime => "DateTime",
            Self::Binary => "Binary",
            Self::Text => "Text",
            Self::LongBinary => "LongBinary",
            Self::LongText => "LongText",
            Self::Slv => "SLV",
            Self::UnsignedLong => "UnsignedLong",
            Self::LongLong => "LongLong",
            Self::Guid => "GUID",
            Self::UnsignedShort => "UnsignedShort",
            Self::UnsignedLongLong => "UnsignedLongLong",
        }
    }

    /// Bytes of every value; `None` for binary and text.
    pub fn fixed_len(self) -> Option<usize> {
        match self {
            Self::Bit | Self::UnsignedByte => Some(1),
            Self::Short | Self::UnsignedShort => Some(2),
            Self::Long | Self::UnsignedLong | Self::IeeeSingle => Some(4),
            Self::Currency
            | Self::LongLong
            | Self::UnsignedLongLong
            | Self::IeeeDouble
            | Self::DateTime => Some(8),
            Self::Guid => Some(16),
            Self::Binary | Self::Text | Self::LongBinary | Self::LongText | Self::Slv => None,
        }
    }

    /// Whether values are text in the column's code page.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::LongText)
    }

    /// Whether values are bytes without further meaning.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Binary | Self::LongBinary)
    }

    /// Whether values may lie in the long-value tree.
    pub fn is_long(self) -> bool {
        matches!(self, Self::LongText | Self::LongBinary)
    }
}

/// The engine's name.
impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Code page of UTF-16 (little-endian) text.
pub const UNICODE: u16 = 1200;

/// Where in a record a column's values lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnClass {
    /// At a fixed offset.
    Fixed,
    /// By the array of end offsets.
    Variable,
    /// By the directory.
    Tagged,
}

/// Id of a column within its table. ESE: `FID`, `COLUMNID`.
///
/// The order is the one of listings: a table's own columns first, then those of its template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId {
    /// Whether it is a column of the template table.
    pub template: bool,
    /// The number.
    pub fid: u16,
}

impl ColumnId {
    /// First fixed column.
    pub const FIRST_FIXED: u16 = 1;
    /// First variable column.
    pub const FIRST_VARIABLE: u16 = 128;
    /// First tagged column.
    pub const FIRST_TAGGED: u16 = 256;
    /// The highest id. ESE: `JET_ccolMost`.
    pub const LAST: u16 = 0xFEE0;

    /// A column of the table itself.
    pub const fn own(fid: u16) -> Self {
        Self { template: false, fid }
    }

    /// Where its values lie.
    pub fn class(self) -> ColumnClass {
        match self.fid {
            0..Self::FIRST_VARIABLE => ColumnClass::Fixed,
            Self::FIRST_VARIABLE..Self::FIRST_TAGGED => ColumnClass::Variable,
            _ => ColumnClass::Tagged,
        }
    }

    /// The number that the engine's interface shows (`JET_COLUMNID`).
    pub fn number(self) -> u32 {
        u32::from(self.fid) | if self.template { 0x8000_0000 } else { 0 }
    }
}

bitflags! {
    /// Flags of a column in the catalog. ESE: `FIELDFLAG`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct ColumnFlags: u32 {
        /// May not be null.
        const NOT_NULL = 0x0001;
        /// Counts the changes of its row.
        const VERSION = 0x0002;
        /// Gets the next number when a row is inserted.
        const AUTO_INCREMENT = 0x0004;
        /// May have several values.
        const MULTI_VALUED = 0x0008;
        /// Has a default value.
        const DEFAULT = 0x0010;
        /// Is changed by adding, without a lock.
        const ESCROW_UPDATE = 0x0020;
        /// A callback hears when it reaches zero.
        const FINALIZE = 0x0040;
        /// A callback gives the default value.
        const USER_DEFINED_DEFAULT = 0x0080;
        /// Column of a template table in the format since Windows 2000.
        const TEMPLATE_COLUMN = 0x0100;
        /// The row is deleted when it reaches zero.
        const DELETE_ON_ZERO = 0x0200;
        /// Keeps a place in the primary index.
        const PRIMARY_INDEX_PLACEHOLDER = 0x0800;
        /// Values are compressed where that pays.
        const COMPRESSED = 0x1000;
        /// Values are encrypted.
        const ENCRYPTED = 0x2000;
        const _ = !0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_catalog() {
        for (number, ty) in (1..).zip(ColumnType::ALL) {
            assert_eq!((ty.number(), ColumnType::new(number)), (number, Some(ty)));
        }
        assert_eq!((ColumnType::new(0), ColumnType::new(19)), (None, None));
    }

    #[test]
    fn template_columns_come_after_the_tables_own() {
        let template = ColumnId { template: true, fid: 1 };
        assert!(ColumnId::own(256) < template);
        assert_eq!(template.number(), 0x8000_0001);
        assert_eq!(ColumnId::own(127).class(), ColumnClass::Fixed);
        assert_eq!(ColumnId::own(255).class(), ColumnClass::Variable);
        assert_eq!(ColumnId::own(256).class(), ColumnClass::Tagged);
    }
}
