//! The registration of a restore: what the service remembers until the directory is up again.
//!
//! | status | the directory's start | set by |
//! |---|---|---|
//! | (none) | normal | |
//! | registered | refused | Register |
//! | failed | refused | RegisterComplete with anything but 0 |
//! | complete | recovery of the registered logs, then a new identity | RegisterComplete(0) |
//! | recovering(step) | goes on at that step | the start |
//!
//! It is durable before the call that makes it returns, and outlives the context that made it:
//! whether that context is still connected is known only to the running service. A registration
//! whose owner is gone is *orphaned*, and a new restore may replace it.
//!
//! Windows keeps the same facts in the registry, key `NTDS\Restore in Progress`.
//!
//! Source: Win32 documentation of `DsRestoreRegister` and `DsRestoreRegisterComplete`; the states
//! are our decision.

use ms_dtyp::FileTime;

use crate::idl::restore::{MapRow, RegisterRequest};
use crate::unc::{Spelling, Volumes, same_name};
use crate::{HResult, LOG_NUMBER_MAXIMUM};

/// A registered restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// What is restored to where.
    pub restore: RegisteredRestore,
    /// Who registered it, for people: user and context.
    pub owner: String,
    /// The token that the context was prepared with.
    pub token: Vec<u8>,
    /// How far it is.
    pub status: Status,
    /// When it was registered.
    pub registered: FileTime,
    /// When the status last changed.
    pub changed: FileTime,
}

/// How far a registered restore is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Files are being put back.
    Registered,
    /// The restore was reported as failed.
    Failed(HResult),
    /// The files are in place and verified; the next start recovers.
    Complete,
    /// The start has begun this step.
    Recovering(u32),
}

/// What a registration means to the directory's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Start {
    /// The directory stays down.
    Refused,
    /// Recovery from this step on; 0 is the first.
    Recover {
        /// The step.
        from_step: u32,
    },
}

impl Registration {
    /// A restore that has just been registered.
    #[must_use]
    pub const fn new(
        restore: RegisteredRestore,
        owner: String,
        token: Vec<u8>,
        now: FileTime,
    ) -> Self {
        let status = Status::Registered;
        Self { restore, owner, token, status, registered: now, changed: now }
    }

    /// What the directory's start has to do.
    #[must_use]
    pub const fn start(&self) -> Start {
        match self.status {
            Status::Registered | Status::Failed(_) => Start::Refused,
            Status::Complete => Start::Recover { from_step: 0 },
            Status::Recovering(step) => Start::Recover { from_step: step },
        }
    }

    /// The restore was reported as over. Success must have been verified before.
    ///
    /// # Errors
    /// `hrInvalidBackupSequence` if recovery has begun.
    pub fn complete(&mut self, result: HResult, now: FileTime) -> Result<(), HResult> {
        if let Status::Recovering(_) = self.status {
            return Err(HResult::HR_INVALID_BACKUP_SEQUENCE);
        }
        self.status = if result.is_ok() { Status::Complete } else { Status::Failed(result) };
        self.changed = now;
        Ok(())
    }

    /// The start begins a step. The same step may begin again, after a crash.
    ///
    /// # Errors
    /// `hrInvalidBackupSequence` if the restore is not complete or the step lies behind.
    pub fn begin_step(&mut self, step: u32, now: FileTime) -> Result<(), HResult> {
        match self.start() {
            Start::Recover { from_step } if step >= from_step => {
                self.status = Status::Recovering(step);
                self.changed = now;
                Ok(())
            }
            _ => Err(HResult::HR_INVALID_BACKUP_SEQUENCE),
        }
    }
}

/// Whether a restore may be registered where one is registered already (`existing`), whose
/// context is or is not connected.
///
/// # Errors
/// `hrRestoreInProgress` while the other context lives.
pub const fn check_replace(
    existing: Option<&Registration>,
    owner_lives: bool,
) -> Result<(), HResult> {
    match existing {
        Some(_) if owner_lives => Err(HResult::HR_RESTORE_IN_PROGRESS),
        _ => Ok(()),
    }
}

/// The arguments of a Register call, checked. Paths are published names, in canonical spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredRestore {
    /// Directory of the checkpoint file.
    pub checkpoint_path: String,
    /// Directory in which logs live after the restore.
    pub log_path: String,
    /// Directory in which the restored logs are.
    pub backup_log_path: String,
    /// Old and new place of each database.
    pub map: Vec<MapEntry>,
    /// The logs of the restore.
    pub logs: LogRange,
}

/// A row of a restore map, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapEntry {
    /// The database as the backup named it, without file type. May be of another server.
    pub database: String,
    /// The published name of the file to which it is restored.
    pub new_database: String,
}

