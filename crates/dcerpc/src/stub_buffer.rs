//! Reassembly buffers for stub data, and their reuse.
//!
//! The transport writes a fragment's stub straight into its place in the call's buffer. A buffer
//! is allocated once, with the size that the peer announces (within [`crate::limits`]), grows
//! geometrically where the announcement was too small, and is handed out as [`Bytes`] without a
//! copy. When the last of these is dropped, the memory serves the next call: fresh memory costs a
//! page fault and 4096 zero bytes per page, which at a gigabyte per second is a large part of one
//! core.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::limits;

/// Buffers waiting to be used again, together with those still being read by somebody.
#[derive(Debug, Default)]
pub struct StubPool {
    lent: Vec<Arc<Vec<u8>>>,
}

/// A buffer that is being filled.
#[derive(Debug, Default)]
pub struct StubBuffer {
    /// Initialized to its whole length; `filled` of it are stub data.
    storage: Vec<u8>,
    filled: usize,
}

/// Smaller buffers come from the allocator's free lists anyway.
const POOLED_MIN: usize = 16 * 1024;

/// Sizes are rounded up to this, so that the calls of one kind find each other's buffers.
const GRANULE: usize = 64 * 1024;

impl StubPool {
    /// A pool without buffers.
    pub const fn new() -> Self {
        Self { lent: Vec::new() }
    }

    /// A buffer with room for `expected` bytes.
    pub fn take(&mut self, expected: usize) -> StubBuffer {
        if expected < POOLED_MIN {
            return StubBuffer { storage: vec![0; expected], filled: 0 };
        }
        // Free: nobody but the pool holds it. Of these, one that is large enough.
        let found = self
            .lent
            .iter()
            .position(|storage| Arc::strong_count(storage) == 1 && storage.len() >= expected);
        if let Some(index) = found
            && let Ok(storage) = Arc::try_unwrap(self.lent.swap_remove(index))
        {
            return StubBuffer { storage, filled: 0 };
        }
        StubBuffer { storage: vec![0; expected.next_multiple_of(GRANULE)], filled: 0 }
    }

    /// Hands out what was filled; the memory comes back when the result is dropped.
    pub fn finish(&mut self, buffer: StubBuffer) -> Bytes {
        let StubBuffer { mut storage, filled } = buffer;
        if storage.len() < POOLED_MIN {
            storage.truncate(filled);
            return Bytes::from(storage);
        }
        let storage = Arc::new(storage);
        let held: usize = self.lent.iter().map(|storage| storage.len()).sum();
        if self.lent.len() < limits::POOLED_BUFFERS
            && held.saturating_add(storage.len()) <= limits::POOLED_BYTES
        {
            self.lent.push(Arc::clone(&storage));
        } else if let Some(index) = self.lent.iter().position(|other| other.len() < storage.len()) {
            // Sizes have changed: the smaller buffers make room, one at a time.
            self.lent.swap_remove(index);
        }
        Bytes::from_owner(Shared(storage)).slice(..filled)
    }
}

impl StubBuffer {
    /// Bytes of stub data so far.
    pub fn len(&self) -> usize {
        self.filled
    }

    /// Whether there are no stub data yet.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// The place of the next `want` bytes, all of it writable; grows the buffer where needed.
    pub fn spare(&mut self, want: usize) -> &mut [u8] {
        let end = self.filled.saturating_add(want);
        if end > self.storage.len() {
            let doubled = self.storage.len().saturating_mul(2);
            self.storage.resize(end.max(doubled), 0);
        }
        self.storage.get_mut(self.filled..end).unwrap_or_default()
    }

    /// Notes that `count` bytes of [`Self::spare`] were written.
    pub fn advance(&mut self, count: usize) {
        self.filled = self.filled.saturating_add(count).min(self.storage.len());
    }

    /// Appends a copy of `data`.
    pub fn extend_from_slice(&mut self, data: &[u8]) {
        self.spare(data.len()).copy_from_slice(data);
        self.advance(data.len());
    }
}

struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(pool: &mut StubPool, size: usize, byte: u8) -> Bytes {
        let mut buffer = pool.take(size);
        buffer.spare(size).fill(byte);
        buffer.advance(size);
        pool.finish(buffer)
    }

    #[test]
    fn memory_is_used_again_only_after_its_last_reader_is_gone() {
        let mut pool = StubPool::new();
        let first = filled(&mut pool, 100_000, 1);
        let address = first.as_ptr();
        let second = filled(&mut pool, 100_000, 2);
        assert_ne!(second.as_ptr(), address);
        assert!(first.iter().all(|byte| *byte == 1));
        drop(first);
        let third = filled(&mut pool, 100_000, 3);
        assert_eq!(third.as_ptr(), address);
        assert!(second.iter().all(|byte| *byte == 2));
        assert!(third.iter().all(|byte| *byte == 3));
    }

    #[test]
    fn a_buffer_grows_past_what_was_expected() {
        let mut pool = StubPool::new();
        let mut buffer = pool.take(10);
        for byte in 0..100u8 {
            buffer.extend_from_slice(&[byte; 1000]);
        }
        let stub = pool.finish(buffer);
        assert_eq!(stub.len(), 100_000);
        assert!(stub.chunks(1000).zip(0..).all(|(part, byte)| part.iter().all(|b| *b == byte)));
    }

    #[test]
    fn the_pool_is_bounded() {
        let mut pool = StubPool::new();
        let stubs: Vec<_> = (0..20).map(|_| filled(&mut pool, 1 << 20, 0)).collect();
        drop(stubs);
        assert!(pool.lent.len() <= limits::POOLED_BUFFERS);
        assert!(
            pool.lent.iter().map(|storage| storage.len()).sum::<usize>() <= limits::POOLED_BYTES
        );
    }
}
