//! Reading the catalog: from its rows to a [`Schema`].
//!
//! `MSysObjects` is read; if any part of it is damaged, its shadow is read in its place. Only when
//! both are damaged, and the caller wants to salvage what can be, the readable rows of both are
//! joined. Rows that fit nothing are no failure: they are kept as [`CatalogProblem`]s.
//!
//! Source: ESE `cat.cxx`, `fcb.cxx`.

use std::collections::BTreeMap;
use std::sync::Arc;

use ese_format::catalog::{
    CatalogKind, CatalogRow, IndexFieldError, IndexFlags, TableFlags, layout,
};
use ese_format::column::{ColumnClass, ColumnFlags, ColumnId, ColumnType};
use ese_format::text::decode_1252;

use crate::schema::{Column, IndexDefinition, Lookup, Schema, TableDefinition, TreeRoot};
use crate::{Error, Pages, Tree};

/// Which copy of the catalog the schema is from.
#[derive(Debug)]
#[non_exhaustive]
pub enum CatalogSource {
    /// `MSysObjects`.
    Catalog,
    /// The shadow, because the catalog is damaged.
    Shadow(Box<Error>),
    /// What can be read of both, because both are damaged.
    Remains(Vec<Error>),
}

/// Something in the catalog that does not fit, and is left out of the schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogProblem {
    /// A row belongs to a table that is not there.
    #[error("the catalog has a {kind:?} row \"{name}\" of table {objid}, which it does not have")]
    NoTable {
        /// Object id of the table.
        objid: u32,
        /// What the row describes.
        kind: CatalogKind,
        /// Its name.
        name: String,
    },
    /// A tree has no root page.
    #[error("\"{name}\" of table {objid} has no root page")]
    NoRoot {
        /// Object id of the table.
        objid: u32,
        /// Name of the table or index.
        name: String,
    },
    /// A column's number or type is none that can be.
    #[error("column \"{name}\" of table {objid} has number {id} and type {ty}")]
    Column {
        /// Object id of the table.
        objid: u32,
        /// Name of the column.
        name: String,
        /// Its number.
        id: u32,
        /// Number of its type.
        ty: u32,
    },
    /// The definition of an index cannot be read.
    #[error("index \"{name}\" of table {objid}: {source}")]
    Index {
        /// Object id of the table.
        objid: u32,
        /// Name of the index.
        name: String,
        /// What is wrong.
        source: IndexFieldError,
    },
    /// A table's template is not there.
    #[error("the template \"{template}\" of table \"{table}\" is not there")]
    NoTemplate {
        /// Name of the table.
        table: String,
        /// Name of the template.
        template: String,
    },
    /// Tables inherit more columns than any database has.
    #[error("table \"{table}\" inherits too many columns")]
    TooManyColumns {
        /// Name of the table.
        table: String,
    },
}

/// The catalog, read.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) schema: Schema,
    pub(crate) source: CatalogSource,
    pub(crate) problems: Vec<CatalogProblem>,
}

impl Catalog {
    /// Reads the catalog; `salvage`: take what can be read if both copies are damaged.
    pub(crate) fn read(pages: &Arc<Pages>, salvage: bool) -> Result<Self, Error> {
        let error = match Builder::default().strict(pages, layout::OBJECT) {
            Ok(builder) => return Ok(builder.finish(CatalogSource::Catalog)),
            Err(error) => error,
        };
        if let Ok(builder) = Builder::default().strict(pages, layout::SHADOW_OBJECT) {
            return Ok(builder.finish(CatalogSource::Shadow(Box::new(error))));
        }
        if !salvage {
            return Err(error);
        }
        let (mut builder, mut errors) = (Builder::default(), Vec::new());
        // Rows of the catalog come last, so that they count where both copies have one.
        for object in [layout::SHADOW_OBJECT, layout::OBJECT] {
            builder.read(pages, object, |error| {
                errors.extend((errors.len() < LISTED).then_some(error));
                Ok(())
            })?;
        }
        if builder.tables.is_empty() {
            return Err(error);
        }
        Ok(builder.finish(CatalogSource::Remains(errors)))
    }
}

