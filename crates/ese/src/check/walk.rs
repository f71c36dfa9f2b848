//! The walk over trees: from the root down, every page once, in parallel.
//!
//! ```text
//! task     one internal page, with the bounds that its parent gives it:
//!          its children are new tasks, or, if they are leaves,
//! part     the leaves below it, in key order, and what is known of their ends
//! stitch   when all is done: the ends of neighbouring parts against each other
//! ```
//!
//! A page is read round the cache and is taken once: a second pointer to it is a finding and leads
//! nowhere, so the walk ends whatever the file holds. A page that bears another object id is not
//! taken at all; it may be a good page of that other tree.
//!
//! Source: ESE `ErrREPAIRCheckTree...` (repair.cxx), `btcheck` (bt.cxx).

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::atomic::{self, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use ese_format::PageNumber;
use ese_format::node::{Node, NodeFlags, NodePage};
use ese_format::page::PageFlags;
use ese_format::space::child_page;

use super::ownership::Ownership;
use super::page_rules::{NodeAt, PageRules, TYPE_FLAGS};
use super::parts::{Link, Part, Parts};
use super::queue::Queue;
use super::usage::Usage;
use super::visit::{LeafVisitor, PartEnd, Position, Visitors};
use super::{CheckedTree, Place, TreeKind, codes};
use crate::verify::Progress;
use crate::{Error, Page, PageError, PageRef, Pages};

/// What a walk goes by.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a> {
    pub(super) pages: &'a Pages,
    pub(super) rules: PageRules<'a>,
    pub(super) usage: &'a Usage,
    /// Whose page is whose, once that is known.
    pub(super) ownership: Option<&'a Ownership>,
    pub(super) visitors: &'a dyn Visitors,
    pub(super) progress: &'a Meter<'a>,
    /// Takes down the pages that were walked, and the number of their tree.
    pub(super) collected: Option<&'a Mutex<Vec<(PageNumber, usize)>>>,
    pub(super) threads: usize,
}

/// How far the check came, in bytes.
pub(super) struct Meter<'a> {
    pub(super) progress: &'a dyn Progress,
    pub(super) done: AtomicU64,
    pub(super) total: u64,
}

impl Meter<'_> {
    /// `done` bytes are done of what comes first.
    pub(super) fn reached(&self, done: u64) -> ControlFlow<()> {
        self.done.fetch_max(done, atomic::Ordering::Relaxed);
        self.progress.report(done.min(self.total), self.total)
    }

    /// All is done, though the trees have less pages than the file.
    pub(super) fn finish(&self) -> Result<(), Error> {
        self.advance(self.total)
    }

    /// `bytes` more are done.
    pub(super) fn advance(&self, bytes: u64) -> Result<(), Error> {
        let done = self.done.fetch_add(bytes, atomic::Ordering::Relaxed) + bytes;
        match self.progress.report(done.min(self.total), self.total) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Cancelled),
        }
    }
}

/// What a walk saw of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TreeTally {
    pub(super) pages: u64,
    pub(super) leaves: u64,
    pub(super) nodes: u64,
    pub(super) deleted: u64,
    /// Levels, the root's included.
    pub(super) depth: u32,
    /// Whether every page could be visited.
    pub(super) complete: bool,
    /// Flags that all pages have to have; of the root page, once that was read.
    pub(super) root_flags: Option<PageFlags>,
}

impl TreeTally {
    const NEW: Self = Self {
        pages: 0,
        leaves: 0,
        nodes: 0,
        deleted: 0,
        depth: 0,
        complete: true,
        root_flags: None,
    };

    fn add(&mut self, other: &Self) {
        self.pages += other.pages;
        self.leaves += other.leaves;
        self.nodes += other.nodes;
        self.deleted += other.deleted;
        self.depth = self.depth.max(other.depth);
        self.complete &= other.complete;
        self.root_flags = self.root_flags.or(other.root_flags);
    }
}

/// More levels than any tree has.
const MAX_DEPTH: u32 = 10;

/// Bits of a position that one level takes: a page has less than 4096 tags.
const LEVEL_BITS: u32 = 12;

