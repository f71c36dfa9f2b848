//! Nodes on their way from one page to another.

use ese_format::PageNumber;
use ese_format::node::{Node, NodeFlags, NodePage};
use ese_format::page_edit::PageEdit;

use super::{ApplyError, impossible, of_page};

/// A key in two parts, as a page has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key<'a> {
    pub(super) head: &'a [u8],
    pub(super) tail: &'a [u8],
}

impl<'a> Key<'a> {
    pub(super) fn whole(key: &'a [u8]) -> Self {
        Self { head: key, tail: &[] }
    }

    pub(super) fn to_vec(self) -> Vec<u8> {
        [self.head, self.tail].concat()
    }

    /// How many bytes it begins with are those of `prefix`, if they are worth it.
    fn common(self, prefix: &[u8]) -> usize {
        let equal = |a: &[u8], b: &[u8]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
        let mut len = equal(self.head, prefix);
        if len == self.head.len() {
            len += equal(self.tail, prefix.get(len..).unwrap_or_default());
        }
        if len > OVERHEAD { len } else { 0 }
    }
}

/// What a compressed key takes more than one that is not.
const OVERHEAD: usize = 2;

/// A node to be put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) flags: NodeFlags,
    pub(super) key: Key<'a>,
    pub(super) data: &'a [u8],
}

impl<'a> Line<'a> {
    /// A node without flags.
    pub(super) fn new(key: &'a [u8], data: &'a [u8]) -> Self {
        Self { flags: NodeFlags::empty(), key: Key::whole(key), data }
    }
}

impl<'a> From<Node<'a>> for Line<'a> {
    fn from(node: Node<'a>) -> Self {
        let key = Key { head: node.prefix, tail: node.suffix };
        Self { flags: node.flags.difference(NodeFlags::COMPRESSED), key, data: node.data }
    }
}

/// All nodes of a page.
pub(super) fn lines<'a>(
    page: PageNumber,
    view: &NodePage<'a>,
) -> Result<Vec<Line<'a>>, ApplyError> {
    let found = (0..view.node_count()).map(|line| view.node(line).map(Line::from));
    let all: Option<Vec<_>> = found.collect();
    all.ok_or_else(|| impossible(page, "a node cannot be taken apart"))
}

/// Puts a node in; its key takes what it can of the page's prefix, if it has one.
pub(super) fn put_in(
    page: &mut PageEdit<'_>,
    number: PageNumber,
    line: usize,
    node: Line<'_>,
) -> Result<(), ApplyError> {
    let common = node.key.common(page.view().prefix());
    let Key { head, tail } = node.key;
    let suffix = match common.checked_sub(head.len()) {
        Some(of_tail) => [tail.get(of_tail..).unwrap_or_default(), &[]],
        None => [head.get(common..).unwrap_or_default(), tail],
    };
    page.insert_parts(line, node.flags, common, suffix, node.data).map_err(of_page(number))
}
