//! Reading stub data.

use alloc::vec::Vec;
use core::ops::Range;

use ms_dtyp::Guid;

use super::Error;
use crate::context_handle::ContextHandle;
use crate::drep::DataRepresentation;

/// A place in stub data that moves forward. Every method skips to the alignment of what it reads.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    stub: &'a [u8],
    at: usize,
    drep: DataRepresentation,
}

impl<'a> Decoder<'a> {
    /// Begins at the first byte of `stub`, whose sender announced `drep`.
    #[must_use]
    pub const fn new(stub: &'a [u8], drep: DataRepresentation) -> Self {
        Self { stub, at: 0, drep }
    }

    /// The offset of the next byte.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Skips to a multiple of `alignment` bytes. The bytes skipped may have any value.
    pub fn align(&mut self, alignment: usize) {
        // May step past the end; the next read then finds nothing there.
        self.at = self.at.next_multiple_of(alignment);
    }

    /// A `small` or `byte`.
    ///
    /// # Errors
    /// [`Error::Truncated`].
    pub fn u8(&mut self, what: &'static str) -> Result<u8, Error> {
        let [byte] = self.array(what)?;
        Ok(byte)
    }

    /// A `short`.
    ///
    /// # Errors
    /// [`Error::Truncated`].
    pub fn u16(&mut self, what: &'static str) -> Result<u16, Error> {
        self.align(2);
        Ok(self.drep.u16(self.array(what)?))
    }

    /// A `long`.
    ///
    /// # Errors
    /// [`Error::Truncated`].
    pub fn u32(&mut self, what: &'static str) -> Result<u32, Error> {
        self.align(4);
        Ok(self.drep.u32(self.array(what)?))
    }

    /// A `hyper`.
    ///
    /// # Errors
    /// [`Error::Truncated`].
    pub fn u64(&mut self, what: &'static str) -> Result<u64, Error> {
        self.align(8);
        Ok(self.drep.u64(self.array(what)?))
    }

    /// A `long` with `[range(0, limit)]`.
    ///
    /// # Errors
    /// [`Error::OutOfRange`], [`Error::Truncated`].
    pub fn u32_at_most(&mut self, what: &'static str, limit: u32) -> Result<u32, Error> {
        let value = self.u32(what)?;
        if value > limit {
            return Err(Error::OutOfRange { what, at: self.at.saturating_sub(4), value, limit });
        }
        Ok(value)
    }

    /// A count that another argument determines: it must be `expected`.
    ///
    /// # Errors
    /// [`Error::Mismatch`], [`Error::Truncated`].
    pub fn u32_equal(&mut self, what: &'static str, expected: u32) -> Result<(), Error> {
        let found = self.u32(what)?;
        if found != expected {
            return Err(Error::Mismatch { what, at: self.at.saturating_sub(4), found, expected });
        }
        Ok(())
    }

    /// A GUID as a structure of long, short, short and eight bytes.
    ///
    /// # Errors
    /// [`Error::Truncated`].
    pub fn guid(&mut self, what: &'static str) -> Result<Guid, Error> {
        Ok(Guid::from_fields(self.u32(what)?, self.u16(what)?, self.u16(what)?, self.array(what)?))
    }

    /// A context handle; any attributes are passed on, since the table that looks the handle up
    /// decides about them.
    ///
    /// # Errors
    /// [`Error::Truncated`].
    pub fn context_handle(&mut self, what: &'static str) -> Result<ContextHandle, Error> {
        Ok(ContextHandle { attributes: self.u32(what)?, uuid: self.guid(what)? })
    }

    /// A unique or embedded pointer: whether there is a pointee.
    ///
    /// # Errors
    /// [`Error::Truncated`].
    pub fn unique_pointer(&mut self, what: &'static str) -> Result<bool, Error> {
        Ok(self.u32(what)? != 0)
    }

    /// A conformant array of bytes whose `size_is` argument was `size`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the maximum count is not `size`; [`Error::Truncated`].
    pub fn conformant_bytes(&mut self, what: &'static str, size: u32) -> Result<&'a [u8], Error> {
        self.u32_equal(what, size)?;
        self.take(what, u64::from(size))
    }

    /// A conformant array of 16-bit units whose `size_is` argument was `size`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the maximum count is not `size`; [`Error::Truncated`].
    pub fn conformant_units(&mut self, what: &'static str, size: u32) -> Result<Vec<u16>, Error> {
        self.u32_equal(what, size)?;
        self.units(what, size)
    }

    /// A conformant varying array of bytes with `size_is(size)` and `length_is(length)`: where in
    /// the stub its elements lie. Nothing is copied.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if a count is not as the arguments say or the offset is not 0;
    /// [`Error::OutOfRange`] if `length` exceeds `size`; [`Error::Truncated`].
    pub fn varying_bytes(
        &mut self,
        what: &'static str,
        size: u32,
        length: u32,
    ) -> Result<Range<usize>, Error> {
        self.u32_equal(what, size)?;
        self.u32_equal(what, 0)?;
        self.u32_equal(what, length)?;
        if length > size {
            return Err(Error::OutOfRange { what, at: self.at, value: length, limit: size });
        }
        let start = self.at;
        self.take(what, u64::from(length))?;
        Ok(start..self.at)
    }

    /// A `[string]` of 16-bit units, as many as were sent: whether it ends with a terminator, and
    /// with only one, is for the caller to see.
    ///
    /// # Errors
    /// [`Error::InvalidBound`] above `limit` units, terminator included; [`Error::Mismatch`] if
    /// the offset is not 0; [`Error::OutOfRange`] if the actual count exceeds the maximum;
    /// [`Error::Truncated`].
    pub fn wide_string(&mut self, what: &'static str, limit: u32) -> Result<Vec<u16>, Error> {
        let maximum = self.u32(what)?;
        let at = self.at.saturating_sub(4);
        if maximum > limit {
            return Err(Error::InvalidBound { what, at, count: maximum, limit });
        }
        self.u32_equal(what, 0)?;
        let actual = self.u32_at_most(what, maximum)?;
        self.units(what, actual)
    }

    fn units(&mut self, what: &'static str, count: u32) -> Result<Vec<u16>, Error> {
        let bytes = self.take(what, u64::from(count) * 2)?;
        let (pairs, _) = bytes.as_chunks::<2>();
        Ok(pairs.iter().map(|&pair| self.drep.u16(pair)).collect())
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Error> {
        let truncated = self.truncated(what, N as u64);
        let (array, _) =
            self.stub.get(self.at..).and_then(<[u8]>::split_first_chunk).ok_or(truncated)?;
        self.at += N;
        Ok(*array)
    }

    fn take(&mut self, what: &'static str, count: u64) -> Result<&'a [u8], Error> {
        let truncated = self.truncated(what, count);
        let length = usize::try_from(count).map_err(|_| truncated)?;
        let end = self.at.checked_add(length).ok_or(truncated)?;
        let bytes = self.stub.get(self.at..end).ok_or(truncated)?;
        self.at = end;
        Ok(bytes)
    }

    fn truncated(&self, what: &'static str, needed: u64) -> Error {
        let available = self.stub.len().saturating_sub(self.at);
        Error::Truncated { what, at: self.at, needed, available }
    }
}
