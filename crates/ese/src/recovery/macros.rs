//! Records that count together or not at all.
//!
//! The records of a macro are put aside as they come, and are replayed as one when it is
//! committed. One that was never committed touched no page: its pages cannot have been written
//! before its commit was.
//!
//! Source: ESE `PIB::MACRO` (pib.hxx), `ErrLGIStoreLogRec` (logredo.cxx).

use ese_format::DbTime;
use ese_format::log::record::{LogRecord, PageRecord, RecordError};

/// The open macros of a session: seldom more than one.
#[derive(Debug, Default)]
pub(crate) struct Macros {
    open: Vec<Macro>,
    /// One that is done, whose room is used again.
    spare: Option<Macro>,
}

/// A macro: the bytes of its records, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Macro {
    dbtime: DbTime,
    bytes: Vec<u8>,
}

/// A session has more open macros, or longer ones, than any engine makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the open macros of the session have more records than a macro can have")]
pub struct MacroTooLong;

impl Macros {
    /// Whether a macro with this dbtime is open.
    #[inline]
    pub(crate) fn is_open(&self, dbtime: DbTime) -> bool {
        !self.open.is_empty() && self.open.iter().any(|open| open.dbtime == dbtime)
    }

    /// Begins a macro; one with the same dbtime begins anew.
    pub(crate) fn begin(&mut self, dbtime: DbTime) -> Result<(), MacroTooLong> {
        drop(self.end(dbtime));
        if self.open.len() >= MAX_OPEN {
            return Err(MacroTooLong);
        }
        let mut begun = self.spare.take().unwrap_or_default();
        begun.dbtime = dbtime;
        begun.bytes.clear();
        self.open.push(begun);
        Ok(())
    }

    /// Puts a record of an open macro aside.
    pub(crate) fn store(&mut self, dbtime: DbTime, record: &[u8]) -> Result<(), MacroTooLong> {
        let Some(open) = self.open.iter_mut().find(|open| open.dbtime == dbtime) else {
            return Ok(());
        };
        if open.bytes.len().saturating_add(record.len()) > MAX_BYTES {
            return Err(MacroTooLong);
        }
        open.bytes.extend_from_slice(record);
        Ok(())
    }

    /// Takes a macro out.
    pub(crate) fn end(&mut self, dbtime: DbTime) -> Option<Macro> {
        let place = self.open.iter().position(|open| open.dbtime == dbtime)?;
        Some(self.open.swap_remove(place))
    }

    /// Gives the room of a macro that is done back.
    pub(crate) fn recycle(&mut self, done: Macro) {
        if done.bytes.capacity() <= KEPT_BYTES {
            self.spare = Some(done);
        }
    }

    /// Bytes that they take, room that is kept for others among them.
    pub(crate) fn memory(&self) -> usize {
        self.open.iter().chain(&self.spare).map(|one| one.bytes.capacity()).sum()
    }

    /// The dbtimes of the macros that are open.
    pub(crate) fn dbtimes(&self) -> impl Iterator<Item = DbTime> {
        self.open.iter().map(|open| open.dbtime)
    }

    /// Drops all open macros; how many there were.
    pub(crate) fn clear(&mut self) -> usize {
        let open = self.open.len();
        self.open.clear();
        open
    }
}

impl Macro {
    /// Its records that change pages, in their order.
    pub(crate) fn records(&self) -> Result<Vec<PageRecord<'_>>, RecordError> {
        let mut records = Vec::new();
        let mut rest = self.bytes.as_slice();
        while !rest.is_empty() {
            let (record, len) = LogRecord::parse(rest)?;
            if let LogRecord::Page(record) = record {
                records.push(record);
            }
            rest = rest.get(len..).unwrap_or_default();
        }
        Ok(records)
    }
}

/// Macros that a session can have open at once; the engine has one.
const MAX_OPEN: usize = 64;

/// Bytes of all records of a macro: one split for each level of a tree, and a page with each, is
/// far below it.
const MAX_BYTES: usize = 16 << 20;

/// Room that is kept for the next macro.
const KEPT_BYTES: usize = 1 << 17;

#[cfg(test)]
mod tests {
    use ese_format::log::record::NodeChange;

    use super::*;
    use crate::recovery::handmade;

    const TIME: DbTime = DbTime(700);

    #[test]
    fn records_come_back_in_their_order() {
        let mut macros = Macros::default();
        macros.begin(TIME).unwrap();
        macros.begin(DbTime(800)).unwrap();
        assert!(macros.is_open(TIME) && !macros.is_open(DbTime(1)));
        let [third, fourth] = [3, 4].map(|line| {
            let record = handmade::node(line, 1, TIME.0, 0, NodeChange::Delete);
            handmade::bytes(&LogRecord::Page(record))
        });
        macros.store(TIME, &third).unwrap();
        macros.store(DbTime(800), &fourth).unwrap();
        macros.store(DbTime(900), &fourth).unwrap();
        macros.store(TIME, &fourth).unwrap();
        let done = macros.end(TIME).unwrap();
        let lines: Vec<_> = done.records().unwrap().iter().map(|record| record.line).collect();
        assert_eq!(lines, [3, 4]);
        macros.recycle(done);
        assert!(macros.end(TIME).is_none());
        assert_eq!(macros.dbtimes().collect::<Vec<_>>(), [DbTime(800)]);
        assert_eq!(macros.clear(), 1);
    }

    #[test]
    fn a_macro_begins_anew() {
        let mut macros = Macros::default();
        for _ in 0..3 {
            macros.begin(TIME).unwrap();
            macros.store(TIME, b"not a record").unwrap();
        }
        macros.begin(TIME).unwrap();
        assert!(macros.end(TIME).unwrap().records().unwrap().is_empty());
    }

    #[test]
    fn macros_without_end_are_refused() {
        let mut macros = Macros::default();
        macros.begin(TIME).unwrap();
        let record = vec![0; 1 << 20];
        let stored = (0..64).map(|_| macros.store(TIME, &record)).filter(Result::is_ok).count();
        assert_eq!(stored, 16);
        let begun = (0..1000).map(|time| macros.begin(DbTime(time))).filter(Result::is_ok).count();
        assert_eq!(begun, 64);
    }

    #[test]
    fn only_changes_of_pages_are_given() {
        let mut macros = Macros::default();
        macros.begin(TIME).unwrap();
        macros.store(TIME, &handmade::begin0()).unwrap();
        assert!(macros.end(TIME).unwrap().records().unwrap().is_empty());
    }
}
