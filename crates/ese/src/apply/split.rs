//! Splits of pages.
//!
//! ```text
//! level         record                     pages
//! topmost       takes the separator        parent
//!   ...         is split itself            source, new
//! leaf          is split                   source, new, right sibling
//!               + the node's own record: inserted or replaced on the source or the new page
//! ```
//!
//! | kind | source | new page |
//! |---|---|---|
//! | vertical | the root: one node without a key, which points to the new page | all nodes |
//! | right | the lines before the split line | those from it on |
//! | append | as it is | only the new node |
//!
//! The separator of a level is inserted one level up in front of the pointer to the source, which
//! from then on points to the new page.
//!
//! Source: ESE `ErrLGRIRedoSplit`, `ErrLGIRedoSplitLineinfo` (logredo.cxx), `BTIPerformSplit`,
//! `BTISplitMoveNodes`, `BTIInsertPgnoNewAndSetPgnoSplit` (bt.cxx).

use ese_format::log::record::{
    Change, NodeChange, OperationFlags, PageRecord, SplitChange, SplitKind, SplitOperation,
};
use ese_format::node::{Node, NodeFlags, NodePage};
use ese_format::page::PageFlags;
use ese_format::page_edit::PageEdit;
use ese_format::{PageNumber, PageSize, space};

use super::lines::{Key, Line, lines, put_in};
use super::node::version_flag;
use super::working_set::WorkingSet;
use super::{ApplyError, Rules, Versions, before_image, impossible, is_needed, of_page};
use crate::work::WorkPages;

/// One level.
struct Level<'a> {
    record: &'a PageRecord<'a>,
    split: &'a SplitChange<'a>,
    source_needed: bool,
    new_needed: bool,
    right_needed: bool,
}

/// The node that made the split necessary.
#[derive(Clone, Copy)]
enum Oper<'a> {
    None,
    /// The record of a leaf's node.
    Leaf(&'a PageRecord<'a>, &'a NodeChange<'a>),
    /// The separator of the level below, and the page that it points to.
    Separator(&'a [u8], &'a [u8]),
}

/// Applies a split of one or more levels.
pub(super) fn apply<P: WorkPages, V: Versions>(
    pages: &mut P,
    versions: &mut V,
    records: &[PageRecord<'_>],
    rules: Rules,
) -> Result<bool, ApplyError> {
    let mut set = WorkingSet::new(pages);
    let done = apply_to(&mut set, versions, records, rules);
    set.finish(done)
}

fn apply_to<P: WorkPages, V: Versions>(
    set: &mut WorkingSet<'_, P>,
    versions: &mut V,
    records: &[PageRecord<'_>],
    rules: Rules,
) -> Result<bool, ApplyError> {
    let mut levels = Vec::new();
    let mut leaf = Oper::None;
    for record in records {
        match &record.change {
            Change::Split(split) => levels.push(judge(set, record, split, rules)?),
            Change::Node(_, change) => leaf = Oper::Leaf(record, change),
            _ => return Err(impossible(record.page, "a record that does not belong to a split")),
        }
    }
    let pointers: Vec<[u8; 4]> =
        levels.iter().map(|level| level.record.page.0.to_le_bytes()).collect();
    let mut redone = false;
    for (index, level) in levels.iter().enumerate() {
        let below = levels.get(index + 1);
        if level.split.new == PageNumber::NULL {
            let Some(below) = below else { continue };
            if level.source_needed {
                let mut page = set.edit(level.record.page)?;
                insert_separator(&mut page, level.record, below)?;
                page.set_dbtime(level.record.after);
            }
            continue;
        }
        let is_leaf = level.split.new_flags.contains(PageFlags::LEAF);
        let oper = match (level.split.operation, pointers.get(index + 1), below) {
            (SplitOperation::None, ..) => Oper::None,
            _ if is_leaf => leaf,
            (_, Some(pointer), Some(below)) => Oper::Separator(below.split.parent_key, pointer),
            _ => return Err(impossible(level.record.page, "the level below is not there")),
        };
        redone |= split_level(set, versions, level, oper)? && is_leaf;
        if !is_leaf && let Some(below) = below {
            point_to_new(set, level, below)?;
        }
    }
    Ok(redone)
}

/// Takes the pages of a level and finds out which of them need it.
fn judge<'a, P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    record: &'a PageRecord<'a>,
    split: &'a SplitChange<'a>,
    rules: Rules,
) -> Result<Level<'a>, ApplyError> {
    let need = |set: &mut WorkingSet<'_, P>, page, before| {
        set.take(page)?;
        let needed = is_needed(page, set.dbtime(page)?, before, record.after, rules)?;
        if needed {
            set.belongs(page, split.objid)?;
        }
        Ok::<bool, ApplyError>(needed)
    };
    let source_needed = need(set, record.page, record.before)?;
    let (mut new_needed, mut right_needed) = (false, false);
    if split.new != PageNumber::NULL {
        if split.new == record.page || split.new == split.right {
            return Err(impossible(split.new, "it is split into itself"));
        }
        set.take(split.new)?;
        let is_there = set.dbtime(split.new).is_ok_and(|found| found.0 >= record.after.0);
        new_needed = !(rules.future && is_there);
        if split.right != PageNumber::NULL {
            right_needed = need(set, split.right, split.right_before)?;
        }
    }
    Ok(Level { record, split, source_needed, new_needed, right_needed })
}

