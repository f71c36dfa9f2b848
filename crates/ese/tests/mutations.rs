//! Every kind of damage is found by the deep check, and what is odd but legal is no failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::sync::Arc;

use ese::check::{self, Options, Report, Severity};
use ese::verify::Unheard;
use ese::{DatabaseFile, Error};
use testkit::mutation::{Class, Mutation, all};
use vfs::mem::Mem;

fn judge(mutation: &Mutation) -> Result<Report, Error> {
    let storage = Mem::new();
    storage.put("/ntds.dit", mutation.make()).unwrap();
    let database = Arc::new(DatabaseFile::open(Arc::new(storage), Path::new("/ntds.dit"))?);
    check::run(&database, &Options::default(), &Unheard)
}

/// Why the check's word on a mutation is not what it must be.
fn complaint(mutation: &Mutation) -> Option<String> {
    let report = match (judge(mutation), mutation.class) {
        (Err(_), Class::Unusable) => return None,
        (Err(error), _) => return Some(error.to_string()),
        (Ok(report), _) => report,
    };
    let codes: Vec<String> = report.counts.iter().map(|count| count.code.to_owned()).collect();
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    let missing = mutation.missing(&codes);
    let is_right = match mutation.class {
        Class::Control => errors + warnings == 0,
        Class::Odd => errors == 0,
        Class::Damage => errors > 0 && missing.is_empty(),
        Class::Unusable => false,
    };
    let said = || format!("{errors} errors, {warnings} warnings, {codes:?}, missing {missing:?}");
    (!is_right).then(said)
}

#[test]
fn every_mutation_is_judged_as_it_must_be() {
    let mut wrong = Vec::new();
    for mutation in all() {
        if let Some(complaint) = complaint(mutation) {
            wrong.push(format!("{} ({:?}): {complaint}", mutation.name, mutation.class));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
