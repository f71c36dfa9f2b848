//! Names of log files.
//!
//! ```text
//! edb.log            the current log; only its header says its generation
//! edb0001F.log       an archived log: 5 hexadecimal digits up to generation FFFFF
//! edb00000001F.log   8 digits above it, or always, as the instance is configured
//! edbtmp.log         the next log, being prepared; never trusted
//! edbres00001.jrs    a reserve of disk space
//! ```
//!
//! The base name has exactly three characters. The extension is `.log`, or `.jtx` with the
//! engine's own names. Windows does not tell upper from lower case, so neither does this.
//! Source: ESE `LGMakeLogNameBaselessEx`, `ErrLGGetGeneration` (logstream.cxx, logutil.cxx).

use alloc::string::String;
use core::fmt;

use crate::LogGeneration;

/// Extension of a log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogExtension {
    /// `.log`: Windows and Active Directory.
    Log,
    /// `.jtx`: the engine's own names.
    Jtx,
}

impl fmt::Display for LogExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "log",
            Self::Jtx => "jtx",
        })
    }
}

/// How many digits the generation has in the name of an archived log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogDigits {
    /// 5 up to generation 0xFFFFF, 8 above.
    Short,
    /// Always 8.
    Long,
}

/// What a name says about a log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogRole {
    /// The log being written.
    Current,
    /// A full log.
    Archived(LogGeneration, LogDigits),
    /// The next log, being prepared.
    Temporary,
    /// A reserve of disk space.
    Reserve,
}

/// The name of a log file, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogName {
    /// The three characters that all files of an instance begin with.
    pub base: [u8; 3],
    /// Which file it is.
    pub role: LogRole,
    /// Its extension; [`LogExtension::Log`] for a reserve, which has its own.
    pub extension: LogExtension,
}

impl LogName {
    /// Takes a file name apart; `None` if no log file is named so.
    pub fn parse(name: &str) -> Option<Self> {
        let (stem, extension) = name.rsplit_once('.')?;
        let (base, rest) = stem.split_at_checked(3)?;
        let base: [u8; 3] = base.as_bytes().try_into().ok()?;
        if !base.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        if extension.eq_ignore_ascii_case("jrs") {
            let is_reserve = rest.get(..3).is_some_and(|text| text.eq_ignore_ascii_case("res"));
            let extension = LogExtension::Log;
            return is_reserve.then_some(Self { base, role: LogRole::Reserve, extension });
        }
        let extension = if extension.eq_ignore_ascii_case("log") {
            LogExtension::Log
        } else if extension.eq_ignore_ascii_case("jtx") {
            LogExtension::Jtx
        } else {
            return None;
        };
        let role = match rest.len() {
            0 => LogRole::Current,
            3 if rest.eq_ignore_ascii_case("tmp") => LogRole::Temporary,
            5 => LogRole::Archived(parse_generation(rest)?, LogDigits::Short),
            8 => {
                let generation = parse_generation(rest)?;
                let short = generation.0 > SHORT_MAX && extension == LogExtension::Log;
                let digits = if short { LogDigits::Short } else { LogDigits::Long };
                LogRole::Archived(generation, digits)
            }
            _ => return None,
        };
        Some(Self { base, role, extension })
    }

    /// The name that this current log gets when the engine goes on to the next generation.
    pub fn archived(self, generation: LogGeneration, digits: LogDigits) -> Self {
        Self { role: LogRole::Archived(generation, digits), ..self }
    }

    /// The name as text.
    pub fn to_file_name(self) -> String {
        alloc::format!("{self}")
    }
}

fn parse_generation(digits: &str) -> Option<LogGeneration> {
    // `from_str_radix` alone would take a sign.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok().map(LogGeneration)
}

/// The highest generation that five digits hold.
const SHORT_MAX: u32 = 0xF_FFFF;

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.base {
            write!(f, "{}", char::from(byte))?;
        }
        let extension = self.extension;
        match self.role {
            LogRole::Current => write!(f, ".{extension}"),
            LogRole::Archived(generation, LogDigits::Short) if generation.0 <= SHORT_MAX => {
                write!(f, "{:05X}.{extension}", generation.0)
            }
            LogRole::Archived(generation, _) => write!(f, "{:08X}.{extension}", generation.0),
            LogRole::Temporary => write!(f, "tmp.{extension}"),
            LogRole::Reserve => f.write_str("res00001.jrs"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn role(name: &str) -> Option<LogRole> {
        LogName::parse(name).map(|name| name.role)
    }

    #[test]
    fn every_kind_of_name_is_known() {
        assert_eq!(role("edb.log"), Some(LogRole::Current));
        assert_eq!(role("edbtmp.log"), Some(LogRole::Temporary));
        assert_eq!(role("edbres00001.jrs"), Some(LogRole::Reserve));
        let archived = |n, digits| Some(LogRole::Archived(LogGeneration(n), digits));
        assert_eq!(role("edb0001F.log"), archived(0x1F, LogDigits::Short));
        assert_eq!(role("SRU0004E.LOG"), archived(0x4E, LogDigits::Short));
        assert_eq!(role("edb0000001f.jtx"), archived(0x1F, LogDigits::Long));
        assert_eq!(role("edb00000001.log"), archived(1, LogDigits::Long));
        assert_eq!(role("edb00100000.log"), archived(0x10_0000, LogDigits::Short));
        assert_eq!(role("j501E2E4.log"), archived(0x1_E2E4, LogDigits::Short));
    }

    #[test]
    fn other_names_are_no_logs() {
        for name in [
            "",
            "edb",
            "ed.log",
            "edb+001F.log",
            "edb.chk",
            "edb0001G.log",
            "edb0000001F0.log",
            "edb001F.log",
            "\u{e9}db.log",
        ] {
            assert_eq!(role(name), None, "{name}");
        }
    }

    #[test]
    fn current_log_gets_its_archived_name() {
        let current = LogName::parse("edb.log").unwrap();
        let name = |n, digits| current.archived(LogGeneration(n), digits).to_file_name();
        assert_eq!(name(3, LogDigits::Short), "edb00003.log");
        assert_eq!(name(3, LogDigits::Long), "edb00000003.log");
        assert_eq!(name(0x12_3456, LogDigits::Short), "edb00123456.log");
    }

    proptest! {
        #[test]
        fn archived_names_are_read_back(n in any::<u32>(), long in any::<bool>()) {
            let digits = if long { LogDigits::Long } else { LogDigits::Short };
            let name = LogName::parse("edb.log").unwrap().archived(LogGeneration(n), digits);
            let again = LogName::parse(&name.to_file_name()).unwrap();
            prop_assert_eq!(again.to_file_name(), name.to_file_name());
        }

        #[test]
        fn any_text_is_taken_or_refused(name in ".{0,24}") {
            let _ = LogName::parse(&name);
        }
    }
}