/// Splits one page; whether the page of its operation was changed.
fn split_level<P: WorkPages, V: Versions>(
    set: &mut WorkingSet<'_, P>,
    versions: &mut V,
    level: &Level<'_>,
    oper: Oper<'_>,
) -> Result<bool, ApplyError> {
    let Level { record, split, source_needed, new_needed, right_needed } = *level;
    if source_needed || new_needed {
        let size = set.page_size();
        let image;
        let source: &[u8] = if source_needed {
            set.bytes(record.page)?
        } else if needs_image(split) {
            image = before_image::restore(record.page, &split.before_image, size, record.before)?;
            &image
        } else {
            &[]
        };
        let halves = Halves::new(record, split, source, oper)?;
        if is_oper_page_needed(level) {
            halves.remember(versions, oper);
        }
        let new = new_needed.then(|| halves.new_page(record, split, size)).transpose()?;
        let kept = source_needed && split.kind != SplitKind::Append;
        let kept = kept.then(|| halves.source_page(record, split, source)).transpose()?;
        if let Some(new) = new {
            set.renew(split.new, new)?;
        }
        if let Some(kept) = kept {
            set.renew(record.page, kept)?;
        }
    }
    let is_leaf = split.new_flags.contains(PageFlags::LEAF);
    let links = is_leaf && split.kind != SplitKind::Vertical;
    if source_needed {
        let mut page = set.edit(record.page)?;
        if links {
            page.set_next(split.new);
        }
        page.set_dbtime(record.after);
    }
    if new_needed && links {
        let mut page = set.edit(split.new)?;
        page.set_previous(record.page);
        page.set_next(split.right);
    }
    if right_needed {
        let mut page = set.edit(split.right)?;
        if links {
            page.set_previous(split.new);
        }
        page.set_dbtime(record.after);
    }
    Ok(is_oper_page_needed(level))
}

/// Whether the page that the operation is done on needs it.
fn is_oper_page_needed(level: &Level<'_>) -> bool {
    let split = level.split;
    match split.operation {
        SplitOperation::None => level.source_needed,
        _ if split.operation_line < split.split_line => level.source_needed,
        _ => level.new_needed,
    }
}

/// Whether nodes move that the new page cannot get from the record.
fn needs_image(split: &SplitChange<'_>) -> bool {
    let only_oper = split.operation == SplitOperation::Insert
        && split.split_line == split.operation_line
        && u32::from(split.operation_line) + 1 == u32::from(split.lines);
    split.kind != SplitKind::Append && !only_oper
}

