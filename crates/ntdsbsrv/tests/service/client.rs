//! A service in this process and a client that makes single calls.

use std::path::PathBuf;
use std::time::Duration;

use dcerpc::ContextId;
use dcerpc::context_handle::ContextHandle;
use dcerpc_net::CallError;
use dcerpc_net::blocking::{Client, Options};
use ntdsb::idl::{DSB_WIRE_REVISION, MultiSz, Name, Request, Response, backup, restore};
use ntdsb::multi_sz::{self, Entry};
use ntdsb::{BackupType, FileType, HResult};
use ntdsbsrv::{PolicySource, RunningService, ServeOptions};

/// A committed set of files with a directory for the service.
pub(crate) struct Site {
    pub(crate) set: testkit::Unpacked,
    dir: tempfile::TempDir,
}

impl Site {
    pub(crate) fn new(set: &str) -> Self {
        Self { set: testkit::set(set), dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn options(&self) -> ServeOptions {
        ServeOptions {
            socket: Some(self.dir.path().join("socket")),
            state: Some(self.dir.path().join("state")),
            policy: PolicySource::BuiltIn,
            ..ServeOptions::new(self.set.file("test.edb"))
        }
    }

    pub(crate) fn restore_options(&self) -> ServeOptions {
        ServeOptions { restore_mode: true, ..self.options() }
    }

    pub(crate) fn start(&self) -> RunningService {
        RunningService::start(self.options()).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn audit(&self) -> String {
        std::fs::read_to_string(self.path("state/audit.jsonl")).unwrap()
    }
}

/// The files of a backup: type, name, content.
pub(crate) type Files = Vec<(FileType, String, Vec<u8>)>;

/// A connection bound to both interfaces.
pub(crate) struct Rpc {
    client: Client,
    backup: ContextId,
    restore: ContextId,
}

impl Rpc {
    pub(crate) fn connect(service: &RunningService) -> Self {
        let options = Options::default().with_call_timeout(Some(Duration::from_secs(20)));
        let mut client = Client::connect(service.socket_path(), options).unwrap();
        let backup = client.bind(backup::INTERFACE).unwrap();
        let restore = client.bind(restore::INTERFACE).unwrap();
        Self { client, backup, restore }
    }

    fn call<R: Request>(
        &mut self,
        context: ContextId,
        request: &R,
    ) -> Result<R::Response, CallError> {
        let reply = self.client.call(context, R::OPNUM, request.encode().unwrap())?;
        Ok(request.decode_response(&reply.stub, reply.drep).unwrap())
    }

    pub(crate) fn backup<R: Request>(&mut self, request: &R) -> R::Response {
        self.call(self.backup, request).unwrap()
    }

    pub(crate) fn restore<R: Request>(&mut self, request: &R) -> R::Response {
        self.call(self.restore, request).unwrap()
    }

    /// The fault status of a call that must end with one.
    pub(crate) fn backup_fault<R: Request>(&mut self, request: &R) -> u32
    where
        R::Response: std::fmt::Debug,
    {
        match self.call(self.backup, request) {
            Err(CallError::Fault(status)) => status.0,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn restore_fault<R: Request>(&mut self, request: &R) -> u32
    where
        R::Response: std::fmt::Debug,
    {
        match self.call(self.restore, request) {
            Err(CallError::Fault(status)) => status.0,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn prepare(&mut self) -> Result<(Vec<u8>, ContextHandle), HResult> {
        let response = self.backup(&backup::PrepareRequest {
            revision: DSB_WIRE_REVISION,
            grbit: 0,
            backup_type: BackupType::FULL,
        });
        response.result.ok().map(|()| (response.token, response.context))
    }

    pub(crate) fn names(&mut self, context: ContextHandle) -> Vec<Entry> {
        let response = self.backup(&backup::GetDatabaseNamesRequest { context });
        assert_eq!(response.result, HResult::S_OK);
        entries(&response.names)
    }

    pub(crate) fn logs(&mut self, context: ContextHandle) -> (u32, u32, Vec<Entry>) {
        let response = self.backup(&backup::GetBackupLogsRequest { context });
        assert_eq!(response.result, HResult::S_OK);
        (response.lowest, response.highest, entries(&response.names))
    }

    pub(crate) fn open(
        &mut self,
        context: ContextHandle,
        name: &str,
    ) -> Result<backup::OpenFileResponse, HResult> {
        let name = Name::from_text(name);
        let response = self.backup(&backup::OpenFileRequest { context, name, read_hint: 65536 });
        response.result.ok().map(|()| response)
    }

    pub(crate) fn read(
        &mut self,
        context: ContextHandle,
        file_id: u32,
        offset: u64,
        length: u32,
    ) -> Result<Vec<u8>, HResult> {
        let request = backup::ReadRequest { context, file_id, offset, length };
        let stub = request.encode().unwrap();
        let reply = self.client.call(self.backup, 4, stub).unwrap();
        let response = request.decode_response(&reply.stub, reply.drep).unwrap();
        response.result.ok().map(|()| reply.stub[response.data].to_vec())
    }

    pub(crate) fn close(&mut self, context: ContextHandle, file_id: u32) -> HResult {
        self.backup(&backup::CloseRequest { context, file_id }).result
    }

    pub(crate) fn end(&mut self, context: ContextHandle) -> HResult {
        let response = self.backup(&backup::EndRequest { context });
        assert!(response.context.is_null());
        response.result
    }

    /// Opens, reads to the end, closes.
    pub(crate) fn read_file(
        &mut self,
        context: ContextHandle,
        name: &str,
    ) -> Result<Vec<u8>, HResult> {
        let file = self.open(context, name)?;
        let mut content = Vec::new();
        loop {
            match self.read(context, file.file_id, content.len() as u64, 1 << 20) {
                Ok(part) => content.extend(part),
                Err(HResult::ERROR_HANDLE_EOF) => break,
                Err(code) => {
                    assert_eq!(self.close(context, file.file_id), HResult::S_OK);
                    return Err(code);
                }
            }
        }
        assert_eq!(content.len() as u64, file.size);
        assert_eq!(self.close(context, file.file_id), HResult::S_OK);
        Ok(content)
    }

    /// A whole backup: token, and each file's type, name and content.
    pub(crate) fn whole_backup(&mut self) -> (Vec<u8>, Files) {
        let (token, context) = self.prepare().unwrap();
        let mut files = Vec::new();
        let databases = self.names(context);
        for entry in databases {
            let content = self.read_file(context, &entry.path).unwrap();
            files.push((entry.file_type, entry.path, content));
        }
        let (_, _, logs) = self.logs(context);
        for entry in logs {
            let content = self.read_file(context, &entry.path).unwrap();
            files.push((entry.file_type, entry.path, content));
        }
        assert_eq!(self.end(context), HResult::S_OK);
        (token, files)
    }

    pub(crate) fn is_online(&mut self) -> bool {
        let response = self.restore(&restore::IsOnlineRequest);
        assert_eq!(response.result(), HResult::S_OK);
        response.online
    }

    pub(crate) fn restore_prepare(
        &mut self,
        token: Option<&[u8]>,
    ) -> Result<ContextHandle, HResult> {
        let response = self.restore(&restore::PrepareRequest {
            revision: DSB_WIRE_REVISION,
            restore_type: 0,
            token: token.map(<[u8]>::to_vec),
        });
        response.result.ok().map(|()| response.context)
    }

    pub(crate) fn locations(&mut self, context: ContextHandle) -> Vec<Entry> {
        let response = self.restore(&restore::GetDatabaseLocationsRequest { context });
        assert_eq!(response.result, HResult::S_OK);
        entries(&response.names)
    }
}

fn entries(list: &MultiSz) -> Vec<Entry> {
    multi_sz::decode(&list.0).unwrap()
}
