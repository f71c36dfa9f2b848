//! Copies within the output of a decoder: matches, and short runs of literals.
//!
//! Most copies are a few bytes long, so they are done in whole steps of 8, 16 or 32 bytes, which
//! may write beyond their end: what is behind is decoded later and overwrites it. Near the end of
//! the output, where there is no room for that, bytes are counted.

/// Copies `len` bytes that begin `distance` before `at` to `at`; they may overlap, so that a short
/// pattern repeats. Nothing happens unless 0 < `distance` <= `at` and `at + len` is within `out`.
#[inline(always)]
pub(super) fn copy_match(out: &mut [u8], at: usize, distance: usize, len: usize) {
    let Some(from) = at.checked_sub(distance).filter(|from| *from < at) else {
        return;
    };
    let has_room = out.len().saturating_sub(at) >= len.saturating_add(STEP);
    if !has_room {
        copy_exactly(out, from, at, len);
    } else if distance >= STEP {
        for done in (0..len).step_by(STEP) {
            copy_step::<STEP>(out, from + done, at + done);
        }
    } else {
        copy_pattern(out, from, at, len);
    }
}

/// Copies a run of `len` literals, at most [`LITERALS`], to `at`. False if there is no room for a
/// whole step; then nothing is copied.
#[inline(always)]
pub(super) fn copy_literals(src: &[u8], out: &mut [u8], at: usize) -> bool {
    let room = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<LITERALS>);
    match (src.first_chunk::<LITERALS>(), room) {
        (Some(literals), Some(room)) => {
            *room = *literals;
            true
        }
        _ => false,
    }
}

/// Longest run of literals of [`copy_literals`].
pub(super) const LITERALS: usize = 32;

const STEP: usize = 16;

#[inline(always)]
fn copy_step<const N: usize>(out: &mut [u8], from: usize, to: usize) {
    let chunk = out.get(from..).and_then(<[u8]>::first_chunk::<N>).copied();
    let room = out.get_mut(to..).and_then(<[u8]>::first_chunk_mut::<N>);
    if let (Some(chunk), Some(room)) = (chunk, room) {
        *room = chunk;
    }
}

/// Repeats the fewer than [`STEP`] bytes from `from` to `at`; there is room for a step more.
fn copy_pattern(out: &mut [u8], from: usize, at: usize, len: usize) {
    let distance = at - from;
    let mut step = [0; STEP];
    let pattern = out.get(from..at).unwrap_or_default();
    for (to, byte) in step.iter_mut().zip(pattern.iter().cycle()) {
        *to = *byte;
    }
    // The longest whole number of patterns in a step.
    let stride = STEP - STEP % distance;
    for done in (0..len).step_by(stride) {
        if let Some(room) = out.get_mut(at + done..).and_then(<[u8]>::first_chunk_mut::<STEP>) {
            *room = step;
        }
    }
}

/// The same near the end of the output.
fn copy_exactly(out: &mut [u8], from: usize, at: usize, len: usize) {
    let distance = at - from;
    let Some(window) = out.get_mut(from..).and_then(|rest| rest.get_mut(..distance + len)) else {
        return;
    };
    // What is there already doubles at each step, and stays a whole number of patterns.
    let mut have = distance;
    while have < window.len() {
        let more = have.min(window.len() - have);
        window.copy_within(..more, have);
        have += more;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn copy_is_the_same_as_byte_by_byte(
            mut out in proptest::collection::vec(any::<u8>(), 1..200),
            at in any::<prop::sample::Index>(),
            distance in any::<prop::sample::Index>(),
            len in any::<prop::sample::Index>(),
        ) {
            let at = at.index(out.len());
            prop_assume!(at > 0);
            let distance = 1 + distance.index(at);
            let len = len.index(out.len() - at + 1);
            let mut expected = out.clone();
            for to in at..at + len {
                expected[to] = expected[to - distance];
            }
            copy_match(&mut out, at, distance, len);
            prop_assert_eq!(&out[..at + len], &expected[..at + len]);
        }
    }
}
