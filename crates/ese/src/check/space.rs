//! The space of each tree: what it owns and what of that is free.
//!
//! ```text
//! root page   space header: one extent and a map of its free pages, or
//!             the roots of two trees: owned extents (OE), available extents (AE) behind it
//! OE, AE      a node an extent; their roots' external headers: split buffers
//! ```
//!
//! The space trees are walked like all trees, before the others, so that those can be judged
//! page by page against what their tree owns.
//!
//! Source: ESE `SPACE_HEADER`, `SPLIT_BUFFER` (space.hxx), `space.cxx`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ese_format::PageNumber;
use ese_format::node::{Node, SPLIT_BUFFER_LEN};
use ese_format::page::PageFlags;
use ese_format::space::{SpaceFlags, SpaceHeader};

use super::extents::Span;
use super::page_rules::TYPE_FLAGS;
use super::visit::{LeafVisitor, PartEnd, Visitors};
use super::walk::Walk;
use super::{CheckedTree, Findings, Place, TreeKind, codes};
use crate::{Error, PageRef};

/// The space of one tree.
#[derive(Debug, Default)]
pub(super) struct Space {
    /// Extents that it owns, ascending.
    pub(super) owned: Vec<Span>,
    /// Extents of these that are free, ascending.
    pub(super) available: Vec<Span>,
    /// Pages kept for the space trees.
    pub(super) split: Vec<Span>,
    /// Free pages behind the end of the file, which it may have back one day.
    pub(super) shelved: u64,
    /// Whether all of it could be read.
    pub(super) complete: bool,
}

const KNOWN_FLAGS: SpaceFlags =
    SpaceFlags::MULTIPLE_EXTENTS.union(SpaceFlags::NON_UNIQUE).union(SpaceFlags::SECOND_VERSION);

/// Where the extents of a tree are kept.
struct InTrees {
    owner: usize,
    header: SpaceHeader,
    flags: PageFlags,
}

/// The space of all trees, and the trees that it is kept in.
pub(super) struct Spaces {
    /// In the order of the trees.
    pub(super) spaces: Vec<Space>,
    /// Space trees; the parent of each is its owner.
    pub(super) trees: Vec<CheckedTree>,
    pub(super) pages: u64,
}

/// Reads the space of all trees.
pub(super) fn read(walk: Walk<'_>, trees: &[CheckedTree]) -> Result<Spaces, Error> {
    let findings = walk.rules.findings;
    let last = walk.pages.last_page();
    let mut spaces = Vec::with_capacity(trees.len());
    let mut in_trees = Vec::new();
    for tree in trees {
        let mut space = Space::default();
        if let Some((header, flags)) = read_header(&walk, trees, tree)? {
            if header.owned_extents_root().is_some() {
                in_trees.push(InTrees { owner: tree.number, header, flags });
            } else {
                space = single_extent(tree, &header, last, findings);
            }
        }
        spaces.push(space);
    }
    let mut extents: Vec<CheckedTree> = Vec::new();
    for InTrees { owner, header, .. } in &in_trees {
        let Some(tree) = trees.get(*owner) else { continue };
        let root = header.owned_extents_root().unwrap_or_default();
        let available = PageNumber(root.0.saturating_add(1));
        for (kind, root, name) in
            [(TreeKind::OwnedExtents, root, "OE"), (TreeKind::AvailableExtents, available, "AE")]
        {
            extents.push(space_tree(tree, kind, root, (extents.len(), name)));
        }
    }
    let collector = Collector {
        findings,
        spans: extents.iter().map(|_| Mutex::default()).collect(),
        count: AtomicU64::new(0),
        most: 3 * u64::from(last.0) + 1024,
    };
    let tallies = Walk { visitors: &collector, ..walk }.run(&extents)?;
    let mut spans = collector.spans.into_iter();
    for (InTrees { owner, header, flags }, (pair, tallies)) in
        in_trees.iter().zip(extents.chunks_exact(2).zip(tallies.chunks_exact(2)))
    {
        let (Some(owned), Some(available)) = (spans.next(), spans.next()) else { break };
        let (Some(tree), Some(space)) = (trees.get(*owner), spaces.get_mut(*owner)) else {
            continue;
        };
        let [owned, available] = [owned, available]
            .map(|spans| spans.into_inner().unwrap_or_else(PoisonError::into_inner));
        space.complete = tallies.iter().all(|tally| tally.complete) && !owned.cut && !available.cut;
        space.shelved = available.shelved;
        for tally in tallies {
            if let Some(own) = tally.root_flags
                && own & TYPE_FLAGS != (*flags & TYPE_FLAGS) | PageFlags::SPACE_TREE
            {
                let message = || "a space tree has other type flags than its owner".to_owned();
                findings.add(&codes::TREE_FLAGS, Place::tree(tree), message);
            }
        }
        for (sub, (list, found)) in
            pair.iter().zip([(&mut space.owned, owned), (&mut space.available, available)])
        {
            *list = without_overlap(sub, found.spans, findings);
            split_buffers(&walk, sub, &mut space.split)?;
        }
        if space.complete {
            primary_extent(tree, header, space, findings);
        }
    }
    let pages = tallies.iter().map(|tally| tally.pages).sum();
    Ok(Spaces { spaces, trees: extents, pages })
}

