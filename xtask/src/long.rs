//! The long tests, one after the other: minutes where the normal run takes seconds.

use crate::{Outcome, corpus, fuzz, kill, memory};

pub(crate) fn run(_: &[String]) -> Outcome {
    corpus::run(&[])?;
    kill::run(&["200".to_owned()])?;
    memory::run(&[])?;
    fuzz::run(&["--seconds".to_owned(), "60".to_owned()])
}
