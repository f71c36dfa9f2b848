//! The audit log: one JSON object a line, appended.
//!
//! | `event` | written |
//! |---|---|
//! | `access` | for each call that was granted or refused, with its result |
//! | `context-end` | when a context ends: by its client, by rundown, by the idle limit |
//! | `damaged-page` | when a page was not delivered because its checksum is wrong |
//! | `corrected-page` | when a page was delivered with a single-bit error put right |
//! | `nothing-deleted` | when a truncation deleted no log, and why |
//! | `service` | start, stop, online, offline with the reason, restored, policy reloaded |
//!
//! Calls that read a file's content are logged only when they fail: the open is logged, and the
//! end of the context says how many bytes were read. Never in the log: token bytes, file content,
//! secrets. A token is named by its backup id.
//!
//! A log that cannot be written is remembered; no new context is given out before a write
//! succeeds again, so that nobody copies a directory unseen.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ms_dtyp::Guid;
use ntdsb::HResult;
use ntdsb::rights::Right;
use serde::Serialize;
use vfs::{File, OpenMode, Storage};

use crate::clock::Clock;
use crate::policy::Decision;

/// Where audit records go.
#[derive(Debug)]
pub struct AuditLog {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    path: PathBuf,
    sink: Mutex<Sink>,
}

#[derive(Debug)]
struct Sink {
    file: Arc<dyn File>,
    end: u64,
    failure: Option<String>,
}

/// The caller as the kernel knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerIdentity {
    /// User.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// Process at the time it connected; for people, never for decisions.
    pub pid: u32,
}

/// One call, as decided and answered.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// Who called.
    pub peer: PeerIdentity,
    /// The operation's name.
    pub call: &'a str,
    /// The right it needed and what the policy said; none for calls that need only ownership.
    pub decision: Option<(Right, Decision)>,
    /// What was returned.
    pub result: HResult,
    /// The context it was made on.
    pub context: Option<Guid>,
    /// What it was about, for example a file name.
    pub detail: Option<&'a str>,
}

impl AuditLog {
    /// Opens the log for appending; makes it where there is none.
    pub fn open(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        path: &Path,
    ) -> vfs::Result<Self> {
        let sink = Sink::open(storage.as_ref(), path)?;
        Ok(Self { storage, clock, path: path.to_owned(), sink: Mutex::new(sink) })
    }

    /// Opens the file anew under its name, for log rotation.
    pub fn reopen(&self) -> vfs::Result<()> {
        let fresh = Sink::open(self.storage.as_ref(), &self.path)?;
        *self.sink.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Why the last record could not be written, if so. Tries once more first.
    pub fn failure(&self) -> Option<String> {
        let failed = |sink: &Mutex<Sink>| {
            sink.lock().unwrap_or_else(PoisonError::into_inner).failure.clone()
        };
        failed(&self.sink)?;
        self.service("audit-retry", None);
        failed(&self.sink)
    }

    /// Records a call.
    pub fn access(&self, access: &Access<'_>) {
        let (right, decision) = match access.decision {
            Some((right, decision)) => (Some(right.name()), Some(decision)),
            None => (None, None),
        };
        self.write(&Line {
            uid: Some(access.peer.uid),
            gid: Some(access.peer.gid),
            pid: Some(access.peer.pid),
            call: Some(access.call),
            right,
            decision: decision.map(|d| if d.allowed { "granted" } else { "refused" }),
            rule: decision.map(|d| d.rule.to_string()),
            result: Some(format!("{:#010x}", access.result.0)),
            context: access.context.map(|id| id.to_string()),
            detail: access.detail,
            ..self.line("access")
        });
    }

    /// Records how a context ended: `outcome` in a few words.
    pub fn context_end(&self, peer: PeerIdentity, context: Guid, outcome: &str, bytes_read: u64) {
        self.write(&Line {
            uid: Some(peer.uid),
            gid: Some(peer.gid),
            pid: Some(peer.pid),
            context: Some(context.to_string()),
            detail: Some(outcome),
            bytes: Some(bytes_read),
            ..self.line("context-end")
        });
    }

    /// Records that a page was not delivered.
    pub fn damaged_page(&self, context: Guid, file: &Path, page: Option<u32>, what: &str) {
        self.write(&Line {
            context: Some(context.to_string()),
            file: Some(file.to_string_lossy().into_owned()),
            page,
            detail: Some(what),
            ..self.line("damaged-page")
        });
    }

    /// Records that a page was delivered corrected; the file itself is untouched.
    pub fn corrected_page(&self, context: Guid, file: &Path, page: u32) {
        self.write(&Line {
            context: Some(context.to_string()),
            file: Some(file.to_string_lossy().into_owned()),
            page: Some(page),
            ..self.line("corrected-page")
        });
    }

    /// Records that a truncation deleted nothing.
    pub fn nothing_deleted(&self, context: Guid, why: &str) {
        self.write(&Line {
            context: Some(context.to_string()),
            detail: Some(why),
            ..self.line("nothing-deleted")
        });
    }

    /// Records something about the service itself.
    pub fn service(&self, what: &str, detail: Option<&str>) {
        self.write(&Line { call: Some(what), detail, ..self.line("service") });
    }

    fn line<'a>(&self, event: &'a str) -> Line<'a> {
        Line { time: self.clock.now().to_string(), event, ..Line::default() }
    }

    fn write(&self, line: &Line<'_>) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let written = serde_json::to_vec(line).map_err(|e| e.to_string()).and_then(|mut text| {
            text.push(b'\n');
            let at = sink.end;
            sink.file.write_all_at(&text, at).map_err(|e| e.to_string())?;
            Ok(at + text.len() as u64)
        });
        match written {
            Ok(end) => {
                sink.end = end;
                sink.failure = None;
            }
            Err(failure) => sink.failure = Some(failure),
        }
    }
}

