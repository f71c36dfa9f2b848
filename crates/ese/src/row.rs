//! Rows: what a record says about the columns of its table.
//!
//! ```text
//! fixed and variable columns   bytes of the page
//! tagged columns               bytes of the page, compressed ones, or the id of a long value
//! columns the record lacks     the default value of the catalog, or null
//! ```
//!
//! A [`Row`] holds its page, and values borrow from it: nothing is copied that the page holds as
//! it is. Only compressed and long values are made anew.
//!
//! ```
//! # let unpacked = testkit::set("clean_8k");
//! # let database = ese::Database::open(unpacked.file("test.edb"))?;
//! use ese::Value;
//!
//! let table = database.table("alltypes")?;
//! let mut numbers = 0_i64;
//! for row in table.rows() {
//!     for value in row?.values()? {
//!         let (column, value) = value?;
//!         if let Value::Long(number) = value {
//!             numbers += i64::from(number);
//!         }
//!         assert!(!column.name().is_empty());
//!     }
//! }
//! # assert_ne!(numbers, 0);
//! # Ok::<(), ese::Error>(())
//! ```

use ese_format::PageNumber;
use ese_format::column::{ColumnClass, ColumnId};
use ese_format::compression::CompressionError;
use ese_format::node::Node;
use ese_format::page::PageFlags;
use ese_format::record::{
    Record, RecordError, Stored, StoredValue, TaggedEntries, TaggedEntry, Values,
};
use ese_format::value::Value;

use crate::pages::PageRef;
use crate::schema::Column;
use crate::table::Table;
use crate::{Error, TreeDamage};

/// A row of a table.
#[derive(Debug, Clone)]
pub struct Row<'t> {
    table: &'t Table,
    page: PageRef,
    line: usize,
}

impl<'t> Row<'t> {
    pub(crate) fn new(table: &'t Table, page: PageRef, line: usize) -> Self {
        Self { table, page, line }
    }

