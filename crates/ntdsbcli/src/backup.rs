//! A backup context: from the token to the end.

use std::io::{self, BufRead, Read};
use std::ops::Deref;

use bytes::Bytes;
use dcerpc::CallId;
use dcerpc::context_handle::ContextHandle;
use ntdsb::HResult;
use ntdsb::is_read_size;
use ntdsb::unc::without_type;

use crate::cancel::Canceller;
use crate::connection::Connection;
use crate::error::Error;
use crate::list::{FileList, ListEntry};
use crate::read_ahead::{BUFFER_MIN, ReadAhead};
use crate::server::Server;

/// A backup under way. Dropping it ends it; a backup whose files were not all read to their ends
/// then counts as aborted.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ntdsbcli::{BackupContext, Server};
///
/// let mut backup = BackupContext::prepare(&Server::local())?;
/// std::fs::write("token", backup.token())?;
/// let databases = backup.databases()?;
/// for entry in &databases {
///     let mut file = backup.open(&entry.path, 1 << 20)?;
///     std::io::copy(&mut file, &mut std::fs::File::create(entry.file_name())?)?;
///     file.close()?;
/// }
/// for entry in &backup.logs()? {
///     let mut file = backup.open(&entry.path, 1 << 20)?;
///     std::io::copy(&mut file, &mut std::fs::File::create(entry.file_name())?)?;
/// }
/// backup.truncate_logs()?;
/// backup.end()?;
/// # Ok(())
/// # }
/// ```
pub struct BackupContext {
    connection: Connection,
    handle: ContextHandle,
    token: Vec<u8>,
    databases: Option<FileList>,
    logs: Option<Logs>,
    file: Option<OpenFile>,
    ended: bool,
}

struct Logs {
    list: FileList,
    low: u32,
    high: u32,
}

struct OpenFile {
    id: u32,
    reading: ReadAhead<CallId, Bytes>,
}

impl BackupContext {
    /// Connects and begins a full backup.
    ///
    /// # Errors
    /// `hrCouldNotConnect`, `ERROR_ACCESS_DENIED`, `hrBackupInProgress`, `hrRestoreInProgress`,
    /// `hrBackupNotAllowedYet`.
    pub fn prepare(server: &Server) -> Result<Self, Error> {
        let mut connection = Connection::open(server)?;
        let (token, handle) = connection.backup_prepare()?;
        Ok(BackupContext {
            connection,
            handle,
            token,
            databases: None,
            logs: None,
            file: None,
            ended: false,
        })
    }

    /// The expiry token. Store it with the backup, and before anything else: a restore asks for
    /// it.
    pub fn token(&self) -> &[u8] {
        &self.token
    }

    /// The databases to back up.
    ///
    /// # Errors
    /// As the service answers; `hrCommunicationError` once the connection is lost.
    pub fn databases(&mut self) -> Result<Vec<ListEntry>, Error> {
        self.database_list().map(|list| list.entries().to_vec())
    }

    /// The logs to back up. Databases cannot be opened after this.
    ///
    /// # Errors
    /// `hrInvalidBackupSequence` with a file open or after truncation.
    pub fn logs(&mut self) -> Result<Vec<ListEntry>, Error> {
        self.log_list().map(|list| list.entries().to_vec())
    }

    /// The lowest and highest generation of [`Self::logs`], once it was asked for. Both 0 where
    /// no log is needed.
    pub fn log_generations(&self) -> Option<(u32, u32)> {
        self.logs.as_ref().map(|logs| (logs.low, logs.high))
    }

    /// Where a restore would put the files, by type.
    ///
    /// # Errors
    /// `ERROR_ACCESS_DENIED` without the right `locations`.
    pub fn locations(&mut self) -> Result<Vec<ListEntry>, Error> {
        self.location_list().map(|list| list.entries().to_vec())
    }

