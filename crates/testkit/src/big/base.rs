//! The small database that a big one is made from, and what changes in it.

use ese_format::node::{NodePage, tags};
use ese_format::page::{PageFlags, seal};
use ese_format::page_builder::PageBuilder;
use ese_format::space::{Extent, child_page, space_header};
use ese_format::{PageNumber, PageSize};

/// Roots of the catalog and of its shadow.
const CATALOGS: [u32; 2] = [4, 24];
/// The table that becomes big.
const TABLE: &[u8] = b"churn";

/// The content of the small database.
pub(super) struct Base {
    bytes: Vec<u8>,
    page_size: PageSize,
    first_new_page: u32,
    /// What the catalog says of the table's trees.
    trees: Vec<CatalogTree>,
}

/// A row of the catalog that names a tree.
#[derive(Debug, Clone)]
struct CatalogTree {
    objid: u32,
    root: u32,
    name: Vec<u8>,
    /// Where the root's number stands in the file, and on which page.
    places: Vec<(usize, u32)>,
}

impl Base {
    pub(super) fn load(set: &str) -> Self {
        let bytes = crate::database(set);
        let page_size = PageSize::new(u32_at(&bytes, 236)).unwrap();
        let mut base = Self { bytes, page_size, first_new_page: 0, trees: Vec::new() };
        let owned = base.extents(base.owned_extents_root(PageNumber::ROOT));
        base.first_new_page = owned.last().unwrap().last.0 + 1;
        base.read_catalogs();
        base
    }

    pub(super) fn bytes(&self) -> &[u8] {
        // Pages behind the last owned one are none of the database, and are overwritten.
        &self.bytes[..self.place(PageNumber(self.first_new_page))]
    }

    pub(super) fn page_size(&self) -> PageSize {
        self.page_size
    }

    /// The clock value of the header: no page may be younger.
    pub(super) fn dbtime(&self) -> u64 {
        u64::from_le_bytes(self.bytes[16..24].try_into().unwrap())
    }

    /// Whether new long values get ids of 64 bits: engine format version 9080 and later.
    pub(super) fn wide_ids(&self) -> bool {
        u32_at(&self.bytes, 232) >= 70
    }

    pub(super) fn first_new_page(&self) -> u32 {
        self.first_new_page
    }

    /// Object id of a tree of the table, with the flags of its pages.
    pub(super) fn tree(&self, name: &str, flags: PageFlags) -> (u32, PageFlags) {
        let found = self.trees.iter().find(|tree| tree.name == name.as_bytes());
        (found.unwrap().objid, flags)
    }

    /// Lets the catalogs name the new roots, the database root own the pages from `first` to
    /// `last`, in extents of `growth` pages, and what the table owned be available.
    pub(super) fn repoint(&mut self, roots: &[(u32, u32)], first: u32, last: u32, growth: u32) {
        let old_root = self.trees.iter().find(|tree| tree.name == TABLE).unwrap().root;
        let freed = self.extents(self.owned_extents_root(PageNumber(old_root)));
        for tree in self.trees.clone() {
            let (_, root) = roots.iter().find(|(objid, _)| *objid == tree.objid).unwrap();
            for (place, page) in tree.places {
                self.bytes[place..place + 4].copy_from_slice(&root.to_le_bytes());
                self.seal(page);
            }
        }
        let owned_root = self.owned_extents_root(PageNumber::ROOT);
        let grown = (first..=last).step_by(growth as usize).map(|start| {
            let end = last.min(start + growth - 1);
            Extent { last: PageNumber(end), count: end - start + 1 }
        });
        self.add_extents(owned_root, grown.collect());
        self.add_extents(PageNumber(owned_root.0 + 1), freed);
    }

    /// Where a page begins.
    fn place(&self, number: PageNumber) -> usize {
        usize::try_from(number.file_offset(self.page_size)).unwrap()
    }

    fn page(&self, number: PageNumber) -> &[u8] {
        let start = self.place(number);
        &self.bytes[start..start + self.page_size.bytes()]
    }

