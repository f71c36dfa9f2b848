//! Flags of tables and indexes; those of columns are [`crate::column::ColumnFlags`].
//!
//! Source: ESE `JET_bitObject...` (jethdr.w), `FIDB`, `IDBFLAG`, `IDXFLAG` (idb.hxx).

use bitflags::bitflags;

bitflags! {
    /// Flags of a table in the catalog.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct TableFlags: u32 {
        /// Table of the engine itself.
        const SYSTEM = 0x8000_0000;
        /// Columns and indexes can not be added or deleted.
        const FIXED_DDL = 0x4000_0000;
        /// Tables can be derived from it.
        const TEMPLATE = 0x2000_0000;
        /// Derived from a template, whose columns and indexes it has too.
        const DERIVED = 0x1000_0000;
        /// With [`TableFlags::SYSTEM`]: made when it is first needed.
        const SYSTEM_DYNAMIC = 0x0800_0000;
        /// Tables derived from it have no fixed and variable columns of their own.
        const NO_FIXED_VAR_COLUMNS_IN_DERIVED = 0x0400_0000;
        const _ = !0;
    }
}

bitflags! {
    /// Flags of an index in the catalog: `IDBFLAG` in the low half, `IDXFLAG` in the high one.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct IndexFlags: u32 {
        /// No two entries have the same key.
        const UNIQUE = 0x0001;
        /// A record whose key columns are all null has an entry.
        const ALLOW_ALL_NULLS = 0x0002;
        /// A record whose first key column is null has one.
        const ALLOW_FIRST_NULL = 0x0004;
        /// A record some of whose key columns are null has one.
        const ALLOW_SOME_NULLS = 0x0008;
        /// No key column may be null.
        const NO_NULL_SEGMENT = 0x0010;
        /// The index is the table's primary one: it holds the records.
        const PRIMARY = 0x0020;
        /// Whoever made the index chose the locale.
        const LOCALE_SET = 0x0040;
        /// A key column is multi-valued.
        const MULTI_VALUED = 0x0080;
        /// Index of a template table.
        const TEMPLATE_INDEX = 0x0100;
        /// Inherited from the template, which has the definition.
        const DERIVED_INDEX = 0x0200;
        /// A key column is Unicode text, so that keys depend on the locale.
        const LOCALIZED_TEXT = 0x0400;
        /// Nulls come last.
        const SORT_NULLS_HIGH = 0x0800;
        /// Old mark of keys that had to be repaired.
        const UNICODE_FIXUP = 0x1000;
        /// All combinations of the values of multi-valued columns have entries.
        const CROSS_PRODUCT = 0x2000;
        /// A change that would need a key longer than the limit is refused.
        const DISALLOW_TRUNCATION = 0x4000;
        /// Values of multi-valued columns with the same number belong together.
        const NESTED_TABLE = 0x8000;
        /// Key columns are stored in four bytes each.
        const EXTENDED_COLUMNS = 0x0001_0000;
        /// GUIDs sort as .NET does.
        const DOT_NET_GUID = 0x0002_0000;
        /// Entries may be missing until a later pass adds them.
        const DEFERRED_POPULATE = 0x0004_0000;
        /// Uniqueness can be asked for at each change.
        const OPTIONALLY_UNIQUE = 0x0008_0000;
        const _ = !0;
    }
}
