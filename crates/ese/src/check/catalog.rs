//! The catalog as a list of trees, and whether it agrees with itself, its shadow and the header.
//!
//! Rows come by (table, kind, id): a table, its columns, its indexes, its long values. If
//! `MSysObjects` cannot be read, the list is made from the shadow.
//!
//! Source: ESE `cat.cxx`, `ErrREPAIRCheckCatalog...` (repair.cxx).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ese_format::PageNumber;
use ese_format::catalog::{CatalogKind, CatalogRow, IndexFlags, layout};

use super::{CheckedTree, Findings, Place, TreeKind, codes};
use crate::{Error, Pages, Tree};

/// What the catalog says.
#[derive(Debug)]
pub(super) struct Catalog {
    /// All trees: the database's root first, each table followed by its own.
    pub(super) trees: Vec<CheckedTree>,
    pub(super) tables: u64,
    pub(super) indexes: u64,
    pub(super) columns: u64,
    /// Root of the table that lists all object ids, in newer databases.
    pub(super) objids: Option<(PageNumber, u32)>,
}

/// A table while its rows are read.
#[derive(Debug)]
struct Table {
    name: Arc<str>,
    objid: u32,
    root: PageNumber,
    template: Option<String>,
    columns: BTreeSet<u16>,
    indexes: Vec<Index>,
    long_values: Option<(u32, PageNumber)>,
}

#[derive(Debug)]
struct Index {
    name: Arc<str>,
    objid: u32,
    root: PageNumber,
    flags: IndexFlags,
    columns: Vec<u16>,
}

/// Reads the catalog, or its shadow where that is damaged; `None` if neither can be read.
pub(super) fn read(
    pages: &Arc<Pages>,
    last_objid: u32,
    findings: &Findings,
) -> Result<Option<Catalog>, Error> {
    for (root, objid, name) in [
        (layout::ROOT, layout::OBJECT, "MSysObjects"),
        (layout::SHADOW_ROOT, layout::SHADOW_OBJECT, "MSysObjectsShadow"),
    ] {
        let place = Place { table: Some(name.into()), ..Place::page(root) };
        let mut tables = Tables { findings, place: place.clone(), tables: Vec::new() };
        match tables.read(pages, root, objid) {
            Ok(()) if !tables.tables.is_empty() => {
                if root == layout::SHADOW_ROOT {
                    let message = || "the trees are walked by the shadow".to_owned();
                    findings.add(&codes::SPACE_PARTIAL, place, message);
                }
                return Ok(Some(tables.finish(last_objid)));
            }
            Ok(()) => findings.add(&codes::CATALOG, place, || "it has no tables".to_owned()),
            Err(error @ (Error::Storage(_) | Error::Shrunk { .. } | Error::Cancelled)) => {
                return Err(error);
            }
            Err(error) => findings.add(&codes::CATALOG, place, || without_path(&error)),
        }
    }
    Ok(None)
}

/// An error whose file is known.
pub(super) fn without_path(error: &Error) -> String {
    match error {
        Error::DamagedPage { page, damage, .. } => format!("page {page} is damaged: {damage}"),
        Error::NoSuchPage { page, .. } => format!("page {page} does not exist"),
        Error::Page { page, what, .. } => format!("page {page} cannot be read: {what}"),
        Error::Tree { page, what, .. } => format!("page {page} is damaged: {what}"),
        error => error.to_string(),
    }
}

/// Collects the rows of one copy of the catalog.
struct Tables<'a> {
    findings: &'a Findings,
    place: Place,
    tables: Vec<Table>,
}

