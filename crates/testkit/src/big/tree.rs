//! A B+ tree loaded bottom-up: nodes come in key order, pages go out in page order.
//!
//! A leaf is written when the next one has its number. What its parent level says of it is the
//! shortest separator between its last entry and the first of the next leaf; a level whose page is
//! full writes it and tells the level above, with the page's last separator. On the right edge
//! every level ends with an empty key.

use std::io;

use ese_format::node::NodeFlags;
use ese_format::page::PageFlags;
use ese_format::{PageNumber, PageSize};

use super::Pages;
use super::layout::{Filling, Head};

/// Room for the space header, and for a last separator that is empty.
const INTERNAL_ROOM: usize = 16;
const LAST_SEPARATOR: usize = 10;
/// Bytes of a node of a space tree, with its tag.
const EXTENT_LINE: u32 = 14;

/// What makes one entry of a tree differ from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bookmarks {
    /// The key.
    Key,
    /// Key and data: an index that is not unique.
    KeyAndData,
}

/// What a tree is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tree {
    /// Object id.
    pub(super) objid: u32,
    /// The flags that all its pages have.
    pub(super) flags: PageFlags,
    /// Root page of the tree above.
    pub(super) parent: PageNumber,
    /// What its entries are known by.
    pub(super) bookmarks: Bookmarks,
    /// Whether leaves have a key prefix.
    pub(super) prefixes: bool,
}

/// A tree that is being loaded.
pub(super) struct TreeWriter {
    size: PageSize,
    tree: Tree,
    root: u32,
    leaf: Filling,
    leaf_number: u32,
    previous_leaf: u32,
    prefix: Vec<u8>,
    last: Vec<u8>,
    levels: Vec<Level>,
}

struct Level {
    page: Filling,
    last_key: Vec<u8>,
}

impl TreeWriter {
    pub(super) fn new(size: PageSize, tree: Tree) -> Self {
        Self {
            size,
            tree,
            root: 0,
            leaf: Filling::new(size, 0),
            leaf_number: 0,
            previous_leaf: 0,
            prefix: Vec::new(),
            last: Vec::new(),
            levels: Vec::new(),
        }
    }

    /// Takes the next three pages as root, OE root and AE root.
    pub(super) fn reserve_roots(&mut self, out: &mut Pages) -> io::Result<()> {
        self.root = out.skip()?;
        out.skip()?;
        out.skip()?;
        Ok(())
    }

    /// Appends an entry, above all so far.
    pub(super) fn append(&mut self, out: &mut Pages, key: &[u8], data: &[&[u8]]) -> io::Result<()> {
        let data_len: usize = data.iter().map(|part| part.len()).sum();
        let mut common = common_len(&self.prefix, key);
        if self.leaf_number == 0 || !self.leaf.fits(line_len(common, key, data_len), 0) {
            self.next_leaf(out, key, data)?;
            let room = if self.tree.prefixes { key.len() } else { 0 };
            self.prefix.clear();
            self.prefix.extend_from_slice(&key[..room]);
            self.leaf.clear(room);
            common = room;
        }
        let suffix_len = |len: usize| u16::try_from(len).unwrap().to_le_bytes();
        let mut parts: [&[u8]; 6] = [&[]; 6];
        let (first, second);
        let flags = if common > 2 {
            first = suffix_len(common);
            second = suffix_len(key.len() - common);
            parts[0] = &first;
            parts[1] = &second;
            parts[2] = &key[common..];
            NodeFlags::COMPRESSED
        } else {
            first = suffix_len(key.len());
            parts[0] = &first;
            parts[1] = key;
            NodeFlags::empty()
        };
        parts[3..3 + data.len()].copy_from_slice(data);
        self.leaf.push(flags, &parts);
        self.last.clear();
        extend_bookmark(&mut self.last, self.tree.bookmarks, key, data);
        Ok(())
    }