    fn nodes(&self, number: PageNumber) -> NodePage<'_> {
        NodePage::new(self.page(number)).unwrap()
    }

    fn seal(&mut self, number: u32) {
        let start = self.place(PageNumber(number));
        seal(&mut self.bytes[start..start + self.page_size.bytes()], PageNumber(number));
    }

    fn owned_extents_root(&self, root: PageNumber) -> PageNumber {
        space_header(&self.nodes(root)).unwrap().owned_extents_root().unwrap()
    }

    /// The live extents of a space tree that is one page.
    fn extents(&self, root: PageNumber) -> Vec<Extent> {
        let page = self.nodes(root);
        assert!(page.header().flags.contains(PageFlags::LEAF), "a small space tree");
        let nodes = (0..page.node_count()).map(|index| page.node(index).unwrap());
        let live = nodes.filter(|node| !node.is_deleted());
        live.map(|node| Extent::from_owned_node(&node).unwrap()).collect()
    }

    /// Lays a space tree of one page out anew, with further extents.
    fn add_extents(&mut self, root: PageNumber, more: Vec<Extent>) {
        let mut extents = self.extents(root);
        extents.extend(more);
        extents.sort_by_key(|extent| extent.last);
        let header = *self.nodes(root).header();
        let mut page = PageBuilder::new(self.page_size, header.flags)
            .objid(header.objid)
            .external_header(&[0; 16]);
        for extent in extents {
            page = page.node(&extent.last.0.to_be_bytes(), &extent.count.to_le_bytes());
        }
        let mut page = page.build().expect("room for the extents");
        page[8..16].copy_from_slice(&self.page(root)[8..16]);
        let start = self.place(root);
        self.bytes[start..start + page.len()].copy_from_slice(&page);
        self.seal(root.0);
    }

    /// Finds the rows of the table's trees in both catalogs.
    fn read_catalogs(&mut self) {
        let leaves: Vec<PageNumber> =
            CATALOGS.iter().flat_map(|&root| self.leaves(PageNumber(root))).collect();
        let mut table = None;
        for pass in 0..2 {
            for &leaf in &leaves {
                let page = self.nodes(leaf);
                let (page_at, header) = (self.place(leaf), page.header());
                let first = header.reserved_tags();
                let lines: Vec<_> = tags(self.page(leaf), header).skip(first).collect();
                let mut found = Vec::new();
                for (index, tag) in lines.iter().enumerate() {
                    let node = page.node(index).unwrap();
                    if node.is_deleted() {
                        continue;
                    }
                    let row = node.data;
                    let end = page_at + self.page_size.page_header_len() + tag.offset + tag.len;
                    let place = end - row.len() + 14;
                    let (owner, kind, id) = (u32_at(row, 4), row[8], u32_at(row, 10));
                    let name = name(row);
                    if pass == 0 && kind == 1 && name == TABLE {
                        table = Some(owner);
                    }
                    let a_tree = [1, 3, 4].contains(&kind) && table == Some(owner);
                    if pass == 1 && a_tree {
                        let root = u32_at(row, 14);
                        found.push((id, root, name.to_vec(), place));
                    }
                }
                for (objid, root, name, place) in found {
                    self.note(objid, root, name, (place, leaf.0));
                }
            }
        }
        assert_eq!(self.trees.len(), 4, "a table with two indexes and long values");
    }

    /// The primary index has the object id of its table, and is found behind it.
    fn note(&mut self, objid: u32, root: u32, name: Vec<u8>, place: (usize, u32)) {
        match self.trees.iter_mut().find(|tree| tree.objid == objid) {
            Some(tree) => tree.places.push(place),
            None => self.trees.push(CatalogTree { objid, root, name, places: vec![place] }),
        }
    }

    fn leaves(&self, root: PageNumber) -> Vec<PageNumber> {
        let page = self.nodes(root);
        if page.header().flags.contains(PageFlags::LEAF) {
            return vec![root];
        }
        let nodes = (0..page.node_count()).map(|index| page.node(index).unwrap());
        nodes.flat_map(|node| self.leaves(child_page(&node).unwrap())).collect()
    }
}

/// The name in a row of the catalog: variable column 128.
fn name(row: &[u8]) -> &[u8] {
    let offsets = usize::from(u16::from_le_bytes([row[2], row[3]]));
    let start = offsets + 2 * usize::from(row[1] - 127);
    let len = usize::from(u16::from_le_bytes([row[offsets], row[offsets + 1]]) & 0x7FFF);
    &row[start..start + len]
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}