/// Which logs belong to a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogRange {
    /// Both numbers were 0: those that lie in the backup log path when the restore is completed.
    WhateverIsThere,
    /// From the lowest to the highest number, both included.
    Generations {
        /// The lowest.
        low: u32,
        /// The highest.
        high: u32,
    },
}

impl LogRange {
    /// The range of two log numbers.
    ///
    /// # Errors
    /// `ERROR_INVALID_PARAMETER` if they are in the wrong order or above 0xFFFFF.
    pub const fn new(low: u32, high: u32) -> Result<Self, HResult> {
        match (low, high) {
            (0, 0) => Ok(Self::WhateverIsThere),
            _ if low <= high && high <= LOG_NUMBER_MAXIMUM => Ok(Self::Generations { low, high }),
            _ => Err(HResult::ERROR_INVALID_PARAMETER),
        }
    }

    /// The two log numbers.
    #[must_use]
    pub const fn numbers(self) -> (u32, u32) {
        match self {
            Self::WhateverIsThere => (0, 0),
            Self::Generations { low, high } => (low, high),
        }
    }
}

/// Most rows of a restore map: the engine's limit.
pub const MAP_ROWS_MAXIMUM: usize = 14;

impl RegisteredRestore {
    /// Checks everything about the arguments that does not depend on the state of the context. A
    /// map of no rows passes: what it means is the state's to say.
    ///
    /// # Errors
    /// `ERROR_INVALID_PARAMETER`.
    pub fn from_request(request: &RegisterRequest, volumes: &Volumes) -> Result<Self, HResult> {
        let invalid = HResult::ERROR_INVALID_PARAMETER;
        let checkpoint_path = volumes.canonical(&request.checkpoint_path.to_text()?)?;
        let log_path = volumes.canonical(&request.log_path.to_text()?)?;
        let backup_log_path = volumes.canonical(&request.backup_log_path.to_text()?)?;
        let logs = LogRange::new(request.log_low, request.log_high)?;
        if request.map.len() > MAP_ROWS_MAXIMUM {
            return Err(invalid);
        }
        let mut map: Vec<MapEntry> = Vec::with_capacity(request.map.len());
        for row in &request.map {
            let entry = MapEntry::from_row(row, volumes)?;
            let duplicate = map.iter().any(|other| {
                same_name(&other.database, &entry.database)
                    || same_name(&other.new_database, &entry.new_database)
            });
            if duplicate {
                return Err(invalid);
            }
            map.push(entry);
        }
        Ok(Self { checkpoint_path, log_path, backup_log_path, map, logs })
    }
}

impl MapEntry {
    fn from_row(row: &MapRow, volumes: &Volumes) -> Result<Self, HResult> {
        let invalid = HResult::ERROR_INVALID_PARAMETER;
        let database = row.database.as_ref().ok_or(invalid)?.to_text()?;
        let new_database = row.new_database.as_ref().ok_or(invalid)?.to_text()?;
        let database = match volumes.canonical(&database) {
            Ok(published) => published,
            // A backup of another server, or of drives that are not here.
            Err(_) if Spelling::parse(&database).is_some() => {
                crate::unc::without_type(&database).replace('/', "\\")
            }
            Err(code) => return Err(code),
        };
        Ok(Self { database, new_database: volumes.canonical(&new_database)? })
    }
}

#[cfg(test)]
mod tests {
    use dcerpc::context_handle::ContextHandle;

    use super::*;
    use crate::idl::Name;

    fn volumes() -> Volumes {
        Volumes::new("DC1", [('C', "/srv/c")]).unwrap()
    }

    fn row(old: &str, new: &str) -> MapRow {
        MapRow { database: Some(Name::from_text(old)), new_database: Some(Name::from_text(new)) }
    }

