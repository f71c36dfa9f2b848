//! `dsbackup completions`: the script that makes a shell complete verbs, options and values.

use clap_complete::Shell;

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Print the completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    dsbackup completions bash > /etc/bash_completion.d/dsbackup")]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(args: &Completions, output: &Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::table(), "dsbackup", &mut script);
    output.raw(&script);
    Ok(Exit::Done)
}
