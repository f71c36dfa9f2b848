//! Text for people.

/// How text is decorated. Colour never says anything that the words do not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(super) colour: bool,
}

impl Style {
    /// All is well.
    pub(crate) fn good(self, text: &str) -> String {
        self.paint(text, "32")
    }

    /// Something is wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.paint(text, "31")
    }

    /// The title of a part.
    pub(crate) fn title(self, text: &str) -> String {
        self.paint(text, "1")
    }

    fn paint(self, text: &str, code: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A length in bytes as people read it: `3.0 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return count(bytes, "byte");
    }
    // One decimal, rounded down, without floating point.
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = "";
    for name in UNITS {
        tenths /= 1024;
        unit = name;
        if tenths < 10 * 1024 {
            break;
        }
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// `1 page`, `2 pages`.
pub(crate) fn count(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// Throughput over a time: `812 MB/s` (decimal, as disks and networks are rated).
pub(crate) fn rate(bytes: u64, time: std::time::Duration) -> String {
    let micros = time.as_micros().max(1);
    format!("{} MB/s", u128::from(bytes) / micros)
}

/// Seconds with milliseconds.
pub(crate) fn seconds(time: std::time::Duration) -> String {
    format!("{}.{:03} s", time.as_secs(), time.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn sizes_are_read_at_a_glance() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (3 << 20, "3.0 MiB"),
            ((1 << 30) + (1 << 29), "1.5 GiB"),
            (u64::MAX, "16383.9 PiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn rates_are_decimal_megabytes() {
        assert_eq!(rate(2_000_000_000, Duration::from_secs(2)), "1000 MB/s");
        assert_eq!(rate(5, Duration::ZERO), "5 MB/s");
    }
}