impl Tables<'_> {
    fn read(&mut self, pages: &Arc<Pages>, root: PageNumber, objid: u32) -> Result<(), Error> {
        let large = pages.page_size().is_large();
        let mut names = Names::default();
        for leaf in Tree::new(Arc::clone(pages), root, objid).leaves() {
            let leaf = leaf?;
            for number in 0..leaf.node_count() {
                let Some(node) = leaf.node(number) else { continue };
                if node.is_deleted() {
                    continue;
                }
                let catalog = self.place.clone();
                let place = || catalog.clone().on(leaf.number()).at(&node.key());
                match CatalogRow::parse(node.data, large) {
                    Ok(row) => self.row(&row, &place, &mut names),
                    Err(error) => {
                        self.findings.add(&codes::CATALOG_ROW, place(), || error.to_string());
                    }
                }
            }
        }
        Ok(())
    }

    fn row(&mut self, row: &CatalogRow<'_>, place: &dyn Fn() -> Place, names: &mut Names) {
        let name: Arc<str> = row.name_str().into();
        let findings = self.findings;
        let bad = |message: String| findings.add(&codes::CATALOG_ROW, place(), || message);
        if row.kind == CatalogKind::Table {
            let Some(root) = row.root() else {
                return bad(format!("table {name} has no root page"));
            };
            if row.id != row.objid_table {
                bad(format!("table {name} has the ids {} and {}", row.objid_table, row.id));
            }
            names.of_table = Default::default();
            if !names.tables.insert(name.to_lowercase()) {
                let message = || format!("there are two tables called {name}");
                findings.add(&codes::CATALOG_NAME, place(), message);
            }
            self.tables.push(Table {
                name,
                objid: row.objid_table,
                root,
                template: row.template_or_callback.as_ref().map(|t| t.decode_lossy().into_owned()),
                columns: BTreeSet::new(),
                indexes: Vec::new(),
                long_values: None,
            });
            return;
        }
        let Some(table) = self.tables.last_mut().filter(|table| table.objid == row.objid_table)
        else {
            return bad(format!("{name} belongs to table {}, which is not there", row.objid_table));
        };
        let place = || Place { table: Some(Arc::clone(&table.name)), ..place() };
        match row.kind {
            CatalogKind::Column => {
                // A deleted column has no type; its number is not given out again.
                if row.column_type_or_root == 0 {
                    return;
                }
                let Some(fid) = row.fid().filter(|_| row.column_type().is_some()) else {
                    let (id, ty) = (row.id, row.column_type_or_root);
                    let message = || format!("column {name} has number {id} and type {ty}");
                    return findings.add(&codes::CATALOG_COLUMN, place(), message);
                };
                if !names.of_table.insert(("column", name.to_lowercase())) {
                    let message = || format!("there are two columns called {name}");
                    findings.add(&codes::CATALOG_NAME, place(), message);
                }
                table.columns.insert(fid);
            }
            CatalogKind::Index => {
                if !names.of_table.insert(("index", name.to_lowercase())) {
                    let message = || format!("there are two indexes called {name}");
                    findings.add(&codes::CATALOG_NAME, place(), message);
                }
                let segments = row.key_segments();
                let conditions = row.conditional_columns();
                let (Some(root), Ok(segments), Ok(conditions)) = (row.root(), segments, conditions)
                else {
                    let message = || format!("index {name} has no root page or key that can be");
                    return findings.add(&codes::CATALOG_INDEX, place(), message);
                };
                let flags = row.index_flags();
                if segments.is_empty() && !flags.contains(IndexFlags::DERIVED_INDEX) {
                    let message = || format!("index {name} has no key columns");
                    findings.add(&codes::CATALOG_INDEX, place(), message);
                }
                let columns = segments
                    .iter()
                    .map(|segment| segment.column.fid)
                    .chain(conditions.iter().map(|condition| condition.column.fid));
                let columns = columns.collect();
                table.indexes.push(Index { name, objid: row.id, root, flags, columns });
            }
            CatalogKind::LongValue => match row.root() {
                Some(root) if table.long_values.is_none() => {
                    table.long_values = Some((row.id, root));
                }
                Some(_) => bad(format!("table {} has two trees of long values", table.name)),
                None => bad(format!("the long values of {} have no root page", table.name)),
            },
            CatalogKind::Callback => {}
            other => bad(format!("{name} is of the unknown kind {}", other.number())),
        }
    }

    /// Judges the tables together and lists their trees.
    fn finish(self, last_objid: u32) -> Catalog {
        let mut catalog = Catalog {
            trees: vec![CheckedTree {
                number: 0,
                kind: TreeKind::Database,
                table: None,
                index: None,
                root: PageNumber::ROOT,
                objid: layout::DATABASE_OBJECT,
                table_objid: layout::DATABASE_OBJECT,
                parent: None,
                unique: true,
            }],
            tables: self.tables.len() as u64,
            indexes: 0,
            columns: 0,
            objids: None,
        };
        self.system_tables();
        let by_name: BTreeMap<String, &Table> =
            self.tables.iter().map(|table| (table.name.to_lowercase(), table)).collect();
        for table in &self.tables {
            let template = table.template.as_ref().and_then(|t| by_name.get(&t.to_lowercase()));
            self.index_columns(table, template.copied());
            catalog.columns += table.columns.len() as u64;
            catalog.indexes += table.indexes.len() as u64;
            if &*table.name == "MSysObjids" {
                catalog.objids = Some((table.root, table.objid));
            }
            catalog.add(table, self.findings);
        }
        self.objids(&catalog, last_objid);
        catalog
    }

    fn system_tables(&self) {
        for (name, objid, root) in [
            ("MSysObjects", layout::OBJECT, layout::ROOT),
            ("MSysObjectsShadow", layout::SHADOW_OBJECT, layout::SHADOW_ROOT),
        ] {
            let found = self.tables.iter().find(|table| &*table.name == name);
            let message = match found {
                None => format!("{name} is not in the catalog"),
                Some(table) if table.root != root || table.objid != objid => {
                    let (found, own) = (table.root, table.objid);
                    format!("{name} is object {own} at page {found}, expected {objid} at {root}")
                }
                Some(_) => continue,
            };
            self.findings.add(&codes::CATALOG, self.place.clone(), || message);
        }
    }

    fn index_columns(&self, table: &Table, template: Option<&Table>) {
        let place = || Place { table: Some(Arc::clone(&table.name)), ..Place::default() };
        let known = |fid: &u16| {
            table.columns.contains(fid) || template.is_some_and(|t| t.columns.contains(fid))
        };
        let primary = table.indexes.iter().filter(|i| i.flags.contains(IndexFlags::PRIMARY));
        if primary.count() > 1 {
            let message = || "there is more than one primary index".to_owned();
            self.findings.add(&codes::CATALOG_INDEX, place(), message);
        }
        for index in &table.indexes {
            let name = &index.name;
            for fid in index.columns.iter().filter(|fid| !known(fid)) {
                let message = || format!("index {name} uses column {fid}, which is not there");
                self.findings.add(&codes::CATALOG_INDEX, place(), message);
            }
            if index.flags.contains(IndexFlags::PRIMARY)
                && (index.root, index.objid) != (table.root, table.objid)
            {
                self.findings.add(&codes::CATALOG_INDEX, place(), || {
                    let (objid, root) = (index.objid, index.root);
                    format!("primary index {name} is object {objid} at page {root}, not the table")
                });
            }
        }
    }

    fn objids(&self, catalog: &Catalog, last_objid: u32) {
        let mut seen: BTreeMap<u32, &CheckedTree> = BTreeMap::new();
        for tree in &catalog.trees {
            if let Some(other) = seen.insert(tree.objid, tree) {
                self.findings.add(&codes::CATALOG_OBJID, Place::tree(tree), || {
                    format!("object id {} is that of {} too", tree.objid, Place::tree(other))
                });
            }
            if tree.objid > last_objid {
                self.findings.add(&codes::CATALOG_OBJID, Place::tree(tree), || {
                    format!("object id {} is above the header's {last_objid}", tree.objid)
                });
            }
        }
    }
}