    /// Opens a file of one of the lists: by its path, with or without its type in front, in any
    /// case. The hint is the size of reads on the wire: a multiple of 8192, at least 24576.
    ///
    /// # Errors
    /// `ERROR_INVALID_PARAMETER` for a file that is in no list and for a bad hint,
    /// `hrInvalidBackupSequence` for a database after [`Self::logs`] or a log before it.
    pub fn open(&mut self, name: &str, read_hint: u32) -> Result<BackupFile<'_>, Error> {
        if !is_read_size(read_hint) {
            return Err(Error::argument(OPEN, "the hint is a multiple of 8192, at least 24576"));
        }
        let len = self.open_file(name, read_hint)?;
        Ok(BackupFile { context: self, len, open: true })
    }

    /// Deletes logs that neither the directory nor this backup needs any longer, and returns how
    /// many. Call it when everything is stored safely.
    ///
    /// # Errors
    /// `hrInvalidBackupSequence` before everything was read, 0xC8000268 where a log was not.
    pub fn truncate_logs(&mut self) -> Result<u32, Error> {
        self.connection.backup_truncate_logs(self.handle)
    }

    /// A way to cancel a call from another thread.
    pub fn canceller(&self) -> Canceller {
        self.connection.canceller()
    }

    /// Ends the backup. It is complete if every file of both lists was read to its end.
    ///
    /// # Errors
    /// The context is gone in any case; an error says that the service could not be told, and
    /// that it will count the backup as aborted.
    pub fn end(mut self) -> Result<(), Error> {
        self.finish()
    }

    pub(crate) fn database_list(&mut self) -> Result<&FileList, Error> {
        let list = self.connection.backup_database_names(self.handle)?;
        Ok(self.databases.insert(list))
    }

    pub(crate) fn log_list(&mut self) -> Result<&FileList, Error> {
        let (low, high, list) = self.connection.backup_logs(self.handle)?;
        Ok(&self.logs.insert(Logs { list, low, high }).list)
    }

    /// Through a restricted restore context that lives for this call.
    pub(crate) fn location_list(&mut self) -> Result<FileList, Error> {
        let restricted = self.connection.restore_prepare(None)?;
        let list = self.connection.restore_locations(restricted);
        let ended = self.connection.restore_end(restricted);
        list.and_then(|list| ended.map(|()| list))
    }

    /// Opens a file and returns how many bytes it delivers. The first reads are sent at once.
    pub(crate) fn open_file(&mut self, name: &str, read_hint: u32) -> Result<u64, Error> {
        self.connection.check(OPEN)?;
        if self.file.is_some() {
            let rule = "a file is open already";
            return Err(Error::Argument { function: OPEN, rule, code: HResult::HR_ALREADY_OPEN });
        }
        let name = self.listed_name(name);
        let opened = self.connection.backup_open_file(self.handle, &name, read_hint)?;
        let concurrent = self.connection.reads_concurrently();
        let mut reading = ReadAhead::new(opened.size, read_hint, opened.max_read, concurrent);
        let mut reads = self.connection.reads(self.handle, opened.file_id);
        let sent = reading.fill(&mut reads);
        self.file = Some(OpenFile { id: opened.file_id, reading });
        sent.map(|()| opened.size)
    }

    /// Reads on; 0 at the end of the file.
    pub(crate) fn read_file(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        self.connection.check(READ)?;
        let file = self.file.as_mut().ok_or_else(|| no_file(READ))?;
        let mut reads = self.connection.reads(self.handle, file.id);
        file.reading.read(&mut reads, buffer)
    }

    /// Closes the open file; what is in flight for it is given up.
    pub(crate) fn close_file(&mut self) -> Result<(), Error> {
        self.connection.check(CLOSE)?;
        let mut file = self.file.take().ok_or_else(|| no_file(CLOSE))?;
        let mut reads = self.connection.reads(self.handle, file.id);
        file.reading.abandon(&mut reads);
        self.connection.backup_close(self.handle, file.id)
    }

    fn take_unit(&mut self) -> Result<Option<Unit>, Error> {
        let file = self.file.as_mut().ok_or_else(|| no_file(READ))?;
        let mut reads = self.connection.reads(self.handle, file.id);
        let taken = file.reading.take(&mut reads)?;
        Ok(taken.map(|(bytes, used)| Unit(bytes.slice(used.min(bytes.len())..))))
    }

    fn available(&mut self) -> Result<&[u8], Error> {
        let file = self.file.as_mut().ok_or_else(|| no_file(READ))?;
        let mut reads = self.connection.reads(self.handle, file.id);
        file.reading.available(&mut reads)
    }

    fn consume(&mut self, count: usize) {
        if let Some(file) = &mut self.file {
            file.reading.consume(count);
        }
    }

    /// The list's own spelling with its type where a list has the file; else what was given, for
    /// the service to judge.
    fn listed_name(&self, name: &str) -> String {
        let lists = self.databases.iter().chain(self.logs.as_ref().map(|logs| &logs.list));
        match lists.into_iter().find_map(|list| list.find(name)) {
            Some(entry) => format!("{}{}", char::from(entry.file_type.value()), entry.path),
            None => without_type(name).to_owned(),
        }
    }

    fn finish(&mut self) -> Result<(), Error> {
        if self.ended {
            return Ok(());
        }
        self.ended = true;
        if let Some(mut file) = self.file.take() {
            let mut reads = self.connection.reads(self.handle, file.id);
            file.reading.abandon(&mut reads);
        }
        self.connection.backup_end(self.handle)
    }
}

