//! How fast log records are read: `record_rate LOG...`.
//!
//! Reads the files once, joins the records that lie in pieces, and then parses all records many
//! times over.

use std::error::Error;
use std::fmt::Write;
use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use ese_format::log::record::{LogRecord, RecordKind, record_len};

const SEGMENT: usize = 4096;
const SEGMENT_HEADER: usize = 40;
const ROUNDS: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let mut records = Vec::new();
    for path in std::env::args_os().skip(1) {
        collect(&std::fs::read(path)?, &mut records)?;
    }
    let bytes: usize = records.iter().map(Vec::len).sum();
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for record in &records {
            black_box(LogRecord::parse(black_box(record))?);
        }
    }
    let rounds = u32::try_from(ROUNDS)?;
    let once = start.elapsed() / rounds;
    let mut line = format!("{} records of {bytes} bytes in {once:?}", records.len());
    if let Ok(count) = u32::try_from(records.len()) {
        let rate = f64::from(count) / once.as_secs_f64() / 1e6;
        write!(line, ", {rate:.1} million records/s")?;
    }
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// The records of a log, up to the first segment that does not belong to it.
fn collect(file: &[u8], records: &mut Vec<Vec<u8>>) -> Result<(), Box<dyn Error>> {
    let mut pieces = Vec::new();
    for (segment, number) in file.chunks_exact(SEGMENT).zip(0u16..).skip(1) {
        if segment.get(8..12) != Some(&[[0, 0], number.to_le_bytes()].concat()) {
            break;
        }
        let mut rest = segment.get(SEGMENT_HEADER..).unwrap_or_default();
        while let Some(&kind) = rest.first() {
            let len = record_len(rest)?;
            let (record, after) = rest.split_at_checked(len).ok_or("a record that is cut off")?;
            rest = after;
            match RecordKind(kind) {
                RecordKind::NOP => {}
                RecordKind::FRAGMENT_BEGIN => pieces = record.get(7..).unwrap_or_default().to_vec(),
                RecordKind::FRAGMENT => {
                    pieces.extend_from_slice(record.get(3..).unwrap_or_default());
                    if record_len(&pieces) == Ok(pieces.len()) {
                        records.push(std::mem::take(&mut pieces));
                    }
                }
                _ => records.push(record.to_vec()),
            }
        }
    }
    Ok(())
}
