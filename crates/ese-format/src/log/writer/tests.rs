//! Where records are placed, and what the files look like that come of it.

use alloc::string::ToString;
use alloc::vec;
use core::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::le::{u16_at, u32_at};
use crate::log_header::LOG_HEADER_LEN;

const NOP2: u8 = RecordKind::NOP2.0;
const FRAGMENT_BEGIN: u8 = RecordKind::FRAGMENT_BEGIN.0;
const FRAGMENT: u8 = RecordKind::FRAGMENT.0;

#[derive(Debug, Default)]
struct Files {
    clock: u8,
    files: Vec<(LogHeader, bool, Vec<u8>)>,
}

impl LogSink for Files {
    type Error = Infallible;

    fn now(&mut self) -> LogTime {
        self.clock = (self.clock + 1) % 60;
        LogTime::from_bytes([self.clock, 1, 1, 1, 1, 126, 1, 0])
    }

    fn file(&mut self, file: &LogImage<'_>) -> Result<(), Infallible> {
        let mut bytes = file.bytes.to_vec();
        assert!(bytes.len() as u64 <= file.len);
        bytes.resize(usize::try_from(file.len).unwrap(), 0);
        self.files.push((file.header.clone(), file.is_current, bytes));
        Ok(())
    }
}

fn writer(sectors: u16) -> LogWriter<Files> {
    let mut header = LogHeader::blank();
    header.generation = LogGeneration(7);
    header.sector_size = 4096;
    header.header_sectors = 1;
    header.file_sectors = sectors;
    LogWriter::new(header, Files::default()).unwrap()
}

/// A record that tells its own length: type 0x80, length, content.
fn record(len: usize, fill: u8) -> Vec<u8> {
    let mut record = vec![fill; len.max(5)];
    record[0] = 0x80;
    let len = u32::try_from(record.len()).unwrap();
    record[1..5].copy_from_slice(&len.to_le_bytes());
    record
}

/// Reads a file as recovery does: the records, and the XOR of the checksums of the segments.
fn walk(file: &[u8], generation: LogGeneration) -> (Vec<(LogPosition, Vec<u8>)>, u64) {
    let mut records = Vec::new();
    let (mut checksum, mut open, mut want) = (0, Vec::new(), 0);
    let mut open_at = LogPosition::UNSET;
    for (sector, segment) in file.chunks(SECTOR).enumerate().skip(1) {
        if segment.iter().all(|byte| *byte == 0) {
            assert!(open.is_empty());
            break;
        }
        let number = PageNumber(u32::try_from(sector).unwrap());
        let sum = ecc(segment, number, BlockPosition::First);
        if sum.0 != u64_at(segment, 0) {
            let shadow = ecc(segment, PageNumber(number.0 - 1), BlockPosition::First);
            assert_eq!(shadow.0, u64_at(segment, 0), "sector {sector}");
            break;
        }
        assert!(sector + 1 < file.len() / SECTOR, "the last sector is no segment");
        checksum ^= sum.0;
        let place = |byte: usize| LogPosition {
            generation,
            sector: u16::try_from(sector).unwrap(),
            byte: if byte == SEGMENT_HEADER { 0 } else { u16::try_from(byte).unwrap() },
        };
        assert_eq!(LogPosition::read(segment, 8), LogPosition { byte: 0, ..place(0) });
        assert_eq!(u32_at(segment, 36), SEGMENT_FLAGS);
        assert!(!LogTime::read(segment, 16).is_unset());
        let mut at = SEGMENT_HEADER;
        while at < SECTOR {
            at += match segment[at] {
                0 => 1,
                NOP2 => 5 + u32_at(segment, at + 1) as usize,
                0x80 => {
                    assert!(open.is_empty());
                    let len = u32_at(segment, at + 1) as usize;
                    records.push((place(at), segment[at..at + len].to_vec()));
                    len
                }
                FRAGMENT_BEGIN => {
                    assert!(open.is_empty());
                    want = u32_at(segment, at + 1) as usize;
                    open_at = place(at);
                    let len = usize::from(u16_at(segment, at + 5));
                    open.extend_from_slice(&segment[at + 7..at + 7 + len]);
                    assert!(open.len() < want);
                    7 + len
                }
                FRAGMENT => {
                    assert!(!open.is_empty() && at == SEGMENT_HEADER);
                    let len = usize::from(u16_at(segment, at + 1));
                    open.extend_from_slice(&segment[at + 3..at + 3 + len]);
                    3 + len
                }
                other => panic!("type {other} at {}", place(at)),
            };
            assert!(at <= SECTOR);
            if want != 0 && open.len() == want {
                records.push((open_at, core::mem::take(&mut open)));
                want = 0;
            }
        }
    }
    assert_eq!(want, 0);
    (records, checksum)
}

