//! The pages of one operation, taken out together.
//!
//! Changes are made on copies; the pages get them once all have succeeded. So an operation that
//! fails leaves every page as it was, and all of them go back.
//!
//! | page | it needs the operation if |
//! |---|---|
//! | one that is there | its dbtime is the one before; any other but a later one is an error |
//! | a new one | it has not the operation's dbtime or a later one, or is no page; where pages |
//! | | cannot be ahead, always |
//!
//! Source: ESE `FLGNeedRedoCheckDbtimeBefore`, `ErrLGRIAccessNewPage` (logredo.cxx).

use ese_format::PageNumber;
use ese_format::page::{PageFlags, PageHeader, structure};
use ese_format::page_edit::PageEdit;
use ese_format::{DbTime, PageSize};

use super::{Absence, ApplyError, Rules, impossible, is_needed};
use crate::work::{Taken, WorkPage, WorkPages};

/// Pages that an operation has taken out.
pub(super) struct WorkingSet<'p, P: WorkPages> {
    pages: &'p mut P,
    held: Vec<Held>,
}

/// One of the pages.
struct Held {
    number: PageNumber,
    page: Result<WorkPage, Absence>,
    /// Whether it needs the operation, as far as that was asked.
    needs: bool,
    /// What it becomes.
    copy: Option<Vec<u8>>,
}

impl<'p, P: WorkPages> WorkingSet<'p, P> {
    /// No pages yet.
    pub(super) fn new(pages: &'p mut P) -> Self {
        Self { pages, held: Vec::new() }
    }

    pub(super) fn page_size(&self) -> PageSize {
        self.pages.page_size()
    }

    /// Takes a page out, unless it is out already.
    pub(super) fn take(&mut self, number: PageNumber) -> Result<(), ApplyError> {
        if self.held.iter().any(|held| held.number == number) {
            return Ok(());
        }
        let page = match self.pages.take(number)? {
            Taken::Page(page) => Ok(page),
            Taken::BeyondEnd => Err(Absence::BeyondEnd),
            Taken::Unsound(what) => Err(Absence::Unsound(what)),
        };
        self.held.push(Held { number, page, needs: false, copy: None });
        Ok(())
    }

    /// Takes out a page of the tree that is there; whether it needs the operation.
    pub(super) fn take_old(
        &mut self,
        number: PageNumber,
        times: (DbTime, DbTime),
        objid: u32,
        rules: Rules,
    ) -> Result<bool, ApplyError> {
        self.take_once(number)?;
        let needs = is_needed(number, self.dbtime(number)?, times.0, times.1, rules)?;
        if needs {
            self.belongs(number, objid)?;
        }
        Ok(self.set_needs(number, needs))
    }

    /// Takes out a page that gets new content; whether it needs the operation.
    pub(super) fn take_new(
        &mut self,
        number: PageNumber,
        after: DbTime,
        rules: Rules,
    ) -> Result<bool, ApplyError> {
        if rules.future {
            self.take_once(number)?;
            let has_it = self.dbtime(number).is_ok_and(|found| found.0 >= after.0);
            return Ok(self.set_needs(number, !has_it));
        }
        // What there is is of no interest: it is not even read.
        self.check(number)?;
        let page = Err(Absence::BeyondEnd);
        self.held.push(Held { number, page, needs: true, copy: None });
        Ok(true)
    }

    fn take_once(&mut self, number: PageNumber) -> Result<(), ApplyError> {
        self.check(number)?;
        self.take(number)
    }

    /// That there can be such a page, and no other part of the operation is about it.
    fn check(&self, number: PageNumber) -> Result<(), ApplyError> {
        if number == PageNumber::NULL || number > PageNumber::MAX {
            return Err(impossible(number, "no page has this number"));
        }
        if self.is_out(number) {
            return Err(impossible(number, "the operation is about it in two ways"));
        }
        Ok(())
    }

    fn set_needs(&mut self, number: PageNumber, needs: bool) -> bool {
        if let Some(held) = self.held.iter_mut().find(|held| held.number == number) {
            held.needs = needs;
        }
        needs
    }

    /// Whether a page is out.
    pub(super) fn is_out(&self, number: PageNumber) -> bool {
        self.held(number).is_some()
    }

