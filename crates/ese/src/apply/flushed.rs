//! Changes of several pages, some of which have the change already, for tests.
//!
//! Whichever pages were written before the engine stopped: a replay makes the same of all of them
//! as it does where none was.

use std::collections::{BTreeMap, BTreeSet};

use ese_format::log::record::{
    BeforeImage, BeforeImageFlags, Change, DatabaseId, NodeChange, OperationFlags, PageRecord,
    SessionId, TransactionId, TreeRef, VersionId,
};
use ese_format::node::{Node, NodeFlags, NodePage};
use ese_format::page::{PageFlags, PageHeader, structure};
use ese_format::page_edit::PageEdit;
use ese_format::{DbTime, PageNumber, PageSize};

use super::lines::{Line, put_in};
use super::{ApplyError, Operation, Rules, Versions, apply};
use crate::Error;
use crate::work::{Taken, WorkPage, WorkPages};

/// Object id of the tree.
pub(super) const OBJID: u32 = 40;
/// dbtime of all pages before the change.
pub(super) const BEFORE: DbTime = DbTime(50);
/// dbtime of the change.
pub(super) const AFTER: DbTime = DbTime(60);

/// Pages in memory.
#[derive(Debug, Clone)]
pub(super) struct MemoryPages {
    pub(super) size: PageSize,
    pub(super) pages: BTreeMap<u32, Vec<u8>>,
    out: BTreeSet<u32>,
}

impl WorkPages for MemoryPages {
    fn page_size(&self) -> PageSize {
        self.size
    }

    fn take(&mut self, number: PageNumber) -> Result<Taken, Error> {
        let Some(bytes) = self.pages.get(&number.0) else { return Ok(Taken::BeyondEnd) };
        assert!(self.out.insert(number.0), "page {number} is out already");
        Ok(Taken::Page(WorkPage::read(number, bytes.as_slice().into())))
    }

    fn put(&mut self, page: WorkPage) -> Result<(), Error> {
        let was_out = self.out.remove(&page.number().0);
        assert!(was_out || page.is_changed());
        self.pages.insert(page.number().0, page.bytes().to_vec());
        Ok(())
    }
}

/// What a page is made of.
pub(super) struct Spec<'a> {
    pub(super) number: u32,
    pub(super) flags: PageFlags,
    pub(super) links: (u32, u32),
    /// Content of tag 0.
    pub(super) external: &'a [u8],
    /// Keys and data.
    pub(super) nodes: Vec<(Vec<u8>, Vec<u8>)>,
}

impl MemoryPages {
    pub(super) fn new(size: PageSize) -> Self {
        Self { size, pages: BTreeMap::new(), out: BTreeSet::new() }
    }

    /// With one page more.
    pub(super) fn with(mut self, spec: &Spec<'_>) -> Self {
        let number = PageNumber(spec.number);
        let mut bytes = vec![0; self.size.bytes()];
        let mut page = PageEdit::init(&mut bytes, number, OBJID, spec.flags, BEFORE).unwrap();
        page.set_previous(PageNumber(spec.links.0));
        page.set_next(PageNumber(spec.links.1));
        page.set_external_header(spec.external).unwrap();
        for (line, (key, data)) in spec.nodes.iter().enumerate() {
            put_in(&mut page, number, line, Line::new(key, data)).unwrap();
        }
        self.pages.insert(spec.number, bytes);
        self
    }

    pub(super) fn view(&self, number: u32) -> NodePage<'_> {
        NodePage::new(&self.pages[&number]).unwrap()
    }

    pub(super) fn header(&self, number: u32) -> PageHeader {
        PageHeader::parse(&self.pages[&number]).unwrap()
    }

    /// Keys of a page.
    pub(super) fn keys(&self, number: u32) -> Vec<Vec<u8>> {
        self.nodes(number).into_iter().map(|(key, _)| key).collect()
    }

    /// Keys and data of a page.
    pub(super) fn nodes(&self, number: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
        let view = self.view(number);
        let nodes = (0..view.node_count()).map(|line| view.node(line).unwrap());
        nodes.map(|node| (node.key(), node.data.to_vec())).collect()
    }

    /// The flags of the nodes of a page.
    pub(super) fn node_flags(&self, number: u32) -> Vec<NodeFlags> {
        let view = self.view(number);
        (0..view.node_count()).map(|line| view.node(line).unwrap().flags).collect()
    }

    /// The pages that an internal page points to.
    pub(super) fn children(&self, number: u32) -> Vec<(Vec<u8>, u32)> {
        let pointers = self.nodes(number).into_iter();
        pointers.map(|(key, data)| (key, u32::from_le_bytes(data.try_into().unwrap()))).collect()
    }

    /// Makes the change.
    pub(super) fn apply(
        &mut self,
        operation: &Operation<'_>,
        future: bool,
    ) -> Result<(bool, Remembered), ApplyError> {
        let before = self.pages.clone();
        let mut remembered = Remembered::default();
        let done = apply(self, &mut remembered, operation, Rules { future });
        assert!(self.out.is_empty(), "not put back: {:?}", self.out);
        if done.is_err() {
            assert_eq!(self.pages, before, "an error changed pages");
        }
        for (number, bytes) in &self.pages {
            assert_eq!(structure::check(bytes), Ok(()), "page {number}");
        }
        Ok((done?.redone, remembered))
    }

    /// Makes the change with every choice of pages that have it already; the pages afterwards.
    pub(super) fn apply_in_every_state(&self, operation: &Operation<'_>) -> (Self, Remembered) {
        let mut done = self.clone();
        let (redone, remembered) = done.apply(operation, false).unwrap();
        assert!(redone);
        let touched: Vec<u32> = done.pages.keys().copied().collect();
        let touched: Vec<u32> =
            touched.into_iter().filter(|n| self.pages.get(n) != done.pages.get(n)).collect();
        for (number, bytes) in &done.pages {
            let expected = if touched.contains(number) { AFTER } else { BEFORE };
            assert_eq!(PageHeader::parse(bytes).unwrap().dbtime, expected, "page {number}");
        }
        assert!(touched.len() <= 10, "too many choices");
        for choice in 0..1_u32 << touched.len() {
            let mut mixed = self.clone();
            for (bit, number) in touched.iter().enumerate() {
                if choice & 1 << bit != 0 {
                    mixed.pages.insert(*number, done.pages[number].clone());
                }
            }
            let (_, asked) = mixed.apply(operation, true).unwrap();
            assert_eq!(mixed.live(), done.live(), "choice {choice:b} of {touched:?}");
            assert!(asked.0.is_empty() || asked == remembered);
        }
        (done, remembered)
    }

    /// What counts of the pages: not how their lines lie.
    fn live(&self) -> BTreeMap<u32, LivePage> {
        let live = self.pages.keys().map(|&number| {
            let (header, view) = (self.header(number), self.view(number));
            let nodes = (0..view.node_count()).map(|line| {
                let Node { flags, prefix, suffix, data } = view.node(line).unwrap();
                (flags, prefix.len(), suffix.to_vec(), data.to_vec())
            });
            let external = view.external_header().unwrap().to_vec();
            let header = PageHeader { first_free: 0, ..header };
            (number, LivePage { header, external, nodes: nodes.collect() })
        });
        live.collect()
    }
}

