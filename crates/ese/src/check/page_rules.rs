//! What is judged in a page as a page of its tree: flags, clock, node by node.
//!
//! The structure of tags was judged when the page was read. Everything here is per page or per
//! node and allocates nothing unless something is wrong.
//!
//! Source: ESE `CPAGE::ErrCheckPage` (cpage.cxx), `ndcheck` (node.cxx).

use ese_format::node::{Line, NodeFlags};
use ese_format::page::PageFlags;
use ese_format::{DbTime, PageNumber};

use super::{CheckedTree, Findings, Place, TreeKind, codes};
use crate::Page;

/// What a check knows of the database when it judges a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageRules<'a> {
    pub(super) findings: &'a Findings,
    /// No page of a clean database is newer than its header.
    pub(super) newest: Option<DbTime>,
    /// Whether the database was ever repaired.
    pub(super) repaired: bool,
}

/// Flags that all pages of a tree have alike.
pub(super) const TYPE_FLAGS: PageFlags = PageFlags::INDEX
    .union(PageFlags::LONG_VALUE)
    .union(PageFlags::NON_UNIQUE_KEYS)
    .union(PageFlags::SPACE_TREE);

/// Every flag that has a meaning; two more belonged to streaming files.
const KNOWN_FLAGS: u32 = 0x0007_EFFF;