impl Drop for BackupContext {
    fn drop(&mut self) {
        // The service runs the context down where it cannot be told.
        drop(self.finish());
    }
}

/// The open file of a backup. Dropping it closes it.
///
/// [`BufRead::fill_buf`] gives the received bytes where they lie; [`Read`] copies them once. An
/// error comes at its position, after everything before it, and repeats there.
pub struct BackupFile<'a> {
    context: &'a mut BackupContext,
    len: u64,
    open: bool,
}

/// Bytes of a file, as they were received: never empty, up to 4 MiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit(Bytes);

impl Deref for Unit {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Unit {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl BackupFile<'_> {
    /// The number of bytes that reading to the end delivers.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads on without a copy: the received bytes at the position, to keep as long as needed and
    /// on any thread. `None` at the end of the file.
    ///
    /// Up to 8 MiB are on their way ahead of what was taken; the memory of a taken unit is used
    /// again when it is dropped.
    ///
    /// # Errors
    /// As [`BufRead::fill_buf`].
    pub fn take_unit(&mut self) -> io::Result<Option<Unit>> {
        Ok(self.context.take_unit()?)
    }

    /// Closes the file. Closed before its end, it counts as not read.
    ///
    /// # Errors
    /// `hrCommunicationError` once the connection is lost.
    pub fn close(mut self) -> Result<(), Error> {
        self.open = false;
        self.context.close_file()
    }
}

impl Read for BackupFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let small = buffer.len() < BUFFER_MIN;
        if !small {
            return Ok(self.context.read_file(buffer)?);
        }
        let available = self.context.available()?;
        let count = available.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), available.get(..count)) {
            to.copy_from_slice(from);
        }
        self.context.consume(count);
        Ok(count)
    }
}

impl BufRead for BackupFile<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.context.available()?)
    }

    fn consume(&mut self, count: usize) {
        self.context.consume(count);
    }
}

impl Drop for BackupFile<'_> {
    fn drop(&mut self) {
        if self.open {
            drop(self.context.close_file());
        }
    }
}

fn no_file(function: &'static str) -> Error {
    Error::Argument { function, rule: "no file is open", code: HResult::HR_INVALID_HANDLE }
}

const OPEN: &str = "DsBackupOpenFile";
const READ: &str = "DsBackupRead";
const CLOSE: &str = "DsBackupClose";
