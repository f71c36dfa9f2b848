//! Whose page is whose.
//!
//! ```text
//! level 0   database     |--------------------------------------------|
//! level 1   tables          |------- a -------|    |----- b -----|
//! level 2   indexes, LV        |- a:i -|                |- b:LV -|
//! claims    available, split buffers: of the deepest owner, and not used
//! ```
//!
//! A page belongs to the deepest tree that owns it. Extents are kept as sorted lists, so memory
//! grows with the number of extents, not of pages.
//!
//! Source: ESE `space.cxx`.

use ese_format::PageNumber;

use super::extents::{Held, HeldSpans, Pages, Span, uncovered};
use super::space::Space;
use super::usage::Usage;
use super::{CheckedTree, Findings, Place, codes};

/// Who owns what, and what of it is free.
#[derive(Debug)]
pub(super) struct Ownership {
    levels: Vec<HeldSpans>,
    claims: HeldSpans,
    /// Whether the space of a tree could be read, by its number.
    complete: Vec<bool>,
}

/// Trees below trees: the database, tables, indexes and long values.
const LEVELS: usize = 3;

impl Ownership {
    /// Puts the space of all trees together, and judges whether it fits.
    pub(super) fn new(trees: &[CheckedTree], spaces: &[Space], findings: &Findings) -> Self {
        let mut held: Vec<Vec<Held>> = vec![Vec::new(); LEVELS];
        let mut claims = Vec::new();
        for (tree, space) in trees.iter().zip(spaces) {
            let Ok(number) = u32::try_from(tree.number) else { continue };
            let level = level(trees, tree);
            let spans = |spans: &[Span]| -> Vec<Held> {
                spans.iter().map(|&span| Held { span, tree: number }).collect()
            };
            if let Some(held) = held.get_mut(level) {
                held.extend(spans(&space.owned));
            }
            claims.extend(spans(&space.available));
            claims.extend(spans(&space.split));
        }
        let twice = |a: Held, b: Held| {
            let (Some(first), Some(second)) = (trees.get(a.tree()), trees.get(b.tree())) else {
                return;
            };
            let pages: Pages = [b.span].into_iter().collect();
            let place = Place::tree(second).on(PageNumber(b.span.first));
            findings.add(&codes::SPACE_OWNED_TWICE, place, || {
                format!("pages {} are owned by {} too", pages.text(), Place::tree(first))
            });
        };
        let levels = held.into_iter().map(|held| HeldSpans::new(held, twice)).collect();
        let claims = HeldSpans::new(claims, |a, b| {
            let (Some(first), Some(second)) = (trees.get(a.tree()), trees.get(b.tree())) else {
                return;
            };
            let pages: Pages = [b.span].into_iter().collect();
            let place = Place::tree(second).on(PageNumber(b.span.first));
            findings.add(&codes::SPACE_USED_TWICE, place, || {
                format!("pages {} are free in {} too", pages.text(), name(first))
            });
        });
        let complete = spaces.iter().map(|space| space.complete).collect();
        let ownership = Self { levels, claims, complete };
        ownership.judge_parents(trees, findings);
        ownership.judge_claims(trees, spaces, findings);
        ownership
    }

    /// What a tree owns must be owned by the tree above.
    fn judge_parents(&self, trees: &[CheckedTree], findings: &Findings) {
        for (level, above) in self.levels.iter().skip(1).zip(&self.levels) {
            for held in level.iter() {
                let Some(tree) = trees.get(held.tree()) else { continue };
                let Some(parent) = tree.parent.and_then(|parent| trees.get(parent)) else {
                    continue;
                };
                if !self.is_complete(parent) {
                    continue;
                }
                let covering =
                    above.within(held.span).filter(|h| h.tree() == parent.number).map(|h| h.span);
                let missing: Pages = uncovered(held.span, covering).into_iter().collect();
                if let Some(first) = missing.first() {
                    findings.add(&codes::SPACE_NOT_IN_PARENT, Place::tree(tree).on(first), || {
                        let pages = missing.text();
                        format!("it owns pages {pages}, which {} does not own", name(parent))
                    });
                }
            }
        }
    }

