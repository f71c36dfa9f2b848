//! Writing what C callers asked for.

use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};

use client::Handle;
use client::functions::{Form, List};
use ntdsb::HResult;

use crate::{HBC, handle, memory};

/// An output of a function: what it fills, if the caller asked for it.
///
/// The function works on `value`, and the caller's memory is written once, afterwards: two outputs
/// at the same address are then no aliased references.
pub(crate) struct Output<T, C> {
    value: T,
    to: *mut C,
}

impl<T: Default, C> Output<T, C> {
    pub(crate) fn new(to: *mut C) -> Self {
        Output { value: T::default(), to }
    }

    /// Where the function puts its value; `None` where the caller gave NULL.
    pub(crate) fn slot(&mut self) -> Option<&mut T> {
        (!self.to.is_null()).then_some(&mut self.value)
    }

    pub(crate) fn value(&self) -> &T {
        &self.value
    }

    /// Writes the value in its C form.
    ///
    /// # Safety
    /// The pointer given to [`Self::new`] is NULL or writable.
    pub(crate) unsafe fn store(&self, value: C) {
        if !self.to.is_null() {
            // SAFETY: the caller's promise; C may give an address without alignment.
            unsafe { self.to.write_unaligned(value) };
        }
    }
}

/// A function that returns a list.
pub(crate) type ListFunction = fn(Handle, Form, Option<&mut List>, Option<&mut u32>) -> HResult;

/// Calls a function that returns a list, and hands out the list as a block.
///
/// # Safety
/// Both outputs are NULL or writable.
pub(crate) unsafe fn return_list<C>(
    function: ListFunction,
    hbc: HBC,
    form: Form,
    (list_to, size_to): (*mut *mut C, *mut u32),
) -> HResult {
    let mut list = Output::<List, *mut C>::new(list_to);
    let mut size = Output::<u32, u32>::new(size_to);
    let mut code = function(handle(hbc), form, list.slot(), size.slot());
    let mut block = null_mut();
    let mut bytes = 0;
    if code.is_ok() {
        match memory::list_block(list.value()) {
            Some(start) => (block, bytes) = (start.as_ptr().cast(), *size.value()),
            None => code = HResult::ERROR_NOT_ENOUGH_MEMORY,
        }
    }
    // SAFETY: the caller's promise.
    unsafe {
        list.store(block);
        size.store(bytes);
    }
    code
}

/// The start of a block as C wants it; NULL for none.
pub(crate) fn pointer(block: Option<NonNull<u8>>) -> *mut c_void {
    block.map_or(null_mut(), |block| block.as_ptr().cast())
}
