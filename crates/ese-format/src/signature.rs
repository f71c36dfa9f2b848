//! Signatures and the marks of a backup.
//!
//! ```text
//! SIGNATURE  0  4  random          BKINFO  0  8  mark, log position
//!            4  8  creation time           8  8  mark, time
//!           12 16  computer name          16  4  first generation
//!                                         20  4  last generation
//! ```
//!
//! Source: ESE `SIGNATURE`, `BKINFO` (daedef.hxx).

use core::fmt;

use crate::le::{Fixed, array, put};
use crate::{LogGeneration, LogPosition, LogTime};

/// What identifies a database, a log stream, or a flush of a header. ESE: `SIGNATURE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Signature {
    /// Random number.
    pub random: u32,
    /// When it was made.
    pub created: LogTime,
    /// NetBIOS name of the computer, zero-padded; zeros in every file of a current engine.
    pub computer: [u8; 16],
}

impl Signature {
    /// The signature that is none: all bytes zero (a database without a log stream has it).
    pub const NONE: Self = Self { random: 0, created: LogTime::UNSET, computer: [0; 16] };

    /// Whether it is [`Signature::NONE`].
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// The computer name's bytes without padding.
    pub fn computer_name(&self) -> &[u8] {
        self.computer.split(|&b| b == 0).next().unwrap_or_default()
    }
}

impl Fixed for Signature {
    const SIZE: usize = 28;

    fn read(block: &[u8], at: usize) -> Self {
        Self {
            random: Fixed::read(block, at),
            created: Fixed::read(block, at + 4),
            computer: array(block, at + 12),
        }
    }

    fn write(&self, block: &mut [u8], at: usize) {
        self.random.write(block, at);
        self.created.write(block, at + 4);
        put(block, at + 12, &self.computer);
    }
}

/// `random/creation time[/computer]`, the random number as eight hexadecimal digits.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}/{}", self.random, self.created)?;
        let name = self.computer_name();
        if !name.is_empty() {
            write!(f, "/{}", name.escape_ascii())?;
        }
        Ok(())
    }
}

/// The marks of one backup. ESE: `BKINFO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BackupInfo {
    /// End of the log when the backup began.
    pub mark: LogPosition,
    /// When it began.
    pub time: LogTime,
    /// First generation that belongs to it; 0 when there was no such backup.
    pub first_generation: LogGeneration,
    /// Last generation that belongs to it; 0 in the header of a copy whose trailer says it.
    pub last_generation: LogGeneration,
}

impl BackupInfo {
    /// Whether there was no such backup: every field is zero.
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }
}

impl Fixed for BackupInfo {
    const SIZE: usize = 24;

    fn read(block: &[u8], at: usize) -> Self {
        Self {
            mark: Fixed::read(block, at),
            time: Fixed::read(block, at + 8),
            first_generation: Fixed::read(block, at + 16),
            last_generation: Fixed::read(block, at + 20),
        }
    }

    fn write(&self, block: &mut [u8], at: usize) {
        self.mark.write(block, at);
        self.time.write(block, at + 8);
        self.first_generation.write(block, at + 16);
        self.last_generation.write(block, at + 20);
    }
}

/// `mark time gens first-last`, or `-` when there was no such backup.
impl fmt::Display for BackupInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unset() {
            return f.write_str("-");
        }
        let Self { mark, time, first_generation, last_generation } = self;
        write!(f, "{mark} {time} gens {first_generation}-{last_generation}")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn backup_marks_of_a_streaming_copy() {
        let bytes = [
            0xD1, 0x09, 0x37, 0, 4, 0, 0, 0, 0x0B, 0x23, 0x15, 0x18, 0x0B, 0x7E, 0xC5, 0x04, 1, 0,
            0, 0, 6, 0, 0, 0,
        ];
        let info = BackupInfo::read(&bytes, 0);
        assert_eq!(info.to_string(), "4:37:9d1 2026-11-24T21:35:11.354Z gens 1-6");
        let mut back = [0; 24];
        info.write(&mut back, 0);
        assert_eq!(back, bytes);
    }

    #[test]
    fn computer_name_ends_at_its_padding() {
        let mut signature = Signature { random: 0xBEEF, ..Signature::NONE };
        assert_eq!(signature.to_string(), "0000beef/-");
        signature.computer[..3].copy_from_slice(b"DC1");
        assert_eq!(signature.to_string(), "0000beef/-/DC1");
        assert!(!signature.is_none());
    }
}
