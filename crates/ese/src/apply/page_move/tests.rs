//! Moved pages and roots, with every choice of pages written before.

use ese_format::PageSize;
use ese_format::log::record::OperationFlags;
use ese_format::space::SpaceFlags;

use super::*;
use crate::apply::flushed::{
    BEFORE, MemoryPages, OBJID, Spec, image_of, node, nodes, pointers, record,
};
use crate::apply::{BeforeImageError, Operation};

const LEAF: PageFlags = PageFlags::LEAF;

/// Root 2 over leaves 10, 11 and 12.
fn tree(size: PageSize) -> MemoryPages {
    let leaf = |number, links, keys: &[&str]| Spec {
        number,
        flags: LEAF,
        links,
        external: b"key",
        nodes: nodes(keys),
    };
    MemoryPages::new(size)
        .with(&Spec {
            number: 2,
            flags: PageFlags::ROOT | PageFlags::PARENT_OF_LEAF,
            links: (0, 0),
            external: &[7; 16],
            nodes: pointers(&[("key10", 10), ("key20", 11), ("", 12)]),
        })
        .with(&leaf(10, (0, 11), &["key01"]))
        .with(&leaf(11, (10, 12), &["key10", "key12"]))
        .with(&leaf(12, (11, 0), &["key20"]))
}

/// A page in front of its gap, and behind it.
fn parts(page: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let image = image_of(page);
    let header = PageHeader::parse(&image).unwrap();
    let head_len = if header.large.is_some() { 80 } else { 40 };
    let head = image[..head_len + usize::from(header.first_free)].to_vec();
    (head, image[image.len() - 4 * header.tag_count()..].to_vec())
}

/// A page moves to page 30.
fn moved<'a>(parts: &'a (Vec<u8>, Vec<u8>)) -> PageMoveChange<'a> {
    PageMoveChange {
        destination: PageNumber(30),
        left: PageNumber(10),
        right: PageNumber(12),
        parent: PageNumber(2),
        left_before: BEFORE,
        right_before: BEFORE,
        parent_before: BEFORE,
        root: PageNumber(2),
        objid: OBJID,
        parent_line: 1,
        moved: MovedTree::empty(),
        head: &parts.0,
        tail: &parts.1,
    }
}

#[test]
fn a_page_moves() {
    for size in [PageSize::KIB_8, PageSize::KIB_32] {
        let tree = tree(size);
        let parts = parts(&tree.pages[&11]);
        let record = record(11, Change::Move(moved(&parts)));
        let (done, _) = tree.apply_in_every_state(&Operation::Record(&record));
        assert_eq!(done.nodes(30), tree.nodes(11));
        assert_eq!(done.view(30).external_header(), Some(&b"key"[..]));
        assert_eq!(done.nodes(2), pointers(&[("key10", 10), ("key20", 30), ("", 12)]));
        assert!(done.header(11).flags.contains(PageFlags::EMPTY));
        assert_eq!(done.view(11).node_count(), 0);
        let links = |number| (done.header(number).previous.0, done.header(number).next.0);
        assert_eq!((links(10), links(30), links(12)), ((0, 30), (10, 12), (30, 0)));
        assert_eq!(
            done.header(30).large.map(|large| large.number.0),
            size.is_large().then_some(30)
        );
    }
}

#[test]
fn an_only_child_moves() {
    let tree = tree(PageSize::KIB_8);
    let parts = parts(&tree.pages[&11]);
    let (left, right) = (PageNumber::NULL, PageNumber::NULL);
    let record = record(11, Change::Move(PageMoveChange { left, right, ..moved(&parts) }));
    let (done, _) = tree.apply_in_every_state(&Operation::Record(&record));
    assert_eq!(done.header(10), tree.header(10));
    assert_eq!(done.nodes(30), tree.nodes(11));
}

#[test]
fn what_cannot_be_is_refused() {
    let tree = tree(PageSize::KIB_32);
    let good_parts = parts(&tree.pages[&11]);
    let other_parts = parts(&tree.pages[&12]);
    let good = moved(&good_parts);
    let long = vec![0; 32768];
    for change in [
        PageMoveChange { parent_line: 0, ..good },
        PageMoveChange { parent_line: 7, ..good },
        PageMoveChange { parent: PageNumber::NULL, ..good },
        PageMoveChange { destination: PageNumber(11), ..good },
        PageMoveChange { destination: PageNumber::NULL, ..good },
        PageMoveChange { left: PageNumber(12), ..good },
        PageMoveChange { objid: 41, ..good },
        PageMoveChange { moved: MovedTree::ROOT, ..good },
        PageMoveChange { head: &long, ..good },
        PageMoveChange { tail: b"", ..good },
        moved(&other_parts),
    ] {
        let record = record(11, Change::Move(change));
        let mut pages = tree.clone();
        let error = pages.apply(&Operation::Record(&record), false).unwrap_err();
        let known = matches!(
            error,
            ApplyError::Impossible { .. }
                | ApplyError::OtherTree { .. }
                | ApplyError::BeforeImage {
                    what: BeforeImageError::Length { .. }
                        | BeforeImageError::Structure(_)
                        | BeforeImageError::OtherPage { .. },
                    ..
                }
        );
        assert!(known, "{error}");
    }
}

