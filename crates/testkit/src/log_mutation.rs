//! Every kind of damage to logs and checkpoints that a check must find, what it may repair, and
//! what it must not take for damage.
//!
//! Each [`LogMutation`] changes a copy of a directory of logs. Damage that is meant to be logical
//! gets new checksums. [`all`] gives them one after the other.
//!
//! ```
//! let mutation = testkit::log_mutation::all().find(|m| m.name == "generation removed").unwrap();
//! let folder = mutation.make().unwrap();
//! assert!(folder.files().all(|(name, _)| name != "edb00004.log"));
//! ```

mod checkpoint;
mod database;
pub mod folder;
mod records;
mod segments;
mod sequence;
pub mod walk;

pub use folder::Folder;

/// What a check must say to a mutation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogClass {
    /// Nothing: the logs are as they were.
    Control,
    /// Nothing that counts as failure: strange but legal, or repaired while it is read.
    Odd,
    /// At least one finding.
    Damage,
}

/// What is looked at to find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The logs, and the checkpoint beside them.
    Logs,
    /// The database together with its logs: what a recovery would say.
    Database,
}

/// The directory that is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogBase {
    /// A committed set.
    Set(&'static str),
    /// A directory of the corpus, which may be absent.
    Corpus(&'static str),
}

/// A change of a directory of logs.
#[derive(Debug, Clone, Copy)]
pub struct LogMutation {
    /// What is changed; no two have the same.
    pub name: &'static str,
    /// The directory that is changed.
    pub base: LogBase,
    /// What a check must say.
    pub class: LogClass,
    /// What it has to look at.
    pub subject: Subject,
    /// Parts of codes of findings; for each one, alternatives set apart by `|`, some finding must
    /// have it.
    pub expects: &'static [&'static str],
    /// Makes the change.
    pub apply: fn(&mut Folder),
}

impl LogMutation {
    /// The changed directory; `None` where its base is absent.
    pub fn make(&self) -> Option<Folder> {
        let mut folder = Folder::of(self.base)?;
        (self.apply)(&mut folder);
        Some(folder)
    }

    /// The expectations that none of these finding codes meets.
    pub fn missing(&self, codes: &[String]) -> Vec<&'static str> {
        let meets = |expected: &str| {
            codes.iter().any(|code| expected.split('|').any(|part| code.contains(part)))
        };
        self.expects.iter().copied().filter(|expected| !meets(expected)).collect()
    }
}

/// All mutations, by subject.
pub const ALL: &[&[LogMutation]] =
    &[segments::TABLE, records::TABLE, sequence::TABLE, checkpoint::TABLE, database::TABLE];

/// All mutations, one after the other.
pub fn all() -> impl Iterator<Item = &'static LogMutation> {
    ALL.iter().copied().flatten()
}

/// Nine generations of logs of a database that was killed: the last one is `edb.log`.
const CRASH: LogBase = LogBase::Set("crash_8k_e");
/// Three generations of logs of a clean database of Windows.
const CLEAN: LogBase = LogBase::Corpus("srum-server2022/day1");

type Apply = fn(&mut Folder);
type Expects = &'static [&'static str];

const fn damage(name: &'static str, expects: Expects, apply: Apply) -> LogMutation {
    let (class, subject) = (LogClass::Damage, Subject::Logs);
    LogMutation { name, base: CRASH, class, subject, expects, apply }
}

const fn odd(name: &'static str, expects: Expects, apply: Apply) -> LogMutation {
    let (class, subject) = (LogClass::Odd, Subject::Logs);
    LogMutation { name, base: CRASH, class, subject, expects, apply }
}

const fn damaged_database(
    base: LogBase,
    name: &'static str,
    expects: Expects,
    apply: Apply,
) -> LogMutation {
    let (class, subject) = (LogClass::Damage, Subject::Database);
    LogMutation { name, base, class, subject, expects, apply }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let mut seen = BTreeSet::new();
        for mutation in all() {
            assert!(seen.insert(mutation.name), "{}", mutation.name);
        }
        assert!(seen.len() > 60, "{}", seen.len());
    }

    #[test]
    fn every_mutation_changes_its_directory_and_no_control_does() {
        for mutation in all() {
            let Some(before) = Folder::of(mutation.base) else { continue };
            let is_same = mutation.make().unwrap() == before;
            assert_eq!(is_same, mutation.class == LogClass::Control, "{}", mutation.name);
        }
    }
}
