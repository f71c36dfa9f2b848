//! The times that a recovery writes.
//!
//! Two of them are never equal: log files know each other by the time at which they were made.

use std::time::{SystemTime, UNIX_EPOCH};

use ese_format::LogTime;

/// Gives times that rise.
#[derive(Debug, Clone)]
pub struct Clock {
    last: u64,
    system: bool,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self { last: 0, system: true }
    }

    /// A clock that begins so many milliseconds after the beginning of 1970, and goes on by one
    /// each time that it is asked.
    pub fn fixed(millis: u64) -> Self {
        Self { last: millis, system: false }
    }

    /// The time, later than any that was given before.
    pub fn now(&mut self) -> LogTime {
        let next = self.last.saturating_add(1);
        self.last = if self.system { next.max(system_millis()) } else { next };
        LogTime::from_unix_millis(self.last)
    }
}

fn system_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_rise() {
        for mut clock in [Clock::system(), Clock::fixed(1_800_000_000_000)] {
            let times = [clock.now(), clock.now(), clock.now()];
            assert!(times.iter().all(|time| time.is_valid() && time.is_utc()));
            assert!(times[0] != times[1] && times[1] != times[2]);
        }
        let fixed = Clock::fixed(1_800_000_000_000).now();
        assert_eq!(fixed.to_string(), "2027-01-15T08:00:00.001Z");
    }
}
