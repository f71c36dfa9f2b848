//! Changing pages: the only code that does.
//!
//! An operation is one log record, or all records of one macro. Each page has a dbtime, raised by
//! each change, and each record tells what it was before and is after:
//!
//! | dbtime of the page | what is done |
//! |---|---|
//! | that of the record, or later | nothing: the page has the change, if it may be ahead |
//! | the one before | the change; the page gets the record's dbtime |
//! | earlier | nothing: the page misses changes |
//! | between | nothing: the page has changes that no record tells of |
//!
//! A page that gets new content needs no earlier one. A record may concern several pages, of which
//! some have the change already: each is judged by itself, and what a page that needs the change
//! takes from one that has it comes from the before-image that the record brings along.
//!
//! All checks come before the first change: an error leaves every page as it was.
//!
//! Source: ESE `FLGNeedRedoCheckDbtimeBefore`, `ErrLGRIRedoNodeOperation`,
//! `ErrLGRIRedoMacroOperation` (logredo.cxx).

use ese_format::log::diff::DiffError;
use ese_format::log::record::{Change, NodeChange, PageRecord};
use ese_format::node::Node;
use ese_format::page_edit::{EditError, PageEdit};
use ese_format::{DbTime, PageNumber, jet};

pub use self::before_image::BeforeImageError;
use crate::Error;
use crate::page::PageError;
use crate::work::{Taken, WorkPage, WorkPages};

mod before_image;
mod empty_tree;
mod fdp;
#[cfg(test)]
mod flushed;
#[cfg(test)]
mod hostile;
mod lines;
mod merge;
mod node;
mod page_move;
mod scrub;
mod split;
mod undo;
mod working_set;

/// What is done to pages.
#[derive(Debug, Clone, Copy)]
pub enum Operation<'a> {
    /// One record that stands by itself.
    Record(&'a PageRecord<'a>),
    /// All records of one macro in the order of the log; they have one dbtime.
    Macro(&'a [PageRecord<'a>]),
    /// The undo of an earlier change.
    Undo {
        /// The record: a [`NodeChange::Undo`].
        record: &'a PageRecord<'a>,
        /// What its version remembers.
        before: Before<'a>,
    },
}

/// What an undo puts back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before<'a> {
    /// It is not known: the page only gets its dbtime.
    Nothing,
    /// A node came in; it is flagged as deleted.
    Insert,
    /// The data were these.
    Replace(&'a [u8]),
    /// The node was not flagged as deleted.
    FlagDelete,
    /// A number was raised by `delta`.
    Delta {
        /// How much.
        delta: i64,
        /// Where in the data.
        offset: u16,
        /// Whether it has eight bytes.
        wide: bool,
    },
}

/// How pages are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// Pages may be ahead of the record, as those of a file are that was written after it.
    pub future: bool,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Whether the page of the record was changed, of a macro that of its node.
    pub redone: bool,
}

/// Who remembers what nodes were.
pub trait Versions {
    /// A node is about to be changed by a versioned replacement or deletion.
    fn before_image(&mut self, record: &PageRecord<'_>, node: Node<'_>);
}

/// Why a page is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Absence {
    /// The database ends before it.
    #[error("the database ends before it")]
    BeyondEnd,
    /// It is no sound page.
    #[error("{0}")]
    Unsound(PageError),
}

