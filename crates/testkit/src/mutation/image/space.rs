//! The space of a tree: its header, owned and available extents.
//!
//! | Offset | Space header, in the root's external header |
//! |---|---|
//! | 0 | u32 pages of the primary extent, or of the last request |
//! | 4 | u32 root page of the parent tree |
//! | 8 | u32 flags: 1 has space trees, 2 keys not unique, 4 second form |
//! | 12 | u32 bitmap of free pages behind the root, or root of the owned extents |
//!
//! Extents: key = u32 last page, big-endian; data = u32 number of pages. The tree of available
//! extents has its root on the page behind that of the owned ones.
//!
//! Source: ESE `SPACE_HEADER` (space.hxx), space.cxx.

use super::{Image, root};
use crate::u32_at;

/// The space header of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Offset in the root page of its 16 bytes.
    pub at: usize,
    /// Pages of the primary extent.
    pub pages: u32,
    /// Root of the owned extents, of a tree that has them.
    pub owned: Option<u32>,
}

impl Space {
    /// Root of the available extents.
    pub fn available(&self) -> u32 {
        self.owned.unwrap() + 1
    }
}

/// An extent in a space tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Page number of the leaf.
    pub page: u32,
    /// Line in the leaf.
    pub line: usize,
    /// Last page of the extent.
    pub last: u32,
    /// Number of pages.
    pub count: u32,
}

impl Image {
    /// The space header of the tree with this root.
    pub fn space(&self, root: u32) -> Space {
        let (start, len) = self.external_header(root);
        let at = if len > 16 { start + 1 } else { start };
        let has_trees = self.u32(root, at + 8) & 1 != 0;
        let owned = has_trees.then(|| self.u32(root, at + 12));
        Space { at, pages: self.u32(root, at), owned }
    }

    /// The extents of a space tree.
    pub fn extents(&self, space_root: u32) -> Vec<Extent> {
        let entries = self.entries(space_root).into_iter();
        entries
            .map(|entry| Extent {
                page: entry.page,
                line: entry.line,
                last: u32::from_be_bytes(entry.key[..4].try_into().unwrap()),
                count: u32_at(&entry.data, 0),
            })
            .collect()
    }

    /// Puts an extent into a space tree.
    pub fn add_extent(&mut self, space_root: u32, last: u32, count: u32) {
        self.add(space_root, &last.to_be_bytes(), &count.to_le_bytes());
    }

    /// Changes the number of pages of an extent.
    pub fn put_count(&mut self, extent: Extent, count: u32) {
        self.replace_data(extent.page, extent.line, &count.to_le_bytes());
    }

    /// Takes an available page of a tree, as for a new page of it.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn take_page(&mut self, root: u32) -> u32 {
        let extents = self.extents(self.space(root).available()).into_iter();
        let extent = extents.min_by_key(|extent| std::cmp::Reverse(extent.count));
        let extent = extent.unwrap_or_else(|| panic!("the tree at page {root} has no free page"));
        if extent.count > 1 {
            self.put_count(extent, extent.count - 1);
        } else {
            self.flag_deleted(extent.page, extent.line);
        }
        extent.last - extent.count + 1
    }

    /// The last page that the database owns.
    pub fn last_owned(&self) -> u32 {
        self.extents(root::DATABASE_OWNED).last().unwrap().last
    }

    /// A page that the database owns and nothing was ever written to.
    pub fn zeroed_owned_page(&self) -> u32 {
        (1..=self.last_owned()).rev().find(|&number| self.is_zeroed(number)).unwrap()
    }
}
