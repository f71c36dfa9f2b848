//! The difference by which a ReplaceD record turns old data into new ones.
//!
//! A row of pieces in the order of their places in the old data. Between them, and behind the last,
//! the old data stay.
//!
//! ```text
//! head     pages up to 8 KiB: 2 bytes, bits 0-12 place in the old data, 13-15 flags
//!          larger pages:      2 bytes place, 1 byte flags in bits 5-7
//! flags    1 as many old bytes go as new ones come   2 no old bytes go   4 lengths have 2 bytes
//! length   of the new bytes, 1 or 2 bytes
//! length   of the old bytes, only without flags 1 and 2
//! bytes    the new ones
//! ```
//!
//! Source: ESE `DIFFHDR`, `DIFFHDR2` (logapi.hxx), `ErrLGGetAfterImage` (logdiff.cxx).

use alloc::vec::Vec;

/// Why a difference cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// The difference ends in one of its pieces.
    #[error("difference ends at byte {at}, in a piece that needs {needed} bytes more")]
    Truncated {
        /// Where the part begins that is not there.
        at: usize,
        /// Bytes of that part.
        needed: usize,
    },
    /// A piece lies before the end of the one before it.
    #[error("piece for byte {place} of the old data comes behind byte {done}")]
    OutOfOrder {
        /// Its place.
        place: usize,
        /// Up to where the old data are used.
        done: usize,
    },
    /// A piece lies behind the old data.
    #[error("piece ends at byte {end} of old data of {len} bytes")]
    BeyondOld {
        /// Its end.
        end: usize,
        /// Bytes of the old data.
        len: usize,
    },
}

const SAME_LENGTH: u8 = 1;
const INSERT: u8 = 2;
const LONG: u8 = 4;

/// One piece of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece<'a> {
    /// Place in the old data.
    place: usize,
    /// Bytes of the old data that go.
    old_len: usize,
    /// Bytes that come in their place.
    new: &'a [u8],
}

/// Reads a difference from its beginning to its end.
struct Input<'a> {
    diff: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], DiffError> {
        let part = self.diff.get(self.at..self.at.saturating_add(len));
        let part = part.ok_or(DiffError::Truncated { at: self.at, needed: len })?;
        self.at += len;
        Ok(part)
    }

    fn number(&mut self, long: bool) -> Result<usize, DiffError> {
        Ok(match *self.take(if long { 2 } else { 1 })? {
            [low, high] => usize::from(u16::from_le_bytes([low, high])),
            [byte] => usize::from(byte),
            _ => 0,
        })
    }

    fn piece(&mut self, wide: bool) -> Result<Piece<'a>, DiffError> {
        let head = self.number(true)?;
        let (place, flags) =
            if wide { (head, self.number(false)? >> 5) } else { (head & 0x1FFF, head >> 13) };
        let has = |flag: u8| flags & usize::from(flag) != 0;
        let len = self.number(has(LONG))?;
        let old_len = if has(INSERT) {
            0
        } else if has(SAME_LENGTH) {
            len
        } else {
            self.number(has(LONG))?
        };
        Ok(Piece { place, old_len, new: self.take(len)? })
    }
}

