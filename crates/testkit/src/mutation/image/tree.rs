//! Walking a tree, and changes that keep it a tree.
//!
//! Nodes of internal pages: key = separator (entries of the child are below it, the last one is
//! empty), data = u32 page number of the child. Leaves are chained.

use super::{Image, field, flag};
use crate::u32_at;

/// A node of a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Page number of the leaf.
    pub page: u32,
    /// Line in the leaf.
    pub line: usize,
    /// The whole key.
    pub key: Vec<u8>,
    /// The data.
    pub data: Vec<u8>,
}

impl Image {
    /// The leaves of a tree in key order.
    pub fn leaves(&self, root: u32) -> Vec<u32> {
        if self.flags(root) & flag::LEAF != 0 {
            return vec![root];
        }
        self.children(root).into_iter().flat_map(|child| self.leaves(child)).collect()
    }

    /// The children of an internal page.
    pub fn children(&self, page: u32) -> Vec<u32> {
        (0..self.line_count(page)).map(|line| u32_at(self.data(page, line), 0)).collect()
    }

    /// Every node of a tree's leaves that is not flagged deleted, in key order.
    pub fn entries(&self, root: u32) -> Vec<Entry> {
        let mut entries = Vec::new();
        for page in self.leaves(root) {
            for (line, node) in self.nodes(page).into_iter().enumerate() {
                if !node.is_deleted() {
                    let data = self.page(page)[node.data..node.end].to_vec();
                    entries.push(Entry { page, line, key: node.key, data });
                }
            }
        }
        entries
    }

    /// The first entry for which `wanted` holds.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn find(&self, root: u32, wanted: impl Fn(&Entry) -> bool) -> Entry {
        let found = self.entries(root).into_iter().find(wanted);
        found.unwrap_or_else(|| panic!("no such entry in the tree at page {root}"))
    }

    /// Inserts an entry where its key (and, where keys are not unique, data) belongs; the leaf and
    /// the line it got.
    pub fn add(&mut self, root: u32, key: &[u8], data: &[u8]) -> (u32, usize) {
        let page = self.leaf_for(root, key, data);
        let is_unique = self.flags(page) & flag::NON_UNIQUE == 0;
        let mut line = 0;
        for (index, node) in self.nodes(page).iter().enumerate() {
            let below = (node.key.as_slice(), &self.page(page)[node.data..node.end]) < (key, data);
            if node.key.as_slice() < key || (!is_unique && below) {
                line = index + 1;
            }
        }
        self.insert(page, line, 0, key, data);
        (page, line)
    }

    fn leaf_for(&self, root: u32, key: &[u8], data: &[u8]) -> u32 {
        let mut page = root;
        while self.flags(page) & flag::LEAF == 0 {
            let is_unique = self.flags(page) & flag::NON_UNIQUE == 0;
            let sought = if is_unique { key.to_vec() } else { [key, data].concat() };
            let nodes = self.nodes(page);
            let above = |line: &usize| nodes[*line].key.is_empty() || nodes[*line].key > sought;
            let line = (0..nodes.len()).find(above).unwrap_or(nodes.len() - 1);
            page = u32_at(self.data(page, line), 0);
        }
        page
    }

    /// Removes the entry that `wanted` picks from a tree.
    pub fn remove_entry(&mut self, root: u32, wanted: impl Fn(&Entry) -> bool) -> Entry {
        let entry = self.find(root, wanted);
        self.drop_node(entry.page, entry.line);
        entry
    }

    /// Removes a node of a leaf as the engine does: the last one of a page stays, flagged deleted.
    pub fn drop_node(&mut self, page: u32, line: usize) {
        if self.line_count(page) > 1 {
            self.remove(page, line);
        } else {
            self.flag_deleted(page, line);
        }
    }

    /// Moves all nodes of a root to the free page `new`, its only child then: what the engine's
    /// vertical split does.
    pub fn deepen(&mut self, root: u32, new: u32) {
        let (objid, flags) = (self.u32(root, field::OBJID), self.flags(root));
        self.blank(new, objid, flags & !flag::ROOT);
        for line in 0..self.line_count(root) {
            let node = self.node(root, line);
            let data = self.data(root, line).to_vec();
            self.insert(new, line, node.flags, &node.key, &data);
        }
        self.clear_lines(root);
        self.insert(root, 0, 0, &[], &new.to_le_bytes());
        if flags & flag::LEAF == 0 {
            self.change_flags(root, 0, flag::PARENT);
        } else {
            self.change_flags(root, flag::PARENT, flag::LEAF);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(image: &Image, root: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
        image.entries(root).into_iter().map(|entry| (entry.key, entry.data)).collect()
    }

    #[test]
    fn a_deeper_tree_has_the_same_entries() {
        for base in crate::CLEAN {
            let mut image = Image::of(base);
            let root = image.index("alltypes", "by_tuple");
            let before = content(&image, root);
            let page = image.take_page(root);
            image.deepen(root, page);
            assert_eq!(content(&image, root), before, "{base}");
            assert_eq!(image.children(root), [page]);
        }
    }

    #[test]
    fn entries_are_added_in_order() {
        let mut image = Image::of("clean_4k");
        let root = image.index("alltypes", "by_short");
        image.add(root, &[0], &[0xFF]);
        image.add(root, &[0x7F, 0x80], &[1]);
        let entries = content(&image, root);
        assert!(entries.is_sorted());
        assert!(entries.contains(&(vec![0], vec![0xFF])));
    }
}
