//! Findings: what is wrong, where, how grave it is and what to do about it.
//!
//! A file can be wrong in millions of places. Findings are counted exactly for each code and
//! tree, and the first of each code are listed, by page, so that memory is bounded and two runs
//! over the same file say the same whatever their threads did.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ese_format::PageNumber;

use super::CheckedTree;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Odd but legal: space that nobody uses, values that no record refers to any more.
    Note,
    /// Worth knowing, and no damage by itself; or damage that recovery may put right.
    Warning,
    /// Damage.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One kind of finding.
#[derive(Debug)]
pub struct Code {
    /// Its name, in kebab case; it does not change between versions.
    pub name: &'static str,
    /// How grave it is in a clean database.
    pub severity: Severity,
    /// Whether it concerns more than one page. The pages of a dirty database were written at
    /// different times and only recovery makes them agree, so there it is a warning at most.
    pub across_pages: bool,
    /// What to do.
    pub advice: &'static str,
}

impl Code {
    /// An error within one page, in any database.
    pub const fn page(name: &'static str, advice: &'static str) -> Self {
        Self { name, severity: Severity::Error, across_pages: false, advice }
    }

    /// An error between pages: a warning in a dirty database.
    pub const fn error(name: &'static str, advice: &'static str) -> Self {
        Self { name, severity: Severity::Error, across_pages: true, advice }
    }

    /// A warning.
    pub const fn warning(name: &'static str, advice: &'static str) -> Self {
        Self { name, severity: Severity::Warning, across_pages: true, advice }
    }

    /// A note.
    pub const fn note(name: &'static str, advice: &'static str) -> Self {
        Self { name, severity: Severity::Note, across_pages: true, advice }
    }
}

/// Where something was found; what is not known or does not apply is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Place {
    /// The page.
    pub page: Option<PageNumber>,
    /// Name of the table.
    pub table: Option<Arc<str>>,
    /// Name of the index, or of another tree of the table: `LV`, `OE`, `AE`.
    pub index: Option<Arc<str>>,
    /// The key at fault, or of the record at fault; as stored.
    pub key: Option<Vec<u8>>,
}

impl Place {
    /// No place in particular: the file.
    pub fn file() -> Self {
        Self::default()
    }

    /// A page that is not seen as a part of a tree.
    pub fn page(page: PageNumber) -> Self {
        Self { page: Some(page), ..Self::default() }
    }

    /// A tree.
    pub fn tree(tree: &CheckedTree) -> Self {
        Self { table: tree.table.clone(), index: tree.index.clone(), ..Self::default() }
    }

    /// The same on a page.
    #[must_use]
    pub fn on(self, page: PageNumber) -> Self {
        Self { page: Some(page), ..self }
    }

    /// The same at a key; only the first [`LISTED_KEY`] bytes are kept.
    #[must_use]
    pub fn at(self, key: &[u8]) -> Self {
        let key = key.get(..LISTED_KEY).unwrap_or(key);
        Self { key: Some(key.to_vec()), ..self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(table) = &self.table {
            write!(f, "{table}")?;
            separator = ", ";
        }
        if let Some(index) = &self.index {
            write!(f, ":{index}")?;
        }
        if let Some(page) = self.page {
            write!(f, "{separator}page {page}")?;
            separator = ", ";
        }
        if let Some(key) = &self.key {
            write!(f, "{separator}key ")?;
            key.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        }
        Ok(())
    }
}

/// Bytes of a key that a listed finding shows.
pub const LISTED_KEY: usize = 64;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How grave it is, in this database.
    pub severity: Severity,
    /// The name of its [`Code`].
    pub code: &'static str,
    /// Where.
    pub place: Place,
    /// What is the matter: a sentence without its place.
    pub message: String,
    /// What to do.
    pub advice: &'static str,
}

/// How often a code was found in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// How grave it is, in this database.
    pub severity: Severity,
    /// The name of the [`Code`].
    pub code: &'static str,
    /// Name of the table, if it is one of a table.
    pub table: Option<Arc<str>>,
    /// Name of the index or other tree of the table.
    pub index: Option<Arc<str>>,
    /// How often.
    pub count: u64,
}

/// Collects the findings of several threads.
#[derive(Debug)]
pub struct Findings {
    dirty: bool,
    listed: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counts: BTreeMap<CountKey, (Severity, u64)>,
    listed: BTreeMap<&'static str, Listed>,
}

