//! Page by page against what Microsoft's engine made of the same files.
//!
//! Compared are, of every page up to the last one of either: its links, object, flags, external
//! header, and of each node deletion, key and data. Not compared is what nobody reads again: how
//! lines lie on the page, its dbtime, free bytes held for a rollback, the flag that a node may have
//! a version, and flush types.

use std::sync::Arc;

use ese::recovery::Request;
use ese::{DatabaseFile, PageStore};
use ese_format::PageNumber;
use ese_format::node::{NodeFlags, NodePage};
use ese_format::page::{PageFlags, PageHeader};

use crate::{os, recover};

const SETS: [(&str, &str, &str); 10] = [
    ("crash_8k_a", "files", "recovered"),
    ("crash_8k_b", "files", "recovered"),
    ("crash_8k_c", "files", "recovered"),
    ("crash_8k_d", "files", "recovered"),
    ("crash_8k_e", "files", "recovered"),
    ("crash_8k_f", "files", "recovered"),
    ("crash_8k_new", "files", "recovered"),
    ("crash_4k_a", "files", "recovered"),
    ("crash_32k_a", "files", "recovered"),
    ("backup_8k", "files/full", "restored"),
];

/// How often a page was flushed: not what it holds.
const FLUSH: PageFlags = PageFlags::FLUSH_TYPE_LOW.union(PageFlags::FLUSH_TYPE_HIGH);

/// What is compared of a page.
#[derive(Debug, PartialEq, Eq)]
struct Live {
    links: (PageNumber, PageNumber),
    objid: u32,
    flags: PageFlags,
    external: Vec<u8>,
    /// Deletion, key, data.
    nodes: Vec<(bool, Vec<u8>, Vec<u8>)>,
}

impl Live {
    /// A page; none if it was never written.
    fn of(file: &DatabaseFile, number: PageNumber) -> Option<Self> {
        if number > file.last_page() {
            return None;
        }
        let page = file.load(number).ok()?;
        let header: &PageHeader = page.header();
        let nodes = NodePage::new(page.bytes()).unwrap();
        let all = (0..nodes.node_count()).filter_map(|line| nodes.node(line));
        let nodes_of = all
            .map(|node| {
                let is_deleted = node.flags.contains(NodeFlags::DELETED);
                (is_deleted, [node.prefix, node.suffix].concat(), node.data.to_vec())
            })
            .collect();
        Some(Self {
            links: (header.previous, header.next),
            objid: header.objid,
            flags: header.flags - FLUSH,
            external: nodes.external_header().unwrap_or_default().to_vec(),
            nodes: nodes_of,
        })
    }
}

#[test]
fn pages_are_those_of_the_engine() {
    let Some(corpus) = testkit::corpus() else { return };
    let scratch = std::env::temp_dir();
    let (mut pages, mut nodes) = (0, 0);
    for (name, files, theirs) in SETS {
        let folder = corpus.unpacked().join(name);
        let ours = recover(&Request::of(folder.join(files)), &scratch).unwrap().file().unwrap();
        let path = folder.join(theirs).join("test.edb");
        let theirs = Arc::new(DatabaseFile::open(os(), &path).unwrap());
        assert_eq!(ours.last_page(), theirs.last_page(), "{name}");
        for number in (1..=ours.last_page().0).map(PageNumber) {
            let (our, their) = (Live::of(&ours, number), Live::of(&theirs, number));
            nodes += our.as_ref().map_or(0, |live| live.nodes.len());
            assert!(our == their, "{name}, page {number}:\n{our:?}\n{their:?}");
            pages += 1;
        }
    }
    eprintln!("{pages} pages with {nodes} nodes are those of the engine");
    assert!(pages > 2700 && nodes > 30_000, "{pages} {nodes}");
}