    /// Its table.
    pub fn table(&self) -> &'t Table {
        self.table
    }

    /// The page that it lies on.
    pub fn page(&self) -> PageNumber {
        self.page.number()
    }

    /// Line of its node on the page.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The node that holds its record.
    ///
    /// # Errors
    ///
    /// [`Error::Tree`] if the node is not sound.
    pub fn node(&self) -> Result<Node<'_>, Error> {
        self.page.node(self.line).ok_or_else(|| {
            self.table.tree().damaged(self.page.number(), TreeDamage::Node { line: self.line })
        })
    }

    /// Its key in the table's tree: the primary key, or its number in a table without one.
    ///
    /// # Errors
    ///
    /// As [`Row::node`].
    pub fn key(&self) -> Result<Vec<u8>, Error> {
        Ok(self.node()?.key())
    }

    /// Its record.
    ///
    /// # Errors
    ///
    /// [`Error::Record`] if the record is not sound; [`Error::OldRecordFormat`].
    pub fn record(&self) -> Result<Record<'_>, Error> {
        if !self.page.flags().contains(PageFlags::NEW_RECORD_FORMAT) {
            return Err(Error::OldRecordFormat {
                path: self.table.path(),
                table: self.table.name().to_owned(),
                page: self.page.number(),
            });
        }
        Record::parse(self.node()?.data, self.table.large_pages())
            .map_err(|source| self.error(source))
    }

    /// What the row has in a column; none if that is null.
    ///
    /// # Errors
    ///
    /// As [`Row::record`].
    pub fn field<'a>(&'a self, column: &'a Column) -> Result<Option<Field<'a>>, Error> {
        Ok(self.look_up(&self.record()?, column))
    }

    /// The value of a column; of several the first, [`Value::Null`] if there is none.
    ///
    /// Bytes whose compression or encryption is not known are [`Value::Opaque`].
    ///
    /// # Errors
    ///
    /// [`Error::Record`] or [`Error::Compressed`] if the bytes are not sound; [`Error::LongValue`];
    /// a page that cannot be read.
    pub fn get<'a>(&'a self, column: &'a Column) -> Result<Value<'a>, Error> {
        self.field(column)?.map_or(Ok(Value::Null), |field| field.value())
    }

    /// All values of a column in their order; none if it is null.
    ///
    /// # Errors
    ///
    /// As [`Row::get`].
    pub fn get_all<'a>(&'a self, column: &'a Column) -> Result<Vec<Value<'a>>, Error> {
        let Some(field) = self.field(column)? else { return Ok(Vec::new()) };
        field.stored()?.map(|value| field.expand(value)).collect()
    }

    /// The columns that are not null, by id.
    ///
    /// # Errors
    ///
    /// As [`Row::record`]. What is wrong with one field, that field says.
    pub fn fields(&self) -> Result<Fields<'_>, Error> {
        Fields::new(self)
    }

    /// Every value that is not null, with its column, by id of the columns; several of a column in
    /// their order.
    ///
    /// # Errors
    ///
    /// As [`Row::record`]; each value as [`Row::get`].
    pub fn values(
        &self,
    ) -> Result<impl Iterator<Item = Result<(&Column, Value<'_>), Error>>, Error> {
        Ok(self.fields()?.flat_map(|field| {
            let (stored, error) = match field.stored() {
                Ok(stored) => (Some(stored), None),
                Err(error) => (None, Some(Err(error))),
            };
            let values = stored.into_iter().flatten();
            let values = values.map(move |value| Ok((field.column, field.expand(value)?)));
            values.chain(error)
        }))
    }

    /// Finds a column in the record.
    fn look_up<'a>(&'a self, record: &Record<'a>, column: &'a Column) -> Option<Field<'a>> {
        let id = column.id();
        let stored = match id.class() {
            ColumnClass::Fixed => {
                match record.fixed(id.fid, column.offset, column.size() as usize) {
                    Ok(stored) => stored,
                    Err(error) => return Some(self.with(column, Content::Damaged(error))),
                }
            }
            ColumnClass::Variable => record.variable(id.fid),
            ColumnClass::Tagged => {
                let own = ColumnId::own(id.fid);
                let unmarked = || column.unmarked.then(|| record.tagged(own)).flatten();
                match record.tagged(id).or_else(unmarked) {
                    Some(entry) => return self.tagged(column, entry),
                    None => Stored::Absent,
                }
            }
        };
        match stored {
            Stored::Value(bytes) => Some(self.with(column, Content::Bytes(bytes))),
            Stored::Null => None,
            Stored::Absent => {
                column.default_bytes().map(|bytes| self.with(column, Content::Default(bytes)))
            }
        }
    }

    fn tagged<'a>(&'a self, column: &'a Column, entry: TaggedEntry<'a>) -> Option<Field<'a>> {
        (!entry.is_null()).then(|| self.with(column, Content::Tagged(entry)))
    }

    fn with<'a>(&'a self, column: &'a Column, content: Content<'a>) -> Field<'a> {
        Field { row: self, column, content }
    }

    fn error(&self, source: RecordError) -> Error {
        Error::Record {
            path: self.table.path(),
            table: self.table.name().to_owned(),
            page: self.page.number(),
            line: self.line,
            source,
        }
    }
}

/// A column of a row that is not null.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    row: &'a Row<'a>,
    column: &'a Column,
    content: Content<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Content<'a> {
    /// A fixed or variable column.
    Bytes(&'a [u8]),
    /// The record lacks the column.
    Default(&'a [u8]),
    Tagged(TaggedEntry<'a>),
    Damaged(RecordError),
}

impl<'a> Field<'a> {
    /// The column.
    pub fn column(&self) -> &'a Column {
        self.column
    }

    /// Whether the record does not have the column, so that the value is the default one.
    pub fn is_default(&self) -> bool {
        matches!(self.content, Content::Default(_))
    }

    /// The values as the record holds them.
    ///
    /// # Errors
    ///
    /// [`Error::Record`] if this part of the record is not sound.
    pub fn stored(&self) -> Result<StoredValues<'a>, Error> {
        match self.content {
            Content::Bytes(bytes) | Content::Default(bytes) => {
                Ok(StoredValues(Form::One(Some(bytes))))
            }
            Content::Tagged(entry) => match entry.values() {
                Ok(values) => Ok(StoredValues(Form::Tagged(values))),
                Err(source) => Err(self.row.error(source)),
            },
            Content::Damaged(source) => Err(self.row.error(source)),
        }
    }

    /// The value; of several the first.
    ///
    /// # Errors
    ///
    /// As [`Row::get`].
    pub fn value(&self) -> Result<Value<'a>, Error> {
        self.stored()?.next().map_or(Ok(Value::Null), |value| self.expand(value))
    }

    /// The value that one of [`Field::stored`] stands for.
    ///
    /// # Errors
    ///
    /// As [`Row::get`].
    pub fn expand(&self, value: StoredValue<'a>) -> Result<Value<'a>, Error> {
        let bytes = match value {
            StoredValue::Plain(bytes) => bytes.into(),
            StoredValue::Encrypted(bytes) => return Ok(Value::Opaque(bytes.into())),
            StoredValue::Compressed(bytes) => match self.row.table.expand(self.column, value) {
                Err(Error::Compressed {
                    source: CompressionError::Unsupported { .. } | CompressionError::Scrubbed,
                    ..
                }) => return Ok(Value::Opaque(bytes.into())),
                expanded => expanded?,
            },
            StoredValue::Separated(_) => self.row.table.expand(self.column, value)?,
        };
        Ok(self.column.decode(bytes))
    }
}