    /// Ends the leaf and begins one whose first entry is `key` and `data`.
    fn next_leaf(&mut self, out: &mut Pages, key: &[u8], data: &[&[u8]]) -> io::Result<()> {
        if self.leaf_number == 0 {
            self.leaf_number = out.allocate();
            return Ok(());
        }
        let mut bookmark = Vec::with_capacity(64);
        extend_bookmark(&mut bookmark, self.tree.bookmarks, key, data);
        assert!(self.last < bookmark, "entries come in order");
        let len = common_len(&self.last, &bookmark) + 1;
        let mut internal = Vec::new();
        self.tell_parent(out, 0, &bookmark[..len], self.leaf_number, &mut internal);
        let next = out.allocate();
        self.write_leaf(out, next)?;
        for (number, mut page) in internal {
            out.write(number, &mut page)?;
        }
        self.previous_leaf = self.leaf_number;
        self.leaf_number = next;
        Ok(())
    }

    fn write_leaf(&mut self, out: &mut Pages, next: u32) -> io::Result<()> {
        let head = Head {
            objid: self.tree.objid,
            flags: self.tree.flags | PageFlags::LEAF,
            previous: self.previous_leaf,
            next,
        };
        out.write(self.leaf_number, self.leaf.finish(head, &self.prefix))
    }

    /// Adds a child to a level; pages that are full because of that go to `done`.
    fn tell_parent(
        &mut self,
        out: &mut Pages,
        level: usize,
        key: &[u8],
        child: u32,
        done: &mut Vec<(u32, Vec<u8>)>,
    ) {
        if self.levels.len() == level {
            let page = Filling::new(self.size, INTERNAL_ROOM);
            self.levels.push(Level { page, last_key: Vec::new() });
        }
        let len = line_len(0, key, 4);
        let spare = if key.is_empty() { 0 } else { LAST_SEPARATOR };
        if !self.levels[level].page.fits(len, spare) {
            let separator = std::mem::take(&mut self.levels[level].last_key);
            let number = self.end_internal(out, level, done);
            self.tell_parent(out, level + 1, &separator, number, done);
        }
        let key_len = u16::try_from(key.len()).unwrap().to_le_bytes();
        let level = &mut self.levels[level];
        level.page.push(NodeFlags::empty(), &[&key_len, key, &child.to_le_bytes()]);
        level.last_key = key.to_vec();
    }

    fn end_internal(
        &mut self,
        out: &mut Pages,
        level: usize,
        done: &mut Vec<(u32, Vec<u8>)>,
    ) -> u32 {
        let number = out.allocate();
        let head = self.internal_head(level);
        let page = &mut self.levels[level].page;
        done.push((number, page.finish(head, &[]).to_vec()));
        page.clear(INTERNAL_ROOM);
        number
    }

    fn internal_head(&self, level: usize) -> Head {
        let parent = if level == 0 { PageFlags::PARENT_OF_LEAF } else { PageFlags::empty() };
        let Tree { objid, flags, .. } = self.tree;
        Head { objid, flags: flags | parent, previous: 0, next: 0 }
    }

    /// Writes what is left of the tree but its root.
    pub(super) fn finish(mut self, out: &mut Pages) -> io::Result<Ended> {
        assert!(!self.leaf.is_empty(), "a tree with entries");
        let mut done = Vec::new();
        self.tell_parent(out, 0, &[], self.leaf_number, &mut done);
        let mut level = 0;
        while level + 1 < self.levels.len() {
            let number = self.end_internal(out, level, &mut done);
            level += 1;
            self.tell_parent(out, level, &[], number, &mut done);
        }
        self.write_leaf(out, 0)?;
        for (number, mut page) in done {
            out.write(number, &mut page)?;
        }
        let mut head = self.internal_head(level);
        head.flags |= PageFlags::ROOT;
        let page = self.levels.pop().unwrap().page;
        Ok(Ended {
            size: self.size,
            tree: self.tree,
            number: self.root,
            root: (page, head),
            owned: None,
            available: Vec::new(),
        })
    }
}

/// A tree whose root and space trees remain to be written.
pub(super) struct Ended {
    size: PageSize,
    tree: Tree,
    number: u32,
    root: (Filling, Head),
    owned: Option<(Filling, Head)>,
    /// Nodes of the AE tree: (last page, pages).
    pub(super) available: Vec<(u32, u32)>,
}

