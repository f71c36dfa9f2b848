//! Which pages were met: one bit for each page of the file.

use std::sync::atomic::{AtomicU64, Ordering};

use ese_format::PageNumber;

/// The pages of a file that trees use. It takes one bit for each page.
#[derive(Debug)]
pub(super) struct Usage {
    words: Vec<AtomicU64>,
    last: u32,
}

impl Usage {
    /// None of the pages up to `last` was met.
    pub(super) fn new(last: PageNumber) -> Self {
        let count = (last.0 / 64 + 1) as usize;
        Self { words: (0..count).map(|_| AtomicU64::new(0)).collect(), last: last.0 }
    }

    /// Meets a page; whether it is the first time. A page that is not in the file never is.
    pub(super) fn take(&self, page: PageNumber) -> bool {
        match self.word(page) {
            Some((word, bit)) => word.fetch_or(bit, Ordering::Relaxed) & bit == 0,
            None => false,
        }
    }

    /// Whether a page was met.
    pub(super) fn is_taken(&self, page: PageNumber) -> bool {
        self.word(page).is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    fn word(&self, page: PageNumber) -> Option<(&AtomicU64, u64)> {
        if page == PageNumber::NULL || page.0 > self.last {
            return None;
        }
        Some((self.words.get((page.0 / 64) as usize)?, 1 << (page.0 % 64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_met_once() {
        let usage = Usage::new(PageNumber(130));
        for page in [1, 63, 64, 65, 130] {
            assert!(!usage.is_taken(PageNumber(page)));
            assert!(usage.take(PageNumber(page)));
            assert!(!usage.take(PageNumber(page)));
            assert!(usage.is_taken(PageNumber(page)));
        }
        assert!(!usage.is_taken(PageNumber(2)));
        assert!(!usage.take(PageNumber(131)));
        assert!(!usage.take(PageNumber(0)));
    }
}