/// Appends to `out` what `diff` makes of `old`; `wide` is the form for pages above 8 KiB.
///
/// On an error `out` is as it was. The result is never longer than `old` and `diff` together.
pub fn apply(old: &[u8], diff: &[u8], wide: bool, out: &mut Vec<u8>) -> Result<(), DiffError> {
    let start = out.len();
    let result = append(old, diff, wide, out);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn append(old: &[u8], diff: &[u8], wide: bool, out: &mut Vec<u8>) -> Result<(), DiffError> {
    let mut input = Input { diff, at: 0 };
    let mut done = 0;
    while input.at < diff.len() {
        let Piece { place, old_len, new } = input.piece(wide)?;
        let end = place.saturating_add(old_len);
        if place < done {
            return Err(DiffError::OutOfOrder { place, done });
        }
        let kept = old.get(done..place).filter(|_| end <= old.len());
        out.extend_from_slice(kept.ok_or(DiffError::BeyondOld { end, len: old.len() })?);
        out.extend_from_slice(new);
        done = end;
    }
    out.extend_from_slice(old.get(done..).unwrap_or_default());
    Ok(())
}

/// Equal bytes between two changes that are not worth a piece of their own.
const GAP: usize = 5;

/// The difference between `old` and `new`, if there is one that is shorter than `new`.
///
/// Not the one that the engine makes, which looks at the columns: data of the same length get a
/// piece for each changed place, others one piece for everything between the first and the last.
pub fn build(old: &[u8], new: &[u8], wide: bool) -> Option<Vec<u8>> {
    let equal_ends =
        |a: &mut dyn Iterator<Item = (&u8, &u8)>| a.take_while(|(x, y)| x == y).count();
    let mut diff = Vec::new();
    if old.len() == new.len() {
        let mut at = 0;
        while at < new.len() {
            at += equal_ends(&mut old.get(at..)?.iter().zip(new.get(at..)?));
            let len = changed_len(old.get(at..)?, new.get(at..)?);
            if len != 0 {
                let piece = Piece { place: at, old_len: len, new: new.get(at..at + len)? };
                write(piece, wide, &mut diff)?;
            }
            at += len;
        }
    } else {
        let front = equal_ends(&mut old.iter().zip(new));
        let (old, new) = (old.get(front..)?, new.get(front..)?);
        let back = equal_ends(&mut old.iter().rev().zip(new.iter().rev()));
        let (old_len, new) = (old.len() - back, new.get(..new.len() - back)?);
        write(Piece { place: front, old_len, new }, wide, &mut diff)?;
    }
    (diff.len() < new.len()).then_some(diff)
}

/// Bytes up to the end of the change that both begin with, short equal stretches included.
fn changed_len(old: &[u8], new: &[u8]) -> usize {
    let mut end = 0;
    for (at, (a, b)) in old.iter().zip(new).enumerate() {
        if a != b {
            end = at + 1;
        } else if at - end >= GAP {
            break;
        }
    }
    end
}

/// Appends a piece; none if it cannot be written in this form.
fn write(piece: Piece<'_>, wide: bool, diff: &mut Vec<u8>) -> Option<()> {
    let Piece { place, old_len, new } = piece;
    let place = u16::try_from(place).ok().filter(|&place| wide || place <= 0x1FFF)?;
    let (old_len, new_len) = (u16::try_from(old_len).ok()?, u16::try_from(new.len()).ok()?);
    let mut flags = match old_len {
        0 => INSERT,
        len if len == new_len => SAME_LENGTH,
        _ => 0,
    };
    let short = u8::try_from(old_len.max(new_len)).is_ok();
    if !short {
        flags |= LONG;
    }
    if wide {
        diff.extend_from_slice(&place.to_le_bytes());
        diff.push(flags << 5);
    } else {
        diff.extend_from_slice(&(place | u16::from(flags) << 13).to_le_bytes());
    }
    let mut number = |value: u16| {
        let bytes = value.to_le_bytes();
        diff.extend_from_slice(bytes.get(..if short { 1 } else { 2 }).unwrap_or_default());
    };
    number(new_len);
    if flags & (SAME_LENGTH | INSERT) == 0 {
        number(old_len);
    }
    diff.extend_from_slice(new);
    Some(())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn applied(old: &[u8], diff: &[u8], wide: bool) -> Result<Vec<u8>, DiffError> {
        let mut out = Vec::new();
        apply(old, diff, wide, &mut out).map(|()| out)
    }

    #[test]
    fn each_form_of_a_piece_is_applied() {
        let old = b"abcdefgh";
        let case = |diff: &[u8], wide| applied(old, diff, wide).unwrap();
        assert_eq!(case(&[2, 0x20, 2, b'X', b'Y'], false), b"abXYefgh");
        assert_eq!(case(&[2, 0x40, 2, b'X', b'Y'], false), b"abXYcdefgh");
        assert_eq!(case(&[2, 0, 1, 3, b'X'], false), b"abXfgh");
        assert_eq!(case(&[2, 0, 0, 3], false), b"abfgh");
        assert_eq!(case(&[2, 0x80, 1, 0, 3, 0, b'X'], false), b"abXfgh");
        assert_eq!(case(&[2, 0, 0x20, 2, b'X', b'Y'], true), b"abXYefgh");
        assert_eq!(case(&[2, 0, 0xC0, 1, 0, b'X'], true), b"abXcdefgh");
        assert_eq!(case(&[0, 0x20, 1, b'X', 8, 0x40, 1, b'Y'], false), b"XbcdefghY");
        assert_eq!(case(&[], false), old);
    }

    #[test]
    fn wrong_pieces_are_refused_and_leave_nothing() {
        let case = |diff: &[u8]| {
            let mut out = vec![7];
            let error = apply(b"abcd", diff, false, &mut out).unwrap_err();
            assert_eq!(out, [7]);
            error
        };
        assert_eq!(case(&[2]), DiffError::Truncated { at: 0, needed: 2 });
        assert_eq!(case(&[2, 0x20, 2, 1]), DiffError::Truncated { at: 3, needed: 2 });
        assert_eq!(case(&[5, 0x40, 0]), DiffError::BeyondOld { end: 5, len: 4 });
        assert_eq!(case(&[3, 0x20, 2, 1, 1]), DiffError::BeyondOld { end: 5, len: 4 });
        let twice = [2, 0x20, 1, 1, 1, 0x20, 1, 1];
        assert_eq!(case(&twice), DiffError::OutOfOrder { place: 1, done: 3 });
    }

    #[test]
    fn places_that_do_not_fit_have_no_difference() {
        let mut new = vec![0; 0x3000];
        let old = new.clone();
        new[0x2FFF] = 1;
        assert_eq!(build(&old, &new, false), None);
        assert_eq!(build(&old, &new, true), Some(vec![0xFF, 0x2F, 0x20, 1, 1]));
    }

    proptest! {
        #[test]
        fn built_difference_gives_the_new_data(
            old in proptest::collection::vec(0u8..4, 0..600),
            edits in proptest::collection::vec((any::<u16>(), 0usize..300, 0usize..300), 0..4),
            wide: bool,
        ) {
            let mut new = old.clone();
            for (place, gone, come) in edits {
                let at = usize::from(place) % (new.len() + 1);
                let end = (at + gone).min(new.len());
                new.splice(at..end, vec![9; come]);
            }
            if let Some(diff) = build(&old, &new, wide) {
                prop_assert!(diff.len() < new.len());
                prop_assert_eq!(applied(&old, &diff, wide), Ok(new));
            }
        }

        #[test]
        fn data_of_the_same_length_always_have_one(
            old in proptest::collection::vec(any::<u8>(), 8..600), place: u16, value: u8,
        ) {
            let mut new = old.clone();
            let at = usize::from(place) % new.len();
            new[at] = value;
            let diff = build(&old, &new, false).unwrap();
            prop_assert_eq!(applied(&old, &diff, false), Ok(new));
        }

        #[test]
        fn any_difference_is_applied_or_refused(
            old in proptest::collection::vec(any::<u8>(), 0..100),
            diff in proptest::collection::vec(0u8..0x60, 0..200),
            wide: bool,
        ) {
            if let Ok(new) = applied(&old, &diff, wide) {
                prop_assert!(new.len() <= old.len() + diff.len());
            }
        }
    }
}
