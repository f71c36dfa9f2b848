//! Merges over pages of which some were written before, and bent ones.

use ese_format::log::record::BeforeImage;
use ese_format::page::PageFlags;
use ese_format::{DbTime, PageSize};

use super::*;
use crate::apply::flushed::{
    BEFORE, MemoryPages, NO_IMAGE, OBJID, Spec, image_of, nodes, pointers, record, whole,
};
use crate::apply::{BeforeImageError, Operation};

const SIZES: [PageSize; 2] = [PageSize::KIB_8, PageSize::KIB_32];

/// Root 2 over internal pages 5 and 6; 5 over leaves 10, 11 and 12, 6 over leaf 13. The second
/// node of leaf 11 is deleted.
fn tree(size: PageSize) -> MemoryPages {
    let inner = |number, nodes| Spec {
        number,
        flags: PageFlags::PARENT_OF_LEAF,
        links: (0, 0),
        external: b"key1",
        nodes,
    };
    let leaf = |number, links, external, keys: &[&str]| Spec {
        number,
        flags: PageFlags::LEAF,
        links,
        external,
        nodes: nodes(keys),
    };
    let mut tree = MemoryPages::new(size)
        .with(&Spec {
            number: 2,
            flags: PageFlags::ROOT,
            links: (0, 0),
            external: &[7; 16],
            nodes: pointers(&[("key50", 5), ("", 6)]),
        })
        .with(&inner(5, pointers(&[("key10", 10), ("key20", 11), ("key50", 12)])))
        .with(&inner(6, pointers(&[("", 13)])))
        .with(&leaf(10, (0, 11), b"key0", &["key01", "key09"]))
        .with(&leaf(11, (10, 12), b"", &["key10", "key11", "key12", "key19"]))
        .with(&leaf(12, (11, 13), b"key1", &["key20", "key3"]))
        .with(&leaf(13, (12, 0), b"", &["key60"]));
    let mut page = PageEdit::new(tree.pages.get_mut(&11).unwrap()).unwrap();
    page.set_node_flags(1, NodeFlags::DELETED).unwrap();
    page.set_node_flags(2, NodeFlags::VERSION).unwrap();
    tree
}

/// Leaf 11 is merged.
fn leaf<'a>(kind: MergeKind, merge_line: u16, image: BeforeImage<'a>) -> MergeChange<'a> {
    let partial = matches!(kind, MergeKind::PartialRight | MergeKind::PartialLeft);
    MergeChange {
        right: PageNumber(12),
        right_before: BEFORE,
        left: PageNumber(10),
        left_before: BEFORE,
        parent: PageNumber(5),
        parent_before: BEFORE,
        root: PageNumber(2),
        objid: OBJID,
        moved_len: 0,
        moved_max_len: 0,
        destination_uncommitted: 0,
        merge_line,
        flags: if partial { MergeFlags::empty() } else { MergeFlags::EMPTY_PAGE },
        kind,
        parent_key: if partial { b"key15" } else { b"" },
        before_image: image,
    }
}

/// A page above it.
fn above<'a>(page: u32, line: u16, flags: MergeFlags) -> PageRecord<'a> {
    let change = MergeChange { flags, ..leaf(MergeKind::None, 0, NO_IMAGE) };
    PageRecord { line, ..record(page, Change::Merge(change)) }
}

fn keys(keys: &[&str]) -> Vec<Vec<u8>> {
    keys.iter().map(|key| key.as_bytes().to_vec()).collect()
}

fn links(pages: &MemoryPages, number: u32) -> (u32, u32) {
    let header = pages.header(number);
    (header.previous.0, header.next.0)
}

fn is_free(pages: &MemoryPages, number: u32) -> bool {
    let view = pages.view(number);
    view.header().flags.contains(PageFlags::EMPTY)
        && view.node_count() == 0
        && view.external_header() == Some(&[])
}

