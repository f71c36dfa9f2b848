//! Names of Unix users and groups, for the policy file.
//!
//! `/etc/passwd` and `/etc/group` are read as text. Accounts that exist only in a directory
//! service behind the name service switch are not found this way (asking it needs the C library's
//! `getpwnam`); the policy names such accounts by number, which is what the kernel reports about
//! a caller anyway.
//!
//! Source: passwd(5), group(5).

use std::path::Path;

use vfs::{OpenMode, Storage};

/// The account files' content.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    passwd: String,
    group: String,
}

impl Accounts {
    /// Reads the system's account files; a file that is not there has no accounts.
    pub fn read(storage: &dyn Storage) -> Self {
        let text = |path: &str| read_text(storage, Path::new(path)).unwrap_or_default();
        Self { passwd: text("/etc/passwd"), group: text("/etc/group") }
    }

    /// Accounts from texts in the format of passwd(5) and group(5).
    pub fn from_texts(passwd: &str, group: &str) -> Self {
        Self { passwd: passwd.to_owned(), group: group.to_owned() }
    }

    /// The uid of a user given by name or, where there is no such name, by number.
    pub fn user(&self, name: &str) -> Option<u32> {
        id_of(&self.passwd, name).or_else(|| name.parse().ok())
    }

    /// The name of the user with a uid.
    pub fn user_name(&self, uid: u32) -> Option<String> {
        let number = uid.to_string();
        self.passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == number).then(|| name.to_owned())
        })
    }

    /// The gid of a group given by name or, where there is no such name, by number.
    pub fn group(&self, name: &str) -> Option<u32> {
        id_of(&self.group, name).or_else(|| name.parse().ok())
    }
}

/// The third field of the line whose first field is `name`: both files have the id there.
fn id_of(text: &str, name: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        fields.nth(1)?.parse().ok()
    })
}

fn read_text(storage: &dyn Storage, path: &Path) -> vfs::Result<String> {
    const LIMIT: u64 = 16 << 20;
    let file = storage.open(path, OpenMode::Read)?;
    let len = usize::try_from(file.len()?.min(LIMIT)).unwrap_or(0);
    let mut content = vec![0; len];
    let read = file.read_at(&mut content, 0)?;
    content.truncate(read);
    Ok(String::from_utf8_lossy(&content).into_owned())
}

#[cfg(test)]
mod tests {
    use super::Accounts;

    #[test]
    fn names_and_numbers_are_resolved() {
        let accounts = Accounts::from_texts(
            "root:x:0:0:root:/root:/bin/sh\n12:x:77:77::/:/bin/sh\nbroken\n",
            "root:x:0:\ndsbackup:x:998:alice,bob\n",
        );
        assert_eq!(accounts.user("root"), Some(0));
        assert_eq!(accounts.user("1000"), Some(1000));
        assert_eq!(accounts.user("12"), Some(77), "a name that looks like a number is a name");
        assert_eq!(accounts.user("nobody-like-this"), None);
        assert_eq!(accounts.group("dsbackup"), Some(998));
        assert_eq!(accounts.group("broken"), None);
    }
}
