//! ESE databases: their pages, trees and whole files.
//!
//! * [`Database`], [`Table`], [`Row`], [`Index`]: what is in a database, as typed values;
//!   [`dump`], [`Salvage`]: all of it as JSON, and what is left of a damaged one;
//! * [`Pages`]: single pages, verified, through a cache with a bound; [`Tree`] and [`Cursor`]: the
//!   B+ trees made of them;
//! * [`DatabaseFile`]: a database opened for whole-file work: header by the rule for its two
//!   copies, [`Layout`], trailer;
//! * [`verify::pages`]: every page judged, in parallel, in constant memory;
//! * [`check`]: everything judged, trees, space, catalog, records, indexes;
//! * [`VerifiedReader`]: the file as a backup delivers it, every page verified as it is read;
//! * [`logs`]: which logs a database needs, and where they are; their records, one after the other;
//!   [`logs::chain`] judges them;
//! * [`recovery`]: a database that was not shut down and its logs, brought together: planned,
//!   replayed over an [`overlay`], undone, and read in memory, written elsewhere, or put in place;
//! * [`apply`]: the one way to change pages, by what a log record says.
//!
//! # How it differs from other readers
//!
//! libesedb and its bindings, dissect, impacket and ese-core read ESE databases too. Here
//!
//! * every page is verified when it is read, so damaged bytes never become values, and an error
//!   names the page, the tree and the file;
//! * leaves are found by the pointers from the root, so a broken link between them loses none, and
//!   rows that are flagged as deleted are passed over (dissect and impacket give them);
//! * every column type, page size, compression that is documented, width of long-value ids and
//!   generation of the format is read; what is not decoded comes as [`Value::Opaque`];
//! * memory is bounded: a cache of pages, and a long value is read chunk by chunk;
//! * all of it is safe Rust; values borrow from the page where the page holds them.
//!
//! Invariants: a database file is written by a committed recovery in place and by nothing else;
//! whole-file passes stream and their memory does not depend on the file's size or on how much of
//! it is damaged; every byte read is taken as hostile.

mod aligned;
pub mod apply;
mod catalog;
pub mod check;
mod count;
mod cursor;
mod database;
pub mod dump;
mod error;
mod index;
pub mod logs;
mod long_value;
mod open;
pub mod overlay;
mod owned;
mod page;
mod pages;
mod reader;
pub mod recovery;
mod row;
mod salvage;
mod schema;
mod space;
mod table;
mod tree;
pub mod verify;
pub mod work;

pub use aligned::AlignedBuffer;
pub use catalog::{CatalogProblem, CatalogSource};
pub use count::row_counts;
pub use cursor::Cursor;
pub use database::{DatabaseFile, Layout};
pub use error::{Error, JournalError, UndoLogError};
pub use ese_format::value::Value;
pub use index::{Index, IndexCursor, IndexRows, SeekError};
pub use long_value::{LongValue, LongValueError};
pub use open::{Database, Options as OpenOptions};
pub use owned::{UnknownSpace, UnknownSpaceReason};
pub use page::{Page, PageError};
pub use pages::{DEFAULT_CACHE, PageRef, PageStore, Pages};
pub use reader::{ReadOutcome, VerifiedReader};
pub use row::{Field, Fields, Row, StoredValues};
pub use salvage::{Gap, Salvage};
pub use schema::{Column, IndexDefinition, Schema, TableDefinition, TreeRoot};
pub use space::TreeSpace;
pub use table::{Rows, Table};
pub use tree::{Leaves, MAX_DEPTH, Tree, TreeDamage};
