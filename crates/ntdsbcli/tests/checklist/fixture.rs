//! A service over a copy of a committed database, and calls of the documented functions on it.

use std::path::{Path, PathBuf};
use std::sync::{Once, RwLock, RwLockReadGuard, RwLockWriteGuard};

use ntdsbcli::functions::{self, Form, List, Text};
use ntdsbcli::options::Options;
use ntdsbcli::{HResult, Handle, Server};
use ntdsbsrv::{PolicySource, RunningService, ServeOptions};
use tempfile::TempDir;
use testkit::Unpacked;

pub(crate) const INV: HResult = HResult::ERROR_INVALID_PARAMETER;
pub(crate) const SEQ: HResult = HResult::HR_INVALID_BACKUP_SEQUENCE;
pub(crate) const OK: HResult = HResult::S_OK;

/// A dirty database with logs 1 to 5, of which 5 is `edb.log`.
pub(crate) const DIRTY: &str = "crash_8k_f";
/// A clean database without logs.
pub(crate) const CLEAN: &str = "clean_8k";

/// A service in this process, its files, and the settings under which its socket can be named.
pub(crate) struct Fixture {
    pub(crate) files: Unpacked,
    pub(crate) scratch: TempDir,
    pub(crate) options: ServeOptions,
    pub(crate) service: Option<RunningService>,
    _settings: Option<RwLockReadGuard<'static, ()>>,
}

impl Fixture {
    /// A directory that is online.
    pub(crate) fn online(set: &str) -> Self {
        Self::with(set, |_, _| ())
    }

    /// A service in restore mode.
    pub(crate) fn restoring(set: &str) -> Self {
        Self::with(set, |options, _| options.restore_mode = true)
    }

    /// A service whose policy is this file's.
    pub(crate) fn with_policy(set: &str, policy: &str) -> Self {
        Self::with(set, |options, scratch| {
            let path = scratch.join("policy.toml");
            std::fs::write(&path, policy).unwrap();
            options.policy = PolicySource::File(path);
        })
    }

    /// A service with options of the test's own.
    pub(crate) fn with(set: &str, change: impl FnOnce(&mut ServeOptions, &Path)) -> Self {
        Self::build(set, change, Some(addressed()))
    }

    /// A directory that is online, for a test that has [`Settings`] of its own.
    pub(crate) fn among_settings(set: &str) -> Self {
        Self::build(set, |_, _| (), None)
    }

    fn build(
        set: &str,
        change: impl FnOnce(&mut ServeOptions, &Path),
        settings: Option<RwLockReadGuard<'static, ()>>,
    ) -> Self {
        let files = testkit::set(set);
        let scratch = tempfile::tempdir().unwrap();
        let mut options = ServeOptions {
            socket: Some(scratch.path().join("socket")),
            state: Some(scratch.path().join("state")),
            policy: PolicySource::BuiltIn,
            ..ServeOptions::new(files.file("test.edb"))
        };
        change(&mut options, scratch.path());
        let mut fixture = Fixture { files, scratch, options, service: None, _settings: settings };
        fixture.start();
        fixture
    }

    pub(crate) fn start(&mut self) {
        let service = RunningService::start(self.options.clone());
        self.service = Some(service.unwrap_or_else(|error| panic!("{error}")));
    }

    pub(crate) fn stop(&mut self) {
        if let Some(service) = self.service.take() {
            service.stop().unwrap();
        }
    }

    pub(crate) fn restart(&mut self, restore_mode: bool) {
        self.stop();
        self.options.restore_mode = restore_mode;
        self.start();
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.scratch.path().join("socket")
    }

    /// The server argument of the functions.
    pub(crate) fn server(&self) -> Vec<u16> {
        wide(self.socket().to_str().unwrap())
    }

    /// The server of the safe interface.
    pub(crate) fn safe(&self) -> Server {
        Server::at_socket(self.socket())
    }

    pub(crate) fn audit(&self) -> String {
        std::fs::read_to_string(self.scratch.path().join("state/audit.jsonl")).unwrap_or_default()
    }

    pub(crate) fn is_online(&self) -> bool {
        let mut online = false;
        let code =
            functions::ds_is_ntds_online(Some(Text::Wide(&self.server())), Some(&mut online));
        assert_eq!(code, OK);
        online
    }

    pub(crate) fn prepare(&self) -> Result<(Handle, Vec<u8>), HResult> {
        prepare(&self.server())
    }

    /// A backup context; the token is not of interest.
    pub(crate) fn backup(&self) -> Handle {
        self.prepare().unwrap().0
    }

    pub(crate) fn restore(&self, token: Option<&[u8]>) -> Result<Handle, HResult> {
        let mut handle = Handle::NULL;
        let server = self.server();
        let server = Some(Text::Wide(&server));
        functions::ds_restore_prepare(server, 0, token, Some(&mut handle)).ok()?;
        Ok(handle)
    }

    /// The token of a backup of the directory, which is online for that long.
    pub(crate) fn token(&mut self) -> Vec<u8> {
        let restore_mode = self.options.restore_mode;
        if restore_mode {
            self.restart(false);
        }
        let (handle, token) = self.prepare().unwrap();
        assert_eq!(functions::ds_backup_end(handle), OK);
        if restore_mode {
            self.restart(true);
        }
        token
    }
}

