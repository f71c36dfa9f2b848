//! Who may do what: the policy file and its decisions.
//!
//! ```toml
//! version = 1
//! [defaults]
//! query = ["@local"]                     # any caller whom the kernel identifies
//! [[grant]]
//! rights = ["query", "locations", "backup", "truncate"]
//! unix_groups = ["dsbackup"]
//! [[deny]]                               # beats every grant; no rights: all of them
//! principals = ["*$@*"]
//! ```
//!
//! A rule applies to a caller whom one of its `unix_users`, `unix_groups`, `sids` or `principals`
//! names, on the listed `transports`. A rule without `transports` holds on every transport, except
//! that `restore` is granted over the network only where `"tcp"` is listed. Nothing is granted by
//! default. Without a policy file everybody local may `query`, and root and the service's own
//! user may do everything.
//!
//! The rights correspond to Windows' as follows: `backup` to SE_BACKUP_NAME (Backup Operators),
//! `restore` to SE_RESTORE_NAME and Administrators.

use std::fmt;
use std::path::{Path, PathBuf};

use ntdsb::rights::Right;
use rustix::fs::{Mode, OFlags};
use serde::Deserialize;

use crate::accounts::Accounts;

/// A policy, parsed and with its names resolved.
#[derive(Debug, Clone)]
pub struct Policy {
    local_defaults: Vec<Right>,
    grants: Vec<Rule>,
    denials: Vec<Rule>,
}

/// Somebody who calls.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// How the call came.
    pub transport: Transport,
    /// Kernel-identified user, on the local transport.
    pub uid: Option<u32>,
    /// Kernel-identified groups: the primary one and the supplementary ones.
    pub gids: &'a [u32],
    /// Authenticated name, where a security mechanism gave one.
    pub principal: Option<&'a str>,
    /// Security identifiers of the user and its groups, where a security mechanism gave some.
    pub sids: &'a [String],
}

/// How a call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// The Unix socket.
    Local,
    /// The network.
    Tcp,
}

/// What the policy says about one call, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether the caller may.
    pub allowed: bool,
    /// The rule that decided.
    pub rule: DecidedBy,
}

/// The rule that decided. Rules are numbered from 1 in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedBy {
    /// The `defaults` table.
    Defaults,
    /// The n-th `grant`.
    Grant(usize),
    /// The n-th `deny`.
    Deny(usize),
    /// No rule: nothing grants it.
    Nothing,
}

impl fmt::Display for DecidedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defaults => f.write_str("defaults"),
            Self::Grant(number) => write!(f, "grant {number}"),
            Self::Deny(number) => write!(f, "deny {number}"),
            Self::Nothing => f.write_str("no rule"),
        }
    }
}

/// A policy that cannot be used; the service does not start with it.
#[derive(Debug, thiserror::Error)]
#[error("policy {}: {reason}", path.display())]
pub struct PolicyError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

impl Policy {
    /// The policy where there is no file.
    pub fn built_in(own_uid: u32) -> Self {
        let everything = Rule {
            rights: ALL_RIGHTS.to_vec(),
            uids: vec![0, own_uid],
            transports: Some(vec![Transport::Local]),
            ..Rule::default()
        };
        Self { local_defaults: vec![Right::Query], grants: vec![everything], denials: Vec::new() }
    }

    /// Reads a policy file. It must belong to root or `own_uid` and be writable by its owner
    /// only: whoever can write it decides who may read every secret of the directory.
    pub fn load(path: &Path, own_uid: u32, accounts: &Accounts) -> Result<Self, PolicyError> {
        let error = |reason: String| PolicyError { path: path.to_owned(), reason };
        let text = read_guarded(path, own_uid).map_err(error)?;
        Self::parse(&text, accounts).map_err(error)
    }

    /// Parses the text of a policy file; the error says what is wrong.
    pub fn parse(text: &str, accounts: &Accounts) -> Result<Self, String> {
        let file: PolicyFile = toml::from_str(text).map_err(|e| e.to_string())?;
        if file.version != 1 {
            return Err(format!("version is {}; this service reads version 1", file.version));
        }
        let rules = |kind: &str, entries: &[RuleEntry]| -> Result<Vec<Rule>, String> {
            let numbered = entries.iter().enumerate();
            numbered
                .map(|(i, entry)| {
                    Rule::resolve(entry, kind == "deny", accounts)
                        .map_err(|reason| format!("{kind} {}: {reason}", i + 1))
                })
                .collect()
        };
        Ok(Self {
            local_defaults: file.defaults.local_rights()?,
            grants: rules("grant", &file.grant)?,
            denials: rules("deny", &file.deny)?,
        })
    }

