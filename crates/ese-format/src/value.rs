//! Values: what the bytes of a column mean.
//!
//! ```text
//! Bit            1 byte, any but 0 is true      Text, LongText       text in the code page
//! UnsignedByte   1 byte                         Binary, LongBinary   bytes
//! Short, UnsignedShort              2 bytes     GUID                 16 bytes
//! Long, UnsignedLong                4 bytes     IEEESingle           4 bytes
//! Currency, LongLong, UnsignedLongLong  8 bytes IEEEDouble, DateTime 8 bytes
//! ```
//!
//! All little-endian. [`Value::to_bytes`] gives back exactly the bytes that were decoded, odd ones
//! too; bytes of a length that the type does not have become [`Value::Opaque`].
//! Source: ESE `JET_coltyp` (jethdr.w).

use alloc::borrow::Cow;

use ms_dtyp::Guid;

use crate::column::ColumnType;
use crate::text::Text;

/// A truth value as it is stored: 0 is false, every other byte is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bit(u8);

impl Bit {
    /// From the stored byte.
    pub const fn from_byte(byte: u8) -> Self {
        Self(byte)
    }

    /// The stored byte.
    pub const fn to_byte(self) -> u8 {
        self.0
    }

    /// Whether it is true.
    pub const fn is_set(self) -> bool {
        self.0 != 0
    }
}

/// As the engine stores it: 0x00 or 0xFF.
impl From<bool> for Bit {
    fn from(set: bool) -> Self {
        Self(if set { 0xFF } else { 0 })
    }
}

/// Eight bytes that the engine calls a date and does not look into.
///
/// By convention they are days since 1899-12-30 as a double; Active Directory stores seconds since
/// 1601 as an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime(u64);

impl DateTime {
    /// From the 64 bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The 64 bits.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// As days since 1899-12-30 (OLE automation date).
    pub const fn days(self) -> f64 {
        f64::from_bits(self.0)
    }

    /// As an integer.
    pub const fn integer(self) -> i64 {
        self.0.cast_signed()
    }
}

/// A typed value of a column.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A truth value.
    Bit(Bit),
    /// Unsigned, 1 byte.
    UnsignedByte(u8),
    /// Signed, 2 bytes.
    Short(i16),
    /// Signed, 4 bytes.
    Long(i32),
    /// Signed, 8 bytes; by convention ten-thousandths.
    Currency(i64),
    /// Floating-point number of 4 bytes.
    IeeeSingle(f32),
    /// Floating-point number of 8 bytes.
    IeeeDouble(f64),
    /// A date.
    DateTime(DateTime),
    /// Bytes, of both types.
    Binary(Cow<'a, [u8]>),
    /// Text, of both types.
    Text(Text<'a>),
    /// Unsigned, 4 bytes.
    UnsignedLong(u32),
    /// Signed, 8 bytes.
    LongLong(i64),
    /// A GUID.
    Guid(Guid),
    /// Unsigned, 2 bytes.
    UnsignedShort(u16),
    /// Unsigned, 8 bytes.
    UnsignedLongLong(u64),
    /// Bytes that do not fit the column's type, or whose compression or encryption is not known.
    Opaque(Cow<'a, [u8]>),
}

impl<'a> Value<'a> {
    /// What `bytes` mean in a column of type `ty` (text: in `code_page`). Never fails: what does
    /// not fit is [`Value::Opaque`].
    #[inline]
    pub fn decode(ty: ColumnType, code_page: u16, bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        let bytes = bytes.into();
        let number = match ty {
            ColumnType::Text | ColumnType::LongText => {
                return Self::Text(Text::new(bytes, code_page));
            }
            ColumnType::Binary | ColumnType::LongBinary => return Self::Binary(bytes),
            _ => decode_number(ty, &bytes),
        };
        number.unwrap_or(Self::Opaque(bytes))
    }

    /// The bytes that are stored for it; `None` for null.
    pub fn to_bytes(&self) -> Option<Cow<'_, [u8]>> {
        Some(match self {
            Self::Null => return None,
            Self::Bit(bit) => owned(&[bit.to_byte()]),
            Self::UnsignedByte(number) => owned(&[*number]),
            Self::Short(number) => owned(&number.to_le_bytes()),
            Self::Long(number) => owned(&number.to_le_bytes()),
            Self::Currency(number) | Self::LongLong(number) => owned(&number.to_le_bytes()),
            Self::IeeeSingle(number) => owned(&number.to_le_bytes()),
            Self::IeeeDouble(number) => owned(&number.to_le_bytes()),
            Self::DateTime(date) => owned(&date.to_bits().to_le_bytes()),
            Self::UnsignedLong(number) => owned(&number.to_le_bytes()),
            Self::UnsignedShort(number) => owned(&number.to_le_bytes()),
            Self::UnsignedLongLong(number) => owned(&number.to_le_bytes()),
            Self::Guid(guid) => Cow::Borrowed(guid.as_bytes()),
            Self::Binary(bytes) | Self::Opaque(bytes) => Cow::Borrowed(bytes),
            Self::Text(text) => Cow::Borrowed(text.as_bytes()),
        })
    }

    /// The number of an integer type, a date's too; `None` for other types, and for an unsigned
    /// number beyond `i64`.
    pub fn as_i64(&self) -> Option<i64> {
        Some(match self {
            Self::UnsignedByte(number) => (*number).into(),
            Self::Short(number) => (*number).into(),
            Self::UnsignedShort(number) => (*number).into(),
            Self::Long(number) => (*number).into(),
            Self::UnsignedLong(number) => (*number).into(),
            Self::Currency(number) | Self::LongLong(number) => *number,
            Self::UnsignedLongLong(number) => i64::try_from(*number).ok()?,
            Self::DateTime(date) => date.integer(),
            _ => return None,
        })
    }

    /// The text, for text types.
    pub fn as_text(&self) -> Option<&Text<'a>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The same value, which borrows nothing.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bit(bit) => Value::Bit(bit),
            Self::UnsignedByte(number) => Value::UnsignedByte(number),
            Self::Short(number) => Value::Short(number),
            Self::Long(number) => Value::Long(number),
            Self::Currency(number) => Value::Currency(number),
            Self::IeeeSingle(number) => Value::IeeeSingle(number),
            Self::IeeeDouble(number) => Value::IeeeDouble(number),
            Self::DateTime(date) => Value::DateTime(date),
            Self::Binary(bytes) => Value::Binary(Cow::Owned(bytes.into_owned())),
            Self::Text(text) => Value::Text(text.into_owned()),
            Self::UnsignedLong(number) => Value::UnsignedLong(number),
            Self::LongLong(number) => Value::LongLong(number),
            Self::Guid(guid) => Value::Guid(guid),
            Self::UnsignedShort(number) => Value::UnsignedShort(number),
            Self::UnsignedLongLong(number) => Value::UnsignedLongLong(number),
            Self::Opaque(bytes) => Value::Opaque(Cow::Owned(bytes.into_owned())),
        }
    }
}

