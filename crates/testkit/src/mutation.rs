//! Every kind of damage that a checker of databases must find, and every oddity it must not take
//! for damage.
//!
//! Each [`Mutation`] changes a copy of a committed database. Damage that is meant to be logical
//! gets new checksums, so that only a look at the meaning finds it. [`ALL`] has them by subject.
//!
//! ```
//! let mutation = testkit::mutation::all().find(|m| m.name == "key out of order").unwrap();
//! let damaged: Vec<u8> = mutation.make();
//! assert_ne!(damaged, testkit::database(mutation.base));
//! ```

mod catalog;
mod file;
pub mod image;
mod indexes;
mod long_values;
mod pages;
mod records;
mod space;
mod trees;

pub use image::Image;

/// What a checker must say to a mutation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Nothing: the database is as it was.
    Control,
    /// Nothing that counts as failure: strange, but legal.
    Odd,
    /// At least one finding.
    Damage,
    /// That the file cannot be used at all.
    Unusable,
}

/// A change of a database.
#[derive(Debug, Clone, Copy)]
pub struct Mutation {
    /// What is changed; no two have the same.
    pub name: &'static str,
    /// The committed database that is changed.
    pub base: &'static str,
    /// What a checker must say.
    pub class: Class,
    /// Parts of codes of findings; for each one, alternatives set apart by `|`, some finding must
    /// have it.
    pub expects: &'static [&'static str],
    /// Makes the change.
    pub apply: fn(&mut Image),
}

impl Mutation {
    /// The changed database.
    pub fn make(&self) -> Vec<u8> {
        let mut image = Image::of(self.base);
        (self.apply)(&mut image);
        image.finish()
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
pub const ALL: &[&[Mutation]] = &[
    file::TABLE,
    pages::TABLE,
    trees::TABLE,
    space::TABLE,
    catalog::TABLE,
    records::TABLE,
    indexes::TABLE,
    long_values::TABLE,
];

/// All mutations, one after the other.
pub fn all() -> impl Iterator<Item = &'static Mutation> {
    ALL.iter().copied().flatten()
}

type Apply = fn(&mut Image);
type Expects = &'static [&'static str];

const fn damage(
    base: &'static str,
    name: &'static str,
    expects: Expects,
    apply: Apply,
) -> Mutation {
    Mutation { name, base, class: Class::Damage, expects, apply }
}

const fn odd(base: &'static str, name: &'static str, apply: Apply) -> Mutation {
    Mutation { name, base, class: Class::Odd, expects: &[], apply }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn names_are_unique() {
        let mut seen = BTreeSet::new();
        for mutation in all() {
            assert!(seen.insert(mutation.name), "{}", mutation.name);
        }
    }

    #[test]
    fn every_mutation_changes_its_database_and_no_control_does() {
        let originals: BTreeMap<&str, Vec<u8>> =
            crate::CLEAN.into_iter().map(|name| (name, crate::database(name))).collect();
        for mutation in all() {
            let is_same = mutation.make() == originals[mutation.base];
            assert_eq!(is_same, mutation.class == Class::Control, "{}", mutation.name);
        }
    }

    #[test]
    fn an_expectation_is_met_by_any_of_its_alternatives() {
        let mutation = damage("clean_4k", "", &["key-order|key-bound", "space"], |_| {});
        assert_eq!(mutation.missing(&["key-bound".into()]), ["space"]);
        assert_eq!(mutation.missing(&["space-sum".into()]), ["key-order|key-bound"]);
    }
}