    /// Whether a page that was taken out needs the operation.
    pub(super) fn needs(&self, number: PageNumber) -> bool {
        self.held(number).is_some_and(|held| held.needs)
    }

    /// Whether any does.
    pub(super) fn any_needs(&self) -> bool {
        self.held.iter().any(|held| held.needs)
    }

    fn held(&self, number: PageNumber) -> Option<&Held> {
        self.held.iter().find(|held| held.number == number)
    }

    /// dbtime of a page, if it is there.
    pub(super) fn dbtime(&self, number: PageNumber) -> Result<DbTime, ApplyError> {
        match self.held(number).map(|held| &held.page) {
            Some(Ok(page)) => Ok(page.dbtime()),
            Some(Err(what)) => Err(ApplyError::Absent { page: number, what: *what }),
            None => Err(ApplyError::Absent { page: number, what: Absence::BeyondEnd }),
        }
    }

    /// The bytes of a page as it was taken.
    pub(super) fn bytes(&self, number: PageNumber) -> Result<&[u8], ApplyError> {
        match self.held(number).map(|held| &held.page) {
            Some(Ok(page)) => Ok(page.bytes()),
            _ => Err(impossible(number, "it is not there")),
        }
    }

    /// That a page belongs to the tree.
    pub(super) fn belongs(&self, number: PageNumber, expected: u32) -> Result<(), ApplyError> {
        match PageHeader::parse(self.bytes(number)?) {
            Some(header) if header.objid == expected => Ok(()),
            Some(header) => {
                Err(ApplyError::OtherTree { page: number, found: header.objid, expected })
            }
            None => Err(impossible(number, "it has the length of no page")),
        }
    }

    /// A page, to be changed.
    pub(super) fn edit(&mut self, number: PageNumber) -> Result<PageEdit<'_>, ApplyError> {
        let wrong = || impossible(number, "it is not there");
        let held = self.held.iter_mut().find(|held| held.number == number).ok_or_else(wrong)?;
        if held.copy.is_none() {
            held.copy = Some(held.page.as_ref().map_err(|_| wrong())?.bytes().to_vec());
        }
        held.copy.as_mut().and_then(|copy| PageEdit::new(copy)).ok_or_else(wrong)
    }

    /// Gives all pages that need the operation its dbtime.
    pub(super) fn stamp(&mut self, after: DbTime) -> Result<(), ApplyError> {
        let numbers: Vec<PageNumber> =
            self.held.iter().filter(|held| held.needs).map(|held| held.number).collect();
        for number in numbers {
            let mut page = self.edit(number)?;
            let flags = page.header().flags;
            page.set_flags(flags.difference(PageFlags::SCRUBBED));
            page.set_dbtime(after);
        }
        Ok(())
    }

    /// A page whose content is new; it was taken before.
    pub(super) fn renew(&mut self, number: PageNumber, content: Vec<u8>) -> Result<(), ApplyError> {
        let held = self.held.iter_mut().find(|held| held.number == number);
        let held = held.ok_or_else(|| impossible(number, "it is not there"))?;
        held.copy = Some(content);
        Ok(())
    }

    /// That what the pages become is sound.
    fn are_sound(&self) -> Result<(), ApplyError> {
        let unsound = self
            .held
            .iter()
            .find(|held| held.copy.as_ref().is_some_and(|copy| structure::check(copy).is_err()));
        match unsound {
            Some(held) => Err(impossible(held.number, "what it becomes is no sound page")),
            None => Ok(()),
        }
    }

    /// Puts the pages back, changed if `done` is a success.
    pub(super) fn finish<T>(mut self, done: Result<T, ApplyError>) -> Result<T, ApplyError> {
        let size = self.pages.page_size();
        // Flags and prefixes come out of the record, and need not make a page.
        let done = done.and_then(|done| self.are_sound().map(|()| done));
        let mut put = Ok(());
        for held in self.held.drain(..) {
            let mut page = match (held.page, &held.copy) {
                (Ok(page), _) => page,
                (Err(_), Some(_)) if done.is_ok() => WorkPage::blank(held.number, size),
                (Err(_), _) => continue,
            };
            if let (Some(copy), true) = (&held.copy, done.is_ok())
                && copy.len() == page.bytes().len()
            {
                page.bytes_mut().copy_from_slice(copy);
            }
            let again = self.pages.put(page);
            put = put.and(again);
        }
        put?;
        done
    }
}