/// Where in a position the line stands that is taken in a page at this depth: the root's line in
/// the highest bits, so that a subtree that cannot be walked stands where its leaves would.
fn level_shift(depth: u32) -> u32 {
    LEVEL_BITS * MAX_DEPTH.saturating_sub(depth + 1)
}

/// Pages between two reports of progress of a thread.
const REPORTED: u64 = 64;

/// One page below which the walk goes on.
struct Task {
    tree: usize,
    page: PageNumber,
    depth: u32,
    position: u128,
    /// The page that points to it, and in which line; nothing for the root.
    above: Option<(Arc<Above>, usize)>,
}

/// An internal page that was judged, and its own bounds.
struct Above {
    page: PageRef,
    lower: Option<Box<[u8]>>,
    upper: Option<Box<[u8]>>,
    type_flags: PageFlags,
}

/// The keys that bound a subtree: from `lower` on, below `upper`; `None` for no bound.
#[derive(Default)]
struct Bounds {
    lower: Key,
    upper: Key,
}

/// A key in a buffer that is used again, or none.
#[derive(Default)]
struct Key {
    bytes: Vec<u8>,
    is_some: bool,
}

impl Key {
    fn get(&self) -> Option<&[u8]> {
        self.is_some.then_some(self.bytes.as_slice())
    }

    fn set(&mut self, key: Option<&[u8]>) {
        self.bytes.clear();
        self.is_some = key.is_some();
        self.bytes.extend_from_slice(key.unwrap_or_default());
    }

    fn set_node(&mut self, node: &Node<'_>) {
        node.key_into(&mut self.bytes);
        self.is_some = true;
    }
}

/// What a thread keeps from task to task.
struct Worker {
    bounds: Bounds,
    scratch: Vec<u8>,
    unreported: u64,
}

/// The trees of one run, and what was seen of them.
struct Run<'a> {
    walk: Walk<'a>,
    trees: &'a [CheckedTree],
    tallies: Vec<Mutex<TreeTally>>,
    parts: Vec<Parts>,
}

impl<'a> Walk<'a> {
    /// Walks over `trees`; what was seen of each, in their order.
    pub(super) fn run(self, trees: &'a [CheckedTree]) -> Result<Vec<TreeTally>, Error> {
        let run = Run {
            walk: self,
            trees,
            tallies: trees.iter().map(|_| Mutex::new(TreeTally::NEW)).collect(),
            parts: trees.iter().map(|_| Parts::default()).collect(),
        };
        let tasks = trees.iter().enumerate().map(|(tree, root)| Task {
            tree,
            page: root.root,
            depth: 0,
            position: 0,
            above: None,
        });
        Queue::new(tasks.collect()).run(
            self.threads,
            || Worker { bounds: Bounds::default(), scratch: Vec::new(), unreported: 0 },
            |worker, task, more| run.task(worker, &task, more),
        )?;
        for (tree, parts) in trees.iter().zip(run.parts) {
            parts.stitch(tree, self.rules.findings);
        }
        let tallies = run.tallies.into_iter();
        Ok(tallies.map(|t| t.into_inner().unwrap_or_else(PoisonError::into_inner)).collect())
    }
}

