//! Association groups: what ties the connections of one client together.
//!
//! Context handles live in a group, not on a connection. A group exists from the bind that asked
//! for a new one until its last connection has ended; then its handles are run down. A group can
//! be joined only by the identity that made it.
//!
//! Source: C706 9.3.3.2, 12.6.4.3; [MS-RPCE] 3.3.1.5.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::fmt;

use crate::limits;
use crate::security::Principal;

/// Number of an association group; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssociationGroupId(pub u32);

impl fmt::Display for AssociationGroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08x}", self.0)
    }
}

/// The association groups of one endpoint.
pub struct AssociationGroups {
    groups: BTreeMap<AssociationGroupId, Group>,
    random: Box<dyn FnMut() -> u32 + Send>,
}

struct Group {
    owner: Principal,
    connections: usize,
}

impl AssociationGroups {
    /// An empty table; `random` gives the numbers of new groups.
    pub fn new(random: impl FnMut() -> u32 + Send + 'static) -> Self {
        Self { groups: BTreeMap::new(), random: Box::new(random) }
    }

    /// Makes a new group with one connection; `None` if there are too many.
    pub fn create(&mut self, owner: Principal) -> Option<AssociationGroupId> {
        if self.groups.len() >= limits::ASSOCIATION_GROUPS {
            return None;
        }
        // Small numbers are what a peer would guess, so none is given out.
        let mut number = (self.random)() | 0x1_0000;
        while self.groups.contains_key(&AssociationGroupId(number)) {
            number = number.wrapping_add(1).max(0x1_0000);
        }
        let id = AssociationGroupId(number);
        self.groups.insert(id, Group { owner, connections: 1 });
        Some(id)
    }

    /// Adds a connection to a group; false if it does not exist, belongs to another identity or
    /// is full.
    pub fn join(&mut self, id: AssociationGroupId, who: &Principal) -> bool {
        match self.groups.get_mut(&id) {
            Some(group)
                if group.owner == *who && group.connections < limits::CONNECTIONS_PER_GROUP =>
            {
                group.connections += 1;
                true
            }
            _ => false,
        }
    }

    /// Takes a connection out of its group; true if it was the last one: the group is gone and
    /// its context handles must be run down now.
    pub fn leave(&mut self, id: AssociationGroupId) -> bool {
        let Some(group) = self.groups.get_mut(&id) else { return false };
        group.connections = group.connections.saturating_sub(1);
        let last = group.connections == 0;
        if last {
            self.groups.remove(&id);
        }
        last
    }

    /// Number of live groups.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

impl fmt::Debug for AssociationGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssociationGroups").field("groups", &self.groups.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> AssociationGroups {
        AssociationGroups::new(|| 1)
    }

    #[test]
    fn numbers_are_distinct_and_not_guessable_small() {
        let mut groups = table();
        let a = groups.create(Principal::LocalUser(1)).unwrap();
        let b = groups.create(Principal::LocalUser(1)).unwrap();
        assert_ne!(a, b);
        assert!(a.0 > 0xFFFF && b.0 > 0xFFFF);
    }

    #[test]
    fn only_the_owner_joins() {
        let mut groups = table();
        let id = groups.create(Principal::LocalUser(1)).unwrap();
        assert!(!groups.join(id, &Principal::LocalUser(2)));
        assert!(groups.join(id, &Principal::LocalUser(1)));
        assert!(!groups.join(AssociationGroupId(1), &Principal::LocalUser(1)));
    }

    #[test]
    fn the_last_connection_ends_the_group_once() {
        let mut groups = table();
        let id = groups.create(Principal::LocalUser(1)).unwrap();
        assert!(groups.join(id, &Principal::LocalUser(1)));
        assert!(!groups.leave(id));
        assert!(groups.leave(id));
        assert!(!groups.leave(id));
        assert!(!groups.join(id, &Principal::LocalUser(1)));
    }

    #[test]
    fn groups_and_their_connections_are_bounded() {
        let mut groups = table();
        let first = groups.create(Principal::LocalUser(1)).unwrap();
        for _ in 1..limits::CONNECTIONS_PER_GROUP {
            assert!(groups.join(first, &Principal::LocalUser(1)));
        }
        assert!(!groups.join(first, &Principal::LocalUser(1)));
        while groups.len() < limits::ASSOCIATION_GROUPS {
            assert!(groups.create(Principal::LocalUser(1)).is_some());
        }
        assert!(groups.create(Principal::LocalUser(1)).is_none());
    }
}
