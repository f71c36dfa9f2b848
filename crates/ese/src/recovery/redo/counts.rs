//! What a replay did, in numbers.

use ese_format::LogGeneration;
use ese_format::log::record::RecordKind;

/// What a replay did, in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// The first and the last generation that were replayed.
    pub generations: Option<(LogGeneration, LogGeneration)>,
    /// Records that were read, fillings among them.
    pub records: u64,
    /// Changes of pages that were made.
    pub redone: u64,
    /// Changes that the pages had already.
    pub present: u64,
    /// Changes that were passed over: of sessions whose transaction began before the replay, or of
    /// a time at which the database was not attached.
    pub passed_over: u64,
    /// Records of other databases.
    pub of_others: u64,
    /// Macros that were replayed.
    pub macros: u64,
    /// Macros that were never committed.
    pub open_macros: u64,
    /// Transactions that were committed.
    pub committed: u64,
    /// Transactions that rolled back, or that the undo rolled back.
    pub rolled_back: u64,
    /// Changes that the undo took back.
    pub undone: u64,
    /// Records of each type.
    kinds: Box<[u64; 256]>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            generations: None,
            records: 0,
            redone: 0,
            present: 0,
            passed_over: 0,
            of_others: 0,
            macros: 0,
            open_macros: 0,
            committed: 0,
            rolled_back: 0,
            undone: 0,
            kinds: Box::new([0; 256]),
        }
    }
}

impl Counts {
    /// Another record.
    #[inline]
    pub(crate) fn record(&mut self, kind: RecordKind) {
        self.records += 1;
        if let Some(count) = self.kinds.get_mut(usize::from(kind.0)) {
            *count += 1;
        }
    }

    /// Another log file.
    pub(crate) fn generation(&mut self, generation: LogGeneration) {
        let first = self.generations.map_or(generation, |(first, _)| first);
        self.generations = Some((first, generation));
    }

    /// A change of pages.
    #[inline]
    pub(crate) fn change(&mut self, redone: bool) {
        match redone {
            true => self.redone += 1,
            false => self.present += 1,
        }
    }

    /// The types of records that there were, and how many of each.
    pub fn kinds(&self) -> impl Iterator<Item = (RecordKind, u64)> {
        let numbered = (0..=u8::MAX).zip(self.kinds.iter());
        numbered.filter(|(_, count)| **count > 0).map(|(kind, count)| (RecordKind(kind), *count))
    }
}
