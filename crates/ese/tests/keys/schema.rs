//! Tables and their indexes, straight from the rows of the catalog.

use std::collections::BTreeMap;
use std::sync::Arc;

use ese::{Pages, Tree};
use ese_format::PageNumber;
use ese_format::catalog::{CatalogKind, CatalogRow, layout};
use ese_format::column::{ColumnClass, ColumnFlags, ColumnId, ColumnType};
use ese_format::key::{Condition, KeyColumn, KeyDefinition, KeyDescription, Segment};

#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) key: KeyColumn,
    pub(crate) offset: usize,
    pub(crate) size: usize,
    pub(crate) default: Option<Vec<u8>>,
    pub(crate) has_callback: bool,
}

#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) is_primary: bool,
    pub(crate) is_tuple: bool,
    pub(crate) tree: Tree,
    /// `None` where a callback of the application gives a value.
    pub(crate) definition: Option<KeyDefinition>,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) template: Option<String>,
    pub(crate) columns: Vec<Column>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) root: Option<Tree>,
    pub(crate) long_values: Option<Tree>,
    pub(crate) lv_chunk: Option<u32>,
}

/// The description of an index, before its columns are known.
struct IndexRow {
    table: u32,
    name: String,
    flags: u32,
    tree: Tree,
    segments: Vec<(ColumnId, bool)>,
    conditions: Vec<(ColumnId, bool)>,
    description: KeyDescription,
}

/// Every table of the database.
pub(crate) fn tables(pages: &Arc<Pages>) -> Vec<Table> {
    let large = pages.page_size().bytes() > 8192;
    let catalog = Tree::new(Arc::clone(pages), layout::ROOT, layout::OBJECT);
    let mut tables: BTreeMap<u32, Table> = BTreeMap::new();
    let mut indexes = Vec::new();
    each_node(&catalog, |_, data| {
        let row = CatalogRow::parse(data, large).unwrap();
        let tree = |objid| Tree::new(Arc::clone(pages), PageNumber(row.column_type_or_root), objid);
        let table = tables.entry(row.objid_table).or_default();
        match row.kind {
            CatalogKind::Table => {
                table.name = row.name.to_string();
                table.template = row.template_or_callback.as_ref().map(ToString::to_string);
                table.root = Some(tree(row.id));
                table.lv_chunk = row.lv_chunk_max;
            }
            CatalogKind::Column => table.columns.extend(column(&row)),
            CatalogKind::Index => indexes.push(index(&row, tree(row.id))),
            CatalogKind::LongValue => table.long_values = Some(tree(row.id)),
            CatalogKind::Callback | CatalogKind::Other(_) => {}
        }
    });
    join_templates(&mut tables, &mut indexes);
    for row in indexes {
        let table = tables.get_mut(&row.table).unwrap();
        let index = define(table, row);
        table.indexes.push(index);
    }
    tables.into_values().filter(|table| table.root.is_some()).collect()
}

/// Calls `each` with key and data of every live node.
pub(crate) fn each_node(tree: &Tree, mut each: impl FnMut(&[u8], &[u8])) {
    for leaf in tree.leaves() {
        let leaf = leaf.unwrap();
        for line in 0..leaf.node_count() {
            let node = leaf.node(line).unwrap();
            if !node.is_deleted() {
                each(&node.key(), node.data);
            }
        }
    }
}

fn column(row: &CatalogRow<'_>) -> Option<Column> {
    let ty = ColumnType::new(row.column_type_or_root)?;
    let flags = row.column_flags();
    let template = flags.contains(ColumnFlags::TEMPLATE_COLUMN);
    let id = ColumnId { template, fid: row.id as u16 };
    let offset = match layout::COLUMNS.iter().find(|column| column.fid == id.fid) {
        // The offsets of the catalog's own columns are built in.
        Some(built_in) if row.objid_table <= layout::SHADOW_OBJECT => built_in.offset,
        _ => row.record_offset.unwrap_or(0).into(),
    };
    let size = ty.fixed_len().unwrap_or(row.space_usage as usize);
    let key = KeyColumn {
        code_page: row.pages_or_locale as u16,
        size: size.try_into().unwrap_or(u16::MAX),
        multi_valued: flags.contains(ColumnFlags::MULTI_VALUED),
        ..KeyColumn::new(id, ty)
    };
    let has_callback = flags.contains(ColumnFlags::USER_DEFINED_DEFAULT);
    let default = row.default_value.map(<[u8]>::to_vec).filter(|_| !has_callback);
    Some(Column { key, offset, size, default, has_callback })
}

