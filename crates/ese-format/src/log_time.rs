//! Points in time as headers store them.
//!
//! ```text
//! 0  1  seconds            4  1  month, 1 to 12
//! 1  1  minutes            5  1  year - 1900
//! 2  1  hours              6  1  bit 0: UTC; bits 1-7: low 7 bits of the milliseconds
//! 3  1  day, 1 to 31       7  1  bits 1-3: high 3 bits of the milliseconds
//! ```
//!
//! All zero is "unset". Engines up to Server 2003 store local time and no milliseconds. Times are
//! compared with each other as eight raw bytes, so these are kept as they are.
//! Source: ESE `LOGTIME` (daedef.hxx).

use core::fmt;

use crate::le::{Fixed, array, put};

/// A point in time of a header. ESE: `LOGTIME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LogTime([u8; 8]);

impl LogTime {
    /// The unset time.
    pub const UNSET: Self = Self([0; 8]);

    /// From the stored bytes.
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// As it is stored.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0
    }

    /// Whether it is unset: no date and no time of day, whatever the flags say.
    pub fn is_unset(self) -> bool {
        matches!(self.0, [0, 0, 0, 0, 0, 0, _, _])
    }

    /// Whether it is UTC; otherwise the local time of the machine that wrote it.
    pub fn is_utc(self) -> bool {
        let [.., flags, _] = self.0;
        flags & 1 != 0
    }

    /// Milliseconds in the second, 0 to 999 (up to 1023 in a damaged field).
    pub fn millisecond(self) -> u16 {
        let [.., low, high] = self.0;
        u16::from(low >> 1) | u16::from((high >> 1) & 7) << 7
    }

    /// Year, month, day.
    pub fn date(self) -> (u16, u8, u8) {
        let [_, _, _, day, month, year, ..] = self.0;
        (1900 + u16::from(year), month, day)
    }

    /// Hour, minute, second.
    pub fn time_of_day(self) -> (u8, u8, u8) {
        let [second, minute, hour, ..] = self.0;
        (hour, minute, second)
    }

    /// Whether each part lies in its range; an unset time is not valid.
    pub fn is_valid(self) -> bool {
        let (_, month, day) = self.date();
        let (hour, minute, second) = self.time_of_day();
        (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60
            && self.millisecond() < 1000
    }
}

impl Fixed for LogTime {
    const SIZE: usize = 8;

    fn read(block: &[u8], at: usize) -> Self {
        Self(array(block, at))
    }

    fn write(&self, block: &mut [u8], at: usize) {
        put(block, at, &self.0);
    }
}

/// ISO 8601; `Z` only where the file says UTC; `-` when unset.
impl fmt::Display for LogTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unset() {
            return f.write_str("-");
        }
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.time_of_day();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        write!(f, ".{:03}{}", self.millisecond(), if self.is_utc() { "Z" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn modern_time_is_utc_with_milliseconds() {
        let time = LogTime::from_bytes([0x31, 0x19, 0x13, 0x1D, 0x01, 0x7C, 0x63, 0x02]);
        assert_eq!(time.to_string(), "2024-01-29T19:25:49.177Z");
        assert!(time.is_valid());
    }

    #[test]
    fn old_time_is_local() {
        let time = LogTime::from_bytes([0x2A, 0x38, 0x0C, 0x0A, 0x07, 0x74, 0, 0]);
        assert_eq!(time.to_string(), "2016-07-10T12:56:42.000");
    }

    #[test]
    fn unset_time_is_a_dash_and_not_valid() {
        assert_eq!(LogTime::UNSET.to_string(), "-");
        assert!(!LogTime::UNSET.is_valid());
    }
}
