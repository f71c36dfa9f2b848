//! The records of a log file, found by their lengths alone.
//!
//! | type | length |
//! |---|---|
//! | most | fixed part, and lengths of what follows at fixed places |
//! | 67-75, 82-91 | 5 and what the number at 1 says |
//! | 76, 77 | first and further pieces of a record: 7, 3 and the length of the piece |
//!
//! This is written apart from the parser under test, from ESE `CbLGSizeOfRec` (logread.cxx).

use crate::{u16_at, u32_at};

/// Bytes of a sector, and of the segment in it.
pub const SECTOR: usize = 4096;
/// Bytes of a segment before its records.
pub const SEGMENT_HEADER: usize = 40;

/// Types of records that mutations look for.
#[allow(missing_docs, reason = "named as the format names them")]
pub mod kind {
    pub const BEGIN: u8 = 5;
    pub const COMMIT: u8 = 6;
    pub const ROLLBACK: u8 = 7;
    pub const BEGIN_0: u8 = 8;
    pub const COMMIT_0: u8 = 9;
    pub const MACRO_BEGIN: u8 = 11;
    pub const MACRO_COMMIT: u8 = 12;
    pub const CREATE_DB: u8 = 14;
    pub const TRACE: u8 = 22;
    pub const INSERT: u8 = 29;
    pub const FLAG_DELETE: u8 = 32;
    pub const REPLACE: u8 = 33;
    pub const REPLACE_DIFF: u8 = 34;
    pub const DELETE: u8 = 35;
    pub const UNDO_INFO: u8 = 36;
    pub const DELTA: u8 = 37;
    pub const INIT_2: u8 = 49;
    pub const SPLIT_2: u8 = 62;
    pub const EXTEND_DB: u8 = 68;
    pub const NOP_2: u8 = 71;
    pub const FRAGMENT_BEGIN: u8 = 76;
    pub const FRAGMENT: u8 = 77;
}

/// A record, or a piece of one, in a log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its type.
    pub kind: u8,
    /// Where it begins in the file.
    pub at: usize,
    /// Its length.
    pub len: usize,
}

impl Piece {
    /// The sector that it lies in.
    pub fn sector(&self) -> usize {
        self.at / SECTOR
    }
}

/// The pieces of one segment, which begins at `start` of `file`; the walk ends at what has no
/// length.
pub fn pieces_of_segment(file: &[u8], sector: usize) -> Vec<Piece> {
    let (mut at, end) = (sector * SECTOR + SEGMENT_HEADER, (sector + 1) * SECTOR);
    let mut pieces = Vec::new();
    while at < end {
        if file[at] == 0 {
            at += 1;
            continue;
        }
        let Some(len) = piece_len(&file[at..end]) else { break };
        pieces.push(Piece { kind: file[at], at, len });
        at += len;
    }
    pieces
}

/// The pieces of all segments that the file itself says are its own.
pub fn pieces(file: &[u8]) -> Vec<Piece> {
    used_sectors(file).flat_map(|sector| pieces_of_segment(file, sector)).collect()
}

/// The sectors with segments that bear their own position and generation.
pub fn used_sectors(file: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let generation = u32_at(file, 4);
    (1..file.len() / SECTOR).take_while(move |&sector| {
        let segment = &file[sector * SECTOR..];
        usize::from(u16_at(segment, 10)) == sector && u32_at(segment, 12) == generation
    })
}

/// Length of the piece at the beginning of `bytes`; `None` if it has none within them.
pub fn piece_len(bytes: &[u8]) -> Option<usize> {
    let fixed = fixed_len(bytes[0])?;
    if bytes.len() < fixed {
        return None;
    }
    let short = |at: usize| usize::from(u16_at(bytes, at));
    let long = |at: usize| usize::try_from(u32_at(bytes, at)).unwrap();
    let more = match bytes[0] {
        67..=75 | 82..=91 => return (5 + long(1) <= bytes.len()).then(|| 5 + long(1)),
        14 => short(40) + usize::from(bytes[42] & 4),
        15 => short(72),
        16 => short(4),
        19 | 20 | 45 | 59 | 77 => short(1),
        22 | 46 | 61 => short(3),
        27 => short(96) + short(98) + short(100),
        28 => short(86),
        29 => short(44) + short(46) + short(48),
        30 | 31 | 37 | 39 | 93 => short(44) + short(46),
        33 | 34 => short(44) & 0x7FFF,
        36 => short(44) + short(46) + short(54),
        38 | 48 => short(44),
        54 => long(3),
        60 => short(33),
        62 => short(96) + short(98) + short(100) + long(106),
        63 => short(86) + long(92),
        64 => short(52),
        65 => long(88) + long(92),
        76 => short(5),
        _ => 0,
    };
    (fixed + more <= bytes.len()).then_some(fixed + more)
}

fn fixed_len(kind: u8) -> Option<usize> {
    Some(match kind {
        4 | 17 | 23 => 1,
        97 => 2,
        19 | 20 | 45 | 55 | 57 | 59 | 77 => 3,
        5 | 6 | 7 | 21 | 79 => 4,
        22 | 46 | 61 | 67..=75 | 82..=91 => 5,
        10 | 16 | 54 | 76 => 7,
        8 | 9 | 53 => 8,
        3 | 51 => 9,
        78 | 81 | 94 => 10,
        11..=13 | 100 => 11,
        92 => 14,
        96 => 16,
        2 | 18 | 99 => 18,
        101 => 19,
        95 => 20,
        42 => 22,
        50 | 52 | 80 => 26,
        98 => 27,
        60 => 35,
        14 => 43,
        32 | 35 => 44,
        38 | 48 | 66 => 46,
        25 | 30 => 48,
        29 | 33 | 34 => 50,
        39 => 51,
        31 => 52,
        37 | 64 => 54,
        24 | 36 => 56,
        93 => 58,
        26 => 60,
        58 => 68,
        15 => 75,
        28 => 88,
        63 | 65 => 96,
        27 => 102,
        62 => 110,
        1 => 568,
        49 => 576,
        _ => return None,
    })
}
