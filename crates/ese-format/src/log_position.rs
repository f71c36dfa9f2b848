//! Positions in the log.
//!
//! ```text
//! 0  2  ib           byte in the sector
//! 2  2  isec         sector, counted from the beginning of the file, header included
//! 4  4  lGeneration  number of the log file
//! ```
//!
//! In this order the eight bytes, read as one little-endian number, compare as positions do.
//! Source: ESE `LGPOS` (daedef.hxx).

use core::fmt;
use core::str::FromStr;

use crate::le::{Fixed, fixed_newtype};

/// Number of a log file in its stream; generations begin with 1, and 0 is "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogGeneration(pub u32);

impl LogGeneration {
    /// The highest generation of normal work. ESE: `lGenerationMax`.
    pub const MAX: Self = Self(0x7FFF_F800);

    /// The following generation.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Hexadecimal without prefix, as in the names of log files.
impl fmt::Display for LogGeneration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

fixed_newtype!(LogGeneration(u32));

/// A place in the log stream: generation, sector, byte. ESE: `LGPOS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogPosition {
    /// Log file.
    pub generation: LogGeneration,
    /// Sector of the file, header included.
    pub sector: u16,
    /// Byte in the sector.
    pub byte: u16,
}

impl LogPosition {
    /// The unset position. ESE: `lgposMin`.
    pub const UNSET: Self = Self { generation: LogGeneration(0), sector: 0, byte: 0 };

    /// Whether it is the unset position.
    pub fn is_unset(self) -> bool {
        self == Self::UNSET
    }
}

impl Fixed for LogPosition {
    const SIZE: usize = 8;

    fn read(block: &[u8], at: usize) -> Self {
        Self {
            byte: Fixed::read(block, at),
            sector: Fixed::read(block, at + 2),
            generation: Fixed::read(block, at + 4),
        }
    }

    fn write(&self, block: &mut [u8], at: usize) {
        self.byte.write(block, at);
        self.sector.write(block, at + 2);
        self.generation.write(block, at + 4);
    }
}

/// `generation:sector:byte`, hexadecimal.
impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:x}:{:x}", self.generation, self.sector, self.byte)
    }
}

/// Text that is no log position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a log position: expected generation:sector:byte in hexadecimal")]
pub struct ParseLogPositionError;

impl FromStr for LogPosition {
    type Err = ParseLogPositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let mut part = || parts.next().ok_or(ParseLogPositionError);
        let generation = u32::from_str_radix(part()?, 16).map_err(|_| ParseLogPositionError)?;
        let sector = u16::from_str_radix(part()?, 16).map_err(|_| ParseLogPositionError)?;
        let byte = u16::from_str_radix(part()?, 16).map_err(|_| ParseLogPositionError)?;
        if parts.next().is_some() {
            return Err(ParseLogPositionError);
        }
        Ok(Self { generation: LogGeneration(generation), sector, byte })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn bytes_are_byte_sector_generation() {
        let bytes = [0xD1, 0x09, 0x37, 0x00, 0x04, 0, 0, 0];
        let position = LogPosition::read(&bytes, 0);
        assert_eq!(position.to_string(), "4:37:9d1");
        let mut back = [0; 8];
        position.write(&mut back, 0);
        assert_eq!(back, bytes);
    }

    #[test]
    fn order_is_generation_then_sector_then_byte() {
        let position = |text: &str| text.parse::<LogPosition>().unwrap();
        assert!(position("1:2:3") < position("2:0:0"));
        assert!(position("2:1:ffff") < position("2:2:0"));
        assert_eq!(position("4:37:9d1").to_string(), "4:37:9d1");
    }

    #[test]
    fn text_of_another_form_is_refused() {
        for text in ["", "1:2", "1:2:3:4", "x:1:1", "1:10000:0"] {
            assert_eq!(text.parse::<LogPosition>(), Err(ParseLogPositionError), "{text}");
        }
    }
}
