//! Runs of pages as sorted lists: what is in which, what overlaps.

use std::fmt::Write;

use ese_format::PageNumber;

/// A run of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Span {
    pub(super) fn len(self) -> u64 {
        u64::from(self.last) - u64::from(self.first) + 1
    }
}

/// A run of pages and the tree that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held {
    pub(super) span: Span,
    pub(super) tree: u32,
}

impl Held {
    pub(super) fn tree(self) -> usize {
        self.tree as usize
    }
}

/// Runs that do not overlap, ascending.
#[derive(Debug, Default)]
pub(super) struct HeldSpans(Vec<Held>);

impl HeldSpans {
    /// Sorts `spans`; where one begins inside of another, `overlap` is told of both, in order, and
    /// the later one loses the pages.
    pub(super) fn new(mut spans: Vec<Held>, mut overlap: impl FnMut(Held, Held)) -> Self {
        spans.sort_unstable();
        let mut kept: Vec<Held> = Vec::with_capacity(spans.len());
        for mut held in spans {
            if let Some(before) = kept.last().copied()
                && before.span.last >= held.span.first
            {
                let last = before.span.last.min(held.span.last);
                overlap(before, Held { span: Span { last, ..held.span }, ..held });
                if held.span.last <= before.span.last {
                    continue;
                }
                held.span.first = before.span.last + 1;
            }
            kept.push(held);
        }
        Self(kept)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Held> + '_ {
        self.0.iter().copied()
    }

    /// The run that a page is in.
    pub(super) fn find(&self, page: u32) -> Option<Held> {
        let at = self.0.partition_point(|held| held.span.last < page);
        self.0.get(at).copied().filter(|held| held.span.first <= page)
    }

    /// The parts of runs that lie in `span`, ascending.
    pub(super) fn within(&self, span: Span) -> impl Iterator<Item = Held> + '_ {
        let at = self.0.partition_point(|held| held.span.last < span.first);
        let from = self.0.get(at..).unwrap_or_default();
        from.iter().take_while(move |held| held.span.first <= span.last).map(move |held| Held {
            span: Span {
                first: held.span.first.max(span.first),
                last: held.span.last.min(span.last),
            },
            ..*held
        })
    }
}

/// What of `span` is not in `covering`, which lie in it and ascend.
pub(super) fn uncovered(span: Span, covering: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut missing = Vec::new();
    let mut next = span.first;
    for covered in covering {
        if covered.first > next {
            missing.push(Span { first: next, last: covered.first - 1 });
        }
        next = next.max(covered.last.saturating_add(1));
    }
    if next <= span.last {
        missing.push(Span { first: next, last: span.last });
    }
    missing
}

/// Some runs as people read them, and how many pages they are.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Pages {
    pub(super) count: u64,
    listed: Vec<Span>,
}

/// Runs that a message lists.
const LISTED: usize = 8;

impl Pages {
    /// Adds a run behind all before.
    pub(super) fn add(&mut self, span: Span) {
        self.count += span.len();
        match self.listed.last_mut() {
            Some(last) if last.last.checked_add(1) == Some(span.first) => last.last = span.last,
            _ => {
                // One more than is listed says that there are more.
                if self.listed.len() <= LISTED {
                    self.listed.push(span);
                }
            }
        }
    }

    pub(super) fn first(&self) -> Option<PageNumber> {
        self.listed.first().map(|span| PageNumber(span.first))
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (index, span) in self.listed.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            let _ = match (index < LISTED, span.first == span.last) {
                (false, _) => write!(text, " and more"),
                (true, true) => write!(text, "{separator}{}", span.first),
                (true, false) => write!(text, "{separator}{}-{}", span.first, span.last),
            };
        }
        text
    }
}

impl FromIterator<Span> for Pages {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut pages = Self::default();
        spans.into_iter().for_each(|span| pages.add(span));
        pages
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(first: u32, last: u32) -> Span {
        Span { first, last }
    }

    proptest! {
        #[test]
        fn lists_say_the_same_as_single_pages(
            runs in proptest::collection::vec((1_u32..60, 1_u32..8, 0_u32..3), 0..12),
            first in 1_u32..60,
            len in 1_u32..20,
        ) {
            let held: Vec<Held> = runs
                .iter()
                .map(|&(first, len, tree)| Held { span: span(first, first + len - 1), tree })
                .collect();
            let mut twice = 0;
            let list = HeldSpans::new(held.clone(), |_, again| twice += again.span.len());
            let all: u64 = held.iter().map(|h| h.span.len()).sum();
            let kept: u64 = list.iter().map(|h| h.span.len()).sum();
            prop_assert_eq!(all, kept + twice);
            for page in 0..80 {
                let found = list.find(page).is_some();
                prop_assert_eq!(
                    found,
                    held.iter().any(|h| (h.span.first..=h.span.last).contains(&page))
                );
            }
            let asked = span(first, first + len - 1);
            let missing = uncovered(asked, list.within(asked).map(|h| h.span));
            let missing: u64 = missing.into_iter().map(Span::len).sum();
            let expected = (asked.first..=asked.last).filter(|&p| list.find(p).is_none()).count();
            prop_assert_eq!(missing, expected as u64);
        }
    }

    #[test]
    fn runs_read_well() {
        let pages: Pages = [span(1, 3), span(4, 4), span(7, 7)].into_iter().collect();
        assert_eq!((pages.count, pages.text().as_str()), (5, "1-4, 7"));
        let pages: Pages = (0..20).map(|n| span(2 * n + 1, 2 * n + 1)).collect();
        assert_eq!(pages.text(), "1, 3, 5, 7, 9, 11, 13, 15 and more");
        assert_eq!(pages.first(), Some(PageNumber(1)));
    }
}
