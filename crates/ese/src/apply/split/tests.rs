//! Splits of every kind, with every choice of pages written before.

use std::collections::BTreeSet;

use ese_format::DbTime;
use ese_format::log::record::{BeforeImage, BeforeImageFlags, Change, NodeImage, VersionId};
use ese_format::page::PageHeader;
use ese_format::{PageSize, page_builder::PageBuilder};

use proptest::prelude::*;

use super::*;
use crate::apply::flushed::{
    MemoryPages, NO_IMAGE, OBJID, Spec, dehydrated, image_of, node, nodes, pointers, record, whole,
    xpress,
};
use crate::apply::{BeforeImageError, Operation};

const LEAF: PageFlags = PageFlags::LEAF;
const INNER: PageFlags = PageFlags::PARENT_OF_LEAF;
const SIZES: [PageSize; 2] = [PageSize::KIB_8, PageSize::KIB_32];

/// Root 2 over leaves 10, 11 and 12, of which 11 has a prefix.
fn tree(size: PageSize) -> MemoryPages {
    let root = pointers(&[("key10", 10), ("key40", 11), ("", 12)]);
    let middle = nodes(&["key11", "key1144", "key12", "key3", "key39"]);
    MemoryPages::new(size)
        .with(&Spec {
            number: 2,
            flags: INNER | PageFlags::ROOT,
            links: (0, 0),
            external: &[7; 16],
            nodes: root,
        })
        .with(&leaf(10, (0, 11), b"", nodes(&["aa", "key0"])))
        .with(&leaf(11, (10, 12), b"key11", middle))
        .with(&leaf(12, (11, 0), b"", nodes(&["key5", "z"])))
}

fn leaf(
    number: u32,
    links: (u32, u32),
    external: &[u8],
    nodes: Vec<(Vec<u8>, Vec<u8>)>,
) -> Spec<'_> {
    Spec { number, flags: LEAF, links, external, nodes }
}

/// The root takes a separator.
fn upper<'a>() -> PageRecord<'a> {
    record(2, Change::Split(SplitChange { new: PageNumber::NULL, ..level(0, 0, 0) }))
}

/// Page 11 is split to the right, to page 20.
fn level<'a>(operation_line: u16, split_line: u16, lines: u16) -> SplitChange<'a> {
    SplitChange {
        new: PageNumber(20),
        right: PageNumber(12),
        right_before: crate::apply::flushed::BEFORE,
        parent: PageNumber(2),
        parent_before: crate::apply::flushed::BEFORE,
        root: PageNumber(2),
        objid: OBJID,
        kind: SplitKind::Right,
        operation: SplitOperation::None,
        operation_line,
        split_line,
        lines,
        new_flags: LEAF,
        source_flags: LEAF,
        source_uncommitted: 0,
        new_uncommitted: 0,
        source_prefix_line: -1,
        new_prefix_line: -1,
        parent_key: b"key2",
        old_prefix: b"key11",
        new_prefix: b"",
        before_image: NO_IMAGE,
    }
}

fn insert<'a>(key: &'a [u8], data: &'a [u8]) -> PageRecord<'a> {
    node(11, NodeChange::Insert { node: NodeImage { key, data }, prefix: 0 })
}

#[test]
fn inserted_node_stays_or_goes() {
    for size in SIZES {
        let tree = tree(size);
        let image = image_of(&tree.pages[&11]);
        for (key, line, stays) in [("key0", 0, true), ("key2", 3, true), ("key35", 4, false)] {
            let split = if stays { 4 } else { 3 };
            let split = SplitChange {
                operation: SplitOperation::Insert,
                source_prefix_line: 1,
                new_prefix: if line == 0 { b"key11" } else { b"key1144" },
                new_prefix_line: 0,
                before_image: whole(&image),
                ..level(line, split, 6)
            };
            let insert = insert(key.as_bytes(), b"new");
            let records = [upper(), record(11, Change::Split(split)), insert];
            let (done, _) = tree.apply_in_every_state(&Operation::Macro(&records));
            let mut all = tree.nodes(11);
            all.insert(usize::from(line), (key.as_bytes().to_vec(), b"new".to_vec()));
            assert_eq!([done.nodes(11), done.nodes(20)].concat(), all);
            let separators = pointers(&[("key10", 10), ("key2", 11), ("key40", 20), ("", 12)]);
            assert_eq!(done.nodes(2), separators);
            let links = |number| (done.header(number).previous.0, done.header(number).next.0);
            assert_eq!(
                [links(10), links(11), links(20), links(12)],
                [(0, 11), (10, 20), (11, 12), (20, 0)]
            );
            let (page, at) = if stays { (11, line) } else { (20, line - 3) };
            assert!(done.node_flags(page)[usize::from(at)].contains(NodeFlags::VERSION));
        }
    }
}