#[test]
fn nodes_go_to_the_right() {
    for size in SIZES {
        let tree = tree(size);
        let image = image_of(&tree.pages[&11]);
        let full = leaf(MergeKind::FullRight, 0, whole(&image));
        let records = [above(5, 1, MergeFlags::DELETE_NODE), record(11, Change::Merge(full))];
        let (done, _) = tree.apply_in_every_state(&Operation::Macro(&records));
        assert_eq!(done.children(5), [(b"key10".to_vec(), 10), (b"key50".to_vec(), 12)]);
        assert_eq!(done.keys(12), keys(&["key10", "key12", "key19", "key20", "key3"]));
        assert_eq!(done.view(12).node(0).unwrap().prefix, b"key1");
        assert!(done.node_flags(12)[1].contains(NodeFlags::VERSION));
        assert!(is_free(&done, 11));
        assert_eq!((links(&done, 10), links(&done, 12)), ((0, 12), (10, 13)));

        let partial = leaf(MergeKind::PartialRight, 2, whole(&image));
        let records = [above(5, 1, MergeFlags::KEY_CHANGE), record(11, Change::Merge(partial))];
        let (done, _) = tree.apply_in_every_state(&Operation::Macro(&records));
        assert_eq!(done.keys(5), keys(&["key10", "key15", "key50"]));
        assert_eq!(done.keys(12), keys(&["key12", "key19", "key20", "key3"]));
        assert_eq!(done.keys(11), keys(&["key10", "key11"]));
        assert_eq!(
            (links(&done, 10), links(&done, 11), links(&done, 12)),
            ((0, 11), (10, 12), (11, 13))
        );
    }
}

#[test]
fn nodes_go_to_the_left() {
    for size in SIZES {
        let tree = tree(size);
        let image = image_of(&tree.pages[&11]);
        let full = leaf(MergeKind::FullLeft, 3, whole(&image));
        let both = MergeFlags::DELETE_NODE | MergeFlags::KEY_CHANGE;
        let records = [above(5, 1, both), record(11, Change::Merge(full))];
        let (done, _) = tree.apply_in_every_state(&Operation::Macro(&records));
        assert_eq!(done.children(5), [(b"key20".to_vec(), 10), (b"key50".to_vec(), 12)]);
        assert_eq!(done.keys(10), keys(&["key01", "key09", "key10", "key12", "key19"]));
        assert_eq!(done.view(10).node(2).unwrap().prefix, b"key");
        assert!(is_free(&done, 11));
        assert_eq!((links(&done, 10), links(&done, 12)), ((0, 12), (10, 13)));

        let partial = leaf(MergeKind::PartialLeft, 1, whole(&image));
        let records = [above(5, 1, MergeFlags::KEY_CHANGE), record(11, Change::Merge(partial))];
        let (done, _) = tree.apply_in_every_state(&Operation::Macro(&records));
        assert_eq!(done.keys(5), keys(&["key15", "key20", "key50"]));
        assert_eq!(done.keys(10), keys(&["key01", "key09", "key10"]));
        assert_eq!(done.keys(11), keys(&["key12", "key19"]));
    }
}

#[test]
fn an_empty_leaf_goes_with_the_pages_above_that_have_no_other() {
    let tree = tree(PageSize::KIB_8);
    let empty = MergeChange {
        left: PageNumber(12),
        right: PageNumber::NULL,
        parent: PageNumber(6),
        ..leaf(MergeKind::EmptyPage, 0, NO_IMAGE)
    };
    let records = [
        above(2, 1, MergeFlags::DELETE_NODE),
        above(6, 0, MergeFlags::EMPTY_PAGE),
        record(13, Change::Merge(empty)),
    ];
    let (done, _) = tree.apply_in_every_state(&Operation::Macro(&records));
    // The pointer in front is for all keys that are left now.
    assert_eq!(done.children(2), [(vec![], 5)]);
    assert_eq!(done.view(2).external_header(), Some(&[7; 16][..]));
    assert!(is_free(&done, 6) && is_free(&done, 13));
    assert_eq!(links(&done, 12), (11, 0));
}

