//! Mutations of the bytes of segments and headers, and of what closes a log.

use super::walk::{SECTOR, SEGMENT_HEADER, kind};
use super::{CRASH, Folder, LogClass, LogMutation, Subject, damage, odd};

/// The generation that is changed, unless the change is about its neighbours.
const LOG: u32 = 4;
/// The current log: the database was killed while it was written.
const CURRENT: u32 = 9;
/// A segment in the midst of a log.
const MIDDLE: usize = 20;

fn flip(folder: &mut Folder, generation: u32, at: usize, bits: u8) {
    folder.edit_log(generation)[at] ^= bits;
}

fn copy_sector(folder: &mut Folder, generation: u32, from: usize, to: usize) {
    let log = folder.edit_log(generation);
    log.copy_within(Folder::sector(from), to * SECTOR);
}

fn swap_sectors(folder: &mut Folder, generation: u32, one: usize, two: usize) {
    let log = folder.edit_log(generation);
    let first = log[Folder::sector(one)].to_vec();
    log.copy_within(Folder::sector(two), one * SECTOR);
    log[Folder::sector(two)].copy_from_slice(&first);
}

/// The last segment of the current log, with the copy behind it that a partial write leaves.
fn shadowed(folder: &mut Folder) -> usize {
    let last = folder.last_sector(CURRENT);
    copy_sector(folder, CURRENT, last, last + 1);
    last
}

/// Half of the last segment is what was there before.
fn tear(folder: &mut Folder, sector: usize) {
    folder.edit_log(CURRENT)[sector * SECTOR + 2000..(sector + 1) * SECTOR].fill(0xAA);
}

/// A segment of another generation at its right place, sealed.
fn stale(folder: &mut Folder, sector: usize, generation: u32) {
    let log = folder.edit_log(CURRENT);
    let start = sector * SECTOR;
    log.copy_within(Folder::sector(1), start);
    log[start + 10..start + 12].copy_from_slice(&u16::try_from(sector).unwrap().to_le_bytes());
    log[start + 12..start + 16].copy_from_slice(&generation.to_le_bytes());
    folder.seal_segment(CURRENT, sector);
}