#[derive(Debug, PartialEq)]
struct LivePage {
    header: PageHeader,
    external: Vec<u8>,
    nodes: Vec<(NodeFlags, usize, Vec<u8>, Vec<u8>)>,
}

/// Keys and data that versions were asked to remember.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Remembered(pub(super) Vec<(Vec<u8>, Vec<u8>)>);

impl Versions for Remembered {
    fn before_image(&mut self, _: &PageRecord<'_>, node: Node<'_>) {
        self.0.push((node.key(), node.data.to_vec()));
    }
}

/// A record of the change.
pub(super) fn record(page: u32, change: Change<'_>) -> PageRecord<'_> {
    PageRecord {
        session: SessionId(3),
        database: DatabaseId(1),
        page: PageNumber(page),
        after: AFTER,
        before: BEFORE,
        begin: TransactionId(4),
        level: 1,
        line: 0,
        flags: OperationFlags::UNIQUE,
        change,
    }
}

/// A versioned change of a node, within a macro.
pub(super) fn node(page: u32, change: NodeChange<'_>) -> PageRecord<'_> {
    let tree = TreeRef { version: VersionId(9), root: PageNumber(2), objid: OBJID };
    let flags = OperationFlags::UNIQUE | OperationFlags::VERSIONED;
    PageRecord { before: PageRecord::NO_TIME, flags, ..record(page, Change::Node(tree, change)) }
}

/// A page as a record has it: with the dbtime of the change.
pub(super) fn image_of(page: &[u8]) -> Vec<u8> {
    let mut image = page.to_vec();
    let header = PageHeader::parse(page).unwrap();
    PageHeader { dbtime: AFTER, ..header }.write(&mut image);
    image
}

/// The same without `left_out` bytes of its gap.
pub(super) fn dehydrated(page: &[u8], left_out: usize) -> Vec<u8> {
    let mut image = image_of(page);
    let header = PageHeader::parse(page).unwrap();
    let free = header.free - u16::try_from(left_out).unwrap();
    PageHeader { free, dbtime: AFTER, ..header }.write(&mut image);
    let tags = image.len() - 4 * header.tag_count();
    image.drain(tags - left_out..tags);
    image
}

/// Bytes as XPRESS has them, without a match.
pub(super) fn xpress(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).unwrap().to_le_bytes();
    let mut stream = vec![0x18, len[0], len[1]];
    for literals in bytes.chunks(32) {
        stream.extend([0; 4]);
        stream.extend(literals);
    }
    stream
}

/// A whole page as a before-image.
pub(super) fn whole(image: &[u8]) -> BeforeImage<'_> {
    BeforeImage { flags: BeforeImageFlags::empty(), bytes: image }
}

/// No before-image.
pub(super) const NO_IMAGE: BeforeImage<'static> =
    BeforeImage { flags: BeforeImageFlags::empty(), bytes: &[] };

/// Nodes with these keys; their data tell them apart.
pub(super) fn nodes(keys: &[&str]) -> Vec<(Vec<u8>, Vec<u8>)> {
    keys.iter()
        .map(|key| (key.as_bytes().to_vec(), format!("data of {key}").into_bytes()))
        .collect()
}

/// Pointers with these keys.
pub(super) fn pointers(children: &[(&str, u32)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pointer =
        |(key, child): &(&str, u32)| (key.as_bytes().to_vec(), child.to_le_bytes().to_vec());
    children.iter().map(pointer).collect()
}
