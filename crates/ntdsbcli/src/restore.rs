//! A restore context: from the token to the report of the outcome.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use dcerpc::context_handle::ContextHandle;
use ntdsb::HResult;
use ntdsb::LOG_NUMBER_MAXIMUM;
use ntdsb::unc::without_type;

use crate::cancel::Canceller;
use crate::connection::Connection;
use crate::error::Error;
use crate::list::{FileList, ListEntry};
use crate::server::Server;

/// Rows that a restore map can have.
pub const MAP_ROWS_MAX: usize = 14;

/// A restore under way. Dropping it ends it; a registration without completion stays, and the
/// directory does not start until a restore has been completed.
pub struct RestoreContext {
    connection: Connection,
    handle: ContextHandle,
    restricted: bool,
    ended: bool,
}

/// What DsRestoreRegister announces. Paths are in UNC form or local.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreRegistration {
    /// The directory of the checkpoint file.
    pub checkpoint_directory: String,
    /// The directory in which logs live after the restore.
    pub log_directory: String,
    /// Where each backed-up database comes to.
    pub map: Vec<RestoreMap>,
    /// The directory into which the logs of the backup are copied.
    pub backup_log_directory: String,
    /// Lowest and highest log of the backup; `0..=0` takes what lies in the directory.
    pub generations: RangeInclusive<u32>,
}

/// A database and its new path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreMap {
    /// The path from which it was backed up.
    pub database: String,
    /// The path to which it comes.
    pub new_database: String,
}

impl RestoreContext {
    /// Connects and begins a restore. Without a token the context is good for
    /// [`Self::locations`] only.
    ///
    /// # Errors
    /// `hrCouldNotConnect`, `ERROR_ACCESS_DENIED`, `hrUnknownExpiryTokenFormat`,
    /// `hrContentsExpired`, `hrAfterInitialization` while the directory is online,
    /// `hrBackupInProgress`, `hrRestoreInProgress`.
    pub fn prepare(server: &Server, token: Option<&[u8]>) -> Result<Self, Error> {
        if token.is_some_and(|token| !TOKEN_SIZES.contains(&token.len())) {
            let code = HResult::HR_UNKNOWN_EXPIRY_TOKEN_FORMAT;
            return Err(Error::Argument { function: PREPARE, rule: TOKEN_RULE, code });
        }
        let mut connection = Connection::open(server)?;
        let handle = connection.restore_prepare(token)?;
        Ok(RestoreContext { connection, handle, restricted: token.is_none(), ended: false })
    }

    /// Whether the context was made without a token.
    pub fn is_restricted(&self) -> bool {
        self.restricted
    }

    /// Where files go, by type: the database's path, the log directory, the checkpoint directory.
    ///
    /// # Errors
    /// `ERROR_ACCESS_DENIED` without the right `locations`.
    pub fn locations(&mut self) -> Result<Vec<ListEntry>, Error> {
        self.location_list().map(|list| list.entries().to_vec())
    }

    /// Announces the restore. When it returns, the announcement survives a crash, and the
    /// directory does not start until [`Self::register_complete`] reports success.
    ///
    /// # Errors
    /// `ERROR_INVALID_PARAMETER` for a bad map, path or range, `hrMissingExpiryToken` on a
    /// restricted context, `hrRestoreMapExists`, `hrRestoreInProgress`, `hrNoFullRestore`.
    pub fn register(&mut self, registration: &RestoreRegistration) -> Result<(), Error> {
        check(registration)?;
        self.connection.check(REGISTER)?;
        self.refuse_restricted(REGISTER)?;
        self.connection.restore_register(self.handle, registration)
    }

    /// Reports the outcome: 0 after everything was copied, which the service then checks.
    ///
    /// # Errors
    /// What the check found (a missing log, a foreign database, an incomplete copy); the
    /// registration then stays as it was. `hrInvalidBackupSequence` before [`Self::register`].
    pub fn register_complete(&mut self, outcome: HResult) -> Result<(), Error> {
        self.connection.check(COMPLETE)?;
        self.refuse_restricted(COMPLETE)?;
        self.connection.restore_complete(self.handle, outcome)
    }

    /// A way to cancel a call from another thread.
    pub fn canceller(&self) -> Canceller {
        self.connection.canceller()
    }