/// The values of a field as the record holds them.
#[derive(Debug, Clone, Copy)]
pub struct StoredValues<'a>(Form<'a>);

#[derive(Debug, Clone, Copy)]
enum Form<'a> {
    One(Option<&'a [u8]>),
    Tagged(Values<'a>),
}

impl<'a> Iterator for StoredValues<'a> {
    type Item = StoredValue<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Form::One(bytes) => bytes.take().map(StoredValue::Plain),
            Form::Tagged(values) => values.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Form::One(bytes) => (usize::from(bytes.is_some()), Some(usize::from(bytes.is_some()))),
            Form::Tagged(values) => values.size_hint(),
        }
    }
}

impl ExactSizeIterator for StoredValues<'_> {}

/// The columns of a row that are not null, by id. See [`Row::fields`].
#[derive(Debug)]
pub struct Fields<'a> {
    row: &'a Row<'a>,
    record: Record<'a>,
    /// Place in the table's columns; own tagged ones are left to `tagged`.
    next: usize,
    /// Entries of own tagged columns that are left, and the place of the column of the first one.
    tagged: TaggedEntries<'a>,
    entry: Option<(usize, TaggedEntry<'a>)>,
    /// Own tagged columns with a default value that are left.
    defaults: &'a [usize],
}

impl<'a> Fields<'a> {
    fn new(row: &'a Row<'a>) -> Result<Self, Error> {
        let record = row.record()?;
        let defaults = row.table.definition().lookup.tagged_defaults.as_slice();
        let tagged = record.tagged_entries();
        let mut fields = Self { row, record, next: 0, tagged, entry: None, defaults };
        fields.next_entry();
        Ok(fields)
    }

    /// Moves to the next entry of an own column.
    fn next_entry(&mut self) {
        let table = self.row.table.definition();
        self.entry = self.tagged.find_map(|entry| {
            let own = (!entry.derived).then(|| table.own_tagged(entry.fid))??;
            Some((own, entry))
        });
    }

    /// The next own tagged column: of the record's entries, or one with a default value.
    fn next_tagged(&mut self) -> Option<Field<'a>> {
        loop {
            let default = self.defaults.first().copied();
            let column = |index: usize| self.row.table.columns().get(index);
            match (self.entry, default) {
                (Some((index, entry)), default) if default.is_none_or(|d| index <= d) => {
                    if default == Some(index) {
                        self.defaults = self.defaults.get(1..).unwrap_or_default();
                    }
                    let column = column(index)?;
                    self.next_entry();
                    if let Some(field) = self.row.tagged(column, entry) {
                        return Some(field);
                    }
                }
                (_, Some(index)) => {
                    self.defaults = self.defaults.get(1..).unwrap_or_default();
                    let column = column(index)?;
                    if let Some(bytes) = column.default_bytes() {
                        return Some(self.row.with(column, Content::Default(bytes)));
                    }
                }
                _ => return None,
            }
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let lookup = &self.row.table.definition().lookup;
        loop {
            if self.next == lookup.own_slots {
                if let Some(field) = self.next_tagged() {
                    return Some(field);
                }
                self.next = lookup.own;
                if lookup.own > lookup.own_slots {
                    continue;
                }
            }
            let column = self.row.table.columns().get(self.next)?;
            self.next += 1;
            if let Some(field) = self.row.look_up(&self.record, column) {
                return Some(field);
            }
        }
    }
}
