//! Mutations of single pages: checksums, header fields, tags, the frame of nodes.

use super::image::{field, flag, root};
use super::{Image, Mutation, damage, odd};

/// The catalog's second leaf: a page with many nodes and a prefix.
fn leaf(image: &Image) -> u32 {
    image.leaves(root::CATALOG)[1]
}

/// Swaps two leaves of the catalog.
fn swap(image: &mut Image) -> [u32; 2] {
    let leaves = image.leaves(root::CATALOG);
    let (one, other) = (leaves[0], leaves[1]);
    let (first, second) = (image.page(one).to_vec(), image.page(other).to_vec());
    image.raw(one).copy_from_slice(&second);
    image.raw(other).copy_from_slice(&first);
    [one, other]
}

/// Adds to a field of the catalog's second leaf.
fn add(image: &mut Image, at: usize, summand: u16) {
    let page = leaf(image);
    image.put_u16(page, at, image.u16(page, at).wrapping_add(summand));
}

/// Changes a node's key suffix length in the catalog's second leaf.
fn put_suffix_length(image: &mut Image, change: fn(u16) -> u16) {
    let page = leaf(image);
    let at = image.node(page, 3).suffix - 2;
    image.put_u16(page, at, change(image.u16(page, at)));
}

/// The first prefix-compressed node of the catalog: page and line.
fn compressed(image: &Image) -> (u32, usize) {
    let leaves = image.leaves(root::CATALOG).into_iter();
    let mut nodes = leaves.flat_map(|page| (0..image.line_count(page)).map(move |l| (page, l)));
    nodes.find(|&(page, line)| image.node(page, line).flags & 4 != 0).unwrap()
}

