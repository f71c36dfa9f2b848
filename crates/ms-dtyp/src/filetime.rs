//! FILETIME: 100-nanosecond intervals ("ticks") since 1601-01-01T00:00:00Z, as a u64.
//!
//! 1601 is the first year of the 400-year cycle of the Gregorian calendar in which Windows was
//! written; 1970-01-01, where Unix begins to count, is 11 644 473 600 seconds later.
//!
//! Source: [MS-DTYP] 2.3.3; the calendar arithmetic is the proleptic Gregorian one of ISO 8601,
//! the text form RFC 3339.

use core::error::Error;
use core::fmt;
use core::str::FromStr;

/// A point in time, UTC, in ticks of 100 ns since 1601-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileTime(pub u64);

impl FileTime {
    /// Ticks in a second.
    pub const TICKS_PER_SECOND: u64 = 10_000_000;
    /// Ticks in a day of 86 400 seconds.
    pub const TICKS_PER_DAY: u64 = 86_400 * Self::TICKS_PER_SECOND;
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(UNIX_EPOCH_SECONDS * Self::TICKS_PER_SECOND);

    /// The time `seconds` and `nanoseconds` after 1970-01-01 (seconds may be negative).
    ///
    /// Nanoseconds are cut to ticks. Times before 1601 become 1601, times past the range its end.
    #[must_use]
    pub fn from_unix(seconds: i64, nanoseconds: u32) -> Self {
        let ticks = (i128::from(seconds) + i128::from(UNIX_EPOCH_SECONDS))
            * i128::from(Self::TICKS_PER_SECOND)
            + i128::from(nanoseconds / 100);
        Self(u64::try_from(ticks.max(0)).unwrap_or(u64::MAX))
    }

    /// The time as seconds since 1970-01-01 (rounded down) and nanoseconds within that second.
    #[must_use]
    pub fn unix_parts(self) -> (i64, u32) {
        let seconds = (self.0 / Self::TICKS_PER_SECOND).cast_signed();
        let ticks = u32::try_from(self.0 % Self::TICKS_PER_SECOND).unwrap_or(0);
        (seconds - UNIX_EPOCH_SECONDS.cast_signed(), ticks * 100)
    }

    /// The time `days` days of 86 400 seconds later, if it is representable.
    #[must_use]
    pub fn checked_add_days(self, days: u32) -> Option<Self> {
        u64::from(days).checked_mul(Self::TICKS_PER_DAY)?.checked_add(self.0).map(Self)
    }

    /// Ticks from `earlier` to `self`; 0 if `earlier` is later.
    #[must_use]
    pub fn ticks_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for FileTime {
    /// RFC 3339 in UTC: `2024-02-29T23:59:58.1234567Z`; whole seconds without a fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / Self::TICKS_PER_SECOND;
        let ticks = self.0 % Self::TICKS_PER_SECOND;
        let (year, month, day) = civil_from_days(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if ticks != 0 {
            write!(f, ".{ticks:07}")?;
        }
        f.write_str("Z")
    }
}

/// The text is not a time in the form that [`FileTime`] prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseFileTimeError;

impl fmt::Display for ParseFileTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a time: expected YYYY-MM-DDThh:mm:ssZ, UTC, 1601 or later")
    }
}

impl Error for ParseFileTimeError {}

impl FromStr for FileTime {
    type Err = ParseFileTimeError;

    /// Reads RFC 3339 with the zone `Z`; up to nine fractional digits, cut to ticks.
    fn from_str(text: &str) -> Result<Self, ParseFileTimeError> {
        parse(text).ok_or(ParseFileTimeError)
    }
}

fn parse(text: &str) -> Option<FileTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = match time.split_once('.') {
        Some((clock, fraction)) => (clock, fraction_ticks(fraction)?),
        None => (time, 0),
    };
    // Years beyond 9999 print with five digits; the range of a FILETIME ends in 60056.
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let days = days_from_civil(year, month, day)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    days.checked_mul(86_400)?
        .checked_add(hour * 3_600 + minute * 60 + second)?
        .checked_mul(FileTime::TICKS_PER_SECOND)?
        .checked_add(fraction)
        .map(FileTime)
}

