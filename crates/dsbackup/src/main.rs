//! `dsbackup`: back up, restore, verify and look at Active Directory databases from a shell.
//!
//! This program says what the libraries do: arguments in [`cli`], what is printed in [`output`],
//! what a run ends with in [`exit`]. Whatever else it needs, a library has.

use std::process::ExitCode;

use clap::Parser;

mod cli;
mod exit;
mod interrupt;
mod output;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let output = output::Output::new(cli.json, cli.quiet);
    match cli.verb.run(&output) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}