    /// Whether `caller` has `right`.
    pub fn decide(&self, caller: &Caller<'_>, right: Right) -> Decision {
        let first = |rules: &[Rule], needs_listing: bool| {
            rules.iter().position(|rule| rule.applies(caller, right, needs_listing))
        };
        if let Some(index) = first(&self.denials, false) {
            return Decision { allowed: false, rule: DecidedBy::Deny(index + 1) };
        }
        let restore_needs_listing = right == Right::Restore && caller.transport != Transport::Local;
        if let Some(index) = first(&self.grants, restore_needs_listing) {
            return Decision { allowed: true, rule: DecidedBy::Grant(index + 1) };
        }
        if caller.transport == Transport::Local && self.local_defaults.contains(&right) {
            return Decision { allowed: true, rule: DecidedBy::Defaults };
        }
        Decision { allowed: false, rule: DecidedBy::Nothing }
    }
}

#[derive(Debug, Clone, Default)]
struct Rule {
    rights: Vec<Right>,
    uids: Vec<u32>,
    gids: Vec<u32>,
    sids: Vec<String>,
    principals: Vec<String>,
    transports: Option<Vec<Transport>>,
}

impl Rule {
    fn resolve(entry: &RuleEntry, is_denial: bool, accounts: &Accounts) -> Result<Self, String> {
        let rights = match (&entry.rights, is_denial) {
            (None, true) => ALL_RIGHTS.to_vec(),
            (None, false) => return Err("rights are missing".to_owned()),
            (Some(names), _) if names.is_empty() => return Err("rights is empty".to_owned()),
            (Some(names), _) => {
                names.iter().map(|name| right_named(name)).collect::<Result<_, _>>()?
            }
        };
        let uids = entry.unix_users.iter().map(|name| {
            accounts.user(name).ok_or_else(|| {
                format!("user {name:?} is not in /etc/passwd; name others by their number")
            })
        });
        let gids = entry.unix_groups.iter().map(|name| {
            accounts.group(name).ok_or_else(|| {
                format!("group {name:?} is not in /etc/group; name others by their number")
            })
        });
        let rule = Self {
            rights,
            uids: uids.collect::<Result<_, _>>()?,
            gids: gids.collect::<Result<_, _>>()?,
            sids: entry.sids.clone(),
            principals: entry.principals.clone(),
            transports: entry.transports.clone(),
        };
        let names_somebody = !rule.uids.is_empty()
            || !rule.gids.is_empty()
            || !rule.sids.is_empty()
            || !rule.principals.is_empty();
        if !names_somebody {
            return Err("names nobody; unix_users, unix_groups, sids or principals must".to_owned());
        }
        Ok(rule)
    }

    fn applies(&self, caller: &Caller<'_>, right: Right, transport_must_be_listed: bool) -> bool {
        let transport_fits = match &self.transports {
            Some(listed) => listed.contains(&caller.transport),
            None => !transport_must_be_listed,
        };
        transport_fits && self.rights.contains(&right) && self.names(caller)
    }

    fn names(&self, caller: &Caller<'_>) -> bool {
        caller.uid.is_some_and(|uid| self.uids.contains(&uid))
            || caller.gids.iter().any(|gid| self.gids.contains(gid))
            || caller.sids.iter().any(|sid| self.sids.contains(sid))
            || caller.principal.is_some_and(|name| {
                self.principals.iter().any(|pattern| matches_pattern(pattern, name))
            })
    }
}

/// Whether `name` fits `pattern`, in which `*` stands for any text; ASCII case is ignored, as it
/// is in realm and account names.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    version: u32,
    #[serde(default)]
    defaults: Defaults,
    #[serde(default)]
    grant: Vec<RuleEntry>,
    #[serde(default)]
    deny: Vec<RuleEntry>,
}

/// Right to the classes of callers that have it without a grant.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Defaults {
    query: Vec<String>,
    locations: Vec<String>,
    backup: Vec<String>,
    truncate: Vec<String>,
    restore: Vec<String>,
}

