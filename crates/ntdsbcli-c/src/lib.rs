//! The C interface of the directory backup functions: 27 documented entry points, and extensions
//! with the prefix `Dsbx`.
//!
//! No rule of the interface lives here. Each entry point turns pointers into options and slices,
//! calls its namesake in [`client::functions`], and writes the outputs back. `include/` has the
//! headers.
//!
//! What C can get wrong and what happens:
//!
//! | mistake | answer |
//! |---|---|
//! | NULL where something is required | the documented code |
//! | any number as a handle | `ERROR_INVALID_PARAMETER`: a handle is never dereferenced |
//! | a foreign or freed pointer to DsBackupFree | ignored: only live blocks are freed |
//! | an unterminated string | read up to a limit and refused |
//! | a defect in this library | `hrError`: no panic crosses into C |
//!
//! Outputs are written after the call, one by one, so two that point to the same place are no
//! error; after a failure they are neutral.

#![allow(non_snake_case, non_camel_case_types)] // the names are the interface's

mod backup;
mod extensions;
mod memory;
mod outputs;
mod process;
mod restore;
mod strings;

/// A documented result: `HRESULT`.
pub type HRESULT = i32;

/// A documented handle: `HBC`, a number and no pointer to anything.
pub type HBC = *mut core::ffi::c_void;

/// Runs an entry point; a panic becomes `hrError`.
fn guard(call: impl FnOnce() -> ntdsb::HResult) -> HRESULT {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call))
        .unwrap_or(ntdsb::HResult::HR_ERROR)
        .to_i32()
}

/// The handle that a caller gave.
fn handle(hbc: HBC) -> client::Handle {
    client::Handle::from_raw(hbc.addr() as u64)
}