impl Run<'_> {
    /// Judges one page and what hangs on it.
    fn task(&self, worker: &mut Worker, task: &Task, more: &mut Vec<Task>) -> Result<(), Error> {
        let Some(tree) = self.trees.get(task.tree) else { return Ok(()) };
        let mut tally = TreeTally::NEW;
        let result = self.visit(worker, tree, task, more, &mut tally);
        if let Some(total) = self.tallies.get(task.tree) {
            total.lock().unwrap_or_else(PoisonError::into_inner).add(&tally);
        }
        result
    }

    fn visit(
        &self,
        worker: &mut Worker,
        tree: &CheckedTree,
        task: &Task,
        more: &mut Vec<Task>,
        tally: &mut TreeTally,
    ) -> Result<(), Error> {
        tally.depth = task.depth + 1;
        let above = task.above.as_ref();
        let from = above.map(|(above, line)| (above.page.number(), *line));
        let Some(page) = self.load(worker, tree, task.page, from, tally)? else {
            self.part(task.tree, Part::unknown(task.position));
            return Ok(());
        };
        let type_flags = match above {
            None => {
                self.walk.rules.root(tree, &page);
                page.flags() & TYPE_FLAGS
            }
            Some((above, line)) => {
                self.walk.rules.below_root(tree, &page, above.type_flags);
                worker.bounds.below(above, *line);
                above.type_flags
            }
        };
        if above.is_none() {
            tally.root_flags = Some(page.flags());
            worker.bounds.lower.set(None);
            worker.bounds.upper.set(None);
        }
        if page.is_leaf() {
            if above.is_some() {
                self.level(tree, &page, tally, "a leaf where an internal page must be");
                self.part(task.tree, Part::unknown(task.position));
                return Ok(());
            }
            self.root_leaf(worker, tree, task, &page, tally);
            return Ok(());
        }
        self.internal(worker, tree, task, &page, tally);
        let above = Above {
            lower: worker.bounds.lower.get().map(Box::from),
            upper: worker.bounds.upper.get().map(Box::from),
            page,
            type_flags,
        };
        if above.page.flags().contains(PageFlags::PARENT_OF_LEAF) {
            return self.leaves(worker, tree, task, &above, tally);
        }
        if task.depth >= MAX_DEPTH {
            let place = Place::tree(tree).on(task.page);
            let message = || format!("more than {MAX_DEPTH} levels of internal pages");
            self.walk.rules.findings.add(&codes::TREE_DEPTH, place, message);
            tally.complete = false;
            return Ok(());
        }
        let lines = above.page.node_count();
        let above = Arc::new(above);
        for line in 0..lines {
            let child = above.page.node(line).as_ref().and_then(child_page);
            let position = task.position | (line as u128) << level_shift(task.depth);
            match child {
                Some(page) => more.push(Task {
                    tree: task.tree,
                    page,
                    depth: task.depth + 1,
                    position,
                    above: Some((Arc::clone(&above), line)),
                }),
                None => {
                    tally.complete = false;
                    self.part(task.tree, Part::unknown(position));
                }
            }
        }
        Ok(())
    }

    /// Judges an internal page, its bounds being in `worker`.
    fn internal(
        &self,
        worker: &mut Worker,
        tree: &CheckedTree,
        task: &Task,
        page: &Page,
        tally: &mut TreeTally,
    ) {
        let rules = &self.walk.rules;
        let place = || Place::tree(tree).on(page.number());
        let header = page.header();
        if task.depth > 0 && (header.previous, header.next) != (PageNumber::NULL, PageNumber::NULL)
        {
            rules.findings.add(&codes::SIBLING, place(), || {
                format!("an internal page with siblings {} and {}", header.previous, header.next)
            });
        }
        let lines = page.nodes();
        if lines.node_count() == 0 {
            let message = || "an internal page without nodes".to_owned();
            rules.findings.add(&codes::TREE_EMPTY, place(), message);
            tally.complete = false;
        }
        let without_prefix = task.depth == 0 && !is_space(tree);
        let mut previous: Option<Node<'_>> = None;
        for number in 0..lines.node_count() {
            let is_last = number + 1 == lines.node_count();
            let at = NodeAt { line: number, may_lack_key: is_last, without_prefix };
            let Some(node) = self.line(tree, page, &lines, at) else {
                tally.complete = false;
                continue;
            };
            if node.flags.intersects(NodeFlags::DELETED | NodeFlags::VERSION) {
                let message = || {
                    format!("node {number} of an internal page is flagged as deleted or changed")
                };
                rules.findings.add(&codes::NODE_FLAGS, place(), message);
            }
            if child_page(&node).is_none() {
                let message = || match <[u8; 4]>::try_from(node.data) {
                    Ok(child) => {
                        format!("node {number} points to page {}", u32::from_le_bytes(child))
                    }
                    Err(_) => format!("node {number} points with {} bytes", node.data.len()),
                };
                rules.findings.add(&codes::NODE_CHILD, place(), message);
            }
            if node.key_len() == 0 {
                continue;
            }
            self.separator(worker, tree, page, number, &node, previous.as_ref());
            if is_last && !worker.bounds.upper.is_some {
                let message =
                    || "the last separator of the right-most page is not empty".to_owned();
                rules.findings.add(&codes::KEY_BOUND, place(), message);
            }
            previous = Some(node);
        }
    }

    /// Judges a separator against the one before and the bounds of its page.
    fn separator(
        &self,
        worker: &Worker,
        tree: &CheckedTree,
        page: &Page,
        number: usize,
        node: &Node<'_>,
        previous: Option<&Node<'_>>,
    ) {
        let findings = self.walk.rules.findings;
        let place = || Place::tree(tree).on(page.number()).at(&node.key());
        if previous.is_some_and(|previous| previous.cmp_key_of(node) != Ordering::Less) {
            let message = || format!("separator {number} is not above the one before");
            findings.add(&codes::KEY_ORDER, place(), message);
        }
        let bounds = &worker.bounds;
        if bounds.lower.get().is_some_and(|lower| node.cmp_key(lower) != Ordering::Greater) {
            let message = || format!("separator {number} is not above the page's lower bound");
            findings.add(&codes::KEY_BOUND, place(), message);
        }
        if bounds.upper.get().is_some_and(|upper| node.cmp_key(upper) == Ordering::Greater) {
            let message = || format!("separator {number} is above the page's upper bound");
            findings.add(&codes::KEY_BOUND, place(), message);
        }
    }

    /// Goes through the leaves below one page.
    fn leaves(
        &self,
        worker: &mut Worker,
        tree: &CheckedTree,
        task: &Task,
        above: &Above,
        tally: &mut TreeTally,
    ) -> Result<(), Error> {
        tally.depth = tally.depth.max(task.depth + 2);
        let mut visitor = self.walk.visitors.visitor(tree);
        let mut part = Part::new(task.position, task.depth);
        let lines = above.page.nodes();
        let mut complete = true;
        for number in 0..lines.node_count() {
            let node = lines.node(number);
            worker.bounds.next(above, number, lines.node_count(), node.as_ref());
            let child = node.as_ref().and_then(child_page);
            let from = Some((above.page.number(), number));
            let page = match child {
                Some(child) => self.load(worker, tree, child, from, tally)?,
                None => None,
            };
            let Some(page) = page else {
                part.gap();
                complete = false;
                continue;
            };
            self.walk.rules.below_root(tree, &page, above.type_flags);
            if !page.is_leaf() {
                self.level(tree, &page, tally, "an internal page where a leaf must be");
                part.gap();
                complete = false;
                continue;
            }
            part.leaf(tree, Link::of(&page), self.walk.rules.findings);
            if self.leaf(worker, tree, &page, tally, above.type_flags, false) {
                if let Some(visitor) = &mut visitor {
                    visitor.leaf(&page);
                }
            } else {
                complete = false;
            }
        }
        self.part(task.tree, part);
        self.end_of_part(visitor, task.position, complete, tally);
        Ok(())
    }

    /// A tree that is but one leaf.
    fn root_leaf(
        &self,
        worker: &mut Worker,
        tree: &CheckedTree,
        task: &Task,
        page: &PageRef,
        tally: &mut TreeTally,
    ) {
        let mut visitor = self.walk.visitors.visitor(tree);
        let complete = self.leaf(worker, tree, page, tally, page.flags(), true);
        if complete && let Some(visitor) = &mut visitor {
            visitor.leaf(page);
        }
        self.end_of_part(visitor, task.position, complete, tally);
    }

    fn end_of_part(
        &self,
        visitor: Option<Box<dyn LeafVisitor + '_>>,
        position: u128,
        complete: bool,
        tally: &mut TreeTally,
    ) {
        tally.complete &= complete;
        if let Some(visitor) = visitor {
            visitor.finish(&PartEnd { position: Position(position), complete });
        }
    }

    /// Judges a leaf; whether all its nodes can be taken apart.
    fn leaf(
        &self,
        worker: &mut Worker,
        tree: &CheckedTree,
        page: &Page,
        tally: &mut TreeTally,
        type_flags: PageFlags,
        is_root: bool,
    ) -> bool {
        let rules = &self.walk.rules;
        let lines = page.nodes();
        let unique = !type_flags.contains(PageFlags::NON_UNIQUE_KEYS) || is_space(tree);
        tally.leaves += 1;
        tally.nodes += lines.node_count() as u64;
        if lines.node_count() == 0 && !is_root {
            let place = Place::tree(tree).on(page.number());
            let message = || "a leaf without nodes below the root".to_owned();
            rules.findings.add(&codes::TREE_EMPTY, place, message);
        }
        let without_prefix = is_root && !is_space(tree);
        let mut sound = true;
        let mut first: Option<Node<'_>> = None;
        let mut previous: Option<Node<'_>> = None;
        for number in 0..lines.node_count() {
            let at = NodeAt { line: number, may_lack_key: false, without_prefix };
            let Some(node) = self.line(tree, page, &lines, at) else {
                sound = false;
                continue;
            };
            tally.deleted += u64::from(node.is_deleted());
            if let Some(previous) = &previous {
                let order = match previous.cmp_key_of(&node) {
                    Ordering::Equal if !unique => previous.data.cmp(node.data),
                    order => order,
                };
                if order != Ordering::Less {
                    self.disorder(tree, page, number, &node, order);
                }
            }
            first = first.or(Some(node));
            previous = Some(node);
        }
        if let (Some(first), Some(last)) = (first, previous) {
            self.leaf_bounds(worker, tree, page, (&first, &last), unique);
        }
        sound
    }

    #[cold]
    fn disorder(
        &self,
        tree: &CheckedTree,
        page: &Page,
        number: usize,
        node: &Node<'_>,
        order: Ordering,
    ) {
        let place = Place::tree(tree).on(page.number()).at(&node.key());
        let how = if order == Ordering::Equal { "equal to" } else { "below" };
        let message = || format!("the key of node {number} is {how} the one before");
        self.walk.rules.findings.add(&codes::KEY_ORDER, place, message);
    }

    /// Judges the first and the last node of a leaf against the separators above.
    fn leaf_bounds(
        &self,
        worker: &mut Worker,
        tree: &CheckedTree,
        page: &Page,
        (first, last): (&Node<'_>, &Node<'_>),
        unique: bool,
    ) {
        let Worker { bounds, scratch, .. } = worker;
        let mut whole = |node: &Node<'_>, bound: &[u8]| {
            node.key_into(scratch);
            if !unique {
                scratch.extend_from_slice(node.data);
            }
            scratch.as_slice().cmp(bound)
        };
        let findings = self.walk.rules.findings;
        if bounds.lower.get().is_some_and(|lower| whole(first, lower) == Ordering::Less) {
            let place = Place::tree(tree).on(page.number()).at(&first.key());
            let message = || "the first key is below the separator before it".to_owned();
            findings.add(&codes::KEY_BOUND, place, message);
        }
        if bounds.upper.get().is_some_and(|upper| whole(last, upper) != Ordering::Less) {
            let place = Place::tree(tree).on(page.number()).at(&last.key());
            let message = || "the last key is not below its separator".to_owned();
            findings.add(&codes::KEY_BOUND, place, message);
        }
    }

    /// A line of a page, judged by itself; `None` if it is no node.
    #[inline]
    fn line<'p>(
        &self,
        tree: &CheckedTree,
        page: &Page,
        lines: &NodePage<'p>,
        at: NodeAt,
    ) -> Option<Node<'p>> {
        match lines.line(at.line) {
            Ok(line) => {
                self.walk.rules.node(tree, page, &line, at);
                Some(line.node)
            }
            Err(error) => {
                let place = Place::tree(tree).on(page.number());
                let message = || format!("node {}: {error}", at.line);
                self.walk.rules.findings.add(&codes::NODE, place, message);
                None
            }
        }
    }

    /// Reads the page that line `from` points to and judges it as one of `tree`; `None` if it
    /// cannot be one.
    fn load(
        &self,
        worker: &mut Worker,
        tree: &CheckedTree,
        number: PageNumber,
        from: Option<(PageNumber, usize)>,
        tally: &mut TreeTally,
    ) -> Result<Option<PageRef>, Error> {
        let place = || Place::tree(tree).on(number);
        let findings = self.walk.rules.findings;
        let loaded = match self.walk.pages.read(number) {
            Ok(page) => Some(page),
            Err(error) => {
                let (code, message) = match &error {
                    Error::NoSuchPage { last, .. } => {
                        (&codes::TREE_PAGE, format!("the file has pages up to {last}"))
                    }
                    Error::Page { what: PageError::Zeroed, .. } => {
                        (&codes::TREE_ZEROED, "never written".to_owned())
                    }
                    Error::Page { what: what @ PageError::Structure(_), .. } => {
                        findings.add(&codes::PAGE_STRUCTURE, place(), || what.to_string());
                        (&codes::TREE_DAMAGED, "it cannot be walked".to_owned())
                    }
                    Error::DamagedPage { damage, .. } => (&codes::TREE_DAMAGED, damage.to_string()),
                    _ => return Err(error),
                };
                findings.add(code, place(), || format!("{}{message}", pointed_from(from)));
                self.walk.usage.take(number);
                None
            }
        };
        self.report(worker)?;
        let Some(page) = loaded else {
            tally.complete = false;
            return Ok(None);
        };
        if page.header().objid != tree.objid {
            findings.add(&codes::OBJID, place(), || {
                let (found, own) = (page.header().objid, tree.objid);
                format!("{}it belongs to object {found}, not {own}", pointed_from(from))
            });
        } else if page.flags().intersects(PageFlags::EMPTY | PageFlags::PREINIT) {
            findings.add(&codes::TREE_FLAGS, place(), || {
                format!("{}flagged as emptied or not used yet", pointed_from(from))
            });
        } else if !self.walk.usage.take(number) {
            findings.add(&codes::TREE_SHARED, place(), || {
                format!("{}it is in another place already", pointed_from(from))
            });
        } else {
            tally.pages += 1;
            self.walk.rules.page(tree, &page);
            if let Some(ownership) = self.walk.ownership {
                ownership.judge_page(tree, number, findings);
            }
            if let Some(collected) = self.walk.collected {
                let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
                collected.push((number, tree.number));
            }
            return Ok(Some(page));
        }
        tally.complete = false;
        Ok(None)
    }

    fn report(&self, worker: &mut Worker) -> Result<(), Error> {
        worker.unreported += 1;
        if worker.unreported < REPORTED {
            return Ok(());
        }
        let bytes = worker.unreported * u64::from(self.walk.pages.page_size().get());
        worker.unreported = 0;
        self.walk.progress.advance(bytes)
    }

    fn level(&self, tree: &CheckedTree, page: &Page, tally: &mut TreeTally, what: &str) {
        let place = Place::tree(tree).on(page.number());
        self.walk.rules.findings.add(&codes::TREE_LEVEL, place, || what.to_owned());
        tally.complete = false;
    }

    fn part(&self, tree: usize, part: Part) {
        if let Some(parts) = self.parts.get(tree) {
            parts.add(part);
        }
    }
}

