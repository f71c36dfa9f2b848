//! The remote management interface, present on every endpoint.
//!
//! ```text
//! op  name                   in                      out
//!  0  inq_if_ids             -                       vector of interface ids, status
//!  1  inq_stats              count                   vector of statistics, status
//!  2  is_server_listening    -                       status, listening
//!  3  stop_server_listening  -                       status: always refused
//!  4  inq_princ_name         authn_proto, size       string, status: no mechanism is known
//! ```
//!
//! Interfaces and counters are what every caller may know; the interface itself is left out of
//! the list, as servers in the field do.
//!
//! Source: C706 appendix Q (remote management interface).

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use ms_dtyp::Guid;

use crate::fault::FaultStatus;
use crate::{DataRepresentation, Interface};

/// The interface: `afa8bd80-7d8a-11c9-bef4-08002b102989` version 1.0.
pub const fn interface() -> Interface {
    let uuid = Guid::from_fields(
        0xafa8_bd80,
        0x7d8a,
        0x11c9,
        [0xbe, 0xf4, 0x08, 0x00, 0x2b, 0x10, 0x29, 0x89],
    );
    Interface { uuid, major: 1, minor: 0 }
}

/// Counters of an endpoint. They wrap around.
#[derive(Debug, Default)]
pub struct Statistics {
    calls_in: AtomicU32,
    packets_in: AtomicU32,
    packets_out: AtomicU32,
}

impl Statistics {
    /// A call was received.
    pub fn call(&self) {
        self.calls_in.fetch_add(1, Ordering::Relaxed);
    }

    /// Something was received.
    pub fn received(&self) {
        self.packets_in.fetch_add(1, Ordering::Relaxed);
    }

    /// Something was sent.
    pub fn sent(&self) {
        self.packets_out.fetch_add(1, Ordering::Relaxed);
    }

    /// calls_in, calls_out, pkts_in, pkts_out.
    fn vector(&self) -> [u32; 4] {
        [
            self.calls_in.load(Ordering::Relaxed),
            0,
            self.packets_in.load(Ordering::Relaxed),
            self.packets_out.load(Ordering::Relaxed),
        ]
    }
}

/// Executes one operation for an endpoint that offers `interfaces`.
///
/// # Errors
/// [`FaultStatus::OP_RANGE_ERROR`] and [`FaultStatus::BAD_STUB_DATA`].
pub fn call(
    opnum: u16,
    stub: &[u8],
    drep: DataRepresentation,
    interfaces: &[Interface],
    statistics: &Statistics,
) -> Result<Bytes, FaultStatus> {
    let mut out = Vec::new();
    match opnum {
        0 => interface_ids(&mut out, interfaces),
        1 => {
            let [count] = words(stub, drep)?;
            // Only the whole vector is served, as by Samba.
            if count == 4 {
                put(&mut out, 4);
                put(&mut out, 4);
                statistics.vector().into_iter().for_each(|value| put(&mut out, value));
                put(&mut out, STATUS_OK);
            } else {
                put(&mut out, 0);
                put(&mut out, 0);
                put(&mut out, STATUS_NOT_SUPPORTED);
            }
        }
        2 => {
            put(&mut out, STATUS_OK);
            put(&mut out, 1);
        }
        3 => put(&mut out, STATUS_ACCESS_DENIED),
        4 => {
            let [_, size] = words(stub, drep)?;
            if size == 0 {
                // Not even the terminating NUL would fit.
                return Err(FaultStatus::BAD_STUB_DATA);
            }
            // The empty string: maximum, offset, count, NUL and its padding.
            [size, 0, 1, 0].into_iter().for_each(|value| put(&mut out, value));
            put(&mut out, STATUS_UNKNOWN_AUTHN_SERVICE);
        }
        _ => return Err(FaultStatus::OP_RANGE_ERROR),
    }
    Ok(Bytes::from(out))
}

/// A pointer to a vector of pointers to interface ids.
fn interface_ids(out: &mut Vec<u8>, interfaces: &[Interface]) {
    let count = u32::try_from(interfaces.len()).unwrap_or(0);
    put(out, REFERENT);
    // Conformance of the vector, then its count.
    put(out, count);
    put(out, count);
    for index in 0..count {
        put(out, REFERENT.wrapping_add(4 * (index + 1)));
    }
    for interface in interfaces {
        out.extend_from_slice(&interface.uuid.to_bytes());
        out.extend_from_slice(&interface.major.to_le_bytes());
        out.extend_from_slice(&interface.minor.to_le_bytes());
    }
    put(out, STATUS_OK);
}

fn put(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// The first `N` numbers of the input.
fn words<const N: usize>(stub: &[u8], drep: DataRepresentation) -> Result<[u32; N], FaultStatus> {
    let mut words = [0; N];
    let mut rest = stub;
    for word in &mut words {
        let (bytes, after) = rest.split_first_chunk().ok_or(FaultStatus::BAD_STUB_DATA)?;
        *word = drep.u32(*bytes);
        rest = after;
    }
    Ok(words)
}

const REFERENT: u32 = 0x0002_0000;
const STATUS_OK: u32 = 0;
const STATUS_ACCESS_DENIED: u32 = 5;
const STATUS_NOT_SUPPORTED: u32 = 50;
const STATUS_UNKNOWN_AUTHN_SERVICE: u32 = 1747;

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    const LE: DataRepresentation = DataRepresentation::LittleEndian;

    fn run(opnum: u16, stub: &[u8]) -> Result<Bytes, FaultStatus> {
        let offered = Interface { uuid: Guid::from_bytes([7; 16]), major: 1, minor: 2 };
        call(opnum, stub, LE, &[offered], &Statistics::default())
    }

    #[test]
    fn interface_ids_name_what_is_offered_and_not_management() {
        assert_eq!(interface().to_string(), "afa8bd80-7d8a-11c9-bef4-08002b102989 v1.0");
        let mut expected = Vec::new();
        for word in [0x20000, 1, 1, 0x20004] {
            put(&mut expected, word);
        }
        expected.extend_from_slice(&[7; 16]);
        expected.extend_from_slice(&[1, 0, 2, 0, 0, 0, 0, 0]);
        assert_eq!(run(0, &[]).unwrap(), expected);
    }

    #[test]
    fn a_server_listens_and_does_not_stop() {
        assert_eq!(run(2, &[]).unwrap(), &[0, 0, 0, 0, 1, 0, 0, 0][..]);
        assert_eq!(run(3, &[]).unwrap(), &[5, 0, 0, 0][..]);
    }

    #[test]
    fn statistics_come_only_as_a_whole() {
        assert_eq!(run(1, &4u32.to_le_bytes()).unwrap().len(), 28);
        assert_eq!(run(1, &3u32.to_le_bytes()).unwrap().len(), 12);
        assert_eq!(run(1, &[]), Err(FaultStatus::BAD_STUB_DATA));
    }

    #[test]
    fn other_operations_do_not_exist() {
        assert_eq!(run(5, &[]), Err(FaultStatus::OP_RANGE_ERROR));
    }
}
