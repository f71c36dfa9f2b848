//! The logs that a database needs.
//!
//! Logs are known by their headers, not by their names alone: signature of the stream, generation,
//! and the creation time of the predecessor must fit. The current log (`edb.log`) is listed under
//! the name that it would get when the engine goes on to the next generation, because a backup set
//! and a restore know archived logs only.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use ese_format::header::DatabaseHeader;
use ese_format::log_header::{LOG_HEADER_LEN, LogHeader, LogHeaderError};
use ese_format::log_name::{LogDigits, LogName, LogRole};
use ese_format::trailer::BackupTrailer;
use ese_format::{LogGeneration, Signature};
use vfs::{OpenMode, Storage};

use crate::Error;

pub mod chain;
mod reader;

pub use reader::{DamageKind, LogDamage, LogError, LogReader};

/// A log that belongs to a database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogFile {
    /// Its generation.
    pub generation: LogGeneration,
    /// Where it lies.
    pub path: PathBuf,
    /// Length in bytes.
    pub len: u64,
    /// The name that it has, or would get, as an archived log.
    pub archived_name: String,
    /// Its header.
    pub header: LogHeader,
}

/// A file that is named as a needed log and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedLog {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: RejectReason,
}

/// Why a log cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectReason {
    /// No usable header.
    Header(LogHeaderError),
    /// It belongs to another log stream.
    OtherStream(Signature),
    /// Its header says another generation than its name.
    OtherGeneration(LogGeneration),
    /// It is shorter or longer than its header says.
    Length {
        /// In bytes, as the header says.
        expected: u64,
        /// In bytes.
        found: u64,
    },
}

impl fmt::Display for RejectedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match &self.reason {
            RejectReason::Header(error) => error.fmt(f),
            RejectReason::OtherStream(signature) => write!(f, "is of log stream {signature}"),
            RejectReason::OtherGeneration(found) => write!(f, "is generation {found}"),
            RejectReason::Length { expected, found } => {
                write!(f, "has {found} bytes, expected {expected}")
            }
        }
    }
}

/// The generations that a database needs for recovery; `None` if it needs none.
///
/// * Dirty: the lowest to the highest required one, and on to the highest committed one.
/// * A streaming backup's copy: all that the backup took, which its trailer says (or the header,
///   once it was completed from the trailer).
///
/// A dirty database without a generation was in use without logging: it cannot be recovered, and
/// needs none either.
pub fn required(
    header: &DatabaseHeader,
    trailer: Option<&BackupTrailer>,
) -> Option<RangeInclusive<LogGeneration>> {
    if !header.is_dirty() {
        return None;
    }
    let backup = &header.current_backup;
    let mut first = header.min_required;
    let mut last = header.max_required.max(header.max_committed);
    if backup.first_generation.0 != 0 {
        let of_trailer = trailer.map(|trailer| trailer.backup.last_generation);
        first = backup.first_generation;
        last = last.max(backup.last_generation).max(of_trailer.unwrap_or_default());
    }
    (first.0 != 0).then(|| first..=last.max(first))
}

/// Finds the logs of `range` that belong to the database with `header` in `directory`.
///
/// They are ascending, without a gap, each the successor of the one before. Fails with
/// [`Error::MissingLogs`] or [`Error::LogSequence`] otherwise.
pub fn find(
    storage: &dyn Storage,
    directory: &Path,
    header: &DatabaseHeader,
    range: &RangeInclusive<LogGeneration>,
) -> Result<Vec<LogFile>, Error> {
    let names = log_names(storage, directory)?;
    let mut found = BTreeMap::new();
    let mut rejected = Vec::new();
    // Archived logs first: if the current log has the same generation, it is the copy.
    for current in [false, true] {
        for named in names.iter().filter(|n| (n.name.role == LogRole::Current) == current) {
            match look_at(storage, directory, named, header, range)? {
                Look::Fits(file, log_header) => {
                    let generation = log_header.generation;
                    let beside = names.iter().map(|named| &named.name);
                    let digits = archived_digits(beside, &named.name);
                    let archived_name = match named.name.role {
                        LogRole::Current => named.name.archived(generation, digits).to_file_name(),
                        _ => named.text.clone(),
                    };
                    found.entry(generation).or_insert(LogFile {
                        generation,
                        path: file.0,
                        len: file.1,
                        archived_name,
                        header: log_header,
                    });
                }
                Look::OutOfRange => {}
                Look::Rejected(log) => rejected.push(log),
            }
        }
    }
    let missing = gaps(range, found.keys().copied());
    if !missing.is_empty() {
        return Err(Error::MissingLogs {
            directory: directory.to_owned(),
            signature: header.log_signature,
            missing,
            max_required: header.max_required,
            rejected,
        });
    }
    let logs: Vec<LogFile> = found.into_values().collect();
    check_sequence(&logs)?;
    Ok(logs)
}