/// The nodes of a page that is split, the operation done.
struct Halves<'a> {
    all: Vec<Line<'a>>,
    /// Place of the first line of the new page in `all`.
    middle: usize,
    /// Key of the line whose key is the prefix of the new page.
    new_prefix: Option<Vec<u8>>,
    /// The node that is replaced.
    replaced: Option<Line<'a>>,
}

impl<'a> Halves<'a> {
    fn new(
        record: &PageRecord<'_>,
        split: &SplitChange<'_>,
        source: &'a [u8],
        oper: Oper<'a>,
    ) -> Result<Self, ApplyError> {
        let page = record.page;
        let wrong = |what| impossible(page, what);
        let line = usize::from(split.operation_line);
        let middle = usize::from(split.split_line);
        let mut all = match NodePage::new(source) {
            Some(view) => lines(page, &view)?,
            None => Vec::new(),
        };
        let is_alone = source.is_empty();
        let mut replaced = None;
        match (split.operation, oper) {
            (SplitOperation::None, _) | (_, Oper::None) => {}
            (SplitOperation::Insert, oper) => {
                let node = oper.node().ok_or_else(|| wrong("it has no node to be inserted"))?;
                let line = if is_alone { 0 } else { line };
                if line > all.len() {
                    return Err(wrong("the line of the new node is none of it"));
                }
                all.insert(line, node);
            }
            (_, oper) => {
                let new = oper.node().ok_or_else(|| wrong("it has no data to be replaced"))?;
                let node = all.get_mut(line).ok_or_else(|| wrong("it has no line to replace"))?;
                replaced = Some(*node);
                node.data = new.data;
                node.flags |= new.flags;
                if split.operation == SplitOperation::FlagInsertAndReplaceData {
                    node.flags.remove(NodeFlags::DELETED);
                }
            }
        }
        let middle = if is_alone { 0 } else { middle };
        if !is_alone && all.len() != usize::from(split.lines) || middle > all.len() {
            return Err(wrong("it has another number of lines than the record says"));
        }
        let new_prefix = usize::try_from(split.new_prefix_line)
            .ok()
            .map(|line| all.get(middle.saturating_add(line)).map(|node| node.key.to_vec()));
        let new_prefix = match new_prefix {
            Some(None) => return Err(wrong("the prefix of the new page is none of its keys")),
            Some(prefix) => prefix,
            None => None,
        };
        Ok(Self { all, middle, new_prefix, replaced })
    }

    /// Gives what is replaced to those who remember it.
    fn remember<V: Versions>(&self, versions: &mut V, oper: Oper<'_>) {
        if let (Some(node), Oper::Leaf(record, _)) = (self.replaced, oper)
            && record.flags.contains(OperationFlags::VERSIONED)
        {
            let Key { head, tail } = node.key;
            let (flags, data) = (node.flags, node.data);
            versions.before_image(record, Node { flags, prefix: head, suffix: tail, data });
        }
    }

    fn new_page(
        &self,
        record: &PageRecord<'_>,
        split: &SplitChange<'_>,
        size: PageSize,
    ) -> Result<Vec<u8>, ApplyError> {
        let mut bytes = vec![0; size.bytes()];
        let (number, objid) = (split.new, split.objid);
        let made = PageEdit::init(&mut bytes, number, objid, split.new_flags, record.after);
        let mut page = made.ok_or_else(|| impossible(number, "it has the length of no page"))?;
        if let Some(prefix) = &self.new_prefix {
            page.set_external_header(prefix).map_err(of_page(number))?;
        }
        let moved = self.all.get(self.middle..).unwrap_or_default();
        for (line, node) in moved.iter().enumerate() {
            put_in(&mut page, number, line, *node)?;
        }
        Ok(bytes)
    }

