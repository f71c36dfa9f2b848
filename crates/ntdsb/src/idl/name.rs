//! A name or path as an argument: a `[string]` of 16-bit units.
//!
//! Stub data that encode a string correctly can still hold something that is no name: no
//! terminator, a terminator in the middle, half a surrogate pair. That is the operation's to
//! refuse, with `ERROR_INVALID_PARAMETER` in a completed call, not the runtime's with a fault; so
//! the units are kept as they came until [`Name::to_text`].

use dcerpc::ndr::{Decoder, Encoder, Error};

use super::limits::NAME_UNITS;
use crate::HResult;

/// The units of a name, terminator included.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name(Vec<u16>);

impl Name {
    /// The name with this text; a terminator is added.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.encode_utf16().chain([0]).collect())
    }

    /// The name with these units; a terminator is added.
    #[must_use]
    pub fn from_units(units: &[u16]) -> Self {
        Self(units.iter().copied().chain([0]).collect())
    }

    /// The text, without terminator.
    ///
    /// # Errors
    /// `ERROR_INVALID_PARAMETER` if it is empty, has no terminator or one in the middle, or is not
    /// UTF-16.
    pub fn to_text(&self) -> Result<String, HResult> {
        match self.0.split_last() {
            Some((0, units)) if !units.is_empty() && !units.contains(&0) => {
                String::from_utf16(units).map_err(|_| HResult::ERROR_INVALID_PARAMETER)
            }
            _ => Err(HResult::ERROR_INVALID_PARAMETER),
        }
    }

    pub(super) fn put(&self, what: &'static str, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.wide_string(what, &self.0, NAME_UNITS)
    }

    pub(super) fn get(what: &'static str, decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        decoder.wide_string(what, NAME_UNITS).map(Self)
    }
}

impl core::fmt::Debug for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Name({:?})", String::from_utf16_lossy(&self.0))
    }
}
