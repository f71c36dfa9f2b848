//! Supplementary groups of a local user, from the account files.
//!
//! The kernel tells a peer's uid and primary gid; its supplementary groups at the time of the
//! connect are not available without a system call that has no safe wrapper, so they are those
//! that `/etc/group` lists for the user's name. Accounts of directory services are not in there:
//! for them only the primary group counts, which errs on the side of refusing.
//!
//! ```text
//! passwd(5)   name:password:uid:gid:comment:home:shell
//! group(5)    name:password:gid:member,member
//! ```

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{read, retry_on_intr};

/// Account files larger than this are not read, bytes.
const FILE_MAX: usize = 4 << 20;

/// The groups that list the user with this id as a member.
pub(super) fn groups_of(uid: u32) -> Vec<u32> {
    let (Some(passwd), Some(group)) = (file("/etc/passwd"), file("/etc/group")) else {
        return Vec::new();
    };
    name_of(&passwd, uid).map_or_else(Vec::new, |name| memberships(&group, name))
}

fn name_of(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let id: u32 = fields.nth(1)?.parse().ok()?;
        (id == uid && !name.is_empty()).then_some(name)
    })
}

fn memberships(group: &str, name: &str) -> Vec<u32> {
    let gid_if_member = |line: &str| {
        let mut fields = line.split(':');
        let gid = fields.nth(2)?.parse().ok()?;
        fields.next()?.split(',').any(|member| member.trim() == name).then_some(gid)
    };
    group.lines().filter_map(gid_if_member).collect()
}

fn file(path: &str) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(CWD, path, flags, Mode::empty()).ok()?;
    let mut content = Vec::new();
    let mut part = [0u8; 16 * 1024];
    loop {
        let count = retry_on_intr(|| read(&file, &mut part)).ok()?;
        if count == 0 {
            return String::from_utf8(content).ok();
        }
        content.extend_from_slice(part.get(..count)?);
        if content.len() > FILE_MAX {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\nbroken\nann:x:1000:1000::/home/ann:/bin/sh\n";
    const GROUP: &str =
        "root:x:0:\nbackup:x:34:bob,ann\nmore:x:35:annabel\n:x:x:ann\nops:x:36:ann\n";

    #[test]
    fn a_user_is_in_the_groups_that_name_it() {
        assert_eq!(name_of(PASSWD, 1000), Some("ann"));
        assert_eq!(memberships(GROUP, "ann"), [34, 36]);
    }

    #[test]
    fn unknown_users_are_in_no_group() {
        assert_eq!(name_of(PASSWD, 7), None);
        assert!(memberships(GROUP, "nobody").is_empty());
    }
}