struct Named {
    text: String,
    name: LogName,
}

enum Look {
    Fits((PathBuf, u64), LogHeader),
    OutOfRange,
    Rejected(RejectedLog),
}

/// The names in `directory` that may be needed logs.
fn log_names(storage: &dyn Storage, directory: &Path) -> Result<Vec<Named>, Error> {
    let mut names = Vec::new();
    for entry in storage.list(directory)? {
        let Some(text) = entry.name.to_str().filter(|_| !entry.is_dir) else { continue };
        let Some(name) = LogName::parse(text) else { continue };
        if matches!(name.role, LogRole::Current | LogRole::Archived(..)) {
            names.push(Named { text: text.to_owned(), name });
        }
    }
    Ok(names)
}

fn look_at(
    storage: &dyn Storage,
    directory: &Path,
    named: &Named,
    header: &DatabaseHeader,
    range: &RangeInclusive<LogGeneration>,
) -> Result<Look, Error> {
    if let LogRole::Archived(generation, _) = named.name.role
        && !range.contains(&generation)
    {
        return Ok(Look::OutOfRange);
    }
    let path = directory.join(&named.text);
    let reject = |path, reason| Ok(Look::Rejected(RejectedLog { path, reason }));
    let (log, found) = match header_at(storage, &path, named.name)? {
        Ok(log) => log,
        Err(reason) => return reject(path, reason),
    };
    if log.signature != header.log_signature {
        return reject(path, RejectReason::OtherStream(log.signature));
    }
    if !range.contains(&log.generation) {
        return Ok(Look::OutOfRange);
    }
    let expected = log.file_len();
    if found != expected {
        return reject(path, RejectReason::Length { expected, found });
    }
    Ok(Look::Fits((path, found), log))
}

/// The header of the log file with this name, and its length; or why it is none.
pub(crate) fn header_at(
    storage: &dyn Storage,
    path: &Path,
    name: LogName,
) -> Result<Result<(LogHeader, u64), RejectReason>, Error> {
    let file = storage.open(path, OpenMode::Read)?;
    let len = file.len()?;
    let mut beginning = vec![0; LOG_HEADER_LEN];
    let read = file.read_at(&mut beginning, 0)?;
    beginning.truncate(read);
    Ok(match (LogHeader::parse(&beginning), name.role) {
        (Err(error), _) => Err(RejectReason::Header(error)),
        (Ok(header), LogRole::Archived(generation, _)) if generation != header.generation => {
            Err(RejectReason::OtherGeneration(header.generation))
        }
        (Ok(header), _) => Ok((header, len)),
    })
}

/// The way in which the archived logs among `names`, which lie beside `current`, are named.
pub(crate) fn archived_digits<'a>(
    names: impl Iterator<Item = &'a LogName>,
    current: &LogName,
) -> LogDigits {
    let mut digits =
        names.filter(|name| name.base.eq_ignore_ascii_case(&current.base)).filter_map(|name| {
            match name.role {
                LogRole::Archived(_, digits) => Some(digits),
                _ => None,
            }
        });
    match digits.next() {
        Some(first) => digits
            .fold(first, |all, one| if one == LogDigits::Short { LogDigits::Short } else { all }),
        None if current.extension == ese_format::log_name::LogExtension::Jtx => LogDigits::Long,
        None => LogDigits::Short,
    }
}

/// The runs of `range` that `found` (ascending, all in the range) leaves out.
pub(crate) fn gaps(
    range: &RangeInclusive<LogGeneration>,
    found: impl Iterator<Item = LogGeneration>,
) -> Vec<RangeInclusive<LogGeneration>> {
    let mut missing = Vec::new();
    let mut next = u64::from(range.start().0);
    let end = u64::from(range.end().0);
    let mut push = |from: u64, to: u64| {
        if let (true, Ok(from), Ok(to)) = (from <= to, u32::try_from(from), u32::try_from(to)) {
            missing.push(LogGeneration(from)..=LogGeneration(to));
        }
    };
    for generation in found {
        let generation = u64::from(generation.0);
        if generation > next {
            push(next, generation - 1);
        }
        next = generation + 1;
    }
    push(next, end);
    missing
}

fn check_sequence(logs: &[LogFile]) -> Result<(), Error> {
    for pair in logs.windows(2) {
        let [previous, log] = pair else { continue };
        if !log.header.follows(&previous.header) {
            return Err(Error::LogSequence {
                path: log.path.clone(),
                previous: previous.path.clone(),
                expected: previous.header.created,
                found: log.header.previous_created,
            });
        }
    }
    Ok(())
}
