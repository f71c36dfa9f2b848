//! Judging log files: each by itself, and those of one stream as a chain.
//!
//! | what | how grave |
//! |---|---|
//! | no sound header, another format, a damaged segment, bytes that are no record | error |
//! | a missing generation, a file that does not follow the one before | error |
//! | the checksums of a file are not what the next one names | error |
//! | a file that is longer or shorter than its header says | error if data are cut off |
//! | a file that was made before its predecessor | warning |
//! | a segment that was put right from its copy, or by one bit | warning |
//! | a record that was never completed; a stream that was not ended | note |
//!
//! Only one file is in memory. Files of several streams are told apart by the signatures in their
//! headers. Source: ESE `ErrLGCheckReadLastLogRecordFF` (logread.cxx), `ErrDUMPLog` (dump.cxx).

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ese_format::log::record::{LogRecord, RecordKind};
use ese_format::log_header::LogHeader;
use ese_format::{LogGeneration, LogPosition, LogTime, Signature, jet};
use vfs::Storage;

use super::{LogError, LogReader};
use crate::Error;
use crate::check::Severity;
use crate::recovery::replay::{NAMES_CHECKSUM, order};
use crate::verify::Progress;

#[cfg(test)]
mod tests;

/// What is known of one log file after it was read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogReport {
    /// The file.
    pub path: PathBuf,
    /// Its header, if it has a sound one.
    pub header: Option<LogHeader>,
    /// Records of each type.
    pub kinds: BTreeMap<RecordKind, u64>,
    /// The first and the last record.
    pub range: Option<(LogPosition, LogPosition)>,
    /// Segments that were put right.
    pub patched: u32,
    /// Whether its last record ends the instance.
    pub is_ended: bool,
    /// What was found.
    pub findings: Vec<LogFinding>,
}

/// Something about a log file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogFinding {
    /// How grave it is.
    pub severity: Severity,
    /// What it is.
    pub what: LogProblem,
}

/// What can be the matter with a log file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogProblem {
    /// It cannot be read, or not to its end.
    #[error("{text}")]
    Unreadable {
        /// Why, with the place.
        text: String,
        /// The engine's number for it.
        code: i32,
    },
    /// A record cannot be read.
    #[error("the record at {position} cannot be read: {text}")]
    Record {
        /// Where.
        position: LogPosition,
        /// Why.
        text: String,
    },
    /// Generations before it are missing.
    #[error("generations {first}-{last} before it are missing")]
    Gap {
        /// The first that is missing.
        first: LogGeneration,
        /// The last.
        last: LogGeneration,
    },
    /// It does not continue the file before it.
    #[error(
        "it does not continue {}: it names {found} as the time of its predecessor, which was made \
         {expected}", previous.display()
    )]
    NoSuccessor {
        /// The file before it.
        previous: PathBuf,
        /// When that was made.
        expected: LogTime,
        /// What this one says of it.
        found: LogTime,
    },
    /// The file before it has changed since this one was begun.
    #[error(
        "it names {named:#018x} as the checksums of {}, which come to {found:#018x}",
        previous.display()
    )]
    PreviousChecksum {
        /// The file before it.
        previous: PathBuf,
        /// As this file says.
        named: u64,
        /// As they are.
        found: u64,
    },
    /// Another file has the same generation, and is another one.
    #[error("{} has the same generation and was made at another time", other.display())]
    Double {
        /// The other file.
        other: PathBuf,
    },
    /// It was made before the file before it.
    #[error("it was made {found}, before {}, which was made {before}", previous.display())]
    TimeBackwards {
        /// The file before it.
        previous: PathBuf,
        /// When that was made.
        before: LogTime,
        /// When this one was made.
        found: LogTime,
    },
    /// It has another length than its header says.
    #[error("it has {found} bytes, expected {expected}")]
    Length {
        /// In bytes.
        expected: u64,
        /// In bytes.
        found: u64,
    },
    /// Segments had to be put right.
    #[error("{segments} segments are damaged and were put right from their copies or bits")]
    Patched {
        /// How many.
        segments: u32,
    },
    /// A record was never completed.
    #[error(
        "the record at {position} was never completed: the machine stopped while it was written"
    )]
    Torn {
        /// Where it begins.
        position: LogPosition,
    },
    /// Nothing ends the stream.
    #[error("the log was not ended: its databases may have to be recovered")]
    NotEnded,
}

