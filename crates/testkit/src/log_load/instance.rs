//! The instance that writes the logs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ese_format::log::record::{
    DatabaseAction, DatabaseId, DatabaseRecord, InstanceRecord, LogRecord, SessionId,
};
use ese_format::log::writer::{LogImage, LogSink, LogWriteError, LogWriter};
use ese_format::log_header::LogHeader;
use ese_format::{DbTime, LogGeneration, LogPosition, LogTime, Signature};

use super::Load;
use crate::seal::seal_header;

/// Where the instance had the database.
const PATH: &str = "C:\\load\\load.edb";

/// What all logs say of stream and database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    /// Signature of the log stream.
    pub(super) signature: Signature,
    /// Signature of the database.
    pub(super) database: Signature,
    /// Signature of the stream that the database comes from.
    pub(super) former: Signature,
    /// The last object id given out.
    pub(super) last_objid: u32,
}

/// Logs, one record after the other.
pub(super) struct Instance {
    writer: LogWriter<Files>,
    stream: Stream,
    bytes: Vec<u8>,
    records: u64,
}

impl Instance {
    pub(super) fn start(folder: &Path, header: &LogHeader, stream: Stream) -> io::Result<Self> {
        let files = Files {
            folder: folder.to_owned(),
            clock: 0,
            attachments: Vec::new(),
            finished: 0,
            last: (header.generation, header.created),
        };
        let writer = LogWriter::new(header.clone(), files).map_err(into_io)?;
        let mut instance = Self { writer, stream, bytes: Vec::new(), records: 0 };
        let time = Some(instance.writer.sink_mut().now());
        let init = InstanceRecord::Init { parameters: &parameters(), time };
        instance.write(&LogRecord::Instance(init))?;
        Ok(instance)
    }

    pub(super) fn attach(&mut self, dbtime: DbTime) -> io::Result<LogPosition> {
        let path = path();
        let stream = self.stream;
        let action = DatabaseAction::Attach {
            session: SessionId(1),
            max_pages: 0,
            consistent: LogPosition::UNSET,
            signature: stream.database,
            log_signature: stream.former,
            flags: 8,
            path: &path,
        };
        let record = DatabaseRecord { database: DatabaseId(1), action };
        let position = self.write(&LogRecord::Database(record))?;
        self.writer.sink_mut().attachments = attach_list(&stream, position, dbtime);
        Ok(position)
    }

    pub(super) fn write(&mut self, record: &LogRecord<'_>) -> io::Result<LogPosition> {
        self.bytes.clear();
        record.write(&mut self.bytes);
        self.records += 1;
        self.writer.append(&self.bytes).map_err(into_io)
    }

    /// Bytes of the files that are full.
    pub(super) fn bytes_so_far(&self) -> u64 {
        self.writer.sink().finished
    }

    /// Ends the log as a kill would: the last segment is written as far as it is filled. Returns
    /// the last generation and its time.
    pub(super) fn finish(mut self, load: &mut Load) -> io::Result<(LogGeneration, LogTime)> {
        self.writer.fill();
        let files = self.writer.finish().map_err(into_io)?;
        load.records = self.records;
        load.generations = files.last.0.0;
        load.log = files.finished;
        Ok(files.last)
    }
}

/// The folder that the files go to.
struct Files {
    folder: PathBuf,
    clock: u64,
    attachments: Vec<u8>,
    finished: u64,
    last: (LogGeneration, LogTime),
}

impl LogSink for Files {
    type Error = io::Error;

    fn now(&mut self) -> LogTime {
        self.clock += 1;
        time(self.clock)
    }

    fn begin(&mut self, header: &mut LogHeader) {
        header.set_attachments(&self.attachments);
    }

    fn file(&mut self, image: &LogImage<'_>) -> io::Result<()> {
        let name = match image.is_current {
            true => "edb.log".to_owned(),
            false => format!("edb{:05X}.log", image.header.generation.0),
        };
        let path = self.folder.join(name);
        fs::write(&path, image.bytes)?;
        fs::OpenOptions::new().write(true).open(&path)?.set_len(image.len)?;
        self.finished += image.len;
        self.last = (image.header.generation, image.header.created);
        Ok(())
    }
}

/// A moment, later for higher numbers.
pub(super) fn time(moment: u64) -> LogTime {
    LogTime::from_unix_millis(1_700_000_000_000 + moment * 7)
}

/// The path in UTF-16, with its final zero.
fn path() -> Vec<u8> {
    PATH.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// Parameters of an instance: no paths, numbers that suffice.
fn parameters() -> [u8; 567] {
    let mut parameters = [0; 567];
    for (at, value) in [(523, 64_u32), (527, 4096), (531, 4096), (535, 4096), (539, 512)] {
        parameters[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    parameters
}

/// The list of the one database, as headers of logs have it. ESE: `ATTACHINFO`.
fn attach_list(stream: &Stream, attach: LogPosition, dbtime: DbTime) -> Vec<u8> {
    let path = path();
    let mut entry = vec![1, 0x20];
    entry.extend(u16::try_from(path.len()).unwrap().to_le_bytes());
    entry.extend(dbtime.0.to_le_bytes());
    entry.extend(stream.last_objid.to_le_bytes());
    entry.extend(0_u32.to_le_bytes());
    entry.extend(position_bytes(attach));
    entry.extend([0; 8]);
    entry.extend(signature_bytes(&stream.database));
    entry.extend(path);
    entry
}

fn position_bytes(position: LogPosition) -> [u8; 8] {
    let [a, b] = position.byte.to_le_bytes();
    let [c, d] = position.sector.to_le_bytes();
    let [e, f, g, h] = position.generation.0.to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

fn signature_bytes(signature: &Signature) -> Vec<u8> {
    let random = signature.random.to_le_bytes();
    [&random[..], &signature.created.to_bytes(), &signature.computer].concat()
}

/// A checkpoint at the first record of the stream.
pub(super) fn checkpoint(signature: &Signature) -> Vec<u8> {
    let mut block = vec![0; 4096];
    let first = position_bytes(LogPosition { generation: LogGeneration(1), sector: 1, byte: 0 });
    block[12..20].copy_from_slice(&first);
    block[20..48].copy_from_slice(&signature_bytes(signature));
    block[48..615].copy_from_slice(&parameters());
    block[647] = 1;
    block[648..656].copy_from_slice(&first);
    block[667] = 4;
    seal_header(&mut block);
    block.repeat(2)
}

fn into_io(error: LogWriteError<io::Error>) -> io::Error {
    match error {
        LogWriteError::Sink(error) => error,
        other => io::Error::other(other.to_string()),
    }
}