/// A value of a type of fixed length; `None` if `bytes` have another length.
#[inline]
fn decode_number(ty: ColumnType, bytes: &[u8]) -> Option<Value<'static>> {
    Some(match ty {
        ColumnType::Bit => Value::Bit(Bit(u8::from_le_bytes(bytes.try_into().ok()?))),
        ColumnType::UnsignedByte => Value::UnsignedByte(u8::from_le_bytes(bytes.try_into().ok()?)),
        ColumnType::Short => Value::Short(i16::from_le_bytes(bytes.try_into().ok()?)),
        ColumnType::UnsignedShort => {
            Value::UnsignedShort(u16::from_le_bytes(bytes.try_into().ok()?))
        }
        ColumnType::Long => Value::Long(i32::from_le_bytes(bytes.try_into().ok()?)),
        ColumnType::UnsignedLong => Value::UnsignedLong(u32::from_le_bytes(bytes.try_into().ok()?)),
        ColumnType::IeeeSingle => Value::IeeeSingle(f32::from_le_bytes(bytes.try_into().ok()?)),
        ColumnType::Currency => Value::Currency(i64::from_le_bytes(bytes.try_into().ok()?)),
        ColumnType::LongLong => Value::LongLong(i64::from_le_bytes(bytes.try_into().ok()?)),
        ColumnType::UnsignedLongLong => {
            Value::UnsignedLongLong(u64::from_le_bytes(bytes.try_into().ok()?))
        }
        ColumnType::IeeeDouble => Value::IeeeDouble(f64::from_le_bytes(bytes.try_into().ok()?)),
        ColumnType::DateTime => {
            Value::DateTime(DateTime(u64::from_le_bytes(bytes.try_into().ok()?)))
        }
        ColumnType::Guid => Value::Guid(Guid::from_bytes(bytes.try_into().ok()?)),
        ColumnType::Binary
        | ColumnType::Text
        | ColumnType::LongBinary
        | ColumnType::LongText
        | ColumnType::Slv => return None,
    })
}

