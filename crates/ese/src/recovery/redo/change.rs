//! Changes of pages that a replay makes, and what it remembers to undo them.

use ese_format::LogPosition;
use ese_format::log::record::{Change, NodeChange, OperationFlags, PageRecord, TreeRef, UndoKind};
use ese_format::node::Node;

use super::ReplayProblem;
use crate::apply::{self, Absence, ApplyError, Before, Operation, Rules};
use crate::overlay::Overlay;
use crate::recovery::redo_map::{Around, MissingPage, PageProblem, RedoMap};
use crate::recovery::versions::{Kind, Origin, Version, Versions};

/// Makes changes of pages.
#[derive(Debug)]
pub(super) struct Changer<'a> {
    pub(super) pages: &'a mut Overlay,
    pub(super) map: RedoMap,
    /// Whether pages may be ahead of the replay.
    pub(super) future: bool,
}

/// Remembers what nodes were before a change.
struct Remember<'a> {
    versions: &'a mut Versions,
    asked: bool,
}

/// For changes that leave no version.
pub(in crate::recovery) struct Forget;

impl apply::Versions for Forget {
    fn before_image(&mut self, _: &PageRecord<'_>, _: Node<'_>) {}
}

impl apply::Versions for Remember<'_> {
    fn before_image(&mut self, record: &PageRecord<'_>, node: Node<'_>) {
        let Change::Node(tree, change) = &record.change else { return };
        let mut origin = origin(record, tree);
        let replace = |new: usize| {
            let max_len = u16::try_from(node.data.len().max(new)).unwrap_or(u16::MAX);
            (Kind::Replace { max_len }, node.data)
        };
        let (kind, before) = match change {
            NodeChange::Replace { data, .. } => replace(data.len()),
            NodeChange::ReplaceDiff { new_len, .. } => replace(usize::from(*new_len)),
            NodeChange::FlagInsertAndReplaceData { node, replace_version } => {
                origin.version = *replace_version;
                replace(node.data.len())
            }
            NodeChange::FlagDelete => (Kind::FlagDelete, &[][..]),
            _ => return,
        };
        self.asked = true;
        self.versions.push_node(origin, kind, [node.prefix, node.suffix], node.data, before);
    }
}

