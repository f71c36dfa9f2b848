//! What `tables` says: the JSON form, and the text made from it.

use ese::{Column, Database, Error, IndexDefinition, TableDefinition, TreeRoot, TreeSpace};
use serde::Serialize;

use crate::output::human::{Style, size};

/// The tables of a database.
#[derive(Debug, Serialize)]
pub(crate) struct DatabaseTables {
    ok: bool,
    path: String,
    state: Option<String>,
    page_size: u32,
    catalog: &'static str,
    tables: Vec<TableFacts>,
}

/// A table.
#[derive(Debug, Serialize)]
struct TableFacts {
    name: String,
    objid: u32,
    root: u32,
    system: bool,
    flags: Vec<String>,
    template: Option<String>,
    rows: Option<u64>,
    rows_error: Option<String>,
    #[serde(flatten)]
    space: SpaceFacts,
    density: u32,
    chunk_size: Option<u32>,
    columns: Vec<ColumnFacts>,
    indexes: Vec<IndexFacts>,
    long_values: Option<TreeFacts>,
}

/// What a tree owns; null if its space trees cannot be read.
#[derive(Debug, Serialize)]
struct SpaceFacts {
    owned_pages: Option<u64>,
    available_pages: Option<u64>,
    bytes: Option<u64>,
    space_error: Option<String>,
}

#[derive(Debug, Serialize)]
struct ColumnFacts {
    name: String,
    id: u32,
    #[serde(rename = "type")]
    ty: &'static str,
    code_page: Option<u16>,
    max: u32,
    flags: Vec<String>,
    default: Option<String>,
    callback: Option<String>,
}

#[derive(Debug, Serialize)]
struct IndexFacts {
    name: String,
    objid: u32,
    root: u32,
    primary: bool,
    flags: Vec<String>,
    key: Vec<String>,
    conditions: Vec<String>,
    max_key: u16,
    max_segment: Option<u16>,
    locale: Option<String>,
    #[serde(flatten)]
    space: SpaceFacts,
}

#[derive(Debug, Serialize)]
struct TreeFacts {
    objid: u32,
    root: u32,
    #[serde(flatten)]
    space: SpaceFacts,
}

impl DatabaseTables {
    /// `counts`: the rows of each table, where they were counted.
    pub(crate) fn of(database: &Database, counts: Vec<Option<Result<u64, Error>>>) -> Self {
        let tables = database.schema().tables().iter().zip(counts);
        let tables: Vec<TableFacts> =
            tables.map(|(table, rows)| TableFacts::of(database, table, rows)).collect();
        Self {
            ok: tables.iter().all(|table| table.rows_error.is_none()),
            path: database.path().display().to_string(),
            state: database.state().map(|state| state.to_string()),
            page_size: database.pages().page_size().get(),
            catalog: match database.catalog_source() {
                ese::CatalogSource::Catalog => "catalog",
                ese::CatalogSource::Shadow(_) => "shadow",
                _ => "remains",
            },
            tables,
        }
    }

    /// Whether every table could be read to its end.
    pub(crate) fn is_complete(&self) -> bool {
        self.ok
    }

    /// What could not be read.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for table in &self.tables {
            let errors = [&table.rows_error, &table.space.space_error];
            let errors = errors.into_iter().flatten();
            warnings.extend(errors.map(|error| format!("table {}: {error}", table.name)));
        }
        warnings
    }

    pub(crate) fn text(&self, style: Style) -> String {
        let mut text = style.title(&self.path);
        let width = self.tables.iter().map(|table| table.name.chars().count()).max();
        let width = width.unwrap_or_default().max(5);
        text.push_str(&format!(
            "\n  {:width$}  {:>6} {:>7} {:>9} {:>8} {:>8} {:>10} {:>7} {:>7}",
            "table", "objid", "root", "rows", "pages", "free", "size", "columns", "indexes"
        ));
        let number = |value: Option<u64>| value.map_or("?".to_owned(), |value| value.to_string());
        for table in &self.tables {
            let space = &table.space;
            text.push_str(&format!(
                "\n  {:width$}  {:>6} {:>7} {:>9} {:>8} {:>8} {:>10} {:>7} {:>7}",
                table.name,
                table.objid,
                table.root,
                number(table.rows),
                number(space.owned_pages),
                number(space.available_pages),
                space.bytes.map_or("?".to_owned(), size),
                table.columns.len(),
                table.indexes.len(),
            ));
        }
        text
    }
}

