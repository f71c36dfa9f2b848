//! LZ4 blocks.
//!
//! ```text
//! token   high half: literals, low half: match length - 4; 15 goes on in bytes, up to one below
//!         255
//! literals
//! u16     distance, little-endian; the last sequence ends after its literals
//! ```
//!
//! Source: the LZ4 block format description.

use super::Fault;
use super::window::copy_match;

/// Decodes `src`, which must fill `out` exactly.
pub(super) fn decompress(src: &[u8], out: &mut [u8]) -> Result<(), Fault> {
    let (mut at, mut written) = (0, 0);
    loop {
        let begin = at;
        let token = *src.get(at).ok_or(Fault::Truncated)?;
        at += 1;
        let literals = length(src, &mut at, token >> 4)?;
        let bytes = src.get(at..).and_then(|rest| rest.get(..literals)).ok_or(Fault::Truncated)?;
        let room = out.get_mut(written..).and_then(|rest| rest.get_mut(..literals));
        room.ok_or(Fault::Corrupt(begin))?.copy_from_slice(bytes);
        at += literals;
        written += literals;
        if at == src.len() {
            return if written == out.len() { Ok(()) } else { Err(Fault::Truncated) };
        }
        let word = src.get(at..).and_then(<[u8]>::first_chunk).ok_or(Fault::Truncated)?;
        let distance = usize::from(u16::from_le_bytes(*word));
        at += 2;
        let len = length(src, &mut at, token & 15)? + 4;
        if distance == 0 || distance > written || len > out.len() - written {
            return Err(Fault::Corrupt(begin));
        }
        copy_match(out, written, distance, len);
        written += len;
    }
}

fn length(src: &[u8], at: &mut usize, half: u8) -> Result<usize, Fault> {
    let mut len = usize::from(half);
    if half == 15 {
        loop {
            let byte = *src.get(*at).ok_or(Fault::Truncated)?;
            *at += 1;
            len = len.saturating_add(byte.into());
            if byte != 255 {
                break;
            }
        }
    }
    Ok(len)
}
