//! Memory that the library hands out and DsBackupFree takes back.
//!
//! The set of live blocks is kept. A pointer that is not in it is ignored and counted: programs
//! written by the older documentation give their own read buffers to DsBackupFree, and freeing a
//! block twice must do no harm. With `DSBX_DEBUG=1` each such call is reported on standard error.
//!
//! Blocks are aligned to 16 bytes, as those of the C library are, and belong to the process: they
//! outlive the context that made them. Tokens are wiped before they are released.

use std::alloc::{Layout, alloc, dealloc};
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::io::Write;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use client::functions::List;

/// The live blocks by address.
static BLOCKS: Mutex<BTreeMap<usize, Block>> = Mutex::new(BTreeMap::new());

/// Pointers that DsBackupFree ignored.
static IGNORED: AtomicU64 = AtomicU64::new(0);

struct Block {
    start: NonNull<u8>,
    layout: Layout,
    secret: bool,
}

// SAFETY: a block is owned by whoever holds it; the map hands each to one holder.
unsafe impl Send for Block {}

/// Makes a block with this content that is wiped when it is released; `None` without memory.
pub(crate) fn secret_block(content: &[u8]) -> Option<NonNull<u8>> {
    new_block(content.len(), content.iter().copied(), true)
}

/// Makes a block with the content of a list; `None` without memory.
pub(crate) fn list_block(list: &List) -> Option<NonNull<u8>> {
    match list {
        List::Ansi(bytes) => new_block(bytes.len(), bytes.iter().copied(), false),
        // C reads the units in its own byte order.
        #[allow(clippy::host_endian_bytes)]
        List::Wide(units) => {
            let bytes = units.iter().flat_map(|unit| unit.to_ne_bytes());
            new_block(list.size_in_bytes(), bytes, false)
        }
    }
}

/// Releases a block; anything else is ignored.
pub(crate) fn free(pointer: *mut c_void) {
    if pointer.is_null() {
        return;
    }
    let block = blocks().remove(&pointer.addr());
    match block {
        Some(block) => release(&block),
        None => ignore(pointer),
    }
}

fn new_block(
    length: usize,
    content: impl Iterator<Item = u8>,
    secret: bool,
) -> Option<NonNull<u8>> {
    let layout = Layout::from_size_align(length.max(1), ALIGNMENT).ok()?;
    // SAFETY: the size is not 0.
    let start = NonNull::new(unsafe { alloc(layout) })?;
    for (at, byte) in content.take(length).enumerate() {
        // SAFETY: `at` is below `length`, and the block has that many bytes.
        unsafe { start.add(at).write(byte) };
    }
    blocks().insert(start.as_ptr().addr(), Block { start, layout, secret });
    Some(start)
}

fn release(block: &Block) {
    if block.secret {
        for at in 0..block.layout.size() {
            // SAFETY: inside the block, which is still allocated. Volatile, so that the wiping of
            // memory that is about to be freed is not optimised away.
            unsafe { block.start.add(at).as_ptr().write_volatile(0) };
        }
    }
    // SAFETY: allocated with this layout, and taken out of the set of live blocks, so that nobody
    // releases it again.
    unsafe { dealloc(block.start.as_ptr(), block.layout) };
}

fn ignore(pointer: *mut c_void) {
    let count = IGNORED.fetch_add(1, Ordering::Relaxed) + 1;
    if std::env::var_os("DSBX_DEBUG").is_some_and(|value| value == "1") {
        let note = format!(
            "ntdsbcli: DsBackupFree({pointer:p}) ignored: no live block ({count} so far)\n"
        );
        // Where standard error is closed there is nobody to tell.
        let _ = std::io::stderr().write_all(note.as_bytes());
    }
}

fn blocks() -> MutexGuard<'static, BTreeMap<usize, Block>> {
    BLOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

const ALIGNMENT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn content(block: NonNull<u8>, length: usize) -> Vec<u8> {
        // SAFETY: the test passes the block's own length.
        (0..length).map(|at| unsafe { block.add(at).read() }).collect()
    }

    #[test]
    fn blocks_hold_their_content_aligned() {
        let token = secret_block(b"token").unwrap();
        let list = list_block(&List::Wide(vec![0x44, 0])).unwrap();
        assert_eq!(content(token, 5), b"token");
        assert_eq!(content(list, 4), [0x44, 0, 0, 0]);
        assert_eq!((token.as_ptr().addr() % 16, list.as_ptr().addr() % 16), (0, 0));
        free(token.as_ptr().cast());
        free(list.as_ptr().cast());
    }

    #[test]
    fn api_099_freeing_null_does_nothing() {
        free(std::ptr::null_mut());
    }

    #[test]
    fn api_100_foreign_and_freed_pointers_are_ignored() {
        let mut own = [0u8; 16];
        let before = IGNORED.load(Ordering::Relaxed);
        free(own.as_mut_ptr().cast());
        let block = list_block(&List::Ansi(vec![0, 0])).unwrap();
        free(block.as_ptr().cast());
        free(block.as_ptr().cast());
        assert!(IGNORED.load(Ordering::Relaxed) >= before + 2);
    }

    #[test]
    fn an_empty_block_can_be_freed() {
        let block = secret_block(&[]).unwrap();
        free(block.as_ptr().cast());
    }
}
