//! The JSON objects, one a line. `docs/json.md` promises these fields; a test holds them.

use ntdsb::HResult;
use serde::Serialize;

use crate::exit::Failure;
use crate::output::recovery::Recovery;

/// An object with its kind and verb, and the fields of `body` beside them.
#[derive(Debug, Serialize)]
pub(crate) struct Message<'a, T: Serialize> {
    pub(crate) message_type: &'static str,
    pub(crate) command: &'static str,
    #[serde(flatten)]
    pub(crate) body: &'a T,
}

/// A warning.
#[derive(Debug, Serialize)]
pub(crate) struct Notice<'a> {
    pub(crate) message_type: &'static str,
    pub(crate) message: &'a str,
}

/// How far a longer work is; at most one a second.
#[derive(Debug, Serialize)]
pub(crate) struct Status<'a> {
    pub(crate) message_type: &'static str,
    pub(crate) phase: &'static str,
    pub(crate) file: &'a str,
    pub(crate) bytes_done: u64,
    pub(crate) bytes_total: u64,
}

/// Why a run failed.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorMessage<'a> {
    message_type: &'static str,
    exit_code: u8,
    message: &'a str,
    advice: Option<&'a str>,
    code: Option<String>,
    code_name: Option<&'static str>,
}

impl<'a> ErrorMessage<'a> {
    pub(crate) fn of(failure: &'a Failure) -> Self {
        Self {
            message_type: "error",
            exit_code: failure.exit.code(),
            message: &failure.text,
            advice: failure.advice.as_deref(),
            code: failure.code.map(|code| format!("{:#010X}", code.0)),
            code_name: failure.code.and_then(HResult::name),
        }
    }
}

/// The answer of `online`.
#[derive(Debug, Serialize)]
pub(crate) struct Online<'a> {
    pub(crate) server: &'a str,
    pub(crate) online: bool,
}

/// What `backup` made.
#[derive(Debug, Serialize)]
pub(crate) struct Backup {
    pub(crate) set: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) server: String,
    pub(crate) backup_id: String,
    pub(crate) not_after: Option<String>,
    pub(crate) files: Vec<StoredFile>,
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    pub(crate) logs_truncated: Option<u32>,
}

/// A file of a set or of a restore.
#[derive(Debug, Serialize)]
pub(crate) struct StoredFile {
    pub(crate) name: String,
    pub(crate) bft: u8,
    pub(crate) size: u64,
    pub(crate) blake3: String,
}

impl From<&backup_set::manifest::FileEntry> for StoredFile {
    fn from(entry: &backup_set::manifest::FileEntry) -> Self {
        Self {
            name: entry.name.clone(),
            bft: entry.bft,
            size: entry.size,
            blake3: entry.blake3.clone(),
        }
    }
}

/// What `restore` did.
#[derive(Debug, Serialize)]
pub(crate) struct Restore {
    pub(crate) set: String,
    /// The folder; absent for a restore through a service.
    pub(crate) to: Option<String>,
    /// The server; absent for a restore to a folder.
    pub(crate) server: Option<String>,
    pub(crate) files: Vec<StoredFile>,
    pub(crate) paths: Vec<String>,
    pub(crate) bytes: u64,
    /// What recovering each database did; empty where they were left as they were backed up.
    pub(crate) recovered: Vec<Recovery>,
    pub(crate) seconds: f64,
}

/// What `demo` told.
#[derive(Debug, Serialize)]
pub(crate) struct Demo {
    pub(crate) steps: Vec<DemoStep>,
}

/// One line of it.
#[derive(Debug, Serialize)]
pub(crate) struct DemoStep {
    pub(crate) step: &'static str,
    pub(crate) figures: String,
}
