//! What a backup leaves in the header of the database when it is complete.
//!
//! | scope | goes into | and ends |
//! |---|---|---|
//! | full | the last full backup | the last incremental and differential ones |
//! | incremental | the last incremental backup | - |
//! | copy | the last copy | - |
//! | differential | the last differential backup | - |
//!
//! A backup that is older than what the header has is passed over. Source: ESE
//! `ErrLGRIRedoBackupUpdate` (logredo.cxx), `ErrBKUpdateHdrBackupInfo` (backup.cxx).

use ese_format::BackupInfo;
use ese_format::header::{BackupKind, DatabaseHeader};

/// Step of a backup in which headers are written.
pub(super) const UPDATE: u8 = 4;

const FULL: u8 = 1;
const INCREMENTAL: u8 = 2;
const COPY: u8 = 5;
const DIFFERENTIAL: u8 = 6;

/// Puts a backup into a header.
pub(super) fn update(header: &mut DatabaseHeader, kind: u32, scope: u8, info: BackupInfo) {
    let kind = match BackupKind(kind) {
        // For the header the snapshot of another machine is one.
        BackupKind::SURROGATE => BackupKind::VOLUME_SNAPSHOT,
        kind => kind,
    };
    let (last, last_kind) = match scope {
        FULL => (&mut header.full_backup, &mut header.full_backup_kind),
        INCREMENTAL => (&mut header.incremental_backup, &mut header.incremental_backup_kind),
        COPY => (&mut header.copy_backup, &mut header.copy_backup_kind),
        DIFFERENTIAL => (&mut header.differential_backup, &mut header.differential_backup_kind),
        _ => return,
    };
    if last.mark > info.mark {
        return;
    }
    (*last, *last_kind) = (info, kind);
    if scope == FULL {
        header.incremental_backup = BackupInfo::default();
        header.incremental_backup_kind = BackupKind::STREAMING;
        header.differential_backup = BackupInfo::default();
        header.differential_backup_kind = BackupKind::STREAMING;
    }
    if matches!(scope, FULL | INCREMENTAL) && kind == BackupKind::STREAMING {
        header.snapshot_backup = BackupInfo::default();
        header.incremental_backup_kind = BackupKind::STREAMING;
    }
}

#[cfg(test)]
mod tests {
    use ese_format::{LogGeneration, LogPosition};

    use super::*;

    fn info(generation: u32) -> BackupInfo {
        let generation = LogGeneration(generation);
        let mark = LogPosition { generation, sector: 1, byte: 0 };
        BackupInfo { mark, first_generation: generation, ..BackupInfo::default() }
    }

    #[test]
    fn a_full_backup_ends_the_increments_before_it() {
        let mut header = DatabaseHeader::parse(&[0; 4096]).unwrap();
        update(&mut header, 0, FULL, info(3));
        update(&mut header, 0, INCREMENTAL, info(5));
        update(&mut header, 3, COPY, info(6));
        assert_eq!(header.full_backup, info(3));
        assert_eq!(header.incremental_backup, info(5));
        assert_eq!((header.copy_backup, header.copy_backup_kind), (info(6), BackupKind(1)));
        update(&mut header, 0, FULL, info(7));
        assert_eq!(header.full_backup, info(7));
        assert_eq!(header.incremental_backup, BackupInfo::default());
        assert_eq!(header.copy_backup, info(6));
        update(&mut header, 0, FULL, info(2));
        update(&mut header, 0, 9, info(8));
        assert_eq!(header.full_backup, info(7));
    }
}
