//! Small documented reads, large reads on the wire.
//!
//! The caller of DsBackupRead gives a buffer of 24 KiB or more; the service is asked for units of
//! 64 KiB to 4 MiB, several at a time, so that it reads and verifies the next ones while the
//! caller stores this one. There is no thread: requests are sent whenever the caller reads, and
//! the calling thread receives the answers.
//!
//! ```text
//!             position          next
//!                v                v
//!  |-- delivered --|current|in flight |in flight |     not asked for     | size
//! ```
//!
//! Rules:
//! * the unit is the hint rounded down to 64 KiB, at least 64 KiB, at most what the service and
//!   4 MiB allow;
//! * at most [`DEPTH`] units are in flight, at most [`AHEAD_MAX`] bytes are ahead of the caller;
//! * an error belongs to the position of its unit: everything before it is delivered, and from
//!   then on each read repeats it. A unit with a damaged page is asked for again in grains of
//!   8 KiB, so that the position is the page's. A lost connection belongs to the context instead;
//! * the end of the file comes alone, never together with bytes.

use std::collections::VecDeque;
use std::ops::Deref;

use ntdsb::HResult;

use crate::error::Error;

/// Units in flight.
pub(crate) const DEPTH: usize = 4;

/// Bytes ahead of the caller, the unit being delivered included.
pub(crate) const AHEAD_MAX: u64 = 8 << 20;

/// What the file's size, offsets and units are multiples of (except the last unit).
pub(crate) const GRAIN: u32 = 8192;

/// The smallest documented buffer, in bytes.
pub(crate) const BUFFER_MIN: usize = 3 * GRAIN as usize;

/// The read calls that this needs from a connection.
pub(crate) trait Reads {
    /// An outstanding call.
    type Call;
    /// A received unit.
    type Unit;

    /// Sends a read without waiting for its answer.
    fn submit(&mut self, offset: u64, length: u32) -> Result<Self::Call, Error>;

    /// Waits for the answer to a read of `length` bytes that has to bring `expected` bytes.
    fn wait(
        &mut self,
        call: Self::Call,
        offset: u64,
        length: u32,
        expected: u32,
    ) -> Result<Self::Unit, Error>;

    /// Gives up an answer that has not been waited for.
    fn discard(&mut self, call: Self::Call);
}

/// The state of reading one open file: `C` is an outstanding call, `U` a received unit.
pub(crate) struct ReadAhead<C, U> {
    size: u64,
    unit: u32,
    depth: usize,
    position: u64,
    next: u64,
    in_flight: VecDeque<InFlight<C>>,
    current: Option<Current<U>>,
    failed: Option<Error>,
}

struct InFlight<C> {
    call: C,
    offset: u64,
    /// As asked for: a multiple of [`GRAIN`].
    length: u32,
    /// As it has to come: less at the end of the file.
    expected: u32,
}

struct Current<U> {
    bytes: U,
    /// Bytes of it that were delivered.
    used: usize,
}

impl<C: Copy, U: Deref<Target = [u8]>> ReadAhead<C, U> {
    /// Begins at offset 0 of a file of `size` bytes.
    ///
    /// `max_read` is the largest read the service allows for the file, `concurrent` whether it
    /// takes a read while another one runs.
    pub(crate) fn new(size: u64, hint: u32, max_read: u32, concurrent: bool) -> Self {
        let unit = unit_size(hint, max_read);
        let depth = if concurrent { depth_for(unit) } else { 1 };
        ReadAhead {
            size,
            unit,
            depth,
            position: 0,
            next: 0,
            in_flight: VecDeque::with_capacity(depth),
            current: None,
            failed: None,
        }
    }

    /// Sends requests until enough are in flight.
    pub(crate) fn fill(&mut self, reads: &mut impl Reads<Call = C, Unit = U>) -> Result<(), Error> {
        while self.failed.is_none() && self.in_flight.len() < self.depth && self.next < self.size {
            let rest = self.size - self.next;
            let expected = u32::try_from(rest).map_or(self.unit, |rest| rest.min(self.unit));
            let length = expected.next_multiple_of(GRAIN);
            let offset = self.next;
            let call = reads.submit(offset, length)?;
            self.in_flight.push_back(InFlight { call, offset, length, expected });
            self.next += u64::from(expected);
        }
        Ok(())
    }

    /// The received bytes at the position; waits for them. Empty at the end of the file.
    pub(crate) fn available(
        &mut self,
        reads: &mut impl Reads<Call = C, Unit = U>,
    ) -> Result<&[u8], Error> {
        self.fetch(reads)?;
        Ok(self.current.as_ref().map_or(&[], Current::rest))
    }

