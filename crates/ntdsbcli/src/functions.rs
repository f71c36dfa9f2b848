//! The 17 documented functions, on handles.
//!
//! These are for callers who hold handles: the C library. Rust programs use
//! [`BackupContext`] and [`RestoreContext`].
//!
//! Every pointer of the documented prototype is an `Option` here, so that the order of the checks
//! lives in one place. First hit wins, and nothing happens before all checks have passed:
//!
//! 1. handle: unknown, ended, of the wrong kind, of another process
//! 2. required outputs
//! 3. required inputs
//! 4. ranges and flags
//! 5. conversion of narrow text
//! 6. server name
//! 7. restricted handle
//! 8. state, rights, engine: the service's answer
//!
//! After a failure every output is neutral: 0, empty, the NULL handle. Calls on one handle run one
//! after the other; ending it makes a running call return `ERROR_CANCELLED`.
//!
//! Source: `ntdsbcli.h` and the functions' pages of the Win32 documentation; the order of checks
//! is this project's decision.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ntdsb::HResult;

use crate::ansi;
use crate::backup::BackupContext;
use crate::cancel::Canceller;
use crate::error::Error;
use crate::handles::{Handle, Table};
use crate::restore::RestoreContext;
use crate::server::Server;
use crate::server_name::NameError;

mod backup;
pub mod extensions;
mod process;
mod restore;

pub use backup::{
    ds_backup_close, ds_backup_end, ds_backup_get_backup_logs, ds_backup_get_database_names,
    ds_backup_open_file, ds_backup_prepare, ds_backup_read, ds_backup_truncate_logs,
};
pub use process::{ds_is_ntds_online, ds_set_auth_identity, ds_set_current_backup_log};
pub use restore::{
    RestoreMapRow, ds_restore_end, ds_restore_get_database_locations, ds_restore_prepare,
    ds_restore_register, ds_restore_register_complete,
};

/// A string argument, without its terminator.
#[derive(Clone, Copy, Debug)]
pub enum Text<'a> {
    /// Of a W form.
    Wide(&'a [u16]),
    /// Of an A form, in the process's code page.
    Ansi(&'a [u8]),
}

/// Which form of a function was called: in what its lists are returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// UTF-16.
    Wide,
    /// The process's code page.
    Ansi,
}

/// A returned list, both terminators included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List {
    /// For a W form.
    Wide(Vec<u16>),
    /// For an A form.
    Ansi(Vec<u8>),
}

impl Default for List {
    fn default() -> Self {
        List::Wide(Vec::new())
    }
}

impl List {
    /// The size in bytes, as the documented functions report it.
    pub fn size_in_bytes(&self) -> usize {
        match self {
            List::Wide(units) => units.len() * 2,
            List::Ansi(bytes) => bytes.len(),
        }
    }

    fn new(units: &[u16], form: Form) -> Result<Self, Error> {
        Ok(match form {
            Form::Wide => List::Wide(units.to_vec()),
            Form::Ansi => List::Ansi(ansi::current().list_from_wide(units)?),
        })
    }
}

impl<'a> Text<'a> {
    fn is_empty(self) -> bool {
        match self {
            Text::Wide(units) => units.is_empty(),
            Text::Ansi(bytes) => bytes.is_empty(),
        }
    }

    fn to_wide(self) -> Result<Cow<'a, [u16]>, HResult> {
        match self {
            Text::Wide(units) => Ok(Cow::Borrowed(units)),
            Text::Ansi(bytes) => {
                let wide = ansi::current().to_wide(bytes);
                wide.map(Cow::Owned).map_err(|error| Error::from(error).code())
            }
        }
    }

    /// A name or path. Units that are no Unicode text name nothing.
    fn to_path(self) -> Result<String, HResult> {
        String::from_utf16(&self.to_wide()?).map_err(|_| HResult::ERROR_INVALID_PARAMETER)
    }

    fn to_server(self) -> Result<Server, HResult> {
        let Ok(name) = String::from_utf16(&self.to_wide()?) else {
            let reason = NameError::Malformed("it is no Unicode text");
            return Err(Error::ServerName { server: String::new(), reason }.code());
        };
        Server::named(&name).map_err(|error| error.code())
    }
}