#[test]
fn keys_take_what_they_can_of_the_new_prefixes() {
    let tree = tree(PageSize::KIB_8);
    let image = image_of(&tree.pages[&11]);
    let split = SplitChange {
        source_prefix_line: 1,
        new_prefix: b"key1144",
        new_prefix_line: 1,
        before_image: whole(&image),
        ..level(0, 2, 5)
    };
    let records = [upper(), record(11, Change::Split(split))];
    let (done, _) = tree.apply_in_every_state(&Operation::Macro(&records));
    let taken = |number| {
        let view = done.view(number);
        let taken: Vec<_> =
            (0..view.node_count()).map(|line| view.node(line).unwrap().prefix.len()).collect();
        (view.external_header().unwrap().to_vec(), taken)
    };
    assert_eq!(taken(11), (b"key1144".to_vec(), vec![5, 7]));
    assert_eq!(taken(20), (b"key3".to_vec(), vec![3, 4, 4]));
}

#[test]
fn before_images_come_in_every_form() {
    for size in SIZES {
        let tree = tree(size);
        let page = &tree.pages[&11];
        let short = dehydrated(page, 6000);
        let shortest = dehydrated(page, usize::from(PageHeader::parse(page).unwrap().free) - 7);
        let compressed = xpress(&shortest);
        let forms = [
            (BeforeImageFlags::empty(), image_of(page)),
            (BeforeImageFlags::DEHYDRATED, short),
            (BeforeImageFlags::DEHYDRATED | BeforeImageFlags::XPRESS, compressed),
        ];
        for (flags, bytes) in &forms {
            let before_image = BeforeImage { flags: *flags, bytes };
            let records = [
                upper(),
                record(11, Change::Split(SplitChange { before_image, ..level(0, 2, 5) })),
            ];
            tree.apply_in_every_state(&Operation::Macro(&records));
        }
    }
}

#[test]
fn appended_node_is_alone_and_needs_no_image() {
    for (right, kind) in [(0, SplitKind::Append), (12, SplitKind::Right)] {
        let tree = tree(PageSize::KIB_8);
        let split = SplitChange {
            kind,
            right: PageNumber(right),
            operation: SplitOperation::Insert,
            new_prefix_line: 0,
            source_prefix_line: 1,
            new_prefix: b"key1144",
            ..level(5, 5, 6)
        };
        let insert = insert(b"key4", b"new");
        let records = [upper(), record(11, Change::Split(split)), insert];
        let (done, _) = tree.apply_in_every_state(&Operation::Macro(&records));
        assert_eq!(done.nodes(11), tree.nodes(11));
        assert_eq!(done.nodes(20), [(b"key4".to_vec(), b"new".to_vec())]);
        assert_eq!(done.view(20).external_header(), Some(&b"key4"[..]));
        let prefix = if kind == SplitKind::Append { &b"key11"[..] } else { b"key1144" };
        assert_eq!(done.view(11).external_header(), Some(prefix));
        assert_eq!((done.header(20).previous.0, done.header(20).next.0), (11, right));
    }
}

#[test]
fn replaced_data_stay_or_go_and_are_remembered() {
    let tree = tree(PageSize::KIB_8);
    let image = image_of(&tree.pages[&11]);
    for line in [1, 3] {
        let (key, old) = tree.nodes(11)[usize::from(line)].clone();
        let new = [&old, &b" and more"[..]].concat();
        let diff = diff::build(&old, &new, false).unwrap();
        let replace = node(11, NodeChange::Replace { data: &new, old_len: 999 });
        let new_len = u16::try_from(new.len()).unwrap();
        let differ = NodeChange::ReplaceDiff { diff: &diff, wide: false, old_len: 999, new_len };
        for leaf in [replace, node(11, differ)] {
            let split = SplitChange {
                operation: SplitOperation::Replace,
                before_image: whole(&image),
                ..level(line, 2, 5)
            };
            let records = [upper(), record(11, Change::Split(split)), leaf];
            let (done, remembered) = tree.apply_in_every_state(&Operation::Macro(&records));
            assert_eq!(remembered.0, [(key.clone(), old.clone())]);
            let mut all = tree.nodes(11);
            all[usize::from(line)].1 = new.clone();
            assert_eq!([done.nodes(11), done.nodes(20)].concat(), all);
        }
    }
}