impl TableFacts {
    fn of(database: &Database, table: &TableDefinition, rows: Option<Result<u64, Error>>) -> Self {
        let (rows, rows_error) = match rows {
            Some(Ok(rows)) => (Some(rows), None),
            Some(Err(error)) => (None, Some(error.to_string())),
            None => (None, None),
        };
        Self {
            name: table.name.clone(),
            objid: table.root.objid,
            root: table.root.page.0,
            system: table.is_system(),
            flags: names(table.flags.iter_names().map(|(name, _)| name)),
            template: table.template.clone(),
            rows,
            rows_error,
            space: SpaceFacts::of(database, table.root),
            density: table.density,
            chunk_size: table.lv_chunk_max,
            columns: table.columns.iter().map(ColumnFacts::of).collect(),
            indexes: table
                .indexes
                .iter()
                .map(|index| IndexFacts::of(database, table, index))
                .collect(),
            long_values: table.long_values.map(|root| TreeFacts {
                objid: root.objid,
                root: root.page.0,
                space: SpaceFacts::of(database, root),
            }),
        }
    }
}

impl SpaceFacts {
    fn of(database: &Database, root: TreeRoot) -> Self {
        match TreeSpace::read(&database.tree(root)) {
            Ok(space) => {
                let pages = space.owned_pages();
                let page_size = u64::from(database.pages().page_size().get());
                Self {
                    owned_pages: Some(pages),
                    available_pages: Some(space.available_pages()),
                    bytes: Some(pages.saturating_mul(page_size)),
                    space_error: None,
                }
            }
            Err(error) => Self {
                owned_pages: None,
                available_pages: None,
                bytes: None,
                space_error: Some(error.to_string()),
            },
        }
    }
}

impl ColumnFacts {
    fn of(column: &Column) -> Self {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            name: column.name().to_owned(),
            id: column.id().number(),
            ty: column.ty().name(),
            code_page: column.ty().is_text().then(|| column.code_page()),
            max: column.size(),
            flags: names(column.flags().iter_names().map(|(name, _)| name)),
            default: column.default_bytes().map(hex),
            callback: column.callback().map(str::to_owned),
        }
    }
}

impl IndexFacts {
    fn of(database: &Database, table: &TableDefinition, index: &IndexDefinition) -> Self {
        let name = |id| table.key_column(id).map_or("?", Column::name);
        let key = index.segments.iter().map(|segment| {
            format!("{}{}", if segment.descending { '-' } else { '+' }, name(segment.column))
        });
        let conditions = index.conditions.iter().map(|condition| {
            let state = if condition.must_be_null { "null" } else { "not null" };
            format!("{} is {state}", name(condition.column))
        });
        Self {
            name: index.name.clone(),
            objid: index.root.objid,
            root: index.root.page.0,
            primary: index.is_primary(),
            flags: names(index.flags.iter_names().map(|(name, _)| name)),
            key: key.collect(),
            conditions: conditions.collect(),
            max_key: index.max_key_len(),
            max_segment: index.var_seg_mac,
            locale: index.locale_name.clone(),
            space: SpaceFacts::of(database, index.root),
        }
    }
}

/// Names of flags, lower case with spaces.
fn names<'a>(flags: impl Iterator<Item = &'a str>) -> Vec<String> {
    flags.map(|flag| flag.to_lowercase().replace('_', " ")).collect()
}
