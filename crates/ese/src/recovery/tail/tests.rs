//! The end of the log against what the engine writes.

use std::convert::Infallible;
use std::path::Path;

use ese_format::log::writer::{LogImage, LogSink};
use ese_format::log_header::LOG_HEADER_LEN;
use ese_format::{LogGeneration, Signature};
use vfs::mem::Mem;

use super::*;

/// Types of records, as they are stored.
const SHUT_DOWN_MARK: u8 = 23;
const RECOVERY_UNDO2: u8 = 51;
const RECOVERY_QUIT2: u8 = 52;

/// Keeps the one file that is written.
#[derive(Debug)]
struct One(Clock, Vec<u8>);

impl LogSink for One {
    type Error = Infallible;

    fn now(&mut self) -> LogTime {
        self.0.now()
    }

    fn file(&mut self, file: &LogImage<'_>) -> Result<(), Infallible> {
        self.1 = file.bytes.to_vec();
        self.1.resize(usize::try_from(file.len).unwrap(), 0);
        Ok(())
    }
}

fn header() -> LogHeader {
    let mut header = LogHeader::blank();
    header.generation = LogGeneration(5);
    header.sector_size = 4096;
    header.header_sectors = 1;
    header.file_sectors = 8;
    header.created = Clock::fixed(1_800_000_000_000).now();
    header.signature = Signature { random: 7, ..Signature::NONE };
    header.flags = 1;
    header
}

/// A log with notes of 1000 bytes, the last segment part full; and where its records end.
pub(crate) fn log(notes: usize) -> (Vec<u8>, LogPosition) {
    let sink = One(Clock::fixed(1_800_000_001_000), Vec::new());
    let mut writer = LogWriter::new(header(), sink).unwrap();
    let mut note = vec![b'x'; 1000];
    note[..5].copy_from_slice(&[22, 1, 0, 0xE3, 3]);
    for _ in 0..notes {
        writer.append(&note).unwrap();
    }
    let end = writer.position();
    (writer.cut().unwrap().1, end)
}

fn tail_of(bytes: Vec<u8>, end: LogPosition, mark: Option<LogPosition>) -> FinishedTail {
    let mem = Mem::new();
    mem.put("/edb.log", bytes).unwrap();
    tail_at(mem, "/edb.log", end, mark)
}

pub(crate) fn tail_at(
    mem: Mem,
    path: &str,
    end: LogPosition,
    mark: Option<LogPosition>,
) -> FinishedTail {
    let storage: Arc<dyn Storage> = Arc::new(mem);
    let last = LastLog {
        path: path.into(),
        archived_name: "edb00005.log".into(),
        header: header(),
        end,
        mark,
    };
    let redo_from = "3:1:0".parse().unwrap();
    let start = TailStart { last, attachments: vec![1, 2, 3], redo_from, hard: true };
    let clock = Clock::fixed(1_800_000_002_000);
    LogTail::begin(&storage, start, Spill::Memory, clock).unwrap().finish().unwrap()
}

/// The end of a log of ten notes.
pub(crate) fn finished() -> FinishedTail {
    let (bytes, end) = log(10);
    tail_of(bytes, end, None)
}

fn content(tail: &FinishedTail, file: &SpooledLog) -> Vec<u8> {
    let mut bytes = vec![0xEE; usize::try_from(file.len).unwrap() + 9];
    let len = tail.read(file).read(&mut bytes).unwrap();
    bytes.truncate(len);
    assert_eq!(bytes.len() as u64, file.len);
    bytes
}

/// XOR of the checksums of the segments up to the first that is not one of its place.
fn checksum(log: &[u8]) -> u64 {
    use ese_format::PageNumber;
    use ese_format::checksum::{BlockPosition, ecc};
    let mut all = 0;
    for (sector, segment) in (0..).zip(log.chunks(4096)).skip(1) {
        let stored = u64::from_le_bytes(segment[..8].try_into().unwrap());
        let is_segment = stored == ecc(segment, PageNumber(sector), BlockPosition::First).0;
        if stored == 0 || !is_segment {
            break;
        }
        all ^= stored;
    }
    all
}