/// Why an operation cannot be applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A page misses earlier changes.
    #[error(
        "page {page} has dbtime {found}, expected {expected}: it misses changes that come before \
         {record}"
    )]
    TooOld {
        /// The page.
        page: PageNumber,
        /// Its dbtime.
        found: DbTime,
        /// The one before the change.
        expected: DbTime,
        /// That of the change.
        record: DbTime,
    },
    /// A page has changes that it cannot have.
    #[error("page {page} has dbtime {found}, expected {expected} before the change to {record}")]
    TooNew {
        /// The page.
        page: PageNumber,
        /// Its dbtime.
        found: DbTime,
        /// The one before the change.
        expected: DbTime,
        /// That of the change.
        record: DbTime,
    },
    /// A page is not there.
    #[error("page {page}: {what}")]
    Absent {
        /// The page.
        page: PageNumber,
        /// Why not.
        what: Absence,
    },
    /// A page belongs to another tree.
    #[error("page {page} belongs to object {found}, expected object {expected}")]
    OtherTree {
        /// The page.
        page: PageNumber,
        /// Its object.
        found: u32,
        /// That of the record.
        expected: u32,
    },
    /// What a page was before is needed, and the record does not have it, or it is not sound.
    #[error("the image of page {page} from before the change is needed: {what}")]
    BeforeImage {
        /// The page.
        page: PageNumber,
        /// What is wrong with it.
        what: BeforeImageError,
    },
    /// A page cannot be changed in this way.
    #[error("page {page}: {source}")]
    Edit {
        /// The page.
        page: PageNumber,
        /// Why not.
        source: EditError,
    },
    /// A difference does not fit the data.
    #[error("page {page}, line {line}: {source}")]
    Diff {
        /// The page.
        page: PageNumber,
        /// The line.
        line: u16,
        /// Why not.
        source: DiffError,
    },
    /// A page is not as the record expects it.
    #[error("page {page}: {what}")]
    Impossible {
        /// The page.
        page: PageNumber,
        /// What is wrong.
        what: &'static str,
    },
    /// Pages cannot be read or put back.
    #[error(transparent)]
    Pages(#[from] Error),
}

impl ApplyError {
    /// The engine's number for the error.
    pub fn jet_code(&self) -> i32 {
        match self {
            Self::TooOld { .. } => jet::ERR_DB_TIME_TOO_OLD,
            Self::TooNew { .. } => jet::ERR_DB_TIME_TOO_NEW,
            Self::Absent { what: Absence::BeyondEnd, .. } => jet::ERR_FILE_IO_BEYOND_EOF,
            Self::Absent { what: Absence::Unsound(PageError::Zeroed), .. } => {
                jet::ERR_PAGE_NOT_INITIALIZED
            }
            Self::Absent { what: Absence::Unsound(PageError::Damaged(damage)), .. } => {
                damage.jet_code()
            }
            Self::Absent { .. } | Self::OtherTree { .. } => jet::ERR_DATABASE_CORRUPTED,
            Self::BeforeImage { .. } => jet::ERR_DATABASE_BUFFER_DEPENDENCIES_CORRUPTED,
            Self::Edit { .. } | Self::Diff { .. } | Self::Impossible { .. } => {
                jet::ERR_LOG_CORRUPTED
            }
            Self::Pages(error) => error.jet_code(),
        }
    }
}

/// Applies an operation to the pages that need it.
///
/// # Errors
///
/// That a page is not as the operation needs it; every page is as it was then.
pub fn apply<P: WorkPages, V: Versions>(
    pages: &mut P,
    versions: &mut V,
    operation: &Operation<'_>,
    rules: Rules,
) -> Result<Applied, ApplyError> {
    let redone = match operation {
        Operation::Record(record) => apply_record(pages, versions, record, rules)?,
        Operation::Macro(records) => apply_macro(pages, versions, records, rules)?,
        Operation::Undo { record, before } => undo::apply(pages, record, *before, rules)?,
    };
    Ok(Applied { redone })
}

fn apply_record<P: WorkPages, V: Versions>(
    pages: &mut P,
    versions: &mut V,
    record: &PageRecord<'_>,
    rules: Rules,
) -> Result<bool, ApplyError> {
    match &record.change {
        Change::Node(_, NodeChange::UndoInfo { .. }) => Ok(false),
        Change::Node(_, NodeChange::Undo { .. }) => {
            undo::apply(pages, record, Before::Nothing, rules)
        }
        Change::Node(tree, change) => node::apply(pages, versions, record, tree, change, rules),
        Change::CreateMultiple { .. } | Change::CreateSingle { .. } => {
            fdp::create(pages, record, rules)
        }
        Change::Convert { .. } => fdp::convert(pages, record, rules),
        Change::EmptyTree(tree, list) => empty_tree::apply(pages, record, tree, list, rules),
        Change::Scrub { .. } => scrub::apply(pages, record, rules),
        Change::Move(change) => page_move::apply(pages, record, change, rules),
        Change::Split(_) | Change::Merge(_) => {
            apply_macro(pages, versions, std::slice::from_ref(record), rules)
        }
    }
}

