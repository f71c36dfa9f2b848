//! `dsbackup backup`: the documented walk-through of a full backup, into a set.
//!
//! ```text
//! Prepare -> token -> each database -> GetBackupLogs -> each log -> manifest -> Truncate -> End
//! ```
//!
//! The manifest comes before the truncation: logs are given up only for a set that is whole and
//! durable. Whatever fails before it removes the set and aborts the backup on the server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use backup_set::SetWriter;
use backup_set::manifest::{self, BackupKind, FileKind, Manifest};
use backup_set::writer::Description;
use ms_dtyp::FileTime;
use ntdsb::HResult;
use ntdsb::token::ExpiryToken;
use ntdsbcli::{BackupContext, ListEntry, Server};

use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::human;
use crate::output::{Bars, Output, json};

/// Back up a directory from its running service into a new folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    dsbackup backup DC1 --out /backups/dc1-monday\n  \
    dsbackup backup /run/dsbackup/ncalrpc/dsbackup --out set --type copy --json")]
pub(crate) struct Backup {
    /// This computer's name, a socket's path, or host:port.
    server: String,

    /// The folder to make; it must not exist, or be empty.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// full, or copy: the same without letting the server truncate its logs.
    #[arg(long = "type", value_name = "TYPE", default_value = "full", value_parser = kind)]
    kind: BackupKind,
}

/// What a finished backup left.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) manifest: Manifest,
    /// Logs that the server truncated; `None` where it was not asked or could not be told.
    pub(crate) truncated: Option<u32>,
    /// What went wrong after the set was whole.
    pub(crate) warnings: Vec<String>,
}

fn kind(text: &str) -> Result<BackupKind, String> {
    match text {
        "full" => Ok(BackupKind::Full),
        "copy" => Ok(BackupKind::Copy),
        "incremental" | "logs" => Err(format!(
            "this version of the service does not offer {text} backups; use full or copy"
        )),
        _ => Err("use full or copy".to_owned()),
    }
}

pub(crate) fn run(args: &Backup, output: &Output) -> Result<Exit, Failure> {
    let interrupt = Interrupt::install()?;
    let server = super::server::parse(&args.server)?;
    let began = Instant::now();
    let set = SetWriter::create(Arc::new(vfs::os::Os), &args.out)?;
    let finished = back_up(set, &server, args.kind, output, &interrupt)
        .map_err(|failure| interrupt.explain(failure))?;
    let time = began.elapsed();
    for warning in &finished.warnings {
        output.warning(warning);
    }
    let manifest = &finished.manifest;
    for file in &manifest.files {
        output.text(format!("  {:9}  {}", human::size(file.size), file.name));
    }
    output.text(format!(
        "{}: {} in {}, {}; restorable until {}",
        args.out.display(),
        human::size(manifest.total_size()),
        human::seconds(time),
        human::rate(manifest.total_size(), time),
        manifest.token.not_after.as_deref().unwrap_or("an unknown time"),
    ));
    output.summary(
        "backup",
        &json::Backup {
            set: args.out.display().to_string(),
            kind: name_of(args.kind),
            server: args.server.clone(),
            backup_id: manifest.backup.id.clone(),
            not_after: manifest.token.not_after.clone(),
            files: manifest.files.iter().map(Into::into).collect(),
            bytes: manifest.total_size(),
            seconds: time.as_secs_f64(),
            logs_truncated: finished.truncated,
        },
    );
    Ok(Exit::Done)
}

