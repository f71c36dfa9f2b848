//! What an open transaction can be undone with.
//!
//! Each versioned change of a session leaves a version: the bookmark of its node, and what the
//! node was before. A commit to level 0 drops them all, a commit of an inner level only lets them
//! sink by one level, an undo takes one, a rollback drops what is left of its levels.
//!
//! | change | its version comes from |
//! |---|---|
//! | insertion, delta | the record itself, whether or not the page still needed it |
//! | replacement, deletion | the node before the change; if the page is past it, an UndoInfo |
//!
//! A replacement or deletion whose page was past it is *deferred* until its UndoInfo comes. One
//! that is left when the undo begins has no before-image anywhere: it cannot be undone.
//!
//! Bytes are kept one behind the other and cleared as a whole, so that a transaction costs no
//! allocation of its own. Memory is what the largest open transaction wrote.
//!
//! Source: ESE `RCE`, `VERIInsertRCEIntoSessionList`, `VERRedoPhysicalUndo` (ver.cxx),
//! `ErrLGRIRedoNodeOperation` (logredo.cxx).

use std::collections::{HashMap, HashSet};

use ese_format::PageNumber;
use ese_format::log::record::{NodeImage, UndoKind, VersionId};

#[cfg(test)]
mod tests;

/// What a version puts back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A node came in: it is flagged as deleted.
    Insert,
    /// Data were replaced: they come back.
    Replace {
        /// Most bytes that the data had.
        max_len: u16,
    },
    /// A node was flagged as deleted: it is no longer.
    FlagDelete,
    /// A number was raised: it is lowered.
    Delta {
        /// By how much it was raised.
        delta: i64,
        /// Where in the data.
        offset: u16,
        /// Whether it has eight bytes.
        wide: bool,
    },
}

impl Kind {
    /// The number that records name it with.
    pub(crate) fn undo(self) -> UndoKind {
        match self {
            Self::Insert => UndoKind::INSERT,
            Self::Replace { .. } => UndoKind::REPLACE,
            Self::FlagDelete => UndoKind::FLAG_DELETE,
            Self::Delta { wide: false, .. } => UndoKind::DELTA,
            Self::Delta { wide: true, .. } => UndoKind::DELTA_64,
        }
    }
}

/// The change that a version belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The version's number.
    pub(crate) version: VersionId,
    /// Root page of the tree.
    pub(crate) root: PageNumber,
    /// Object id of the tree.
    pub(crate) objid: u32,
    /// Whether a bookmark of the tree is a key alone.
    pub(crate) unique: bool,
    /// Level at which it was made.
    pub(crate) level: u8,
    /// The page, as it was then.
    pub(crate) page: PageNumber,
}

/// A version: where its bytes lie is known to [`Versions`] only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version {
    pub(crate) origin: Origin,
    pub(crate) kind: Kind,
    /// Whether the log has its before-image.
    pub(crate) is_logged: bool,
    is_live: bool,
    at: usize,
    key_len: usize,
    data_len: usize,
    before_len: usize,
}

/// A replacement or deletion that only its UndoInfo can undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deferred {
    /// The version's number.
    pub(crate) version: VersionId,
    /// The page that is past the change.
    pub(crate) page: PageNumber,
    level: u8,
}

/// Where a level began.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    versions: usize,
    deferred: usize,
}

/// The versions of one session.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    entries: Vec<Version>,
    bytes: Vec<u8>,
    /// One for each open level. What lies behind a mark is at its level or above, but no higher
    /// than the level that it was made at.
    marks: Vec<Mark>,
    deferred: Vec<Deferred>,
    /// Deferred ones that were made good, or undone.
    resolved: HashSet<VersionId>,
    /// The place of each version; made when looking from the end takes too long.
    places: Option<HashMap<VersionId, usize>>,
}

impl Versions {
    /// The level of the session.
    pub(crate) fn level(&self) -> u8 {
        u8::try_from(self.marks.len()).unwrap_or(u8::MAX)
    }

    /// Begins levels until the session is at `level`.
    pub(crate) fn begin(&mut self, level: u8) {
        let mark = Mark { versions: self.entries.len(), deferred: self.deferred.len() };
        if self.marks.len() < usize::from(level) {
            self.marks.resize(usize::from(level), mark);
        }
    }

