//! Indexes: entries in the order of their keys, and the rows that they lead to.
//!
//! ```text
//! primary     key -> record
//! secondary   key -> primary key of the record, by which it is found in the table's tree
//! ```
//!
//! ```
//! # let unpacked = testkit::set("clean_8k");
//! # let database = ese::Database::open(unpacked.file("test.edb"))?;
//! use ese::Value;
//!
//! let table = database.table("alltypes")?;
//! let id = table.column("id")?;
//! let rows = table.index("pk")?.seek(&[Value::Long(3)])?;
//! for row in rows {
//!     assert_eq!(row?.get(id)?, Value::Long(3));
//! }
//! # assert_eq!(table.index("pk")?.seek(&[Value::Long(3)])?.count(), 1);
//! # assert!(table.index("pk")?.range(&[Value::Long(3)], &[Value::Long(9)])?.count() > 3);
//! # Ok::<(), ese::Error>(())
//! ```

use std::borrow::Cow;

use ese_format::key::{
    DefinitionError, KeyBuilder, KeyColumn, KeyDefinition, KeyDescription, SearchEnd, SearchError,
    Segment, Tuples,
};
use ese_format::node::Node;
use ese_format::value::Value;

use crate::row::Row;
use crate::schema::IndexDefinition;
use crate::table::Table;
use crate::{Cursor, Error, Tree};

/// Why an index cannot be searched by values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeekError {
    /// A column of its key is not there.
    #[error("the table does not have column {:#x} of its key", .0.number())]
    NoColumn(ese_format::column::ColumnId),
    /// Its definition makes no keys.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// The values make no key.
    #[error(transparent)]
    Values(#[from] SearchError),
}

/// An index of a table.
#[derive(Debug, Clone)]
pub struct Index<'t> {
    table: &'t Table,
    definition: &'t IndexDefinition,
    tree: Tree,
}

impl<'t> Index<'t> {
    pub(crate) fn new(table: &'t Table, definition: &'t IndexDefinition) -> Self {
        let pages = table.tree().pages().clone();
        let tree = Tree::new(pages, definition.root.page, definition.root.objid);
        Self { table, definition, tree }
    }

    /// Its table.
    pub fn table(&self) -> &'t Table {
        self.table
    }

    /// All that the catalog says of it.
    pub fn definition(&self) -> &'t IndexDefinition {
        self.definition
    }

    /// Its tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// A cursor that stands before the first entry.
    pub fn cursor(&self) -> IndexCursor<'t> {
        IndexCursor {
            table: self.table,
            is_primary: self.definition.is_primary(),
            cursor: self.tree.cursor(),
        }
    }

    /// The rows whose first columns of the key have these values, in the order of the index.
    ///
    /// Values are compared as their keys are: text without regard to case, long values by their
    /// beginning. Unicode text cannot be looked for: its keys need the tables of Windows.
    ///
    /// # Errors
    ///
    /// [`Error::Seek`] if the values make no key; that a page on the way cannot be read.
    pub fn seek(&self, values: &[Value<'_>]) -> Result<IndexRows<'t>, Error> {
        self.range(values, values)
    }

    /// The rows from the first with the values `from` to the last with the values `to`, of which
    /// there may be fewer than the key has columns; none: from the first, to the last of all.
    ///
    /// # Errors
    ///
    /// As [`Index::seek`].
    pub fn range(&self, from: &[Value<'_>], to: &[Value<'_>]) -> Result<IndexRows<'t>, Error> {
        let key = |values: &[Value<'_>]| match values {
            [] => Ok(Vec::new()),
            values => self.search_key(values, SearchEnd::Whole),
        };
        let (from, to) = (key(from)?, key(to)?);
        let mut cursor = self.cursor();
        let more = cursor.seek_key(&from)?;
        Ok(IndexRows { cursor, to, at_entry: more, more })
    }

    /// The beginning of the keys of all rows whose first columns have these values.
    ///
    /// # Errors
    ///
    /// [`Error::Seek`] if the values make no key.
    pub fn search_key(&self, values: &[Value<'_>], end: SearchEnd) -> Result<Vec<u8>, Error> {
        let bytes: Vec<Option<Cow<'_, [u8]>>> = values.iter().map(Value::to_bytes).collect();
        let bytes: Vec<Option<&[u8]>> = bytes.iter().map(Option::as_deref).collect();
        let key = self.key_definition().and_then(|definition| {
            let mut builder = KeyBuilder::new();
            Ok(builder.search_key(&definition, &bytes, end)?.to_vec())
        });
        key.map_err(|source| Error::Seek {
            path: self.table.path(),
            table: self.table.name().to_owned(),
            index: self.definition.name.clone(),
            source,
        })
    }

    /// How its keys are made.
    fn key_definition(&self) -> Result<KeyDefinition, SeekError> {
        let definition = self.definition;
        let mut segments = Vec::with_capacity(definition.segments.len());
        for segment in &definition.segments {
            let column = self.table.definition().key_column(segment.column);
            let column = column.ok_or(SeekError::NoColumn(segment.column))?;
            let column = KeyColumn {
                code_page: column.code_page(),
                size: u16::try_from(column.size()).unwrap_or(u16::MAX),
                multi_valued: column.is_multi_valued(),
                slot: column.place(),
                ..KeyColumn::new(column.id(), column.ty())
            };
            segments.push(Segment { column, descending: segment.descending });
        }
        Ok(KeyDefinition::new(KeyDescription {
            flags: definition.flags.bits(),
            segments,
            key_most: definition.key_most,
            var_seg_mac: definition.var_seg_mac,
            tuples: definition.tuple_limits.map(|limits| Tuples {
                shortest: limits.min_len,
                longest: limits.max_len,
                count: limits.max_to_index,
                step: limits.increment,
                start: limits.start,
            }),
            lcmap_flags: definition.lcmap_flags.unwrap_or_default(),
            ..KeyDescription::default()
        })?)
    }
}

/// Rows by an index. See [`Index::range`].
#[derive(Debug)]
pub struct IndexRows<'t> {
    cursor: IndexCursor<'t>,
    /// Keys that begin so are in range, and those below.
    to: Vec<u8>,
    /// Whether the cursor stands on an entry that was not given yet.
    at_entry: bool,
    more: bool,
}

