//! Mutations of the shape of a tree: links, levels, flags, order of keys, separators.

use super::image::{Entry, field, flag, root};
use super::{Image, Mutation, damage, odd};

/// The catalog's leaf `index`.
fn leaf(image: &Image, index: usize) -> u32 {
    image.leaves(root::CATALOG)[index]
}

/// Overwrites the separator of the catalog root's line `line`, length kept.
fn fill_separator(image: &mut Image, line: usize, byte: u8) {
    let node = image.node(root::CATALOG, line);
    image.edit(root::CATALOG)[node.suffix..node.data].fill(byte);
}

/// Makes the catalog root's second child pointer point to `page`.
fn redirect(image: &mut Image, page: u32) {
    let at = image.node(root::CATALOG, 1).data;
    image.put_u32(root::CATALOG, at, page);
}

/// The table tree that is changed; root and leaves.
fn table(image: &Image) -> (u32, Vec<u32>) {
    let root = image.table("alltypes").root;
    (root, image.leaves(root))
}

/// A secondary index that fits its root.
fn small_index(image: &Image) -> u32 {
    image.index("alltypes", "by_short")
}

/// Gives a two-level index a third level; its root and its only internal page below.
fn three_levels(image: &mut Image) -> (u32, u32) {
    let root = image.index("alltypes", "by_tuple");
    let new = image.take_page(root);
    image.deepen(root, new);
    (root, new)
}

/// Gives a two-level index a third level with two internal pages; both of them.
fn two_internal_pages(image: &mut Image) -> (u32, u32) {
    let (root, left) = three_levels(image);
    let right = image.take_page(root);
    image.blank(right, image.u32(root, field::OBJID), image.flags(left));
    let half = image.line_count(left) / 2;
    while image.line_count(left) > half {
        let node = image.node(left, half);
        let child = image.data(left, half).to_vec();
        image.insert(right, image.line_count(right), node.flags, &node.key, &child);
        image.remove(left, half);
    }
    let separator = image.node(left, half - 1).key;
    image.clear_lines(root);
    image.insert(root, 0, 0, &separator, &left.to_le_bytes());
    image.insert(root, 1, 0, &[], &right.to_le_bytes());
    (left, right)
}

/// Gives line `line` of an internal page another separator.
fn put_separator(image: &mut Image, page: u32, line: usize, key: &[u8]) {
    let child = image.data(page, line).to_vec();
    image.replace(page, line, key, &child);
}

/// An entry whose page has room for another one of its size.
fn entry_with_room(image: &Image, root: u32) -> Entry {
    image.find(root, |entry| {
        let free = usize::from(image.u16(entry.page, field::FREE));
        free > entry.key.len() + entry.data.len() + 8
    })
}

/// Raises the first stored key byte of the first node for which that breaks the order.
fn raise_key_byte(image: &mut Image) {
    let page = leaf(image, 1);
    let nodes = image.nodes(page);
    for pair in nodes.windows(2).skip(1) {
        let stored = pair[0].data - pair[0].suffix;
        let mut raised = pair[0].key.clone();
        let at = raised.len() - stored;
        if stored > 0 {
            raised[at] = 0xFF;
        }
        if raised > pair[1].key {
            return image.put(page, pair[0].suffix, &[0xFF]);
        }
    }
    panic!("no node can be raised");
}

/// A leaf behind the last one in which every node is flagged deleted.
fn append_dead_leaf(image: &mut Image) {
    let root = image.index("alltypes", "by_tuple");
    let last = *image.leaves(root).last().unwrap();
    let new = image.take_page(root);
    image.blank(new, image.u32(root, field::OBJID), image.flags(last));
    image.insert(new, 0, 2, &[0xFF, 0xFF], b"gone");
    image.put_u32(last, field::NEXT, new);
    image.put_u32(new, field::PREVIOUS, last);
    let line = image.line_count(root) - 1;
    image.remove(root, line);
    image.insert(root, line, 0, &[0xFF], &last.to_le_bytes());
    image.insert(root, line + 1, 0, &[], &new.to_le_bytes());
}

/// Lifts the first leaf of a three-level tree beside the internal page.
fn lift_leaf(image: &mut Image) {
    let (root, internal) = three_levels(image);
    let first = image.node(internal, 0).key;
    let child = image.data(internal, 0).to_vec();
    image.remove(internal, 0);
    image.insert(root, 0, 0, &first, &child);
}

/// Two neighbours with equal keys in an index without unique keys change places.
fn swap_equal_keys(image: &mut Image) {
    let page = small_index(image);
    let keys: Vec<Vec<u8>> = image.nodes(page).into_iter().map(|node| node.key).collect();
    let line = keys.windows(2).position(|pair| pair[0] == pair[1]).unwrap();
    image.move_line(page, line, line + 1);
}

