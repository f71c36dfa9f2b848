//! Reading round damage: every leaf of a tree that is left, and what is not.
//!
//! ```text
//! damaged leaf            left out; the separators above it tell which keys it had
//! damaged internal page   the leaves under it are looked for in the whole file: pages of the same
//!                         object whose first key lies between the separators above the page
//! ```
//!
//! The file is gone through at most once for all trees, and only if an internal page is damaged.
//! Pages that the tree has freed can look like its leaves: those that its space tree names are
//! passed over, and each page is given once.

use std::fmt;
use std::sync::{Arc, OnceLock};

use ese_format::PageNumber;
use ese_format::page::PageFlags;

use crate::dump::Hex;
use crate::pages::{PageRef, Pages};
use crate::row::Row;
use crate::space::TreeSpace;
use crate::table::Table;
use crate::tree::{Expected, MAX_DEPTH};
use crate::{Database, Error, Tree, TreeDamage};

/// A part of a tree that cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Gap {
    /// The page.
    pub page: PageNumber,
    /// What is wrong with it.
    pub error: Error,
    /// Keys in it are not below this one; `None` if that is not known.
    pub from: Option<Vec<u8>>,
    /// Keys in it are below this one; `None`: the tree's last.
    pub below: Option<Vec<u8>>,
    /// Leaves from under the page that were found without it, and follow.
    pub found: usize,
}

impl Gap {
    /// A node that cannot be read.
    pub(crate) fn node(page: PageNumber, error: Error) -> Self {
        Self { page, error, from: None, below: None, found: 0 }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page {}", self.page)?;
        match (&self.from, &self.below) {
            (None, None) => {}
            (from, below) => {
                write!(f, ", keys")?;
                if let Some(from) = from {
                    write!(f, " from {}", Hex(from))?;
                }
                if let Some(below) = below {
                    write!(f, " to below {}", Hex(below))?;
                }
            }
        }
        write!(f, ": {}", self.error)?;
        if self.found > 0 {
            write!(f, "; {} leaves under it were found in the file", self.found)?;
        }
        Ok(())
    }
}

/// Reads what is left of the trees of a database.
///
/// ```
/// # let unpacked = testkit::set("clean_8k");
/// # let database = ese::Database::open(unpacked.file("test.edb"))?;
/// let salvage = ese::Salvage::new(&database);
/// let table = database.table("alltypes")?;
/// let (mut rows, mut gaps) = (0, 0);
/// for row in salvage.rows(&table) {
///     match row {
///         Ok(_) => rows += 1,
///         Err(gap) => {
///             eprintln!("left out: {gap}");
///             gaps += 1;
///         }
///     }
/// }
/// assert!(rows > 0 && gaps == 0);
/// # Ok::<(), ese::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Salvage {
    leaves: Arc<AllLeaves>,
}

impl Salvage {
    /// For the trees of this database.
    pub fn new(database: &Database) -> Self {
        let pages = database.pages().clone();
        Self { leaves: Arc::new(AllLeaves { pages, found: OnceLock::new() }) }
    }

    /// The leaves of a tree that can be read, in the order of their keys; what cannot is an error
    /// in its place.
    pub fn leaves(&self, tree: &Tree) -> impl Iterator<Item = Result<PageRef, Gap>> + use<> {
        Walk {
            tree: tree.clone(),
            all: self.leaves.clone(),
            space: None,
            waiting: vec![Step::top(tree.root())],
            seen: Seen::default(),
        }
    }

    /// The rows of a table that can be read; what cannot is an error in its place.
    pub fn rows<'t>(
        &self,
        table: &'t Table,
    ) -> impl Iterator<Item = Result<Row<'t>, Gap>> + use<'t> {
        self.leaves(table.tree()).flat_map(move |leaf| {
            let (leaf, gap) = match leaf {
                Ok(leaf) => (Some(leaf), None),
                Err(gap) => (None, Some(Err(gap))),
            };
            let rows = leaf.into_iter().flat_map(move |leaf| {
                (0..leaf.node_count()).filter_map(move |line| {
                    match table.tree().node(&leaf, line) {
                        Ok(node) if node.is_deleted() => None,
                        Ok(_) => Some(Ok(Row::new(table, leaf.clone(), line))),
                        Err(error) => Some(Err(Gap::node(leaf.number(), error))),
                    }
                })
            });
            gap.into_iter().chain(rows)
        })
    }
}

/// Every leaf of the file, by object.
#[derive(Debug)]
struct AllLeaves {
    pages: Arc<Pages>,
    /// Object id and page, sorted.
    found: OnceLock<Vec<(u32, PageNumber)>>,
}

impl AllLeaves {
    fn of(&self, objid: u32) -> impl Iterator<Item = PageNumber> {
        let found = self.found.get_or_init(|| self.scan());
        let first = found.partition_point(|(object, _)| *object < objid);
        let rest = found.get(first..).unwrap_or_default();
        rest.iter().take_while(move |(object, _)| *object == objid).map(|(_, page)| *page)
    }

