//! One row of the catalog, typed.
//!
//! Which fields a row has depends on its kind, and on the engine that wrote it: records end at
//! the highest fixed and variable column that the engine set. Source: ESE `cat.hxx`, `cat.cxx`.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use ms_dtyp::Guid;
use thiserror::Error;

use super::{
    ConditionalColumn, IndexFieldError, IndexFlags, KeySegment, SortVersion, SpaceHints,
    SpaceHintsKind, TableFlags, TupleLimits, layout, parse_conditional_columns, parse_key_fields,
};
use crate::column::{ColumnFlags, ColumnId, ColumnType};
use crate::compression::{CompressionError, decompress};
use crate::long_value::Lid;
use crate::record::{Record, RecordError, Stored, StoredValue};
use crate::text::{Text, decode_1252};
use crate::{PageNumber, le};

/// Why a row of the catalog cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The record itself is not sound.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A field without which a row means nothing is null or missing.
    #[error("a row of the catalog has no {0}")]
    Missing(&'static str),
    /// A compressed field cannot be decoded.
    #[error("{field} of a row of the catalog: {source}")]
    Compression {
        /// Name of the column.
        field: &'static str,
        /// What is wrong.
        source: CompressionError,
    },
    /// An index's field is not sound.
    #[error(transparent)]
    IndexField(#[from] IndexFieldError),
}

/// What a row describes. ESE: `SYSOBJ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CatalogKind {
    /// A table.
    Table,
    /// A column.
    Column,
    /// An index.
    Index,
    /// The tree of long values of a table.
    LongValue,
    /// A callback of a table.
    Callback,
    /// Another number; 6 and 7 are obsolete.
    Other(i16),
}

impl CatalogKind {
    /// The kind with this number.
    pub fn new(number: i16) -> Self {
        match number {
            1 => Self::Table,
            2 => Self::Column,
            3 => Self::Index,
            4 => Self::LongValue,
            5 => Self::Callback,
            other => Self::Other(other),
        }
    }

    /// The number.
    pub fn number(self) -> i16 {
        match self {
            Self::Table => 1,
            Self::Column => 2,
            Self::Index => 3,
            Self::LongValue => 4,
            Self::Callback => 5,
            Self::Other(number) => number,
        }
    }
}

/// A field of a long type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LongField<'a> {
    /// Its bytes, decompressed.
    Bytes(Cow<'a, [u8]>),
    /// It is in the catalog's tree of long values.
    Separated(Lid),
    /// Encrypted bytes.
    Encrypted(&'a [u8]),
}

impl LongField<'_> {
    /// The bytes, if they are in the row and can be read.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Separated(_) | Self::Encrypted(_) => None,
        }
    }
}

/// A row of the catalog. What the row does not have is `None`, or 0 for the numbers that every
/// row has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogRow<'a> {
    /// Object id of the table that the row belongs to.
    pub objid_table: u32,
    /// What it describes.
    pub kind: CatalogKind,
    /// Object id, or a column's number.
    pub id: u32,
    /// Column: number of its type, 0 if it was deleted; others: root page.
    pub column_type_or_root: u32,
    /// Column: longest value in bytes, 0: no limit; others: density in percent.
    pub space_usage: u32,
    /// Flags, see [`CatalogRow::table_flags`], [`CatalogRow::column_flags`],
    /// [`CatalogRow::index_flags`].
    pub flags: u32,
    /// Column: code page; index: locale id; others: first number of pages.
    pub pages_or_locale: u32,
    /// Set in rows of tables.
    pub root_flag: Option<bool>,
    /// Fixed column: offset in the record in bytes. Of no meaning for the catalog's own columns.
    pub record_offset: Option<u16>,
    /// Index: flags of `LCMapString`.
    pub lcmap_flags: Option<u32>,
    /// Index: longest key in bytes, if it is not 255.
    pub key_most: Option<u16>,
    /// Table: bytes of a chunk of a long value, if that was set.
    pub lv_chunk_max: Option<u32>,
    /// When the root page was last set: a `FILETIME`.
    pub root_set_time: Option<u64>,
    /// Name.
    pub name: Text<'a>,
    /// Statistics, which no engine known here writes.
    pub stats: Option<&'a [u8]>,
    /// Table: its template; column, callback: the function, as "library!name".
    pub template_or_callback: Option<Text<'a>>,
    /// Column: default value, as a record would hold it.
    pub default_value: Option<&'a [u8]>,
    /// Index: the key's columns, see [`CatalogRow::key_segments`].
    pub key_fields: Option<&'a [u8]>,
    /// Index: longest segment in bytes, see [`CatalogRow::var_seg_mac`].
    pub var_seg_mac_field: Option<&'a [u8]>,
    /// Index: conditions, see [`CatalogRow::conditional_columns`].
    pub conditional_columns_field: Option<&'a [u8]>,
    /// Index: limits, see [`CatalogRow::tuple_limits`].
    pub tuple_limits_field: Option<&'a [u8]>,
    /// Index: see [`CatalogRow::sort_version`].
    pub version_field: Option<&'a [u8]>,
    /// Index: see [`CatalogRow::sort_id`].
    pub sort_id_field: Option<&'a [u8]>,
    /// Column: data for its callback.
    pub callback_data: Option<LongField<'a>>,
    /// Column: columns that its callback reads.
    pub callback_dependencies: Option<LongField<'a>>,
    /// Table: longest value that stays in a record, see [`CatalogRow::separate_lv`].
    pub separate_lv_field: Option<LongField<'a>>,
    /// See [`CatalogRow::space_hints`].
    pub space_hints_field: Option<LongField<'a>>,
    /// Table: see [`CatalogRow::deferred_lv_hints`].
    pub deferred_lv_hints_field: Option<LongField<'a>>,
    /// Index: name of the locale in UTF-16, see [`CatalogRow::locale_name`].
    pub locale_name_field: Option<LongField<'a>>,
}

