//! A database opened for reading: its pages, its schema, its state.
//!
//! ```
//! # let unpacked = testkit::set("clean_8k");
//! # let path = unpacked.file("test.edb");
//! let database = ese::Database::open(path)?;
//! let table = database.table("alltypes")?;
//! let (id, text) = (table.column("id")?, table.column("c_text")?);
//! let mut texts = 0;
//! for row in table.rows() {
//!     let row = row?;
//!     let id = row.get(id)?;
//!     assert!(!id.is_null());
//!     texts += usize::from(!row.get(text)?.is_null());
//! }
//! # assert!(texts > 0);
//! # Ok::<(), ese::Error>(())
//! ```

use std::path::Path;
use std::sync::Arc;

use ese_format::header::DatabaseState;
use vfs::Storage;
use vfs::os::Os;

use crate::catalog::Catalog;
use crate::pages::DEFAULT_CACHE;
use crate::schema::{Schema, TableDefinition, TreeRoot};
use crate::table::Table;
use crate::{CatalogProblem, CatalogSource, DatabaseFile, Error, PageStore, Pages, Tree};

/// A database that is read.
///
/// A database that was not shut down cleanly is read as it lies: changes that are only in its logs
/// are missing, changes that were never committed may be there. [`Database::is_clean`] says it.
#[derive(Debug)]
pub struct Database {
    pages: Arc<Pages>,
    file: Option<Arc<DatabaseFile>>,
    catalog: Catalog,
}

impl Database {
    /// Opens a database file, with a cache of [`DEFAULT_CACHE`] bytes.
    ///
    /// # Errors
    ///
    /// That the file is no database, or that both copies of its catalog are damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Options::default().open(Arc::new(Os), path.as_ref())
    }

    /// A database whose pages come from `store`; at most `cache` bytes of them are kept.
    ///
    /// # Errors
    ///
    /// That both copies of its catalog are damaged.
    pub fn with_store(store: Arc<dyn PageStore>, cache: usize) -> Result<Self, Error> {
        Options { cache, ..Options::default() }.read(store, None)
    }

    /// Its file; none if it was opened over another store.
    pub fn file(&self) -> Option<&Arc<DatabaseFile>> {
        self.file.as_ref()
    }

    /// The file that errors name.
    pub fn path(&self) -> &Path {
        self.pages.path()
    }

    /// Its pages.
    pub fn pages(&self) -> &Arc<Pages> {
        &self.pages
    }

    /// State by the header; none if it was opened over another store.
    pub fn state(&self) -> Option<DatabaseState> {
        self.file.as_ref().map(|file| file.header().state)
    }

    /// Whether it was shut down cleanly, so that everything in it counts. A store other than a
    /// file is taken to give what counts.
    pub fn is_clean(&self) -> bool {
        self.state().is_none_or(|state| state == DatabaseState::CLEAN_SHUTDOWN)
    }

    /// What it consists of.
    pub fn schema(&self) -> &Schema {
        &self.catalog.schema
    }

    /// Which copy of the catalog [`Database::schema`] is from.
    pub fn catalog_source(&self) -> &CatalogSource {
        &self.catalog.source
    }

    /// Rows of the catalog that fit nothing.
    pub fn catalog_problems(&self) -> &[CatalogProblem] {
        &self.catalog.problems
    }

    /// The table with this name; case does not matter.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchTable`].
    pub fn table(&self, name: &str) -> Result<Table, Error> {
        let found = self.schema().table(name).ok_or_else(|| Error::NoSuchTable {
            path: self.path().to_owned(),
            table: name.to_owned(),
        })?;
        Ok(self.open_table(found))
    }

    /// All tables by the bytes of their names, those of the engine itself too.
    pub fn tables(&self) -> impl Iterator<Item = Table> {
        self.schema().tables().iter().map(|table| self.open_table(table))
    }

    fn open_table(&self, definition: &Arc<TableDefinition>) -> Table {
        Table::new(&self.pages, definition.clone())
    }

    /// A tree of the database.
    pub fn tree(&self, root: TreeRoot) -> Tree {
        Tree::new(self.pages.clone(), root.page, root.objid)
    }
}

/// How a database is opened.
///
/// ```
/// # let unpacked = testkit::set("clean_4k");
/// # let path = unpacked.file("test.edb");
/// let options = ese::OpenOptions { cache: 8 << 20, ..ese::OpenOptions::default() };
/// let database = options.open(std::sync::Arc::new(vfs::os::Os), &path)?;
/// assert!(database.is_clean());
/// # Ok::<(), ese::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Bytes of pages that are kept.
    pub cache: usize,
    /// Whether a catalog of which both copies are damaged is read as far as it can be.
    pub salvage: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache: DEFAULT_CACHE, salvage: false }
    }
}

impl Options {
    /// Opens a database file.
    ///
    /// # Errors
    ///
    /// As [`Database::open`].
    pub fn open(self, storage: Arc<dyn Storage>, path: &Path) -> Result<Database, Error> {
        self.over(Arc::new(DatabaseFile::open(storage, path)?))
    }

    /// Opens the database in a file that is open.
    ///
    /// # Errors
    ///
    /// That both copies of its catalog are damaged.
    pub fn over(self, file: Arc<DatabaseFile>) -> Result<Database, Error> {
        self.read(file.clone(), Some(file))
    }

    fn read(
        self,
        store: Arc<dyn PageStore>,
        file: Option<Arc<DatabaseFile>>,
    ) -> Result<Database, Error> {
        let pages = Arc::new(Pages::new(store, self.cache));
        let catalog = Catalog::read(&pages, self.salvage)?;
        Ok(Database { pages, file, catalog })
    }
}
