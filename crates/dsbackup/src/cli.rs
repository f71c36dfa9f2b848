//! The command line: one table, from which help, completions and manual pages are made too.

use clap::{CommandFactory, Parser, Subcommand};

use crate::exit::{Exit, Failure};
use crate::output::Output;

mod backup;
mod completions;
mod demo;
mod dump;
mod export;
mod found;
mod info;
mod log;
mod man;
mod online;
mod opened;
mod recover;
mod restore;
mod serve;
mod server;
mod tables;
mod verify;

/// Back up, restore, recover, verify and look at Active Directory databases.
///
/// Speaks the documented directory backup functions to a service that has the directory open, and
/// reads every ESE database by itself.
#[derive(Debug, Parser)]
#[command(name = "dsbackup", version, propagate_version = true, after_long_help = EXIT_CODES)]
#[command(disable_help_subcommand = true, infer_long_args = false)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,

    /// Print JSON, one object a line (docs/json.md).
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Print errors only.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Demo(demo::Demo),
    Serve(serve::Serve),
    Online(online::Online),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Verify(verify::Verify),
    Info(info::Info),
    Recover(recover::Recover),
    Log(log::Log),
    Tables(tables::Tables),
    Dump(dump::Dump),
    Export(export::Export),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Verb {
    pub(crate) fn run(&self, output: &Output) -> Result<Exit, Failure> {
        match self {
            Self::Demo(verb) => demo::run(verb, output),
            Self::Serve(verb) => serve::run(verb, output),
            Self::Online(verb) => online::run(verb, output),
            Self::Backup(verb) => backup::run(verb, output),
            Self::Restore(verb) => restore::run(verb, output),
            Self::Verify(verb) => verify::run(verb, output),
            Self::Info(verb) => info::run(verb, output),
            Self::Recover(verb) => recover::run(verb, output),
            Self::Log(verb) => log::run(verb, output),
            Self::Tables(verb) => tables::run(verb, output),
            Self::Dump(verb) => dump::run(verb, output),
            Self::Export(verb) => export::run(verb, output),
            Self::Completions(verb) => completions::run(verb, output),
            Self::Man(verb) => man::run(verb, output),
        }
    }
}

/// The whole table, for what is made from it.
fn table() -> clap::Command {
    Cli::command()
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    findings, or a negative answer
  2    usage
  3    the input cannot be used: damaged, missing, of the wrong kind
  4    refused: rights, policy, safety
  5    the other end or the system failed
  130  interrupted

SERVER is the name of this computer, the path of a service's socket, or host:port.";