impl PageRules<'_> {
    /// Judges a page by itself, seen as a page of `tree`.
    pub(super) fn page(&self, tree: &CheckedTree, page: &Page) {
        let header = page.header();
        let flags = header.flags;
        let place = || Place::tree(tree).on(page.number());
        let findings = self.findings;
        let unknown = flags.bits() & !KNOWN_FLAGS;
        if unknown != 0 {
            findings
                .add(&codes::PAGE_FLAGS, place(), || format!("unknown page flags {unknown:#x}"));
        }
        if flags.contains(PageFlags::NON_UNIQUE_KEYS) && !flags.contains(PageFlags::INDEX) {
            let message = || "flagged for keys that are not unique, but not as an index".to_owned();
            findings.add(&codes::PAGE_FLAGS, place(), message);
        }
        if let Some(large) = &header.large {
            if !flags.contains(PageFlags::NEW_CHECKSUM_FORMAT) {
                let message = || "a page of more than 8 KiB with the old checksum".to_owned();
                findings.add(&codes::PAGE_FLAGS, place(), message);
            }
            if large.reserved != [0; 12] {
                let message = || "reserved bytes of the page header are not zero".to_owned();
                findings.add(&codes::PAGE_RESERVED, place(), message);
            }
        }
        if header.tag_state & 0x8000 != 0 {
            let message = || format!("the reserved bit of the tag state {:#x}", header.tag_state);
            findings.add(&codes::PAGE_RESERVED, place(), message);
        }
        if flags.contains(PageFlags::REPAIR) {
            let message = || "the page was patched by a repair".to_owned();
            findings.add(&codes::PAGE_REPAIRED, place(), message);
        }
        if !flags.contains(PageFlags::NEW_RECORD_FORMAT) {
            // Since Windows 2000 every page has the flag, and such records cannot be read here.
            let message =
                || "records in the format from before Windows 2000, which is not read".to_owned();
            findings.add(&codes::PAGE_OLD_RECORD, place(), message);
        }
        if external_header_has_flags(page) {
            let message = || "the external header carries flags of nodes".to_owned();
            findings.add(&codes::TAG_FLAGS, place(), message);
        }
        if let Some(newest) = self.newest
            && header.dbtime.is_time()
            && header.dbtime > newest
        {
            findings.add(&codes::DBTIME, place(), || {
                format!("dbtime {} is above the header's {}", header.dbtime.0, newest.0)
            });
        }
    }

    /// Judges the flags of a page below its root.
    pub(super) fn below_root(&self, tree: &CheckedTree, page: &Page, type_flags: PageFlags) {
        let flags = page.flags();
        let place = || Place::tree(tree).on(page.number());
        if flags.contains(PageFlags::ROOT) {
            let code = if self.repaired { &codes::ROOT_FLAG_REPAIRED } else { &codes::ROOT_FLAG };
            let message = || "flagged as a root below the root of its tree".to_owned();
            self.findings.add(code, place(), message);
        }
        let own = flags & TYPE_FLAGS;
        if own != type_flags {
            self.findings.add(&codes::TREE_FLAGS, place(), || {
                let (own, root) = (own.bits(), type_flags.bits());
                format!("type flags {own:#x}, the root has {root:#x}")
            });
        }
    }

    /// Judges a root page against what its tree is for.
    pub(super) fn root(&self, tree: &CheckedTree, page: &Page) {
        let header = page.header();
        let flags = header.flags;
        let place = || Place::tree(tree).on(page.number());
        if !flags.contains(PageFlags::ROOT) {
            let message = || "the root page is not flagged as one".to_owned();
            self.findings.add(&codes::ROOT_FLAG, place(), message);
        }
        if header.previous != PageNumber::NULL || header.next != PageNumber::NULL {
            let message =
                || format!("the root page has siblings {} and {}", header.previous, header.next);
            self.findings.add(&codes::SIBLING, place(), message);
        }
        let space = matches!(tree.kind, TreeKind::OwnedExtents | TreeKind::AvailableExtents);
        let own = flags & (PageFlags::INDEX | PageFlags::LONG_VALUE | PageFlags::SPACE_TREE);
        let wanted = match tree.kind {
            TreeKind::Database | TreeKind::Table => PageFlags::empty(),
            TreeKind::Index => PageFlags::INDEX,
            TreeKind::LongValues => PageFlags::LONG_VALUE,
            // Space trees have the flags of their owner too, which are judged with the owner.
            TreeKind::OwnedExtents | TreeKind::AvailableExtents => {
                PageFlags::SPACE_TREE | (own - PageFlags::SPACE_TREE)
            }
        };
        if own != wanted {
            let message = || format!("type flags {:#x} on the root page", own.bits());
            self.findings.add(&codes::ROOT_FLAG, place(), message);
        }
        if !space
            && tree.kind == TreeKind::Index
            && flags.contains(PageFlags::NON_UNIQUE_KEYS) == tree.unique
        {
            self.findings.add(&codes::ROOT_FLAG, place(), || {
                let (said, but) = if tree.unique { ("unique", "not ") } else { ("not unique", "") };
                format!("keys are {said} by the catalog and {but}unique by the root page")
            });
        }
    }

    /// Judges a node by itself; `is_last` is the last of an internal page, whose key may be empty.
    #[inline]
    pub(super) fn node(&self, tree: &CheckedTree, page: &Page, line: &Line<'_>, at: NodeAt) {
        let node = &line.node;
        let compressed = node.flags.contains(NodeFlags::COMPRESSED);
        let sound = !line.stray_bits
            && !node.data.is_empty()
            && (node.key_len() > 0 || at.may_lack_key)
            && !(compressed && (node.prefix.len() == 1 || at.without_prefix));
        if !sound {
            self.bad_node(tree, page, line, at);
        }
    }

    #[cold]
    fn bad_node(&self, tree: &CheckedTree, page: &Page, line: &Line<'_>, at: NodeAt) {
        let (node, number) = (&line.node, at.line);
        let place = || Place::tree(tree).on(page.number());
        if line.stray_bits {
            let message = || format!("node {number}: a length with reserved bits set");
            self.findings.add(&codes::NODE_LENGTH, place(), message);
        }
        if node.data.is_empty() {
            self.findings.add(&codes::NODE_DATA, place(), || format!("node {number} has no data"));
        }
        if node.key_len() == 0 && !at.may_lack_key {
            self.findings.add(&codes::NODE_KEY, place(), || format!("node {number} has no key"));
        }
        if node.prefix.len() == 1 {
            let message = || format!("node {number} has one byte of the page's prefix");
            self.findings.add(&codes::NODE_PREFIX, place(), message);
        }
        if at.without_prefix && node.flags.contains(NodeFlags::COMPRESSED) {
            let message = || format!("node {number} of a root page has a compressed key");
            self.findings.add(&codes::NODE_PREFIX, place(), message);
        }
    }
}

/// What goes for a node at its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeAt {
    /// Its line.
    pub(super) line: usize,
    /// It is the last of an internal page.
    pub(super) may_lack_key: bool,
    /// The page is the root of a tree that is no space tree.
    pub(super) without_prefix: bool,
}

/// Bits 13 to 15 of the offset of tag 0, where small pages have the flags of a node.
fn external_header_has_flags(page: &Page) -> bool {
    let small = page.header().large.is_none();
    let offset = page.bytes().last_chunk::<2>().map_or(0, |word| u16::from_le_bytes(*word));
    small && page.header().tag_count() > 0 && offset & 0xE000 != 0
}
