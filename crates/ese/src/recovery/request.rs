//! What is to be recovered, from which logs, and how far.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use ese_format::{LogGeneration, LogTime};

/// What is to be recovered.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// A database, or the folder that it lies in: of a crashed server, of a snapshot, of a backup.
    /// A folder with logs and no database is recovered from the logs alone.
    pub path: PathBuf,
    /// The database, if the folder holds more than one, or it lies elsewhere.
    pub database: Option<PathBuf>,
    /// Further folders with logs; the database's own folder and `logs` in it are always looked
    /// into.
    pub logs: Vec<PathBuf>,
    /// How far to go, if not to the end of the logs.
    pub until: Option<Until>,
    /// Whether to go on where logs are missing or damaged, if what can be reached is consistent.
    pub lossy: bool,
}

impl Request {
    /// Everything that lies at `path`, recovered to the end of its logs.
    pub fn of(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }
}

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// To the end of this log file.
    Generation(LogGeneration),
    /// To this time: what was logged later is left out. Logs give the time of each of their
    /// segments, so the state is that of the last segment that was begun before.
    Time(LogTime),
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generation(generation) => write!(f, "generation {generation}"),
            Self::Time(time) => write!(f, "{time}"),
        }
    }
}

/// A text that is neither a generation nor a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither a generation in hexadecimal digits, such as 1F, nor a time in UTC, such as \
     2026-03-01T14:30:00Z"
)]
pub struct UntilError;

impl FromStr for Until {
    type Err = UntilError;

    /// Reads a generation in hexadecimal digits, as in the names of log files, or a time in UTC.
    fn from_str(text: &str) -> Result<Self, UntilError> {
        if text.contains('-') {
            return LogTime::from_str(text).map(Self::Time).map_err(|_| UntilError);
        }
        let digits = text.strip_prefix("0x").unwrap_or(text);
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(UntilError);
        }
        let generation = u32::from_str_radix(digits, 16).map_err(|_| UntilError)?;
        Ok(Self::Generation(LogGeneration(generation)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_and_times_are_read() {
        let generation = |number| Ok(Until::Generation(LogGeneration(number)));
        assert_eq!("1F".parse(), generation(0x1F));
        assert_eq!("0x1f".parse(), generation(0x1F));
        for text in ["2026-03-01T14:30:00Z", "2026-03-01T14:30:05.250Z"] {
            let Ok(Until::Time(time)) = text.parse() else { panic!("{text}") };
            assert!(time.is_utc() && time.is_valid());
            assert_eq!(time.date(), (2026, 3, 1));
        }
        for text in ["", "log", "+1", "2026-03", "2026-13-01T00:00:00Z", "123456789"] {
            assert_eq!(text.parse::<Until>(), Err(UntilError), "{text}");
        }
    }
}
