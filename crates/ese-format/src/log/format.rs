//! The families of log formats, and which of them can be replayed.
//!
//! ```text
//! up to 6.1503         sectors that link to each other
//! 6.1504 to 7.3704     a stream of records, covered by checksum records
//! 8.4000               segments of 4 KiB
//! ```
//!
//! Within a family `updateMajor` rises with every change that an older engine cannot read, and
//! `updateMinor` with the others. The bounds are those of the engine.
//! Source: ESE `ulLGVersion...` (daedef.hxx), `ErrLGICheckVersionCompatibility` (log.cxx).

use core::fmt;

use crate::log_header::LogHeader;

/// Version of the format of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogVersion {
    /// Family.
    pub major: u32,
    /// Constant in a family since 2000.
    pub minor: u32,
    /// Raised by changes that an older engine cannot read.
    pub update_major: u32,
    /// Raised by changes that an older engine can read.
    pub update_minor: u32,
}

impl LogVersion {
    /// The highest `update_major` of the family of segments whose records are known.
    pub const NEWEST_UPDATE: u32 = 130;

    /// The family of formats that this version is of.
    pub fn format(self) -> LogFormat {
        match (self.major, self.minor) {
            (8, 4000) if self.update_major <= Self::NEWEST_UPDATE => LogFormat::Segments,
            (8.., _) => LogFormat::Newer,
            (7, _) | (6, 1504..) => LogFormat::Checksummed,
            (0..=6, _) => LogFormat::Linked,
        }
    }
}

/// `major.minor.updateMajor`, and `.updateMinor` where it is not 0.
impl fmt::Display for LogVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor, update_major, update_minor } = self;
        write!(f, "{major}.{minor}.{update_major}")?;
        if *update_minor == 0 { Ok(()) } else { write!(f, ".{update_minor}") }
    }
}

/// A family of log formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogFormat {
    /// Segments of 4 KiB, since Windows 8 and Server 2012. The only one that is replayed.
    Segments,
    /// A stream of records that checksum records cover, from Windows XP to Server 2008 R2.
    Checksummed,
    /// Sectors that link to each other, up to Windows 2000. ESE: `LRMS`.
    Linked,
    /// Newer than what is known here.
    Newer,
}

/// A log whose format is not replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("log format {version} of {}", Words(*version))]
pub struct UnsupportedLogFormat {
    /// Its version.
    pub version: LogVersion,
}

/// Whose format it is, and what can be done.
struct Words(LogVersion);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = match self.0.format() {
            LogFormat::Segments | LogFormat::Newer => {
                return write!(
                    f,
                    "an engine that is newer than any known here (8.4000.{}): bring the database \
                     to a clean shutdown on the system that it is from",
                    LogVersion::NEWEST_UPDATE,
                );
            }
            LogFormat::Checksummed if (self.0.minor, self.0.update_major) == (3704, 15) => {
                "Windows Server 2008 R2"
            }
            LogFormat::Checksummed => "a Windows from XP to Server 2008 R2",
            LogFormat::Linked => "Windows 2000 or older",
        };
        write!(
            f,
            "{system}: such logs are not replayed, bring the database to a clean shutdown on that \
             system",
        )
    }
}

impl LogHeader {
    /// The version of the log's format.
    pub fn version(&self) -> LogVersion {
        let Self { major, minor, update_major, update_minor, .. } = *self;
        LogVersion { major, minor, update_major, update_minor }
    }

    /// The family of formats that the log is of.
    pub fn format(&self) -> LogFormat {
        self.version().format()
    }

    /// An error with words for people, unless the log's format is one that is replayed.
    pub fn check_format(&self) -> Result<(), UnsupportedLogFormat> {
        let version = self.version();
        match version.format() {
            LogFormat::Segments => Ok(()),
            _ => Err(UnsupportedLogFormat { version }),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn version(major: u32, minor: u32, update_major: u32, update_minor: u32) -> LogVersion {
        LogVersion { major, minor, update_major, update_minor }
    }

    #[test]
    fn versions_are_of_families() {
        let format = |a, b, c, d| version(a, b, c, d).format();
        assert_eq!(format(8, 4000, 0, 0), LogFormat::Segments);
        assert_eq!(format(8, 4000, 5, 16), LogFormat::Segments);
        assert_eq!(format(8, 4000, 130, 999), LogFormat::Segments);
        assert_eq!(format(8, 4000, 131, 0), LogFormat::Newer);
        assert_eq!(format(8, 4001, 5, 0), LogFormat::Newer);
        assert_eq!(format(9, 0, 0, 0), LogFormat::Newer);
        assert_eq!(format(7, 3704, 17, 0), LogFormat::Checksummed);
        assert_eq!(format(7, 3700, 0, 0), LogFormat::Checksummed);
        assert_eq!(format(6, 1504, 0, 0), LogFormat::Checksummed);
        assert_eq!(format(6, 1503, 9, 0), LogFormat::Linked);
        assert_eq!(format(0, 0, 0, 0), LogFormat::Linked);
    }

    #[test]
    fn refusals_say_what_can_be_done() {
        let mut header = LogHeader::blank();
        let mut refusal = |v: LogVersion| {
            (header.major, header.minor) = (v.major, v.minor);
            (header.update_major, header.update_minor) = (v.update_major, v.update_minor);
            header.check_format().map_err(|error| error.to_string())
        };
        assert_eq!(refusal(version(8, 4000, 5, 16)), Ok(()));
        assert_eq!(
            refusal(version(7, 3704, 15, 0)).unwrap_err(),
            "log format 7.3704.15 of Windows Server 2008 R2: such logs are not replayed, bring the \
             database to a clean shutdown on that system",
        );
        assert_eq!(
            refusal(version(7, 3704, 5, 0)).unwrap_err(),
            "log format 7.3704.5 of a Windows from XP to Server 2008 R2: such logs are not \
             replayed, bring the database to a clean shutdown on that system",
        );
        assert_eq!(
            refusal(version(8, 4000, 140, 300)).unwrap_err(),
            "log format 8.4000.140.300 of an engine that is newer than any known here \
             (8.4000.130): bring the database to a clean shutdown on the system that it is from",
        );
        let oldest = refusal(version(6, 1498, 2, 0)).unwrap_err();
        assert!(oldest.starts_with("log format 6.1498.2 of Windows 2000 or older: "), "{oldest}");
    }
}
