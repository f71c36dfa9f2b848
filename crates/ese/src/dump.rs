//! Dumps: tables and indexes as JSON, one object a line.
//!
//! ```text
//! {"table":T,"columns":[...],"indexes":[...]}   head of a table
//! {"t":T,"row":{COLUMN:VALUE,...}}              each of its rows, by primary key
//!
//! {"t":T,"index":I,"primary":true}              head of an index
//! {"k":KEY}, {"k":KEY,"b":BOOKMARK}             each of its entries
//! ```
//!
//! Columns come by id, null ones are left out, multi-valued ones are arrays, values are as
//! `docs/dump.md` says. What cannot be read is `{"error":TEXT}` in its place, and the caller hears
//! of it. Nothing is held in memory but one record and a part of one long value.

mod row;
mod schema;
mod writer;

use std::fmt;
use std::io::{self, Write};

use ese_format::PageNumber;

use crate::pages::PageRef;
use crate::row::Row;
use crate::salvage::{Gap, Salvage};
use crate::table::Table;
use crate::{Database, Error, IndexDefinition, Tree};
use row::Plan;

/// What a dump could not read, while it goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Complaint {
    /// A record or a value, which is an error in the dump.
    Value {
        /// Name of the table.
        table: String,
        /// Page of the record.
        page: PageNumber,
        /// Key of the record.
        key: Vec<u8>,
        /// Name of the column; none if it is the whole record.
        column: Option<String>,
        /// What is wrong.
        error: Error,
    },
    /// A part of a tree, which was left out.
    LeftOut {
        /// Name of the table.
        table: String,
        /// Name of the index, if it is an index that is dumped.
        index: Option<String>,
        /// What it is.
        gap: Gap,
    },
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { table, page, key, column, error } => {
                let key = Hex(key);
                write!(f, "table {table}, page {page}, key {key}")?;
                if let Some(column) = column {
                    write!(f, ", column {column}")?;
                }
                write!(f, ": {}", row::brief(error))
            }
            Self::LeftOut { table, index, gap } => {
                write!(f, "table {table}")?;
                if let Some(index) = index {
                    write!(f, ", index {index}")?;
                }
                write!(f, ": left out {gap}")
            }
        }
    }
}

/// Lower-case hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a dump ended early.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// What it is written to takes no more.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    /// A part of the tree cannot be read, and nobody asked to salvage the rest.
    #[error(transparent)]
    Database(#[from] Error),
}

/// What a dump of a table or an index gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Dumped {
    /// Rows or entries.
    pub rows: u64,
    /// Records and values that could not be read.
    pub errors: u64,
    /// Parts of the tree that were left out.
    pub gaps: u64,
}

/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 20;

/// Longest long value that is held in memory unless told otherwise, in bytes.
const WHOLE: u32 = 1 << 20;

/// Writes dumps of one database.
pub struct Dumper<'d, W: Write> {
    salvage: Option<Salvage>,
    out: W,
    buffer: Vec<u8>,
    /// How often the buffer was written.
    writes: u64,
    /// Longest long value that is held in memory, in bytes.
    whole: u32,
    complain: &'d mut dyn FnMut(Complaint),
}

impl<W: Write> fmt::Debug for Dumper<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dumper").field("salvage", &self.salvage).finish_non_exhaustive()
    }
}

impl<'d, W: Write> Dumper<'d, W> {
    /// Dumps to `out`; `complain` hears of what cannot be read.
    pub fn new(out: W, complain: &'d mut dyn FnMut(Complaint)) -> Self {
        Self {
            salvage: None,
            out,
            buffer: Vec::with_capacity(2 * BUFFER),
            writes: 0,
            whole: WHOLE,
            complain,
        }
    }

    /// Long values of more than `bytes` are written chunk by chunk, and read once more before that
    /// to see whether they can be; 1 MiB unless told otherwise.
    #[must_use]
    pub fn holding(mut self, bytes: u32) -> Self {
        self.whole = bytes;
        self
    }

    /// Reads round damaged parts of the trees of `database` from now on, instead of stopping.
    #[must_use]
    pub fn salvaging(mut self, database: &Database) -> Self {
        self.salvage = Some(Salvage::new(database));
        self
    }