impl LogProblem {
    /// The engine's number for it; 0 for what is no error.
    pub fn jet_code(&self) -> i32 {
        match self {
            Self::Unreadable { code, .. } => *code,
            Self::Record { .. } => jet::ERR_LOG_FILE_CORRUPT,
            Self::Gap { .. } => jet::ERR_MISSING_LOG_FILE,
            Self::NoSuccessor { .. } | Self::Double { .. } => jet::ERR_INVALID_LOG_SEQUENCE,
            Self::PreviousChecksum { .. } => jet::ERR_LOG_SEQUENCE_CHECKSUM_MISMATCH,
            Self::Length { .. } => jet::ERR_LOG_FILE_SIZE_MISMATCH,
            Self::TimeBackwards { .. }
            | Self::Patched { .. }
            | Self::Torn { .. }
            | Self::NotEnded => 0,
        }
    }
}

impl LogReport {
    /// Whether nothing grave was found.
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity < Severity::Error)
    }

    /// How many records it has.
    pub fn records(&self) -> u64 {
        self.kinds.values().sum()
    }

    fn find(&mut self, severity: Severity, what: LogProblem) {
        self.findings.push(LogFinding { severity, what });
    }
}

/// Judges log files: each by itself, and those of one stream as a chain. The reports are in the
/// order of stream and generation; files without a header come first.
///
/// # Errors
///
/// That the storage fails, or that `progress`, which counts bytes, cancels.
pub fn check(
    storage: &dyn Storage,
    paths: &[PathBuf],
    progress: &dyn Progress,
) -> Result<Vec<LogReport>, Error> {
    let mut sizes = Vec::new();
    for path in paths {
        sizes.push(storage.metadata(path)?.len);
    }
    let (total, mut done) = (sizes.iter().sum(), 0);
    let mut read = Vec::new();
    for (path, len) in paths.iter().zip(sizes) {
        if progress.report(done, total) == ControlFlow::Break(()) {
            return Err(Error::Cancelled);
        }
        read.push(file(storage, path, len)?);
        done += len;
    }
    let _ = progress.report(total, total);
    // One that is named as the current log behind its archived copy.
    read.sort_by_key(|(report, _)| {
        report.header.as_ref().map(|header| (stream(header.signature), header.generation))
    });
    for index in 1..read.len() {
        let (before, rest) = read.split_at_mut(index);
        if let (Some((previous, checksum)), Some((report, _))) = (before.last(), rest.first_mut()) {
            join(previous, *checksum, report);
        }
    }
    end_of_streams(&mut read);
    Ok(read.into_iter().map(|(report, _)| report).collect())
}

/// Reads one file; gives its report, and what the checksums of its segments come to.
fn file(storage: &dyn Storage, path: &Path, len: u64) -> Result<(LogReport, u64), Error> {
    let mut report = LogReport {
        path: path.to_owned(),
        header: None,
        kinds: BTreeMap::new(),
        range: None,
        patched: 0,
        is_ended: false,
        findings: Vec::new(),
    };
    let mut reader = match LogReader::open(storage, path) {
        Ok(reader) => reader,
        Err(LogError::Storage(error)) => return Err(error.into()),
        Err(error) => {
            report.header = header_alone(storage, path)?;
            report.find(Severity::Error, unreadable(&error));
            return Ok((report, 0));
        }
    };
    let header = reader.header().clone();
    let expected = header.file_len();
    if len != expected {
        let severity = if len < expected { Severity::Error } else { Severity::Warning };
        report.find(severity, LogProblem::Length { expected, found: len });
    }
    report.header = Some(header);
    let ended = records(&mut reader, &mut report);
    if let Err(error) = ended {
        report.find(Severity::Error, unreadable(&error));
    }
    report.patched = reader.patched();
    if report.patched > 0 {
        report.find(Severity::Warning, LogProblem::Patched { segments: report.patched });
    }
    if let Some(position) = reader.torn() {
        report.find(Severity::Note, LogProblem::Torn { position });
    }
    Ok((report, reader.segments_checksum()))
}