/// The split buffer of a space tree's root: no pages.
const NO_SPLIT_BUFFER: [u8; 16] = [0; 16];

impl Ended {
    /// The root page.
    pub(super) fn root(&self) -> u32 {
        self.number
    }

    /// Pages beside its root that the OE tree needs for so many extents: one level of leaves.
    fn pages_of_owned(&self, extents: u32) -> u32 {
        let room = u32::try_from(self.size.bytes() - self.size.page_header_len() - 4).unwrap();
        let in_root = (room - 16) / EXTENT_LINE;
        if extents <= in_root { 0 } else { extents.div_ceil(room / EXTENT_LINE) }
    }

    /// Extents of `size` pages that hold `used` pages and those of the OE tree.
    pub(super) fn extents(&self, used: u32, size: u32) -> u32 {
        let mut extents = used.div_ceil(size);
        loop {
            let needed = (used + self.pages_of_owned(extents)).div_ceil(size);
            if needed == extents {
                return extents;
            }
            extents = needed;
        }
    }

    /// Lays out the OE tree; its pages but the root are written as the next ones.
    pub(super) fn write_owned(
        &mut self,
        out: &mut Pages,
        extents: &[(u32, u32)],
    ) -> io::Result<()> {
        let flags = self.tree.flags | PageFlags::SPACE_TREE;
        if self.pages_of_owned(u32::try_from(extents.len()).unwrap()) == 0 {
            self.owned = Some(self.space_leaf(extents));
            return Ok(());
        }
        let tree = Tree { flags, prefixes: false, bookmarks: Bookmarks::Key, ..self.tree };
        let mut writer = TreeWriter::new(self.size, tree);
        for (last, count) in extents {
            writer.append(out, &last.to_be_bytes(), &[&count.to_le_bytes()])?;
        }
        self.owned = Some(writer.finish(out)?.root);
        Ok(())
    }

    fn space_leaf(&self, extents: &[(u32, u32)]) -> (Filling, Head) {
        let mut page = Filling::new(self.size, NO_SPLIT_BUFFER.len());
        for (last, count) in extents {
            let parts: [&[u8]; 3] = [&[4, 0], &last.to_be_bytes(), &count.to_le_bytes()];
            page.push(NodeFlags::empty(), &parts);
        }
        let flags = self.tree.flags | PageFlags::SPACE_TREE | PageFlags::ROOT | PageFlags::LEAF;
        (page, Head { objid: self.tree.objid, flags, previous: 0, next: 0 })
    }

    /// Writes root, OE root and AE root, for a tree whose first extent has `pages` pages.
    pub(super) fn write_roots(self, out: &mut Pages, pages: u32) {
        const MULTIPLE_EXTENTS: u32 = 1;
        const NON_UNIQUE: u32 = 2;
        let unique = if self.tree.bookmarks == Bookmarks::Key { 0 } else { NON_UNIQUE };
        let words = [pages, self.tree.parent.0, MULTIPLE_EXTENTS | unique, self.number + 1];
        let space_header = words.map(u32::to_le_bytes).concat();
        let available = self.space_leaf(&self.available);
        let (mut page, head) = self.root;
        out.write_later(self.number, page.finish(head, &space_header).to_vec());
        let owned = self.owned.unwrap();
        for (number, (mut page, head)) in (self.number + 1..).zip([owned, available]) {
            out.write_later(number, page.finish(head, &NO_SPLIT_BUFFER).to_vec());
        }
    }
}

fn common_len(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Bytes of a line whose key has `common` bytes in common with the page's prefix.
fn line_len(common: usize, key: &[u8], data_len: usize) -> usize {
    2 + data_len + if common > 2 { 2 + key.len() - common } else { key.len() }
}

fn extend_bookmark(bookmark: &mut Vec<u8>, kind: Bookmarks, key: &[u8], data: &[&[u8]]) {
    bookmark.extend_from_slice(key);
    if kind == Bookmarks::KeyAndData {
        for part in data {
            bookmark.extend_from_slice(part);
        }
    }
}
