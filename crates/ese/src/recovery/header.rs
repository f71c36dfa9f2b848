//! The header of a database after its recovery.
//!
//! | field | after recovery |
//! |---|---|
//! | state | clean |
//! | consistent, detach: position | the mark of the intended end of the log |
//! | consistent, detach: time | now, the same |
//! | dbtime, last object id | the highest that were given out |
//! | required, committed, consistent generations and their times | 0 |
//! | generation being replayed, generations before redo | 0 |
//! | position of the last resize | that of the mark, if the format has it |
//! | current backup, snapshot | none; with them the last incremental backup |
//! | full, incremental, copy, differential backup | none after a restore |
//! | signatures of header and flush map | none |
//! | everything else | as it was |
//!
//! The flush map is a cache of how often each page was written. It is not kept here. Without a
//! signature in the header the engine takes no flush map to belong to the database: it deletes one
//! that is there and makes a new one.
//!
//! Source: ESE `ErrIOTermUpdateAndWriteDatabaseHeader` (io.cxx), `DBFILEHDR::SetDbstate`
//! (daedef.hxx), `FCheckForDbFmConsistency_` (flushmap.cxx).

use ese_format::header::{BackupKind, DatabaseHeader, DatabaseState};
use ese_format::{BackupInfo, DbTime, LogGeneration, LogPosition, LogTime, Signature};

/// What the end of a recovery says about the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanEnd {
    /// The mark of the intended end of the log.
    pub mark: LogPosition,
    /// When.
    pub time: LogTime,
    /// The highest dbtime that was given out.
    pub dbtime: DbTime,
    /// The highest object id that was given out.
    pub last_objid: u32,
    /// Whether it was a restore from a streaming backup.
    pub hard: bool,
}

/// The header of a database that was shut down at `end`, from the one before.
pub fn clean(header: &DatabaseHeader, end: &CleanEnd) -> DatabaseHeader {
    let mut clean = header.clone();
    let none = LogGeneration(0);
    clean.state = DatabaseState::CLEAN_SHUTDOWN;
    clean.dbtime = DbTime(end.dbtime.0.max(header.dbtime.0));
    clean.last_objid = end.last_objid.max(header.last_objid);
    (clean.consistent_position, clean.detach_position) = (end.mark, end.mark);
    (clean.consistent_time, clean.detach_time) = (end.time, end.time);
    if !header.resize_position.is_unset() {
        clean.resize_position = end.mark;
    }
    (clean.min_required, clean.max_required, clean.max_committed) = (none, none, none);
    (clean.max_required_time, clean.max_committed_time) = (LogTime::UNSET, LogTime::UNSET);
    (clean.min_consistent, clean.recovering) = (none, none);
    (clean.pre_redo_min_consistent, clean.pre_redo_min_required) = (none, none);
    if header.current_backup.first_generation != none {
        clean.current_backup = BackupInfo::default();
        clean.incremental_backup = BackupInfo::default();
    }
    clean.snapshot_backup = BackupInfo::default();
    if end.hard {
        clean.full_backup = BackupInfo::default();
        clean.incremental_backup = BackupInfo::default();
        clean.copy_backup = BackupInfo::default();
        clean.differential_backup = BackupInfo::default();
        clean.full_backup_kind = BackupKind::STREAMING;
        clean.incremental_backup_kind = BackupKind::STREAMING;
    }
    clean.header_flush_signature = Signature::NONE;
    clean.flush_map_signature = Signature::NONE;
    clean
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ese_format::header::{FIELDS, read_shadowed};

    use super::*;

    /// What cannot be the same: counters of a run, signatures of each write.
    const OF_THE_RUN: [&str; 5] = [
        "checksum",
        "extend_count",
        "extend_time",
        "header_flush_signature",
        "flush_map_signature",
    ];

    fn compare(before: &str, after: &str, hard: bool) {
        let Some(corpus) = testkit::corpus() else { return };
        let read = |name: &str| {
            let bytes = fs::read(corpus.unpacked().join(name)).unwrap();
            read_shadowed(&bytes[..bytes.len().min(1 << 16)]).unwrap().header
        };
        let (before, after) = (read(before), read(after));
        let end = CleanEnd {
            mark: after.consistent_position,
            time: after.consistent_time,
            dbtime: after.dbtime,
            last_objid: after.last_objid,
            hard,
        };
        let clean = clean(&before, &end);
        assert!(clean.is_clean());
        for field in FIELDS.iter().filter(|field| !OF_THE_RUN.contains(&field.name)) {
            assert_eq!(field.value(&clean), field.value(&after), "{}", field.name);
        }
    }

    #[test]
    fn header_is_that_of_the_engine() {
        for set in ["8k_a", "8k_b", "8k_c", "8k_d", "8k_e", "8k_f", "8k_new", "4k_a", "32k_a"] {
            let name = |file: &str| format!("crash_{set}/{file}/test.edb");
            compare(&name("files"), &name("recovered"), false);
        }
    }

    #[test]
    fn header_after_a_restore_is_that_of_the_engine() {
        compare("backup_8k/files/full/test.edb", "backup_8k/restored/test.edb", true);
    }
}