#[test]
fn a_deleted_node_comes_back_with_other_data() {
    for line in [1, 3] {
        let mut tree = tree(PageSize::KIB_8);
        let mut page = PageEdit::new(tree.pages.get_mut(&11).unwrap()).unwrap();
        page.set_node_flags(usize::from(line), NodeFlags::DELETED).unwrap();
        let image = image_of(&tree.pages[&11]);
        let (key, old) = tree.nodes(11)[usize::from(line)].clone();
        let back = NodeChange::FlagInsertAndReplaceData {
            node: NodeImage { key: &key, data: b"back" },
            replace_version: VersionId(11),
        };
        let split = SplitChange {
            operation: SplitOperation::FlagInsertAndReplaceData,
            before_image: whole(&image),
            ..level(line, 2, 5)
        };
        let records = [upper(), record(11, Change::Split(split)), node(11, back)];
        let (done, remembered) = tree.apply_in_every_state(&Operation::Macro(&records));
        assert_eq!(remembered.0, [(key, old)]);
        let (page, at) = if line == 1 { (11, 1) } else { (20, 1) };
        assert_eq!(done.nodes(page)[at].1, b"back");
        assert!(!done.node_flags(page)[at].contains(NodeFlags::DELETED));
    }
}

#[test]
fn a_root_is_split_down() {
    for size in SIZES {
        let root = MemoryPages::new(size).with(&Spec {
            number: 2,
            flags: LEAF | PageFlags::ROOT,
            links: (0, 0),
            external: &[7; 16],
            nodes: nodes(&["key1", "key11", "x"]),
        });
        let image = image_of(&root.pages[&2]);
        let down = SplitChange {
            right: PageNumber::NULL,
            parent: PageNumber::NULL,
            kind: SplitKind::Vertical,
            operation: SplitOperation::Insert,
            new_flags: LEAF,
            source_flags: INNER | PageFlags::ROOT,
            new_prefix_line: 1,
            parent_key: b"",
            before_image: whole(&image),
            ..level(1, 0, 4)
        };
        let insert = insert(b"key10", b"new");
        let records = [record(2, Change::Split(down)), insert];
        let (done, _) = root.apply_in_every_state(&Operation::Macro(&records));
        assert_eq!(done.children(2), [(vec![], 20)]);
        assert_eq!(done.view(2).external_header(), Some(&[7; 16][..]));
        assert!(done.header(2).flags.contains(INNER | PageFlags::ROOT));
        assert!(!done.header(2).flags.contains(LEAF));
        let keys: [&[u8]; 4] = [b"key1", b"key10", b"key11", b"x"];
        assert_eq!(done.keys(20), keys);
        assert_eq!((done.header(20).previous.0, done.header(20).next.0), (0, 0));
        // Without the operation: it follows in a change of its own.
        let alone = SplitChange { operation: SplitOperation::None, ..level_alone(&down) };
        let records = [record(2, Change::Split(alone))];
        let (done, _) = root.apply_in_every_state(&Operation::Macro(&records));
        assert_eq!(done.keys(20).len(), 3);
    }
}

fn level_alone<'a>(down: &SplitChange<'a>) -> SplitChange<'a> {
    SplitChange { operation_line: 0, lines: 3, new_prefix_line: 0, ..*down }
}

/// Root 2, internal pages 5 and 6, leaves 10 to 13; leaf 11 is split to 20, page 5 to 30.
#[test]
fn internal_pages_are_split_with_their_pages() {
    let tree = MemoryPages::new(PageSize::KIB_8)
        .with(&Spec {
            number: 2,
            flags: PageFlags::ROOT,
            links: (0, 0),
            external: &[7; 16],
            nodes: pointers(&[("key60", 5), ("", 6)]),
        })
        .with(&Spec {
            number: 5,
            flags: INNER,
            links: (0, 0),
            external: b"key30",
            nodes: pointers(&[("key10", 10), ("key30", 11), ("key301", 12), ("key60", 13)]),
        })
        .with(&leaf(11, (10, 12), b"", nodes(&["key11", "key12", "key22", "key23"])))
        .with(&leaf(12, (11, 13), b"", nodes(&["key300"])));
    let (upper_image, image) = (image_of(&tree.pages[&5]), image_of(&tree.pages[&11]));
    // The separator at line 1 of five: it and the pointer behind it stay, go, or part.
    for split_line in 1..=4 {
        let internal = SplitChange {
            new: PageNumber(30),
            right: PageNumber::NULL,
            operation: SplitOperation::Insert,
            new_flags: INNER,
            source_flags: INNER,
            source_prefix_line: 0,
            new_prefix: b"key10",
            new_prefix_line: 0,
            parent_key: b"key2x",
            old_prefix: b"key30",
            before_image: whole(&upper_image),
            ..level(1, split_line, 5)
        };
        let split = SplitChange {
            operation: SplitOperation::Insert,
            parent: PageNumber(5),
            before_image: whole(&image),
            ..level(2, 2, 5)
        };
        let records = [
            upper(),
            record(5, Change::Split(internal)),
            record(11, Change::Split(split)),
            insert(b"key21", b"new"),
        ];
        let (done, _) = tree.apply_in_every_state(&Operation::Macro(&records));
        assert_eq!(done.nodes(2), pointers(&[("key2x", 5), ("key60", 30), ("", 6)]));
        let all = [("key10", 10), ("key2", 11), ("key30", 20), ("key301", 12), ("key60", 13)];
        assert_eq!([done.nodes(5), done.nodes(30)].concat(), pointers(&all));
        assert_eq!(done.nodes(5).len(), usize::from(split_line));
        assert_eq!(done.header(5).next, PageNumber::NULL);
    }
}