fn records(reader: &mut LogReader, report: &mut LogReport) -> Result<(), LogError> {
    while let Some((position, bytes)) = reader.next_record()? {
        let kind = RecordKind(bytes.first().copied().unwrap_or_default());
        *report.kinds.entry(kind).or_default() += 1;
        report.range = Some((report.range.map_or(position, |(first, _)| first), position));
        if let Err(error) = LogRecord::parse(bytes) {
            let text = error.to_string();
            report.find(Severity::Error, LogProblem::Record { position, text });
        }
        match kind {
            RecordKind::NOP | RecordKind::NOP2 => {}
            kind => report.is_ended = ENDS.contains(&kind),
        }
    }
    Ok(())
}

/// Compares a file with the one before it in the order of streams and generations.
fn join(previous: &LogReport, checksum: u64, report: &mut LogReport) {
    let (Some(before), Some(header)) = (&previous.header, report.header.clone()) else { return };
    if before.signature != header.signature {
        return;
    }
    let path = previous.path.clone();
    if before.generation == header.generation {
        if before.created != header.created {
            report.find(Severity::Error, LogProblem::Double { other: path });
        }
        return;
    }
    let next = before.generation.next();
    if next != header.generation {
        let last = LogGeneration(header.generation.0.saturating_sub(1));
        report.find(Severity::Error, LogProblem::Gap { first: next, last });
        return;
    }
    if !header.follows(before) {
        let (expected, found) = (before.created, header.previous_created);
        report.find(Severity::Error, LogProblem::NoSuccessor { previous: path, expected, found });
        return;
    }
    let (named, found) = (header.previous_segments_checksum, checksum);
    if header.update_minor >= NAMES_CHECKSUM && named != found && previous.is_good() {
        let what = LogProblem::PreviousChecksum { previous: path.clone(), named, found };
        report.find(Severity::Error, what);
    }
    if order(header.created) < order(before.created) {
        let (before, found) = (before.created, header.created);
        report.find(Severity::Warning, LogProblem::TimeBackwards { previous: path, before, found });
    }
}

/// Notes at the last file of each stream whether it is ended.
fn end_of_streams(read: &mut [(LogReport, u64)]) {
    let streams: Vec<Option<Signature>> =
        read.iter().map(|(one, _)| one.header.as_ref().map(|header| header.signature)).collect();
    for (index, (report, _)) in read.iter_mut().enumerate() {
        let own = streams.get(index).copied().flatten();
        let is_last = streams.get(index + 1).copied().flatten() != own;
        if own.is_some() && is_last && report.range.is_some() && !report.is_ended {
            report.find(Severity::Note, LogProblem::NotEnded);
        }
    }
}

fn unreadable(error: &LogError) -> LogProblem {
    let text = match error {
        // The path stands elsewhere.
        LogError::Header { source, .. } => source.to_string(),
        LogError::Format { source, .. } => source.to_string(),
        LogError::Damaged { damage, .. } => format!("sector {}: {}", damage.sector, damage.what),
        LogError::Record { position, source, .. } => format!("at {position}: {source}"),
        LogError::Pieces { position, .. } => {
            format!("at {position}: the pieces of a record do not fit together")
        }
        LogError::Storage(error) => error.to_string(),
    };
    LogProblem::Unreadable { text, code: error.jet_code() }
}

/// The header of a log whose format is not read.
fn header_alone(storage: &dyn Storage, path: &Path) -> Result<Option<LogHeader>, Error> {
    let file = storage.open(path, vfs::OpenMode::Read)?;
    let mut beginning = vec![0; ese_format::log_header::LOG_HEADER_LEN];
    let read = file.read_at(&mut beginning, 0)?;
    beginning.truncate(read);
    Ok(LogHeader::parse(&beginning).ok())
}

/// Something by which streams can be put in order.
fn stream(signature: Signature) -> (u32, [u8; 8]) {
    (signature.random, signature.created.to_bytes())
}

/// The records that end an instance.
const ENDS: [RecordKind; 4] =
    [RecordKind::TERM, RecordKind::TERM2, RecordKind::RECOVERY_QUIT, RecordKind::RECOVERY_QUIT2];