pub(super) const TABLE: &[Mutation] = &[
    damage("clean_4k", "one bit flipped in a page", &["page-checksum|page-corrected"], |image| {
        let page = leaf(image);
        image.raw(page)[200] ^= 0x10;
    }),
    damage("clean_4k", "several bytes overwritten in a page", &["page-checksum"], |image| {
        let page = leaf(image);
        image.raw(page)[1000..1008].copy_from_slice(b"\xde\xad\xbe\xef\xde\xad\xbe\xef");
    }),
    damage("clean_4k", "stored checksum damaged", &["page-checksum"], |image| {
        image.raw(root::CATALOG)[5] ^= 0xFF;
    }),
    damage("clean_4k", "two pages swapped", &["page-checksum"], |image| {
        swap(image);
    }),
    damage(
        "clean_4k",
        "two leaf pages swapped, checksums redone",
        &["key-bound|key-order|sibling"],
        |image| {
            for page in swap(image) {
                image.edit(page);
            }
        },
    ),
    damage(
        "clean_4k",
        "content of another tree's page copied in",
        &["objid|tree-flags"],
        |image| {
            let from = image.index("alltypes", "by_short");
            let content = image.page(from).to_vec();
            let page = leaf(image);
            image.edit(page).copy_from_slice(&content);
        },
    ),
    damage("clean_4k", "bit flipped in a free page", &["page-checksum|page-corrected"], |image| {
        let page = image.zeroed_owned_page();
        image.raw(page)[100] ^= 1;
    }),
    damage("clean_16k", "byte in the fourth part of a 16 KiB page", &["page-checksum"], |image| {
        image.raw(root::CATALOG)[13_000] ^= 3;
    }),
    damage(
        "clean_32k",
        "byte in the second part of a 32 KiB page",
        &["page-checksum|page-corrected"],
        |image| {
            image.raw(root::CATALOG)[9000] ^= 1;
        },
    ),
    damage("clean_32k", "number in the header of a 32 KiB page", &["page"], |image| {
        image.put_u32(root::CATALOG, field::NUMBER, 5);
    }),
    damage("clean_4k", "tree page zeroed", &["tree-zeroed"], |image| {
        let page = leaf(image);
        image.raw(page).fill(0);
    }),
    damage("clean_4k", "unknown page flag", &["page-flags"], |image| {
        image.change_flags(root::CATALOG, 0x80_0000, 0);
    }),
    damage("clean_4k", "free bytes one too many", &["page-structure"], |image| {
        add(image, field::FREE, 1);
    }),
    damage("clean_4k", "free bytes absurd", &["page-structure"], |image| {
        image.put_u16(leaf(image), field::FREE, 5000);
    }),
    damage(
        "clean_4k",
        "more uncommitted free bytes than free ones",
        &["page-structure"],
        |image| {
            let page = leaf(image);
            image.put_u16(page, field::UNCOMMITTED, image.u16(page, field::FREE) + 8);
        },
    ),
    damage("clean_4k", "end of the data too low", &["page-structure"], |image| {
        image.put_u16(leaf(image), field::DATA_END, 100);
    }),
    damage("clean_4k", "end of the data in the tags", &["page-structure"], |image| {
        image.put_u16(leaf(image), field::DATA_END, 4050);
    }),
    damage("clean_4k", "page dbtime in the future", &["dbtime"], |image| {
        image.put(leaf(image), field::DBTIME, &(1_u64 << 40).to_le_bytes());
    }),
    damage("clean_4k", "two tags on the same bytes", &["page-structure"], |image| {
        let page = leaf(image);
        let offset = image.u16(page, image.tag_at(1) + 2);
        image.put_u16(page, image.tag_at(2) + 2, offset);
    }),
    damage("clean_4k", "tag off the page", &["page-structure"], |image| {
        image.put_u16(leaf(image), image.tag_at(1) + 2, 4000);
    }),
    damage("clean_4k", "tag of length 0", &["page-structure"], |image| {
        image.put_u16(leaf(image), image.tag_at(1), 0);
    }),
    damage("clean_4k", "tag longer than its node", &["page-structure"], |image| {
        add(image, image.tag_at(1), 3);
    }),
    damage("clean_4k", "tag count too large", &["page-structure"], |image| {
        add(image, field::TAGS, 40);
    }),
    damage("clean_8k_new", "more reserved tags than tags", &["page-structure"], |image| {
        let page = leaf(image);
        image.put_u16(page, field::TAGS, 0x7003);
    }),
    damage("clean_4k", "key suffix longer than the node", &["node"], |image| {
        put_suffix_length(image, |_| 0x1F00);
    }),
    damage("clean_4k", "reserved bits of a key length", &["node-length"], |image| {
        put_suffix_length(image, |length| length | 0x8000);
    }),
    damage("clean_4k", "key suffix takes all of the node", &["node-data"], |image| {
        let page = leaf(image);
        let node = image.node(page, 3);
        let length = u16::try_from(node.end - node.suffix).unwrap();
        image.put_u16(page, node.suffix - 2, length);
    }),
    damage("clean_4k", "key prefix longer than the page's", &["node|catalog"], |image| {
        let (page, line) = compressed(image);
        image.put_u16(page, image.node(page, line).at, 0x0F00);
    }),
    damage("clean_4k", "node flags on the external header", &["tag-flags"], |image| {
        let at = image.tag_at(0) + 2;
        image.put_u16(root::CATALOG, at, image.u16(root::CATALOG, at) | 0x2000);
    }),
    damage("clean_4k", "node deleted, its space not given back", &["page-structure"], |image| {
        let page = leaf(image);
        for tag in 5..image.line_count(page) {
            let next = image.u32(page, image.tag_at(tag + 1));
            image.put_u32(page, image.tag_at(tag), next);
        }
        add(image, field::TAGS, 0xFFFF);
    }),
    damage(
        "clean_4k",
        "index page that is a long-value page too",
        &["page-structure|page-flags"],
        |image| {
            let page = image.index("alltypes", "by_short");
            image.change_flags(page, 0x80, 0);
        },
    ),
    damage("clean_4k", "pre-initialised page with nodes", &["page|tree-flags"], |image| {
        image.change_flags(leaf(image), flag::PREINIT, 0);
    }),
    odd("clean_4k", "hole in a page", |image| {
        let page = image.index("alltypes", "by_short");
        let node = image.node(page, 5);
        let data = image.data(page, 5).to_vec();
        image.remove(page, 5);
        image.insert(page, 5, node.flags, &node.key, &data);
    }),
    odd("clean_4k", "end of the data too high", |image| {
        let page = image.index("alltypes", "by_short");
        image.put_u16(page, field::DATA_END, image.u16(page, field::DATA_END) + 20);
    }),
    odd("clean_4k", "stray upper bits of a tag's length", |image| {
        let page = leaf(image);
        let at = image.tag_at(3);
        image.put_u16(page, at, image.u16(page, at) | 0x4000);
    }),
    odd("clean_32k", "stray upper bits of a large page's tag", |image| {
        let page = image.table("alltypes").root;
        let page = image.leaves(page)[0];
        let at = image.tag_at(2);
        image.put_u32(page, at, image.u32(page, at) | 0x8000_8000);
    }),
    odd("clean_4k", "leftover of a tree in a free page", |image| {
        let leftover = image.page(leaf(image)).to_vec();
        let page = image.zeroed_owned_page();
        image.edit(page).copy_from_slice(&leftover);
    }),
    odd("clean_4k", "all free bytes uncommitted", |image| {
        let page = leaf(image);
        image.put_u16(page, field::UNCOMMITTED, image.u16(page, field::FREE));
    }),
    odd("clean_8k", "number of reserved tags told", |image| add(image, field::TAGS, 0x1000)),
    odd("clean_4k", "scrubbed page", |image| {
        image.change_flags(leaf(image), flag::SCRUBBED, 0);
    }),
    odd("clean_4k", "another flush type", |image| {
        let page = leaf(image);
        let other = image.flags(page) ^ 0x1_8000;
        image.put_u32(page, field::FLAGS, other);
    }),
    odd("clean_4k", "page dbtime long ago", |image| {
        image.put(leaf(image), field::DBTIME, &0x41_u64.to_le_bytes());
    }),
    odd("clean_4k", "unused bytes with a letter pattern", |image| {
        let page = leaf(image);
        let from = image.header_len() + usize::from(image.u16(page, field::DATA_END));
        let to = image.line_tag_at(page, image.line_count(page) - 1);
        image.edit(page)[from..to].fill(b'D');
    }),
    odd("clean_8k", "node that could share the page's prefix", |image| {
        let (page, line) = compressed(image);
        let key = image.node(page, line).key;
        let data = image.data(page, line).to_vec();
        image.replace(page, line, &key, &data);
    }),
    odd("clean_8k", "nodes without version bit", |image| {
        let page = leaf(image);
        for line in 0..image.line_count(page) {
            image.change_node_flags(page, line, 0, 1);
        }
    }),
];