pub(super) const TABLE: &[Mutation] = &[
    damage("clean_4k", "object id of a page", &["objid"], |image| {
        image.put_u32(leaf(image, 1), field::OBJID, 77);
    }),
    damage("clean_4k", "object id of another table in a page", &["objid"], |image| {
        let other = image.table("longvalues").objid;
        image.put_u32(table(image).1[2], field::OBJID, other);
    }),
    damage("clean_4k", "right sibling of a leaf", &["sibling"], |image| {
        image.put_u32(leaf(image, 0), field::NEXT, 0);
    }),
    damage("clean_4k", "left sibling of a leaf", &["sibling"], |image| {
        image.put_u32(leaf(image, 1), field::PREVIOUS, 4);
    }),
    damage("clean_4k", "sibling of a root", &["sibling"], |image| {
        image.put_u32(root::CATALOG, field::NEXT, 9);
    }),
    damage("clean_4k", "leaf that is its own sibling", &["sibling"], |image| {
        let page = table(image).1[3];
        image.put_u32(page, field::NEXT, page);
    }),
    damage("clean_4k", "leaf chain cut", &["sibling"], |image| {
        let leaves = table(image).1;
        image.put_u32(leaves[4], field::NEXT, 0);
        image.put_u32(leaves[5], field::PREVIOUS, 0);
    }),
    damage("clean_4k", "leaf left out of the chain", &["sibling"], |image| {
        let leaves = table(image).1;
        image.put_u32(leaves[4], field::NEXT, leaves[6]);
        image.put_u32(leaves[6], field::PREVIOUS, leaves[4]);
    }),
    damage("clean_4k", "sibling of an internal page", &["sibling"], |image| {
        let (_, internal) = three_levels(image);
        image.put_u32(internal, field::NEXT, 9);
    }),
    damage("clean_4k", "leaf flag cleared", &["tree-level|node-child"], |image| {
        image.change_flags(leaf(image, 1), 0, flag::LEAF);
    }),
    damage("clean_4k", "parent-of-leaf flag cleared", &["tree-level|node-child"], |image| {
        image.change_flags(root::CATALOG, 0, flag::PARENT);
    }),
    damage(
        "clean_4k",
        "parent-of-leaf flag on a grandparent",
        &["tree-level|node-child"],
        |image| {
            let (root, _) = three_levels(image);
            image.change_flags(root, flag::PARENT, 0);
        },
    ),
    damage("clean_4k", "leaf beside an internal page", &["tree-level|node-child"], lift_leaf),
    damage("clean_4k", "root flag on a leaf", &["root-flag|node"], |image| {
        image.change_flags(leaf(image, 2), flag::ROOT, 0);
    }),
    damage("clean_4k", "root flag missing", &["root-flag|node"], |image| {
        image.change_flags(root::CATALOG, 0, flag::ROOT);
    }),
    damage("clean_4k", "reachable page flagged empty", &["tree-flags|page-structure"], |image| {
        image.change_flags(leaf(image, 1), flag::EMPTY, 0);
    }),
    damage("clean_4k", "space flag on a table's page", &["tree-flags|page-structure"], |image| {
        image.change_flags(table(image).1[1], flag::SPACE, 0);
    }),
    damage(
        "clean_4k",
        "non-unique flag of an index dropped",
        &["root-flag|tree-flags|space-unique"],
        |image| {
            image.change_flags(small_index(image), 0, flag::NON_UNIQUE);
        },
    ),
    damage(
        "clean_4k",
        "index flag of an index dropped",
        &["root-flag|tree-flags|space-unique"],
        |image| {
            image.change_flags(small_index(image), 0, flag::INDEX | flag::NON_UNIQUE);
        },
    ),
    damage("clean_4k", "key byte raised", &["key-order"], raise_key_byte),
    damage("clean_4k", "two nodes swapped in the tags", &["key-order"], |image| {
        let page = leaf(image, 1);
        let (two, three) = (image.tag_at(2), image.tag_at(3));
        let (first, second) = (image.u32(page, two), image.u32(page, three));
        image.put_u32(page, two, second);
        image.put_u32(page, three, first);
    }),
    damage("clean_4k", "key out of order", &["key-order"], |image| {
        image.move_line(table(image).1[0], 0, 2);
    }),
    damage("clean_4k", "duplicate key", &["key-order"], |image| {
        let page = leaf(image, 1);
        let key = image.node(page, 5).key;
        let data = image.data(page, 6).to_vec();
        image.replace(page, 6, &key, &data);
    }),
    damage("clean_4k", "record twice", &["key-order"], |image| {
        let entry = entry_with_room(image, table(image).0);
        image.insert(entry.page, entry.line, 0, &entry.key, &entry.data);
    }),
    damage("clean_4k", "entry twice in an index without unique keys", &["key-order"], |image| {
        let entry = entry_with_room(image, small_index(image));
        image.insert(entry.page, entry.line, 0, &entry.key, &entry.data);
    }),
    damage("clean_4k", "bookmarks of equal keys out of order", &["key-order"], swap_equal_keys),
    damage(
        "clean_4k",
        "last key of a leaf above the separator",
        &["key-bound|key-order"],
        |image| {
            let page = leaf(image, 0);
            let node = image.node(page, image.line_count(page) - 1);
            image.edit(page)[node.suffix..node.data].fill(0xFF);
        },
    ),
    damage("clean_4k", "separator lowered", &["key-bound|key-order"], |image| {
        fill_separator(image, 0, 1);
    }),
    damage("clean_4k", "separators out of order", &["key-bound|key-order"], |image| {
        fill_separator(image, 0, 0xFF);
    }),
    damage(
        "clean_4k",
        "separator just above the first key of the next leaf",
        &["key-bound|key-order"],
        |image| {
            let (root, leaves) = table(image);
            let separator = [&image.node(leaves[3], 0).key[..], &[0]].concat();
            put_separator(image, root, 2, &separator);
        },
    ),
    damage(
        "clean_4k",
        "separator equal to the last key of its leaf",
        &["key-bound|key-order"],
        |image| {
            let (root, leaves) = table(image);
            let last = image.line_count(leaves[2]) - 1;
            let separator = image.node(leaves[2], last).key;
            put_separator(image, root, 2, &separator);
        },
    ),
    damage(
        "clean_4k",
        "separator on the last child of a root",
        &["key-bound|key-order"],
        |image| {
            let (root, _) = table(image);
            put_separator(image, root, image.line_count(root) - 1, &[0xFF]);
        },
    ),
    damage("clean_4k", "separator above the parent's", &["key-bound|key-order"], |image| {
        let (left, _) = two_internal_pages(image);
        put_separator(image, left, image.line_count(left) - 1, &[0xFF]);
    }),
    damage(
        "clean_4k",
        "separator below the parent's lower bound",
        &["key-bound|key-order"],
        |image| {
            let (_, right) = two_internal_pages(image);
            put_separator(image, right, 0, &[1]);
        },
    ),
    damage(
        "clean_4k",
        "empty separator in the middle",
        &["node-key|key-order|key-bound"],
        |image| {
            let (left, _) = two_internal_pages(image);
            put_separator(image, left, 1, &[]);
        },
    ),
    damage("clean_4k", "child pointer to a page already used", &["tree-shared"], |image| {
        redirect(image, leaf(image, 0));
    }),
    damage("clean_4k", "child pointer outside of the file", &["tree-page"], |image| {
        redirect(image, 99_999);
    }),
    damage("clean_4k", "child pointer to a free page", &["tree-zeroed"], |image| {
        redirect(image, image.zeroed_owned_page());
    }),
    damage("clean_4k", "child pointer into another tree", &["objid|tree-shared"], |image| {
        redirect(image, small_index(image));
    }),
    damage("clean_4k", "child pointer to its own page", &["tree-shared"], |image| {
        redirect(image, root::CATALOG);
    }),
    damage("clean_4k", "page in two trees", &["tree-shared|objid"], |image| {
        let shared = table(image).1[1];
        let root = image.table("churn").root;
        image.put_u32(root, image.node(root, 0).data, shared);
    }),
    damage("clean_4k", "child pointer of three bytes", &["node-child"], |image| {
        let (root, _) = table(image);
        let data = image.data(root, 1)[..3].to_vec();
        image.replace_data(root, 1, &data);
    }),
    damage("clean_4k", "internal node flagged deleted", &["node-flags"], |image| {
        image.flag_deleted(root::CATALOG, 0);
    }),
    damage("clean_4k", "leaf without nodes", &["tree-empty"], |image| {
        let page = image.leaves(image.index("alltypes", "by_tuple"))[2];
        image.clear_lines(page);
    }),
    damage("clean_4k", "empty key in a leaf", &["node-key"], |image| {
        let page = table(image).1[0];
        let data = image.data(page, 0).to_vec();
        image.replace(page, 0, &[], &data);
    }),
    damage("clean_4k", "prefix-compressed node on a root", &["node-prefix"], |image| {
        let page = small_index(image);
        let node = image.node(page, 0);
        let bytes = [&[0, 0], &image.page(page)[node.at..node.end]].concat();
        image.remove(page, 0);
        image.insert_bytes(page, 0, 4, &bytes);
    }),
    odd("clean_4k", "tree with one level more", |image| {
        three_levels(image);
    }),
    odd("clean_32k", "large tree with one level more", |image| {
        three_levels(image);
    }),
    odd("clean_8k_new", "tree of the new format with one level more", |image| {
        three_levels(image);
    }),
    odd("clean_4k", "last separator of an internal page that is its parent's", |image| {
        two_internal_pages(image);
    }),
    odd("clean_4k", "last separator of an internal page empty", |image| {
        let (left, _) = two_internal_pages(image);
        put_separator(image, left, image.line_count(left) - 1, &[]);
    }),
    odd("clean_4k", "separator that is the whole first key of the next leaf", |image| {
        let (root, leaves) = table(image);
        let separator = image.node(leaves[3], 0).key;
        put_separator(image, root, 2, &separator);
    }),
    odd("clean_4k", "entry of an index flagged deleted and left", |image| {
        let page = small_index(image);
        image.insert(page, 0, 2, &[0], &[0x7F, 0x7F, 0, 0, 0]);
    }),
    odd("clean_4k", "leaf with deleted nodes only", append_dead_leaf),
];
