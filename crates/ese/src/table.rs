//! Tables: their rows one after the other, or several parts side by side.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use ese_format::compression::decompress;
use ese_format::long_value::Lid;
use ese_format::record::StoredValue;

use crate::index::Index;
use crate::long_value::{self, LongValueError};
use crate::pages::PageRef;
use crate::row::Row;
use crate::schema::{Column, TableDefinition};
use crate::{Error, Leaves, LongValue, Pages, Tree};

/// A table of a database.
#[derive(Debug, Clone)]
pub struct Table {
    tree: Tree,
    long_values: Option<Tree>,
    definition: Arc<TableDefinition>,
    large_pages: bool,
}

impl Table {
    pub(crate) fn new(pages: &Arc<Pages>, definition: Arc<TableDefinition>) -> Self {
        let tree = |root: crate::TreeRoot| Tree::new(Arc::clone(pages), root.page, root.objid);
        Self {
            tree: tree(definition.root),
            long_values: definition.long_values.map(tree),
            large_pages: pages.page_size().is_large(),
            definition,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// All that the catalog says of it.
    pub fn definition(&self) -> &Arc<TableDefinition> {
        &self.definition
    }

    /// The tree of its records.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The tree of its long values.
    pub fn long_value_tree(&self) -> Option<&Tree> {
        self.long_values.as_ref()
    }

    /// Its columns by id.
    pub fn columns(&self) -> &[Column] {
        &self.definition.columns
    }

    /// The column with this name; case does not matter. To be looked up once, not for every row.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchColumn`].
    pub fn column(&self, name: &str) -> Result<&Column, Error> {
        self.definition.column(name).ok_or_else(|| Error::NoSuchColumn {
            path: self.path(),
            table: self.name().to_owned(),
            column: name.to_owned(),
        })
    }

    /// The index with this name; case does not matter.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchIndex`].
    pub fn index(&self, name: &str) -> Result<Index<'_>, Error> {
        let definition = self.definition.index(name).ok_or_else(|| Error::NoSuchIndex {
            path: self.path(),
            table: self.name().to_owned(),
            index: name.to_owned(),
        })?;
        Ok(Index::new(self, definition))
    }

    /// All rows, in the order of the primary index, or of their insertion if there is none.
    ///
    /// Damage is an error in its place, and the rows beyond it follow: the caller decides whether
    /// to stop.
    pub fn rows(&self) -> Rows<'_> {
        Rows::new(self, self.tree.leaves())
    }

    /// All rows in at least `wanted` parts if the table is large enough, to be read side by side.
    ///
    /// ```
    /// # let unpacked = testkit::set("clean_8k");
    /// # let database = ese::Database::open(unpacked.file("test.edb"))?;
    /// let table = database.table("alltypes")?;
    /// let rows: usize = std::thread::scope(|scope| {
    ///     let parts = table.parts(2).into_iter();
    ///     let threads: Vec<_> = parts.map(|part| scope.spawn(|| part.count())).collect();
    ///     threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
    /// });
    /// assert_eq!(rows, table.rows().count());
    /// # Ok::<(), ese::Error>(())
    /// ```
    pub fn parts(&self, wanted: usize) -> Vec<Rows<'_>> {
        self.tree.parts(wanted).into_iter().map(|leaves| Rows::new(self, leaves)).collect()
    }

    /// The row whose node has this key; none if there is none.
    ///
    /// # Errors
    ///
    /// That a page on the way cannot be read.
    pub fn row_by_key(&self, key: &[u8]) -> Result<Option<Row<'_>>, Error> {
        let mut cursor = self.tree.cursor();
        if !cursor.seek_exact(key)? {
            return Ok(None);
        }
        Ok(cursor.leaf().map(|(page, line)| Row::new(self, page.clone(), line)))
    }

    /// The long value with this id.
    ///
    /// # Errors
    ///
    /// As [`LongValue::open`].
    pub fn long_value(&self, lid: Lid) -> Result<LongValue, Error> {
        match &self.long_values {
            Some(tree) => LongValue::open(tree, lid),
            None => Err(long_value::error(&self.tree, lid, LongValueError::NoTree)),
        }
    }

    /// The bytes of a value as a record holds it: decompressed, or read from the long-value tree.
    ///
    /// # Errors
    ///
    /// [`Error::Compressed`], [`Error::Encrypted`], [`Error::LongValue`]; a page that cannot be
    /// read.
    pub fn expand<'a>(
        &self,
        column: &Column,
        value: StoredValue<'a>,
    ) -> Result<Cow<'a, [u8]>, Error> {
        let mut out = Vec::new();
        match value {
            StoredValue::Plain(bytes) => return Ok(Cow::Borrowed(bytes)),
            StoredValue::Compressed(bytes) => decompress(bytes, &mut out).map_err(|source| {
                let path = self.path();
                let (table, column) = (self.name().to_owned(), column.name().to_owned());
                Error::Compressed { path, table, column, source }
            })?,
            StoredValue::Separated(lid) => self.long_value(lid)?.read_to_end(&mut out)?,
            StoredValue::Encrypted(_) => {
                let (table, column) = (self.name().to_owned(), column.name().to_owned());
                return Err(Error::Encrypted { path: self.path(), table, column });
            }
        }
        Ok(Cow::Owned(out))
    }

    /// Whether pages have the large format, on which that of records depends.
    pub(crate) fn large_pages(&self) -> bool {
        self.large_pages
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.tree.pages().path().to_owned()
    }
}

/// The rows of a table or of a part of it. See [`Table::rows`].
#[derive(Debug)]
pub struct Rows<'t> {
    table: &'t Table,
    leaves: Leaves,
    leaf: Option<PageRef>,
    line: usize,
}

impl<'t> Rows<'t> {
    pub(crate) fn new(table: &'t Table, leaves: Leaves) -> Self {
        Self { table, leaves, leaf: None, line: 0 }
    }
}

impl<'t> Iterator for Rows<'t> {
    type Item = Result<Row<'t>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(leaf) = &self.leaf {
                let count = leaf.node_count();
                while self.line < count {
                    let line = self.line;
                    self.line += 1;
                    match self.table.tree.node(leaf, line) {
                        Ok(node) if node.is_deleted() => {}
                        Ok(_) => return Some(Ok(Row::new(self.table, leaf.clone(), line))),
                        Err(error) => return Some(Err(error)),
                    }
                }
            }
            (self.leaf, self.line) = (None, 0);
            match self.leaves.next()? {
                Ok(leaf) => self.leaf = Some(leaf),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
