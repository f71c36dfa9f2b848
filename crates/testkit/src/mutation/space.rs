//! Mutations of space: headers, owned and available extents, split buffers.

use super::image::{Extent, flag, root};
use super::{Image, Mutation, damage, odd};

/// The table whose space is changed: its root.
fn table(image: &Image) -> u32 {
    image.table("alltypes").root
}

/// Root of the table's owned extents.
fn owned(image: &Image) -> u32 {
    image.space(table(image)).owned.unwrap()
}

/// Root of the table's available extents.
fn available(image: &Image) -> u32 {
    owned(image) + 1
}

/// A single-extent tree: its root.
fn small(image: &Image) -> u32 {
    image.index("alltypes", "by_short")
}

/// Puts a word of the space header of the tree with this root.
fn put_header(image: &mut Image, root: u32, word: usize, value: u32) {
    let at = image.space(root).at + 4 * word;
    image.put_u32(root, at, value);
}

/// Flips flag bits of the space header.
fn flip_flags(image: &mut Image, root: u32, bits: u8) {
    let at = image.space(root).at + 8;
    image.flip(root, at, bits);
}

/// Puts the first pair (last page, number of pages) of a split buffer.
fn put_split_buffer(image: &mut Image, page: u32, last: u32, count: u32) {
    let (at, _) = image.external_header(page);
    image.put_u32(page, at, last);
    image.put_u32(page, at + 4, count);
}

/// An extent of the tree with this root that has at least `count` pages.
fn extent(image: &Image, space_root: u32, count: u32) -> Extent {
    image.extents(space_root).into_iter().find(|extent| extent.count >= count).unwrap()
}

/// The first available extent of the database; `change` gets its number of pages.
fn change_available(image: &mut Image, change: fn(u32) -> u32) {
    let extent = extent(image, root::DATABASE_AVAILABLE, 4);
    image.put_count(extent, change(extent.count));
}

/// The database's last owned extent ends this many pages later.
fn widen_database(image: &mut Image, pages: u32) {
    let extent = *image.extents(root::DATABASE_OWNED).last().unwrap();
    image.remove(extent.page, extent.line);
    image.add_extent(root::DATABASE_OWNED, extent.last + pages, extent.count + pages);
}

/// The shadow catalog's owned extent begins six pages earlier.
fn widen_into_neighbour(image: &mut Image) {
    let owned = image.space(root::SHADOW).owned.unwrap();
    let extent = image.extents(owned)[0];
    image.put_count(extent, extent.count + 6);
}

/// The owned extents become an internal page that is its own child.
fn cycle(image: &mut Image) {
    let page = owned(image);
    image.clear_lines(page);
    image.insert(page, 0, 0, &[], &page.to_le_bytes());
    image.change_flags(page, flag::PARENT, flag::LEAF);
}

/// An available extent becomes two.
fn split_available(image: &mut Image) {
    let extent = extent(image, available(image), 2);
    image.put_count(extent, 1);
    image.add_extent(available(image), extent.last - 1, extent.count - 1);
}

/// Three available pages go into the split buffer of the owned extents.
fn fill_split_buffer(image: &mut Image) {
    let extent = extent(image, available(image), 4);
    image.put_count(extent, extent.count - 3);
    put_split_buffer(image, owned(image), extent.last - extent.count + 3, 3);
}

/// The owned extents, all of low pages, share the first three bytes of their keys.
fn share_prefix(image: &mut Image) {
    let page = owned(image);
    let extents = image.extents(page);
    let (at, len) = image.external_header(page);
    let header = [&image.page(page)[at..at + len], &[0; 3]].concat();
    image.clear_lines(page);
    image.put_external_header(page, &header);
    for (line, extent) in extents.iter().enumerate() {
        let last = u8::try_from(extent.last).unwrap();
        let node = [&[3, 0, 1, 0, last], &extent.count.to_le_bytes()[..]].concat();
        image.insert_bytes(page, line, 4, &node);
    }
}

