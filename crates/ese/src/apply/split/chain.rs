//! The records of a split, as levels of a path.

use ese_format::log::record::{
    Change, NodeChange, PageRecord, SplitChange, SplitKind, SplitOperation,
};
use ese_format::page::PageFlags;
use ese_format::{DbTime, PageNumber};

use super::is_inserted_alone;
use crate::apply::{ApplyError, impossible};

/// A path of pages, from the topmost one to the lowest that is split.
pub(super) struct Chain<'a> {
    /// Its levels; the lowest one is split.
    pub(super) levels: Vec<Level<'a>>,
    /// The operation on the leaf.
    pub(super) leaf: Option<Leaf<'a>>,
    /// dbtime of the split.
    pub(super) after: DbTime,
}

/// One page of the path.
pub(super) struct Level<'a> {
    pub(super) record: &'a PageRecord<'a>,
    pub(super) change: &'a SplitChange<'a>,
    /// The data of a node that points to the page.
    pub(super) pointer: [u8; 4],
    /// The data of a node that points to the new page.
    pub(super) new_pointer: [u8; 4],
}

/// The operation that the split is for.
pub(super) struct Leaf<'a> {
    pub(super) record: &'a PageRecord<'a>,
    pub(super) change: &'a NodeChange<'a>,
}

impl<'a> Chain<'a> {
    /// Takes the records of a macro apart.
    pub(super) fn read(records: &'a [PageRecord<'a>]) -> Result<Self, ApplyError> {
        let Some(first) = records.first() else {
            return Err(impossible(PageNumber::NULL, "a split without a record"));
        };
        let (after, objid) = (first.after, first.change.objid());
        let (mut levels, mut leaf) = (Vec::with_capacity(4), None);
        for record in records {
            if record.after != after || record.change.objid() != objid {
                return Err(impossible(record.page, "its split is one of several trees or times"));
            }
            match &record.change {
                Change::Split(change) if leaf.is_none() => levels.push(Level {
                    record,
                    change,
                    pointer: record.page.0.to_le_bytes(),
                    new_pointer: change.new.0.to_le_bytes(),
                }),
                Change::Node(_, change) if leaf.is_none() => leaf = Some(Leaf { record, change }),
                _ => return Err(impossible(record.page, "a record that belongs to no split")),
            }
        }
        let chain = Self { levels, leaf, after };
        chain.check()?;
        Ok(chain)
    }

    fn check(&self) -> Result<(), ApplyError> {
        let last = self.levels.len().saturating_sub(1);
        for (index, level) in self.levels.iter().enumerate() {
            let (change, is_last) = (level.change, index == last);
            let is_split = level.is_split();
            let is_leaf = change.new_flags.contains(PageFlags::LEAF);
            let fits = match (is_split, is_last) {
                // Only the topmost page is not split.
                (false, _) => index == 0 && !is_last,
                (true, true) => match &self.leaf {
                    Some(leaf) => is_leaf && leaf.fits(change.operation),
                    None => change.operation == SplitOperation::None,
                },
                (true, false) => !is_leaf && change.operation == SplitOperation::Insert,
            };
            // A root is split down, and is the topmost page; others have one above them that
            // takes their separator.
            let lies = !is_split
                || match change.kind {
                    SplitKind::Vertical => index == 0 && change.split_line == 0,
                    SplitKind::Right => index > 0 && change.split_line > 0,
                    SplitKind::Append => index > 0 && is_last && is_inserted_alone(change),
                };
            let has_separator = index == 0 || !change.parent_key.is_empty();
            if !(fits && lies && has_separator) {
                let page = level.record.page;
                return Err(impossible(page, "its split does not fit those above and below"));
            }
        }
        Ok(())
    }
}

impl Level<'_> {
    /// Whether the page is split and does not only take a separator.
    pub(super) fn is_split(&self) -> bool {
        self.change.new != PageNumber::NULL
    }

    /// Whether the two pages are linked to each other: leaves side by side.
    pub(super) fn is_linked(&self) -> bool {
        self.change.new_flags.contains(PageFlags::LEAF) && self.change.kind != SplitKind::Vertical
    }
}

impl Leaf<'_> {
    fn fits(&self, operation: SplitOperation) -> bool {
        matches!(
            (operation, self.change),
            (SplitOperation::Insert, NodeChange::Insert { .. })
                | (
                    SplitOperation::Replace,
                    NodeChange::Replace { .. } | NodeChange::ReplaceDiff { .. }
                )
                | (
                    SplitOperation::FlagInsertAndReplaceData,
                    NodeChange::FlagInsertAndReplaceData { .. }
                )
        )
    }
}