    /// What is free in a tree must be its own, and lie in one extent.
    fn judge_claims(&self, trees: &[CheckedTree], spaces: &[Space], findings: &Findings) {
        for (tree, space) in trees.iter().zip(spaces) {
            if !space.complete {
                continue;
            }
            let own_level = level(trees, tree);
            for (span, what) in space
                .available
                .iter()
                .map(|span| (*span, "available"))
                .chain(space.split.iter().map(|span| (*span, "split buffer")))
            {
                let own = self.levels.get(own_level).into_iter().flat_map(|l| l.within(span));
                let own = own.filter(|held| held.tree() == tree.number).map(|held| held.span);
                let mut strange = uncovered(span, own);
                let deeper = self.levels.iter().skip(own_level + 1);
                strange.extend(deeper.flat_map(|level| level.within(span)).map(|held| held.span));
                strange.sort_unstable();
                let strange: Pages = strange.into_iter().collect();
                if let Some(first) = strange.first() {
                    findings.add(&codes::SPACE_NOT_OWNED, Place::tree(tree).on(first), || {
                        format!("{what} pages {} are not its own", strange.text())
                    });
                }
                let extent = space.owned.partition_point(|owned| owned.last < span.first);
                if what == "available"
                    && let Some(extent) = space.owned.get(extent)
                    && extent.first <= span.first
                    && extent.last < span.last
                {
                    let place = Place::tree(tree).on(PageNumber(span.first));
                    findings.add(&codes::SPACE_AVAILABLE, place, || {
                        let Span { first, last } = span;
                        format!("available pages {first}-{last} lie in more than one extent")
                    });
                }
            }
        }
    }

    /// Judges a page that was found in `tree`.
    pub(super) fn judge_page(&self, tree: &CheckedTree, page: PageNumber, findings: &Findings) {
        let owner = self.owner(page);
        if owner.is_none_or(|owner| owner.tree() != tree.number) && self.is_complete(tree) {
            let place = Place::tree(tree).on(page);
            findings.add(&codes::SPACE_NOT_OWNED, place, || match owner {
                Some(owner) => format!("the tree uses a page of tree {}", owner.tree),
                None => "the tree uses a page that nobody owns".to_owned(),
            });
        }
        if self.claims.find(page.0).is_some() {
            let message = || "the page is used, and free at the same time".to_owned();
            findings.add(&codes::SPACE_USED_TWICE, Place::tree(tree).on(page), message);
        }
    }

    /// The deepest tree that owns a page.
    fn owner(&self, page: PageNumber) -> Option<Held> {
        self.levels.iter().rev().find_map(|level| level.find(page.0))
    }

    fn is_complete(&self, tree: &CheckedTree) -> bool {
        self.complete.get(tree.number).copied().unwrap_or_default()
    }

    /// Says which pages of the file nobody owns, and which are owned and neither used nor free.
    pub(super) fn judge_rest(
        &self,
        trees: &[CheckedTree],
        usage: &Usage,
        last: PageNumber,
        findings: &Findings,
    ) -> Rest {
        let mut unowned = Pages::default();
        let mut leaked: Vec<Pages> = vec![Pages::default(); trees.len()];
        let mut page = 1;
        while page <= last.0 {
            let Some(owner) = self.owner(PageNumber(page)) else {
                unowned.add(Span { first: page, last: page });
                page += 1;
                continue;
            };
            // The run up to where a deeper owner, or the claim on it, begins.
            let claim = self.claims.find(page);
            if let Some(claim) = claim {
                page = claim.span.last.saturating_add(1);
                continue;
            }
            if !usage.is_taken(PageNumber(page))
                && let Some(leaked) = leaked.get_mut(owner.tree())
            {
                leaked.add(Span { first: page, last: page });
            }
            page += 1;
        }
        let mut rest = Rest { unowned: unowned.count, leaked: 0 };
        for (tree, pages) in trees.iter().zip(&leaked) {
            if let Some(first) = pages.first() {
                rest.leaked += pages.count;
                findings.add(&codes::LEAKED, Place::tree(tree).on(first), || {
                    let (count, pages) = (pages.count, pages.text());
                    format!("{count} owned pages are neither used nor free: {pages}")
                });
            }
        }
        if let Some(first) = unowned.first() {
            findings.add(&codes::UNOWNED, Place::page(first), || {
                let (count, pages) = (unowned.count, unowned.text());
                format!("{count} pages of the file belong to nobody: {pages}")
            });
        }
        rest
    }
}

/// Pages that are in no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Rest {
    pub(super) unowned: u64,
    pub(super) leaked: u64,
}

/// How many trees are above.
fn level(trees: &[CheckedTree], tree: &CheckedTree) -> usize {
    let mut level = 0;
    let mut above = tree.parent;
    while let Some(parent) = above.and_then(|above| trees.get(above)) {
        level += 1;
        if level + 1 >= LEVELS {
            break;
        }
        above = parent.parent;
    }
    level
}

/// The name of a tree, for messages.
pub(super) fn name(tree: &CheckedTree) -> String {
    match (&tree.table, &tree.index) {
        (None, _) => "the database".to_owned(),
        _ => Place::tree(tree).to_string(),
    }
}