#[test]
fn log_goes_on_in_a_new_generation() {
    let (bytes, end) = log(10);
    let tail = tail_of(bytes.clone(), end, None);
    assert_eq!(tail.replacement(), None);
    assert!(!tail.replaces_last());
    let [file] = tail.files() else { panic!() };
    assert!(file.header.follows(&header()));
    let new = content(&tail, file);
    let read = LogHeader::parse(&new[..LOG_HEADER_LEN]).unwrap();
    assert_eq!(read.previous_segments_checksum, checksum(&bytes));
    assert_eq!(read.attachments()[..4], [1, 2, 3, 0]);
    assert_eq!((read.flags, read.checkpoint.to_string()), (0, "3:1:0".to_owned()));
    assert_eq!(tail.mark().to_string(), "6:1:31");
    assert_eq!(tail.quit().to_string(), "6:2:0");
    assert_eq!(new[4096 + 40], RECOVERY_UNDO2);
    assert_eq!(new[4096 + 0x31], SHUT_DOWN_MARK);
    assert_eq!(new[4096 + 0x32], 71);
    let quit = &new[2 * 4096 + 40..][..26];
    assert_eq!(quit[0], RECOVERY_QUIT2);
    assert_eq!(quit[1..9], [0, 0, 1, 0, 6, 0, 0, 0]);
    assert_eq!(quit[9..17], [0, 0, 1, 0, 3, 0, 0, 0]);
    assert_eq!(quit[17], 1);
    assert_eq!(quit[18..], tail.time().to_bytes());
    assert_eq!(new[2 * 4096..3 * 4096], new[3 * 4096..4 * 4096], "the shadow of the last segment");
}

