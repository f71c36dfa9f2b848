//! Records found again by their values.

use std::path::Path;
use std::sync::Arc;

use ese::{DEFAULT_CACHE, DatabaseFile, Pages};
use ese_format::key::{KeyBuilder, KeyDefinition, KeySource, Request, SearchEnd, SearchError};
use ese_format::record::Record;

use crate::records::Values;
use crate::schema::{Index, Table, each_node, tables};

/// How many searches found what they looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// By all values of the primary index: the record.
    pub(crate) records: u64,
    /// By all values of a secondary index: an entry with exactly these.
    pub(crate) entries: u64,
    /// By the first value only, or its beginning: an entry that begins so.
    pub(crate) beginnings: u64,
}

/// Looks for every record of every table by its values.
pub(crate) fn find_records(path: &Path) -> Found {
    let file = DatabaseFile::open(Arc::new(vfs::os::Os), path).unwrap();
    let pages = Arc::new(Pages::new(Arc::new(file), DEFAULT_CACHE));
    let large = pages.page_size().bytes() > 8192;
    let mut found = Found::default();
    for table in tables(&pages) {
        each_node(table.root.as_ref().unwrap(), |key, data| {
            let record = Record::parse(data, large).unwrap();
            for index in &table.indexes {
                find_by(&table, index, record, key, &mut found);
            }
        });
    }
    found
}

fn find_by(table: &Table, index: &Index, record: Record<'_>, primary: &[u8], found: &mut Found) {
    let Some(definition) = index.definition.as_ref().filter(|d| d.is_exact()) else { return };
    let mut builder = KeyBuilder::new();
    let (mut has_keys, mut values) = (false, Values { table, record });
    builder.for_each_key(definition, &mut values, |_| has_keys = true).unwrap();
    if !has_keys || index.is_tuple {
        return;
    }
    let values = first_values(definition, &mut values);
    let values: Vec<Option<&[u8]>> = values.iter().map(Option::as_deref).collect();
    let mut cursor = index.tree.cursor();
    let key = builder.search_key(definition, &values, SearchEnd::Whole).unwrap();
    assert!(cursor.seek_exact(key).unwrap(), "{}:{} {key:02x?}", table.name, index.name);
    if index.is_primary {
        assert_eq!(key, primary);
        found.records += 1;
    } else {
        found.entries += 1;
    }
    for end in [SearchEnd::Whole, SearchEnd::Beginning] {
        let half = values[0].map(|value| &value[..value.len() / 2]);
        let first = if end == SearchEnd::Whole { values[0] } else { half };
        match builder.search_key(definition, &[first], end) {
            Ok(key) => {
                assert!(cursor.seek(key).unwrap());
                assert!(cursor.node().unwrap().key().starts_with(key), "{}", index.name);
                found.beginnings += 1;
            }
            Err(SearchError::NoBeginning(_) | SearchError::ValueLength { .. }) => {
                assert_eq!(end, SearchEnd::Beginning);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// The first value of each column of an index.
fn first_values(definition: &KeyDefinition, values: &mut Values<'_>) -> Vec<Option<Vec<u8>>> {
    let request = Request { number: 1, limit: usize::MAX };
    let segments = definition.segments().iter();
    let values = segments.map(|segment| {
        let mut scratch = Vec::new();
        let value = values.value(&segment.column, request, &mut scratch).unwrap();
        value.map(<[u8]>::to_vec)
    });
    values.collect()
}