fn apply_macro<P: WorkPages, V: Versions>(
    pages: &mut P,
    versions: &mut V,
    records: &[PageRecord<'_>],
    rules: Rules,
) -> Result<bool, ApplyError> {
    let Some(first) = records.first() else { return Ok(false) };
    if records.iter().any(|record| record.after != first.after) {
        return Err(impossible(first.page, "the records of the macro have several dbtimes"));
    }
    match &first.change {
        Change::Split(_) => split::apply(pages, versions, records, rules),
        Change::Merge(_) => merge::apply(pages, records, rules),
        Change::Move(_) => page_move::apply_roots(pages, records, rules),
        _ => Err(impossible(first.page, "the macro is none that is replayed")),
    }
}

/// Whether the page needs the change from `before` to `after`.
#[inline]
fn is_needed(
    page: PageNumber,
    found: DbTime,
    before: DbTime,
    after: DbTime,
    rules: Rules,
) -> Result<bool, ApplyError> {
    if after.0 > found.0 {
        if found == before || before == PageRecord::NO_TIME {
            return Ok(true);
        }
        if found.0 < before.0 {
            return Err(ApplyError::TooOld { page, found, expected: before, record: after });
        }
    } else if rules.future {
        return Ok(false);
    }
    Err(ApplyError::TooNew { page, found, expected: before, record: after })
}

/// Takes a page that has to be there.
#[inline]
fn take<P: WorkPages>(pages: &mut P, page: PageNumber) -> Result<WorkPage, ApplyError> {
    match pages.take(page)? {
        Taken::Page(page) => Ok(page),
        Taken::BeyondEnd => Err(ApplyError::Absent { page, what: Absence::BeyondEnd }),
        Taken::Unsound(what) => Err(ApplyError::Absent { page, what: Absence::Unsound(what) }),
    }
}

/// Takes one page, changes it if it needs it, and puts it back.
#[inline]
fn change_page<P: WorkPages>(
    pages: &mut P,
    record: &PageRecord<'_>,
    objid: u32,
    rules: Rules,
    change: impl FnOnce(&mut WorkPage) -> Result<(), ApplyError>,
) -> Result<bool, ApplyError> {
    let mut page = take(pages, record.page)?;
    let judged = is_needed(record.page, page.dbtime(), record.before, record.after, rules);
    let done = judged.and_then(|needed| {
        if needed {
            belongs(&page, objid)?;
            change(&mut page)?;
        }
        Ok(needed)
    });
    pages.put(page)?;
    done
}

/// That a page belongs to the tree.
#[inline]
fn belongs(page: &WorkPage, expected: u32) -> Result<(), ApplyError> {
    match ese_format::page::PageHeader::parse(page.bytes()) {
        Some(header) if header.objid == expected => Ok(()),
        Some(header) => {
            Err(ApplyError::OtherTree { page: page.number(), found: header.objid, expected })
        }
        None => Err(impossible(page.number(), "it has the length of no page")),
    }
}

/// The page, to be edited.
#[inline]
fn edit(page: &mut WorkPage) -> Result<PageEdit<'_>, ApplyError> {
    let number = page.number();
    PageEdit::new(page.bytes_mut())
        .ok_or_else(|| impossible(number, "it has the length of no page"))
}

/// Names the page in an error.
fn of_page(page: PageNumber) -> impl Fn(EditError) -> ApplyError {
    move |source| ApplyError::Edit { page, source }
}

fn impossible(page: PageNumber, what: &'static str) -> ApplyError {
    ApplyError::Impossible { page, what }
}
