//! `dsbackup man`: the manual pages.

use std::path::PathBuf;

use vfs::Storage;
use vfs::os::Os;

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Print the manual page, or write all of them to a folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  dsbackup man | man -l -\n  dsbackup man --out man/")]
pub(crate) struct Man {
    /// Write dsbackup.1 and one page for each verb to this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &Man, output: &Output) -> Result<Exit, Failure> {
    let cannot = |e: std::io::Error| {
        Failure::new(Exit::Failed, format!("cannot make the manual pages: {e}"))
    };
    if let Some(dir) = &args.out {
        Os.create_dir_all(dir)?;
        clap_mangen::generate_to(super::table(), dir).map_err(cannot)?;
        output.text(format!("manual pages written to {}", dir.display()));
    } else {
        let mut page = Vec::new();
        clap_mangen::Man::new(super::table()).render(&mut page).map_err(cannot)?;
        output.raw(&page);
    }
    Ok(Exit::Done)
}
