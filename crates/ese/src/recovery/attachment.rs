//! When the database that is recovered is attached in the logs, and when it is not.
//!
//! The logs are those of an instance, which has up to six databases, each with a number while it
//! is attached. A database is known by its signature. Records count for it that stand behind the
//! position of its last attachment; before it the same number may have been another's.
//!
//! | record | the database, by its header | what follows |
//! |---|---|---|
//! | attached, another signature | | the number is another's from here on |
//! | attached, this database | attached at this place | replayed from here |
//! | | clean, at the place that the record names | replayed from here, header as after an attach |
//! | | attached later, or consistent later | nothing; a later record attaches it |
//! | | neither | the logs do not fit the database |
//! | created, this database | none, or not finished | created |
//! | | attached here, never consistent since | replayed from here |
//! | | attached later, or consistent later | nothing; a later record attaches it |
//! | detached | attached | clean at the record |
//! | end of the instance | attached | clean at the mark of the intended end |
//!
//! Source: ESE `ErrLGRICheckRedoAttachDb`, `ErrLGRICheckRedoCreateDb`, `ErrLGRICheckAttachNow`,
//! `ErrLGRIRedoAttachDb` (logredo.cxx), `DBISetHeaderAfterAttach` (db.cxx).

use std::collections::BTreeMap;

use ese_format::header::{BackupKind, DatabaseHeader, DatabaseState};
use ese_format::log::attach::AttachEntry;
use ese_format::log::record::{DatabaseAction, DatabaseId, DatabaseRecord};
use ese_format::log_header::LogHeader;
use ese_format::{BackupInfo, DbTime, LogGeneration, LogPosition, LogTime, Signature};

use self::created::created_header;

mod created;
#[cfg(test)]
mod tests;

/// The database that is recovered, as the records make it.
#[derive(Debug)]
pub(crate) struct Attachment {
    /// Its number in the instance, while it has one.
    slot: Option<DatabaseId>,
    /// Where it was attached: records behind it count. Far behind everything while it is not.
    since: LogPosition,
    /// Its header as the records leave it; none before it is created.
    header: Option<DatabaseHeader>,
    /// The number that it is created with, where there is no database yet.
    awaited: DatabaseId,
    /// Up to this generation its pages may have changes that the replay has not come to.
    future: LogGeneration,
    listed: Listed,
    others: BTreeMap<DatabaseId, OtherDatabase>,
}

/// What a list of attached databases says of it beyond its header.
#[derive(Debug, Clone, Default)]
struct Listed {
    /// Flags of such a list.
    flags: u8,
    max_pages: u32,
    /// As stored, with the final zero.
    name: Vec<u8>,
}

/// A database of the same instance whose records are passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherDatabase {
    /// Its signature.
    pub signature: Signature,
    /// Its path in the log, made readable.
    pub path: String,
}

/// The record that is replayed: where it stands, and the header of its log file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here<'a> {
    pub(crate) position: LogPosition,
    pub(crate) log: &'a LogHeader,
}

/// What a record did to the attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing that matters here.
    None,
    /// The database begins, empty.
    Created,
    /// Its records count from here on.
    Attached,
    /// It is clean.
    Detached,
}

/// Why the logs cannot be replayed over the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The database was consistent elsewhere than where the log says.
    #[error(
        "the log attaches the database as it was consistent at {logged}, but it was last \
         consistent at {found}"
    )]
    Consistent {
        /// By the log.
        logged: LogPosition,
        /// By the header.
        found: LogPosition,
    },
    /// The database was not in use when the log was written, though it should have been.
    #[error("the log attaches the database here, but it was last attached at {found}")]
    Attached {
        /// By the header.
        found: LogPosition,
    },
    /// The replay begins behind the first log that the database needs.
    #[error("the database needs the logs from generation {needed} on")]
    LogsMissing {
        /// The first generation.
        needed: LogGeneration,
    },
    /// A database of an old engine, whose first content is not in the log.
    #[error("the first content of the database is not in the log, which an old engine wrote")]
    ContentNotLogged,
}