#[test]
fn a_root_over_leaves_is_split_down_with_one_of_them() {
    let tree = tree(PageSize::KIB_8);
    let (root_image, image) = (image_of(&tree.pages[&2]), image_of(&tree.pages[&11]));
    let down = SplitChange {
        new: PageNumber(30),
        right: PageNumber::NULL,
        kind: SplitKind::Vertical,
        operation: SplitOperation::Insert,
        new_flags: INNER,
        source_flags: PageFlags::ROOT,
        before_image: whole(&root_image),
        ..level(1, 0, 4)
    };
    let split = SplitChange { before_image: whole(&image), ..level(0, 2, 5) };
    let records = [record(2, Change::Split(down)), record(11, Change::Split(split))];
    let (done, _) = tree.apply_in_every_state(&Operation::Macro(&records));
    assert_eq!(done.children(2), [(vec![], 30)]);
    assert_eq!(done.nodes(30), pointers(&[("key10", 10), ("key2", 11), ("key40", 20), ("", 12)]));
}

#[test]
fn what_cannot_be_is_refused() {
    let tree = tree(PageSize::KIB_8);
    let image = image_of(&tree.pages[&11]);
    let good = SplitChange { before_image: whole(&image), ..level(0, 2, 5) };
    let try_with = |change: SplitChange<'_>, future: bool| {
        let records = [upper(), record(11, Change::Split(change))];
        let mut pages = tree.clone();
        pages.apply(&Operation::Macro(&records), future).map(|_| ())
    };
    assert!(try_with(good, false).is_ok());
    let wrong = [
        SplitChange { lines: 4, ..good },
        SplitChange { split_line: 5, ..good },
        SplitChange { split_line: 0, ..good },
        SplitChange { new_prefix_line: 3, ..good },
        SplitChange { parent_key: b"key99", ..good },
        SplitChange { parent_key: b"", ..good },
        SplitChange { new: PageNumber(11), ..good },
        SplitChange { new: PageNumber(2), ..good },
        SplitChange { right: PageNumber(11), ..good },
        SplitChange { right: PageNumber(20), ..good },
        SplitChange { new: PageNumber(u32::MAX), ..good },
        SplitChange { kind: SplitKind::Vertical, ..good },
        SplitChange { kind: SplitKind::Append, ..good },
        SplitChange { operation: SplitOperation::Insert, lines: 6, ..good },
        SplitChange { new_flags: LEAF | INNER, ..good },
        SplitChange { new_flags: LEAF | PageFlags::EMPTY, ..good },
        SplitChange { objid: 41, ..good },
    ];
    for (index, change) in wrong.into_iter().enumerate() {
        let error = try_with(change, false).unwrap_err();
        let known = matches!(error, ApplyError::Impossible { .. } | ApplyError::OtherTree { .. });
        assert!(known, "{index}: {error}");
    }
    let other = SplitChange { right_before: DbTime(49), ..good };
    assert!(matches!(try_with(other, true), Err(ApplyError::TooNew { .. })));
    let other = SplitChange { right_before: DbTime(51), ..good };
    assert!(matches!(try_with(other, true), Err(ApplyError::TooOld { .. })));
    let records = [record(11, Change::Split(good))];
    let mut pages = tree.clone();
    assert!(pages.apply(&Operation::Macro(&records), false).is_err());
}

