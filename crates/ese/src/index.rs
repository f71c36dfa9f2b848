//! Indexes: entries in the order of their keys, and the rows that they lead to.
//!
//! ```text
//! primary     key -> record
//! secondary   key -> primary key of the record, by which it is found in the table's tree
//! ```

use ese_format::node::Node;

use crate::row::Row;
use crate::schema::IndexDefinition;
use crate::table::Table;
use crate::{Cursor, Error, Tree};

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
