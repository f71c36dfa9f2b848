//! GUID, also called UUID.
//!
//! | offset | size | field | byte order |
//! |---|---|---|---|
//! | 0 | 4 | data1, RFC 4122 `time_low` | little-endian |
//! | 4 | 2 | data2, `time_mid` | little-endian |
//! | 6 | 2 | data3, `time_hi_and_version` | little-endian |
//! | 8 | 8 | data4, `clock_seq` and `node` | as they are |
//!
//! The text form writes every field as a big-endian number, so the first eight bytes of the
//! layout read backwards in it.
//!
//! Source: [MS-DTYP] 2.3.4.2 (packet representation), RFC 4122 section 3 (text form), 4.4 (v4).

use core::error::Error;
use core::fmt;
use core::str::FromStr;

/// A GUID, kept as the 16 bytes of its little-endian wire layout.
///
/// The order of `Ord` is that of the bytes; it has no meaning beyond being total.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid([u8; 16]);

impl Guid {
    /// All bits zero: "no object".
    pub const NIL: Self = Self([0; 16]);

    /// Takes the 16 bytes of the little-endian wire layout.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes of the little-endian wire layout.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The same bytes, borrowed.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Puts a GUID together from its four fields.
    #[must_use]
    pub const fn from_fields(data1: u32, data2: u16, data3: u16, data4: [u8; 8]) -> Self {
        let [a0, a1, a2, a3] = data1.to_le_bytes();
        let [b0, b1] = data2.to_le_bytes();
        let [c0, c1] = data3.to_le_bytes();
        let [d0, d1, d2, d3, d4, d5, d6, d7] = data4;
        Self([a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, d2, d3, d4, d5, d6, d7])
    }

    /// The four fields: `(data1, data2, data3, data4)`.
    #[must_use]
    pub const fn fields(&self) -> (u32, u16, u16, [u8; 8]) {
        let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, d2, d3, d4, d5, d6, d7] = self.0;
        (
            u32::from_le_bytes([a0, a1, a2, a3]),
            u16::from_le_bytes([b0, b1]),
            u16::from_le_bytes([c0, c1]),
            [d0, d1, d2, d3, d4, d5, d6, d7],
        )
    }

    /// A version 4 (random) GUID out of 16 random bytes, of which six bits are overwritten.
    #[must_use]
    pub const fn random(random: [u8; 16]) -> Self {
        let mut bytes = random;
        bytes[7] = (bytes[7] & 0x0F) | 0x40;
        bytes[8] = (bytes[8] & 0x3F) | 0x80;
        Self(bytes)
    }

    /// Whether all bits are zero.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        *self == Self::NIL
    }
}

impl fmt::Display for Guid {
    /// The canonical form, lower case, without braces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (data1, data2, data3, [d0, d1, d2, d3, d4, d5, d6, d7]) = self.fields();
        write!(
            f,
            "{data1:08x}-{data2:04x}-{data3:04x}-{d0:02x}{d1:02x}-\
             {d2:02x}{d3:02x}{d4:02x}{d5:02x}{d6:02x}{d7:02x}"
        )
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guid({self})")
    }
}

/// The text is not a GUID in canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseGuidError;

impl fmt::Display for ParseGuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a GUID: expected xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx in hexadecimal")
    }
}

impl Error for ParseGuidError {}

impl FromStr for Guid {
    type Err = ParseGuidError;

    /// Reads the canonical form in either case, with or without braces around it.
    fn from_str(text: &str) -> Result<Self, ParseGuidError> {
        let bare = match text.strip_prefix('{') {
            Some(rest) => rest.strip_suffix('}').ok_or(ParseGuidError)?,
            None => text,
        };
        let mut groups = bare.split('-');
        let mut next = |digits: usize| -> Result<u64, ParseGuidError> {
            let group = groups.next().ok_or(ParseGuidError)?;
            if group.len() != digits || !group.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(ParseGuidError);
            }
            u64::from_str_radix(group, 16).map_err(|_| ParseGuidError)
        };
        let data1 = u32::try_from(next(8)?).map_err(|_| ParseGuidError)?;
        let data2 = u16::try_from(next(4)?).map_err(|_| ParseGuidError)?;
        let data3 = u16::try_from(next(4)?).map_err(|_| ParseGuidError)?;
        let data4 = (next(4)? << 48) | next(12)?;
        if groups.next().is_some() {
            return Err(ParseGuidError);
        }
        Ok(Self::from_fields(data1, data2, data3, data4.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    const BACKUP: Guid = Guid::from_fields(
        0xecec_0d70,
        0xa603,
        0x11d0,
        [0x96, 0xb1, 0, 0xa0, 0xc9, 0x1e, 0xce, 0x30],
    );

    #[test]
    fn text_and_wire_layout_of_a_known_guid() {
        assert_eq!(BACKUP.to_string(), "ecec0d70-a603-11d0-96b1-00a0c91ece30");
        assert_eq!(
            BACKUP.to_bytes(),
            [
                0x70, 0x0d, 0xec, 0xec, 0x03, 0xa6, 0xd0, 0x11, 0x96, 0xb1, 0x00, 0xa0, 0xc9, 0x1e,
                0xce, 0x30
            ]
        );
        assert_eq!("{ECEC0D70-A603-11D0-96B1-00A0C91ECE30}".parse(), Ok(BACKUP));
    }

    #[test]
    fn random_guid_is_version_4_variant_1() {
        let text = Guid::random([0xFF; 16]).to_string();
        assert_eq!(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(Guid::random([0; 16]).to_string(), "00000000-0000-4000-8000-000000000000");
    }

    #[test]
    fn malformed_text_is_refused() {
        for text in [
            "",
            "ecec0d70",
            "ecec0d70-a603-11d0-96b1-00a0c91ece3",
            "ecec0d70-a603-11d0-96b1-00a0c91ece300",
            "ecec0d70-a603-11d0-96b1-00a0c91ece30-",
            "{ecec0d70-a603-11d0-96b1-00a0c91ece30",
            "+cec0d70-a603-11d0-96b1-00a0c91ece30",
            "ecec0d70a60311d096b100a0c91ece30",
        ] {
            assert_eq!(text.parse::<Guid>(), Err(ParseGuidError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_fields_lead_back(bytes: [u8; 16]) {
            let guid = Guid::from_bytes(bytes);
            prop_assert_eq!(guid.to_string().parse(), Ok(guid));
            prop_assert_eq!(format!("{{{guid}}}").to_uppercase().parse(), Ok(guid));
            let (data1, data2, data3, data4) = guid.fields();
            prop_assert_eq!(Guid::from_fields(data1, data2, data3, data4), guid);
        }

        #[test]
        fn parsing_never_panics(text: std::string::String) {
            let _ = text.parse::<Guid>();
        }
    }
}
