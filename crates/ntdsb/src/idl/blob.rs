//! A token as an argument: `DSB_BLOB`.
//!
//! ```text
//! cb       u32       bytes
//! pb       pointer   conformant array of cb bytes
//! ```

use dcerpc::ndr::{Decoder, Encoder, Error};

use super::limits::BLOB_BYTES;

/// Writes a blob; one without bytes as a NULL pointer.
pub(super) fn put(encoder: &mut Encoder, blob: &[u8]) -> Result<(), Error> {
    let count = u32::try_from(blob.len())
        .ok()
        .filter(|&count| count <= BLOB_BYTES)
        .ok_or(Error::TooLong { what: "token", count: blob.len(), limit: BLOB_BYTES })?;
    encoder.u32(count);
    encoder.unique_pointer(count != 0);
    if count != 0 {
        encoder.conformant_bytes("token", blob, BLOB_BYTES)?;
    }
    Ok(())
}

/// Reads a blob; a NULL pointer as one without bytes.
pub(super) fn get(decoder: &mut Decoder<'_>) -> Result<Vec<u8>, Error> {
    let count = decoder.u32_at_most("length of the token", BLOB_BYTES)?;
    let at = decoder.position();
    if decoder.unique_pointer("token")? {
        decoder.conformant_bytes("token", count).map(<[u8]>::to_vec)
    } else if count == 0 {
        Ok(Vec::new())
    } else {
        Err(Error::Mismatch { what: "length of a NULL token", at, found: count, expected: 0 })
    }
}