fn fraction_ticks(digits: &str) -> Option<u64> {
    let valid = (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let ticks = |all: &str| all.bytes().chain([b'0'; 7]).take(7).fold(0, push_digit);
    valid.then(|| ticks(digits))
}

fn push_digit(number: u64, digit: u8) -> u64 {
    number * 10 + u64::from(digit - b'0')
}

/// Three decimal numbers: the first of four or five digits or of two, the others of two.
fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let mut parts = text.split(separator);
    let mut next = |lengths: core::ops::RangeInclusive<usize>| -> Option<u64> {
        let part = parts.next()?;
        let valid = lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        valid.then(|| part.bytes().fold(0, push_digit))
    };
    let first = if separator == '-' { next(4..=5)? } else { next(2..=2)? };
    let all = [first, next(2..=2)?, next(2..=2)?];
    parts.next().is_none().then_some(all)
}

/// Year, month, day of the day that many days after 1601-01-01.
///
/// The day is counted from 1600-03-01, so that a leap day is the last day of its year and 400
/// years are one full cycle.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let from_march = days + DAYS_MARCH_1600_TO_1601;
    let cycle = from_march / DAYS_PER_CYCLE;
    let day_of_cycle = from_march % DAYS_PER_CYCLE;
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524
        - day_of_cycle / 146_096)
        / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = 1600 + 400 * cycle + year_of_cycle + u64::from(month <= 2);
    (year, month, day)
}

/// The inverse; nothing for dates that do not exist or lie before 1601.
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1601 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted = year - 1600 - u64::from(month <= 2);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let year_of_cycle = shifted % 400;
    let from_march = shifted / 400 * DAYS_PER_CYCLE + 365 * year_of_cycle + year_of_cycle / 4
        - year_of_cycle / 100
        + day_of_year;
    let days = from_march.checked_sub(DAYS_MARCH_1600_TO_1601)?;
    // A date such as February 30 comes out as another one.
    (civil_from_days(days) == (year, month, day)).then_some(days)
}

const UNIX_EPOCH_SECONDS: u64 = 11_644_473_600;
const DAYS_PER_CYCLE: u64 = 146_097;
const DAYS_MARCH_1600_TO_1601: u64 = 306;

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_times_print_as_rfc_3339() {
        for (ticks, text) in [
            (0, "1601-01-01T00:00:00Z"),
            (1, "1601-01-01T00:00:00.0000001Z"),
            (FileTime::UNIX_EPOCH.0, "1970-01-01T00:00:00Z"),
            (125_911_583_990_000_000, "1999-12-31T23:59:59Z"),
            (125_963_423_990_000_000, "2000-02-29T23:59:59Z"),
            (u64::MAX, "60056-05-28T05:36:10.9551615Z"),
        ] {
            assert_eq!(FileTime(ticks).to_string(), text);
            assert_eq!(text.parse(), Ok(FileTime(ticks)));
        }
    }

    #[test]
    fn unix_times_convert_both_ways_and_saturate() {
        assert_eq!(FileTime::from_unix(0, 0), FileTime::UNIX_EPOCH);
        assert_eq!(FileTime::from_unix(-11_644_473_600, 199).0, 1);
        assert_eq!(FileTime::from_unix(-11_644_473_601, 0).0, 0);
        assert_eq!(FileTime::from_unix(i64::MAX, 0).0, u64::MAX);
        assert_eq!(FileTime(0).unix_parts(), (-11_644_473_600, 0));
        assert_eq!(FileTime::from_unix(-1, 999_999_900).unix_parts(), (-1, 999_999_900));
    }

    #[test]
    fn days_are_added_with_a_check() {
        let leap_day: FileTime = "2024-02-29T12:00:00Z".parse().unwrap();
        assert_eq!(leap_day.checked_add_days(366).unwrap().to_string(), "2025-03-01T12:00:00Z");
        assert_eq!(FileTime(u64::MAX).checked_add_days(1), None);
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for text in [
            "",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "1600-12-31T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-00-01T00:00:00Z",
            "2023-04-31T00:00:00Z",
            "2023-01-01T24:00:00Z",
            "2023-01-01T00:00:60Z",
            "2023-01-01T00:00:00",
            "2023-1-01T00:00:00Z",
            "2023-01-01T00:00:00.Z",
            "2023-01-01T00:00:00.1234567890Z",
            "60056-05-28T05:36:10.9551616Z",
            "99999-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<FileTime>(), Err(ParseFileTimeError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_leads_back(ticks: u64) {
            prop_assert_eq!(FileTime(ticks).to_string().parse(), Ok(FileTime(ticks)));
        }

        #[test]
        fn unix_parts_lead_back(ticks: u64) {
            let (seconds, nanoseconds) = FileTime(ticks).unix_parts();
            prop_assert_eq!(FileTime::from_unix(seconds, nanoseconds), FileTime(ticks));
        }

        #[test]
        fn parsing_never_panics(text: String) {
            let _ = text.parse::<FileTime>();
        }
    }
}
