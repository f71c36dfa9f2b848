//! The results of the backup functions.
//!
//! Every function returns an `HRESULT`, but what is in it is mixed:
//!
//! | family | form | top bit |
//! |---|---|---|
//! | success | 0 | 0 |
//! | Win32 and RPC errors | the bare code, e.g. 87, not wrapped as 0x8007nnnn | 0 |
//! | backup interface errors | 0xC7FFnnnn (and `hrNyi` 0xC0000001) | 1 |
//! | engine errors | 0xC800nnnn, nnnn = -JET error | 1 |
//! | engine warnings | 0x8800nnnn, nnnn = JET warning | 1 |
//!
//! So a Win32 error looks like success to `SUCCEEDED()`, and a warning like a failure: **compare
//! with 0** ([`HResult::is_ok`]), nothing else.
//!
//! Bits: 31-30 severity (3 error, 2 warning, 1 informational, 0 success), 27-16 facility
//! (0 system, 0x7FF backup, 0x800 engine), 15-0 code.
//!
//! Source: `ntdsbmsg.h`, `winerror.h` (mingw-w64, public domain); Win32 documentation "Directory
//! backup functions".

use core::fmt;

mod backup;
mod data;
mod logging;
mod system;
mod unnamed;
mod win32;

/// A result code, as on the wire: unsigned.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HResult(pub u32);

/// What is known about one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Code {
    /// The code itself.
    pub value: HResult,
    /// The symbolic name of the header that defines it.
    pub name: &'static str,
    /// What it means, one line, no full stop.
    pub meaning: &'static str,
    /// What to do next, whole sentences; empty where nothing sensible can be said.
    pub advice: &'static str,
}

/// Which kind of code it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// 0.
    Success,
    /// A bare Win32 or RPC code.
    Win32,
    /// Facility 0x7FF, or `hrNyi`.
    Backup,
    /// An engine error: the JET number is negative.
    EngineError,
    /// An engine warning: the JET number is positive.
    EngineWarning,
    /// None of these.
    Other,
}

impl HResult {
    /// Success.
    pub const S_OK: Self = Self(0);

    /// Whether it is success. The only right test; see the module documentation.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// Success as `Ok`, everything else, warnings too, as `Err`.
    ///
    /// # Errors
    /// The code itself unless it is 0.
    pub const fn ok(self) -> Result<(), Self> {
        if self.is_ok() { Ok(()) } else { Err(self) }
    }

    /// The value as the C type `HRESULT` has it.
    #[must_use]
    pub const fn to_i32(self) -> i32 {
        self.0.cast_signed()
    }

    /// The code out of a C `HRESULT`.
    #[must_use]
    pub const fn from_i32(value: i32) -> Self {
        Self(value.cast_unsigned())
    }

    /// The kind of code.
    #[must_use]
    pub const fn family(self) -> Family {
        match (self.0, self.0 >> 16) {
            (0, _) => Family::Success,
            (1..=0xFFFF, _) => Family::Win32,
            (_, ENGINE_ERROR) => Family::EngineError,
            (_, ENGINE_WARNING) => Family::EngineWarning,
            (_, BACKUP_ERROR) | (NOT_IMPLEMENTED, _) => Family::Backup,
            _ => Family::Other,
        }
    }

    /// The code for an engine result: `-n` gives 0xC8000000 + n, `+n` 0x88000000 + n, 0 success.
    ///
    /// JET numbers have 16 bits; anything larger is a defect of the caller and gives
    /// [`HResult::HR_ERROR`].
    #[must_use]
    pub fn from_jet(jet: i32) -> Self {
        match (jet, u16::try_from(jet.unsigned_abs())) {
            (0, _) => Self::S_OK,
            (_, Err(_)) => Self::HR_ERROR,
            (..0, Ok(number)) => Self((ENGINE_ERROR << 16) | u32::from(number)),
            (_, Ok(number)) => Self((ENGINE_WARNING << 16) | u32::from(number)),
        }
    }