impl AttachError {
    /// The engine's number for the error.
    pub fn jet_code(&self) -> i32 {
        use ese_format::jet;
        match self {
            Self::Consistent { .. } => jet::ERR_CONSISTENT_TIME_MISMATCH,
            Self::Attached { .. } => jet::ERR_ATTACHED_DATABASE_MISMATCH,
            Self::LogsMissing { .. } => jet::ERR_REQUIRED_LOG_FILES_MISSING,
            Self::ContentNotLogged => jet::ERR_INVALID_CREATE_DB_VERSION,
        }
    }
}

impl Attachment {
    /// At the beginning of a replay over the database with `header`, or over nothing; `number` is
    /// what the database has, or will have, in the instance. Its pages may have changes up to the
    /// generation `future`, if the header does not name a later one.
    pub(crate) fn at_start(
        header: Option<&DatabaseHeader>,
        number: DatabaseId,
        future: LogGeneration,
    ) -> Self {
        let header = header.filter(|header| header.state != DatabaseState::JUST_CREATED).cloned();
        let mut start = Self {
            slot: None,
            since: NOT_ATTACHED,
            header,
            awaited: number,
            future,
            listed: Listed::default(),
            others: BTreeMap::new(),
        };
        if let Some(header) = start.header.as_ref().filter(|header| header.is_dirty()) {
            start.slot = Some(number);
            start.since = header.attach_position;
            start.future = future.max(header.max_required);
        }
        start
    }

    /// Whether records of `database` at `position` are replayed.
    #[inline]
    pub(crate) fn is_replayed(&self, database: DatabaseId, position: LogPosition) -> bool {
        self.slot == Some(database) && position > self.since
    }

    /// Whether `database` is its number at the moment, replayed or not.
    #[inline]
    pub(crate) fn is_ours(&self, database: DatabaseId) -> bool {
        self.slot == Some(database)
    }

    /// Whether it is attached at `position`.
    pub(crate) fn is_attached(&self, position: LogPosition) -> bool {
        self.slot.is_some() && position > self.since
    }

    /// Whether it is attached behind the record at `position`.
    pub(crate) fn is_attached_behind(&self, position: LogPosition) -> bool {
        self.slot.is_some() && position >= self.since
    }

    /// A log file or a checkpoint lists it as attached: what the list says beyond the header.
    pub(crate) fn note_listed(&mut self, entry: &AttachEntry<'_>) {
        let AttachEntry { flags, max_pages, name, .. } = *entry;
        self.listed = Listed { flags, max_pages, name: name.to_vec() };
    }

    /// The name under which a list or a record has it; empty if none was come to.
    pub(crate) fn name(&self) -> String {
        text(self.listed.flags & AttachEntry::WIDE != 0, &self.listed.name)
    }

    /// The list of attached databases with this one in it, if it is attached.
    pub(crate) fn list(&self, dbtime: DbTime, last_objid: u32) -> Vec<u8> {
        let mut list = Vec::new();
        if let (Some(database), Some(header)) = (self.slot, &self.header) {
            let Listed { flags, max_pages, name } = &self.listed;
            let entry = AttachEntry {
                database,
                flags: *flags,
                dbtime,
                last_objid,
                max_pages: *max_pages,
                attach: header.attach_position,
                consistent: header.consistent_position,
                signature: header.signature,
                name,
            };
            entry.write(&mut list);
        }
        list.push(0);
        list
    }

    /// Whether pages may have changes of generations behind `generation`.
    pub(crate) fn has_future(&self, generation: LogGeneration) -> bool {
        generation <= self.future
    }

    /// Its number, while it has one.
    pub(crate) fn slot(&self) -> Option<DatabaseId> {
        self.slot
    }

    /// Its header as the records left it.
    pub(crate) fn header(&self) -> Option<&DatabaseHeader> {
        self.header.as_ref()
    }

    /// Its header, to be changed by records that change it.
    pub(crate) fn header_mut(&mut self) -> Option<&mut DatabaseHeader> {
        self.header.as_mut()
    }

    /// The databases whose records were passed over.
    pub(crate) fn others(&self) -> &BTreeMap<DatabaseId, OtherDatabase> {
        &self.others
    }

