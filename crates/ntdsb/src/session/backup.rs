//! The backup context.
//!
//! | state | meaning |
//! |---|---|
//! | D, DO | database phase: no file, a database open |
//! | L, LO | log phase: no file, a log open |
//! | T | logs truncated |
//! | F | failed: every call repeats the first failure |
//! | - | ended |
//!
//! | call | D | DO | L | LO | T |
//! |---|---|---|---|---|---|
//! | GetDatabaseNames, GetDatabaseLocations | D | DO | L | LO | T |
//! | OpenFile, a database | DO | AlreadyOpen | SEQ | AlreadyOpen | SEQ |
//! | OpenFile, a log | SEQ | AlreadyOpen | LO | AlreadyOpen | SEQ |
//! | OpenFile, another name | INV | AlreadyOpen | INV | AlreadyOpen | INV |
//! | Read | InvalidHandle | DO or 38 | InvalidHandle | LO or 38 | InvalidHandle |
//! | Close | InvalidHandle | D | InvalidHandle | L | InvalidHandle |
//! | GetBackupLogs | L | SEQ | L, same list | SEQ | SEQ |
//! | TruncateLogs | SEQ | SEQ | T, or SEQ, or 0xC8000268 | SEQ | T |
//! | End | aborted | aborted | complete or aborted | aborted | complete |
//!
//! SEQ is `hrInvalidBackupSequence`, INV `ERROR_INVALID_PARAMETER`. Functions of the other
//! interface are INV in every state, and so is everything on an ended context.
//!
//! Source: Win32 documentation "Backing up an Active Directory server"; engine rules from ESE
//! `backup.cxx`; the cells that neither fills are our decisions.

use super::Coverage;
use crate::unc;
use crate::{HResult, READ_GRANULARITY};

#[cfg(test)]
mod tests;

/// Where a backup context stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BackupState {
    /// D: databases may be opened.
    Databases,
    /// DO: a database is open.
    DatabaseOpen,
    /// L: logs may be opened.
    Logs,
    /// LO: a log is open.
    LogOpen,
    /// T: the logs have been truncated; only the end is left.
    Truncated,
    /// F: the context has failed; only the end is left.
    Failed,
    /// The context is over.
    Ended,
}

/// A call on a backup context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BackupCall {
    /// DsBackupGetDatabaseNames.
    GetDatabaseNames,
    /// DsRestoreGetDatabaseLocations, which works on both kinds of context.
    GetDatabaseLocations,
    /// DsBackupOpenFile, of what the name means.
    OpenFile(Target),
    /// DsBackupRead.
    Read,
    /// DsBackupClose.
    Close,
    /// DsBackupGetBackupLogs.
    GetBackupLogs,
    /// DsBackupTruncateLogs.
    TruncateLogs,
    /// DsBackupEnd.
    End,
    /// Any other function of the restore interface.
    RestoreFunction,
}

/// What a name given to OpenFile means in this context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// A database: its place in [`BackupSession::databases`].
    Database(usize),
    /// A log: its place in [`BackupSession::logs`].
    Log(usize),
    /// A name that is a log's, before the list of logs is fixed.
    FutureLog,
    /// None of these.
    Unlisted,
}

/// An open file, as reads and the close name it. Never 0, and not used again in the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId(pub u32);

/// A file of one of the context's lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// The name as published: UNC, without the type.
    pub name: String,
    read: bool,
}

impl ListedFile {
    /// Whether one opening of the file has delivered all of it. Later openings do not change it.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        self.read
    }
}

/// How names of logs look, to tell a log that is not listed yet from a name that never will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogNames {
    /// The log directory, published: UNC, without the type.
    pub directory: String,
    /// What names of logs begin with: `edb`.
    pub base_name: String,
}

impl LogNames {
    fn matches(&self, name: &str) -> bool {
        let Some((directory, file)) = name.rsplit_once('\\') else { return false };
        let file = file.to_ascii_lowercase();
        let base_name = self.base_name.to_ascii_lowercase();
        let extension = |end| file.len() >= base_name.len() + 4 && file.ends_with(end);
        unc::same_name(directory, &self.directory)
            && file.starts_with(&base_name)
            && (extension(".log") || extension(".jtx"))
    }
}

/// A read that may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadSpan {
    /// Which file: [`Target::Database`] or [`Target::Log`].
    pub target: Target,
    /// Where, in bytes.
    pub offset: u64,
    /// How many bytes: at least one, and no more than the file has from there on.
    pub length: u32,
}

/// How a backup context ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BackupOutcome {
    /// Every listed file was read to its end.
    Complete {
        /// Whether logs were truncated: the engine then stamps a full backup, else a copy.
        truncated: bool,
    },
    /// Nothing is stamped.
    Aborted,
}

/// A backup context.
#[derive(Debug, Clone)]
pub struct BackupSession {
    phase: Phase,
    failure: Option<HResult>,
    databases: Vec<ListedFile>,
    logs: Vec<ListedFile>,
    log_names: LogNames,
    open: Option<OpenFile>,
    last_id: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Databases,
    Logs,
    Truncated,
    Ended,
}

