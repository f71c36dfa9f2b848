//! `dsbackup serve`: the service in the foreground.

use std::path::PathBuf;

use ntdsbsrv::{ServeOptions, Status};

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Host a directory's database and answer the backup and restore functions.
///
/// Runs in the foreground until SIGTERM or Ctrl-C; SIGHUP reloads the policy. The database must
/// stand still: it is opened for reading and never written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    dsbackup serve --dit /srv/dc1/ntds.dit --socket /tmp/dsbackup.sock\n  \
    dsbackup serve --dit /srv/dc1/ntds.dit --config /etc/dsbackup/service.toml --restore-mode")]
pub(crate) struct Serve {
    /// The database file. In restore mode, where a restored one belongs.
    #[arg(long, value_name = "FILE")]
    dit: PathBuf,

    /// The directory of its logs [default: where the database is].
    #[arg(long, value_name = "DIR")]
    logs: Option<PathBuf>,

    /// The socket to listen on [default: /run/dsbackup/ncalrpc/dsbackup].
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,

    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The directory for registration, key and audit log [default: /var/lib/dsbackup].
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,

    /// Never write to the database; this version never does.
    #[arg(long)]
    #[allow(dead_code, reason = "said by scripts; there is no other way of serving to choose")]
    read_only: bool,

    /// Keep the directory closed so that it can be restored.
    #[arg(long)]
    restore_mode: bool,
}

pub(crate) fn run(args: &Serve, output: &Output) -> Result<Exit, Failure> {
    let options = ServeOptions {
        logs: args.logs.clone(),
        socket: args.socket.clone(),
        config: args.config.clone(),
        state: args.state.clone(),
        restore_mode: args.restore_mode,
        ..ServeOptions::new(&args.dit)
    };
    let ready = |socket: &std::path::Path, status: &Status| {
        let what = match status {
            Status::Online { database } => format!("online: {}", database.display()),
            Status::Offline { reason } => format!("not online: {reason}"),
            _ => "started".to_owned(),
        };
        output.text(format!("listening on {}; {what}", socket.display()));
    };
    ntdsbsrv::run(options, ready)?;
    output.text("stopped");
    Ok(Exit::Done)
}
