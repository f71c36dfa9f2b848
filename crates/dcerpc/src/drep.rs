//! Data representation: how the sender of a PDU wrote its numbers.
//!
//! ```text
//! byte 0   high nibble: integers, 1 little-endian, 0 big-endian; low nibble: characters, 0 ASCII
//! byte 1   floating point, 0 IEEE
//! 2..4     reserved, 0
//! ```
//!
//! The receiver makes it right: each PDU is read in the order its own header announces. Other
//! characters than ASCII and other numbers than IEEE are refused.
//!
//! Source: C706 14.1 "Data Representation Format Label".

/// Byte order of the integers in a PDU, header fields and stub data alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DataRepresentation {
    /// Least significant byte first; what this implementation sends.
    #[default]
    LittleEndian,
    /// Most significant byte first; accepted.
    BigEndian,
}

impl DataRepresentation {
    /// Reads the label; `None` if it is not one of the two accepted ones.
    pub const fn from_bytes(label: [u8; 4]) -> Option<Self> {
        match label {
            [0x10, 0, 0, 0] => Some(Self::LittleEndian),
            [0x00, 0, 0, 0] => Some(Self::BigEndian),
            _ => None,
        }
    }

    /// The label as it stands in a header.
    pub const fn to_bytes(self) -> [u8; 4] {
        match self {
            Self::LittleEndian => [0x10, 0, 0, 0],
            Self::BigEndian => [0x00, 0, 0, 0],
        }
    }

    /// A 16-bit number from its bytes.
    pub const fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::LittleEndian => u16::from_le_bytes(bytes),
            Self::BigEndian => u16::from_be_bytes(bytes),
        }
    }

    /// A 32-bit number from its bytes.
    pub const fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::LittleEndian => u32::from_le_bytes(bytes),
            Self::BigEndian => u32::from_be_bytes(bytes),
        }
    }

    /// A 64-bit number from its bytes.
    pub const fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Self::LittleEndian => u64::from_le_bytes(bytes),
            Self::BigEndian => u64::from_be_bytes(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ascii_and_ieee_are_accepted() {
        assert_eq!(
            DataRepresentation::from_bytes([0x10, 0, 0, 0]),
            Some(DataRepresentation::LittleEndian)
        );
        assert_eq!(
            DataRepresentation::from_bytes([0, 0, 0, 0]),
            Some(DataRepresentation::BigEndian)
        );
        for label in [[0x11, 0, 0, 0], [0x10, 1, 0, 0], [0x10, 0, 1, 0], [0x20, 0, 0, 0]] {
            assert_eq!(DataRepresentation::from_bytes(label), None);
        }
    }
}
