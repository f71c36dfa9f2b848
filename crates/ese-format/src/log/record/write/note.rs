//! Writing the records that a replay reads past.

use super::{Output, long_len, short};
use crate::log::record::{NoteRecord, RecordKind};

pub(super) fn kind(note: &NoteRecord<'_>) -> RecordKind {
    match note {
        NoteRecord::Nop => RecordKind::NOP,
        NoteRecord::Nop2(_) => RecordKind::NOP2,
        NoteRecord::Trace { .. } => RecordKind::TRACE,
        NoteRecord::ForceRollover { .. } => RecordKind::FORCE_LOG_ROLLOVER,
        NoteRecord::ForceWrite { .. } => RecordKind::FORCE_WRITE_LOG,
        NoteRecord::JetOperation { .. } => RecordKind::JET_OP,
        NoteRecord::MacroInfo { database: None, .. } => RecordKind::MACRO_INFO,
        NoteRecord::MacroInfo { .. } => RecordKind::MACRO_INFO2,
        NoteRecord::CommitContext { .. } => RecordKind::COMMIT_CTX,
        NoteRecord::ScanCheck { around: Some(_), .. } => RecordKind::SCAN_CHECK,
        NoteRecord::ScanCheck { .. } => RecordKind::SCAN_CHECK2,
        NoteRecord::FreeTree { .. } => RecordKind::FREE_FDP,
        NoteRecord::ExtentFreed { dbtime: None, .. } => RecordKind::EXTENT_FREED,
        NoteRecord::ExtentFreed { .. } => RecordKind::EXTENT_FREED2,
        NoteRecord::PagePatchRequest { .. } => RecordKind::PAGE_PATCH_REQUEST,
        NoteRecord::Backup { .. } => RecordKind::BACKUP2,
        NoteRecord::ExternalRestore { wide: false, .. } => RecordKind::EXT_RESTORE,
        NoteRecord::ExternalRestore { .. } => RecordKind::EXT_RESTORE2,
        NoteRecord::Checksum(_) => RecordKind::CHECKSUM,
        NoteRecord::OldBackup { kind, .. }
        | NoteRecord::Ignored { kind, .. }
        | NoteRecord::Obsolete { kind, .. } => RecordKind(*kind),
    }
}

pub(super) fn record(note: &NoteRecord<'_>, out: &mut Output<'_>) {
    match *note {
        NoteRecord::Nop => {}
        NoteRecord::Nop2(content) | NoteRecord::Ignored { content, .. } => {
            out.put(long_len(content.len())).bytes(content);
        }
        NoteRecord::Trace { session, text } | NoteRecord::ForceRollover { session, text } => {
            let (text, len) = short(text);
            out.put(session).put(len).bytes(text);
        }
        NoteRecord::ForceWrite { session } => {
            out.put(session);
        }
        NoteRecord::JetOperation { session, operation } => {
            out.put(session).put(operation);
        }
        NoteRecord::MacroInfo { database: None, pages, rest } => {
            let len = pages.len().saturating_add(rest.len());
            out.put(long_len(len)).bytes(pages).bytes(rest);
        }
        NoteRecord::MacroInfo { database: Some(database), pages, rest } => {
            let len = pages.len().saturating_add(rest.len()).saturating_add(5);
            out.put(long_len(len)).put(database).put(long_len(pages.len() / 4));
            out.bytes(pages).bytes(rest);
        }
        NoteRecord::CommitContext { session, context } => {
            let len = context.len().saturating_add(2);
            out.put(long_len(len)).put(session).bytes(context);
        }
        NoteRecord::FreeTree { database, root, commit, tree, rest } => {
            let len = rest.len().saturating_add(10);
            out.put(long_len(len)).put(database).put(root).put(commit).put(tree).bytes(rest);
        }
        NoteRecord::ExtentFreed { database, first, pages, flags, dbtime } => {
            out.put(database).put(first).put(pages).put(flags).optional(dbtime);
        }
        NoteRecord::PagePatchRequest { database, page, dbtime, reserved } => {
            out.put(database).put(page).put(dbtime).padded(reserved, 32);
        }
        NoteRecord::Backup { phase, kind, scope, database, info, reserved, path } => {
            let (path, len) = short(path);
            out.put(phase).put(kind).put(scope).put(database).put(info).put(reserved);
            out.put(len).bytes(path);
        }
        NoteRecord::OldBackup { kind, step, path } => {
            let (path, len) = short(path);
            if RecordKind(kind) == RecordKind::BACKUP {
                out.put(step.0).put(step.1);
            }
            out.put(len).bytes(path);
        }
        NoteRecord::ExternalRestore { wide: _, paths } => {
            let (paths, len) = short(paths);
            out.put(len).bytes(paths);
        }
        NoteRecord::Checksum(content) => {
            out.padded(content, 21);
        }
        NoteRecord::Obsolete { content, .. } => {
            out.bytes(content);
        }
        NoteRecord::ScanCheck { .. } => scan_check(note, out),
    }
}

fn scan_check(note: &NoteRecord<'_>, out: &mut Output<'_>) {
    let &NoteRecord::ScanCheck {
        database,
        page,
        page_time,
        current,
        around,
        source,
        checksum,
        rest,
    } = note
    else {
        return;
    };
    let Some((before, after)) = around else {
        out.put(database).put(page).put(source.unwrap_or_default());
        out.put(page_time).put(current).put(checksum);
        return;
    };
    let [low, high, ..] = checksum.to_le_bytes();
    out.put(long_len(rest.len().saturating_add(39))).put(database).put(page);
    out.put(page_time).put(current).put(before).put(after);
    out.bytes(&[low, high]).bytes(rest);
}