impl Bounds {
    /// Takes on the bounds of the child in line `line` of an internal page.
    fn below(&mut self, above: &Above, line: usize) {
        let lines = above.page.nodes();
        self.lower.set(above.lower.as_deref());
        // The node before, or the nearest one that has a key.
        let before = line.checked_sub(1).and_then(|before| lines.line(before).ok());
        if let Some(before) = before {
            self.lower.set_node(&before.node);
        }
        match lines.line(line) {
            Ok(own) if own.node.key_len() > 0 => self.upper.set_node(&own.node),
            _ => self.upper.set(above.upper.as_deref()),
        }
    }

    /// Takes on the bounds of the child in line `line`, after those of the line before.
    fn next(&mut self, above: &Above, line: usize, lines: usize, node: Option<&Node<'_>>) {
        if line == 0 {
            self.lower.set(above.lower.as_deref());
        } else {
            std::mem::swap(&mut self.lower, &mut self.upper);
        }
        match node {
            Some(node) if node.key_len() > 0 => self.upper.set_node(node),
            _ if line + 1 == lines => self.upper.set(above.upper.as_deref()),
            // A node that is not sound: the next one bounds from above, but is not known yet.
            _ => self.upper.set(None),
        }
    }
}

fn is_space(tree: &CheckedTree) -> bool {
    matches!(tree.kind, TreeKind::OwnedExtents | TreeKind::AvailableExtents)
}

fn pointed_from(from: Option<(PageNumber, usize)>) -> String {
    match from {
        Some((page, line)) => format!("node {line} of page {page} points here: "),
        None => "it is the root: ".to_owned(),
    }
}