/// Begins a backup on the server with this name.
pub(crate) fn prepare(server: &[u16]) -> Result<(Handle, Vec<u8>), HResult> {
    let (mut token, mut size, mut handle) = (Vec::new(), 0, Handle::NULL);
    functions::ds_backup_prepare(
        Some(Text::Wide(server)),
        0,
        1,
        Some(&mut token),
        Some(&mut size),
        Some(&mut handle),
    )
    .ok()?;
    assert_eq!(size as usize, token.len());
    Ok((handle, token))
}

pub(crate) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// A function that returns a list.
pub(crate) type ListFunction = fn(Handle, Form, Option<&mut List>, Option<&mut u32>) -> HResult;

pub(crate) fn list(function: ListFunction, handle: Handle, form: Form) -> Result<List, HResult> {
    let (mut list, mut size) = (List::default(), 0);
    let code = function(handle, form, Some(&mut list), Some(&mut size));
    assert_eq!(size as usize, if code.is_ok() { list.size_in_bytes() } else { 0 });
    code.ok()?;
    Ok(list)
}

pub(crate) fn wide_list(function: ListFunction, handle: Handle) -> Vec<u16> {
    match list(function, handle, Form::Wide) {
        Ok(List::Wide(units)) => units,
        other => panic!("{other:?}"),
    }
}

/// Type and path of each entry.
pub(crate) fn entries(units: &[u16]) -> Vec<(u16, String)> {
    assert!(units.ends_with(&[0, 0]), "a list ends with two NULs: {units:?}");
    units
        .split(|&unit| unit == 0)
        .filter(|entry| !entry.is_empty())
        .map(|entry| (entry[0], String::from_utf16(&entry[1..]).unwrap()))
        .collect()
}

pub(crate) fn databases(handle: Handle) -> Vec<String> {
    paths(functions::ds_backup_get_database_names, handle)
}

pub(crate) fn logs(handle: Handle) -> Vec<String> {
    paths(functions::ds_backup_get_backup_logs, handle)
}

fn paths(function: ListFunction, handle: Handle) -> Vec<String> {
    entries(&wide_list(function, handle)).into_iter().map(|(_, path)| path).collect()
}

pub(crate) fn open(handle: Handle, name: &str, hint: u32) -> Result<u64, HResult> {
    let mut size = 7;
    let name = wide(name);
    let code =
        functions::ds_backup_open_file(handle, Some(Text::Wide(&name)), hint, Some(&mut size));
    if !code.is_ok() {
        assert_eq!(size, 0, "the size is neutral after a failure");
    }
    code.ok()?;
    Ok(size.try_into().unwrap())
}

pub(crate) fn read(handle: Handle, buffer: &mut [u8]) -> Result<usize, HResult> {
    let mut count = 7;
    let code = functions::ds_backup_read(handle, Some(buffer), Some(&mut count));
    if !code.is_ok() {
        assert_eq!(count, 0, "the count is neutral after a failure");
    }
    code.ok()?;
    Ok(count as usize)
}

/// Reads the open file to its end.
pub(crate) fn read_to_end(handle: Handle, buffer: usize) -> Result<Vec<u8>, HResult> {
    let (mut buffer, mut all) = (vec![0; buffer], Vec::new());
    loop {
        match read(handle, &mut buffer) {
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(HResult::ERROR_HANDLE_EOF) => return Ok(all),
            Err(code) => return Err(code),
        }
    }
}

/// Opens, reads and closes a file.
pub(crate) fn fetch(handle: Handle, name: &str) -> Vec<u8> {
    let size = open(handle, name, 65536).unwrap();
    let content = read_to_end(handle, 65536).unwrap();
    assert_eq!(content.len() as u64, size);
    assert_eq!(functions::ds_backup_close(handle), OK);
    content
}

/// Reads every file of both lists.
pub(crate) fn fetch_all(handle: Handle) {
    for name in databases(handle) {
        fetch(handle, &name);
    }
    for name in logs(handle) {
        fetch(handle, &name);
    }
}

/// While it lives, server names may be sockets. A test has one at a time, by itself or by its
/// fixture: a second one could wait for a test that waits for the first.
pub(crate) fn addressed() -> RwLockReadGuard<'static, ()> {
    FIRST.call_once(|| Options::change(|options| options.addressing = true));
    SETTINGS.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// While it lives, the process has settings of its own. Puts them back afterwards.
pub(crate) struct Settings {
    before: Options,
    _alone: RwLockWriteGuard<'static, ()>,
}

/// The documented rules for server names, and a directory that is this computer's service.
pub(crate) fn documented(set: &str) -> (Settings, Fixture) {
    let settings = Settings::alone();
    let fixture = Fixture::among_settings(set);
    let socket = fixture.socket();
    Options::change(|options| {
        options.addressing = false;
        options.socket = Some(socket);
    });
    (settings, fixture)
}

impl Settings {
    pub(crate) fn alone() -> Self {
        drop(addressed());
        let alone = SETTINGS.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        Settings { before: Options::current(), _alone: alone }
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        let before = self.before.clone();
        Options::change(|options| *options = before);
        ntdsbcli::ansi::set_current(ntdsbcli::ansi::CodePage::Utf8);
    }
}

static SETTINGS: RwLock<()> = RwLock::new(());
static FIRST: Once = Once::new();