#[derive(Debug, Clone)]
struct OpenFile {
    id: FileId,
    target: Target,
    coverage: Coverage,
}

impl BackupSession {
    /// A context that has just been prepared, with the published names of its databases.
    #[must_use]
    pub fn new(databases: impl IntoIterator<Item = String>, log_names: LogNames) -> Self {
        Self {
            phase: Phase::Databases,
            failure: None,
            databases: listed(databases),
            logs: Vec::new(),
            log_names,
            open: None,
            last_id: 0,
        }
    }

    /// Where the context stands.
    #[must_use]
    pub const fn state(&self) -> BackupState {
        match (self.phase, self.failure, &self.open) {
            (Phase::Ended, ..) => BackupState::Ended,
            (_, Some(_), _) => BackupState::Failed,
            (Phase::Truncated, ..) => BackupState::Truncated,
            (Phase::Databases, _, None) => BackupState::Databases,
            (Phase::Databases, _, Some(_)) => BackupState::DatabaseOpen,
            (Phase::Logs, _, None) => BackupState::Logs,
            (Phase::Logs, _, Some(_)) => BackupState::LogOpen,
        }
    }

    /// The databases, in the order of the list.
    #[must_use]
    pub fn databases(&self) -> &[ListedFile] {
        &self.databases
    }

    /// The logs, in the order of the list; empty before [`BackupSession::enter_log_phase`].
    #[must_use]
    pub fn logs(&self) -> &[ListedFile] {
        &self.logs
    }

    /// What `name` means: a published name as [`unc::Volumes::canonical`] gives it. Case is not
    /// regarded.
    #[must_use]
    pub fn target(&self, name: &str) -> Target {
        let position =
            |list: &[ListedFile]| list.iter().position(|listed| unc::same_name(&listed.name, name));
        if let Some(index) = position(&self.databases) {
            Target::Database(index)
        } else if let Some(index) = position(&self.logs) {
            Target::Log(index)
        } else if self.phase == Phase::Databases && self.log_names.matches(name) {
            Target::FutureLog
        } else {
            Target::Unlisted
        }
    }

    /// Whether `call` is allowed now. Changes nothing.
    ///
    /// # Errors
    /// The code of the table above.
    pub fn check(&self, call: BackupCall) -> Result<(), HResult> {
        let state = self.state();
        if state == BackupState::Ended || call == BackupCall::RestoreFunction {
            return Err(HResult::ERROR_INVALID_PARAMETER);
        }
        if let (Some(failure), false) = (self.failure, call == BackupCall::End) {
            return Err(failure);
        }
        match call {
            BackupCall::OpenFile(target) => self.check_open(target),
            BackupCall::Read | BackupCall::Close if self.open.is_none() => {
                Err(HResult::HR_INVALID_HANDLE)
            }
            BackupCall::GetBackupLogs => match state {
                BackupState::Databases | BackupState::Logs => Ok(()),
                _ => Err(HResult::HR_INVALID_BACKUP_SEQUENCE),
            },
            BackupCall::TruncateLogs => self.check_truncate(),
            _ => Ok(()),
        }
    }

    fn check_open(&self, target: Target) -> Result<(), HResult> {
        if self.open.is_some() {
            return Err(HResult::HR_ALREADY_OPEN);
        }
        match (target, self.phase) {
            (Target::Unlisted, _) => Err(HResult::ERROR_INVALID_PARAMETER),
            (Target::Database(index), Phase::Databases) if index < self.databases.len() => Ok(()),
            (Target::Log(index), Phase::Logs) if index < self.logs.len() => Ok(()),
            _ => Err(HResult::HR_INVALID_BACKUP_SEQUENCE),
        }
    }

    fn check_truncate(&self) -> Result<(), HResult> {
        let all_read = |list: &[ListedFile]| list.iter().all(ListedFile::is_read);
        match self.state() {
            BackupState::Logs if !all_read(&self.databases) => {
                Err(HResult::HR_INVALID_BACKUP_SEQUENCE)
            }
            BackupState::Logs if !all_read(&self.logs) => Err(HResult::JET_LOG_FILE_NOT_COPIED),
            BackupState::Logs | BackupState::Truncated => Ok(()),
            _ => Err(HResult::HR_INVALID_BACKUP_SEQUENCE),
        }
    }

    /// A file has been opened; reads of it will deliver `size` bytes in all.
    ///
    /// # Errors
    /// As [`BackupSession::check`]; nothing has changed then.
    pub fn open_file(&mut self, target: Target, size: u64) -> Result<FileId, HResult> {
        self.check(BackupCall::OpenFile(target))?;
        self.last_id = self.last_id.checked_add(1).ok_or(HResult::ERROR_NOT_ENOUGH_MEMORY)?;
        let open = OpenFile { id: FileId(self.last_id), target, coverage: Coverage::new(size) };
        let id = open.id;
        self.open = Some(open);
        if size == 0 {
            self.mark_read(target);
        }
        Ok(id)
    }