#[test]
fn log_that_was_about_to_end_is_only_ended() {
    let (bytes, end) = log(10);
    let mark = "5:3:100".parse().unwrap();
    let tail = tail_of(bytes, end, Some(mark));
    assert_eq!((tail.mark(), tail.quit().to_string()), (mark, "6:1:0".to_owned()));
    let new = content(&tail, &tail.files()[0]);
    assert_eq!(new[4096 + 40..][..9], [RECOVERY_QUIT2, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn log_without_records_is_replaced() {
    let (bytes, _) = log(0);
    let tail = tail_of(bytes, "5:1:0".parse().unwrap(), None);
    assert!(tail.replaces_last() && tail.replacement().is_none());
    assert_eq!(tail.files()[0].header.generation, LogGeneration(5));
    assert_eq!(tail.files()[0].header.created, header().created);
    assert_eq!(tail.mark().to_string(), "5:1:31");
}

#[test]
fn torn_segment_is_replaced_by_its_shadow() {
    let (good, end) = log(10);
    let mut bytes = good.clone();
    bytes[3 * 4096 + 512..3 * 4096 + 1024].fill(0xAA);
    let tail = tail_of(bytes, end, None);
    let replacement = content(&tail, tail.replacement().unwrap());
    assert_eq!(replacement[..4 * 4096], good[..4 * 4096]);
    assert!(replacement[4 * 4096..].iter().all(|byte| *byte == 0));
    let new = content(&tail, &tail.files()[0]);
    let read = LogHeader::parse(&new[..LOG_HEADER_LEN]).unwrap();
    assert_eq!(read.previous_segments_checksum, checksum(&good));
}

#[test]
fn wrong_bit_is_corrected_and_what_is_behind_is_taken_away() {
    let (good, end) = log(10);
    let mut bytes = good.clone();
    bytes[2 * 4096 + 99] ^= 1;
    bytes[6 * 4096 + 99] = 1;
    let tail = tail_of(bytes, end, None);
    let replacement = content(&tail, tail.replacement().unwrap());
    assert_eq!(replacement[..4 * 4096], good[..4 * 4096]);
    assert!(replacement[4 * 4096..].iter().all(|byte| *byte == 0));
}

#[test]
fn records_behind_the_end_are_taken_away() {
    let (bytes, _) = log(10);
    let (shorter, end) = log(6);
    let tail = tail_of(bytes, end, None);
    let replacement = content(&tail, tail.replacement().unwrap());
    assert_eq!(checksum(&replacement), {
        let new = content(&tail, &tail.files()[0]);
        LogHeader::parse(&new[..LOG_HEADER_LEN]).unwrap().previous_segments_checksum
    });
    let cut = usize::from(end.sector) * 4096 + usize::from(end.byte);
    assert_eq!(replacement[8200..cut], shorter[8200..cut]);
    assert!(replacement[cut..].iter().all(|byte| *byte == 0));
}

#[test]
fn segments_of_an_older_generation_may_stay() {
    let (mut bytes, end) = log(10);
    let mut old = log(20).0[5 * 4096..6 * 4096].to_vec();
    old[12] = 4;
    let sum = {
        use ese_format::PageNumber;
        use ese_format::checksum::{BlockPosition, ecc};
        ecc(&old, PageNumber(5), BlockPosition::First).0
    };
    old[..8].copy_from_slice(&sum.to_le_bytes());
    bytes[5 * 4096..6 * 4096].copy_from_slice(&old);
    assert_eq!(tail_of(bytes, end, None).replacement(), None);
}

#[test]
fn damage_before_the_end_is_an_error() {
    let (mut bytes, end) = log(10);
    bytes[2 * 4096 + 512..2 * 4096 + 1024].fill(0xAA);
    let mem = Mem::new();
    mem.put("/edb.log", bytes).unwrap();
    let storage: Arc<dyn Storage> = Arc::new(mem);
    let last = LastLog {
        path: Path::new("/edb.log").into(),
        archived_name: "edb00005.log".into(),
        header: header(),
        end,
        mark: None,
    };
    let redo_from = LogPosition::UNSET;
    let start = TailStart { last, attachments: Vec::new(), redo_from, hard: false };
    let error = LogTail::begin(&storage, start, Spill::Memory, Clock::fixed(1)).unwrap_err();
    assert_eq!(error.to_string(), "/edb.log: the log cannot be continued: sector 2 is damaged");
}

/// Where the records of a log end, as far as its segments tell.
fn end_of_segments(log: &[u8], generation: LogGeneration) -> LogPosition {
    use ese_format::PageNumber;
    use ese_format::checksum::{BlockPosition, ecc};
    let mut sector = 1;
    for (number, segment) in (0..).zip(log.chunks(4096)).skip(1) {
        let stored = u64::from_le_bytes(segment[..8].try_into().unwrap());
        let of_file = segment[12..16] == generation.0.to_le_bytes();
        if !of_file || stored != ecc(segment, PageNumber(number), BlockPosition::First).0 {
            break;
        }
        sector = u16::try_from(number).unwrap() + 1;
    }
    LogPosition { generation, sector, byte: 0 }
}

#[test]
fn logs_of_the_engine_go_on() {
    let Some(corpus) = testkit::corpus() else { return };
    for (set, empty) in [("8k_a", true), ("8k_b", false), ("8k_f", false)] {
        let folder = corpus.unpacked().join(format!("crash_{set}/files"));
        let bytes = std::fs::read(folder.join("edb.log")).unwrap();
        let header = LogHeader::parse(&bytes).unwrap();
        let end = end_of_segments(&bytes, header.generation);
        let mem = Mem::new();
        mem.put("/edb.log", bytes.clone()).unwrap();
        let last = LastLog {
            path: "/edb.log".into(),
            archived_name: "edb0000A.log".into(),
            header: header.clone(),
            end,
            mark: None,
        };
        let attachments = header.attachments().to_vec();
        let start = TailStart { last, attachments, redo_from: end, hard: false };
        let storage: Arc<dyn Storage> = Arc::new(mem);
        let tail = LogTail::begin(&storage, start, Spill::Memory, Clock::fixed(1_800_000_000_000));
        let tail = tail.unwrap().finish().unwrap();
        assert_eq!((tail.replaces_last(), tail.replacement()), (empty, None), "{set}");
        let new = content(&tail, &tail.files()[0]);
        let new_header = LogHeader::parse(&new).unwrap();
        assert_eq!(new_header.update_minor, header.update_minor);
        if !empty {
            assert!(new_header.follows(&header));
            assert_eq!(new_header.previous_segments_checksum, checksum(&bytes), "{set}");
        }
    }
}

#[test]
fn records_of_the_undo_are_written() {
    use ese_format::log::record::{LogRecord, SessionId, TransactionRecord, TransactionStep};
    let (bytes, end) = log(10);
    let mem = Mem::new();
    mem.put("/edb.log", bytes).unwrap();
    let storage: Arc<dyn Storage> = Arc::new(mem);
    let last = LastLog {
        path: "/edb.log".into(),
        archived_name: "edb00005.log".into(),
        header: header(),
        end,
        mark: None,
    };
    let redo_from = "3:1:0".parse().unwrap();
    let start = TailStart { last, attachments: Vec::new(), redo_from, hard: false };
    let clock = Clock::fixed(1_800_000_002_000);
    let mut tail = LogTail::begin(&storage, start, Spill::Memory, clock).unwrap();
    let step = TransactionStep::Rollback { levels: 1 };
    let record = LogRecord::Transaction(TransactionRecord { session: SessionId(5), step });
    assert_eq!(tail.append(&record).unwrap().to_string(), "6:1:31");
    assert_eq!(tail.append(&record).unwrap().to_string(), "6:1:35");
    for _ in 0..8 * 4096 / 4 {
        tail.append(&record).unwrap();
    }
    let tail = tail.finish().unwrap();
    assert_eq!(tail.files().len(), 2);
    assert_eq!(content(&tail, &tail.files()[0])[4096 + 0x31..][..4], [7, 5, 0, 1]);
    assert!(tail.files()[1].header.follows(&tail.files()[0].header));
    assert_eq!(NoLog.append(&record).unwrap(), LogPosition::UNSET);
}

/// The records of an archived log with their positions, zeros left out; pieces are put together.
fn records_of(log: &[u8]) -> Vec<(LogPosition, Vec<u8>)> {
    use ese_format::log::record::{RecordKind, record_len};
    let generation = LogHeader::parse(log).unwrap().generation;
    let (mut records, mut open, mut left) = (Vec::<(LogPosition, Vec<u8>)>::new(), false, 0);
    for (sector, segment) in (0..).zip(log.chunks(4096)).skip(1) {
        if segment[8..16]
            != [&[0, 0], &u16::to_le_bytes(sector)[..], &generation.0.to_le_bytes()].concat()
        {
            break;
        }
        let mut at = 40;
        while at < 4096 {
            let kind = RecordKind(segment[at]);
            let byte = if at == 40 { 0 } else { u16::try_from(at).unwrap() };
            let position = LogPosition { generation, sector, byte };
            let len = |at: usize| usize::from(u16::from_le_bytes([segment[at], segment[at + 1]]));
            if kind == RecordKind::NOP {
                at += 1;
            } else if kind == RecordKind::FRAGMENT_BEGIN {
                let piece = len(at + 5);
                left = usize::from(segment[at + 1]) | usize::from(segment[at + 2]) << 8;
                left -= piece;
                open = true;
                records.push((position, segment[at + 7..][..piece].to_vec()));
                at += 7 + piece;
            } else if kind == RecordKind::FRAGMENT {
                let piece = len(at + 1);
                assert!(open);
                records.last_mut().unwrap().1.extend(&segment[at + 3..][..piece]);
                left -= piece;
                open = left > 0;
                at += 3 + piece;
            } else {
                let whole = record_len(&segment[at..]).unwrap();
                records.push((position, segment[at..at + whole].to_vec()));
                at += whole;
            }
        }
    }
    records
}

#[test]
fn records_are_placed_where_the_engine_places_them() {
    let Some(corpus) = testkit::corpus() else { return };
    for set in ["8k_a", "8k_new", "4k_a", "32k_a"] {
        let folder = corpus.unpacked().join(format!("crash_{set}/files"));
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let archived = |path: &std::path::PathBuf| path.to_str().unwrap().contains("/edb000");
        let mut names: Vec<_> = entries.filter(archived).collect();
        names.sort();
        for name in names.iter().take(2) {
            let log = std::fs::read(name).unwrap();
            let header = LogHeader::parse(&log).unwrap();
            let sink = One(Clock::fixed(1_800_000_000_000), Vec::new());
            let mut writer = LogWriter::new(header, sink).unwrap();
            for (position, record) in records_of(&log) {
                let placed = writer.append(&record).unwrap();
                let is_behind = position.sector == placed.sector + 1 && position.byte == 0;
                assert!(placed == position || is_behind, "{placed} for {position} of {set}");
            }
            let again = writer.cut().unwrap().1;
            let body = |log: &[u8]| {
                let segments =
                    log.chunks(4096).skip(1).take_while(|one| one[16..].iter().any(|b| *b != 0));
                segments.map(|segment| segment[24..].to_vec()).collect::<Vec<_>>()
            };
            let (engine, ours) = (body(&log), body(&again));
            let same = engine.iter().zip(&ours).take_while(|(a, b)| a == b).count();
            // The last sector is the shadow of the last segment, in one of them or in both.
            assert!(
                same + 1 >= engine.len() && same + 1 >= ours.len(),
                "{}: {same}",
                name.display()
            );
        }
    }
}
