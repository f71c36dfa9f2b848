//! The catalog against its shadow, row by row; and against the list of object ids.
//!
//! Both copies are read side by side, so nothing is kept. Rows whose bytes differ are compared by
//! value: a default that is spelled out in the one and not in the other is no difference.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use ese_format::PageNumber;
use ese_format::catalog::{CatalogRow, layout};
use ese_format::column::ColumnId;
use ese_format::record::{Record, StoredValue};

use super::catalog::without_path;
use super::{CheckedTree, Findings, Place, TreeKind, codes};
use crate::{Cursor, Error, Pages, Tree};

/// Compares the catalog with its shadow; the number of rows compared.
pub(super) fn compare(pages: &Arc<Pages>, findings: &Findings) -> Result<u64, Error> {
    let place = || Place { table: Some("MSysObjectsShadow".into()), ..Place::default() };
    let catalog = Tree::new(Arc::clone(pages), layout::ROOT, layout::OBJECT);
    let shadow = Tree::new(Arc::clone(pages), layout::SHADOW_ROOT, layout::SHADOW_OBJECT);
    match compare_trees(&catalog, &shadow, findings, &place) {
        Ok(rows) => Ok(rows),
        Err(error @ (Error::Storage(_) | Error::Shrunk { .. })) => Err(error),
        Err(error) => {
            let message = || format!("they cannot be compared: {}", without_path(&error));
            findings.add(&codes::CATALOG_SHADOW, place(), message);
            Ok(0)
        }
    }
}

fn compare_trees(
    catalog: &Tree,
    shadow: &Tree,
    findings: &Findings,
    place: &dyn Fn() -> Place,
) -> Result<u64, Error> {
    let large = catalog.pages().page_size().is_large();
    let (mut a, mut b) = (catalog.cursor(), shadow.cursor());
    let (mut more_a, mut more_b) = (a.move_next()?, b.move_next()?);
    let mut rows = 0;
    while more_a || more_b {
        let order = match (more_a, more_b) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            _ => a.node()?.cmp_key(&b.node()?.key()),
        };
        let at = |cursor: &Cursor| -> Result<Place, Error> {
            let page = cursor.leaf().map(|(page, _)| page.number()).unwrap_or_default();
            Ok(place().on(page).at(&cursor.node()?.key()))
        };
        match order {
            Ordering::Less => {
                let message = || "the row is missing in the shadow".to_owned();
                findings.add(&codes::CATALOG_SHADOW, at(&a)?, message);
            }
            Ordering::Greater => {
                let message = || "the row is only in the shadow".to_owned();
                findings.add(&codes::CATALOG_SHADOW, at(&b)?, message);
            }
            Ordering::Equal => {
                rows += 1;
                let (left, right) = (a.node()?, b.node()?);
                if left.data != right.data {
                    let rows = [left.data, right.data].map(|data| CatalogRow::parse(data, large));
                    let same = matches!(&rows, [Ok(left), Ok(right)] if left == right);
                    let code =
                        if same { &codes::CATALOG_SHADOW_FORM } else { &codes::CATALOG_SHADOW };
                    let message = || {
                        let how = if same { "stored in another form" } else { "different" };
                        format!("the row is {how} in the shadow")
                    };
                    findings.add(code, at(&b)?, message);
                }
            }
        }
        if order != Ordering::Greater {
            more_a = a.move_next()?;
        }
        if order != Ordering::Less {
            more_b = b.move_next()?;
        }
    }
    Ok(rows)
}

/// Columns of the table `MSysObjids`.
const OBJID: ColumnId = ColumnId::own(256);
const OBJID_TABLE: ColumnId = ColumnId::own(257);
const KIND: ColumnId = ColumnId::own(258);

/// Compares the list of object ids, where a database has one, with the trees.
pub(super) fn compare_objids(
    pages: &Arc<Pages>,
    (root, objid): (PageNumber, u32),
    trees: &[CheckedTree],
    findings: &Findings,
) -> Result<(), Error> {
    let mut wanted: BTreeMap<u32, (u32, u16, &CheckedTree)> = BTreeMap::new();
    for tree in trees {
        let kind = match tree.kind {
            TreeKind::Table => 1,
            TreeKind::Index => 3,
            TreeKind::LongValues => 4,
            _ => continue,
        };
        wanted.insert(tree.objid, (tree.table_objid, kind, tree));
    }
    let place = || Place { table: Some("MSysObjids".into()), ..Place::default() };
    let large = pages.page_size().is_large();
    for leaf in Tree::new(Arc::clone(pages), root, objid).leaves() {
        let leaf = match leaf {
            Ok(leaf) => leaf,
            Err(error @ (Error::Storage(_) | Error::Shrunk { .. })) => return Err(error),
            // The walk says so.
            Err(_) => return Ok(()),
        };
        for number in 0..leaf.node_count() {
            let Some(node) = leaf.node(number).filter(|node| !node.is_deleted()) else { continue };
            let place = || place().on(leaf.number()).at(&node.key());
            let row = Record::parse(node.data, large).ok().and_then(|record| {
                Some((long(&record, OBJID)?, long(&record, OBJID_TABLE)?, short(&record)?))
            });
            let Some((objid, table, kind)) = row else {
                let message = || "the row has not the columns it must have".to_owned();
                findings.add(&codes::CATALOG_OBJIDS, place(), message);
                continue;
            };
            match wanted.remove(&objid) {
                Some((own_table, own_kind, _)) if (own_table, own_kind) == (table, kind) => {}
                Some((own_table, own_kind, _)) => {
                    findings.add(&codes::CATALOG_OBJIDS, place(), || {
                        format!(
                            "object {objid} is of table {table} and kind {kind}, by the catalog \
                             of table {own_table} and kind {own_kind}"
                        )
                    });
                }
                None => {
                    let message = || format!("object {objid} is not in the catalog");
                    findings.add(&codes::CATALOG_OBJIDS, place(), message);
                }
            }
        }
    }
    for (objid, (_, _, tree)) in wanted {
        let message = || format!("object {objid} is not in MSysObjids");
        findings.add(&codes::CATALOG_OBJIDS, Place::tree(tree), message);
    }
    Ok(())
}

fn plain<'a>(record: &Record<'a>, column: ColumnId) -> Option<&'a [u8]> {
    match record.tagged(column)?.values().ok()?.get(0)? {
        StoredValue::Plain(bytes) => Some(bytes),
        _ => None,
    }
}

fn long(record: &Record<'_>, column: ColumnId) -> Option<u32> {
    Some(u32::from_le_bytes(plain(record, column)?.try_into().ok()?))
}

fn short(record: &Record<'_>) -> Option<u16> {
    Some(u16::from_le_bytes(plain(record, KIND)?.try_into().ok()?))
}