/// Backs `server` up into `set`. On failure the set is removed and the server has been told.
pub(crate) fn back_up(
    mut set: SetWriter,
    server: &Server,
    kind: BackupKind,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Finished, Failure> {
    let started = now();
    interrupt.check()?;
    let mut backup = BackupContext::prepare(server)?;
    interrupt.cancels(backup.canceller());
    set.put_token(backup.token())?;
    let token = ExpiryToken::decode(backup.token(), None).ok().map(|decoded| decoded.token);

    let bars = output.progress(0, interrupt);
    for entry in backup.databases()? {
        store(&mut backup, &entry, &mut set, &bars, interrupt)?;
    }
    for entry in backup.logs()? {
        store(&mut backup, &entry, &mut set, &bars, interrupt)?;
    }
    interrupt.check()?;
    bars.finish();
    let manifest = set.finish(description(server, kind, token.as_ref(), started))?;

    // The set is whole and durable: what goes wrong from here on does not make it less so.
    let mut warnings = Vec::new();
    let mut truncated = None;
    if kind == BackupKind::Full {
        match backup.truncate_logs() {
            Ok(count) => truncated = Some(count),
            Err(e) => warnings
                .push(format!("the set is whole, but the server did not truncate its logs: {e}")),
        }
    }
    if let Err(e) = backup.end() {
        warnings.push(format!("the set is whole, but the server could not be told: {e}"));
    }
    Ok(Finished { manifest, truncated, warnings })
}

/// Streams one file of a list into the set.
fn store(
    backup: &mut BackupContext,
    entry: &ListEntry,
    set: &mut SetWriter,
    bars: &Bars,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let kind = FileKind::from_bft(entry.file_type.value()).ok_or_else(|| {
        Failure::new(Exit::Failed, format!("{}: a file of an unknown type", entry.path))
    })?;
    let mut file = backup.open(&entry.path, READ_HINT)?;
    let len = file.len();
    let mut stored = set.begin(kind, &entry.path)?;
    bars.grow(len);
    bars.phase("backing up", stored.place().name());
    loop {
        interrupt.check()?;
        let unit = match file.take_unit() {
            Ok(Some(unit)) => unit,
            Ok(None) => break,
            Err(e) => return Err(read_failure(e, entry, &mut stored)),
        };
        let count = unit.len();
        stored.append(unit)?;
        bars.add(count as u64);
    }
    file.close()?;
    stored.finish(len)?;
    Ok(())
}

/// Names the file and the page at which reading stopped.
fn read_failure(
    error: std::io::Error,
    entry: &ListEntry,
    stored: &mut backup_set::writer::FileWriter<'_>,
) -> Failure {
    let failure: Failure = match error.downcast::<ntdsbcli::Error>() {
        Ok(error) => error.into(),
        Err(error) => Failure::new(Exit::Failed, error.to_string()),
    };
    let mut place = format!("{} at offset {:#x}", entry.path, stored.size());
    if failure.code == Some(HResult::HR_READ_VERIFY_FAILURE)
        && let Some(page) = stored.next_page()
    {
        place = format!("{} page {page}", entry.path);
    }
    failure.during(&place)
}

fn description(
    server: &Server,
    kind: BackupKind,
    token: Option<&ExpiryToken>,
    started: FileTime,
) -> Description {
    let uid = rustix::process::getuid().as_raw();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Description {
        tool: manifest::Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        backup: manifest::Backup {
            id: token.map(|t| t.backup_id.to_string()).unwrap_or_default(),
            kind,
            started: started.to_string(),
            finished: now().to_string(),
            parent: None,
        },
        operator: manifest::Operator {
            user: ntdsbsrv::accounts::Accounts::read(&vfs::os::Os).user_name(uid),
            uid,
            host,
            server: server.name().to_owned(),
        },
        directory: token.map(directory).unwrap_or_default(),
        not_after: token.and_then(ExpiryToken::not_after).map(|time| time.to_string()),
    }
}

fn directory(token: &ExpiryToken) -> manifest::Directory {
    let guid = |guid: ms_dtyp::Guid| (!guid.is_nil()).then(|| guid.to_string());
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    manifest::Directory {
        dns_host_name: text(&token.host_name),
        domain: text(&token.domain_dn).filter(|dn| dn != UNKNOWN_DOMAIN),
        dsa_guid: guid(token.dsa),
        invocation_id: guid(token.invocation_id),
        domain_guid: guid(token.domain),
        highest_usn: (token.highest_usn != 0).then_some(token.highest_usn),
        database_signature: None,
        log_signature: None,
    }
}

fn now() -> FileTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    FileTime::from_unix(since.as_secs().try_into().unwrap_or(i64::MAX), 0)
}

fn name_of(kind: BackupKind) -> &'static str {
    match kind {
        BackupKind::Copy => "copy",
        _ => "full",
    }
}

/// Bytes of a read on the wire: a multiple of every page size, large enough that calls cost
/// nothing, small enough that a few of them in flight stay in a processor's cache.
const READ_HINT: u32 = 512 << 10;

/// What a service puts into a token, which needs a name there, if it does not know the domain.
const UNKNOWN_DOMAIN: &str = "DC=unknown";
