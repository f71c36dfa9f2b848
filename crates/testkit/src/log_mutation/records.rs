//! Mutations of records: types, lengths, pieces, what they say of sessions, macros and pages.

use super::walk::kind;
use super::{Folder, LogMutation, damage, odd};
use crate::u16_at;

/// The generation from which on a record is looked for: the instance has begun before it.
const FROM: u32 = 3;

/// Puts zeros, which are padding, in place of the first record of a type.
fn blank(folder: &mut Folder, kind: u8) {
    folder.change_record(FROM, kind, |record| record.fill(0));
}

fn raise(bytes: &mut [u8], at: usize, by: u32) {
    let value = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    bytes[at..at + 4].copy_from_slice(&value.wrapping_add(by).to_le_bytes());
}

/// The last of the changes of one page in the logs, and the one before it.
fn lower_before(folder: &mut Folder) {
    let pieces = folder.pieces(FROM);
    let pages = |piece: &&super::walk::Piece| piece.kind == kind::INSERT;
    let piece = *pieces.iter().rfind(pages).unwrap();
    folder.change_piece(FROM, piece, |record| raise(record, 16, u32::MAX));
}

pub(super) const TABLE: &[LogMutation] = &[
    damage("record type unknown", &["record"], |folder| {
        folder.change_record(FROM, kind::INSERT, |record| record[0] = 0xEE);
    }),
    damage("record type of the next engine", &["record"], |folder| {
        folder.change_record(FROM, kind::INSERT, |record| record[0] = 102);
    }),
    damage("record type of an obsolete record", &["record"], |folder| {
        folder.change_record(FROM, kind::INSERT, |record| record[0] = 40);
    }),
    damage("record length field", &["record"], |folder| {
        folder.change_record(FROM, kind::INSERT, |record| record[49] = 0x30);
    }),
    damage("record longer by one than it was", &["record"], |folder| {
        folder.change_record(FROM, kind::INSERT, |record| {
            let len = u16_at(record, 48) + 1;
            record[48..50].copy_from_slice(&len.to_le_bytes());
        });
    }),
    damage("length of a before-image", &["record|fragment"], |folder| {
        // One that lies in one segment as a whole has no image, or a short one.
        folder.change_record(FROM, kind::SPLIT_2, |record| record[109] = 0x7F);
    }),
    damage("length of padding", &["record"], |folder| {
        folder.change_record(FROM, kind::NOP_2, |record| record[3] = 1);
    }),
    damage("fragment size", &["fragment|record"], |folder| {
        folder.change_record(FROM, kind::FRAGMENT_BEGIN, |record| raise(record, 1, 9));
    }),
    damage("fragment size beyond any file", &["fragment|record"], |folder| {
        folder.change_record(FROM, kind::FRAGMENT_BEGIN, |record| record[1..5].fill(0xFF));
    }),
    damage("fragment size below its first piece", &["fragment|record"], |folder| {
        folder.change_record(FROM, kind::FRAGMENT_BEGIN, |record| {
            record[1..5].copy_from_slice(&1_u32.to_le_bytes());
        });
    }),
    damage("piece of a fragment longer than its segment", &["fragment|record"], |folder| {
        folder.change_record(FROM, kind::FRAGMENT, |record| record[2] = 0x3F);
    }),
    damage("first piece of a record missing", &["fragment|record"], |folder| {
        blank(folder, kind::FRAGMENT_BEGIN);
    }),
    damage("dbtime before a change above the one after", &["record"], |folder| {
        folder.change_record(FROM, kind::INSERT, |record| record[22] = 4);
    }),
    damage("dbtime before a change not what the page had", &["dbtime"], lower_before),
    damage("database 0 in a record", &["record"], |folder| {
        folder.change_record(FROM, kind::INSERT, |record| record[3] = 0);
    }),
    damage("database 7 in a record", &["record"], |folder| {
        folder.change_record(FROM, kind::INSERT, |record| record[3] = 7);
    }),
    damage("page 0 in a record", &["record"], |folder| {
        folder.change_record(FROM, kind::INSERT, |record| record[4..8].fill(0));
    }),
    damage("begin of a transaction gone", &["record"], |folder| blank(folder, kind::BEGIN_0)),
    damage("begin of a macro gone", &["record"], |folder| blank(folder, kind::MACRO_BEGIN)),
    damage("end of a macro gone", &["record"], |folder| blank(folder, kind::MACRO_COMMIT)),
    damage("commit gone", &["record"], |folder| blank(folder, kind::COMMIT_0)),
    damage("commit of another session", &["record"], |folder| {
        folder.change_record(FROM, kind::COMMIT_0, |record| record[1] ^= 0x40);
    }),
    damage("level that a transaction begins from", &["record"], |folder| {
        folder.change_record(FROM, kind::BEGIN_0, |record| record[3] |= 7);
    }),
    damage("level of a commit", &["record"], |folder| {
        folder.change_record(FROM, kind::COMMIT_0, |record| record[3] = 3);
    }),
    damage("levels of a rollback", &["record"], |folder| {
        folder.change_record(1, kind::ROLLBACK, |record| record[3] = 9);
    }),
    damage("lengths of a replacement that do not fit", &["record"], |folder| {
        folder.change_record(FROM, kind::REPLACE, |record| {
            record[48..50].copy_from_slice(&1_u16.to_le_bytes());
        });
    }),
    damage("difference of a replacement", &["record"], |folder| {
        folder.change_record(FROM, kind::REPLACE_DIFF, |record| record[50..52].fill(0xFF));
    }),
    damage("operation of an undo record", &["record"], |folder| {
        folder.change_record(1, kind::UNDO_INFO, |record| record[48] = 0x55);
    }),
    odd("text of a trace record", &[], |folder| {
        folder.change_record(1, kind::TRACE, |record| record[6] ^= 1);
    }),
    odd("unused record made of padding", &[], |folder| {
        folder.change_record(1, kind::TRACE, |record| record.fill(0));
    }),
];