    fn scan(&self) -> Vec<(u32, PageNumber)> {
        let unfit = PageFlags::EMPTY | PageFlags::SPACE_TREE;
        let mut found = Vec::new();
        for number in (1..=self.pages.last_page().0).map(PageNumber) {
            if let Ok(page) = self.pages.read(number)
                && page.is_leaf()
                && !page.flags().intersects(unfit)
                && page.node_count() > 0
            {
                found.push((page.header().objid, number));
            }
        }
        found.sort_unstable();
        found
    }
}

/// A page still to be read, and the bounds of its keys.
#[derive(Debug)]
struct Step {
    page: PageNumber,
    expected: Expected,
    depth: usize,
    from: Option<Vec<u8>>,
    below: Option<Vec<u8>>,
}

impl Step {
    fn top(page: PageNumber) -> Self {
        Self { page, expected: Expected::Root, depth: 0, from: None, below: None }
    }
}

/// Pages that were given, one bit each.
#[derive(Debug, Default)]
struct Seen(Vec<u64>);

impl Seen {
    /// Whether it is the first time.
    fn insert(&mut self, page: PageNumber) -> bool {
        let (word, bit) = ((page.0 / 64) as usize, page.0 % 64);
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0.get_mut(word).is_some_and(|word| {
            let first = *word >> bit & 1 == 0;
            *word |= 1 << bit;
            first
        })
    }
}

/// The way through a damaged tree.
#[derive(Debug)]
struct Walk {
    tree: Tree,
    all: Arc<AllLeaves>,
    /// Read when it is first needed; none if it cannot be read.
    space: Option<Option<TreeSpace>>,
    /// The next one last.
    waiting: Vec<Step>,
    seen: Seen,
}

impl Iterator for Walk {
    type Item = Result<PageRef, Gap>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let step = self.waiting.pop()?;
            let read = self.tree.page(step.page, step.expected).and_then(|page| {
                let fits = step.depth <= MAX_DEPTH && self.seen.insert(step.page);
                let children = match (fits, page.is_leaf()) {
                    (false, _) => return Err(self.tree.damaged(step.page, TreeDamage::Endless)),
                    (true, true) => Vec::new(),
                    (true, false) => self.children(&page, &step)?,
                };
                Ok((page, children))
            });
            match read {
                Ok((page, _)) if page.is_leaf() => return Some(Ok(page)),
                Ok((_, children)) => self.waiting.extend(children.into_iter().rev()),
                Err(error) => return Some(Err(self.gap(step, error))),
            }
        }
    }
}

impl Walk {
    /// The pages under an internal page with the bounds of their keys.
    fn children(&self, page: &PageRef, step: &Step) -> Result<Vec<Step>, Error> {
        let children = self.tree.children(page)?;
        let mut from = step.from.clone();
        let mut steps = Vec::with_capacity(children.len());
        for (line, (page_number, expected)) in (0..).zip(children) {
            let separator = self.tree.node(page, line)?.key();
            let below =
                if separator.is_empty() { step.below.clone() } else { Some(separator.clone()) };
            let next = below.clone();
            let depth = step.depth + 1;
            steps.push(Step { page: page_number, expected, depth, from, below });
            from = next;
        }
        Ok(steps)
    }

    /// What is left out; leaves from under an internal page come next.
    fn gap(&mut self, step: Step, error: Error) -> Gap {
        let Step { page, expected, from, below, .. } = step;
        let mut found = Vec::new();
        if expected != Expected::Leaf {
            let (tree, all) = (&self.tree, &self.all);
            let space = self.space.get_or_insert_with(|| TreeSpace::read(tree).ok());
            for number in all.of(tree.objid()) {
                let free = space.as_ref().is_some_and(|space| space.is_available(number));
                let first = self.tree.page(number, Expected::Leaf).ok();
                let first = first.filter(|_| !free).and_then(|page| first_entry(&page));
                let inside = first.filter(|key| {
                    from.as_ref().is_none_or(|from| key >= from)
                        && below.as_ref().is_none_or(|below| key < below)
                });
                found.extend(inside.map(|key| (key, number)));
            }
        }
        found.sort_unstable();
        let count = found.len();
        self.waiting.extend(found.into_iter().rev().map(|(_, page)| Step {
            page,
            expected: Expected::Leaf,
            depth: MAX_DEPTH,
            from: None,
            below: None,
        }));
        Gap { page, error, from, below, found: count }
    }
}

/// What separators are compared with: the key, and in an index whose keys are not unique the data.
fn first_entry(page: &PageRef) -> Option<Vec<u8>> {
    let node = page.node(0)?;
    let mut entry = node.key();
    if page.flags().contains(PageFlags::NON_UNIQUE_KEYS) {
        entry.extend_from_slice(node.data);
    }
    Some(entry)
}