/// Names that were given.
#[derive(Default)]
struct Names {
    tables: BTreeSet<String>,
    of_table: BTreeSet<(&'static str, String)>,
}

impl Catalog {
    fn add(&mut self, table: &Table, findings: &Findings) {
        let number = self.trees.len();
        if number >= MOST_TREES {
            let message = || format!("trees beyond {MOST_TREES} are not walked");
            findings.add(&codes::SPACE_PARTIAL, Place::file(), message);
            return;
        }
        let tree = CheckedTree {
            number,
            kind: TreeKind::Table,
            table: Some(Arc::clone(&table.name)),
            index: None,
            root: table.root,
            objid: table.objid,
            table_objid: table.objid,
            parent: Some(0),
            unique: true,
        };
        for index in table.indexes.iter().filter(|i| !i.flags.contains(IndexFlags::PRIMARY)) {
            self.trees.push(CheckedTree {
                number: 0,
                kind: TreeKind::Index,
                index: Some(Arc::clone(&index.name)),
                root: index.root,
                objid: index.objid,
                parent: Some(number),
                unique: index.flags.contains(IndexFlags::UNIQUE),
                ..tree.clone()
            });
        }
        if let Some((objid, root)) = table.long_values {
            self.trees.push(CheckedTree {
                number: 0,
                kind: TreeKind::LongValues,
                index: Some("LV".into()),
                root,
                objid,
                parent: Some(number),
                ..tree.clone()
            });
        }
        self.trees.insert(number, tree);
        for (at, tree) in self.trees.iter_mut().enumerate().skip(number) {
            tree.number = at;
        }
    }
}

/// Trees that are walked: more than any database has, and few enough to keep a list of.
const MOST_TREES: usize = 200_000;