    /// A database is created or attached.
    pub(crate) fn begin(
        &mut self,
        here: Here<'_>,
        record: &DatabaseRecord<'_>,
    ) -> Result<Effect, AttachError> {
        let (signature, is_it) = match record.action {
            DatabaseAction::Create { signature, .. } => {
                let awaited = self.header.is_none() && record.database == self.awaited;
                (signature, awaited || self.has(signature))
            }
            DatabaseAction::Attach { signature, .. } => (signature, self.has(signature)),
            _ => return Ok(Effect::None),
        };
        if !is_it {
            if self.slot == Some(record.database) && here.position > self.since {
                // The number cannot be given anew while it is in use: it was given up unseen.
                (self.slot, self.since) = (None, NOT_ATTACHED);
            }
            let path = readable(&record.action);
            self.others.insert(record.database, OtherDatabase { signature, path });
            return Ok(Effect::None);
        }
        if let DatabaseAction::Create { flags, max_pages, path, .. }
        | DatabaseAction::Attach { flags, max_pages, path, .. } = record.action
        {
            // Bits 8 and 0x10 of the record: UTF-16, sparse.
            let flags = (flags & 0x18) << 2;
            self.listed = Listed { flags, max_pages, name: path.to_vec() };
        }
        match record.action {
            DatabaseAction::Attach { consistent, log_signature, .. } => {
                self.attach(here, record.database, consistent, log_signature)
            }
            _ => self.create(here, record),
        }
    }

    fn has(&self, signature: Signature) -> bool {
        self.header.as_ref().is_some_and(|header| header.signature == signature)
    }

    fn create(
        &mut self,
        here: Here<'_>,
        record: &DatabaseRecord<'_>,
    ) -> Result<Effect, AttachError> {
        let Some(header) = &self.header else {
            let header = created_header(here, record).ok_or(AttachError::ContentNotLogged)?;
            self.header = Some(header);
            (self.slot, self.since) = (Some(record.database), here.position);
            self.future = LogGeneration(0);
            return Ok(Effect::Created);
        };
        let attached_here = header.attach_position == here.position;
        let is_later = header.consistent_position >= here.position;
        if header.log_signature != here.log.signature || !attached_here || is_later {
            return Ok(Effect::None);
        }
        check_logs(header, here)?;
        (self.slot, self.since) = (Some(record.database), here.position);
        Ok(Effect::Attached)
    }

    fn attach(
        &mut self,
        here: Here<'_>,
        database: DatabaseId,
        consistent: LogPosition,
        logged: Signature,
    ) -> Result<Effect, AttachError> {
        let Some(header) = &self.header else { return Ok(Effect::None) };
        let of_stream = header.log_signature == here.log.signature;
        let of_logged = header.log_signature == logged;
        // A place behind this one is of another stream, which the database came from.
        let unset = LogPosition::UNSET;
        let consistent = if consistent >= here.position { unset } else { consistent };
        let found = header.consistent_position;
        let mismatch = AttachError::Consistent { logged: consistent, found };
        match (of_stream, of_logged) {
            (false, false) => return Ok(Effect::None),
            (false, true) if found != consistent => return Err(mismatch),
            (true, _) if !of_logged || found == consistent || found.is_unset() => {
                if header.attach_position > here.position {
                    return Ok(Effect::None);
                }
                if header.attach_position < here.position && !of_logged {
                    return Err(AttachError::Attached { found: header.attach_position });
                }
            }
            (true, _) if found > here.position => return Ok(Effect::None),
            (true, _) => return Err(mismatch),
            (false, true) => {}
        }
        check_logs(header, here)?;
        let after = after_attach(header, here, database);
        self.future = match header.is_dirty() {
            true => self.future.max(header.max_required),
            false => after.max_required,
        };
        self.header = Some(after);
        (self.slot, self.since) = (Some(database), here.position);
        Ok(Effect::Attached)
    }

    /// The first content of a created database is complete.
    pub(crate) fn finish_create(&mut self, here: Here<'_>, database: DatabaseId) {
        if !self.is_replayed(database, here.position) {
            return;
        }
        if let Some(header) = &mut self.header
            && header.state == DatabaseState::JUST_CREATED
        {
            header.state = DatabaseState::DIRTY_SHUTDOWN;
            (header.min_required, header.max_required) = (here.log.generation, here.log.generation);
        }
    }