#[test]
fn separators_change_above_the_parent() {
    let tree = tree(PageSize::KIB_8);
    let image = image_of(&tree.pages[&12]);
    let partial = MergeChange {
        left: PageNumber(11),
        right: PageNumber(13),
        parent_key: b"key2z",
        ..leaf(MergeKind::PartialRight, 1, whole(&image))
    };
    let changed = MergeFlags::KEY_CHANGE;
    let records = [above(2, 0, changed), above(5, 2, changed), record(12, Change::Merge(partial))];
    let (done, _) = tree.apply_in_every_state(&Operation::Macro(&records));
    assert_eq!(done.keys(2), keys(&["key2z", ""]));
    assert_eq!(done.keys(5), keys(&["key10", "key20", "key2z"]));
    assert_eq!(done.keys(13), keys(&["key3", "key60"]));
}

#[test]
fn what_cannot_be_is_refused() {
    let tree = tree(PageSize::KIB_8);
    let image = image_of(&tree.pages[&11]);
    let good = leaf(MergeKind::FullRight, 0, whole(&image));
    let try_with = |upper: PageRecord<'_>, change: MergeChange<'_>, future: bool| {
        let records = [upper, record(11, Change::Merge(change))];
        let mut pages = tree.clone();
        pages.apply(&Operation::Macro(&records), future).map(|_| ())
    };
    let parent = || above(5, 1, MergeFlags::DELETE_NODE);
    assert!(try_with(parent(), good, false).is_ok());
    let left = leaf(MergeKind::FullLeft, 3, whole(&image));
    let both = MergeFlags::DELETE_NODE | MergeFlags::KEY_CHANGE;
    for (upper, change) in [
        (parent(), MergeChange { kind: MergeKind::None, ..good }),
        (parent(), MergeChange { kind: MergeKind::PageMove, ..good }),
        (parent(), MergeChange { kind: MergeKind::EmptyTree, ..good }),
        (parent(), MergeChange { merge_line: 4, ..good }),
        (parent(), MergeChange { right: PageNumber::NULL, ..good }),
        (parent(), MergeChange { right: PageNumber(10), ..good }),
        (parent(), MergeChange { left: PageNumber(5), ..good }),
        (parent(), MergeChange { objid: 41, ..good }),
        (above(5, 3, MergeFlags::DELETE_NODE), good),
        (above(5, 1, MergeFlags::empty()), good),
        (above(5, 1, MergeFlags::KEY_CHANGE), good),
        (above(6, 0, MergeFlags::DELETE_NODE), good),
        (above(5, 0, both), left),
        (above(5, 2, both), left),
        (above(5, 1, both), MergeChange { merge_line: 4, ..left }),
    ] {
        let error = try_with(upper, change, false).unwrap_err();
        let known = matches!(
            error,
            ApplyError::Impossible { .. } | ApplyError::OtherTree { .. } | ApplyError::Edit { .. }
        );
        assert!(known, "{error}");
    }
    let absent = MergeChange { left: PageNumber(99), ..good };
    assert!(matches!(try_with(parent(), absent, true), Err(ApplyError::Absent { .. })));
    let old = MergeChange { left_before: DbTime(51), ..good };
    assert!(matches!(try_with(parent(), old, true), Err(ApplyError::TooOld { .. })));
    let mut pages = tree.clone();
    assert!(
        pages.apply(&Operation::Macro(&[parent(), record(11, parent().change)]), false).is_err()
    );
}

#[test]
fn a_leaf_that_is_ahead_needs_an_image() {
    let tree = tree(PageSize::KIB_8);
    let image = image_of(&tree.pages[&11]);
    let merge = |image| {
        let full = leaf(MergeKind::FullRight, 0, image);
        [above(5, 1, MergeFlags::DELETE_NODE), record(11, Change::Merge(full))]
    };
    let mut done = tree.clone();
    done.apply(&Operation::Macro(&merge(NO_IMAGE)), false).unwrap();
    let mut ahead = tree.clone();
    ahead.pages.insert(11, done.pages[&11].clone());
    let error = ahead.clone().apply(&Operation::Macro(&merge(NO_IMAGE)), true).unwrap_err();
    let what = BeforeImageError::Missing;
    assert!(matches!(error, ApplyError::BeforeImage { what: found, .. } if found == what));
    ahead.apply(&Operation::Macro(&merge(whole(&image))), true).unwrap();
    assert_eq!(ahead.keys(12), done.keys(12));
}