    /// Ends the context.
    ///
    /// # Errors
    /// The context is gone in any case; an error says that the service could not be told.
    pub fn end(mut self) -> Result<(), Error> {
        self.finish()
    }

    pub(crate) fn location_list(&mut self) -> Result<FileList, Error> {
        self.connection.restore_locations(self.handle)
    }

    fn refuse_restricted(&self, function: &'static str) -> Result<(), Error> {
        if self.restricted {
            let code = HResult::HR_MISSING_EXPIRY_TOKEN;
            let rule = "the context was made without a token";
            return Err(Error::Argument { function, rule, code });
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        if self.ended {
            return Ok(());
        }
        self.ended = true;
        self.connection.restore_end(self.handle)
    }
}

impl Drop for RestoreContext {
    fn drop(&mut self) {
        // The service runs the context down where it cannot be told.
        drop(self.finish());
    }
}

/// The rules that need no service.
fn check(registration: &RestoreRegistration) -> Result<(), Error> {
    let refuse = |rule| Err(Error::argument(REGISTER, rule));
    let RestoreRegistration { map, generations, .. } = registration;
    if generations.start() > generations.end() {
        return refuse("the lowest log number is above the highest");
    }
    if *generations.end() > LOG_NUMBER_MAXIMUM {
        return refuse("log numbers end at 0xFFFFF");
    }
    if map.len() > MAP_ROWS_MAX {
        return refuse("a restore map has at most 14 rows");
    }
    let paths = [
        &registration.checkpoint_directory,
        &registration.log_directory,
        &registration.backup_log_directory,
    ];
    let names = map.iter().flat_map(|row| [&row.database, &row.new_database]);
    for path in paths.into_iter().chain(names) {
        if path.is_empty() || path.contains('\0') || path.encode_utf16().count() >= PATH_UNITS {
            return refuse("a path has 1 to 1023 characters");
        }
    }
    let old: HashSet<_> = map.iter().map(|row| comparable(&row.database)).collect();
    let new: HashSet<_> = map.iter().map(|row| comparable(&row.new_database)).collect();
    if old.len() < map.len() || new.len() < map.len() {
        return refuse("a database occurs twice in the restore map");
    }
    Ok(())
}

fn comparable(path: &str) -> String {
    without_type(path).replace('/', "\\").to_ascii_lowercase()
}

const PREPARE: &str = "DsRestorePrepare";
const REGISTER: &str = "DsRestoreRegister";
const COMPLETE: &str = "DsRestoreRegisterComplete";
/// Sizes of a token that can reach the service, in bytes.
const TOKEN_SIZES: RangeInclusive<usize> = 1..=4096;
const TOKEN_RULE: &str = "a token has 256 to 4096 bytes";
/// UTF-16 units of a path on the wire, the terminator included.
const PATH_UNITS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn registration() -> RestoreRegistration {
        RestoreRegistration {
            checkpoint_directory: "/l".into(),
            log_directory: "/l".into(),
            map: vec![RestoreMap { database: "/a.dit".into(), new_database: "/b.dit".into() }],
            backup_log_directory: "/l".into(),
            generations: 1..=5,
        }
    }

    fn refused(change: impl FnOnce(&mut RestoreRegistration)) {
        let mut registration = registration();
        change(&mut registration);
        let code = check(&registration).unwrap_err().code();
        assert_eq!(code, HResult::ERROR_INVALID_PARAMETER, "{registration:?}");
    }

    #[test]
    fn rules_that_need_no_service_are_checked_before_it_is_asked() {
        check(&registration()).unwrap();
        #[allow(clippy::reversed_empty_ranges)]
        refused(|r| r.generations = 6..=5);
        refused(|r| r.generations = 1..=0x10_0000);
        refused(|r| r.log_directory.clear());
        refused(|r| r.log_directory = "x".repeat(1024));
        refused(|r| r.map[0].new_database.clear());
        refused(|r| r.map = vec![r.map[0].clone(); 15]);
        refused(|r| {
            r.map.push(RestoreMap { database: "/A.dit".into(), new_database: "/c.dit".into() });
        });
        refused(|r| {
            r.map.push(RestoreMap { database: "/c.dit".into(), new_database: "/B.dit".into() });
        });
    }
}
