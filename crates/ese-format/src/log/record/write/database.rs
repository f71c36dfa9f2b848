//! Writing the records of the life of a database.

use super::{Output, long_len, short};
use crate::log::record::{DatabaseAction, DatabaseRecord, RecordKind};

pub(super) fn kind(action: &DatabaseAction<'_>) -> RecordKind {
    match action {
        DatabaseAction::Create { .. } => RecordKind::CREATE_DB,
        DatabaseAction::CreateFinish { .. } => RecordKind::CREATE_DB_FINISH,
        DatabaseAction::Attach { .. } => RecordKind::ATTACH_DB,
        DatabaseAction::Detach { .. } => RecordKind::DETACH_DB,
        DatabaseAction::ReAttach { .. } => RecordKind::RE_ATTACH,
        DatabaseAction::SignalAttach => RecordKind::SIGNAL_ATTACH_DB,
        DatabaseAction::SetVersion { .. } => RecordKind::SET_DB_VERSION,
        DatabaseAction::Extend { .. } => RecordKind::EXTEND_DB,
        DatabaseAction::Shrink { dbtime: Some(_), .. } => RecordKind::SHRINK_DB3,
        DatabaseAction::Shrink { form: 1, .. } => RecordKind::SHRINK_DB,
        DatabaseAction::Shrink { .. } => RecordKind::SHRINK_DB2,
        DatabaseAction::Trim { .. } => RecordKind::TRIM_DB,
        DatabaseAction::RootMove { .. } => RecordKind::ROOT_PAGE_MOVE,
        DatabaseAction::NewPage { .. } => RecordKind::NEW_PAGE,
    }
}

pub(super) fn record(record: &DatabaseRecord<'_>, out: &mut Output<'_>) {
    let database = record.database;
    match record.action {
        DatabaseAction::Create { session, grbit, max_pages, signature, flags, version, path } => {
            let (path, len) = short(path);
            let flags = flags & !DatabaseAction::CREATE_VERSION
                | version.map_or(0, |_| DatabaseAction::CREATE_VERSION);
            out.put(session).put(database).put(grbit).put(max_pages).put(signature).put(len);
            out.put(flags);
            out.optional(version.map(|(version, _)| version));
            out.optional(version.map(|(_, update)| update)).bytes(path);
        }
        DatabaseAction::CreateFinish { session } => {
            out.put(session).put(database);
        }
        DatabaseAction::Attach {
            session,
            max_pages,
            consistent,
            signature,
            log_signature,
            flags,
            path,
        } => {
            let (path, len) = short(path);
            out.put(session).put(database).put(max_pages).put(consistent).put(signature);
            out.put(log_signature).put(len).put(flags).bytes(path);
        }
        DatabaseAction::Detach { session, flags, path } => {
            let (path, len) = short(path);
            out.put(session).put(database).put(len).put(flags).bytes(path);
        }
        DatabaseAction::ReAttach { attach, consistent, signature, rest } => {
            out.put(long_len(rest.len().saturating_add(45))).put(database);
            out.put(attach).put(consistent).put(signature).bytes(rest);
        }
        DatabaseAction::SignalAttach => {
            out.put(database);
        }
        DatabaseAction::SetVersion { major, update_major, update_minor } => {
            out.put(database).put(major).put(update_major).put(update_minor);
        }
        DatabaseAction::Extend { last, rest } => {
            out.put(long_len(rest.len().saturating_add(5))).put(database).put(last).bytes(rest);
        }
        DatabaseAction::Shrink { last, pages, form: _, dbtime } => {
            out.put(database).put(last).put(pages).optional(dbtime);
        }
        DatabaseAction::Trim { first, pages } => {
            out.put(database).put(first).put(pages);
        }
        DatabaseAction::RootMove { session, objid, after } => {
            out.put(after).put(database).put(objid).put(session);
        }
        DatabaseAction::NewPage { session, page, objid, after } => {
            out.put(session).put(database).put(page).put(objid).put(after);
        }
    }
}
