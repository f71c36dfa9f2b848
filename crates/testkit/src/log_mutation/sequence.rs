//! Mutations of the sequence of generations.

use super::{Folder, LogMutation, damage, odd};

const LOG: u32 = 4;

fn swap_names(folder: &mut Folder, one: u32, two: u32) {
    let (one, two) = (folder.log(one), folder.log(two));
    let (first, second) = (folder.remove(&one), folder.remove(&two));
    folder.put(&one, second);
    folder.put(&two, first);
}

/// Puts the log of another stream, with the same generation and name, in place.
fn foreign(folder: &mut Folder, generation: u32) {
    let name = folder.log(generation);
    let other = Folder::of(super::LogBase::Set("backup_8k")).unwrap();
    let log = other.file(&other.log(generation)).to_vec();
    folder.put(&name, log);
}

pub(super) const TABLE: &[LogMutation] = &[
    damage("generation removed", &["sequence|missing"], |folder| {
        folder.remove(&folder.log(LOG));
    }),
    damage("two generations removed", &["sequence|missing"], |folder| {
        folder.remove(&folder.log(LOG));
        folder.remove(&folder.log(LOG + 1));
    }),
    damage("two generations swapped", &["name|sequence|generation"], |folder| {
        swap_names(folder, LOG, LOG + 1);
    }),
    damage("generation in the header", &["name|sequence|generation"], |folder| {
        folder.change_header(LOG, |header| header[4] = 0x44);
    }),
    damage("log of another stream", &["signature"], |folder| foreign(folder, LOG)),
    damage("first log of another stream", &["signature"], |folder| foreign(folder, 1)),
    damage("all logs but one of another stream", &["signature"], |folder| {
        for generation in 1..=3 {
            foreign(folder, generation);
        }
    }),
    damage("log signature", &["signature"], |folder| {
        folder.change_header(LOG, |header| header[44] ^= 1);
    }),
    damage("creation time of the previous log", &["time"], |folder| {
        folder.change_header(LOG, |header| header[24] ^= 1);
    }),
    damage("creation time of a log", &["time"], |folder| {
        folder.change_header(LOG, |header| header[16] ^= 1);
    }),
    damage("accumulated checksum of the previous log", &["checksum"], |folder| {
        folder.change_header(LOG, |header| header[655] ^= 1);
    }),
    damage("page size of one log", &["page-size"], |folder| {
        folder.change_header(LOG, |header| header[14..16].copy_from_slice(&[0, 0x10]));
    }),
    damage("one generation twice", &["sequence|generation|name"], |folder| {
        let copy = folder.file(&folder.log(LOG)).to_vec();
        folder.put("edb00044.log", copy);
    }),
    odd("version raised within the stream", &[], |folder| {
        for generation in LOG..=9 {
            folder.change_header(generation, |header| header[648] = 17);
        }
    }),
    odd("version lowered within the stream", &["version"], |folder| {
        folder.change_header(LOG + 1, |header| header[648] = 14);
    }),
];