impl Changer<'_> {
    /// Replays one record, or one macro.
    pub(super) fn redo(
        &mut self,
        position: LogPosition,
        operation: &Operation<'_>,
        leaf: Option<&PageRecord<'_>>,
        versions: &mut Versions,
    ) -> Result<bool, ReplayProblem> {
        let leaf = leaf.filter(|record| record.flags.contains(OperationFlags::VERSIONED));
        let Some((record, tree, change)) = leaf.and_then(|record| match &record.change {
            Change::Node(tree, change) => Some((record, tree, change)),
            _ => None,
        }) else {
            return self.apply(position, operation, &mut Forget);
        };
        let origin = origin(record, tree);
        // These have a version whether or not the page needs them.
        match change {
            NodeChange::Insert { node, .. }
            | NodeChange::FlagInsert(node)
            | NodeChange::FlagInsertAndReplaceData { node, .. } => {
                versions.push(origin, Kind::Insert, *node, &[]);
            }
            NodeChange::Delta { bookmark, delta, offset, wide } => {
                let kind = Kind::Delta { delta: *delta, offset: *offset, wide: *wide };
                versions.push(origin, kind, *bookmark, &[]);
            }
            _ => {}
        }
        let mut remember = Remember { versions, asked: false };
        let redone = self.apply(position, operation, &mut remember)?;
        if !remember.asked {
            let version = match change {
                NodeChange::FlagInsertAndReplaceData { replace_version, .. } => *replace_version,
                NodeChange::Replace { .. }
                | NodeChange::ReplaceDiff { .. }
                | NodeChange::FlagDelete => tree.version,
                _ => return Ok(redone),
            };
            versions.defer(version, record.page, record.level);
        }
        Ok(redone)
    }

    /// Replays the undo of an earlier change.
    pub(super) fn undo(
        &mut self,
        position: LogPosition,
        record: &PageRecord<'_>,
        versions: &mut Versions,
    ) -> Result<bool, ReplayProblem> {
        let Change::Node(tree, NodeChange::Undo { bookmark, .. }) = &record.change else {
            return Ok(false);
        };
        let taken = versions.consume(&origin(record, tree), *bookmark);
        let before = taken.as_ref().map_or(Before::Nothing, |version| before(versions, version));
        let operation = Operation::Undo { record, before };
        let redone = self.apply(position, &operation, &mut Forget)?;
        if redone && taken.is_none() {
            return Err(ReplayProblem::VersionMissing { page: record.page, objid: tree.objid });
        }
        versions.trim();
        Ok(redone)
    }

    fn apply(
        &mut self,
        position: LogPosition,
        operation: &Operation<'_>,
        versions: &mut impl apply::Versions,
    ) -> Result<bool, ReplayProblem> {
        let rules = Rules { future: self.future };
        match apply::apply(self.pages, versions, operation, rules) {
            Ok(applied) => Ok(applied.redone),
            Err(error) if self.future => self.go_around(position, operation, versions, error),
            Err(error) => Err(problem(operation, error)),
        }
    }

    /// Replays a change of which some pages are not what it expects, on the others.
    fn go_around(
        &mut self,
        position: LogPosition,
        operation: &Operation<'_>,
        versions: &mut impl apply::Versions,
        mut error: ApplyError,
    ) -> Result<bool, ReplayProblem> {
        let Some(record) = record_of(operation) else { return Err(problem(operation, error)) };
        let mut passed = Vec::new();
        loop {
            let (page, what) = match &error {
                ApplyError::TooOld { page, found, expected, .. } => {
                    (*page, PageProblem::Old { found: *found, expected: *expected })
                }
                ApplyError::Absent { page, what: Absence::BeyondEnd } => {
                    (*page, PageProblem::BeyondEnd)
                }
                ApplyError::Absent { page, what: Absence::Unsound(what) } => {
                    (*page, PageProblem::Unsound(*what))
                }
                _ => return Err(problem(operation, error)),
            };
            if passed.contains(&page) {
                return Err(problem(operation, error));
            }
            let wanted = record.after;
            self.map.enter(page, MissingPage { position, problem: what, wanted });
            passed.push(page);
            let mut around = Around::new(self.pages, &passed, record.change.objid());
            match apply::apply(&mut around, versions, operation, Rules { future: true }) {
                Ok(applied) => return Ok(applied.redone),
                Err(next) => error = next,
            }
        }
    }
}

/// The record that stands for an operation where its problems are told.
fn record_of<'a>(operation: &Operation<'a>) -> Option<&'a PageRecord<'a>> {
    match operation {
        Operation::Record(record) | Operation::Undo { record, .. } => Some(record),
        Operation::Macro(records) => records.last(),
    }
}

fn problem(operation: &Operation<'_>, source: ApplyError) -> ReplayProblem {
    match record_of(operation) {
        Some(record) => {
            ReplayProblem::Apply { page: record.page, objid: record.change.objid(), source }
        }
        None => ReplayProblem::Apply { page: ese_format::PageNumber::NULL, objid: 0, source },
    }
}

/// Where the version of a record comes from.
pub(super) fn origin(record: &PageRecord<'_>, tree: &TreeRef) -> Origin {
    Origin {
        version: tree.version,
        root: tree.root,
        objid: tree.objid,
        unique: record.flags.contains(OperationFlags::UNIQUE),
        level: record.level,
        page: record.page,
    }
}

/// What a version puts back.
pub(in crate::recovery) fn before<'a>(versions: &'a Versions, version: &Version) -> Before<'a> {
    match version.kind {
        Kind::Insert => Before::Insert,
        Kind::Replace { .. } => Before::Replace(versions.before(version)),
        Kind::FlagDelete => Before::FlagDelete,
        Kind::Delta { delta, offset, wide } => Before::Delta { delta, offset, wide },
    }
}

/// What the version of an UndoInfo puts back; none for what has no UndoInfo.
pub(super) fn kind_of_info(undo: UndoKind, max_len: u16) -> Option<Kind> {
    match undo {
        UndoKind::REPLACE => Some(Kind::Replace { max_len }),
        UndoKind::FLAG_DELETE => Some(Kind::FlagDelete),
        _ => None,
    }
}