/// What a handle stands for.
struct Entry {
    kind: Kind,
    ending: AtomicBool,
    canceller: Canceller,
    context: Mutex<Option<Context>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Backup,
    Restore,
}

enum Context {
    Backup(Box<BackupContext>),
    Restore(Box<RestoreContext>),
}

static CONTEXTS: Table<Entry> = Table::new();

/// Gives a context a handle.
fn publish(kind: Kind, canceller: Canceller, context: Context) -> Result<Handle, HResult> {
    let context = Mutex::new(Some(context));
    CONTEXTS
        .insert(Entry { kind, ending: AtomicBool::new(false), canceller, context })
        .map_err(|_| HResult::ERROR_NOT_ENOUGH_MEMORY)
}

/// The limit is checked before the service is asked, so that nothing begins that cannot be held.
fn check_room() -> Result<(), HResult> {
    if CONTEXTS.is_full() { Err(HResult::ERROR_NOT_ENOUGH_MEMORY) } else { Ok(()) }
}

/// A live handle of a kind that `accepts` likes.
fn entry(handle: Handle, accepts: impl Fn(Kind) -> bool) -> Result<Arc<Entry>, HResult> {
    CONTEXTS.get(handle).filter(|entry| accepts(entry.kind)).ok_or(HResult::ERROR_INVALID_PARAMETER)
}

impl Entry {
    /// Runs a call on the context, after the calls of other threads.
    fn run<R>(&self, call: impl FnOnce(&mut Context) -> Result<R, Error>) -> Result<R, HResult> {
        let mut context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *context {
            Some(context) if !self.ending.load(Ordering::Acquire) => {
                call(context).map_err(|error| error.code())
            }
            _ => Err(HResult::ERROR_INVALID_PARAMETER),
        }
    }

    fn backup<R>(
        &self,
        call: impl FnOnce(&mut BackupContext) -> Result<R, Error>,
    ) -> Result<R, HResult> {
        self.run(|context| match context {
            Context::Backup(context) => call(context),
            Context::Restore(_) => Err(Error::argument("HBC", "the handle is of a restore")),
        })
    }

    fn restore<R>(
        &self,
        call: impl FnOnce(&mut RestoreContext) -> Result<R, Error>,
    ) -> Result<R, HResult> {
        self.run(|context| match context {
            Context::Restore(context) => call(context),
            Context::Backup(_) => Err(Error::argument("HBC", "the handle is of a backup")),
        })
    }
}

/// Ends a context: the handle is invalid at once, a running call is cancelled and waited for.
/// Whether the service could be told makes no difference: it runs the context down itself.
fn end(handle: Handle, kind: Kind) -> HResult {
    let Some(entry) = CONTEXTS.remove_if(handle, |entry| entry.kind == kind) else {
        return HResult::ERROR_INVALID_PARAMETER;
    };
    entry.ending.store(true, Ordering::Release);
    let context = match entry.context.try_lock() {
        Ok(mut context) => context.take(),
        Err(_) => {
            entry.canceller.cancel();
            entry.context.lock().unwrap_or_else(PoisonError::into_inner).take()
        }
    };
    match context {
        Some(Context::Backup(context)) => drop(context.end()),
        Some(Context::Restore(context)) => drop(context.end()),
        None => {}
    }
    HResult::S_OK
}

/// The code of a call whose outputs were set by `set` on success and are neutral already.
fn finish<T>(result: Result<T, HResult>, set: impl FnOnce(T)) -> HResult {
    match result {
        Ok(value) => {
            set(value);
            HResult::S_OK
        }
        Err(code) => code,
    }
}