type CountKey = (&'static str, Option<Arc<str>>, Option<Arc<str>>);

/// The first findings of a code.
#[derive(Debug, Default)]
struct Listed {
    findings: Vec<Finding>,
    /// No finding from here on is among the first.
    end: Option<(Place, String)>,
}

/// Trees that are counted apart; those beyond are counted together.
const MOST_COUNTS: usize = 20_000;

impl Findings {
    /// A collector that lists `listed` findings of each code; `dirty` says that the database was
    /// not shut down.
    pub fn new(dirty: bool, listed: usize) -> Self {
        Self { dirty, listed, state: Mutex::default() }
    }

    /// Adds a finding; `message` is only called if it may be listed.
    pub fn add(&self, code: &'static Code, place: Place, message: impl FnOnce() -> String) {
        self.add_many(code, place, 1, message);
    }

    /// Adds `count` findings of which one is listed for all.
    pub fn add_many(
        &self,
        code: &'static Code,
        place: Place,
        count: u64,
        message: impl FnOnce() -> String,
    ) {
        let severity = self.severity(code);
        let mut state = self.lock();
        let state = &mut *state;
        let mut key = (code.name, place.table.clone(), place.index.clone());
        if state.counts.len() >= MOST_COUNTS && !state.counts.contains_key(&key) {
            key = (code.name, None, None);
        }
        state.counts.entry(key).or_insert((severity, 0)).1 += count;
        let listed = state.listed.entry(code.name).or_default();
        if listed.end.as_ref().is_some_and(|(end, _)| *end < place) {
            return;
        }
        let message = message();
        let finding = Finding { severity, code: code.name, place, message, advice: code.advice };
        listed.findings.push(finding);
        if listed.findings.len() >= self.listed.saturating_mul(2).max(1) {
            listed.cut(self.listed);
        }
    }

    /// Counts `count` findings of a code that are listed nowhere.
    pub fn count_more(&self, code: &'static Code, count: u64) {
        let severity = self.severity(code);
        let mut state = self.lock();
        state.counts.entry((code.name, None, None)).or_insert((severity, 0)).1 += count;
    }

    /// How grave a code is in this database.
    pub fn severity(&self, code: &Code) -> Severity {
        if self.dirty && code.across_pages {
            code.severity.min(Severity::Warning)
        } else {
            code.severity
        }
    }

    /// How many findings of a severity there are so far.
    pub fn count(&self, severity: Severity) -> u64 {
        let state = self.lock();
        state.counts.values().filter(|(s, _)| *s == severity).map(|(_, count)| count).sum()
    }

    /// Everything: the listed findings, the gravest first, then by code and place; and all counts.
    pub fn finish(self) -> (Vec<Finding>, Vec<Count>) {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut findings = Vec::new();
        for mut listed in state.listed.into_values() {
            listed.cut(self.listed);
            findings.append(&mut listed.findings);
        }
        // Stable: within a severity and code they stay in order of their places.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let counts = state.counts.into_iter().map(|((code, table, index), (severity, count))| {
            Count { severity, code, table, index, count }
        });
        (findings, counts.collect())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    /// Keeps the first `count`.
    fn cut(&mut self, count: usize) {
        self.findings.sort_by(|a, b| (&a.place, &a.message).cmp(&(&b.place, &b.message)));
        if self.findings.len() > count {
            self.findings.truncate(count);
            self.end = self.findings.last().map(|last| (last.place.clone(), last.message.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static BROKEN: Code = Code::page("broken", "mend it");
    static CROSSED: Code = Code::error("crossed", "uncross it");
    static ODD: Code = Code::note("odd", "nothing");

    fn found(dirty: bool) -> Findings {
        let findings = Findings::new(dirty, 3);
        for page in [9, 2, 7, 5, 1, 8, 3, 4, 6, 10] {
            findings.add(&BROKEN, Place::page(PageNumber(page)), || format!("page {page}"));
        }
        findings.add(&ODD, Place::file(), || "odd".to_owned());
        findings.add_many(&CROSSED, Place::file(), 5, || "five".to_owned());
        findings
    }

    #[test]
    fn all_are_counted_and_the_first_are_listed() {
        let findings = found(false);
        assert_eq!(findings.count(Severity::Error), 15);
        assert_eq!(findings.count(Severity::Note), 1);
        let (listed, counts) = findings.finish();
        let messages: Vec<&str> = listed.iter().map(|f| f.message.as_str()).collect();
        assert_eq!(messages, ["page 1", "page 2", "page 3", "five", "odd"]);
        let counts: Vec<(&str, u64)> = counts.iter().map(|c| (c.code, c.count)).collect();
        assert_eq!(counts, [("broken", 10), ("crossed", 5), ("odd", 1)]);
    }

    #[test]
    fn what_crosses_pages_is_a_warning_in_a_dirty_database() {
        let findings = found(true);
        assert_eq!(findings.count(Severity::Error), 10);
        assert_eq!(findings.count(Severity::Warning), 5);
        assert_eq!(findings.count(Severity::Note), 1);
    }

    #[test]
    fn places_read_as_people_would_say_them() {
        let place = Place {
            table: Some("datatable".into()),
            index: Some("PDNT_index".into()),
            ..Place::default()
        };
        let place = place.on(PageNumber(7)).at(&[0x7F, 0x80]);
        assert_eq!(place.to_string(), "datatable:PDNT_index, page 7, key 7f80");
        assert_eq!(Place::page(PageNumber(3)).to_string(), "page 3");
        assert_eq!(Place::file().to_string(), "");
    }
}