impl<'a> CatalogRow<'a> {
    /// Reads a record of `MSysObjects` or of its shadow.
    ///
    /// # Errors
    ///
    /// That the record is not sound, or lacks one of table, kind, id, type or root, and name.
    pub fn parse(data: &'a [u8], large_pages: bool) -> Result<Self, CatalogError> {
        let fields = Fields { record: Record::parse(data, large_pages)? };
        let need = |number: Option<u32>, name| number.ok_or(CatalogError::Missing(name));
        let kind = fields.fixed::<2>(2)?.ok_or(CatalogError::Missing("Type"))?;
        Ok(Self {
            objid_table: need(fields.long(1)?, "ObjidTable")?,
            kind: CatalogKind::new(i16::from_le_bytes(kind)),
            id: need(fields.long(3)?, "Id")?,
            column_type_or_root: need(fields.long(4)?, "ColtypOrPgnoFDP")?,
            space_usage: fields.long(5)?.unwrap_or_default(),
            flags: fields.long(6)?.unwrap_or_default(),
            pages_or_locale: fields.long(7)?.unwrap_or_default(),
            root_flag: fields.fixed::<1>(8)?.map(|[byte]| byte != 0),
            record_offset: fields.fixed(9)?.map(u16::from_le_bytes),
            lcmap_flags: fields.long(10)?,
            key_most: fields.fixed(11)?.map(u16::from_le_bytes),
            lv_chunk_max: fields.long(12)?,
            root_set_time: fields.fixed(13)?.map(u64::from_le_bytes),
            name: fields.text(128).ok_or(CatalogError::Missing("Name"))?,
            stats: fields.variable(129),
            template_or_callback: fields.text(130),
            default_value: fields.variable(131),
            key_fields: fields.variable(132),
            var_seg_mac_field: fields.variable(133),
            conditional_columns_field: fields.variable(134),
            tuple_limits_field: fields.variable(135),
            version_field: fields.variable(136),
            sort_id_field: fields.variable(137),
            callback_data: fields.tagged(256, "CallbackData")?,
            callback_dependencies: fields.tagged(257, "CallbackDependencies")?,
            separate_lv_field: fields.tagged(258, "SeparateLV")?,
            space_hints_field: fields.tagged(259, "SpaceHints")?,
            deferred_lv_hints_field: fields.tagged(260, "SpaceDeferredLVHints")?,
            locale_name_field: fields.tagged(261, "LocaleName")?,
        })
    }