    /// A database is detached.
    pub(crate) fn detach(&mut self, here: Here<'_>, database: DatabaseId) -> Effect {
        if self.slot != Some(database) {
            self.others.remove(&database);
            return Effect::None;
        }
        if here.position <= self.since {
            return Effect::None;
        }
        self.close(here.position);
        Effect::Detached
    }

    /// The instance ends: what is attached is consistent at `mark`.
    pub(crate) fn end_instance(&mut self, here: Here<'_>, mark: LogPosition) -> Effect {
        if !self.is_attached(here.position) {
            return Effect::None;
        }
        self.close(mark);
        Effect::Detached
    }

    fn close(&mut self, consistent: LogPosition) {
        (self.slot, self.since) = (None, NOT_ATTACHED);
        let Some(header) = &mut self.header else { return };
        header.state = DatabaseState::CLEAN_SHUTDOWN;
        (header.consistent_position, header.detach_position) = (consistent, consistent);
        let none = LogGeneration(0);
        (header.min_required, header.max_required, header.max_committed) = (none, none, none);
        header.min_consistent = none;
        (header.max_required_time, header.max_committed_time) = (LogTime::UNSET, LogTime::UNSET);
        if header.current_backup.first_generation != none {
            header.current_backup = BackupInfo::default();
            header.incremental_backup = BackupInfo::default();
        }
        if !header.resize_position.is_unset() {
            header.resize_position = consistent;
        }
    }
}

/// The header once the database is attached at `here`.
fn after_attach(header: &DatabaseHeader, here: Here<'_>, number: DatabaseId) -> DatabaseHeader {
    let mut after = header.clone();
    let generation = here.log.generation;
    if !after.is_dirty() {
        after.state = DatabaseState::DIRTY_SHUTDOWN;
        (after.min_required, after.max_required) = (generation, generation);
        (after.min_consistent, after.max_committed) = (generation, generation);
        (after.max_required_time, after.max_committed_time) = (here.log.created, here.log.created);
    }
    if after.log_signature != here.log.signature {
        after.full_backup = BackupInfo::default();
        after.incremental_backup = BackupInfo::default();
        after.copy_backup = BackupInfo::default();
        after.differential_backup = BackupInfo::default();
        after.full_backup_kind = BackupKind::STREAMING;
        after.incremental_backup_kind = BackupKind::STREAMING;
        after.consistent_position = LogPosition::UNSET;
        after.resize_position = LogPosition::UNSET;
        after.log_signature = here.log.signature;
    }
    after.snapshot_backup = BackupInfo::default();
    after.attach_position = here.position;
    after.attach_time = here.log.created;
    after.reattach_position = LogPosition::UNSET;
    if !after.resize_position.is_unset() {
        after.resize_position = after.resize_position.max(here.position);
    }
    (after.detach_position, after.detach_time) = (LogPosition::UNSET, LogTime::UNSET);
    after.dbid = u32::from(number.0);
    after
}

fn check_logs(header: &DatabaseHeader, here: Here<'_>) -> Result<(), AttachError> {
    let needed = header.min_required;
    let is_patched = header.state == DatabaseState::DIRTY_AND_PATCHED_SHUTDOWN;
    if needed.0 != 0 && !is_patched && needed < here.log.generation {
        return Err(AttachError::LogsMissing { needed });
    }
    Ok(())
}

/// The path of a record, for people.
fn readable(action: &DatabaseAction<'_>) -> String {
    action.path().map_or_else(String::new, |(wide, path)| text(wide, path))
}

/// A name with a final zero, for people.
fn text(wide: bool, path: &[u8]) -> String {
    if !wide {
        let name = path.split(|byte| *byte == 0).next().unwrap_or_default();
        return String::from_utf8_lossy(name).into_owned();
    }
    let units = path.chunks_exact(2).map(|pair| match pair {
        [low, high] => u16::from_le_bytes([*low, *high]),
        _ => 0,
    });
    let units = units.take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Behind every record.
const NOT_ATTACHED: LogPosition =
    LogPosition { generation: LogGeneration(u32::MAX), sector: u16::MAX, byte: u16::MAX };