    /// The engine's number behind the code: the inverse of [`HResult::from_jet`].
    #[must_use]
    pub fn to_jet(self) -> Option<i32> {
        let [low0, low1, ..] = self.0.to_le_bytes();
        let number = i32::from(u16::from_le_bytes([low0, low1]));
        match self.family() {
            Family::Success => Some(0),
            Family::EngineError if number != 0 => Some(-number),
            Family::EngineWarning if number != 0 => Some(number),
            _ => None,
        }
    }

    /// The same error in its bare form: 0x8007nnnn, with which a foreign server may wrap a Win32
    /// code, becomes nnnn.
    #[must_use]
    pub const fn unwrapped(self) -> Self {
        if self.0 >> 16 == WRAPPED_WIN32 { Self(self.0 & 0xFFFF) } else { self }
    }

    /// Everything known about the code, if it is one of [`HResult::all`].
    #[must_use]
    pub fn code(self) -> Option<&'static Code> {
        Self::all().find(|code| code.value == self)
    }

    /// The symbolic name, if it has one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.code().map(|code| code.name)
    }

    /// What it means in one line, if known.
    #[must_use]
    pub fn meaning(self) -> Option<&'static str> {
        self.code().map(|code| code.meaning)
    }

    /// What to do next, if there is something sensible to say.
    #[must_use]
    pub fn advice(self) -> Option<&'static str> {
        self.code().map(|code| code.advice).filter(|advice| !advice.is_empty())
    }

    /// All known codes, each value once: those of `ntdsbmsg.h`, then the Win32 and RPC codes in
    /// use, then the engine codes that have no name in `ntdsbmsg.h`.
    pub fn all() -> impl Iterator<Item = &'static Code> {
        Self::documented().chain(win32::WIN32).chain(unnamed::UNNAMED)
    }

    /// The 187 codes of `ntdsbmsg.h`.
    pub fn documented() -> impl Iterator<Item = &'static Code> {
        backup::BACKUP.iter().chain(system::SYSTEM).chain(logging::LOGGING).chain(data::DATA)
    }
}

impl fmt::Display for HResult {
    /// `hrLogFileCorrupt (0xC80001F5): a log file is damaged`; a code without a name says its
    /// family instead.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = self.code() {
            return write!(f, "{} (0x{:08X}): {}", code.name, self.0, code.meaning);
        }
        match (self.family(), self.to_jet()) {
            (Family::Win32, _) => write!(f, "Win32 error {} (0x{:08X})", self.0, self.0),
            (_, Some(jet)) => write!(f, "JET error {jet} (0x{:08X})", self.0),
            (Family::Backup, _) => write!(f, "backup error 0x{:08X}", self.0),
            _ => write!(f, "error 0x{:08X}", self.0),
        }
    }
}

impl fmt::Debug for HResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(0x{:08X})", self.name().unwrap_or("HResult"), self.0)
    }
}

impl core::error::Error for HResult {}

const ENGINE_ERROR: u32 = 0xC800;
const ENGINE_WARNING: u32 = 0x8800;
const BACKUP_ERROR: u32 = 0xC7FF;
const WRAPPED_WIN32: u32 = 0x8007;
const NOT_IMPLEMENTED: u32 = 0xC000_0001;

