//! The last owned page from trees of owned extents of every shape.

use ese::UnknownSpaceReason;
use ese_format::node::NodeFlags;
use ese_format::page::PageFlags;
use ese_format::page_builder::PageBuilder;
use ese_format::{PageNumber, PageSize};

use crate::made::{Made, database, owned_root};

fn last_owned(made: &Made) -> Result<PageNumber, (u32, UnknownSpaceReason)> {
    made.open().layout().last_owned.map_err(|unknown| (unknown.page.0, unknown.reason))
}

fn internal(size: PageSize, root: bool, parent_of_leaf: bool, children: &[u32]) -> PageBuilder {
    let mut flags = PageFlags::SPACE_TREE;
    flags.set(PageFlags::ROOT, root);
    flags.set(PageFlags::PARENT_OF_LEAF, parent_of_leaf);
    let external: &[u8] = if root { &[0; 16] } else { &[] };
    let mut page = PageBuilder::new(size, flags).external_header(external);
    for (index, child) in children.iter().enumerate() {
        let key = [u8::try_from(index).unwrap()];
        // The last separator is the empty key: no end.
        let key: &[u8] = if index + 1 == children.len() { &[] } else { &key };
        page = page.node(key, &child.to_le_bytes());
    }
    page
}

fn leaf(size: PageSize, extents: &[(u32, u32)]) -> PageBuilder {
    let mut page = PageBuilder::new(size, PageFlags::LEAF | PageFlags::SPACE_TREE);
    for (last, count) in extents {
        page = page.node(&last.to_be_bytes(), &count.to_le_bytes());
    }
    page
}

#[test]
fn one_leaf_gives_its_last_extent() {
    for size in PageSize::ALL {
        assert_eq!(last_owned(&database(size, 9)), Ok(PageNumber(9)));
    }
}

#[test]
fn tree_of_three_levels_gives_the_last_extent_of_its_last_leaf() {
    for size in [PageSize::KIB_4, PageSize::KIB_32] {
        let mut made = database(size, 12);
        made.set_page(2, internal(size, true, false, &[3, 4]));
        made.set_page(3, internal(size, false, true, &[5]));
        made.set_page(4, internal(size, false, true, &[6, 7]));
        made.set_page(5, leaf(size, &[(2, 2)]));
        made.set_page(6, leaf(size, &[(4, 2)]));
        made.set_page(7, leaf(size, &[(8, 4), (11, 3)]));
        assert_eq!(last_owned(&made), Ok(PageNumber(11)));
    }
}

#[test]
fn deleted_extents_are_passed_over() {
    let size = PageSize::KIB_8;
    let mut made = database(size, 12);
    made.set_page(2, internal(size, true, true, &[5, 6]));
    made.set_page(5, leaf(size, &[(4, 4), (9, 5)]));
    let deleted = [&[4, 0, 0, 0, 0, 12][..], &3u32.to_le_bytes()].concat();
    let all_deleted = PageBuilder::new(size, PageFlags::LEAF | PageFlags::SPACE_TREE)
        .line(NodeFlags::DELETED, &deleted);
    made.set_page(6, all_deleted);
    assert_eq!(last_owned(&made), Ok(PageNumber(9)));
}

#[test]
fn tree_that_leads_back_to_itself_is_unknown() {
    let size = PageSize::KIB_8;
    let mut made = database(size, 8);
    made.set_page(2, internal(size, true, false, &[3]));
    made.set_page(3, internal(size, false, false, &[2]));
    assert_eq!(last_owned(&made), Err((2, UnknownSpaceReason::Limit)));
}

#[test]
fn endless_depth_is_unknown() {
    let size = PageSize::KIB_4;
    let mut made = database(size, 40);
    made.set_page(2, internal(size, true, false, &[3]));
    for number in 3..40 {
        made.set_page(number, internal(size, false, false, &[number + 1]));
    }
    assert!(matches!(last_owned(&made), Err((_, UnknownSpaceReason::Limit))));
}

#[test]
fn damaged_tree_is_unknown_and_every_page_is_then_judged() {
    let mut made = database(PageSize::KIB_8, 8);
    made.flip(2, 4000);
    made.flip(2, 4001);
    assert_eq!(last_owned(&made), Err((2, UnknownSpaceReason::Unreadable)));
    assert_eq!(made.open().layout().last_judged(), PageNumber(8));
    assert_eq!(made.open().layout().missing_pages(), 0);
}

#[test]
fn single_wrong_bit_in_the_tree_does_not_matter() {
    let mut made = database(PageSize::KIB_8, 8);
    made.flip(1, 40 * 8);
    made.flip(2, 47 * 8 + 3);
    assert_eq!(last_owned(&made), Ok(PageNumber(8)));
}

#[test]
fn tree_without_sound_nodes_is_unknown() {
    let size = PageSize::KIB_8;
    let mut made = database(size, 8);
    made.set_page(2, owned_root(size).node(b"long key", &[1, 0, 0, 0]));
    assert_eq!(last_owned(&made), Err((2, UnknownSpaceReason::NotSpace)));
    made.set_page(2, owned_root(size));
    assert_eq!(last_owned(&made), Err((1, UnknownSpaceReason::NotSpace)));
    made.set_page(2, internal(size, true, true, &[99]));
    assert_eq!(last_owned(&made), Err((99, UnknownSpaceReason::Outside)));
    made.set_page(2, PageBuilder::new(size, PageFlags::LEAF).node(b"abcd", b"efgh"));
    assert_eq!(last_owned(&made), Err((2, UnknownSpaceReason::NotSpace)));
}

#[test]
fn root_without_a_space_header_is_unknown() {
    let size = PageSize::KIB_8;
    let mut made = database(size, 8);
    made.set_page(1, PageBuilder::new(size, PageFlags::ROOT | PageFlags::LEAF));
    assert_eq!(last_owned(&made), Err((1, UnknownSpaceReason::NotSpace)));
    made.page(1).fill(0);
    assert_eq!(last_owned(&made), Err((1, UnknownSpaceReason::Unreadable)));
}