fn index(row: &CatalogRow<'_>, tree: Tree) -> IndexRow {
    let segments = row.key_segments().unwrap();
    let conditions = row.conditional_columns().unwrap();
    IndexRow {
        table: row.objid_table,
        name: row.name.to_string(),
        flags: row.flags,
        tree,
        segments: segments.iter().map(|s| (s.column, s.descending)).collect(),
        conditions: conditions.iter().map(|c| (c.column, c.must_be_null)).collect(),
        description: KeyDescription {
            flags: row.flags,
            key_most: row.key_most,
            var_seg_mac: row.var_seg_mac().unwrap(),
            tuples: row.tuple_limits().unwrap().map(Into::into),
            lcmap_flags: row.lcmap_flags.unwrap_or(0),
            ..KeyDescription::default()
        },
    }
}

/// Derived tables have the columns of their template too, and its definitions of indexes.
fn join_templates(tables: &mut BTreeMap<u32, Table>, indexes: &mut [IndexRow]) {
    let by_name: BTreeMap<String, u32> =
        tables.iter().map(|(objid, table)| (table.name.to_lowercase(), *objid)).collect();
    let derived: Vec<(u32, u32)> = tables
        .iter()
        .filter_map(|(objid, table)| {
            let template = table.template.as_ref()?;
            Some((*objid, *by_name.get(&template.to_lowercase())?))
        })
        .collect();
    for (objid, template) in derived {
        let columns = tables[&template].columns.clone();
        tables.get_mut(&objid).unwrap().columns.extend(columns);
        for place in 0..indexes.len() {
            let row = &indexes[place];
            if row.table != objid || !row.segments.is_empty() {
                continue;
            }
            let same = |other: &&IndexRow| other.table == template && other.name == row.name;
            let Some(model) = indexes.iter().find(same) else { continue };
            let segments = model.segments.clone();
            let conditions = model.conditions.clone();
            let description = model.description.clone();
            let row = &mut indexes[place];
            (row.segments, row.conditions, row.description) = (segments, conditions, description);
        }
    }
    for table in tables.values_mut() {
        for (slot, column) in table.columns.iter_mut().enumerate() {
            column.key.slot = slot;
        }
    }
}

fn define(table: &Table, row: IndexRow) -> Index {
    let mut has_callback = false;
    let mut column = |id: ColumnId| {
        let other = ColumnId { template: !id.template, ..id };
        let find = |id| table.columns.iter().find(|column| column.key.id == id);
        let column = find(id).or_else(|| find(other)).unwrap();
        has_callback |= column.has_callback;
        column.key
    };
    let segments = row.segments.iter();
    let segments =
        segments.map(|(id, descending)| Segment { column: column(*id), descending: *descending });
    let segments = segments.collect();
    let conditions = row.conditions.iter();
    let conditions = conditions
        .map(|(id, must_be_null)| Condition { column: column(*id), must_be_null: *must_be_null });
    let conditions = conditions.collect();
    let is_tuple = row.description.tuples.is_some();
    let description = KeyDescription { segments, conditions, ..row.description };
    let definition = KeyDefinition::new(description).unwrap();
    Index {
        is_primary: row.flags & 0x20 != 0,
        is_tuple,
        name: row.name,
        tree: row.tree,
        definition: (!has_callback).then_some(definition),
    }
}

impl Column {
    /// Whether its value lies at a fixed offset, is found by ends, or by the directory.
    pub(crate) fn class(&self) -> ColumnClass {
        self.key.id.class()
    }
}
