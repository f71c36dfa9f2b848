//! The chain of leaves, judged across parts that were walked in any order.
//!
//! Within a part each leaf is compared with the one before as it comes. Of a part only its two
//! ends are kept, and when all parts are there, the ends of neighbours are compared.

use std::sync::{Mutex, PoisonError};

use ese_format::PageNumber;

use super::{CheckedTree, Findings, Place, codes};
use crate::Page;

/// A leaf and the leaves that it names as its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    page: PageNumber,
    previous: PageNumber,
    next: PageNumber,
}

impl Link {
    /// The links of a page.
    pub(super) fn of(page: &Page) -> Self {
        let header = page.header();
        Self { page: page.number(), previous: header.previous, next: header.next }
    }
}

/// The ends of a run of leaves. Where an end is not known nothing is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    position: u128,
    /// Of the page above the leaves; `None` if that could not be read.
    depth: Option<u32>,
    first: Option<Link>,
    last: Option<Link>,
    is_begun: bool,
}

impl Part {
    /// A part of which nothing is seen yet, below a page at this depth.
    pub(super) fn new(position: u128, depth: u32) -> Self {
        Self { position, depth: Some(depth), first: None, last: None, is_begun: false }
    }

    /// A subtree that could not be walked.
    pub(super) fn unknown(position: u128) -> Self {
        Self { position, depth: None, first: None, last: None, is_begun: true }
    }

    /// The next leaf.
    pub(super) fn leaf(&mut self, tree: &CheckedTree, link: Link, findings: &Findings) {
        if let Some(last) = self.last {
            judge(tree, Some(last), Some(link), findings);
        }
        if !self.is_begun {
            self.first = Some(link);
            self.is_begun = true;
        }
        self.last = Some(link);
    }

    /// The next leaf could not be read.
    pub(super) fn gap(&mut self) {
        self.is_begun = true;
        self.last = None;
    }
}

/// The parts of a tree.
#[derive(Debug, Default)]
pub(super) struct Parts(Mutex<Vec<Part>>);

impl Parts {
    /// Adds a part.
    pub(super) fn add(&self, part: Part) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(part);
    }

    /// Judges the ends of neighbouring parts, and of the first and the last.
    pub(super) fn stitch(self, tree: &CheckedTree, findings: &Findings) {
        let mut parts = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut depths = parts.iter().filter_map(|part| part.depth);
        if let Some(depth) = depths.next()
            && depths.any(|other| other != depth)
        {
            let message = || "leaves at different depths".to_owned();
            findings.add(&codes::TREE_LEVEL, Place::tree(tree), message);
            return;
        }
        parts.sort_unstable_by_key(|part| part.position);
        if let Some(first) = parts.first().and_then(|part| part.first) {
            judge(tree, None, Some(first), findings);
        }
        for pair in parts.windows(2) {
            if let [Part { last: Some(last), .. }, Part { first: Some(first), .. }] = pair {
                judge(tree, Some(*last), Some(*first), findings);
            }
        }
        if let Some(last) = parts.last().and_then(|part| part.last) {
            judge(tree, Some(last), None, findings);
        }
    }
}

/// Judges the links between two leaves that follow each other; `None` for an end of the chain.
fn judge(tree: &CheckedTree, left: Option<Link>, right: Option<Link>, findings: &Findings) {
    let number = |link: Option<Link>| link.map_or(PageNumber::NULL, |link| link.page);
    if let Some(left) = left
        && left.next != number(right)
    {
        let place = Place::tree(tree).on(left.page);
        findings.add(&codes::SIBLING, place, || {
            format!("its next sibling is {}, expected {}", left.next, number(right))
        });
    }
    if let Some(right) = right
        && right.previous != number(left)
    {
        let place = Place::tree(tree).on(right.page);
        findings.add(&codes::SIBLING, place, || {
            format!("its previous sibling is {}, expected {}", right.previous, number(left))
        });
    }
}
