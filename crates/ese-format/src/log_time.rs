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
use core::str::FromStr;

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

    /// The time that is so many milliseconds after the beginning of 1970, in UTC; unset if it is
    /// not in the years that can be stored, 1970 to 2155.
    pub fn from_unix_millis(millis: u64) -> Self {
        let (days, in_day) = (millis / DAY, millis % DAY);
        let Some((year, month, day)) = civil(days) else { return Self::UNSET };
        let of = |unit: u64, wrap: u64| u8::try_from(in_day / unit % wrap).unwrap_or_default();
        let [low, high, ..] = (in_day % 1000).to_le_bytes();
        let flags = [1 | (low & 0x7F) << 1, (low >> 7 | high << 1) << 1];
        let [f, g] = flags;
        Self([of(1000, 60), of(60_000, 60), of(3_600_000, 24), day, month, year, f, g])
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

/// Milliseconds of a day.
const DAY: u64 = 86_400_000;

/// Year - 1900, month and day of a day counted from the beginning of 1970. Years begin in March,
/// so that the leap day is the last one.
fn civil(days: u64) -> Option<(u8, u8, u8)> {
    let days = days.checked_add(719_468)?;
    let (era, in_era) = (days / 146_097, days % 146_097);
    let year_of_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * in_year + 2) / 153;
    let day = in_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era.checked_mul(400)? + year_of_era + u64::from(month <= 2);
    let narrow = |value: u64| u8::try_from(value).ok();
    Some((narrow(year.checked_sub(1900)?)?, narrow(month)?, narrow(day)?))
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

/// A text that is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time in UTC such as 2026-03-01T14:30:00Z")]
pub struct NoTime;

/// Reads ISO 8601 in UTC: `2026-03-01T14:30:00.250Z`; the milliseconds may be left out.
impl FromStr for LogTime {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        let text = text.strip_suffix('Z').ok_or(NoTime)?;
        let (date, time) = text.split_once('T').ok_or(NoTime)?;
        let (time, millis) = time.split_once('.').unwrap_or((time, "000"));
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        let [millis] = numbers(millis, '.', [3])?;
        let narrow = |number: u16| u8::try_from(number).map_err(|_| NoTime);
        let year = narrow(year.checked_sub(1900).ok_or(NoTime)?)?;
        let [low, high] = millis.to_le_bytes();
        let flags = [1 | (low & 0x7F) << 1, (low >> 7 | high << 1) << 1];
        let [f, g] = flags;
        let (hour, minute, second) = (narrow(hour)?, narrow(minute)?, narrow(second)?);
        let time = Self([second, minute, hour, narrow(day)?, narrow(month)?, year, f, g]);
        if time.is_valid() { Ok(time) } else { Err(NoTime) }
    }
}

/// Decimal numbers of so many digits each.
fn numbers<const N: usize>(
    text: &str,
    between: char,
    digits: [usize; N],
) -> Result<[u16; N], NoTime> {
    let mut parts = text.split(between);
    let mut found = [0; N];
    for (number, digits) in found.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits).ok_or(NoTime)?;
        if !part.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(NoTime);
        }
        *number = part.parse().map_err(|_| NoTime)?;
    }
    if parts.next().is_some() { Err(NoTime) } else { Ok(found) }
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
    fn time_is_made_from_milliseconds() {
        let text = |millis| LogTime::from_unix_millis(millis).to_string();
        assert_eq!(text(1_706_556_349_177), "2024-01-29T19:25:49.177Z");
        assert_eq!(text(951_782_400_999), "2000-02-29T00:00:00.999Z");
        assert_eq!(text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(1_798_761_599_512), "2026-12-31T23:59:59.512Z");
        assert_eq!(text(u64::MAX), "-");
        let time = LogTime::from_bytes([0x31, 0x19, 0x13, 0x1D, 0x01, 0x7C, 0x63, 0x02]);
        assert_eq!(LogTime::from_unix_millis(1_706_556_349_177), time);
    }

    #[test]
    fn time_is_read_back() {
        for text in ["2024-01-29T19:25:49.177Z", "2155-12-31T23:59:59.999Z"] {
            assert_eq!(text.parse::<LogTime>().unwrap().to_string(), text);
        }
        let time = "2026-03-01T14:30:00Z".parse::<LogTime>().unwrap();
        assert_eq!(time.to_string(), "2026-03-01T14:30:00.000Z");
        for text in [
            "",
            "2026-03-01",
            "2026-03-01T14:30:00",
            "2026-3-01T14:30:00Z",
            "2026-13-01T14:30:00Z",
            "2026-03-01T24:30:00Z",
            "1899-03-01T14:30:00Z",
            "2156-03-01T14:30:00Z",
            "2026-03-01T14:30:00.25Z",
            "2026-03-01T14:30:00:00Z",
            "+026-03-01T14:30:00Z",
        ] {
            assert_eq!(text.parse::<LogTime>(), Err(NoTime), "{text}");
        }
    }

    #[test]
    fn unset_time_is_a_dash_and_not_valid() {
        assert_eq!(LogTime::UNSET.to_string(), "-");
        assert!(!LogTime::UNSET.is_valid());
    }
}
