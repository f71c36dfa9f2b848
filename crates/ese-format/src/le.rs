//! Little-endian fields at fixed offsets of a block.
//!
//! The callers check the block's length once; a field that would lie outside reads as zero and is
//! not written, so that no offset can panic.

/// The `N` bytes at `at`.
#[inline(always)]
pub(crate) fn array<const N: usize>(block: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    if let Some(source) = block.get(at..at.saturating_add(N)) {
        out.copy_from_slice(source);
    }
    out
}

/// The `u16` at `at`.
pub(crate) fn u16_at(block: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(block, at))
}

/// The `u32` at `at`.
pub(crate) fn u32_at(block: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(block, at))
}

/// The `u64` at `at`.
#[inline(always)]
pub(crate) fn u64_at(block: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(block, at))
}

/// Writes `bytes` at `at`.
pub(crate) fn put(block: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(target) = block.get_mut(at..at.saturating_add(bytes.len())) {
        target.copy_from_slice(bytes);
    }
}

/// A value with a fixed size in a structure.
pub(crate) trait Fixed: Sized {
    /// Bytes it takes.
    const SIZE: usize;
    /// Reads it at `at`.
    fn read(block: &[u8], at: usize) -> Self;
    /// Writes it at `at`.
    fn write(&self, block: &mut [u8], at: usize);
}

macro_rules! fixed_integer {
    ($($integer:ty),*) => {$(
        impl Fixed for $integer {
            const SIZE: usize = size_of::<$integer>();
            fn read(block: &[u8], at: usize) -> Self {
                Self::from_le_bytes(array(block, at))
            }
            fn write(&self, block: &mut [u8], at: usize) {
                put(block, at, &self.to_le_bytes());
            }
        }
    )*};
}

fixed_integer!(u8, u16, u32, u64, i16, i32, i64);

/// Lets a newtype over an integer be a field.
macro_rules! fixed_newtype {
    ($($name:ident($integer:ty)),* $(,)?) => {$(
        impl $crate::le::Fixed for $name {
            const SIZE: usize = size_of::<$integer>();
            fn read(block: &[u8], at: usize) -> Self {
                Self(<$integer as $crate::le::Fixed>::read(block, at))
            }
            fn write(&self, block: &mut [u8], at: usize) {
                $crate::le::Fixed::write(&self.0, block, at);
            }
        }
    )*};
}

pub(crate) use fixed_newtype;