    /// Whether a read may be done, and how much of it: less than asked for only at the end of the
    /// file. `max_read` is what the open announced.
    ///
    /// # Errors
    /// `ERROR_INVALID_PARAMETER` if offset or length is no multiple of 8192, the length is 0 or
    /// above `max_read`, or the offset lies behind the end; `ERROR_HANDLE_EOF` at the end;
    /// `hrInvalidHandle` if that file is not open; otherwise as [`BackupSession::check`].
    pub fn check_read(
        &self,
        file: FileId,
        offset: u64,
        length: u32,
        max_read: u32,
    ) -> Result<ReadSpan, HResult> {
        let granular = offset.is_multiple_of(READ_GRANULARITY.into())
            && length.is_multiple_of(READ_GRANULARITY)
            && (READ_GRANULARITY..=max_read).contains(&length);
        if !granular {
            return Err(HResult::ERROR_INVALID_PARAMETER);
        }
        self.check(BackupCall::Read)?;
        let open = self.opened(file).ok_or(HResult::HR_INVALID_HANDLE)?;
        match open.coverage.size().checked_sub(offset) {
            None => Err(HResult::ERROR_INVALID_PARAMETER),
            Some(0) => Err(HResult::ERROR_HANDLE_EOF),
            Some(left) => {
                let length = u32::try_from(left).map_or(length, |left| left.min(length));
                Ok(ReadSpan { target: open.target, offset, length })
            }
        }
    }

    /// `length` bytes at `offset` of an open file have been delivered. Ignored if the file has
    /// been closed since.
    pub fn delivered(&mut self, file: FileId, offset: u64, length: u32) {
        let Some(open) = self.open.as_mut().filter(|open| open.id == file) else { return };
        open.coverage.add(offset, length.into());
        if open.coverage.is_complete() {
            let target = open.target;
            self.mark_read(target);
        }
    }

    /// The open file has been closed.
    ///
    /// # Errors
    /// `hrInvalidHandle` if that file is not open; otherwise as [`BackupSession::check`].
    pub fn close(&mut self, file: FileId) -> Result<(), HResult> {
        self.check_close(file)?;
        self.open = None;
        Ok(())
    }

    /// Whether a close of that file is allowed now.
    ///
    /// # Errors
    /// As [`BackupSession::close`].
    pub fn check_close(&self, file: FileId) -> Result<(), HResult> {
        self.check(BackupCall::Close)?;
        self.opened(file).map(|_| ()).ok_or(HResult::HR_INVALID_HANDLE)
    }

    /// The range of logs is fixed: the context is in the log phase for good. The first list stays
    /// if there is one.
    ///
    /// # Errors
    /// As [`BackupSession::check`]; nothing has changed then.
    pub fn enter_log_phase(
        &mut self,
        logs: impl IntoIterator<Item = String>,
    ) -> Result<(), HResult> {
        self.check(BackupCall::GetBackupLogs)?;
        if self.phase == Phase::Databases {
            self.logs = listed(logs);
            self.phase = Phase::Logs;
        }
        Ok(())
    }

    /// The logs have been truncated.
    ///
    /// # Errors
    /// As [`BackupSession::check`]; nothing has changed then.
    pub fn truncate(&mut self) -> Result<(), HResult> {
        self.check(BackupCall::TruncateLogs)?;
        self.phase = Phase::Truncated;
        Ok(())
    }

    /// The context has failed for good, for instance because its connection is gone or it was
    /// idle for too long ([`HResult::JET_BACKUP_ABORT_BY_SERVER`]). The first failure stays. A
    /// file that is open counts as closed.
    pub fn fail(&mut self, failure: HResult) {
        self.failure.get_or_insert(failure);
        self.open = None;
    }

    /// Ends the context, closing a file that is open, and tells how it ended.
    ///
    /// # Errors
    /// `ERROR_INVALID_PARAMETER` if it has ended before.
    pub fn end(&mut self) -> Result<BackupOutcome, HResult> {
        self.check(BackupCall::End)?;
        let outcome = self.outcome();
        self.open = None;
        self.phase = Phase::Ended;
        Ok(outcome)
    }

    /// How the context would end now.
    #[must_use]
    pub fn outcome(&self) -> BackupOutcome {
        let all_read = self.databases.iter().chain(&self.logs).all(ListedFile::is_read);
        match self.state() {
            BackupState::Truncated => BackupOutcome::Complete { truncated: true },
            BackupState::Logs if all_read => BackupOutcome::Complete { truncated: false },
            _ => BackupOutcome::Aborted,
        }
    }

    fn opened(&self, file: FileId) -> Option<&OpenFile> {
        self.open.as_ref().filter(|open| open.id == file)
    }

    fn mark_read(&mut self, target: Target) {
        let listed = match target {
            Target::Database(index) => self.databases.get_mut(index),
            Target::Log(index) => self.logs.get_mut(index),
            Target::FutureLog | Target::Unlisted => None,
        };
        if let Some(listed) = listed {
            listed.read = true;
        }
    }
}

fn listed(names: impl IntoIterator<Item = String>) -> Vec<ListedFile> {
    names.into_iter().map(|name| ListedFile { name, read: false }).collect()
}