    /// Moves the position over bytes that [`Self::available`] gave.
    pub(crate) fn consume(&mut self, count: usize) {
        if let Some(current) = &mut self.current {
            let count = count.min(current.rest().len());
            current.used += count;
            self.position += count as u64;
            if current.rest().is_empty() {
                self.current = None;
            }
        }
    }

    /// The rest of the received unit, and how many bytes of it were delivered before; moves the
    /// position behind it. `None` at the end of the file.
    pub(crate) fn take(
        &mut self,
        reads: &mut impl Reads<Call = C, Unit = U>,
    ) -> Result<Option<(U, usize)>, Error> {
        self.fetch(reads)?;
        Ok(self.current.take().map(|current| {
            self.position += current.rest().len() as u64;
            (current.bytes, current.used)
        }))
    }

    /// One documented read: fills the buffer from what is there, and waits only until
    /// [`BUFFER_MIN`] bytes or the rest of the file were copied. Returns 0 at the end of the file.
    pub(crate) fn read(
        &mut self,
        reads: &mut impl Reads<Call = C, Unit = U>,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        let began = self.position;
        let mut copied = 0;
        while let Some(room) = buffer.get_mut(copied..).filter(|room| !room.is_empty()) {
            if copied >= BUFFER_MIN && self.current.is_none() {
                break;
            }
            let available = match self.available(reads) {
                // What was copied is good, and the error comes again with the next read.
                Err(error) if copied > 0 && !error.is_interruption() => break,
                Err(error) => {
                    // An interrupted read has delivered nothing.
                    self.position = began;
                    self.next = began / u64::from(GRAIN) * u64::from(GRAIN);
                    return Err(error);
                }
                Ok(available) => available,
            };
            let count = room.len().min(available.len());
            let (Some(to), Some(from)) = (room.get_mut(..count), available.get(..count)) else {
                break;
            };
            if count == 0 {
                break;
            }
            to.copy_from_slice(from);
            self.consume(count);
            copied += count;
        }
        Ok(copied)
    }

    /// Gives up what is in flight, before the file is closed.
    pub(crate) fn abandon(&mut self, reads: &mut impl Reads<Call = C, Unit = U>) {
        for unit in self.in_flight.drain(..) {
            reads.discard(unit.call);
        }
    }

    fn fetch(&mut self, reads: &mut impl Reads<Call = C, Unit = U>) -> Result<(), Error> {
        if self.current.is_some() || self.position >= self.size {
            return Ok(());
        }
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.fill(reads)?;
        let Some(unit) = self.in_flight.front() else {
            return Ok(());
        };
        match reads.wait(unit.call, unit.offset, unit.length, unit.expected) {
            Ok(bytes) => {
                let used = usize::try_from(self.position.saturating_sub(unit.offset));
                self.in_flight.pop_front();
                self.current = Some(Current { bytes, used: used.unwrap_or(0) });
                // The service works on the next unit while the caller has this one.
                self.fill(reads)
            }
            Err(error) => {
                let length = self.in_flight.pop_front().map_or(0, |unit| unit.length);
                let damaged = error.code() == HResult::HR_READ_VERIFY_FAILURE;
                if error.is_interruption() {
                    // The call is gone; a later read begins again at the position.
                    self.abandon(reads);
                    self.next = self.position / u64::from(GRAIN) * u64::from(GRAIN);
                } else if damaged && length > GRAIN {
                    // Somewhere in the unit is a damaged page. Asked for grain by grain, what
                    // lies before it is delivered, and the error comes at the page.
                    self.abandon(reads);
                    self.next = self.position / u64::from(GRAIN) * u64::from(GRAIN);
                    (self.unit, self.depth) = (GRAIN, 1);
                    return self.fetch(reads);
                } else {
                    self.failed = Some(error.clone());
                }
                Err(error)
            }
        }
    }
}

impl<U: Deref<Target = [u8]>> Current<U> {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.used..).unwrap_or_default()
    }
}

/// The size of a read on the wire.
fn unit_size(hint: u32, max_read: u32) -> u32 {
    let wanted = (hint / UNIT_GRAIN * UNIT_GRAIN).max(UNIT_GRAIN);
    (wanted.min(max_read).min(UNIT_MAX) / GRAIN * GRAIN).max(GRAIN)
}

fn depth_for(unit: u32) -> usize {
    let units = AHEAD_MAX / u64::from(unit.max(1));
    // One unit of the budget is the one being delivered.
    usize::try_from(units.saturating_sub(1)).map_or(DEPTH, |units| units.clamp(1, DEPTH))
}

/// Units are multiples of this where the service allows.
const UNIT_GRAIN: u32 = 64 << 10;
/// The largest read that the interface allows.
const UNIT_MAX: u32 = 4 << 20;

#[cfg(test)]
mod tests;
