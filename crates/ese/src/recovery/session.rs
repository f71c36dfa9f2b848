//! Sessions of the instance whose log is replayed.
//!
//! A record says which session wrote it. What a session did before the first transaction that the
//! replay sees beginning is on disk already: the checkpoint never passes the begin of a transaction
//! that is open, or of one with a change that is not written yet. Such records only count.
//!
//! Source: ESE `PIB` (pib.hxx), `ErrLGRICheckRedoConditionInTrx` (logredo.cxx).

use ese_format::log::record::{SessionId, TransactionId};

use super::macros::Macros;
use super::versions::Versions;
use crate::overlay::numbers::PageMap;

/// A session.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// Whether the replay saw one of its transactions begin.
    pub(crate) has_begun: bool,
    /// Number of its transaction.
    pub(crate) begin: TransactionId,
    /// Its open macros.
    pub(crate) macros: Macros,
    /// Its level, and what it can be undone with.
    pub(crate) versions: Versions,
    /// Bytes of its macros and versions when they were last counted.
    counted: usize,
}

/// All sessions, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    all: PageMap<Session>,
}

/// What was open when sessions ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LeftOpen {
    /// Transactions with something to undo.
    pub(crate) transactions: usize,
    /// Macros.
    pub(crate) macros: usize,
}

impl Session {
    /// Begins a transaction, or goes deeper in one.
    pub(crate) fn begin0(&mut self, begin: TransactionId, level: u8) {
        if self.versions.level() == 0 {
            self.begin = begin;
        }
        self.versions.begin(level);
        self.has_begun = true;
    }

    /// Counts its bytes anew in those of all sessions.
    #[inline]
    pub(crate) fn count_memory(&mut self, of_all: &mut usize) {
        let now = self.versions.memory().saturating_add(self.macros.memory());
        *of_all = of_all.saturating_sub(self.counted).saturating_add(now);
        self.counted = now;
    }

    /// A transaction that has changed nothing begins anew.
    pub(crate) fn refresh(&mut self, begin: TransactionId) {
        self.begin = begin;
        self.versions.begin(1);
    }
}

impl Sessions {
    /// The session with this number, new if there is none.
    #[inline]
    pub(crate) fn get(&mut self, id: SessionId) -> &mut Session {
        self.all.entry(u32::from(id.0)).or_default()
    }

    /// Ends all sessions.
    pub(crate) fn reset(&mut self) -> LeftOpen {
        let mut open = LeftOpen::default();
        for session in self.all.values_mut() {
            open.transactions += usize::from(!session.versions.is_empty());
            open.macros += session.macros.clear();
        }
        self.all = PageMap::default();
        open
    }

    /// The sessions in the order of their numbers.
    pub(crate) fn in_order(&mut self) -> Vec<(SessionId, &mut Session)> {
        let numbered = self.all.iter_mut();
        let mut all: Vec<_> = numbered
            .filter_map(|(number, session)| {
                Some((SessionId(u16::try_from(*number).ok()?), session))
            })
            .collect();
        all.sort_by_key(|(id, _)| *id);
        all
    }
}