pub(super) const TABLE: &[LogMutation] = &[
    LogMutation {
        name: "logs as they are",
        base: CRASH,
        class: LogClass::Control,
        subject: Subject::Logs,
        expects: &[],
        apply: |_| (),
    },
    odd("one bit flipped in a segment", &["corrected"], |folder| {
        flip(folder, LOG, 5 * SECTOR + 300, 4);
    }),
    odd("one bit flipped in the stored checksum of a segment", &[], |folder| {
        flip(folder, LOG, 5 * SECTOR + 1, 4);
    }),
    odd("one bit flipped in every segment of a log", &["corrected"], |folder| {
        for sector in 1..=folder.last_sector(LOG) {
            flip(folder, LOG, sector * SECTOR + SEGMENT_HEADER + sector, 1);
        }
    }),
    damage("two bits flipped in a segment", &["segment"], |folder| {
        flip(folder, LOG, 5 * SECTOR + 300, 4);
        flip(folder, LOG, 5 * SECTOR + 900, 1);
    }),
    damage("two bits of one byte flipped in a segment", &["segment"], |folder| {
        flip(folder, LOG, 5 * SECTOR + 300, 6);
    }),
    damage("bytes overwritten in a segment", &["segment"], |folder| {
        folder.edit_log(LOG)[MIDDLE * SECTOR + 1000..MIDDLE * SECTOR + 1008].fill(0xDE);
    }),
    damage("stored checksum of a segment damaged", &["segment"], |folder| {
        flip(folder, LOG, MIDDLE * SECTOR + 5, 0xFF);
    }),
    damage("header byte changed", &["header-checksum"], |folder| flip(folder, LOG, 100, 4)),
    damage("two segments swapped", &["segment"], |folder| swap_sectors(folder, LOG, 2, 3)),
    damage("segment of another position, checksum redone", &["segment"], |folder| {
        copy_sector(folder, LOG, 3, 2);
        folder.seal_segment(LOG, 2);
    }),
    damage("segment of another generation", &["segment"], |folder| {
        let other = folder.file(&folder.log(LOG - 1))[Folder::sector(2)].to_vec();
        folder.edit_log(LOG)[Folder::sector(2)].copy_from_slice(&other);
    }),
    damage("segment of a later generation", &["segment"], |folder| {
        let other = folder.file(&folder.log(LOG + 1))[Folder::sector(2)].to_vec();
        folder.edit_log(LOG)[Folder::sector(2)].copy_from_slice(&other);
    }),
    damage("segment zeroed in the middle", &["segment"], |folder| {
        folder.edit_log(LOG)[Folder::sector(5)].fill(0);
    }),
    damage("first segment zeroed", &["segment"], |folder| {
        folder.edit_log(LOG)[Folder::sector(1)].fill(0);
    }),
    damage("all segments of a log zeroed", &["segment|empty|checksum"], |folder| {
        folder.edit_log(LOG)[SECTOR..].fill(0);
    }),
    damage("last segment of an archived log replaced by zeros", &["checksum|segment"], |folder| {
        let last = folder.last_sector(LOG);
        folder.edit_log(LOG)[last * SECTOR..].fill(0);
    }),
    damage("position of a segment", &["segment"], |folder| {
        flip(folder, LOG, MIDDLE * SECTOR + 10, 0x80);
        folder.seal_segment(LOG, MIDDLE);
    }),
    damage("generation of a segment raised", &["segment"], |folder| {
        flip(folder, LOG, MIDDLE * SECTOR + 14, 0x10);
        folder.seal_segment(LOG, MIDDLE);
    }),
    damage("data behind the end of the current log", &["segment"], |folder| {
        let last = folder.last_sector(CURRENT);
        copy_sector(folder, CURRENT, 2, last + 3);
        stale(folder, last + 3, CURRENT);
    }),
    odd("torn segment with a good shadow behind it", &[], |folder| {
        let last = shadowed(folder);
        tear(folder, last);
    }),
    damage("torn segment and torn shadow", &["segment"], |folder| {
        let last = shadowed(folder);
        tear(folder, last);
        tear(folder, last + 1);
    }),
    odd("shadow of the last segment", &[], |folder| {
        shadowed(folder);
    }),
    odd("torn shadow of the last segment", &[], |folder| {
        let last = shadowed(folder);
        let end = (last + 2) * SECTOR;
        folder.edit_log(CURRENT)[end - 2096..end].fill(0);
    }),
    odd("segment of an earlier use of the file behind the end", &[], |folder| {
        let last = folder.last_sector(CURRENT);
        stale(folder, last + 1, CURRENT - 5);
        stale(folder, last + 2, CURRENT - 5);
    }),
    damage("segment of a later use of the file behind the end", &["segment"], |folder| {
        let last = folder.last_sector(CURRENT);
        stale(folder, last + 1, CURRENT + 5);
    }),
    damage("log cut", &["header-size|length|size"], |folder| {
        folder.edit_log(LOG).truncate(60_000);
    }),
    damage("log cut in its header", &["header"], |folder| folder.edit_log(LOG).truncate(1000)),
    damage("log longer than its header says", &["header-size|length|size"], |folder| {
        let len = folder.edit_log(LOG).len();
        folder.edit_log(LOG).resize(len + SECTOR, 0);
    }),
    damage("sectors of the file in the header", &["size|length"], |folder| {
        folder.change_header(LOG, |header| header[12] ^= 8);
    }),
    damage("sector size in the header", &["sector"], |folder| {
        folder.change_header(LOG, |header| header[9] = 2);
    }),
    damage("page size in the header", &["page-size"], |folder| {
        folder.change_header(LOG, |header| header[15] = 0x13);
    }),
    damage("kind of file in the header", &["header|type|other"], |folder| {
        folder.change_header(LOG, |header| header[667] = 4);
    }),
    damage("version of a newer engine in the header", &["version"], |folder| {
        folder.change_header(LOG, |header| header[32] = 9);
    }),
    damage("attach list", &["attach"], |folder| {
        folder.change_header(LOG, |header| header[671] = 9);
    }),
    damage("length of a name in the attach list", &["attach"], |folder| {
        folder.change_header(LOG, |header| header[671 + 2..671 + 4].fill(0xFF));
    }),
    damage("fragment continued by nothing", &["segment|fragment|record"], |folder| {
        let (generation, piece) = folder.find(LOG, kind::FRAGMENT);
        folder.change_piece(generation, piece, |record| record.fill(0));
    }),
];
