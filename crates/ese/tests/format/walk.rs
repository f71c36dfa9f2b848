//! A database as its leaf nodes, read by nothing but `ese-format`.

use std::collections::{BTreeMap, HashSet};

use ese_format::catalog::{CatalogKind, CatalogRow, layout};
use ese_format::column::{ColumnId, ColumnType};
use ese_format::header::DatabaseHeader;
use ese_format::node::{Node, NodePage};
use ese_format::page::PageFlags;
use ese_format::{PageNumber, PageSize};

/// A database in memory.
pub(crate) struct Walk {
    pub(crate) name: String,
    bytes: Vec<u8>,
    pub(crate) page_size: PageSize,
}

/// A column, as far as a record needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) ty: ColumnType,
    pub(crate) code_page: u16,
    pub(crate) offset: usize,
    pub(crate) len: usize,
}

/// A table and its columns, those of its template too.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) root: PageNumber,
    pub(crate) long_values: Option<PageNumber>,
    pub(crate) columns: BTreeMap<ColumnId, Column>,
    template: Option<String>,
}

impl Walk {
    /// Opens a database; `None` if it was not closed cleanly.
    pub(crate) fn new(name: &str, bytes: Vec<u8>) -> Option<Self> {
        let header = DatabaseHeader::parse(&bytes)?;
        let page_size = header.page_size()?;
        header.is_clean().then(|| Self { name: name.to_owned(), bytes, page_size })
    }

    /// The committed databases, and the clean ones of the corpus.
    pub(crate) fn all() -> Vec<Self> {
        let committed =
            testkit::CLEAN.map(|name| Self::new(name, testkit::database(name)).unwrap());
        let corpus = testkit::corpus().map(testkit::Corpus::databases).unwrap_or_default();
        let corpus = corpus.iter().filter_map(|path| {
            Self::new(&path.display().to_string(), std::fs::read(path).unwrap())
        });
        committed.into_iter().chain(corpus).collect()
    }

    pub(crate) fn large(&self) -> bool {
        self.page_size.is_large()
    }

    fn page(&self, number: PageNumber) -> NodePage<'_> {
        let at = usize::try_from(number.file_offset(self.page_size)).unwrap();
        NodePage::new(&self.bytes[at..at + self.page_size.bytes()]).unwrap()
    }

    /// Calls `see` with every node of the tree's leaves that is not deleted, in the tree's order.
    pub(crate) fn for_each_leaf_node(&self, root: PageNumber, mut see: impl FnMut(Node<'_>)) {
        let (mut stack, mut seen) = (vec![root], HashSet::new());
        while let Some(number) = stack.pop() {
            assert!(seen.insert(number), "{}: page {} twice", self.name, number.0);
            let page = self.page(number);
            let nodes = (0..page.node_count()).map(|index| page.node(index).unwrap());
            if page.header().flags.contains(PageFlags::LEAF) {
                nodes.filter(|node| !node.is_deleted()).for_each(&mut see);
            } else {
                let before = stack.len();
                stack.extend(nodes.map(|node| ese_format::space::child_page(&node).unwrap()));
                stack[before..].reverse();
            }
        }
    }

    /// All tables by object id.
    pub(crate) fn tables(&self) -> BTreeMap<u32, Table> {
        let mut tables: BTreeMap<u32, Table> = BTreeMap::new();
        self.for_each_leaf_node(layout::ROOT, |node| {
            let row = CatalogRow::parse(node.data, self.large()).unwrap();
            let table = tables.entry(row.objid_table).or_default();
            match row.kind {
                CatalogKind::Table => {
                    table.name = row.name_str().into_owned();
                    table.root = row.root().unwrap();
                    table.template = row.template_or_callback.map(|name| name.to_string());
                }
                CatalogKind::LongValue => table.long_values = row.root(),
                CatalogKind::Column => {
                    let Some(ty) = row.column_type() else { return };
                    let column = Column {
                        ty,
                        code_page: row.code_page().unwrap(),
                        offset: row.record_offset.map_or(0, usize::from),
                        len: ty.fixed_len().unwrap_or(row.space_usage.try_into().unwrap()),
                    };
                    table.columns.insert(ColumnId::own(row.fid().unwrap()), column);
                }
                _ => {}
            }
        });
        for objid in [layout::OBJECT, layout::SHADOW_OBJECT] {
            let columns = layout::COLUMNS.iter().map(|column| {
                let len = column.ty.fixed_len().unwrap_or_default();
                let (ty, offset) = (column.ty, column.offset);
                (ColumnId::own(column.fid), Column { ty, code_page: 1252, offset, len })
            });
            tables.get_mut(&objid).unwrap().columns = columns.collect();
        }
        add_template_columns(&mut tables);
        tables
    }
}

fn add_template_columns(tables: &mut BTreeMap<u32, Table>) {
    let by_name: BTreeMap<_, _> =
        tables.values().map(|table| (table.name.clone(), table.columns.clone())).collect();
    for table in tables.values_mut() {
        let Some(template) = &table.template else { continue };
        for (id, column) in &by_name[template] {
            table.columns.insert(ColumnId { template: true, fid: id.fid }, *column);
        }
    }
}
