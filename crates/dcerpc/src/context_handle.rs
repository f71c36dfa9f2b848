//! Context handles: a server's state that a client names in later calls.
//!
//! ```text
//! ndr_context_handle:   0   4  attributes: always 0
//!                       4  16  uuid; nil with attributes 0 is the NULL handle
//! ```
//!
//! A handle is valid only inside the association group in which it was made, for the identity that
//! made it, at no lower level of protection, and on its own interface. Everything else is the same
//! fault, so that a guesser learns nothing from the answer. Handles whose group has ended are run
//! down: their values are handed out once, to be closed.
//!
//! Source: C706 6.1.6 (context rundown), 14.3.13 appendix N; [MS-RPCE] 3.1.1.5.3.2.2.2 (strict
//! context handles).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ms_dtyp::Guid;

use crate::association::AssociationGroupId;
use crate::fault::FaultStatus;
use crate::security::{AuthLevel, Principal};

/// A context handle as it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContextHandle {
    /// Always 0; kept because a peer may send something else, which then matches no handle.
    pub attributes: u32,
    /// The handle's name.
    pub uuid: Guid,
}

impl ContextHandle {
    /// The handle of nothing: 20 zero bytes.
    pub const NULL: Self = Self { attributes: 0, uuid: Guid::NIL };

    /// A live handle's wire form.
    pub const fn new(uuid: Guid) -> Self {
        Self { attributes: 0, uuid }
    }

    /// Whether this is the NULL handle.
    pub fn is_null(&self) -> bool {
        *self == Self::NULL
    }
}

/// The caller of an operation, as far as handles are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The association group of the caller's connection.
    pub group: AssociationGroupId,
    /// Who it is.
    pub principal: Principal,
    /// How this call is protected.
    pub level: AuthLevel,
    /// The interface that was called: its place in the endpoint's list.
    pub interface: usize,
}

struct Entry<T> {
    owner: Caller,
    value: T,
}

/// The live context handles of one endpoint, each with a value of type `T`.
pub struct ContextHandles<T> {
    entries: BTreeMap<(AssociationGroupId, Guid), Entry<T>>,
}

impl<T> ContextHandles<T> {
    /// An empty table.
    pub const fn new() -> Self {
        Self { entries: BTreeMap::new() }
    }

    /// Adds a handle named `uuid`, which must come from the system's random numbers.
    pub fn insert(&mut self, uuid: Guid, owner: Caller, value: T) -> ContextHandle {
        self.entries.insert((owner.group, uuid), Entry { owner, value });
        ContextHandle::new(uuid)
    }

    /// The value of a handle, for this caller.
    ///
    /// # Errors
    /// [`FaultStatus::CONTEXT_MISMATCH`] if the handle is NULL, unknown in the caller's group, or
    /// another identity's, interface's or a better protected one.
    pub fn get(&self, handle: &ContextHandle, caller: &Caller) -> Result<&T, FaultStatus> {
        self.entries
            .get(&(caller.group, handle.uuid))
            .filter(|entry| handle.attributes == 0 && entry.admits(caller))
            .map(|entry| &entry.value)
            .ok_or(FaultStatus::CONTEXT_MISMATCH)
    }

    /// Closes a handle and returns its value.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn remove(&mut self, handle: &ContextHandle, caller: &Caller) -> Result<T, FaultStatus> {
        self.get(handle, caller)?;
        self.entries
            .remove(&(caller.group, handle.uuid))
            .map(|entry| entry.value)
            .ok_or(FaultStatus::CONTEXT_MISMATCH)
    }

    /// Takes all handles of a group that has ended.
    pub fn rundown(&mut self, group: AssociationGroupId) -> Vec<T> {
        self.take_where(|owner, _| owner.group == group)
    }

    /// Takes all handles for which `condition` holds, for instance those idle for too long.
    pub fn take_where(&mut self, mut condition: impl FnMut(&Caller, &T) -> bool) -> Vec<T> {
        let keys: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, entry)| condition(&entry.owner, &entry.value))
            .map(|(key, _)| *key)
            .collect();
        keys.iter().filter_map(|key| self.entries.remove(key)).map(|entry| entry.value).collect()
    }

    /// Number of handles of an identity.
    pub fn count(&self, principal: &Principal) -> usize {
        self.entries.values().filter(|entry| entry.owner.principal == *principal).count()
    }

    /// Number of handles of a group.
    pub fn count_in_group(&self, group: AssociationGroupId) -> usize {
        self.entries.keys().filter(|(of, _)| *of == group).count()
    }

    /// Number of handles.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no handle.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All values with their owners.
    pub fn iter(&self) -> impl Iterator<Item = (&Caller, &T)> {
        self.entries.values().map(|entry| (&entry.owner, &entry.value))
    }
}

impl<T> Default for ContextHandles<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Entry<T> {
    fn admits(&self, caller: &Caller) -> bool {
        self.owner.principal == caller.principal
            && self.owner.interface == caller.interface
            && caller.level >= self.owner.level
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: AssociationGroupId = AssociationGroupId(0x1_0001);

    fn caller() -> Caller {
        Caller {
            group: GROUP,
            principal: Principal::LocalUser(7),
            level: AuthLevel::Privacy,
            interface: 0,
        }
    }

    fn table() -> (ContextHandles<&'static str>, ContextHandle) {
        let mut handles = ContextHandles::new();
        let handle = handles.insert(Guid::from_bytes([9; 16]), caller(), "session");
        (handles, handle)
    }

    #[test]
    fn the_owner_finds_and_closes_its_handle_once() {
        let (mut handles, handle) = table();
        assert_eq!(handles.get(&handle, &caller()), Ok(&"session"));
        assert_eq!(handles.remove(&handle, &caller()), Ok("session"));
        assert_eq!(handles.remove(&handle, &caller()), Err(FaultStatus::CONTEXT_MISMATCH));
    }

    #[test]
    fn every_difference_of_the_caller_is_the_same_fault() {
        let (handles, handle) = table();
        let strangers = [
            Caller { group: AssociationGroupId(0x1_0002), ..caller() },
            Caller { principal: Principal::LocalUser(8), ..caller() },
            Caller { level: AuthLevel::Integrity, ..caller() },
            Caller { interface: 1, ..caller() },
        ];
        for stranger in strangers {
            assert_eq!(handles.get(&handle, &stranger), Err(FaultStatus::CONTEXT_MISMATCH));
        }
    }

    #[test]
    fn null_unknown_and_marked_handles_are_mismatches() {
        let (handles, handle) = table();
        let wrong = [
            ContextHandle::NULL,
            ContextHandle::new(Guid::from_bytes([8; 16])),
            ContextHandle { attributes: 1, ..handle },
        ];
        for handle in wrong {
            assert_eq!(handles.get(&handle, &caller()), Err(FaultStatus::CONTEXT_MISMATCH));
        }
        assert!(ContextHandle::NULL.is_null());
        assert!(!handle.is_null());
    }

    #[test]
    fn rundown_takes_the_groups_handles_exactly_once() {
        let (mut handles, _) = table();
        let other = Caller { group: AssociationGroupId(0x1_0002), ..caller() };
        handles.insert(Guid::from_bytes([3; 16]), other, "other");
        assert_eq!(handles.rundown(GROUP), ["session"]);
        assert!(handles.rundown(GROUP).is_empty());
        assert_eq!(handles.count(&Principal::LocalUser(7)), 1);
    }
}