    /// Commits down to `level`; whether it was the whole transaction.
    pub(crate) fn commit(&mut self, level: u8) -> bool {
        self.marks.truncate(usize::from(level));
        if self.marks.is_empty() {
            self.clear();
        }
        self.marks.is_empty()
    }

    /// Drops what is left of the uppermost levels.
    pub(crate) fn roll_back(&mut self, levels: u8) {
        for _ in 0..levels {
            let Some(mark) = self.marks.pop() else { break };
            let level = self.level();
            let below = |made: u8| made <= level;
            let kept: Vec<Version> = self
                .entries
                .drain(mark.versions.min(self.entries.len())..)
                .filter(|entry| entry.is_live && below(entry.origin.level))
                .collect();
            for entry in kept {
                self.keep(entry);
            }
            let kept: Vec<Deferred> = self
                .deferred
                .drain(mark.deferred.min(self.deferred.len())..)
                .filter(|entry| below(entry.level))
                .collect();
            self.deferred.extend(kept);
            let end = self.entries.last().map_or(0, Version::end);
            self.bytes.truncate(end);
        }
        if self.marks.is_empty() {
            self.clear();
        }
    }

    /// Forgets everything; the session has no transaction.
    pub(crate) fn clear(&mut self) {
        self.marks.clear();
        self.entries.clear();
        self.deferred.clear();
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES {
            (self.entries, self.bytes) = (Vec::new(), Vec::new());
        }
        // Clearing a table costs what it has room for.
        self.places = None;
        if !self.resolved.is_empty() {
            self.resolved = HashSet::new();
        }
    }