    /// Dumps a table: its head, and every row.
    ///
    /// # Errors
    ///
    /// [`DumpError::Database`] where the table's tree is damaged, unless salvaging: the rows in
    /// front of it were dumped, those behind it were not.
    pub fn table(&mut self, table: &Table) -> Result<Dumped, DumpError> {
        schema::head(&mut self.buffer, table.definition());
        let plan = Plan::new(table.definition());
        let mut dumped = Dumped::default();
        let mut scratch = Vec::new();
        self.leaves(table, None, table.tree(), &mut dumped, |dumper, leaf, line, dumped| {
            let row = Row::new(table, leaf.clone(), line);
            dumped.rows += 1;
            dumper.row(&plan, &row, &mut scratch, dumped)
        })?;
        Ok(dumped)
    }

    /// Dumps every index of a table: its head, and every entry.
    ///
    /// # Errors
    ///
    /// As [`Dumper::table`], with the indexes and their entries.
    pub fn indexes(&mut self, table: &Table) -> Result<Dumped, DumpError> {
        let mut all = Dumped::default();
        let mut failed = None;
        for index in &table.definition().indexes {
            match self.index(table, index) {
                Ok(dumped) => {
                    all.rows += dumped.rows;
                    all.gaps += dumped.gaps;
                }
                // The other indexes are as good as they were.
                Err(DumpError::Database(error)) => failed = failed.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        failed.map_or(Ok(all), |error| Err(error.into()))
    }

    fn index(&mut self, table: &Table, index: &IndexDefinition) -> Result<Dumped, DumpError> {
        schema::index_head(&mut self.buffer, &table.definition().name, index);
        let primary = index.is_primary();
        let pages = table.tree().pages().clone();
        let tree = Tree::new(pages, index.root.page, index.root.objid);
        let mut dumped = Dumped::default();
        self.leaves(table, Some(index), &tree, &mut dumped, |dumper, leaf, line, dumped| {
            let node = tree.node(leaf, line)?;
            dumped.rows += 1;
            let out = &mut dumper.buffer;
            out.extend_from_slice(b"{\"k\":\"");
            writer::hex(out, node.prefix);
            writer::hex(out, node.suffix);
            if !primary {
                out.extend_from_slice(b"\",\"b\":\"");
                writer::hex(out, node.data);
            }
            out.extend_from_slice(b"\"}\n");
            dumper.flush_full()
        })?;
        Ok(dumped)
    }

    /// Goes through the live nodes of a tree.
    fn leaves(
        &mut self,
        table: &Table,
        index: Option<&IndexDefinition>,
        tree: &Tree,
        dumped: &mut Dumped,
        mut each: impl FnMut(&mut Self, &PageRef, usize, &mut Dumped) -> Result<(), DumpError>,
    ) -> Result<(), DumpError> {
        let mut plain = tree.leaves();
        let mut salvaged = self.salvage.as_ref().map(|salvage| salvage.leaves(tree));
        loop {
            let leaf = match &mut salvaged {
                Some(leaves) => match leaves.next() {
                    Some(Ok(leaf)) => leaf,
                    Some(Err(gap)) => {
                        self.left_out(table, index, gap, dumped);
                        continue;
                    }
                    None => return Ok(()),
                },
                None => match plain.next() {
                    Some(leaf) => leaf?,
                    None => return Ok(()),
                },
            };
            for line in 0..leaf.node_count() {
                match tree.node(&leaf, line) {
                    Ok(node) if node.is_deleted() => {}
                    Ok(_) => each(self, &leaf, line, dumped)?,
                    Err(error) if salvaged.is_some() => {
                        let gap = Gap::node(leaf.number(), error);
                        self.left_out(table, index, gap, dumped);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }

    fn left_out(
        &mut self,
        table: &Table,
        index: Option<&IndexDefinition>,
        gap: Gap,
        dumped: &mut Dumped,
    ) {
        dumped.gaps += 1;
        (self.complain)(Complaint::LeftOut {
            table: table.name().to_owned(),
            index: index.map(|index| index.name.clone()),
            gap,
        });
    }

    /// Writes what was gathered, if it is much.
    fn flush_full(&mut self) -> Result<(), DumpError> {
        if self.buffer.len() >= BUFFER {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
            self.writes += 1;
        }
        Ok(())
    }

    /// Writes everything that was gathered.
    ///
    /// # Errors
    ///
    /// [`DumpError::Output`].
    pub fn flush(&mut self) -> Result<(), DumpError> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(self.out.flush()?)
    }
}
