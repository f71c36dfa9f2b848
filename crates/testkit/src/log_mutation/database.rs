//! Mutations of the database that belongs to the logs, and of what it needs of them.

use super::walk::kind;
use super::{CLEAN, CRASH, Folder, LogMutation, damaged_database};
use crate::u32_at;

/// The page of the first insert of the last log; all later changes of it are in the file.
fn last_changed_page(folder: &Folder) -> u32 {
    let last = folder.last_generation();
    let (_, piece) = folder.find(last, kind::INSERT);
    u32_at(folder.file(&folder.log(last)), piece.at + 4)
}

fn change_dbtime(folder: &mut Folder, change: fn(u64) -> u64) {
    folder.change_page(last_changed_page(folder), |page| {
        let dbtime = u64::from_le_bytes(page[8..16].try_into().unwrap());
        page[8..16].copy_from_slice(&change(dbtime).to_le_bytes());
    });
}

pub(super) const TABLE: &[LogMutation] = &[
    damaged_database(
        CLEAN,
        "page of a clean database older than its last logged change",
        &["page"],
        |folder| change_dbtime(folder, |dbtime| dbtime - 1),
    ),
    damaged_database(
        CLEAN,
        "page of a clean database newer than its last logged change",
        &["page"],
        |folder| change_dbtime(folder, |dbtime| dbtime + 1),
    ),
    damaged_database(CLEAN, "log signature of a clean database", &["signature"], |folder| {
        folder.change_database_header(|header| header[109] ^= 1);
    }),
    damaged_database(CLEAN, "generation needed that is not there", &["missing"], |folder| {
        folder.change_database_header(|header| {
            header[52] = 2;
            header[296..300].copy_from_slice(&4_u32.to_le_bytes());
            header[300..304].copy_from_slice(&6_u32.to_le_bytes());
        });
    }),
    damaged_database(CRASH, "log signature of the database", &["signature"], |folder| {
        folder.change_database_header(|header| header[109] ^= 1);
    }),
    damaged_database(CRASH, "needed generation removed", &["missing"], |folder| {
        let first = u32_at(folder.file(folder.database()), 296);
        folder.remove(&folder.log(first));
    }),
    damaged_database(CRASH, "last needed generation removed", &["missing"], |folder| {
        folder.remove(&folder.log(9));
    }),
    damaged_database(CRASH, "page older than any change in the logs", &["old"], |folder| {
        // A page that the logs never make anew: one of the space trees of the root.
        folder.change_page(2, |page| page[8..16].copy_from_slice(&1_u64.to_le_bytes()));
    }),
    damaged_database(CRASH, "page newer than any change in the logs", &["page"], |folder| {
        folder.change_page(4, |page| page[8..16].copy_from_slice(&(1_u64 << 40).to_le_bytes()));
    }),
];
