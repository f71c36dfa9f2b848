//! A list of names as an argument: `DSB_MULTISZ`.
//!
//! ```text
//! cch      u32       16-bit units, all terminators included
//! pch      pointer   conformant array of cch units
//! ```
//!
//! What the units mean is [`crate::multi_sz`]'s matter.

use dcerpc::ndr::{Decoder, Encoder, Error};

use super::limits::LIST_UNITS;

/// The units of a list, all terminators included; none at all stands for a NULL pointer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MultiSz(pub Vec<u16>);

// The structure comes first, its pointee when the enclosing construction is complete. Here both
// follow each other, since no operation has the structure inside another one.
impl MultiSz {
    pub(super) fn put(&self, encoder: &mut Encoder) -> Result<(), Error> {
        let count = u32::try_from(self.0.len())
            .ok()
            .filter(|&count| count <= LIST_UNITS)
            .ok_or(Error::TooLong { what: "list", count: self.0.len(), limit: LIST_UNITS })?;
        encoder.u32(count);
        encoder.unique_pointer(count != 0);
        if count != 0 {
            encoder.conformant_units("list", &self.0, LIST_UNITS)?;
        }
        Ok(())
    }

    pub(super) fn get(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        let count = decoder.u32_at_most("length of the list", LIST_UNITS)?;
        let at = decoder.position();
        if decoder.unique_pointer("list")? {
            decoder.conformant_units("list", count).map(Self)
        } else if count == 0 {
            Ok(Self::default())
        } else {
            Err(Error::Mismatch { what: "length of a NULL list", at, found: count, expected: 0 })
        }
    }
}
