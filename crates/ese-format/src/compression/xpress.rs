//! XPRESS: plain LZ77, the form without Huffman codes.
//!
//! ```text
//! u32 flags, little-endian, used from bit 31 down; one flag a token:
//!   0  literal: one byte
//!   1  match: u16 w; distance = (w >> 3) + 1, length = (w & 7) + 3
//!      w & 7 = 7: a nibble follows, length = 10 + nibble
//!                 (low half of a new byte first, its high half at the next such match)
//!      nibble 15: a byte follows, length = 25 + byte
//!      byte 255:  a u16 n of at least 277 follows, length = n + 3; n = 0: a u32 n follows
//! ```
//!
//! The length in front of the stream tells the end. Source: [MS-XCA] 2.3, 2.4.

use super::Fault;
use super::window::{copy_literals, copy_match};

/// Decodes `src` until `out` is full.
pub(super) fn decompress(src: &[u8], out: &mut [u8]) -> Result<(), Fault> {
    let mut input = Input { src, at: 0, nibble: None };
    let mut written = 0;
    while written < out.len() {
        let mut flags = u32::from_le_bytes(input.take()?);
        let mut left = 32;
        while left > 0 && written < out.len() {
            // The flags that are used up have left zeros at the low end: count only what is left.
            let run = flags.leading_zeros().min(left);
            if run > 0 {
                written += input.literals(run as usize, out, written)?;
                left -= run;
                if left == 0 || written == out.len() {
                    break;
                }
                flags <<= run;
            }
            let begin = input.at;
            let word = u16::from_le_bytes(input.take()?);
            let distance = usize::from(word >> 3) + 1;
            let len = input.match_len(word & 7)?;
            if distance > written || len > out.len() - written {
                return Err(Fault::Corrupt(begin));
            }
            copy_match(out, written, distance, len);
            written += len;
            flags <<= 1;
            left -= 1;
        }
    }
    Ok(())
}

struct Input<'a> {
    src: &'a [u8],
    at: usize,
    /// The high half of the last length byte, not used yet.
    nibble: Option<u8>,
}

impl Input<'_> {
    #[inline(always)]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let rest = self.src.get(self.at..).ok_or(Fault::Truncated)?;
        let bytes = rest.first_chunk().ok_or(Fault::Truncated)?;
        self.at += N;
        Ok(*bytes)
    }

    /// Copies `run` literals, up to 32, or as many as there is room for; tells how many.
    #[inline(always)]
    fn literals(&mut self, run: usize, out: &mut [u8], written: usize) -> Result<usize, Fault> {
        let rest = self.src.get(self.at..).unwrap_or_default();
        if copy_literals(rest, out, written) {
            self.at += run;
            return Ok(run);
        }
        let room = out.get_mut(written..).unwrap_or_default();
        let run = run.min(room.len());
        let literals = rest.get(..run).ok_or(Fault::Truncated)?;
        room.get_mut(..run).unwrap_or_default().copy_from_slice(literals);
        self.at += run;
        Ok(run)
    }

    #[inline(always)]
    fn match_len(&mut self, low: u16) -> Result<usize, Fault> {
        if low < 7 {
            return Ok(usize::from(low) + 3);
        }
        let nibble = match self.nibble.take() {
            Some(high) => high,
            None => {
                let [byte] = self.take()?;
                self.nibble = Some(byte >> 4);
                byte & 15
            }
        };
        if nibble < 15 {
            return Ok(usize::from(nibble) + 10);
        }
        let [byte] = self.take()?;
        if byte < 255 {
            return Ok(usize::from(byte) + 25);
        }
        let begin = self.at;
        let len = match u16::from_le_bytes(self.take()?) {
            0 => usize::try_from(u32::from_le_bytes(self.take()?)).unwrap_or(usize::MAX),
            len => len.into(),
        };
        // Shorter ones have a shorter form.
        if len < SHORTEST_WIDE {
            return Err(Fault::Corrupt(begin));
        }
        Ok(len.saturating_add(3))
    }
}

/// What a length that is written out has at least, less 3.
const SHORTEST_WIDE: usize = 255 + 25 - 3;
