//! The last page that a database owns: the last key of its root's tree of owned extents.
//!
//! The tree is searched from the right, deleted nodes are passed over, and nothing in it is
//! trusted: each page is verified, depth and number of pages are bounded, and no page is visited
//! twice.

use std::collections::BTreeSet;
use std::fmt;

use ese_format::node::NodePage;
use ese_format::page::{PageFlags, PageState, correct, verify};
use ese_format::space::{Extent, child_page, space_header};
use ese_format::{PageNumber, PageSize};
use vfs::File;

/// Why the last owned page cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownSpace {
    /// The page at which the search ended.
    pub page: PageNumber,
    /// What is the matter with it.
    pub reason: UnknownSpaceReason,
}

/// What stops the search for the last owned page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownSpaceReason {
    /// The page is not in the file.
    Outside,
    /// It cannot be read, or is damaged, or was never written.
    Unreadable,
    /// It is not a page of a space tree, or its nodes are not sound.
    NotSpace,
    /// The tree is deeper or has more pages without extents than any real one.
    Limit,
}

impl fmt::Display for UnknownSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason {
            UnknownSpaceReason::Outside => "is not in the file",
            UnknownSpaceReason::Unreadable => "is damaged or empty",
            UnknownSpaceReason::NotSpace => "holds no sound space tree",
            UnknownSpaceReason::Limit => "leads on without end",
        };
        write!(f, "page {} of the space tree {reason}", self.page)
    }
}

/// Finds the last page that the database in `file` owns; `pages` are in the file.
pub(crate) fn last_owned_page(
    file: &dyn File,
    page_size: PageSize,
    pages: u32,
) -> Result<PageNumber, UnknownSpace> {
    let fetch = |number: PageNumber, bytes: &mut [u8]| {
        file.read_exact_at(bytes, number.file_offset(page_size)).is_ok()
    };
    last_owned_by(&fetch, page_size, pages)
}

/// Fills a buffer with a page; whether it could.
pub(crate) type Fetch<'a> = &'a dyn Fn(PageNumber, &mut [u8]) -> bool;

/// Finds the last page that a database owns whose `pages` pages `fetch` reads.
pub(crate) fn last_owned_by(
    fetch: Fetch<'_>,
    page_size: PageSize,
    pages: u32,
) -> Result<PageNumber, UnknownSpace> {
    let mut search = Search { fetch, page_size, pages, visited: BTreeSet::new() };
    let root = search.read(PageNumber::ROOT)?;
    let no_space = unknown(PageNumber::ROOT, UnknownSpaceReason::NotSpace);
    let page = NodePage::new(&root).ok_or(no_space)?;
    if !page.header().flags.contains(PageFlags::ROOT) {
        return Err(no_space);
    }
    let space = space_header(&page).ok_or(no_space)?;
    match space.owned_extents_root() {
        Some(owned_root) => search.last_extent(owned_root, 0)?.ok_or(no_space),
        // A root of one extent: no engine makes one, but the meaning is plain.
        None if space.pages > 0 && space.pages <= PageNumber::MAX.0 => Ok(PageNumber(space.pages)),
        None => Err(no_space),
    }
}

fn unknown(page: PageNumber, reason: UnknownSpaceReason) -> UnknownSpace {
    UnknownSpace { page, reason }
}

struct Search<'a> {
    fetch: Fetch<'a>,
    page_size: PageSize,
    pages: u32,
    visited: BTreeSet<PageNumber>,
}

impl Search<'_> {
    /// The last page of the last extent under `number`; `None` if there is no extent.
    fn last_extent(
        &mut self,
        number: PageNumber,
        depth: usize,
    ) -> Result<Option<PageNumber>, UnknownSpace> {
        if depth >= MAX_DEPTH {
            return Err(unknown(number, UnknownSpaceReason::Limit));
        }
        let bytes = self.read(number)?;
        let not_space = unknown(number, UnknownSpaceReason::NotSpace);
        let page = NodePage::new(&bytes).ok_or(not_space)?;
        let flags = page.header().flags;
        if !flags.contains(PageFlags::SPACE_TREE) {
            return Err(not_space);
        }
        for index in (0..page.node_count()).rev() {
            let node = page.node(index).ok_or(not_space)?;
            if flags.contains(PageFlags::LEAF) {
                let extent = Extent::from_owned_node(&node).ok_or(not_space)?;
                if !node.is_deleted() {
                    return Ok(Some(extent.last));
                }
            } else {
                let child = child_page(&node).ok_or(not_space)?;
                if let Some(last) = self.last_extent(child, depth + 1)? {
                    return Ok(Some(last));
                }
            }
        }
        Ok(None)
    }

    /// Reads and verifies a page; each page once.
    fn read(&mut self, number: PageNumber) -> Result<Vec<u8>, UnknownSpace> {
        if number == PageNumber::NULL || number.0 > self.pages {
            return Err(unknown(number, UnknownSpaceReason::Outside));
        }
        if self.visited.len() >= MAX_PAGES || !self.visited.insert(number) {
            return Err(unknown(number, UnknownSpaceReason::Limit));
        }
        let mut bytes = vec![0; self.page_size.bytes()];
        let unreadable = unknown(number, UnknownSpaceReason::Unreadable);
        if !(self.fetch)(number, &mut bytes) {
            return Err(unreadable);
        }
        match verify(&bytes, number) {
            PageState::Valid(_) => Ok(bytes),
            PageState::Correctable(correction) => {
                correct(&mut bytes, &correction);
                Ok(bytes)
            }
            PageState::Zeroed | PageState::Damaged(_) => Err(unreadable),
        }
    }
}

/// More levels than a tree over every possible page can have.
const MAX_DEPTH: usize = 12;

/// A path of pages, and some whose nodes are all deleted.
const MAX_PAGES: usize = 256;