fn space_tree(
    tree: &CheckedTree,
    kind: TreeKind,
    root: PageNumber,
    (number, name): (usize, &str),
) -> CheckedTree {
    let index: Arc<str> = match &tree.index {
        Some(index) => format!("{index}/{name}").into(),
        None => name.into(),
    };
    CheckedTree {
        number,
        kind,
        index: Some(index),
        root,
        parent: Some(tree.number),
        unique: true,
        ..tree.clone()
    }
}

/// The space header of a tree and the flags of its root page; `None` if that cannot be read. What
/// is wrong with the root page as such is said when its tree is walked.
fn read_header(
    walk: &Walk<'_>,
    trees: &[CheckedTree],
    tree: &CheckedTree,
) -> Result<Option<(SpaceHeader, PageFlags)>, Error> {
    let findings = walk.rules.findings;
    let page = match walk.pages.read(tree.root) {
        Ok(page) if page.header().objid == tree.objid => page,
        Err(error @ (Error::Storage(_) | Error::Shrunk { .. })) => return Err(error),
        Ok(_) | Err(_) => return Ok(None),
    };
    let place = || Place::tree(tree).on(tree.root);
    let external = page.external_header();
    // One byte for the fields that follow, space header and number of rows given out.
    let wanted = match external.first() {
        Some(1) => 17,
        Some(3) => 25,
        _ => 16,
    };
    let header =
        SpaceHeader::parse(external).filter(|_| external.len() == 16 || external.len() == wanted);
    let Some(header) = header else {
        let message = || format!("no space header in {} bytes", external.len());
        findings.add(&codes::SPACE_HEADER, place(), message);
        return Ok(None);
    };
    let unknown = header.flags - KNOWN_FLAGS;
    if !unknown.is_empty() {
        let message = || format!("unknown flags {:#x} in the space header", unknown.bits());
        findings.add(&codes::SPACE_HEADER, place(), message);
    }
    let parent = tree.parent.and_then(|parent| trees.get(parent));
    let parent = parent.map_or(PageNumber::NULL, |parent| parent.root);
    if header.parent != parent {
        let message = || format!("its parent is page {}, expected {parent}", header.parent);
        findings.add(&codes::SPACE_PARENT, place(), message);
    }
    let flags = page.flags();
    let non_unique = flags.contains(PageFlags::NON_UNIQUE_KEYS);
    if header.flags.contains(SpaceFlags::NON_UNIQUE) != non_unique {
        let message = || "space header and page flags differ on unique keys".to_owned();
        findings.add(&codes::SPACE_UNIQUE, place(), message);
    }
    Ok(Some((header, flags)))
}

