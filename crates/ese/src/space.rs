//! The space of a tree: which pages it owns, and which of them are free.
//!
//! ```text
//! one extent      from the root page on; a map of 32 bits says which of the next pages are free,
//!                 pages beyond the map are free
//! several         tree of owned extents (OE) and, at the page behind its root, of available
//!                 ones (AE): one node an extent
//! ```
//!
//! What a tree owns includes what it has passed on to the trees below it: a table owns the pages
//! of its indexes.
//! Source: ESE `SPACE_HEADER` (space.hxx), `space.cxx`.

use ese_format::PageNumber;
use ese_format::node::Node;
use ese_format::space::{Extent, SpaceHeader};

use crate::{Error, Tree};

/// What a tree owns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TreeSpace {
    /// The space header of its root page.
    pub header: SpaceHeader,
    /// Extents that it owns, ascending.
    pub owned: Vec<Extent>,
    /// Free extents among them, ascending.
    pub available: Vec<Extent>,
}

/// Bits of the map of free pages.
const MAP_BITS: u32 = 32;

impl TreeSpace {
    /// Reads the space of a tree.
    ///
    /// # Errors
    ///
    /// [`Error::Space`] if the header or an extent is not sound; a page that cannot be read.
    pub fn read(tree: &Tree) -> Result<Self, Error> {
        let root = tree.root_page()?;
        let header = SpaceHeader::parse(root.external_header());
        let header = header.ok_or_else(|| error(tree, tree.root()))?;
        let Some(owned_root) = header.owned_extents_root() else {
            return Self::single(tree, header);
        };
        let pages = tree.pages();
        let owned = Tree::new(pages.clone(), owned_root, tree.objid());
        let owned = extents(&owned, |node| Extent::from_owned_node(node).map(Some))?;
        let available_root = PageNumber(owned_root.0.saturating_add(1));
        let available = Tree::new(pages.clone(), available_root, tree.objid());
        let available = extents(&available, available_extent)?;
        Ok(Self { header, owned, available })
    }

    fn single(tree: &Tree, header: SpaceHeader) -> Result<Self, Error> {
        let first = tree.root().0;
        let last = first.checked_add(header.pages.saturating_sub(1));
        let last = last.filter(|last| header.pages > 0 && *last <= PageNumber::MAX.0);
        let last = last.ok_or_else(|| error(tree, tree.root()))?;
        let mut available: Vec<Extent> = Vec::new();
        let bits = (0..MAP_BITS).filter(|bit| header.map_or_owned_root >> bit & 1 != 0);
        for page in bits.map(|bit| first + 1 + bit).filter(|page| *page <= last) {
            match available.last_mut() {
                Some(run) if run.last.0 + 1 == page => {
                    *run = Extent { last: PageNumber(page), count: run.count + 1 };
                }
                _ => available.push(Extent { last: PageNumber(page), count: 1 }),
            }
        }
        if last > first + MAP_BITS {
            let count = last - (first + MAP_BITS);
            available.push(Extent { last: PageNumber(last), count });
        }
        let owned = vec![Extent { last: PageNumber(last), count: header.pages }];
        Ok(Self { header, owned, available })
    }

    /// Number of pages that it owns.
    pub fn owned_pages(&self) -> u64 {
        self.owned.iter().map(|extent| u64::from(extent.count)).sum()
    }

    /// Number of pages that are free.
    pub fn available_pages(&self) -> u64 {
        self.available.iter().map(|extent| u64::from(extent.count)).sum()
    }

    /// Whether a page is among the free ones.
    pub fn is_available(&self, page: PageNumber) -> bool {
        let after = self.available.partition_point(|extent| extent.last < page);
        self.available.get(after).is_some_and(|extent| extent.first() <= page)
    }
}

/// The extents of the live nodes of a space tree.
fn extents(
    tree: &Tree,
    read: impl Fn(&Node<'_>) -> Option<Option<Extent>>,
) -> Result<Vec<Extent>, Error> {
    let mut found = Vec::new();
    for leaf in tree.leaves() {
        let leaf = leaf?;
        for line in 0..leaf.node_count() {
            let node = tree.node(&leaf, line)?;
            if !node.is_deleted() {
                found.extend(read(&node).ok_or_else(|| error(tree, leaf.number()))?);
            }
        }
    }
    found.sort_unstable_by_key(|extent| extent.last);
    Ok(found)
}

/// The extent of a node of an AE tree; none for one that has no page in the file.
fn available_extent(node: &Node<'_>) -> Option<Option<Extent>> {
    let key = node.key();
    let (pool, key) = match key.split_first()? {
        (pool, rest) if key.len() == 5 => (pool & !0x80, rest),
        _ => (0, key.as_slice()),
    };
    let last = PageNumber(u32::from_be_bytes(key.try_into().ok()?));
    let count = u32::from_le_bytes(node.data.try_into().ok()?);
    if count == 0 || pool == SHELVED {
        return Some(None);
    }
    (last <= PageNumber::MAX && count <= last.0).then_some(Some(Extent { last, count }))
}

/// Pool of pages beyond the end of the file.
const SHELVED: u8 = 2;

fn error(tree: &Tree, page: PageNumber) -> Error {
    Error::Space { path: tree.pages().path().to_owned(), objid: tree.objid(), page }
}