/// Makes the associated constants of a family and its table out of one list:
/// `CONSTANT = value, "name", "meaning", "advice";`.
macro_rules! codes {
    ($table:ident $($constant:ident = $value:literal, $name:literal, $meaning:literal,
                    $advice:literal;)*) => {
        impl HResult {
            $(#[doc = concat!("`", $name, "`: ", $meaning, ".")]
              pub const $constant: Self = Self($value);)*
        }

        pub(super) static $table: &[Code] = &[
            $(Code {
                value: HResult::$constant,
                name: $name,
                meaning: $meaning,
                advice: $advice,
            },)*
        ];
    };
}
use codes;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_code_of_the_header_has_its_name_and_value() {
        let mut names = HashSet::new();
        for line in include_str!("../testdata/ntdsbmsg-codes.txt").lines() {
            let (name, value) = line.split_once(" 0x").unwrap();
            let value = HResult(u32::from_str_radix(value, 16).unwrap());
            assert_eq!(value.name(), Some(name));
            assert!(names.insert(name));
        }
        assert_eq!(names.len(), 187);
        assert_eq!(HResult::documented().count(), 187);
        assert!(HResult::documented().all(|code| names.contains(code.name)));
    }

    #[test]
    fn values_are_unique_and_texts_are_one_line() {
        let mut values = HashSet::new();
        for code in HResult::all() {
            assert!(values.insert(code.value), "{}", code.name);
            assert!(!code.meaning.is_empty() && !code.meaning.ends_with('.'), "{}", code.name);
            assert!(code.advice.is_empty() || code.advice.ends_with('.'), "{}", code.name);
            assert!(!code.meaning.contains('\n') && !code.advice.contains('\n'), "{}", code.name);
        }
    }

    #[test]
    fn named_engine_codes_follow_the_arithmetic_both_ways() {
        let mut engine = 0;
        for code in HResult::all() {
            let Some(jet) = code.value.to_jet().filter(|&jet| jet != 0) else { continue };
            assert_eq!(HResult::from_jet(jet), code.value, "{}", code.name);
            engine += 1;
        }
        assert_eq!(engine, 167 + 7);
        assert_eq!(HResult::from_jet(-501), HResult::HR_LOG_FILE_CORRUPT);
        assert_eq!(HResult::from_jet(558), HResult::HR_EXISTING_LOG_FILE_HAS_BAD_SIGNATURE);
        assert_eq!(HResult::from_jet(0), HResult::S_OK);
    }

    #[test]
    fn jet_numbers_beyond_16_bits_are_an_internal_failure() {
        for jet in [0x1_0000, -0x1_0000, i32::MAX, i32::MIN] {
            assert_eq!(HResult::from_jet(jet), HResult::HR_ERROR);
        }
    }

    #[test]
    fn families() {
        for (value, family) in [
            (0, Family::Success),
            (5, Family::Win32),
            (0xFFFF, Family::Win32),
            (0x1_0000, Family::Other),
            (0xC000_0001, Family::Backup),
            (0xC7FF_0011, Family::Backup),
            (0xC7FF_FFFF, Family::Backup),
            (0xC800_01F5, Family::EngineError),
            (0x8800_00C8, Family::EngineWarning),
            (0x8007_0057, Family::Other),
        ] {
            assert_eq!(HResult(value).family(), family, "{value:#x}");
        }
    }

    #[test]
    fn wrapped_win32_codes_unwrap() {
        assert_eq!(HResult(0x8007_0057).unwrapped(), HResult::ERROR_INVALID_PARAMETER);
        assert_eq!(HResult::HR_ERROR.unwrapped(), HResult::HR_ERROR);
    }

    #[test]
    fn texts_of_named_and_unnamed_codes() {
        for (value, text) in [
            (0xC800_01F5, "hrLogFileCorrupt (0xC80001F5): a log file is damaged"),
            (2, "Win32 error 2 (0x00000002)"),
            (0xC800_FFFF, "JET error -65535 (0xC800FFFF)"),
            (0x8800_0001, "JET error 1 (0x88000001)"),
            (0xC7FF_0099, "backup error 0xC7FF0099"),
            (0xFFFF_FFFF, "error 0xFFFFFFFF"),
        ] {
            assert_eq!(HResult(value).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn any_jet_number_of_16_bits_leads_back(jet in -0xFFFF..=0xFFFF) {
            prop_assert_eq!(HResult::from_jet(jet).to_jet(), Some(jet));
        }

        #[test]
        fn a_code_with_a_jet_number_leads_back(value: u32) {
            if let Some(jet) = HResult(value).to_jet() {
                prop_assert_eq!(HResult::from_jet(jet), HResult(value));
            }
        }
    }
}
