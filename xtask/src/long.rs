//! The long tests, one after the other: minutes where the normal run takes seconds.

use crate::{Outcome, corpus, fuzz, kill, memory, mutations};

pub(crate) fn run(_: &[String]) -> Outcome {
    mutations::run(&[])?;
    corpus::run(&[])?;
    kill::run(&["200".to_owned()])?;
    memory::run(&[])?;
    fuzz_for("60", &[])?;
    // Whole databases take longest to go through, and have the most to hide.
    fuzz_for("600", &["database_read", "database_check"])
}

fn fuzz_for(seconds: &str, targets: &[&str]) -> Outcome {
    let mut arguments = vec!["--seconds".to_owned(), seconds.to_owned()];
    arguments.extend(targets.iter().map(|&target| target.to_owned()));
    fuzz::run(&arguments)
}
