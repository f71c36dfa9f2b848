//! The process-wide table behind the opaque handles of the documented functions.
//!
//! ```text
//! bits 47..16  generation of the slot, from 1
//! bits 15..0   slot number
//! ```
//!
//! A handle is a number and never a pointer, so that garbage is answered with an error instead of
//! a crash. No handle is NULL, -1 or below 64 KiB. A value comes again only after 2^32 - 1 further
//! handles of the same slot.
//!
//! A child made by `fork` must not use its parent's handles: each slot remembers the process that
//! filled it, and the process is compared before any lock is taken.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Contexts that a process can have at a time.
pub(crate) const CAPACITY: usize = 64;

/// An opaque handle as the documented functions give it out (`HBC`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Handle(u64);

impl Handle {
    /// The handle that stands for none.
    pub const NULL: Handle = Handle(0);

    /// Takes a number from a caller, whatever it is.
    pub const fn from_raw(raw: u64) -> Self {
        Handle(raw)
    }

    /// The number to hand out.
    pub const fn to_raw(self) -> u64 {
        self.0
    }

    fn new(generation: u32, slot: usize) -> Self {
        Handle((u64::from(generation) << SLOT_BITS) | (slot as u64 & SLOT_MASK))
    }

    fn parts(self) -> Option<(u32, usize)> {
        let generation = u32::try_from(self.0 >> SLOT_BITS).ok()?;
        let slot = usize::try_from(self.0 & SLOT_MASK).ok()?;
        (generation != 0 && slot < CAPACITY).then_some((generation, slot))
    }
}

/// Values by handle.
pub(crate) struct Table<T> {
    slots: Mutex<[Slot<T>; CAPACITY]>,
    owners: [AtomicU32; CAPACITY],
}

struct Slot<T> {
    generation: u32,
    value: Option<Arc<T>>,
}

impl<T> Table<T> {
    pub(crate) const fn new() -> Self {
        Table {
            slots: Mutex::new([const { Slot { generation: 0, value: None } }; CAPACITY]),
            owners: [const { AtomicU32::new(0) }; CAPACITY],
        }
    }

    /// Stores a value; gives it back if all slots are taken.
    pub(crate) fn insert(&self, value: T) -> Result<Handle, T> {
        let mut slots = self.lock();
        let free = slots.iter_mut().zip(&self.owners).enumerate();
        let Some((number, (slot, owner))) = free.into_iter().find(|(_, (s, _))| s.value.is_none())
        else {
            return Err(value);
        };
        slot.generation = slot.generation.checked_add(1).unwrap_or(1);
        slot.value = Some(Arc::new(value));
        owner.store(std::process::id(), Ordering::Relaxed);
        Ok(Handle::new(slot.generation, number))
    }

    /// Whether no slot is left.
    pub(crate) fn is_full(&self) -> bool {
        self.lock().iter().all(|slot| slot.value.is_some())
    }

    /// The value behind a live handle of this process.
    pub(crate) fn get(&self, handle: Handle) -> Option<Arc<T>> {
        self.with(handle, |slot| slot.clone())
    }

    /// Takes the value out if `condition` holds; the handle is invalid from then on.
    pub(crate) fn remove_if(
        &self,
        handle: Handle,
        condition: impl FnOnce(&T) -> bool,
    ) -> Option<Arc<T>> {
        self.with(handle, |slot| slot.take_if(|value| condition(value)))
    }

    fn with<R>(
        &self,
        handle: Handle,
        action: impl FnOnce(&mut Option<Arc<T>>) -> Option<R>,
    ) -> Option<R> {
        let (generation, number) = handle.parts()?;
        if self.owners.get(number)?.load(Ordering::Relaxed) != std::process::id() {
            return None;
        }
        let mut slots = self.lock();
        let slot = slots.get_mut(number)?;
        if slot.generation != generation { None } else { action(&mut slot.value) }
    }

    fn lock(&self) -> MutexGuard<'_, [Slot<T>; CAPACITY]> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const SLOT_BITS: u32 = 16;
const SLOT_MASK: u64 = 0xFFFF;
const _: () = assert!(CAPACITY as u64 <= SLOT_MASK);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_distinct_and_look_like_no_pointer() {
        let table = Table::new();
        let mut seen = std::collections::HashSet::new();
        for value in 0..1000 {
            let handle = table.insert(value).unwrap();
            assert!(handle.to_raw() >= 0x1_0000 && handle.to_raw() < u64::MAX);
            assert!(seen.insert(handle));
            assert_eq!(*table.remove_if(handle, |_| true).unwrap(), value);
        }
    }

    #[test]
    fn an_ended_handle_is_unknown_even_when_its_slot_is_taken_again() {
        let table = Table::new();
        let first = table.insert(1).unwrap();
        table.remove_if(first, |_| true);
        let second = table.insert(2).unwrap();
        assert!(table.get(first).is_none() && table.remove_if(first, |_| true).is_none());
        assert_eq!(*table.get(second).unwrap(), 2);
    }

    #[test]
    fn garbage_is_unknown() {
        let table = Table::new();
        table.insert(1).unwrap();
        for raw in [0, 1, 63, 0xFFFF, 0x1_0001, 0x1_FFFF, u64::MAX, 0x7FFF_FFFF_FFFF_F000] {
            assert!(table.get(Handle::from_raw(raw)).is_none(), "{raw:#x}");
        }
    }

    #[test]
    fn the_table_ends_at_its_capacity() {
        let table = Table::new();
        let handles: Vec<_> = (0..CAPACITY).map(|value| table.insert(value).unwrap()).collect();
        assert!(table.is_full());
        assert_eq!(table.insert(CAPACITY), Err(CAPACITY));
        assert!(table.remove_if(handles[5], |_| false).is_none());
        table.remove_if(handles[5], |_| true).unwrap();
        assert!(!table.is_full() && table.insert(99).is_ok());
    }
}