pub(super) const TABLE: &[Mutation] = &[
    damage("clean_4k", "parent in a space header", &["space-parent"], |image| {
        put_header(image, small(image), 1, 1);
    }),
    damage(
        "clean_4k",
        "owned extent of the database shortened",
        &["space-not-owned|space-not-in-parent"],
        |image| {
            let extent = image.extents(root::DATABASE_OWNED)[0];
            image.put_count(extent, extent.count - 20);
        },
    ),
    damage(
        "clean_4k",
        "owned extent enlarged into its neighbour",
        &["space-owned-twice|space-not-in-parent"],
        widen_into_neighbour,
    ),
    damage(
        "clean_4k",
        "used pages marked available",
        &["space-used-twice|space-not-owned"],
        |image| {
            change_available(image, |count| count + 3);
        },
    ),
    odd("clean_4k", "available pages forgotten (leak)", |image| {
        change_available(image, |count| count - 3);
    }),
    damage(
        "clean_4k",
        "extent of more pages than its last page number",
        &["space-node"],
        |image| {
            let extent = image.extents(root::DATABASE_OWNED)[0];
            image.put_count(extent, 100_000);
        },
    ),
    damage("clean_4k", "space tree page without its flag", &["root-flag|tree-flags"], |image| {
        image.change_flags(root::DATABASE_OWNED, 0, flag::SPACE);
    }),
    damage("clean_4k", "bitmap frees a page outside of the extent", &["space-avail"], |image| {
        put_header(image, small(image), 3, 1 << 20);
    }),
    damage("clean_4k", "split buffer with pages and no place", &["split-buffer"], |image| {
        put_split_buffer(image, root::DATABASE_AVAILABLE, 0, 3);
    }),
    damage(
        "clean_4k",
        "split buffer of pages in use",
        &["space-used-twice|space-not-owned"],
        |image| {
            put_split_buffer(image, root::DATABASE_AVAILABLE, 12, 4);
        },
    ),
    damage("clean_4k", "extent owned twice", &["space-owned-twice|space-not-in-parent"], |image| {
        let extent = *image.extents(owned(image)).last().unwrap();
        let other = image.space(image.table("longvalues").root).owned.unwrap();
        image.add_extent(other, extent.last, extent.count);
    }),
    damage("clean_4k", "extent not owned by the parent", &["space-not-in-parent"], |image| {
        let index = image.index("alltypes", "by_tuple");
        let owned = image.space(index).owned.unwrap();
        image.add_extent(owned, image.last_owned(), 1);
    }),
    damage("clean_4k", "owned extent beyond the file", &["file-short|space-beyond"], |image| {
        widen_database(image, 100);
    }),
    damage("clean_4k", "owned extent without pages", &["space-node"], |image| {
        let extent = *image.extents(owned(image)).last().unwrap();
        image.put_count(extent, 0);
    }),
    damage("clean_4k", "available extents overlap", &["space-overlap"], |image| {
        let extent = extent(image, available(image), 2);
        image.add_extent(available(image), extent.last - 1, 1);
    }),
    damage(
        "clean_4k",
        "available page that is the root",
        &["space-used-twice|space-not-owned"],
        |image| {
            image.add_extent(available(image), table(image), 1);
        },
    ),
    damage(
        "clean_4k",
        "available page that is a leaf",
        &["space-used-twice|space-not-owned"],
        |image| {
            let leaf = image.leaves(table(image))[3];
            image.add_extent(available(image), leaf, 1);
        },
    ),
    damage("clean_4k", "available extent that is not owned", &["space-not-owned"], |image| {
        image.add_extent(available(image), image.last_owned(), 1);
    }),
    damage("clean_4k", "space tree that is its own child", &["tree-shared"], cycle),
    damage("clean_4k", "space trees outside of the file", &["tree-page"], |image| {
        put_header(image, table(image), 3, 99_999);
    }),
    damage("clean_4k", "two trees with the same space trees", &["tree-shared|objid"], |image| {
        let other = image.table("longvalues").root;
        put_header(image, other, 3, owned(image));
    }),
    damage("clean_4k", "unknown flag in a space header", &["space-header"], |image| {
        flip_flags(image, table(image), 0x40);
    }),
    damage("clean_4k", "second form of a header with one extent", &["space-header"], |image| {
        flip_flags(image, small(image), 4);
    }),
    damage("clean_4k", "non-unique flag of a space header", &["space-unique"], |image| {
        flip_flags(image, small(image), 2);
    }),
    damage("clean_4k", "primary extent without pages", &["space-header"], |image| {
        put_header(image, small(image), 0, 0);
    }),
    damage("clean_4k", "primary extent beyond the file", &["space-header"], |image| {
        put_header(image, small(image), 0, 100_000);
    }),
    damage("clean_4k", "space header of eight bytes", &["space-header"], |image| {
        let page = small(image);
        let (at, _) = image.external_header(page);
        let bytes = image.page(page)[at..at + 8].to_vec();
        image.replace_external_header(page, &bytes);
    }),
    damage(
        "clean_8k_new",
        "unknown fields in a root's external header",
        &["space-header"],
        |image| {
            let page = table(image);
            let (at, _) = image.external_header(page);
            image.put(page, at, &[5]);
        },
    ),
    damage("clean_4k", "extent with a key of three bytes", &["space-node"], |image| {
        image.insert(available(image), 0, 0, &[0, 0, 1], &[1, 0, 0, 0]);
    }),
    damage("clean_4k", "extent of an unknown pool", &["space-node"], |image| {
        let last = image.zeroed_owned_page().to_be_bytes();
        image.add(available(image), &[&[0x85], &last[..]].concat(), &[1, 0, 0, 0]);
    }),
    odd("clean_4k", "available extent in two parts", split_available),
    odd("clean_4k", "available extent without pages", |image| {
        image.add_extent(available(image), table(image), 0);
    }),
    odd("clean_4k", "marker of the contiguous pool", |image| {
        let last = image.extents(owned(image))[0].last.to_be_bytes();
        image.add(available(image), &[&[0x81], &last[..]].concat(), &[0, 0, 0, 0]);
    }),
    odd("clean_4k", "pages in a split buffer", fill_split_buffer),
    odd("clean_32k", "prefix in the root of a space tree", share_prefix),
    odd("clean_4k", "space tree of two levels", |image| {
        let page = image.take_page(table(image));
        image.deepen(available(image), page);
    }),
    odd("clean_16k", "large space tree of two levels", |image| {
        let page = image.take_page(table(image));
        image.deepen(owned(image), page);
    }),
];
