//! Response buffers that are used again.
//!
//! A read answers with up to 4 MiB. Fresh memory of that size costs the kernel a zeroed page for
//! every 4 KiB, which is dearer than reading the file from the page cache; a buffer that comes
//! back when its last byte is sent costs nothing.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// The buffers that are free.
#[derive(Debug, Default)]
pub(crate) struct BufferPool {
    free: Mutex<Vec<Vec<u8>>>,
}

/// A message whose memory goes back to its pool when it is gone.
struct Message {
    content: Vec<u8>,
    pool: Arc<BufferPool>,
}

impl BufferPool {
    /// A buffer with room for `capacity` bytes; its content is what an earlier message left.
    pub(crate) fn take(&self, capacity: usize) -> Vec<u8> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = free.iter().position(|buffer| buffer.capacity() >= capacity);
        match fitting {
            Some(index) => free.swap_remove(index),
            // Zeroed memory of this size is the kernel's, untouched until written to.
            None => vec![0; capacity.next_multiple_of(GRANULE)],
        }
    }

    /// Takes a buffer back.
    pub(crate) fn give_back(&self, mut buffer: Vec<u8>) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < FREE_BUFFERS {
            free.push(buffer);
        } else if let Some(less) = free.iter_mut().find(|b| b.capacity() < buffer.capacity()) {
            // Sizes have changed: the larger buffer serves more requests.
            std::mem::swap(less, &mut buffer);
        }
    }

    /// A buffer as a message.
    pub(crate) fn message(self: &Arc<Self>, content: Vec<u8>) -> Bytes {
        Bytes::from_owner(Message { content, pool: self.clone() })
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        self.pool.give_back(std::mem::take(&mut self.content));
    }
}

/// A client reads four units ahead; with one being sent and one being filled this is enough, and
/// at 4 MiB a unit it bounds what an idle service keeps.
const FREE_BUFFERS: usize = 6;

/// Sizes are rounded up to this, so that reads of one kind find each other's buffers.
const GRANULE: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_its_message_is_gone() {
        let pool = Arc::new(BufferPool::default());
        let mut buffer = pool.take(100_000);
        buffer.truncate(100);
        let address = buffer.as_ptr();
        let message = pool.message(buffer);
        assert_eq!(message.len(), 100);
        let part = message.slice(10..20);
        drop(message);
        let other = pool.take(100_000);
        assert_ne!(other.as_ptr(), address, "still in use");
        drop(part);
        let again = pool.take(100_000);
        assert_eq!(again.as_ptr(), address);
    }

    #[test]
    fn the_pool_keeps_a_bounded_number_of_the_larger_buffers() {
        let pool = BufferPool::default();
        for capacity in [1, 1 << 20] {
            let taken: Vec<_> = (0..10).map(|_| pool.take(capacity)).collect();
            taken.into_iter().for_each(|buffer| pool.give_back(buffer));
        }
        let free = pool.free.lock().unwrap();
        assert_eq!(free.len(), FREE_BUFFERS);
        assert!(free.iter().all(|buffer| buffer.capacity() == 1 << 20));
    }
}