    /// Bytes that the versions take, room that is kept for others among them.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity() + self.entries.capacity() * size_of::<Version>()
    }

    /// Whether there is anything to undo.
    pub(crate) fn is_empty(&self) -> bool {
        !self.entries.iter().any(|entry| entry.is_live)
    }

    /// Adds a version, unless the session has no transaction. `before` is what a replacement puts
    /// back.
    pub(crate) fn push(
        &mut self,
        origin: Origin,
        kind: Kind,
        bookmark: NodeImage<'_>,
        before: &[u8],
    ) {
        self.push_parts(origin, kind, [bookmark.key, &[]], bookmark.data, before, false);
    }

    /// The same with the key in two parts, as a page has it.
    pub(crate) fn push_node(
        &mut self,
        origin: Origin,
        kind: Kind,
        key: [&[u8]; 2],
        data: &[u8],
        before: &[u8],
    ) {
        self.push_parts(origin, kind, key, data, before, false);
    }

    fn push_parts(
        &mut self,
        mut origin: Origin,
        kind: Kind,
        key: [&[u8]; 2],
        data: &[u8],
        before: &[u8],
        is_logged: bool,
    ) {
        if self.marks.is_empty() {
            return;
        }
        origin.level = origin.level.clamp(1, self.level());
        let data = if origin.unique { &[] } else { data };
        let at = self.bytes.len();
        for part in [key[0], key[1], data, before] {
            self.bytes.extend_from_slice(part);
        }
        self.keep(Version {
            origin,
            kind,
            is_logged,
            is_live: true,
            at,
            key_len: key[0].len() + key[1].len(),
            data_len: data.len(),
            before_len: before.len(),
        });
    }

    fn keep(&mut self, entry: Version) {
        if let Some(places) = &mut self.places {
            places.insert(entry.origin.version, self.entries.len());
        }
        self.entries.push(entry);
    }

    /// Notes that the page was past a replacement or deletion.
    pub(crate) fn defer(&mut self, version: VersionId, page: PageNumber, level: u8) {
        if !self.marks.is_empty() {
            let level = level.clamp(1, self.level());
            self.deferred.push(Deferred { version, page, level });
        }
    }

    /// Adds the version of an UndoInfo, or notes that the log has what is known already.
    pub(crate) fn complete(
        &mut self,
        origin: Origin,
        kind: Kind,
        bookmark: NodeImage<'_>,
        before: &[u8],
    ) {
        if self.marks.is_empty() {
            return;
        }
        self.resolve(origin.version);
        match self.find(&origin, bookmark) {
            Some(place) => {
                if let Some(entry) = self.entries.get_mut(place) {
                    entry.is_logged = true;
                }
            }
            None => {
                let key = [bookmark.key, &[]];
                self.push_parts(origin, kind, key, bookmark.data, before, true);
            }
        }
    }

    fn resolve(&mut self, version: VersionId) {
        if !self.deferred.is_empty() {
            self.resolved.insert(version);
        }
    }

    /// The place of the version that `origin` and `bookmark` name.
    fn find(&mut self, origin: &Origin, bookmark: NodeImage<'_>) -> Option<usize> {
        let is_it = |entry: &Version| entry.origin.version == origin.version && entry.is_live;
        let near = self.entries.iter().rev().take(NEAR).position(is_it);
        let place = match near {
            Some(back) => self.entries.len().checked_sub(back + 1)?,
            None if self.entries.len() <= NEAR => return None,
            None => *self.places().get(&origin.version)?,
        };
        let entry = self.entries.get(place).filter(|entry| is_it(entry))?;
        let found = self.bookmark(entry);
        let data = if entry.origin.unique { &[] } else { bookmark.data };
        (entry.origin.root == origin.root && found.key == bookmark.key && found.data == data)
            .then_some(place)
    }

    fn places(&mut self) -> &HashMap<VersionId, usize> {
        let entries = &self.entries;
        self.places.get_or_insert_with(|| {
            let all = entries.iter().enumerate();
            all.map(|(place, entry)| (entry.origin.version, place)).collect()
        })
    }

    /// Takes the version that an undo names; it stays readable until the next change.
    pub(crate) fn consume(&mut self, origin: &Origin, bookmark: NodeImage<'_>) -> Option<Version> {
        self.resolve(origin.version);
        let place = self.find(origin, bookmark)?;
        let entry = self.entries.get_mut(place)?;
        entry.is_live = false;
        let taken = *entry;
        let floor = self.marks.last().map_or(0, |mark| mark.versions);
        while self.entries.len() > floor && self.entries.last().is_some_and(|e| !e.is_live) {
            self.entries.pop();
        }
        Some(taken)
    }

    /// Drops the bytes of what was consumed last.
    pub(crate) fn trim(&mut self) {
        let end = self.entries.last().map_or(0, Version::end);
        self.bytes.truncate(end);
    }

    /// The bookmark of a version.
    pub(crate) fn bookmark(&self, version: &Version) -> NodeImage<'_> {
        let data = version.at.saturating_add(version.key_len);
        NodeImage {
            key: self.slice(version.at, version.key_len),
            data: self.slice(data, version.data_len),
        }
    }

    /// What a replacement puts back.
    pub(crate) fn before(&self, version: &Version) -> &[u8] {
        let at = version.at.saturating_add(version.key_len).saturating_add(version.data_len);
        self.slice(at, version.before_len)
    }

    fn slice(&self, at: usize, len: usize) -> &[u8] {
        at.checked_add(len).and_then(|end| self.bytes.get(at..end)).unwrap_or_default()
    }

    /// The versions of the uppermost level, the newest first.
    pub(crate) fn of_last_level(&self) -> Vec<Version> {
        let level = self.level();
        let begin = self.marks.last().map_or(0, |mark| mark.versions);
        let behind = self.entries.get(begin.min(self.entries.len())..).unwrap_or_default();
        let mut found: Vec<Version> = behind
            .iter()
            .filter(|entry| entry.is_live && entry.origin.level >= level)
            .copied()
            .collect();
        // Numbers rise with time and wrap; those of one transaction are close to each other.
        let base = found.first().map_or(0, |entry| entry.origin.version.0) ^ (1 << 31);
        found.sort_by_key(|entry| std::cmp::Reverse(entry.origin.version.0.wrapping_sub(base)));
        found
    }

    /// Deferred changes that were never made good.
    pub(crate) fn unresolved(&self) -> impl Iterator<Item = &Deferred> {
        self.deferred.iter().filter(|entry| !self.resolved.contains(&entry.version))
    }
}

impl Version {
    fn end(&self) -> usize {
        self.at
            .saturating_add(self.key_len)
            .saturating_add(self.data_len)
            .saturating_add(self.before_len)
    }
}

/// Versions that are looked through from the end before all are put into a table.
const NEAR: usize = 8;

/// Room that is kept for the next transaction.
const KEPT_BYTES: usize = 1 << 17;