#[test]
fn a_page_that_is_ahead_needs_a_sound_image_of_it() {
    let tree = tree(PageSize::KIB_32);
    let image = image_of(&tree.pages[&11]);
    let split = |before_image| {
        [upper(), record(11, Change::Split(SplitChange { before_image, ..level(0, 2, 5) }))]
    };
    let mut ahead = tree.clone();
    let mut done = tree.clone();
    done.apply(&Operation::Macro(&split(whole(&image))), false).unwrap();
    ahead.pages.insert(11, done.pages[&11].clone());
    let error_of = |before_image| {
        let records = split(before_image);
        match ahead.clone().apply(&Operation::Macro(&records), true) {
            Err(ApplyError::BeforeImage { page: PageNumber(11), what }) => what,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(error_of(NO_IMAGE), BeforeImageError::Missing);
    let other = image_of(&tree.pages[&12]);
    let found = PageNumber(12);
    assert_eq!(error_of(whole(&other)), BeforeImageError::OtherPage { found, objid: OBJID });
    let built = PageBuilder::new(PageSize::KIB_8, LEAF).build().unwrap();
    let length = BeforeImageError::Length { found: 8192, expected: 32768 };
    assert_eq!(error_of(whole(&built)), length);
    let mut torn = image.clone();
    torn[32..34].copy_from_slice(&3_u16.to_le_bytes());
    assert!(matches!(error_of(whole(&torn)), BeforeImageError::Structure(_)));
    let pressed = BeforeImage { flags: BeforeImageFlags::XPRESS, bytes: &[0x30, 1, 2] };
    assert!(matches!(error_of(pressed), BeforeImageError::Compression(_)));
    // Outside of the range in which pages may be ahead, it cannot be.
    let records = split(whole(&image));
    let error = ahead.apply(&Operation::Macro(&records), false).unwrap_err();
    assert!(matches!(error, ApplyError::TooNew { page: PageNumber(11), .. }));
}

/// Keys of a leaf that is split, the key that comes in, and shares of the lines (of 100) that
/// tell where it is split and whose keys become prefixes.
fn leaf_and_choices() -> impl Strategy<Value = (BTreeSet<String>, String, [usize; 3])> {
    let key = "x?[ab]{1,9}";
    (proptest::collection::btree_set(key, 2..40), key, [0..100_usize, 0..100, 0..100])
}

proptest! {
    #[test]
    fn nodes_of_any_leaf_are_all_there_after_a_split(
        (keys, new, [split, source_prefix, new_prefix]) in leaf_and_choices(),
        large: bool,
    ) {
        prop_assume!(!keys.contains(&new));
        let line = keys.iter().take_while(|key| **key < new).count();
        let mut all: Vec<&str> = keys.iter().map(String::as_str).collect();
        let old_prefix = all[0].as_bytes();
        let size = if large { PageSize::KIB_32 } else { PageSize::KIB_4 };
        let tree = tree(size).with(&leaf(11, (10, 12), old_prefix, nodes(&all)));
        all.insert(line, &new);
        let share = |of: usize, count: usize| of * count / 100;
        let split = 1 + share(split, all.len() - 1);
        let (kept, moved) = all.split_at(split);
        let source_prefix = share(source_prefix, kept.len());
        let new_prefix = share(new_prefix, moved.len());
        let image = dehydrated(&tree.pages[&11], 100);
        let number = |number: usize| u16::try_from(number).unwrap();
        let change = SplitChange {
            operation: SplitOperation::Insert,
            source_prefix_line: number(source_prefix).into(),
            new_prefix: kept[source_prefix].as_bytes(),
            new_prefix_line: number(new_prefix).into(),
            before_image: BeforeImage { flags: BeforeImageFlags::DEHYDRATED, bytes: &image },
            ..level(number(line), number(split), number(all.len()))
        };
        let insert = insert(new.as_bytes(), b"new");
        let records = [upper(), record(11, Change::Split(change)), insert];
        let (done, _) = tree.apply_in_every_state(&Operation::Macro(&records));
        let keys: Vec<Vec<u8>> = all.iter().map(|key| key.as_bytes().to_vec()).collect();
        prop_assert_eq!([done.keys(11), done.keys(20)].concat(), keys);
        prop_assert_eq!(done.keys(11).len(), split);
        for (page, prefix) in [(11, kept[source_prefix]), (20, moved[new_prefix])] {
            let view = done.view(page);
            prop_assert_eq!(view.prefix(), prefix.as_bytes());
            for line in 0..view.node_count() {
                let node = view.node(line).unwrap();
                let pairs = node.key().into_iter().zip(prefix.bytes());
                let common = pairs.take_while(|(a, b)| a == b).count();
                prop_assert_eq!(node.prefix.len(), if common > 2 { common } else { 0 });
            }
        }
    }
}