    /// The page that was split, as it is afterwards.
    fn source_page(
        &self,
        record: &PageRecord<'_>,
        split: &SplitChange<'_>,
        source: &[u8],
    ) -> Result<Vec<u8>, ApplyError> {
        let number = record.page;
        let mut bytes = source.to_vec();
        let made = PageEdit::new(&mut bytes);
        let mut page = made.ok_or_else(|| impossible(number, "it has the length of no page"))?;
        page.truncate(0);
        if !page.header().flags.contains(PageFlags::ROOT) {
            page.set_external_header(split.new_prefix).map_err(of_page(number))?;
        }
        let kept = self.all.get(..self.middle).unwrap_or_default();
        for (line, node) in kept.iter().enumerate() {
            put_in(&mut page, number, line, *node)?;
        }
        if split.kind == SplitKind::Vertical {
            let deleted = page.header().flags & PageFlags::FDP_DELETE;
            page.set_flags(split.source_flags | deleted);
            let line = page.view().node_count();
            let data = split.new.0.to_le_bytes();
            let node = Line { flags: NodeFlags::empty(), key: Key::whole(&[]), data: &data };
            put_in(&mut page, number, line, node)?;
        }
        Ok(bytes)
    }
}

impl<'a> Oper<'a> {
    /// The node that it brings; of a replacement only the data count.
    fn node(self) -> Option<Line<'a>> {
        match self {
            Oper::None => None,
            Oper::Separator(key, data) => {
                Some(Line { flags: NodeFlags::empty(), key: Key::whole(key), data })
            }
            Oper::Leaf(record, change) => {
                let flags = version_flag(record);
                let (key, data) = match change {
                    NodeChange::Insert { node, .. }
                    | NodeChange::FlagInsertAndReplaceData { node, .. } => (node.key, node.data),
                    NodeChange::Replace { data, .. } => (&[][..], *data),
                    _ => return None,
                };
                Some(Line { flags, key: Key::whole(key), data })
            }
        }
    }
}

/// Inserts the separator of the level below, and lets the pointer behind it point to the new page.
fn insert_separator(
    page: &mut PageEdit<'_>,
    record: &PageRecord<'_>,
    below: &Level<'_>,
) -> Result<(), ApplyError> {
    let number = record.page;
    let line = line_of(page, usize::from(record.line), below.record.page)
        .ok_or_else(|| impossible(number, "it does not point to the page that was split"))?;
    let data = below.record.page.0.to_le_bytes();
    let key = Key::whole(below.split.parent_key);
    put_in(page, number, line, Line { flags: NodeFlags::empty(), key, data: &data })?;
    let new = below.split.new.0.to_le_bytes();
    page.replace_data(line + 1, &new).map_err(of_page(number))
}

/// The line that points to `child`: `hint`, or another one.
pub(super) fn line_of(page: &PageEdit<'_>, hint: usize, child: PageNumber) -> Option<usize> {
    let view = page.view();
    let points = |line: usize| {
        view.node(line).and_then(|node| space::child_page(&node)).is_some_and(|to| to == child)
    };
    if points(hint) {
        return Some(hint);
    }
    (0..view.node_count()).find(|line| points(*line))
}

/// Lets the pointer behind the separator point to the new page of the level below.
fn point_to_new<P: WorkPages>(
    set: &mut WorkingSet<'_, P>,
    level: &Level<'_>,
    below: &Level<'_>,
) -> Result<(), ApplyError> {
    let line = usize::from(level.split.operation_line) + 1;
    let middle = usize::from(level.split.split_line);
    let (page, line, needed) = match line.checked_sub(middle) {
        Some(line) => (level.split.new, line, level.new_needed),
        None => (level.record.page, line, level.source_needed),
    };
    if needed {
        let data = below.split.new.0.to_le_bytes();
        set.edit(page)?.replace_data(line, &data).map_err(of_page(page))?;
    }
    Ok(())
}
