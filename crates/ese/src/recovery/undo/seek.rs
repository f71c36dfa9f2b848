//! Finding a node by its bookmark in pages that are being changed.
//!
//! Nodes that are flagged as deleted are found like others.

use std::cmp::Ordering;

use ese_format::node::{Node, NodePage};
use ese_format::page::PageFlags;
use ese_format::space::child_page;
use ese_format::{DbTime, PageNumber};

use super::{lost, unreadable};
use crate::overlay::Overlay;
use crate::recovery::redo::ReplayProblem;
use crate::recovery::redo_map::PageProblem;
use crate::tree::{MAX_DEPTH, cmp_separator};
use crate::work::{Taken, WorkPages};

/// Where a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// The page.
    pub(super) page: PageNumber,
    /// Its line.
    pub(super) line: u16,
    /// The page's dbtime.
    pub(super) dbtime: DbTime,
}

/// What a page says.
enum Step {
    Down(PageNumber),
    Found(Found),
}

/// Finds the node with this key, and with these data where keys are not unique.
pub(super) fn find(
    pages: &mut Overlay,
    root: PageNumber,
    objid: u32,
    key: &[u8],
    data: Option<&[u8]>,
) -> Result<Found, ReplayProblem> {
    let joined = [key, data.unwrap_or_default()].concat();
    let mut number = root;
    for _ in 0..MAX_DEPTH {
        let page = match pages.take(number)? {
            Taken::Page(page) => page,
            Taken::BeyondEnd => return Err(unreadable(number, PageProblem::BeyondEnd)),
            Taken::Unsound(what) => return Err(unreadable(number, PageProblem::Unsound(what))),
        };
        let step = look(page.bytes(), number, objid, key, data, &joined);
        pages.put(page)?;
        match step.map_err(|what| lost(objid, what))? {
            Step::Down(child) => number = child,
            Step::Found(found) => return Ok(found),
        }
    }
    Err(lost(objid, "the tree leads on without end"))
}

fn look(
    bytes: &[u8],
    number: PageNumber,
    objid: u32,
    key: &[u8],
    data: Option<&[u8]>,
    joined: &[u8],
) -> Result<Step, &'static str> {
    let page = NodePage::new(bytes).ok_or("a page is of another size")?;
    if page.header().objid != objid || page.header().flags.contains(PageFlags::EMPTY) {
        return Err("a page on the way to it belongs to another tree");
    }
    let count = page.node_count();
    if page.header().flags.contains(PageFlags::LEAF) {
        let line = partition(&page, |_, node| {
            let order = node.cmp_key(key);
            order.then_with(|| data.map_or(Ordering::Equal, |data| node.data.cmp(data)))
                == Ordering::Less
        })?;
        let node = page.node(line).ok_or("it is not in its leaf")?;
        let is_it = node.cmp_key(key) == Ordering::Equal && data.is_none_or(|d| node.data == d);
        let line = u16::try_from(line).ok().filter(|_| is_it).ok_or("it is not in its leaf")?;
        return Ok(Step::Found(Found { page: number, line, dbtime: page.header().dbtime }));
    }
    let line = partition(&page, |line, node| {
        cmp_separator(node, line + 1 == count, joined) != Ordering::Greater
    })?;
    let node = page.node(line.min(count.saturating_sub(1))).ok_or("a page has no nodes")?;
    child_page(&node).map(Step::Down).ok_or("a node points to no page")
}

/// The first line for which `is_before` does not hold.
fn partition(
    page: &NodePage<'_>,
    is_before: impl Fn(usize, &Node<'_>) -> bool,
) -> Result<usize, &'static str> {
    let (mut low, mut high) = (0, page.node_count());
    while low < high {
        let middle = low.midpoint(high);
        let node = page.node(middle).ok_or("a node cannot be taken apart")?;
        match is_before(middle, &node) {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    Ok(low)
}