/// The space of a tree of one extent.
fn single_extent(
    tree: &CheckedTree,
    header: &SpaceHeader,
    last: PageNumber,
    findings: &Findings,
) -> Space {
    let place = || Place::tree(tree).on(tree.root);
    if header.flags.contains(SpaceFlags::SECOND_VERSION) {
        let message = || "one extent, in the form for several".to_owned();
        findings.add(&codes::SPACE_HEADER, place(), message);
    }
    let root = tree.root.0;
    let end = root.checked_add(header.pages).filter(|end| header.pages > 0 && *end - 1 <= last.0);
    let Some(end) = end else {
        let message = || format!("a primary extent of {} pages", header.pages);
        findings.add(&codes::SPACE_HEADER, place(), message);
        return Space::default();
    };
    let mut available: Vec<Span> = Vec::new();
    let mut add = |first: u32, last: u32| match available.last_mut() {
        Some(before) if before.last + 1 == first => before.last = last,
        _ => available.push(Span { first, last }),
    };
    for bit in 0..32 {
        if header.map_or_owned_root >> bit & 1 == 0 {
            continue;
        }
        let page = root.saturating_add(1 + bit);
        if page < end {
            add(page, page);
        } else {
            let message = || format!("available page {page} lies outside of the extent");
            findings.add(&codes::SPACE_AVAILABLE, place(), message);
        }
    }
    // The map has no room for pages further on; they are free.
    if header.pages > 33 {
        add(root + 33, end - 1);
    }
    let owned = vec![Span { first: root, last: end - 1 }];
    Space { owned, available, complete: true, ..Space::default() }
}

/// A tree of several extents still has its first.
fn primary_extent(tree: &CheckedTree, header: &SpaceHeader, space: &Space, findings: &Findings) {
    let root = tree.root.0;
    let primary = space.owned.iter().find(|span| span.first == root);
    let pages = u64::from(header.pages);
    let second = header.flags.contains(SpaceFlags::SECOND_VERSION);
    let place = || Place::tree(tree).on(tree.root);
    match primary {
        None => {
            let message = || "no owned extent begins with the root page".to_owned();
            findings.add(&codes::SPACE_PRIMARY, place(), message);
        }
        Some(primary) if !second && primary.len() != pages => {
            findings.add(&codes::SPACE_PRIMARY, place(), || {
                format!("a primary extent of {} pages, the header says {pages}", primary.len())
            });
        }
        Some(_) => {}
    }
}

/// Drops what overlaps from extents that came in any order.
fn without_overlap(tree: &CheckedTree, mut spans: Vec<Span>, findings: &Findings) -> Vec<Span> {
    spans.sort_unstable();
    let mut kept: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match kept.last() {
            Some(before) if before.last >= span.first => {
                let place = Place::tree(tree).on(PageNumber(span.first));
                findings.add(&codes::SPACE_OVERLAP, place, || {
                    let (a, b) = (before, span);
                    format!("extents {}-{} and {}-{} overlap", a.first, a.last, b.first, b.last)
                });
            }
            _ => kept.push(span),
        }
    }
    kept
}

/// Reads the two split buffers in the external header of a space tree's root.
fn split_buffers(walk: &Walk<'_>, tree: &CheckedTree, split: &mut Vec<Span>) -> Result<(), Error> {
    let page = match walk.pages.read(tree.root) {
        Ok(page) => page,
        Err(error @ (Error::Storage(_) | Error::Shrunk { .. })) => return Err(error),
        Err(_) => return Ok(()),
    };
    let external = page.external_header();
    let findings = walk.rules.findings;
    let place = || Place::tree(tree).on(tree.root);
    // Very old files have none.
    if !external.is_empty() && external.len() < SPLIT_BUFFER_LEN {
        let message = || format!("split buffers of {} bytes", external.len());
        findings.add(&codes::SPLIT_BUFFER, place(), message);
    }
    for buffer in external.get(..SPLIT_BUFFER_LEN).unwrap_or_default().chunks_exact(8) {
        let (last, count) = buffer.split_at(4);
        let word = |bytes: &[u8]| bytes.first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
        let (last, count) = (word(last), word(count));
        if count == 0 {
            continue;
        }
        if last > PageNumber::MAX.0 || count > last {
            let message = || format!("a split buffer of {count} pages up to page {last}");
            findings.add(&codes::SPLIT_BUFFER, place(), message);
            continue;
        }
        split.push(Span { first: last - count + 1, last });
    }
    Ok(())
}

