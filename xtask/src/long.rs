//! The long tests, one after the other: minutes where the normal run takes seconds.

use std::process::Command;

use crate::{Outcome, corpus, fuzz, kill, kill_recover, memory, mutations, recovered, root};

pub(crate) fn run(_: &[String]) -> Outcome {
    mutations::run(&[])?;
    corpus::run(&[])?;
    recovered::run(&[])?;
    cuts("2000")?;
    kill_recover::run(&["200".to_owned()])?;
    kill::run(&["200".to_owned()])?;
    memory::run(&[])?;
    fuzz_for("60", &[])?;
    // Whole databases take longest to go through, and have the most to hide.
    fuzz_for("600", &["database_read", "database_check", "recovery"])
}

fn fuzz_for(seconds: &str, targets: &[&str]) -> Outcome {
    let mut arguments = vec!["--seconds".to_owned(), seconds.to_owned()];
    arguments.extend(targets.iter().map(|&target| target.to_owned()));
    fuzz::run(&arguments)
}

/// Thousands of cuts of logs, where the normal run takes a sample.
fn cuts(of_each_set: &str) -> Outcome {
    let status = Command::new(env!("CARGO"))
        .args(["test", "--quiet", "--release", "--package", "ese", "--test", "recovery"])
        .args(["--", "cuts", "--nocapture"])
        .env("ESE_CUTS", of_each_set)
        .current_dir(root())
        .status()?;
    if status.success() { Ok(()) } else { Err("cut logs".into()) }
}
