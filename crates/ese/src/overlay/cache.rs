//! The pages in memory: found by number, dropped by a clock.
//!
//! A slot holds a page or keeps the place of one that was taken out; both count. When there are
//! more than the bound, the hand goes round: a page that was used since it last came by is passed
//! over once; an unchanged page is dropped before a changed one is put aside.

use ese_format::PageNumber;

use super::numbers::PageMap;
use crate::work::WorkPage;

/// Pages in memory.
#[derive(Debug)]
pub(super) struct Cache {
    slots: Vec<Slot>,
    places: PageMap<usize>,
    free: Vec<usize>,
    hand: usize,
    bound: usize,
}

#[derive(Debug)]
struct Slot {
    number: u32,
    content: Content,
    used: bool,
}

#[derive(Debug)]
enum Content {
    Free,
    Out,
    Page(WorkPage),
}

/// What the cache has of a page that is asked for.
pub(super) enum Cached {
    /// The page; its place is kept.
    Page(WorkPage),
    /// It was taken out and not put back.
    Out,
    /// Nothing.
    Absent,
}

impl Cache {
    /// A cache of at most `bound` pages.
    pub(super) fn new(bound: usize) -> Self {
        let places = PageMap::default();
        Self { slots: Vec::new(), places, free: Vec::new(), hand: 0, bound: bound.max(LEAST) }
    }

    /// Takes a page out.
    pub(super) fn take(&mut self, number: PageNumber) -> Cached {
        let Some(slot) = self.places.get(&number.0).and_then(|at| self.slots.get_mut(*at)) else {
            return Cached::Absent;
        };
        match std::mem::replace(&mut slot.content, Content::Out) {
            Content::Page(page) => Cached::Page(page),
            Content::Out | Content::Free => Cached::Out,
        }
    }

    /// The page where it lies.
    pub(super) fn get(&self, number: PageNumber) -> Option<&WorkPage> {
        match &self.slots.get(*self.places.get(&number.0)?)?.content {
            Content::Page(page) => Some(page),
            Content::Out | Content::Free => None,
        }
    }

    /// Puts a page in.
    pub(super) fn put(&mut self, page: WorkPage) {
        let number = page.number().0;
        if let Some(slot) = self.places.get(&number).and_then(|at| self.slots.get_mut(*at)) {
            slot.content = Content::Page(page);
            slot.used = true;
            return;
        }
        self.add(Slot { number, content: Content::Page(page), used: true });
    }

    /// Keeps a place for a page that goes straight to who asked for it.
    pub(super) fn reserve(&mut self, number: PageNumber) {
        self.add(Slot { number: number.0, content: Content::Out, used: false });
    }

    fn add(&mut self, slot: Slot) {
        let number = slot.number;
        let at = match self.free.pop() {
            Some(at) => {
                if let Some(place) = self.slots.get_mut(at) {
                    *place = slot;
                }
                at
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        self.places.insert(number, at);
    }

    /// A page that has to go, taken out for good; `None` if all have room.
    pub(super) fn victim(&mut self) -> Option<WorkPage> {
        if self.places.len() <= self.bound {
            return None;
        }
        let mut changed = None;
        for seen in 0..self.slots.len().saturating_mul(2) {
            let at = self.hand;
            self.hand = if at + 1 < self.slots.len() { at + 1 } else { 0 };
            let Some(slot) = self.slots.get_mut(at) else { continue };
            let Content::Page(page) = &slot.content else { continue };
            if std::mem::replace(&mut slot.used, false) {
                continue;
            }
            if !page.is_changed() || page.is_spilled() {
                return self.release(at);
            }
            changed = changed.or(Some(at));
            if seen > LOOK_FOR_UNCHANGED {
                break;
            }
        }
        self.release(changed?)
    }

    fn release(&mut self, at: usize) -> Option<WorkPage> {
        let slot = self.slots.get_mut(at)?;
        self.places.remove(&slot.number);
        self.free.push(at);
        match std::mem::replace(&mut slot.content, Content::Free) {
            Content::Page(page) => Some(page),
            Content::Out | Content::Free => None,
        }
    }

    /// Drops a page, changed or not.
    pub(super) fn forget(&mut self, number: PageNumber) {
        if let Some(at) = self.places.get(&number.0).copied() {
            self.release(at);
        }
    }

    /// Drops the pages beyond `last`.
    pub(super) fn forget_beyond(&mut self, last: PageNumber) {
        let beyond: Vec<usize> =
            self.places.iter().filter(|(number, _)| **number > last.0).map(|(_, at)| *at).collect();
        for at in beyond {
            self.release(at);
        }
    }

    /// Pages that are in, or out and counted.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The pages that are in.
    pub(super) fn pages(&self) -> impl Iterator<Item = &WorkPage> {
        self.slots.iter().filter_map(|slot| match &slot.content {
            Content::Page(page) => Some(page),
            Content::Out | Content::Free => None,
        })
    }

    /// The pages that are in, for good.
    pub(super) fn into_pages(self) -> impl Iterator<Item = WorkPage> {
        self.slots.into_iter().filter_map(|slot| match slot.content {
            Content::Page(page) => Some(page),
            Content::Out | Content::Free => None,
        })
    }
}

/// Pages that the smallest cache keeps: more than any one operation has in hand.
pub(super) const LEAST: usize = 32;

/// Steps of the hand after which a changed page goes though an unchanged one may be left.
const LOOK_FOR_UNCHANGED: usize = 128;