    fn request() -> RegisterRequest {
        RegisterRequest {
            context: ContextHandle::NULL,
            checkpoint_path: Name::from_text("\u{83}\\\\DC1\\C$\\NTDS"),
            log_path: Name::from_text(r"C:\NTDS\"),
            map: vec![row(r"D\\OLD\C$\NTDS\ntds.dit", "/srv/c/NTDS/ntds.dit")],
            backup_log_path: Name::from_text("/srv/c/restored"),
            log_low: 1,
            log_high: 0x1F,
        }
    }

    fn check(change: impl FnOnce(&mut RegisterRequest)) -> Result<RegisteredRestore, HResult> {
        let mut request = request();
        change(&mut request);
        RegisteredRestore::from_request(&request, &volumes())
    }

    fn registration() -> Registration {
        Registration::new(check(|_| ()).unwrap(), "uid 0".to_owned(), vec![1], FileTime(1))
    }

    #[test]
    fn arguments_come_out_in_canonical_spelling() {
        let restore = check(|_| ()).unwrap();
        assert_eq!(
            restore,
            RegisteredRestore {
                checkpoint_path: r"\\DC1\C$\NTDS".to_owned(),
                log_path: r"\\DC1\C$\NTDS".to_owned(),
                backup_log_path: r"\\DC1\C$\restored".to_owned(),
                map: vec![MapEntry {
                    database: r"\\OLD\C$\NTDS\ntds.dit".to_owned(),
                    new_database: r"\\DC1\C$\NTDS\ntds.dit".to_owned(),
                }],
                logs: LogRange::Generations { low: 1, high: 0x1F },
            }
        );
        assert_eq!(restore.logs.numbers(), (1, 0x1F));
    }

    #[test]
    fn both_log_numbers_zero_take_what_is_there() {
        assert_eq!(LogRange::new(0, 0), Ok(LogRange::WhateverIsThere));
        assert_eq!(LogRange::new(5, 5).map(LogRange::numbers), Ok((5, 5)));
        for (low, high) in [(2, 1), (1, 0x10_0000), (0x10_0000, 0x10_0000), (1, 0)] {
            assert_eq!(LogRange::new(low, high), Err(HResult::ERROR_INVALID_PARAMETER));
        }
    }

    #[test]
    fn arguments_that_cannot_be_are_refused() {
        let invalid = Err(HResult::ERROR_INVALID_PARAMETER);
        let name = Name::from_text;
        assert_eq!(check(|r| r.checkpoint_path = name("")), invalid);
        assert_eq!(check(|r| r.log_path = name("relative")), invalid);
        assert_eq!(check(|r| r.log_path = name(r"\\OTHER\C$\x")), invalid);
        assert_eq!(check(|r| r.backup_log_path = name(r"Z:\x")), invalid);
        assert_eq!(check(|r| r.log_low = 0x20), invalid);
        assert_eq!(check(|r| r.log_high = 0x10_0000), invalid);
        assert_eq!(check(|r| r.map[0].database = None), invalid);
        assert_eq!(check(|r| r.map[0].new_database = None), invalid);
        assert_eq!(check(|r| r.map[0].database = Some(name(""))), invalid);
        assert_eq!(check(|r| r.map[0].database = Some(name("ntds.dit"))), invalid);
        assert_eq!(check(|r| r.map[0].new_database = Some(name(r"\\OLD\C$\x"))), invalid);
        assert_eq!(check(|r| r.map.push(row(r"\\old\c$\ntds\NTDS.DIT", "/srv/c/x"))), invalid);
        assert_eq!(check(|r| r.map.push(row(r"\\OLD\C$\x", r"C:\ntds\ntds.dit"))), invalid);
        let rows = |count: usize| {
            (0..count).map(|n| row(&format!(r"C:\old{n}"), &format!(r"C:\new{n}"))).collect()
        };
        assert_eq!(check(|r| r.map = rows(15)), invalid);
        assert!(check(|r| r.map = rows(14)).is_ok());
        assert!(check(|r| r.map.clear()).is_ok());
    }

    #[test]
    fn the_directory_starts_only_after_a_completed_restore() {
        let mut registration = registration();
        assert_eq!(registration.start(), Start::Refused);
        assert!(registration.begin_step(0, FileTime(2)).is_err());
        registration.complete(HResult::ERROR_ACCESS_DENIED, FileTime(3)).unwrap();
        assert_eq!(registration.status, Status::Failed(HResult::ERROR_ACCESS_DENIED));
        assert_eq!(registration.start(), Start::Refused);
        registration.complete(HResult::S_OK, FileTime(4)).unwrap();
        assert_eq!(registration.start(), Start::Recover { from_step: 0 });
        assert_eq!((registration.registered, registration.changed), (FileTime(1), FileTime(4)));
    }

    #[test]
    fn recovery_goes_on_at_its_step_and_never_back() {
        let mut registration = registration();
        registration.complete(HResult::S_OK, FileTime(2)).unwrap();
        registration.begin_step(3, FileTime(3)).unwrap();
        assert_eq!(registration.start(), Start::Recover { from_step: 3 });
        registration.begin_step(3, FileTime(4)).unwrap();
        assert_eq!(
            registration.begin_step(2, FileTime(5)),
            Err(HResult::HR_INVALID_BACKUP_SEQUENCE)
        );
        assert_eq!(
            registration.complete(HResult::S_OK, FileTime(6)),
            Err(HResult::HR_INVALID_BACKUP_SEQUENCE)
        );
        assert_eq!(registration.status, Status::Recovering(3));
    }

    #[test]
    fn only_an_orphan_is_replaced() {
        let existing = registration();
        assert_eq!(check_replace(None, false), Ok(()));
        assert_eq!(check_replace(Some(&existing), false), Ok(()));
        assert_eq!(check_replace(Some(&existing), true), Err(HResult::HR_RESTORE_IN_PROGRESS));
    }
}