fn space_header(owned: u32) -> Vec<u8> {
    let header = SpaceHeader {
        pages: 8,
        parent: PageNumber(1),
        flags: SpaceFlags::MULTIPLE_EXTENTS,
        map_or_owned_root: owned,
    };
    header.to_bytes().to_vec()
}

/// Roots 5 (its own), 6 (owned), 7 (available); root 9 of a tree that belongs to it; catalog
/// page 20, catalog copy pages 21 and 22.
fn roots(size: PageSize) -> MemoryPages {
    // The space header is the second of three parts.
    let several = [&[0x11][..], &space_header(6), b"autoincr"].concat();
    let root = |number, flags, external, keys: &[&str]| Spec {
        number,
        flags: LEAF | flags,
        links: (0, 0),
        external,
        nodes: nodes(keys),
    };
    let space = PageFlags::ROOT | PageFlags::SPACE_TREE;
    MemoryPages::new(size)
        .with(&root(5, PageFlags::ROOT, &several, &["key1", "key2"]))
        .with(&root(6, space, &[0; 16], &["oe"]))
        .with(&root(7, space, &[0; 16], &["ae"]))
        .with(&root(9, PageFlags::ROOT, &space_header(0), &["lv"]))
        .with(&root(20, PageFlags::empty(), b"", &["table", "index"]))
        .with(&root(21, PageFlags::empty(), b"", &["table"]))
        .with(&root(22, PageFlags::empty(), b"", &["index"]))
}

#[test]
fn roots_move_with_all_that_names_them() {
    for size in [PageSize::KIB_8, PageSize::KIB_32] {
        let tree = roots(size);
        let parts = [5, 6, 7].map(|number| parts(&tree.pages[&number]));
        let (null, trees) =
            (PageNumber::NULL, [MovedTree::ROOT, MovedTree::OWNED, MovedTree::AVAILABLE]);
        let mut records = Vec::new();
        for (number, (parts, which)) in (5..).zip(parts.iter().zip(trees)) {
            records.push(record(
                number,
                Change::Move(PageMoveChange {
                    destination: PageNumber(number + 25),
                    left: null,
                    right: null,
                    parent: null,
                    moved: which,
                    ..moved(parts)
                }),
            ));
        }
        let child =
            SpaceHeader { parent: PageNumber(30), ..SpaceHeader::parse(&space_header(0)).unwrap() };
        let child = child.to_bytes();
        let old_len =
            |number: u32, line: usize| u16::try_from(tree.nodes(number)[line].1.len()).unwrap();
        let follows = [
            (9, 0, NodeChange::SetExternalHeader(&child)),
            (20, 0, NodeChange::Replace { data: b"table at 30", old_len: old_len(20, 0) }),
            (20, 1, NodeChange::Replace { data: b"index at 30", old_len: old_len(20, 1) }),
            (21, 0, NodeChange::Replace { data: b"table at 30", old_len: old_len(21, 0) }),
            (22, 0, NodeChange::Replace { data: b"index at 30", old_len: old_len(22, 0) }),
        ];
        for (page, line, change) in follows {
            let flags = OperationFlags::UNIQUE;
            records.push(PageRecord { before: BEFORE, line, flags, ..node(page, change) });
        }
        let (done, _) = tree.apply_in_every_state(&Operation::Macro(&records));
        for (from, to) in [(5, 30), (6, 31), (7, 32)] {
            assert_eq!(done.nodes(to), tree.nodes(from));
            assert!(done.header(from).flags.contains(PageFlags::EMPTY));
            assert_eq!(done.view(from).node_count(), 0);
        }
        let several = [&[0x11][..], &space_header(31), b"autoincr"].concat();
        assert_eq!(done.view(30).external_header(), Some(several.as_slice()));
        assert_eq!(done.view(9).external_header(), Some(&child[..]));
        for page in [20, 21, 22] {
            assert!(done.nodes(page).iter().all(|(_, data)| data.ends_with(b" at 30")));
        }
        // None of the three goes alone.
        let mut pages = tree.clone();
        assert!(pages.apply(&Operation::Record(&records[0]), false).is_err());
        assert!(pages.apply(&Operation::Macro(&records[..1]), false).is_err());
    }
}