impl Defaults {
    fn local_rights(&self) -> Result<Vec<Right>, String> {
        let table = [
            (Right::Query, &self.query),
            (Right::Locations, &self.locations),
            (Right::Backup, &self.backup),
            (Right::Truncate, &self.truncate),
            (Right::Restore, &self.restore),
        ];
        let mut rights = Vec::new();
        for (right, classes) in table {
            if let Some(unknown) = classes.iter().find(|class| *class != "@local") {
                return Err(format!("defaults: {unknown:?} is no class of callers; @local is"));
            }
            if !classes.is_empty() {
                rights.push(right);
            }
        }
        Ok(rights)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    rights: Option<Vec<String>>,
    #[serde(default)]
    unix_users: Vec<String>,
    #[serde(default)]
    unix_groups: Vec<String>,
    #[serde(default)]
    sids: Vec<String>,
    #[serde(default)]
    principals: Vec<String>,
    transports: Option<Vec<Transport>>,
}

fn right_named(name: &str) -> Result<Right, String> {
    ALL_RIGHTS.into_iter().find(|right| right.name() == name).ok_or_else(|| {
        format!("{name:?} is no right; query, locations, backup, truncate and restore are")
    })
}

/// Reads the file through one descriptor, so that what was checked is what is read.
fn read_guarded(path: &Path, own_uid: u32) -> Result<String, String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| e.to_string())?;
    let stat = rustix::fs::fstat(&file).map_err(|e| e.to_string())?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
        return Err("is not a regular file".to_owned());
    }
    if stat.st_uid != 0 && stat.st_uid != own_uid {
        return Err(format!(
            "belongs to uid {}; it must belong to root or to the service's user",
            stat.st_uid
        ));
    }
    if stat.st_mode & 0o022 != 0 {
        return Err(format!(
            "has mode {:04o}; only its owner may write it (chmod go-w)",
            stat.st_mode & 0o7777
        ));
    }
    let mut content = Vec::new();
    let mut chunk = [0u8; 4096];
    loop {
        let n = rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut chunk[..]))
            .map_err(|e| e.to_string())?;
        let Some(part) = chunk.get(..n).filter(|part| !part.is_empty()) else {
            break;
        };
        content.extend_from_slice(part);
        if content.len() > LARGEST_FILE {
            return Err(format!("is longer than {LARGEST_FILE} bytes"));
        }
    }
    String::from_utf8(content).map_err(|_| "is not UTF-8".to_owned())
}

const LARGEST_FILE: usize = 1 << 20;

