//! `dsbackup online`: whether the directory is open for its clients.

use crate::exit::{Exit, Failure};
use crate::output::{Output, json};

/// Ask whether a directory is online: exit code 0 if it is, 1 if not.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  dsbackup online /run/dsbackup/ncalrpc/dsbackup")]
pub(crate) struct Online {
    /// This computer's name, a socket's path, or host:port.
    server: String,
}

pub(crate) fn run(args: &Online, output: &Output) -> Result<Exit, Failure> {
    let server = super::server::parse(&args.server)?;
    let online = server.is_online()?;
    output.text(format!("{}: {}", args.server, if online { "online" } else { "not online" }));
    output.summary("online", &json::Online { server: &args.server, online });
    Ok(if online { Exit::Done } else { Exit::Findings })
}