fn check(files: &[(LogHeader, bool, Vec<u8>)], expected: &[(LogPosition, Vec<u8>)]) {
    let mut found = Vec::new();
    let mut previous: Option<(LogHeader, u64)> = None;
    for (index, (header, is_current, bytes)) in files.iter().enumerate() {
        assert_eq!(*is_current, index + 1 == files.len());
        assert_eq!(
            &LogHeader::parse(&bytes[..LOG_HEADER_LEN]).unwrap().to_block()[4..],
            &header.to_block()[4..]
        );
        let (records, checksum) = walk(bytes, header.generation);
        if let Some((previous, checksum)) = previous {
            assert!(header.follows(&previous));
            assert_eq!(header.previous_segments_checksum, checksum);
        }
        previous = Some((header.clone(), checksum));
        found.extend(records);
    }
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.1, expected.1);
        // The position may be that of the zeros before the record.
        let gap = found.0.sector == expected.0.sector + 1 && found.0.byte == 0;
        assert!(found.0 == expected.0 || gap, "{} for {}", found.0, expected.0);
    }
}

#[test]
fn record_at_the_beginning_of_a_segment_is_at_byte_0() {
    let mut log = writer(8);
    assert_eq!(log.append(&record(100, 1)).unwrap().to_string(), "7:1:0");
    assert_eq!(log.append(&record(4056 - 100 - 31, 1)).unwrap().to_string(), "7:1:8c");
    // 31 bytes are left: too few for a fragment, and the position is still told there.
    assert_eq!(log.append(&record(40, 1)).unwrap().to_string(), "7:1:fe1");
    assert_eq!(log.position().to_string(), "7:2:50");
    log.fill();
    assert_eq!(log.position().to_string(), "7:3:0");
    assert_eq!(log.append(&record(9000, 1)).unwrap().to_string(), "7:3:0");
}

#[test]
fn last_sector_holds_no_segment() {
    let mut log = writer(4);
    log.append(&record(4056, 1)).unwrap();
    // It would end with the last segment; the engine leaves a byte.
    let position = log.append(&record(4056, 2)).unwrap();
    assert_eq!(position.to_string(), "8:1:0");
    let position = log.append(&record(4055, 3)).unwrap();
    assert_eq!(position.to_string(), "8:2:0");
    let too_long = 2 * 4056 - 7 - 3;
    assert_eq!(log.append(&record(too_long, 3)), Err(LogWriteError::TooLong { len: too_long }));
    assert_eq!(log.append(&record(too_long - 1, 4)).unwrap().to_string(), "9:1:0");
    let files = log.finish().unwrap().files;
    assert_eq!(files.len(), 3);
    assert!(files.iter().all(|file| file.2.len() == 4 * 4096));
}

#[test]
fn records_together_are_in_one_file() {
    let mut log = writer(3);
    log.append(&record(4000, 1)).unwrap();
    let pair: [&[u8]; 2] = [&record(30, 1), &record(60, 2)];
    assert_eq!(log.append_together(&pair).unwrap().to_string(), "8:1:0");
}

#[test]
fn shape_that_cannot_be_written_is_refused() {
    for (size, sectors) in [(512, 64), (4096, 2), (4096, 0)] {
        let mut header = LogHeader::blank();
        (header.sector_size, header.header_sectors, header.file_sectors) = (size, 1, sectors);
        let writer = LogWriter::new(header, Files::default());
        assert!(matches!(writer, Err(LogWriteError::Shape { .. })));
    }
}

#[test]
fn rolled_file_has_a_segment() {
    let mut log = writer(8);
    log.roll().unwrap();
    log.append(&record(10, 1)).unwrap();
    let files = log.finish().unwrap().files;
    assert!(files[0].2[4096..4096 + 40].iter().any(|byte| *byte != 0));
    assert_eq!(&files[0].2[4096 + 40..8192], &vec![0; 4056]);
    assert!(files[1].0.follows(&files[0].0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn records_are_read_back(
        sectors in 6..20_u16,
        steps in proptest::collection::vec(
            (prop_oneof![4 => 5..200_usize, 2 => 3900..4200_usize, 1 => 5..16_000_usize],
             prop::bool::weighted(0.05)), 1..200),
        in_order: bool,
    ) {
        let mut log = writer(sectors);
        let mut expected = Vec::new();
        for (fill, (len, pad)) in (1..=250).cycle().zip(steps) {
            let record = record(len, fill);
            expected.push((log.append(&record).unwrap(), record));
            if pad {
                log.fill();
            }
        }
        let files = if in_order { log.finish() } else { log.cut() }.unwrap().files;
        check(&files, &expected);
    }
}
