//! What the trees say, and whether it agrees: records, indexes, long values.
//!
//! ```text
//!                      table's records ----- key of each node = the one its columns make
//!                       |          |
//!        expected keys  |          |  references
//!                       v          v
//!      secondary indexes            long values: roots, chunks
//! ```
//!
//! One pass over the leaves of all trees, on any number of threads, looks at each node by itself
//! and adds what must agree to sums that do not depend on the order. Memory does not grow with the
//! number of nodes. Equal sums prove that two sides agree, but for a chance of about 2^-64 for
//! each index; where they differ an exact pass over that table names each place.
//!
//! Without Windows' tables for sort keys of Unicode text, keys with such text are compared by
//! everything but the sort keys, and these with each other: one text, one sort key.
//!
//! Source: ESE `ErrREPAIRCompareLVRefcounts`, `ErrREPAIRCheckIndex...` (repair.cxx).

mod detail;
mod indexes;
mod long_values;
mod record_values;
mod records;
mod rules;
mod state;
mod sums;
#[cfg(test)]
mod tests;
mod texts;

use crate::Page;
use crate::check::finding::Code;
use detail::Suspect;
use state::TableCheck;

pub use state::{Logical, Statistics};

static UNCOMPARED: Code =
    Code::note("index-uncompared", "nothing, or mend what is said of its tree");

/// Calls `each` with the key and the data of every node of a leaf that is not deleted.
fn each_live_node(leaf: &Page, mut each: impl FnMut(&[u8], &[u8])) {
    let nodes = leaf.nodes();
    let mut key = Vec::new();
    for line in 0..nodes.node_count() {
        let Some(node) = nodes.node(line).filter(|node| !node.is_deleted()) else { continue };
        node.key_into(&mut key);
        each(&key, node.data);
    }
}

impl Logical<'_> {
    /// Compares what was seen of the tables, after all their trees were visited.
    pub fn finish(&self) -> Statistics {
        let mut statistics = Statistics::default();
        for table in &self.tables {
            long_values::join(self, table);
            let mut suspects = Vec::new();
            for number in 0..table.indexes.len() {
                if Some(number) != table.rules.primary {
                    statistics.merge(&self.finish_index(table, number, &mut suspects));
                }
            }
            if !suspects.is_empty() {
                detail::indexes(self, table, &suspects);
            }
            let (complete, agree) = {
                let state = table.lock();
                statistics.merge(&state.statistics);
                let has_lv = table.long_values().is_some();
                let complete =
                    state.records.is_complete() && (!has_lv || state.long_values.is_complete());
                (complete, state.references == state.referred)
            };
            if complete && !agree {
                detail::references(self, table);
            }
        }
        statistics
    }

    /// Compares an index with the records; one that does not agree is a suspect.
    fn finish_index(
        &self,
        table: &TableCheck,
        number: usize,
        suspects: &mut Vec<Suspect>,
    ) -> Statistics {
        let (Some(index), Some(check)) =
            (table.rules.indexes.get(number), table.indexes.get(number))
        else {
            return Statistics::default();
        };
        let mut state = std::mem::take(&mut *check.lock());
        state.statistics.indexes += 1;
        if index.keys.is_err() {
            return state.statistics;
        }
        let place = || table.rules.index_place(number);
        if !state.entries.is_complete() || !table.lock().records.is_complete() {
            self.findings.add(&UNCOMPARED, place(), || {
                "not all pages of the index and of its table could be read, so the entries are not \
                 compared with the records"
                    .to_owned()
            });
            return state.statistics;
        }
        if state.keys_unknown {
            self.findings.add(&UNCOMPARED, place(), || {
                "values of some records are not understood, so the entries are not compared with \
                 the records"
                    .to_owned()
            });
            return state.statistics;
        }
        let odd = texts::odd_sort_keys(state.texts, state.sort_keys);
        state.statistics.uncompared_texts += u64::from(odd.is_none());
        if let Some(odd) = odd.filter(|odd| !odd.is_empty()) {
            detail::odd_texts(self, table, number, &odd);
        }
        if state.expected != state.stored {
            suspects.push(Suspect { number, expected: state.expected });
        }
        state.statistics
    }
}