const ALL_RIGHTS: [Right; 5] =
    [Right::Query, Right::Locations, Right::Backup, Right::Truncate, Right::Restore];

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn accounts() -> Accounts {
        Accounts::from_texts(
            "root:x:0:0::/:\nalice:x:1000:1000::/:\n",
            "root:x:0:\ndsbackup:x:998:\n",
        )
    }

    fn local(uid: u32, gids: &[u32]) -> Caller<'_> {
        Caller { transport: Transport::Local, uid: Some(uid), gids, principal: None, sids: &[] }
    }

    const DOCUMENTED: &str = r#"
        version = 1
        [defaults]
        query = ["@local"]
        [[grant]]
        rights = ["query", "locations", "backup", "truncate", "restore"]
        unix_users = ["root"]
        [[grant]]
        rights = ["query", "locations", "backup", "truncate"]
        unix_groups = ["dsbackup"]
        sids = ["S-1-5-32-551"]
        [[grant]]
        rights = ["restore"]
        principals = ["admin@TEST.EXAMPLE"]
        transports = ["local"]
        [[grant]]
        rights = ["restore", "backup"]
        principals = ["operator@TEST.EXAMPLE"]
        [[deny]]
        principals = ["*$@*"]
        [[deny]]
        rights = ["truncate"]
        unix_users = ["alice"]
    "#;

    #[test]
    fn without_a_file_root_and_the_own_user_may_everything_and_others_query() {
        let policy = Policy::built_in(1000);
        for right in ALL_RIGHTS {
            assert!(policy.decide(&local(0, &[0]), right).allowed);
            assert!(policy.decide(&local(1000, &[1000]), right).allowed);
            let other = policy.decide(&local(1001, &[0]), right);
            assert_eq!(other.allowed, right == Right::Query, "{right:?}");
        }
    }

    #[test]
    fn users_and_groups_are_granted_what_the_file_says() {
        let policy = Policy::parse(DOCUMENTED, &accounts()).unwrap();
        let decide = |uid, gids: &[u32], right| policy.decide(&local(uid, gids), right);
        let granted = Decision { allowed: true, rule: DecidedBy::Grant(1) };
        assert_eq!(decide(0, &[0], Right::Restore), granted);
        assert_eq!(decide(5, &[7, 998], Right::Backup).rule, DecidedBy::Grant(2));
        assert_eq!(decide(5, &[7, 998], Right::Restore).rule, DecidedBy::Nothing);
        assert_eq!(decide(5, &[7], Right::Query).rule, DecidedBy::Defaults);
        assert_eq!(decide(5, &[7], Right::Locations).rule, DecidedBy::Nothing);
    }

    #[test]
    fn a_denial_beats_every_grant() {
        let policy = Policy::parse(DOCUMENTED, &accounts()).unwrap();
        let alice = local(1000, &[998]);
        assert_eq!(policy.decide(&alice, Right::Truncate).rule, DecidedBy::Deny(2));
        assert_eq!(policy.decide(&alice, Right::Backup).rule, DecidedBy::Grant(2));
        let machine = Caller {
            principal: Some("DC1$@TEST.EXAMPLE"),
            sids: &["S-1-5-32-551".to_owned()],
            ..local(5, &[998])
        };
        assert_eq!(policy.decide(&machine, Right::Query).rule, DecidedBy::Deny(1));
    }

    #[test]
    fn restore_over_the_network_must_be_listed() {
        let policy = Policy::parse(DOCUMENTED, &accounts()).unwrap();
        let remote = |principal| Caller {
            transport: Transport::Tcp,
            uid: None,
            gids: &[],
            principal: Some(principal),
            sids: &[],
        };
        let operator = remote("Operator@test.example");
        assert!(policy.decide(&operator, Right::Backup).allowed);
        assert!(!policy.decide(&operator, Right::Restore).allowed);
        assert!(!policy.decide(&operator, Right::Query).allowed, "@local is local");
        assert!(!policy.decide(&remote("admin@TEST.EXAMPLE"), Right::Restore).allowed);
    }

    #[test]
    fn what_is_wrong_with_a_policy_is_said() {
        let check = |text: &str, expect: &str| {
            let error = Policy::parse(text, &accounts()).unwrap_err();
            assert!(error.contains(expect), "{error}");
        };
        check("", "version");
        check("version = 2", "version 1");
        check("version = 1\ngrants = 3", "grants");
        check("version = 1\n[defaults]\nquery = [\"@everybody\"]", "@everybody");
        check("version = 1\n[defaults]\nquary = [\"@local\"]", "quary");
        check("version = 1\n[[grant]]\nunix_users = [\"root\"]", "rights are missing");
        check("version = 1\n[[grant]]\nrights = [\"query\"]", "names nobody");
        check(
            "version = 1\n[[grant]]\nrights = [\"read\"]\nunix_users = [\"root\"]",
            "\"read\" is no right",
        );
        check(
            "version = 1\n[[deny]]\nunix_users = [\"mallory\"]",
            "deny 1: user \"mallory\" is not in /etc/passwd",
        );
    }

    #[test]
    fn a_policy_that_others_can_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy.toml");
        std::fs::write(&path, DOCUMENTED).unwrap();
        let own = rustix::process::geteuid().as_raw();
        let load = |mode| {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, permissions).unwrap();
            Policy::load(&path, own, &accounts())
        };
        assert!(load(0o644).is_ok());
        assert!(load(0o666).unwrap_err().to_string().contains("chmod go-w"));
        assert!(load(0o664).is_err());
        let missing = Policy::load(&dir.path().join("none"), own, &accounts());
        assert!(missing.unwrap_err().to_string().contains("No such file"));
        let directory = Policy::load(dir.path(), own, &accounts());
        assert!(directory.unwrap_err().to_string().contains("not a regular file"));
    }

    proptest::proptest! {
        #[test]
        fn a_pattern_matches_whatever_its_stars_stand_for(
            parts in proptest::collection::vec("[a-c$@]{0,3}", 1..5),
            fillings in proptest::collection::vec("[a-c$@]{0,3}", 4),
        ) {
            let mut name = parts[0].clone();
            for (part, filling) in parts[1..].iter().zip(&fillings) {
                name.push_str(filling);
                name.push_str(part);
            }
            proptest::prop_assert!(matches_pattern(&parts.join("*"), &name));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
            let _ = Policy::parse(&text, &accounts());
            let _ = Policy::parse(&format!("version = 1\n{text}"), &accounts());
        }
    }

    #[test]
    fn patterns_match_with_stars_and_without_case() {
        for (pattern, name, expect) in [
            ("*$@*", "DC1$@TEST", true),
            ("*$@*", "dc1@TEST", false),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acb", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "ac", false),
            ("abc", "ABC", true),
            ("abc", "abcd", false),
            ("*", "", true),
        ] {
            assert_eq!(matches_pattern(pattern, name), expect, "{pattern} {name}");
        }
    }
}
