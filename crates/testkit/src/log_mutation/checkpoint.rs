//! Mutations of the checkpoint file.

use super::{Folder, LogMutation, damage, odd};

const FILE: &str = "edb.chk";

/// Changes one copy of the checkpoint, and seals it.
fn change(folder: &mut Folder, copy: usize, change: impl FnOnce(&mut [u8])) {
    let at = copy * 4096;
    change(&mut folder.edit(FILE)[at..at + 4096]);
    folder.seal_header(FILE, at);
}

fn change_both(folder: &mut Folder, bytes: impl Fn(&mut [u8])) {
    change(folder, 0, &bytes);
    change(folder, 1, &bytes);
}

pub(super) const TABLE: &[LogMutation] = &[
    odd("checkpoint: first copy", &["checkpoint"], |folder| folder.edit(FILE)[20] ^= 1),
    odd("checkpoint: second copy", &["checkpoint"], |folder| folder.edit(FILE)[4096 + 20] ^= 1),
    damage("checkpoint: both copies", &["checkpoint"], |folder| {
        folder.edit(FILE)[20] ^= 1;
        folder.edit(FILE)[4096 + 20] ^= 1;
    }),
    odd("checkpoint: copies differ", &["checkpoint"], |folder| {
        change(folder, 1, |block| block[14] ^= 1);
    }),
    damage("checkpoint: cut", &["checkpoint"], |folder| folder.edit(FILE).truncate(2000)),
    odd("checkpoint: second copy cut off", &["checkpoint"], |folder| {
        folder.edit(FILE).truncate(4096);
    }),
    damage("checkpoint: generation outside of the logs", &["checkpoint"], |folder| {
        change_both(folder, |block| block[16] = 99);
    }),
    damage("checkpoint: position behind the end of the log", &["checkpoint"], |folder| {
        change_both(folder, |block| {
            block[12..20].copy_from_slice(&[0, 0, 0x3C, 0, 9, 0, 0, 0]);
        });
    }),
    damage("checkpoint: log signature", &["checkpoint"], |folder| {
        change_both(folder, |block| block[22] ^= 1);
    }),
    damage("checkpoint: kind of file", &["checkpoint"], |folder| {
        change_both(folder, |block| block[667] = 3);
    }),
    damage("checkpoint: attach list", &["checkpoint"], |folder| {
        change_both(folder, |block| block[679] = 9);
    }),
];
