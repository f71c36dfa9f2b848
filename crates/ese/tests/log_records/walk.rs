//! A walk over the records of one log file, as plain as can be: an oracle for tests.
//!
//! A segment counts if it says that it is the one that belongs there. The corpus has no segment
//! that says so and is damaged.

use ese_format::log::diff;
use ese_format::log::record::{Change, LogRecord, NodeChange, PageRecord, RecordKind, record_len};
use ese_format::log_header::LogHeader;
use ese_format::{LogGeneration, LogPosition};

const SEGMENT: usize = 4096;
const SEGMENT_HEADER: usize = 40;

/// The records of a file and its header; records that are cut off at the end are left out.
pub(crate) fn records(file: &[u8]) -> (LogHeader, Vec<(LogPosition, Vec<u8>)>) {
    let header = LogHeader::parse(file).unwrap();
    let mut walk = Walk { generation: header.generation, found: Vec::new(), pending: None };
    let mut next = LogPosition { generation: header.generation, sector: 1, byte: 0 };
    for sector in 1..header.file_sectors - 1 {
        let at = usize::from(sector) * SEGMENT;
        let Some(segment) = file.get(at..at + SEGMENT) else { break };
        if !belongs(segment, header.generation, sector) {
            break;
        }
        next = walk.segment(segment, sector, next);
    }
    (header, walk.found)
}

fn belongs(segment: &[u8], generation: LogGeneration, sector: u16) -> bool {
    let number = |at: usize, len: usize| {
        segment[at..at + len].iter().rev().fold(0u64, |all, &byte| all << 8 | u64::from(byte))
    };
    number(8, 2) == 0
        && number(10, 2) == u64::from(sector)
        && number(12, 4) == u64::from(generation.0)
}

/// Pieces of a record, where it began, and how long it is.
struct Pending {
    at: LogPosition,
    len: usize,
    bytes: Vec<u8>,
}

struct Walk {
    generation: LogGeneration,
    found: Vec<(LogPosition, Vec<u8>)>,
    pending: Option<Pending>,
}

impl Walk {
    /// Reads a segment; `position` is where its first record begins, which is before the filling
    /// of the segment before, if there is one. Comes back with the same for the next segment.
    fn segment(&mut self, segment: &[u8], sector: u16, mut position: LogPosition) -> LogPosition {
        let place = |at: usize| match at {
            SEGMENT => LogPosition { generation: self.generation, sector: sector + 1, byte: 0 },
            SEGMENT_HEADER => LogPosition { generation: self.generation, sector, byte: 0 },
            _ => LogPosition { generation: self.generation, sector, byte: at as u16 },
        };
        let mut at = SEGMENT_HEADER;
        while at < SEGMENT {
            if segment[at] == 0 {
                at += 1;
                continue;
            }
            let bytes = &segment[at..];
            let len = record_len(bytes).unwrap();
            match RecordKind(bytes[0]) {
                RecordKind::FRAGMENT_BEGIN => {
                    let total = u32::from_le_bytes(bytes[1..5].try_into().unwrap()) as usize;
                    let bytes = bytes[7..len].to_vec();
                    self.pending = Some(Pending { at: position, len: total, bytes });
                }
                RecordKind::FRAGMENT => {
                    if let Some(mut pending) = self.pending.take() {
                        pending.bytes.extend_from_slice(&bytes[3..len]);
                        if pending.bytes.len() == pending.len {
                            self.found.push((pending.at, pending.bytes));
                        } else {
                            self.pending = Some(pending);
                        }
                    }
                }
                _ => {
                    if self.pending.take().is_some() {
                        // What was begun was never finished: recovery goes on in a new segment.
                        position = place(SEGMENT_HEADER);
                    }
                    self.found.push((position, bytes[..len].to_vec()));
                }
            }
            at += len;
            position = place(at);
        }
        position
    }
}

/// Reads a record, and checks that it is written back as it was.
pub(crate) fn parse(bytes: &[u8]) -> LogRecord<'_> {
    let (record, len) = LogRecord::parse(bytes).unwrap();
    assert_eq!(len, bytes.len());
    let mut written = Vec::new();
    record.write(&mut written);
    assert_eq!(written, bytes);
    if let LogRecord::Page(PageRecord { change: Change::Node(_, change), .. }) = &record {
        check_difference(change);
    }
    record
}

/// A difference makes data of the new length from any of the old length.
fn check_difference(change: &NodeChange<'_>) {
    if let &NodeChange::ReplaceDiff { diff, wide, old_len, new_len } = change {
        let mut new = Vec::new();
        diff::apply(&vec![0; usize::from(old_len)], diff, wide, &mut new).unwrap();
        assert_eq!(new.len(), usize::from(new_len));
    }
}
