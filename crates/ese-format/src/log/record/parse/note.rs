//! Reading the records that a replay reads past.
//!
//! Source: ESE `LRTRACE`, `LRLOGBACKUP`, `LRMACROINFO2`, `LRCOMMITCTX`, `LRSCANCHECK2` and the
//! others of that kind (logapi.hxx).

use super::Input;
use crate::log::record::{NoteRecord, RecordError, RecordKind};

pub(super) fn record(input: Input<'_>) -> Result<NoteRecord<'_>, RecordError> {
    let session = input.get(1);
    Ok(match input.kind {
        RecordKind::NOP => NoteRecord::Nop,
        RecordKind::NOP2 => NoteRecord::Nop2(input.from(5)),
        RecordKind::TRACE => NoteRecord::Trace { session, text: input.from(5) },
        RecordKind::FORCE_LOG_ROLLOVER => {
            NoteRecord::ForceRollover { session, text: input.from(5) }
        }
        RecordKind::FORCE_WRITE_LOG => NoteRecord::ForceWrite { session },
        RecordKind::JET_OP => NoteRecord::JetOperation { session, operation: input.get(3) },
        RecordKind::MACRO_INFO | RecordKind::MACRO_INFO2 => macro_info(input)?,
        RecordKind::COMMIT_CTX => {
            input.need(7)?;
            NoteRecord::CommitContext { session: input.get(5), context: input.from(7) }
        }
        RecordKind::SCAN_CHECK | RecordKind::SCAN_CHECK2 => scan_check(input)?,
        RecordKind::FREE_FDP => {
            input.need(15)?;
            NoteRecord::FreeTree {
                database: input.get(5),
                root: input.get(6),
                commit: input.get(10),
                tree: input.get(14),
                rest: input.from(15),
            }
        }
        RecordKind::EXTENT_FREED | RecordKind::EXTENT_FREED2 => NoteRecord::ExtentFreed {
            database: input.get(1),
            first: input.get(2),
            pages: input.get(6),
            flags: input.get(10),
            dbtime: (input.kind == RecordKind::EXTENT_FREED2).then(|| input.get(11)),
        },
        RecordKind::PAGE_PATCH_REQUEST => NoteRecord::PagePatchRequest {
            database: input.get(1),
            page: input.get(2),
            dbtime: input.get(6),
            reserved: input.from(14),
        },
        RecordKind::BACKUP2 => NoteRecord::Backup {
            phase: input.get(1),
            kind: input.get(2),
            scope: input.get(6),
            database: input.get(7),
            info: input.get(8),
            reserved: input.get(32),
            path: input.from(35),
        },
        RecordKind::FULL_BACKUP | RecordKind::INC_BACKUP => {
            NoteRecord::OldBackup { kind: input.kind.0, step: (0, 0), path: input.from(3) }
        }
        RecordKind::BACKUP => NoteRecord::OldBackup {
            kind: input.kind.0,
            step: (input.get(1), input.get(2)),
            path: input.from(5),
        },
        RecordKind::EXT_RESTORE | RecordKind::EXT_RESTORE2 => NoteRecord::ExternalRestore {
            wide: input.kind == RecordKind::EXT_RESTORE2,
            paths: input.from(3),
        },
        RecordKind::CHECKSUM => NoteRecord::Checksum(input.from(1)),
        kind if kind.is_skippable() => NoteRecord::Ignored { kind: kind.0, content: input.from(5) },
        kind => NoteRecord::Obsolete { kind: kind.0, content: input.from(1) },
    })
}

fn macro_info(input: Input<'_>) -> Result<NoteRecord<'_>, RecordError> {
    if input.kind == RecordKind::MACRO_INFO {
        let mut parts = input.parts(5);
        let pages = parts.take(parts.0.len() / 4 * 4);
        return Ok(NoteRecord::MacroInfo { database: None, pages, rest: parts.0 });
    }
    input.need(10)?;
    let len = input.long_len_at(6).saturating_mul(4);
    input.need(len.saturating_add(10))?;
    let mut parts = input.parts(10);
    let pages = parts.take(len);
    Ok(NoteRecord::MacroInfo { database: Some(input.get(5)), pages, rest: parts.0 })
}

fn scan_check(input: Input<'_>) -> Result<NoteRecord<'_>, RecordError> {
    if input.kind == RecordKind::SCAN_CHECK2 {
        return Ok(NoteRecord::ScanCheck {
            database: input.get(1),
            page: input.get(2),
            page_time: input.get(7),
            current: input.get(15),
            around: None,
            source: Some(input.get(6)),
            checksum: input.get(23),
            rest: &[],
        });
    }
    input.need(44)?;
    Ok(NoteRecord::ScanCheck {
        database: input.get(5),
        page: input.get(6),
        page_time: input.get(10),
        current: input.get(18),
        around: Some((input.get(26), input.get(34))),
        source: None,
        checksum: u32::from(input.get::<u16>(42)),
        rest: input.from(44),
    })
}