/// Collects the extents of space trees.
struct Collector<'a> {
    findings: &'a Findings,
    /// One for each space tree, by its number.
    spans: Vec<Mutex<Found>>,
    count: AtomicU64,
    /// More extents than a database of this size has.
    most: u64,
}

#[derive(Debug, Default)]
struct Found {
    spans: Vec<Span>,
    shelved: u64,
    /// Whether there were too many.
    cut: bool,
}

impl Visitors for Collector<'_> {
    fn visitor(&self, tree: &CheckedTree) -> Option<Box<dyn LeafVisitor + '_>> {
        Some(Box::new(ExtentVisitor {
            collector: self,
            tree: tree.clone(),
            found: Found::default(),
        }))
    }
}

struct ExtentVisitor<'a> {
    collector: &'a Collector<'a>,
    tree: CheckedTree,
    found: Found,
}

impl LeafVisitor for ExtentVisitor<'_> {
    fn leaf(&mut self, page: &PageRef) {
        let collector = self.collector;
        let lines = page.nodes();
        let before = collector.count.fetch_add(lines.node_count() as u64, Ordering::Relaxed);
        if before > collector.most {
            self.found.cut = true;
            let message = || "more extents than a database of this size can have".to_owned();
            let place = Place::tree(&self.tree).on(page.number());
            collector.findings.add(&codes::SPACE_LIMIT, place, message);
            return;
        }
        for number in 0..lines.node_count() {
            let Ok(line) = lines.line(number) else { continue };
            let parsed = parse(&line.node, &self.tree);
            let place = || Place::tree(&self.tree).on(page.number());
            match parsed {
                Err(what) => {
                    let message = || format!("node {number}: {what}");
                    collector.findings.add(&codes::SPACE_NODE, place(), message);
                }
                Ok(_) if line.node.is_deleted() => {}
                Ok(Extent::Span(span)) => self.found.spans.push(span),
                Ok(Extent::Shelved) => self.found.shelved += 1,
                Ok(Extent::None) => {}
            }
        }
    }

    fn finish(self: Box<Self>, _part: &PartEnd) {
        let Some(all) = self.collector.spans.get(self.tree.number) else { return };
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.spans.extend_from_slice(&self.found.spans);
        all.shelved += self.found.shelved;
        all.cut |= self.found.cut;
    }
}

enum Extent {
    Span(Span),
    /// One page behind the end of the file.
    Shelved,
    /// No pages: a mark.
    None,
}

/// Reads a node of a space tree.
fn parse(node: &Node<'_>, tree: &CheckedTree) -> Result<Extent, String> {
    let owned = tree.kind == TreeKind::OwnedExtents;
    let mut key = [0; 5];
    let len = node.key_len();
    for (to, from) in key.iter_mut().zip(node.prefix.iter().chain(node.suffix)) {
        *to = *from;
    }
    let Ok(count) = <[u8; 4]>::try_from(node.data) else {
        return Err(format!("data of {} bytes", node.data.len()));
    };
    let count = u32::from_le_bytes(count);
    let (pool, last) = match (len, key) {
        (4, [a, b, c, d, _]) => (0, u32::from_be_bytes([a, b, c, d])),
        (5, [pool, a, b, c, d]) if !owned && pool & 0x80 != 0 => {
            (pool & 0x7F, u32::from_be_bytes([a, b, c, d]))
        }
        _ => return Err(format!("a key of {len} bytes")),
    };
    if pool > SHELVED || len == 5 && pool == 0 {
        return Err(format!("pool {pool}"));
    }
    if count > last || last > PageNumber::MAX.0 {
        return Err(format!("an extent of {count} pages up to page {last}"));
    }
    match count {
        0 if owned => Err("an owned extent of no pages".to_owned()),
        0 => Ok(Extent::None),
        _ if pool == SHELVED => Ok(Extent::Shelved),
        _ => Ok(Extent::Span(Span { first: last - count + 1, last })),
    }
}

/// The pool of pages behind the end of the file.
const SHELVED: u8 = 2;