/// Errors that are kept when everything readable is taken.
const LISTED: usize = 100;

/// Columns that tables may inherit in all: far more than any database has, so that a made-up
/// catalog cannot multiply its columns by its tables.
const MOST_INHERITED: usize = 1 << 22;

/// Tables while their rows are being read.
#[derive(Debug, Default)]
struct Builder {
    tables: BTreeMap<u32, Parts>,
    problems: Vec<CatalogProblem>,
}

/// What is known of one table.
#[derive(Debug, Default)]
struct Parts {
    table: Option<TableDefinition>,
    columns: BTreeMap<u16, Column>,
    /// By object id.
    indexes: BTreeMap<u32, IndexDefinition>,
    long_values: Option<TreeRoot>,
    lv_chunk_max: Option<u32>,
    /// A row of something else, by which a missing table is named.
    witness: Option<(CatalogKind, String)>,
}

impl Builder {
    fn strict(mut self, pages: &Arc<Pages>, object: u32) -> Result<Self, Error> {
        self.read(pages, object, Err)?;
        Ok(self)
    }

    /// Reads the rows of one copy; `failed` hears of what cannot be read, and may end it.
    fn read(
        &mut self,
        pages: &Arc<Pages>,
        object: u32,
        mut failed: impl FnMut(Error) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let root = if object == layout::OBJECT { layout::ROOT } else { layout::SHADOW_ROOT };
        let large = pages.page_size().is_large();
        let tree = Tree::new(pages.clone(), root, object);
        for leaf in tree.leaves() {
            let leaf = match leaf {
                Ok(leaf) => leaf,
                Err(error) => {
                    failed(error)?;
                    continue;
                }
            };
            for line in 0..leaf.node_count() {
                let node = match tree.node(&leaf, line) {
                    Ok(node) if node.is_deleted() => continue,
                    Ok(node) => node,
                    Err(error) => {
                        failed(error)?;
                        continue;
                    }
                };
                match CatalogRow::parse(node.data, large) {
                    Ok(row) => self.add(&row),
                    Err(source) => failed(Error::Catalog {
                        path: pages.path().to_owned(),
                        page: leaf.number(),
                        line,
                        source,
                    })?,
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, row: &CatalogRow<'_>) {
        let objid = row.objid_table;
        let name = row.name_str().into_owned();
        let parts = self.tables.entry(objid).or_default();
        if row.kind != CatalogKind::Table && parts.table.is_none() && parts.witness.is_none() {
            parts.witness = Some((row.kind, name.clone()));
        }
        let root = row.root().map(|page| TreeRoot { objid: row.id, page });
        match (row.kind, root) {
            (CatalogKind::Column, _) => match column(row) {
                Ok(Some(column)) => drop(parts.columns.insert(column.id.fid, column)),
                Ok(None) => {}
                Err(problem) => self.problems.push(problem),
            },
            (CatalogKind::Table, Some(root)) => parts.table = Some(table(row, root)),
            (CatalogKind::LongValue, Some(root)) => {
                parts.long_values = Some(root);
                parts.lv_chunk_max = row.lv_chunk_max;
            }
            (CatalogKind::Index, Some(root)) => match index(row, root) {
                Ok(index) => drop(parts.indexes.insert(row.id, index)),
                Err(source) => {
                    self.problems.push(CatalogProblem::Index { objid, name, source });
                }
            },
            (CatalogKind::Table | CatalogKind::LongValue | CatalogKind::Index, None) => {
                self.problems.push(CatalogProblem::NoRoot { objid, name });
            }
            (CatalogKind::Callback | CatalogKind::Other(_), _) => {}
        }
    }

    fn finish(mut self, source: CatalogSource) -> Catalog {
        let mut tables = Vec::with_capacity(self.tables.len());
        for (objid, parts) in std::mem::take(&mut self.tables) {
            match parts.table {
                Some(table) => tables.push(join(
                    table,
                    parts.columns,
                    parts.indexes,
                    &LvParts { root: parts.long_values, chunk_max: parts.lv_chunk_max },
                )),
                None => self.problems.extend(
                    parts.witness.map(|(kind, name)| CatalogProblem::NoTable { objid, kind, name }),
                ),
            }
        }
        self.inherit(&mut tables);
        for table in &mut tables {
            place_fixed_columns(table);
            table.index_columns();
        }
        Catalog { schema: Schema::new(tables), source, problems: self.problems }
    }

    /// Gives derived tables the columns and indexes of their templates.
    fn inherit(&mut self, tables: &mut [TableDefinition]) {
        let names: BTreeMap<String, usize> =
            (0..).zip(&*tables).map(|(i, table)| (table.name.to_lowercase(), i)).collect();
        let mut inherited = 0_usize;
        for index in 0..tables.len() {
            let Some((name, template)) = tables
                .get(index)
                .and_then(|table| Some((table.name.clone(), table.template.clone()?)))
            else {
                continue;
            };
            let found = names.get(&template.to_lowercase()).filter(|found| **found != index);
            let Some(source) = found.and_then(|found| tables.get(*found)) else {
                self.problems.push(CatalogProblem::NoTemplate { table: name, template });
                continue;
            };
            // What the template itself inherited stays out: templates are not derived.
            let is_template = source.flags.contains(TableFlags::TEMPLATE);
            let columns: Vec<Column> = source
                .columns
                .iter()
                .filter(|column| column.id.template == is_template)
                .map(|column| Column {
                    id: ColumnId { template: true, ..column.id },
                    ..column.clone()
                })
                .collect();
            let indexes = source.indexes.clone();
            inherited += columns.len();
            if inherited > MOST_INHERITED {
                self.problems.push(CatalogProblem::TooManyColumns { table: name });
                continue;
            }
            if let Some(table) = tables.get_mut(index) {
                derive(table, columns, &indexes);
            }
        }
    }
}

/// What is known of a table's long values.
struct LvParts {
    root: Option<TreeRoot>,
    chunk_max: Option<u32>,
}

/// Puts a table together, before templates.
fn join(
    mut table: TableDefinition,
    columns: BTreeMap<u16, Column>,
    indexes: BTreeMap<u32, IndexDefinition>,
    long_values: &LvParts,
) -> TableDefinition {
    table.columns = columns.into_values().collect();
    if matches!(table.root.objid, layout::OBJECT | layout::SHADOW_OBJECT) {
        built_in_columns(&mut table.columns);
    }
    if table.flags.contains(TableFlags::TEMPLATE) {
        for column in &mut table.columns {
            column.id.template = true;
            column.unmarked = true;
        }
    }
    table.indexes = indexes.into_values().collect();
    table.indexes.sort_by(|a, b| a.name.cmp(&b.name));
    table.long_values = long_values.root;
    table.lv_chunk_max = table.lv_chunk_max.or(long_values.chunk_max);
    table
}

/// The catalog's own columns lie where engines have it built in, whatever their rows say; files
/// lack the rows of columns that are newer than the engine that made them.
fn built_in_columns(columns: &mut Vec<Column>) {
    for built_in in &layout::COLUMNS {
        match columns.iter_mut().find(|column| column.id.fid == built_in.fid) {
            Some(column) => column.offset = built_in.offset,
            None => columns.push(Column {
                id: ColumnId::own(built_in.fid),
                name: built_in.name.to_owned(),
                ty: built_in.ty,
                flags: ColumnFlags::empty(),
                code_page: 1252,
                size: size_of_type(built_in.ty).unwrap_or_default(),
                offset: built_in.offset,
                default: None,
                callback: None,
                unmarked: false,
                place: 0,
            }),
        }
    }
    columns.sort_by_key(|column| column.id);
}

/// Adds what a table has from its template.
fn derive(table: &mut TableDefinition, mut columns: Vec<Column>, indexes: &[IndexDefinition]) {
    for column in &mut columns {
        let own = ColumnId::own(column.id.fid);
        column.unmarked = table.columns.binary_search_by_key(&own, |own| own.id).is_err();
    }
    table.columns.extend(columns);
    for index in &mut table.indexes {
        if !index.segments.is_empty() {
            continue;
        }
        let name = index.name.to_lowercase();
        if let Some(source) = indexes.iter().find(|index| index.name.to_lowercase() == name) {
            *index = IndexDefinition {
                name: index.name.clone(),
                root: index.root,
                own_flags: index.own_flags,
                density: index.density,
                ..source.clone()
            };
        }
    }
}

/// Fixed columns without an offset of their own follow the one before.
fn place_fixed_columns(table: &mut TableDefinition) {
    let mut order: Vec<(u16, bool, usize)> = (0..)
        .zip(&table.columns)
        .filter(|(_, column)| column.id.class() == ColumnClass::Fixed)
        .map(|(index, column)| (column.id.fid, !column.id.template, index))
        .collect();
    order.sort_unstable();
    let mut next = 4;
    for (_, _, index) in order {
        if let Some(column) = table.columns.get_mut(index) {
            if column.offset == 0 {
                column.offset = next;
            }
            next = column.offset.saturating_add(column.size as usize);
        }
    }
}

fn table(row: &CatalogRow<'_>, root: TreeRoot) -> TableDefinition {
    TableDefinition {
        name: row.name_str().into_owned(),
        root,
        flags: row.table_flags(),
        template: row.template_or_callback.as_ref().map(|text| text.decode_lossy().into_owned()),
        columns: Vec::new(),
        indexes: Vec::new(),
        long_values: None,
        lv_chunk_max: row.lv_chunk_max,
        separate_lv: row.separate_lv(),
        density: row.space_usage,
        first_pages: row.pages_or_locale,
        lookup: Lookup::default(),
    }
}

/// The column of a row; none if it was deleted.
fn column(row: &CatalogRow<'_>) -> Result<Option<Column>, CatalogProblem> {
    if row.column_type_or_root == 0 {
        return Ok(None);
    }
    let (Some(fid), Some(ty)) = (row.fid(), row.column_type()) else {
        return Err(CatalogProblem::Column {
            objid: row.objid_table,
            name: row.name_str().into_owned(),
            id: row.id,
            ty: row.column_type_or_root,
        });
    };
    Ok(Some(Column {
        id: ColumnId::own(fid),
        name: row.name_str().into_owned(),
        ty,
        flags: row.column_flags(),
        code_page: row.code_page().unwrap_or_default(),
        size: size_of_type(ty).unwrap_or(row.space_usage),
        offset: row.record_offset.unwrap_or_default().into(),
        default: row.default_value.map(Into::into),
        callback: row
            .template_or_callback
            .as_ref()
            .map(|text| decode_1252(text.as_bytes()).into_owned()),
        unmarked: false,
        place: 0,
    }))
}

fn size_of_type(ty: ColumnType) -> Option<u32> {
    u32::try_from(ty.fixed_len()?).ok()
}

fn index(row: &CatalogRow<'_>, root: TreeRoot) -> Result<IndexDefinition, IndexFieldError> {
    let flags: IndexFlags = row.index_flags();
    Ok(IndexDefinition {
        name: row.name_str().into_owned(),
        root,
        flags,
        own_flags: flags,
        segments: row.key_segments()?,
        conditions: row.conditional_columns()?,
        key_most: row.key_most,
        var_seg_mac: row.var_seg_mac()?,
        tuple_limits: row.tuple_limits()?,
        locale_id: row.pages_or_locale,
        locale_name: row.locale_name().map(|text| text.decode_lossy().into_owned()),
        lcmap_flags: row.lcmap_flags,
        sort_version: row.sort_version(),
        sort_id: row.sort_id().map(|id| *id.as_bytes()),
        density: row.space_usage,
    })
}