impl Sink {
    fn open(storage: &dyn Storage, path: &Path) -> vfs::Result<Self> {
        let file = match storage.open(path, OpenMode::ReadWrite) {
            Err(e) if e.is_not_found() => storage.open(path, OpenMode::CreateNew)?,
            other => other?,
        };
        Ok(Self { end: file.len()?, file, failure: None })
    }
}

/// One line; the order of the fields is the order in the file.
#[derive(Default, Serialize)]
struct Line<'a> {
    time: String,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use std::io;

    use ms_dtyp::FileTime;
    use vfs::sim::Sim;

    use super::*;
    use crate::clock::ManualClock;
    use crate::policy::DecidedBy;

    fn log(storage: &Arc<dyn Storage>) -> AuditLog {
        storage.create_dir_all(Path::new("/state")).unwrap();
        let clock = Arc::new(ManualClock::new(FileTime::from_unix(1_700_000_000, 0)));
        AuditLog::open(storage.clone(), clock, Path::new("/state/audit.jsonl")).unwrap()
    }

    fn content(storage: &Arc<dyn Storage>) -> String {
        let file = storage.open(Path::new("/state/audit.jsonl"), OpenMode::Read).unwrap();
        let mut content = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
        file.read_exact_at(&mut content, 0).unwrap();
        String::from_utf8(content).unwrap()
    }

    #[test]
    fn a_refusal_is_one_line_with_all_facts_and_lines_are_appended() {
        let storage: Arc<dyn Storage> = Arc::new(vfs::mem::Mem::new());
        let peer = PeerIdentity { uid: 1001, gid: 100, pid: 42 };
        let decision = Decision { allowed: false, rule: DecidedBy::Deny(2) };
        log(&storage).access(&Access {
            peer,
            call: "HrRBackupPrepare",
            decision: Some((Right::Backup, decision)),
            result: HResult(5),
            context: None,
            detail: None,
        });
        log(&storage).nothing_deleted(Guid::NIL, "the directory stands still");
        let content = content(&storage);
        let lines: Vec<&str> = content.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[0],
            "{\"time\":\"2023-11-14T22:13:20Z\",\"event\":\"access\",\"uid\":1001,\"gid\":100,\
             \"pid\":42,\"call\":\"HrRBackupPrepare\",\"right\":\"backup\",\
             \"decision\":\"refused\",\"rule\":\"deny 2\",\"result\":\"0x00000005\"}"
        );
        assert!(lines[1].contains("\"event\":\"nothing-deleted\""), "{}", lines[1]);
    }

    #[test]
    fn a_failed_write_is_remembered_until_one_succeeds() {
        let sim = Sim::new();
        let storage: Arc<dyn Storage> = Arc::new(sim.clone());
        let audit = log(&storage);
        sim.fail_call(sim.calls(), io::ErrorKind::StorageFull);
        audit.service("start", None);
        sim.fail_call(sim.calls(), io::ErrorKind::StorageFull);
        assert!(audit.failure().is_some());
        assert_eq!(audit.failure(), None, "the retry went through");
    }
}