impl<'t> IndexRows<'t> {
    fn advance(&mut self) -> Result<Option<Row<'t>>, Error> {
        loop {
            if !self.at_entry && !self.cursor.move_next()? {
                return Ok(None);
            }
            self.at_entry = false;
            let key = self.cursor.entry()?.key();
            if !key.starts_with(&self.to) && key > self.to {
                return Ok(None);
            }
            // An entry without a row is no row.
            if let Some(row) = self.cursor.row()? {
                return Ok(Some(row));
            }
        }
    }
}

impl<'t> Iterator for IndexRows<'t> {
    type Item = Result<Row<'t>, Error>;

    /// Ends at the first error: behind a damaged page the place in the index is lost.
    fn next(&mut self) -> Option<Self::Item> {
        if !self.more {
            return None;
        }
        let next = self.advance();
        self.more = matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

/// A cursor over the entries of an index.
#[derive(Debug, Clone)]
pub struct IndexCursor<'t> {
    table: &'t Table,
    is_primary: bool,
    cursor: Cursor,
}

impl<'t> IndexCursor<'t> {
    /// Moves to the first entry; whether there is one.
    ///
    /// # Errors
    ///
    /// That a page on the way cannot be read.
    pub fn move_first(&mut self) -> Result<bool, Error> {
        self.cursor.move_first()
    }

    /// Moves to the last entry; whether there is one.
    ///
    /// # Errors
    ///
    /// That a page on the way cannot be read.
    pub fn move_last(&mut self) -> Result<bool, Error> {
        self.cursor.move_last()
    }

    /// Moves to the next entry; whether there is one.
    ///
    /// # Errors
    ///
    /// That a page on the way cannot be read.
    pub fn move_next(&mut self) -> Result<bool, Error> {
        self.cursor.move_next()
    }

    /// Moves to the previous entry; whether there is one.
    ///
    /// # Errors
    ///
    /// That a page on the way cannot be read.
    pub fn move_previous(&mut self) -> Result<bool, Error> {
        self.cursor.move_previous()
    }

    /// Moves to the first entry whose key is `key` or above; whether there is one.
    ///
    /// # Errors
    ///
    /// That a page on the way cannot be read.
    pub fn seek_key(&mut self, key: &[u8]) -> Result<bool, Error> {
        self.cursor.seek(key)
    }

    /// The entry that it stands on. Its data is the record of a primary index, the primary key of
    /// another one.
    ///
    /// # Errors
    ///
    /// [`Error::NoCurrentNode`] if it stands on none.
    pub fn entry(&self) -> Result<Node<'_>, Error> {
        self.cursor.node()
    }

    /// The row that the entry leads to; none if the table does not have it.
    ///
    /// # Errors
    ///
    /// [`Error::NoCurrentNode`] if it stands on none; that a page on the way cannot be read.
    pub fn row(&self) -> Result<Option<Row<'t>>, Error> {
        let node = self.cursor.node()?;
        if self.is_primary {
            let leaf = self.cursor.leaf();
            return Ok(leaf.map(|(page, line)| Row::new(self.table, page.clone(), line)));
        }
        self.table.row_by_key(node.data)
    }
}