fn owned(bytes: &[u8]) -> Cow<'static, [u8]> {
    Cow::Owned(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::column::UNICODE;

    fn decode(ty: ColumnType, bytes: &[u8]) -> Value<'_> {
        Value::decode(ty, UNICODE, bytes)
    }

    fn stored(value: &Value<'_>) -> Option<Vec<u8>> {
        value.to_bytes().map(Cow::into_owned)
    }

    #[test]
    fn each_type_has_its_meaning() {
        assert_eq!(decode(ColumnType::Bit, &[0xFF]), Value::Bit(true.into()));
        assert_eq!(decode(ColumnType::Bit, &[0]), Value::Bit(false.into()));
        assert_eq!(decode(ColumnType::UnsignedByte, &[0xD5]), Value::UnsignedByte(213));
        assert_eq!(decode(ColumnType::Short, &[0xC7, 0xFA]), Value::Short(-1337));
        assert_eq!(decode(ColumnType::UnsignedShort, &[0x39, 5]), Value::UnsignedShort(1337));
        assert_eq!(decode(ColumnType::Long, &[0xFF; 4]), Value::Long(-1));
        assert_eq!(decode(ColumnType::UnsignedLong, &[0xFF; 4]), Value::UnsignedLong(u32::MAX));
        assert_eq!(decode(ColumnType::Currency, &[0xFF; 8]), Value::Currency(-1));
        assert_eq!(
            decode(ColumnType::LongLong, &[0xFE; 8]),
            Value::LongLong(-0x0101_0101_0101_0102)
        );
        let big = decode(ColumnType::UnsignedLongLong, &[0xFF; 8]);
        assert_eq!(big, Value::UnsignedLongLong(u64::MAX));
        assert_eq!(decode(ColumnType::IeeeSingle, &[0, 0, 0x80, 0x3F]), Value::IeeeSingle(1.0));
        let bytes = 40_000.5_f64.to_le_bytes();
        let date = decode(ColumnType::DateTime, &bytes);
        let Value::DateTime(date) = date else { panic!("{date:?}") };
        assert_eq!(date.days().to_bits(), 40_000.5_f64.to_bits());
        assert_eq!(DateTime::from_bits(7).integer(), 7);
        let guid = decode(ColumnType::Guid, &[1; 16]);
        assert_eq!(guid, Value::Guid(Guid::from_bytes([1; 16])));
        assert_eq!(
            decode(ColumnType::LongText, b"h\0"),
            Value::Text(Text::new(&b"h\0"[..], UNICODE))
        );
        assert!(matches!(decode(ColumnType::LongBinary, b"h"), Value::Binary(Cow::Borrowed(b"h"))));
        assert_eq!(Value::Null.to_bytes(), None);
    }

    #[test]
    fn integers_of_every_width_are_numbers() {
        for ty in [
            ColumnType::UnsignedByte,
            ColumnType::Short,
            ColumnType::UnsignedShort,
            ColumnType::Long,
            ColumnType::UnsignedLong,
            ColumnType::Currency,
            ColumnType::LongLong,
            ColumnType::UnsignedLongLong,
            ColumnType::DateTime,
        ] {
            let bytes = [7, 0, 0, 0, 0, 0, 0, 0];
            let value = decode(ty, &bytes[..ty.fixed_len().unwrap()]);
            assert_eq!(value.as_i64(), Some(7), "{ty}");
        }
        assert_eq!(Value::UnsignedLongLong(u64::MAX).as_i64(), None);
        assert_eq!(Value::Bit(true.into()).as_i64(), None);
        assert!(decode(ColumnType::Text, b"a\0").as_text().is_some_and(|text| *text == *"a"));
        assert_eq!(Value::Null.as_text(), None);
    }

    #[test]
    fn odd_bytes_of_a_truth_value_are_kept() {
        let value = decode(ColumnType::Bit, &[1]);
        assert!(matches!(value, Value::Bit(bit) if bit.is_set()));
        assert_eq!(stored(&value), Some([1].into()));
    }

    proptest! {
        #[test]
        fn bytes_of_every_type_come_back(
            ty in prop::sample::select(&ColumnType::ALL[..]),
            code_page in prop_oneof![Just(1252), Just(UNICODE)],
            bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..20),
                any::<u64>().prop_map(|bits| bits.to_le_bytes().to_vec()),
                any::<u32>().prop_map(|bits| bits.to_le_bytes().to_vec()),
            ],
        ) {
            let value = Value::decode(ty, code_page, &bytes[..]);
            prop_assert_eq!(stored(&value), Some(bytes.clone()));
            let fits = ty.fixed_len().is_none_or(|len| len == bytes.len());
            let opaque = matches!(value, Value::Opaque(_));
            prop_assert_eq!(opaque, !fits || ty == ColumnType::Slv);
            let owned = value.into_owned();
            prop_assert_eq!(stored(&owned), Some(bytes));
        }

        #[test]
        fn no_bit_of_a_number_is_lost(bits in any::<u64>(), half in any::<u32>()) {
            // Signalling not-a-numbers too.
            for ty in [ColumnType::IeeeDouble, ColumnType::DateTime] {
                let bytes: Vec<u8> = bits.to_le_bytes().into();
                prop_assert_eq!(stored(&decode(ty, &bytes)), Some(bytes.clone()));
            }
            let bytes: Vec<u8> = half.to_le_bytes().into();
            let single = stored(&decode(ColumnType::IeeeSingle, &bytes));
            prop_assert_eq!(single, Some(bytes));
        }
    }
}