    /// The name as a string.
    pub fn name_str(&self) -> Cow<'_, str> {
        decode_1252(self.name.as_bytes())
    }

    /// Root page of what the row describes, if it is a page number that can be; none for columns
    /// and callbacks.
    pub fn root(&self) -> Option<PageNumber> {
        let has_root =
            matches!(self.kind, CatalogKind::Table | CatalogKind::Index | CatalogKind::LongValue);
        let root = PageNumber(self.column_type_or_root);
        (has_root && root != PageNumber::NULL && root <= PageNumber::MAX).then_some(root)
    }

    /// Type of a column; `None` if it was deleted, is of no known type, or the row is another's.
    pub fn column_type(&self) -> Option<ColumnType> {
        if self.kind != CatalogKind::Column {
            return None;
        }
        ColumnType::new(self.column_type_or_root)
    }

    /// Number of a column, if it is one that can be.
    pub fn fid(&self) -> Option<u16> {
        let fid = u16::try_from(self.id).ok()?;
        let sound = (ColumnId::FIRST_FIXED..=ColumnId::LAST).contains(&fid);
        (self.kind == CatalogKind::Column && sound).then_some(fid)
    }

    /// Flags of a table.
    pub fn table_flags(&self) -> TableFlags {
        TableFlags::from_bits_retain(self.flags)
    }

    /// Flags of a column.
    pub fn column_flags(&self) -> ColumnFlags {
        ColumnFlags::from_bits_retain(self.flags)
    }

    /// Flags of an index.
    pub fn index_flags(&self) -> IndexFlags {
        IndexFlags::from_bits_retain(self.flags)
    }

    /// Code page of a column; `None` if the number is none that can be.
    pub fn code_page(&self) -> Option<u16> {
        u16::try_from(self.pages_or_locale).ok()
    }

    /// The columns of an index's key; none if the row has no such field.
    ///
    /// # Errors
    ///
    /// That the field is not sound.
    pub fn key_segments(&self) -> Result<Vec<KeySegment>, IndexFieldError> {
        let extended = self.index_flags().contains(IndexFlags::EXTENDED_COLUMNS);
        parse_key_fields(self.key_fields.unwrap_or_default(), extended)
    }

    /// The conditions of an index.
    ///
    /// # Errors
    ///
    /// That the field is not sound.
    pub fn conditional_columns(&self) -> Result<Vec<ConditionalColumn>, IndexFieldError> {
        let extended = self.index_flags().contains(IndexFlags::EXTENDED_COLUMNS);
        parse_conditional_columns(self.conditional_columns_field.unwrap_or_default(), extended)
    }

    /// The limits of an index over parts of a text; an index is one exactly if it has them.
    ///
    /// # Errors
    ///
    /// That the field is not sound.
    pub fn tuple_limits(&self) -> Result<Option<TupleLimits>, IndexFieldError> {
        self.tuple_limits_field.map(TupleLimits::parse).transpose()
    }

    /// Longest segment of an index's key in bytes, if it is not the longest key.
    ///
    /// # Errors
    ///
    /// That the field has not two bytes.
    pub fn var_seg_mac(&self) -> Result<Option<u16>, IndexFieldError> {
        let Some(bytes) = self.var_seg_mac_field else {
            return Ok(None);
        };
        let wrong = IndexFieldError::Length { field: "VarSegMac", len: bytes.len() };
        Ok(Some(u16::from_le_bytes(bytes.try_into().map_err(|_| wrong)?)))
    }

    /// Version of the sort order of an index of Unicode text.
    pub fn sort_version(&self) -> Option<SortVersion> {
        SortVersion::parse(self.version_field?)
    }

    /// Sort order of an index of Unicode text.
    pub fn sort_id(&self) -> Option<Guid> {
        Some(Guid::from_bytes(self.sort_id_field?.try_into().ok()?))
    }

    /// Name of an index's locale, such as "en-US".
    pub fn locale_name(&self) -> Option<Text<'_>> {
        Some(Text::new(self.locale_name_field.as_ref()?.bytes()?, crate::column::UNICODE))
    }

    /// Longest value in bytes that a table keeps in its records, if that was set.
    pub fn separate_lv(&self) -> Option<u32> {
        let bytes = self.separate_lv_field.as_ref()?.bytes()?;
        (bytes.len() == 4).then(|| le::u32_at(bytes, 0))
    }

    /// How the tree should grow.
    pub fn space_hints(&self) -> Option<SpaceHints> {
        let kind = match self.kind {
            CatalogKind::Table => SpaceHintsKind::Table,
            _ => SpaceHintsKind::Index,
        };
        SpaceHints::parse(self.space_hints_field.as_ref()?.bytes()?, kind)
    }

    /// How a table's tree of long values should grow, once it is made.
    pub fn deferred_lv_hints(&self) -> Option<SpaceHints> {
        let bytes = self.deferred_lv_hints_field.as_ref()?.bytes()?;
        SpaceHints::parse(bytes, SpaceHintsKind::DeferredLongValues)
    }
}

/// Fields of a record by the layout of the catalog.
struct Fields<'a> {
    record: Record<'a>,
}

impl<'a> Fields<'a> {
    fn fixed<const N: usize>(&self, fid: u16) -> Result<Option<[u8; N]>, CatalogError> {
        let offset = layout::COLUMNS.iter().find(|column| column.fid == fid);
        let offset = offset.map_or(0, |column| column.offset);
        let bytes = self.record.fixed(fid, offset, N)?.value();
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()))
    }

    fn long(&self, fid: u16) -> Result<Option<u32>, CatalogError> {
        Ok(self.fixed(fid)?.map(u32::from_le_bytes))
    }

    fn variable(&self, fid: u16) -> Option<&'a [u8]> {
        match self.record.variable(fid) {
            Stored::Value(bytes) => Some(bytes),
            Stored::Absent | Stored::Null => None,
        }
    }

    fn text(&self, fid: u16) -> Option<Text<'a>> {
        // Names are in code page 1252 in every file.
        self.variable(fid).map(|bytes| Text::new(bytes, 1252))
    }

    fn tagged(&self, fid: u16, field: &'static str) -> Result<Option<LongField<'a>>, CatalogError> {
        let Some(entry) = self.record.tagged(ColumnId::own(fid)) else {
            return Ok(None);
        };
        Ok(match entry.values()?.next() {
            None => None,
            Some(StoredValue::Plain(bytes)) => Some(LongField::Bytes(Cow::Borrowed(bytes))),
            Some(StoredValue::Compressed(bytes)) => {
                let mut plain = Vec::new();
                decompress(bytes, &mut plain)
                    .map_err(|source| CatalogError::Compression { field, source })?;
                Some(LongField::Bytes(Cow::Owned(plain)))
            }
            Some(StoredValue::Separated(lid)) => Some(LongField::Separated(lid)),
            Some(StoredValue::Encrypted(bytes)) => Some(LongField::Encrypted(bytes)),
        })
    }
}

#[cfg(test)]
mod tests;
